//! What the tables of compiled composites have in common: models to call, and what is told of a text. Sound composites.

use std::sync::Arc;

use expect_test::{Expect, expect};
use impresario_models::contract::NonFinite;
use impresario_models::{Batching, Contract, DataType, Dim, Name, Port};

use crate::graph::{Answer, Contracts, Drawing, Graph, Trouble, Unknown, compile};
use crate::spec::composite::Callee;
use crate::spec::{Composite, Format, Policy, Source};

/// A composite of the pipeline `credit`, in YAML.
pub(super) fn composite(text: &str) -> Composite {
    let source = Source {
        file: "a.yaml".to_owned(),
        text: &document(text),
        format: Format::Yaml,
    };
    let compiled = match crate::spec::compile(&[source]) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{}", lines(problems)),
    };
    let name = Name::new("credit").unwrap();
    match compiled.pipelines()[&name].pipeline().policy() {
        Policy::Composite(composite) => Composite::clone(composite),
        _ => panic!("expected a composite"),
    }
}

/// The file that a composite's text is a part of.
pub(super) fn document(text: &str) -> String {
    let mut document =
        String::from("version: 1\npipelines:\n  credit:\n    policy:\n      type: composite\n");
    for line in text.lines() {
        document += &format!("      {line}\n");
    }
    document
}

pub(super) fn lines<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let line = |item: T| item.to_string() + "\n";
    items.into_iter().map(line).collect()
}

/// What is told of a composite: its problems, whom it waits for, or what it is.
pub(super) fn told(composite: &Composite) -> String {
    match compile(composite, &Fakes) {
        Ok(graph) => Drawing::compiled("credit", &graph).text(),
        Err(Trouble::Wrong(problems)) => lines(problems),
        Err(Trouble::Waiting(callees)) => format!("waits for {}", lines(callees)),
    }
}

pub(super) fn check(text: &str, expected: Expect) {
    expected.assert_eq(&told(&composite(text)));
}

pub(super) fn graph(text: &str) -> Graph {
    match compile(&composite(text), &Fakes) {
        Ok(graph) => graph,
        Err(trouble) => panic!("{trouble:?}"),
    }
}

/// Models and pipelines that are known.
pub(super) struct Fakes;

const MODELS: [&str; 13] = [
    "scaler", "linear", "forest", "net", "strong", "double", "whole", "pair", "words", "bounded",
    "grades", "turned", "late",
];

impl Contracts for Fakes {
    fn contract(&self, callee: &Callee) -> Answer {
        let known = || MODELS.iter().map(|name| (*name).to_owned()).collect();
        match callee {
            Callee::Model {
                version: Some(version),
                ..
            } if version.get() > 3 => Answer::Unknown {
                what: Unknown::Version,
                known: vec!["1".to_owned(), "2".to_owned(), "3".to_owned()],
            },
            Callee::Model { model, .. } if model.as_str() == "late" => Answer::NotYet,
            Callee::Model { model, .. } => match contract(model.as_str()) {
                Some(contract) => Answer::Known(Arc::new(contract)),
                None => Answer::Unknown {
                    what: Unknown::Model,
                    known: known(),
                },
            },
            Callee::Pipeline(name) => match name.as_str() {
                "risk" => Answer::Known(Arc::new(contract("linear").unwrap())),
                "around" => Answer::Around(
                    ["around", "risk", "credit"]
                        .map(|name| Name::new(name).unwrap())
                        .to_vec(),
                ),
                _ => Answer::Unknown {
                    what: Unknown::Pipeline,
                    known: vec!["risk".to_owned(), "around".to_owned()],
                },
            },
        }
    }
}

