//! A loaded ONNX model: its contract and its plan, and what a failed computation means to the caller.

use tract_onnx::prelude::{TValue, TVec};

use super::plan::{Failure, Plan};
use super::values::{from_tract, into_tract};
use crate::contract::{Batching, Contract, Dim};
use crate::error::InferError;
use crate::loader::Model;
use crate::tensor::Tensor;

/// A model that tract runs.
pub(super) struct OnnxModel {
    contract: Contract,
    plan: Plan,
    /// The sizes of the inputs' axes with which the model was seen to work.
    tried: Option<Vec<Vec<usize>>>,
}

impl OnnxModel {
    pub(super) fn new(contract: Contract, plan: Plan) -> Self {
        Self {
            contract,
            plan,
            tried: None,
        }
    }

    /// Remembers the inputs' shapes with which the model worked, and corrects the contract by what was seen.
    pub(super) fn learn(&mut self, tried: Vec<Vec<usize>>, correct: impl FnOnce(&mut Contract)) {
        self.tried = Some(tried);
        correct(&mut self.contract);
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

    /// The engine has no loops over values: a branch or a scan over an axis is all that it knows.
    fn steady(&self) -> bool {
        true
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.shape().to_vec()).collect();
        let ports = self.contract.inputs.iter();
        let values: TVec<TValue> = ports
            .zip(inputs)
            .map(|(port, tensor)| into_tract(port, tensor).map(TValue::from))
            .collect::<Result<_, _>>()?;
        let outputs = self.plan.run(values).map_err(|failure| match failure {
            Failure::Own(error) => error,
            Failure::Values(what) => InferError::Refused {
                what: format!("the model does not know these values: {what}"),
            },
            Failure::Other(what) if self.is_untried(&shapes) => InferError::Refused {
                what: format!("the model cannot take inputs of shapes {shapes:?}: {what}"),
            },
            Failure::Other(what) => InferError::Failed { what },
        })?;
        if outputs.len() != self.contract.outputs.len() {
            return Err(InferError::Failed {
                what: format!(
                    "expected {} outputs, got {}",
                    self.contract.outputs.len(),
                    outputs.len()
                ),
            });
        }
        let ports = self.contract.outputs.iter();
        ports
            .zip(outputs)
            .map(|(port, value)| from_tract(port, value))
            .collect()
    }
}
