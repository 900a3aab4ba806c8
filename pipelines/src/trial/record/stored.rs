//! A record in parts, as it is stored: what changed is written, and a part is a few kilobytes.
//!
//! Version 1 of a part: a byte for the version, then its numbers in order, the low byte first. Lists that a
//! specification decides on carry their length, so that parts of another specification are refused.

use std::fmt;
use std::str::FromStr;

use super::chunk::{Chunk, Rows};
use super::stretch::Stretch;
use super::tally::Tally;
use super::{Plan, Record, Unit};
use crate::bucket::{Run, Slots};
use crate::bytes::{Reader, VERSION, Writer};
use crate::spec::experiment::Experiment;
use crate::stats::Sketch;

/// Which part of a record. In this order they are put together again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Which segments there are.
    Head,
    /// The sums of a stretch.
    Sums(u16),
    /// A hundred slots of a stretch.
    Chunk(u16, u8),
}

/// A stored part that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("part '{key}' of the evidence is damaged or of another experiment: {what}")]
pub struct Damaged {
    /// The part.
    pub key: Key,
    /// What is wrong with it.
    pub what: &'static str,
}

// === impl Record ===

impl Record {
    /// The parts that changed since they were asked for last.
    pub fn changes(&mut self) -> Vec<(Key, Vec<u8>)> {
        let mut parts = Vec::new();
        for (index, stretch) in (0..).zip(&mut self.stretches) {
            if std::mem::take(&mut stretch.touched) {
                parts.push((Key::Sums(index), sums(stretch)));
            }
            let chunks = stretch.chunks.iter().zip(&mut stretch.dirty);
            for (number, (chunk, dirty)) in (0..).zip(chunks) {
                if let (true, Some(chunk)) = (std::mem::take(dirty), chunk) {
                    parts.push((Key::Chunk(index, number), rows(chunk)));
                }
            }
        }
        if !parts.is_empty() {
            parts.push((Key::Head, self.head()));
        }
        parts
    }

    /// All parts count as changed again: storing them failed.
    pub fn spoil(&mut self) {
        for stretch in &mut self.stretches {
            stretch.touched = true;
            stretch.dirty.fill(true);
        }
    }

    /// The record of an experiment from its stored parts, in any order.
    ///
    /// # Errors
    /// [`Damaged`] where a part is not what was written for this experiment.
    pub fn restore(
        spec: &Experiment,
        unit: Unit,
        mut parts: Vec<(Key, Vec<u8>)>,
    ) -> Result<Self, Damaged> {
        parts.sort_by_key(|(key, _)| *key);
        let mut record = Self::new(spec, unit);
        for (key, bytes) in &parts {
            let broken = |what| Damaged { key: *key, what };
            record.apply(*key, bytes).map_err(broken)?;
        }
        let known = |index: &Option<usize>| index.is_none_or(|at| at < record.stretches.len());
        if !record.segments.values().all(known) {
            let what = "a segment's sums are missing";
            return Err(Damaged {
                key: Key::Head,
                what,
            });
        }
        Ok(record)
    }

    fn head(&self) -> Vec<u8> {
        let mut to = Writer::new();
        to.number(self.foreign);
        let (first, last) = self.span.unwrap_or((1, 0));
        to.number(first);
        to.number(last);
        to.number(self.segments.len() as u64);
        for (segment, index) in &self.segments {
            to.number(u64::from(*segment));
            to.number(index.map_or(u64::MAX, |index| index as u64));
        }
        to.0
    }

    fn apply(&mut self, key: Key, bytes: &[u8]) -> Result<(), &'static str> {
        let mut from = Reader(bytes);
        if from.take::<1>()? != [VERSION] {
            return Err("another version");
        }
        match key {
            Key::Head => {
                self.foreign = from.number()?;
                let (first, last) = (from.number()?, from.number()?);
                self.span = (first <= last).then_some((first, last));
                for _ in 0..from.number()? {
                    let segment = u32::try_from(from.number()?).map_err(|_| "a segment")?;
                    let index = usize::try_from(from.number()?).ok();
                    let index = index.filter(|index| *index != usize::MAX);
                    self.segments.insert(segment, index);
                }
            }
            Key::Sums(index) => {
                if usize::from(index) != self.stretches.len() {
                    return Err("one before it is missing");
                }
                let stretch = read_sums(&self.plan, &mut from)?;
                self.stretches.push(stretch);
            }
            Key::Chunk(index, number) => {
                let stretch = self.stretches.get_mut(usize::from(index));
                let chunks = &mut stretch.ok_or("its sums are missing")?.chunks;
                let place = chunks.get_mut(usize::from(number)).ok_or("no such slots")?;
                let mut chunk = Chunk::new(&self.plan);
                read_rows(&mut chunk, &mut from)?;
                *place = Some(Box::new(chunk));
            }
        }
        from.end()
    }
}

