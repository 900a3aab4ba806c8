//! Buckets against GrowthBook's SDK (`tests/reference/assignment.py`), and what holds for all tables.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde::Deserialize;

use super::hash::{thousandths, units};
use super::*;

/// What the SDK says.
#[derive(Deserialize)]
struct Reference {
    hashes: Vec<Hash>,
    namespaces: Vec<Part>,
    variations: Vec<Variation>,
}

#[derive(Deserialize)]
struct Hash {
    seed: String,
    key: String,
    version: u8,
    n: f64,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    from: f64,
    to: f64,
    members: Vec<String>,
}

#[derive(Deserialize)]
struct Variation {
    weights: Vec<u16>,
    runs: Vec<(u8, u16)>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../tests/reference/assignment.json")).unwrap()
}

fn weights(points: &[u16]) -> Vec<Weight> {
    points.iter().map(|p| Weight::new(*p).unwrap()).collect()
}

fn table(points: &[u16]) -> Slots {
    Slots::new(&weights(points)).unwrap()
}

/// So many keys, as an application has them.
fn keys(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("customer-{n}"))
}

/// The part of keys whose arm changes.
fn moved(count: usize, a: &Slots, b: &Slots) -> f64 {
    let changed = keys(count).filter(|key| {
        let slot = slot("exp1", key);
        a.owner(slot) != b.owner(slot)
    });
    changed.count() as f64 / count as f64
}

// === the hash ===

#[test]
fn slots_are_those_of_the_sdk() {
    let hashes = reference().hashes;
    assert!(hashes.len() > 400);
    for Hash {
        seed,
        key,
        version,
        n,
    } in hashes
    {
        let got = match version {
            1 => f64::from(thousandths(units(&seed), &key)) / 1_000.0,
            _ => f64::from(slot(&seed, &key).get()) / 10_000.0,
        };
        assert_eq!(got, n, "({seed:?}, {key:?}, {version})");
    }
}

#[test]
fn slots_are_those_of_the_published_vectors() {
    for (seed, key, shown) in [
        ("seed", "a", "0.0505"),
        ("foo", "ab", "0.2575"),
        ("exp1", "müller", "0.8403"),
    ] {
        assert_eq!(slot(seed, key).to_string(), shown);
    }
    assert_eq!(thousandths(units(""), "a"), 220);
}

#[test]
fn draws_fill_all_slots_evenly() {
    let edges = [0, u64::MAX / 2, u64::MAX].map(|draw| Slot::from_draw(draw).get());
    assert_eq!(edges, [0, 4_999, 9_999]);
    let step = u64::MAX / 1_000_000;
    let mut counts = vec![0_u32; 10_000];
    (0..1_000_000).for_each(|n| counts[Slot::from_draw(n * step).index()] += 1);
    assert!(counts.iter().all(|count| (99..=101).contains(count)));
    assert_eq!(Slot::new(9_999).map(Slot::get), Some(9_999));
    assert_eq!(Slot::new(10_000), None);
}

// === weights ===

