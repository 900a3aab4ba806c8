//! What counts show: verdicts, bounds and sentences.

use expect_test::{Expect, expect};

use crate::analysis::{
    BINS, CANARY, Class, Evidence, Ground, Readings, STABLE, Source, Tally, Thresholds, Verdict,
    read,
};
use crate::bucket::Weight;
use crate::spec::canary::{Analysis, Guardrail, Metric};

/// One segment at a weight in hundredths of a per cent.
struct Scene {
    canary: u16,
    requests: [u64; 2],
    events: Vec<(Class, [u64; 2])>,
    bins: [Vec<u64>; 2],
}

impl Scene {
    fn new(canary: u16, requests: [u64; 2]) -> Self {
        Self {
            canary,
            requests,
            events: Vec::new(),
            bins: Default::default(),
        }
    }

    fn with(mut self, class: Class, events: [u64; 2]) -> Self {
        self.events.push((class, events));
        self
    }

    fn bins(mut self, stable: &[u64], canary: &[u64]) -> Self {
        self.bins = [stable.to_vec(), canary.to_vec()];
        self
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for arm in [STABLE, CANARY] {
            let counts = tally.arm_mut(arm);
            counts.requests = self.requests[arm];
            counts.units = self.requests[arm] / 2;
            counts.events[Class::Exposure.index()] = self.requests[arm];
            for (class, events) in &self.events {
                counts.events[class.index()] = events[arm];
            }
            for (bin, count) in self.bins[arm].iter().enumerate() {
                counts.bins[bin] = *count;
            }
        }
        tally
    }
}

fn evidence(scenes: &[Scene]) -> Evidence {
    let mut evidence = Evidence {
        thresholds: Some(Thresholds {
            slow_ns: [1, 2, 3],
            slower_than_ns: Some(250_000_000),
            deciles: None,
        }),
        ..Evidence::default()
    };
    for (number, scene) in (1..).zip(scenes) {
        let weights = [10_000 - scene.canary, scene.canary].map(|w| Weight::new(w).unwrap());
        evidence.open(number, &weights, true);
        assert!(evidence.put(number, Source::default(), scene.tally()));
    }
    evidence
}

fn guard(metric: Metric) -> Guardrail {
    Guardrail {
        metric,
        weight: 1.0,
        margin: None,
        negligible: 0.0,
        ceiling: None,
    }
}

fn analysis(guardrails: &[Guardrail]) -> Analysis {
    Analysis {
        guardrails: guardrails.to_vec(),
        ..Analysis::default()
    }
}

fn of(scenes: &[Scene], guardrails: &[Guardrail]) -> Readings {
    read(&evidence(scenes), &analysis(guardrails), 3.0, false)
}

fn line((scene, guardrail): (Scene, Guardrail)) -> String {
    let readings = of(&[scene], &[guardrail]);
    format!("{}: {}\n", readings.verdict.as_str(), readings.sentence())
}

