//! One arm held against the baseline.

use super::estimate::Pair;
use crate::spec::experiment::{Better, Goal};
use crate::stats::{Difference, Interval, fixed, planning, sequential};

/// The chance with which a difference that matters is to be seen, where the time to it is told.
const POWER: f64 = 0.8;

/// An arm held against the baseline. Where nothing is known, intervals are open and p-values 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The arm's index.
    pub arm: usize,
    /// Treatment − baseline.
    pub absolute: Option<Numbers>,
    /// The same as a part of the baseline.
    pub relative: Option<Numbers>,
    /// For one look, at a number of units that was fixed beforehand.
    pub p_fixed: f64,
    /// For looking at any time; what decisions rest on.
    pub p_sequential: f64,
    /// That, adjusted for the other arms of this goal (Holm).
    pub p_holm: f64,
    /// That, adjusted for all contrasts of the report (Benjamini and Hochberg).
    pub p_bh: f64,
    /// The log evidence of a difference.
    pub log_e: f64,
    /// The probability that the arm is better, by a flat prior.
    pub chance_to_win: f64,
    /// What a wrong choice costs on average, in units of the goal.
    pub loss: Option<Loss>,
    /// Units, over both arms, until a difference that matters would be seen in four of five cases.
    pub units_to_mde: Option<f64>,
    /// The seconds until then at the rate so far; 0 where it is past.
    pub seconds_to_mde: Option<f64>,
}

/// A difference and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The difference.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
    /// The interval for one look, at a number of units that was fixed beforehand.
    pub fixed: Interval,
    /// The interval for looking at any time.
    pub sequential: Interval,
}

/// What a wrong choice costs on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Of taking the arm.
    pub arm: f64,
    /// Of staying with the baseline.
    pub baseline: f64,
}

pub(super) fn of(
    arm: usize,
    pair: Option<&Pair>,
    goal: &Goal,
    alpha: f64,
    seconds: f64,
) -> Contrast {
    let Some(pair) = pair else {
        return Contrast::unknown(arm);
    };
    let difference = pair.absolute();
    let relative = pair.relative();
    let higher = fixed::chance_to_win(&difference);
    let loss = fixed::expected_loss(&difference);
    let (chance_to_win, loss) = match goal.better {
        Better::Higher => (higher, loss.map(|one| (one.treatment, one.baseline))),
        Better::Lower => (1.0 - higher, loss.map(|one| (one.baseline, one.treatment))),
    };
    let units = relative.and_then(|one| {
        let spread = one.se * one.se * one.units as f64;
        planning::units_sequential(spread, goal.mde, alpha, POWER)
    });
    let rate = difference.units as f64 / seconds;
    let left = units.map(|units| (units - difference.units as f64).max(0.0) / rate);
    Contrast {
        arm,
        absolute: Some(Numbers::of(&difference, alpha)),
        relative: relative.map(|one| Numbers::of(&one, alpha)),
        p_fixed: fixed::p_value(&difference),
        p_sequential: sequential::p_value(&difference, alpha),
        p_holm: 1.0,
        p_bh: 1.0,
        log_e: sequential::log_e(&difference, alpha),
        chance_to_win,
        loss: loss.map(|(arm, baseline)| Loss { arm, baseline }),
        units_to_mde: units,
        seconds_to_mde: left.filter(|left| left.is_finite()),
    }
}

// === impl Contrast ===

impl Contrast {
    fn unknown(arm: usize) -> Self {
        Self {
            arm,
            absolute: None,
            relative: None,
            p_fixed: 1.0,
            p_sequential: 1.0,
            p_holm: 1.0,
            p_bh: 1.0,
            log_e: 0.0,
            chance_to_win: 0.5,
            loss: None,
            units_to_mde: None,
            seconds_to_mde: None,
        }
    }

    /// The interval, for looking at any time, of how much better the arm is: as a part of the baseline where that is
    /// known. Below 0 it is worse.
    #[must_use]
    pub fn gain(&self, better: Better) -> Interval {
        let Some(numbers) = self.relative.or(self.absolute) else {
            return Interval::EVERYTHING;
        };
        let Interval { low, high } = numbers.sequential;
        match better {
            Better::Higher => Interval { low, high },
            Better::Lower => Interval {
                low: -high,
                high: -low,
            },
        }
    }
}

// === impl Numbers ===

impl Numbers {
    pub(super) fn of(difference: &Difference, alpha: f64) -> Self {
        Self {
            value: difference.value,
            se: difference.se,
            fixed: fixed::interval(difference, alpha),
            sequential: sequential::interval(difference, alpha),
        }
    }
}
