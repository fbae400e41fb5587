"""Equations and effects of a mediation analysis as tables."""

from collections.abc import Sequence

from feedbackstudy.analysis.frequentist.path_fit import PathFit
from feedbackstudy.analysis.mediation_answers import PathAnswer
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.render import Table, interval, number, p_value, probability
from feedbackstudy.render import bayes_factor as factor_words

__all__ = ["effect_row", "effects_table", "equations_table"]

_DASH = "\N{EN DASH}"


def equations_table(design: PathDesign, fit: PathFit, method: str) -> Table:
    """Return every equation in one line.

    Parameters
    ----------
    design : PathDesign
        Equations.
    fit : PathFit
        Their coefficients.
    method : str
        How they were estimated.

    Returns
    -------
    Table
        Response, equation, explained share.
    """
    system = design.system
    rows = []
    for k, equation in enumerate(system.equations):
        words = ""
        for i, j in enumerate(equation.predictors, start=system.offsets[k]):
            value = float(fit.theta[i])
            name = "" if system.columns[j] == "1" else f" {system.columns[j]}"
            sign = (" + " if value >= 0 else " \N{MINUS SIGN} ") if words else ""
            words += f"{sign}{number(abs(value) if words else value)}{name}"
        rows.append((system.columns[equation.response], words, number(float(fit.r2[k]), unit_interval=True)))
    return Table(("response", "equation", "R\N{SUPERSCRIPT TWO}"), tuple(rows), f"Equations, by {method}")


def effects_table(answers: Sequence[PathAnswer], level: float, interval_kind: str) -> Table:
    """Return every effect in one line, both ways.

    Parameters
    ----------
    answers : sequence of PathAnswer
        The effects.
    level : float
        Level of the intervals.
    interval_kind : str
        Kind of the frequentist interval.

    Returns
    -------
    Table
        Frequentist answer on the left, posterior on the right.
    """
    head = ("effect", "estimate", "se", f"{level:.0%} CI", "p", "standardised")
    more = ("median", f"{level:.0%} HDI", "P(direction)", "BF10")
    return Table(
        (*head, *more), tuple(_cells(answer) for answer in answers), f"Effects: {interval_kind}, then posterior"
    )


def effect_row(a: PathAnswer, se_delta: float) -> dict[str, object]:
    """Return one effect as a row of a data frame.

    Parameters
    ----------
    a : PathAnswer
        The effect.
    se_delta : float
        Its standard error by the delta method.

    Returns
    -------
    dict
        Column to value.
    """
    return {
        "effect": a.effect.name,
        "kind": a.effect.kind,
        "at": a.effect.at,
        "estimate": a.estimate,
        "se": a.se,
        "se_delta": se_delta,
        "low": a.low,
        "high": a.high,
        "p": a.p,
        "p_joint": a.p_joint,
        "p_equivalence": a.p_equivalence,
        "std_estimate": a.standardised,
        "std_low": a.std_low,
        "std_high": a.std_high,
        "median": a.posterior.median,
        "sd": a.sd,
        "hdi_low": a.posterior.low,
        "hdi_high": a.posterior.high,
        "prob_direction": a.posterior.prob_direction,
        "prob_sesoi": a.beyond,
        "prob_rope": a.posterior.prob_rope,
        "bayes_factor": a.bayes_factor,
    }


def _cells(a: PathAnswer) -> tuple[str, ...]:
    return (
        a.effect.name,
        number(a.estimate),
        number(a.se),
        interval(a.low, a.high),
        p_value(a.p),
        _DASH if a.standardised is None else f"{number(a.standardised)} {interval(a.std_low, a.std_high)}",
        number(a.posterior.median),
        interval(a.posterior.low, a.posterior.high),
        _DASH if a.posterior.prob_direction is None else probability(a.posterior.prob_direction).removeprefix("= "),
        _DASH if a.bayes_factor is None else factor_words(a.bayes_factor).removeprefix("BF10 ").removeprefix("= "),
    )
