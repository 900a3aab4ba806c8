//! Against the numbers of scipy, statsmodels, gbstats, confseq and savvi, which `tests/reference/stats.py` printed.

use serde_json::Value;

use crate::stats::contrast::{Arm, Difference};
use crate::stats::moments::Adjustment;
use crate::stats::planning::{units_fixed, units_sequential};
use crate::stats::survival::{Curve, Delay};
use crate::stats::{
    Cell, Cluster, Clusters, Interval, Joint, Moments, Posterior, bernoulli, dirichlet, drift,
    evidence, fixed, kernel, multiple, posterior, sequential, sketch, special, srm,
};

fn cases(name: &str) -> Vec<Value> {
    let all = all();
    let cases = all[name].as_array().expect("a list of cases").clone();
    assert!(!cases.is_empty(), "{name} has cases");
    cases
}

fn all() -> Value {
    let text = include_str!("../../../../tests/reference/stats.json");
    serde_json::from_str(text).expect("the numbers are JSON")
}

/// The same to `relative` of the larger; for nothing to 1e-14.
pub(super) fn close(what: &str, ours: f64, theirs: f64, relative: f64) {
    let size = if theirs == 0.0 {
        1e-14 / relative
    } else {
        ours.abs().max(theirs.abs())
    };
    assert!(
        (ours - theirs).abs() <= relative * size,
        "{what}: {ours} is not {theirs}"
    );
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

fn counts(value: &Value) -> Vec<u64> {
    let list = value.as_array().expect("a list");
    list.iter()
        .map(|one| one.as_u64().expect("a count"))
        .collect()
}

fn cell(value: &Value) -> Cell {
    Cell {
        rho: number(&value[0]),
        canary: value[1].as_u64().expect("a count"),
        stable: value[2].as_u64().expect("a count"),
    }
}

fn cells(value: &Value) -> Vec<Cell> {
    value.as_array().expect("a list").iter().map(cell).collect()
}

// === special functions ===

#[test]
fn functions_are_scipys() {
    let all = all();
    let check = |name: &str, relative: f64, ours: &dyn Fn(&[f64]) -> f64| {
        for case in all["functions"][name].as_array().expect("cases") {
            let case = numbers(case);
            let (given, [theirs]) = case.split_at(case.len() - 1) else {
                panic!("{name}: arguments and a result");
            };
            close(&format!("{name}{given:?}"), ours(given), *theirs, relative);
        }
    };
    check("normal_cdf", 1e-10, &|x| special::normal_cdf(x[0]));
    check("normal_quantile", 1e-12, &|x| {
        special::normal_quantile(x[0])
    });
    check("student", 1e-9, &|x| special::student_two_sided(x[0], x[1]));
    check("student_quantile", 1e-9, &|x| {
        special::student_quantile(x[0], x[1])
    });
    check("chi_squared", 1e-10, &|x| {
        special::chi_squared_above(x[0], x[1])
    });
    check("ln_gamma", 1e-12, &|x| special::ln_gamma(x[0]));
    check("ln_beta", 1e-12, &|x| special::ln_beta(x[0], x[1]));
    check("beta_cdf", 1e-8, &|x| special::beta_cdf(x[0], x[1], x[2]));
    check("beta_density", 1e-7, &|x| {
        special::beta_density(x[0], x[1], x[2])
    });
    check("beta_quantile", 1e-9, &|x| {
        special::beta_quantile(x[0], x[1], x[2])
    });
    check("binomial_cdf", 1e-9, &|x| {
        special::binomial_cdf(x[0] as u64, x[1] as u64, x[2])
    });
}

// === evidence ===

#[test]
fn the_kernel_is_its_formula() {
    for case in cases("kernel") {
        let (cells, margin) = (cells(&case["cells"]), number(&case["margin"]));
        let harm = kernel::log_e_harm(&cells, margin);
        let safe = kernel::log_e_safe(&cells, margin);
        // scipy's sum is one of large terms that cancel.
        assert!(
            (harm - number(&case["harm"])).abs() < 1e-6,
            "{harm} in {case}"
        );
        assert!(
            (safe - number(&case["safe"])).abs() < 1e-6,
            "{safe} in {case}"
        );
    }
}

#[test]
fn the_kernels_interval_is_where_it_crosses() {
    for case in cases("kernel_intervals") {
        let ours = kernel::interval(&cells(&case["cells"]), number(&case["alpha"]));
        let low = case["low"].as_f64().unwrap_or(0.0);
        let high = case["high"].as_f64().unwrap_or(f64::INFINITY);
        close("low", ours.low, low, 1e-9);
        if high.is_finite() {
            close("high", ours.high, high, 1e-9);
        } else {
            assert_eq!(ours.high, high, "{case}");
        }
    }
}

#[test]
fn the_mixture_is_savvis() {
    for case in cases("dirichlet") {
        let log_e = dirichlet::log_e(
            &counts(&case["counts"]),
            &numbers(&case["shares"]),
            number(&case["k"]),
        );
        assert!(
            (log_e - number(&case["log_e"])).abs() < 1e-8,
            "{log_e} in {case}"
        );
    }
    for case in cases("ratio_intervals") {
        let cells = [cell(&case["cell"])];
        let alpha = number(&case["alpha"]);
        let ours = dirichlet::ratio_interval(&cells, dirichlet::FOR_RATES, alpha);
        let (exact, savvi) = (numbers(&case["log"]), numbers(&case["savvi"]));
        for (ours, end) in [(ours.low, 0), (ours.high, 1)] {
            assert!((ours.ln() - exact[end]).abs() < 1e-9, "{ours} in {case}");
            assert!((ours.ln() - savvi[end]).abs() < 1e-4, "{ours} in {case}");
            let log_e = dirichlet::log_e_ratio(&cells, ours, dirichlet::FOR_RATES);
            assert!((log_e - evidence::threshold(alpha)).abs() < 1e-9, "{case}");
        }
    }
}

#[test]
fn rates_are_confseqs() {
    for case in cases("bernoulli") {
        let case = numbers(&case);
        let ours = bernoulli::interval(case[0] as u64, case[1] as u64, case[2]);
        close(&format!("low {case:?}"), ours.low, case[3], 1e-8);
        close(&format!("high {case:?}"), ours.high, case[4], 1e-8);
    }
}

#[test]
fn sample_ratios_are_scipys() {
    for case in cases("sample_ratio") {
        let (counts, shares) = (counts(&case["counts"]), numbers(&case["shares"]));
        let segment = srm::Segment {
            counts: &counts,
            shares: &shares,
        };
        close("p", srm::chi_squared(&[segment]), number(&case["p"]), 1e-9);
    }
}

// === contrasts ===

fn joint(value: &Value) -> Joint {
    Joint {
        n: value["n"].as_u64().expect("a count"),
        y: number(&value["y"]),
        x: number(&value["x"]),
        yy: number(&value["yy"]),
        xx: number(&value["xx"]),
        xy: number(&value["xy"]),
    }
}

fn joints(case: &Value) -> [Joint; 2] {
    [joint(&case["arms"][0]), joint(&case["arms"][1])]
}

/// All numbers of a contrast against gbstats'.
fn contrast(case: &Value, baseline: Arm, treatment: Arm) {
    let alpha = number(&case["alpha"]);
    let relative = Difference::relative(&baseline, &treatment).expect("the baseline is not 0");
    for (kind, ours) in [
        ("absolute", Difference::absolute(&baseline, &treatment)),
        ("relative", relative),
    ] {
        let theirs = &case[kind];
        let ends = |name: &str, ours: Interval| {
            let theirs = numbers(&theirs[name]);
            close(&format!("{kind} {name} low"), ours.low, theirs[0], 1e-7);
            close(&format!("{kind} {name} high"), ours.high, theirs[1], 1e-7);
        };
        let one = |name: &str, ours: f64| close(name, ours, number(&theirs[name]), 1e-7);
        one("value", ours.value);
        one("p", fixed::p_value(&ours));
        one("sequential_p", sequential::p_value(&ours, alpha));
        one("chance", fixed::chance_to_win(&ours));
        ends("interval", fixed::interval(&ours, alpha));
        ends("sequential", sequential::interval(&ours, alpha));
        let loss = fixed::expected_loss(&ours).expect("something is known");
        ends(
            "loss",
            Interval {
                low: loss.baseline,
                high: loss.treatment,
            },
        );
    }
}

#[test]
fn proportions_are_gbstats() {
    for case in cases("proportions") {
        let arm = |arm: &Value| {
            let arm = counts(arm);
            Arm::proportion(arm[0], arm[1])
        };
        contrast(&case, arm(&case["arms"][0]), arm(&case["arms"][1]));
    }
}

#[test]
fn means_are_gbstats() {
    for case in cases("means") {
        let [a, b] = joints(&case).map(|joint| Moments {
            n: joint.n,
            sum: joint.y,
            sum_sq: joint.yy,
        });
        contrast(&case, a.arm(), b.arm());
    }
}

#[test]
fn ratios_are_gbstats() {
    for case in cases("ratios") {
        let [a, b] = joints(&case);
        contrast(&case, a.ratio_arm(), b.ratio_arm());
    }
}

#[test]
fn adjusted_means_are_gbstats() {
    for case in cases("adjusted") {
        let arms = joints(&case);
        let by = Adjustment::pooled(&arms);
        close("theta", by.theta, number(&case["theta"]), 1e-10);
        let [a, b] = arms.map(|arm| arm.adjusted_arm(&by));
        assert!(a.variance < arms[0].adjusted_arm(&Adjustment::default()).variance);
        contrast(&case, a, b);
    }
}

#[test]
fn clusters_are_statsmodels() {
    for case in cases("clusters") {
        let clusters: Clusters = case["clusters"]
            .as_array()
            .expect("clusters")
            .iter()
            .map(|cluster| Cluster {
                requests: cluster[0].as_u64().expect("a count"),
                sum: number(&cluster[1]),
                sum_sq: number(&cluster[2]),
            })
            .collect();
        close("mean", clusters.mean(), number(&case["mean"]), 1e-10);
        close(
            "variance",
            clusters.variance(),
            number(&case["variance"]),
            1e-9,
        );
        close("delta", clusters.variance(), number(&case["delta"]), 1e-9);
        close(
            "naive",
            clusters.naive_variance(),
            number(&case["naive"]),
            1e-9,
        );
        let effect = number(&case["variance"]) / number(&case["naive"]);
        close("design effect", clusters.design_effect(), effect, 1e-9);
    }
}

// === the rest ===

#[test]
fn adjusted_p_values_are_statsmodels() {
    for case in cases("multiple") {
        let ps = numbers(&case["p"]);
        for (ours, theirs) in [
            (multiple::holm(&ps), numbers(&case["holm"])),
            (multiple::benjamini_hochberg(&ps), numbers(&case["fdr_bh"])),
        ] {
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(&theirs) {
                close("p", *ours, *theirs, 1e-12);
            }
        }
    }
}

#[test]
fn drift_is_scipys() {
    for case in cases("drift") {
        let (expected, actual) = (counts(&case["expected"]), counts(&case["actual"]));
        let drift = drift::between(&expected, &actual).expect("the bins are the same");
        let near = |ours: f64, name: &str| {
            assert!(
                (ours - number(&case[name])).abs() < 1e-12,
                "{name}: {ours} in {case}"
            );
        };
        near(drift.psi, "psi");
        near(drift.jensen_shannon, "js");
        near(drift.kolmogorov_smirnov, "ks");
    }
    assert_eq!(drift::between(&[1, 2], &[1, 2, 3]), None);
    assert_eq!(drift::between(&[0, 0], &[1, 2]), None);
}

#[test]
fn ranks_are_binomial() {
    for case in cases("ranks") {
        let n = case[0].as_u64().expect("a count");
        let ours = sketch::ranks(n, number(&case[1]), number(&case[2]));
        let theirs = case[3].as_array().map(|_| counts(&case[3]));
        assert_eq!(ours.map(|(low, high)| vec![low, high]), theirs, "{case}");
    }
}

#[test]
fn delays_are_kaplans_and_meiers() {
    let all = all();
    let case = &all["survival"];
    let curve: Curve = Curve::fit(
        case["delays"]
            .as_array()
            .expect("delays")
            .iter()
            .map(|one| {
                let age = number(&one[0]);
                match one[1].as_bool().expect("whether it arrived") {
                    true => Delay::Arrived(age),
                    false => Delay::Awaited(age),
                }
            }),
    );
    let steps = case["curve"].as_array().expect("a curve");
    let mut sum = 0.0;
    for step in steps {
        let (age, share) = (number(&step[0]), number(&step[1]));
        assert!((curve.share(age) - share).abs() < 1e-12, "at {age}");
        sum += share;
    }
    let ages = steps.iter().map(|step| number(&step[0]));
    close(
        "n_eff",
        ages.into_iter().map(|age| curve.share(age)).sum(),
        sum,
        1e-12,
    );
    assert_eq!(curve.share(-1.0), 0.0);
}

#[test]
fn the_best_arm_is_quadratures() {
    for case in cases("best") {
        let arms: Vec<Posterior> = case["arms"]
            .as_array()
            .expect("arms")
            .iter()
            .map(|arm| match arm[0].as_str() {
                Some("beta") => Posterior::Beta {
                    a: number(&arm[1]),
                    b: number(&arm[2]),
                },
                _ => Posterior::Normal {
                    mean: number(&arm[1]),
                    sd: number(&arm[2]),
                },
            })
            .collect();
        for (ours, theirs) in posterior::best(&arms).iter().zip(numbers(&case["best"])) {
            assert!(
                (ours - theirs).abs() < 1e-7,
                "{ours} is not {theirs} in {case}"
            );
        }
    }
}

#[test]
fn sample_sizes_are_statsmodels() {
    for case in cases("sample_size") {
        let case = numbers(&case);
        // Halves of variance 1: 1/½ + 1/½. statsmodels adds the chance to find the opposite, which is next to none.
        let ours = units_fixed(4.0, case[0], case[1], case[2]).expect("there is an effect");
        close("units", ours, case[3], 1e-4);
        let sequential = units_sequential(4.0, case[0], case[1], case[2]).expect("it ends");
        assert!(sequential > ours, "looking at any time has a price");
    }
}
