//! Rows taken and joined, for every datatype.

use impresario_models::{DataType, Tensor};
use proptest::prelude::*;

use super::properties::tensor;
use super::shown;
use crate::combine::{join, take};

proptest! {
    #[test]
    fn what_was_taken_apart_is_joined_in_order(
        (of, part) in (prop::sample::select(&DataType::ALL[..]), 0..9usize, prop::collection::vec(0..4usize, 0..3)).prop_flat_map(|(datatype, rows, row)| {
            let shape = [vec![rows], row].concat();
            (tensor(datatype, shape), prop::collection::vec(0..3usize, rows))
        }),
    ) {
        // Parts in no order, and an empty one among them where no row is in it.
        let rows: Vec<Vec<usize>> = (0..3)
            .map(|at| (0..part.len()).rev().filter(|row| part[*row] == at).collect())
            .collect();
        let taken: Vec<Tensor> = rows.iter().map(|rows| take(&of, rows)).collect();
        for (rows, taken) in rows.iter().zip(&taken) {
            prop_assert_eq!(taken.shape()[0], rows.len());
            prop_assert_eq!(&taken.shape()[1..], &of.shape()[1..]);
        }
        let parts: Vec<(&[usize], &Tensor)> = rows.iter().map(Vec::as_slice).zip(&taken).collect();
        let joined = join(part.len(), &parts);
        prop_assert_eq!(joined.as_ref().map(shown), Ok(shown(&of)));
        let again = take(&of, &(0..part.len()).collect::<Vec<_>>());
        prop_assert_eq!(shown(&again), shown(&of));
    }
}

fn refused(rows: usize, parts: &[(&[usize], &Tensor)]) -> String {
    join(rows, parts).unwrap_err().to_string()
}

#[test]
fn rows_are_taken_in_any_order_and_again() {
    let of = Tensor::of(vec![3, 2], vec![1i64, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(
        shown(&take(&of, &[2, 0, 2])),
        "[3, 2] Int64([5, 6, 1, 2, 5, 6])"
    );
    assert_eq!(shown(&take(&of, &[])), "[0, 2] Int64([])");
    let constant = Tensor::of(vec![], vec![7u8]).unwrap();
    assert_eq!(take(&constant, &[0, 1]), constant);
}

#[test]
fn rows_that_do_not_make_up_a_whole_are_refused() {
    let [one, two] = [vec![1.0f32], vec![2.0, 3.0]].map(Tensor::vector);
    let wide = Tensor::of(vec![2, 1], vec![2.0f32, 3.0]).unwrap();
    let whole = Tensor::vector(vec![2u8, 3]);
    expect_test::expect![[r"
        parts of a batch differ: expected FP32 of shape [2], got FP32 of shape [2, 1]
        parts of a batch differ: expected FP32 of shape [2], got UINT8 of shape [2]
        parts of a batch differ: expected FP32 of shape [1], got FP32 of shape [2]
        row 1 is in two parts
        there is no row 3 among 3
        row 2 is in no part
        no part to join rows of
        expected rows to join, got a value without axes
    "]]
    .assert_eq(
        &[
            refused(3, &[(&[0], &one), (&[1, 2], &wide)]),
            refused(3, &[(&[0], &one), (&[1, 2], &whole)]),
            refused(3, &[(&[0], &one), (&[1], &two)]),
            refused(3, &[(&[1], &one), (&[1, 2], &two)]),
            refused(3, &[(&[0], &one), (&[1, 3], &two)]),
            refused(3, &[(&[0, 1], &two)]),
            refused(0, &[]),
            refused(1, &[(&[0], &Tensor::of(vec![], vec![1u8]).unwrap())]),
            String::new(),
        ]
        .join("\n"),
    );
}
