//! What holds for all counts: merging is pooling, more is not less, and nothing is ever not a number.

use proptest::prelude::*;

use crate::stats::contrast::{Arm, Difference};
use crate::stats::survival::{Curve, Delay};
use crate::stats::{
    Cell, Clusters, Interval, Joint, Moments, Posterior, Sketch, bernoulli, dirichlet, drift,
    evidence, fixed, kernel, multiple, posterior, sequential, sketch, special, srm,
};

fn cell() -> impl Strategy<Value = Cell> {
    let count = || prop_oneof![4 => 0..2000_u64, 1 => any::<u64>()];
    let rho = prop_oneof![Just(0.0), Just(1.0), Just(f64::NAN), 0.0..1.0, 1e-12..1e-6];
    (rho, count(), count()).prop_map(|(rho, canary, stable)| Cell {
        rho,
        canary,
        stable,
    })
}

fn sane_cell() -> impl Strategy<Value = Cell> {
    (0.001..0.999, 0..500_u64, 0..500_u64).prop_map(|(rho, canary, stable)| Cell {
        rho,
        canary,
        stable,
    })
}

fn ordered(interval: Interval) -> bool {
    interval.low <= interval.high
}

// === evidence ===

proptest! {
    #[test]
    fn the_kernel_is_a_number(cells in prop::collection::vec(cell(), 0..5), margin in prop_oneof![Just(0.0), Just(f64::INFINITY), Just(f64::NAN), 0.01..100.0]) {
        for log_e in [kernel::log_e_harm(&cells, margin), kernel::log_e_safe(&cells, margin)] {
            prop_assert!(!log_e.is_nan());
            let p = evidence::p_value(log_e);
            prop_assert!((0.0..=1.0).contains(&p));
        }
        prop_assert!(!dirichlet::log_e_ratio(&cells, margin, dirichlet::FOR_RATES).is_nan());
        prop_assert!(ordered(kernel::interval(&cells, 0.05)));
        prop_assert!(ordered(dirichlet::ratio_interval(&cells, dirichlet::FOR_RATES, 0.05)));
    }

    #[test]
    fn replicas_add_up(rho in 0.01..0.99, parts in prop::collection::vec((0..300_u64, 0..300_u64), 1..6), margin in 0.1..10.0) {
        let apart: Vec<Cell> = parts.iter().map(|&(canary, stable)| Cell { rho, canary, stable }).collect();
        let pooled = Cell { rho, canary: parts.iter().map(|part| part.0).sum(), stable: parts.iter().map(|part| part.1).sum() };
        let (left, right) = (kernel::log_e_harm(&apart, margin), kernel::log_e_harm(&[pooled], margin));
        prop_assert!((left - right).abs() < 1e-9 * (1.0 + left.abs()));
    }

    #[test]
    fn a_larger_margin_is_harder_to_exceed(cells in prop::collection::vec(sane_cell(), 1..4), margin in 0.1..10.0, more in 1.0..3.0) {
        let slack = 1e-9;
        prop_assert!(kernel::log_e_harm(&cells, margin * more) <= kernel::log_e_harm(&cells, margin) + slack);
        prop_assert!(kernel::log_e_safe(&cells, margin * more) >= kernel::log_e_safe(&cells, margin) - slack);
    }

    #[test]
    fn an_event_on_the_canary_is_harm_and_one_on_the_stable_is_none(cell in sane_cell(), margin in 0.1..10.0) {
        let now = kernel::log_e_harm(&[cell], margin);
        let worse = Cell { canary: cell.canary + 1, ..cell };
        let better = Cell { stable: cell.stable + 1, ..cell };
        prop_assert!(kernel::log_e_harm(&[worse], margin) > now);
        prop_assert!(kernel::log_e_harm(&[better], margin) < now);
    }

    #[test]
    fn the_arms_are_mirrored(cell in sane_cell(), margin in 0.1..10.0) {
        let mirror = Cell { rho: 1.0 - cell.rho, canary: cell.stable, stable: cell.canary };
        let (harm, safe) = (kernel::log_e_harm(&[cell], margin), kernel::log_e_safe(&[mirror], 1.0 / margin));
        prop_assert!((harm - safe).abs() < 1e-8 * (1.0 + harm.abs()));
    }

    #[test]
    fn intervals_hold_what_was_seen_and_shrink_with_the_level(cell in sane_cell()) {
        let (wide, narrow) = (kernel::interval(&[cell], 0.01), kernel::interval(&[cell], 0.1));
        prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
        if cell.canary > 0 && cell.stable > 0 {
            let seen = cell.canary as f64 / cell.stable as f64 * (1.0 - cell.rho) / cell.rho;
            prop_assert!(wide.contains(seen));
            prop_assert!(dirichlet::ratio_interval(&[cell], dirichlet::FOR_RATES, 0.05).contains(seen));
        }
    }

    #[test]
    fn rates_lie_around_what_was_seen(bad in 0..5000_u64, good in 0..5_000_000_u64, alpha in 0.001..0.2) {
        let n = bad + good;
        let interval = bernoulli::interval(bad, n, alpha);
        prop_assert!(0.0 <= interval.low && interval.high <= 1.0 && ordered(interval));
        if n > 0 {
            prop_assert!(interval.contains(bad as f64 / n as f64));
        }
    }

    #[test]
    fn sample_ratios_are_numbers(counts in prop::collection::vec(prop_oneof![0..1000_u64, any::<u64>()], 0..5), shares in prop::collection::vec(prop_oneof![Just(0.0), 0.0..1.0], 0..5)) {
        let segment = srm::Segment { counts: &counts, shares: &shares };
        prop_assert!(!srm::log_e(&[segment]).is_nan());
        prop_assert!((0.0..=1.0).contains(&srm::chi_squared(&[segment, segment])));
    }
}

