//! Which loops are replaced, and which are left alone: by what the file says, and by what its values turn out to be.

use half::f16;
use tract_onnx::pb::tensor_proto::DataType as FileType;
use tract_onnx::pb::{ModelProto, ValueInfoProto};

use super::*;
use crate::backend::onnx::file::{self, Origin};
use crate::backend::onnx::loader::{build, engine, planned};
use crate::backend::onnx::plan::Plan;
use crate::backend::onnx::ports::{Declared, inputs};
use crate::backend::onnx::rewrite::name_axes;
use crate::backend::onnx::tests::graphs::{
    FLOAT, floats, model, node, number, numbers, port, whole as integers,
};
use crate::backend::onnx::tests::root;
use crate::loader::Model;
use crate::tensor::{Element, Tensor};

// === what the file says ===

fn inner(name: &str, body: GraphProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        g: Some(body),
        r#type: AttributeType::Graph as i32,
        ..AttributeProto::default()
    }
}

/// The distances of the rows of x from those of b, as skl2onnx writes them.
fn exported() -> GraphProto {
    let ports = [port("b", FLOAT, &[5, 4]), port("x", FLOAT, &[0, 4])];
    scanned(
        ports,
        [port("state", FLOAT, &[5, 4]), port("row", FLOAT, &[4])],
    )
}

fn scanned(outer: [ValueInfoProto; 2], within: [ValueInfoProto; 2]) -> GraphProto {
    let squares = vec![numbers("axes", &[1]), number("keepdims", 0)];
    let untyped = |name: &str| ValueInfoProto {
        name: name.into(),
        ..ValueInfoProto::default()
    };
    let body = GraphProto {
        name: "body".into(),
        node: vec![
            node("Identity", &["state"], "same", vec![]),
            node("Sub", &["state", "row"], "apart", vec![]),
            node("ReduceSumSquare", &["apart"], "sums", squares),
            node("Identity", &["sums"], "distance", vec![]),
        ],
        input: within.into(),
        output: vec![untyped("same"), untyped("distance")],
        ..GraphProto::default()
    };
    let scan = NodeProto {
        name: "scan".into(),
        op_type: "Scan".into(),
        input: vec!["b".into(), "x".into()],
        output: vec!["last".into(), "y".into()],
        attribute: vec![inner("body", body), number("num_scan_inputs", 1)],
        ..NodeProto::default()
    };
    GraphProto {
        name: "built".into(),
        node: vec![scan],
        input: outer.into(),
        output: vec![untyped("y")],
        ..GraphProto::default()
    }
}

/// The body of a graph's first node.
fn body(graph: &mut GraphProto) -> &mut GraphProto {
    graph.node[0].attribute[0].g.as_mut().unwrap()
}

/// Sets an attribute of the step that sums squares up.
fn sums(graph: &mut GraphProto, attribute: AttributeProto) {
    let attributes = &mut body(graph).node[2].attribute;
    attributes.retain(|a| a.name != attribute.name);
    attributes.push(attribute);
}

/// A node with a graph of its own, which reads a value of the graph around it.
fn reader(name: &str) -> NodeProto {
    let then = GraphProto {
        node: vec![node("Neg", &[name], "negative", vec![])],
        ..GraphProto::default()
    };
    node("If", &["condition"], "z", vec![inner("then_branch", then)])
}

