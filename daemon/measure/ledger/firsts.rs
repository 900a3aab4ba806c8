//! Which units had which event: a bitmap per class, of a fixed size.
//!
//! Two units may share a bit, and then the second one's event is not counted. That is as likely on either arm, so it takes
//! evidence away and adds none; only how many units there were has to be set right.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use impresario_pipelines::analysis::Class;

/// Bits per class.
const BITS: usize = 1 << 17;

/// Classes, units and bins.
const MAPS: usize = Class::COUNT + 2;

/// Something that a unit can do for the first time.
#[derive(Clone, Copy)]
pub(super) enum First {
    /// A request.
    Unit,
    /// An event of a class.
    Class(Class),
    /// An answer in a bin.
    Bin(u8),
}

pub(super) struct Firsts {
    maps: [Box<[AtomicU64]>; MAPS],
}

// === impl Firsts ===

impl Firsts {
    /// Whether it is the unit's first; from now on it was. A unit is known by its hash.
    pub(super) fn first(&self, what: First, unit: u64) -> bool {
        let (map, salt) = match what {
            First::Class(class) => (class.index(), 0),
            First::Unit => (Class::COUNT, 0),
            First::Bin(bin) => (Class::COUNT + 1, u64::from(bin) + 1),
        };
        let at = mix(unit ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)) as usize % BITS;
        let (word, bit) = (&self.maps[map][at / 64], 1 << (at % 64));
        // Most are not the first: a look leaves the cache line shared.
        word.load(Relaxed) & bit == 0 && word.fetch_or(bit, Relaxed) & bit == 0
    }

    /// How many units there were where so many were told apart: linear counting (Whang et al. 1990).
    pub(super) fn uncrowded(&self, counted: u64) -> u64 {
        let ones = |word: &AtomicU64| u64::from(word.load(Relaxed).count_ones());
        let full: u64 = self.maps[Class::COUNT].iter().map(ones).sum();
        if full == 0 {
            return counted;
        }
        let bits = BITS as f64;
        let free = (bits - full as f64).max(1.0);
        let units = bits * (bits / free).ln();
        (counted as f64 * units / full as f64).round() as u64
    }
}

impl Default for Firsts {
    fn default() -> Self {
        let map = |_| (0..BITS / 64).map(|_| AtomicU64::default()).collect();
        Self {
            maps: std::array::from_fn(map),
        }
    }
}

/// The finalizer of SplitMix64: hashes of slots are small numbers, and their bits must not stay together.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