#[test]
fn evidence_is_combined() {
    assert_eq!(evidence::log_sum(&[]), f64::NEG_INFINITY);
    assert_eq!(evidence::log_mean(&[]), 0.0);
    let near = |left: f64, right: f64| assert!((left - right).abs() < 1e-12, "{left} {right}");
    near(evidence::log_mean(&[1e4, 1e4]), 1e4);
    near(
        evidence::log_weighted(&[(0.5, 0.0), (0.5, 3.0_f64.ln())]),
        2.0_f64.ln(),
    );
    // A weight that is missing is a bet that was not made.
    near(
        evidence::log_weighted(&[(0.25, 9.0_f64.ln())]),
        3.0_f64.ln(),
    );
    near(evidence::log_weighted(&[]), 0.0);
    assert_eq!(evidence::p_value(f64::INFINITY), 0.0);
    assert_eq!(evidence::p_value(f64::NEG_INFINITY), 1.0);
}

#[test]
fn what_was_no_choice_says_nothing() {
    let all_canary = [0.0, 1.0, f64::NAN, -1.0, 2.0].map(|rho| Cell {
        rho,
        canary: 1000,
        stable: 5,
    });
    assert_eq!(kernel::log_e_harm(&all_canary, 1.0), 0.0);
    assert_eq!(kernel::log_e_safe(&all_canary, 1.0), 0.0);
    let open = kernel::interval(&all_canary, 0.05);
    assert_eq!((open.low, open.high), (0.0, f64::INFINITY));
    let open = dirichlet::ratio_interval(&all_canary, dirichlet::FOR_RATES, 0.05);
    assert_eq!((open.low, open.high), (0.0, f64::INFINITY));
    assert_eq!(
        bernoulli::interval(0, 0, 0.05),
        Interval {
            low: 0.0,
            high: 1.0
        }
    );
}

#[test]
fn sample_ratio_segments_multiply_and_do_not_mix() {
    // Each span kept its weights; together they look like a mismatch with either.
    let spans = [
        srm::Segment {
            counts: &[9_000, 1_000],
            shares: &[0.9, 0.1],
        },
        srm::Segment {
            counts: &[5_000, 5_000],
            shares: &[0.5, 0.5],
        },
    ];
    assert!(srm::log_e(&spans) < 0.0);
    assert!(srm::chi_squared(&spans) > 0.9);
    let mixed = srm::Segment {
        counts: &[14_000, 6_000],
        shares: &[0.5, 0.5],
    };
    assert!(srm::log_e(&[mixed]) > 1000.0_f64.ln());
    assert!(srm::chi_squared(&[mixed]) < 1e-9);
}

