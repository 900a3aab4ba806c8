//! What holds of every transform and ensemble: it gives what was foretold, never panics, and treats each row by itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use half::{bf16, f16};
use impresario_models::contract::{NonFinite, Side};
use impresario_models::{DataType, Dim, Element, Port, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::shown;
use crate::combine::{Fault, Labels, Op, Rule, Which, join, take};

/// A tensor of few different elements, so that there are ties; floats may be NaN or infinite.
pub(super) fn tensor(datatype: DataType, shape: Vec<usize>) -> BoxedStrategy<Tensor> {
    fn of<T: Element + std::fmt::Debug>(
        shape: Vec<usize>,
        element: impl Strategy<Value = T> + 'static,
    ) -> BoxedStrategy<Tensor> {
        let count: usize = shape.iter().product();
        let made = move |elements| Tensor::of(shape.clone(), elements).expect("as many");
        vec(element, count).prop_map(made).boxed()
    }
    let float = prop_oneof![
        8 => (-8..8i32).prop_map(|n| f64::from(n) / 2.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e5, 1e-9]),
    ];
    match datatype {
        DataType::Bool => of(shape, any::<bool>()),
        DataType::Uint8 => of(shape, 0..4u8),
        DataType::Uint16 => of(shape, 0..4u16),
        DataType::Uint32 => of(shape, 0..4u32),
        DataType::Uint64 => of(shape, prop_oneof![9 => 0..4u64, 1 => Just(u64::MAX)]),
        DataType::Int8 => of(shape, -2..4i8),
        DataType::Int16 => of(shape, -2..4i16),
        DataType::Int32 => of(shape, -2..4i32),
        DataType::Int64 => of(shape, prop_oneof![9 => -2..4i64, 1 => Just(i64::MIN)]),
        DataType::Fp16 => of(shape, float.prop_map(f16::from_f64)),
        DataType::Bf16 => of(shape, float.prop_map(bf16::from_f64)),
        DataType::Fp32 => of(shape, float.prop_map(|x| x as f32)),
        DataType::Fp64 => of(shape, float),
        DataType::Bytes => {
            let texts = [&b"a"[..], b"B", b" \xc3\x9f", b"7", b""];
            let text = prop::sample::select(texts.map(<[u8]>::to_vec).to_vec());
            of(shape, prop_oneof![49 => text, 1 => Just(vec![0xff])])
        }
    }
}

/// What a graph knows, and what comes in a request: free axes have sizes, which may not fit each other.
#[derive(Clone, Debug)]
struct Given {
    ports: Vec<Port>,
    tensors: Vec<Tensor>,
    batched: bool,
}

fn given() -> impl Strategy<Value = Given> {
    let axis = || (prop_oneof![9 => 1..4usize, 1 => Just(0)], any::<bool>());
    let some = prop_oneof![3 => Just(1), 2 => 1..4usize];
    let datatype = prop_oneof![
        3 => prop::sample::select(&DataType::ALL[..]),
        1 => Just(DataType::Fp32),
        2 => Just(DataType::Bytes),
    ];
    (
        datatype,
        vec(axis(), 0..4),
        some,
        any::<bool>(),
        prop_oneof![4 => Just(None), 1 => (0..3usize, 0..4usize).prop_map(Some)],
    )
        .prop_flat_map(|(datatype, axes, count, batched, odd)| {
            let dims: Vec<Dim> = axes
                .iter()
                .enumerate()
                .map(|(at, (size, free))| match *free || (batched && at == 0) {
                    true => Dim::Free(Some("n".into())),
                    false => Dim::Fixed(*size),
                })
                .collect();
            let shapes: Vec<Vec<usize>> = (0..count)
                .map(|member| {
                    let sizes = axes.iter().enumerate().map(|(at, (size, free))| {
                        let other = odd == Some((at, member)) && *free && !(batched && at == 0);
                        size + usize::from(other)
                    });
                    sizes.collect()
                })
                .collect();
            let labels = match dims.last() {
                Some(Dim::Fixed(size)) => (0..*size).map(|n| n.to_string()).collect(),
                _ => Default::default(),
            };
            let mut port = Port::new("x", datatype, dims);
            port.labels = labels;
            let tensors: Vec<_> = shapes.into_iter().map(|s| tensor(datatype, s)).collect();
            tensors.prop_map(move |tensors| {
                let mut ports = vec![port.clone(); tensors.len()];
                for (port, tensor) in ports.iter_mut().zip(&tensors) {
                    state(port, tensor);
                }
                Given {
                    ports,
                    tensors,
                    batched,
                }
            })
        })
}

