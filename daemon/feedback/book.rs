//! One of the books that a course's numbers are in: requests are spread over them by slot, so that all of a key come to
//! the same one.

use std::sync::Arc;

use impresario_pipelines::bucket::{Slots, Weight};
use impresario_pipelines::fleet::Now;
use impresario_pipelines::learning::{Rewards, Shown};
use impresario_pipelines::spec::bandit::Bandit;
use impresario_pipelines::spec::experiment::Experiment;
use impresario_pipelines::trial::{Exposure, Record, Unit};

use super::Wants;
use super::entry::{Seen, told};

/// What a part of a course's requests came to.
pub(super) enum Book {
    Record(Box<Record>),
    Rewards {
        rewards: Box<Rewards>,
        /// Whether it is not stored as it is.
        touched: bool,
    },
}

/// The part of a book that is stored under a name.
pub(super) type Part = (String, Vec<u8>);

/// The name of the one part that rewards are.
const REWARDS: &str = "rewards";

// === impl Book ===

impl Book {
    pub(super) fn new(wants: &Wants) -> Self {
        match wants {
            Wants::Experiment { spec, unit } => Self::Record(Box::new(Record::new(spec, *unit))),
            Wants::Bandit(spec) => Self::Rewards {
                rewards: Box::new(Rewards::new(spec)),
                touched: false,
            },
        }
    }

    /// The book of stored parts.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn restore(wants: &Wants, parts: Vec<Part>) -> Result<Self, String> {
        match wants {
            Wants::Experiment { spec, unit } => restore_record(spec, *unit, parts),
            Wants::Bandit(spec) => restore_rewards(spec, parts),
        }
    }

    /// A part of the course begins.
    pub(super) fn open(&mut self, segment: u32, slots: &Slots) {
        match self {
            Self::Record(record) => record.open(segment, slots),
            Self::Rewards { .. } => {}
        }
    }

    /// Counts a request that was given to an arm with that weight.
    pub(super) fn expose(&mut self, seen: &Seen, weight: Weight) {
        match self {
            Self::Record(record) => {
                record.expose(&exposure(record, seen), at(seen));
            }
            Self::Rewards { rewards, touched } => {
                *touched = true;
                rewards.expose(&shown(seen, weight));
            }
        }
    }

    /// Counts that a request's values have changed.
    pub(super) fn feed(
        &mut self,
        (seen, weight): (&Seen, Weight),
        before: &[f64],
        after: &[f64],
        now: Now,
    ) {
        let (before, after) = (told(before), told(after));
        match self {
            Self::Record(record) => record.feed(&exposure(record, seen), &before, &after),
            Self::Rewards { rewards, touched } => {
                *touched = true;
                rewards.feed(&shown(seen, weight), now, &before, &after);
            }
        }
    }

    /// What is to be stored again.
    pub(super) fn changes(&mut self, now: Now) -> Vec<Part> {
        match self {
            Self::Record(record) => {
                let changes = record.changes().into_iter();
                changes.map(|(key, part)| (key.to_string(), part)).collect()
            }
            Self::Rewards { rewards, touched } => {
                rewards.settle(now);
                match std::mem::take(touched) {
                    true => vec![(REWARDS.to_owned(), rewards.to_bytes())],
                    false => Vec::new(),
                }
            }
        }
    }

    /// Storing failed: all is to be stored again.
    pub(super) fn spoil(&mut self) {
        match self {
            Self::Record(record) => record.spoil(),
            Self::Rewards { touched, .. } => *touched = true,
        }
    }
}

fn restore_record(spec: &Experiment, unit: Unit, parts: Vec<Part>) -> Result<Book, String> {
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(name, part)| {
            let key = name.parse();
            key.map(|key| (key, part))
                .map_err(|error| format!("{error}: '{name}'"))
        })
        .collect::<Result<_, _>>()?;
    let record = Record::restore(spec, unit, parts);
    let record = record.map_err(|damaged| damaged.to_string())?;
    Ok(Book::Record(Box::new(record)))
}

fn restore_rewards(spec: &Arc<Bandit>, parts: Vec<Part>) -> Result<Book, String> {
    let mut rewards = Rewards::new(spec);
    for (name, part) in parts {
        if name != REWARDS {
            return Err(format!("no part of rewards is named '{name}'"));
        }
        rewards = Rewards::from_bytes(spec, &part).map_err(|damaged| damaged.to_string())?;
    }
    Ok(Book::Rewards {
        rewards: Box::new(rewards),
        touched: false,
    })
}

fn exposure(record: &Record, seen: &Seen) -> Exposure {
    Exposure {
        segment: seen.segment,
        slot: seen.slot,
        unit: match record.plan().unit() {
            Unit::Request => None,
            Unit::Key => Some(seen.unit),
        },
        dimensions: seen.dimensions,
    }
}

fn shown(seen: &Seen, weight: Weight) -> Shown {
    Shown {
        arm: usize::from(seen.arm),
        propensity: weight,
        at: seen.at,
    }
}

/// Records read the wall time only.
fn at(seen: &Seen) -> Now {
    Now {
        monotonic: 0,
        wall: seen.at,
    }
}
