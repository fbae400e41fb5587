"""Comparisons and paths in words, for pages and method sections."""

from collections.abc import Callable, Mapping

from feedbackstudy.design.comparisons import (
    ArmVsArm,
    Association,
    CellsVsArm,
    Comparison,
    FeedbackVsArm,
    Interaction,
    MainEffect,
    MeanVsValue,
    Moderation,
    SimpleEffect,
    Trend,
    WeightedCells,
)
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.hypotheses import Hypothesis, Path, SmallestEffect
from feedbackstudy.design.plan import Criterion

__all__ = ["contrast_in_words", "criterion_in_words", "path_in_words", "question_in_words", "smallest_in_words"]

_AVERAGED = ", averaged evenly over "
_UNITS = {
    "sd": "standard deviations",
    "raw": "points of the measure",
    "percentage_points": "percentage points",
    "r": "as a correlation",
    "odds_ratio": "as an odds ratio",
    "rate_ratio": "as a rate ratio",
    "hazard_ratio": "as a hazard ratio",
    "standardised_path": "as a product of standardised paths",
}


def contrast_in_words(comparison: Comparison, crossing: Crossing, *, apart: str = "") -> str:
    """Say a comparison in words, with labels instead of codes where the design has them.

    Parameters
    ----------
    comparison : Comparison
        What is compared.
    crossing : Crossing
        The design; names that it lacks are shown as written, so that a faulty study still renders.
    apart : str, default ""
        A factor at whose levels the comparison is looked at one by one, and not averaged.

    Returns
    -------
    str
        A phrase without a full stop.
    """
    words = _PHRASES[type(comparison)](comparison, crossing)
    head, mark, left = words.rpartition(_AVERAGED)
    if not (apart and mark):
        return words
    kept = []
    for factor in crossing.factors:
        if left == factor.title or left.startswith(f"{factor.title}, "):
            left = left[len(factor.title) + 2 :]
            kept += [factor.title] if factor.name != apart else []
    return head + (_AVERAGED + ", ".join(kept) if kept else "")


def path_in_words(path: Path, outcome: str) -> str:
    """Say a mediation path in words.

    Parameters
    ----------
    path : Path
        The path.
    outcome : str
        Where it leads.

    Returns
    -------
    str
        A phrase without a full stop.
    """
    joint = {"serial": ", then ", "parallel": " and, side by side, ", "simple": ""}[path.structure]
    through = joint.join(step.score + (f" ({step.occasion})" if step.occasion else "") for step in path.through)
    if path.effect == "difference":
        first, second = (step.score for step in path.through[:2])
        return f"indirect effect through {first} minus the one through {second}, on {outcome}"
    moderated = f", moderated by {path.moderator.by}" if path.moderator else ""
    return f"{path.effect} effect on {outcome}, with {through} between{moderated}"


def smallest_in_words(smallest: SmallestEffect | None) -> str:
    """Say the smallest effect of interest with its unit.

    Parameters
    ----------
    smallest : SmallestEffect or None
        The effect.

    Returns
    -------
    str
        A phrase; "not stated" where there is none.
    """
    return "not stated" if smallest is None else f"{smallest.value:g} {_UNITS[smallest.unit]}"


def criterion_in_words(criterion: Criterion | None, *, corrected: bool = True) -> str:
    """Say what decides a hypothesis.

    Parameters
    ----------
    criterion : Criterion or None
        The criterion.
    corrected : bool, default True
        Whether the hypothesis is in a family whose p values are corrected.

    Returns
    -------
    str
        A phrase; "nothing" where none is declared.
    """
    match criterion:
        case None:
            return "nothing"
        case _ if criterion.by == "p":
            return "p value (adjusted in its family)" if corrected else "p value"
        case _ if criterion.by == "equivalence":
            return f"{criterion.kind.replace('_', '-')} test against the smallest effect"
        case _ if criterion.by == "rope":
            return f"{criterion.mass:.0%} of the posterior inside or outside the region of practical equivalence"
        case _:
            return f"Bayes factor of {criterion.threshold:g} (prior scale {criterion.prior_scale:g})"


def _label(crossing: Crossing, factor: str, code: str | None) -> str:
    found = crossing.factors.get(factor)
    if code is None:
        code = found.reference if found and found.reference else "?"
    return found.levels.get(code, code) if found else code


def _title(crossing: Crossing, factor: str) -> str:
    found = crossing.factors.get(factor)
    return found.title if found else factor


