//! The trip wire: hard failures in a row stop a canary before any evidence is computed.
//!
//! A pure rule over a few bits per arm, small enough to be kept in one atomic number by who counts.

/// How an arm's requests ended of late, and at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// The newest outcomes, the last one in the lowest bit; 1 is a hard failure.
    recent: u16,
    /// Requests among the first ten that were seen.
    seen: u8,
    /// Hard failures among those.
    first: u8,
    /// Hard failures since the last success.
    in_a_row: u16,
}

/// Whether the wire was touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trip {
    /// No.
    #[default]
    No,
    /// The canary fails and the stable does not: it takes no more traffic.
    Canary,
    /// Both fail: what they share is broken, and nothing is blamed on the canary.
    Both,
}

// === impl Streak ===

impl Streak {
    /// The first requests of an arm, which are judged together.
    const FIRST: u8 = 10;

    /// Hard failures that are too many, in a row or among the first.
    const LIMIT: u8 = 5;

    /// With one more request.
    #[must_use]
    pub fn after(self, failed: bool) -> Self {
        let counts = self.seen < Self::FIRST;
        Self {
            recent: self.recent << 1 | u16::from(failed),
            seen: self.seen + u8::from(counts),
            first: self.first + u8::from(counts && failed),
            in_a_row: match failed {
                true => self.in_a_row.saturating_add(1),
                false => 0,
            },
        }
    }

    /// Whether it fails so often that it must be stopped.
    #[must_use]
    pub fn broken(self) -> bool {
        self.in_a_row >= u16::from(Self::LIMIT) || self.first >= Self::LIMIT
    }

    /// Whether most of its last five requests, as far as there were any, ended well.
    #[must_use]
    pub fn healthy(self) -> bool {
        (self.recent & 0b1_1111).count_ones() <= 2
    }

    /// All of it in one number.
    #[must_use]
    pub fn bits(self) -> u64 {
        u64::from(self.recent)
            | u64::from(self.seen) << 16
            | u64::from(self.first) << 24
            | u64::from(self.in_a_row) << 32
    }

    /// What [`Self::bits`] gave.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self {
            recent: bits as u16,
            seen: (bits >> 16) as u8,
            first: (bits >> 24) as u8,
            in_a_row: (bits >> 32) as u16,
        }
    }
}

/// What the two arms' streaks mean.
#[must_use]
pub fn trip(stable: Streak, canary: Streak) -> Trip {
    match (canary.broken(), stable.healthy()) {
        (false, _) => Trip::No,
        (true, true) => Trip::Canary,
        (true, false) => Trip::Both,
    }
}
