//! The notifier: starts the threads of all webhooks, shows what became of them, and ends them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use impresario_pipelines::fleet::Record;
use tokio::sync::{broadcast, watch};

use super::courier::{Courier, mark};
use super::hook::Hook;
use super::listener::{Ear, Listener, REACH, after};
use super::pace::Pace;
use super::queue::Queue;
use super::tally::{Shown, Tally};
use crate::store::{AuditQuery, Error, Keep, Shelf, Store};

/// All webhooks. Cloning shares them; when the last one is gone they end.
#[derive(Clone, Debug)]
pub struct Notifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lines: Vec<Line>,
    end: watch::Sender<()>,
    work: Work,
    linger: Duration,
}

/// One webhook, as it is seen from outside.
#[derive(Debug)]
struct Line {
    hook: Hook,
    queue: Arc<Queue>,
    tally: Arc<Tally>,
}

/// Counts the threads that work.
#[derive(Debug)]
struct Work {
    count: watch::Sender<usize>,
}

/// A thread that works, until it is dropped.
struct Working(watch::Sender<usize>);

// === impl Notifier ===

impl Notifier {
    /// Starts to post. `records` are those that are stored from now on; what was stored before and not posted by an
    /// earlier process is posted first. A webhook that is new begins with now.
    ///
    /// # Errors
    /// What the store says where it cannot be read.
    pub fn start(
        hooks: Vec<Hook>,
        records: broadcast::Receiver<Arc<Record>>,
        store: Arc<dyn Store>,
        pace: Pace,
    ) -> Result<Self, Error> {
        let work = Work {
            count: watch::Sender::new(0),
        };
        let end = watch::Sender::new(());
        let mut lines = Vec::new();
        if !hooks.is_empty() {
            let newest = store.audit(&AuditQuery {
                limit: 1,
                ..AuditQuery::default()
            })?;
            let newest = newest.first().map_or(0, |record| record.seq);
            let reached = reached(&*store, &hooks, newest)?;
            let furthest = reached.iter().copied().min().unwrap_or(newest);
            let missed = match furthest < newest {
                true => after(&*store, furthest, REACH)?,
                false => Vec::new(),
            };
            let mut ears = Vec::new();
            for (index, (hook, settled)) in hooks.into_iter().zip(reached).enumerate() {
                let backlog = backlog(index, &hook, &missed, settled);
                let (queue, tally) = (Arc::new(Queue::new(backlog)), Arc::new(Tally::default()));
                let courier = Courier {
                    index,
                    hook: hook.clone(),
                    queue: Arc::clone(&queue),
                    tally: Arc::clone(&tally),
                    store: Arc::clone(&store),
                    pace,
                    settled,
                };
                work.on_a_thread(&format!("webhook-{index}"), move || courier.work());
                ears.push(Ear {
                    index,
                    hook: hook.clone(),
                    queue: Arc::clone(&queue),
                    tally: Arc::clone(&tally),
                });
                lines.push(Line { hook, queue, tally });
            }
            let listener = Listener {
                records,
                ears,
                store,
                newest,
                end: end.subscribe(),
            };
            work.on_a_thread("webhooks", move || listen(listener));
        }
        let inner = Inner {
            lines,
            end,
            work,
            linger: pace.linger,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// What became of each webhook's deliveries, in the order of the configuration.
    #[must_use]
    pub fn show(&self) -> Vec<Shown> {
        let lines = self.0.lines.iter().enumerate();
        let show = |(index, line): (usize, &Line)| {
            let to = line.hook.address.shown().to_owned();
            line.tally.show(index, to, line.queue.len())
        };
        lines.map(show).collect()
    }

    /// Ends the threads. What waits is tried once, within a short time; what is not taken then is posted after the next
    /// start.
    pub async fn stop(&self) {
        // The listener takes what it was told already to the queues, and closes them.
        self.0.end.send_replace(());
        if tokio::time::timeout(self.0.linger, self.0.work.done())
            .await
            .is_ok()
        {
            return;
        }
        for line in &self.0.lines {
            line.queue.cut();
        }
        let waiting: usize = self.0.lines.iter().map(|line| line.queue.len()).sum();
        tracing::warn!(
            waiting,
            "webhooks: not all was posted; the rest is after the next start"
        );
    }
}

// === impl Work ===

impl Work {
    fn on_a_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        self.count.send_modify(|count| *count += 1);
        let working = Working(self.count.clone());
        let work = move || {
            let _until_the_end = working;
            work();
        };
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        if let Err(error) = started {
            tracing::error!(thread = name, %error, "webhooks: a thread could not be started");
        }
    }

    /// Waits until all have ended.
    async fn done(&self) {
        let mut count = self.count.subscribe();
        // It cannot be closed: the sender is at hand.
        let _none = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

fn listen(listener: Listener) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    match runtime {
        Ok(runtime) => runtime.block_on(listener.listen()),
        Err(error) => tracing::error!(%error, "webhooks: nothing is posted"),
    }
}

/// How far each webhook has come; of a new one, the newest record. Those that are gone are forgotten.
fn reached(store: &dyn Store, hooks: &[Hook], newest: u64) -> Result<Vec<u64>, Error> {
    let kept: BTreeMap<_, _> = store.kept(Shelf::Delivery)?.into_iter().collect();
    let mut changes = Vec::new();
    let mut reached = Vec::new();
    for hook in hooks {
        let seq = kept.get(&hook.address.key());
        let seq: Option<u64> = seq.and_then(|text| text.parse().ok());
        // A store that was restored from an older backup counts on from there.
        let seq = seq.filter(|seq| *seq <= newest);
        if seq.is_none() {
            changes.push(mark(hook, Some(newest)));
        }
        reached.push(seq.unwrap_or(newest));
    }
    let is_gone = |key: &&String| hooks.iter().all(|hook| hook.address.key() != **key);
    changes.extend(kept.keys().filter(is_gone).map(|key| Keep {
        shelf: Shelf::Delivery,
        key: key.clone(),
        text: None,
    }));
    store.keep(&changes)?;
    Ok(reached)
}

/// What a webhook missed.
fn backlog(
    index: usize,
    hook: &Hook,
    missed: &[Arc<Record>],
    settled: u64,
) -> VecDeque<Arc<Record>> {
    let first = missed.first().map_or(settled, |record| record.seq);
    let lost = first.saturating_sub(settled.saturating_add(1));
    if lost > 0 {
        tracing::error!(
            webhook = index,
            lost,
            "webhook: too many records were stored since it was last posted to; the oldest are not told"
        );
    }
    let news = missed.iter().filter(|record| record.seq > settled);
    let backlog: VecDeque<_> = news.filter(|record| hook.wants(record)).cloned().collect();
    if !backlog.is_empty() {
        let records = backlog.len();
        tracing::info!(
            webhook = index,
            records,
            "webhook: posting what an earlier process did not"
        );
    }
    backlog
}
