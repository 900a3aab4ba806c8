//! What a fake does when it computes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Gate;
use super::spec::{Behaviour, Spec};
use crate::contract::Contract;
use crate::error::InferError;
use crate::loader::Model;
use crate::tensor::{Tensor, Values};

/// A version that does what its specification says.
pub(super) struct Fake {
    spec: Spec,
    gate: Gate,
    runs: AtomicU64,
}

impl Fake {
    pub(super) fn new(spec: Spec, gate: Gate) -> Self {
        Self {
            spec,
            gate,
            runs: AtomicU64::new(0),
        }
    }
}

impl Model for Fake {
    fn contract(&self) -> &Contract {
        &self.spec.contract
    }

    fn infer(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, InferError> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let marked = |marker| inputs.iter().any(|tensor| holds(tensor, marker));
        match self.spec.behaviour {
            Behaviour::Echo => {}
            // Sleeping is what this one is for; nothing waits for it to have slept long enough.
            Behaviour::Slow { delay } => std::thread::sleep(delay),
            Behaviour::Flaky { every } => {
                if run.is_multiple_of(every.get()) {
                    return Err(InferError::Failed {
                        what: format!("run {run} fails, as every {every}. one does"),
                    });
                }
            }
            Behaviour::Panicking { marker } => {
                assert!(!marked(marker), "an input holds the marker {marker}");
            }
            Behaviour::Hanging { marker } => {
                if marked(marker) {
                    self.gate.pass();
                }
            }
        }
        Ok(inputs)
    }
}

/// Whether a tensor holds a number.
fn holds(tensor: &Tensor, marker: f64) -> bool {
    macro_rules! any {
        ($v:expr, $number:expr) => {
            $v.iter().any(|v| $number(v) == marker)
        };
    }
    match tensor.values() {
        Values::Bool(_) | Values::Bytes(_) => false,
        Values::Uint8(v) => any!(v, |&v| f64::from(v)),
        Values::Uint16(v) => any!(v, |&v| f64::from(v)),
        Values::Uint32(v) => any!(v, |&v| f64::from(v)),
        Values::Uint64(v) => any!(v, |&v: &u64| v as f64),
        Values::Int8(v) => any!(v, |&v| f64::from(v)),
        Values::Int16(v) => any!(v, |&v| f64::from(v)),
        Values::Int32(v) => any!(v, |&v| f64::from(v)),
        Values::Int64(v) => any!(v, |&v: &i64| v as f64),
        Values::Fp16(v) => any!(v, |v: &half::f16| v.to_f64()),
        Values::Bf16(v) => any!(v, |v: &half::bf16| v.to_f64()),
        Values::Fp32(v) => any!(v, |&v| f64::from(v)),
        Values::Fp64(v) => any!(v, |&v| v),
    }
}
