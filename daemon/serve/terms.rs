//! What a request asks for beside an answer: how soon, and how urgently.
//!
//! Both doors and the embedding API say it in these words; where they read them from is their own business.

use std::time::{Duration, Instant};

use impresario_pipelines::Priority;

use super::FAR;
use crate::clock;
use crate::trace::Context;

/// The terms of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When the request arrived: its time runs from here, reading its body included.
    pub arrived: Instant,
    /// The shortest time that the caller gave it, where they gave one.
    pub limit: Option<Duration>,
    /// How urgent it is, where the caller says so.
    pub priority: Option<Priority>,
    /// The trace that it belongs to, where it belongs to one.
    pub trace: Option<Context>,
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
            trace: None,
        }
    }

    /// How long the request may take in all, and when that is over: the shortest of the caller's limit, the pipeline's
    /// deadline and the daemon's timeout.
    pub(super) fn span(
        &self,
        deadline: Option<Duration>,
        timeout: Duration,
    ) -> (Duration, Instant) {
        let limits = [self.limit, deadline, Some(timeout)];
        let limit = limits.into_iter().flatten().min().unwrap_or(timeout);
        let over = self.arrived.checked_add(limit);
        (limit, over.unwrap_or_else(|| clock::instant() + FAR))
    }

    /// Gives the request no longer than this, where anything is said. Zero says nothing, as with Triton.
    pub fn at_most(&mut self, limit: Option<Duration>) {
        let limits = [self.limit, limit.filter(|limit| !limit.is_zero())];
        self.limit = limits.into_iter().flatten().min();
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
}
