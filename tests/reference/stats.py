"""Writes stats.json: what scipy, statsmodels, gbstats, confseq and savvi say of the statistics in pipelines/src/stats.

pipelines/src/stats/tests is tested against it. Run it beside the file that it writes: python stats.py. It needs what
stats-requirements.txt lists, which says how to install it.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from confseq.boundaries import bernoulli_confidence_interval
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig
from gbstats.frequentist.tests import (
    FrequentistConfig,
    SequentialConfig,
    SequentialTwoSidedTTest,
    TwoSidedTTest,
)
from gbstats.models.statistics import (
    ProportionStatistic,
    QuantileClusteredStatistic,
    RatioStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
)
from savvi.multinomial import InhomogeneousPoissonProcess, Multinomial
from scipy import integrate, optimize, special, stats
from scipy.spatial.distance import jensenshannon
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

RNG = np.random.default_rng(20240607)


# === special functions ===


def functions():
    betas = [(0.5, 0.5), (1, 1), (2, 30), (12.5, 990), (1e4, 3e4), (1e6, 1e6), (5e7, 1e9)]
    spots = [-6, -2, -0.3, 0, 0.7, 3]
    at = [
        (a, b, float(np.clip(a / (a + b) + z * stats.beta.std(a, b), 0.001 * a / (a + b), 0.9999)))
        for (a, b), z in product(betas, spots)
    ]
    tails = [1e-12, 1e-4, 0.01, 0.05, 0.3, 0.5, 0.77, 0.975, 0.9999]
    dofs = [1, 2.5, 7, 30, 999.5, 20048, 1e7]
    counts = [(3, 10, 0.2), (0, 50, 0.01), (480, 1000, 0.5), (9000, 10000, 0.9), (999_000, 1_000_000, 0.999)]
    return {
        "normal_cdf": [[z, stats.norm.cdf(z)] for z in (-30.0, -8.0, -1.96, 0.0, 0.5, 3.0, 9.0)],
        "normal_quantile": [[p, stats.norm.ppf(p)] for p in tails],
        "student": [[t, d, 2 * stats.t.sf(t, d)] for t, d in product((0.0, 0.3, 1.96, 5.0, 20.0), dofs)],
        "student_quantile": [[p, d, stats.t.isf(p / 2, d)] for p, d in product(tails, dofs)],
        "chi_squared": [[x, d, stats.chi2.sf(x, d)] for x, d in product((0.1, 4.43, 30.0, 300.0), (1, 2, 9))],
        "ln_gamma": [[x, special.gammaln(x)] for x in (1e-3, 0.5, 1.5, 9.99, 10.0, 123.4, 1e6)],
        "ln_beta": [[a, b, special.betaln(a, b)] for a, b in betas],
        "beta_cdf": [[a, b, x, stats.beta.cdf(x, a, b)] for a, b, x in at],
        "beta_density": [[a, b, x, stats.beta.pdf(x, a, b)] for a, b, x in at],
        "beta_quantile": [[a, b, p, stats.beta.ppf(p, a, b)] for (a, b), p in product(betas[1:], tails)],
        "binomial_cdf": [[k, n, p, stats.binom.cdf(k, n, p)] for k, n, p in counts],
    }


# === evidence ===

GAINS = np.exp(np.linspace(np.log(1.05), np.log(20), 40))


def kernel_log_e(cells, margin, gains):
    """As the formula stands, with nothing simplified."""
    logs = np.zeros(40)
    for rho, canary, stable in cells:
        q0 = margin * rho / (margin * rho + 1 - rho)
        q = gains * margin * rho / (gains * margin * rho + 1 - rho)
        logs += canary * np.log(q / q0) + stable * np.log((1 - q) / (1 - q0))
    return float(special.logsumexp(logs) - np.log(40))


def kernel():
    cases = [
        [(0.1, 30, 110)],
        [(0.01, 0, 0)],
        [(0.5, 0, 40)],
        [(0.5, 40, 0)],
        [(0.01, 5, 100), (0.05, 20, 90), (0.25, 60, 100)],
        [(0.999, 1000, 3)],
        [(0.02, 200_000, 9_000_000)],
    ]
    out = []
    for cells, margin in product(cases, (0.5, 1.0, 1.25, 3.0)):
        harm, safe = kernel_log_e(cells, margin, GAINS), kernel_log_e(cells, margin, 1 / GAINS)
        out.append({"cells": cells, "margin": margin, "harm": harm, "safe": safe})
    return out


def kernel_intervals():
    out = []
    for cells, alpha in product(
        ([(0.1, 30, 110)], [(0.5, 0, 40)], [(0.5, 40, 0)], [(0.01, 5, 100), (0.05, 20, 90)]), (0.05, 0.01)
    ):
        bar = np.log(2 / alpha)
        ends = []
        for gains in (GAINS, 1 / GAINS):
            f = lambda log: kernel_log_e(cells, np.exp(log), gains) - bar
            ends.append(float(np.exp(optimize.brentq(f, -15, 15, xtol=1e-14))) if f(-15) * f(15) < 0 else None)
        out.append({"cells": cells, "alpha": alpha, "low": ends[0], "high": ends[1]})
    return out


def dirichlet():
    out = []
    for counts, shares, k in (
        ([110, 30], [0.9, 0.1], 100.0),
        ([10_000, 10_300], [0.5, 0.5], 10_000.0),
        ([500, 480, 560], [0.25, 0.25, 0.5], 100.0),
        ([5, 0, 7, 1], [0.4, 0.1, 0.4, 0.1], 3.0),
        ([100_100, 99_900, 1_000], [0.498, 0.497, 0.005], 10_000.0),
    ):
        test = Multinomial(0.05, np.array(shares), k=k)
        test.update(np.array(counts))
        out.append({"counts": counts, "shares": shares, "k": k, "log_e": -float(np.log(test.calculate_p_value()))})
    return out


def ratio_intervals():
    """savvi's interval is a convex programme's answer, good to about five digits; brentq's is exact."""
    out = []
    for (rho, canary, stable), alpha in product(((0.1, 30, 110), (0.3, 4, 40), (0.5, 900, 700)), (0.05, 0.01)):
        prior, seen = 100 * np.array([1 - rho, rho]), np.array([stable, canary])
        test = InhomogeneousPoissonProcess(alpha, np.array([1 - rho, rho]), np.array([[-1, 1]]))
        test.update(seen)
        savvi = test.calculate_conf_int(solver="CLARABEL")[0]
        whole = special.betaln(*(prior + seen)) - special.betaln(*prior) + np.log(alpha)

        def outside(log):
            q = rho * np.exp(log) / (rho * np.exp(log) + 1 - rho)
            return whole - canary * np.log(q) - stable * np.log1p(-q)

        best = np.log(canary / stable * (1 - rho) / rho)
        ends = [optimize.brentq(outside, best, far, xtol=1e-14) for far in (best - 9, best + 9)]
        cell = [rho, canary, stable]
        out.append({"cell": cell, "alpha": alpha, "log": ends, "savvi": [float(end) for end in savvi]})
    return out


