//! Ensembles of the size that users train, made from a seed: a random forest of uneven trees and a gradient boosting of
//! small ones.

use impresario::models::Tensor;

use crate::onnx::{Attribute, Graph};

const FEATURES: usize = 20;
const CLASSES: usize = 3;

/// Names and files.
pub(crate) fn all() -> [(&'static str, Vec<u8>); 2] {
    let mut forest = Nodes::default();
    for tree in 0..100 {
        let root = forest.node(tree);
        forest.grow(tree, root, 400, 14, &mut |nodes, tree, leaf| {
            // Each leaf holds the share of every class, as scikit-learn's do.
            for class in 0..CLASSES {
                let share = nodes.random.unit() / 100.0;
                nodes.vote(tree, leaf, class, share);
            }
        });
    }
    let mut boosting = Nodes::default();
    for tree in 0..100 * CLASSES as i64 {
        let root = boosting.node(tree);
        boosting.grow(tree, root, 8, 3, &mut |nodes, tree, leaf| {
            let weight = nodes.random.unit() - 0.5;
            nodes.vote(tree, leaf, tree as usize % CLASSES, weight);
        });
    }
    [
        ("random forest, 100 trees", forest.file("NONE")),
        ("gradient boosting, 3 x 100 trees", boosting.file("SOFTMAX")),
    ]
}

/// Rows that take different ways.
pub(crate) fn row() -> Tensor {
    let mut random = Random(7);
    let numbers = (0..64 * FEATURES).map(|_| random.unit()).collect();
    Tensor::of(vec![64, FEATURES], numbers).expect("whole rows")
}

struct Nodes {
    random: Random,
    next: i64,
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    thresholds: Vec<f32>,
    yes: Vec<i64>,
    no: Vec<i64>,
    vote_trees: Vec<i64>,
    vote_nodes: Vec<i64>,
    vote_classes: Vec<i64>,
    weights: Vec<f32>,
}

type Ends<'a> = &'a mut dyn FnMut(&mut Nodes, i64, i64);

impl Default for Nodes {
    fn default() -> Self {
        Self {
            random: Random(42),
            next: 0,
            trees: Vec::new(),
            ids: Vec::new(),
            features: Vec::new(),
            modes: Vec::new(),
            thresholds: Vec::new(),
            yes: Vec::new(),
            no: Vec::new(),
            vote_trees: Vec::new(),
            vote_nodes: Vec::new(),
            vote_classes: Vec::new(),
            weights: Vec::new(),
        }
    }
}

impl Nodes {
    /// A new node of a tree, a leaf until it grows.
    fn node(&mut self, tree: i64) -> usize {
        if self.trees.last() != Some(&tree) {
            self.next = 0;
        }
        self.trees.push(tree);
        self.ids.push(self.next);
        self.next += 1;
        self.features.push(0);
        self.modes.push("LEAF");
        self.thresholds.push(0.0);
        self.yes.push(0);
        self.no.push(0);
        self.ids.len() - 1
    }

    /// Splits the samples that reach a node until few are left or the tree is deep enough.
    fn grow(&mut self, tree: i64, at: usize, samples: usize, depth: usize, ends: Ends<'_>) {
        if samples < 3 || depth == 0 {
            let leaf = self.ids[at];
            ends(self, tree, leaf);
            return;
        }
        let part = 0.25 + 0.5 * self.random.unit();
        let left = ((samples as f32 * part) as usize).clamp(1, samples - 1);
        self.modes[at] = "BRANCH_LEQ";
        self.features[at] = (self.random.unit() * FEATURES as f32) as i64;
        self.thresholds[at] = self.random.unit();
        let yes = self.node(tree);
        self.yes[at] = self.ids[yes];
        self.grow(tree, yes, left, depth - 1, ends);
        let no = self.node(tree);
        self.no[at] = self.ids[no];
        self.grow(tree, no, samples - left, depth - 1, ends);
    }

    fn vote(&mut self, tree: i64, leaf: i64, class: usize, weight: f32) {
        self.vote_trees.push(tree);
        self.vote_nodes.push(leaf);
        self.vote_classes.push(class as i64);
        self.weights.push(weight);
    }

    fn file(&self, post: &str) -> Vec<u8> {
        let attributes = [
            ("nodes_treeids", Attribute::Ints(&self.trees)),
            ("nodes_nodeids", Attribute::Ints(&self.ids)),
            ("nodes_featureids", Attribute::Ints(&self.features)),
            ("nodes_modes", Attribute::Texts(&self.modes)),
            ("nodes_values", Attribute::Floats(&self.thresholds)),
            ("nodes_truenodeids", Attribute::Ints(&self.yes)),
            ("nodes_falsenodeids", Attribute::Ints(&self.no)),
            ("class_treeids", Attribute::Ints(&self.vote_trees)),
            ("class_nodeids", Attribute::Ints(&self.vote_nodes)),
            ("class_ids", Attribute::Ints(&self.vote_classes)),
            ("class_weights", Attribute::Floats(&self.weights)),
            ("classlabels_int64s", Attribute::Ints(&[0, 1, 2])),
            ("post_transform", Attribute::Text(post)),
        ];
        Graph::default()
            .input("x", &[FEATURES as i64])
            .node_of(
                "ai.onnx.ml",
                "TreeEnsembleClassifier",
                &["x"],
                &["label", "probabilities"],
                &attributes,
            )
            .labels("label")
            .output("probabilities", &[CLASSES as i64])
            .file()
    }
}

/// Numbers that look random and are always the same (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}