// === contrasts ===

proptest! {
    #[test]
    fn moments_merge(left in prop::collection::vec(-1000..1000_i32, 0..30), right in prop::collection::vec(-1000..1000_i32, 0..30)) {
        let of = |values: &[i32]| {
            let mut moments = Moments::default();
            let mut joint = Joint::default();
            for value in values {
                moments.push(f64::from(*value));
                joint.push(f64::from(*value), f64::from(value % 7));
            }
            (moments, joint)
        };
        let (mut a, b, both) = (of(&left), of(&right), of(&[left.clone(), right.clone()].concat()));
        a.0.merge(&b.0);
        a.1.merge(&b.1);
        // Whole numbers: exact.
        prop_assert_eq!(a, both);
    }

    #[test]
    fn differences_are_numbers(units in (0..u64::MAX, 0..u64::MAX), means in (-1e6..1e6, -1e6..1e6), variances in (0.0..1e9, prop_oneof![Just(0.0), 0.0..1e9]), alpha in prop_oneof![Just(0.0), Just(1.0), 0.0001..0.5]) {
        let (a, b) = (Arm::plain(units.0, means.0, variances.0), Arm::plain(units.1, means.1, variances.1));
        let (there, back) = (Difference::absolute(&a, &b), Difference::absolute(&b, &a));
        prop_assert_eq!(there.value, -back.value);
        for one in [Some(there), Difference::relative(&a, &b)].into_iter().flatten() {
            for interval in [fixed::interval(&one, alpha), sequential::interval(&one, alpha)] {
                prop_assert!(ordered(interval) && interval.contains(one.value));
            }
            for p in [fixed::p_value(&one), sequential::p_value(&one, alpha), fixed::chance_to_win(&one)] {
                prop_assert!((0.0..=1.0).contains(&p));
            }
            if let Some(loss) = fixed::expected_loss(&one) {
                prop_assert!(loss.treatment >= 0.0 && loss.baseline >= 0.0);
            }
        }
    }

    #[test]
    fn looking_always_has_its_price(hits in (0..500_u64, 0..500_u64), more in (500..20_000_u64, 500..20_000_u64)) {
        let arms = (Arm::proportion(hits.0, more.0), Arm::proportion(hits.1, more.1));
        let difference = Difference::absolute(&arms.0, &arms.1);
        prop_assert!(sequential::p_value(&difference, 0.05) >= fixed::p_value(&difference) - 1e-12);
        prop_assert!(sequential::interval(&difference, 0.05).width() >= fixed::interval(&difference, 0.05).width());
    }

    #[test]
    fn adjusted_p_values_are_no_smaller_and_keep_their_order(ps in prop::collection::vec(0.0..=1.0, 0..12)) {
        let (holm, bh) = (multiple::holm(&ps), multiple::benjamini_hochberg(&ps));
        for i in 0..ps.len() {
            prop_assert!(ps[i] <= bh[i] + 1e-15 && bh[i] <= holm[i] + 1e-15 && holm[i] <= 1.0);
            for j in 0..ps.len() {
                if ps[i] <= ps[j] {
                    prop_assert!(holm[i] <= holm[j] && bh[i] <= bh[j]);
                }
            }
        }
    }
}

#[test]
fn nothing_is_known_of_what_does_not_vary() {
    let none = [
        (Arm::proportion(0, 100), Arm::proportion(0, 100)),
        (Arm::proportion(0, 0), Arm::proportion(3, 10)),
        (Arm::proportion(1, 1), Arm::proportion(3, 10)),
        (Moments::default().arm(), Moments::default().arm()),
        (Clusters::default().arm(), Clusters::default().arm()),
    ];
    for (a, b) in none {
        let difference = Difference::absolute(&a, &b);
        assert_eq!(fixed::interval(&difference, 0.05), Interval::EVERYTHING);
        assert_eq!(
            sequential::interval(&difference, 0.05),
            Interval::EVERYTHING
        );
        assert_eq!(fixed::p_value(&difference), 1.0);
        assert_eq!(sequential::p_value(&difference, 0.05), 1.0);
        assert_eq!(fixed::expected_loss(&difference), None);
    }
    assert_eq!(Difference::relative(&none[0].0, &none[0].1), None);
}