def bernoulli():
    cases = [(12, 1000), (0, 1), (0, 300), (7, 7), (1, 2), (500, 1000), (37, 123_456), (99_000, 100_000)]
    return [
        [bad, n, alpha, *bernoulli_confidence_interval(bad, n, alpha, 1000, 0.05)]
        for (bad, n), alpha in product(cases, (0.05, 0.01))
    ]


def sample_ratio():
    out = []
    for counts, shares in (
        ([10_000, 10_300], [0.5, 0.5]),
        ([9_000, 1_100], [9, 1]),
        ([330, 300, 370, 1], [0.3, 0.3, 0.39, 0.01]),
    ):
        expected = np.array(shares) / sum(shares) * sum(counts)
        p = float(stats.chisquare(counts, expected).pvalue)
        out.append({"counts": counts, "shares": shares, "p": p})
    return out


# === contrasts ===


def compared(arms, a, b, alpha, adjusted=False):
    """All numbers of a contrast by gbstats."""
    out = {**arms, "alpha": alpha}
    for kind in ("absolute", "relative"):
        fixed = TwoSidedTTest(a, b, FrequentistConfig(difference_type=kind, alpha=alpha))
        sequential = SequentialTwoSidedTTest(a, b, SequentialConfig(difference_type=kind, alpha=alpha))
        bayes = EffectBayesianABTest(a, b, EffectBayesianConfig(difference_type=kind)).compute_result()
        out[kind] = {
            "value": float(fixed.point_estimate),
            "interval": [float(end) for end in fixed.confidence_interval],
            "p": float(2 * stats.t.sf(abs(fixed.critical_value), fixed.dof)),
            "sequential": [float(end) for end in sequential.confidence_interval],
            "sequential_p": float(sequential.p_value),
            "chance": float(bayes.chance_to_win),
            "loss": [float(risk) for risk in bayes.risk],
        }
    return out


