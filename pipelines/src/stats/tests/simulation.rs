//! What the sequential tests promise, seen in many runs with a look at every event. The draws are seeded.

use crate::stats::contrast::{Arm, Difference};
use crate::stats::{
    Cell, Cluster, Clusters, Moments, Posterior, bernoulli, evidence, fixed, kernel, posterior,
    sequential,
};

/// SplitMix64.
pub(super) struct Draws(pub(super) u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Uniform, above 0 and below 1.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }
}

/// A canary's way from 1 to 50 %.
const WEIGHTS: [f64; 4] = [0.01, 0.05, 0.25, 0.5];

/// Where a run ended.
struct Run {
    proved: bool,
    /// Events on the canary by then.
    events: u64,
    /// Requests of the canary by then.
    requests: f64,
}

/// Runs the steps at an error rate of 1 % on the stable, so many events a step, until the evidence reaches the bar.
fn run(draws: &mut Draws, ratio: f64, step: u64, log_e: impl Fn(&[Cell]) -> f64, bar: f64) -> Run {
    let mut cells: Vec<Cell> = Vec::new();
    let mut end = Run {
        proved: false,
        events: 0,
        requests: 0.0,
    };
    for rho in WEIGHTS {
        cells.push(Cell {
            rho,
            ..Cell::default()
        });
        let rate = 0.01 * (ratio * rho + 1.0 - rho);
        for _ in 0..step {
            // Requests until the next event, and those of them that the canary got.
            end.requests += rho * (draws.unit().ln() / (-rate).ln_1p()).ceil();
            let hit = draws.unit() < ratio * rho / (ratio * rho + 1.0 - rho);
            let last = cells.last_mut().expect("a segment was opened");
            if hit {
                last.canary += 1;
                end.events += 1;
            } else {
                last.stable += 1;
            }
            if log_e(&cells) >= bar {
                end.proved = true;
                return end;
            }
        }
    }
    end
}

#[test]
fn equal_models_are_seldom_blamed_and_threefold_errors_always() {
    let mut draws = Draws(1);
    let harm = |cells: &[Cell]| kernel::log_e_harm(cells, 1.0);
    let bar = evidence::threshold(0.01);
    let runs = 600;
    let blamed = (0..runs)
        .filter(|_| run(&mut draws, 1.0, 60, harm, bar).proved)
        .count();
    assert!(
        (blamed as f64) < 0.015 * f64::from(runs),
        "{blamed} of {runs}"
    );

    let mut found: Vec<Run> = (0..200)
        .map(|_| run(&mut draws, 3.0, 250, harm, bar))
        .collect();
    assert!(found.iter().all(|run| run.proved));
    found.sort_by(|left, right| left.requests.total_cmp(&right.requests));
    let (events, requests) = (found[100].events, found[100].requests);
    println!(
        "threefold errors: found after a median of {requests} canary requests, {events} errors"
    );
    assert!((200.0..800.0).contains(&requests), "{requests}");
}

#[test]
fn what_is_on_the_margin_is_seldom_proved_safe() {
    let mut draws = Draws(2);
    let safe = |cells: &[Cell]| kernel::log_e_safe(cells, 1.5);
    let bar = evidence::threshold(0.05);
    let runs = 300;
    let proved = (0..runs)
        .filter(|_| run(&mut draws, 1.5, 60, safe, bar).proved)
        .count();
    assert!(
        f64::from(proved as u32) < 0.05 * f64::from(runs),
        "{proved} of {runs}"
    );
    let proved = (0..60)
        .filter(|_| run(&mut draws, 0.75, 400, safe, bar).proved)
        .count();
    assert_eq!(proved, 60, "half of the margin is safe");
}

#[test]
fn a_rate_stays_in_its_interval() {
    let mut draws = Draws(3);
    let (rate, bar, runs) = (0.02, evidence::threshold(0.05), 400);
    let left = (0..runs)
        .filter(|_| {
            let mut bad = 0;
            (1..=2000_u64).any(|n| {
                bad += u64::from(draws.unit() < rate);
                n % 10 == 0 && bernoulli::log_e(bad, n, rate) >= bar
            })
        })
        .count();
    assert!(
        f64::from(left as u32) < 0.05 * f64::from(runs),
        "{left} of {runs}"
    );
}

#[test]
fn looking_often_misleads_the_fixed_test_only() {
    let mut draws = Draws(4);
    let runs = 200;
    let mut fooled = (0_u32, 0_u32);
    for _ in 0..runs {
        let mut arms = [Moments::default(); 2];
        let mut seen = (false, false);
        for n in 1..=4000_u32 {
            arms[(n % 2) as usize].push(-draws.unit().ln());
            if n % 100 == 0 {
                let difference = Difference::absolute(&arms[0].arm(), &arms[1].arm());
                seen.0 |= fixed::p_value(&difference) < 0.05;
                seen.1 |= sequential::p_value(&difference, 0.05) < 0.05;
            }
        }
        fooled.0 += u32::from(seen.0);
        fooled.1 += u32::from(seen.1);
    }
    assert!(f64::from(fooled.0) > 0.2 * f64::from(runs), "{fooled:?}");
    assert!(f64::from(fooled.1) < 0.05 * f64::from(runs), "{fooled:?}");
}

#[test]
fn heavy_users_need_the_variance_of_clusters() {
    let mut draws = Draws(5);
    let runs = 400;
    let mut fooled = (0_u32, 0_u32);
    for _ in 0..runs {
        let mut arms = [Clusters::default(); 2];
        for user in 0..400_u32 {
            // A user has a rate of her own, and some make very many requests.
            let requests = (3.0 / draws.unit().sqrt()) as u64;
            let own = if draws.unit() < 0.1 { 0.8 } else { 0.01 };
            let hits = (0..requests).filter(|_| draws.unit() < own).count() as f64;
            arms[(user % 2) as usize].push(&Cluster {
                requests,
                sum: hits,
                sum_sq: hits,
            });
        }
        let of = |a: Arm, b: Arm| fixed::p_value(&Difference::absolute(&a, &b)) < 0.05;
        fooled.0 += u32::from(of(arms[0].requests.arm(), arms[1].requests.arm()));
        fooled.1 += u32::from(of(arms[0].arm(), arms[1].arm()));
    }
    assert!(f64::from(fooled.0) > 0.2 * f64::from(runs), "{fooled:?}");
    assert!(f64::from(fooled.1) < 0.08 * f64::from(runs), "{fooled:?}");
}

#[test]
fn the_integral_is_what_draws_come_to() {
    const ROUNDS: usize = 4_000;
    let arms = [
        Posterior::binary(12.0, 80.0),
        Posterior::binary(17.0, 78.0),
        Posterior::Normal {
            mean: 0.15,
            sd: 0.05,
        },
    ];
    let mut draws = Draws(6);
    let mut won = [0; 3];
    for _ in 0..ROUNDS {
        let samples = arms.map(|arm| arm.sample(draws.unit()));
        let largest = (0..3).max_by(|a, b| samples[*a].total_cmp(&samples[*b]));
        won[largest.unwrap()] += 1;
    }
    for (exact, won) in posterior::best(&arms).iter().zip(won) {
        let drawn = f64::from(won) / ROUNDS as f64;
        assert!((exact - drawn).abs() < 0.03, "{exact} {drawn}");
    }
    assert!(posterior::best(&[]).is_empty());
}
