//! The worst examples: a few of each kind, in bounded bytes.

use std::cmp::Ordering;

use super::excerpt::Excerpt;
use super::output::Kind;

/// Text of all examples together.
const BYTES: usize = 256 * 1024;

/// Text of one example.
const MOST_BYTES: usize = 4 * 1024;

/// A request that the two versions answered differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// How they differ.
    pub kind: Kind,
    /// How far: the largest difference in tolerances, or the share of the rows with another label. Infinite for what
    /// cannot be measured.
    pub distance: f64,
    /// The request's id.
    pub request: String,
    /// The output that differs the most; none where there was no answer.
    pub output: Option<String>,
    /// What the other version said in place of an answer.
    pub failure: Option<String>,
    /// What was asked, where the specification asks for examples.
    pub inputs: Vec<Excerpt>,
    /// What the caller got.
    pub answered: Vec<Excerpt>,
    /// What the other version would have answered.
    pub other: Vec<Excerpt>,
}

/// The worst examples of each kind, the worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    keep: usize,
    kept: Vec<Example>,
}

// === impl Example ===

impl Example {
    /// Which of two is worse: by kind, then distance; else the one whose id comes first, which is the older one.
    fn rank(&self, other: &Self) -> Ordering {
        let by_kind = other.kind.cmp(&self.kind);
        let by_distance = || other.distance.total_cmp(&self.distance);
        let by_id = || self.request.cmp(&other.request);
        // Two requests may have the same id: then what is shown decides, so that sums do not depend on their order.
        let shown = |e: &Self| (e.output.clone(), e.failure.clone(), e.inputs.clone());
        let answers = |e: &Self| (e.answered.clone(), e.other.clone());
        by_kind
            .then_with(by_distance)
            .then_with(by_id)
            .then_with(|| shown(self).cmp(&shown(other)))
            .then_with(|| answers(self).cmp(&answers(other)))
    }
}

// === impl Examples ===

impl Examples {
    /// Keeps so many of each kind.
    #[must_use]
    pub fn keeping(keep: usize) -> Self {
        Self {
            keep,
            kept: Vec::new(),
        }
    }

    /// Those that are kept: the worst kind first, and of a kind the worst.
    #[must_use]
    pub fn kept(&self) -> &[Example] {
        &self.kept
    }

    /// Adds those that another one kept.
    pub fn merge(&mut self, other: &Self) {
        self.keep = self.keep.max(other.keep);
        for example in &other.kept {
            self.add(example.clone());
        }
    }

    /// Bytes of text that one example may have.
    pub(super) fn budget(&self) -> usize {
        let most = self.keep.saturating_mul(Kind::ALL.len()).max(1);
        (BYTES / most).min(MOST_BYTES)
    }

    /// Whether an example would be kept, as far as can be told before it is made.
    pub(super) fn wants(&self, kind: Kind, distance: f64) -> bool {
        let mut same = self.kept.iter().filter(|e| e.kind == kind);
        self.keep > 0
            && same
                .nth(self.keep - 1)
                .is_none_or(|last| distance.total_cmp(&last.distance).is_ge())
    }

    /// Adds one, and lets go of one that is less bad.
    pub fn add(&mut self, example: Example) {
        let kind = example.kind;
        let place = self.kept.partition_point(|one| one.rank(&example).is_le());
        if self.kept.get(place.wrapping_sub(1)) == Some(&example) {
            // The same one, by way of another sum.
            return;
        }
        self.kept.insert(place, example);
        let first = self.kept.partition_point(|one| one.kind > kind);
        let count = self.kept[first..].iter().take_while(|one| one.kind == kind);
        if count.count() > self.keep {
            self.kept.remove(first + self.keep);
        }
    }
}
