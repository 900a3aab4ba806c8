//! Experiments as they are written. Arms, goals and segments have files of their own.

use std::time::Duration;

use serde::Serialize;

use super::analysis::MAX_UNITS;
use super::arms::{self, ArmSpec};
use super::goal::{GoalSpec, Goals};
use super::scalars::{Number, duration, each, list, optional, share, time, word};
use super::segment::{self, SegmentSpec};
use crate::bucket::{Namespace, NamespaceError};
use crate::spec::experiment::Experiment;
use crate::spec::read::{Field, Part, Reader, Table};

/// Versions side by side, compared by what they achieve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExperimentSpec {
    /// The arms, from 2 to 10; the first is the baseline. Required.
    pub arms: Vec<ArmSpec>,
    /// What users are assigned with, at most 128 characters; another seed shuffles them anew. Default: the
    /// pipeline's name.
    pub seed: String,
    /// The users that the experiment may have, so that it excludes others. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceSpec>,
    /// What is to become better; the first one decides. At least one, with the guardrails at most 20. Required.
    pub goals: Vec<GoalSpec>,
    /// What must not become worse, in the shape of goals. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<GoalSpec>,
    /// Parts of the traffic that are reported by themselves, at most 8. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentSpec>,
    /// The chance of a difference where there is none, from 0.000001 to 0.5. Default: 0.05.
    pub alpha: Number,
    /// Users, or requests where no key tells users apart, that each arm must have before anything is said, from 1
    /// to 1,000,000,000. Default: 100.
    pub min_units: u64,
    /// How long feedback is waited for, from the decision, from 1 s to 30 days. Default: `"1d"`.
    pub feedback_within: String,
}

/// A part of a namespace, as GrowthBook has it: experiments with parts that do not overlap never share a user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamespaceSpec {
    /// Its name, at most 128 characters, which the experiments share. Required.
    pub name: String,
    /// Where the part begins, from 0. Required.
    pub from: Number,
    /// Where it ends, exclusive, up to 1. Required.
    pub to: Number,
}

/// The longest seed, and the longest name of a namespace.
pub(super) const MAX_SEED: usize = 128;
const SECOND: Duration = Duration::from_secs(1);

// === reading ===

/// Reads an experiment of the pipeline of a name, where that is known.
pub(super) fn read(
    name: Option<&str>,
    mut table: Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Experiment> {
    let arms = table.need("arms", reader);
    let seed = table.get("seed");
    let namespace = table.get("namespace");
    let goals = table.need("goals", reader);
    let (guardrails, segments) = (table.get("guardrails"), table.get("segments"));
    let (alpha, min_units) = (table.get("alpha"), table.get("min_units"));
    let feedback_within = table.get("feedback_within");
    let seed = self::seed(name, seed, &table, reader);
    table.finish(reader);

    let arms = arms.and_then(|field| arms::weighted(&field, reader));
    let namespace = optional(namespace, |field| self::namespace(field, reader));
    let mut all = Goals::default();
    let goals = goals.and_then(|field| {
        let list = list(&field, reader, 1..=Experiment::MAX_GOALS)?;
        each(&list, |goal| all.take(goal, reader))
    });
    let guardrails = optional(guardrails, |field| {
        let list = list(field, reader, 0..=Experiment::MAX_GOALS)?;
        let read = each(&list, |goal| all.take(goal, reader))?;
        let (max, got) = (Experiment::MAX_GOALS, all.len());
        if got > max {
            let message =
                format!("expected at most {max} goals and guardrails together, got {got}");
            reader.error(field, "too-many", message);
            return None;
        }
        Some(read)
    });
    let segments = optional(segments, |field| segment::read(field, reader));
    let alpha = optional(alpha, |field| share(field, reader, 1e-6..=0.5));
    let min_units = optional(min_units, |field| field.whole(reader, 1..=MAX_UNITS));
    let feedback_within = optional(feedback_within, |field| time(field, reader, SECOND));
    Some(Experiment {
        arms: arms?,
        seed: seed?,
        namespace: namespace?,
        goals: goals?,
        guardrails: guardrails?.unwrap_or_default(),
        segments: segments?.unwrap_or_default(),
        alpha: alpha?.unwrap_or(Experiment::ALPHA),
        min_units: min_units?.unwrap_or(Experiment::MIN_UNITS),
        feedback_within: feedback_within?.unwrap_or(Experiment::FEEDBACK),
    })
}

/// The seed: the written one, or the pipeline's name.
pub(super) fn seed(
    name: Option<&str>,
    seed: Option<Field<'_>>,
    table: &Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<String> {
    if let Some(field) = seed {
        return word(&field, reader, MAX_SEED);
    }
    if name.is_none() {
        // Only what was stored or sent has no name, and it is written with its seed.
        let message = "the field 'seed' is missing".to_owned();
        let problem = reader.problem(table.path(), Part::Key, "missing-field", message);
        reader.push(problem);
    }
    name.map(str::to_owned)
}

fn namespace(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Namespace> {
    let mut table = field.table(reader)?;
    let name = table.need("name", reader);
    let (from, to) = (table.need("from", reader), table.need("to", reader));
    table.finish(reader);
    let name = name.and_then(|field| word(&field, reader, MAX_SEED));
    let from = from.and_then(|field| share(&field, reader, 0.0..=1.0));
    let to_field = to?;
    let to = share(&to_field, reader, 0.0..=1.0);
    match Namespace::new(&name?, from?, to?) {
        Ok(namespace) => Some(namespace),
        Err(error) => {
            let code = match error {
                NamespaceError::Nameless => "empty",
                NamespaceError::Range { .. } => "out-of-range",
            };
            reader.error(&to_field, code, error.to_string());
            None
        }
    }
}

// === writing ===

impl From<&Experiment> for ExperimentSpec {
    fn from(experiment: &Experiment) -> Self {
        let goals = |goals: &[_]| goals.iter().map(GoalSpec::from).collect();
        Self {
            arms: experiment.arms.iter().map(ArmSpec::from).collect(),
            seed: experiment.seed.clone(),
            namespace: experiment.namespace.as_ref().map(|part| NamespaceSpec {
                name: part.name().to_owned(),
                from: part.from().into(),
                to: part.to().into(),
            }),
            goals: goals(&experiment.goals),
            guardrails: goals(&experiment.guardrails),
            segments: experiment.segments.iter().map(SegmentSpec::from).collect(),
            alpha: experiment.alpha.into(),
            min_units: experiment.min_units,
            feedback_within: duration(experiment.feedback_within),
        }
    }
}
