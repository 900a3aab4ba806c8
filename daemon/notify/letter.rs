//! What is posted: a record of the audit in the words of a stranger, as JSON or as a text for people.
//!
//! This is a face of its own: fields are added, and none changes its meaning.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use impresario_pipelines::fleet::{Change, Course, Record};
use serde::Serialize;

use super::hook::Format;

/// Later than this cannot be written (the end of the year 9999).
const LAST: u64 = 253_402_300_799_999;

/// A record.
#[derive(Debug, Serialize)]
struct Letter<'a> {
    /// Its number in the audit; what is told later has a higher one.
    id: u64,
    /// The fleet's revision afterwards.
    revision: u64,
    /// When (RFC 3339).
    at: String,
    /// What, such as `rollout.abort`.
    action: &'a str,
    /// Who: a token's name, or `impresario` where it happened by itself.
    actor: &'a str,
    /// Through which door.
    source: &'static str,
    /// The pipeline; nothing where it is about several or all.
    pipeline: Option<&'a str>,
    /// Where its course was and is; nothing where none was moved.
    phase: Option<Turn<&'static str>>,
    /// The shares of its arms, in their order and in per cent.
    weights: Option<Turn<Vec<f64>>>,
    /// What happened and why, for people.
    sentence: String,
    /// Why, in the actor's words.
    reason: Option<&'a str>,
    /// The numbers that it rested on.
    numbers: BTreeMap<&'a str, f64>,
    /// What became of each pipeline that it is about.
    changes: Vec<Changed<'a>>,
}

/// What became of a pipeline.
#[derive(Debug, Clone, Serialize)]
struct Changed<'a> {
    pipeline: &'a str,
    /// Its policy, where its definition changed.
    policy: Option<Turn<&'static str>>,
    /// What kind of course it has: `rollout`, `experiment` or `bandit`.
    course: Option<&'static str>,
    phase: Option<Turn<&'static str>>,
    weights: Option<Turn<Vec<f64>>>,
}

/// Before and after; nothing where it did not or does not exist.
#[derive(Debug, Clone, Serialize)]
struct Turn<T> {
    before: Option<T>,
    after: Option<T>,
}

/// What is posted of a record.
pub(super) fn write(record: &Record, format: Format) -> Vec<u8> {
    let letter = Letter::of(record);
    let written = match format {
        Format::Json => serde_json::to_vec(&letter),
        Format::Slack => serde_json::to_vec(&serde_json::json!({ "text": letter.text() })),
    };
    written.expect("a letter is made of texts and numbers")
}

// === impl Letter ===

