//! Small trees, asked all their questions at once, for eight rows side by side: each question whose answer is "no"
//! strikes out the leaves of its "yes", and of those that are left the first is the row's (Lucchese et al.,
//! "QuickScorer", 2015, and "Exploiting CPU SIMD extensions to speed-up document scoring with tree ensembles", 2016).
//! No answer waits for another, and the compiler can use wide registers.
//!
//! A missing value answers "no" here, which is right where no node sends it to "yes"; where one does, and rows have
//! missing values, `forest` walks. So it does wherever a node asks for equality: no tree of such a forest is in here.

use std::ops::Range;

use super::forest::{Float, LANES, Node, Walk};

/// The trees of a forest that are small enough.
pub(super) struct Small<T> {
    questions: Vec<Question<T>>,
    /// The leaves of all trees as positions in the forest, "yes" before "no".
    leaves: Vec<u32>,
    /// Per tree of the forest, where its questions are and its first leaf.
    trees: Vec<Option<Tree>>,
}

/// Whether a feature is at most a threshold.
struct Question<T> {
    feature: u32,
    threshold: T,
    /// The leaves that are left after a "no".
    left: u32,
}

#[derive(Clone)]
pub(super) struct Tree {
    questions: Range<usize>,
    leaf: usize,
}

/// A tree has at most as many leaves as a mask has bits.
const MOST: u32 = u32::BITS;

// === impl Small ===

impl<T: Float> Small<T> {
    /// None of a forest's trees.
    pub(super) fn none() -> Self {
        Self {
            questions: Vec::new(),
            leaves: Vec::new(),
            trees: Vec::new(),
        }
    }

    /// Finds the small ones among trees that are laid out, and whose questions are all "at most".
    pub(super) fn of(nodes: &[Node<T>], first_leaf: usize, walks: &[Walk]) -> Self {
        let mut small = Self::none();
        for walk in walks {
            let (question, leaf) = (small.questions.len(), small.leaves.len());
            // A tree of so many leaves is not deeper; what is deeper must not be recursed into.
            let fits = walk.deepest < MOST
                && small
                    .plant(nodes, first_leaf, walk.root as usize, leaf)
                    .is_some();
            if fits {
                let questions = question..small.questions.len();
                small.trees.push(Some(Tree { questions, leaf }));
            } else {
                small.questions.truncate(question);
                small.leaves.truncate(leaf);
                small.trees.push(None);
            }
        }
        small
    }

    /// Adds a node and what is below it; nothing where there are too many leaves.
    fn plant(
        &mut self,
        nodes: &[Node<T>],
        first_leaf: usize,
        at: usize,
        start: usize,
    ) -> Option<()> {
        let own = self.leaves.len() - start;
        if at >= first_leaf {
            self.leaves.push((at - first_leaf) as u32);
            return (own < MOST as usize).then_some(());
        }
        let node = &nodes[at];
        let [no, yes] = node.children;
        self.plant(nodes, first_leaf, yes as usize, start)?;
        let yes = self.leaves.len() - start - own;
        // With all leaves below "yes" there would be none for "no".
        let struck = 1u32.checked_shl(yes as u32)?.wrapping_sub(1) << own;
        self.questions.push(Question {
            feature: node.feature(),
            threshold: node.threshold,
            left: !struck,
        });
        self.plant(nodes, first_leaf, no as usize, start)
    }

    /// The tree of this number, where it is small.
    pub(super) fn tree(&self, number: usize) -> Option<&Tree> {
        self.trees.get(number)?.as_ref()
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        !self.leaves.is_empty()
    }

    /// The leaves of eight rows, which are given column by column.
    pub(super) fn ask(&self, tree: &Tree, rows: &[[T; LANES]]) -> [usize; LANES] {
        let mut left = [u32::MAX; LANES];
        for question in &self.questions[tree.questions.clone()] {
            let column = &rows[question.feature as usize];
            for (left, x) in left.iter_mut().zip(column) {
                let yes = *x <= question.threshold;
                *left &= if yes { u32::MAX } else { question.left };
            }
        }
        left.map(|left| self.leaves[tree.leaf + left.trailing_zeros() as usize] as usize)
    }
}