def proportions():
    cases = [((120, 10_000), (165, 10_050)), ((3, 40), (9, 35)), ((5_000, 9_000), (4_900, 9_100))]
    return [
        compared({"arms": [a, b]}, ProportionStatistic(n=a[1], sum=a[0]), ProportionStatistic(n=b[1], sum=b[0]), alpha)
        for (a, b), alpha in product(cases, (0.05, 0.01))
    ]


def joint(y, x):
    return {
        "n": len(y),
        "y": float(y.sum()),
        "x": float(x.sum()),
        "yy": float((y * y).sum()),
        "xx": float((x * x).sum()),
        "xy": float((x * y).sum()),
    }


def pairs(n, lift):
    x = RNG.gamma(2.0, 3.0, n)
    return 0.7 * x + lift + RNG.normal(0, 2.0, n), x


def means():
    out = []
    for n, m in ((12, 9), (800, 1200)):
        arms = [joint(*pairs(n, 5.0)), joint(*pairs(m, 5.4))]
        a, b = (SampleMeanStatistic(n=arm["n"], sum=arm["y"], sum_squares=arm["yy"]) for arm in arms)
        out.append(compared({"arms": arms}, a, b, 0.05))
    return out


def sides(arm):
    post = SampleMeanStatistic(n=arm["n"], sum=arm["y"], sum_squares=arm["yy"])
    pre = SampleMeanStatistic(n=arm["n"], sum=arm["x"], sum_squares=arm["xx"])
    return post, pre


def ratios():
    out = []
    for n, m in ((40, 55), (900, 700)):
        arms = []
        for size, rate in ((n, 2.0), (m, 2.1)):
            x = RNG.poisson(6.0, size) + 1.0
            arms.append(joint(RNG.normal(rate * x, 1.5), x))
        a, b = (
            RatioStatistic(n=arm["n"], m_statistic=m, d_statistic=d, m_d_sum_of_products=arm["xy"])
            for arm in arms
            for m, d in [sides(arm)]
        )
        out.append(compared({"arms": arms}, a, b, 0.05))
    return out


def adjusted():
    out = []
    for n, m in ((30, 25), (1500, 1400)):
        arms = [joint(*pairs(n, 5.0)), joint(*pairs(m, 5.3))]
        a, b = (
            RegressionAdjustedStatistic(
                n=arm["n"], post_statistic=post, pre_statistic=pre, post_pre_sum_of_products=arm["xy"], theta=0
            )
            for arm in arms
            for post, pre in [sides(arm)]
        )
        case = compared({"arms": arms}, a, b, 0.05)
        case["theta"] = float(a.theta)
        out.append(case)
    return out


