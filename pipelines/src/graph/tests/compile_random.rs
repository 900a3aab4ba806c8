//! Composites at random: whatever they are made of, something is said of them, and those that are graphs keep their promises.

use std::collections::BTreeSet;
use std::sync::Arc;

use impresario_models::{DataType, Dim, Name, Port, VersionNumber};
use proptest::prelude::*;

use super::compile::Fakes;
use crate::bucket::Weight;
use crate::combine::{Op, Rule};
use crate::graph::{Branch, Drawing, Feed, Graph, Trouble, Work, compile, outline};
use crate::spec::Composite;
use crate::spec::composite::{Callee, Case, Node, OnError, Reference, Task, Terms};

/// Nodes are called `n0`, `n1` and so on; now and then one is named that there is not.
const NODES: usize = 7;

fn node_name() -> impl Strategy<Value = Arc<str>> {
    (0..=NODES).prop_map(|place| format!("n{place}").into())
}

fn reference() -> impl Strategy<Value = Reference> {
    let port = prop::sample::select(vec!["output", "probability", "y"]);
    prop_oneof![
        12 => Just(Reference::Request("x".into())),
        1 => Just(Reference::Request("z".into())),
        16 => (node_name(), prop::option::weighted(0.1, port)).prop_map(|(node, port)| {
            let port = port.map(Arc::from);
            Reference::Node { node, port }
        }),
    ]
}

fn expression() -> impl Strategy<Value = Arc<str>> {
    let texts = [
        "true",
        "request.parameters.tier == 'gold'",
        "request.x.max() > 0.5",
        "n0.probability.max() > 0.5",
        "n1 > 1",
        "n2.output",
        "(",
    ];
    prop::sample::select(texts.to_vec()).prop_map(Arc::from)
}

fn task() -> impl Strategy<Value = Task> {
    // Those that are there more than once are called more often.
    let models = vec![
        "linear", "linear", "forest", "forest", "net", "net", "grades", "strong", "scaler",
        "double", "whole", "pair", "late", "none",
    ];
    let named = prop_oneof![20 => Just("x"), 1 => Just("w")].prop_map(Arc::<str>::from);
    let call = (
        prop::sample::select(models),
        prop::option::weighted(0.2, 1_u64..5),
        prop::collection::btree_map(named, reference(), 0..2),
    );
    let rule = prop::sample::select(vec![Rule::Mean, Rule::First, Rule::Concat]);
    let op = prop::sample::select(vec![
        Op::Softmax,
        Op::Sigmoid,
        Op::Argmax,
        Op::Concat { axis: None },
        Op::Lower,
    ]);
    let of = || prop::collection::vec(reference(), 1..3);
    let case = (prop::option::of(expression()), node_name());
    let case = case.prop_map(|(when, call)| Case { when, call });
    let half = Weight::new(5_000).unwrap();
    prop_oneof![
        4 => call.prop_map(|(model, version, inputs)| Task::Call {
            callee: Callee::Model {
                model: Name::new(model).unwrap(),
                version: version.and_then(VersionNumber::new),
            },
            inputs: inputs.into_iter().collect(),
        }),
        2 => (rule, of(), prop::option::weighted(0.2, 0_usize..3))
            .prop_map(|(rule, of, quorum)| Task::Ensemble { rule, of, quorum }),
        2 => (op, of()).prop_map(|(op, of)| Task::Transform { op, of }),
        1 => prop::collection::vec(case, 1..3).prop_map(Task::Switch),
        1 => [node_name(), node_name()].prop_map(move |arms| Task::Splitter {
            arms: arms.into_iter().map(|arm| (arm, half)).collect(),
            seed: "s".into(),
        }),
        1 => expression().prop_map(|expression| Task::Map { expression, datatype: None }),
    ]
}

fn composite() -> impl Strategy<Value = Composite> {
    let on_error = prop_oneof![
        8 => Just(OnError::Fail),
        1 => Just(OnError::Skip),
        1 => node_name().prop_map(OnError::Fallback),
    ];
    let node = (task(), prop::option::weighted(0.1, expression()), on_error);
    let nodes = prop::collection::vec(node, 1..=NODES);
    let outputs = prop::collection::vec(reference(), 1..4);
    let (stated, tame) = (prop::bool::ANY, prop::bool::weighted(0.8));
    (nodes, outputs, stated, tame).prop_map(|(nodes, outputs, stated, tame)| {
        let node = |(place, (task, when, on_error)): (usize, (Task, _, _))| Node {
            name: format!("n{place}").into(),
            task,
            terms: Terms {
                when,
                on_error,
                ..Terms::default()
            },
        };
        let shape = vec![Dim::Free(None), Dim::Fixed(4)];
        let x = Port::new("x", DataType::Fp32, shape);
        let outputs = outputs.into_iter().enumerate();
        let mut composite = Composite {
            model: Name::new("credit").unwrap(),
            version: None,
            inputs: if stated { vec![x] } else { vec![] },
            nodes: nodes.into_iter().enumerate().map(node).collect(),
            outputs: outputs
                .map(|(place, of)| (format!("o{place}").into(), of))
                .collect(),
        };
        if tame {
            self::tame(&mut composite);
        }
        composite
    })
}

