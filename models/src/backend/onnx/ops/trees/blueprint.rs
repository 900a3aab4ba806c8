//! Trees as files have them, and that they can be walked: every place is there, no walk is endless.

use std::collections::{HashMap, HashSet};

use tract_onnx::tract_hir::internal::*;

/// A tree's inner node or leaf, by its position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Branch(usize),
    Leaf(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
}

/// An inner node as files have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub(super) mode: Mode,
    pub(super) feature: usize,
    pub(super) threshold: f64,
    /// Whether a missing value (NaN) goes the way of true.
    pub(super) missing: bool,
    pub(super) yes: Place,
    pub(super) no: Place,
}

/// A leaf's weights by target.
pub(super) type Votes = Vec<(usize, f64)>;

/// Trees as files have them.
#[derive(Debug, Default)]
pub(super) struct Blueprint {
    pub(super) roots: Vec<Place>,
    pub(super) branches: Vec<Branch>,
    pub(super) leaves: Vec<Votes>,
    pub(super) targets: usize,
}

/// Features beyond this have no room in a node.
pub(super) const FEATURES: usize = 1 << 29;

// === impl Blueprint ===

impl Blueprint {
    /// That every place is there and no walk is endless.
    pub(super) fn check(&self) -> TractResult<()> {
        ensure!(!self.roots.is_empty(), "there are no trees");
        ensure!(
            self.branches.len() + self.leaves.len() < u32::MAX as usize,
            "there are too many nodes"
        );
        let places = self
            .branches
            .iter()
            .flat_map(|branch| [branch.yes, branch.no])
            .chain(self.roots.clone());
        for place in places {
            let there = match place {
                Place::Branch(i) => i < self.branches.len(),
                Place::Leaf(i) => i < self.leaves.len(),
            };
            ensure!(there, "a tree leads to {place:?}, which is not there");
        }
        for branch in &self.branches {
            ensure!(
                branch.feature < FEATURES,
                "feature {} is out of bounds",
                branch.feature
            );
        }
        for (target, _) in self.leaves.iter().flatten() {
            ensure!(
                *target < self.targets,
                "a leaf votes for {target} of {} targets",
                self.targets
            );
        }
        self.ends()
    }

    /// Per target, whether every row gets a vote for it, and whether any does.
    pub(super) fn voted(&self) -> (Vec<bool>, Vec<bool>) {
        let (mut always, mut ever) = (vec![false; self.targets], vec![false; self.targets]);
        for &root in &self.roots {
            // How many leaves under this root there are, and how many vote for each target.
            let (mut leaves, mut voters) = (0, HashMap::<usize, usize>::new());
            let mut seen = HashSet::new();
            let mut stack = vec![root];
            while let Some(place) = stack.pop() {
                match place {
                    Place::Branch(i) if seen.insert(i) => {
                        stack.extend([self.branches[i].yes, self.branches[i].no]);
                    }
                    Place::Branch(_) => {}
                    Place::Leaf(i) => {
                        leaves += 1;
                        let targets = self.leaves[i].iter().map(|&(target, _)| target);
                        for target in targets.collect::<HashSet<_>>() {
                            *voters.entry(target).or_default() += 1;
                        }
                    }
                }
            }
            for (target, count) in voters {
                ever[target] = true;
                always[target] |= count == leaves;
            }
        }
        (always, ever)
    }

    /// Walks depth first; a node that is met again while its own subtree is walked is its own ancestor.
    fn ends(&self) -> TractResult<()> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Not,
            Open,
            Done,
        }
        let mut seen = vec![Seen::Not; self.branches.len()];
        let mut stack: Vec<Place> = self.roots.clone();
        while let Some(&place) = stack.last() {
            let Place::Branch(i) = place else {
                stack.pop();
                continue;
            };
            match seen[i] {
                Seen::Not => {
                    seen[i] = Seen::Open;
                    for child in [self.branches[i].yes, self.branches[i].no] {
                        if let Place::Branch(child) = child {
                            ensure!(
                                seen[child] != Seen::Open,
                                "a tree leads back to its node {child}"
                            );
                        }
                        stack.push(child);
                    }
                }
                _ => {
                    seen[i] = Seen::Done;
                    stack.pop();
                }
            }
        }
        Ok(())
    }
}
