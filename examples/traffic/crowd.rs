//! Callers at work: a few threads that each ask, wait for the answer, perhaps tell how it went, and ask again.
//!
//! A crowd is bounded: so many connections, one request each at a time. What it saw is counted by who answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::caller::{Answer, Caller};

/// How long a caller waits where nobody answered, before it tries again.
const BACKOFF: Duration = Duration::from_millis(20);

/// The most answers whose times are kept, of one variant.
const TIMES: usize = 1 << 20;

/// What a crowd does beside asking.
pub(crate) trait Habits: Send + Sync + 'static {
    /// Whom the n-th request is for, where callers are told apart.
    fn user(&self, n: u64) -> Option<String> {
        let _ = n;
        None
    }

    /// What the caller of the n-th request does with its answer.
    fn answered(&self, caller: &Caller, n: u64, answer: &Answer) {
        let _ = (caller, n, answer);
    }
}

/// Asking, and nothing beside.
pub(crate) struct Plain;

impl Habits for Plain {}

/// Callers at work, until they are stopped.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    next: AtomicU64,
    last: u64,
    seen: Mutex<Seen>,
}

/// What a crowd saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// By who answered.
    pub(crate) variants: BTreeMap<String, Variant>,
    /// Answers by the number of the version that gave them.
    pub(crate) versions: BTreeMap<String, u64>,
    /// Requests that got an error, and the first of them.
    pub(crate) errors: u64,
    /// What the first error said.
    pub(crate) first_error: Option<String>,
    /// Answers that another variant than the one decided on gave.
    pub(crate) rescued: u64,
    /// Requests that found nobody: the daemon was down, or not ready yet.
    pub(crate) nobody: u64,
}

/// Answers of one variant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variant {
    /// How many.
    pub(crate) answers: u64,
    /// Of them, digits that were read right.
    pub(crate) right: u64,
    /// How long each took, in microseconds.
    times: Vec<u32>,
}

// === impl Crowd ===

impl Crowd {
    /// Starts so many callers, which ask on and on.
    pub(crate) fn start(http: &str, pipeline: &str, callers: usize, habits: impl Habits) -> Self {
        Self::bounded(http, pipeline, callers, u64::MAX, habits)
    }

    /// Starts so many callers, which ask so many requests together.
    pub(crate) fn bounded(
        http: &str,
        pipeline: &str,
        callers: usize,
        requests: u64,
        habits: impl Habits,
    ) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            next: AtomicU64::new(0),
            last: requests,
            seen: Mutex::default(),
        });
        let habits = Arc::new(habits);
        let threads = (0..callers).map(|_| {
            let (shared, habits) = (Arc::clone(&shared), Arc::clone(&habits));
            let caller = Caller::new(http, pipeline);
            thread::spawn(move || shared.work(&caller, &*habits))
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }

    /// What was seen since it was asked last.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.shared.seen())
    }

    /// What was seen so far, since it was taken last.
    pub(crate) fn look(&self) -> Seen {
        self.shared.seen().clone()
    }

    /// Ends the work and gives what was seen since it was taken last. No request is cut short.
    pub(crate) fn stop(mut self) -> Seen {
        self.end();
        self.take()
    }

    /// Waits until all requests of a bounded crowd are answered.
    pub(crate) fn finish(mut self) -> Seen {
        for thread in self.threads.drain(..) {
            // A caller that panicked has said so.
            let _ended = thread.join();
        }
        self.take()
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ended = thread.join();
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.end();
    }
}

// === impl Shared ===

impl Shared {
    fn work(&self, caller: &Caller, habits: &dyn Habits) {
        while !self.stop.load(Ordering::Relaxed) {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            if n >= self.last {
                return;
            }
            let user = habits.user(n);
            // 101 has no divisor in common with the number of digits: all of them come, in no order of theirs.
            let digit = usize::try_from(n * 101 % 300).unwrap_or_default();
            let answer = caller.ask(digit, user.as_deref());
            habits.answered(caller, n, &answer);
            self.seen().count(&answer);
            if answer.is_nobody() {
                thread::park_timeout(BACKOFF);
            }
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Seen ===

impl Seen {
    fn count(&mut self, answer: &Answer) {
        if answer.is_nobody() {
            self.nobody += 1;
            return;
        }
        if !answer.is_good() {
            self.errors += 1;
            self.first_error.get_or_insert_with(|| {
                format!(
                    "{}: {}",
                    answer.status,
                    answer.error.as_deref().unwrap_or_default()
                )
            });
            return;
        }
        self.rescued += u64::from(answer.rescued.is_some());
        *self.versions.entry(answer.version.clone()).or_default() += 1;
        let variant = self.variants.entry(answer.variant.clone()).or_default();
        variant.answers += 1;
        variant.right += u64::from(answer.right);
        if variant.times.len() < TIMES {
            let micros = u32::try_from(answer.took.as_micros());
            variant.times.push(micros.unwrap_or(u32::MAX));
        }
    }

    /// All answers.
    pub(crate) fn answers(&self) -> u64 {
        self.variants.values().map(|variant| variant.answers).sum()
    }

    /// Answers of a variant.
    pub(crate) fn of(&self, variant: &str) -> u64 {
        self.variants
            .get(variant)
            .map_or(0, |variant| variant.answers)
    }

    /// Answers of a version.
    pub(crate) fn by(&self, version: &str) -> u64 {
        self.versions.get(version).copied().unwrap_or_default()
    }

    /// A quantile of the times of all answers.
    pub(crate) fn quantile(&self, q: f64) -> Duration {
        let times = self.variants.values().flat_map(|variant| &variant.times);
        quantile(times.copied().collect(), q)
    }
}

// === impl Variant ===

impl Variant {
    /// The share of digits that were read right.
    pub(crate) fn accuracy(&self) -> f64 {
        self.right as f64 / self.answers.max(1) as f64
    }

    /// A quantile of the times.
    pub(crate) fn quantile(&self, q: f64) -> Duration {
        quantile(self.times.clone(), q)
    }
}

fn quantile(mut times: Vec<u32>, q: f64) -> Duration {
    times.sort_unstable();
    let at = ((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1));
    Duration::from_micros(times.get(at).copied().unwrap_or_default().into())
}
