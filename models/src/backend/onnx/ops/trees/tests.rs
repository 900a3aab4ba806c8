//! The walk of eight lanes gives what a plain walk down each tree gives.

use proptest::prelude::*;

use super::blueprint::{Blueprint, Branch, Mode, Place};
use super::forest::{Aggregate, Float, Forest};

/// Walks one row down one tree as the specification says, and gives the leaf.
fn leaf(trees: &Blueprint, mut place: Place, row: &[f64]) -> usize {
    loop {
        let branch = match place {
            Place::Leaf(leaf) => return leaf,
            Place::Branch(at) => &trees.branches[at],
        };
        let (x, t) = (row[branch.feature], branch.threshold);
        let yes = match branch.mode {
            Mode::Leq => x <= t,
            Mode::Lt => x < t,
            Mode::Gte => x >= t,
            Mode::Gt => x > t,
            Mode::Eq => x == t,
            Mode::Neq => x != t,
        };
        place = if yes || (branch.missing && x.is_nan()) {
            branch.yes
        } else {
            branch.no
        };
    }
}

fn plain(trees: &Blueprint, rows: &[Vec<f64>], aggregate: Aggregate) -> Vec<f64> {
    let mut out = Vec::new();
    for row in rows {
        let mut scores = vec![None; trees.targets];
        for &root in &trees.roots {
            for &(target, weight) in &trees.leaves[leaf(trees, root, row)] {
                let old = scores[target];
                scores[target] = Some(old.map_or(weight, |old: f64| match aggregate {
                    Aggregate::Sum | Aggregate::Average => old + weight,
                    Aggregate::Min => old.min(weight),
                    Aggregate::Max => old.max(weight),
                }));
            }
        }
        let share = if aggregate == Aggregate::Average {
            trees.roots.len() as f64
        } else {
            1.
        };
        out.extend(
            scores
                .into_iter()
                .map(|score| score.map_or(f64::NAN, |score| score / share)),
        );
    }
    out
}

const FEATURES: usize = 3;
const TARGETS: usize = 2;

/// Values that thresholds have too, so that equality happens.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-3..=3i8).prop_map(|n| f64::from(n) / 2.),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.)],
    ]
}

fn mode() -> impl Strategy<Value = Mode> {
    use Mode::{Eq, Gt, Gte, Leq, Lt, Neq};
    prop_oneof![
        Just(Leq),
        Just(Lt),
        Just(Gte),
        Just(Gt),
        Just(Eq),
        Just(Neq)
    ]
}

/// A node leads to nodes after it or to leaves, so that there is no circle.
fn trees() -> impl Strategy<Value = Blueprint> {
    let branch = (
        mode(),
        0..FEATURES,
        value(),
        any::<bool>(),
        any::<[u16; 2]>(),
    );
    // Weights are sums of powers of two, so that no order of adding rounds.
    let votes = proptest::collection::vec(
        (0..TARGETS, (-8..8i8).prop_map(|n| f64::from(n) / 4.)),
        0..3,
    );
    let parts = (
        proptest::collection::vec(branch, 0..40),
        proptest::collection::vec(votes, 1..9),
        proptest::collection::vec(any::<u16>(), 1..20),
        any::<bool>(),
    );
    parts.prop_map(|(parts, leaves, roots, uniform)| {
        let count = parts.len();
        let place = |pick: u16, first: usize| {
            let pick = first + usize::from(pick) % (count - first + leaves.len());
            if pick < count {
                Place::Branch(pick)
            } else {
                Place::Leaf(pick - count)
            }
        };
        let branch = |(i, (mode, feature, threshold, missing, children)): (
            usize,
            (Mode, _, _, _, [u16; 2]),
        )| Branch {
            mode: if uniform { Mode::Leq } else { mode },
            feature,
            threshold,
            missing: missing && !uniform,
            yes: place(children[0], i + 1),
            no: place(children[1], i + 1),
        };
        let branches = parts.into_iter().enumerate().map(branch).collect();
        let roots = roots.into_iter().map(|root| place(root, 0)).collect();
        Blueprint {
            roots,
            branches,
            leaves: leaves.clone(),
            targets: TARGETS,
        }
    })
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    prop_oneof![
        Just(Aggregate::Sum),
        Just(Aggregate::Average),
        Just(Aggregate::Min),
        Just(Aggregate::Max)
    ]
}

