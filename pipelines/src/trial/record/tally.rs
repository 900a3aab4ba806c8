//! An arm's sums: units, requests, and for each goal the moments of what requests gave to it.

use super::plan::{Pair, Plan, Take};
use crate::stats::{Joint, Sketch};

/// How many of a sketch's smallest steps a value of 1 has: values from a millionth to 4,398 are told apart.
pub(in crate::trial) const SCALE: f64 = 1e9;

/// What one arm showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::trial) struct Tally {
    /// Units that were seen. Keys are told apart by few bits, so that some of many count as one.
    pub(in crate::trial) units: u64,
    /// Requests.
    pub(in crate::trial) requests: u64,
    /// By goal, the guardrails after them.
    pub(in crate::trial) goals: Vec<Sums>,
}

/// What the requests of one arm gave to one goal. Those that gave nothing are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::trial) struct Sums {
    /// Requests with feedback.
    pub(in crate::trial) fed: u64,
    /// Σy, Σy².
    pub(in crate::trial) y: f64,
    pub(in crate::trial) yy: f64,
    /// Requests with an x, and Σx, Σx², Σxy, Σy over those.
    pub(in crate::trial) paired: u64,
    pub(in crate::trial) x: f64,
    pub(in crate::trial) xx: f64,
    pub(in crate::trial) xy: f64,
    pub(in crate::trial) y_paired: f64,
    /// The values themselves, where a quantile is asked for.
    pub(in crate::trial) sketch: Option<Box<Sketch>>,
}

// === impl Tally ===

impl Tally {
    pub(super) fn new(plan: &Plan) -> Self {
        let goals = plan.takes.iter().map(|_| Sums::default()).collect();
        Self {
            units: 0,
            requests: 0,
            goals,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.units += other.units;
        self.requests += other.requests;
        for (mine, theirs) in self.goals.iter_mut().zip(&other.goals) {
            mine.merge(theirs);
        }
    }
}

// === impl Sums ===

impl Sums {
    /// Whether a request has feedback changed, or not.
    pub(super) fn feedback(&mut self, was: bool, is: bool) {
        self.fed = (self.fed + u64::from(is)).saturating_sub(u64::from(was));
    }

    /// What a request gives changed.
    pub(super) fn take(&mut self, take: Take, was: Pair, is: Pair) {
        match take {
            Take::Quantile { .. } => {
                // A quantile is one of first values: a sketch forgets none.
                if let (None, Some(value)) = (was.y, is.y) {
                    let sketch = self.sketch.get_or_insert_default();
                    sketch.record((value * SCALE) as u64);
                }
            }
            Take::Binary(_) | Take::Mean { .. } | Take::Ratio { .. } => self.change(was, is),
        }
    }

    fn change(&mut self, was: Pair, is: Pair) {
        let (before, after) = (was.y.unwrap_or(0.0), is.y.unwrap_or(0.0));
        self.y += after - before;
        self.yy += after * after - before * before;
        if let Some(x) = was.x {
            self.pair(x, before, -1.0);
            self.paired = self.paired.saturating_sub(1);
        }
        if let Some(x) = is.x {
            self.pair(x, after, 1.0);
            self.paired += 1;
        }
    }

    fn pair(&mut self, x: f64, y: f64, sign: f64) {
        self.x += sign * x;
        self.xx += sign * x * x;
        self.xy += sign * x * y;
        self.y_paired += sign * y;
    }

    /// The sums over so many units, those without feedback giving nothing to either side.
    pub(in crate::trial) fn joint(&self, units: u64) -> Joint {
        Joint {
            n: units,
            y: self.y,
            x: self.x,
            yy: self.yy,
            xx: self.xx,
            xy: self.xy,
        }
    }

    /// The same with x measured from a center, so that units whose x is not known count as average ones.
    pub(in crate::trial) fn centered(&self, units: u64, center: f64) -> Joint {
        let n = self.paired as f64;
        Joint {
            x: self.x - n * center,
            xx: self.xx - 2.0 * center * self.x + n * center * center,
            xy: self.xy - center * self.y_paired,
            ..self.joint(units)
        }
    }

    fn merge(&mut self, other: &Self) {
        self.fed += other.fed;
        self.y += other.y;
        self.yy += other.yy;
        self.paired += other.paired;
        self.x += other.x;
        self.xx += other.xx;
        self.xy += other.xy;
        self.y_paired += other.y_paired;
        if let Some(theirs) = &other.sketch {
            self.sketch.get_or_insert_default().merge(theirs);
        }
    }
}
