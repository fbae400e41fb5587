"""Reference values of linear mixed models: lmerTest, pbkrtest and lme4's profile.

Values: ``tests/reference/mixed_oracle.json`` (the founders' oracle) and ``mixed_effects.json``, made by
``mixed_effects.R`` beside it; both name packages and versions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.lmm import lmm
from feedbackstudy.analysis.lmm_result import MixedModel
from feedbackstudy.analysis.model_rows import EffectRow, TermRow
from tools.analysis_cases.linear import FACTORS, PLANNED, SATURATED, VALUE, P, Relative, feedback
from tools.psychometrics_reference import REFERENCE, Case

SEARCH = 2e-6  # lme4's search stops; F, df and variances carry it
PROFILE = 2e-4  # lme4 interpolates its profile by a spline
BASIS = 2e-3  # Fai and Cornelius' df of several contrasts depend on their basis; lmerTest's turns with the first level
FULL = ["timing", "framing", "timing:framing"]

MODELS: dict[str, tuple[list[str], dict[str, list[str]], dict[str, Any]]] = {
    "slopes": (["timing", "day", "timing:day"], {"participant": ["1", "day"]}, {}),
    "slopes_ml": (["timing", "day", "timing:day"], {"participant": ["1", "day"]}, {"estimation": "ml"}),
    "uncorrelated": (
        ["timing", "day", "timing:day"],
        {"participant": ["1", "day"]},
        {"uncorrelated": ["participant"]},
    ),
    "nested": (FULL, {"team": ["1"], "team:participant": ["1"]}, {}),
    "crossed": (FULL, {"participant": ["1"], "story": ["1"], "team": ["1"]}, {}),
    "crossed_slopes": (
        ["timing", "framing", "day", "timing:framing"],
        {"participant": ["1", "day"], "story": ["1"]},
        {},
    ),
}


@cache
def reference(name: str) -> dict[str, Any]:
    """Return the values of R: ``mixed_oracle`` or ``mixed_effects``."""
    found: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def answers() -> pd.DataFrame:
    """Return our invented answers of 60 people in 12 teams to 6 of 10 stories."""
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


@cache
def interviewer(df: str) -> MixedModel:
    """Return our model of the unbalanced data with a random interviewer."""
    return lmm(feedback("fu"), "y", SATURATED, {"interviewer": ["1"]}, df=df)  # type: ignore[arg-type]


@cache
def model(name: str, df: str) -> MixedModel:
    """Return our model of the invented answers."""
    terms, random, options = MODELS[name]
    return lmm(answers(), "y", terms, random, df=df, **options)  # type: ignore[arg-type]


def cases() -> tuple[Case, ...]:
    """Return every reference value of linear mixed models with the call that answers it."""
    return tuple(case for part in (_effects, _tests, _planned, _variances, _profiles, _models) for case in part())


def _case(section: str, what: str, reference: Any, source: str, ours: Any, tolerance: float) -> Case:  # noqa: ANN401
    return Relative(section=section, what=what, reference=reference, source=source, ours=ours, tolerance=tolerance)


def r_name(effect: str) -> str:
    """Return an effect as R writes it: ``timing[delayed]:framing[loss]`` is ``timingdelayed:framingloss``."""
    return effect.replace("[", "").replace("]", "")


def effect_values(rows: Sequence[EffectRow], known: Sequence[Mapping[str, Any]], column: str) -> list[float]:
    """Return a column of effects in R's order."""
    by_name = {r_name(row.effect): getattr(row, column) for row in rows}
    return [by_name[row["term"]] for row in known]


def _term_values(rows: Sequence[TermRow], known: Sequence[Mapping[str, Any]], column: str) -> list[float]:
    by_name = {row.term: getattr(row, column) for row in rows}
    return [by_name[row["term"]] for row in known]


def _of_effects(fit: Any, known: Sequence[Mapping[str, Any]], column: str) -> list[float]:  # noqa: ANN401
    return effect_values(fit().effects, known, column)


