"""The declared criterion decides; every other number is robustness."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.design.plan import ByBayesFactor, ByEquivalence, ByP, ByRope, Criterion

__all__ = ["decided", "decides_with", "deciding_p"]

_ENGINES: Mapping[str, str] = {
    "p": "frequentist",
    "equivalence": "frequentist",
    "rope": "bayesian",
    "bayes_factor": "bayesian",
}


def decides_with(criterion: Criterion | None) -> str:
    """Return the engine whose answer a criterion reads.

    Parameters
    ----------
    criterion : Criterion or None
        The criterion.

    Returns
    -------
    str
        ``"frequentist"`` or ``"bayesian"``; empty where nothing decides.
    """
    return _ENGINES[criterion.by] if criterion is not None else ""


def decided(row: Estimate, asked: Question, *, adjusted: str = "") -> Estimate:
    """Return the row with its decision, where it holds the criterion that the plan named.

    Parameters
    ----------
    row : Estimate
        A row.
    asked : Question
        The hypothesis it answers.
    adjusted : str, default ""
        Of what `p_adjusted` is, as `deciding_p` says; empty where nothing was adjusted.

    Returns
    -------
    Estimate
        The same row where the criterion is another engine's, absent from the row, or the row is unfit to report.
    """
    criterion = asked.criterion
    if criterion is None or not row.fit_to_report or row.engine != decides_with(criterion):
        return row
    found = _RULES[type(criterion)](row, asked, criterion, adjusted)
    return row if found is None else replace(row, decides=found[0], decision=found[1])


def _by_p(row: Estimate, asked: Question, _: ByP, __: str) -> tuple[str, str] | None:
    if row.p is None:
        return None
    p = row.p if row.p_adjusted is None else row.p_adjusted
    words = f"p < {asked.plan.alpha:g}" + (" (adjusted)" if row.p_adjusted is not None else "")
    return words, _side(row, asked) if p < asked.plan.alpha else "not supported"


def _by_equivalence(row: Estimate, asked: Question, criterion: ByEquivalence, adjusted: str) -> tuple[str, str] | None:
    alpha = asked.plan.alpha
    own, kind = deciding_p(row, criterion)
    if kind == "no effect":
        return None
    within = row.p_adjusted if adjusted == kind else None
    shown = (own if within is None else within) < alpha
    words = f"{kind} p < {alpha:g}" + (" (adjusted)" if within is not None else "")
    if criterion.kind == "non_inferiority":
        return words, "not inferior" if shown else "not shown to be non-inferior"
    if not shown:
        return words, "not shown to be equivalent"
    return words, "supported" if asked.hypothesis.direction == "negligible" else "equivalent"


def deciding_p(row: Estimate, criterion: Criterion | None) -> tuple[float, str]:
    """Return the p value that a criterion reads, and of what it is.

    Parameters
    ----------
    row : Estimate
        A frequentist row.
    criterion : Criterion or None
        The criterion.

    Returns
    -------
    tuple of (float, str)
        The p of "equivalence" or "non-inferiority" where that decides and there is one, else that of "no effect".
    """
    if isinstance(criterion, ByEquivalence):
        p, kind = (
            (row.p_noninferiority, "non-inferiority")
            if criterion.kind == "non_inferiority"
            else (row.p_equivalence, "equivalence")
        )
        if p is not None:
            return p, kind
    return (1.0 if row.p is None else row.p), "no effect"


def _by_rope(row: Estimate, asked: Question, criterion: ByRope, _: str) -> tuple[str, str] | None:
    if row.prob_rope is None:
        return None
    words = f"mass in or out of the ROPE > {criterion.mass:g}"
    if row.prob_rope < 1 - criterion.mass:
        return words, _side(row, asked)
    if row.prob_rope <= criterion.mass:
        return words, "undecided"
    return words, "supported" if asked.hypothesis.direction == "negligible" else "negligible"


def _by_factor(row: Estimate, asked: Question, criterion: ByBayesFactor, _: str) -> tuple[str, str] | None:
    if row.bayes_factor is None:
        return None
    words = f"BF10 > {criterion.threshold:g}"
    if row.bayes_factor >= criterion.threshold:
        return words, _side(row, asked)
    if row.bayes_factor > 1 / criterion.threshold:
        return words, "undecided"
    return words, "supported" if asked.hypothesis.direction == "negligible" else "evidence for no effect"


_RULES: Mapping[type, Callable[..., tuple[str, str] | None]] = {
    ByP: _by_p,
    ByEquivalence: _by_equivalence,
    ByRope: _by_rope,
    ByBayesFactor: _by_factor,
}


def _side(row: Estimate, asked: Question) -> str:
    """Return what an effect that was found means for the direction that was declared."""
    expected = asked.hypothesis.direction
    if row.df2 is not None and row.statistic_name == "F":
        return "supported" if expected == "either" else "contradicted"
    found = "positive" if row.estimate > (row.null or 0.0) else "negative"
    return "supported" if expected in {"either", found} else "contradicted"
