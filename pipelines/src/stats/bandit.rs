//! How shares follow rewards: the algorithms' wishes, and the limits that they are held to.
//!
//! Arms that were removed are not given here. Whoever holds the shares sees to the floor first and to the largest
//! change last: shares that keep the floor and move towards shares that keep it never leave it.

/// Thompson's: an arm's share is its chance to be the best. With `top_two` (Russo 2016) half of the draws go to the
/// best and half to the best of the others, so that the runner-up is learned about too.
#[must_use]
pub fn thompson(best: &[f64], top_two: bool) -> Vec<f64> {
    if !top_two || best.len() < 2 {
        return best.to_vec();
    }
    // The other one: drawn again until it is not the first, j, so with the chance p/(1 − pⱼ).
    let second = |arm: usize| -> f64 {
        let others = (0..best.len()).filter(|first| *first != arm);
        let chances = others.map(|first| {
            let rest: f64 = 1.0 - best[first];
            if rest > f64::EPSILON {
                best[first] * best[arm] / rest
            } else {
                // The first is certain: nothing tells the others apart.
                1.0 / (best.len() - 1) as f64
            }
        });
        chances.sum()
    };
    (0..best.len())
        .map(|arm| 0.5 * best[arm] + 0.5 * second(arm))
        .collect()
}

/// UCB1's (Auer et al. 2002): all to the arm with the highest mean + scale·√(2 ln N / n), evenly where several are;
/// arms without rewards come first. Each arm is (n, mean), n discounted or counted by how much feedback is in;
/// `scale` is how far rewards reach, 1 for binary ones.
#[must_use]
pub fn ucb1(arms: &[(f64, f64)], scale: f64) -> Vec<f64> {
    let all: f64 = arms.iter().map(|(n, _)| n.max(0.0)).sum();
    let bounds = arms.iter().map(|(n, mean)| {
        if *n > 0.0 {
            mean + scale * (2.0 * all.max(1.0).ln() / n).sqrt()
        } else {
            f64::INFINITY
        }
    });
    highest(&bounds.collect::<Vec<_>>())
}

/// ε-greedy's: all but ε to the arm with the highest mean, ε to all evenly.
#[must_use]
pub fn epsilon_greedy(means: &[f64], epsilon: f64) -> Vec<f64> {
    let (epsilon, arms) = (epsilon.clamp(0.0, 1.0), means.len() as f64);
    highest(means)
        .into_iter()
        .map(|share| (1.0 - epsilon) * share + epsilon / arms)
        .collect()
}

/// What an arm gets at the least: f + (1 − n·f)·wᵢ. A floor above 1/n is 1/n.
#[must_use]
pub fn floored(wished: &[f64], floor: f64) -> Vec<f64> {
    let arms = wished.len() as f64;
    let floor = floor.clamp(0.0, 1.0 / arms.max(1.0));
    wished
        .iter()
        .map(|share| floor + (1.0 - arms * floor) * share)
        .collect()
}

/// As far from the present shares towards the wished ones that none changes by more than `most`. The sum stays.
#[must_use]
pub fn limited(now: &[f64], wished: &[f64], most: f64) -> Vec<f64> {
    let pairs = || now.iter().zip(wished);
    let largest = pairs()
        .map(|(now, wished)| (wished - now).abs())
        .fold(0.0, f64::max);
    let step = if largest > most {
        most.max(0.0) / largest
    } else {
        1.0
    };
    pairs()
        .map(|(now, wished)| now + step * (wished - now))
        .collect()
}

/// What is left of the weight of something seen so long ago, in the half-life's unit.
#[must_use]
pub fn discount(age: f64, half_life: f64) -> f64 {
    if half_life > 0.0 {
        (-age.max(0.0) / half_life).exp2()
    } else {
        1.0
    }
}

/// All to the highest, evenly where several are.
fn highest(values: &[f64]) -> Vec<f64> {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let tied = values.iter().filter(|value| **value == top).count();
    values
        .iter()
        .map(|value| {
            if tied == 0 {
                1.0 / values.len() as f64
            } else if *value == top {
                1.0 / tied as f64
            } else {
                0.0
            }
        })
        .collect()
}