def clusters():
    """The cluster-robust variance of a mean over requests, by a regression on a constant."""
    out = []
    for units in (5, 60):
        sizes = RNG.negative_binomial(1, 0.2, units) + 1
        group = np.repeat(np.arange(units), sizes)
        y = RNG.normal(0, 1.0, units)[group] + RNG.normal(3.0, 1.0, len(group))
        plain = sm.OLS(y, np.ones(len(y))).fit()
        robust = sm.OLS(y, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": group})
        each = [[int((group == unit).sum()), *map(float, (y[group == unit].sum(), (y[group == unit] ** 2).sum()))] for unit in range(units)]
        # gbstats' variance of a mean over clusters is the same, by the delta method.
        numbers = np.array(each)
        gb = QuantileClusteredStatistic(
            n=len(y), n_star=1, nu=0.5, quantile_hat=0, quantile_lower=0, quantile_upper=0,
            main_sum=numbers[:, 1].sum(), main_sum_squares=(numbers[:, 1] ** 2).sum(),
            denominator_sum=numbers[:, 0].sum(), denominator_sum_squares=(numbers[:, 0] ** 2).sum(),
            main_denominator_sum_product=(numbers[:, 0] * numbers[:, 1]).sum(), n_clusters=units,
        ).get_cluster_variance
        out.append({
            "clusters": each,
            "mean": float(robust.params[0]),
            "variance": float(robust.bse[0] ** 2),
            "delta": float(gb),
            "naive": float(plain.bse[0] ** 2),
        })
    return out


# === the rest ===


def multiple():
    out = []
    for ps in ([0.01, 0.04, 0.03, 0.005], [0.9], [0.2, 0.2, 1.0, 1e-9, 0.049, 0.05, 0.0], []):
        both = {m: [float(p) for p in multipletests(ps, method=m)[1]] if ps else [] for m in ("holm", "fdr_bh")}
        out.append({"p": ps, **both})
    return out


def drift():
    out = []
    for e, a in (
        ([100, 200, 300, 400], [130, 180, 330, 360]),
        ([1000, 2000, 1500, 500, 100], [70, 210, 160, 60, 30]),
        ([10, 10], [10, 10]),
    ):
        p, q = np.array(e) / sum(e), np.array(a) / sum(a)
        out.append({
            "expected": e,
            "actual": a,
            "psi": float(((q - p) * np.log(q / p)).sum()),
            "js": float(jensenshannon(p, q) ** 2),
            "ks": float(np.abs(np.cumsum(p - q)).max()),
        })
    # With empty bins the index is by half events; the others need nothing.
    e, a = np.array([0, 50, 50]), np.array([5, 60, 0])
    p, q = e / e.sum(), a / a.sum()
    half = lambda counts: np.maximum(counts, 0.5) / counts.sum()
    out.append({
        "expected": e.tolist(),
        "actual": a.tolist(),
        "psi": float(((half(a) - half(e)) * np.log(half(a) / half(e))).sum()),
        "js": float(jensenshannon(p, q) ** 2),
        "ks": float(np.abs(np.cumsum(p - q)).max()),
    })
    return out


def ranks():
    out = []
    for n, q, alpha in product((5, 59, 300, 10_000, 2_000_000), (0.5, 0.9, 0.99), (0.05, 0.01)):
        k = np.arange(0, n + 1)
        cdf = stats.binom.cdf(k, n, q)
        low = int(np.searchsorted(cdf, alpha / 2, side="right"))
        high = int(np.searchsorted(cdf, 1 - alpha / 2, side="left")) + 1
        out.append([n, q, alpha, [low, high] if low >= 1 and high <= n else None])
    return out


def survival():
    ages = np.round(RNG.exponential(5.0, 40), 1)
    ends = np.round(RNG.uniform(0.5, 12.0, 40), 1)
    seen, arrived = np.minimum(ages, ends), ages <= ends
    curve = SurvfuncRight(seen, arrived.astype(int))
    return {
        "delays": [[float(age), bool(a)] for age, a in zip(seen, arrived)],
        "curve": [[float(t), float(1 - s)] for t, s in zip(curve.surv_times, curve.surv_prob)],
    }


def best():
    arms = [
        [("beta", 3, 9), ("beta", 4, 9)],
        [("beta", 21, 981), ("beta", 31, 971), ("beta", 26, 976)],
        [("beta", 1, 1), ("beta", 50_001, 950_001), ("beta", 50_201, 949_801), ("beta", 2, 30)],
        [("normal", 0.0, 1.0), ("normal", 0.5, 0.2), ("normal", 0.4, 3.0)],
        [("normal", 100.0, 0.01), ("normal", 100.01, 0.02)],
    ]
    out = []
    for each in arms:
        made = [stats.beta(a, b) if kind == "beta" else stats.norm(a, b) for kind, a, b in each]
        edges = sorted({float(np.clip(d.ppf(p), -1e9, 1e9)) for d in made for p in (1e-14, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6, 1 - 1e-14)})
        shares = []
        for i, one in enumerate(made):
            f = lambda x: one.pdf(x) * np.prod([d.cdf(x) for j, d in enumerate(made) if j != i])
            shares.append(sum(integrate.quad(f, l, h, epsabs=1e-13, epsrel=1e-12)[0] for l, h in zip(edges, edges[1:])))
        out.append({"arms": each, "best": shares})
    return out


def sample_size():
    """For two arms of equal size and variance 1, statsmodels' units of one arm."""
    return [
        [effect, alpha, power, 2 * float(NormalIndPower().solve_power(effect, alpha=alpha, power=power))]
        for effect, alpha, power in product((0.05, 0.3), (0.05, 0.01), (0.8, 0.95))
    ]


def main():
    parts = [
        functions, kernel, kernel_intervals, dirichlet, ratio_intervals, bernoulli, sample_ratio, proportions, means,
        ratios, adjusted, clusters, multiple, drift, ranks, survival, best, sample_size,
    ]
    out = {part.__name__: part() for part in parts}
    # A case a line, so that a change shows.
    lines = []
    for name, cases in out.items():
        items = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items()] if isinstance(cases, dict) else [json.dumps(case) for case in cases]
        opening, closing = "{}" if isinstance(cases, dict) else "[]"
        lines.append(f"{json.dumps(name)}: {opening}\n  " + ",\n  ".join(items) + f"\n{closing}")
    Path(__file__).with_name("stats.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
