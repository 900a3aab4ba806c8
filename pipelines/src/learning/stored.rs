//! Rewards as they are stored: one part of some kilobytes.

use super::rewards::{Arm, Rewards};
use super::sums::Cell;
use crate::bytes::{Reader, VERSION, Writer};
use crate::spec::bandit::Bandit;

/// Stored rewards that are not what was written for this bandit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored rewards are damaged or of another bandit: {what}")]
pub struct Damaged {
    /// What is wrong with them.
    pub what: &'static str,
}

// === impl Rewards ===

impl Rewards {
    /// All that was gathered.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut to = Writer::new();
        to.number(self.lapsed);
        to.number(self.delays.len() as u64);
        self.delays.iter().for_each(|count| to.number(*count));
        to.number(self.arms.len() as u64);
        for arm in &self.arms {
            to.number(arm.shown);
            let old = &arm.settled;
            to.number(old.at);
            to.reals(&[arm.total, old.n, old.sum, old.sum_sq]);
            to.number(arm.cells.len() as u64);
            for (number, cell) in &arm.cells {
                to.number(*number);
                to.number(cell.shown);
                to.number(cell.fed);
                to.reals(&[cell.sum, cell.sum_sq]);
            }
            to.number(arm.guarded.len() as u64);
            for guarded in &arm.guarded {
                let sums = guarded.0;
                to.number(sums.n);
                to.reals(&[sums.y, sums.x, sums.yy, sums.xx, sums.xy]);
            }
        }
        to.0
    }

    /// The rewards of a bandit, as they were stored.
    ///
    /// # Errors
    /// [`Damaged`] where they are not what was written for this bandit.
    pub fn from_bytes(spec: &Bandit, bytes: &[u8]) -> Result<Self, Damaged> {
        let mut rewards = Self::new(spec);
        rewards
            .fill(&mut Reader(bytes))
            .map_err(|what| Damaged { what })?;
        Ok(rewards)
    }

    fn fill(&mut self, from: &mut Reader<'_>) -> Result<(), &'static str> {
        if from.take::<1>()? != [VERSION] {
            return Err("another version");
        }
        self.lapsed = from.number()?;
        for _ in 0..from.number()? {
            self.delays.push(from.number()?);
        }
        if from.number()? != self.arms.len() as u64 {
            return Err("another number of arms");
        }
        for arm in &mut self.arms {
            fill(arm, from)?;
        }
        from.end()
    }
}

fn fill(arm: &mut Arm, from: &mut Reader<'_>) -> Result<(), &'static str> {
    arm.shown = from.number()?;
    let old = &mut arm.settled;
    old.at = from.number()?;
    arm.total = from.real()?;
    (old.n, old.sum, old.sum_sq) = (from.real()?, from.real()?, from.real()?);
    for _ in 0..from.number()? {
        let number = from.number()?;
        let cell = Cell {
            shown: from.number()?,
            fed: from.number()?,
            sum: from.real()?,
            sum_sq: from.real()?,
        };
        arm.cells.insert(number, cell);
    }
    if from.number()? != arm.guarded.len() as u64 {
        return Err("another number of metrics of safety");
    }
    for guarded in &mut arm.guarded {
        let sums = &mut guarded.0;
        sums.n = from.number()?;
        for sum in [
            &mut sums.y,
            &mut sums.x,
            &mut sums.yy,
            &mut sums.xx,
            &mut sums.xy,
        ] {
            *sum = from.real()?;
        }
    }
    Ok(())
}
