"""Gain and loss framing at 36 sites: one data set, three d, random effects both ways."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from pandas import DataFrame

from feedbackstudy.analysis.bayesian.densities import from_density, savage_dickey
from feedbackstudy.analysis.bayesian.random_effects import (
    RandomEffectsPosterior,
    RandomEffectsPrior,
    random_effects,
)
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequentist.conversions import (
    d_from_chi_square,
    d_from_log_odds,
    d_from_phi,
    d_variance_from_phi,
)
from feedbackstudy.analysis.frequentist.proportions import odds_ratio
from feedbackstudy.analysis.frequentist.two_by_two import TwoByTwo, chi_square, phi, two_by_two
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.literature.meta import MetaAnalysis, meta_analysis
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

CHOICE = "interval_of_99_percent"
Z95, Z99 = 1.959963984540054, 2.5758293035489004
PRIOR = RandomEffectsPrior(mean_sd=1.0, tau_sd=0.5)
CONTRAST = "d of choosing the certain option, gain minus loss frame"


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Pool the sites in the three ways that give .60, .62 and .66, and repeat the original."""
    sites = data["manylabs1_gain_loss"]
    replications = sites[sites["is_original"] == 0]
    original = _table(sites[sites["is_original"] == 1])
    by_site = _table(replications)
    logit = odds_ratio(by_site)
    effects, variances = d_from_log_odds(logit.log_estimate), d_from_log_odds(logit.se) ** 2
    pooled = meta_analysis(effects, variances, labels=replications["site"].tolist(), measure="d (log odds ratio)")
    posterior = random_effects(effects, variances, prior=PRIOR)
    asked = question(study, "h1")
    rows = (_pooled_table(asked, by_site), _reml(asked, pooled), *_bayesian(asked, posterior, by_site))
    mean = from_density(posterior.mean, quantity="mean d over sites", engine="quadrature over tau")
    return Findings(
        values=_values(by_site, pooled) | _original_values(original, data["tversky_kahneman1981_frames"]),
        estimates=Estimates(rows=rows, title="Gain and loss framing at 36 sites"),
        shows=(pooled, mean),
        choices=(CHOICE,),
        claims=(
            "C04 (analogue: wording of a risky choice, not the order of strengths and deficits in feedback): the same "
            f"outcomes worded as gains drew more people to the certain option at {int((effects > 0).sum())} of "
            f"{effects.size} sites."
        ),
    )


def _table(sites: DataFrame) -> TwoByTwo:
    return two_by_two(sites["certain_gain"], sites["n_gain"], sites["certain_loss"], sites["n_loss"])


def _added(by_site: TwoByTwo) -> TwoByTwo:
    """Add the tables of all sites up."""
    return two_by_two(by_site.event1.sum(), by_site.n1.sum(), by_site.event2.sum(), by_site.n2.sum())


def _d_of_phi(table: TwoByTwo) -> tuple[float, float]:
    r = phi(table)
    return float(d_from_phi(r)[0]), float(np.sqrt(d_variance_from_phi(r, table.n1 + table.n2)[0]))


def _values(by_site: TwoByTwo, pooled: MetaAnalysis) -> dict[str, Value]:
    d, se = _d_of_phi(_added(by_site))
    of_sites = d_from_phi(phi(by_site))
    other = {
        "unweighted mean of the sites' d through phi": float(of_sites.mean()),
        "median of the sites' d through phi": float(np.median(of_sites)),
        "random effects (REML) of the sites' d through log odds ratios": pooled.estimate,
    }
    listed = "; ".join(f"{name}: {value:.3f}" for name, value in other.items())
    return {
        "d_overall": Value(
            value=d,
            se=se,
            low=d - Z99 * se,
            high=d + Z99 * se,
            other_definitions=other,
            note=f"same data, other definitions: {listed}",
        ),
        "d_overall_low": Value(value=d - Z99 * se, other_choice={"level 95%": d - Z95 * se}),
        "d_overall_high": Value(value=d + Z99 * se, other_choice={"level 95%": d + Z95 * se}),
    }


