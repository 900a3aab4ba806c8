//! Pairs of answers and what becomes of them, by tables; that parts add up is in `merge`, what the
//! counts say in `reports`.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use impresario_models::name::{Name, VersionNumber};
use impresario_models::{Batching, Contract, DataType, Dim, Element, Port, Tensor};

use super::*;

mod merge;
mod reports;

fn spec(examples: usize) -> Shadow {
    Shadow {
        model: Name::new("m").unwrap(),
        version: VersionNumber::ONE,
        sample: 1.0,
        noise: 0.0,
        tolerance: Tolerance {
            absolute: 0.01,
            relative: 0.1,
        },
        concurrency: 1,
        queue: 1,
        examples,
    }
}

/// A contract that nothing is checked against: names and datatypes of outputs only.
fn contract(outputs: &[(&str, DataType)]) -> Contract {
    let port =
        |(name, datatype): &(&str, DataType)| Port::new(name, *datatype, vec![Dim::Free(None)]);
    Contract {
        inputs: vec![Port::new("x", DataType::Fp32, vec![Dim::Free(None)])],
        outputs: outputs.iter().map(port).collect(),
        batching: Batching::FirstAxis { max: None },
    }
}

fn tensor<T: Element>(shape: &[usize], elements: &[T]) -> Tensor {
    Tensor::of(shape.to_vec(), elements.to_vec()).unwrap()
}

fn texts(texts: &[&str]) -> Tensor {
    Tensor::vector(
        texts
            .iter()
            .map(|t| t.as_bytes().to_vec())
            .collect::<Vec<_>>(),
    )
}

const FAILED: Failure<'_> = Failure {
    fault: Fault::Failed,
    what: "out of memory",
};

/// Compares single tensors, each pair on its own: how the pair differs, and what was counted.
fn check(pairs: &[(Tensor, Tensor)], expected: &Expect) {
    let mut lines = String::new();
    for (answered, other) in pairs {
        let mut comparison = Comparison::new(&spec(1));
        let contract = contract(&[("y", answered.datatype())]);
        let answer = |tensor| Answer {
            contract: &contract,
            result: Ok(std::slice::from_ref(tensor)),
            compute: None,
        };
        comparison.record(Pair {
            request: "r",
            inputs: &[],
            answered: answer(answered),
            other: answer(other),
        });
        let output = &comparison.shadow.outputs["y"];
        let flags = [
            ("datatype", output.datatype),
            ("shape", output.shape),
            ("exact", output.exact),
            ("within", output.within),
            ("agree", output.agree),
        ];
        let mut words: Vec<String> = Vec::new();
        words.extend(flags.iter().filter(|f| f.1 > 0).map(|f| f.0.to_owned()));
        if output.rows > 0 {
            words.push(format!("rows {}/{}", output.same, output.rows));
        }
        for (a, b, rows) in output.matrix.cells() {
            words.push(format!("{a}→{b}:{rows}"));
        }
        if let [example] = comparison.shadow.examples.kept() {
            words.push(format!("{} {:.3}", example.kind.as_str(), example.distance));
        }
        writeln!(lines, "{}", words.join(" ")).unwrap();
    }
    expected.assert_eq(&lines);
}

