//! Trees out of attributes: the lists of TreeEnsembleClassifier and TreeEnsembleRegressor (versions 1 and 3),
//! and those of TreeEnsemble (version 5). Nothing is walked here; see `forest`.

use std::collections::{HashMap, HashSet};

use tract_onnx::tract_hir::internal::*;

use super::super::node::Node;
use super::super::tensors::cast;
use super::blueprint::{Blueprint, Branch, Mode, Place};

/// Trees, and whether their numbers are doubles.
pub(super) struct Read {
    pub(super) trees: Blueprint,
    pub(super) wide: bool,
}

/// Floats from a list, or from the tensor attribute that may stand for it; and whether they are doubles.
pub(super) fn floats(node: &Node, name: &str) -> TractResult<(Vec<f64>, bool)> {
    if let Some(tensor) = node.tensor(&format!("{name}_as_tensor"))? {
        return Ok((
            cast::<f64>(&tensor)?.into_owned(),
            tensor.datum_type() == DatumType::F64,
        ));
    }
    Ok((
        node.floats(name)?.into_iter().map(f64::from).collect(),
        false,
    ))
}

/// Reads versions 1 and 3; leaves' weights are in attributes that begin with `leaf` (`class` or `target`).
pub(super) fn lists(node: &Node, leaf: &str, targets: usize) -> TractResult<Read> {
    let (thresholds, wide) = floats(node, "nodes_values")?;
    let list = |name: &str| same(node, name, node.ints(name)?, thresholds.len());
    let (tree_ids, node_ids) = (list("nodes_treeids")?, list("nodes_nodeids")?);
    let (yes, no) = (list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
    let features = list("nodes_featureids")?;
    let modes = same(
        node,
        "nodes_modes",
        node.strings("nodes_modes")?,
        thresholds.len(),
    )?;
    let missing = flags(node, thresholds.len())?;

    let mut trees = Blueprint {
        targets,
        ..Blueprint::default()
    };
    let mut places = HashMap::new();
    let (mut order, mut known) = (Vec::new(), HashSet::new());
    for (i, mode) in modes.iter().enumerate() {
        let place = if mode == "LEAF" {
            trees.leaves.push(Vec::new());
            Place::Leaf(trees.leaves.len() - 1)
        } else {
            // Children may come later in the list: they are looked up once all nodes have a place.
            let (yes, no) = (Place::Leaf(usize::MAX), Place::Leaf(usize::MAX));
            let mode = named(mode)
                .ok_or_else(|| node.bad("nodes_modes", format!("mode {mode:?} is unknown")))?;
            let feature = usize::try_from(features[i]).map_err(|_| {
                node.bad("nodes_featureids", format!("{} is negative", features[i]))
            })?;
            trees.branches.push(Branch {
                mode,
                feature,
                threshold: thresholds[i],
                missing: missing[i],
                yes,
                no,
            });
            Place::Branch(trees.branches.len() - 1)
        };
        if places.insert((tree_ids[i], node_ids[i]), place).is_some() {
            let complaint = format!(
                "node {} of tree {} is there twice",
                node_ids[i], tree_ids[i]
            );
            return Err(node.bad("nodes_nodeids", complaint));
        }
        if known.insert(tree_ids[i]) {
            order.push(tree_ids[i]);
        }
    }
    let mut children = HashSet::new();
    for i in 0..modes.len() {
        let find = |name: &str, id: i64| {
            let found = places.get(&(tree_ids[i], id)).copied();
            found.ok_or_else(|| node.bad(name, format!("tree {} has no node {id}", tree_ids[i])))
        };
        let Place::Branch(at) = places[&(tree_ids[i], node_ids[i])] else {
            continue;
        };
        trees.branches[at].yes = find("nodes_truenodeids", yes[i])?;
        trees.branches[at].no = find("nodes_falsenodeids", no[i])?;
        children.extend([(tree_ids[i], yes[i]), (tree_ids[i], no[i])]);
    }
    // A tree's root is its first node that is nobody's child.
    let mut roots = HashMap::new();
    for key in tree_ids.iter().copied().zip(node_ids.iter().copied()) {
        if !children.contains(&key) {
            roots.entry(key.0).or_insert(places[&key]);
        }
    }
    for id in order {
        let root = roots
            .get(&id)
            .ok_or_else(|| node.bad("nodes_nodeids", format!("tree {id} has no root")))?;
        trees.roots.push(*root);
    }

    let (weights, wide_weights) = floats(node, &format!("{leaf}_weights"))?;
    let list = |name: String| same(node, &name, node.ints(&name)?, weights.len());
    let votes = list(format!("{leaf}_treeids"))?
        .into_iter()
        .zip(list(format!("{leaf}_nodeids"))?);
    for ((key, target), weight) in votes.zip(list(format!("{leaf}_ids"))?).zip(weights) {
        let ids = format!("{leaf}_ids");
        let target =
            usize::try_from(target).map_err(|_| node.bad(&ids, format!("{target} is negative")))?;
        match places.get(&key) {
            Some(Place::Leaf(i)) => trees.leaves[*i].push((target, weight)),
            // Weights of inner nodes are never reached.
            Some(Place::Branch(_)) => {}
            None => {
                let complaint = format!("tree {} has no node {}", key.0, key.1);
                return Err(node.bad(&format!("{leaf}_nodeids"), complaint));
            }
        }
    }
    finish(node, "nodes_treeids", trees, wide || wide_weights)
}

/// Reads version 5.
pub(super) fn tensors(node: &Node) -> TractResult<Read> {
    let needed = |name: &str| {
        node.tensor(name)?
            .ok_or_else(|| node.bad(name, "it is missing"))
    };
    let splits = needed("nodes_splits")?;
    let wide = splits.datum_type() == DatumType::F64;
    let splits = cast::<f64>(&splits)?.into_owned();
    let count = splits.len();
    let modes = same(
        node,
        "nodes_modes",
        cast::<i64>(&needed("nodes_modes")?)?.into_owned(),
        count,
    )?;
    let features = same(
        node,
        "nodes_featureids",
        node.sizes("nodes_featureids")?,
        count,
    )?;
    let yes = same(
        node,
        "nodes_truenodeids",
        node.sizes("nodes_truenodeids")?,
        count,
    )?;
    let no = same(
        node,
        "nodes_falsenodeids",
        node.sizes("nodes_falsenodeids")?,
        count,
    )?;
    let yes_leaf = same(
        node,
        "nodes_trueleafs",
        node.ints("nodes_trueleafs")?,
        count,
    )?;
    let no_leaf = same(
        node,
        "nodes_falseleafs",
        node.ints("nodes_falseleafs")?,
        count,
    )?;
    let missing = flags(node, count)?;
    let members = match node.tensor("membership_values")? {
        Some(values) => cast::<f64>(&values)?.into_owned(),
        None => Vec::new(),
    };
    // One set after the other, NaN after each.
    let mut sets = members.split(|value| value.is_nan());

    let targets = node.outputs("n_targets")?;
    let mut trees = Blueprint {
        targets,
        ..Blueprint::default()
    };
    for i in 0..count {
        let place = |leaf: i64, at: usize| {
            if leaf == 0 {
                Place::Branch(at)
            } else {
                Place::Leaf(at)
            }
        };
        let (yes, no) = (place(yes_leaf[i], yes[i]), place(no_leaf[i], no[i]));
        let mode = match modes[i] {
            0 => Mode::Leq,
            1 => Mode::Lt,
            2 => Mode::Gte,
            3 => Mode::Gt,
            4 => Mode::Eq,
            5 => Mode::Neq,
            6 => Mode::Eq,
            other => return Err(node.bad("nodes_modes", format!("mode {other} is unknown"))),
        };
        let mut branch = Branch {
            mode,
            feature: features[i],
            threshold: splits[i],
            missing: missing[i],
            yes,
            no,
        };
        if modes[i] == 6 {
            let set = sets.next().filter(|set| !set.is_empty());
            let set = set.ok_or_else(|| {
                node.bad(
                    "membership_values",
                    "there are fewer sets than nodes for them",
                )
            })?;
            branch.threshold = set[0];
        }
        trees.branches.push(branch);
    }
    // A question for membership is a chain of questions for equality, its first in the node's own place.
    let mut sets = members.split(|value| value.is_nan());
    for i in (0..count).filter(|&i| modes[i] == 6) {
        let no = trees.branches[i].no;
        let mut last = i;
        for &value in sets.next().unwrap_or_default().iter().skip(1) {
            let branch = Branch {
                threshold: value,
                no,
                ..trees.branches[i]
            };
            trees.branches.push(branch);
            let next = trees.branches.len() - 1;
            trees.branches[last].no = Place::Branch(next);
            last = next;
        }
    }

    let weights = needed("leaf_weights")?;
    let wide = wide || weights.datum_type() == DatumType::F64;
    let weights = cast::<f64>(&weights)?;
    let ids = same(
        node,
        "leaf_targetids",
        node.sizes("leaf_targetids")?,
        weights.len(),
    )?;
    trees.leaves = ids
        .into_iter()
        .zip(weights.iter())
        .map(|(id, &weight)| vec![(id, weight)])
        .collect();
    trees.roots = node
        .sizes("tree_roots")?
        .into_iter()
        .map(Place::Branch)
        .collect();
    finish(node, "tree_roots", trees, wide)
}

fn finish(node: &Node, attribute: &str, trees: Blueprint, wide: bool) -> TractResult<Read> {
    trees.check().map_err(|e| node.bad(attribute, e))?;
    Ok(Read { trees, wide })
}

/// Whether a missing value goes the way of true, for each node.
fn flags(node: &Node, count: usize) -> TractResult<Vec<bool>> {
    let name = "nodes_missing_value_tracks_true";
    let given = node.ints(name)?;
    if given.is_empty() {
        return Ok(vec![false; count]);
    }
    Ok(same(node, name, given, count)?
        .into_iter()
        .map(|flag| flag != 0)
        .collect())
}

fn same<T>(node: &Node, name: &str, list: Vec<T>, count: usize) -> TractResult<Vec<T>> {
    if list.len() == count {
        Ok(list)
    } else {
        Err(node.bad(name, format!("{} values, expected {count}", list.len())))
    }
}

fn named(mode: &str) -> Option<Mode> {
    Some(match mode {
        "BRANCH_LEQ" => Mode::Leq,
        "BRANCH_LT" => Mode::Lt,
        "BRANCH_GTE" => Mode::Gte,
        "BRANCH_GT" => Mode::Gt,
        "BRANCH_EQ" => Mode::Eq,
        "BRANCH_NEQ" => Mode::Neq,
        _ => return None,
    })
}
