//! The journal of a pipeline: what happened to it, in sentences with the numbers that they rested on.

use impresario_models::Name;
use impresario_pipelines::fleet::{Change, Course, Record};
use serde::Serialize;
use utoipa::ToSchema;

use super::course::standing;
use super::number::finite;
use super::{DifferenceV1, RecordV1};

/// A page of the journal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Journal)]
pub struct JournalV1 {
    /// The pipeline.
    pub name: String,
    /// Newest first.
    pub entries: Vec<EntryV1>,
    /// Where there may be older ones: the value of `before` for the next page.
    pub next: Option<u64>,
}

/// What happened, in a sentence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JournalEntry)]
pub struct EntryV1 {
    /// Its number in the audit.
    pub seq: u64,
    /// The fleet's revision afterwards.
    pub revision: u64,
    /// When (RFC 3339).
    pub at: String,
    /// Who: a token's name, `local`, or `impresario` where it happened by itself.
    pub actor: String,
    /// Through which door.
    pub source: &'static str,
    /// What, such as `rollout.advance`.
    pub action: String,
    /// The pipeline that it is about; nothing where it is about several or all.
    pub pipeline: Option<String>,
    /// What happened and why.
    pub sentence: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The numbers that it rested on.
    pub numbers: Vec<FigureV1>,
    /// Where the course was and is; nothing where none was moved.
    pub phase: Option<TurnV1>,
    /// What became different, from place to place.
    pub changes: Vec<DifferenceV1>,
}

/// A number with its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figure)]
pub struct FigureV1 {
    /// What it is.
    #[schema(example = "harm")]
    pub name: String,
    /// Its value.
    pub value: Option<f64>,
}

/// Where a course was and is.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
#[schema(as = Turn)]
pub struct TurnV1 {
    /// What kind of course it is.
    pub kind: &'static str,
    /// Where it was; nothing where it began.
    pub before: Option<&'static str>,
    /// Where it is; nothing where it was removed.
    pub after: Option<&'static str>,
}

/// Records that a reader of the events cannot be given any more.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
#[schema(as = Missed)]
pub struct MissedV1 {
    /// The first of them.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// Where they may be found.
    pub remedy: String,
}

// === impl EntryV1 ===

impl EntryV1 {
    /// A record as the journal shows it; of a pipeline, only what became of that.
    #[must_use]
    pub fn of(record: &Record, about: Option<&Name>) -> Self {
        let diffs = || {
            let diffs = record.diffs.iter();
            diffs.filter(move |diff| about.is_none_or(|name| diff.name == *name))
        };
        let turns = diffs().filter_map(|diff| match &diff.change {
            Change::Course { before, after } => Some((before.as_deref(), after.as_deref())),
            Change::Pipeline { .. } | Change::Intent { .. } => None,
        });
        let turns: Vec<_> = turns.collect();
        let turn = match turns[..] {
            [turn] => Some(turn),
            _ => None,
        };
        let RecordV1 {
            seq,
            revision,
            at,
            actor,
            source,
            action,
            reason,
            ..
        } = RecordV1::from(record);
        let mut names: Vec<_> = diffs().map(|diff| &diff.name).collect();
        names.dedup();
        let pipeline = match names[..] {
            [name] => Some(name.to_string()),
            _ => None,
        };
        Self {
            sentence: sentence(&action, &actor, reason.as_deref(), turn),
            pipeline,
            numbers: figures(&record.numbers),
            phase: turn.and_then(TurnV1::of),
            changes: diffs().flat_map(super::history::changes).collect(),
            seq,
            revision,
            at,
            actor,
            source,
            action,
            reason,
        }
    }
}

/// The course's own sentence, where it has a new one; else who did what, and why.
fn sentence(
    action: &str,
    actor: &str,
    reason: Option<&str>,
    turn: Option<(Option<&Course>, Option<&Course>)>,
) -> String {
    let why = |course: &'_ Course| standing(course).1.to_owned();
    let told = turn.and_then(|(before, after)| {
        let (before, after) = (before.map(why), after.map(why)?);
        (before.as_ref() != Some(&after)).then_some(after)
    });
    match (told, reason) {
        // What a person set is told with its reason in brackets, as the audit has it.
        (Some(told), Some(reason)) if reason.starts_with(&told) => reason.to_owned(),
        (Some(told), Some(reason)) if !told.contains(reason) => format!("{told} ({reason})"),
        (Some(told), _) => told,
        (None, Some(reason)) => format!("{action} by {actor}: {reason}"),
        (None, None) => format!("{action} by {actor}"),
    }
}

fn figures(numbers: &[(String, f64)]) -> Vec<FigureV1> {
    let numbers = numbers.iter();
    numbers
        .map(|(name, value)| FigureV1 {
            name: name.clone(),
            value: finite(*value),
        })
        .collect()
}

// === impl TurnV1 ===

impl TurnV1 {
    fn of((before, after): (Option<&Course>, Option<&Course>)) -> Option<Self> {
        let kind = after.or(before)?.kind();
        Some(Self {
            kind,
            before: before.map(Course::phase),
            after: after.map(Course::phase),
        })
    }
}
