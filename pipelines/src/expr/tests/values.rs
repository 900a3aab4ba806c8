//! What expressions come to.

use expect_test::{Expect, expect};

use super::*;

fn check(texts: &[&str], expect: Expect) {
    expect.assert_eq(&rows().table(texts));
}

#[test]
fn numbers() {
    check(
        &[
            "request.n + 1",
            "request.n / 2 + request.n % 2",
            "-7 / 2 * request.n",
            "request.n * 0.5",
            "request.x - request.n",
            "-request.x",
            "abs(request.small)",
            "min(request.n, 2)",
            "max(request.x, request.n)",
            "floor(request.x) + ceil(request.x)",
            "round(request.n)",
            "sqrt(strong) + exp(0) + log(1)",
            "request.n > request.x",
            "request.x == request.x",
            "request.x != request.x",
            "request.small == 7.0",
            "9007199254740993 == 9007199254740992.0",
            "request['my input'] * 2",
            "10 / request.n",
            "request.n + 9223372036854775807",
            "-(request.n * 0 - 9223372036854775807 - 1)",
            "request.big + 1",
            "1 + 2 * 3",
        ],
        expect![[r#"
            request.n + 1
              Int64([1, 2, 6])
            request.n / 2 + request.n % 2
              Int64([0, 1, 3])
            -7 / 2 * request.n
              Int64([0, -3, -15])
            request.n * 0.5
              Fp64([0.0, 0.5, 2.5])
            request.x - request.n
              Fp64([0.5, -2.5, NaN])
            -request.x
              Fp64([-0.5, 1.5, NaN])
            abs(request.small)
              Int64([7, 7, 0])
            min(request.n, 2)
              Int64([0, 1, 2])
            max(request.x, request.n)
              Fp64([0.5, 1.0, NaN])
            floor(request.x) + ceil(request.x)
              Fp64([1.0, -3.0, NaN])
            round(request.n)
              Int64([0, 1, 5])
            sqrt(strong) + exp(0) + log(1)
              Fp64([1.5, 1.7071067811865475, 1.8660254037844386])
            request.n > request.x
              Bool([false, true, false])
            request.x == request.x
              Bool([true, true, false])
            request.x != request.x
              Bool([false, false, true])
            request.small == 7.0
              Bool([true, false, false])
            9007199254740993 == 9007199254740992.0
              Bool(false) for all
            request['my input'] * 2
              Int64([2, 4, 6])
            10 / request.n
              fault: row 0: expected no division of a whole number by zero, got one, at character 3 of '10 / request.n'
            request.n + 9223372036854775807
              fault: row 1: expected a whole number of 64 bits, got one beyond, at character 10 of 'request.n + 9223372036854775807'
            -(request.n * 0 - 9223372036854775807 - 1)
              fault: row 0: expected a whole number of 64 bits, got one beyond, at character 0 of '-(request.n * 0 - 9223372036854775807 - 1)'
            request.big + 1
              fault: row 2: expected a whole number of 64 bits, got one beyond, at character 0 of 'request.big + 1'
            1 + 2 * 3
              Int(7) for all
        "#]],
    );
}

#[test]
fn truths() {
    check(
        &[
            "request.n != 0 && 10 / request.n > 2",
            "10 / request.n > 2 && request.n != 0",
            "request.n == 0 || 10 / request.n > 2",
            "10 / request.n > 2 || request.flag",
            "request.n == 0 ? 0 : 10 / request.n",
            "request.flag ? 1 : strong",
            "request.flag ? 'yes' : request.tag",
            "!request.flag || request.n > 1",
            "request.flag < true",
            "true || request.n > 0",
            "false && request.big > 0",
            "1 > 2 ? 10 / 0 : 3",
        ],
        expect![[r#"
            request.n != 0 && 10 / request.n > 2
              Bool([false, true, false])
            10 / request.n > 2 && request.n != 0
              Bool([false, true, false])
            request.n == 0 || 10 / request.n > 2
              Bool([true, true, false])
            10 / request.n > 2 || request.flag
              Bool([true, true, true])
            request.n == 0 ? 0 : 10 / request.n
              Int64([0, 10, 2])
            request.flag ? 1 : strong
              Fp64([1.0, 0.5, 1.0])
            request.flag ? 'yes' : request.tag
              Text(["yes", " b ", "yes"])
            !request.flag || request.n > 1
              Bool([false, true, true])
            request.flag < true
              Bool([false, true, false])
            true || request.n > 0
              Bool([true, true, true])
            false && request.big > 0
              Bool([false, false, false])
            1 > 2 ? 10 / 0 : 3
              Int(3) for all
        "#]],
    );
}

#[test]
fn lists() {
    check(
        &[
            "cheap.probability.max() > 0.9",
            "cheap.probability.min()",
            "cheap.probability.argmax()",
            "cheap.probability.mean()",
            "cheap.probability.sum() > 0.99",
            "request.whole.max()",
            "request.whole.min()",
            "request.whole.argmax()",
            "request.whole.mean()",
            "request.whole.sum()",
            "request.whole[1]",
            "request.whole[request.n]",
            "request.none.size()",
            "size(request.none) == 0",
            "request.none.sum()",
            "request.none.max()",
            "request.image.max()",
            "request.image.size()",
            "[request.n, 2, strong].max()",
            "[1, 2, 3][request.n % 3]",
            "'a' in request.tags",
            "request.tag in ['Gold', 'ß']",
            "request.n in [1.0, 5.0]",
            "strong in request.whole",
            "request.n in []",
            "request.tags[0]",
        ],
        expect![[r#"
            cheap.probability.max() > 0.9
              Bool([false, true, false])
            cheap.probability.min()
              Fp64([0.25, 0.0, NaN])
            cheap.probability.argmax()
              Int64([0, 1, 1])
            cheap.probability.mean()
              Fp64([0.3333333333333333, 0.333333329608043, NaN])
            cheap.probability.sum() > 0.99
              Bool([true, true, false])
            request.whole.max()
              Int64([2, 4, 9223372036854775807])
            request.whole.min()
              Int64([1, 3, 1])
            request.whole.argmax()
              Int64([1, 0, 0])
            request.whole.mean()
              Fp64([1.5, 3.5, 4.611686018427388e18])
            request.whole.sum()
              fault: row 2: expected a whole number of 64 bits, got one beyond, at character 14 of 'request.whole.sum()'
            request.whole[1]
              Int64([2, 3, 1])
            request.whole[request.n]
              fault: row 2: expected an index into a list of 2, got 5, at character 13 of 'request.whole[request.n]'
            request.none.size()
              Int64([0, 0, 0])
            size(request.none) == 0
              Bool([true, true, true])
            request.none.sum()
              Fp64([0.0, 0.0, 0.0])
            request.none.max()
              fault: row 0: expected a list with elements, got an empty one, at character 13 of 'request.none.max()'
            request.image.max()
              Fp64([3.0, 7.0, 11.0])
            request.image.size()
              Int64([4, 4, 4])
            [request.n, 2, strong].max()
              Fp64([2.0, 2.0, 5.0])
            [1, 2, 3][request.n % 3]
              Int64([1, 2, 3])
            'a' in request.tags
              Bool([true, false, true])
            request.tag in ['Gold', 'ß']
              Bool([true, false, true])
            request.n in [1.0, 5.0]
              Bool([false, true, true])
            strong in request.whole
              Bool([false, false, false])
            request.n in []
              Bool([false, false, false])
            request.tags[0]
              Text(["a", "b", ""])
        "#]],
    );
}

#[test]
fn all_and_exists() {
    check(
        &[
            "cheap.probability.all(p, p >= 0.05)",
            "cheap.probability.exists(p, p > strong)",
            "request.whole.exists(w, w == request.n + 1)",
            "request.whole.all(w, 10 / (w - 1) > 0)",
            "request.whole.exists(w, 10 / (w - 1) >= 10)",
            "[0, 1].exists(i, i == request.n)",
            "[0, 1].all(i, i < 1 || 10 / i > 2)",
            "request.none.all(p, p > 1)",
            "request.none.exists(p, 1 / 0 > 1)",
            "request.tags.exists(t, t.startsWith('a')) && request.flag",
            "request.tags.all(t, t in request.tags)",
        ],
        expect![[r#"
            cheap.probability.all(p, p >= 0.05)
              Bool([true, false, false])
            cheap.probability.exists(p, p > strong)
              Bool([true, true, false])
            request.whole.exists(w, w == request.n + 1)
              Bool([true, false, false])
            request.whole.all(w, 10 / (w - 1) > 0)
              fault: row 0: expected no division of a whole number by zero, got one, at character 24 of 'request.whole.all(w, 10 / (w - 1) > 0)'
            request.whole.exists(w, 10 / (w - 1) >= 10)
              fault: row 2: expected no division of a whole number by zero, got one, at character 27 of 'request.whole.exists(w, 10 / (w - 1) >= 10)'
            [0, 1].exists(i, i == request.n)
              Bool([true, true, false])
            [0, 1].all(i, i < 1 || 10 / i > 2)
              Bool(true) for all
            request.none.all(p, p > 1)
              Bool([true, true, true])
            request.none.exists(p, 1 / 0 > 1)
              Bool([false, false, false])
            request.tags.exists(t, t.startsWith('a')) && request.flag
              Bool([true, false, true])
            request.tags.all(t, t in request.tags)
              Bool([true, true, true])
        "#]],
    );
}

#[test]
fn texts_of_rows() {
    check(
        &[
            "request.tag + '!'",
            "request.tag.trim().upperAscii()",
            "request.tag.lowerAscii() == request.parameters.tier",
            "request.tag.size()",
            "request.tag.startsWith('G') || request.tag.endsWith(' ')",
            "request.tag.contains('ß')",
            "request.tag.matches('^[A-Z]')",
            "request.tag < 'a'",
            "string(request.n) + string(strong) + string(request.flag)",
            "int(string(request.n)) == request.n",
            "int(request.tag)",
            "double('2.5') + double(request.flag)",
            "int(request.x)",
            "int(1e18) + int(-2.9)",
            "bool('true') && bool(request.flag)",
            "bool(request.tag)",
            "request.raw.size()",
        ],
        expect![[r#"
            request.tag + '!'
              Text(["Gold!", " b !", "ß!"])
            request.tag.trim().upperAscii()
              Text(["GOLD", "B", "ß"])
            request.tag.lowerAscii() == request.parameters.tier
              Bool([true, false, false])
            request.tag.size()
              Int64([4, 3, 1])
            request.tag.startsWith('G') || request.tag.endsWith(' ')
              Bool([true, true, false])
            request.tag.contains('ß')
              Bool([false, false, true])
            request.tag.matches('^[A-Z]')
              Bool([true, false, false])
            request.tag < 'a'
              Bool([true, true, false])
            string(request.n) + string(strong) + string(request.flag)
              Text(["00.25true", "10.5false", "50.75true"])
            int(string(request.n)) == request.n
              Bool([true, true, true])
            int(request.tag)
              fault: row 0: expected an int, got "Gold", at character 0 of 'int(request.tag)'
            double('2.5') + double(request.flag)
              Fp64([3.5, 2.5, 3.5])
            int(request.x)
              fault: row 2: expected a number of at most 64 bits, got NaN, at character 0 of 'int(request.x)'
            int(1e18) + int(-2.9)
              Int(999999999999999998) for all
            bool('true') && bool(request.flag)
              Bool([true, false, true])
            bool(request.tag)
              fault: row 0: expected a bool, got "Gold", at character 0 of 'bool(request.tag)'
            request.raw.size()
              fault: row 1: expected a text in UTF-8, got other bytes, at character 0 of 'request.raw.size()'
        "#]],
    );
}

#[test]
fn parameters() {
    check(
        &[
            "request.parameters.tier == 'gold'",
            "request.parameters.limit * 2",
            "request.parameters.limit * 2 > 3",
            "request.parameters.share + request.n",
            "request.parameters.limit % 2 == 0",
            "request.parameters['x-y'] == 7",
            "'x-y' in request.parameters",
            "has(request.parameters.other)",
            "has(request.parameters.other) && request.parameters.other > request.n",
            "request.parameters.other > request.n",
            "request.n > 0 || request.parameters.other > 1",
            "request.n < 9 || request.parameters.other > 1",
            "request.parameters.tier > 1",
            "request.parameters.tier + 1 > 1",
            "request.parameters.on && request.flag",
            "request.parameters.limit && request.flag",
            "request.flag ? request.parameters.other > 1 : true",
            "double(request.flag ? request.parameters.limit : request.parameters.share)",
            "request.tag in [request.parameters.tier, 'Gold']",
            "request.tag in [request.parameters.limit, 'Gold']",
        ],
        expect![[r#"
            request.parameters.tier == 'gold'
              Bool(true) for all
            request.parameters.limit * 2
              Float(4.0) for all
            request.parameters.limit * 2 > 3
              Bool(true) for all
            request.parameters.share + request.n
              Fp64([0.25, 1.25, 5.25])
            request.parameters.limit % 2 == 0
              Bool(true) for all
            request.parameters['x-y'] == 7
              Bool(true) for all
            'x-y' in request.parameters
              Bool(true) for all
            has(request.parameters.other)
              Bool(false) for all
            has(request.parameters.other) && request.parameters.other > request.n
              Bool([false, false, false])
            request.parameters.other > request.n
              fault: expected a parameter 'other', got none, at character 0 of 'request.parameters.other > request.n'
            request.n > 0 || request.parameters.other > 1
              fault: row 0: expected a parameter 'other', got none, at character 17 of 'request.n > 0 || request.parameters.other > 1'
            request.n < 9 || request.parameters.other > 1
              Bool([true, true, true])
            request.parameters.tier > 1
              fault: expected two of the same type, got a text and an int, at character 24 of 'request.parameters.tier > 1'
            request.parameters.tier + 1 > 1
              fault: expected two of the same type, got a text and an int, at character 24 of 'request.parameters.tier + 1 > 1'
            request.parameters.on && request.flag
              Bool([true, false, true])
            request.parameters.limit && request.flag
              fault: row 0: expected a bool, got an int, at character 25 of 'request.parameters.limit && request.flag'
            request.flag ? request.parameters.other > 1 : true
              fault: row 0: expected a parameter 'other', got none, at character 15 of 'request.flag ? request.parameters.other > 1 : true'
            double(request.flag ? request.parameters.limit : request.parameters.share)
              Fp64([2.0, 0.25, 2.0])
            request.tag in [request.parameters.tier, 'Gold']
              Bool([true, false, false])
            request.tag in [request.parameters.limit, 'Gold']
              fault: expected a number, got a text, at character 15 of 'request.tag in [request.parameters.limit, 'Gold']'
        "#]],
    );
}

#[test]
fn without_rows() {
    let world = World::empty(false, 1)
        .with("request.n", &[], vec![3_i64])
        .with("request.x", &[1], vec![0.5_f32])
        .with("request.list", &[3], vec![1_i64, 2, 3])
        .with("request.image", &[2, 2], vec![0.5_f64; 4]);
    expect![[r#"
        request.n * request.x
          Float(1.5) for all
        request.list[request.n - 1] == 3
          Bool(true) for all
        request.list.all(i, i < request.n)
          Bool(false) for all
        request.image.sum()
          Float(2.0) for all
        request.n / 0
          fault: expected no division of a whole number by zero, got one, at character 10 of 'request.n / 0'
        request.list[request.n]
          fault: expected an index into a list of 3, got 3, at character 12 of 'request.list[request.n]'
        string(request.x)
          Text("0.5") for all
    "#]].assert_eq(&world.table(&[
        "request.n * request.x",
        "request.list[request.n - 1] == 3",
        "request.list.all(i, i < request.n)",
        "request.image.sum()",
        "request.n / 0",
        "request.list[request.n]",
        "string(request.x)",
    ]));
}

#[test]
fn no_rows_come_to_no_rows() {
    let world = World::empty(true, 0)
        .with("request.n", &[], Vec::<i64>::new())
        .with("request.p", &[3], Vec::<f32>::new());
    expect![[r#"
        request.p.max() > 0.9
          Bool([])
        request.n / 0
          Int64([])
        request.n > 0 && request.p.exists(p, p > 1)
          Bool([])
        request.n > 0 ? request.p[1] : 2
          Fp64([])
    "#]]
    .assert_eq(&world.table(&[
        "request.p.max() > 0.9",
        "request.n / 0",
        "request.n > 0 && request.p.exists(p, p > 1)",
        "request.n > 0 ? request.p[1] : 2",
    ]));
}

#[test]
fn values_that_are_not_as_checked_are_faults() {
    let (expression, _) = Expression::check("request.n + 1", &rows(), true).unwrap();
    let none = Parameters::new();
    let mut told = String::new();
    for (values, rows) in [
        (vec![], 3),
        (vec![Tensor::vector(vec![1_i64, 2])], 3),
        (vec![Tensor::vector(vec![1_f32, 2.0])], 2),
        (vec![Tensor::of(vec![2, 2], vec![1_i64; 4]).unwrap()], 2),
    ] {
        let values: Vec<&Tensor> = values.iter().collect();
        let fault = expression.evaluate(&values, &none, Some(rows)).unwrap_err();
        told += &format!("{fault}\n");
    }
    expect![[r#"
        expected 1 values, got 0
        expected 3 rows, got shape [2]
        expected an int, got FP32
        expected an int, got shape [2, 2]
    "#]]
    .assert_eq(&told);
}
