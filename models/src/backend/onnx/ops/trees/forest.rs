//! Trees laid out for walking: one array of nodes of equal size, leaves at its end, each its own child.
//!
//! Eight walks go on side by side (eight rows down one tree, or one row down eight trees) and no step branches
//! on data, so that the processor neither waits for one load after the other nor guesses. Trees of few leaves are not
//! walked where there are eight rows (`small`).

use std::ops::{Add, Div};

use tract_onnx::tract_hir::internal::*;

use super::blueprint::{Blueprint, Branch, Mode, Place};
use super::small::Small;

/// How the trees' weights become a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// A float that thresholds and weights can be.
pub(super) trait Float:
    Datum + Copy + PartialOrd + Add<Output = Self> + Div<Output = Self>
{
    const NAN: Self;
    fn of(x: f64) -> Self;
    fn to_f32(self) -> f32;
    /// The greatest float below; NaN where there is none.
    fn below(self) -> Self;
}

/// Trees laid out for walking.
pub(super) struct Forest<T> {
    nodes: Vec<Node<T>>,
    /// Nodes from here on are leaves.
    first_leaf: usize,
    walks: Vec<Walk>,
    small: Small<T>,
    /// Leaf i has the votes from `starts[i]` to `starts[i + 1]`.
    starts: Vec<u32>,
    votes: Vec<(u32, T)>,
    /// Whether every leaf has one vote.
    single: bool,
    targets: usize,
    features: usize,
    flags: Flags,
    /// Per target, zero where every row gets a vote for it, else NaN.
    start: Vec<T>,
    /// Whether some rows get a vote for some target, and some do not.
    uneven: bool,
}

/// Goes to `children[1]` where the feature is at most the threshold.
#[derive(Clone, Copy)]
pub(super) struct Node<T> {
    /// The feature's number and the flags.
    feature: u32,
    pub(super) threshold: T,
    pub(super) children: [u32; 2],
}

/// Where a tree begins, and how many steps below is its farthest leaf.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) root: u32,
    pub(super) deepest: u32,
}

/// Which flags some node has.
#[derive(Clone, Copy)]
struct Flags {
    missing: bool,
    equal: bool,
}

/// NaN goes to `children[1]`.
const NAN_YES: u32 = 1 << 31;
/// Goes to `children[1]` where the feature is the threshold, instead of at most.
const EQUAL: u32 = 1 << 30;
/// The threshold is the float below the file's: "less than" is "at most" that. Only `widen` asks.
const STRICT: u32 = 1 << 29;
const FEATURE: u32 = STRICT - 1;
/// Walks side by side.
pub(super) const LANES: usize = 8;

macro_rules! float {
    ($t:ty) => {
        impl Float for $t {
            const NAN: Self = <$t>::NAN;
            fn of(x: f64) -> Self {
                x as Self
            }
            fn to_f32(self) -> f32 {
                self as f32
            }
            fn below(self) -> Self {
                if self == <$t>::NEG_INFINITY {
                    <$t>::NAN
                } else {
                    self.next_down()
                }
            }
        }
    };
}
float!(f32);
float!(f64);

// === impl Forest ===

impl<T: Float> Forest<T> {
    /// Lays out trees that are checked.
    pub(super) fn of(trees: &Blueprint) -> Self {
        let first_leaf = trees.branches.len();
        let features = trees
            .branches
            .iter()
            .map(|branch| branch.feature + 1)
            .max()
            .unwrap_or(0);
        let at = |place: Place| match place {
            Place::Branch(i) => i as u32,
            Place::Leaf(i) => (first_leaf + i) as u32,
        };
        let mut nodes: Vec<Node<T>> = trees
            .branches
            .iter()
            .map(|branch| Node::of(branch, at))
            .collect();
        let some = |flag| nodes.iter().any(|node| node.feature & flag != 0);
        let flags = Flags {
            missing: some(NAN_YES),
            equal: some(EQUAL),
        };
        let leaf = |i| Node {
            feature: 0,
            threshold: T::of(0.),
            children: [i as u32; 2],
        };
        nodes.extend((first_leaf..first_leaf + trees.leaves.len()).map(leaf));
        let votes = trees
            .leaves
            .iter()
            .flatten()
            .map(|&(target, weight)| (target as u32, T::of(weight)));
        let mut starts = vec![0];
        for leaf in &trees.leaves {
            starts.push(starts[starts.len() - 1] + leaf.len() as u32);
        }
        let (always, ever) = trees.voted();
        let uneven = always != ever;
        let roots = trees.roots.iter().map(|&root| at(root));
        let walks = walks(&nodes, first_leaf, roots);
        Self {
            start: always
                .iter()
                .map(|&always| if always { T::of(0.) } else { T::NAN })
                .collect(),
            uneven,
            small: flags.small(&nodes, first_leaf, &walks),
            nodes,
            first_leaf,
            walks,
            single: trees.leaves.iter().all(|votes| votes.len() == 1),
            starts,
            votes: votes.collect(),
            targets: trees.targets,
            features,
            flags,
        }
    }

