//! Tallies and evidence: nothing is lost, nothing counts twice, whatever the order.

use proptest::prelude::*;

use crate::analysis::{BINS, Class, Counts, Evidence, Samples, Source, Tally, Thresholds, read};
use crate::bucket::Weight;
use crate::spec::canary::{Analysis, Metric};
use crate::stats::Sketch;

fn weights(canary: u16) -> [Weight; 2] {
    [10_000 - canary, canary].map(|points| Weight::new(points).unwrap())
}

fn source(replica: u64, boot: u64) -> Source {
    Source { replica, boot }
}

fn counts() -> impl Strategy<Value = Counts> {
    let events = proptest::array::uniform9(0_u64..50);
    let bins = proptest::array::uniform32(0_u64..50);
    let latencies = proptest::collection::vec(0_u64..10_000_000_000, 0..5);
    (0_u64..1_000, 0_u64..1_000, events, bins, latencies).prop_map(
        |(requests, units, events, bins, latencies)| {
            let mut latency = Sketch::default();
            latencies.into_iter().for_each(|ns| latency.record(ns));
            Counts {
                requests,
                units,
                events,
                bins,
                latency,
            }
        },
    )
}

fn tally() -> impl Strategy<Value = Tally> {
    proptest::collection::vec(counts(), 0..3).prop_map(|arms| Tally { arms })
}

/// A tally with so many requests and errors per arm.
fn errors(stable: (u64, u64), canary: (u64, u64)) -> Tally {
    let mut tally = Tally::default();
    for (arm, (errors, requests)) in [stable, canary].into_iter().enumerate() {
        let counts = tally.arm_mut(arm);
        counts.requests = requests;
        counts.units = requests;
        counts.events[Class::Errors.index()] = errors;
        counts.events[Class::Exposure.index()] = requests;
    }
    tally
}

proptest! {
    #[test]
    fn tallies_add_up_in_any_order(
        tallies in proptest::collection::vec(tally(), 1..6).prop_flat_map(|tallies| {
            (Just(tallies.clone()), Just(tallies).prop_shuffle())
        }),
    ) {
        let sum = |tallies: &[Tally]| {
            let mut sum = Tally { arms: vec![Counts::default(); 2] };
            tallies.iter().for_each(|tally| sum.add(tally));
            sum
        };
        let all = sum(&tallies.0);
        prop_assert_eq!(&all, &sum(&tallies.1));
        let requests: u64 = tallies.0.iter().flat_map(|t| &t.arms).map(|c| c.requests).sum();
        prop_assert_eq!(all.arms.iter().map(|c| c.requests).sum::<u64>(), requests);
    }

    /// Each of three replicas holds a copy of what the others had counted at some time.
    #[test]
    fn replicas_agree_whatever_the_order(
        tallies in proptest::collection::vec((0_u32..3, 0_u64..3, 1_u64..3, tally()), 1..12),
        order in Just([0, 1, 2]).prop_shuffle(),
    ) {
        let mut copies = vec![Evidence::default(); 3];
        for (segment, replica, boot, tally) in tallies {
            let copy = &mut copies[replica as usize];
            copy.open(segment, &weights(100 * (segment as u16 / 2 + 1)), true);
            copy.put(segment, source(replica, boot), tally);
        }
        let mut first = Evidence::default();
        copies.iter().for_each(|copy| first.merge(copy));
        let mut second = Evidence::default();
        order.iter().for_each(|at| second.merge(&copies[*at]));
        second.merge(&copies[0]);
        second.merge(&first.clone());
        prop_assert_eq!(first, second);
    }

    #[test]
    fn settled_segments_say_what_they_said(
        tallies in proptest::collection::vec((0_u16..3, tally()), 1..10),
    ) {
        let mut evidence = Evidence::default();
        for (segment, (step, tally)) in (0..).zip(tallies) {
            evidence.open(segment, &weights(100 + 1_000 * step), true);
            prop_assert!(evidence.put(segment, source(1, 1), tally));
        }
        let analysis = Analysis::default();
        let before = read(&evidence, &analysis, 2.0, true);
        evidence.settle(100);
        let after = read(&evidence, &analysis, 2.0, true);
        prop_assert!(evidence.segments.len() <= 3);
        prop_assert!((before.harm.log_e - after.harm.log_e).abs() < 1e-6);
        prop_assert_eq!(before.requests, after.requests);
        for (a, b) in before.guardrails.iter().zip(&after.guardrails) {
            prop_assert_eq!(a.events, b.events);
            prop_assert!((a.log_e_safe - b.log_e_safe).abs() < 1e-6);
        }
    }
}