#[test]
fn loops_of_distances_are_replaced_and_no_others() {
    type Change = fn(&mut GraphProto);
    let replaced: [(&str, Change); 12] = [
        ("as exported", |_| ()),
        ("the other difference", |g| body(g).node[1].input.swap(0, 1)),
        ("the last axis", |g| sums(g, numbers("axes", &[-1]))),
        ("the axis as a tensor", |g| {
            body(g).node[2].attribute.remove(0);
            body(g).node[2].input.push("axes".into());
            body(g).initializer.push(integers("axes", &[1]));
        }),
        ("the axis as bytes", |g| {
            body(g).node[2].attribute.remove(0);
            body(g).node[2].input.push("axes".into());
            let mut axes = integers("axes", &[1]);
            axes.int64_data.clear();
            axes.raw_data = 1i64.to_le_bytes().into();
            body(g).initializer.push(axes);
        }),
        ("without steps between", |g| {
            body(g).output[1].name = "sums".into();
            body(g).node.remove(3);
        }),
        ("the standard domain by name", |g| {
            g.node[0].domain = "ai.onnx".into()
        }),
        ("what is so anyway", |g| {
            g.node[0].attribute.push(numbers("scan_input_axes", &[0]));
            g.node[0]
                .attribute
                .push(numbers("scan_output_directions", &[0]));
        }),
        ("no last state", |g| {
            g.node[0].output[0].clear();
            g.node.push(node("Clip", &["y", "", "most"], "z", vec![]));
        }),
        ("the distances are read", |g| {
            g.node.push(node("Neg", &["y"], "z", vec![]))
        }),
        ("another graph reads them", |g| g.node.push(reader("y"))),
        ("a name of its own", |g| {
            body(g).node[0].output[0] = "last".into();
            body(g).output[0].name = "last".into();
        }),
    ];
    let left: [(&str, Change); 27] = [
        ("another operator", |g| g.node[0].op_type = "Loop".into()),
        ("another domain", |g| {
            g.node[0].domain = "com.microsoft".into()
        }),
        ("three inputs", |g| g.node[0].input.push("w".into())),
        ("three outputs", |g| g.node[0].output.push("w".into())),
        ("nobody's distances", |g| g.node[0].output[1].clear()),
        ("no state", |g| g.node[0].attribute[1].i = 2),
        ("over other axes", |g| {
            g.node[0].attribute.push(numbers("scan_input_axes", &[1]));
        }),
        ("to other axes", |g| {
            g.node[0].attribute.push(numbers("scan_output_axes", &[1]))
        }),
        ("backwards", |g| {
            g.node[0]
                .attribute
                .push(numbers("scan_input_directions", &[1]));
        }),
        ("something unknown", |g| {
            g.node[0].attribute.push(numbers("directions", &[0]))
        }),
        ("the first axis", |g| sums(g, numbers("axes", &[0]))),
        ("both axes", |g| sums(g, numbers("axes", &[0, 1]))),
        ("all axes", |g| drop(body(g).node[2].attribute.remove(0))),
        ("axes that are computed", |g| {
            body(g).node[2].attribute.remove(0);
            body(g).node[2].input.push("axes".into());
        }),
        ("kept axes", |g| sums(g, number("keepdims", 1))),
        ("kept axes, unsaid", |g| {
            drop(body(g).node[2].attribute.remove(1))
        }),
        ("sums", |g| body(g).node[2].op_type = "ReduceSum".into()),
        ("somebody's sums", |g| {
            body(g).node[2].domain = "com.microsoft".into()
        }),
        ("products", |g| body(g).node[1].op_type = "Mul".into()),
        ("somebody's differences", |g| {
            body(g).node[1].domain = "com.microsoft".into()
        }),
        ("nothing", |g| body(g).node[1].input[0] = "row".into()),
        ("from something else", |g| {
            body(g).node[1].input[0] = "outer".into()
        }),
        ("another state", |g| body(g).node[0].input[0] = "row".into()),
        ("the last state is read", |g| {
            g.node.push(node("Neg", &["last"], "z", vec![]))
        }),
        ("it is an output", |g| {
            g.output.push(port("last", FLOAT, &[5, 4]))
        }),
        ("a graph within reads it", |g| g.node.push(reader("last"))),
        ("one in a graph within gives it", |g| {
            let mut inner = reader("y");
            inner.attribute[0].g.as_mut().unwrap().node.clear();
            inner.attribute[0]
                .g
                .as_mut()
                .unwrap()
                .output
                .push(port("last", FLOAT, &[5, 4]));
            let mut outer = reader("y");
            outer.attribute[0].g.as_mut().unwrap().node.push(inner);
            g.node.push(outer);
        }),
    ];
    let cases = replaced.iter().map(|(name, change)| (name, change, true));
    let cases = cases.chain(left.iter().map(|(name, change)| (name, change, false)));
    for (name, change, replaced) in cases {
        let mut graph = exported();
        change(&mut graph);
        let given = graph.clone();
        let loops = whole(&mut graph);
        let scan = &graph.node[0];
        assert_eq!(loops.is_empty(), !replaced, "{name}");
        assert_eq!(scan.op_type == "CDist", replaced, "{name}");
        if replaced {
            assert_eq!(
                (&*scan.input, &*scan.output),
                (&["x".into(), "b".into()][..], &["y".into()][..]),
                "{name}"
            );
        }
        loops.put_back(&mut graph);
        assert_eq!(graph, given, "{name}");
    }
}

#[test]
fn rows_that_the_model_knows_are_the_second_matrix() {
    let mut graph = exported();
    graph.input.pop();
    graph.initializer.push(floats("x", &[1, 4], &[0.; 4]));
    let given = graph.clone();
    let loops = whole(&mut graph);
    let [cdist, turned] = &*graph.node else {
        panic!("{:?}", graph.node);
    };
    assert_eq!(cdist.input, ["b", "x"]);
    assert_eq!(
        (&*turned.op_type, &turned.input),
        ("Transpose", &cdist.output)
    );
    assert_eq!(turned.output, ["y"]);
    loops.put_back(&mut graph);
    assert_eq!(graph, given);
}

// === what the values are ===