/// Lets a port state what is so of a tensor.
fn state(port: &mut Port, tensor: &Tensor) {
    let bare = port.clone();
    port.non_finite = NonFinite::Forbidden;
    if port.check_values(Side::Input, tensor.values()).is_err() {
        *port = bare.clone();
    }
    port.range = Some((-2.0, 4.0));
    if port.check_values(Side::Input, tensor.values()).is_err() {
        port.range = None;
    }
    port.categories = Some(
        ["a", "B", "7", "", "1", "2", "3", "0"]
            .map(str::to_owned)
            .into(),
    );
    if port.check_values(Side::Input, tensor.values()).is_err() {
        port.categories = None;
    }
}

fn axis() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), (-3..3i64).prop_map(Some)]
}

fn op() -> impl Strategy<Value = Op> {
    let labels = || Just(Labels::from(["a", "B", "7"].map(str::to_owned).to_vec()));
    let constants = || {
        prop_oneof![
            Just(vec![0.5]),
            vec(prop_oneof![-2.0..-0.5, 0.5..2.0], 1..4)
        ]
    };
    let which = prop_oneof![
        (-4..4i64).prop_map(Which::Index),
        vec(-3..3i64, 0..4).prop_map(Which::Indices),
        (prop::option::of(-4..4i64), prop::option::of(-4..4i64))
            .prop_map(|(start, stop)| Which::Slice { start, stop }),
    ];
    prop_oneof![
        prop::sample::select(&DataType::ALL[..]).prop_map(Op::Cast),
        vec(
            prop_oneof![2 => Just(None), 3 => (0..5usize).prop_map(Some)],
            0..3
        )
        .prop_map(Op::Reshape),
        prop_oneof![
            Just(None),
            Just(vec![0, 1, 2]).prop_shuffle().prop_map(Some),
            Just(vec![0, -1]).prop_shuffle().prop_map(Some),
        ]
        .prop_map(Op::Transpose),
        (constants(), constants()).prop_map(|(mean, scale)| Op::Normalise { mean, scale }),
        (prop::option::of(-2..1i8), prop::option::of(0..3i8)).prop_map(|(low, high)| Op::Clip {
            low: low.map(f64::from),
            high: high.map(f64::from),
        }),
        Just(Op::Softmax),
        Just(Op::Sigmoid),
        Just(Op::Argmax),
        (0..4usize).prop_map(|k| Op::TopK { k }),
        (0..4usize).prop_map(|k| Op::TopKIndices { k }),
        axis().prop_map(|axis| Op::Concat { axis }),
        axis().prop_map(|axis| Op::Stack { axis }),
        (axis(), which).prop_map(|(axis, which)| Op::Select { axis, which }),
        (0..4usize).prop_map(|size| Op::OneHot { size }),
        (labels(), prop::option::of(Just("?".to_owned())))
            .prop_map(|(labels, default)| Op::Lookup { labels, default }),
        (labels(), prop::option::of(Just(-1)))
            .prop_map(|(labels, default)| Op::IndexOf { labels, default }),
        Just(Op::Lower),
        Just(Op::Upper),
        Just(Op::Trim),
        Just(Op::Length),
        Just(Op::Replace {
            from: "a".into(),
            to: "bb".into()
        }),
        Just(Op::ConcatText {
            separator: "-".into()
        }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let weights = || vec(prop_oneof![Just(0.0), 0.1..2.0], 1..4);
    prop_oneof![
        Just(Rule::Mean),
        weights().prop_map(|weights| Rule::Weighted { weights }),
        Just(Rule::Median),
        Just(Rule::Min),
        Just(Rule::Max),
        prop::option::of(weights()).prop_map(|weights| Rule::Vote { weights }),
        Just(Rule::First),
        Just(Rule::Concat),
        Just(Rule::Stack),
    ]
}

/// Checks what came out against what was foretold, and against the same computed of each row by itself.
fn check(
    port: &Port,
    given: &Given,
    got: &Result<Tensor, Fault>,
    apply: impl Fn(&[Tensor]) -> Result<Tensor, Fault>,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(&*port.name, "output");
    if let Ok(got) = got {
        let fits = port.check_header(Side::Output, got.datatype(), got.shape());
        prop_assert!(fits.is_ok(), "{fits:?}");
        let states = port.check_values(Side::Output, got.values());
        prop_assert!(states.is_ok(), "{states:?}");
        let labels = port.labels.len();
        prop_assert!(labels == 0 || got.shape().last() == Some(&labels));
    }
    let rows = given.tensors[0].shape().first().copied().unwrap_or(0);
    if !given.batched || rows == 0 {
        return Ok(());
    }
    let each: Result<Vec<Tensor>, Fault> = (0..rows)
        .map(|row| {
            let of: Vec<Tensor> = given.tensors.iter().map(|of| take(of, &[row])).collect();
            apply(&of)
        })
        .collect();
    match (got, each) {
        (Ok(got), Ok(each)) => {
            let places: Vec<[usize; 1]> = (0..rows).map(|row| [row]).collect();
            let parts: Vec<(&[usize], &Tensor)> =
                places.iter().map(|row| &row[..]).zip(&each).collect();
            let joined = join(rows, &parts);
            prop_assert_eq!(joined.as_ref().map(shown), Ok(shown(got)));
        }
        (got, each) => prop_assert_eq!(got.is_ok(), each.is_ok()),
    }
    Ok(())
}

/// How often each was computed.
type Counts = RefCell<BTreeMap<&'static str, usize>>;

/// Each was computed often; what never was, nothing here would test.
fn enough(counts: Counts, names: &[&'static str]) {
    let counts = counts.into_inner();
    let often: BTreeSet<_> = counts
        .iter()
        .filter(|(_, n)| **n >= 4)
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(often, names.iter().copied().collect(), "{counts:?}");
}

fn runner() -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(8000)
    })
}

