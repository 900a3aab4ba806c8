//! A loaded ONNX model: its contract and what runs it, and what a failed computation means to the caller.

use tract_onnx::prelude::{TValue, TVec};

use super::plan::{Failure, Plan};
#[cfg(feature = "onnxruntime")]
use super::runtime;
use super::values::{from_tract, into_tract};
use crate::contract::{Batching, Contract, Dim};
use crate::error::InferError;
use crate::loader::Model;
use crate::tensor::Tensor;

/// A model that an engine runs.
pub(super) struct OnnxModel {
    contract: Contract,
    engine: Engine,
    warnings: Vec<String>,
    /// The sizes of the inputs' axes with which the model was seen to work.
    tried: Option<Vec<Vec<usize>>>,
}

/// What runs a model.
pub(super) enum Engine {
    /// The built-in engine.
    Tract(Plan),
    /// ONNX Runtime.
    #[cfg(feature = "onnxruntime")]
    Runtime(runtime::Pool),
}

impl OnnxModel {
    pub(super) fn new(contract: Contract, engine: Engine) -> Self {
        Self {
            contract,
            engine,
            warnings: Vec::new(),
            tried: None,
        }
    }

    /// Remembers the inputs' shapes with which the model worked, and corrects the contract by what was seen.
    pub(super) fn learn(&mut self, tried: Vec<Vec<usize>>, correct: impl FnOnce(&mut Contract)) {
        self.tried = Some(tried);
        correct(&mut self.contract);
    }

    /// Remembers what could not be done as it was meant to be.
    #[cfg(feature = "onnxruntime")]
    pub(super) fn warn(&mut self, what: String) {
        self.warnings.push(what);
    }

    /// Whether the model was seen to work, but only with other sizes of its free axes than these.
    fn is_untried(&self, shapes: &[Vec<usize>]) -> bool {
        let Some(tried) = &self.tried else {
            return false;
        };
        let rows = usize::from(matches!(self.contract.batching, Batching::FirstAxis { .. }));
        let ports = self.contract.inputs.iter().zip(tried.iter().zip(shapes));
        let mut axes = ports.flat_map(|(port, (tried, asked))| {
            port.shape.iter().zip(tried.iter().zip(asked)).skip(rows)
        });
        let other = axes.any(|(dim, (tried, asked))| matches!(dim, Dim::Free(_)) && tried != asked);
        other || shapes.iter().any(|shape| shape.contains(&0))
    }
}

impl Model for OnnxModel {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The built-in engine has no loops over values: a branch or a scan over an axis is all that it knows. ONNX
    /// Runtime has them, and a caller may have to wait for a session of a large model.
    fn steady(&self) -> bool {
        match &self.engine {
            Engine::Tract(_) => true,
            #[cfg(feature = "onnxruntime")]
            Engine::Runtime(pool) => pool.is_steady(),
        }
    }

    fn backend(&self) -> Option<&'static str> {
        Some(match self.engine {
            Engine::Tract(_) => super::loader::ENGINE,
            #[cfg(feature = "onnxruntime")]
            Engine::Runtime(_) => runtime::ENGINE,
        })
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.shape().to_vec()).collect();
        let outputs = match &self.engine {
            Engine::Tract(plan) => tract(plan, &self.contract, inputs),
            #[cfg(feature = "onnxruntime")]
            Engine::Runtime(pool) => pool.run(&self.contract, inputs),
        };
        outputs.map_err(|failure| match failure {
            Failure::Own(error) => error,
            Failure::Values(what) => InferError::Refused {
                what: format!("the model does not know these values: {what}"),
            },
            Failure::Other(what) if self.is_untried(&shapes) => InferError::Refused {
                what: format!("the model cannot take inputs of shapes {shapes:?}: {what}"),
            },
            Failure::Other(what) => InferError::Failed { what },
        })
    }
}

/// Computes all outputs with the built-in engine.
fn tract(plan: &Plan, contract: &Contract, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, Failure> {
    let ports = contract.inputs.iter();
    let values: TVec<TValue> = ports
        .zip(inputs)
        .map(|(port, tensor)| into_tract(port, tensor).map(TValue::from))
        .collect::<Result<_, _>>()
        .map_err(Failure::Own)?;
    let outputs = plan.run(values)?;
    if outputs.len() != contract.outputs.len() {
        return Err(Failure::Other(format!(
            "expected {} outputs, got {}",
            contract.outputs.len(),
            outputs.len()
        )));
    }
    let ports = contract.outputs.iter();
    ports
        .zip(outputs)
        .map(|(port, value)| from_tract(port, value).map_err(Failure::Own))
        .collect()
}
