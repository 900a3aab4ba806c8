//! Which picks are replaced by what they pick, and which are left alone; and that answers stay what they were.

use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto, ValueInfoProto};
use tract_onnx::prelude::{IntoRunnable, TVec};
use tract_onnx::tract_hir::internal::{IntoTValue, IntoTensor, Tensor};

use super::*;
use crate::backend::onnx::loader::engine;
use crate::backend::onnx::plan;
use crate::backend::onnx::tests::graphs::{FLOAT, model, node, number, port, rename, whole};

/// Columns side by side, as exporters put them.
const SIDE_BY_SIDE: i64 = 1;

/// Joins a and b to j; what a pick reads.
fn joined(axis: i64) -> NodeProto {
    node("Concat", &["a", "b"], "j", vec![number("axis", axis)])
}

fn extract(from: &str, picked: &str, output: &str) -> NodeProto {
    let mut node = node("ArrayFeatureExtractor", &[from, picked], output, vec![]);
    node.domain = "ai.onnx.ml".into();
    node
}

fn gather(axis: i64, picked: &str) -> NodeProto {
    node("Gather", &["j", picked], "p", vec![number("axis", axis)])
}

fn same(from: &str, output: &str) -> NodeProto {
    node("Concat", &[from, from], output, vec![number("axis", 0)])
}

/// A graph of these steps, with lists of indices by the name of what they pick.
fn graph(inputs: [ValueInfoProto; 2], nodes: Vec<NodeProto>, outputs: &[&str]) -> ModelProto {
    let index = |name: &str, dims: &[i64], indices: &[i64]| TensorProto {
        dims: dims.to_vec(),
        ..whole(name, indices)
    };
    let lists = vec![
        index("a's", &[2], &[0, 1]),
        index("b's", &[3], &[2, 3, 4]),
        index("turned", &[2], &[1, 0]),
        index("less", &[2], &[2, 3]),
        index("more", &[3], &[0, 1, 2]),
        index("other", &[2], &[1, 2]),
        index("first", &[], &[0]),
        index("row", &[1, 2], &[0, 1]),
    ];
    let used = |list: &TensorProto| nodes.iter().any(|n| n.input.contains(&list.name));
    let lists = lists.into_iter().filter(used).collect();
    let outputs = outputs.iter().map(|name| {
        // What is declared of outputs is not asked for here.
        let mut port = port(name, FLOAT, &[]);
        port.r#type = None;
        port
    });
    model(inputs.into(), lists, nodes, outputs.collect())
}

/// How many steps pick something.
fn picks(model: &TypedModel) -> usize {
    let picks =
        |node: &&TypedNode| node.op_is::<Gather>() || node.op.name() == "ArrayFeatureExtractor";
    model.nodes.iter().filter(picks).count()
}

/// What a plan gives for five rows, or for the rows that inputs have.
fn run(model: TypedModel) -> TVec<Tensor> {
    let inputs: TVec<_> = (0..2)
        .map(|at| {
            let fact = model.input_fact(at).unwrap();
            let shape = fact.shape.iter().map(|d| d.to_i64().unwrap_or(5) as usize);
            let shape: TVec<usize> = shape.collect();
            let count = shape.iter().product::<usize>();
            let numbers: Vec<f32> = (0..count).map(|i| (10 * at + i) as f32).collect();
            let numbers = Tensor::from_shape(&shape, &numbers).unwrap();
            let cast = numbers.cast_to_dt(fact.datum_type).unwrap();
            cast.into_owned().into_tvalue()
        })
        .collect();
    let outputs = model.into_runnable().unwrap().run(inputs).unwrap();
    outputs.into_iter().map(|t| t.into_tensor()).collect()
}

#[test]
fn picks_of_whole_parts_are_replaced_and_no_others() {
    let columns = || [port("a", FLOAT, &[0, 2]), port("b", FLOAT, &[0, 3])];
    let of = |kind| [port("a", kind, &[0, 2]), port("b", kind, &[0, 3])];
    let vectors = || [port("a", FLOAT, &[2]), port("b", FLOAT, &[3])];
    let open = || {
        let mut b = port("b", FLOAT, &[0, 2]);
        rename(&mut b, "m");
        [port("a", FLOAT, &[0, 2]), b]
    };
    let extracted = |list| {
        vec![
            joined(SIDE_BY_SIDE),
            extract("j", list, "p"),
            same("p", "y"),
        ]
    };
    let gathered = |list| vec![joined(SIDE_BY_SIDE), gather(1, list), same("p", "y")];
    let several = vec![
        joined(SIDE_BY_SIDE),
        extract("j", "a's", "p"),
        same("p", "y"),
        node("Neg", &["p"], "z", vec![]),
        node("Neg", &["j"], "q", vec![]),
    ];
    let twice = vec![
        joined(SIDE_BY_SIDE),
        extract("j", "a's", "p"),
        extract("j", "b's", "q"),
        node("Concat", &["p", "q"], "k", vec![number("axis", 1)]),
        extract("k", "b's", "r"),
        same("r", "y"),
    ];
    let output = vec![joined(SIDE_BY_SIDE), extract("j", "a's", "y")];
    let stacked = vec![joined(0), gather(1, "a's"), same("p", "y")];
    let flat = |pick| vec![joined(0), pick, same("p", "y")];
    let y: &[&str] = &["y"];
    // What is joined and picked; how many picks there are, and how many are left.
    let cases = [
        ("the first", columns(), extracted("a's"), y, 1, 0),
        ("the second", columns(), extracted("b's"), y, 1, 0),
        ("gathered", columns(), gathered("b's"), y, 1, 0),
        ("texts", of(FileType::String), extracted("a's"), y, 1, 0),
        (
            "whole numbers",
            of(FileType::Int64),
            extracted("a's"),
            y,
            1,
            0,
        ),
        (
            "several read it",
            columns(),
            several,
            &["y", "z", "q"],
            1,
            0,
        ),
        ("joined and picked twice", columns(), twice, y, 3, 0),
        ("a vector's", vectors(), flat(gather(0, "a's")), y, 1, 0),
        (
            "a vector as a row",
            vectors(),
            flat(extract("j", "a's", "p")),
            y,
            1,
            1,
        ),
        ("turned round", columns(), extracted("turned"), y, 1, 1),
        ("less than a part", columns(), extracted("less"), y, 1, 1),
        ("more than a part", columns(), extracted("more"), y, 1, 1),
        ("of two parts", columns(), extracted("other"), y, 1, 1),
        (
            "one column, without its axis",
            columns(),
            gathered("first"),
            y,
            1,
            1,
        ),
        ("with an axis more", columns(), gathered("row"), y, 1, 1),
        ("an output", columns(), output, y, 1, 1),
        ("another axis", open(), stacked, y, 1, 1),
    ];
    for (name, inputs, nodes, outputs, there, left) in cases {
        let graph = plan::parse(&engine(), &graph(inputs, nodes, outputs)).expect(name);
        let typed = graph.clone().into_typed().expect(name);
        assert_eq!(picks(&typed), there, "{name}");
        let simpler = without_picks(&typed);
        assert_eq!(simpler.is_some(), left < there, "{name}");
        assert_eq!(picks(simpler.as_ref().unwrap_or(&typed)), left, "{name}");
        let optimized = optimized(graph).expect(name);
        assert_eq!(run(optimized), run(typed), "{name}");
    }
}