    /// How many features a row must have.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// The scores of every row, all targets of the first row first. NaN where no leaf voted for a target.
    pub(super) fn scores(&self, x: &[T], columns: usize, aggregate: Aggregate) -> Vec<T> {
        let rows = x.len().checked_div(columns).unwrap_or(0);
        let even = !self.uneven && matches!(aggregate, Aggregate::Sum | Aggregate::Average);
        let mut scores = if even {
            self.start.repeat(rows)
        } else {
            vec![T::NAN; rows * self.targets]
        };
        // What is not a number yet is not at most, nor at least, what is: the first vote replaces it.
        #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
        match aggregate {
            Aggregate::Sum | Aggregate::Average if even => {
                self.tally(x, columns, &mut scores, |score, weight| score + weight);
            }
            Aggregate::Sum | Aggregate::Average => {
                self.tally(x, columns, &mut scores, |score, weight| {
                    if score == score {
                        score + weight
                    } else {
                        weight
                    }
                })
            }
            Aggregate::Min => {
                self.tally(x, columns, &mut scores, |score, weight| {
                    if score <= weight { score } else { weight }
                });
            }
            Aggregate::Max => {
                self.tally(x, columns, &mut scores, |score, weight| {
                    if score >= weight { score } else { weight }
                });
            }
        }
        if aggregate == Aggregate::Average {
            let trees = T::of(self.walks.len() as f64);
            scores.iter_mut().for_each(|score| *score = *score / trees);
        }
        scores
    }

    fn tally(&self, x: &[T], columns: usize, scores: &mut [T], add: impl Fn(T, T) -> T) {
        let ends = |leaf: usize, row: usize| {
            let votes = match self.single {
                true => &self.votes[leaf..=leaf],
                false => &self.votes[self.starts[leaf] as usize..self.starts[leaf + 1] as usize],
            };
            let scores = &mut scores[row * self.targets..][..self.targets];
            for &(target, weight) in votes {
                let score = &mut scores[target as usize];
                *score = add(*score, weight);
            }
        };
        // Missing values are looked for once, not at each node.
        if self.flags.equal || (self.flags.missing && any_missing(x)) {
            self.walk::<true>(x, columns, ends)
        } else {
            self.walk::<false>(x, columns, ends)
        }
    }

    /// Tells the leaf that each row ends in, tree by tree for each row.
    fn walk<const FLAGGED: bool>(
        &self,
        x: &[T],
        columns: usize,
        mut ends: impl FnMut(usize, usize),
    ) {
        if columns == 0 {
            return;
        }
        let rows: Vec<&[T]> = x.chunks_exact(columns).collect();
        let full = rows.len() - rows.len() % LANES;
        let features = self.features.max(1);
        let turned = match !FLAGGED && self.small.any() {
            true => turned(&rows[..full], features),
            false => Vec::new(),
        };
        for (number, walk) in self.walks.iter().enumerate() {
            let mut arrived = |block: usize, leaves: [usize; LANES]| {
                for (lane, leaf) in leaves.into_iter().enumerate() {
                    ends(leaf, block * LANES + lane);
                }
            };
            match self.small.tree(number).filter(|_| !FLAGGED) {
                Some(tree) => {
                    for (block, rows) in turned.chunks_exact(features).enumerate() {
                        arrived(block, self.small.ask(tree, rows));
                    }
                }
                None => {
                    for (block, rows) in rows[..full].chunks_exact(LANES).enumerate() {
                        let rows = std::array::from_fn(|lane| rows[lane]);
                        arrived(block, self.descend::<FLAGGED>([walk.root; LANES], rows));
                    }
                }
            }
        }
        for (row, x) in rows.iter().enumerate().skip(full) {
            for walks in self.walks.chunks(LANES) {
                let lanes = std::array::from_fn(|lane| walks.get(lane).unwrap_or(&walks[0]).root);
                let leaves = self.descend::<FLAGGED>(lanes, [x; LANES]);
                for leaf in leaves.into_iter().take(walks.len()) {
                    ends(leaf, row);
                }
            }
        }
    }

    /// From these nodes down to leaves; a walk that has arrived steps in place until all have.
    fn descend<const FLAGGED: bool>(
        &self,
        mut at: [u32; LANES],
        rows: [&[T]; LANES],
    ) -> [usize; LANES] {
        loop {
            let mut moved = 0;
            for (at, row) in at.iter_mut().zip(rows) {
                let next = self.nodes[*at as usize].next::<FLAGGED>(row);
                moved |= next ^ *at;
                *at = next;
            }
            if moved == 0 {
                return at.map(|at| at as usize - self.first_leaf);
            }
        }
    }
}

