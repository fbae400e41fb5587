"""Reference values of Bayes factors: R's BayesFactor, whose values of several effects are drawn and named as such.

Values: ``tests/reference/bayes_factors.json``, made by ``bayes_factors.R`` beside it, which names calls and versions.
"""

import json
import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayes_anova import bayes_factor_anova
from feedbackstudy.analysis.bayes_models import BayesFactors
from feedbackstudy.analysis.bayes_regression import bayes_factor_correlation, bayes_factor_regression
from feedbackstudy.analysis.bayes_t import bayes_factor_t
from feedbackstudy.analysis.bayesian.jzs import log_jzs_t
from tools.psychometrics_reference import REFERENCE, Case

EXACT = 1e-6  # both sides integrate over one g
PRINTED = 5e-4  # BayesFactor integrates this one to its printed error of up to 3e-4 only
DRAWN = 0.02  # BayesFactor draws: the median of seven runs of 300,000, which differ by some percent


@cache
def reference() -> dict[str, Any]:
    """Return the values of R."""
    found: dict[str, Any] = json.loads((REFERENCE / "bayes_factors.json").read_text(encoding="utf-8"))
    return found


@cache
def sleep() -> pd.DataFrame:
    """Return Student's ten sleepers, two rows each."""
    known = reference()["sleep"]
    return pd.DataFrame(
        {
            "extra": [*known["first"], *known["second"]],
            "drug": ["1"] * 10 + ["2"] * 10,
            "person": [f"s{k}" for k in range(10)] * 2,
        }
    )


@cache
def tooth() -> pd.DataFrame:
    """Return Crampton's teeth of 60 guinea pigs."""
    return pd.DataFrame({name: reference()["tooth"][name] for name in ("len", "supp", "dose")})


@cache
def feedback() -> pd.DataFrame:
    """Return our invented data of unequal cells."""
    return pd.read_csv(REFERENCE / "feedback_unbalanced.csv")


def cases() -> tuple[Case, ...]:
    """Return every reference value of Bayes factors with the call that answers it."""
    return tuple(case for part in (_grid, _t_tests, _anova, _regression) for case in part())


def _grid() -> Iterator[Case]:
    known = reference()["ttest.tstat"]
    for what in ("one", "two"):
        yield _case(f"45 t tests, {what}-sample", known[what], "ttest.tstat", partial(_tests, what), EXACT)


def _tests(what: str) -> list[float]:
    known = reference()["ttest.tstat"]
    found = []
    for t, n, r in zip(known["t"], known["n"], known["r"], strict=True):
        effective, df = (n, n - 1) if what == "one" else (n * (n + 7) / (2 * n + 7), 2 * n + 5)
        found.append(float(log_jzs_t(t, effective, df=df, scale=r, alternative="two-sided")))
    return found


def _t_tests() -> Iterator[Case]:
    known = reference()["sleep"]["t_tests"]
    widths = reference()["sleep"]["scales"]
    for what, person in (("paired", "person"), ("independent", None)):
        ours = partial(_widths, widths, person)
        yield _case(f"sleep, {what}, four widths", [one["bf"] for one in known[what]], "ttestBF", ours, EXACT)
    below = known["below"]["bf"]
    yield _case("sleep, paired, half-Cauchy below and above 0", below, "ttestBF(nullInterval)", _halves, EXACT)
    inside = known["negligible"]["bf"]
    yield _case("sleep, paired, inside and outside +-0.2", inside, "ttestBF(nullInterval)", _inside, EXACT)


def _widths(widths: list[float], person: str | None) -> list[float]:
    return [
        bayes_factor_t(sleep(), "extra", "drug", participant=person, prior_scale=r).log_bayes_factor for r in widths
    ]


def _halves() -> list[float]:
    paired = partial(bayes_factor_t, sleep(), "extra", "drug", participant="person")
    return [paired(alternative="less").log_bayes_factor, paired(alternative="greater").log_bayes_factor]


def _inside() -> list[float]:
    found = bayes_factor_t(sleep(), "extra", "drug", participant="person", null_interval=(-0.2, 0.2)).within
    return [math.nan] * 2 if found is None else [found.log_inside, found.log_outside]


@cache
def teeth() -> BayesFactors:
    """Return our models of the teeth."""
    return bayes_factor_anova(tooth(), "len", ["supp", "dose"], models="all")


@cache
def unbalanced() -> BayesFactors:
    """Return our models of the unequal cells."""
    models = [one.split(" + ") for one in reference()["unbalanced"]["models"]]
    return bayes_factor_anova(feedback(), "y", ["timing", "framing", "specificity"], models=models)


@cache
def mixed() -> BayesFactors:
    """Return our models with interviewers as random factor."""
    models = [["timing"], ["timing", "specificity"]]
    return bayes_factor_anova(feedback(), "y", ["timing", "specificity"], random="interviewer", models=models)


@cache
def adjusted() -> BayesFactors:
    """Return our models with covariates."""
    return bayes_factor_anova(feedback(), "y", ["timing"], covariates=["baseline", "challenge"])


def _anova() -> Iterator[Case]:
    for section, made in (("tooth", teeth), ("unbalanced", unbalanced)):
        known = reference()[section]
        for name, found in zip(known["models"], known["found"], strict=True):
            tolerance = DRAWN if "+" in name else PRINTED if found["error"] > 1e-5 else EXACT
            where = "ToothGrowth" if section == "tooth" else "feedback_unbalanced"
            yield _case(f"{where}: {name}", found["bf"], "lmBF", partial(_model, made, name), tolerance)
    for section, made in (("random", mixed), ("ancova", adjusted)):
        known = reference()[section]
        base = known["found"][0]["bf"]
        names = known["models"]
        for name, found in zip(names[1:], known["found"][1:], strict=True):
            ours = partial(_model, made, name.removesuffix(f" + {names[0]}"))
            yield _case(f"feedback_unbalanced: {name} against {names[0]}", found["bf"] / base, "lmBF", ours, DRAWN)


def _model(made: Callable[[], BayesFactors], name: str) -> float:
    return made()[name].log_bayes_factor


def _regression() -> Iterator[Case]:
    known = reference()["regression"]
    for name, found in zip(known["models"], known["found"], strict=True):
        ours = partial(_subset, name)
        yield _case(f"feedback_unbalanced: {name}", found["bf"], "lmBF", ours, EXACT)
    known = reference()["correlation"]
    for (x, y), found in zip(known["pairs"], known["found"], strict=True):
        for k, kappa in enumerate((1 / 3, 1.0)):
            ours = partial(_correlation, x, y, kappa)
            what = f"correlation of {x} and {y}, kappa {kappa:.3g}"
            yield _case(what, found[k]["bf"], "correlationBF", ours, EXACT)


def _subset(name: str) -> float:
    return bayes_factor_regression(feedback(), "y", ["baseline", "challenge", "threat"])[name].log_bayes_factor


def _correlation(x: str, y: str, kappa: float) -> float:
    return bayes_factor_correlation(feedback(), x, y, kappa=kappa).log_bayes_factor


def _case(what: str, known: float | list[float], call: str, ours: Callable[[], Any], tolerance: float) -> Case:
    return Case(
        section="Bayes factors",
        what=what,
        reference=np.asarray(known, dtype=np.float64),
        source=f"BayesFactor::{call}",
        ours=lambda: np.exp(ours()),
        tolerance=tolerance,
    )
