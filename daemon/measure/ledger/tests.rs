//! Ledgers, written by one thread and by many.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;

use impresario_pipelines::analysis::CANARY;

use super::*;

fn terms() -> Terms {
    Terms {
        course: 7,
        segment: 3,
        arms: 2,
        thresholds: None,
        sticky: false,
    }
}

fn thresholds() -> Thresholds {
    Thresholds {
        slow_ns: [1_000_000, 2_000_000, 3_000_000],
        slower_than_ns: Some(2_500_000),
        deciles: Some([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
    }
}

fn ledger(terms: Terms) -> Ledger {
    Ledger::new(terms, Box::new(|_| ()))
}

fn seen(outcome: Outcome) -> Observation {
    Observation {
        outcome,
        latency: Duration::from_micros(500),
        glance: Glance::default(),
        violation: false,
    }
}

fn took(micros: u64) -> Observation {
    Observation {
        latency: Duration::from_micros(micros),
        ..seen(Outcome::Success)
    }
}

fn answered(output: Output) -> Observation {
    Observation {
        glance: Glance {
            output,
            non_finite: false,
        },
        ..seen(Outcome::Success)
    }
}

fn events(ledger: &Ledger, arm: usize) -> Vec<(Class, u64)> {
    let tally = ledger.tally();
    let counts = &tally.arms[arm];
    let events = Class::ALL.map(|class| (class, counts.of(class)));
    events.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn outcomes_are_events_or_no_evidence() {
    let ledger = ledger(terms());
    for outcome in Outcome::ALL {
        ledger.record(CANARY, None, &seen(outcome));
    }
    assert_eq!(
        events(&ledger, CANARY),
        [(Class::Errors, 3), (Class::Timeouts, 1)]
    );
    let tally = ledger.tally();
    assert_eq!(
        (tally.arms[CANARY].requests, tally.arms[CANARY].units),
        (5, 5)
    );
    assert_eq!(tally.arms[CANARY].latency.total(), 5);
    assert_eq!(tally.arms[STABLE], Counts::default());
}

#[test]
fn exposures_count_whatever_comes_of_them() {
    let ledger = ledger(terms());
    (0..3).for_each(|_| ledger.expose(STABLE, None));
    ledger.expose(CANARY, None);
    ledger.record(CANARY, None, &seen(Outcome::Overloaded));
    assert_eq!(events(&ledger, STABLE), [(Class::Exposure, 3)]);
    assert_eq!(events(&ledger, CANARY), [(Class::Exposure, 1)]);
    assert_eq!(ledger.tally().arms[CANARY].requests, 0);
}

#[test]
fn an_arm_that_there_is_not_is_counted_by_nobody() {
    let ledger = ledger(terms());
    ledger.expose(2, None);
    ledger.record(2, None, &seen(Outcome::Failed));
    assert!(!ledger.tripped(2));
    assert_eq!(ledger.tally().size(), 0);
}

#[test]
fn what_is_slow_and_where_answers_belong_is_counted_once_it_is_frozen() {
    let frozen = ledger(Terms {
        thresholds: Some(thresholds()),
        ..terms()
    });
    let open = ledger(terms());
    for ledger in [&frozen, &open] {
        [1_000, 1_001, 2_001, 2_501, 3_001]
            .iter()
            .for_each(|micros| ledger.record(STABLE, None, &took(*micros)));
        for output in [Output::Value(0.5), Output::Value(99.0), Output::Bin(31)] {
            ledger.record(STABLE, None, &answered(output));
        }
    }
    assert_eq!(
        events(&frozen, STABLE),
        [
            (Class::Slow50, 4),
            (Class::Slow90, 3),
            (Class::Slow99, 1),
            (Class::SlowerThan, 2)
        ]
    );
    let bins = frozen.tally().arms[STABLE].bins;
    assert_eq!((bins[0], bins[9], bins[31]), (1, 1, 1));
    assert_eq!(bins.iter().sum::<u64>(), 3);
    assert_eq!(frozen.samples(), Samples::default());
    assert_eq!(events(&open, STABLE), []);
    assert_eq!(open.tally().arms[STABLE].bins, [0; BINS]);
}

#[test]
fn thresholds_are_frozen_from_the_stables_first_answers() {
    let ledger = ledger(terms());
    for n in 1..=1_500_u32 {
        let answer = |output| Observation {
            latency: Duration::from_nanos(n.into()),
            ..answered(output)
        };
        ledger.record(STABLE, None, &answer(Output::Value(n.into())));
        ledger.record(CANARY, None, &answer(Output::Value(-1.0)));
        ledger.record(STABLE, None, &seen(Outcome::Failed));
    }
    let samples = ledger.samples();
    assert_eq!(
        (samples.latencies.len(), samples.values.len()),
        (1_000, 1_000)
    );
    let frozen = Thresholds::freeze(samples, None).unwrap();
    // Its quantiles, half of each and a millisecond.
    assert_eq!(frozen.slow_ns, [1_000_750, 1_001_350, 1_001_485]);
    assert_eq!(frozen.deciles.unwrap()[4], 500.0);
    // An answer that is no number is no sample of numbers.
    ledger.record(STABLE, None, &answered(Output::Value(f64::INFINITY)));
    assert!(
        ledger
            .samples()
            .values
            .iter()
            .all(|value| value.is_finite())
    );
}

#[test]
fn only_a_units_first_event_of_a_class_counts() {
    let ledger = ledger(Terms {
        thresholds: Some(thresholds()),
        sticky: true,
        ..terms()
    });
    for unit in [Some(1), Some(1), Some(2), None, None] {
        ledger.expose(CANARY, unit);
        ledger.record(CANARY, unit, &seen(Outcome::Failed));
        ledger.record(CANARY, unit, &took(1_500));
        ledger.record(CANARY, unit, &answered(Output::Bin(4)));
        ledger.record(CANARY, unit, &answered(Output::Bin(5)));
    }
    assert_eq!(
        events(&ledger, CANARY),
        [(Class::Errors, 4), (Class::Slow50, 4), (Class::Exposure, 4)]
    );
    let tally = ledger.tally();
    let counts = &tally.arms[CANARY];
    // Two units, and two times four requests that are units of their own.
    assert_eq!((counts.requests, counts.units), (20, 10));
    assert_eq!((counts.bins[4], counts.bins[5]), (4, 4));
}

/// More units than bits: events are lost, but how many units there were is known.
#[test]
fn a_crowd_is_counted() {
    let ledger = ledger(Terms {
        sticky: true,
        ..terms()
    });
    const UNITS: u64 = 300_000;
    for unit in 0..UNITS {
        let arm = usize::from(unit.is_multiple_of(4));
        ledger.record(arm, Some(unit), &seen(Outcome::Success));
    }
    let units = ledger
        .tally()
        .arms
        .into_iter()
        .map(|counts| counts.units as f64);
    let units: Vec<_> = units.collect();
    let all = units.iter().sum::<f64>() / UNITS as f64;
    let share = units[CANARY] / units.iter().sum::<f64>();
    assert!((0.98..1.02).contains(&all), "{units:?}");
    assert!((0.24..0.26).contains(&share), "{units:?}");
}

#[test]
fn five_failures_in_a_row_stop_the_canary_and_say_so_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&calls);
    let ledger = Ledger::new(
        terms(),
        Box::new(move |arm| {
            assert_eq!(arm, CANARY);
            heard.fetch_add(1, Relaxed);
        }),
    );
    (0..20).for_each(|_| ledger.record(STABLE, None, &seen(Outcome::Success)));
    for failures in 1..=10 {
        // What is no evidence does not end a streak.
        ledger.record(CANARY, None, &seen(Outcome::Abandoned));
        ledger.record(CANARY, None, &seen(Outcome::Expired));
        ledger.record(CANARY, None, &seen(Outcome::Crashed));
        assert_eq!(ledger.tripped(CANARY), failures >= 5);
    }
    assert_eq!(calls.load(Relaxed), 1);
    assert_eq!(ledger.trip(CANARY), Trip::Canary);
    assert!(!ledger.tripped(STABLE));
    // It stays stopped, whatever comes in late.
    (0..20).for_each(|_| ledger.record(CANARY, None, &seen(Outcome::Success)));
    (0..20).for_each(|_| ledger.record(STABLE, None, &seen(Outcome::Failed)));
    assert_eq!(ledger.trip(CANARY), Trip::Canary);
}

#[test]
fn an_incident_that_both_share_stops_nobody_until_the_stable_is_well() {
    let ledger = ledger(terms());
    for arm in [STABLE, CANARY] {
        (0..8).for_each(|_| ledger.record(arm, None, &seen(Outcome::Failed)));
    }
    assert!(!ledger.tripped(CANARY));
    assert_eq!(ledger.trip(CANARY), Trip::Both);
    (0..5).for_each(|_| ledger.record(STABLE, None, &seen(Outcome::Success)));
    assert_eq!(ledger.trip(CANARY), Trip::Canary);
    ledger.record(CANARY, None, &seen(Outcome::Failed));
    assert!(ledger.tripped(CANARY));
}

#[test]
fn many_threads_lose_nothing() {
    const THREADS: u64 = 8;
    const REQUESTS: u64 = 5_000;
    let calls = Arc::new(AtomicUsize::new(0));
    let heard = Arc::clone(&calls);
    let hook = Box::new(move |_| {
        heard.fetch_add(1, Relaxed);
    });
    let ledger = Ledger::new(
        Terms {
            sticky: true,
            ..terms()
        },
        hook,
    );
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for n in 0..REQUESTS {
                    ledger.expose(STABLE, Some(n % 100));
                    ledger.record(STABLE, Some(n % 100), &seen(Outcome::Success));
                    ledger.record(CANARY, Some(n % 100), &seen(Outcome::Failed));
                }
            });
        }
    });
    let tally = ledger.tally();
    let counts = &tally.arms[CANARY];
    assert_eq!(counts.requests, THREADS * REQUESTS);
    assert_eq!(counts.latency.total(), THREADS * REQUESTS);
    // All threads have the same hundred users, few enough for a bit each.
    let firsts = tally.arms[STABLE].of(Class::Exposure);
    assert_eq!(firsts, 100);
    assert_eq!(counts.of(Class::Errors), firsts);
    assert_eq!(ledger.samples().latencies.len(), 1_000);
    assert_eq!(calls.load(Relaxed), 1);
}
