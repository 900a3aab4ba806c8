//! The trip wire of all arms: the rule of `analysis` over atomic streaks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use impresario_pipelines::analysis::{STABLE, Streak, Trip, trip};

/// One end per arm; the first arm is what the others are held against.
pub(super) struct Wire {
    ends: Box<[End]>,
}

#[derive(Default)]
#[repr(align(128))]
struct End {
    streak: AtomicU64,
    tripped: AtomicBool,
}

// === impl Wire ===

impl Wire {
    pub(super) fn new(arms: usize) -> Self {
        Self {
            ends: (0..arms).map(|_| End::default()).collect(),
        }
    }

    pub(super) fn tripped(&self, arm: usize) -> bool {
        self.ends
            .get(arm)
            .is_some_and(|end| end.tripped.load(Relaxed))
    }

    pub(super) fn trip(&self, arm: usize) -> Trip {
        match self.tripped(arm) {
            true => Trip::Canary,
            false if arm == STABLE => Trip::No,
            false => trip(self.streak(STABLE), self.streak(arm)),
        }
    }

    /// A request of an arm ended; whether that stopped the arm, which it does once.
    pub(super) fn ended(&self, arm: usize, failed: bool) -> bool {
        let Some(end) = self.ends.get(arm) else {
            return false;
        };
        let after = |bits| {
            let streak = Streak::from_bits(bits);
            let after = streak.after(failed);
            // An arm that is well stays as it is, and nothing is written.
            (after != streak).then(|| after.bits())
        };
        let _ = end.streak.fetch_update(Relaxed, Relaxed, after);
        failed && self.trip(arm) == Trip::Canary && !end.tripped.swap(true, Relaxed)
    }

    fn streak(&self, arm: usize) -> Streak {
        let end = self.ends.get(arm);
        end.map_or_else(Streak::default, |end| {
            Streak::from_bits(end.streak.load(Relaxed))
        })
    }
}
