//! The ways in which a version gives no answer to a request that it was given.

/// How a version failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The request does not fit its contract.
    Unfit,
    /// It cannot take these values.
    Refused,
    /// Its engine failed, or it answered what its own contract forbids.
    Failed,
    /// It crashed.
    Crashed,
    /// It took longer than a computation of it may.
    Hung,
}

/// How a version failed, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// How.
    pub fault: Fault,
    /// The message.
    pub what: &'a str,
}

/// Failures, by their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; Fault::ALL.len()]);

// === impl Fault ===

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Unfit,
        Self::Refused,
        Self::Failed,
        Self::Crashed,
        Self::Hung,
    ];

    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfit => "unfit",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
        }
    }
}

// === impl Faults ===

impl Faults {
    /// How many there were of a kind.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// Counts so many more.
    pub fn add(&mut self, fault: Fault, count: u64) {
        self.0[fault as usize] += count;
    }

    /// Those that there were.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> {
        let all = Fault::ALL.into_iter();
        all.map(|fault| (fault, self.of(fault)))
            .filter(|(_, count)| *count > 0)
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (fault, count) in other.iter() {
            self.add(fault, count);
        }
    }
}
