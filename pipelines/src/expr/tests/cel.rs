//! The part that is plain CEL comes to what the interpreter of the crate `cel` comes to, row by row.

use ::cel::{Context, Program, Value};
use proptest::prelude::*;

use super::*;

/// Doubles that are told from others by something.
const DOUBLES: [f64; 7] = [f64::NAN, 0.0, -0.0, 0.5, -2.5, 1e300, f64::INFINITY];

/// One row of inputs; only `x` may be NaN.
#[derive(Clone, Debug)]
struct Row {
    a: i64,
    b: i64,
    x: f64,
    y: f64,
    z: f64,
    f: bool,
    s: String,
    list: [i64; 3],
}

fn row() -> impl Strategy<Value = Row> {
    let int = || prop_oneof![-3..4_i64, Just(i64::MIN), Just(i64::MAX)];
    let double = |from: &'static [f64]| (0..from.len()).prop_map(|which| from[which]);
    let (any_double, number) = (double(&DOUBLES), || double(&DOUBLES[1..]));
    let list = [int(), int(), int()];
    let doubles = (any_double, number(), number());
    (int(), int(), doubles, any::<bool>(), "[abß]{0,3}", list).prop_map(
        |(a, b, (x, y, z), f, s, list)| Row {
            a,
            b,
            x,
            y,
            z,
            f,
            s,
            list,
        },
    )
}

fn ints() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("request.a".to_owned()),
        Just("request.b".to_owned()),
        Just("request.list[1]".to_owned()),
        Just("request.s.size()".to_owned()),
        (-3..4_i64).prop_map(|it| format!("({it})")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let op = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")];
        let two = (inner.clone(), op, inner.clone());
        prop_oneof![
            two.prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("(-{a})")),
            inner.clone().prop_map(|a| format!("request.list[{a} + 0]")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("(request.f ? {a} : {b})")),
        ]
    })
    .boxed()
}

fn doubles() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("request.x".to_owned()),
        Just("request.y".to_owned()),
        Just("1.5".to_owned()),
        Just("double(request.a)".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let op = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")];
        let two = (inner.clone(), op, inner);
        two.prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    })
    .boxed()
}

fn bools() -> BoxedStrategy<String> {
    let op = || {
        let ops = ["==", "!=", "<", "<=", ">", ">="];
        (0..ops.len()).prop_map(move |which| ops[which])
    };
    let equal = prop_oneof![Just("=="), Just("!=")];
    let text = || prop_oneof![Just("request.s"), Just("'ab'"), Just("(request.s + 'b')")];
    let question = prop_oneof![Just("startsWith"), Just("endsWith"), Just("contains")];
    let leaf = prop_oneof![
        Just("request.f".to_owned()),
        (ints(), op(), ints()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        // To the interpreter it is an error which of two is less where one is NaN.
        (doubles(), equal, doubles()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        op().prop_map(|op| format!("(request.y {op} request.z)")),
        (text(), op(), text()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        (text(), question, text()).prop_map(|(a, is, b)| format!("{a}.{is}({b})")),
        ints().prop_map(|a| format!("({a} in request.list)")),
        (ints(), ints()).prop_map(|(a, b)| format!("({a} in [{b}, 1])")),
        (op(), ints()).prop_map(|(op, a)| format!("request.list.all(e, e {op} {a})")),
        ints().prop_map(|a| format!("request.list.exists(e, {a} / e == 1)")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            inner.prop_map(|a| format!("(!{a})")),
        ]
    })
    .boxed()
}

fn world(rows: &[Row]) -> World {
    fn each<T>(rows: &[Row], of: impl Fn(&Row) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    World::empty(true, rows.len())
        .with("request.a", &[], each(rows, |row| row.a))
        .with("request.b", &[], each(rows, |row| row.b))
        .with("request.x", &[], each(rows, |row| row.x))
        .with("request.y", &[], each(rows, |row| row.y))
        .with("request.z", &[], each(rows, |row| row.z))
        .with("request.f", &[], each(rows, |row| row.f))
        .with(
            "request.s",
            &[],
            each(rows, |row| row.s.clone().into_bytes()),
        )
        .with("request.list", &[3], each(rows, |row| row.list).concat())
}

/// What the interpreter makes of one row; nothing where that is an error.
fn theirs(program: &Program, row: &Row) -> Option<Scalar> {
    let request: std::collections::HashMap<&str, Value> = [
        ("a", row.a.into()),
        ("b", row.b.into()),
        ("x", row.x.into()),
        ("y", row.y.into()),
        ("z", row.z.into()),
        ("f", row.f.into()),
        ("s", row.s.as_str().into()),
        ("list", row.list.to_vec().into()),
    ]
    .into();
    let mut context = Context::default();
    context.add_variable_from_value("request", request);
    match program.execute(&context).ok()? {
        Value::Bool(it) => Some(Scalar::Bool(it)),
        Value::Int(it) => Some(Scalar::Int(it)),
        Value::Float(it) => Some(Scalar::Float(it)),
        other => panic!("expected a bool or a number, got {other:?}"),
    }
}

/// What we make of all rows; the first row with a fault where there is one.
fn ours(world: &World, text: &str) -> Result<Vec<Scalar>, Option<usize>> {
    let tensor = match world.evaluate(text).unwrap() {
        Ok(outcome) => outcome.into_tensor(Some(world.rows)),
        Err(fault) => {
            let row = fault.0.strip_prefix("row ");
            let row = row.and_then(|row| row.split(':').next());
            return Err(row.and_then(|row| row.parse().ok()));
        }
    };
    Ok(if let Some(bools) = tensor.as_slice::<bool>() {
        bools.iter().map(|&it| Scalar::Bool(it)).collect()
    } else if let Some(ints) = tensor.as_slice::<i64>() {
        ints.iter().map(|&it| Scalar::Int(it)).collect()
    } else {
        let doubles = tensor.as_slice::<f64>().unwrap();
        doubles.iter().map(|&it| Scalar::Float(it)).collect()
    })
}

/// Equal, where NaN equals NaN.
fn same(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn as_the_interpreter_says(
        text in prop_oneof![ints(), doubles(), bools()],
        rows in proptest::collection::vec(row(), 1..6),
    ) {
        let program = Program::compile(&text).unwrap();
        let theirs: Vec<_> = rows.iter().map(|row| theirs(&program, row)).collect();
        let together = ours(&world(&rows), &text);
        let wrong = theirs.iter().position(Option::is_none);
        match (&together, wrong) {
            (Ok(values), None) => {
                for (row, (ours, theirs)) in values.iter().zip(theirs.iter().flatten()).enumerate() {
                    prop_assert!(same(ours, theirs), "{text}: row {row}: {ours:?}, not {theirs:?}");
                }
            }
            // What reads nothing is wrong for all rows.
            (Err(row), Some(first)) => prop_assert_eq!(row.unwrap_or(first), first, "{}", text),
            (ours, _) => prop_assert!(false, "{text}: {ours:?}, not {theirs:?}"),
        }
        // A row comes to the same alone as among others.
        for (row, theirs) in rows.iter().zip(&theirs) {
            let alone = ours(&world(std::slice::from_ref(row)), &text);
            let alike = match (&alone, theirs) {
                (Ok(ours), Some(theirs)) => same(&ours[0], theirs),
                (Err(_), None) => true,
                _ => false,
            };
            prop_assert!(alike, "{text}: alone {alone:?}, not {theirs:?}");
        }
    }
}
