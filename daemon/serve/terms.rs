//! What a request asks for beside an answer: how soon, and how urgently.
//!
//! Both doors and the embedding API say it in these words; where they read them from is their own business.

use std::time::{Duration, Instant};

use crate::clock;

/// The terms of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When the request arrived: its time runs from here, reading its body included.
    pub arrived: Instant,
    /// The shortest time that the caller gave it, where they gave one.
    pub limit: Option<Duration>,
    /// How urgent it is, where the caller says so.
    pub priority: Option<Priority>,
}

/// How urgent a request is. The more urgent class is served first, and shed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others: somebody waits for it.
    High,
    /// Like most.
    #[default]
    Normal,
    /// When there is nothing else to do, though not never.
    Low,
}

impl Terms {
    /// A request that arrives now and asks for nothing more.
    #[must_use]
    pub fn now() -> Self {
        Self::since(clock::instant())
    }

    /// A request that arrived then and asks for nothing more.
    #[must_use]
    pub fn since(arrived: Instant) -> Self {
        Self {
            arrived,
            limit: None,
            priority: None,
        }
    }

    /// Gives the request no longer than this, where anything is said. Zero says nothing, as with Triton.
    pub fn at_most(&mut self, limit: Option<Duration>) {
        let limits = [self.limit, limit.filter(|limit| !limit.is_zero())];
        self.limit = limits.into_iter().flatten().min();
    }
}

impl Priority {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The protocol's number: 1 is the most urgent, a larger one is less so; 0 says nothing. There are three
    /// classes here, so 3 and all beyond are the last.
    #[must_use]
    pub fn from_level(level: u64) -> Option<Self> {
        match level {
            0 => None,
            1 => Some(Self::High),
            2 => Some(Self::Normal),
            3.. => Some(Self::Low),
        }
    }

    /// The class's name, in config and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_limit_counts_and_zero_is_none() {
        let mut terms = Terms::now();
        terms.at_most(None);
        terms.at_most(Some(Duration::ZERO));
        assert_eq!(terms.limit, None);
        for millis in [20, 10, 30] {
            terms.at_most(Some(Duration::from_millis(millis)));
        }
        assert_eq!(terms.limit, Some(Duration::from_millis(10)));
    }

    #[test]
    fn levels_are_the_protocols() {
        let classes = [0, 1, 2, 3, u64::MAX].map(Priority::from_level);
        let [none, rest @ ..] = classes;
        assert_eq!(none, None);
        assert_eq!(
            rest.map(|class| class.map(Priority::as_str)),
            ["high", "normal", "low", "low"].map(Some)
        );
    }
}
