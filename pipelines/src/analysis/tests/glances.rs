//! Glances at answers of every kind.

use impresario_models::tensor::Tensor;

use crate::analysis::{Glance, Output, glance};

fn place(output: Tensor) -> Output {
    glance(&[output]).output
}

fn of<T: impresario_models::tensor::Element>(shape: &[usize], elements: Vec<T>) -> Tensor {
    Tensor::of(shape.to_vec(), elements).unwrap()
}

#[test]
fn the_first_row_of_the_first_output_says_where_an_answer_belongs() {
    // Scores of classes: the largest one's place, the first of equals.
    assert_eq!(
        place(of(&[2, 3], vec![0.1_f32, 0.7, 0.2, 0.9, 0.0, 0.1])),
        Output::Bin(1)
    );
    assert_eq!(place(of(&[1, 2], vec![0.5_f64, 0.5])), Output::Bin(0));
    assert_eq!(
        place(of(&[1, 2], vec![f64::NEG_INFINITY, -5.0])),
        Output::Bin(1)
    );
    // Beyond the bins they are folded.
    let mut scores = vec![0.0_f32; 1_000];
    scores[997] = 1.0;
    assert_eq!(place(of(&[1, 1_000], scores)), Output::Bin(7));
    // Numbers wait for their deciles.
    assert_eq!(place(of(&[2, 1], vec![2.5_f32, 9.0])), Output::Value(2.5));
    assert_eq!(place(of(&[2], vec![2.5_f64, 9.0])), Output::Value(2.5));
    assert_eq!(place(of(&[], vec![2.5_f64])), Output::Value(2.5));
    assert_eq!(
        place(of(&[1], vec![f64::INFINITY])),
        Output::Value(f64::INFINITY)
    );
    // Labels.
    assert_eq!(place(of(&[2], vec![3_i64, 4])), Output::Bin(3));
    assert_eq!(place(of(&[1], vec![255_u8])), Output::Bin(15));
    assert_eq!(place(of(&[1], vec![true])), Output::Bin(1));
    assert!(matches!(place(of(&[1], vec![-1_i8])), Output::Bin(0..30)));
    let cat = place(of(&[1], vec![b"cat".to_vec()]));
    assert!(matches!(cat, Output::Bin(0..30)));
    assert_eq!(cat, place(of(&[2], vec![b"cat".to_vec(), b"dog".to_vec()])));
    assert_ne!(cat, place(of(&[1], vec![b"dog".to_vec()])));
    // What is neither.
    assert_eq!(place(of(&[1], vec![f32::NAN])), Output::Bin(31));
    assert_eq!(place(of(&[1, 2], vec![1.0, f64::NAN])), Output::Bin(31));
    assert_eq!(place(of(&[0, 3], Vec::<f32>::new())), Output::Bin(30));
    assert_eq!(place(of(&[2, 0], Vec::<i64>::new())), Output::Bin(30));
    assert_eq!(glance(&[]), Glance::default());
}

#[test]
fn an_answer_is_finite_if_all_its_outputs_are() {
    let finite = || of(&[2], vec![1.0_f32, -2.0]);
    let labels = || of(&[1], vec![b"nan".to_vec()]);
    assert!(!glance(&[finite(), labels()]).non_finite);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(glance(&[labels(), finite(), of(&[3], vec![0.0, 1.0, bad])]).non_finite);
        assert!(glance(&[of(&[1], vec![bad as f32])]).non_finite);
    }
    // Only so much of a large answer is looked at.
    let mut many = vec![0.0_f32; 20_000];
    many[16_383] = f32::NAN;
    assert!(glance(&[of(&[20_000], many.clone())]).non_finite);
    many.swap(16_383, 16_384);
    assert!(!glance(&[of(&[20_000], many)]).non_finite);
}
