//! A weights file: safetensors, a PyTorch state dict or a Burn record, as named tensors that are read on demand.
//!
//! Files come from users and may be broken or hostile, so a tensor's size is held against the file's before its
//! bytes are read. Reading a `.pt` interprets the pickle's data only: burn-store's reader knows the few classes
//! that tensors are made of and runs none of the pickle's code. What the tensors mean is `network`'s business.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor};
use burn_store::burn_pack::{self, MAGIC_NUMBER};
use burn_store::pytorch_reader::PytorchReader;
use burn_store::{ModuleStore, SafetensorsStore, bridge};
use serde::Deserialize;

use super::spec::{Layout, nearest};
use crate::error::LoadError;

/// The tensors of one file, by name.
pub(super) struct Weights {
    path: PathBuf,
    file_bytes: u64,
    /// Bytes read so far: names may share bytes, but not without bound.
    read_bytes: u64,
    layout: Layout,
    tensors: BTreeMap<String, Entry>,
}

struct Entry {
    tensor: burn_pack::Tensor,
    taken: bool,
}

/// What the first bytes of a file say it is.
enum Format {
    Safetensors,
    Pytorch,
    Record,
}

impl Weights {
    /// Opens a file and reads its table of contents. Names outside `prefix` are left out, the others lose it.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read, is none of the three formats, or is damaged.
    pub(super) fn open(
        path: &Path,
        layout: Option<Layout>,
        prefix: Option<&str>,
    ) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(read)?;
        let file_bytes = file.metadata().map_err(read)?.len();
        let mut head = Vec::new();
        (&mut file).take(16).read_to_end(&mut head).map_err(read)?;
        drop(file);

        let (tensors, own_layout) = match format(path, &head)? {
            Format::Safetensors => safetensors(path)?,
            Format::Pytorch => {
                let reader = PytorchReader::new(path).map_err(|e| invalid(path, chain(&e)))?;
                let tensors = reader.into_tensors().into_values();
                (tensors.map(bridge::from_pytorch).collect(), Layout::Torch)
            }
            Format::Record => {
                let reader = burn_pack::Reader::from_file_exact(path);
                let tensors = reader.and_then(burn_pack::Reader::into_tensors);
                (
                    tensors.map_err(|e| invalid(path, e.to_string()))?,
                    Layout::Burn,
                )
            }
        };
        let prefix = prefix.map(|p| format!("{}.", p.trim_end_matches('.')));
        let named = tensors.into_iter().filter_map(|tensor| {
            let name = match &prefix {
                Some(prefix) => tensor.name.strip_prefix(prefix.as_str())?.to_owned(),
                None => tensor.name.clone(),
            };
            let taken = false;
            Some((name, Entry { tensor, taken }))
        });
        let weights = Self {
            path: path.to_owned(),
            file_bytes,
            read_bytes: 0,
            layout: layout.unwrap_or(own_layout),
            tensors: named.collect(),
        };
        if weights.tensors.is_empty() {
            let below = prefix.map_or_else(String::new, |p| format!(" below '{p}'"));
            return Err(weights.invalid(format!("expected named tensors, found none{below}")));
        }
        Ok(weights)
    }

    /// How the file stores a linear layer's matrix.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor's shape, without reading it.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] when there is none of this name or it has another rank.
    pub(super) fn shape<const D: usize>(&self, name: &str) -> Result<[usize; D], LoadError> {
        let entry = self.tensors.get(name).ok_or_else(|| self.missing(name))?;
        <[usize; D]>::try_from(entry.tensor.shape.to_vec()).map_err(|shape| {
            self.invalid(format!(
                "tensor '{name}': expected {D} axes, got shape {shape:?}"
            ))
        })
    }

    /// A tensor's shape of any rank, without reading it.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] when there is none of this name.
    pub(super) fn any_shape(&self, name: &str) -> Result<Vec<usize>, LoadError> {
        let entry = self.tensors.get(name).ok_or_else(|| self.missing(name))?;
        Ok(entry.tensor.shape.to_vec())
    }

    /// Reads a tensor as single precision; `shape` must hold as many elements as the file's own shape.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] when it is missing, not of floats, larger than the file, or damaged.
    pub(super) fn read<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, LoadError> {
        let values = self.floats(name)?;
        let data = burn::tensor::TensorData::new(values, shape);
        Ok(Tensor::from_data(data, (device, DType::F32)))
    }

    /// Reads a tensor's elements as single precision.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn floats(&mut self, name: &str) -> Result<Vec<f32>, LoadError> {
        let entry = self.tensors.get(name).ok_or_else(|| self.missing(name))?;
        let dtype = entry.tensor.dtype;
        if !matches!(dtype, DType::F32 | DType::F64 | DType::F16 | DType::BF16) {
            return Err(self.invalid(format!(
                "tensor '{name}': expected F32, F64, F16 or BF16, got {}",
                dtype.name()
            )));
        }
        // A view in a pickle can repeat a few bytes into any size, and many names can share bytes.
        let bytes = entry.tensor.byte_len() as u64;
        let total = self.read_bytes.saturating_add(bytes);
        let most = self.file_bytes.saturating_mul(4);
        let claim = if bytes > self.file_bytes {
            Some(format!("tensor '{name}' claims {bytes} bytes"))
        } else if total > most {
            Some(format!(
                "tensor '{name}': the tensors up to it claim {total} bytes"
            ))
        } else {
            None
        };
        if let Some(claim) = claim {
            let file = self.file_bytes;
            return Err(self.invalid(format!("{claim}, but the file has {file}")));
        }
        let values = bridge::to_data(&entry.tensor)
            .map_err(|e| e.to_string())
            .and_then(|data| data.try_into_vec_as::<f32>().map_err(|e| e.to_string()))
            .map_err(|e| self.invalid(format!("tensor '{name}': {e}")))?;
        self.read_bytes = total;
        if let Some(entry) = self.tensors.get_mut(name) {
            entry.taken = true;
        }
        Ok(values)
    }

    /// Names that no layer took; a batch norm's count of training steps is never missed.
    pub(super) fn extra(&self) -> Vec<&str> {
        let extra = self.tensors.iter().filter(|(_, entry)| !entry.taken);
        extra
            .map(|(name, _)| name.as_str())
            .filter(|name| !name.ends_with("num_batches_tracked"))
            .collect()
    }

    /// An error about this file.
    pub(super) fn invalid(&self, what: String) -> LoadError {
        invalid(&self.path, what)
    }

    fn missing(&self, name: &str) -> LoadError {
        let hint = match nearest(name, self.tensors.keys().map(String::as_str)) {
            Some(near) => format!("; did you mean '{near}'?"),
            None => String::new(),
        };
        let names: Vec<_> = self.tensors.keys().map(String::as_str).collect();
        self.invalid(format!(
            "tensor '{name}' is missing: the file has {}{hint}",
            some(&names)
        ))
    }
}

