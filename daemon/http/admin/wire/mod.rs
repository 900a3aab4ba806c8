//! What the admin API sends and takes, version 1: its own shapes, made from the domain's types and never used
//! inside.

mod bandit;
mod counters;
mod course;
mod decision;
mod evidence;
mod experiment;
mod history;
mod journal;
mod logging;
mod me;
mod metrics;
mod model;
mod number;
mod order;
mod payload;
mod pipeline;
mod plan;
#[allow(
    dead_code,
    reason = "it describes what `pipelines::spec` reads and writes"
)]
mod policy;
mod problem;
mod rollout;
mod shadow;
#[allow(
    dead_code,
    reason = "it describes what `pipelines::spec` reads and writes"
)]
mod spec;
mod status;
mod token;

pub use bandit::{BanditReportV1, BanditV1};
pub use counters::{CellV1, CountersV1, LostV1, NodeV1, SketchV1};
pub use course::{CourseV1, FreezeV1, FrozenV1, SteeredV1, VariantV1};
pub use decision::DecisionV1;
pub use evidence::{EvidenceV1, GuardrailV1, ThresholdsV1};
pub use experiment::{ExperimentReportV1, ExperimentV1};
pub use history::{AuditV1, DifferenceV1, RecordV1, RevisionV1, RevisionsV1, differences};
pub use journal::{EntryV1, JournalV1, MissedV1};
pub use logging::{LogOrderV1, LogV1};
pub use me::MeV1;
pub use metrics::{MetricsHistoryV1, PointV1, SeriesV1};
pub use model::{
    ContractV1, IntentV1, LimitsV1, LoadReportV1, ModelV1, ModelsV1, PortV1, VersionDetailV1,
    VersionV1,
};
pub use order::{
    BanditEndV1, BanditOrderV1, ExperimentOrderV1, FreezeOrderV1, RolloutOrderV1, StartV1, WhyV1,
};
pub use payload::PayloadLogV1;
pub use pipeline::{
    ChangedV1, PipelineStatusV1, PipelineSummaryV1, PipelineV1, PipelinesV1, ReportV1, ServesV1,
    UndoV1, WaitV1,
};
pub use plan::PlanV1;
pub use policy::PolicySpecV1;
pub use problem::{ProblemEntryV1, ProblemV1};
pub(super) use rollout::parts as rollout_parts;
pub use rollout::{RolloutV1, SeenV1};
pub use shadow::{BesideV1, ShadowReportV1, ShadowV1};
pub use spec::{PipelineSpecV1, ShareV1, VersionSpecV1};
pub use status::{ExportV1, ReloadedV1, StatusV1, WebhookV1};
pub use token::{MintedV1, NewTokenV1, RemovedV1, RoleV1, TokenSourceV1, TokenV1, TokensV1};

use std::time::{Duration, UNIX_EPOCH};

/// A wall time in milliseconds since 1970 as RFC 3339.
pub(super) fn time(wall: u64) -> String {
    // Later than the year 9999 cannot be written; such a time is not met but in a damaged store.
    const LAST: u64 = 253_402_300_799_999;
    let at = UNIX_EPOCH + Duration::from_millis(wall.min(LAST));
    humantime::format_rfc3339_millis(at).to_string()
}

#[cfg(test)]
mod tests;
