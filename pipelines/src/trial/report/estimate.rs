//! What arms show of a goal, over stretches with different weights.
//!
//! Arms are compared within a stretch, and stretches count by their units: so a change of weights together with a change
//! of load or hour is no difference (the stabilised inverse-propensity estimate). Where keys are the units, the slots are
//! the clusters that variances come from; a slot that moved from one arm to the other is in both, and their covariance is
//! taken off.

use super::super::record::{Stretch, Take};
use super::clusters;
use crate::stats::moments::Adjustment;
use crate::stats::sketch::TooFew;
use crate::stats::{Arm, Difference, Joint};
use crate::trial::record::{Record, SCALE, Tally, Unit};

/// Two arms of a contrast.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) base: Arm,
    pub(super) treat: Arm,
    /// The covariance of their estimates.
    pub(super) shared: f64,
    /// How many clusters each has, where there are some.
    pub(super) clusters: Option<[usize; 2]>,
}

/// What one arm shows by itself, and by how much its variance is larger than that of as many independent units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alone {
    pub(super) arm: Arm,
    pub(super) design_effect: f64,
}

/// Two arms; nothing where no stretch has both.
pub(super) fn pair(
    record: &Record,
    goal: usize,
    base: usize,
    treat: usize,
) -> Result<Option<Pair>, TooFew> {
    let Some(take) = record.plan().takes.get(goal) else {
        return Ok(None);
    };
    let both = |stretch: &&Stretch| {
        let seen = |arm: usize| stretch.slots.share(arm) > 0.0 && stretch.units(arm) > 0.0;
        seen(base) && seen(treat)
    };
    let stretches: Vec<&Stretch> = record.stretches().iter().filter(both).collect();
    if stretches.is_empty() {
        return Ok(None);
    }
    let weights = weights(&stretches, &[base, treat]);
    if clustered(record, take) {
        return Ok(Some(clusters::pair(
            take, goal, &stretches, &weights, base, treat,
        )));
    }
    let arms = |arm: usize| combine(take, goal, &stretches, &weights, arm);
    Ok(Some(Pair {
        base: arms(base)?,
        treat: arms(treat)?,
        shared: 0.0,
        clusters: None,
    }))
}

/// One arm by itself; nothing where it has no units.
pub(super) fn alone(record: &Record, goal: usize, arm: usize) -> Result<Option<Alone>, TooFew> {
    let Some(take) = record.plan().takes.get(goal) else {
        return Ok(None);
    };
    let stretches = record.stretches().iter();
    let stretches: Vec<&Stretch> = stretches.filter(|one| one.units(arm) > 0.0).collect();
    if stretches.is_empty() {
        return Ok(None);
    }
    let weights = weights(&stretches, &[arm]);
    let mut plain = 1.0;
    let found = if clustered(record, take) {
        let one = clusters::one(take, goal, &stretches, &weights, arm);
        let naive = combine(take, goal, &stretches, &weights, arm)?;
        if naive.se() > 0.0 && one.se() > 0.0 {
            plain = (one.se() / naive.se()).powi(2);
        }
        one
    } else {
        combine(take, goal, &stretches, &weights, arm)?
    };
    Ok(Some(Alone {
        arm: found,
        design_effect: plain,
    }))
}

/// An arm of one tally as if its units were independent; without an adjustment.
pub(super) fn simple(take: &Take, tally: &Tally, goal: usize, units: u64) -> Result<Arm, TooFew> {
    let Some(sums) = tally.goals.get(goal) else {
        return Ok(Arm::plain(0, 0.0, 0.0));
    };
    let joint = sums.joint(units);
    Ok(match take {
        Take::Binary(_) => Arm::proportion(sums.y.max(0.0) as u64, units),
        Take::Mean { .. } => joint.adjusted_arm(&Adjustment::default()),
        Take::Ratio { .. } => Joint {
            n: tally.requests,
            ..joint
        }
        .ratio_arm(),
        Take::Quantile { q, .. } => {
            let sketch = sums.sketch.as_deref().ok_or(TooFew { n: 0 })?;
            let arm = sketch.quantile_arm(*q)?;
            Arm::plain(arm.units, arm.mean / SCALE, arm.variance / SCALE.powi(2))
        }
    })
}

