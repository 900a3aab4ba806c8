//! Bandits' shares: always a distribution, within their limits, and worth the trouble.

use proptest::prelude::*;

use super::simulation::Draws;
use crate::stats::{Posterior, bandit, posterior};

fn shares(arms: usize) -> impl Strategy<Value = Vec<f64>> {
    let raw = prop::collection::vec(prop_oneof![Just(0.0), 0.001..1.0], arms);
    raw.prop_map(|raw| {
        let all: f64 = raw.iter().sum();
        let even = 1.0 / raw.len() as f64;
        let part = |one: &f64| if all > 0.0 { one / all } else { even };
        raw.iter().map(part).collect()
    })
}

fn is_distribution(shares: &[f64]) -> bool {
    (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12
        && shares
            .iter()
            .all(|share| (-1e-15..=1.0 + 1e-12).contains(share))
}

proptest! {
    #[test]
    fn wishes_are_distributions(best in shares(4), means in prop::collection::vec(-1.0..1.0, 4), n in prop::collection::vec(prop_oneof![Just(0.0), 0.1..1e6], 4), epsilon in 0.0..=1.0) {
        let arms: Vec<(f64, f64)> = n.into_iter().zip(means.iter().copied()).collect();
        for wished in [
            bandit::thompson(&best, false),
            bandit::thompson(&best, true),
            bandit::ucb1(&arms, 1.0),
            bandit::epsilon_greedy(&means, epsilon),
        ] {
            prop_assert!(is_distribution(&wished), "{:?}", wished);
        }
    }

    #[test]
    fn limits_hold(now in shares(3), wished in shares(3), floor in 0.0..0.5_f64, most in 0.0..0.5_f64) {
        let least = floor.min(1.0 / 3.0) - 1e-12;
        let (now, wished) = (bandit::floored(&now, floor), bandit::floored(&wished, floor));
        let next = bandit::limited(&now, &wished, most);
        prop_assert!(is_distribution(&next));
        for (next, now) in next.iter().zip(&now) {
            prop_assert!(*next >= least && (next - now).abs() <= most + 1e-12);
        }
    }
}

#[test]
fn algorithms_wish_what_they_say() {
    let near = |ours: &[f64], theirs: &[f64]| {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
        }
    };
    near(&bandit::thompson(&[0.75, 0.25], false), &[0.75, 0.25]);
    near(&bandit::thompson(&[0.75, 0.25], true), &[0.5, 0.5]);
    near(
        &bandit::thompson(&[1.0, 0.0, 0.0], true),
        &[0.5, 0.25, 0.25],
    );
    // ½·½ + ½·(¼·½/¾ + ¼·½/¾) for the first.
    near(
        &bandit::thompson(&[0.5, 0.25, 0.25], true),
        &[5.0 / 12.0, 7.0 / 24.0, 7.0 / 24.0],
    );
    near(
        &bandit::ucb1(&[(0.0, 0.0), (10.0, 0.9), (0.0, 0.0)], 1.0),
        &[0.5, 0.0, 0.5],
    );
    // Seldom tried, so perhaps better: .5 + √(2 ln 110 / 10) > .6 + √(2 ln 110 / 100).
    near(
        &bandit::ucb1(&[(10.0, 0.5), (100.0, 0.6)], 1.0),
        &[1.0, 0.0],
    );
    near(
        &bandit::ucb1(&[(10.0, 0.5), (100.0, 0.6)], 0.01),
        &[0.0, 1.0],
    );
    near(
        &bandit::epsilon_greedy(&[0.1, 0.3, 0.2, 0.0], 0.2),
        &[0.05, 0.85, 0.05, 0.05],
    );
    near(&bandit::floored(&[1.0, 0.0], 0.05), &[0.95, 0.05]);
    near(&bandit::floored(&[1.0, 0.0], 0.9), &[0.5, 0.5]);
    near(
        &bandit::limited(&[0.5, 0.3, 0.2], &[0.9, 0.1, 0.0], 0.1),
        &[0.6, 0.25, 0.15],
    );
    near(
        &bandit::limited(&[0.5, 0.5], &[0.55, 0.45], 0.1),
        &[0.55, 0.45],
    );
    near(
        &[bandit::discount(30.0, 10.0), bandit::discount(5.0, 0.0)],
        &[0.125, 1.0],
    );
    assert!(bandit::thompson(&[], true).is_empty() && bandit::floored(&[], 0.1).is_empty());
}

#[test]
fn a_bandit_regrets_less_than_even_shares() {
    let rates = [0.05, 0.06, 0.10];
    let (mut draws, periods, requests) = (Draws(7), 40, 250);
    let mut lost = 0.0;
    for _ in 0..20 {
        let mut seen = [(0.0, 0.0); 3];
        let mut now = vec![1.0 / 3.0; 3];
        for _ in 0..periods {
            for _ in 0..requests {
                let draw = draws.unit();
                let arm = usize::from(draw > now[0]) + usize::from(draw > now[0] + now[1]);
                let hit = draws.unit() < rates[arm];
                seen[arm].0 += f64::from(u8::from(hit));
                seen[arm].1 += f64::from(u8::from(!hit));
                lost += 0.10 - rates[arm];
            }
            let arms = seen.map(|(hits, misses)| Posterior::binary(hits, misses));
            let wished = bandit::floored(&bandit::thompson(&posterior::best(&arms), false), 0.01);
            now = bandit::limited(&now, &wished, 0.1);
        }
    }
    let even = 20.0 * f64::from(periods * requests) * (0.05 + 0.04) / 3.0;
    println!("regret: {:.3} of that of even shares", lost / even);
    assert!(lost < 0.35 * even, "{lost} of {even}");
}
