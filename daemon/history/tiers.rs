//! The tiers that windows are kept in, and what is due: which short windows can be added up to long ones, and what has become
//! too old. Pure: the time and what is stored are arguments.
//!
//! Short windows are *folded* into long ones, once: a series has a mark for each long tier, up to which its shorter windows
//! are in it. What is counted later for a time before the mark is added to both at once. So the long tier up to its mark and
//! the short one from there on are together everything, each once.

use std::time::Duration;

use super::window::Window;

/// How long windows are and how long they are kept. Windows begin at multiples of their length since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// 10 seconds, kept for 6 hours.
    Ten,
    /// A minute, kept for 7 days.
    Minute,
    /// An hour, kept for 365 days.
    Hour,
}

/// Up to when the shorter windows of a series are in longer ones, in milliseconds since 1970: a multiple of the longer ones'
/// length. That of hours is not after that of minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    minute: u64,
    hour: u64,
}

/// Windows of a tier from one time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The tier.
    pub(super) tier: Tier,
    /// Where the first one begins.
    pub(super) from: u64,
    /// Where the last one ends.
    pub(super) until: u64,
}

/// What folding came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// What is to be added to the long windows that begin there.
    pub(super) sums: Vec<(u64, Window)>,
    /// The mark afterwards.
    pub(super) mark: u64,
}

// === impl Tier ===

impl Tier {
    /// Every tier, the finest first.
    pub const ALL: [Self; 3] = [Self::Ten, Self::Minute, Self::Hour];

    /// How long its windows are, in milliseconds.
    #[must_use]
    pub const fn unit(self) -> u64 {
        match self {
            Self::Ten => 10_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    /// How long its windows are kept after their end, in milliseconds.
    #[must_use]
    pub const fn age(self) -> u64 {
        const HOUR: u64 = 3_600_000;
        match self {
            Self::Ten => 6 * HOUR,
            Self::Minute => 7 * 24 * HOUR,
            Self::Hour => 365 * 24 * HOUR,
        }
    }

    /// How much longer they may stand in the store, in milliseconds, so that they are removed many at a time. They are not
    /// shown then.
    #[must_use]
    pub const fn slack(self) -> u64 {
        60 * self.unit()
    }

    /// How long its windows are, for people.
    #[must_use]
    pub fn word(self) -> String {
        humantime::format_duration(Duration::from_millis(self.unit())).to_string()
    }

    /// The beginning of the window that a time lies in.
    #[must_use]
    pub fn start(self, at: u64) -> u64 {
        at - at % self.unit()
    }

    /// The tier that is folded into it.
    #[must_use]
    pub fn finer(self) -> Option<Self> {
        match self {
            Self::Ten => None,
            Self::Minute => Some(Self::Ten),
            Self::Hour => Some(Self::Minute),
        }
    }

    /// Before when its windows are too old: those that end by then.
    #[must_use]
    pub fn expired(self, now: u64) -> u64 {
        self.start(now.saturating_sub(self.age()))
    }
}

// === impl Marks ===

impl Marks {
    /// Those of a series whose first window begins so: nothing before it is there to be folded.
    pub(super) fn new(first: u64) -> Self {
        Self {
            minute: Tier::Minute.start(first),
            hour: Tier::Hour.start(first),
        }
    }

    /// Up to when a tier holds all that is in the finer one; the finest holds all there is.
    pub(super) fn of(&self, tier: Tier) -> u64 {
        match tier {
            Tier::Ten => u64::MAX,
            Tier::Minute => self.minute,
            Tier::Hour => self.hour,
        }
    }

    /// The same with another mark.
    pub(super) fn with(self, tier: Tier, mark: u64) -> Self {
        match tier {
            Tier::Ten => self,
            Tier::Minute => Self {
                minute: mark,
                ..self
            },
            Tier::Hour => Self { hour: mark, ..self },
        }
    }

    /// The same where there is nothing to be folded into minutes that have ended by now.
    pub(super) fn passed(self, now: u64) -> Self {
        Self {
            minute: self.minute.max(Tier::Minute.start(now)),
            ..self
        }
    }

    /// As eight bytes each.
    pub(super) fn encode(&self) -> Vec<u8> {
        [self.minute.to_be_bytes(), self.hour.to_be_bytes()].concat()
    }

    /// Reads [`Self::encode`]'s form; nothing where it is another.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (minute, hour) = bytes.split_first_chunk::<8>()?;
        let marks = Self {
            minute: u64::from_be_bytes(*minute),
            hour: u64::from_be_bytes(hour.try_into().ok()?),
        };
        let aligned = marks.minute.is_multiple_of(Tier::Minute.unit())
            && marks.hour.is_multiple_of(Tier::Hour.unit());
        (aligned && marks.hour <= marks.minute).then_some(marks)
    }

    /// The windows that are given what was counted in the ten seconds from `start` on: those, and every longer one that has
    /// been made of them already.
    pub(super) fn takes(&self, start: u64) -> impl Iterator<Item = (Tier, u64)> {
        let given = Tier::ALL
            .into_iter()
            .filter(move |tier| start < self.of(*tier));
        given.map(move |tier| (tier, tier.start(start)))
    }

    /// What can be folded into a tier: whole long windows whose shorter ones have all ended.
    pub(super) fn foldable(&self, into: Tier, now: u64) -> Option<Piece> {
        let tier = into.finer()?;
        let piece = Piece {
            tier,
            from: self.of(into),
            until: into.start(now.min(self.of(tier))),
        };
        (piece.from < piece.until).then_some(piece)
    }

    /// Before when the windows of a tier are to be removed: they are too old, and what they hold is in longer ones.
    pub(super) fn removable(&self, tier: Tier, now: u64) -> u64 {
        let folded = match tier {
            Tier::Ten => self.minute,
            Tier::Minute => self.hour,
            Tier::Hour => u64::MAX,
        };
        tier.expired(now).min(folded)
    }

    /// Where to find all that was counted from one time to another, in windows of a tier as far as they have been made, and
    /// in shorter ones from there on.
    pub(super) fn pieces(&self, tier: Tier, from: u64, until: u64) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let (mut at, mut tier) = (from, Some(tier));
        while let Some(this) = tier {
            let end = self.of(this).min(until);
            if at < end {
                pieces.push(Piece {
                    tier: this,
                    from: at,
                    until: end,
                });
                at = end;
            }
            tier = this.finer();
        }
        pieces
    }
}

/// Adds short windows, in order, up to long ones. Where not all of the piece's windows are given, because there are too many,
/// the last long one is left for the next time.
pub(super) fn fold(into: Tier, piece: Piece, windows: &[(u64, Window)], whole: Whole) -> Folded {
    let mut sums: Vec<(u64, Window)> = Vec::new();
    for (start, window) in windows {
        let long = into.start(*start);
        match sums.last_mut() {
            Some((last, sum)) if *last == long => sum.add(window),
            _ => sums.push((long, window.clone())),
        }
    }
    let mark = match whole {
        Whole::All => piece.until,
        Whole::Beginning => sums.pop().map_or(piece.from, |(last, _)| last),
    };
    Folded { sums, mark }
}

/// How much of a piece was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// All of it.
    All,
    /// Its first windows; more are there.
    Beginning,
}

#[cfg(test)]
mod tests;
