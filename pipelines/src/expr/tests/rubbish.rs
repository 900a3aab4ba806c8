//! No text and no value makes expressions panic.

use impresario_models::each_vec;
use proptest::prelude::*;

use super::*;

const VALUES: [&str; 14] = [
    "1",
    "0",
    "2.5",
    "'x'",
    "true",
    "request.n",
    "request.x",
    "request.flag",
    "request.whole",
    "request.tag",
    "cheap.probability",
    "strong",
    "request.parameters.limit",
    "request.parameters.other",
];
const OPERATORS: [&str; 12] = [
    "-", "+", "*", "/", "%", "&&", "||", " in ", "==", "<", ">=", "!=",
];
const METHODS: [&str; 5] = [".max()", ".argmax()", ".size()", "[0]", ".all(q, q > 1)"];
const CALLS: [&str; 5] = ["int(", "string(", "abs(", "!(", "-("];
const SIGNS: [&str; 21] = [
    "(", ")", "[", "]", "{", "}", "?", ":", ",", "has(", "null", "1u", "\\", "\"", "\u{0}", "é",
    "\n", "`", "//", "'", "=",
];

/// One of some.
fn of(some: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    (0..some.len()).prop_map(|which| some[which])
}

/// Parts of expressions in any order.
fn soup() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        of(&VALUES),
        of(&OPERATORS),
        of(&METHODS),
        of(&CALLS),
        of(&SIGNS)
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// Expressions whose syntax is right; the types of many are too.
fn sensible() -> impl Strategy<Value = String> {
    let leaf = of(&VALUES).prop_map(str::to_owned);
    leaf.prop_recursive(3, 10, 3, |inner| {
        let it = || inner.clone();
        prop_oneof![
            4 => (it(), of(&OPERATORS), it()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => (it(), it(), it()).prop_map(|(a, b, c)| format!("({a} > 0 ? {b} : {c})")),
            1 => (it(), it()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => (it(), it()).prop_map(|(a, b)| format!("max({a}, {b})")),
            1 => (it(), it()).prop_map(|(a, b)| format!("{a}.exists(q, q == {b})")),
            1 => (it(), of(&METHODS)).prop_map(|(a, method)| format!("{a}{method}")),
            1 => (it(), of(&CALLS)).prop_map(|(a, call)| format!("{call}{a})")),
        ]
    })
}

/// One row of a world.
fn alone(world: &World, row: usize) -> World {
    let take = |(name, port, tensor): &(&'static str, Port, Tensor)| {
        let width: usize = tensor.shape()[1..].iter().product();
        let shape = [&[1], &tensor.shape()[1..]].concat();
        let tensor = each_vec!(tensor.values(), all => {
            Tensor::of(shape, all[row * width..(row + 1) * width].to_vec()).unwrap()
        });
        (*name, port.clone(), tensor)
    };
    World {
        batched: true,
        rows: 1,
        values: world.values.iter().map(take).collect(),
        parameters: world.parameters.clone(),
    }
}

/// Each row of what came out, in words, as NaN is not equal to itself.
fn each_row(outcome: Outcome, rows: usize) -> Vec<String> {
    let tensor = outcome.into_tensor(Some(rows));
    each_vec!(tensor.values(), all => all.iter().map(|it| format!("{it:?}")).collect())
}

fn try_out(text: &str) {
    for world in [rows(), World::empty(false, 1)] {
        if let Err(problems) = world.evaluate(text) {
            assert!(!problems.is_empty(), "{text:?}");
            let length = text.chars().count();
            for problem in problems {
                assert!(problem.at <= length, "{text:?}: {problem:?}");
                assert!(!problem.message.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_is_told_about(text in "\\PC{0,80}") {
        try_out(&text);
    }

    #[test]
    fn any_parts_are_told_about(text in soup()) {
        try_out(&text);
    }

    #[test]
    fn a_row_comes_to_the_same_alone_and_among_others(text in sensible()) {
        try_out(&text);
        let world = rows();
        let Ok(together) = world.evaluate(&text) else {
            return Ok(());
        };
        let rows: Vec<_> = (0..world.rows)
            .map(|row| alone(&world, row).evaluate(&text).unwrap())
            .collect();
        match together {
            Ok(outcome) => {
                let alone = rows.into_iter().map(|row| each_row(row.unwrap(), 1));
                prop_assert_eq!(each_row(outcome, 3), alone.flatten().collect::<Vec<_>>(), "{}", text);
            }
            Err(fault) => {
                let first = rows.iter().position(Result::is_err);
                let Some(first) = first else {
                    panic!("{text}: {fault}, but no row alone has a fault");
                };
                let row = format!("row {first}: ");
                let said = fault.0.starts_with(&row) || !fault.0.starts_with("row ");
                prop_assert!(said, "{}: {} is not of row {}", text, fault, first);
            }
        }
    }
}

#[test]
fn endless_nesting_is_refused() {
    let many = 4096;
    for text in [
        "(".repeat(many),
        "[".repeat(many),
        "{".repeat(many),
        "!".repeat(many),
        "-".repeat(many),
        "'".repeat(many),
        "é".repeat(many),
        "f(".repeat(many / 2),
        "a?".repeat(many / 2),
        format!("{}1{}", "(".repeat(2047), ")".repeat(2047)),
        format!("{}1", "a?b:".repeat(1023)),
        format!("{}a", "a+".repeat(2047)),
        format!("a{}", ".a".repeat(2047)),
        format!("a{}", "[0]".repeat(1365)),
        // What ends a text is told by the prefix here.
        format!("r'\\' + {}", "(".repeat(500)),
        format!("r'\\' {}", "+a".repeat(2000)),
        "1".repeat(many + 1),
    ] {
        let problems = Expression::references(&text).unwrap_err();
        let [problem] = problems.as_slice() else {
            panic!("expected one problem, got {problems:?}");
        };
        assert!(problem.at <= text.chars().count());
    }
}

#[test]
fn long_expressions_within_the_bounds_are_fit() {
    let world = rows();
    let sum = format!("request.n{}", " + 1".repeat(100));
    let all = format!("request.n > 0{}", " && request.n < 9".repeat(100));
    let nested = format!("{}request.n{}", "(".repeat(32), ")".repeat(32));
    let list = format!("request.n in [{}0]", "1, ".repeat(1000));
    let cases = format!("{}0", "request.n == 1 ? 2 : ".repeat(32));
    for text in [sum, all, nested, list, cases] {
        assert!(world.evaluate(&text).is_ok_and(|it| it.is_ok()), "{text}");
    }
}
