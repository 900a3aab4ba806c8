//! Policies as they are written, read and written by `pipelines::spec`, whose documentation is the manual; this
//! describes them for the API's clients.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{ShareV1, VersionSpecV1};

/// Which version answers, chosen by `type`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicySpec)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum PolicySpecV1 {
    /// One version of one model answers every request.
    Standalone(StandaloneSpecV1),
    /// A version earns the traffic of another, step by step.
    Canary(CanarySpecV1),
    /// Versions side by side, compared by what they achieve.
    Experiment(ExperimentSpecV1),
    /// Versions whose shares follow what they achieve.
    Bandit(BanditSpecV1),
}

/// One version of one model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StandaloneSpec)]
pub struct StandaloneSpecV1 {
    /// The model's name.
    pub model: String,
    /// Its version; `latest` where absent.
    pub version: Option<VersionSpecV1>,
}

/// A version earns the traffic of another, step by step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CanarySpec)]
pub struct CanarySpecV1 {
    /// The model's name.
    pub model: String,
    /// The number of the version that answers now.
    pub stable: VersionSpecV1,
    /// The number of the version that is to answer.
    pub canary: VersionSpecV1,
    /// What it goes through, from 1 to 64 steps; the weights 1, 5, 25 and 50, each judged by the default analysis,
    /// where absent.
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
}

/// One step of a canary.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StepSpec)]
#[serde(untagged)]
pub enum StepSpecV1 {
    /// Answer no caller, but show what would be answered; the first step only.
    Shadow {
        /// What must be shown.
        shadow: GateSpecV1,
    },
    /// Take this share of the traffic.
    SetWeight {
        /// Per cent, from 0.01 to 99.99.
        set_weight: WeightV1,
        /// Why; required where the weight is less than the one before.
        reason: Option<String>,
    },
    /// Wait for the evidence.
    Analyze {
        /// The analysis' name.
        analyze: String,
    },
    /// Wait.
    Pause {
        /// How long, or `approval` until somebody approves.
        pause: String,
    },
}

/// What the shadow of a canary must show.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GateSpec)]
pub struct GateSpecV1 {
    /// Pairs of answers to compare; 500 where absent.
    pub pairs: Option<u64>,
    /// The share of pairs that must agree; 0.99 where absent.
    pub agreement: Option<ShareV1>,
    /// The share of requests that it sees; 0.1 where absent.
    pub sample: Option<ShareV1>,
    /// How long it may take before the rollout is held; `1d` where absent.
    pub deadline: Option<String>,
}

/// What must be shown before a step is left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalysisSpec)]
pub struct AnalysisSpecV1 {
    /// The chance of aborting a canary that is no worse; 0.01 where absent.
    pub alpha: Option<ShareV1>,
    /// The chance of passing a canary that is worse than the margin; 0.05 where absent.
    pub beta: Option<ShareV1>,
    /// The shortest time; `1m` where absent.
    pub min_time: Option<String>,
    /// Units that each version must have met; 100 where absent.
    pub min_units: Option<u64>,
    /// How long the evidence may take; `1d` where absent.
    pub deadline: Option<String>,
    /// What happens then: `hold`, `advance` or `abort`; `hold` where absent.
    pub on_inconclusive: Option<String>,
    /// What is guarded; errors, timeouts, slow calls and non-finite answers where absent.
    pub guardrails: Option<Vec<GuardrailSpecV1>>,
}

/// A metric that must not become worse.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuardrailSpec)]
pub struct GuardrailSpecV1 {
    /// `errors`, `timeouts`, `slow-p50`, `slow-p90`, `slow-p99`, `slower-than`, `non-finite` or `outputs`.
    pub metric: String,
    /// The time of `slower-than`.
    #[schema(example = "80ms")]
    pub time: Option<String>,
    /// Its part of the weighted evidence of harm; 0.2 where absent.
    pub weight: Option<f64>,
    /// The ratio of the canary's rate to the stable's that is still safe; it tightens from step to step where absent.
    pub margin: Option<f64>,
    /// A rate that is safe whatever the stable's is; 0.01 where absent.
    pub negligible: Option<ShareV1>,
    /// A rate that the canary must not exceed.
    pub ceiling: Option<ShareV1>,
}

/// A span of wall time in which no rollout advances.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WindowSpec)]
pub struct WindowSpecV1 {
    /// Its beginning: a time, or a day of every week and a time of day; UTC.
    #[schema(example = "fri 16:00")]
    pub from: String,
    /// Its end, exclusive, written alike.
    #[schema(example = "mon 08:00")]
    pub to: String,
}

/// A weight in per cent, a number or text such as `25%`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Weight)]
#[serde(untagged)]
pub enum WeightV1 {
    /// From 0 to 100, with two decimals.
    Number(f64),
    /// With its sign.
    Text(String),
}

