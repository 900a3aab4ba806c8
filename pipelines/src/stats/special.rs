//! Special functions and the few distributions that the tests here need, to twelve digits or more, for the counts of a
//! busy service too: large logarithms are never subtracted from each other.
//!
//! They are our own because what crates offer was measured against scipy and is coarser: `statrs` 0.19 knows ten
//! digits of erfc, and its incomplete beta function stops after 140 terms where a million counts need a thousand.

/// Half the log of 2π.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// The most terms of a continued fraction; none needs so many.
const TERMS: u32 = 1_000_000;

/// Degrees of freedom from which Student's distribution is the normal one.
const NORMAL_FROM: f64 = 1e10;

/// Φ(z).
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    if z.is_nan() {
        return 0.5;
    }
    let x = z.abs();
    if x < 3.0 {
        // ½ + φ(z)·(z + z³/3 + z⁵/15 + …)
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term.abs() > 1e-17 * sum.abs() {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return 0.5 + normal_density(z) * sum;
    }
    // φ(x) / (x + 1/(x + 2/(x + 3/…)))
    let mills = (1..=150).rev().fold(x, |rest, k| x + f64::from(k) / rest);
    let tail = normal_density(x) / mills;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// φ(z).
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z - HALF_LN_TAU).exp()
}

/// The z with Φ(z) = p; infinite at 0 and 1.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    // A start good to three digits (Abramowitz & Stegun 26.2.23), then Newton's method on the logarithm.
    let t = (-2.0 * p.ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = top / bottom - t;
    for _ in 0..4 {
        let below = normal_cdf(z);
        if below <= 0.0 {
            break;
        }
        z -= (below / p).ln() * below / normal_density(z);
    }
    z
}

/// P(|T| ≥ |t|) for Student's T with `dof` degrees of freedom.
#[must_use]
pub fn student_two_sided(t: f64, dof: f64) -> f64 {
    if dof >= NORMAL_FROM {
        return 2.0 * normal_cdf(-t.abs());
    }
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    beta_lower(
        0.5 * dof,
        0.5,
        dof / (dof + square),
        square / (dof + square),
    )
}

/// The t ≥ 0 with P(|T| ≥ t) = `two_sided`.
#[must_use]
pub fn student_quantile(two_sided: f64, dof: f64) -> f64 {
    if two_sided >= 1.0 {
        return 0.0;
    }
    if two_sided <= 0.0 {
        return f64::INFINITY;
    }
    if dof >= NORMAL_FROM {
        return -normal_quantile(0.5 * two_sided);
    }
    let mut high = 2.0;
    while student_two_sided(high, dof) > two_sided && high < 1e300 {
        high *= 2.0;
    }
    bisect(0.0, high, |t| student_two_sided(t, dof) > two_sided)
}

/// P(X ≥ x) for a χ² distributed X with `dof` degrees of freedom.
#[must_use]
pub fn chi_squared_above(x: f64, dof: f64) -> f64 {
    if x <= 0.0 || dof <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    gamma_upper(0.5 * dof, 0.5 * x)
}

/// ln Γ(x) for x > 0.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    (x - 0.5) * x.ln() - x + HALF_LN_TAU + stirling(x)
}

/// ln B(a, b) for a, b > 0, without the difference of large logarithms.
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    let all = small + large;
    (small - 0.5) * (small / all).ln() + (large - 0.5) * (-small / all).ln_1p() - 0.5 * all.ln()
        + HALF_LN_TAU
        + stirling(small)
        + stirling(large)
        - stirling(all)
}

/// The distribution function of Beta(a, b) at x: the regularised incomplete beta function.
#[must_use]
pub fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    beta_lower(a, b, x, 1.0 - x)
}

/// The density of Beta(a, b) at x.
#[must_use]
pub fn beta_density(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    (ln_power(a, b, x, 1.0 - x) - x.ln() - (-x).ln_1p()).exp()
}

/// The x with `beta_cdf(a, b, x)` = p.
#[must_use]
pub fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    bisect(0.0, 1.0, |x| beta_cdf(a, b, x) < p)
}

/// P(X ≤ k) for X binomial with n trials of probability p.
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_lower((n - k) as f64, k as f64 + 1.0, 1.0 - p, p)
}

/// The point up to which `below` holds, between `low` and `high`, as exactly as numbers are.
pub(super) fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            return middle;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// What Stirling's formula lacks of ln Γ(x): 1/12x − …
pub(super) fn stirling(x: f64) -> f64 {
    if x < 10.0 {
        // Γ(x) = Γ(x + k) / (x · (x+1) ⋯ (x+k−1)).
        let (mut up, mut product) = (x, 1.0);
        while up < 10.0 {
            product *= up;
            up += 1.0;
        }
        let whole = (up - 0.5) * up.ln() - up + stirling(up) - product.ln();
        return whole - ((x - 0.5) * x.ln() - x);
    }
    let square = 1.0 / (x * x);
    let series = 1.0 / 12.0
        - square
            * (1.0 / 360.0
                - square
                    * (1.0 / 1260.0
                        - square
                            * (1.0 / 1680.0
                                - square * (1.0 / 1188.0 - square * 691.0 / 360_360.0))));
    series / x
}

/// ln(seen / expected) − (seen / expected − 1), from whichever form keeps more digits.
pub(super) fn ln_less(seen: f64, expected: f64) -> f64 {
    let beyond = (seen - expected) / expected;
    if beyond < -0.5 {
        (seen / expected).ln() - beyond
    } else {
        beyond.ln_1p() - beyond
    }
}

/// ln of x^a·y^b / B(a, b) for y = 1 − x, by its distance from the mean, so that large counts keep their digits.
fn ln_power(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let all = a + b;
    let part = |count: f64, share: f64| count * ln_less(share * all, count);
    part(a, x) + part(b, y) + 0.5 * (a / all * b).ln() - HALF_LN_TAU - stirling(a) - stirling(b)
        + stirling(all)
}

/// The regularised incomplete beta function at x, where y = 1 − x is given too: its own digits may be lost in x.
fn beta_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = ln_power(a, b, x, y).exp();
    let share = if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, y) / b
    };
    share.clamp(0.0, 1.0)
}

/// The regularised upper incomplete gamma function Q(a, x): below the mean by its series, above it by its continued
/// fraction (DLMF 8.7.1 and 8.9.2).
fn gamma_upper(a: f64, x: f64) -> f64 {
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut next) = (1.0 / a, 1.0 / a, a);
        while term > 1e-17 * sum {
            next += 1.0;
            term *= x / next;
            sum += term;
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / away(b);
    let mut value = d;
    for term in 1..TERMS {
        let k = f64::from(term);
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / away(numerator * d + b);
        c = away(b + numerator / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * value).clamp(0.0, 1.0)
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz' method. It needs about as many
/// terms as the square root of the larger count.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for term in 1..TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// A number that can be divided by.
fn away(value: f64) -> f64 {
    if value.abs() < 1e-300 { 1e-300 } else { value }
}
