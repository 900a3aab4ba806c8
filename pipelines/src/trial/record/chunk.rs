//! A hundred slots as clusters of keys: what each of them gave to each goal, and which keys were seen.
//!
//! A key sets one of a slot's 128 bits. How many keys set so many bits is linear counting (Whang et al. 1990): unbiased for
//! both arms alike, up to some hundred keys a slot, which is some million keys; beyond, a report says so.

use super::plan::{Pair, Plan, Take};

/// Slots in a chunk.
pub(super) const WIDTH: usize = 100;

/// Bits of a slot.
const BITS: f64 = 128.0;

/// What a hundred slots did.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::trial) struct Chunk {
    /// Keys seen, as bits.
    pub(in crate::trial) units: Vec<u128>,
    /// Requests.
    pub(in crate::trial) requests: Vec<u32>,
    /// By goal.
    pub(in crate::trial) goals: Vec<Rows>,
}

/// What a hundred slots gave to one goal; columns that the goal has no use for are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::trial) struct Rows {
    /// Keys that gave something, as bits.
    pub(in crate::trial) seen: Vec<u128>,
    /// Σy.
    pub(in crate::trial) y: Vec<f64>,
    /// Σx.
    pub(in crate::trial) x: Vec<f64>,
    /// Keys with an x, where that was known before the exposure.
    pub(in crate::trial) paired: Vec<u32>,
}

/// How many keys set these bits, by expectation.
pub(in crate::trial) fn keys(bits: u128) -> f64 {
    match bits.count_ones() {
        0 => 0.0,
        // All bits are set: there is no telling how many did it.
        128 => (0.5_f64 / BITS).ln() / (-1.0_f64 / BITS).ln_1p(),
        set => (-f64::from(set) / BITS).ln_1p() / (-1.0_f64 / BITS).ln_1p(),
    }
}

/// The bit of a key.
pub(super) fn bit(unit: u64) -> u128 {
    // The slot came from a hash of the same key; mixed, the bit tells apart what the slot does not.
    let mixed = (unit ^ (unit >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    1 << (mixed >> 57)
}

// === impl Chunk ===

impl Chunk {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            units: vec![0; WIDTH],
            requests: vec![0; WIDTH],
            goals: plan.takes.iter().map(Rows::new).collect(),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        unite(&mut self.units, &other.units);
        add(&mut self.requests, &other.requests);
        for (mine, theirs) in self.goals.iter_mut().zip(&other.goals) {
            unite(&mut mine.seen, &theirs.seen);
            mine.y.iter_mut().zip(&theirs.y).for_each(|(a, b)| *a += b);
            mine.x.iter_mut().zip(&theirs.x).for_each(|(a, b)| *a += b);
            add(&mut mine.paired, &theirs.paired);
        }
    }
}

// === impl Rows ===

impl Rows {
    fn new(take: &Take) -> Self {
        let (mut seen, mut y, mut x, mut paired) = (0, 0, 0, 0);
        match take {
            Take::Binary(_) | Take::Quantile { .. } => seen = WIDTH,
            Take::Ratio { .. } => (y, x) = (WIDTH, WIDTH),
            Take::Mean {
                covariate: None, ..
            } => y = WIDTH,
            Take::Mean {
                covariate: Some(_), ..
            } => {
                (seen, y, x, paired) = (WIDTH, WIDTH, WIDTH, WIDTH);
            }
        }
        Self {
            seen: vec![0; seen],
            y: vec![0.0; y],
            x: vec![0.0; x],
            paired: vec![0; paired],
        }
    }

    /// A request of a key in this row gives something else than before; says what that changes for the arm.
    pub(super) fn give(
        &mut self,
        take: Take,
        (row, bit): (usize, u128),
        was: Pair,
        is: Pair,
    ) -> (Pair, Pair) {
        let gives = match take {
            Take::Binary(_) => is.y == Some(1.0),
            Take::Quantile { .. } => is.y.is_some(),
            Take::Mean { covariate, .. } => {
                self.add(row, was.y, is.y, None);
                let new = covariate.is_some() && was.x.is_none() && is.x.is_some();
                if new && mark(&mut self.seen, row, bit) {
                    self.add(row, None, None, is.x);
                    self.paired[row] += 1;
                }
                return (Pair { y: was.y, x: None }, Pair { y: is.y, x: None });
            }
            Take::Ratio { .. } => {
                let more = is.x.unwrap_or(0.0) - was.x.unwrap_or(0.0);
                self.add(row, was.y, is.y, Some(more));
                return (was, is);
            }
        };
        // A key counts when it first gives something, and what happened is not taken back.
        let y = is.y.filter(|_| gives && mark(&mut self.seen, row, bit));
        (Pair::default(), Pair { y, x: None })
    }

    fn add(&mut self, row: usize, was: Option<f64>, is: Option<f64>, more: Option<f64>) {
        self.y[row] += is.unwrap_or(0.0) - was.unwrap_or(0.0);
        if let Some(more) = more {
            self.x[row] += more;
        }
    }
}

/// Sets a bit; says whether it was not set.
pub(super) fn mark(bits: &mut [u128], row: usize, bit: u128) -> bool {
    let Some(bits) = bits.get_mut(row) else {
        return false;
    };
    let new = *bits & bit == 0;
    *bits |= bit;
    new
}

fn unite(mine: &mut [u128], theirs: &[u128]) {
    mine.iter_mut().zip(theirs).for_each(|(a, b)| *a |= b);
}

fn add(mine: &mut [u32], theirs: &[u32]) {
    mine.iter_mut()
        .zip(theirs)
        .for_each(|(a, b)| *a = a.saturating_add(*b));
}
