//! Counts the requests in flight, so that going down can wait for them. Which requests count is said by the doors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The number of requests in flight. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    requests: AtomicUsize,
    idle: Notify,
}

/// One request in flight, until its answer is written or given up.
#[derive(Debug)]
pub struct Token(InFlight);

impl InFlight {
    /// Waits until no request is in flight.
    pub async fn none(&self) {
        while self.0.requests.load(Ordering::Acquire) > 0 {
            // A notice from an earlier moment of idleness is kept for us: hence the loop.
            self.0.idle.notified().await;
        }
    }

    /// Counts a request for as long as the token lives.
    #[must_use]
    pub fn enter(&self) -> Token {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        Token(self.clone())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let Count { requests, idle } = &*self.0.0;
        if requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            idle.notify_one();
        }
    }
}
