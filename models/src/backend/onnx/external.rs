//! Data that a model keeps in files beside it: read into the model here, from the version's own folder only.
//!
//! The engine never sees a path. A location that is absolute, climbs with `..` or leads out through a link is
//! refused before anything is opened (ONNX, "External Data"; CVE-2022-25882 and CVE-2024-27318 are of this kind).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{ModelProto, TensorProto};

use super::check::{byte_count, each_tensor, each_tensor_mut};
use super::file::{Origin, graph, graph_mut};
use super::values::of_file;
use crate::error::LoadError;
use crate::package::files::is_ignored;

/// How often the bytes of a file may be used by several tensors before the model counts as an attempt to exhaust
/// memory. Tied weights use theirs twice.
const REUSE: u64 = 4;

/// Whether a tensor's elements lie in another file.
pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::External as i32)
}

/// The sizes of all files that a model keeps data in, together, in bytes.
fn total_size(proto: &ModelProto, origin: &Origin) -> Result<u64, LoadError> {
    let mut sizes = BTreeMap::new();
    let mut result = Ok(());
    each_tensor(graph(proto), &mut |tensor| {
        if result.is_ok() && is_external(tensor) {
            result = locate(tensor, origin).map(|found| {
                sizes.insert(found.path, found.size);
            });
        }
    });
    result.map(|()| sizes.values().sum())
}

/// Reads every external tensor's elements into the model.
///
/// # Errors
/// [`LoadError::Invalid`] naming tensor and location where the data is missing, too short or lies outside the
/// version's folder; [`LoadError::Read`] where it cannot be read.
pub(super) fn resolve(proto: &mut ModelProto, origin: &Origin) -> Result<(), LoadError> {
    let mut files: BTreeMap<PathBuf, File> = BTreeMap::new();
    let mut allowance = total_size(proto, origin)?.saturating_mul(REUSE);
    let mut result = Ok(());
    each_tensor_mut(graph_mut(proto), &mut |tensor| {
        if result.is_ok() && is_external(tensor) {
            result = read(tensor, origin, &mut files, &mut allowance);
        }
    });
    result
}

/// The files that a model keeps weights in, by the location that it gives.
pub(super) type Files = BTreeMap<String, PathBuf>;

/// Finds every file that a model keeps data in, with everything checked that [`resolve`] checks, for an engine that
/// is given the files' contents.
///
/// # Errors
/// As [`resolve`]; [`LoadError::Unsupported`] where anything but an initializer lies in a file.
#[cfg(feature = "onnxruntime")]
pub(super) fn files(proto: &ModelProto, origin: &Origin) -> Result<Files, LoadError> {
    let mut allowance = total_size(proto, origin)?.saturating_mul(REUSE);
    let mut files = Files::new();
    let mut tensors = 0;
    let mut result = Ok(());
    each_tensor(graph(proto), &mut |tensor| {
        if result.is_ok() && is_external(tensor) {
            tensors += 1;
            result = locate(tensor, origin).and_then(|found| {
                fits(tensor, &found, origin, &mut allowance)?;
                let location = tensor.external_data.iter().find(|e| e.key == "location");
                files.insert(
                    location.map_or_else(String::new, |e| e.value.clone()),
                    found.path,
                );
                Ok(())
            });
        }
    });
    result?;
    let initializers = graph(proto).initializer.iter();
    if initializers.filter(|tensor| is_external(tensor)).count() != tensors {
        return Err(LoadError::Unsupported {
            what: format!(
                "{}: constants of the graph lie in other files",
                origin.path.display()
            ),
            remedy: "save it with `convert_attribute=False` (`onnx.save_model`), so that only initializers do".into(),
        });
    }
    Ok(files)
}

/// A part of a file in the version's folder.
struct Found {
    path: PathBuf,
    size: u64,
    offset: u64,
    length: u64,
}

fn read(
    tensor: &mut TensorProto,
    origin: &Origin,
    files: &mut BTreeMap<PathBuf, File>,
    allowance: &mut u64,
) -> Result<(), LoadError> {
    let found = locate(tensor, origin)?;
    fits(tensor, &found, origin, allowance)?;
    let wrong =
        |what: String| origin.invalid(format!("external data of tensor '{}': {what}", tensor.name));
    let failed = |source| LoadError::Read {
        path: found.path.clone(),
        source,
    };
    let file = match files.entry(found.path.clone()) {
        std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
        std::collections::btree_map::Entry::Vacant(slot) => {
            slot.insert(File::open(&found.path).map_err(failed)?)
        }
    };
    file.seek(SeekFrom::Start(found.offset)).map_err(failed)?;
    let capacity = usize::try_from(found.length)
        .map_err(|_| wrong(format!("{} bytes do not fit in memory", found.length)))?;
    let mut bytes = Vec::with_capacity(capacity);
    file.take(found.length)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() != capacity {
        return Err(wrong(format!(
            "expected {capacity} bytes, got {}",
            bytes.len()
        )));
    }
    tensor.raw_data = bytes;
    tensor.data_location = None;
    tensor.external_data.clear();
    Ok(())
}

