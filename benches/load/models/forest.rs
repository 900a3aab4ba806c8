//! A random forest as scikit-learn's converter writes one: a `TreeEnsembleClassifier` whose leaves hold the shares of
//! three classes.

use super::Random;
use super::onnx::{Attribute, Graph};

pub(crate) const FEATURES: usize = 10;
const TREES: usize = 100;
/// Levels of decisions: every tree is whole, 127 decisions and 128 leaves.
const DEPTH: u32 = 7;
const CLASSES: usize = 3;

#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    thresholds: Vec<f32>,
    yes: Vec<i64>,
    no: Vec<i64>,
    class_trees: Vec<i64>,
    class_nodes: Vec<i64>,
    classes: Vec<i64>,
    shares: Vec<f32>,
}

pub(super) fn graph() -> Graph {
    let mut random = Random::of(42);
    let mut nodes = Nodes::default();
    for tree in 0..TREES {
        nodes.tree(tree as i64, &mut random);
    }
    let attributes = [
        ("nodes_treeids", Attribute::Ints(&nodes.trees)),
        ("nodes_nodeids", Attribute::Ints(&nodes.ids)),
        ("nodes_featureids", Attribute::Ints(&nodes.features)),
        ("nodes_modes", Attribute::Texts(&nodes.modes)),
        ("nodes_values", Attribute::Floats(&nodes.thresholds)),
        ("nodes_truenodeids", Attribute::Ints(&nodes.yes)),
        ("nodes_falsenodeids", Attribute::Ints(&nodes.no)),
        ("class_treeids", Attribute::Ints(&nodes.class_trees)),
        ("class_nodeids", Attribute::Ints(&nodes.class_nodes)),
        ("class_ids", Attribute::Ints(&nodes.classes)),
        ("class_weights", Attribute::Floats(&nodes.shares)),
        ("classlabels_int64s", Attribute::Ints(&[0, 1, 2])),
        ("post_transform", Attribute::Text("NONE")),
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
}

impl Nodes {
    /// A whole tree, its nodes numbered as in a heap.
    fn tree(&mut self, tree: i64, random: &mut Random) {
        let decisions = 2i64.pow(DEPTH) - 1;
        for id in 0..=2 * decisions {
            let leaf = id >= decisions;
            self.trees.push(tree);
            self.ids.push(id);
            self.features.push(if leaf {
                0
            } else {
                (random.next() % FEATURES as u64) as i64
            });
            self.modes.push(if leaf { "LEAF" } else { "BRANCH_LEQ" });
            self.thresholds.push(if leaf { 0.0 } else { random.unit() });
            self.yes.push(if leaf { 0 } else { 2 * id + 1 });
            self.no.push(if leaf { 0 } else { 2 * id + 2 });
            if leaf {
                self.leaf(tree, id, random);
            }
        }
    }

    fn leaf(&mut self, tree: i64, id: i64, random: &mut Random) {
        let shares: Vec<f32> = (0..CLASSES).map(|_| random.unit() + 1.0).collect();
        let all: f32 = shares.iter().sum::<f32>() * TREES as f32;
        for (class, share) in shares.into_iter().enumerate() {
            self.class_trees.push(tree);
            self.class_nodes.push(id);
            self.classes.push(class as i64);
            self.shares.push(share / all);
        }
    }
}
