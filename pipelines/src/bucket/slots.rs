//! The slot table: which arm owns each of the 10,000 slots.
//!
//! Cumulative ranges would move keys between arms whose weights do not change. Here only those slots change hands that
//! must, so that a key sees another arm as rarely as the weights allow.

use std::fmt;
use std::iter;
use std::sync::Arc;

use super::hash::Slot;
use super::weight::Weight;

/// The number of slots, as a length.
const COUNT: usize = Slot::COUNT as usize;

/// Who owns each slot. Cloning shares the table.
#[derive(Clone, PartialEq, Eq)]
pub struct Slots(Arc<Table>);

#[derive(PartialEq, Eq)]
struct Table {
    owners: [u8; COUNT],
    weights: Box<[Weight]>,
}

/// Slots that follow one another and have one owner: the form that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The owner's index.
    pub arm: u8,
    /// How many slots; at least one.
    pub length: u16,
}

/// Weights that make no split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// They are not parts of one whole.
    #[error("weights must sum to 100 %, got {}.{:02} %", sum / 100, sum % 100)]
    Sum {
        /// The sum, in hundredths of a per cent.
        sum: u64,
    },
    /// More arms than a table tells apart.
    #[error("expected at most {} arms, got {arms}", Slots::MAX_ARMS)]
    Arms {
        /// How many there are.
        arms: usize,
    },
    /// An arm was left out; one that is to have nothing is given a weight of zero.
    #[error("expected a weight for each of {before} arms, got {arms}")]
    Fewer {
        /// How many arms there were.
        before: usize,
        /// How many weights were given.
        arms: usize,
    },
}

/// Runs that make no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunsError {
    /// They are too few or too many slots.
    #[error("expected runs of {} slots together, got {slots}", Slot::COUNT)]
    Slots {
        /// How many they are.
        slots: usize,
    },
    /// A run without slots.
    #[error("run {at} is empty")]
    Empty {
        /// Its place, from 0.
        at: usize,
    },
    /// An owner that there is not.
    #[error("run {at} belongs to arm {arm}, and there are {arms} arms")]
    Owner {
        /// The run's place, from 0.
        at: usize,
        /// The owner's index.
        arm: u8,
        /// How many arms there are.
        arms: usize,
    },
    /// More arms than a table tells apart.
    #[error("expected at most {} arms, got {arms}", Slots::MAX_ARMS)]
    Arms {
        /// How many there are.
        arms: usize,
    },
}

// === impl Slots ===

impl Slots {
    /// The most arms that a table tells apart.
    pub const MAX_ARMS: usize = 64;

    /// The table of a new split: the arms' slots follow one another in their order, as GrowthBook's ranges do.
    ///
    /// # Errors
    /// [`WeightsError`] where the weights do not sum to 100 %, or are too many.
    pub fn new(weights: &[Weight]) -> Result<Self, WeightsError> {
        check(weights)?;
        let mut owners = [0; COUNT];
        let mut from = 0;
        for (arm, weight) in (0..).zip(weights) {
            let to = from + usize::from(weight.basis_points());
            owners[from..to].fill(arm);
            from = to;
        }
        Ok(Self::of(owners, weights))
    }

    /// The table with other weights: arms that lose give up their highest slots, and arms that gain take those, lowest
    /// first, in the order of the arms. No more slots change hands than half the sum of what the weights differ by.
    ///
    /// Weights beyond the arms there are add arms. An arm that goes keeps its place, with a weight of zero.
    ///
    /// # Errors
    /// [`WeightsError`] where the weights do not sum to 100 %, are too many, or leave an arm out.
    pub fn reweigh(&self, weights: &[Weight]) -> Result<Self, WeightsError> {
        check(weights)?;
        let before = self.arms();
        if weights.len() < before {
            let arms = weights.len();
            return Err(WeightsError::Fewer { before, arms });
        }
        let was = self.weights().iter().copied();
        let was = was.chain(iter::repeat(Weight::ZERO));
        let mut surplus = [0; Self::MAX_ARMS];
        let mut takers = Vec::new();
        for (arm, (now, was)) in (0..).zip(weights.iter().zip(was)) {
            let (now, was) = (now.basis_points(), was.basis_points());
            surplus[usize::from(arm)] = was.saturating_sub(now);
            takers.extend(iter::repeat_n(arm, usize::from(now.saturating_sub(was))));
        }
        let mut owners = self.0.owners;
        for owner in owners.iter_mut().rev() {
            let left = &mut surplus[usize::from(*owner)];
            if *left > 0
                && let Some(taker) = takers.pop()
            {
                *left -= 1;
                *owner = taker;
            }
        }
        Ok(Self::of(owners, weights))
    }

