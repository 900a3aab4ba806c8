//! What counts say: findings, sentences, and what the gate reads.

use super::*;

#[test]
fn who_fails_is_counted_by_pairs() {
    let contract = contract(&[("y", DataType::Fp32)]);
    let y = [tensor(&[1, 1], &[1f32])];
    let well = answer(&contract, &y);
    let ill = Answer {
        result: Err(FAILED),
        ..well
    };
    let mut comparison = Comparison::new(&spec(1));
    let mut record = |answered, other, times| {
        for n in 0..times {
            comparison.record(Pair {
                request: &format!("r{n:02}"),
                inputs: &[],
                answered,
                other,
            });
        }
    };
    record(well, well, 30);
    record(well, ill, 20);
    record(ill, well, 1);
    record(ill, ill, 2);
    let shadow = &comparison.shadow;
    assert_eq!((shadow.comparable(), shadow.agree), (50, 30));
    assert_eq!(shadow.faults.of(Fault::Failed), 22);
    let report = comparison.report();
    assert_eq!(report.finding, Finding::Fails);
    expect!["the shadow fails more often: it agrees in 60.00 % of 50 pairs (28.74 % to 85.49 %); the answering version's own noise has not been measured; only the shadow failed in 20 pairs, only the answering version in 1, both in 2 (it fails more often, p = 7.38e-5); it takes 1.00 times as long, by the median"].assert_eq(&report.sentence());
    // The oldest of those that are equally bad.
    let [example] = &report.examples[..] else {
        panic!("{:?}", report.examples)
    };
    assert_eq!(
        (example.request.as_str(), example.kind),
        ("r00", Kind::Failure)
    );
    assert_eq!(example.failure.as_deref(), Some("out of memory"));
    assert_eq!(
        comparison.reading(),
        Reading {
            pairs: 50,
            agreement: 0.6
        }
    );
}

/// A comparison in which so many pairs of numbers are apart.
fn apart(of_shadow: (u64, u64), of_noise: (u64, u64)) -> Comparison {
    let contract = contract(&[("y", DataType::Fp32)]);
    let (one, two) = ([tensor(&[1, 1], &[1f32])], [tensor(&[1, 1], &[2f32])]);
    let mut comparison = Comparison::new(&spec(0));
    let pair = |apart| Pair {
        request: "r",
        inputs: &[],
        answered: answer(&contract, &one),
        other: answer(&contract, if apart { &two } else { &one }),
    };
    (0..of_shadow.1).for_each(|n| comparison.record(pair(n < of_shadow.0)));
    (0..of_noise.1).for_each(|n| comparison.record_noise(&pair(n < of_noise.0)));
    comparison
}

#[test]
fn noise_is_taken_off_as_far_as_it_is_shown() {
    let mut lines = String::new();
    for (shadow, noise) in [
        ((0, 0), (0, 0)),
        ((0, 100), (0, 0)),
        ((30, 100), (0, 0)),
        ((30, 100), (3, 10)),
        ((30, 100), (300, 1_000)),
        ((300, 1_000), (300, 1_000)),
        ((400, 1_000), (300, 1_000)),
        ((400, 1_000), (0, 100)),
        ((0, 1_000), (300, 1_000)),
    ] {
        let comparison = apart(shadow, noise);
        let (report, reading) = (comparison.report(), comparison.reading());
        writeln!(
            lines,
            "{} {:.3} {}",
            reading.pairs,
            reading.agreement,
            report.sentence()
        )
        .unwrap();
    }
    expect![[r#"
        0 0.000 nothing has been compared yet: of 0 requests 0 were sampled
        100 1.000 no difference is shown: it agrees in 100.00 % of 100 pairs (89.60 % to 100.00 %); the answering version's own noise has not been measured; it takes 1.00 times as long, by the median
        100 0.700 the shadow disagrees: it agrees in 70.00 % of 100 pairs (50.88 % to 84.84 %); the answering version's own noise has not been measured; it takes 1.00 times as long, by the median
        100 0.703 no difference is shown beyond noise: it agrees in 70.00 % of 100 pairs (50.88 % to 84.84 %), the answering version with itself in 70.00 % of 10: 0.00 points more disagreement than noise (-83.18 to 50.90); it takes 1.00 times as long, by the median
        100 0.957 no difference is shown beyond noise: it agrees in 70.00 % of 100 pairs (50.88 % to 84.84 %), the answering version with itself in 70.00 % of 1000: 0.00 points more disagreement than noise (-20.82 to 25.71); it takes 1.00 times as long, by the median
        1000 0.957 no difference is shown beyond noise: it agrees in 70.00 % of 1000 pairs (65.50 % to 74.28 %), the answering version with itself in 70.00 % of 1000: 0.00 points more disagreement than noise (-9.49 to 9.49); it takes 1.00 times as long, by the median
        1000 0.857 the shadow disagrees more often than noise explains: it agrees in 60.00 % of 1000 pairs (55.25 % to 64.64 %), the answering version with itself in 70.00 % of 1000: 10.00 points more disagreement than noise (0.11 to 19.75); it takes 1.00 times as long, by the median
        1000 0.600 the shadow disagrees more often than noise explains: it agrees in 60.00 % of 1000 pairs (55.25 % to 64.64 %), the answering version with itself in 100.00 % of 100: 40.00 points more disagreement than noise (22.45 to 45.14); it takes 1.00 times as long, by the median
        1000 1.000 no difference is shown beyond noise: it agrees in 100.00 % of 1000 pairs (99.59 % to 100.00 %), the answering version with itself in 70.00 % of 1000: -30.00 points more disagreement than noise (-34.88 to -24.88); it takes 1.00 times as long, by the median
    "#]].assert_eq(&lines);
}

#[test]
fn what_nobody_compared_is_told_by_where_it_went() {
    let mut comparison = Comparison::new(&spec(0));
    comparison.coverage = Coverage {
        eligible: 100,
        sampled: 20,
        dropped: 11,
        expired: 2,
        unavailable: 3,
        unanswered: 1,
        ..Coverage::default()
    };
    expect!["nothing has been compared yet: of 100 requests 20 were sampled, 11 found the queue full, 2 came too late, 3 met a shadow that takes none, 1 got no answer to compare with, 3 are under way"].assert_eq(&comparison.report().sentence());
    assert_eq!(comparison.report().finding, Finding::Waiting);
    assert_eq!(
        comparison.reading(),
        Reading {
            pairs: 0,
            agreement: 0.0
        }
    );
}
