//! The classes of events that are counted, each a place in an array.

use crate::spec::canary::Metric;

/// What can happen to a request, as far as it is evidence. One request may be of several classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It failed, or the version could not take it.
    Errors,
    /// Its time passed.
    Timeouts,
    /// It took longer than the stable's frozen median.
    Slow50,
    /// It took longer than nine in ten of the stable's.
    Slow90,
    /// It took longer than 99 in 100 of the stable's.
    Slow99,
    /// It took longer than the specification's own threshold.
    SlowerThan,
    /// Its answer holds a NaN or an infinity.
    NonFinite,
    /// Its answer broke the contract.
    Violations,
    /// It was assigned to the arm, however it ended: what the sample ratio is judged by.
    Exposure,
}

// === impl Class ===

impl Class {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// Every class, in the order of the places.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Errors,
        Self::Timeouts,
        Self::Slow50,
        Self::Slow90,
        Self::Slow99,
        Self::SlowerThan,
        Self::NonFinite,
        Self::Violations,
        Self::Exposure,
    ];

    /// The events that a metric counts; nothing for outputs, whose events are counted in bins.
    #[must_use]
    pub fn of(metric: Metric) -> Option<Self> {
        match metric {
            Metric::Errors => Some(Self::Errors),
            Metric::Timeouts => Some(Self::Timeouts),
            Metric::Slow50 => Some(Self::Slow50),
            Metric::Slow90 => Some(Self::Slow90),
            Metric::Slow99 => Some(Self::Slow99),
            Metric::SlowerThan(_) => Some(Self::SlowerThan),
            Metric::NonFinite => Some(Self::NonFinite),
            Metric::Outputs => None,
        }
    }

    /// Its place.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}
