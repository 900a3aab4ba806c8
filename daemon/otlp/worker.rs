//! The thread of one signal: it takes batches, sends them, and tries again what may be taken later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::metrics::{Collect, points};
use super::pace::Pace;
use super::pack::Pack;
use super::queue::Queue;
use super::send::{Body, Send, Sent};
use super::settings::Signal;
use super::tally::Tally;
use crate::clock;
use crate::draw::draw;

/// How often the log hears of one trouble.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Sends for one signal.
pub(super) struct Worker<S> {
    pub(super) signal: Signal,
    /// The collector, as it may be printed.
    pub(super) to: String,
    pub(super) sender: S,
    pub(super) tally: Arc<Tally>,
    pub(super) pace: Pace,
    pub(super) trouble: Option<Trouble>,
}

/// A trouble that lasts.
pub(super) struct Trouble {
    since: Instant,
    told: Instant,
}

// === impl Worker ===

impl<S: Send> Worker<S> {
    /// Works until the queue is closed and empty.
    pub(super) async fn work<T>(
        mut self,
        queue: &Queue<T>,
        pack: &Pack,
        body: fn(&Pack, Vec<T>) -> Body,
    ) {
        while let Some(batch) = queue.take().await {
            let items = batch.len() as u64;
            let rest = self.deliver(queue, &body(pack, batch), items).await;
            if !rest.is_zero() {
                // When the daemon goes down, what waits is tried all the same.
                queue.pause(rest).await;
            }
        }
    }

    /// Exports what is measured every so often, and once more at the end. A try that failed is not repeated: the next
    /// numbers hold it.
    pub(super) async fn measure(
        mut self,
        stop: &Queue<()>,
        pack: &Pack,
        every: Duration,
        collect: &Collect,
    ) {
        let mut tried = 0;
        let mut wait = every;
        loop {
            let goes_on = stop.pause(wait).await;
            let metrics = collect();
            let items = points(&metrics);
            tried += 1;
            wait = every;
            match self
                .sender
                .send(&pack.metrics(metrics, clock::wall_ns()))
                .await
            {
                Sent::Taken { rejected, message } => {
                    tried = 0;
                    self.taken(items, rejected, &message);
                }
                Sent::Refused(why) => self.given_up(items, why),
                Sent::Later { why, after } => {
                    let later = self.pace.wait(tried, Duration::ZERO, after, draw());
                    wait = later.unwrap_or_else(|| Pace::rest(after)).max(every);
                    self.given_up(items, why);
                }
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Tries until it is taken or given up; how long the collector wants to be left alone then.
    async fn deliver<T>(&mut self, queue: &Queue<T>, body: &Body, items: u64) -> Duration {
        let begun = clock::instant();
        let (mut tried, mut last) = (0, false);
        loop {
            tried += 1;
            let (why, wait, rest) = match self.sender.send(body).await {
                Sent::Taken { rejected, message } => {
                    self.taken(items, rejected, &message);
                    return Duration::ZERO;
                }
                Sent::Refused(why) => (why, None, Duration::ZERO),
                Sent::Later { why, after } => {
                    let wait = self.pace.wait(tried, begun.elapsed(), after, draw());
                    (why, wait, Pace::rest(after))
                }
            };
            let Some(wait) = wait.filter(|_| !last) else {
                self.given_up(items, why);
                return rest;
            };
            self.failing(&why);
            self.tally.trouble(Some(why));
            // When the daemon goes down, there is time for one more.
            last = !queue.pause(wait).await;
        }
    }

    fn taken(&mut self, items: u64, rejected: u64, message: &str) {
        self.tally.taken(items, rejected);
        if rejected == 0 && message.is_empty() {
            if let Some(trouble) = self.trouble.take() {
                let (signal, to) = (self.signal.as_str(), &self.to);
                tracing::info!(signal, to, after = ?trouble.since.elapsed(), "otlp: the collector takes it again");
            }
            self.tally.trouble(None);
            return;
        }
        if self.tells() {
            let (signal, to) = (self.signal.as_str(), &self.to);
            tracing::warn!(
                signal,
                to,
                items,
                rejected,
                message,
                "otlp: the collector did not keep all of it"
            );
        }
        self.tally.trouble(Some(format!(
            "{rejected} of {items} were not kept: {message}"
        )));
    }

    fn given_up(&mut self, items: u64, why: String) {
        self.tally.failed(items);
        self.failing(&why);
        self.tally.trouble(Some(why));
    }

    fn failing(&mut self, why: &str) {
        if self.tells() {
            let (signal, to) = (self.signal.as_str(), &self.to);
            tracing::warn!(
                signal,
                to,
                why,
                "otlp: the collector does not take it; serving goes on"
            );
        }
    }

    /// Whether to tell of a trouble: when it begins, and once in a while.
    fn tells(&mut self) -> bool {
        let now = clock::instant();
        let trouble = self.trouble.get_or_insert(Trouble {
            since: now,
            told: now,
        });
        let tells =
            trouble.since == now || now.saturating_duration_since(trouble.told) >= TELL_EVERY;
        if tells {
            trouble.told = now;
        }
        tells
    }
}
