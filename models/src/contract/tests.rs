//! Tables of tensors against contracts.

use expect_test::{Expect, expect};

use super::*;

fn contract() -> Contract {
    let mut age = Port::new("age", DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(2)]);
    age.range = Some((0.0, 120.0));
    let mut city = Port::new(
        "city",
        DataType::Bytes,
        vec![Dim::Free(None), Dim::Fixed(1)],
    );
    city.categories = Some(["Rome".to_owned(), "Oslo".to_owned()].into());
    Contract {
        inputs: vec![age, city],
        outputs: vec![],
        batching: Batching::FirstAxis {
            max: NonZeroUsize::new(3),
        },
    }
}

fn ages(shape: &[usize], v: &[f32]) -> Tensor {
    Tensor::of(shape.to_vec(), v.to_vec()).unwrap()
}

fn cities(v: &[&str]) -> Tensor {
    let bytes = v.iter().map(|c| c.as_bytes().to_vec()).collect();
    Tensor::of(vec![v.len(), 1], bytes).unwrap()
}

fn check(named: Vec<(&str, Tensor)>, expected: Expect) {
    let got = match contract().arrange(named) {
        Ok(tensors) => format!("{} tensors", tensors.len()),
        Err(mismatch) => mismatch.to_string(),
    };
    expected.assert_eq(&got);
}

#[test]
fn tensors_are_put_in_order() {
    check(
        vec![
            ("city", cities(&["Rome"])),
            ("age", ages(&[1, 2], &[1.0, f32::NAN])),
        ],
        expect!["2 tensors"],
    );
}

#[test]
fn every_mismatch_names_what_expected_and_got() {
    let age = || ages(&[1, 2], &[1.0, 2.0]);
    check(
        vec![("ages", age())],
        expect!["unexpected input 'ages': expected 'age', 'city'"],
    );
    check(
        vec![("age", age())],
        expect!["input 'city' is missing: expected 'age', 'city'"],
    );
    check(
        vec![("age", age()), ("age", age())],
        expect!["input 'age' is given more than once"],
    );
    check(
        vec![
            ("age", Tensor::of(vec![1, 2], vec![1i64, 2]).unwrap()),
            ("city", cities(&["Rome"])),
        ],
        expect!["input 'age': expected datatype FP32, got INT64"],
    );
    check(
        vec![
            ("age", ages(&[1, 3], &[0.0; 3])),
            ("city", cities(&["Rome"])),
        ],
        expect!["input 'age': expected shape [-1, 2], got [1, 3]"],
    );
    check(
        vec![
            ("age", ages(&[1, 2], &[0.0, 130.0])),
            ("city", cities(&["Rome"])),
        ],
        expect!["input 'age': expected numbers from 0 to 120, got 130 at element 1"],
    );
    check(
        vec![("age", age()), ("city", cities(&["Bonn"]))],
        expect!["input 'city': expected one of 'Rome', 'Oslo', got 'Bonn' at element 0"],
    );
    check(
        vec![("age", age()), ("city", cities(&["Rome", "Rome"]))],
        expect!["input 'city': expected 1 rows as in 'age', got 2 rows"],
    );
    check(
        vec![
            ("age", ages(&[4, 2], &[0.0; 8])),
            ("city", cities(&["Rome"; 4])),
        ],
        expect!["input 'age': expected at most 3 rows, got 4 rows"],
    );
}