/// The first few of many names.
pub(super) fn some(names: &[&str]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> = names.iter().take(MOST).map(|n| format!("'{n}'")).collect();
    let more = names.len().saturating_sub(MOST);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{tail}", shown.join(", "))
}

fn format(path: &Path, head: &[u8]) -> Result<Format, LoadError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    if head.starts_with(&MAGIC_NUMBER.to_le_bytes()) {
        Ok(Format::Record)
    } else if head.get(8) == Some(&b'{') && !matches!(extension, "pt" | "pth") {
        Ok(Format::Safetensors)
    } else if head.starts_with(b"PK") || matches!(extension, "pt" | "pth") {
        Ok(Format::Pytorch)
    } else if matches!(extension, "mpk" | "gz") {
        Err(LoadError::Unsupported {
            what: format!(
                "{}: Burn records of versions before 0.22 cannot be read",
                path.display()
            ),
            remedy: "save the module again with Burn 0.22 (`into_record().save(\"model.bpk\")`) \
                     or as safetensors"
                .into(),
        })
    } else {
        Err(invalid(
            path,
            "expected safetensors, a PyTorch state dict or a Burn record, got something else"
                .into(),
        ))
    }
}

/// Reads the whole file first: a memory map would crash the process if the file were cut short meanwhile.
fn safetensors(path: &Path) -> Result<(Vec<burn_pack::Tensor>, Layout), LoadError> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(default, rename = "__metadata__")]
        metadata: BTreeMap<String, String>,
    }
    let bytes = fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let header = bytes.split_first_chunk::<8>().and_then(|(length, rest)| {
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        serde_json::from_slice::<Header>(rest.get(..length)?).ok()
    });
    let Some(header) = header else {
        return Err(invalid(
            path,
            "expected a safetensors header, got none that can be read".into(),
        ));
    };
    let layout = match header.metadata.get("producer").map(String::as_str) {
        Some("burn") => Layout::Burn,
        _ => Layout::Torch,
    };
    let mut store = SafetensorsStore::from_bytes(Some(bytes));
    let tensors = store
        .get_all_tensors()
        .map_err(|e| invalid(path, e.to_string()))?;
    Ok((tensors.values().cloned().collect(), layout))
}

fn invalid(path: &Path, what: String) -> LoadError {
    LoadError::Invalid {
        path: path.to_owned(),
        what,
    }
}

/// An error's message with those of its causes, as far as it does not repeat them itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