    /// Who owns a slot.
    #[must_use]
    pub fn owner(&self, slot: Slot) -> usize {
        usize::from(self.0.owners[slot.index()])
    }

    /// How many arms there are, those without a slot included.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.weights().len()
    }

    /// The weights, in the order of the arms.
    #[must_use]
    pub fn weights(&self) -> &[Weight] {
        &self.0.weights
    }

    /// An arm's part of all slots; nothing for an arm that there is not.
    #[must_use]
    pub fn share(&self, arm: usize) -> f64 {
        let weight = self.weights().get(arm).copied();
        weight.unwrap_or_default().share()
    }

    /// How many slots have another owner in another table.
    #[must_use]
    pub fn moved(&self, to: &Self) -> usize {
        let pairs = self.0.owners.iter().zip(&to.0.owners);
        pairs.filter(|(a, b)| a != b).count()
    }

    /// The table in runs, each as long as can be.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.0.owners.chunk_by(|a, b| a == b).map(|run| Run {
            arm: run[0],
            length: run.len() as u16,
        })
    }

    /// The table of so many arms that runs describe.
    ///
    /// # Errors
    /// [`RunsError`] where they do not describe every slot once, or name an arm that there is not.
    pub fn from_runs(arms: usize, runs: impl IntoIterator<Item = Run>) -> Result<Self, RunsError> {
        if arms > Self::MAX_ARMS {
            return Err(RunsError::Arms { arms });
        }
        let mut owners = [0; COUNT];
        let mut counts = vec![0_u16; arms];
        let mut slots = 0;
        for (at, Run { arm, length }) in runs.into_iter().enumerate() {
            let Some(count) = counts.get_mut(usize::from(arm)) else {
                return Err(RunsError::Owner { at, arm, arms });
            };
            if length == 0 {
                return Err(RunsError::Empty { at });
            }
            let from = slots;
            slots += usize::from(length);
            let Some(run) = owners.get_mut(from..slots) else {
                return Err(RunsError::Slots { slots });
            };
            run.fill(arm);
            *count += length;
        }
        if slots != COUNT {
            return Err(RunsError::Slots { slots });
        }
        let weights = counts.into_iter().filter_map(Weight::new);
        Ok(Self::of(owners, &weights.collect::<Vec<_>>()))
    }

    fn of(owners: [u8; COUNT], weights: &[Weight]) -> Self {
        let weights = weights.into();
        Self(Arc::new(Table { owners, weights }))
    }
}

/// Weights and runs, not ten thousand numbers.
impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: Vec<_> = self.runs().map(|run| (run.arm, run.length)).collect();
        f.debug_struct("Slots")
            .field("weights", &self.weights())
            .field("runs", &runs)
            .finish()
    }
}

fn check(weights: &[Weight]) -> Result<(), WeightsError> {
    let arms = weights.len();
    if arms > Slots::MAX_ARMS {
        return Err(WeightsError::Arms { arms });
    }
    let sum = weights
        .iter()
        .map(|weight| u64::from(weight.basis_points()));
    match sum.sum() {
        sum if sum == u64::from(Slot::COUNT) => Ok(()),
        sum => Err(WeightsError::Sum { sum }),
    }
}