fn check(cases: impl IntoIterator<Item = (Scene, Guardrail)>, expected: Expect) {
    let lines: Vec<_> = cases.into_iter().map(line).collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn the_worst_verdict_is_the_last_of_argos_order() {
    use Verdict::*;
    assert_eq!(Verdict::worst([Running, Successful]), Running);
    assert_eq!(Verdict::worst([Pending, Running]), Pending);
    assert_eq!(Verdict::worst([Error, Inconclusive]), Error);
    assert_eq!(Verdict::worst([Error, Failed, Pending]), Failed);
    assert_eq!(Verdict::worst([]), Pending);
}

fn errors(stable: u64, canary: u64) -> Scene {
    Scene::new(1_000, [9_000, 1_000]).with(Class::Errors, [stable, canary])
}

#[test]
fn sentences_say_what_is_shown_with_its_numbers() {
    let plain = || guard(Metric::Errors);
    check(
        [
            (errors(90, 60), plain()),
            (errors(90, 20), plain()),
            (errors(90, 12), plain()),
            (errors(0, 0), plain()),
            (Scene::new(1_000, [9_000, 0]), plain()),
            (errors(9, 1), guard(Metric::SlowerThan(300_000))),
        ],
        expect![[r#"
            failed: harm is shown (p = 4e-20 over all guardrails), most by errors: 60 of 1000 (6.00 %) on the canary, 90 of 9000 (1.00 %) on the stable; 3.37 to 10.44 times the stable's rate
            running: errors: 20 of 1000 (2.00 %) on the canary, 90 of 9000 (1.00 %) on the stable; 0.83 to 4.21 times the stable's rate; harm is not shown (p = 0.167)
            successful: every guardrail is shown to be safe, with 500 units on the canary and 4500 on the stable
            running: errors: 0 of 1000 (0.00 %) on the canary, 0 of 9000 (0.00 %) on the stable; not shown to be less than 3 times yet (p = 1.000)
            pending: errors: none on the canary, 0 of 9000 (0.00 %) on the stable; nothing was counted yet
            error: slower-than 300ms: 0 of 1000 (0.00 %) on the canary, 0 of 9000 (0.00 %) on the stable; it cannot be measured
        "#]],
    );
}

#[test]
fn a_negligible_rate_is_safe_and_one_above_its_ceiling_is_not() {
    let negligible = || Guardrail {
        negligible: 0.01,
        ..guard(Metric::NonFinite)
    };
    let ceiling = || Guardrail {
        ceiling: Some(0.05),
        ..guard(Metric::Errors)
    };
    let few = Scene::new(1_000, [900, 100]);
    check(
        [
            (few, negligible()),
            (errors(0, 0), negligible()),
            (errors(450, 52), ceiling()),
            (errors(900, 100), ceiling()),
        ],
        expect![[r#"
            running: non-finite: 0 of 100 (0.00 %) on the canary, 0 of 900 (0.00 %) on the stable; not shown to be less than 3 times yet (p = 1.000)
            successful: every guardrail is shown to be safe, with 500 units on the canary and 4500 on the stable
            successful: every guardrail is shown to be safe, with 500 units on the canary and 4500 on the stable
            failed: errors: 100 of 1000 (10.0 %) on the canary, 900 of 9000 (10.0 %) on the stable; 0.68 to 1.42 times the stable's rate; above its ceiling of 5.00 %: at least 6.92 %
        "#]],
    );
    let safe = |scene, guardrail| of(&[scene], &[guardrail]).guardrails[0].sentence();
    expect!["non-finite: 0 of 1000 (0.00 %) on the canary, 0 of 9000 (0.00 %) on the stable; negligible: at most 0.41 %"].assert_eq(&safe(errors(0, 0), negligible()));
    expect!["errors: 12 of 1000 (1.20 %) on the canary, 90 of 9000 (1.00 %) on the stable; 0.39 to 2.88 times the stable's rate; shown to be less than 3 times the stable's (p = 0.015)"].assert_eq(&safe(errors(90, 12), guard(Metric::Errors)));
}

#[test]
fn outputs_are_judged_by_evidence_and_effect() {
    let outputs = |canary: &[u64], times: u64| {
        let canary: Vec<_> = canary.iter().map(|count| count * times).collect();
        Scene::new(1_000, [10_000 * times, 1_000 * times]).bins(&[1_000 * times; 10], &canary)
    };
    let moved = [10, 10, 10, 10, 10, 150, 200, 200, 200, 200];
    check(
        [
            (outputs(&[], 1), guard(Metric::Outputs)),
            (outputs(&[100; 10], 1), guard(Metric::Outputs)),
            (outputs(&[100; 10], 4), guard(Metric::Outputs)),
            (outputs(&moved, 1), guard(Metric::Outputs)),
        ],
        expect![[r#"
            pending: outputs: no output on both arms yet; nothing was counted yet
            running: outputs: stability index 0.000; not shown to be alike yet
            successful: every guardrail is shown to be safe, with 2000 units on the canary and 20000 on the stable
            failed: harm is shown (p = 1e-9 over all guardrails), most by outputs: stability index 1.334
        "#]],
    );
}

/// `confseq`: beta-binomial, 12 of 1,000 at 5 %.
#[test]
fn bounds_are_those_of_the_design() {
    let scene = Scene::new(1_000, [9_000, 1_000]).with(Class::Errors, [100, 12]);
    let readings = of(&[scene], &[guard(Metric::Errors)]);
    let bounds = readings.guardrails[0].bounds(0.05);
    assert!((bounds.low - 0.00403).abs() < 5e-6 && (bounds.high - 0.02525).abs() < 5e-6);
}

#[test]
fn harm_is_weighed_and_its_top_metric_named() {
    let scene = || {
        Scene::new(1_000, [9_000, 1_000])
            .with(Class::Errors, [90, 20])
            .with(Class::Slow90, [900, 400])
    };
    let guardrails = [guard(Metric::Errors), guard(Metric::Slow90)];
    let readings = of(&[scene()], &guardrails);
    assert_eq!(readings.harm.top, Some(Metric::Slow90));
    assert!(readings.harm.shown());
    let slow = readings.of(Metric::Slow90).unwrap();
    assert!((readings.harm.log_e - (slow.log_e_harm - 2.0_f64.ln())).abs() < 1e-6);
    // A guardrail that weighs nothing aborts nothing.
    let weightless = Guardrail {
        weight: 0.0,
        ..guard(Metric::Slow90)
    };
    let readings = of(&[scene()], &[guard(Metric::Errors), weightless]);
    assert_eq!(readings.verdict, Verdict::Running);
    assert_eq!(readings.harm.top, Some(Metric::Errors));
}

/// A version that is a little slower is neither aborted for it nor held for ever.
#[test]
fn a_latency_within_the_tolerance_does_no_harm() {
    let scene = |slow| {
        Scene::new(5_000, [1_000_000, 1_000_000])
            .with(Class::Slow90, [100_000, slow])
            .with(Class::Errors, [100_000, slow])
    };
    let at = |slow, metric| {
        let guardrails = [guard(metric)];
        read(
            &evidence(&[scene(slow)]),
            &analysis(&guardrails),
            1.25,
            false,
        )
        .verdict
    };
    assert_eq!(at(115_000, Metric::Slow90), Verdict::Successful);
    assert_eq!(at(140_000, Metric::Slow90), Verdict::Failed);
    assert_eq!(at(115_000, Metric::Errors), Verdict::Failed);
}

#[test]
fn evidence_is_kept_when_weights_change() {
    let step = |canary, stable: u64| {
        Scene::new(canary, [stable, stable / 10]).with(Class::Errors, [stable / 100, stable / 300])
    };
    let guardrails = [guard(Metric::Errors)];
    let first = of(&[step(900, 3_000)], &guardrails).harm.log_e;
    let both = of(&[step(900, 3_000), step(900, 3_000)], &guardrails)
        .harm
        .log_e;
    assert!(both > first + 1.0);
    // A hundred events on a canary that had all the traffic say nothing.
    let alone = Scene::new(10_000, [0, 1_000]).with(Class::Errors, [0, 100]);
    let with = of(&[step(900, 3_000), alone], &guardrails).harm.log_e;
    assert!((with - first).abs() < 1e-9);
}

#[test]
fn slow_requests_count_from_the_freezing_on() {
    let mut evidence = Evidence::default();
    let weights = [9_000, 1_000].map(|w| Weight::new(w).unwrap());
    evidence.open(1, &weights, false);
    let scene = Scene::new(1_000, [9_000, 1_000])
        .with(Class::Slow90, [900, 900])
        .with(Class::Errors, [9, 1])
        .bins(&[9_000], &[1_000]);
    assert!(evidence.put(1, Source::default(), scene.tally()));
    let guardrails = [Metric::Slow90, Metric::Outputs, Metric::Errors].map(guard);
    let readings = read(&evidence, &analysis(&guardrails), 3.0, false);
    let verdicts = readings.guardrails.iter().map(|r| r.verdict);
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        [Verdict::Pending, Verdict::Pending, Verdict::Running]
    );
    assert_eq!(readings.guardrails[0].of, [0, 0]);
}

/// Two hours with other inputs and other weights: thrown together they would look like a drift.
#[test]
fn hours_that_differ_are_no_drift() {
    let quiet = Scene::new(100, [9_900, 100]).bins(&[9_900, 0], &[100, 0]);
    let busy = Scene::new(5_000, [5_000, 5_000]).bins(&[0, 5_000], &[0, 5_000]);
    let readings = of(&[quiet, busy], &[guard(Metric::Outputs)]);
    let drift = readings.guardrails[0].drift.unwrap();
    assert!(drift.psi < 0.01 && drift.log_e < 0.0, "{drift:?}");
    assert_eq!(readings.verdict, Verdict::Successful);
}

#[test]
fn evidence_without_effect_is_no_alarm() {
    let mut stable = vec![100_000; BINS];
    let mut canary = stable.clone();
    canary[3] += 5_000;
    stable[4] += 5_000;
    let scene = Scene::new(5_000, [3_200_000, 3_200_000]).bins(&stable, &canary);
    let readings = of(&[scene], &[guard(Metric::Outputs)]);
    let reading = &readings.guardrails[0];
    assert!(reading.drift.unwrap().log_e > 7.0);
    assert!(reading.log_e_harm <= 0.0);
    assert_eq!(reading.safe, Some(Ground::Alike));
}

#[test]
fn units_are_what_sticky_rates_are_of() {
    let scenes = [Scene::new(1_000, [9_000, 1_000]).with(Class::Errors, [9, 1])];
    let evidence = evidence(&scenes);
    let analysis = analysis(&[guard(Metric::Errors)]);
    let rates = |sticky| read(&evidence, &analysis, 3.0, sticky).guardrails[0].of;
    assert_eq!(rates(false), [9_000, 1_000]);
    assert_eq!(rates(true), [4_500, 500]);
}

#[test]
fn shares_that_are_not_those_asked_for_are_noticed() {
    let log_srm = |requests| of(&[Scene::new(1_000, requests)], &[guard(Metric::Errors)]).log_srm;
    assert!(log_srm([90_000, 10_000]) < 0.0);
    assert!(log_srm([90_100, 9_900]) < 1000.0_f64.ln());
    assert!(log_srm([92_000, 8_000]) > 1000.0_f64.ln());
}