#[test]
fn a_change_of_weights_is_no_difference() {
    // The canary got its traffic in a bad hour: pooled it looks five times worse, within the hours it is the same.
    let hours = [
        ((10, 1_000), (1_000, 99_000)),
        ((4_500, 45_000), (500, 5_000)),
    ];
    let within = hours.map(|((bad, n), (worse, m))| {
        Difference::absolute(&Arm::proportion(worse, m), &Arm::proportion(bad, n))
    });
    let pooled = Difference::absolute(
        &Arm::proportion(1_500, 104_000),
        &Arm::proportion(4_510, 46_000),
    );
    assert!(fixed::p_value(&pooled) < 1e-9);
    let stratified = Difference::stratified(&within).expect("both hours had both arms");
    assert!(
        fixed::interval(&stratified, 0.05).contains(0.0),
        "{stratified:?}"
    );
    assert_eq!(stratified.units, 150_000);
    // One segment is itself; one without both arms does not count.
    let alone = Difference::absolute(&Arm::proportion(0, 0), &Arm::proportion(5, 10));
    let one = Difference::stratified(&[within[0], alone]).expect("one is enough");
    assert!((one.se / within[0].se - 1.0).abs() < 1e-12);
    assert!((one.dof / within[0].dof - 1.0).abs() < 1e-9);
    assert_eq!(Difference::stratified(&[alone]), None);
}

// === distributions ===

proptest! {
    #[test]
    fn buckets_are_narrow_and_in_order(ns in prop_oneof![any::<u64>(), 0..4_000_000_000_000_u64, 0..100_000_u64], more in 0..1_000_000_u64) {
        let at = sketch::bucket(ns);
        prop_assert!(at < sketch::BUCKETS);
        prop_assert!(sketch::lower(at) <= ns);
        prop_assert_eq!(sketch::bucket(sketch::lower(at)), at);
        prop_assert!(sketch::bucket(ns.saturating_add(more)) >= at);
        if at + 1 < sketch::BUCKETS {
            let next = sketch::lower(at + 1);
            prop_assert!(ns < next);
            prop_assert!(at == 0 || next as f64 / sketch::lower(at) as f64 <= 1.0625 + 1e-12);
        }
    }

    #[test]
    fn sketches_merge_and_their_quantiles_are_near(left in prop::collection::vec(1_000..10_000_000_u64, 1..200), right in prop::collection::vec(1_000..10_000_000_u64, 0..200), q in 0.01..0.99_f64, more in 0.0..0.01_f64) {
        let of = |values: &[u64]| {
            let mut sketch = Sketch::default();
            for value in values {
                sketch.record(*value);
            }
            sketch
        };
        let mut both = of(&left);
        both.merge(&of(&right));
        let mut values = [left, right].concat();
        prop_assert_eq!(&both, &of(&values));
        prop_assert_eq!(&both, &Sketch::from_counts(both.counts().iter().copied()));
        prop_assert_eq!(both.total(), values.len() as u64);
        values.sort_unstable();
        let rank = (q * values.len() as f64).ceil().max(1.0) as usize;
        let quantile = both.quantile(q).expect("there are values");
        let exact = values[rank - 1] as f64;
        prop_assert!((quantile / exact).ln().abs() <= 1.0625_f64.ln() + 0.03, "{} {}", quantile, exact);
        prop_assert!(both.quantile(q + more) >= both.quantile(q));
        match both.quantile_interval(q, 0.05) {
            Ok(interval) => {
                prop_assert!(interval.contains(quantile));
                prop_assert!(both.quantile_arm(q).is_ok_and(|arm| arm.se() > 0.0));
            }
            Err(few) => prop_assert_eq!(few.n, values.len() as u64),
        }
    }

    #[test]
    fn drift_is_a_distance(bins in prop::collection::vec((0..1000_u64, 0..1000_u64), 1..12)) {
        let (left, right): (Vec<u64>, Vec<u64>) = bins.into_iter().unzip();
        if let Some(there) = drift::between(&left, &right) {
            let back = drift::between(&right, &left).expect("the same bins");
            prop_assert!(there.psi >= 0.0 && (there.psi - back.psi).abs() < 1e-12);
            prop_assert!((-1e-15..=2.0_f64.ln() + 1e-12).contains(&there.jensen_shannon));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&there.kolmogorov_smirnov));
            let same = drift::between(&left, &left).expect("the same bins");
            prop_assert_eq!((same.psi, same.jensen_shannon, same.kolmogorov_smirnov), (0.0, 0.0, 0.0));
        }
    }

    #[test]
    fn delay_curves_rise(delays in prop::collection::vec((0.0..10.0, any::<bool>()), 0..40), age in 0.0..12.0, more in 0.0..3.0) {
        let of = |(age, arrived): &(f64, bool)| if *arrived { Delay::Arrived(*age) } else { Delay::Awaited(*age) };
        let curve = Curve::fit(delays.iter().map(of));
        prop_assert!((0.0..=1.0).contains(&curve.share(age)));
        prop_assert!(curve.share(age + more) >= curve.share(age));
        // Where nothing is awaited it is the plain share.
        let arrived: Vec<f64> = delays.iter().filter(|one| one.1).map(|one| one.0).collect();
        let plain = Curve::fit(arrived.iter().map(|age| Delay::Arrived(*age)));
        let below = arrived.iter().filter(|one| **one <= age).count() as f64;
        prop_assert!((plain.share(age) - below / arrived.len().max(1) as f64).abs() < 1e-12);
    }

    #[test]
    fn chances_to_be_best_sum_to_one(arms in prop::collection::vec((0.0..300.0, 0.0..300.0), 1..4)) {
        let arms: Vec<Posterior> = arms.into_iter().map(|(hits, misses)| Posterior::binary(hits, misses)).collect();
        let shares = posterior::best(&arms);
        prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
    }

    #[test]
    fn samples_rise_with_the_draw(a in 0.0..1e5, b in 0.0..1e5, draw in 0.0..=1.0_f64, more in 0.0..=1.0_f64) {
        for posterior in [Posterior::binary(a, b), Posterior::normal(0.0, 1.0, a, b), Posterior::normal(0.0, 1.0, f64::NAN, b)] {
            let (low, high) = (posterior.sample(draw), posterior.sample((draw + more).min(1.0)));
            prop_assert!(low.is_finite() && high.is_finite() && low <= high);
            prop_assert!(posterior.sd() > 0.0 && posterior.mean().is_finite());
        }
    }
}

