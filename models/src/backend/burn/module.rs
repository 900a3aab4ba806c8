//! The embedding API: a Burn module that an application built itself becomes a version.
//!
//! Modules with several inputs or outputs are closures: [`FnModel`](crate::loader::FnModel) with
//! [`to_burn`](super::to_burn) and [`from_burn`](super::from_burn).

use std::fmt;

use burn::tensor::{Device, Tensor as BurnTensor};

use super::convert::{from_burn, to_burn};
use crate::contract::{Contract, Port};
use crate::error::{InferError, LoadError};
use crate::loader::Model;
use crate::tensor::Tensor;

/// A Burn module with its contract; `I` and `O` are the ranks of its input and output, batch axis included.
pub struct BurnModule<M, F, const I: usize, const O: usize> {
    contract: Contract,
    device: Device,
    module: M,
    forward: F,
}

/// A version from a Burn module (or anything that holds one) with one input and one output of floats, both with
/// the batch as first axis. `forward` is called from several threads at once.
///
/// # Errors
/// [`LoadError::Unsupported`] when the contract has not exactly one input of rank `I` and one output of rank `O`.
pub fn module<M, F, const I: usize, const O: usize>(
    contract: Contract,
    device: Device,
    module: M,
    forward: F,
) -> Result<BurnModule<M, F, I, O>, LoadError>
where
    M: Send + Sync,
    F: Fn(&M, BurnTensor<I>) -> BurnTensor<O> + Send + Sync,
{
    let one = |ports: &[Port], rank| matches!(ports, [port] if port.shape.len() == rank);
    if one(&contract.inputs, I) && one(&contract.outputs, O) {
        return Ok(BurnModule {
            contract,
            device,
            module,
            forward,
        });
    }
    let ranks = |ports: &[Port]| ports.iter().map(|p| p.shape.len()).collect::<Vec<_>>();
    Err(LoadError::Unsupported {
        what: format!(
            "a module from one input of {I} axes to one output of {O} axes does not fit a contract with inputs \
             of {:?} and outputs of {:?} axes",
            ranks(&contract.inputs),
            ranks(&contract.outputs)
        ),
        remedy: "register a closure for several inputs or outputs".into(),
    })
}

impl<M, F, const I: usize, const O: usize> Model for BurnModule<M, F, I, O>
where
    M: Send + Sync,
    F: Fn(&M, BurnTensor<I>) -> BurnTensor<O> + Send + Sync,
{
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        let [input] = <[Tensor; 1]>::try_from(inputs).map_err(|inputs| InferError::Failed {
            what: format!("expected 1 input, got {}", inputs.len()),
        })?;
        let output = (self.forward)(&self.module, to_burn(input, &self.device)?);
        Ok(vec![from_burn(output)?])
    }
}

impl<M, F, const I: usize, const O: usize> fmt::Debug for BurnModule<M, F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnModule")
            .field("contract", &self.contract)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