fn contract(model: &str) -> Option<Contract> {
    use DataType::{Bytes, Fp32, Fp64, Int64};
    let port = |name: &str, datatype, axes: &[&str]| {
        let dim = |axis: &&str| match (*axis, axis.parse()) {
            ("-1", _) => Dim::Free(None),
            (_, Ok(size)) => Dim::Fixed(size),
            (name, Err(_)) => Dim::Free(Some(name.into())),
        };
        Port::new(name, datatype, axes.iter().map(dim).collect())
    };
    let labelled = |port: Port, labels: &[&str]| Port {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..port
    };
    let x = || port("x", Fp32, &["-1", "4"]);
    let chances = || labelled(port("probability", Fp32, &["-1", "2"]), &["no", "yes"]);
    let (inputs, outputs) = match model {
        "scaler" => (vec![x()], vec![port("y", Fp32, &["-1", "4"])]),
        "linear" | "forest" | "net" => (vec![x()], vec![chances()]),
        "strong" => (vec![x()], vec![port("label", Int64, &["-1"]), chances()]),
        "double" => (
            vec![port("x", Fp64, &["-1", "4"])],
            vec![port("probability", Fp64, &["-1", "2"])],
        ),
        "whole" => (
            vec![port("x", Fp32, &["-1", "4"])],
            vec![
                port("probability", Fp32, &["-1", "2"]),
                port("score", Fp32, &["-1"]),
            ],
        ),
        "pair" => (
            vec![port("a", Fp32, &["-1", "n"]), port("b", Fp32, &["-1", "n"])],
            vec![port("c", Fp32, &["-1", "n"]), port("d", Fp32, &["-1", "m"])],
        ),
        "words" => (
            vec![Port {
                categories: Some(["Rome".to_owned(), "Oslo".to_owned()].into()),
                ..port("city", Bytes, &["-1"])
            }],
            vec![port("x", Fp32, &["-1", "4"])],
        ),
        "bounded" => (
            vec![Port {
                range: Some((0.0, 1.0)),
                non_finite: NonFinite::Forbidden,
                ..x()
            }],
            vec![Port {
                range: Some((5.0, 9.0)),
                ..port("score", Fp32, &["-1", "4"])
            }],
        ),
        "grades" => (vec![x()], vec![port("label", Int64, &["-1"])]),
        "turned" => (vec![x()], vec![labelled(chances(), &["yes", "no"])]),
        _ => return None,
    };
    Some(Contract {
        inputs,
        outputs,
        batching: match model {
            "whole" => Batching::None,
            "forest" => Batching::FirstAxis {
                max: std::num::NonZeroUsize::new(8),
            },
            "net" => Batching::FirstAxis {
                max: std::num::NonZeroUsize::new(32),
            },
            _ => Batching::FirstAxis { max: None },
        },
    })
}

