//! The evidence of one split: an arm's sums, those of each declared segment, and the slots' where keys are the units.

use super::chunk::{Chunk, WIDTH, bit, mark};
use super::plan::{Pair, Plan};
use super::tally::Tally;
use super::{Exposure, Unit};
use crate::bucket::{Slot, Slots};

/// What was gathered while the arms had these slots.
#[derive(Clone, Debug)]
pub(in crate::trial) struct Stretch {
    pub(in crate::trial) slots: Slots,
    /// By arm.
    pub(in crate::trial) arms: Vec<Tally>,
    /// By declared segment, value and arm.
    pub(in crate::trial) parts: Vec<Vec<Vec<Tally>>>,
    /// The slots by hundreds; those without a request are none.
    pub(in crate::trial) chunks: Vec<Option<Box<Chunk>>>,
    /// Which chunks changed since they were stored, and whether the sums did.
    pub(super) dirty: Vec<bool>,
    pub(super) touched: bool,
}

// === impl Stretch ===

impl Stretch {
    pub(super) fn new(plan: &Plan, slots: Slots) -> Self {
        let tallies = || vec![Tally::new(plan); plan.arms];
        let chunks = match plan.unit() {
            Unit::Request => 0,
            Unit::Key => usize::from(Slot::COUNT) / WIDTH,
        };
        let dimensions = plan.dimensions().iter();
        Self {
            slots,
            arms: tallies(),
            parts: dimensions
                .map(|dimension| vec![tallies(); dimension.values.len() + 1])
                .collect(),
            chunks: vec![None; chunks],
            dirty: vec![false; chunks],
            touched: true,
        }
    }

    pub(super) fn expose(&mut self, plan: &Plan, at: &Exposure) -> usize {
        let arm = self.slots.owner(at.slot);
        let row = at.slot.index() % WIDTH;
        let fresh = match self.chunk(plan, at.slot) {
            None => true,
            Some(chunk) => {
                if let Some(requests) = chunk.requests.get_mut(row) {
                    *requests = requests.saturating_add(1);
                }
                mark(&mut chunk.units, row, bit(at.unit.unwrap_or_default()))
            }
        };
        self.each(at, arm, |tally| {
            tally.requests += 1;
            tally.units += u64::from(fresh);
        });
        arm
    }

    pub(super) fn feed(
        &mut self,
        plan: &Plan,
        at: &Exposure,
        before: &[Option<f64>],
        after: &[Option<f64>],
    ) {
        let arm = self.slots.owner(at.slot);
        for (goal, take) in plan.takes.iter().enumerate() {
            let (was, is) = (take.pair(before), take.pair(after));
            if was != is {
                self.change(plan, at, (arm, goal), (was, is));
            }
        }
    }

    fn change(
        &mut self,
        plan: &Plan,
        at: &Exposure,
        (arm, goal): (usize, usize),
        (was, is): (Pair, Pair),
    ) {
        let Some(take) = plan.takes.get(goal).copied() else {
            return;
        };
        let (row, mark) = (at.slot.index() % WIDTH, bit(at.unit.unwrap_or_default()));
        let chunk = self.chunk(plan, at.slot);
        let given = match chunk.and_then(|chunk| chunk.goals.get_mut(goal)) {
            None => (was, is),
            Some(rows) => rows.give(take, (row, mark), was, is),
        };
        self.each(at, arm, |tally| {
            if let Some(sums) = tally.goals.get_mut(goal) {
                sums.feedback(was.y.is_some(), is.y.is_some());
                sums.take(take, given.0, given.1);
            }
        });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.touched = true;
        let parts = self.parts.iter_mut().flatten().flatten();
        let theirs = other.parts.iter().flatten().flatten();
        let all = self.arms.iter_mut().chain(parts);
        for (mine, theirs) in all.zip(other.arms.iter().chain(theirs)) {
            mine.merge(theirs);
        }
        let chunks = self.chunks.iter_mut().zip(&mut self.dirty);
        for ((mine, dirty), theirs) in chunks.zip(&other.chunks) {
            *dirty |= theirs.is_some();
            match (mine.as_mut(), theirs) {
                (Some(mine), Some(theirs)) => mine.merge(theirs),
                (None, Some(_)) => mine.clone_from(theirs),
                (_, None) => {}
            }
        }
    }

    /// The units of an arm: requests, or keys as the slots' bits tell.
    pub(in crate::trial) fn units(&self, arm: usize) -> f64 {
        if self.chunks.is_empty() {
            return self.arms.get(arm).map_or(0.0, |tally| tally.units as f64);
        }
        let rows = self.rows(arm);
        rows.map(|(_, chunk, row)| super::chunk::keys(chunk.units[row]))
            .sum()
    }

    /// The slots of an arm that had requests: each with its number, its chunk and its row there.
    pub(in crate::trial) fn rows(
        &self,
        arm: usize,
    ) -> impl Iterator<Item = (usize, &Chunk, usize)> {
        let chunks = self.chunks.iter().enumerate();
        let slots = chunks.filter_map(|(index, chunk)| Some((index, chunk.as_deref()?)));
        slots
            .flat_map(|(index, chunk)| (0..WIDTH).map(move |row| (index * WIDTH + row, chunk, row)))
            .filter(move |(number, chunk, row)| {
                let slot = Slot::new(*number as u16);
                chunk.units[*row] != 0 && slot.is_some_and(|slot| self.slots.owner(slot) == arm)
            })
    }

    /// The keys that a slot saw.
    pub(in crate::trial) fn bits(&self, slot: usize) -> u128 {
        let chunk = self.chunks.get(slot / WIDTH).and_then(Option::as_deref);
        chunk.map_or(0, |chunk| chunk.units[slot % WIDTH])
    }

    /// The chunk of a slot, where keys are the units; it will have changed.
    fn chunk(&mut self, plan: &Plan, slot: Slot) -> Option<&mut Chunk> {
        let index = slot.index() / WIDTH;
        *self.dirty.get_mut(index)? = true;
        let chunk = self.chunks.get_mut(index)?;
        Some(chunk.get_or_insert_with(|| Box::new(Chunk::new(plan))))
    }

    /// What counts for an arm counts for its part in each declared segment.
    fn each(&mut self, at: &Exposure, arm: usize, mut count: impl FnMut(&mut Tally)) {
        self.touched = true;
        if let Some(tally) = self.arms.get_mut(arm) {
            count(tally);
        }
        for (values, place) in self.parts.iter_mut().zip(at.dimensions) {
            let place = usize::from(place).min(values.len().saturating_sub(1));
            if let Some(tally) = values.get_mut(place).and_then(|arms| arms.get_mut(arm)) {
                count(tally);
            }
        }
    }
}

/// What changed since it was stored is no part of what was gathered.
impl PartialEq for Stretch {
    fn eq(&self, other: &Self) -> bool {
        self.slots == other.slots
            && self.arms == other.arms
            && self.parts == other.parts
            && self.chunks == other.chunks
    }
}
