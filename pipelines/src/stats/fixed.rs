//! Differences judged once, at a number of units that was fixed beforehand: Welch's t, and the chance to win. They
//! are shown beside the sequential numbers, labelled as such; looked at again and again they find what is not there.

use super::contrast::Difference;
use super::interval::Interval;
use super::special::{normal_cdf, normal_density, student_quantile, student_two_sided};

/// What a wrong choice costs on average, in units of the goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Of taking the treatment.
    pub treatment: f64,
    /// Of staying with the baseline.
    pub baseline: f64,
}

/// The confidence interval of the difference.
#[must_use]
pub fn interval(difference: &Difference, alpha: f64) -> Interval {
    if difference.se <= 0.0 {
        return Interval::EVERYTHING;
    }
    let half = student_quantile(alpha, difference.dof) * difference.se;
    Interval::around(difference.value, half)
}

/// The two-sided p-value of no difference; 1 where nothing is known.
#[must_use]
pub fn p_value(difference: &Difference) -> f64 {
    if difference.se <= 0.0 {
        return 1.0;
    }
    student_two_sided(difference.value / difference.se, difference.dof)
}

/// The probability that the treatment is better (larger), by a flat prior and a normal likelihood; ½ where nothing is
/// known.
#[must_use]
pub fn chance_to_win(difference: &Difference) -> f64 {
    if difference.se <= 0.0 {
        return 0.5;
    }
    normal_cdf(difference.value / difference.se)
}

/// What each choice loses on average where the other one is better, by the same posterior; `None` where nothing is
/// known.
#[must_use]
pub fn expected_loss(difference: &Difference) -> Option<Loss> {
    if difference.se <= 0.0 {
        return None;
    }
    let z = difference.value / difference.se;
    let short = |z: f64| (difference.se * (normal_density(z) - z * normal_cdf(-z))).max(0.0);
    Some(Loss {
        treatment: short(z),
        baseline: short(-z),
    })
}
