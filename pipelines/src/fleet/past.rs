//! What a pipeline was: the state that undo brings back, told by the history.

use std::sync::Arc;

use impresario_models::Name;

use super::course::Course;
use super::put::{Asked, Origin};
use super::routing::{Change, Promise};
use super::{Fleet, Rejection, Revision};
use crate::spec::Pipeline;

/// What a pipeline was at a revision, or before the newest change that somebody asked for. What moved it by itself is
/// brought back with it.
pub(super) fn past(
    fleet: &Fleet,
    name: &Name,
    to: Option<Revision>,
) -> Result<Option<Asked>, Rejection> {
    let pipelines = changes(fleet, name, |change| match change {
        Change::Pipeline { before, after } => Some((before, after)),
        Change::Intent { .. } | Change::Course { .. } => None,
    });
    let courses = changes(fleet, name, |change| match change {
        Change::Course { before, after } => Some((before, after)),
        Change::Intent { .. } | Change::Pipeline { .. } => None,
    });
    let there = fleet.routing.pipelines.get(name);
    let newest = pipelines.last().map(|change| change.revision);
    // A change of nothing but the terms is taken back without it: what moved meanwhile stays where it is.
    let terms = to.is_none() && !courses.iter().any(|change| Some(change.revision) == newest);
    let to = to.or_else(|| newest.map(|newest| Revision(newest.0.saturating_sub(1))));
    let defined = pipelines.first().map(|change| change.revision);
    let moved = courses.first().map(|change| change.revision);
    // A definition that is older than all records is there still.
    let first = defined.or(moved.filter(|_| there.is_some()));
    let (Some(first), Some(to)) = (first, to) else {
        return Err(match there {
            Some(_) => Rejection::NothingToUndo { name: name.clone() },
            None => Rejection::UnknownPipeline { name: name.clone() },
        });
    };
    if to > fleet.routing.revision || (to.next() < first && to < covered(fleet)) {
        let changes = pipelines.iter().map(|change| change.revision);
        let mut known: Vec<_> = changes.map(|revision| revision.to_string()).collect();
        if known.is_empty() {
            known.push(first.to_string());
        }
        return Err(Rejection::UnknownRevision {
            name: name.clone(),
            to,
            known: format!("it changed at {}", known.join(", ")),
        });
    }
    let is = || there.map(|entry| entry.pipeline.clone());
    let pipeline: Option<Pipeline> = at(&pipelines, to).unwrap_or_else(is);
    let course: Option<Arc<Course>> = match terms {
        true => there.and_then(|entry| entry.course.clone()),
        false => at(&courses, to).flatten(),
    };
    Ok(pipeline.map(|pipeline| Asked {
        pipeline,
        // Undo always works: whoever goes back knows what was there.
        promise: Promise::Waived,
        origin: Origin::Past(course),
    }))
}

/// A change of one thing.
struct Was<'a, T> {
    revision: Revision,
    before: &'a Option<T>,
    after: &'a Option<T>,
}

fn changes<'a, T>(
    fleet: &'a Fleet,
    name: &Name,
    of: impl Fn(&'a Change) -> Option<(&'a Option<T>, &'a Option<T>)>,
) -> Vec<Was<'a, T>> {
    let mut changes = Vec::new();
    for record in &fleet.history {
        for diff in record.diffs.iter().filter(|diff| diff.name == *name) {
            changes.extend(of(&diff.change).map(|(before, after)| Was {
                revision: record.revision,
                before,
                after,
            }));
        }
    }
    changes
}

/// What it was at a revision; nothing where it never changed.
fn at<T: Clone>(changes: &[Was<'_, T>], to: Revision) -> Option<Option<T>> {
    let last = changes.iter().rev().find(|change| change.revision <= to);
    let last = last.map(|change| change.after.clone());
    last.or_else(|| changes.first().map(|change| change.before.clone()))
}

/// The oldest revision whose state the history still tells: the one before its oldest change.
fn covered(fleet: &Fleet) -> Revision {
    match fleet.history.first() {
        None => fleet.routing.revision,
        Some(oldest) if oldest.diffs.is_empty() => oldest.revision,
        Some(oldest) => Revision(oldest.revision.0.saturating_sub(1)),
    }
}