/// Whether the slots are the clusters of a goal. A quantile is one of keys' first values, which are independent.
fn clustered(record: &Record, take: &Take) -> bool {
    let quantile = matches!(take, Take::Quantile { .. });
    record.plan().unit() == Unit::Key && !quantile
}

/// The part that each stretch counts by.
fn weights(stretches: &[&Stretch], arms: &[usize]) -> Vec<f64> {
    let units = |stretch: &&Stretch| arms.iter().map(|arm| stretch.units(*arm)).sum::<f64>();
    let all: f64 = stretches.iter().map(units).sum();
    stretches
        .iter()
        .map(|stretch| units(stretch) / all)
        .collect()
}

fn combine(
    take: &Take,
    goal: usize,
    stretches: &[&Stretch],
    weights: &[f64],
    arm: usize,
) -> Result<Arm, TooFew> {
    let each = stretches.iter().zip(weights);
    let strata = each.map(|(one, weight)| Ok((*weight, within(take, goal, one, arm)?)));
    Ok(weighted(&strata.collect::<Result<Vec<_>, TooFew>>()?))
}

/// One arm out of its parts, each with its weight; the parts are independent.
pub(super) fn weighted(strata: &[(f64, Arm)]) -> Arm {
    let mut all = Arm::plain(0, 0.0, 0.0);
    let mut error = 0.0;
    for (weight, one) in strata {
        all.units += one.units;
        all.mean += weight * one.mean;
        all.unadjusted += weight * one.unadjusted;
        error += (weight * one.se()).powi(2);
    }
    all.variance = error * all.units as f64;
    all
}

fn within(take: &Take, goal: usize, stretch: &Stretch, arm: usize) -> Result<Arm, TooFew> {
    let Some(tally) = stretch.arms.get(arm) else {
        return Ok(Arm::plain(0, 0.0, 0.0));
    };
    let covariate = matches!(
        take,
        Take::Mean {
            covariate: Some(_),
            ..
        }
    );
    if !covariate || !stretch.chunks.is_empty() {
        return simple(take, tally, goal, tally.units);
    }
    // The slope and the center are the same for all arms.
    let sums = || {
        stretch
            .arms
            .iter()
            .filter_map(|one| Some((one, one.goals.get(goal)?)))
    };
    let known: u64 = sums().map(|(_, sums)| sums.paired).sum();
    let center = sums().map(|(_, sums)| sums.x).sum::<f64>() / known.max(1) as f64;
    let joints = sums().map(|(one, sums)| sums.centered(one.units, center));
    let by = Adjustment::pooled(&joints.collect::<Vec<_>>());
    let own = tally.goals.get(goal);
    let own = own.map(|sums| sums.centered(tally.units, center));
    Ok(own.unwrap_or_default().adjusted_arm(&by))
}

// === impl Pair ===

impl Pair {
    /// Treatment − baseline.
    pub(super) fn absolute(&self) -> Difference {
        self.less(
            Difference::absolute(&self.base, &self.treat),
            2.0 * self.shared,
        )
    }

    /// The same as a part of the baseline; nothing where that is 0.
    pub(super) fn relative(&self) -> Option<Difference> {
        let base = self.base.unadjusted;
        let whole = Difference::relative(&self.base, &self.treat)?;
        let growth = self.treat.unadjusted / base;
        Some(self.less(whole, 2.0 * growth * self.shared / (base * base)))
    }

    fn less(&self, mut whole: Difference, shared: f64) -> Difference {
        if shared != 0.0 && whole.se > 0.0 {
            whole.se = (whole.se.powi(2) - shared).max(0.0).sqrt();
        }
        if let Some([base, treat]) = self.clusters {
            let (a, b) = (self.base.se().powi(2), self.treat.se().powi(2));
            let part = |error: f64, clusters: usize| error * error / (clusters.max(2) - 1) as f64;
            let below = part(a, base) + part(b, treat);
            if below > 0.0 {
                whole.dof = (a + b).powi(2) / below;
            }
        }
        whole
    }
}
