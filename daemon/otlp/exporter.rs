//! The exporter as the rest of the daemon knows it: whatever it is given, it takes at once or drops.

use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use tokio::runtime;
use tokio::sync::watch;

use super::logs::{self, Logs, Record};
use super::metrics::Metric;
use super::pace::Pace;
use super::pack::Pack;
use super::queue::Queue;
use super::send::{Grpc, Http, Sender};
use super::settings::{Protocol, Settings, Signal};
use super::tally::{Shown, Tally};
use super::worker::Worker;
use crate::clock;
use crate::error::causes;
use crate::trace::Span;

/// Exports, or does not where nothing says where to. Cloning shares it.
#[derive(Clone, Default)]
pub struct Exporter(Option<Arc<Inner>>);

struct Inner {
    settings: Arc<Settings>,
    pack: Arc<Pack>,
    traces: Option<Lane<Span>>,
    logs: Option<Lane<Record>>,
    /// From when on there is somebody who measures.
    metrics: OnceLock<Lane<()>>,
}

/// The way of one signal.
struct Lane<T> {
    signal: Signal,
    queue: Arc<Queue<T>>,
    tally: Arc<Tally>,
    ended: watch::Receiver<bool>,
}

// === impl Exporter ===

impl Exporter {
    /// Begins to export; the collector need not be there yet.
    ///
    /// # Errors
    /// Where there are no threads, or TLS cannot be used.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        let settings = Arc::new(settings.clone());
        let pack = Arc::new(Pack::new(&settings.resource, clock::wall_ns()));
        let traces = settings.exports(Signal::Traces).then(|| {
            Lane::sending(Signal::Traces, &settings, &pack, |pack, spans| {
                pack.spans(spans)
            })
        });
        let logs = settings.exports(Signal::Logs).then(|| {
            Lane::sending(Signal::Logs, &settings, &pack, |pack, records| {
                pack.logs(records)
            })
        });
        Ok(Self(Some(Arc::new(Inner {
            traces: traces.transpose()?,
            logs: logs.transpose()?,
            metrics: OnceLock::new(),
            settings,
            pack,
        }))))
    }

    /// Whether spans are exported.
    #[must_use]
    pub fn traces(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.traces.is_some())
    }

    /// Takes the spans of a request, or drops all of them.
    pub fn spans(&self, spans: Vec<Span>) {
        let lane = self.0.as_ref().and_then(|inner| inner.traces.as_ref());
        if let Some(lane) = lane {
            let weighed = spans.into_iter().map(|span| {
                let weight = span.weight();
                (span, weight)
            });
            if let Err(dropped) = lane.queue.push(weighed.collect()) {
                lane.tally.dropped(dropped as u64);
            }
        }
    }

    /// The layer that exports what is logged, where that is asked for.
    #[must_use]
    pub fn layer(&self) -> Option<Logs> {
        let lane = self.0.as_ref()?.logs.as_ref()?;
        Some(Logs {
            queue: Arc::clone(&lane.queue),
            tally: Arc::clone(&lane.tally),
        })
    }

    /// Exports what is measured every so often, where that is asked for; whoever comes second is not heard.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn measure(&self, collect: impl Fn() -> Vec<Metric> + Send + 'static) -> io::Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        if !inner.settings.exports(Signal::Metrics) || inner.metrics.get().is_some() {
            return Ok(());
        }
        let lane = Lane::measuring(&inner.settings, &inner.pack, Box::new(collect))?;
        // Two at once is one too many, and the second ends with its queue.
        if let Err(second) = inner.metrics.set(lane) {
            second.queue.close();
        }
        Ok(())
    }

    /// What became of each signal so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let Some(inner) = &self.0 else {
            return Vec::new();
        };
        let traces = inner.traces.as_ref().map(Lane::show);
        let metrics = inner.metrics.get().map(Lane::show);
        let logs = inner.logs.as_ref().map(Lane::show);
        [traces, metrics, logs].into_iter().flatten().collect()
    }

    /// Sends what waits, for as long as the settings allow, and takes nothing more.
    pub async fn stop(&self) {
        let Some(inner) = &self.0 else { return };
        let lanes = [
            inner.traces.as_ref().map(Lane::close),
            inner.metrics.get().map(Lane::close),
            inner.logs.as_ref().map(Lane::close),
        ];
        let ended = async {
            for mut ended in lanes.into_iter().flatten() {
                // Who is gone without a word has ended too.
                let _gone = ended.wait_for(|ended| *ended).await;
            }
        };
        let flush = inner.settings.flush;
        if tokio::time::timeout(flush, ended).await.is_err() {
            tracing::warn!(
                ?flush,
                "otlp: the collector did not take the last of it in time"
            );
        }
    }
}