def _of_terms(fit: Any, known: Sequence[Mapping[str, Any]], column: str) -> list[float]:  # noqa: ANN401
    return _term_values(fit().terms, known, column)


_EFFECTS = {
    "estimate": ("Estimate", VALUE),
    "se": ("Std. Error", VALUE),
    "df": ("df", P),
    "statistic": ("t value", VALUE),
    "p": ("Pr(>|t|)", P),
}
_TERMS = {"statistic": ("F value", VALUE), "df2": ("DenDF", P), "p": ("Pr(>F)", P)}
_METHODS = {"satt": "satterthwaite", "kr": "kenward-roger"}


def _effects() -> Iterator[Case]:
    section = "Mixed model of the unbalanced 2 x 2 x 2, random interviewer: effects"
    for key, df in _METHODS.items():
        known = reference("mixed_oracle")["lmer"]["fu_treatment_coding"][f"fixed_{key}"]
        for column, (name, tolerance) in _EFFECTS.items():
            values = [row[name] for row in known]
            ours = partial(_of_effects, partial(interviewer, df), known, column)
            yield _case(section, f"{column}, {df}, 8 effects", values, f"summary(lmerTest, {df})", ours, tolerance)


def _tests() -> Iterator[Case]:
    section = "Mixed model of the unbalanced 2 x 2 x 2, random interviewer: tests of type III"
    for key, df in _METHODS.items():
        known = reference("mixed_oracle")["lmer"][f"fu_anova3_{key}"]
        for column, (name, tolerance) in _TERMS.items():
            values = [row[name] for row in known]
            ours = partial(_of_terms, partial(interviewer, df), known, column)
            yield _case(section, f"{name}, {df}, 7 terms", values, f"anova(lmerTest, type = 3, {df})", ours, tolerance)


def _planned() -> Iterator[Case]:
    section = "Mixed model of the unbalanced 2 x 2 x 2, random interviewer: planned contrasts"
    columns = {"estimate": VALUE, "se": VALUE, "df": P, "statistic": VALUE, "p": P, "low": VALUE, "high": VALUE}
    names = dict(zip(columns, ("estimate", "SE", "df", "t.ratio", "p.value", "lower.CL", "upper.CL"), strict=True))
    for key, df in _METHODS.items():
        known = reference("mixed_oracle")["lmer"][f"fu_planned_{key}"]
        for column, tolerance in columns.items():
            values = [row[names[column]] for row in known]
            yield _case(
                section,
                f"{names[column]}, {df}, 3 contrasts",
                values,
                f"emmeans contrast, lmer.df = {df}",
                partial(_contrast, df, [row["contrast"] for row in known], column),
                tolerance,
            )


def _contrast(df: str, names: Sequence[str], column: str) -> list[float]:
    found = interviewer(df).contrasts(PLANNED, of=["timing", "specificity"], adjust_for="none")
    by_name = {row.contrast: getattr(row, column) for row in found.rows}
    return [by_name[name] for name in names]


def _variances() -> Iterator[Case]:
    section = "Mixed model of the unbalanced 2 x 2 x 2, random interviewer: variances and fit"
    known = reference("mixed_oracle")["lmer"]
    coded = known["fu_treatment_coding"]
    variances = [row["vcov"] for row in coded["vc"]]
    # lmer's own stopping rule here, not a sharpened one: variances are within 1e-6 of the minimum
    yield _case(section, "variance of interviewers, residual", variances, "VarCorr(lmer)", _both_variances, SEARCH)
    yield _case(
        section, "REML log likelihood, AIC", [coded["loglik"], coded["AIC"]], "logLik, AIC(lmer)", _fitted, VALUE
    )
    ranova = coded["ranova"][1]
    values = [ranova[key] for key in ("LRT", "Df", "Pr(>Chisq)")]
    yield _case(section, "without the interviewer: LRT, df, p", values, "ranova(lmerTest)", _ranova, VALUE)
    yield _case(section, "ICC of the empty model", known["fu_icc_null"], "lmer(y ~ 1 + ...)", _empty_icc, SEARCH)


