//! Parts add up to the whole, in whatever order they are added, and stay small.

use proptest::prelude::*;

use super::*;

/// Two answers and a request's number.
#[derive(Clone, Debug)]
struct Case {
    request: u8,
    answered: Option<Vec<f32>>,
    other: Option<Vec<f32>>,
    labels: (i64, i64),
    compute: u32,
    noise: bool,
}

fn numbers() -> impl Strategy<Value = Vec<f32>> {
    let number = prop_oneof![
        8 => -2f32..2.0,
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
    ];
    proptest::collection::vec(number, 2..4)
}

fn case() -> impl Strategy<Value = Case> {
    let answer = || proptest::option::weighted(0.9, numbers());
    let labels = (-20i64..20, -20i64..20);
    (
        any::<u8>(),
        answer(),
        answer(),
        labels,
        any::<u32>(),
        any::<bool>(),
    )
        .prop_map(|(request, answered, other, labels, compute, noise)| Case {
            request,
            answered,
            other,
            labels,
            compute,
            noise,
        })
}

fn count(cases: &[Case]) -> Comparison {
    let contract = contract(&[("y", DataType::Fp32), ("label", DataType::Int64)]);
    let mut comparison = Comparison::new(&spec(2));
    for case in cases {
        let outputs = |numbers: &Option<Vec<f32>>, label| {
            let numbers = numbers.as_ref()?;
            Some([tensor(&[1, numbers.len()], numbers), tensor(&[1], &[label])])
        };
        let answered = outputs(&case.answered, case.labels.0);
        let other = outputs(&case.other, case.labels.1);
        let pair = Pair {
            request: &case.request.to_string(),
            inputs: &[tensor(&[1], &[1f32])],
            answered: Answer {
                contract: &contract,
                result: answered.as_ref().map(|o| &o[..]).ok_or(FAILED),
                compute: Some(u64::from(case.compute)),
            },
            other: Answer {
                contract: &contract,
                result: other.as_ref().map(|o| &o[..]).ok_or(FAILED),
                compute: Some(u64::from(case.compute) / 2),
            },
        };
        match case.noise {
            true => comparison.record_noise(&pair),
            false => comparison.record(pair),
        }
    }
    comparison
}

fn sum<'a>(parts: impl IntoIterator<Item = &'a [Case]>) -> Comparison {
    let mut sum = count(&[]);
    for part in parts {
        sum.merge(&count(part));
    }
    sum
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole(cases in proptest::collection::vec(case(), 0..60), at in 0usize..60, then in 0usize..60) {
        let at = at.min(cases.len());
        let then = then.clamp(at, cases.len());
        let (a, b, c) = (&cases[..at], &cases[at..then], &cases[then..]);
        let whole = count(&cases);
        prop_assert_eq!(&sum([a, b, c]), &whole);
        prop_assert_eq!(&sum([c, a, b]), &whole);
        let mut right = count(b);
        right.merge(&count(c));
        let mut left = count(a);
        left.merge(&right);
        prop_assert_eq!(&left, &whole);
        prop_assert_eq!(left.report(), whole.report());
    }

    #[test]
    fn a_matrix_stays_small_and_loses_no_row(
        labels in proptest::collection::vec((0i64..1_000, 0i64..1_000), 0..200),
    ) {
        let mut matrix = Matrix::default();
        for (a, b) in &labels {
            matrix.add(&Label::Number((*a).into()), &Label::Number((*b).into()), 1);
        }
        prop_assert_eq!(matrix.rows(), labels.len() as u64);
        prop_assert!(matrix.cells().count() <= (Matrix::LABELS + 1).pow(2));
    }

    #[test]
    fn a_quantile_is_in_its_bucket(mut values in proptest::collection::vec(1e-15f64..1e15, 1..50), q in 0f64..=1.0) {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.record(*value));
        values.sort_by(f64::total_cmp);
        let rank = (q * values.len() as f64).ceil().max(1.0) as usize;
        let (got, exact) = (sketch.quantile(q).unwrap(), values[rank - 1]);
        prop_assert!((got / exact - 1.0).abs() < 0.04, "{} for {}", got, exact);
        let again = Sketch::from_counts(sketch.counts());
        prop_assert_eq!(again, sketch);
    }
}

#[test]
fn numbers_beyond_the_buckets_are_counted_at_their_ends() {
    let mut sketch = Sketch::default();
    for value in [0.0, -0.0, f64::MIN_POSITIVE, 1e300, f64::INFINITY, f64::NAN] {
        sketch.record(value);
    }
    let quantiles = [0.0, 0.5, 0.6, 0.7, 1.0].map(|q| sketch.quantile(q).unwrap());
    assert_eq!(quantiles[0], 0.0);
    assert!(quantiles[1] > 0.0 && quantiles[1] < 1e-19, "{quantiles:?}");
    assert!(
        quantiles[2] > 1e19 && quantiles[2].is_finite(),
        "{quantiles:?}"
    );
    assert_eq!(quantiles[4], f64::INFINITY);
    // What is stored may come from elsewhere.
    let odd = Sketch::from_counts([(1, 1), (u16::MAX, 2), (5, 0)]);
    assert_eq!(odd.total(), 3);
    assert_eq!(odd.quantile(1.0), Some(f64::INFINITY));
}
