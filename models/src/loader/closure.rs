//! The engine-free model: what an embedding application computes in a closure of its own.

use std::fmt;

use crate::contract::Contract;
use crate::error::InferError;
use crate::loader::Model;
use crate::tensor::Tensor;

/// A model that is a contract and a closure: what an embedding application registers in code.
pub struct FnModel<F> {
    contract: Contract,
    infer: F,
    steady: bool,
}

// === impl FnModel ===

impl<F> FnModel<F>
where
    F: Fn(Vec<Tensor>) -> Result<Vec<Tensor>, InferError> + Send + Sync,
{
    /// A model that answers with what `infer` gives; it gets and gives tensors in the contract's order, as
    /// [`Model::infer`] does, and is called from several threads at once.
    #[must_use]
    pub fn new(contract: Contract, infer: F) -> Self {
        Self {
            contract,
            infer,
            steady: false,
        }
    }

    /// Vouches that the closure neither waits nor loops on values: what it costs depends on the size of its inputs
    /// alone ([`Model::steady`]).
    #[must_use]
    pub fn steady(mut self) -> Self {
        self.steady = true;
        self
    }
}

impl<F> Model for FnModel<F>
where
    F: Fn(Vec<Tensor>) -> Result<Vec<Tensor>, InferError> + Send + Sync,
{
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn steady(&self) -> bool {
        self.steady
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        (self.infer)(inputs)
    }
}

impl<F> fmt::Debug for FnModel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnModel")
            .field("contract", &self.contract)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Batching, Dim, Port};
    use crate::tensor::DataType;

    #[test]
    fn a_closure_is_a_model() {
        let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None)]);
        let contract = Contract {
            inputs: vec![port("x")],
            outputs: vec![port("y")],
            batching: Batching::FirstAxis { max: None },
        };
        let model = FnModel::new(contract.clone(), |inputs: Vec<Tensor>| {
            let Some(x) = inputs[0].as_slice::<f32>() else {
                return Err(InferError::Failed {
                    what: "expected FP32".into(),
                });
            };
            Ok(vec![Tensor::vector(x.iter().map(|v| v * 2.0).collect())])
        });
        let model: Box<dyn Model> = Box::new(model);
        assert_eq!(model.contract(), &contract);
        assert_eq!(model.backend(), None);
        let output = model.infer(vec![Tensor::vector(vec![1.5f32, -2.0])]);
        assert_eq!(output, Ok(vec![Tensor::vector(vec![3.0f32, -4.0])]));
        assert!(model.infer(vec![Tensor::vector(vec![1i64])]).is_err());
    }
}
