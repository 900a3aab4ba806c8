//! Whether the numbers can be trusted.

use super::{ArmLine, GoalLine};
use crate::bucket::{Slot, Weight};
use crate::stats::{Arm, Difference, sequential, srm};
use crate::trial::record::{Record, Unit, keys};

/// The log evidence of a sample-ratio mismatch that is proof: ln 1000.
const PROOF: f64 = 6.907_755_278_982_137;

/// A slot with more of an arm's requests than this is told of.
const HEAVY: f64 = 0.05;

/// A slot with so many of its 128 bits set tells keys apart badly.
const CROWDED: u32 = 122;

/// Whether the numbers can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Whether the arms got the shares of units that they should.
    pub ratio: Ratio,
    /// The spans with one split each.
    pub spans: Vec<Span>,
    /// Keys that met more than one arm, because their slots changed hands; about.
    pub twice: f64,
    /// The slot with the largest part of its arm's requests, where keys are the units.
    pub heavy: Option<Heavy>,
    /// Exposures and feedback of segments that are not known.
    pub foreign: u64,
    /// What is worth knowing, in sentences.
    pub warnings: Vec<String>,
}

/// The sample ratio: units by arm against the arms' shares, span by span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The log evidence of a mismatch, for looking at any time.
    pub log_e: f64,
    /// The p-value of the χ² test, for one look.
    pub p_fixed: f64,
    /// Whether the evidence is proof: then nothing that is measured can be trusted.
    pub mismatch: bool,
}

/// A span with one split.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The segments of the course that it is of.
    pub segments: Vec<u32>,
    /// The arms' shares.
    pub weights: Vec<Weight>,
    /// Units by arm, as far as they are told apart.
    pub units: Vec<u64>,
}

/// A slot with a large part of its arm's requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heavy {
    /// The slot.
    pub slot: Slot,
    /// The arm's index.
    pub arm: usize,
    /// Its part of the arm's requests, from 0 to 1.
    pub share: f64,
}

pub(super) fn of(record: &Record, arms: &[ArmLine], goals: &[GoalLine]) -> Health {
    let spans: Vec<Span> = record
        .stretches()
        .iter()
        .enumerate()
        .map(|(index, stretch)| Span {
            segments: record.segments_of(index),
            weights: stretch.slots.weights().to_vec(),
            units: stretch.arms.iter().map(|tally| tally.units).collect(),
        })
        .collect();
    let mut health = Health {
        ratio: ratio(&spans),
        spans,
        twice: twice(record),
        heavy: heavy(record),
        foreign: record.foreign(),
        warnings: Vec::new(),
    };
    health.warnings = warnings(record, arms, goals, &health);
    health
}

fn ratio(spans: &[Span]) -> Ratio {
    let shares: Vec<Vec<f64>> = spans
        .iter()
        .map(|span| span.weights.iter().map(|weight| weight.share()).collect())
        .collect();
    let pairs = spans.iter().zip(&shares);
    let segments: Vec<_> = pairs
        .map(|(span, shares)| srm::Segment {
            counts: &span.units,
            shares,
        })
        .collect();
    let log_e = srm::log_e(&segments);
    Ratio {
        log_e,
        p_fixed: srm::chi_squared(&segments),
        mismatch: log_e >= PROOF,
    }
}

fn twice(record: &Record) -> f64 {
    let stretches = record.stretches();
    let mut both = vec![0_u128; usize::from(Slot::COUNT)];
    for (index, first) in stretches.iter().enumerate() {
        for second in &stretches[index + 1..] {
            for arm in 0..first.slots.arms() {
                for (number, chunk, row) in first.rows(arm) {
                    let slot = Slot::new(number as u16);
                    let moved = slot.is_some_and(|slot| second.slots.owner(slot) != arm);
                    if moved {
                        both[number] |= chunk.units[row] & second.bits(number);
                    }
                }
            }
        }
    }
    both.into_iter().map(keys).sum()
}

fn heavy(record: &Record) -> Option<Heavy> {
    let mut top: Option<Heavy> = None;
    for stretch in record.stretches() {
        for (arm, tally) in stretch.arms.iter().enumerate() {
            for (number, chunk, row) in stretch.rows(arm) {
                let share = f64::from(chunk.requests[row]) / tally.requests.max(1) as f64;
                if top.is_none_or(|heavy| share > heavy.share) {
                    let slot = Slot::new(number as u16)?;
                    top = Some(Heavy { slot, arm, share });
                }
            }
        }
    }
    top
}

fn warnings(record: &Record, arms: &[ArmLine], goals: &[GoalLine], health: &Health) -> Vec<String> {
    let mut told = Vec::new();
    if health.ratio.mismatch {
        told.push(format!(
            "the arms did not get the shares of units that they should (evidence {:.0} to 1): something loses or \
             adds units of one arm, and no number here can be trusted",
            health.ratio.log_e.exp()
        ));
    }
    let units: f64 = arms.iter().map(|arm| arm.units).sum();
    if health.twice > 0.01 * units {
        told.push(format!(
            "about {:.0} keys met more than one arm, because weights changed",
            health.twice
        ));
    }
    if let Some(heavy) = health.heavy.filter(|heavy| heavy.share > HEAVY) {
        let name = arms.get(heavy.arm).map_or("", |arm| arm.name.as_str());
        told.push(format!(
            "one slot in 10,000 makes {:.0} % of the requests of '{name}': a few keys weigh much",
            100.0 * heavy.share
        ));
    }
    let chunks = record
        .stretches()
        .iter()
        .flat_map(|one| one.chunks.iter().flatten());
    if chunks
        .flat_map(|chunk| &chunk.units)
        .any(|bits| bits.count_ones() >= CROWDED)
    {
        told.push("there are more keys than are told apart well: units are estimates".to_owned());
    }
    if health.foreign > 0 {
        told.push(format!(
            "{} exposures and feedback belong to no segment that is known",
            health.foreign
        ));
    }
    told.extend(goals.iter().filter_map(|goal| missing(record, arms, goal)));
    told
}

/// Whether feedback is missing in one arm more than in the baseline, where most requests have some. Where few do, it is
/// likelier that feedback comes only where there is something to tell.
fn missing(record: &Record, arms: &[ArmLine], goal: &GoalLine) -> Option<String> {
    if record.plan().unit() == Unit::Key {
        return None;
    }
    let lacks = |value: &Option<super::Value>| {
        let value = (*value)?;
        let requests = value.fed + value.missing;
        (value.fed > value.missing).then(|| Arm::proportion(value.missing, requests))
    };
    let baseline = lacks(goal.arms.first()?)?;
    for (arm, value) in arms.iter().zip(&goal.arms).skip(1) {
        let Some(lacking) = lacks(value) else {
            continue;
        };
        let difference = Difference::absolute(&baseline, &lacking);
        if sequential::p_value(&difference, 0.001) <= 0.001 {
            return Some(format!(
                "feedback on '{}' is missing for {:.1} % of the requests of '{}', and for {:.1} % of the baseline's",
                goal.metric,
                100.0 * lacking.mean,
                arm.name,
                100.0 * baseline.mean
            ));
        }
    }
    None
}