impl<'a> Letter<'a> {
    fn of(record: &'a Record) -> Self {
        let changes = Changed::all(record);
        let only = match &changes[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        let (phase, weights) = match only {
            Some(only) => (only.phase, only.weights),
            None => (None, None),
        };
        Self {
            id: record.seq,
            revision: record.revision.0,
            at: humantime::format_rfc3339_millis(
                UNIX_EPOCH + Duration::from_millis(record.at.min(LAST)),
            )
            .to_string(),
            action: &record.action,
            actor: &record.actor,
            source: record.source.as_str(),
            pipeline: match &changes[..] {
                [only] => Some(only.pipeline),
                _ => None,
            },
            phase,
            weights,
            sentence: sentence(record),
            reason: record.reason.as_deref(),
            numbers: {
                let numbers = record.numbers.iter().filter(|(_, n)| n.is_finite());
                numbers.map(|(name, n)| (name.as_str(), *n)).collect()
            },
            changes,
        }
    }

    /// A few lines, with Slack's marks.
    fn text(&self) -> String {
        let mut text = format!("*{}*", escape(self.action));
        if let Some(pipeline) = self.pipeline {
            let _ = write!(text, " of `{}`", escape(pipeline));
        }
        if let Some(Turn { before, after }) = &self.phase
            && before != after
        {
            let _ = write!(text, ": {} → {}", word(*before), word(*after));
        }
        if let Some(Turn { before, after }) = &self.weights
            && before != after
        {
            let share = |weights: &Option<Vec<f64>>| {
                let weights = weights.iter().flatten().map(ToString::to_string);
                weights.collect::<Vec<_>>().join("/")
            };
            let (before, after) = (share(before), share(after));
            let _ = match (&before[..], &after[..]) {
                ("", after) => write!(text, ", {after} %"),
                (before, "") => write!(text, ", {before} % before"),
                (before, after) => write!(text, ", {before} → {after} %"),
            };
        }
        let _ = write!(
            text,
            "\n{}\n_{}, revision {}_",
            escape(&self.sentence),
            escape(self.actor),
            self.revision
        );
        text
    }
}

/// A course's own sentence, where it has a new one; else who did what, and why.
fn sentence(record: &Record) -> String {
    let told = record.diffs.iter().find_map(|diff| match &diff.change {
        Change::Course { before, after } => {
            let (before, after) = (before.as_deref().map(why), after.as_deref().map(why)?);
            (before != Some(after) && !after.is_empty()).then_some(after)
        }
        Change::Pipeline { .. } | Change::Intent { .. } => None,
    });
    let (action, actor) = (&record.action, &record.actor);
    match (told, record.reason.as_deref()) {
        (Some(told), Some(reason)) if !told.contains(reason) => format!("{told} ({reason})"),
        (Some(told), _) => told.to_owned(),
        (None, Some(reason)) => format!("{action} by {actor}: {reason}"),
        (None, None) => format!("{action} by {actor}"),
    }
}

fn why(course: &Course) -> &str {
    match course {
        Course::Rollout(rollout) => &rollout.why,
        Course::Trial(trial) => &trial.why,
        Course::Learning(learning) => &learning.why,
    }
}

fn word(phase: Option<&'static str>) -> &'static str {
    phase.unwrap_or("none")
}

/// Slack's own characters, so that no text becomes a link or a mention.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

// === impl Changed ===

impl<'a> Changed<'a> {
    /// One for each pipeline, in the order of the record.
    fn all(record: &'a Record) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for diff in &record.diffs {
            let name = diff.name.as_str();
            if let Change::Intent { .. } = diff.change {
                continue;
            }
            let at = all.iter().position(|changed| changed.pipeline == name);
            let at = at.unwrap_or_else(|| {
                all.push(Self::nothing(name));
                all.len() - 1
            });
            let changed = &mut all[at];
            match &diff.change {
                Change::Pipeline { before, after } => {
                    changed.policy = Some(Turn {
                        before: before.as_ref().map(|pipeline| pipeline.policy().kind()),
                        after: after.as_ref().map(|pipeline| pipeline.policy().kind()),
                    });
                }
                Change::Course { before, after } => {
                    let (before, after) = (before.as_deref(), after.as_deref());
                    changed.course = after.or(before).map(Course::kind);
                    // Where one record moves a course twice, it is told from its first phase to its last.
                    let phase = changed.phase.take().map(|turn| turn.before);
                    let weights = changed.weights.take().map(|turn| turn.before);
                    changed.phase = Some(Turn {
                        before: phase.unwrap_or(before.map(Course::phase)),
                        after: after.map(Course::phase),
                    });
                    changed.weights = Some(Turn {
                        before: weights.unwrap_or(before.map(shares)),
                        after: after.map(shares),
                    });
                }
                Change::Intent { .. } => {}
            }
        }
        all
    }

    fn nothing(pipeline: &'a str) -> Self {
        Self {
            pipeline,
            policy: None,
            course: None,
            phase: None,
            weights: None,
        }
    }
}

fn shares(course: &Course) -> Vec<f64> {
    let weights = course.slots().weights().iter();
    weights.map(|weight| weight.percent()).collect()
}
