//! A courier: posts what waits for one webhook, in order, and tries again what failed.
//!
//! A delivery is settled when it was taken or given up; how far it has come is then kept in the store.

use std::sync::Arc;

use impresario_pipelines::fleet::Record;

use super::delivery::Delivery;
use super::hook::Hook;
use super::pace::Pace;
use super::post::{Outcome, Post};
use super::queue::Queue;
use super::tally::{Tally, Trouble};
use crate::clock;
use crate::store::{Keep, Shelf, Store};

/// Posts to one webhook.
pub(super) struct Courier {
    pub(super) index: usize,
    pub(super) hook: Hook,
    pub(super) queue: Arc<Queue>,
    pub(super) tally: Arc<Tally>,
    pub(super) store: Arc<dyn Store>,
    pub(super) pace: Pace,
    /// The newest record that is settled: what is not newer comes twice.
    pub(super) settled: u64,
}

/// What became of a delivery.
enum End {
    /// It is settled.
    Settled,
    /// The daemon goes down, and it was not taken.
    Left,
}

// === impl Courier ===

impl Courier {
    /// Works until the queue ends.
    pub(super) fn work(mut self) {
        let post = Post::new(&self.hook);
        while let Some(record) = self.queue.take() {
            if record.seq <= self.settled {
                continue;
            }
            match self.deliver(&post, &record) {
                End::Settled => self.settle(record.seq),
                End::Left => return,
            }
        }
    }

    fn deliver(&self, post: &Post, record: &Record) -> End {
        let delivery = Delivery::of(record, &self.hook);
        let mut tried = 0;
        loop {
            tried += 1;
            let (why, wait) = match post.try_once(&self.hook, &delivery) {
                Outcome::Taken => {
                    self.tally.delivered();
                    return End::Settled;
                }
                Outcome::Refused(why) => (why, None),
                Outcome::Later { why, after } => {
                    // Without randomness all waits are the longest ones.
                    let draw = getrandom::u64().unwrap_or(u64::MAX);
                    (why, self.pace.wait(tried, after, draw))
                }
            };
            self.tally.trouble(Some(Trouble {
                at: clock::wall_ms(),
                what: why.clone(),
            }));
            let (webhook, to) = (self.index, &self.hook.address);
            let (action, seq) = (&delivery.action, delivery.seq);
            let Some(wait) = wait else {
                tracing::error!(webhook, %to, action, seq, tried, why, "webhook: delivery given up");
                self.tally.failed();
                return End::Settled;
            };
            tracing::warn!(webhook, %to, action, seq, tried, why, ?wait, "webhook: delivery failed, tried again");
            if !self.queue.pause(wait) {
                return End::Left;
            }
        }
    }

    fn settle(&mut self, seq: u64) {
        self.settled = seq;
        if let Err(error) = self.store.keep(&[mark(&self.hook, Some(seq))]) {
            let webhook = self.index;
            tracing::warn!(webhook, %error, "webhook: how far it has come could not be kept");
        }
    }
}

/// How far a webhook has come, as it is kept; nothing to forget it.
pub(super) fn mark(hook: &Hook, seq: Option<u64>) -> Keep {
    Keep {
        shelf: Shelf::Delivery,
        key: hook.address.key(),
        text: seq.map(|seq| seq.to_string()),
    }
}
