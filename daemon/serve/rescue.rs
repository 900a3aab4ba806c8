//! Rescue: where a version that earns its traffic fails, the first arm answers in its place, within the caller's time.
//!
//! The failure counts against the arm that failed all the same. Only a split that asks for it keeps the inputs of its
//! requests for that, and only those of requests to other arms than the first.

use std::sync::Arc;

use impresario_models::{Contract, Tensor};
use impresario_pipelines::Variant;

use crate::error::{Error, Node};

/// That an answer is not from the one that was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// The variant that failed.
    pub from: Variant,
    /// The word for how.
    pub why: &'static str,
}

/// The word for an error that another version may not have; none where the caller is at fault, or knows already.
pub(super) fn reason(error: &Error) -> Option<&'static str> {
    match error.root() {
        Error::Failed { .. }
        | Error::Broke { .. }
        | Error::Crashed { .. }
        | Error::Hung { .. }
        | Error::Unavailable { .. }
        | Error::Overloaded { .. }
        | Error::Expired { .. } => Some(error.code().word),
        Error::Node { why, .. } => match why {
            Node::Call(_) | Node::Unfit(_) | Node::Absent(_) => Some(error.code().word),
            Node::Values(_) => None,
        },
        Error::UnknownModel { .. }
        | Error::UnknownVersion { .. }
        | Error::Contract(_)
        | Error::Refused { .. }
        | Error::RateLimited { .. }
        | Error::Key { .. }
        | Error::Variant { .. } => None,
    }
}

/// Inputs of one contract as another one wants them, by their names; nothing where they do not fit it.
pub(super) fn fit(
    from: &Arc<Contract>,
    to: &Arc<Contract>,
    inputs: Vec<Tensor>,
) -> Option<Vec<Tensor>> {
    if Arc::ptr_eq(from, to) || from == to {
        return Some(inputs);
    }
    let names = from.inputs.iter().map(|port| &*port.name);
    to.arrange(names.zip(inputs)).ok()
}