def _both_variances() -> list[float]:
    fit = interviewer("satterthwaite").fit
    return [float(fit.components[0].covariance[0, 0]), fit.sigma2]


def _fitted() -> list[float]:
    fit = interviewer("satterthwaite").fit
    return [fit.log_likelihood, fit.aic]


def _ranova() -> list[float]:
    (found,) = interviewer("satterthwaite").random_tests()
    return [found.statistic, float(found.df), found.p]


def _empty_icc() -> float:
    from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
    from feedbackstudy.analysis.frequentist.reml import fit_mixed

    frame = feedback("fu")
    factor = RandomFactor.of("interviewer", frame["interviewer"].to_numpy(dtype=str))
    return fit_mixed(frame["y"].to_numpy(), np.ones((len(frame), 1)), [factor]).icc["interviewer"]


def _profiles() -> Iterator[Case]:
    section = "Mixed model of the unbalanced 2 x 2 x 2, random interviewer: profile intervals"
    known = reference("mixed_oracle")["lmer"]["fu_profile_ci"]
    for side, key in (("low", "2.5 %"), ("high", "97.5 %")):
        values = [row[key] for row in known[:2]]
        yield _case(
            section, f"{side}: SD of interviewers, residual SD", values, "confint(lmer)", partial(_sds, side), PROFILE
        )
        values = [row[key] for row in known[2:]]
        yield _case(
            section, f"{side}: 8 effects, sum coding", values, "confint(lmer)", partial(_profiled, side), PROFILE
        )


def _sds(side: str) -> list[float]:
    return [getattr(one, side) for one in interviewer("satterthwaite").variance_intervals()]


@cache
def _sum_coded() -> tuple[Any, ...]:
    from feedbackstudy.analysis.frequentist.mixed_intervals import effect_intervals

    frame, fit = feedback("fu"), interviewer("satterthwaite")
    sign = {name: 1 - 2 * fit.design.read.factors[name].codes for name in FACTORS}
    t, f, s = (sign[name].astype(float) for name in FACTORS)
    x = np.column_stack([np.ones(len(frame)), t, f, s, t * f, t * s, f * s, t * f * s])
    return effect_intervals(frame["y"].to_numpy(), x, fit.factors, names=[str(k) for k in range(8)])


def _profiled(side: str) -> list[float]:
    return [getattr(one, side) for one in _sum_coded()]


def _models() -> Iterator[Case]:
    for name in MODELS:
        section = "Random slopes, nested and crossed factors"
        known = reference("mixed_effects")["lmer"][name]
        fit = partial(model, name, "satterthwaite")
        values = [known["loglik"], known["aic"], known["bic"]]
        yield _case(section, f"{name}: logLik, AIC, BIC", values, known["call"], partial(_criteria, name), VALUE)
        for key, df in _METHODS.items():
            if f"fixed_{key}" not in known:
                continue
            fit, rows = partial(model, name, df), known[f"fixed_{key}"]
            for column, (r, tolerance) in _EFFECTS.items():
                ours = partial(_of_effects, fit, rows, column)
                yield _case(
                    section,
                    f"{name}: {column}, {df}",
                    [row[r] for row in rows],
                    known["call"],
                    ours,
                    max(tolerance, SEARCH),
                )
            rows = known[f"anova3_{key}"]
            for column, (r, tolerance) in _TERMS.items():
                wide = (
                    BASIS
                    if df == "satterthwaite" and column != "statistic" and any(row["NumDF"] > 1 for row in rows)
                    else max(tolerance, SEARCH)
                )
                ours = partial(_of_terms, fit, rows, column)
                yield _case(section, f"{name}: {r}, {df}", [row[r] for row in rows], "anova(type = 3)", ours, wide)


def _criteria(name: str) -> list[float]:
    fit = model(name, "satterthwaite").fit
    return [fit.log_likelihood, fit.aic, fit.bic]
