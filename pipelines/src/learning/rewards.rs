//! What is gathered about the arms of a bandit: rewards by arm and by when the arm was shown, bounded whatever the
//! traffic.
//!
//! What is older than rewards are waited for is one sum, which halves with the half-life; what is younger stands in cells by
//! its age, so that exposures whose reward may still come count as far as it should have come by now.

use std::collections::BTreeMap;

use super::safety::Guarded;
use super::sums::{Cell, Come, Settled};
use crate::bucket::Weight;
use crate::fleet::Now;
use crate::spec::bandit::{Bandit, RewardKind};
use crate::stats::survival::Delay;
use crate::trial::record::Take;

/// How many cells the time that rewards are waited for has.
const CELLS: u64 = 64;

/// After so many half-lives nothing is left to wait for.
const LIVES: u64 = 32;

/// A request that was given to an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The arm's index.
    pub arm: usize,
    /// The arm's weight at that time: the propensity of the decision.
    pub propensity: Weight,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// The rewards of one bandit.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewards {
    /// The metrics whose feedback is wanted: the reward's, then those of safety.
    metrics: Vec<String>,
    kind: RewardKind,
    /// What the metrics of safety take of a request's values.
    pub(super) takes: Vec<Take>,
    /// The width of a cell, and how long cells are kept, in milliseconds.
    width: u64,
    within: u64,
    half_life: Option<f64>,
    pub(super) arms: Vec<Arm>,
    /// Rewards that came, by how many cells they took.
    pub(super) delays: Vec<u64>,
    /// Exposures whose reward is waited for no more.
    pub(super) lapsed: u64,
}

/// What one arm achieved.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arm {
    /// By the number of the cell, counted from 1970.
    pub(super) cells: BTreeMap<u64, Cell>,
    /// What is older, as it counted at a time.
    pub(super) settled: Settled,
    /// All exposures and all rewards there were, without discount.
    pub(super) shown: u64,
    pub(super) total: f64,
    /// The metrics of safety.
    pub(super) guarded: Vec<Guarded>,
}

// === impl Rewards ===

impl Rewards {
    /// Nothing gathered yet.
    #[must_use]
    pub fn new(spec: &Bandit) -> Self {
        let (safety, takes) = Take::all(&spec.safety);
        let millis =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let half_life = spec.half_life.map(millis);
        let within = millis(spec.reward_within).max(1);
        let lives = half_life.map_or(u64::MAX, |half| half.saturating_mul(LIVES));
        let fine = half_life.map_or(u64::MAX, |half| half / 16);
        let arm = Arm {
            guarded: vec![Guarded::default(); takes.len()],
            ..Arm::default()
        };
        Self {
            metrics: [spec.reward.metric.clone()]
                .into_iter()
                .chain(safety)
                .collect(),
            kind: spec.reward.kind,
            takes,
            width: (within / CELLS).min(fine).max(1),
            within: within.min(lives),
            half_life: half_life.map(|half| half.max(1) as f64),
            arms: vec![arm; spec.arms.len()],
            delays: Vec::new(),
            lapsed: 0,
        }
    }

    /// The metrics whose feedback is wanted; their order is that of the values.
    #[must_use]
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Counts an exposure.
    pub fn expose(&mut self, shown: &Shown) {
        let number = shown.at / self.width;
        if let Some(arm) = self.arms.get_mut(shown.arm) {
            arm.shown += 1;
            arm.cells.entry(number).or_default().shown += 1;
            for (guarded, take) in arm.guarded.iter_mut().zip(&self.takes) {
                guarded.expose(*take, shown.propensity);
            }
        }
    }