/// That a part is as long as the tensor needs, and that no file is used over and over.
fn fits(
    tensor: &TensorProto,
    found: &Found,
    origin: &Origin,
    allowance: &mut u64,
) -> Result<(), LoadError> {
    let wrong =
        |what: String| origin.invalid(format!("external data of tensor '{}': {what}", tensor.name));
    // A datatype that the protocol lacks has no size here; the engine that takes it knows it.
    let known = of_file(tensor.data_type).is_some();
    if known && byte_count(tensor) != Some(found.length) {
        return Err(wrong(format!(
            "expected the bytes of shape {:?}, got {} bytes",
            tensor.dims, found.length
        )));
    }
    *allowance = allowance.checked_sub(found.length).ok_or_else(|| {
        wrong(format!(
            "expected each file to be used at most {REUSE} times over, got more"
        ))
    })?;
    Ok(())
}

/// Where a tensor's elements lie, with everything checked that can be without reading them.
fn locate(tensor: &TensorProto, origin: &Origin) -> Result<Found, LoadError> {
    let wrong =
        |what: String| origin.invalid(format!("external data of tensor '{}': {what}", tensor.name));
    let value = |key: &str| {
        let entry = tensor.external_data.iter().find(|e| e.key == key);
        entry.map(|e| e.value.as_str())
    };
    let number = |key: &str| -> Result<Option<u64>, LoadError> {
        let parsed = value(key).map(str::parse).transpose();
        parsed.map_err(|_| {
            wrong(format!(
                "expected {key} to be a whole number, got {:?}",
                value(key)
            ))
        })
    };
    let location =
        value("location").ok_or_else(|| wrong("expected a location, got none".into()))?;
    let dir = origin.dir.as_deref().ok_or_else(|| {
        wrong(format!(
            "the model was given without a folder, so '{location}' cannot be read"
        ))
    })?;
    let path = inside(dir, location).map_err(wrong)?;
    let meta = path.metadata().map_err(|source| LoadError::Read {
        path: path.clone(),
        source,
    })?;
    if !meta.is_file() {
        return Err(wrong(format!(
            "expected a file, got '{location}', which is none"
        )));
    }
    let size = meta.len();
    let offset = number("offset")?.unwrap_or(0);
    let rest = size.checked_sub(offset);
    let length = number("length")?.or(rest).unwrap_or(0);
    if rest.is_none_or(|rest| length > rest) {
        return Err(wrong(format!(
            "expected {length} bytes from {offset} in '{location}', got a file of {size} bytes"
        )));
    }
    Ok(Found {
        path,
        size,
        offset,
        length,
    })
}

/// The canonical path of a location, where that is inside the folder.
fn inside(dir: &Path, location: &str) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    // Hidden and temporary files are no part of a version: its digest does not cover them.
    let plain = |c: Component<'_>| match c {
        Component::Normal(name) => name.to_str().is_some_and(|name| !is_ignored(name)),
        Component::CurDir => true,
        _ => false,
    };
    if location.is_empty() || !relative.components().all(plain) {
        return Err(format!(
            "expected a location inside the version's folder, neither hidden nor temporary, got '{}'",
            location.escape_debug()
        ));
    }
    // An empty folder is what `Path::parent` says of a bare file name.
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let found = |path: &Path| {
        path.canonicalize()
            .map_err(|e| format!("cannot find '{location}' beside the model: {e}"))
    };
    let (dir, path) = (found(dir)?, found(&dir.join(relative))?);
    if path.starts_with(&dir) {
        Ok(path)
    } else {
        Err(format!(
            "expected a location inside the version's folder, got '{location}', which leads out of it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_stays_inside() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("1");
        std::fs::create_dir_all(dir.join("data")).unwrap();
        std::fs::write(dir.join("data/w"), b"1234").unwrap();
        std::fs::write(outer.path().join("secret"), b"1234").unwrap();
        for good in ["data/w", "./data/w", "data/./w"] {
            assert!(inside(&dir, good).is_ok(), "{good}");
        }
        let absolute = outer.path().join("secret");
        std::fs::write(dir.join(".w"), b"1234").unwrap();
        std::fs::write(dir.join("w.part"), b"1234").unwrap();
        for bad in [
            "",
            ".w",
            "w.part",
            "../secret",
            "data/../../secret",
            "/etc/passwd",
            absolute.to_str().unwrap(),
            "none",
        ] {
            assert!(inside(&dir, bad).is_err(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_refused() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("1");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(outer.path().join("secret"), b"1234").unwrap();
        std::fs::write(dir.join("w"), b"1234").unwrap();
        symlink("../secret", dir.join("out")).unwrap();
        symlink(outer.path(), dir.join("folder")).unwrap();
        symlink("w", dir.join("in")).unwrap();
        assert!(inside(&dir, "in").is_ok());
        for bad in ["out", "folder/secret"] {
            let what = inside(&dir, bad).unwrap_err();
            assert!(what.contains("leads out"), "{what}");
        }
    }
}