#[test]
fn weights_are_exact_or_refused() {
    let show = |percent: f64| match Weight::from_percent(percent) {
        Ok(weight) => format!("{weight} = {}", weight.basis_points()),
        Err(error) => error.to_string(),
    };
    let asked = [
        0.0,
        0.01,
        0.29,
        0.5,
        1.1,
        25.0,
        33.33,
        57.35,
        99.99,
        100.0,
        0.005,
        33.333,
        100.01,
        -0.01,
        f64::NAN,
        f64::INFINITY,
    ];
    expect![[r#"
        0 % = 0
        0.01 % = 1
        0.29 % = 29
        0.5 % = 50
        1.1 % = 110
        25 % = 2500
        33.33 % = 3333
        57.35 % = 5735
        99.99 % = 9999
        100 % = 10000
        expected a weight in steps of 0.01 %, got 0.005 %
        expected a weight in steps of 0.01 %, got 33.333 %
        expected a weight from 0 % to 100 %, got 100.01 %
        expected a weight from 0 % to 100 %, got -0.01 %
        expected a weight from 0 % to 100 %, got NaN %
        expected a weight from 0 % to 100 %, got inf %
    "#]]
    .assert_eq(&asked.map(|percent| show(percent) + "\n").concat());
    for points in 0..=10_000 {
        let weight = Weight::new(points).unwrap();
        assert_eq!(Weight::from_percent(weight.percent()), Ok(weight));
        let written = format!("{weight}");
        let read: f64 = written.trim_end_matches(" %").parse().unwrap();
        assert_eq!(Weight::from_percent(read), Ok(weight));
    }
    assert_eq!(Weight::new(10_001), None);
}

#[test]
fn parts_are_rounded_by_their_remainders() {
    let check = |parts: &[f64], expected: &Expect| {
        expected.assert_eq(&match Weight::apportion(parts) {
            Ok(weights) => format!(
                "{:?}",
                weights.iter().map(|w| w.basis_points()).collect::<Vec<_>>()
            ),
            Err(error) => error.to_string(),
        });
    };
    let third = 1.0 / 3.0;
    check(&[third, third, third], &expect!["[3334, 3333, 3333]"]);
    check(&[0.1, 0.2, 0.7], &expect!["[1000, 2000, 7000]"]);
    check(&[0.00004, 0.00006, 0.9999], &expect!["[0, 1, 9999]"]);
    check(&[1.0, 0.0], &expect!["[10000, 0]"]);
    check(
        &[0.5, 0.4],
        &expect!["expected parts that sum to 1, got a sum of 0.9"],
    );
    check(
        &[1.5, -0.5],
        &expect!["expected a weight from 0 % to 100 %, got 150 %"],
    );
    check(
        &[f64::NAN, 1.0],
        &expect!["expected a weight from 0 % to 100 %, got NaN %"],
    );
    check(
        &[],
        &expect!["expected parts that sum to 1, got a sum of 0"],
    );
}

#[test]
fn weights_that_make_no_split_are_refused_with_the_sum() {
    let refused = |points: &[u16]| Slots::new(&weights(points)).unwrap_err().to_string();
    expect!["weights must sum to 100 %, got 99.50 %"].assert_eq(&refused(&[9_000, 950]));
    expect!["weights must sum to 100 %, got 110.00 %"].assert_eq(&refused(&[10_000, 1_000]));
    expect!["weights must sum to 100 %, got 0.00 %"].assert_eq(&refused(&[]));
    let many = [vec![10_000], vec![0; 64]].concat();
    expect!["expected at most 64 arms, got 65"].assert_eq(&refused(&many));
    let two = table(&[5_000, 5_000]);
    let fewer = two.reweigh(&weights(&[10_000])).unwrap_err().to_string();
    expect!["expected a weight for each of 2 arms, got 1"].assert_eq(&fewer);
    let over = two.reweigh(&weights(&[5_000, 5_001])).unwrap_err();
    assert_eq!(over, WeightsError::Sum { sum: 10_001 });
}

// === tables ===

#[test]
fn a_new_table_is_what_the_sdk_makes_of_its_weights() {
    for Variation { weights, runs } in reference().variations {
        let got: Vec<_> = table(&weights).runs().map(|r| (r.arm, r.length)).collect();
        assert_eq!(got, runs, "{weights:?}");
    }
}

#[test]
fn a_canary_keeps_its_keys_as_it_grows_and_gives_all_back() {
    let steps = [0, 100, 500, 2_500, 5_000, 10_000].map(|c| weights(&[10_000 - c, c]));
    let mut tables = vec![Slots::new(&steps[0]).unwrap()];
    for step in &steps[1..] {
        tables.push(tables.last().unwrap().reweigh(step).unwrap());
    }
    for pair in tables.windows(2) {
        let left = (0..10_000)
            .filter_map(Slot::new)
            .filter(|slot| pair[0].owner(*slot) == 1 && pair[1].owner(*slot) == 0);
        assert_eq!(left.count(), 0, "a key of the canary stays with it");
    }
    let aborted = tables[3].reweigh(&steps[0]).unwrap();
    assert_eq!(aborted, tables[0]);
    expect!["Slots { weights: [Weight(7500), Weight(2500)], runs: [(0, 7500), (1, 2500)] }"]
        .assert_eq(&format!("{:?}", tables[3]));
}

/// The design's figures are of a sample of users; in slots they are exact.
#[test]
fn moves_are_those_of_the_design() {
    let three = table(&[3_400, 3_300, 3_300]);
    let wanted = [5_000, 2_500, 2_500];
    let moved_to = three.reweigh(&weights(&wanted)).unwrap();
    assert_eq!(three.moved(&moved_to), 1_600);
    let users = moved(50_000, &three, &moved_to);
    assert!((users - 0.156).abs() < 0.01, "{users}");
    let ranges = moved(50_000, &three, &table(&wanted));
    assert!((ranges - 0.238).abs() < 0.01, "{ranges}");

    let four = table(&[2_500; 4]);
    let killed = Weight::apportion(&[0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]).unwrap();
    let moved_to = four.reweigh(&killed).unwrap();
    assert_eq!(four.moved(&moved_to), 2_500);
    let users = moved(50_000, &four, &moved_to);
    assert!((users - 0.252).abs() < 0.01, "{users}");
    let ranges = moved(50_000, &four, &Slots::new(&killed).unwrap());
    assert!((ranges - 0.510).abs() < 0.02, "{ranges}");
}

#[test]
fn highest_slots_go_and_the_first_arm_takes_the_lowest() {
    let runs = |slots: &Slots| -> Vec<_> { slots.runs().map(|r| (r.arm, r.length)).collect() };
    let split = table(&[6_000, 4_000]);
    let grown = split
        .reweigh(&weights(&[4_000, 3_000, 1_000, 2_000]))
        .unwrap();
    let expected = [(0, 4_000), (2, 1_000), (3, 1_000), (1, 3_000), (3, 1_000)];
    assert_eq!(runs(&grown), expected);
    assert_eq!(grown.arms(), 4);
    assert_eq!([0, 3, 4].map(|arm| grown.share(arm)), [0.4, 0.2, 0.0]);
}

#[test]
fn runs_that_make_no_table_are_refused() {
    let check = |arms, runs: &[(u8, u16)], expected: &Expect| {
        let runs = runs.iter().map(|&(arm, length)| Run { arm, length });
        let got = match Slots::from_runs(arms, runs) {
            Ok(slots) => format!("{slots:?}"),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&got);
    };
    check(
        2,
        &[(0, 5_000), (1, 4_999)],
        &expect!["expected runs of 10000 slots together, got 9999"],
    );
    check(
        2,
        &[(0, 5_000), (1, 5_001)],
        &expect!["expected runs of 10000 slots together, got 10001"],
    );
    check(
        2,
        &[(0, 65_535), (1, 65_535)],
        &expect!["expected runs of 10000 slots together, got 65535"],
    );
    check(2, &[(0, 10_000), (1, 0)], &expect!["run 1 is empty"]);
    check(
        2,
        &[(0, 5_000), (2, 5_000)],
        &expect!["run 1 belongs to arm 2, and there are 2 arms"],
    );
    check(
        0,
        &[],
        &expect!["expected runs of 10000 slots together, got 0"],
    );
    check(
        65,
        &[(64, 10_000)],
        &expect!["expected at most 64 arms, got 65"],
    );
    check(
        3,
        &[(1, 4_000), (1, 6_000)],
        &expect!["Slots { weights: [Weight(0), Weight(10000), Weight(0)], runs: [(1, 10000)] }"],
    );
}

// === namespaces ===

#[test]
fn namespaces_have_the_members_that_the_sdk_gives_them() {
    let Reference {
        hashes, namespaces, ..
    } = reference();
    let known = hashes.into_iter().map(|hash| hash.key);
    let known: Vec<_> = known.chain(keys(200)).collect();
    for Part {
        name,
        from,
        to,
        members,
    } in namespaces
    {
        let namespace = Namespace::new(&name, from, to).unwrap();
        for key in &known {
            // The keys of other cases are hashed here and are no members there.
            assert_eq!(
                namespace.contains(key),
                members.contains(key),
                "{name} {key:?}"
            );
        }
    }
}

#[test]
fn ranges_that_are_none_are_refused() {
    for (from, to) in [
        (0.5, 0.5),
        (0.6, 0.5),
        (-0.1, 0.5),
        (0.5, 1.1),
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
    ] {
        let error = Namespace::new("n", from, to).unwrap_err();
        assert!(matches!(error, NamespaceError::Range { .. }), "{error}");
    }
    assert_eq!(Namespace::new("", 0.0, 1.0), Err(NamespaceError::Nameless));
    let part = |name, from, to| Namespace::new(name, from, to).unwrap();
    let half = part("n", 0.0, 0.5);
    assert!(half.excludes(&part("n", 0.5, 1.0)) && part("n", 0.5, 1.0).excludes(&half));
    assert!(!half.excludes(&part("n", 0.4, 1.0)) && !half.excludes(&half));
    assert!(
        !half.excludes(&part("m", 0.5, 1.0)),
        "another name is another draw"
    );
}

// === what holds for all ===

/// Weights of so many arms: the distances between cuts.
fn split(arms: usize) -> impl Strategy<Value = Vec<Weight>> {
    proptest::collection::vec(0_u16..=10_000, arms - 1).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts.insert(0, 0);
        cuts.push(10_000);
        weights(
            &cuts
                .windows(2)
                .map(|ends| ends[1] - ends[0])
                .collect::<Vec<_>>(),
        )
    })
}