fn close<T: Float>(got: &[T], expected: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.len(), expected.len());
    for (got, &expected) in got.iter().zip(expected) {
        let got = f64::from(got.to_f32());
        let near = (got - expected).abs() < 1e-5 || (got.is_nan() && expected.is_nan());
        prop_assert!(near, "{got}, expected {expected}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_batch_is_its_rows_walked_one_by_one(
        trees in trees(),
        rows in proptest::collection::vec(proptest::collection::vec(value(), FEATURES), 0..20),
        aggregate in aggregate(),
    ) {
        trees.check().expect("these trees end");
        let expected = plain(&trees, &rows, aggregate);
        let doubles = rows.concat();
        let floats: Vec<f32> = doubles.iter().map(|&x| x as f32).collect();
        let single = Forest::<f32>::of(&trees);
        close(&single.scores(&floats, FEATURES, aggregate), &expected)?;
        close(&Forest::<f64>::of(&trees).scores(&doubles, FEATURES, aggregate), &expected)?;
        close(&single.widen().scores(&doubles, FEATURES, aggregate), &expected)?;
    }
}

/// A tree whose every branch has a leaf on one side, of as many leaves as a mask has bits, fewer and more.
#[test]
fn trees_of_any_length_are_walked() {
    for count in [0, 1, 30, 31, 32, 40] {
        for leaf_first in [true, false] {
            let branch = |i: usize| {
                let next = match i + 1 < count {
                    true => Place::Branch(i + 1),
                    false => Place::Leaf(count),
                };
                let [yes, no] = match leaf_first {
                    true => [Place::Leaf(i), next],
                    false => [next, Place::Leaf(i)],
                };
                let sign = if leaf_first { 1. } else { -1. };
                Branch {
                    mode: Mode::Leq,
                    feature: 0,
                    threshold: sign * i as f64,
                    missing: false,
                    yes,
                    no,
                }
            };
            let root = match count {
                0 => Place::Leaf(0),
                _ => Place::Branch(0),
            };
            let trees = Blueprint {
                roots: vec![root; 2],
                branches: (0..count).map(branch).collect(),
                leaves: (0..=count).map(|leaf| vec![(0, leaf as f64)]).collect(),
                targets: 1,
            };
            trees.check().expect("it ends");
            let rows: Vec<Vec<f64>> = (-45..45).map(|x| vec![f64::from(x)]).collect();
            let expected = plain(&trees, &rows, Aggregate::Sum);
            let got = Forest::<f64>::of(&trees).scores(&rows.concat(), 1, Aggregate::Sum);
            assert_eq!(got, expected, "{count} branches");
        }
    }
}

#[test]
fn a_tree_that_leads_back_is_refused() {
    let branch = Branch {
        mode: Mode::Leq,
        feature: 0,
        threshold: 0.,
        missing: false,
        yes: Place::Branch(1),
        no: Place::Leaf(0),
    };
    let back = Branch {
        yes: Place::Branch(0),
        ..branch
    };
    let mut trees = Blueprint {
        roots: vec![Place::Branch(0)],
        branches: vec![branch, back],
        leaves: vec![vec![(0, 1.)]],
        targets: 1,
    };
    let refused = trees
        .check()
        .expect_err("0 leads to 1, and 1 to 0")
        .to_string();
    assert!(refused.contains("leads back"), "{refused}");
    trees.branches[1].yes = Place::Leaf(1);
    let refused = trees.check().expect_err("there is one leaf").to_string();
    assert!(refused.contains("not there"), "{refused}");
    trees.branches[1].yes = Place::Leaf(0);
    trees.check().expect("now it ends");
}