#[test]
fn a_sound_composite_has_types_an_order_and_a_contract() {
    check(
        r#"
nodes:
  vote: { ensemble: mean, of: [linear.probability, forest.probability, net], quorum: 2 }
  linear: { model: linear, inputs: { x: scaled } }
  forest: { model: forest, version: 2, inputs: { x: scaled.y }, timeout: 20ms, on_error: skip }
  net: { model: net, inputs: { x: scaled.y }, retry: { attempts: 3 }, on_error: { fallback: spare } }
  spare: { pipeline: risk, inputs: { x: scaled } }
  scaled: { model: scaler, inputs: { x: request.features } }
outputs: { probability: vote.output, features: request.features }
"#,
        expect![[r#"
            credit
              by row, at most 8 in a request
            inputs
              features: FP32 [-1, 4]
            nodes
              scaled: model 'scaler'
                x = request.features
                gives y: FP32 [-1, 4]
              forest: model 'forest' version 2
                x = scaled.y
                timeout 20ms
                skipped where it fails
                gives probability: FP32 [-1, 2]
              linear: model 'linear'
                x = scaled.y
                gives probability: FP32 [-1, 2]
              spare: pipeline 'risk'
                x = scaled.y
                gives probability: FP32 [-1, 2]
              net: model 'net'
                x = scaled.y
                falls back to spare
                up to 3 attempts, the second after 2ms
                gives probability: FP32 [-1, 2]
              vote: mean of 3, quorum 2
                of linear.probability
                of forest.probability
                of net.probability
                gives output: FP32 [-1, 2]
            outputs
              features: FP32 [-1, 4] = request.features
              probability: FP32 [-1, 2] = vote.output
        "#]],
    );
}

#[test]
fn a_branch_gives_what_all_branches_share() {
    check(
        r#"
nodes:
  cheap: { model: linear }
  strong: { model: strong }
  route: { switch: [ { when: "cheap.probability.max() > 0.9", call: cheap }, { else: strong } ] }
  gold: { model: strong, when: "request.parameters.tier == 'gold'", on_error: { default: { label: -1, probability: [0.5, 0.5] } } }
  ab: { splitter: [ { call: route, weight: 90 }, { call: gold, weight: 10 } ] }
outputs: { probability: ab }
"#,
        expect![[r#"
            credit
              by row
            inputs
              x: FP32 [-1, 4]
            nodes
              cheap: model 'linear'
                x = request.x
                gives probability: FP32 [-1, 2]
              gold: model 'strong'
                when request.parameters.tier == 'gold'
                x = request.x
                its default where it fails
                gives label: INT64 [-1]
                gives probability: FP32 [-1, 2]
              strong: model 'strong'
                x = request.x
                gives label: INT64 [-1]
                gives probability: FP32 [-1, 2]
              route: switch
                cheap when cheap.probability.max() > 0.9
                strong otherwise
                gives probability: FP32 [-1, 2]
              ab: splitter
                route 90 %
                gold 10 %
                gives probability: FP32 [-1, 2]
            outputs
              probability: FP32 [-1, 2] = ab.probability
        "#]],
    );
}

#[test]
fn maps_and_transforms_have_types() {
    check(
        r#"
inputs: [ { name: amount, datatype: FP32, shape: [-1] } ]
nodes:
  cheap: { model: linear }
  score: { map: "request.amount * 0.01 + cheap.probability[1]", as: FP32 }
  sure: { map: "score > 0.5" }
  class: { transform: argmax, of: cheap }
  name: { transform: lookup, of: class, labels: [no, yes] }
outputs: { score: score, sure: sure, class: class.output, name: name }
"#,
        expect![[r#"
            credit
              by row
            inputs
              amount: FP32 [-1]
              x: FP32 [-1, 4]
            nodes
              cheap: model 'linear'
                x = request.x
                gives probability: FP32 [-1, 2]
              class: transform argmax
                of cheap.probability
                gives output: INT64 [-1]
              name: transform lookup
                of class.output
                gives output: BYTES [-1]
              score: map request.amount * 0.01 + cheap.probability[1]
                of request.amount
                of cheap.probability
                gives output: FP32 [-1]
              sure: map score > 0.5
                of score.output
                gives output: BOOL [-1]
            outputs
              class: INT64 [-1] = class.output
              name: BYTES [-1] = name.output
              score: FP32 [-1] = score.output
              sure: BOOL [-1] = sure.output
        "#]],
    );
}

#[test]
fn a_graph_of_one_that_does_not_batch_does_not() {
    check(
        r#"
nodes:
  whole: { model: whole }
  linear: { model: linear }
  route: { switch: [ { when: "whole.probability.max() > 0.9", call: whole }, { else: linear } ] }
outputs: { probability: route }
"#,
        expect![[r#"
            credit
              each request as a whole
            inputs
              x: FP32 [rows, 4]
            nodes
              linear: model 'linear'
                x = request.x
                gives probability: FP32 [rows, 2]
              whole: model 'whole'
                x = request.x
                gives probability: FP32 [-1, 2]
                gives score: FP32 [-1]
              route: switch
                whole when whole.probability.max() > 0.9
                linear otherwise
                gives probability: FP32 [-1, 2]
            outputs
              probability: FP32 [-1, 2] = route.probability
        "#]],
    );
    check(
        r#"
inputs: [ { name: x, datatype: FP32, shape: [3, 4] } ]
nodes:
  linear: { model: linear }
outputs: { probability: linear }
"#,
        expect![[r#"
            credit
              each request as a whole
            inputs
              x: FP32 [3, 4]
            nodes
              linear: model 'linear'
                x = request.x
                gives probability: FP32 [3, 2]
            outputs
              probability: FP32 [3, 2] = linear.probability
        "#]],
    );
}

#[test]
fn a_contract_that_is_not_known_yet_is_waited_for() {
    check(
        r#"
nodes:
  late: { model: late, inputs: { x: scaled } }
  again: { model: late, version: 2 }
  scaled: { model: scaler }
  both: { ensemble: mean, of: [late, again] }
  sum: { map: "late.score + again.score" }
  route: { switch: [ { when: "late.score > 0.5", call: late }, { else: again } ] }
outputs: { both: both, sum: sum, route: route, twice: again }
"#,
        expect![[r#"
            waits for model 'late' version 2
            model 'late'
        "#]],
    );
    // What is wrong is told all the same.
    check(
        r#"
nodes:
  late: { model: late, inputs: { x: scaled.z } }
  scaled: { model: scaler }
outputs: { both: late }
"#,
        expect![[r#"
            waits for model 'late'
        "#]],
    );
}