def _arm(crossing: Crossing, name: str) -> str:
    found = crossing.arms.get(name)
    return found.title if found else name


def _where(crossing: Crossing, at: Mapping[str, str]) -> str:
    held = ", ".join(f"{_title(crossing, name)}: {_label(crossing, name, code)}" for name, code in at.items())
    return f" where {held}" if held else ""


def _rest(crossing: Crossing, *used: str) -> str:
    rest = [factor.title for factor in crossing.factors if factor.name not in used]
    return _AVERAGED + ", ".join(rest) if rest else ""


def _pair(crossing: Crossing, factor: str, level: str | None, against: str | None) -> str:
    if level is None:
        return f"all levels of {_title(crossing, factor)}"
    return f"{_label(crossing, factor, level)} minus {_label(crossing, factor, against)}"


def _main(c: MainEffect, crossing: Crossing) -> str:
    return _pair(crossing, c.factor, c.level, c.against) + _rest(crossing, c.factor)


def _simple(c: SimpleEffect, crossing: Crossing) -> str:
    return _pair(crossing, c.factor, c.level, c.against) + _where(crossing, c.at) + _rest(crossing, c.factor, *c.at)


def _interaction(c: Interaction, crossing: Crossing) -> str:
    rest = _where(crossing, c.at) + _rest(crossing, *c.factors, *c.levels, *c.at)
    if c.factors:
        return f"interaction of {' and '.join(_title(crossing, name) for name in c.factors)}{rest}"
    pairs = [f"({_pair(crossing, name, pair[0], pair[1])})" for name, pair in c.levels.items()]
    return f"how the difference {pairs[0]} differs by {' and by '.join(pairs[1:])}{rest}"


def _trend(c: Trend, crossing: Crossing) -> str:
    shape = {1: "linear", 2: "quadratic", 3: "cubic"}[c.degree]
    rest = _where(crossing, c.at) + _rest(crossing, c.factor, *c.at)
    return f"{shape} trend over {_title(crossing, c.factor)}{rest}"


def _feedback_vs_arm(c: FeedbackVsArm, crossing: Crossing) -> str:
    return f"feedback{_where(crossing, c.at)}, pooled evenly over its cells, minus {_arm(crossing, c.arm)}"


def _cells_vs_arm(c: CellsVsArm, crossing: Crossing) -> str:
    return f"each feedback cell minus {_arm(crossing, c.arm)}"


def _arm_vs_arm(c: ArmVsArm, crossing: Crossing) -> str:
    return f"{_arm(crossing, c.arm)} minus {_arm(crossing, c.against)}"


def _weighted(c: WeightedCells, crossing: Crossing) -> str:
    named = (
        f"{cell.weight:+g} x {_arm(crossing, cell.arm) if cell.arm else 'feedback' + _where(crossing, cell.at)}"
        for cell in c.cells
    )
    return ", ".join(named)


def _mean(c: MeanVsValue, crossing: Crossing) -> str:
    return f"mean{_where(crossing, c.at)}{' of ' + _arm(crossing, c.arm) if c.arm else ''} minus {c.value:g}"


def _association(c: Association, _crossing: Crossing) -> str:
    return f"slope on {c.predictor}{f' ({c.occasion})' if c.occasion else ''}"


def _moderation(c: Moderation, crossing: Crossing) -> str:
    return f"how {_pair(crossing, c.factor, c.level, c.against)} changes with {c.by}" + _rest(crossing, c.factor)


_PHRASES: Mapping[type, Callable[..., str]] = {
    MainEffect: _main,
    SimpleEffect: _simple,
    Interaction: _interaction,
    Trend: _trend,
    FeedbackVsArm: _feedback_vs_arm,
    CellsVsArm: _cells_vs_arm,
    ArmVsArm: _arm_vs_arm,
    WeightedCells: _weighted,
    MeanVsValue: _mean,
    Association: _association,
    Moderation: _moderation,
}


def question_in_words(hypothesis: Hypothesis, crossing: Crossing) -> str:
    """Say a hypothesis's comparison and its path, if it has one.

    Parameters
    ----------
    hypothesis : Hypothesis
        The hypothesis.
    crossing : Crossing
        The design.

    Returns
    -------
    str
        A phrase without a full stop.
    """
    words = contrast_in_words(hypothesis.contrast, crossing)
    return words if hypothesis.path is None else f"{words}; {path_in_words(hypothesis.path, hypothesis.outcome)}"
