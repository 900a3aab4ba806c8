//! Labels, rows and axes: what concerns more than the elements of a port.

use expect_test::expect;
use impresario_models::DataType::{Fp32, Int64};

use super::*;

#[test]
fn labels_are_the_meaning_of_columns() {
    let labelled = |labels: &[&str]| {
        let mut port = port("scores", Fp32, "? 2");
        port.labels = names(labels);
        contract(&[], &[port])
    };
    check(
        &labelled(&[]),
        &labelled(&["cat", "dog"]),
        &expect![[r#"
            widening
            widening [labels] output 'scores': expected no labels, got labels 'cat', 'dog'
        "#]],
    );
    check(
        &labelled(&["cat", "dog"]),
        &labelled(&[]),
        &expect![[r#"
            breaking
            breaking [labels] output 'scores': expected labels 'cat', 'dog', got no labels
        "#]],
    );
    check(
        &labelled(&["cat", "dog"]),
        &labelled(&["dog", "cat"]),
        &expect![[r#"
            breaking
            breaking [labels] output 'scores': expected labels 'cat', 'dog', got labels 'dog', 'cat' (hint: the same labels stand in another order)
        "#]],
    );
    check(
        &labelled(&["cat", "dog"]),
        &labelled(&["cat", "cow"]),
        &expect![[r#"
            breaking
            breaking [labels] output 'scores': expected labels 'cat', 'dog', got labels 'cat', 'cow'
        "#]],
    );
    let many: Vec<String> = (0..100).map(|n| format!("{n}{}", "x".repeat(50))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let message = told(&labelled(&["cat"]), &labelled(&many));
    assert!(
        message.contains("and 80 more") && message.len() < 1_500,
        "{message}"
    );
}

#[test]
fn rows_and_how_many() {
    let ports = ([port("x", Fp32, "? 4")], [port("y", Fp32, "?")]);
    let with = |batching| Contract {
        batching,
        ..contract(&ports.0, &ports.1)
    };
    check(
        &with(rows(64)),
        &with(rows(32)),
        &expect![[r#"
        breaking
        breaking [batching] inputs: expected at most 64 rows, got at most 32 rows
    "#]],
    );
    check(
        &with(rows(64)),
        &with(rows(128)),
        &expect![[r#"
        widening
        widening [batching] inputs: expected at most 64 rows, got at most 128 rows
    "#]],
    );
    check(
        &with(rows(0)),
        &with(rows(128)),
        &expect![[r#"
        breaking
        breaking [batching] inputs: expected any number of rows, got at most 128 rows
    "#]],
    );
    check(
        &with(rows(128)),
        &with(rows(0)),
        &expect![[r#"
        widening
        widening [batching] inputs: expected at most 128 rows, got any number of rows
    "#]],
    );
    check(
        &with(rows(0)),
        &with(Batching::None),
        &expect![[r#"
        breaking
        breaking [batching] inputs: expected rows that are computed independently, got no batch axis
    "#]],
    );
    check(
        &with(Batching::None),
        &with(rows(0)),
        &expect![[r#"
        widening
        widening [batching] inputs: expected no batch axis, got rows that are computed independently
    "#]],
    );
    check(
        &with(Batching::None),
        &with(rows(8)),
        &expect![[r#"
        breaking
        widening [batching] inputs: expected no batch axis, got rows that are computed independently
        breaking [batching] inputs: expected any number of rows, got at most 8 rows
    "#]],
    );
    let fixed = Contract {
        batching: Batching::None,
        ..contract(&[port("x", Fp32, "4 4")], &[port("y", Fp32, "4")])
    };
    check(
        &fixed,
        &with(rows(4)),
        &expect![[r#"
            widening
            widening [shape] input 'x': expected shape [4, 4], got [-1, 4]
            widening [batching] inputs: expected no batch axis, got rows that are computed independently
        "#]],
    );
    check(
        &fixed,
        &with(rows(3)),
        &expect![[r#"
            breaking
            widening [shape] input 'x': expected shape [4, 4], got [-1, 4]
            widening [batching] inputs: expected no batch axis, got rows that are computed independently
            breaking [batching] inputs: expected at most 4 rows, got at most 3 rows
        "#]],
    );
    check(
        &with(rows(4)),
        &fixed,
        &expect![[r#"
        breaking
        breaking [shape] input 'x': expected shape [-1, 4], got [4, 4]
        breaking [batching] inputs: expected rows that are computed independently, got no batch axis
        widening [shape] output 'y': expected shape [-1], got [4]
    "#]],
    );
}

#[test]
fn axes_that_go_together() {
    let with = |a: &str, b: &str| contract(&[port("ids", Int64, a), port("mask", Int64, b)], &[]);
    let answer = |a: &str, b: &str| contract(&[], &with(a, b).inputs);
    check(
        &with("? S", "? S"),
        &with("? T", "? T"),
        &expect![[r#"
        same
    "#]],
    );
    check(
        &with("? S", "? T"),
        &with("? S", "? S"),
        &expect![[r#"
        breaking
        breaking [ties] input 'mask': expected axis 1 of a size of its own, got one as long as axis 1 of 'ids'
    "#]],
    );
    check(
        &answer("? S", "? T"),
        &answer("? S", "? S"),
        &expect![[r#"
        widening
        widening [ties] output 'mask': expected axis 1 of a size of its own, got one as long as axis 1 of 'ids'
    "#]],
    );
    check(
        &with("? S", "? S"),
        &with("? ?", "? ?"),
        &expect![[r#"
        widening
        widening [ties] input 'mask': expected axis 1 as long as axis 1 of 'ids', got one of a size of its own
    "#]],
    );
    check(
        &answer("? S", "? S"),
        &answer("? ?", "? ?"),
        &expect![[r#"
        breaking
        breaking [ties] output 'mask': expected axis 1 as long as axis 1 of 'ids', got one of a size of its own
    "#]],
    );
    check(
        &with("? 8", "? 8"),
        &with("? S", "? S"),
        &expect![[r#"
        widening
        widening [shape] input 'ids': expected shape [-1, 8], got [-1, -1]
        widening [shape] input 'mask': expected shape [-1, 8], got [-1, -1]
    "#]],
    );
    check(
        &with("? 8", "? 9"),
        &with("? S", "? S"),
        &expect![[r#"
        breaking
        widening [shape] input 'ids': expected shape [-1, 8], got [-1, -1]
        widening [shape] input 'mask': expected shape [-1, 9], got [-1, -1]
        breaking [ties] input 'mask': expected axis 1 of a size of its own, got one as long as axis 1 of 'ids'
    "#]],
    );
    let apart = Contract {
        batching: Batching::None,
        ..with("? 1", "? 1")
    };
    check(
        &apart,
        &with("? 1", "? 1"),
        &expect![[r#"
        breaking
        breaking [ties] input 'mask': expected axis 0 of a size of its own, got one as long as axis 0 of 'ids'
        widening [batching] inputs: expected no batch axis, got rows that are computed independently
    "#]],
    );
    check(
        &with("N 1", "N 1"),
        &with("? 1", "? 1"),
        &expect![[r#"
        same
    "#]],
    );
}
