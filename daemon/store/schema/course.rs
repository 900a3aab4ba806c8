//! Courses in the stored form: rollouts, experiments, bandits.
//!
//! Each type mirrors one of the pure rooms, field by field: where one of those changes, this file does not compile until
//! somebody has said what becomes of what is stored.

use std::collections::BTreeMap;

use impresario_pipelines::analysis::Thresholds;
use impresario_pipelines::bucket::{Run, Slots, Weight};
use impresario_pipelines::fleet::Course;
use impresario_pipelines::learning::{self, Ending, Learning, Removal};
use impresario_pipelines::rollout::{Cause, Freeze, Hold, Phase, Place, Pulse, Rollout, Stay};
use impresario_pipelines::trial::{self, Trial};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A course.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Course", rename_all = "snake_case")]
#[allow(
    clippy::large_enum_variant,
    reason = "it mirrors one that is shared behind a pointer"
)]
pub(super) enum CourseV1 {
    Rollout(#[serde(with = "RolloutV1")] Rollout),
    Trial(#[serde(with = "TrialV1")] Trial),
    Learning(#[serde(with = "LearningV1")] Learning),
}

// === rollouts ===

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rollout", deny_unknown_fields)]
struct RolloutV1 {
    id: u64,
    #[serde(with = "PhaseV1")]
    phase: Phase,
    step: usize,
    #[serde(with = "slots")]
    slots: Slots,
    #[serde(with = "weight")]
    target: Weight,
    segment: u32,
    turn: u64,
    #[serde(default, with = "thresholds", skip_serializing_if = "Option::is_none")]
    thresholds: Option<Thresholds>,
    #[serde(default, with = "freeze", skip_serializing_if = "Option::is_none")]
    freeze: Option<Freeze>,
    express: bool,
    forced: Option<String>,
    since: u64,
    why: String,
    #[serde(with = "PulseV1")]
    pulse: Pulse,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Phase", rename_all = "snake_case")]
enum PhaseV1 {
    Pending,
    Preparing,
    FailedPrepare(String),
    Shadow(#[serde(with = "StayV1")] Stay),
    Step(#[serde(with = "StayV1")] Stay),
    Promoting,
    Soaking,
    Succeeded,
    Paused {
        by: String,
        #[serde(with = "PlaceV1")]
        from: Place,
    },
    Aborting(#[serde(with = "CauseV1")] Cause),
    RolledBack(#[serde(with = "CauseV1")] Cause),
    Superseded {
        by: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stay", rename_all = "snake_case")]
enum StayV1 {
    Baking,
    Held(#[serde(with = "HoldV1")] Hold),
    AwaitingApproval,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Hold", rename_all = "snake_case")]
enum HoldV1 {
    NoData,
    Inconclusive,
    Srm,
    SharedIncident,
    Unavailable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Place", rename_all = "snake_case")]
enum PlaceV1 {
    Pending,
    Preparing,
    Shadow(#[serde(with = "StayV1")] Stay),
    Step(#[serde(with = "StayV1")] Stay),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cause", rename_all = "snake_case")]
enum CauseV1 {
    Asked,
    Rejected,
    Undone,
    Unavailable,
    Trip,
    Violations,
    Harm,
    Ceiling,
    Inconclusive,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pulse", deny_unknown_fields)]
struct PulseV1 {
    started: bool,
    clock: u64,
    baked: u64,
    away: u64,
    #[serde(with = "finite")]
    log_harm: f64,
    #[serde(with = "finite")]
    log_srm: f64,
    frozen: Option<String>,
    waits: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Freeze", deny_unknown_fields)]
struct FreezeV1 {
    by: String,
    until: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Thresholds", deny_unknown_fields)]
struct ThresholdsV1 {
    slow_ns: [u64; 3],
    slower_than_ns: Option<u64>,
    deciles: Option<[f64; 9]>,
}

// === experiments ===

#[derive(Serialize, Deserialize)]
#[serde(remote = "Trial", deny_unknown_fields)]
struct TrialV1 {
    id: u64,
    #[serde(with = "TrialPhaseV1")]
    phase: trial::Phase,
    #[serde(with = "slots")]
    slots: Slots,
    #[serde(with = "slots")]
    split: Slots,
    segment: u32,
    splits: u32,
    since: u64,
    why: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "trial::Phase", rename_all = "snake_case")]
enum TrialPhaseV1 {
    Preparing,
    Running,
    Paused,
    Stopped { by: String, why: String },
    Shipped { arm: usize },
}

// === bandits ===

#[derive(Serialize, Deserialize)]
#[serde(remote = "Learning", deny_unknown_fields)]
struct LearningV1 {
    id: u64,
    #[serde(with = "LearningPhaseV1")]
    phase: learning::Phase,
    #[serde(with = "slots")]
    slots: Slots,
    #[serde(with = "slots")]
    split: Slots,
    segment: u32,
    periods: u64,
    best: Option<usize>,
    #[serde(with = "removed")]
    removed: BTreeMap<usize, Removal>,
    since: u64,
    why: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "learning::Phase", rename_all = "snake_case")]
enum LearningPhaseV1 {
    Preparing,
    Running,
    Paused,
    Frozen(#[serde(with = "EndingV1")] Ending),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ending", rename_all = "snake_case")]
enum EndingV1 {
    Experiment,
    Standalone { arm: usize },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovalV1 {
    arm: usize,
    by: String,
    why: String,
}

// === what others hold ===

/// Slots: how many arms, and runs of an owner and a length.
mod slots {
    use super::{Deserialize, Deserializer, Run, Serialize, Serializer, Slots, de};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SlotsV1 {
        arms: usize,
        runs: Vec<(u8, u16)>,
    }

    pub(super) fn serialize<S: Serializer>(slots: &Slots, to: S) -> Result<S::Ok, S::Error> {
        let runs = slots.runs().map(|run| (run.arm, run.length)).collect();
        let arms = slots.weights().len();
        SlotsV1 { arms, runs }.serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Slots, D::Error> {
        let stored = SlotsV1::deserialize(from)?;
        let runs = stored.runs.into_iter();
        let runs = runs.map(|(arm, length)| Run { arm, length });
        Slots::from_runs(stored.arms, runs).map_err(de::Error::custom)
    }
}

/// A weight, in hundredths of a per cent.
mod weight {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Weight, de};

    pub(super) fn serialize<S: Serializer>(weight: &Weight, to: S) -> Result<S::Ok, S::Error> {
        weight.basis_points().serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Weight, D::Error> {
        let points = u16::deserialize(from)?;
        let whole = || de::Error::custom(format!("{points} is more than 10,000"));
        Weight::new(points).ok_or_else(whole)
    }
}

/// A number that JSON can hold: it has no infinity.
mod finite {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        let number = if number.is_nan() { 0.0 } else { *number };
        number.clamp(f64::MIN, f64::MAX).serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<f64, D::Error> {
        f64::deserialize(from)
    }
}

/// Removed arms, one after the other.
mod removed {
    use super::{BTreeMap, Deserialize, Deserializer, Removal, RemovalV1, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        removed: &BTreeMap<usize, Removal>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let each = removed.iter().map(|(arm, removal)| RemovalV1 {
            arm: *arm,
            by: removal.by.clone(),
            why: removal.why.clone(),
        });
        each.collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        from: D,
    ) -> Result<BTreeMap<usize, Removal>, D::Error> {
        let stored = Vec::<RemovalV1>::deserialize(from)?;
        let each = stored.into_iter().map(|RemovalV1 { arm, by, why }| {
            let removal = Removal { by, why };
            (arm, removal)
        });
        Ok(each.collect())
    }
}

/// A mirrored type that may be absent.
macro_rules! optional {
    ($module:ident, $type:ty, $mirror:literal) => {
        mod $module {
            use super::{Deserialize, Deserializer, Serialize, Serializer};

            #[derive(Serialize)]
            struct Lent<'a>(#[serde(with = $mirror)] &'a $type);

            #[derive(Deserialize)]
            struct Owned(#[serde(with = $mirror)] $type);

            pub(super) fn serialize<S: Serializer>(
                value: &Option<$type>,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                value.as_ref().map(Lent).serialize(to)
            }

            pub(super) fn deserialize<'d, D: Deserializer<'d>>(
                from: D,
            ) -> Result<Option<$type>, D::Error> {
                let stored = Option::<Owned>::deserialize(from)?;
                Ok(stored.map(|Owned(value)| value))
            }
        }
    };
}

optional!(thresholds, super::Thresholds, "super::ThresholdsV1");
optional!(freeze, super::Freeze, "super::FreezeV1");
