//! The evidence of one rollout: what each source has counted in each segment.
//!
//! A source reports what it has counted since it began, so a report that comes twice counts once. Segments with the same
//! shares say the same and are joined once nothing more is counted in them, so that their number stays bounded.

use std::collections::BTreeMap;

use crate::bucket::Weight;
use crate::spec::canary::Metric;

use super::class::Class;
use super::reading::Readings;
use super::tally::{Counts, Tally};
use super::thresholds::Thresholds;

/// All of it. Plain data, to be stored beside the rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// What is slow, once that is frozen.
    pub thresholds: Option<Thresholds>,
    /// The segments that still stand for themselves, or for all that were joined into them.
    pub segments: BTreeMap<u32, Segment>,
    /// Segments before this one are settled: what is still counted in them comes too late.
    pub settled: u32,
    /// The highest log evidence of harm that was read, per metric.
    pub peaks: BTreeMap<Metric, f64>,
}

/// A span with constant weights, versions and plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// The arms' weights.
    pub weights: Vec<Weight>,
    /// Whether thresholds were frozen: only then are slow requests and outputs counted.
    pub measured: bool,
    /// What each source has counted.
    pub tallies: BTreeMap<Source, Tally>,
}

/// Who counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The replica.
    pub replica: u64,
    /// Which of its starts; 0 stands for all earlier ones together.
    pub boot: u64,
}

// === impl Evidence ===

impl Evidence {
    /// Segments that are kept at the most.
    pub const SEGMENTS: usize = 64;

    /// Opens a segment; one that is open or settled stays as it is.
    pub fn open(&mut self, number: u32, weights: &[Weight], measured: bool) {
        if number < self.settled {
            return;
        }
        self.segments.entry(number).or_insert_with(|| Segment {
            weights: weights.to_vec(),
            measured,
            tallies: BTreeMap::new(),
        });
    }

    /// Takes what a source has counted in a segment since it began, in place of what it reported before. Whether it was
    /// taken: what is counted in a segment that is settled, or that nobody opened, is nobody's evidence.
    pub fn put(&mut self, number: u32, source: Source, tally: Tally) -> bool {
        if number < self.settled {
            return false;
        }
        let Some(segment) = self.segments.get_mut(&number) else {
            return false;
        };
        let mine = segment.tallies.entry(source).or_default();
        if tally.size() >= mine.size() {
            *mine = tally;
        }
        true
    }

    /// Takes the evidence of another replica, or another copy of one's own. Of each replica the copy that has counted
    /// more is kept, so nothing counts twice.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        let settled = self.settled.max(other.settled);
        self.settle(settled);
        other.settle(settled);
        self.thresholds = self.thresholds.take().or(other.thresholds);
        for (number, theirs) in other.segments {
            match self.segments.get_mut(&number) {
                Some(mine) => mine.merge(theirs),
                None => drop(self.segments.insert(number, theirs)),
            }
        }
        for (metric, peak) in other.peaks {
            let mine = self.peaks.entry(metric).or_insert(peak);
            *mine = mine.max(peak);
        }
    }

    /// Settles the segments before a number: those of the same shares are joined, and if they are still too many, the
    /// oldest are forgotten.
    pub fn settle(&mut self, before: u32) {
        self.settled = self.settled.max(before);
        let open = self.segments.split_off(&self.settled);
        let mut joined: BTreeMap<u32, Segment> = BTreeMap::new();
        for (number, segment) in std::mem::take(&mut self.segments) {
            let same = joined
                .values_mut()
                .find(|kept| kept.says_the_same(&segment));
            match same {
                Some(kept) => kept.join(segment),
                None => drop(joined.insert(number, segment)),
            }
        }
        self.segments = joined;
        self.segments.extend(open);
        while self.segments.len() > Self::SEGMENTS {
            self.segments.pop_first();
        }
    }

    /// Folds the earlier starts of a replica into one: a process that has ended counts no more.
    pub fn restarted(&mut self, now: Source) {
        let earlier = Source { boot: 0, ..now };
        for segment in self.segments.values_mut() {
            let ended: Vec<_> = segment
                .tallies
                .range(earlier..now)
                .map(|(source, _)| *source)
                .collect();
            let mut sum = Tally::default();
            for source in ended {
                if let Some(tally) = segment.tallies.remove(&source) {
                    sum.add(&tally);
                }
            }
            if sum.size() > 0 {
                segment.tallies.insert(earlier, sum);
            }
        }
    }

    /// Keeps the highest evidence of harm that was read: what was once shown stays shown.
    pub fn note(&mut self, readings: &Readings) {
        for reading in &readings.guardrails {
            let peak = self.peaks.entry(reading.metric).or_insert(0.0);
            *peak = peak.max(reading.log_e_harm);
        }
    }

    /// Forgets what was counted, because a version or the plan is another one now; the numbers of segments go on.
    pub fn clear(&mut self) {
        *self = Self {
            settled: self
                .segments
                .last_key_value()
                .map_or(0, |(last, _)| last + 1)
                .max(self.settled),
            ..Self::default()
        };
    }
}

// === impl Segment ===

impl Segment {
    /// The canary's share of the traffic of both arms.
    #[must_use]
    pub fn rho(&self) -> f64 {
        let weight = |arm: usize| self.weights.get(arm).copied().unwrap_or_default().share();
        let (stable, canary) = (weight(super::STABLE), weight(super::CANARY));
        match stable + canary > 0.0 {
            true => canary / (stable + canary),
            false => 0.0,
        }
    }

    /// What all sources have counted together on an arm.
    #[must_use]
    pub fn counts(&self, arm: usize) -> Counts {
        let mut sum = Counts::default();
        for counts in self.tallies.values().filter_map(|tally| tally.arm(arm)) {
            sum.add(counts);
        }
        sum
    }

    /// Whether a class is counted in it.
    #[must_use]
    pub fn counts_class(&self, class: Class) -> bool {
        match class {
            Class::Slow50 | Class::Slow90 | Class::Slow99 | Class::SlowerThan => self.measured,
            Class::Errors
            | Class::Timeouts
            | Class::NonFinite
            | Class::Violations
            | Class::Exposure => true,
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.weights == other.weights && self.measured == other.measured
    }

    /// Adds another segment of the same shares.
    fn join(&mut self, other: Self) {
        for (source, tally) in other.tallies {
            self.tallies.entry(source).or_default().add(&tally);
        }
    }

    fn merge(&mut self, other: Self) {
        let mut replicas: Vec<_> = other.tallies.keys().map(|source| source.replica).collect();
        replicas.dedup();
        for replica in replicas {
            let unknown = self.of(replica).next().is_none();
            if unknown || other.size(replica) > self.size(replica) {
                self.tallies.retain(|source, _| source.replica != replica);
                let theirs = other.of(replica).map(|(s, tally)| (*s, tally.clone()));
                self.tallies.extend(theirs);
            }
        }
    }

    fn of(&self, replica: u64) -> impl Iterator<Item = (&Source, &Tally)> {
        let boots = |boot| Source { replica, boot };
        self.tallies.range(boots(0)..=boots(u64::MAX))
    }

    fn size(&self, replica: u64) -> u64 {
        self.of(replica).map(|(_, tally)| tally.size()).sum()
    }
}
