//! What courses are told: the bodies of the verbs. All of them may be left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::VersionSpecV1;
use super::policy::{AnalysisSpecV1, StepSpecV1, WindowSpecV1};

/// What a rollout is told, beside the verb. A field that the verb does not take is refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[schema(as = RolloutOrder)]
#[serde(deny_unknown_fields)]
pub struct RolloutOrderV1 {
    /// Why. `abort`, `reject` and whatever is forced need one.
    pub reason: Option<String>,
    /// `promote`: give the canary all of the traffic.
    pub full: Option<bool>,
    /// `promote`: go to this step, counted from 1.
    pub to_step: Option<usize>,
    /// `promote`: against a freeze, backwards, or with `full` against the evidence.
    pub force: Option<bool>,
    /// `set-weight`: the canary's share of the traffic, in per cent, with at most two decimals.
    #[schema(example = 25)]
    pub weight: Option<f64>,
    /// `freeze`: until when, a time (RFC 3339) or a duration such as `2h`; without it, until it is taken back.
    #[schema(example = "2h")]
    pub until: Option<String>,
}

/// What an experiment is told, beside the verb. A field that the verb does not take is refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[schema(as = ExperimentOrder)]
#[serde(deny_unknown_fields)]
pub struct ExperimentOrderV1 {
    /// Why. `stop` needs one.
    pub reason: Option<String>,
    /// `ship`: the arm that is to answer all.
    pub arm: Option<String>,
    /// `set-weights`: each arm's share of the traffic, in per cent; they sum to 100.
    #[schema(example = json!({"old": 50, "new": 50}))]
    pub weights: Option<BTreeMap<String, f64>>,
}

/// What a bandit is told, beside the verb. A field that the verb does not take is refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[schema(as = BanditOrder)]
#[serde(deny_unknown_fields)]
pub struct BanditOrderV1 {
    /// Why. `remove-arm` needs one.
    pub reason: Option<String>,
    /// `remove-arm` and `restore-arm`: the arm.
    pub arm: Option<String>,
    /// `freeze`: what takes the bandit's place, `experiment` (the default, with the shares as they are) or `best` (the
    /// best arm answers all).
    pub r#as: Option<BanditEndV1>,
}

/// What takes the place of a bandit that is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = BanditEnd)]
#[serde(rename_all = "lowercase")]
pub enum BanditEndV1 {
    /// An experiment with the shares as they are.
    Experiment,
    /// The arm that is likeliest the best answers all.
    Best,
}

/// Until when no rollout of any pipeline is to advance, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = FreezeOrder)]
#[serde(deny_unknown_fields)]
pub struct FreezeOrderV1 {
    /// Until when, a time (RFC 3339) or a duration such as `2h`; without it, until it is taken back.
    #[schema(example = "2h")]
    pub until: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Why something is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = Why)]
#[serde(deny_unknown_fields)]
pub struct WhyV1 {
    /// Why.
    pub reason: Option<String>,
}

/// A rollout that is to begin: a canary's policy but for its type and model.
#[derive(Debug, ToSchema)]
#[schema(as = RolloutStart)]
#[allow(
    dead_code,
    reason = "it describes what is read as a policy, which says more of what is wrong"
)]
pub struct StartV1 {
    /// The number of the version that is to answer.
    #[schema(example = 4)]
    pub canary: VersionSpecV1,
    /// The number of the version that it is held against; the one that serves now where absent.
    pub stable: Option<VersionSpecV1>,
    /// What it goes through; the weights 1, 5, 25 and 50, each judged by the default analysis, where absent.
    pub steps: Option<Vec<StepSpecV1>>,
    /// Analyses by name; `default` is built in.
    pub analyses: Option<BTreeMap<String, AnalysisSpecV1>>,
    /// Whether the stable answers where the canary failed; true where absent.
    pub rescue: Option<bool>,
    /// How long the old version stays in memory after the promotion; `10m` where absent.
    #[schema(example = "10m")]
    pub soak: Option<String>,
    /// How long the canary may take to be ready; `10m` where absent.
    pub prepare: Option<String>,
    /// How long the canary may be unavailable before the rollout is aborted; `5m` where absent.
    pub unavailable: Option<String>,
    /// When the rollout does not advance.
    pub freeze: Option<Vec<WindowSpecV1>>,
    /// Why, for the journal.
    pub reason: Option<String>,
}
