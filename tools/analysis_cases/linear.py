"""Reference values of linear models: analyses of variance, contrasts, robust covariances, equivalence, effect sizes.

Values: ``tests/reference/linear.json`` (the founders' oracle) and ``linear_r.json``, made by ``linear.R`` beside it;
both name packages and versions. Differences are relative here, also of small p values.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from feedbackstudy.analysis.anova import anova
from feedbackstudy.analysis.anova_result import Anova
from feedbackstudy.analysis.contrasts import contrasts
from feedbackstudy.analysis.contrasts_result import Contrasts
from feedbackstudy.analysis.effect_size import EffectSize, effect_size, effect_size_from_f
from feedbackstudy.analysis.frequentist.adjust import Family, adjusted_for_number
from feedbackstudy.analysis.regression import regression
from feedbackstudy.analysis.regression_result import Regression
from feedbackstudy.analysis.tost import Variance, tost
from tools.psychometrics_reference import REFERENCE, Case

VALUE = 1e-6
P = 1e-4
SEARCHED = 5e-6  # effectsize searches its noncentral limits, and stops near 1e-6 of them
MONTE_CARLO = 0.05  # emmeans integrates the multivariate t at random; below p = 1e-4 its error is larger than p
FACTORS = ["timing", "framing", "specificity"]
MAUCHLY = 2e-3  # R's Mauchly test has the number of occasions in place of their contrasts in one small term
PLANNED = {
    "H1_imm_specific_vs_rest": {
        "immediate:high": 1.0,
        "delayed:high": -1 / 3,
        "immediate:low": -1 / 3,
        "delayed:low": -1 / 3,
    },
    "H2_specificity_when_delayed": {"delayed:high": 1.0, "delayed:low": -1.0},
    "H3_timing_main": {"immediate:high": 0.5, "immediate:low": 0.5, "delayed:high": -0.5, "delayed:low": -0.5},
}
SATURATED = [*FACTORS, "timing:framing", "timing:specificity", "framing:specificity", "timing:framing:specificity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative(Case):
    """A reference whose difference is relative throughout."""

    def difference(self) -> float:
        """Return the largest relative difference; a reference of zero is met by zero."""
        known, found = self.pair()
        return float((np.abs(found - known) / np.where(known == 0, 1.0, np.abs(known))).max())


@cache
def reference(name: str = "linear") -> dict[str, Any]:
    """Return the values of R."""
    found: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def feedback(name: str) -> pd.DataFrame:
    """Return our invented data: ``fb``, nearly balanced, or ``fu``, unbalanced."""
    found = pd.read_csv(REFERENCE / {"fb": "feedback400.csv", "fu": "feedback_unbalanced.csv"}[name])
    for factor, levels in {"timing": ["immediate", "delayed"], "specificity": ["high", "low"]}.items():
        found[factor] = pd.Categorical(found[factor], levels)
    found["w"] = 1 / np.where(found["timing"] == "delayed", 0.3, 0.6) * (1 + found.index % 3)
    return found


@cache
def repeated(*, topics: bool) -> pd.DataFrame:
    """Return our invented repeated ratings, by topic or averaged over topics."""
    found = pd.read_csv(REFERENCE / "feedback_repeated.csv")
    found["wave"] = pd.Categorical(found["wave"], ["before", "after", "later"])
    if topics:
        return found
    names = ["participant", "arm", "mode", "wave", "baseline"]
    return found.groupby(names, as_index=False, observed=True)[["rating"]].mean()


def cases() -> tuple[Case, ...]:
    """Return every reference value of linear models with the call that answers it."""
    parts = (_between, _sizes, _mixed, _sphericity, _planned, _pairs, _means, _within, _dunnett, _robust, _weighted)
    return tuple(case for part in (*parts, _equivalence, _effects, _adjusted) for case in part())


def _values(
    section: str, what: str, known: ArrayLike, source: str, ours: Callable[[], Any], tolerance: float = VALUE
) -> Relative:
    return Relative(section=section, what=what, reference=known, source=source, ours=ours, tolerance=tolerance)


@cache
def table(key: str) -> Anova:
    """Return our analysis of variance of one section of the oracle."""
    options: dict[str, Any] = {"between": FACTORS}
    if key.endswith("type2"):
        options["ss_type"] = 2
    if "ancova" in key:
        options["covariates"] = ["baseline"]
    if key.endswith("HC3"):
        options["vcov"] = "HC3"
    return anova(feedback(key[:2]), "y", **options)


def _column(found: Anova, terms: Sequence[str], name: str) -> list[float]:
    renamed = ["baseline" if term == "baseline_c" else term for term in terms]
    return [getattr(found.term(term), name) for term in renamed]


def _between() -> Iterator[Case]:
    section, known = "Analysis of variance, between", reference()["anova"]
    for key in ("fb_between_type2", "fb_between_type3", "fu_between_type2", "fu_between_type3", "fu_ancova_type3"):
        rows, terms = known[key], [row["term"] for row in known[key]]
        for theirs, ours, allowed in (
            ("F", "f", VALUE),
            ("den Df", "df2", VALUE),
            ("pes", "eta_p2", VALUE),
            ("ges", "eta_g2", VALUE),
            ("Pr(>F)", "p", P),
        ):
            call = partial(lambda k, t, o: _column(table(k), t, o), key, terms, ours)
            yield _values(section, f"{key}: {theirs}", [row[theirs] for row in rows], "afex aov_ez", call, allowed)
    rows = [row for row in known["fu_type3_HC3"] if row["term"] not in ("(Intercept)", "Residuals")]
    terms = [row["term"] for row in rows]
    for theirs, ours, allowed in (("F", "f", VALUE), ("Pr(>F)", "p", P)):
        call = partial(lambda t, o: _column(table("fu_type3_HC3"), t, o), terms, ours)
        yield _values(
            section, f"HC3: {theirs}", [row[theirs] for row in rows], "car Anova(white.adjust)", call, allowed
        )
    theirs = reference("linear_r")["welch"]
    data = feedback("fu").assign(cell=lambda d: d["timing"].astype(str) + d["framing"])
    call = partial(lambda d: [getattr(anova(d, "y", between=["cell"], vcov="welch").rows[0], k) for k in WELCH], data)
    yield _values(section, "Welch: F, df, df2, p", list(theirs.values()), "oneway.test", call)


WELCH = ("f", "df", "df2", "p")


def _sizes() -> Iterator[Case]:
    section, known = "Partial eta and omega squared with intervals", reference()["anova"]
    for key in ("fb_between_type2", "fb_between_type3", "fu_between_type2", "fu_between_type3"):
        eta, omega = known[f"{key}_eta_ci"], known[f"{key}_omega_ci"]
        terms = [row["Parameter"] for row in eta]
        for what, rows, theirs, ours in (
            ("eta: lower limit", eta, "CI_low", "eta_p2_low"),
            ("omega", omega, "Omega2_partial", "omega_p2"),
            ("omega: lower limit", omega, "CI_low", "omega_p2_low"),
            ("omega: upper limit", omega, "CI_high", "omega_p2_high"),
        ):
            call = partial(lambda k, t, o: _column(table(k), t, o), key, terms, ours)
            yield _values(section, f"{key}, {what}", [row[theirs] for row in rows], "effectsize", call, SEARCHED)
    rows = known["fu_type3_pes_ci90_two_sided"]
    call = partial(_column, table("fu_between_type3"), [row["Parameter"] for row in rows], "eta_p2_high")
    yield _values(section, "eta: upper limit", [row["CI_high"] for row in rows], "effectsize", call, SEARCHED)
    known_f = reference()["es"]["F_to_eta2_F4_2_80"][0]
    from_f = partial(lambda: _limits(effect_size_from_f(4, 2, 80)))
    printed = [known_f[name] for name in ("Eta2_partial", "CI_low", "CI_high")]
    yield _values(section, "F(2, 80) = 4: eta with limits", printed, "effectsize F_to_eta2", from_f, SEARCHED)


def _limits(found: EffectSize) -> list[float]:
    return [found.estimate, found.low, found.high]


@cache
def mixed(key: str) -> Anova:
    """Return our analysis of repeated ratings of one section of linear_r.json."""
    if key == "mixed_measured_mode":
        options: dict[str, Any] = {"within": ["wave"], "correction": "none", "observed": ["mode"]}
        return anova(repeated(topics=False), "rating", "participant", between=["arm", "mode"], **options)
    options = {"ss_type": 2, "correction": "hf"} if key.endswith("HF") else {}
    return anova(
        repeated(topics=True), "rating", "participant", between=["arm", "mode"], within=["wave", "topic"], **options
    )


def _mixed() -> Iterator[Case]:
    for key, rows in reference("linear_r")["anova"].items():
        terms = [row["term"] for row in rows]
        for theirs, ours in (
            ("f", "f"),
            ("df", "df"),
            ("df2", "df2"),
            ("pes", "eta_p2"),
            ("ges", "eta_g2"),
            ("p", "p"),
        ):
            call = partial(lambda k, t, o: _column(mixed(k), t, o), key, terms, ours)
            what, known = f"{key}: {theirs}", [row[theirs] for row in rows]
            yield _values("Analysis of variance, mixed", what, known, "afex aov_ez", call)


def _sphericity() -> Iterator[Case]:
    known = reference("linear_r")["sphericity"]
    names = {"w": "w", "gg": "greenhouse_geisser", "hf": "huynh_feldt", "p": "p"}
    for theirs, ours in names.items():
        call = partial(_spherical, known["term"], ours)
        allowed = MAUCHLY if theirs == "p" else VALUE
        yield _values("Sphericity", f"wave, wave:topic: {theirs}", known[theirs], "car, summary of afex", call, allowed)


def _spherical(terms: Sequence[str], name: str) -> list[float]:
    found = dict(mixed("mixed_2x2_by_3x2_III_GG").sphericity)
    return [getattr(found[term], name) for term in terms]


@cache
def planned(key: str) -> Contrasts:
    """Return our planned contrasts of one section of the oracle."""
    options: dict[str, dict[str, Any]] = {
        "fu_planned_none": {"adjust_for": "none"},
        "fu_planned_holm": {},
        "fu_planned_mvt": {"adjust_for": "mvt"},
        "fu_planned_HC3": {"adjust_for": "none", "vcov": "HC3"},
        "fu_ancova_planned": {"adjust_for": "none", "covariates": ["baseline"]},
        "delta": {"adjust_for": "none", "delta": 0.5},
    }
    return contrasts(feedback("fu"), "y", PLANNED, between=FACTORS, of=["timing", "specificity"], **options[key])


def _fields(found: Contrasts, name: str) -> list[float]:
    return [getattr(row, name) for row in found.rows]


def _planned() -> Iterator[Case]:
    section, known = "Planned contrasts", reference()["emm"]
    columns = {
        "estimate": ("estimate", VALUE),
        "SE": ("se", VALUE),
        "df": ("df", VALUE),
        "t.ratio": ("statistic", VALUE),
    }
    for key in ("fu_planned_none", "fu_planned_holm", "fu_planned_HC3", "fu_ancova_planned"):
        limits = {"lower.CL": ("low", VALUE), "upper.CL": ("high", VALUE)} if "lower.CL" in known[key][0] else {}
        for theirs, (ours, allowed) in (columns | limits | {"p.value": ("p_adjusted", P)}).items():
            call = partial(lambda k, o: _fields(planned(k), o), key, ours)
            yield _values(section, f"{key}: {theirs}", [row[theirs] for row in known[key]], "emmeans", call, allowed)
    # the first p of emmeans, 1.8e-5, lies above Bonferroni's bound 1.44e-5: its Monte Carlo error
    rows = known["fu_planned_mvt"][1:]
    for theirs, ours, allowed in (("lower.CL", "low", MONTE_CARLO), ("p.value", "p_adjusted", MONTE_CARLO)):
        call = partial(lambda o: _fields(planned("fu_planned_mvt"), o)[1:], ours)
        yield _values(section, f"mvt: {theirs}", [row[theirs] for row in rows], "emmeans, drawn", call, allowed)
    sizes = known["fu_eff_size_planned"]
    for theirs, ours in (("effect.size", "d"), ("lower.CL", "d_low"), ("upper.CL", "d_high")):
        call = partial(lambda o: _fields(planned("fu_planned_none"), o), ours)
        yield _values(section, f"standardised: {theirs}", [row[theirs] for row in sizes], "emmeans eff_size", call)


def _pairs() -> Iterator[Case]:
    section, known = "Pairs and interactions", reference()["emm"]
    methods: tuple[Family, ...] = ("holm", "tukey")
    for method in methods:
        rows = known[f"fu_timing_specificity_pairs_{method}"]
        names = [tuple(part.replace(" ", ":") for part in row["contrast"].split(" - ")) for row in rows]
        for theirs, ours, allowed in (("t.ratio", "statistic", VALUE), ("p.value", "p_adjusted", P)):
            call = partial(_of_pairs, method, names, ours)
            yield _values(section, f"{method}: {theirs}", [row[theirs] for row in rows], "emmeans", call, allowed)
    row = known["fu_interaction_timing_x_specificity"][0]
    two = ["timing", "specificity"]
    inter = partial(lambda: contrasts(feedback("fu"), "y", between=FACTORS, of=two, method="interaction").rows[0])
    call = partial(lambda c: [c().estimate, c().se, c().p], inter)
    yield _values(
        section, "interaction: estimate, SE, p", [row["estimate"], row["SE"], row["p.value"]], "emmeans", call
    )
    rows = known["fu_pairs_specificity_by_timing_holm"]
    simple = partial(lambda: contrasts(feedback("fu"), "y", between=FACTORS, of=["specificity"], by=["timing"]))
    for theirs, ours, allowed in (("estimate", "estimate", VALUE), ("SE", "se", VALUE), ("p.value", "p_adjusted", P)):
        call = partial(lambda s, o: _fields(s(), o), simple, ours)
        yield _values(section, f"simple effects: {theirs}", [row[theirs] for row in rows], "emmeans", call, allowed)


def _of_pairs(method: Family, names: Sequence[tuple[str, ...]], field: str) -> list[float]:
    found = contrasts(feedback("fu"), "y", between=FACTORS, of=["timing", "specificity"], adjust_for=method)
    by = {tuple(row.contrast.split(" - ")): getattr(row, field) for row in found.rows}
    signed = -1.0 if field == "statistic" else 1.0
    return [by[pair] if pair in by else signed * by[pair[::-1]] for pair in names]


def _means() -> Iterator[Case]:
    section, known = "Marginal means", reference()["emm"]
    calls: Mapping[str, dict[str, Any]] = {
        "fu_cells": {"of": FACTORS},
        "fu_timing_equal": {"of": ["timing"]},
        "fu_timing_proportional": {"of": ["timing"], "weights": "proportional"},
        "fu_ancova_cells": {"of": ["timing", "specificity"], "covariates": ["baseline"]},
    }
    for key, options in calls.items():
        names = [":".join(row[factor] for factor in FACTORS if factor in row) for row in known[key]]
        for theirs, ours in (("emmean", "mean"), ("SE", "se"), ("lower.CL", "low"), ("upper.CL", "high")):
            call = partial(_of_means, names, ours, options)
            yield _values(section, f"{key}: {theirs}", [row[theirs] for row in known[key]], "emmeans", call)


def _of_means(names: Sequence[str], field: str, options: Mapping[str, Any]) -> list[float]:
    found = contrasts(feedback("fu"), "y", between=FACTORS, **options)
    by = {row.cell: getattr(row, field) for row in found.means}
    return [by[name] for name in names]


def _within() -> Iterator[Case]:
    section, known = "Contrasts of repeated measures", reference("linear_r")
    base: dict[str, Any] = {"participant": "participant", "between": ["arm"], "within": ["wave"]}
    calls: Mapping[str, dict[str, Any]] = {
        "within_pairs_holm": {"of": ["wave"]},
        "within_trends": {"of": ["wave"], "method": "polynomial", "adjust_for": "none"},
        "within_consecutive": {"of": ["wave"], "method": "consecutive", "adjust_for": "none"},
        "simple_arm_at_wave": {"of": ["arm"], "by": ["wave"]},
    }
    for key, options in calls.items():
        for theirs, ours in (("estimate", "estimate"), ("SE", "se"), ("df", "df"), ("p.value", "p_adjusted")):
            call = partial(
                lambda o, f: _fields(contrasts(repeated(topics=False), "rating", **base, **o), f), options, ours
            )
            yield _values(section, f"{key}: {theirs}", [row[theirs] for row in known[key]], "emmeans of afex", call)


def _dunnett() -> Iterator[Case]:
    known = reference("linear_r")["dunnett"]
    names = [tuple(part.replace(".", ":") for part in label.split(" - ")) for label in known["contrast"]]
    section, source = "Dunnett", "double integral in R (linear.R)"
    for theirs, ours in (("t", "statistic"), ("p", "p_adjusted")):
        call = partial(_of_dunnett, names, ours)
        yield _values(section, f"three cells against one: {theirs}", known[theirs], source, call, P)
    yield _values(section, "half width of simultaneous intervals", known["critical"], source, _critical, 1e-5)


@cache
def dunnett() -> Contrasts:
    """Return our comparison of three cells with one."""
    options: dict[str, Any] = {"method": "reference", "reference": "immediate:high", "adjust_for": "dunnett"}
    return contrasts(feedback("fu"), "y", between=["timing", "specificity"], **options)


def _of_dunnett(names: Sequence[tuple[str, ...]], field: str) -> list[float]:
    by = {tuple(row.contrast.split(" - ")): getattr(row, field) for row in dunnett().rows}
    return [by[name] for name in names]


def _critical() -> float:
    row = dunnett().rows[0]
    return (row.high - row.estimate) / row.se


@cache
def regressed(kind: str) -> Regression:
    """Return our regression of the saturated model, or of the weighted one."""
    options: dict[str, Any] = {"vcov": kind} if kind.startswith("HC") else {}
    if kind.startswith("CR"):
        options = {"vcov": kind, "cluster": "interviewer"}
    return regression(feedback("fu"), "y", SATURATED, **options)


def _coefficients(kind: str, field: str) -> list[float]:
    return [getattr(row, field) for row in regressed(kind).coefficients]


def _robust() -> Iterator[Case]:
    section, known = "Robust and cluster-robust regression", reference()["robust"]
    for kind, rows in known.items():
        if kind == "cluster_wald_CR2_HTZ_timing_terms":
            continue
        names = {"beta": "estimate", "SE": "se", "df_Satt": "df", "p_Satt": "p"} if kind[:2] == "CR" else {"se": "se"}
        if kind == "ols":
            names = {"Estimate": "estimate", "Std. Error": "se", "t value": "statistic", "Pr(>|t|)": "p"}
        source = "clubSandwich" if kind[:2] == "CR" else "lm" if kind == "ols" else "sandwich vcovHC"
        for theirs, ours in names.items():
            call = partial(_coefficients, "classical" if kind == "ols" else kind, ours)
            allowed = P if ours in ("p", "df") else VALUE
            yield _values(section, f"{kind}: {theirs}", [row[theirs] for row in rows], source, call, allowed)
    wald = known["cluster_wald_CR2_HTZ_timing_terms"][0]
    call = partial(_hotelling, [term for term in SATURATED if "timing" in term])
    printed = [wald[name] for name in ("Fstat", "df_num", "df_denom", "p_val")]
    yield _values(section, "HTZ: F, df, df2, p", printed, "clubSandwich Wald_test", call)
    four = reference("linear_r")["hc4"]["se"]
    yield _values(section, "HC4: se", four, "sandwich vcovHC", partial(_coefficients, "HC4", "se"))


def _hotelling(terms: Sequence[str]) -> list[float]:
    found = regressed("CR2").wald(terms)
    return [found.f, found.df, found.df2, found.p]


def _weighted() -> Iterator[Case]:
    known = reference("linear_r")
    section = "Weights by the probability of assignment"
    clustered: dict[str, Any] = {"cluster": "interviewer"}
    for theirs, ours in (("estimate", "estimate"), ("se", "se"), ("df", "df"), ("p", "p")):
        call = partial(_inverse, ours, clustered)
        source = "clubSandwich, target of equal variances"
        yield _values(section, f"CR2: {theirs}", known["weighted_cr2"][theirs], source, call)
    call = partial(_inverse, "se", {"vcov": "HC2"})
    yield _values(section, "HC2: se", known["weighted_hc2"]["se"], "sandwich vcovHC", call)


def _inverse(field: str, options: Mapping[str, Any]) -> list[float]:
    found = regression(feedback("fu"), "y", ["timing", "framing", "baseline"], weights="w", **options)
    return [getattr(row, field) for row in found.coefficients]


def _equivalence() -> Iterator[Case]:
    section, known = "Equivalence", reference()["tost"]
    names = {"t_lower": "t_lower", "p_lower": "p_lower", "t_upper": "t_upper", "p_upper": "p_upper"}
    names |= {"p_tost": "p_equivalence", "df": "df", "nhst_p": "p"}
    variances: tuple[Variance, ...] = ("welch", "student")
    for variance in variances:
        rows = known[f"fu_framing_{variance}_pm0.5"]
        call = partial(lambda v: _tested(v, list(names.values())), variance)
        printed = [*(rows[name] for name in names), *rows["ci90"]]
        yield _values(section, f"{variance}: t, p, df, 90 % interval", printed, "t.test, by hand in R", call)
    for key, field in (("equivalence", "p_equivalence"), ("noninf", "p_noninferiority")):
        rows = known[f"fu_planned_{key}_delta0.5"]
        call = partial(lambda f: _fields(planned("delta"), f), field)
        yield _values(section, f"planned contrasts, {key}: p", [row["p.value"] for row in rows], "emmeans delta", call)


def _tested(variance: Variance, names: Sequence[str]) -> list[float]:
    found = tost(feedback("fu"), "y", "framing", bounds=0.5, variance=variance)
    return [*(getattr(found, name) for name in names), found.low, found.high]


def _effects() -> Iterator[Case]:
    section, known = "Standardised differences and superiority", reference()["es"]
    kinds = {
        "cohens_d_framing": "d",
        "hedges_g_framing": "g",
        "glass_delta_framing": "glass",
        "cohens_d_unpooled": "unpooled",
        "rank_biserial": "rank_biserial",
        "cles": "cles",
    }
    for key, kind in kinds.items():
        value, _, low, high = known[key][0].values()
        call = partial(lambda k: _limits(effect_size(feedback("fu"), "y", "framing", kind=k)), kind)
        yield _values(section, f"{key}: estimate and limits", [value, low, high], "effectsize", call, SEARCHED)


def _adjusted() -> Iterator[Case]:
    known = reference()["padjust"]
    names = {"BH": "fdr_bh", "BY": "fdr_by"}
    for key, printed in known.items():
        if key != "p":
            call = partial(adjusted_for_number, known["p"], names.get(key, key))
            yield _values("Adjusted p values", key, printed, "p.adjust", call)
