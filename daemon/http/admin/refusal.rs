//! Why a course does not do what it is told, as a code: it is not the time for it, or it cannot be meant.

use impresario_pipelines::fleet::Refusal;
use impresario_pipelines::{learning, rollout, trial};

use super::problem::Code;

/// The code of a refusal.
pub(super) fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Rollout(refusal) => match refusal {
            rollout::Refusal::Phase { .. }
            | rollout::Refusal::Backwards { .. }
            | rollout::Refusal::Away
            | rollout::Refusal::Doubt { .. }
            | rollout::Refusal::Frozen { .. } => Code::NotNow,
            rollout::Refusal::UnknownStep { .. }
            | rollout::Refusal::Weight { .. }
            | rollout::Refusal::Past { .. } => Code::InvalidOrder,
            rollout::Refusal::Reason => Code::ReasonMissing,
        },
        Refusal::Trial(refusal) => match refusal {
            trial::Refusal::Over { .. }
            | trial::Refusal::Phase { .. }
            | trial::Refusal::Same
            | trial::Refusal::Splits => Code::NotNow,
            trial::Refusal::Arm { .. }
            | trial::Refusal::Weights(_)
            | trial::Refusal::Count { .. } => Code::InvalidOrder,
        },
        Refusal::Learning(refusal) => match refusal {
            learning::Refusal::Over { .. }
            | learning::Refusal::Phase { .. }
            | learning::Refusal::Removed { .. }
            | learning::Refusal::Present { .. }
            | learning::Refusal::Unknown => Code::NotNow,
            learning::Refusal::Arm { .. }
            | learning::Refusal::Baseline { .. }
            | learning::Refusal::Weights(_) => Code::InvalidOrder,
        },
    }
}

/// A rollout's own word for it, for scripts.
pub(super) fn word(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Rollout(refusal) => Some(refusal.code()),
        Refusal::Trial(_) | Refusal::Learning(_) => None,
    }
}