/// Lets nodes name only those before them, and outputs all that nobody names, so that more are graphs.
fn tame(composite: &mut Composite) {
    let mut named = BTreeSet::new();
    let mut before = |name: &mut Arc<str>, place: usize| {
        let number: usize = name[1..].parse().unwrap();
        *name = format!("n{}", number % place.max(1)).into();
        named.insert(Arc::clone(name));
    };
    for (place, node) in composite.nodes.iter_mut().enumerate() {
        match &mut node.task {
            Task::Call { inputs, .. } => {
                for (_, of) in inputs {
                    match of {
                        Reference::Node { node, .. } if place > 0 => before(node, place),
                        _ => *of = Reference::Request("x".into()),
                    }
                }
            }
            Task::Ensemble { of, .. } | Task::Transform { of, .. } => {
                for of in of {
                    match of {
                        Reference::Node { node, .. } if place > 0 => before(node, place),
                        _ => *of = Reference::Request("x".into()),
                    }
                }
            }
            Task::Switch(cases) => cases
                .iter_mut()
                .for_each(|case| before(&mut case.call, place)),
            Task::Splitter { arms, .. } => arms.iter_mut().for_each(|(arm, _)| before(arm, place)),
            Task::Map { .. } => {}
        }
        if let OnError::Fallback(to) = &mut node.terms.on_error {
            before(to, place);
        }
    }
    let ends = composite.nodes.iter().map(|node| &node.name);
    let ends = ends.filter(|name| !named.contains(*name)).enumerate();
    composite.outputs = ends
        .map(|(place, node)| {
            let (node, port) = (Arc::clone(node), None);
            (format!("o{place}").into(), Reference::Node { node, port })
        })
        .collect();
}

fn keeps_its_promises(graph: &Graph) {
    for (place, node) in graph.nodes.iter().enumerate() {
        let earlier = |feed: &Feed| match *feed {
            Feed::Input(input) => assert!(input < graph.contract.inputs.len()),
            Feed::Port(id, port) => {
                assert!(id.index() < place && port < graph.node(id).ports.len());
            }
        };
        let alike = |branch: &Branch| {
            assert!(branch.node.index() < place);
            let theirs = &graph.node(branch.node).ports;
            assert_eq!(branch.ports.len(), node.ports.len());
            for (own, place) in node.ports.iter().zip(&branch.ports) {
                let other = &theirs[*place];
                assert_eq!((&own.name, own.datatype), (&other.name, other.datatype));
                assert_eq!(own.shape.len(), other.shape.len());
            }
        };
        let read = node.when.iter().flat_map(|when| &when.of);
        read.for_each(earlier);
        match &node.work {
            Work::Call {
                inputs, contract, ..
            } => {
                inputs.iter().for_each(earlier);
                assert_eq!(inputs.len(), contract.inputs.len());
                assert_eq!(node.ports.len(), contract.outputs.len());
            }
            Work::Ensemble { of, quorum, .. } => {
                of.iter().for_each(earlier);
                assert!((1..=of.len()).contains(quorum));
            }
            Work::Transform { of, .. } => of.iter().for_each(earlier),
            Work::Map { expression, .. } => expression.of.iter().for_each(earlier),
            Work::Switch(cases) => {
                for (when, branch) in cases {
                    let read = when.iter().flat_map(|when| &when.of);
                    read.for_each(earlier);
                    alike(branch);
                }
            }
            Work::Splitter { arms, .. } => arms.iter().for_each(alike),
        }
        if let OnError::Fallback(branch) = &node.on_error {
            alike(branch);
        }
    }
    assert_eq!(graph.outputs.len(), graph.contract.outputs.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_composite_is_a_graph_or_told_why_not(composite in composite()) {
        let outlined = outline(&composite);
        if let Ok(outline) = &outlined {
            prop_assert_eq!(outline.order.len(), composite.nodes.len());
            let _ = Drawing::outlined("credit", &composite, outline).dot();
        }
        match compile(&composite, &Fakes) {
            Ok(graph) => {
                prop_assert!(outlined.is_ok());
                prop_assert_eq!(graph.nodes.len(), composite.nodes.len());
                keeps_its_promises(&graph);
                let _ = Drawing::compiled("credit", &graph).mermaid();
            }
            Err(Trouble::Waiting(callees)) => prop_assert!(outlined.is_ok() && !callees.is_empty()),
            Err(Trouble::Wrong(problems)) => {
                prop_assert!(problems.is_sorted_by(|a, b| a.at <= b.at));
                prop_assert!(!problems.is_empty());
                // What is told of names is told with the contracts at hand too.
                for problem in outlined.err().into_iter().flatten() {
                    prop_assert!(problems.contains(&problem));
                }
            }
        }
    }
}
