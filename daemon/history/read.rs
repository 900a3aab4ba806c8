//! Reading: what a query asks for, which windows answer it, and how they are put together.
//!
//! A point is made of the longest windows that its step is a multiple of, and of shorter ones for the time that those have
//! not been made of yet. How much is read and answered is bounded.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use impresario_models::{Name, VersionNumber};

use super::book::Book;
use super::series::{Number, Series};
use super::tiers::Tier;
use super::window::Window;
use crate::measure::Outcome;
use crate::store::{Error, Store};

/// Points of one line where no step is asked for: those of a year of days.
const POINTS: u64 = 366;
/// Points of an answer.
const MOST_POINTS: usize = 100_000;
/// Windows that are read for an answer.
const MOST_WINDOWS: usize = 4_000_000;
/// Windows that are read at a time: the store is not held for longer.
const READ: usize = 2_000;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The steps that are taken where none is asked for.
const STEPS: [u64; 15] = [
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Only this pipeline.
    pub pipeline: Option<Name>,
    /// What gets a line of its own.
    pub by: By,
    /// From when, in milliseconds since 1970.
    pub from: u64,
    /// Until when.
    pub until: u64,
    /// How long a point is, in milliseconds; nothing to choose it.
    pub step: Option<u64>,
    /// The quantiles of a point, from 0 to 1.
    pub quantiles: Vec<f64>,
}

/// What gets a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Each pipeline.
    Pipeline,
    /// Each variant of a pipeline.
    Variant,
    /// Each version that answers for a pipeline.
    Version,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Where the first point may begin, in milliseconds since 1970: a multiple of the step.
    pub from: u64,
    /// Where the last point may end.
    pub until: u64,
    /// How long a point is, in milliseconds.
    pub step: u64,
    /// The lines, in order of their groups.
    pub lines: Vec<Line>,
}

/// What was counted of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Of whom.
    pub group: Group,
    /// When something was counted.
    pub points: Vec<Point>,
}

/// What a line is of. What it is not told apart by is left out; so is what requests that found no version do not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The pipeline.
    pub pipeline: Name,
    /// The variant.
    pub variant: Option<std::sync::Arc<str>>,
    /// The model and its version.
    pub version: Option<(Name, VersionNumber)>,
}

/// What was counted within a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its beginning, in milliseconds since 1970.
    pub at: u64,
    /// Whether it goes on.
    pub open: bool,
    /// Requests a second.
    pub rate: f64,
    /// Everything.
    pub window: Window,
    /// The quantiles that were asked for, in seconds; nothing where nothing was counted.
    pub quantiles: Option<Vec<f64>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It ends before it begins.
    #[error("from: expected a time before until, {until}, got {from}")]
    Empty {
        /// Its beginning.
        from: u64,
        /// Its end.
        until: u64,
    },
    /// No windows add up to such a step.
    #[error("step: expected a multiple of 10s, such as 10s, 1m, 5m or 1h, got {}", span(.0))]
    Uneven(u64),
    /// The windows are not kept for so long.
    #[error("step: {}", too_fine(.step, .tier, .possible, .ago))]
    TooFine {
        /// The step.
        step: u64,
        /// The windows that it needs.
        tier: Tier,
        /// The windows that there are.
        possible: Tier,
        /// How long ago the query begins.
        ago: u64,
    },
    /// It would be too long.
    #[error(
        "the answer would have more than {MOST_POINTS} points: name a pipeline, ask for a shorter time, or for a step above {}",
        span(.step)
    )]
    TooManyPoints {
        /// The step.
        step: u64,
    },
    /// It would take too long.
    #[error(
        "more than {MOST_WINDOWS} windows would have to be read: name a pipeline, ask for a shorter time, or for a step that is a multiple of 1h"
    )]
    TooManyWindows,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How a query is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    tier: Tier,
    from: u64,
    until: u64,
    step: u64,
}

/// The points of a line being put together, by where they begin.
type Points = BTreeMap<u64, Window>;

/// Counts the points of an answer.
struct Count {
    step: u64,
    points: usize,
}

/// What was counted, of what is stored and what is not.
pub(super) fn read(
    store: &dyn Store,
    book: &Book,
    unstored: Vec<(Series, u64, Window)>,
    query: &Query,
    now: u64,
) -> Result<Answer, Refused> {
    let asked = |series: &Series| {
        let pipeline = query.pipeline.as_ref();
        pipeline.is_none_or(|pipeline| *pipeline == series.pipeline)
    };
    let series: Vec<_> = book.known.iter().filter(|(s, _)| asked(s)).collect();
    let plan = plan(query, series.len(), now)?;
    let mut lines: BTreeMap<Group, Points> = BTreeMap::new();
    let mut count = Count {
        step: plan.step,
        points: 0,
    };
    let mut read = 0;
    for (series, known) in series {
        let line = lines.entry(Group::of(series, query.by)).or_default();
        for piece in known.marks.pieces(plan.tier, plan.from, plan.until) {
            // What is too old is not shown, whether or not it is still there. Shorter windows than were asked for stand
            // for longer ones.
            let from = piece.from.max(plan.tier.expired(now));
            let mut from = known.number.window(piece.tier, from);
            let until = known.number.window(piece.tier, piece.until);
            loop {
                let rows = store.rows(&from..&until, READ)?;
                read += rows.len();
                if read > MOST_WINDOWS {
                    return Err(Refused::TooManyWindows);
                }
                for (key, bytes) in &rows {
                    // What cannot be read is said when it is written or added up.
                    if let (Some(start), Ok(window)) = (Number::start(key), Window::decode(bytes)) {
                        count.add(line, start, window)?;
                    }
                }
                match rows.last() {
                    Some((last, _)) if rows.len() == READ => from = [&last[..], &[0]].concat(),
                    _ => break,
                }
            }
        }
    }
    for (series, start, window) in unstored {
        if asked(&series) && (plan.from..plan.until).contains(&start) {
            let line = lines.entry(Group::of(&series, query.by)).or_default();
            count.add(line, start, window)?;
        }
    }
    let lines = lines.into_iter().filter(|(_, points)| !points.is_empty());
    let lines = lines.map(|(group, points)| Line {
        group,
        points: points
            .into_iter()
            .map(|(at, window)| Point::new(at, window, plan.step, now, &query.quantiles))
            .collect(),
    });
    Ok(Answer {
        from: plan.from,
        until: plan.until,
        step: plan.step,
        lines: lines.collect(),
    })
}