#[test]
fn numbers_without_labels_agree_within_the_tolerance() {
    let one = |value: f64| tensor(&[1, 1], &[value]);
    // 0.01 + 0.1 · |a|
    check(
        &[
            (one(1.0), one(1.0)),
            (one(1.0), one(1.1)),
            (one(1.0), one(1.12)),
            (one(0.0), one(0.009)),
            (one(0.0), one(-0.02)),
            (one(-0.0), one(0.0)),
            (one(f64::NAN), one(f64::NAN)),
            (one(f64::NAN), one(0.0)),
            (one(0.0), one(f64::NAN)),
            (one(f64::INFINITY), one(f64::INFINITY)),
            (one(f64::INFINITY), one(f64::NEG_INFINITY)),
            (one(f64::INFINITY), one(1.0)),
            (one(f64::MAX), one(-f64::MAX)),
        ],
        &expect![[r#"
            exact within agree
            within agree
            number 1.091
            within agree
            number 2.000
            exact within agree
            exact within agree
            number inf
            number inf
            exact within agree
            number inf
            number inf
            number inf
        "#]],
    );
}

#[test]
fn a_zero_tolerance_takes_what_is_equal_only() {
    let mut comparison = Comparison::new(&Shadow {
        tolerance: Tolerance {
            absolute: 0.0,
            relative: 0.0,
        },
        ..spec(1)
    });
    let contract = contract(&[("y", DataType::Fp64)]);
    for (a, b) in [(0.0, 0.0), (1.0, 1.0 + f64::EPSILON)] {
        let (a, b) = ([tensor(&[1, 1], &[a])], [tensor(&[1, 1], &[b])]);
        comparison.record(Pair {
            request: "r",
            inputs: &[],
            answered: answer(&contract, &a),
            other: answer(&contract, &b),
        });
    }
    assert_eq!(
        (comparison.shadow.agree, comparison.shadow.disagree()),
        (1, 1)
    );
    assert_eq!(comparison.shadow.examples.kept()[0].distance, f64::INFINITY);
}

#[test]
fn rows_of_numbers_name_the_place_of_the_largest() {
    let rows = |values: &[f32]| tensor(&[values.len() / 2, 2], values);
    check(
        &[
            (rows(&[0.9, 0.1]), rows(&[0.6, 0.4])),
            (rows(&[0.9, 0.1]), rows(&[0.4, 0.6])),
            (rows(&[0.9, 0.1, 0.2, 0.8]), rows(&[0.9, 0.1, 0.7, 0.3])),
            // The first of equals.
            (rows(&[0.5, 0.5]), rows(&[0.51, 0.49])),
            (rows(&[0.1, 0.9]), rows(&[f32::NAN, 0.9])),
            (rows(&[f32::NAN, 0.9]), rows(&[f32::NAN, 0.9])),
            // The first axis counts rows, so there is no class to name.
            (tensor(&[2], &[0.9f32, 0.1]), tensor(&[2], &[0.1f32, 0.9])),
            // Classes of each token.
            (
                tensor(&[1, 2, 2], &[1f32, 0., 0., 1.]),
                tensor(&[1, 2, 2], &[1f32, 0., 1., 0.]),
            ),
            (tensor(&[0, 2], &[0f32; 0]), tensor(&[0, 2], &[0f32; 0])),
        ],
        &expect![[r#"
            agree rows 1/1 #0→#0:1 number 15.000
            rows 0/1 #0→#1:1 label 25.000
            rows 1/2 #0→#0:1 #1→#0:1 label 16.667
            within agree rows 1/1 #0→#0:1
            rows 0/1 #1→NaN:1 label inf
            exact within agree rows 1/1 NaN→NaN:1
            number 40.000
            rows 1/2 #0→#0:1 #1→#0:1 label 100.000
            exact within agree
        "#]],
    );
}

#[test]
fn whole_numbers_and_texts_are_labels() {
    check(
        &[
            (tensor(&[3], &[1i64, 2, 3]), tensor(&[3], &[1i64, 2, 4])),
            (tensor(&[1], &[u64::MAX]), tensor(&[1], &[u64::MAX])),
            (texts(&["cat", "dog"]), texts(&["cat", "cow"])),
            (tensor(&[2], &[true, false]), tensor(&[2], &[true, true])),
            // Several in a row are the same or not.
            (
                tensor(&[2, 2], &[1i32, 2, 3, 4]),
                tensor(&[2, 2], &[1i32, 2, 3, 5]),
            ),
            (tensor(&[], &[7u8]), tensor(&[], &[8u8])),
            // Texts that differ behind the part that is kept are still not the same.
            (texts(&[&"a".repeat(99)]), texts(&[&("a".repeat(98) + "b")])),
            (tensor(&[0], &[0i8; 0]), tensor(&[0], &[0i8; 0])),
        ],
        &expect![[r#"
            rows 2/3 1→1:1 2→2:1 3→4:1 label 0.333
            exact within agree rows 1/1 18446744073709551615→18446744073709551615:1
            rows 1/2 cat→cat:1 dog→cow:1 label 0.500
            rows 1/2 false→true:1 true→true:1 label 0.500
            rows 1/2 label 0.500
            rows 0/1 7→8:1 label 1.000
            rows 0/1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa→aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1 label 1.000
            exact within agree
        "#]],
    );
}

#[test]
fn another_datatype_or_shape_breaks() {
    check(
        &[
            (tensor(&[1, 1], &[1f32]), tensor(&[1, 1], &[1f64])),
            (tensor(&[1, 1], &[1f32]), tensor(&[1], &[1f32])),
            (tensor(&[1, 2], &[1f32; 2]), tensor(&[1, 3], &[1f32; 3])),
        ],
        &expect![[r#"
            datatype contract inf
            shape contract inf
            shape contract inf
        "#]],
    );
}

fn answer<'a>(contract: &'a Contract, outputs: &'a [Tensor]) -> Answer<'a> {
    Answer {
        contract,
        result: Ok(outputs),
        compute: Some(1_000),
    }
}

#[test]
fn outputs_are_paired_by_name_and_a_new_one_harms_nobody() {
    let old = contract(&[("a", DataType::Fp32), ("b", DataType::Int8)]);
    let new = contract(&[
        ("c", DataType::Int8),
        ("b", DataType::Int8),
        ("a", DataType::Fp32),
    ]);
    let (a, b) = (tensor(&[1, 1], &[1f32]), tensor(&[1], &[5i8]));
    let answered = [a.clone(), b.clone()];
    let other = [tensor(&[1], &[0i8]), b, a];
    let mut comparison = Comparison::new(&spec(0));
    let pair = |answered, other| Pair {
        request: "r",
        inputs: &[],
        answered,
        other,
    };
    comparison.record(pair(answer(&old, &answered), answer(&new, &other)));
    assert_eq!(comparison.shadow.agree, 1);
    assert_eq!(comparison.report().finding, Finding::Alike);
    // The other way round one is missing.
    comparison.record(pair(answer(&new, &other), answer(&old, &answered)));
    assert_eq!(comparison.shadow.agree, 1);
    assert_eq!(comparison.shadow.outputs["c"].missing, 1);
    expect!["the shadow lacks output 'c' in 1 of 1 pairs: it agrees in 50.00 % of 2 pairs (0.00 % to 100.00 %); the answering version's own noise has not been measured; it takes 1.00 times as long, by the median"].assert_eq(&comparison.report().sentence());
}

#[test]
fn examples_are_the_worst_and_show_inputs_only_where_they_may() {
    let contract = contract(&[("y", DataType::Fp32)]);
    let x = [tensor(&[1, 3], &[1f32, 2.0, f32::NAN])];
    let one = [tensor(&[1, 1], &[1f32])];
    for asked in [0, 2] {
        let mut comparison = Comparison::new(&spec(asked));
        for n in 0..10u16 {
            let other = [tensor(&[1, 1], &[1.0 + f32::from(n)])];
            comparison.record(Pair {
                request: &format!("r{n}"),
                inputs: &x,
                answered: answer(&contract, &one),
                other: answer(&contract, &other),
            });
        }
        let kept = comparison.shadow.examples.kept();
        let ids: Vec<_> = kept.iter().map(|e| e.request.as_str()).collect();
        match asked {
            0 => assert_eq!(ids, ["r9", "r8", "r7"]),
            _ => assert_eq!(ids, ["r9", "r8"]),
        }
        let shown: Vec<_> = kept[0].inputs.iter().map(|e| e.values.as_str()).collect();
        match asked {
            0 => assert!(shown.is_empty()),
            _ => assert_eq!(shown, ["1.0, 2.0, NaN"]),
        }
        assert_eq!(kept[0].answered[0].values, "1.0");
        assert_eq!(kept[0].other[0].values, "10.0");
    }
}

#[test]
fn examples_stay_small_whatever_they_show() {
    let contract = contract(&[("y", DataType::Bytes)]);
    let x = [tensor(&[1, 100_000], &vec![0.123_456_7f32; 100_000])];
    let mut comparison = Comparison::new(&spec(100));
    for n in 0..300 {
        let long = "ä".repeat(50_000);
        let answers = [texts(&["a"]), texts(&[&format!("{n}{long}")])];
        comparison.record(Pair {
            request: &format!("{n:03}{}", "i".repeat(1_000)),
            inputs: &x,
            answered: answer(&contract, &answers[..1]),
            other: match n % 2 {
                0 => answer(&contract, &answers[1..]),
                _ => Answer {
                    result: Err(Failure {
                        fault: Fault::Refused,
                        what: &long,
                    }),
                    ..answer(&contract, &[])
                },
            },
        });
    }
    let kept = comparison.shadow.examples.kept();
    let bytes = |e: &Example| {
        let excerpts = e.inputs.iter().chain(&e.answered).chain(&e.other);
        let text: usize = excerpts.map(|e| e.name.len() + e.values.len()).sum();
        text + e.request.len() + e.failure.as_ref().map_or(0, String::len)
    };
    assert_eq!(kept.len(), 200);
    let all: usize = kept.iter().map(bytes).sum();
    assert!(all <= 256 * 1024, "{all}");
    assert!(kept[0].inputs[0].values.ends_with('…'), "{:?}", kept[0]);
}

#[test]
fn latencies_are_compared_pair_by_pair() {
    let contract = contract(&[("y", DataType::Fp32)]);
    let y = [tensor(&[1, 1], &[1f32])];
    let mut comparison = Comparison::new(&spec(0));
    for (answering, other) in [
        (Some(1_000_000), Some(2_000_000)),
        (Some(10_000_000), Some(20_000_000)),
        (None, Some(1)),
        (Some(1), None),
    ] {
        let took = |compute| Answer {
            compute,
            ..answer(&contract, &y)
        };
        comparison.record(Pair {
            request: "r",
            inputs: &[],
            answered: took(answering),
            other: took(other),
        });
    }
    let report = comparison.report();
    assert_eq!((report.answering.count, report.ratio.count), (2, 2));
    let close = |value: Option<f64>, to: f64| (value.unwrap() / to - 1.0).abs() < 0.04;
    assert!(
        close(report.ratio.p50, 2.0) && close(report.ratio.max, 2.0),
        "{report:?}"
    );
    assert!(close(report.answering.max, 1e7), "{report:?}");
}

#[test]
fn classes_have_the_contracts_names() {
    let mut contract = contract(&[("y", DataType::Fp32)]);
    contract.outputs[0].labels = vec!["cat".to_owned(), "dog".to_owned()].into();
    let answers = [
        tensor(&[1, 3], &[0f32, 1.0, 0.5]),
        tensor(&[1, 3], &[0f32, 0.5, 1.0]),
    ];
    let mut comparison = Comparison::new(&spec(0));
    comparison.record(Pair {
        request: "r",
        inputs: &[],
        answered: answer(&contract, &answers[..1]),
        other: answer(&contract, &answers[1..]),
    });
    let output = &comparison.shadow.outputs["y"];
    let cells = output.matrix.cells();
    let cells: Vec<_> = cells
        .map(|(a, b, rows)| (a.named(&output.classes), b.named(&output.classes), rows))
        .collect();
    assert_eq!(cells, [("dog".to_owned(), "#2".to_owned(), 1)]);
}
