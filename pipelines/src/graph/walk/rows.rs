//! Sets of a request's rows. Of a request with up to 64 rows, nothing is allocated.

/// A set of rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// The rows below 64, one bit each.
    first: u64,
    /// The other rows; words that are not there are empty.
    rest: Vec<u64>,
}

impl Rows {
    /// The rows below `count`.
    pub(super) fn all(count: usize) -> Self {
        let word = |from: usize| match count.saturating_sub(from) {
            left @ 0..64 => (1 << left) - 1,
            64.. => u64::MAX,
        };
        Self {
            first: word(0),
            rest: (64..count).step_by(64).map(word).collect(),
        }
    }

    /// No row.
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words().all(|word| word == 0)
    }

    pub(super) fn count(&self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn contains(&self, row: usize) -> bool {
        self.word(row / 64) & (1 << (row % 64)) != 0
    }

    pub(super) fn insert(&mut self, row: usize) {
        *self.word_mut(row / 64) |= 1 << (row % 64);
    }

    /// Adds the rows of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.first |= other.first;
        for (at, word) in other.rest.iter().enumerate() {
            *self.word_mut(at + 1) |= word;
        }
    }

    /// Takes the rows of another away.
    pub(super) fn remove(&mut self, other: &Self) {
        self.first &= !other.first;
        for (word, gone) in self.rest.iter_mut().zip(&other.rest) {
            *word &= !gone;
        }
    }

    /// Takes all rows away but those of another.
    pub(super) fn keep(&mut self, other: &Self) {
        self.first &= other.first;
        for (at, word) in self.rest.iter_mut().enumerate() {
            *word &= other.word(at + 1);
        }
    }

    /// Takes all rows away. Room for them stays.
    pub(super) fn clear(&mut self) {
        self.first = 0;
        self.rest.clear();
    }

    /// These rows without those of another.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut rows = self.clone();
        rows.remove(other);
        rows
    }

    /// The rows that are in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        let mut rows = self.clone();
        rows.keep(other);
        rows
    }

    /// Whether every row of another is among these.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let words = other.words().enumerate();
        words
            .into_iter()
            .all(|(at, word)| word & !self.word(at) == 0)
    }

    /// Whether some row is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let words = self.words().enumerate();
        words
            .into_iter()
            .any(|(at, word)| word & other.word(at) != 0)
    }

    /// The rows, the least first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words().enumerate().flat_map(|(at, word)| {
            let bits = (0..64).filter(move |bit| word & (1 << bit) != 0);
            bits.map(move |bit| at * 64 + bit)
        })
    }

    /// Where these rows stand among those of another, which has them all.
    pub(super) fn places(&self, among: &Self) -> Vec<usize> {
        let rows = among.iter().enumerate();
        let mine = rows.filter(|(_, row)| self.contains(*row));
        mine.map(|(place, _)| place).collect()
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    fn word(&self, at: usize) -> u64 {
        match at {
            0 => self.first,
            at => self.rest.get(at - 1).copied().unwrap_or(0),
        }
    }

    fn word_mut(&mut self, at: usize) -> &mut u64 {
        let Some(at) = at.checked_sub(1) else {
            return &mut self.first;
        };
        if self.rest.len() <= at {
            self.rest.resize(at + 1, 0);
        }
        &mut self.rest[at]
    }
}

/// The same rows, whether or not there is room for more.
impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }
}

impl FromIterator<usize> for Rows {
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        let mut set = Self::none();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Rows;

    fn numbers() -> impl Strategy<Value = BTreeSet<usize>> {
        let row = prop_oneof![0..8_usize, 60..68_usize, 0..300_usize];
        prop::collection::btree_set(row, 0..12)
    }

    fn set(rows: &Rows) -> BTreeSet<usize> {
        rows.iter().collect()
    }

    proptest! {
        #[test]
        fn rows_are_sets(a in numbers(), b in numbers()) {
            let (left, right): (Rows, Rows) = (a.iter().copied().collect(), b.iter().copied().collect());
            prop_assert_eq!(&set(&left), &a);
            prop_assert_eq!(left.count(), a.len());
            prop_assert_eq!(left.is_empty(), a.is_empty());
            prop_assert_eq!(set(&left.minus(&right)), &a - &b);
            prop_assert_eq!(set(&left.both(&right)), &a & &b);
            let mut union = left.clone();
            union.add(&right);
            prop_assert_eq!(set(&union), &a | &b);
            prop_assert_eq!(left.covers(&right), b.is_subset(&a));
            prop_assert_eq!(left.meets(&right), !a.is_disjoint(&b));
            prop_assert_eq!(left == right, a == b);
            let both = left.both(&right);
            let among: Vec<_> = a.iter().collect();
            let places: Vec<_> = both.places(&left).into_iter().map(|place| *among[place]).collect();
            prop_assert_eq!(places, both.iter().collect::<Vec<_>>());
            prop_assert!(a.iter().all(|row| left.contains(*row)) && !left.contains(1_000));
        }

        #[test]
        fn all_rows_are_those_below(count in 0..300_usize) {
            prop_assert_eq!(Rows::all(count).iter().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
        }
    }
}