#[test]
fn the_ends_of_the_normal_distribution() {
    assert_eq!(special::normal_quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(special::normal_quantile(1.0), f64::INFINITY);
    let far = special::normal_quantile(f64::from_bits(1));
    assert!((-39.0..-37.0).contains(&far), "{far}");
    assert_eq!(special::normal_cdf(f64::NEG_INFINITY), 0.0);
    assert_eq!(special::normal_cdf(f64::INFINITY), 1.0);
}

#[test]
fn few_values_have_no_interval() {
    let mut sketch = Sketch::default();
    assert_eq!(sketch.quantile(0.5), None);
    assert_eq!(
        sketch.quantile_interval(0.5, 0.05),
        Err(sketch::TooFew { n: 0 })
    );
    for _ in 0..300 {
        sketch.record(5_000_000);
    }
    // P(all 300 below the 99th percentile) is 4.9 %: the upper end could be beyond.
    let refused = sketch.quantile_arm(0.99).expect_err("too few");
    assert_eq!(
        refused.to_string(),
        "300 values are too few for an interval of this quantile"
    );
    assert!(sketch.quantile_interval(0.5, 0.05).is_ok());
}

#[test]
fn the_ends_of_the_buckets() {
    assert_eq!(sketch::BUCKETS, 514);
    assert_eq!(
        (
            sketch::bucket(0),
            sketch::bucket(1_023),
            sketch::bucket(1_024)
        ),
        (0, 0, 1)
    );
    let hour = 3_600_000_000_000;
    assert!(sketch::bucket(hour) < sketch::BUCKETS - 1);
    assert_eq!(sketch::bucket(2 * hour), sketch::BUCKETS - 1);
    assert_eq!(sketch::bucket(u64::MAX), sketch::BUCKETS - 1);
    assert_eq!(sketch::lower(sketch::BUCKETS - 1), 1 << 42);
}
