//! Pipelines: as they are written, who serves, and what a change came to.

use impresario_models::Name;
use impresario_pipelines::fleet::{Fleet, Report, Revision, Subject, Wait};
use impresario_pipelines::spec::Pipeline;
use impresario_pipelines::table::{self, Standing};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::etag::of as revision_of;
use super::{CourseV1, PipelineSpecV1};
use crate::actors::messages::Outcome;

/// All pipelines, those that models have by themselves included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pipelines)]
pub struct PipelinesV1 {
    /// The fleet's revision.
    pub revision: u64,
    /// In the order of names.
    pub pipelines: Vec<PipelineSummaryV1>,
}

/// A pipeline in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PipelineSummary)]
pub struct PipelineSummaryV1 {
    /// Its name.
    pub name: String,
    /// The revision that made it so; 0 for one that a model has by itself.
    pub revision: u64,
    /// Its policy.
    #[schema(example = "standalone")]
    pub policy: &'static str,
    /// Who serves, and what waits.
    #[serde(flatten)]
    pub status: PipelineStatusV1,
}

/// A pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pipeline)]
pub struct PipelineV1 {
    /// Its name.
    pub name: String,
    /// The revision that made it so, as in the `ETag`; 0 for one that a model has by itself.
    pub revision: u64,
    /// As it is written.
    #[schema(value_type = PipelineSpecV1)]
    pub spec: Value,
    /// What is observed.
    pub status: PipelineStatusV1,
}

/// What is observed of a pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PipelineStatus)]
pub struct PipelineStatusV1 {
    /// Whether somebody made it; otherwise its model has it by itself.
    pub configured: bool,
    /// The door through which it came.
    #[schema(example = "api")]
    pub source: Option<&'static str>,
    /// Who answers; nobody where absent.
    pub serves: Option<ServesV1>,
    /// What moves it by itself, and who has which share of the traffic.
    pub course: Option<CourseV1>,
    /// What is not as desired, and why.
    pub waits: Vec<WaitV1>,
}

/// The version that answers.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
#[schema(as = Serves)]
pub struct ServesV1 {
    /// The model.
    pub model: String,
    /// The version.
    pub version: u64,
}

/// Something that is not as desired.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wait)]
pub struct WaitV1 {
    /// What it is about: a pipeline or a version of a model.
    #[schema(example = "model iris version 2")]
    pub subject: String,
    /// A stable word.
    #[schema(example = "loading")]
    pub code: &'static str,
    /// Why.
    pub why: String,
}

/// What a change of a pipeline came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changed)]
pub struct ChangedV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision afterwards, as in the `ETag`; where it is gone, the fleet's.
    pub revision: u64,
    /// What became of it.
    pub report: ReportV1,
}

/// What became, or would become, of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportV1 {
    /// Whether anything became different.
    pub changed: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Whether the pipeline is there afterwards, made by somebody.
    pub configured: bool,
    /// Who answers now; nobody where absent.
    pub serves: Option<ServesV1>,
    /// What is not as desired yet, and why.
    pub waits: Vec<WaitV1>,
}

