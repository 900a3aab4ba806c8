//! Weights: an arm's part of a split, in hundredths of a per cent, so that a sum is exact.

use std::fmt;

use super::hash::Slot;

/// A part of a split, from nothing to all of it, exact to 0.01 %: as many slots of 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

/// What is no weight.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// Less than nothing, more than all, or no number.
    #[error("expected a weight from 0 % to 100 %, got {percent} %")]
    Range {
        /// What was given, in per cent.
        percent: f64,
    },
    /// Finer than slots are.
    #[error("expected a weight in steps of 0.01 %, got {percent} %")]
    Fine {
        /// What was given, in per cent.
        percent: f64,
    },
    /// Parts that are not parts of one whole.
    #[error("expected parts that sum to 1, got a sum of {sum}")]
    Parts {
        /// The sum.
        sum: f64,
    },
}

// === impl Weight ===

impl Weight {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// All of it.
    pub const FULL: Self = Self(Slot::COUNT);

    /// A weight in hundredths of a per cent, at most 10,000.
    #[must_use]
    pub fn new(basis_points: u16) -> Option<Self> {
        (basis_points <= Self::FULL.0).then_some(Self(basis_points))
    }

    /// A weight in per cent.
    ///
    /// # Errors
    /// [`WeightError`] outside 0 to 100 and for what is no whole number of hundredths.
    pub fn from_percent(percent: f64) -> Result<Self, WeightError> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(WeightError::Range { percent });
        }
        let points = (percent * 100.0).round();
        // 33.33 has no double of its own: what is within a rounding error of a step is that step.
        if (percent * 100.0 - points).abs() > 1e-6 {
            return Err(WeightError::Fine { percent });
        }
        Ok(Self(points as u16))
    }

    /// The weights nearest to parts of one: each is rounded down, and what is left goes to the largest remainders, the
    /// earlier one where two are alike. The weights sum to one.
    ///
    /// # Errors
    /// [`WeightError`] for a part outside 0 to 1, or a sum that is not 1 to within 10⁻⁶.
    pub fn apportion(parts: &[f64]) -> Result<Vec<Self>, WeightError> {
        if let Some(part) = parts.iter().find(|part| !(0.0..=1.0).contains(*part)) {
            let percent = part * 100.0;
            return Err(WeightError::Range { percent });
        }
        let sum = parts.iter().fold(0.0, |sum, part| sum + part);
        if (sum - 1.0).abs() > 1e-6 {
            return Err(WeightError::Parts { sum });
        }
        let exact: Vec<f64> = parts
            .iter()
            .map(|part| part / sum * f64::from(Slot::COUNT))
            .collect();
        let mut points: Vec<u16> = exact.iter().map(|exact| exact.floor() as u16).collect();
        let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
        by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
        // Fewer are missing than there are arms: each floor leaves less than one.
        let missing = Slot::COUNT.saturating_sub(points.iter().sum());
        for &arm in by_remainder.iter().take(missing.into()) {
            points[arm] += 1;
        }
        Ok(points.into_iter().map(Self).collect())
    }

    /// In hundredths of a per cent.
    #[must_use]
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// As a part of one.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Slot::COUNT)
    }

    /// In per cent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}