fn sums(stretch: &Stretch) -> Vec<u8> {
    let mut to = Writer::new();
    let runs: Vec<Run> = stretch.slots.runs().collect();
    to.number(stretch.slots.arms() as u64);
    to.number(runs.len() as u64);
    for run in runs {
        to.number(u64::from(run.arm));
        to.number(u64::from(run.length));
    }
    let parts = stretch.parts.iter().flatten().flatten();
    for tally in stretch.arms.iter().chain(parts) {
        to.number(tally.units);
        to.number(tally.requests);
        to.number(tally.goals.len() as u64);
        for sums in &tally.goals {
            to.number(sums.fed);
            to.number(sums.paired);
            to.reals(&[sums.y, sums.yy, sums.x, sums.xx, sums.xy, sums.y_paired]);
            let counts = sums
                .sketch
                .iter()
                .flat_map(|sketch| sketch.counts().iter().enumerate());
            let counts: Vec<_> = counts.filter(|(_, count)| **count > 0).collect();
            to.number(counts.len() as u64);
            for (bucket, count) in counts {
                to.number(bucket as u64);
                to.number(*count);
            }
        }
    }
    to.0
}

fn read_sums(plan: &Plan, from: &mut Reader<'_>) -> Result<Stretch, &'static str> {
    let arms = from.number()?;
    if arms != plan.arms as u64 {
        return Err("another number of arms");
    }
    let mut runs = Vec::new();
    for _ in 0..from.number()? {
        let arm = u8::try_from(from.number()?).map_err(|_| "a slot's owner")?;
        let length = u16::try_from(from.number()?).map_err(|_| "a run of slots")?;
        runs.push(Run { arm, length });
    }
    let slots = Slots::from_runs(plan.arms, runs).map_err(|_| "the slots' owners")?;
    let mut stretch = Stretch::new(plan, slots);
    stretch.touched = false;
    let parts = stretch.parts.iter_mut().flatten().flatten();
    for tally in stretch.arms.iter_mut().chain(parts) {
        read_tally(tally, from)?;
    }
    Ok(stretch)
}

fn read_tally(tally: &mut Tally, from: &mut Reader<'_>) -> Result<(), &'static str> {
    tally.units = from.number()?;
    tally.requests = from.number()?;
    if from.number()? != tally.goals.len() as u64 {
        return Err("another number of goals");
    }
    for sums in &mut tally.goals {
        sums.fed = from.number()?;
        sums.paired = from.number()?;
        for sum in [
            &mut sums.y,
            &mut sums.yy,
            &mut sums.x,
            &mut sums.xx,
            &mut sums.xy,
            &mut sums.y_paired,
        ] {
            *sum = from.real()?;
        }
        let buckets = from.number()?;
        if buckets > 0 {
            let mut counts = vec![0; crate::stats::sketch::BUCKETS];
            for _ in 0..buckets {
                let bucket = usize::try_from(from.number()?).map_err(|_| "a bucket")?;
                *counts.get_mut(bucket).ok_or("a bucket")? = from.number()?;
            }
            sums.sketch = Some(Box::new(Sketch::from_counts(counts)));
        }
    }
    Ok(())
}

fn rows(chunk: &Chunk) -> Vec<u8> {
    let mut to = Writer::new();
    to.bits(&chunk.units);
    to.counts(&chunk.requests);
    for Rows { seen, y, x, paired } in &chunk.goals {
        to.bits(seen);
        to.reals(y);
        to.reals(x);
        to.counts(paired);
    }
    to.0
}

fn read_rows(chunk: &mut Chunk, from: &mut Reader<'_>) -> Result<(), &'static str> {
    from.bits(&mut chunk.units)?;
    from.counts(&mut chunk.requests)?;
    for Rows { seen, y, x, paired } in &mut chunk.goals {
        from.bits(seen)?;
        for real in y.iter_mut().chain(x) {
            *real = from.real()?;
        }
        from.counts(paired)?;
    }
    Ok(())
}

// === impl Key ===

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Sums(stretch) => write!(f, "sums/{stretch}"),
            Self::Chunk(stretch, chunk) => write!(f, "chunk/{stretch}/{chunk}"),
        }
    }
}

/// A text that names no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no part of a record is named so")]
pub struct NoKey;

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let words: Vec<&str> = text.split('/').collect();
        match words[..] {
            ["head"] => Ok(Self::Head),
            ["sums", stretch] => Ok(Self::Sums(stretch.parse().map_err(|_| NoKey)?)),
            ["chunk", stretch, chunk] => Ok(Self::Chunk(
                stretch.parse().map_err(|_| NoKey)?,
                chunk.parse().map_err(|_| NoKey)?,
            )),
            _ => Err(NoKey),
        }
    }
}