/// How many inputs the operator has in the plan for all shapes, where it is in there.
fn operator(mut proto: ModelProto) -> Option<usize> {
    let ports = inputs(file::graph(&proto), &nowhere()).unwrap();
    let declared = Declared::read(ports, file::graph(&proto)).unwrap();
    name_axes(file::graph_mut(&mut proto), &declared.axes);
    let plan = match planned(&engine(), &mut proto, &declared).unwrap() {
        (_, Ok((Plan::Symbolic(plan), _))) => plan,
        (_, Ok(_)) => panic!("no plan for all shapes"),
        (_, Err(e)) => panic!("{e}"),
    };
    let mut steps = plan.model().nodes.iter();
    let found = steps.find(|node| node.op.name() == "CDist");
    found.map(|node| node.inputs.len())
}

fn nowhere() -> Origin {
    Origin {
        path: "built".into(),
        dir: None,
    }
}

/// Builds the loop for values of a kind, compares what it gives, and says whether the operator gives it. A size of 0
/// or -1 is free, and so many.
fn gives<T: Element + PartialEq + std::fmt::Debug>(
    kind: FileType,
    number: fn(i16) -> T,
    (b, x): (&[i64], &[i64]),
    free: usize,
) -> bool {
    let outer = [port("b", kind, b), port("x", kind, x)];
    let within = [port("state", kind, b), port("row", kind, &x[1..])];
    let mut graph = scanned(outer, within);
    graph.output = vec![port("y", kind, &[-1, -1])];
    let mut proto = model(vec![], vec![], vec![], vec![]);
    proto.graph = Some(graph);
    let operator = operator(proto.clone());
    let model = build(proto, &nowhere()).unwrap();
    let size = |&size: &i64| {
        usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .unwrap_or(free)
    };
    let (b, x): (Vec<usize>, Vec<usize>) =
        (b.iter().map(size).collect(), x.iter().map(size).collect());
    let value = |at: usize| (at * 7 % 5) as i16;
    let values = |shape: &[usize]| (0..shape.iter().product()).map(value).map(number).collect();
    let given = vec![
        Tensor::of(b.clone(), values(&b)).unwrap(),
        Tensor::of(x.clone(), values(&x)).unwrap(),
    ];
    let (mine, theirs) = (b[1], x[x.len() - 1]);
    let expected = (0..x[0] * b[0]).map(|pair| {
        let (to, from) = (pair / b[0], pair % b[0]);
        let row = if x.len() == 3 { pair } else { to };
        let apart = |k: usize| value(from * mine + k % mine) - value(row * theirs + k % theirs);
        number((0..mine.max(theirs)).map(|k| apart(k) * apart(k)).sum())
    });
    let expected: Vec<T> = expected.collect();
    let y = model.infer(given).unwrap();
    assert_eq!(y[0].shape(), [x[0], b[0]]);
    assert_eq!(y[0].as_slice::<T>().unwrap(), expected);
    operator.is_some()
}

#[test]
fn only_matrices_of_floats_with_rows_of_one_length_are_given_to_the_operator() {
    let single = |sizes, free| gives(FLOAT, f32::from, sizes, free);
    let rows: (&[i64], &[i64]) = (&[5, 4], &[0, 4]);
    assert!(single(rows, 3), "floats");
    assert!(gives(FileType::Double, f64::from, rows, 3), "doubles");
    assert!(single((&[5, 1], &[0, 1]), 3), "rows of one feature");
    assert!(single((&[5, 0], &[3, 0]), 2), "rows of any one length");
    assert!(
        !gives(FileType::Float16, |i| f16::from_f32(i.into()), rows, 3),
        "halves"
    );
    assert!(!gives(FileType::Int32, i32::from, rows, 3), "whole numbers");
    assert!(!single((&[5, 4], &[0, 5, 4]), 3), "matrices");
    assert!(!single((&[5, 1], &[0, 4]), 3), "known rows of one feature");
    assert!(
        !single((&[5, 4], &[0, 1]), 3),
        "rows of one feature beside longer ones"
    );
}

#[test]
fn rows_of_any_length_are_left_to_the_loop() {
    for features in [1, 4] {
        let sizes: (&[i64], &[i64]) = (&[4, 4], &[2, -1]);
        assert!(!gives(FLOAT, f32::from, sizes, features));
    }
}

#[test]
fn nearest_neighbours_as_exported_hold_those_that_are_known() {
    for name in ["knn-classifier", "knn-regressor"] {
        let path = root().join("tests/fixtures/onnx").join(name);
        let bytes = std::fs::read(path.join("model.onnx")).unwrap();
        let proto = file::decode(&mut &bytes[..], bytes.len() as u64, &nowhere()).unwrap();
        assert_eq!(operator(proto), Some(1), "{name}");
    }
}
