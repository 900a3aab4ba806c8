//! The engine's `Loader` and the `Model` it makes from a declared architecture and a weights file.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use burn::tensor::Device;

use super::convert::{longs, singles};
use super::network::Network;
use super::spec::{Backend, ExtraWeights, Spec};
use super::weights::{Weights, some};
use crate::contract::{Batching, Contract, Dim, Port};
use crate::error::{InferError, LoadError};
use crate::loader::{Estimate, Loader, Model};
use crate::package::Package;
use crate::tensor::{DataType, Tensor};

const ENGINE: &str = "burn";

/// Loads architectures that `model.toml` declares in its `[burn]` table.
#[derive(Clone, Copy, Debug, Default)]
pub struct BurnLoader;

/// A loaded network.
#[derive(Debug)]
struct BurnModel {
    contract: Contract,
    network: Network,
    backend: Backend,
    device: Device,
}

// === impl BurnLoader ===

impl Loader for BurnLoader {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError> {
        let weights = match spec(package) {
            Ok(spec) => weights_path(package, &spec)?,
            // What is wrong with the table is said when it is loaded.
            Err(_) => package.artifact.path().to_owned(),
        };
        let size = fs::metadata(&weights).map_err(read(&weights))?.len();
        Ok(Estimate { memory: size })
    }

    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError> {
        // Burn's readers and operators assert what they expect: the last net under a file that got past the checks.
        let load = || load(package).map(|model| Box::new(model) as Box<dyn Model>);
        catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| {
            Err(LoadError::Engine {
                engine: ENGINE,
                what: format!("panicked: {}", message(panic.as_ref())),
            })
        })
    }
}

fn load(package: &Package) -> Result<BurnModel, LoadError> {
    let spec = spec(package)?;
    let manifest = manifest(package);
    let invalid = |what| LoadError::Invalid {
        path: manifest.clone(),
        what,
    };
    check_input(&spec).map_err(invalid)?;
    let path = weights_path(package, &spec)?;
    let mut weights = Weights::open(&path, spec.layout, spec.prefix.as_deref())?;
    let device = spec.backend.device();
    let network = Network::build(&spec, &mut weights, &device, &manifest)?;
    let extra = weights.extra();
    if spec.extra_weights == ExtraWeights::Refuse && !extra.is_empty() {
        return Err(weights.invalid(format!(
            "expected no weights but the layers', got {} besides; declare their layers, or set \
             burn.extra_weights = \"ignore\"",
            some(&extra)
        )));
    }
    let contract = contract(&spec, &network).map_err(invalid)?;
    let model = BurnModel {
        contract,
        network,
        backend: spec.backend,
        device,
    };
    model.rehearse()?;
    Ok(model)
}

/// What can be known of the input before any weight is read.
fn check_input(spec: &Spec) -> Result<(), String> {
    use DataType::{Bf16, Fp16, Fp32, Fp64, Int8, Int16, Int32, Int64, Uint8, Uint16};
    match spec.input.datatype {
        Fp32 | Fp64 | Fp16 | Bf16 | Uint8 | Uint16 | Int8 | Int16 | Int32 | Int64 => Ok(()),
        other => Err(format!(
            "burn.input.datatype: expected FP32, FP64, FP16, BF16, UINT8, UINT16, INT8 or INT16, \
             or INT64 or INT32 for an embedding, got {other}"
        )),
    }
}

fn contract(spec: &Spec, network: &Network) -> Result<Contract, String> {
    let shape = |row: &[usize]| {
        let row = row.iter().map(|&size| Dim::Fixed(size));
        std::iter::once(Dim::Free(None)).chain(row).collect()
    };
    let input = Port::new(&spec.input.name, spec.input.datatype, shape(&network.input));
    let mut output = Port::new(&spec.output.name, DataType::Fp32, shape(&network.output));
    let labels = &spec.output.labels;
    let last = network.output.last().copied().unwrap_or(1);
    if !labels.is_empty() && labels.len() != last {
        return Err(format!(
            "burn.output.labels: expected {last}, one for each of the last axis, got {}",
            labels.len()
        ));
    }
    output.labels = Arc::from(labels.as_slice());
    Ok(Contract {
        inputs: vec![input],
        outputs: vec![output],
        batching: Batching::FirstAxis { max: None },
    })
}

