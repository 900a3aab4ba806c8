//! The report of a bandit: its arms, what they brought, and what it cost.

use impresario_pipelines::learning::{ArmLine, Report};
use serde::Serialize;
use utoipa::ToSchema;

use super::CourseV1;
use super::number::finite;

/// A bandit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bandit)]
pub struct BanditV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision, as in the `ETag`.
    pub revision: u64,
    /// Where it is.
    pub course: CourseV1,
    /// What it did; nothing before anything was gathered.
    pub report: Option<BanditReportV1>,
    /// Up to when what it gathered is in the store (RFC 3339): what came later is lost if the daemon is killed now.
    pub stored_until: Option<String>,
    /// What can be asked of it now.
    #[schema(example = json!(["freeze", "pause"]))]
    pub verbs: Vec<&'static str>,
}

/// What a bandit did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BanditReport)]
pub struct BanditReportV1 {
    /// How many periods there were.
    pub periods: u64,
    /// The arms; the first is the baseline.
    pub arms: Vec<BanditArmV1>,
    /// Reward that the best arm would have brought and that did not come.
    pub regret: Option<f64>,
    /// The same if all arms had had the same share.
    pub regret_even: Option<f64>,
    /// Why the shares are what they are.
    pub why: String,
}

/// One arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BanditArm)]
pub struct BanditArmV1 {
    /// Its name.
    pub name: String,
    /// Its share of the traffic while the bandit runs, in per cent: the propensity of every decision.
    pub weight: f64,
    /// How often it was shown.
    pub shown: u64,
    /// All the reward that it brought.
    pub total: Option<f64>,
    /// What its exposures count for: discounted, and as far as their rewards should have come.
    pub n: Option<f64>,
    /// The mean reward of those.
    pub mean: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// The probability that it is the best.
    pub chance: Option<f64>,
    /// Why it has no traffic, where it was removed.
    pub removed: Option<RemovedArmV1>,
}

/// Why an arm has no traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedArm)]
pub struct RemovedArmV1 {
    /// Who removed it.
    pub by: String,
    /// Why.
    pub why: String,
}

impl From<&Report> for BanditReportV1 {
    fn from(report: &Report) -> Self {
        Self {
            periods: report.periods,
            arms: report.arms.iter().map(BanditArmV1::from).collect(),
            regret: finite(report.regret),
            regret_even: finite(report.regret_even),
            why: report.why.clone(),
        }
    }
}

impl From<&ArmLine> for BanditArmV1 {
    fn from(arm: &ArmLine) -> Self {
        Self {
            name: arm.name.clone(),
            weight: arm.weight.percent(),
            shown: arm.shown,
            total: finite(arm.total),
            n: finite(arm.n),
            mean: finite(arm.mean),
            se: finite(arm.se),
            chance: finite(arm.chance),
            removed: arm.removed.as_ref().map(|removal| RemovedArmV1 {
                by: removal.by.clone(),
                why: removal.why.clone(),
            }),
        }
    }
}
