//! The log as requests see it: whether one is picked, and a push that never waits.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::watch;

use super::files;
use super::pages::{Message, Pages};
use super::record::Record;
use super::settings::{Pick, Settings};
use super::tally::{Shown, Tally};

/// What a record takes in the queue beside its tensors.
const BESIDE: usize = 1_024;

/// How long the end waits for what is in the queue.
const LINGER: Duration = Duration::from_secs(10);

/// The payload log; off by default. Cloning shares it.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Inner>>);

struct Inner {
    settings: Arc<Settings>,
    tally: Arc<Tally>,
    queue: SyncSender<Message>,
    ending: Arc<AtomicBool>,
    ended: watch::Receiver<()>,
}

/// Why the log cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file can be written in the folder.
    #[error("payload_log.path: write in {}: {source}; name a folder that the daemon may write in, or \"none\"", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no thread for it.
    #[error("payload_log: start its thread: {0}")]
    Thread(io::Error),
}

// === impl Log ===

impl Log {
    /// Begins to keep records. Its end is when the last of it is gone, or [`Self::stop`].
    ///
    /// # Errors
    /// [`Error`]; nothing was begun.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let probed = files::make(&settings.folder).and_then(|()| files::probe(&settings.folder));
        probed.map_err(|source| Error::Folder {
            folder: settings.folder.clone(),
            source,
        })?;
        tracing::info!(
            folder = %settings.folder.display(),
            sample = settings.sample,
            failures = settings.failures,
            "payload log: what requests ask and get is kept in files"
        );
        let (log, pages, waiting, end) = Self::prepare(settings);
        let work = move || {
            // It is closed when the thread ends, in whatever way.
            let _end = end;
            pages.work(&waiting);
        };
        let thread = std::thread::Builder::new().name("payload-log".to_owned());
        thread.spawn(work).map_err(Error::Thread)?;
        Ok(log)
    }

    /// A log whose records wait until somebody writes them.
    pub(super) fn prepare(
        settings: Settings,
    ) -> (Self, Pages, Receiver<Message>, watch::Sender<()>) {
        let settings = Arc::new(settings);
        let (tally, ending) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
        let (queue, waiting) = sync_channel(settings.queue);
        let (end, ended) = watch::channel(());
        let pages = Pages::new(
            Arc::clone(&settings),
            Arc::clone(&tally),
            Arc::clone(&ending),
        );
        let log = Self(Some(Arc::new(Inner {
            settings,
            tally,
            queue,
            ending,
            ended,
        })));
        (log, pages, waiting, end)
    }

    /// Whether anything is kept of requests to a pipeline.
    #[must_use]
    pub fn wants(&self, pipeline: &str) -> bool {
        let inner = self.0.as_ref();
        inner.is_some_and(|inner| inner.settings.wants(pipeline))
    }

    /// Whether a request to a pipeline that is [wanted](Self::wants) is kept: by its id, or a uniform draw where it has none.
    #[must_use]
    pub fn pick(&self, id: Option<&str>, draw: impl FnOnce() -> u64) -> Option<Pick> {
        self.0.as_ref()?.settings.pick(id, draw)
    }

    /// The most bytes of tensors that are worth a copy.
    #[must_use]
    pub fn most(&self) -> usize {
        let inner = self.0.as_ref();
        inner.map_or(0, |inner| inner.settings.max_record)
    }

    /// Puts a record into the queue; where there is no room it is dropped, and counted.
    pub fn push(&self, record: Record) {
        let Some(inner) = &self.0 else { return };
        let tally = &inner.tally;
        let bytes = BESIDE + record.bytes();
        let held = tally.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let fits = held <= inner.settings.queue_bytes && !inner.ending.load(Ordering::Acquire);
        tally.waiting.fetch_add(1, Ordering::Relaxed);
        let message = Message::Record(Box::new(record), bytes);
        if !fits || inner.queue.try_send(message).is_err() {
            tally.waiting.fetch_sub(1, Ordering::Relaxed);
            tally.held.fetch_sub(bytes, Ordering::Relaxed);
            tally.dropped();
        }
    }

    /// What became of the records; nothing where none are kept.
    #[must_use]
    pub fn show(&self) -> Option<Shown> {
        let inner = self.0.as_ref()?;
        Some(inner.tally.show(inner.settings.folder.clone()))
    }

    /// Ends it: what waits is written first, for a bounded time. What comes later is dropped.
    pub async fn stop(&self) {
        let Some(inner) = &self.0 else { return };
        inner.ending.store(true, Ordering::Release);
        // Where the queue is full the thread is awake already.
        let _awake = inner.queue.try_send(Message::Wake);
        let mut ended = inner.ended.clone();
        let gone = async move { while ended.changed().await.is_ok() {} };
        if tokio::time::timeout(LINGER, gone).await.is_err() {
            let waiting = inner.tally.waiting.load(Ordering::Relaxed);
            tracing::warn!(waiting, "payload log: not all was written");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.show()).finish()
    }
}