// === impl Lane ===

impl<T: Send + 'static> Lane<T> {
    /// Sends what comes in.
    fn sending(
        signal: Signal,
        settings: &Arc<Settings>,
        pack: &Arc<Pack>,
        body: fn(&Pack, Vec<T>) -> super::send::Body,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(settings.queue));
        let (waiting, pack) = (Arc::clone(&queue), Arc::clone(pack));
        Self::spawn(signal, settings, queue, async move |worker| {
            worker.work(&waiting, &pack, body).await;
        })
    }
}

impl Lane<()> {
    /// Sends what is measured.
    fn measuring(
        settings: &Arc<Settings>,
        pack: &Arc<Pack>,
        collect: super::metrics::Collect,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(settings.queue));
        let (stop, pack) = (Arc::clone(&queue), Arc::clone(pack));
        let every = settings.metrics_interval;
        Self::spawn(Signal::Metrics, settings, queue, async move |worker| {
            worker.measure(&stop, &pack, every, &collect).await;
        })
    }
}

impl<T> Lane<T> {
    /// A thread with a runtime of its own: it shares nothing with those who serve.
    fn spawn<F: Future<Output = ()>>(
        signal: Signal,
        settings: &Arc<Settings>,
        queue: Arc<Queue<T>>,
        work: impl FnOnce(Worker<Sender>) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let tally = Arc::new(Tally::default());
        let (ended, has_ended) = watch::channel(false);
        let (begun, has_begun) = mpsc::channel();
        let (settings, counted) = (Arc::clone(settings), Arc::clone(&tally));
        let name = format!("otlp-{}", signal.as_str());
        thread::Builder::new().name(name).spawn(move || {
            logs::quiet();
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let sender = runtime.and_then(|runtime| {
                let entered = runtime.enter();
                let sender = sender(&settings)?;
                drop(entered);
                Ok((runtime, sender))
            });
            let (runtime, sender) = match sender {
                Ok(made) => made,
                Err(error) => {
                    // Whoever waits for it is told, and nobody else is there.
                    let _told = begun.send(Err(error));
                    return;
                }
            };
            let _told = begun.send(Ok(()));
            let worker = Worker {
                signal,
                to: settings.endpoint.to_string(),
                sender,
                tally: counted,
                pace: Pace::default(),
                trouble: None,
            };
            runtime.block_on(work(worker));
            ended.send_replace(true);
        })?;
        let gone = || io::Error::other("the thread that exports ended at once");
        has_begun.recv().map_err(|_| gone())??;
        Ok(Self {
            signal,
            queue,
            tally,
            ended: has_ended,
        })
    }

    fn show(&self) -> Shown {
        self.tally.show(self.signal, self.queue.waiting())
    }

    fn close(&self) -> watch::Receiver<bool> {
        self.queue.close();
        self.ended.clone()
    }
}

fn sender(settings: &Settings) -> io::Result<Sender> {
    Ok(match settings.protocol {
        Protocol::Http => Sender::Http(Http::new(settings)),
        Protocol::Grpc => {
            let grpc = Grpc::new(settings);
            let grpc = grpc.map_err(|error| io::Error::other(causes(&error)))?;
            Sender::Grpc(Box::new(grpc))
        }
    })
}