/// Chooses step and windows, or says what there is to choose from.
fn plan(query: &Query, series: usize, now: u64) -> Result<Plan, Refused> {
    let (from, until) = (query.from, query.until);
    if from >= until {
        return Err(Refused::Empty { from, until });
    }
    // Longest first: what is kept for longer is shorter to read.
    let tier_of = |step: u64| {
        let divides = |tier: &Tier| step.is_multiple_of(tier.unit());
        Tier::ALL.into_iter().rev().find(divides)
    };
    // The time goes on between asking and reading.
    let kept_from = |tier: Tier| tier.expired(now).saturating_sub(MINUTE);
    let is_kept = |tier: Tier| tier == Tier::Hour || tier.start(from) >= kept_from(tier);
    let step = match query.step {
        Some(step) => step,
        None => {
            let each = (MOST_POINTS as u64 / series.max(1) as u64).clamp(1, POINTS);
            let fits = |step: &u64| {
                let points = until.next_multiple_of(*step) - (from - from % step);
                points / step <= each && tier_of(*step).is_some_and(is_kept)
            };
            let days = (until - from).div_ceil(each).next_multiple_of(DAY);
            STEPS.into_iter().find(fits).unwrap_or(days)
        }
    };
    let tier = match tier_of(step) {
        Some(tier) if step > 0 => tier,
        _ => return Err(Refused::Uneven(step)),
    };
    if !is_kept(tier) {
        let possible = Tier::ALL.into_iter().find(|tier| is_kept(*tier));
        return Err(Refused::TooFine {
            step,
            tier,
            possible: possible.unwrap_or(Tier::Hour),
            // In whole seconds: it is for people.
            ago: now.saturating_sub(from) / SECOND * SECOND,
        });
    }
    Ok(Plan {
        tier,
        from: from - from % step,
        until: until.checked_next_multiple_of(step).unwrap_or(u64::MAX),
        step,
    })
}

// === impl Count ===

impl Count {
    /// Adds a window to the point that it lies in.
    fn add(&mut self, line: &mut Points, start: u64, window: Window) -> Result<(), Refused> {
        let step = self.step;
        match line.entry(start - start % step) {
            Entry::Occupied(mut point) => point.get_mut().add(&window),
            Entry::Vacant(place) => {
                self.points += 1;
                if self.points > MOST_POINTS {
                    return Err(Refused::TooManyPoints { step });
                }
                place.insert(window);
            }
        }
        Ok(())
    }
}

// === impl Group ===

impl Group {
    fn of(series: &Series, by: By) -> Self {
        let answered = series.answered.as_ref();
        let (variant, version) = match by {
            By::Pipeline => (None, None),
            By::Variant => (answered.map(|by| by.variant.clone()), None),
            By::Version => (None, answered.map(|by| (by.model.clone(), by.version))),
        };
        Self {
            pipeline: series.pipeline.clone(),
            variant,
            version,
        }
    }
}

// === impl Point ===

impl Point {
    fn new(at: u64, window: Window, step: u64, now: u64, quantiles: &[f64]) -> Self {
        let end = at.saturating_add(step);
        let open = (at..end).contains(&now);
        let millis = if open { (now - at).max(1) } else { step };
        let quantiles = quantiles.iter().map(|q| window.quantile(*q));
        Self {
            at,
            open,
            rate: window.requests() as f64 * 1e3 / millis as f64,
            quantiles: quantiles.collect(),
            window,
        }
    }

    /// How many requests ended how, without outcomes that none had.
    pub fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let counts = Outcome::ALL.map(|outcome| (outcome, self.window.outcome(outcome)));
        counts.into_iter().filter(|(_, count)| *count > 0)
    }
}

/// Why windows of a tier are of no use, and which are.
fn too_fine(step: &u64, tier: &Tier, possible: &Tier, ago: &u64) -> String {
    format!(
        "{} needs windows of {}, which are kept for {}; expected a multiple of {} for a time that begins {} ago",
        span(step),
        tier.word(),
        span(&tier.age()),
        possible.word(),
        span(ago)
    )
}

/// A length of time for people.
fn span(millis: &u64) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_millis(*millis))
}

#[cfg(test)]
mod tests;