def _original_values(original: TwoByTwo, printed: DataFrame) -> dict[str, Value]:
    test = chi_square(original, yates=True)
    d, _ = _d_of_phi(original)
    frames = printed.set_index("frame")
    counts = frames["n"] * frames["pct_certain_option"] / 100
    shares = 100 * original.cells[[0, 2], 0] / np.array([original.n1[0], original.n2[0]])
    logit = float(d_from_log_odds(odds_ratio(original).log_estimate)[0])
    return {
        "d_original": Value(
            value=d_from_chi_square(test.statistic, test.n),
            other_definitions={"through phi": d, "through the log odds ratio": logit},
            note=f"chi square (Yates) {test.statistic:.2f}, n {test.n}; through phi {d:.3f}, log odds {logit:.3f}",
        ),
        "original_certain_gain": Value(value=float(round(counts["gain"])), note=f"72% of 152 is {counts['gain']:.2f}"),
        "original_certain_loss": Value(value=float(round(counts["loss"])), note=f"22% of 155 is {counts['loss']:.2f}"),
        "original_percent_gain": Value(value=float(shares[0])),
        "original_percent_loss": Value(value=float(shares[1])),
    }


def _pooled_table(asked: Question, by_site: TwoByTwo) -> Estimate:
    added = _added(by_site)
    d, se = _d_of_phi(added)
    test = chi_square(added)
    return frequentist_row(
        asked,
        contrast=f"{CONTRAST} (one pooled table, through phi)",
        model="one two-by-two table over all sites, Pearson's chi square",
        estimate=d,
        se=se,
        low=d - Z95 * se,
        high=d + Z95 * se,
        level=0.95,
        df=1.0,
        statistic=test.statistic,
        p=test.p,
        std_estimate=d,
        std_low=d - Z95 * se,
        std_high=d + Z95 * se,
        std_kind="d",
        n=test.n,
        robustness=True,
        note="as printed; ignores that people are nested in sites",
    )


def _reml(asked: Question, pooled: MetaAnalysis) -> Estimate:
    return frequentist_row(
        asked,
        contrast=f"{CONTRAST} (by site, through log odds ratios)",
        model=f"random effects over {pooled.k} sites, {pooled.method}, Wald",
        estimate=pooled.estimate,
        se=pooled.se,
        low=pooled.low,
        high=pooled.high,
        level=pooled.level,
        statistic=pooled.statistic,
        p=pooled.p,
        std_estimate=pooled.estimate,
        std_low=pooled.low,
        std_high=pooled.high,
        std_kind="d",
        n=pooled.k,
        note=f"n is sites; tau squared {pooled.tau2:.4f}, Q({pooled.q_df:.0f}) = {pooled.q:.2f}, p = {pooled.q_p:.2f}",
    )


def _bayesian(asked: Question, posterior: RandomEffectsPosterior, by_site: TwoByTwo) -> tuple[Estimate, Estimate]:
    mean = from_density(posterior.mean, quantity="mean d over sites")
    tau = replace(from_density(posterior.tau, quantity="standard deviation between sites"), prob_direction=None)
    sites = by_site.n1.size
    model = f"random effects over {sites} sites, quadrature; prior {PRIOR}"
    return (
        bayesian_row(
            asked,
            mean,
            contrast=f"{CONTRAST} (by site, through log odds ratios)",
            model=model,
            se=posterior.mean_sd,
            bayes_factor=savage_dickey(posterior.mean),
            n=sites,
            note="n is sites",
            std_kind="d",
        ),
        bayesian_row(
            asked,
            tau,
            contrast="standard deviation of d between sites",
            model=model,
            n=sites,
            term="heterogeneity",
            note="cannot be negative: its interval says how large, not whether",
        ),
    )
