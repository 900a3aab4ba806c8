//! Which label became which.
//!
//! The smallest labels are told apart and all others are one. So no label that was folded would be told apart by the
//! whole, and matrices add up to the same one in whatever order and parts they were counted.

use std::collections::{BTreeMap, BTreeSet};

use super::label::Label;

/// How often rows with one label from the answering version had which label from the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    labels: BTreeSet<Label>,
    cells: BTreeMap<(Label, Label), u64>,
}

// === impl Matrix ===

impl Matrix {
    /// Labels that are told apart.
    pub const LABELS: usize = 16;

    /// Counts rows.
    pub fn add(&mut self, answered: &Label, other: &Label, rows: u64) {
        if rows == 0 {
            return;
        }
        for label in [answered, other] {
            self.admit(label);
        }
        let cell = (self.known(answered), self.known(other));
        *self.cells.entry(cell).or_default() += rows;
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        // All labels first: what is folded by one is folded by the sum.
        for label in &other.labels {
            self.admit(label);
        }
        for ((answered, shadow), rows) in &other.cells {
            self.add(answered, shadow, *rows);
        }
    }

    /// The rows of each pair of labels that there are, in the labels' order.
    pub fn cells(&self) -> impl Iterator<Item = (&Label, &Label, u64)> {
        let cells = self.cells.iter();
        cells.map(|((answered, other), rows)| (answered, other, *rows))
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.cells.values().sum()
    }

    /// Rows whose label stayed what it was. Those that are not told apart are not among them.
    #[must_use]
    pub fn same(&self) -> u64 {
        let same = self
            .cells()
            .filter(|(a, b, _)| a == b && **a != Label::Other);
        same.map(|(.., rows)| rows).sum()
    }

    /// Tells a label apart from now on, if it is among the smallest.
    fn admit(&mut self, label: &Label) {
        if *label == Label::Other || self.labels.contains(label) {
            return;
        }
        self.labels.insert(label.clone());
        if self.labels.len() > Self::LABELS
            && let Some(largest) = self.labels.pop_last()
        {
            self.fold(&largest);
        }
    }

    fn known(&self, label: &Label) -> Label {
        match self.labels.contains(label) {
            true => label.clone(),
            false => Label::Other,
        }
    }

    /// Counts the rows of a label as those of others.
    fn fold(&mut self, gone: &Label) {
        let holds = |(a, b): &(Label, Label)| a == gone || b == gone;
        let moved: Vec<_> = self
            .cells
            .keys()
            .filter(|cell| holds(cell))
            .cloned()
            .collect();
        for cell in moved {
            let rows = self.cells.remove(&cell).unwrap_or_default();
            let fold = |label: Label| if label == *gone { Label::Other } else { label };
            let (answered, other) = (fold(cell.0), fold(cell.1));
            *self.cells.entry((answered, other)).or_default() += rows;
        }
    }
}