/// What to bring back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Undo)]
#[serde(deny_unknown_fields)]
pub struct UndoV1 {
    /// The revision whose state to bring back; without it, the state before the newest change.
    #[serde(default)]
    pub to: Option<u64>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

// === impl PipelineSummaryV1 ===

impl PipelineSummaryV1 {
    /// Every pipeline of a fleet.
    #[must_use]
    pub fn all(fleet: &Fleet, report: &Report) -> Vec<Self> {
        let mut names: Vec<_> = fleet
            .routing
            .pipelines
            .keys()
            .chain(fleet.observed.models.keys())
            .collect();
        names.sort_unstable();
        names.dedup();
        let summary = |name: &Name| Self {
            name: name.to_string(),
            revision: revision_of(fleet, name).0,
            policy: policy(&written(fleet, name)),
            status: PipelineStatusV1::of(fleet, report, name),
        };
        names.into_iter().map(summary).collect()
    }
}

// === impl PipelineV1 ===

impl PipelineV1 {
    /// A pipeline, if there is one of the name.
    #[must_use]
    pub fn of(fleet: &Fleet, report: &Report, name: &Name) -> Option<Self> {
        let there =
            fleet.routing.pipelines.contains_key(name) || fleet.observed.models.contains_key(name);
        there.then(|| Self {
            name: name.to_string(),
            revision: revision_of(fleet, name).0,
            spec: spec(&written(fleet, name)),
            status: PipelineStatusV1::of(fleet, report, name),
        })
    }
}

impl PipelineStatusV1 {
    fn of(fleet: &Fleet, report: &Report, name: &Name) -> Self {
        let entry = fleet.routing.pipelines.get(name);
        Self {
            configured: entry.is_some(),
            source: entry.map(|entry| entry.source.as_str()),
            serves: ServesV1::of(fleet, name),
            course: entry.and_then(CourseV1::of),
            waits: waits(fleet, report, name),
        }
    }
}

// === impl ServesV1 ===

impl ServesV1 {
    fn of(fleet: &Fleet, name: &Name) -> Option<Self> {
        let (model, version) = table::standing(fleet, name).serving()?;
        Some(Self {
            model: model.to_string(),
            version: version.get(),
        })
    }
}

// === impl WaitV1 ===

impl From<&Wait> for WaitV1 {
    fn from(wait: &Wait) -> Self {
        Self {
            subject: wait.subject.to_string(),
            code: wait.reason.code(),
            why: wait.reason.to_string(),
        }
    }
}

// === impl ChangedV1 ===

impl ChangedV1 {
    /// What an outcome means for a pipeline.
    #[must_use]
    pub fn of(outcome: &Outcome, name: &Name, dry_run: bool) -> Self {
        let fleet = &outcome.fleet;
        let entry = fleet.routing.pipelines.get(name);
        Self {
            name: name.to_string(),
            revision: entry.map_or(outcome.revision, |entry| entry.revision).0,
            report: ReportV1 {
                changed: outcome.changed,
                dry_run,
                configured: entry.is_some(),
                serves: ServesV1::of(fleet, name),
                waits: waits(fleet, &outcome.report, name),
            },
        }
    }

    /// The revision for the `ETag`.
    #[must_use]
    pub fn etag(&self) -> Option<Revision> {
        (self.report.configured && !self.report.dry_run).then_some(Revision(self.revision))
    }
}

/// The JSON of a pipeline.
pub(super) fn spec(pipeline: &Pipeline) -> Value {
    serde_json::to_value(pipeline).expect("strings and numbers are JSON")
}

fn policy(pipeline: &Pipeline) -> &'static str {
    pipeline.policy().kind()
}

fn written(fleet: &Fleet, name: &Name) -> Pipeline {
    let entry = fleet.routing.pipelines.get(name);
    entry.map_or_else(
        || Pipeline::implicit(name.clone()),
        |entry| entry.pipeline.clone(),
    )
}

/// What is not as desired with a pipeline or the models it calls. One that a model has by itself is not in the
/// report, so that its standing is asked.
fn waits(fleet: &Fleet, report: &Report, name: &Name) -> Vec<WaitV1> {
    let pipeline = written(fleet, name);
    let entry = fleet.routing.pipelines.get(name);
    let members = match entry {
        Some(entry) => entry.members(),
        None => pipeline.policy().members(),
    };
    let concerns = |wait: &&Wait| match &wait.subject {
        Subject::Pipeline(of) => of == name,
        Subject::Version(model, version) => members
            .iter()
            .any(|(member, pin)| *member == model && pin.is_none_or(|pin| pin == *version)),
    };
    let mut waits: Vec<WaitV1> = report
        .waits
        .iter()
        .filter(concerns)
        .map(WaitV1::from)
        .collect();
    let own =
        fleet.observed.models.contains_key(name) && !fleet.routing.pipelines.contains_key(name);
    if own && let Standing::Nobody(why) = table::standing(fleet, name) {
        let why = WaitV1 {
            subject: format!("pipeline {name}"),
            code: "nobody",
            why: format!("nobody answers: {}", why.why),
        };
        waits.insert(0, why);
    }
    waits
}
