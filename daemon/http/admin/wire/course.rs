//! Courses: where a rollout, an experiment or a bandit is, and what came of telling it something.

use impresario_models::Name;
use impresario_pipelines::fleet::{Course, Entry, Fleet, Freeze, Revision};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::etag;
use super::time;
use crate::actors::messages::Outcome;

/// What moves a pipeline by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Course)]
pub struct CourseV1 {
    /// `rollout`, `experiment` or `bandit`.
    pub kind: &'static str,
    /// Where it is.
    #[schema(example = "baking")]
    pub phase: &'static str,
    /// Whether it still moves by itself.
    pub active: bool,
    /// The revision that began it.
    pub id: u64,
    /// Counts up when shares, versions or thresholds change; evidence is kept by it.
    pub segment: u32,
    /// When it came to where it is (RFC 3339).
    pub since: String,
    /// Why it is there, in a sentence.
    pub why: String,
    /// What it waits for; nothing once it has ended.
    pub waits: Option<String>,
    /// Who has which share of the traffic; the first is the stable or the baseline.
    pub variants: Vec<VariantV1>,
}

/// A variant and its share of the traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Variant)]
pub struct VariantV1 {
    /// Its name.
    #[schema(example = "canary")]
    pub name: String,
    /// Its model.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// Its share of the traffic, in per cent.
    pub weight: f64,
}

/// What came of telling a course something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Steered)]
pub struct SteeredV1 {
    /// The pipeline.
    pub name: String,
    /// The pipeline's revision afterwards, as in the `ETag`.
    pub revision: u64,
    /// Whether anything became different; not where it was done already.
    pub changed: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The pipeline's policy afterwards.
    #[schema(example = "canary")]
    pub policy: &'static str,
    /// Where the course is afterwards; nothing where a policy without one took its place.
    pub course: Option<CourseV1>,
    /// What is perhaps not meant.
    pub warnings: Vec<String>,
}

/// Why no rollout advances, in any pipeline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freeze)]
pub struct FreezeV1 {
    /// Who said so.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it ends by itself (RFC 3339); nothing where it is to be taken back.
    pub until: Option<String>,
}

/// What came of a freeze, or of taking it back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Frozen)]
pub struct FrozenV1 {
    /// Whether anything became different.
    pub changed: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The freeze that stands afterwards; nothing where rollouts advance.
    pub freeze: Option<FreezeV1>,
}

// === impl CourseV1 ===

impl CourseV1 {
    /// The course of a pipeline, where it has one.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let course = entry.course.as_deref()?;
        let (since, why) = standing(course);
        let waits = match course {
            Course::Rollout(rollout) => rollout.waits(),
            Course::Trial(_) | Course::Learning(_) => None,
        };
        Some(Self {
            kind: course.kind(),
            phase: course.phase(),
            active: course.is_active(),
            id: course.id(),
            segment: course.segment(),
            since: time(since),
            why: why.to_owned(),
            waits,
            variants: variants(entry, course),
        })
    }
}

/// Since when a course is where it is, and why.
pub(super) fn standing(course: &Course) -> (u64, &str) {
    match course {
        Course::Rollout(rollout) => (rollout.since, &rollout.why),
        Course::Trial(trial) => (trial.since, &trial.why),
        Course::Learning(learning) => (learning.since, &learning.why),
    }
}

fn variants(entry: &Entry, course: &Course) -> Vec<VariantV1> {
    let weights = course.slots().weights();
    let legs = entry.legs();
    let legs = legs.into_iter().zip(weights);
    legs.map(|((variant, model, version), weight)| VariantV1 {
        name: variant.to_string(),
        model: model.to_string(),
        version: version.get(),
        weight: weight.percent(),
    })
    .collect()
}

// === impl SteeredV1 ===

impl SteeredV1 {
    /// What an outcome means for a pipeline.
    #[must_use]
    pub fn of(outcome: &Outcome, name: &Name, dry_run: bool) -> Self {
        let fleet = &outcome.fleet;
        let entry = fleet.routing.pipelines.get(name);
        let Revision(revision) = etag::of(fleet, name);
        Self {
            name: name.to_string(),
            revision,
            changed: outcome.changed,
            dry_run,
            policy: entry.map_or("standalone", |entry| entry.pipeline.policy().kind()),
            course: entry.and_then(CourseV1::of),
            warnings: Vec::new(),
        }
    }
}

// === impl FreezeV1 ===

impl FreezeV1 {
    /// The freeze of a fleet, where it stands at a wall time.
    #[must_use]
    pub fn of(fleet: &Fleet, wall: u64) -> Option<Self> {
        let Freeze {
            actor,
            reason,
            until,
        } = fleet.routing.freeze.as_ref()?;
        let over = until.is_some_and(|until| until <= wall);
        (!over).then(|| Self {
            actor: actor.clone(),
            reason: reason.clone(),
            until: until.map(time),
        })
    }
}
