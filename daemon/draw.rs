//! Uniform draws, for requests without a key and for the ids of traces: one generator a thread, seeded by the system once.

use std::cell::Cell;

/// A uniform draw (SplitMix64; Steele, Lea and Flood, OOPSLA 2014).
pub(crate) fn draw() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(seed());
    }
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// What the system gives; where it gives nothing, something that differs from thread to thread.
fn seed() -> u64 {
    let here = 0u8;
    getrandom::u64().unwrap_or(std::ptr::from_ref(&here).addr() as u64)
}
