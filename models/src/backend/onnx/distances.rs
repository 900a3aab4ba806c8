//! Finds the loop by which exporters write the distances between the rows of two matrices (skl2onnx's nearest
//! neighbours: a Scan that takes one row after the other), and puts the one operator in its place that it stands for.

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Replaces each such Scan by CDist.
pub(super) fn whole(graph: &mut GraphProto) {
    for at in 0..graph.node.len() {
        let node = &graph.node[at];
        let last = node.output.first();
        let read = |name: &String| {
            let reader = |node: &NodeProto| node.input.contains(name);
            graph.node.iter().any(reader) || graph.output.iter().any(|output| output.name == *name)
        };
        // What the loop ends with is its matrix again; CDist does not give it.
        if !is_distances(node) || last.is_some_and(read) {
            continue;
        }
        let node = &mut graph.node[at];
        node.op_type = "CDist".into();
        node.domain = "com.microsoft".into();
        node.attribute.clear();
        node.input.swap(0, 1);
        node.output.remove(0);
    }
}

/// Whether a node goes over the rows of its second input and gives the squared distances of each to the rows of the
/// first.
fn is_distances(node: &NodeProto) -> bool {
    let [_, _] = *node.input else { return false };
    let [_, _] = *node.output else { return false };
    // Forwards over the first axis is what Scan does where nothing else is said.
    let plain = |a: &&AttributeProto| a.name.starts_with("scan_") && a.ints.iter().all(|i| *i == 0);
    let known = |a: &AttributeProto| matches!(a.name.as_str(), "body" | "num_scan_inputs");
    let body = node.attribute.iter().find(|a| a.name == "body");
    let Some(body) = body.and_then(|a| a.g.as_ref()) else {
        return false;
    };
    node.op_type == "Scan"
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
                Some(node) if node.op_type == "Identity" && !node.input.is_empty() => {
                    name.clone_from(&node.input[0]);
                }
                _ => break,
            }
        }
        name
    };
    let sums = source(&distance.name);
    let Some(sums) = maker(&sums).filter(|node| node.op_type == "ReduceSumSquare") else {
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
    let Some(differences) = maker(&differences).filter(|node| node.op_type == "Sub") else {
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