#[allow(clippy::eq_op, reason = "only NaN differs from itself")]
fn any_missing<T: Float>(x: &[T]) -> bool {
    x.iter().fold(false, |any, x| any | (x != x))
}

/// Rows, eight by eight, column by column.
fn turned<T: Float>(rows: &[&[T]], columns: usize) -> Vec<[T; LANES]> {
    let blocks = rows.chunks_exact(LANES);
    blocks
        .flat_map(|rows| (0..columns).map(|column| std::array::from_fn(|lane| rows[lane][column])))
        .collect()
}

/// Measures the trees below these roots. The way up from the leaves, as trees may be deep.
fn walks<T>(nodes: &[Node<T>], first_leaf: usize, roots: impl Iterator<Item = u32>) -> Vec<Walk> {
    let mut known: Vec<Option<u32>> = vec![None; first_leaf];
    known.resize(nodes.len(), Some(0));
    let measure = |root: u32| {
        let mut stack = vec![root];
        while let Some(&at) = stack.last() {
            let children = nodes[at as usize].children;
            let below = children.map(|child| known[child as usize]);
            match (known[at as usize], below) {
                (None, [Some(no), Some(yes)]) => {
                    known[at as usize] = Some(no.max(yes) + 1);
                }
                (None, _) => {
                    let unknown = children.into_iter().zip(below);
                    stack.extend(unknown.filter(|(_, b)| b.is_none()).map(|(child, _)| child));
                    continue;
                }
                (Some(_), _) => {}
            }
            stack.pop();
        }
        let deepest = known[root as usize].unwrap_or(u32::MAX);
        Walk { root, deepest }
    };
    roots.map(measure).collect()
}

impl Forest<f32> {
    /// The same trees for doubles.
    pub(super) fn widen(&self) -> Forest<f64> {
        let widen = |node: &Node<f32>| {
            let threshold = match node.feature & STRICT != 0 {
                true => f64::from(node.threshold.next_up()).next_down(),
                false => node.threshold.into(),
            };
            Node {
                feature: node.feature,
                threshold,
                children: node.children,
            }
        };
        let nodes: Vec<Node<f64>> = self.nodes.iter().map(widen).collect();
        Forest {
            small: self.flags.small(&nodes, self.first_leaf, &self.walks),
            nodes,
            first_leaf: self.first_leaf,
            walks: self.walks.clone(),
            single: self.single,
            starts: self.starts.clone(),
            votes: self
                .votes
                .iter()
                .map(|&(target, weight)| (target, weight.into()))
                .collect(),
            targets: self.targets,
            features: self.features,
            flags: self.flags,
            start: self.start.iter().map(|&start| start.into()).collect(),
            uneven: self.uneven,
        }
    }
}

// === impl Flags ===

impl Flags {
    /// The small trees, where trees are not walked in any case.
    fn small<T: Float>(self, nodes: &[Node<T>], first_leaf: usize, walks: &[Walk]) -> Small<T> {
        match self.equal {
            true => Small::none(),
            false => Small::of(nodes, first_leaf, walks),
        }
    }
}

// === impl Node ===

impl<T: Float> Node<T> {
    /// Every mode as "at most" or "equal", with the children swapped for the opposite ones.
    fn of(branch: &Branch, at: impl Fn(Place) -> u32) -> Self {
        let mut threshold = T::of(branch.threshold);
        let mut flags = if branch.missing { NAN_YES } else { 0 };
        let mut children = [at(branch.no), at(branch.yes)];
        let mut mode = branch.mode;
        if branch.threshold.is_nan() && matches!(mode, Mode::Gt | Mode::Gte) {
            // Nothing is above NaN, nor at most NaN: the same question, not the opposite one.
            mode = Mode::Leq;
        }
        if matches!(mode, Mode::Gt | Mode::Gte | Mode::Neq) {
            children.reverse();
            // NaN differs from everything, so with Neq it goes to true in any case.
            flags ^= if mode == Mode::Neq { flags } else { NAN_YES };
        }
        if matches!(mode, Mode::Lt | Mode::Gte) {
            threshold = threshold.below();
            flags |= STRICT;
        }
        if matches!(mode, Mode::Eq | Mode::Neq) {
            flags |= EQUAL;
        }
        Self {
            feature: branch.feature as u32 | flags,
            threshold,
            children,
        }
    }

    /// The number of the feature that is asked for.
    pub(super) fn feature(&self) -> u32 {
        self.feature & FEATURE
    }

    #[inline(always)]
    fn next<const FLAGGED: bool>(&self, row: &[T]) -> u32 {
        let x = row[self.feature() as usize];
        let mut yes = x <= self.threshold;
        if FLAGGED {
            let equal = self.feature & EQUAL != 0;
            #[allow(clippy::eq_op, reason = "only NaN differs from itself")]
            let nan = x != x;
            yes = (yes & !(equal & (x != self.threshold))) | (nan & (self.feature & NAN_YES != 0));
        }
        self.children[usize::from(yes)]
    }
}