/// Versions side by side, compared by what they achieve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExperimentSpec)]
pub struct ExperimentSpecV1 {
    /// The arms, from 2 to 10; the first is the baseline.
    pub arms: Vec<ArmSpecV1>,
    /// What users are assigned with; the pipeline's name where absent.
    pub seed: Option<String>,
    /// The users that it may have; all where absent.
    pub namespace: Option<NamespaceSpecV1>,
    /// What is to become better; the first one decides.
    pub goals: Vec<GoalSpecV1>,
    /// What must not become worse; with the goals at most 20.
    pub guardrails: Option<Vec<GoalSpecV1>>,
    /// Parts of the traffic that are reported by themselves, at most 8.
    pub segments: Option<Vec<SegmentSpecV1>>,
    /// The chance of a difference where there is none; 0.05 where absent.
    pub alpha: Option<ShareV1>,
    /// Units that each arm must have before anything is said; 100 where absent.
    pub min_units: Option<u64>,
    /// How long feedback is waited for; `1d` where absent.
    pub feedback_within: Option<String>,
}

/// A version that some of the users get.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmSpec)]
pub struct ArmSpecV1 {
    /// Its name.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// The number of its version.
    pub version: VersionSpecV1,
    /// Its share; an even one where no arm states one. A bandit's arms have none.
    pub weight: Option<WeightV1>,
}

/// A part of a namespace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamespaceSpec)]
pub struct NamespaceSpecV1 {
    /// The name that experiments share.
    pub name: String,
    /// Where the part begins, from 0.
    pub from: ShareV1,
    /// Where it ends, exclusive, up to 1.
    pub to: ShareV1,
}

/// A quantity that is to become better, or must not become worse.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GoalSpec)]
pub struct GoalSpecV1 {
    /// The metric's name in feedback; `errors` and `latency` the daemon measures itself.
    pub metric: String,
    /// `binary`, `mean`, `ratio` or `quantile`.
    pub kind: String,
    /// The metric that a ratio is to.
    pub per: Option<String>,
    /// The quantile, from 0.001 to 0.999.
    pub quantile: Option<f64>,
    /// Sums beyond this count as this much; of a mean.
    pub cap: Option<f64>,
    /// A metric from before the exposure that explains some of a mean.
    pub covariate: Option<String>,
    /// `higher` or `lower`; `lower` for `errors` and `latency`, else `higher` where absent.
    pub better: Option<String>,
    /// The smallest relative difference that matters; 0.05 where absent.
    pub mde: Option<f64>,
}

/// What tells parts of the traffic apart: a header or a parameter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SegmentSpec)]
pub struct SegmentSpecV1 {
    /// Its name in reports.
    pub name: String,
    /// The header that says the value.
    pub header: Option<String>,
    /// The request parameter that says the value.
    pub parameter: Option<String>,
    /// The values that are reported, at most 20; all others are one.
    pub values: Vec<String>,
}

/// Versions whose shares follow what they achieve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BanditSpec)]
pub struct BanditSpecV1 {
    /// The arms, from 2 to 10, without weights; the first is the baseline.
    pub arms: Vec<ArmSpecV1>,
    /// What users are assigned and draws are made with; the pipeline's name where absent.
    pub seed: Option<String>,
    /// What is to become more.
    pub reward: RewardSpecV1,
    /// How shares follow rewards; `thompson` where absent.
    pub algorithm: Option<AlgorithmSpecV1>,
    /// The least share of an arm; 0.01 where absent.
    pub floor: Option<ShareV1>,
    /// How often shares change; `1m` where absent.
    pub period: Option<String>,
    /// The most that a share may change in a period; 0.1 where absent.
    pub max_change: Option<ShareV1>,
    /// After how long what was seen counts half; never where absent.
    pub half_life: Option<String>,
    /// How long a reward is waited for; `1h` where absent.
    pub reward_within: Option<String>,
    /// What removes an arm when it becomes worse, at most 20.
    pub safety: Option<Vec<GoalSpecV1>>,
}

/// What is to become more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RewardSpec)]
pub struct RewardSpecV1 {
    /// The metric's name in feedback.
    pub metric: String,
    /// `binary` or `number`; `binary` where absent.
    pub kind: Option<String>,
}

/// How shares follow rewards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlgorithmSpec)]
#[serde(untagged)]
pub enum AlgorithmSpecV1 {
    /// `thompson` or `ucb1`.
    Word(String),
    /// Thompson sampling.
    Thompson {
        /// What it is told.
        thompson: ThompsonSpecV1,
    },
    /// The best arm takes all but a share that all have evenly.
    EpsilonGreedy {
        /// The share.
        epsilon_greedy: ShareV1,
    },
}

/// What Thompson sampling is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ThompsonSpec)]
pub struct ThompsonSpecV1 {
    /// Whether half of the best arm's share is given to the second; false where absent.
    pub top_two: Option<bool>,
}
