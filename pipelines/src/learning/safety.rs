//! Metrics of safety: what may remove an arm, and never favours one.
//!
//! Shares change all the time, and so may the traffic; so each request counts by the inverse of its propensity (Hájek's
//! estimate), which makes the arms' requests samples of the same traffic. Both sums stand in one [`Joint`]; the variance is
//! that of a ratio.

use super::rewards::Rewards;
use crate::bucket::Weight;
use crate::spec::bandit::Bandit;
use crate::spec::experiment::Better;
use crate::stats::{Difference, Interval, Joint, sequential};
use crate::trial::record::{Pair, Take};

/// The chance, over all arms, of removing one that is not worse.
const ALPHA: f64 = 0.01;

/// Requests that an arm must have before it is removed.
const LEAST: u64 = 100;

/// One metric of safety of one arm: y and x by the inverse of the propensity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Guarded(pub(super) Joint);

/// The arms that are worse than the baseline by what matters, and why.
pub(super) fn harmed(rewards: &Rewards, spec: &Bandit) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let alpha = ALPHA / (spec.arms.len().max(2) - 1) as f64;
    for arm in 1..spec.arms.len() {
        let worse = spec.safety.iter().enumerate().find_map(|(index, goal)| {
            let of = |arm: usize| rewards.arms.get(arm)?.guarded.get(index);
            let (base, treat) = (of(0)?.0, of(arm)?.0);
            if base.n.min(treat.n) < LEAST {
                return None;
            }
            let (base, treat) = (base.ratio_arm(), treat.ratio_arm());
            let relative = Difference::relative(&base, &treat);
            let margin = if relative.is_some() { goal.mde } else { 0.0 };
            let difference = relative.unwrap_or_else(|| Difference::absolute(&base, &treat));
            let Interval { low, high } = sequential::interval(&difference, alpha);
            let worse = match goal.better {
                Better::Higher => high < -margin,
                Better::Lower => low > margin,
            };
            worse.then(|| {
                format!(
                    "'{}' is {:.4} and the baseline's {:.4}, which is worse by more than {:.1} %",
                    goal.metric,
                    treat.mean,
                    base.mean,
                    100.0 * margin
                )
            })
        });
        found.extend(worse.map(|why| (arm, why)));
    }
    found
}

// === impl Guarded ===

impl Guarded {
    pub(super) fn expose(&mut self, take: Take, propensity: Weight) {
        self.0.n += 1;
        match take {
            // Its denominator comes with feedback.
            Take::Ratio { .. } => {}
            Take::Binary(_) | Take::Mean { .. } | Take::Quantile { .. } => {
                let weight = inverse(propensity);
                self.0.x += weight;
                self.0.xx += weight * weight;
            }
        }
    }

    pub(super) fn change(&mut self, take: Take, propensity: Weight, was: Pair, is: Pair) {
        let weight = inverse(propensity);
        let (old, new) = (was.y.unwrap_or(0.0), is.y.unwrap_or(0.0));
        let squared = weight * weight;
        self.0.y += weight * (new - old);
        self.0.yy += squared * (new * new - old * old);
        match take {
            Take::Ratio { .. } => {
                let (before, after) = (was.x.unwrap_or(0.0), is.x.unwrap_or(0.0));
                self.0.x += weight * (after - before);
                self.0.xx += squared * (after * after - before * before);
                self.0.xy += squared * (new * after - old * before);
            }
            Take::Binary(_) | Take::Mean { .. } | Take::Quantile { .. } => {
                self.0.xy += squared * (new - old);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }
}

fn inverse(propensity: Weight) -> f64 {
    let share = propensity.share();
    if share > 0.0 { share.recip() } else { 0.0 }
}
