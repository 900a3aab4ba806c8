//! Finds the loop by which exporters write the distances between the rows of two matrices (skl2onnx's nearest
//! neighbours: a Scan that takes one row after the other), and puts the one operator in its place that it stands for.
//!
//! A file does not say what its inner values are, and the loop takes more than the operator does: whole numbers, more
//! axes, rows of one feature beside longer ones. So the operator is told to refuse what it may not stand for, and the
//! loops are kept, to be put back where the engine makes no plan without them.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The loops that CDist stands in for.
pub(super) struct Loops {
    /// Where they were in the graph.
    replaced: Vec<(usize, NodeProto)>,
    /// How many nodes there were.
    nodes: usize,
}

/// Replaces each such Scan by CDist.
pub(super) fn whole(graph: &mut GraphProto) -> Loops {
    let mut loops = Loops {
        replaced: Vec::new(),
        nodes: graph.node.len(),
    };
    for at in 0..loops.nodes {
        // What the loop ends with is its matrix again; CDist does not give it.
        if !is_distances(&graph.node[at]) || last_is_read(graph, at) {
            continue;
        }
        let node = &mut graph.node[at];
        loops.replaced.push((at, node.clone()));
        node.op_type = "CDist".into();
        node.domain = "com.microsoft".into();
        node.attribute = vec![AttributeProto {
            name: "same_width".into(),
            i: 1,
            r#type: AttributeType::Int as i32,
            ..AttributeProto::default()
        }];
        node.output.remove(0);
        let rows = &node.input[1];
        if graph.initializer.iter().any(|known| known.name == *rows) {
            // Rows that the model knows are better the second matrix. Exporters turn the distances once more, so that
            // nothing has to be done for it.
            let turned = turn(node);
            graph.node.push(turned);
        } else {
            node.input.swap(0, 1);
        }
    }
    loops
}

/// The step that gives a matrix's rows as columns, in the place of a node whose output gets another name.
fn turn(node: &mut NodeProto) -> NodeProto {
    // Longer than the names that exporters choose, so that it is none of them.
    let matrix = format!("{} before its rows are columns", node.output[0]);
    NodeProto {
        name: format!("{}.turned", node.name),
        op_type: "Transpose".into(),
        output: std::mem::replace(&mut node.output, vec![matrix.clone()]),
        input: vec![matrix],
        attribute: vec![AttributeProto {
            name: "perm".into(),
            ints: vec![1, 0],
            r#type: AttributeType::Ints as i32,
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    }
}

// === impl Loops ===

impl Loops {
    pub(super) fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// Puts the loops back that [`whole`] took out of a graph.
    pub(super) fn put_back(self, graph: &mut GraphProto) {
        graph.node.truncate(self.nodes);
        for (at, node) in self.replaced {
            graph.node[at] = node;
        }
    }
}

// === what is such a loop ===

/// Whether somebody reads the first output of a node.
fn last_is_read(graph: &GraphProto, at: usize) -> bool {
    let Some(name) = graph.node[at]
        .output
        .first()
        .filter(|name| !name.is_empty())
    else {
        return false;
    };
    let others = graph.node.iter().enumerate().filter(|(i, _)| *i != at);
    others.into_iter().any(|(_, node)| reads(node, name))
        || graph.output.iter().any(|output| output.name == *name)
}

/// Whether a node reads a value, be it in a graph of its own, which may read all values around it.
fn reads(node: &NodeProto, name: &str) -> bool {
    let inner = |graph: &GraphProto| {
        graph.output.iter().any(|output| output.name == name)
            || graph.node.iter().any(|node| reads(node, name))
    };
    let mut graphs = node
        .attribute
        .iter()
        .flat_map(|a| a.g.iter().chain(&a.graphs));
    node.input.iter().any(|input| input == name) || graphs.any(inner)
}

/// Whether a node is of a standard operator.
fn is(node: &NodeProto, op: &str) -> bool {
    node.op_type == op && matches!(node.domain.as_str(), "" | "ai.onnx")
}

/// Whether a node goes over the rows of its second input and gives the squared distances of each to the rows of the
/// first.
fn is_distances(node: &NodeProto) -> bool {
    let ([_, _], [_, distances]) = (&*node.input, &*node.output) else {
        return false;
    };
    // Forwards over the first axis is what Scan does where nothing else is said.
    let plain = |a: &&AttributeProto| a.name.starts_with("scan_") && a.ints.iter().all(|i| *i == 0);
    let known = |a: &AttributeProto| matches!(a.name.as_str(), "body" | "num_scan_inputs");
    let body = node.attribute.iter().find(|a| a.name == "body");
    let Some(body) = body.and_then(|a| a.g.as_ref()) else {
        return false;
    };
    is(node, "Scan")
        && !distances.is_empty()
        && node.attribute.iter().all(|a| known(a) || plain(&a))
        && int(node, "num_scan_inputs") == Some(1)
        && is_distance(body)
}

/// Whether a graph gives its first input back, and the squared distances of its rows to the second input.
fn is_distance(body: &GraphProto) -> bool {
    let ([state, row], [same, distance]) = (&*body.input, &*body.output) else {
        return false;
    };
    let maker = |name: &str| {
        body.node
            .iter()
            .find(|node| node.output.iter().any(|o| o == name))
    };
    let source = |name: &str| {
        let mut name = name.to_owned();
        // No more steps than nodes: a broken file may go in a circle.
        for _ in 0..body.node.len() {
            match maker(&name) {
                Some(node) if is(node, "Identity") && !node.input.is_empty() => {
                    name.clone_from(&node.input[0]);
                }
                _ => break,
            }
        }
        name
    };
    let sums = source(&distance.name);
    let Some(sums) = maker(&sums).filter(|node| is(node, "ReduceSumSquare")) else {
        return false;
    };
    let axes = match sums.input.get(1) {
        Some(name) => body
            .initializer
            .iter()
            .find(|tensor| tensor.name == *name)
            .map(ints),
        None => sums
            .attribute
            .iter()
            .find(|a| a.name == "axes")
            .map(|a| a.ints.clone()),
    };
    let differences = sums
        .input
        .first()
        .map(|name| source(name))
        .unwrap_or_default();
    let Some(differences) = maker(&differences).filter(|node| is(node, "Sub")) else {
        return false;
    };
    let mut terms: Vec<String> = differences.input.iter().map(|name| source(name)).collect();
    let mut expected = vec![state.name.clone(), row.name.clone()];
    terms.sort();
    expected.sort();
    source(&same.name) == state.name
        && int(sums, "keepdims") == Some(0)
        && axes.is_some_and(|axes| axes == [1] || axes == [-1])
        && terms == expected
}

fn int(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
}

fn ints(tensor: &TensorProto) -> Vec<i64> {
    let raw = tensor.raw_data.as_chunks::<8>().0.iter();
    let raw = raw.map(|bytes| i64::from_le_bytes(*bytes));
    tensor.int64_data.iter().copied().chain(raw).collect()
}

#[cfg(test)]
mod tests;