#[test]
fn a_report_that_comes_twice_counts_once_and_an_older_one_not_at_all() {
    let mut evidence = Evidence::default();
    evidence.open(1, &weights(100), false);
    let early = errors((1, 100), (0, 1));
    let late = errors((3, 300), (1, 3));
    for tally in [&early, &late, &late, &early] {
        assert!(evidence.put(1, source(1, 1), tally.clone()));
    }
    assert_eq!(evidence.segments[&1].counts(0).requests, 300);
}

#[test]
fn what_is_counted_for_a_segment_that_is_not_open_is_nobodys() {
    let mut evidence = Evidence::default();
    let tally = errors((1, 100), (0, 1));
    assert!(!evidence.put(1, source(1, 1), tally.clone()));
    evidence.open(1, &weights(100), false);
    assert!(evidence.put(1, source(1, 1), tally.clone()));
    evidence.settle(2);
    evidence.open(1, &weights(100), false);
    assert!(!evidence.put(1, source(1, 1), errors((9, 900), (0, 9))));
    assert_eq!(evidence.segments[&1].counts(0).requests, 100);
    evidence.clear();
    evidence.open(1, &weights(100), false);
    assert!(!evidence.put(1, source(1, 1), tally.clone()));
    evidence.open(2, &weights(100), false);
    assert!(evidence.put(2, source(1, 1), tally));
}

#[test]
fn the_starts_of_a_process_that_has_ended_are_one() {
    let mut evidence = Evidence::default();
    evidence.open(1, &weights(100), false);
    for boot in 1..=5 {
        evidence.restarted(source(7, boot));
        assert!(evidence.put(1, source(7, boot), errors((1, 100), (0, 1))));
    }
    evidence.put(1, source(8, 3), errors((1, 50), (0, 1)));
    let sources: Vec<_> = evidence.segments[&1].tallies.keys().copied().collect();
    assert_eq!(sources, [source(7, 0), source(7, 5), source(8, 3)]);
    assert_eq!(evidence.segments[&1].counts(0).requests, 550);
}

#[test]
fn the_number_of_segments_is_bounded() {
    let mut evidence = Evidence::default();
    for segment in 0..1_000 {
        evidence.open(segment, &weights(1 + (segment as u16 % 200)), false);
        evidence.put(segment, source(1, 1), errors((1, 100), (0, 1)));
        evidence.settle(segment);
        assert!(evidence.segments.len() <= Evidence::SEGMENTS);
    }
    assert!(evidence.segments.contains_key(&999));
}

#[test]
fn what_was_once_shown_stays_shown() {
    let mut evidence = Evidence::default();
    evidence.open(1, &weights(1_000), false);
    evidence.put(1, source(1, 1), errors((10, 900), (30, 100)));
    let analysis = Analysis::default();
    let readings = read(&evidence, &analysis, 3.0, false);
    evidence.note(&readings);
    let then = readings.of(Metric::Errors).unwrap().p();
    evidence.put(1, source(1, 1), errors((900, 90_000), (60, 10_000)));
    let readings = read(&evidence, &analysis, 3.0, false);
    let now = readings.of(Metric::Errors).unwrap();
    assert!(now.log_e_harm < 0.0);
    assert_eq!(now.p(), then);
}

#[test]
fn thresholds_are_quantiles_and_values_fall_below_them() {
    let samples = Samples {
        latencies: (1..=1_000).rev().collect(),
        values: (0..200)
            .map(f64::from)
            .chain([f64::NAN, f64::INFINITY])
            .collect(),
    };
    let few = Samples {
        latencies: vec![1; 199],
        values: vec![],
    };
    assert_eq!(Thresholds::freeze(few, None), None);
    let thresholds = Thresholds::freeze(samples, Some(5)).unwrap();
    // The quantiles, half of each and a millisecond.
    assert_eq!(thresholds.slow_ns, [1_000_750, 1_001_350, 1_001_485]);
    assert_eq!(thresholds.slower_than_ns, Some(5));
    let deciles = [-1.0, 0.0, 19.0, 19.5, 100.0, 179.0, 1e9].map(|v| thresholds.decile(v).unwrap());
    assert_eq!(deciles, [0, 0, 0, 1, 5, 8, 9]);
    // Numbers that are all the same have deciles too; there is just one of them.
    let constant = Samples {
        latencies: vec![7; 200],
        values: vec![0.5; 200],
    };
    let thresholds = Thresholds::freeze(constant, None).unwrap();
    assert_eq!([0.5, 0.6].map(|v| thresholds.decile(v)), [Some(0), Some(9)]);
    assert!(usize::from(thresholds.decile(1e300).unwrap()) < BINS);
}