#[test]
fn transforms_give_what_was_foretold_row_by_row() {
    let counts = Counts::default();
    let tested = runner().run(&(op(), given()), |(op, given)| {
        let apply = |of: &[Tensor]| op.apply(&of.iter().collect::<Vec<_>>(), given.batched);
        let got = apply(&given.tensors);
        let Ok(port) = op.output(&given.ports.iter().collect::<Vec<_>>(), given.batched) else {
            return Ok(());
        };
        if got.is_ok() {
            *counts.borrow_mut().entry(op.name()).or_default() += 1;
        }
        check(&port, &given, &got, apply)
    });
    tested.unwrap_or_else(|failure| panic!("{failure}"));
    enough(counts, &Op::NAMES);
}

#[test]
fn ensembles_give_what_was_foretold_row_by_row() {
    let counts = Counts::default();
    let there = vec(prop_oneof![4 => Just(true), 1 => Just(false)], 3);
    let tested = runner().run(&(rule(), given(), there), |(rule, given, there)| {
        let apply = |of: &[Tensor]| {
            let of = of.iter().zip(&there).map(|(of, there)| there.then_some(of));
            rule.apply(&of.collect::<Vec<_>>(), given.batched)
        };
        let got = apply(&given.tensors);
        let Ok(port) = rule.output(&given.ports.iter().collect::<Vec<_>>(), given.batched) else {
            return Ok(());
        };
        if got.is_ok() {
            *counts.borrow_mut().entry(rule.name()).or_default() += 1;
        }
        check(&port, &given, &got, apply)
    });
    tested.unwrap_or_else(|failure| panic!("{failure}"));
    enough(counts, &Rule::NAMES);
}
