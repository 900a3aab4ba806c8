//! Against the numbers of NumPy and SciPy, which `tests/reference/combine.py` printed.

use std::collections::BTreeSet;

use impresario_models::tensor::json::{Null, Written};
use impresario_models::{DataType, Tensor, Values};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::combine::{Labels, Op, Rule, Which};

#[derive(Deserialize)]
struct Cases {
    transforms: Vec<Case>,
    ensembles: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    what: String,
    settings: Map<String, Value>,
    of: Vec<Box<RawValue>>,
    batched: bool,
    gives: Box<RawValue>,
}

fn cases() -> Cases {
    let text = include_str!("../../../../tests/reference/combine.json");
    serde_json::from_str(text).expect("the cases are JSON")
}

fn tensor(raw: &RawValue) -> Tensor {
    let written: Written = serde_json::from_str(raw.get()).expect("a tensor");
    written.decode(Null::NotANumber).expect("its elements")
}

impl Case {
    fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        let value = self.settings.get(name)?;
        Some(serde_json::from_value(value.clone()).expect("a setting"))
    }

    fn op(&self) -> Op {
        let labels = || Labels::from(self.get::<Vec<String>>("labels").unwrap());
        let axis = self.get("axis");
        match self.what.as_str() {
            "cast" => Op::Cast(self.get("to").unwrap()),
            "reshape" => {
                let shape: Vec<i64> = self.get("shape").unwrap();
                Op::Reshape(shape.iter().map(|n| usize::try_from(*n).ok()).collect())
            }
            "transpose" => Op::Transpose(self.get("axes")),
            "normalise" => Op::Normalise {
                mean: self.get("mean").unwrap(),
                scale: self.get("scale").unwrap(),
            },
            "clip" => Op::Clip {
                low: self.get("low"),
                high: self.get("high"),
            },
            "softmax" => Op::Softmax,
            "sigmoid" => Op::Sigmoid,
            "argmax" => Op::Argmax,
            "top_k" => Op::TopK {
                k: self.get("k").unwrap(),
            },
            "top_k_indices" => Op::TopKIndices {
                k: self.get("k").unwrap(),
            },
            "concat" => Op::Concat { axis },
            "stack" => Op::Stack { axis },
            "select" => Op::Select {
                axis,
                which: match (self.get("index"), self.get("indices")) {
                    (Some(index), _) => Which::Index(index),
                    (_, Some(indices)) => Which::Indices(indices),
                    _ => Which::Slice {
                        start: self.get("start"),
                        stop: self.get("stop"),
                    },
                },
            },
            "one_hot" => Op::OneHot {
                size: self.get("size").unwrap(),
            },
            "lookup" => Op::Lookup {
                labels: labels(),
                default: self.get("default"),
            },
            "index_of" => Op::IndexOf {
                labels: labels(),
                default: self.get("default"),
            },
            "lower" => Op::Lower,
            "upper" => Op::Upper,
            "trim" => Op::Trim,
            "replace" => Op::Replace {
                from: self.get("from").unwrap(),
                to: self.get("to").unwrap(),
            },
            "concat_text" => Op::ConcatText {
                separator: self.get("separator").unwrap(),
            },
            "length" => Op::Length,
            other => panic!("no transform {other}"),
        }
    }

    fn rule(&self) -> Rule {
        match self.what.as_str() {
            "mean" => Rule::Mean,
            "weighted" => Rule::Weighted {
                weights: self.get("weights").unwrap(),
            },
            "median" => Rule::Median,
            "min" => Rule::Min,
            "max" => Rule::Max,
            "vote" => Rule::Vote {
                weights: self.get("weights"),
            },
            "concat" => Rule::Concat,
            "stack" => Rule::Stack,
            other => panic!("no ensemble {other}"),
        }
    }
}

/// The same; floats within a few units in their last place of the largest that occurs.
fn check(what: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.datatype(), theirs.datatype(), "{what}");
    assert_eq!(ours.shape(), theirs.shape(), "{what}");
    let close = |a: f64, b: f64, unit: f64| {
        (a.is_nan() && b.is_nan()) || (a - b).abs() <= 4.0 * unit * a.abs().max(b.abs()).max(1e-3)
    };
    let good = match (ours.values(), theirs.values()) {
        (Values::Fp32(a), Values::Fp32(b)) => a
            .iter()
            .zip(b)
            .all(|(a, b)| close((*a).into(), (*b).into(), f32::EPSILON.into())),
        (Values::Fp64(a), Values::Fp64(b)) => {
            a.iter().zip(b).all(|(a, b)| close(*a, *b, f64::EPSILON))
        }
        (ours, theirs) => ours == theirs,
    };
    assert!(good, "{what}:\n{ours:?}\nis not\n{theirs:?}");
}

#[test]
fn transforms_are_those_of_numpy_and_scipy() {
    let mut seen = BTreeSet::new();
    for case in cases().transforms {
        let of: Vec<Tensor> = case.of.iter().map(|raw| tensor(raw)).collect();
        let op = case.op();
        let ours = op.apply(&of.iter().collect::<Vec<_>>(), case.batched);
        let ours = ours.unwrap_or_else(|fault| panic!("{op:?}: {fault}"));
        check(&format!("{op:?}"), &ours, &tensor(&case.gives));
        assert_eq!(op.name(), case.what);
        seen.insert(op.name());
    }
    assert_eq!(seen, BTreeSet::from(Op::NAMES));
}

#[test]
fn ensembles_are_those_of_numpy() {
    let mut seen = BTreeSet::from([Rule::First.name()]);
    for case in cases().ensembles {
        let of: Vec<Tensor> = case.of.iter().map(|raw| tensor(raw)).collect();
        let rule = case.rule();
        let ours = rule.apply(&of.iter().map(Some).collect::<Vec<_>>(), case.batched);
        let ours = ours.unwrap_or_else(|fault| panic!("{rule:?}: {fault}"));
        check(&format!("{rule:?}"), &ours, &tensor(&case.gives));
        assert_eq!(rule.name(), case.what);
        seen.insert(rule.name());
    }
    assert_eq!(seen, BTreeSet::from(Rule::NAMES));
}

#[test]
fn a_cast_takes_every_datatype_to_every_other() {
    for from in DataType::ALL {
        let truths = Tensor::vector(vec![true, false]);
        let text = match from {
            DataType::Bool => "[true, false]".to_owned(),
            DataType::Bytes => r#"["1", "0"]"#.to_owned(),
            _ => "[1, 0]".to_owned(),
        };
        let of: Written = serde_json::from_str(&format!(
            r#"{{"name": "x", "datatype": "{from}", "shape": [2], "data": {text}}}"#
        ))
        .unwrap();
        let of = of.decode(Null::Refused).unwrap();
        for to in DataType::ALL {
            let made = Op::Cast(to).apply(&[&of], true);
            if (from, to) == (DataType::Bytes, DataType::Bool) {
                assert!(made.is_err(), "texts are true and false, not 1 and 0");
                continue;
            }
            let made = made.unwrap_or_else(|fault| panic!("{from} to {to}: {fault}"));
            assert_eq!(made.datatype(), to);
            if to != DataType::Bytes {
                let back = Op::Cast(DataType::Bool).apply(&[&made], true);
                assert_eq!(back.as_ref(), Ok(&truths));
            }
        }
    }
}
