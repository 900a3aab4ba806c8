//! What the admin API sends and takes, version 1: its own shapes, made from the domain's types and never used
//! inside.

mod history;
mod model;
mod pipeline;
#[allow(
    dead_code,
    reason = "it describes what `pipelines::spec` reads and writes"
)]
mod policy;
mod problem;
#[allow(
    dead_code,
    reason = "it describes what `pipelines::spec` reads and writes"
)]
mod spec;
mod status;
mod token;

pub use history::{AuditV1, DifferenceV1, RecordV1, RevisionV1, RevisionsV1, differences};
pub use model::{
    ContractV1, IntentV1, LimitsV1, LoadReportV1, ModelV1, ModelsV1, PortV1, VersionDetailV1,
    VersionV1,
};
pub use pipeline::{
    ChangedV1, PipelineStatusV1, PipelineSummaryV1, PipelineV1, PipelinesV1, ReportV1, ServesV1,
    UndoV1, WaitV1,
};
pub use policy::PolicySpecV1;
pub use problem::{ProblemEntryV1, ProblemV1};
pub use spec::{PipelineSpecV1, ShareV1, VersionSpecV1};
pub use status::{ReloadedV1, StatusV1};
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