/// A chain of splits, each with as many arms as the one before or more.
fn chain() -> impl Strategy<Value = Vec<Vec<Weight>>> {
    proptest::collection::vec(1_usize..9, 1..8).prop_flat_map(|mut arms| {
        arms.sort_unstable();
        arms.into_iter().map(split).collect::<Vec<_>>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn weights_are_realised_and_moves_are_minimal(chain in chain()) {
        let mut slots = Slots::new(&chain[0])?;
        for weights in &chain {
            let next = slots.reweigh(weights)?;
            prop_assert_eq!(next.weights(), &weights[..]);
            let mut counts = vec![0_u16; weights.len()];
            (0..10_000).filter_map(Slot::new).for_each(|slot| counts[next.owner(slot)] += 1);
            let points: Vec<_> = weights.iter().map(|w| w.basis_points()).collect();
            prop_assert_eq!(counts, points.clone());
            let was = |arm: usize| slots.weights().get(arm).copied().unwrap_or_default().basis_points();
            let distance: u16 = points.iter().enumerate().map(|(arm, now)| now.abs_diff(was(arm))).sum();
            prop_assert_eq!(slots.moved(&next), usize::from(distance / 2));
            prop_assert_eq!(&slots.reweigh(weights)?, &next, "the same again");
            prop_assert_eq!(&next.reweigh(weights)?, &next, "nothing to move");
            let runs: Vec<_> = next.runs().collect();
            prop_assert_eq!(&Slots::from_runs(next.arms(), runs)?, &next);
            slots = next;
        }
    }

    #[test]
    fn parts_of_one_become_weights_within_a_slot(
        raw in proptest::collection::vec(1e-3_f64..1.0, 1..20),
    ) {
        let sum: f64 = raw.iter().sum();
        let parts: Vec<f64> = raw.iter().map(|part| part / sum).collect();
        let weights = Weight::apportion(&parts)?;
        prop_assert!(Slots::new(&weights).is_ok());
        for (weight, part) in weights.iter().zip(&parts) {
            prop_assert!((weight.share() - part).abs() < 1.0001e-4);
        }
    }

    #[test]
    fn who_is_in_one_part_of_a_namespace_is_in_no_other(
        name in ".{1,12}",
        mut ends in proptest::collection::vec(0.0_f64..=1.0, 2..8),
        key in ".{0,24}",
    ) {
        // Parts between neighbouring ends, and the two that are left.
        ends.extend([0.0, 1.0]);
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        let parts = ends.windows(2).map(|ends| Namespace::new(&name, ends[0], ends[1]));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        for pair in parts.windows(2) {
            prop_assert!(pair[0].excludes(&pair[1]) && pair[1].excludes(&pair[0]));
        }
        prop_assert_eq!(parts.iter().filter(|part| part.contains(&key)).count(), 1);
    }
}