fn spec(package: &Package) -> Result<Spec, LoadError> {
    let invalid = |what| LoadError::Invalid {
        path: manifest(package),
        what,
    };
    match &package.manifest.burn {
        Some(table) => Spec::parse(table).map_err(invalid),
        None => Err(invalid(
            "expected a table [burn] that declares the architecture, got none".into(),
        )),
    }
}

/// The weights file: the one that the table names, which must be of the version's folder, or the one that the
/// folder has.
fn weights_path(package: &Package, spec: &Spec) -> Result<PathBuf, LoadError> {
    match &spec.weights {
        Some(name) => package.resolve(name),
        None => Ok(package.artifact.path().to_owned()),
    }
}

fn manifest(package: &Package) -> PathBuf {
    package.dir.join("model.toml")
}

fn read(path: &Path) -> impl FnOnce(io::Error) -> LoadError {
    let path = path.to_owned();
    move |source| LoadError::Read { path, source }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

// === impl BurnModel ===

impl BurnModel {
    /// Answers one row of zeros: the derived shapes must be those that Burn computes.
    fn rehearse(&self) -> Result<(), LoadError> {
        let elements = self.network.input.iter().product();
        let output = match self.network.entries() {
            Some(_) => self.network.run_indexes(vec![0; elements], 1, &self.device),
            None => self
                .network
                .run_numbers(vec![0.0; elements], 1, &self.device),
        };
        let expected = [1, self.network.output.iter().product()];
        match output.dims() == expected {
            true => Ok(()),
            false => Err(LoadError::Engine {
                engine: ENGINE,
                what: format!("expected a row of {expected:?}, got {:?}", output.dims()),
            }),
        }
    }

    /// The first index that the embedding's table does not have.
    fn check_indexes(&self, indexes: &[i64], entries: usize) -> Result<(), InferError> {
        let known = |index: &&i64| usize::try_from(**index).is_ok_and(|i| i < entries);
        match indexes.iter().position(|index| !known(&index)) {
            None => Ok(()),
            Some(at) => Err(InferError::Refused {
                what: format!(
                    "input '{}': expected indexes from 0 to {}, got {} at element {at}",
                    self.contract.inputs[0].name,
                    entries - 1,
                    indexes[at]
                ),
            }),
        }
    }
}

impl Model for BurnModel {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn backend(&self) -> Option<&'static str> {
        Some(self.backend.as_str())
    }

    /// Every layer's work is given by its input's shape.
    fn steady(&self) -> bool {
        true
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        let failed = |what| InferError::Failed { what };
        let [input] = <[Tensor; 1]>::try_from(inputs)
            .map_err(|inputs| failed(format!("expected 1 input, got {}", inputs.len())))?;
        let rows = match input.shape().split_first() {
            Some((&rows, row)) if row == self.network.input => rows,
            _ => {
                return Err(failed(format!(
                    "expected rows of shape {:?}, got shape {:?}",
                    self.network.input,
                    input.shape()
                )));
            }
        };
        let mut shape = vec![rows];
        shape.extend(&self.network.output);
        if rows == 0 {
            let none = Tensor::of(shape, Vec::<f32>::new());
            return none.map(|t| vec![t]).map_err(|e| failed(e.to_string()));
        }
        let output = match self.network.entries() {
            Some(entries) => {
                let indexes = longs(input)?;
                self.check_indexes(&indexes, entries)?;
                self.network.run_indexes(indexes, rows, &self.device)
            }
            None => self
                .network
                .run_numbers(singles(input)?, rows, &self.device),
        };
        let data = output.try_into_data().map_err(|e| failed(e.to_string()))?;
        let values = data
            .try_into_vec::<f32>()
            .map_err(|e| failed(e.to_string()))?;
        Tensor::of(shape, values)
            .map(|tensor| vec![tensor])
            .map_err(|e| failed(e.to_string()))
    }
}

impl Backend {
    /// The device that tensors of this backend live on.
    #[must_use]
    pub fn device(self) -> Device {
        match self {
            Self::Flex => Device::flex(),
            Self::Ndarray => ndarray(),
        }
    }
}

/// Burn has deprecated this backend; it is offered where its numbers are wanted.
#[allow(deprecated)]
fn ndarray() -> Device {
    Device::ndarray()
}
