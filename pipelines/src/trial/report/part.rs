//! The declared segments: the same questions, answered shorter, for parts of the traffic.
//!
//! Only moments are kept of a part. Where keys are the units, its variances are taken to be as much larger than those of
//! independent units as they are over all of the traffic.

use super::super::record::{Record, Stretch, Take, Unit};
use super::contrast::Numbers;
use super::estimate::{Pair, simple, weighted};
use super::{GoalLine, Role};
use crate::spec::experiment::Experiment;
use crate::stats::sketch::TooFew;
use crate::stats::{Arm, sequential};

/// A part of the traffic that was declared beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The segment's name.
    pub dimension: String,
    /// Its value; none for all that were not declared.
    pub value: Option<String>,
    /// Units by arm.
    pub units: Vec<u64>,
    /// Each arm held against the baseline, for each goal and guardrail.
    pub contrasts: Vec<PartContrast>,
}

/// An arm held against the baseline in a part of the traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct PartContrast {
    /// The metric.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// The arm's index.
    pub arm: usize,
    /// What both show.
    pub baseline: f64,
    /// The arm's.
    pub value: f64,
    /// Treatment − baseline.
    pub absolute: Numbers,
    /// The p-value for looking at any time. It is not adjusted for the number of parts.
    pub p_sequential: f64,
}

pub(super) fn all(record: &Record, spec: &Experiment, goals: &[GoalLine]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (index, dimension) in record.plan().dimensions().iter().enumerate() {
        let values = dimension.values.iter().map(|value| Some(value.clone()));
        for (place, value) in values.chain([None]).enumerate() {
            let tally = |stretch: &Stretch, arm: usize| {
                let units = stretch.parts.get(index)?.get(place)?.get(arm)?.units;
                (units > 0).then_some(units)
            };
            let units = |arm| {
                let each = record.stretches().iter();
                each.filter_map(|stretch| tally(stretch, arm)).sum::<u64>()
            };
            parts.push(Part {
                dimension: dimension.name.clone(),
                value,
                units: (0..spec.arms.len()).map(units).collect(),
                contrasts: contrasts(record, spec, goals, (index, place)),
            });
        }
    }
    parts
}

fn contrasts(
    record: &Record,
    spec: &Experiment,
    goals: &[GoalLine],
    at: (usize, usize),
) -> Vec<PartContrast> {
    let mut found = Vec::new();
    for (index, goal) in goals.iter().enumerate() {
        let Some(take) = record.plan().takes.get(index) else {
            continue;
        };
        for arm in 1..spec.arms.len() {
            let effect = |arm: usize| {
                let value = goal.arms.get(arm).copied().flatten();
                value.map_or(1.0, |value| value.design_effect.max(1.0))
            };
            let Ok(Some(mut pair)) = pair(record, take, index, arm, at) else {
                continue;
            };
            if record.plan().unit() == Unit::Key {
                pair.base.variance *= effect(0);
                pair.treat.variance *= effect(arm);
            }
            let difference = pair.absolute();
            found.push(PartContrast {
                metric: goal.metric.clone(),
                role: goal.role,
                arm,
                baseline: pair.base.mean,
                value: pair.treat.mean,
                absolute: Numbers::of(&difference, spec.alpha),
                p_sequential: sequential::p_value(&difference, spec.alpha),
            });
        }
    }
    found
}

/// Both arms in one part of the traffic, over the stretches that have both; no quantiles, which are not kept.
fn pair(
    record: &Record,
    take: &Take,
    goal: usize,
    treat: usize,
    (dimension, place): (usize, usize),
) -> Result<Option<Pair>, TooFew> {
    let mut strata: Vec<(f64, Arm, Arm)> = Vec::new();
    for stretch in record.stretches() {
        let arms = stretch
            .parts
            .get(dimension)
            .and_then(|values| values.get(place));
        let Some((base, treat)) = arms.and_then(|arms| Some((arms.first()?, arms.get(treat)?)))
        else {
            continue;
        };
        if base.units == 0 || treat.units == 0 {
            continue;
        }
        let units = (base.units + treat.units) as f64;
        strata.push((
            units,
            simple(take, base, goal, base.units)?,
            simple(take, treat, goal, treat.units)?,
        ));
    }
    let all: f64 = strata.iter().map(|(units, ..)| units).sum();
    if all == 0.0 {
        return Ok(None);
    }
    let arm = |of: fn(&(f64, Arm, Arm)) -> Arm| {
        let weighed = strata.iter().map(|one| (one.0 / all, of(one)));
        weighted(&weighed.collect::<Vec<_>>())
    };
    Ok(Some(Pair {
        base: arm(|one| one.1),
        treat: arm(|one| one.2),
        shared: 0.0,
        clusters: None,
    }))
}