    /// Counts feedback on a request: what its values of each metric summed up to before and after it. A reward counts
    /// while its cell is kept; what is no finite number is none.
    pub fn feed(&mut self, shown: &Shown, now: Now, before: &[Option<f64>], after: &[Option<f64>]) {
        let kind = self.kind;
        let first = |values: &[Option<f64>]| {
            let value = values
                .first()
                .copied()
                .flatten()
                .filter(|value| value.is_finite());
            value.map(|value| match kind {
                RewardKind::Binary => f64::from(u8::from(value != 0.0)),
                RewardKind::Number => value,
            })
        };
        let Some(arm) = self.arms.get_mut(shown.arm) else {
            return;
        };
        let (rest, more) = (
            before.get(1..).unwrap_or(&[]),
            after.get(1..).unwrap_or(&[]),
        );
        for (guarded, take) in arm.guarded.iter_mut().zip(&self.takes) {
            guarded.change(*take, shown.propensity, take.pair(rest), take.pair(more));
        }
        let (was, is) = (first(before), first(after));
        let Some(cell) = arm
            .cells
            .get_mut(&(shown.at / self.width))
            .filter(|_| was != is)
        else {
            return;
        };
        let (old, new) = (was.unwrap_or(0.0), is.unwrap_or(0.0));
        cell.sum += new - old;
        cell.sum_sq += new * new - old * old;
        arm.total += new - old;
        if was.is_none() {
            cell.fed += 1;
            let bucket = (now.wall.saturating_sub(shown.at) / self.width) as usize;
            // A cell is kept so long only.
            let bucket = bucket.min((self.within / self.width) as usize + 1);
            if self.delays.len() <= bucket {
                self.delays.resize(bucket + 1, 0);
            }
            self.delays[bucket] += 1;
        }
    }

    /// Makes one sum of what is older than rewards are waited for. Once a tick.
    pub fn settle(&mut self, now: Now) {
        let first = now.wall.saturating_sub(self.within) / self.width;
        for arm in &mut self.arms {
            let kept = arm.cells.split_off(&first);
            for (number, cell) in std::mem::replace(&mut arm.cells, kept) {
                self.lapsed += cell.shown.saturating_sub(cell.fed);
                let at = (number * self.width).saturating_add(self.width / 2);
                let cell = Settled {
                    at,
                    n: cell.shown as f64,
                    sum: cell.sum,
                    sum_sq: cell.sum_sq,
                };
                arm.settled.add(&cell, self.half_life);
            }
        }
    }

    /// Adds what was gathered elsewhere about the same bandit.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.arms.iter_mut().zip(&other.arms) {
            for (number, cell) in &theirs.cells {
                let mine = mine.cells.entry(*number).or_default();
                mine.shown += cell.shown;
                mine.fed += cell.fed;
                mine.sum += cell.sum;
                mine.sum_sq += cell.sum_sq;
            }
            mine.settled.add(&theirs.settled, self.half_life);
            mine.shown += theirs.shown;
            mine.total += theirs.total;
            for (mine, theirs) in mine.guarded.iter_mut().zip(&theirs.guarded) {
                mine.merge(theirs);
            }
        }
        if self.delays.len() < other.delays.len() {
            self.delays.resize(other.delays.len(), 0);
        }
        self.delays
            .iter_mut()
            .zip(&other.delays)
            .for_each(|(a, b)| *a += b);
        self.lapsed += other.lapsed;
    }

    /// What an arm's exposures count for now, discounted, and as far as their rewards should have come.
    pub(super) fn counted(&self, arm: usize, now: Now) -> Settled {
        let curve = self.curve(now);
        let Some(arm) = self.arms.get(arm) else {
            return Settled::default();
        };
        let mut all = arm.settled.discounted(now.wall, self.half_life);
        for (number, cell) in &arm.cells {
            let at = (number * self.width).saturating_add(self.width / 2);
            let cell = Settled {
                at,
                n: cell.shown as f64
                    * curve
                        .by(now.wall.saturating_sub(at) as f64)
                        .max(cell.share()),
                sum: cell.sum,
                sum_sq: cell.sum_sq,
            };
            all.add(&cell.discounted(now.wall, self.half_life), self.half_life);
        }
        all
    }

    /// Whether any reward ever came.
    pub(super) fn known(&self) -> bool {
        self.delays.iter().any(|count| *count > 0)
    }

    fn curve(&self, now: Now) -> Come {
        let middle = |bucket: u64| (bucket * self.width + self.width / 2) as f64;
        let arrived = (0..).zip(&self.delays);
        let arrived = arrived.map(|(bucket, count)| (Delay::Arrived(middle(bucket)), *count));
        let cells = self.arms.iter().flat_map(|arm| &arm.cells);
        let awaited = cells.map(|(number, cell)| {
            let age = now
                .wall
                .saturating_sub(number * self.width + self.width / 2);
            (
                Delay::Awaited(age as f64),
                cell.shown.saturating_sub(cell.fed),
            )
        });
        let lapsed = (
            Delay::Awaited(self.within as f64 + self.width as f64),
            self.lapsed,
        );
        Come::fit(arrived.chain(awaited).chain([lapsed]))
    }
}
