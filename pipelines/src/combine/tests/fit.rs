//! What is told of several values before any request: whether they fit each other, and what comes out.

use expect_test::{Expect, expect};
use impresario_models::{DataType, Port};

use super::port;
use super::typing::{check, scores, told};
use crate::combine::{Op, Rule};
use DataType::{Bool, Bytes, Fp32, Fp64, Int64};

fn check_rules(of: &[&Port], rules: &[Rule], expected: Expect) {
    let lines = rules
        .iter()
        .map(|rule| format!("{}: {}\n", rule.name(), told(rule.output(of, true))));
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn several_fit_each_other() {
    let several = [
        Op::Concat { axis: None },
        Op::Stack { axis: None },
        Op::ConcatText {
            separator: String::new(),
        },
        Op::Sigmoid,
    ];
    check(
        &[],
        &several,
        expect![[r#"
        concat: expected at least one value, got none
        stack: expected at least one value, got none
        concat_text: expected at least one value, got none
        sigmoid: expected one value, got 0
    "#]],
    );
    check(
        &[&port(Fp32, &[-1, 2]), &port(Fp32, &[-1, -1])],
        &several,
        expect![[r#"
            concat: FP32 [-1, -1]
            stack: FP32 [-1, 2, 2]
            concat_text: value 0: expected BYTES, got FP32 (the transforms lookup and cast make texts of numbers)
            sigmoid: expected one value, got 2
        "#]],
    );
    check(
        &[&port(Fp32, &[-1, 2]), &port(Fp64, &[-1, 2])],
        &several,
        expect![[r#"
            concat: value 1: expected FP32 as in the first, got FP64 (the transform cast changes datatypes)
            stack: value 1: expected FP32 as in the first, got FP64 (the transform cast changes datatypes)
            concat_text: value 0: expected BYTES, got FP32 (the transforms lookup and cast make texts of numbers)
            sigmoid: expected one value, got 2
        "#]],
    );
    check(
        &[&port(Bytes, &[-1]), &port(Bytes, &[-1, 2])],
        &several,
        expect![[r#"
            concat: value 0: expected an axis beside the rows, got shape [-1] (stack puts values side by side along a new axis)
            stack: value 1: expected shape [-1] as in the first, got shape [-1, 2]
            concat_text: value 1: expected shape [-1] as in the first, got shape [-1, 2]
            sigmoid: expected one value, got 2
        "#]],
    );
    check(
        &[&port(Bytes, &[-1]), &port(Bytes, &[])],
        &several,
        expect![[r#"
            concat: value 1: expected an axis of rows, got shape []
            stack: value 1: expected an axis of rows, got shape []
            concat_text: value 1: expected an axis of rows, got shape []
            sigmoid: expected one value, got 2
        "#]],
    );
}

#[test]
fn ensembles_of_the_same_kind() {
    let all = [
        Rule::Mean,
        Rule::Weighted {
            weights: vec![1.0, 2.0],
        },
        Rule::Weighted { weights: vec![1.0] },
        Rule::Weighted {
            weights: vec![1.0, -2.0],
        },
        Rule::Weighted {
            weights: vec![0.0, 0.0],
        },
        Rule::Median,
        Rule::Min,
        Rule::Max,
        Rule::Vote { weights: None },
        Rule::Vote {
            weights: Some(vec![1.0]),
        },
        Rule::First,
        Rule::Concat,
        Rule::Stack,
    ];
    check_rules(
        &[&scores(), &scores()],
        &all,
        expect![[r#"
        mean: FP32 [-1, 3] of a, b, c
        weighted: FP32 [-1, 3] of a, b, c
        weighted: expected 2 weights, one for each value, got 1
        weighted: expected weights of 0 or more, got -2
        weighted: expected a weight above 0, got none
        median: FP32 [-1, 3] from -8 to 8 of a, b, c finite
        min: FP32 [-1, 3] from -8 to 8 of a, b, c finite
        max: FP32 [-1, 3] from -8 to 8 of a, b, c finite
        vote: value 0: expected a datatype of whole numbers, BYTES or BOOL, got FP32 (argmax makes labels of scores; mean takes the scores themselves)
        vote: expected 2 weights, one for each value, got 1
        first: FP32 [-1, 3] from -8 to 8 of a, b, c finite
        concat: FP32 [-1, 6] from -8 to 8 of a, b, c, a, b, c finite
        stack: FP32 [-1, 3, 2] from -8 to 8 finite
    "#]],
    );
    check_rules(
        &[&scores(), &port(Fp32, &[-1, -1])],
        &all,
        expect![[r#"
            mean: FP32 [-1, 3] of a, b, c
            weighted: FP32 [-1, 3] of a, b, c
            weighted: expected 2 weights, one for each value, got 1
            weighted: expected weights of 0 or more, got -2
            weighted: expected a weight above 0, got none
            median: FP32 [-1, 3] of a, b, c
            min: FP32 [-1, 3] of a, b, c
            max: FP32 [-1, 3] of a, b, c
            vote: value 0: expected a datatype of whole numbers, BYTES or BOOL, got FP32 (argmax makes labels of scores; mean takes the scores themselves)
            vote: expected 2 weights, one for each value, got 1
            first: FP32 [-1, -1]
            concat: FP32 [-1, -1]
            stack: FP32 [-1, 3, 2]
        "#]],
    );
    check_rules(
        &[&scores(), &port(Fp32, &[-1, 4])],
        &all,
        expect![[r#"
        mean: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        weighted: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        weighted: expected 2 weights, one for each value, got 1
        weighted: expected weights of 0 or more, got -2
        weighted: expected a weight above 0, got none
        median: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        min: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        max: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        vote: value 0: expected a datatype of whole numbers, BYTES or BOOL, got FP32 (argmax makes labels of scores; mean takes the scores themselves)
        vote: expected 2 weights, one for each value, got 1
        first: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
        concat: FP32 [-1, 7]
        stack: value 1: expected shape [-1, 3] as in the first, got shape [-1, 4]
    "#]],
    );
    let mut other = port(Bytes, &[-1]);
    other.categories = Some(["no", "yes"].map(str::to_owned).into());
    let mut word = port(Bytes, &[-1]);
    word.categories = Some(["no", "maybe"].map(str::to_owned).into());
    check_rules(
        &[&other, &word],
        &all,
        expect![[r#"
        mean: value 0: expected a datatype of numbers, got BYTES (the transform cast makes FP32 of it)
        weighted: value 0: expected a datatype of numbers, got BYTES (the transform cast makes FP32 of it)
        weighted: expected 2 weights, one for each value, got 1
        weighted: expected weights of 0 or more, got -2
        weighted: expected a weight above 0, got none
        median: value 0: expected a datatype of numbers, got BYTES (the transform cast makes FP32 of it)
        min: value 0: expected a datatype of numbers or BOOL, got BYTES
        max: value 0: expected a datatype of numbers or BOOL, got BYTES
        vote: BYTES [-1] one of no, yes, maybe
        vote: expected 2 weights, one for each value, got 1
        first: BYTES [-1] one of no, yes, maybe
        concat: value 0: expected an axis beside the rows, got shape [-1] (stack puts values side by side along a new axis)
        stack: BYTES [-1, 2] one of no, yes, maybe
    "#]],
    );
    check_rules(
        &[&port(Bool, &[-1]), &port(Bool, &[-1])],
        &all,
        expect![[r#"
            mean: value 0: expected a datatype of numbers, got BOOL (the transform cast makes FP32 of it)
            weighted: value 0: expected a datatype of numbers, got BOOL (the transform cast makes FP32 of it)
            weighted: expected 2 weights, one for each value, got 1
            weighted: expected weights of 0 or more, got -2
            weighted: expected a weight above 0, got none
            median: value 0: expected a datatype of numbers, got BOOL (the transform cast makes FP32 of it)
            min: BOOL [-1]
            max: BOOL [-1]
            vote: BOOL [-1]
            vote: expected 2 weights, one for each value, got 1
            first: BOOL [-1]
            concat: value 0: expected an axis beside the rows, got shape [-1] (stack puts values side by side along a new axis)
            stack: BOOL [-1, 2]
        "#]],
    );
    check_rules(
        &[&port(Int64, &[-1, 2]), &port(Int64, &[-1, 2])],
        &all,
        expect![[r#"
            mean: FP64 [-1, 2]
            weighted: FP64 [-1, 2]
            weighted: expected 2 weights, one for each value, got 1
            weighted: expected weights of 0 or more, got -2
            weighted: expected a weight above 0, got none
            median: FP64 [-1, 2]
            min: INT64 [-1, 2]
            max: INT64 [-1, 2]
            vote: INT64 [-1, 2]
            vote: expected 2 weights, one for each value, got 1
            first: INT64 [-1, 2]
            concat: INT64 [-1, 4]
            stack: INT64 [-1, 2, 2]
        "#]],
    );
    check_rules(
        &[&port(Int64, &[-1, 2]), &port(Fp32, &[-1, 2])],
        &[Rule::Mean, Rule::First],
        expect![[r#"
            mean: value 1: expected INT64 as in the first, got FP32 (the transform cast changes datatypes)
            first: value 1: expected INT64 as in the first, got FP32 (the transform cast changes datatypes)
        "#]],
    );
    check_rules(
        &[],
        &[Rule::Mean, Rule::First, Rule::Stack, Rule::Concat],
        expect![[r#"
            mean: expected at least one value, got none
            first: expected at least one value, got none
            stack: expected at least one value, got none
            concat: expected at least one value, got none
        "#]],
    );
}
