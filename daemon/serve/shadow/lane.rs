//! The lane of one shadow: what may wait and run at a time, and what was counted beside each version that answers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use impresario_models::{Name, VersionNumber};
use impresario_pipelines::Revision;
use impresario_pipelines::comparison::{Comparison, Reading};
use impresario_pipelines::spec::Shadow;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// The versions that a shadow is counted beside; the one that came first goes first.
const TRACKS: usize = 16;

/// The lane of one shadow of one pipeline.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) spec: Arc<Shadow>,
    /// The table that it began with.
    pub(super) revision: Revision,
    waiting: Arc<AtomicUsize>,
    running: Semaphore,
    tracks: ArcSwap<Vec<Arc<Track>>>,
}

/// A place among those that wait, as long as it is there.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

/// What was counted beside one version that answers.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) model: Name,
    pub(super) version: VersionNumber,
    // Callers count without a lock.
    eligible: AtomicU64,
    sampled: AtomicU64,
    dropped: AtomicU64,
    unavailable: AtomicU64,
    unanswered: AtomicU64,
    /// All else. No caller is ever behind this lock.
    counted: Mutex<Comparison>,
}

// === impl Lane ===

impl Lane {
    pub(super) fn new(spec: Arc<Shadow>, revision: Revision) -> Self {
        Self {
            revision,
            waiting: Arc::default(),
            running: Semaphore::new(spec.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            tracks: ArcSwap::default(),
            spec,
        }
    }

    pub(super) fn is_of(&self, spec: &Arc<Shadow>) -> bool {
        Arc::ptr_eq(&self.spec, spec) || self.spec == *spec
    }

    /// Whether no request may wait now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.spec.queue
    }

    /// A place among those that wait, if there is one.
    pub(super) fn enter(&self) -> Option<Place> {
        // Taken first, so that two never take the last one.
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.waiting));
        (before < self.spec.queue).then_some(place)
    }

    /// Waits until one more may run, first come first served.
    pub(super) async fn run(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.running.acquire().await
    }

    /// The track of a version that answers.
    pub(super) fn track(&self, model: &Name, version: VersionNumber) -> Arc<Track> {
        if let Some(track) = self.find(model, version) {
            return track;
        }
        let new = Arc::new(Track::new(model.clone(), version, &self.spec));
        self.tracks.rcu(|tracks| {
            let mut tracks = Vec::clone(tracks);
            if find(&tracks, model, version).is_none() {
                if tracks.len() >= TRACKS {
                    tracks.remove(0);
                }
                tracks.push(Arc::clone(&new));
            }
            tracks
        });
        // Another request may have made it first.
        self.find(model, version).unwrap_or(new)
    }

    pub(super) fn find(&self, model: &Name, version: VersionNumber) -> Option<Arc<Track>> {
        find(&self.tracks.load(), model, version).cloned()
    }

    pub(super) fn tracks(&self) -> Arc<Vec<Arc<Track>>> {
        self.tracks.load_full()
    }
}

fn find<'t>(
    tracks: &'t [Arc<Track>],
    model: &Name,
    version: VersionNumber,
) -> Option<&'t Arc<Track>> {
    tracks
        .iter()
        .find(|track| track.version == version && track.model == *model)
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Track ===

impl Track {
    fn new(model: Name, version: VersionNumber, spec: &Shadow) -> Self {
        Self {
            model,
            version,
            eligible: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            counted: Mutex::new(Comparison::new(spec)),
        }
    }

    pub(super) fn eligible(&self) {
        self.eligible.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sampled(&self) {
        self.sampled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unavailable(&self) {
        self.unavailable.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// What only the shadows' own thread counts.
    pub(super) fn count<T>(&self, count: impl FnOnce(&mut Comparison) -> T) -> T {
        count(&mut self.counted())
    }

    /// All that was counted.
    pub(super) fn comparison(&self) -> Comparison {
        let mut all = self.counted().clone();
        let coverage = &mut all.coverage;
        // From the last to the first, so that no part is ever more than the whole.
        coverage.unanswered = self.unanswered.load(Ordering::Relaxed);
        coverage.unavailable += self.unavailable.load(Ordering::Relaxed);
        coverage.dropped = self.dropped.load(Ordering::Relaxed);
        coverage.sampled = self.sampled.load(Ordering::Relaxed);
        coverage.eligible = self.eligible.load(Ordering::Relaxed);
        all
    }

    pub(super) fn reading(&self) -> Reading {
        self.counted().reading()
    }

    /// Counts stay whole if somebody panics over them.
    fn counted(&self) -> MutexGuard<'_, Comparison> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
