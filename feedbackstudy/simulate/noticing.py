"""What the default world assumes of manipulation checks: that people notice what was varied."""

from collections.abc import Mapping

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.factors import Factor
from feedbackstudy.named import Fixed
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate.traits import Trait
from feedbackstudy.simulate.truths import CellMeans
from feedbackstudy.study import Study

__all__ = ["NOTICED", "noticed"]

NOTICED = 1.0
"""Standard deviations between the extreme levels of a factor in the score that checks it."""


def noticed(study: Study, known: Mapping[str, Trait]) -> tuple[CellMeans, ...]:
    """Return cell means of the scores that check a factor: each factor shows in its own check and in no other.

    Parameters
    ----------
    study : Study
        The study.
    known : mapping of str to Trait
        Scores that are simulated.

    Returns
    -------
    tuple of CellMeans
        For each such score; the reference level is low, the one farthest from it high, others between by their scores
        or their order.
    """
    found = []
    for measure in study.measures:
        if measure.role != "manipulation_check":
            continue
        for column in measure.columns:
            factor = _checked(study, measure, column)
            if factor is None or column not in known or known[column].nominal:
                continue
            places = _places(factor)
            cells = {
                cell.key: NOTICED * places[dict(cell.levels)[factor.name]]
                for cell in study.crossing.cells()
                if cell.arm == FEEDBACK and measure.asks(cell.arm)
            }
            found += [CellMeans(outcome=column, occasion=wave, cells=Fixed(cells)) for wave in _after(study, measure)]
    return tuple(found)


def _after(study: Study, measure: Measure) -> list[str]:
    return [name for name in measure.waves if study.waves[name].phase == "after"]


def _checked(study: Study, measure: Measure, column: str) -> Factor | None:
    """Return the factor that a score checks: the one its subscale, or the end of its name, is called after."""
    declared = measure.checks or study.factors.names
    part = measure.scores.get(column, "")
    named = [name for name in declared if name in study.factors.names]
    if len(measure.columns) == 1 and len(named) == 1:
        return study.factors[named[0]]
    for name in named:
        if name == part or column == name or column.endswith(f"_{name}"):
            return study.factors[name]
    return next((study.factors[name] for name in named if study.factors[name].concept in {part, column}), None)


def _places(factor: Factor) -> dict[str, float]:
    """Return the place of each level between -1/2 (the reference) and 1/2."""
    codes = list(factor.order or factor.levels)
    reference = factor.reference if factor.reference in codes else codes[0]
    if factor.scores and all(code in factor.scores for code in codes):
        far = {code: abs(factor.scores[code] - factor.scores[reference]) for code in codes}
    elif factor.order:
        far = {code: float(abs(codes.index(code) - codes.index(reference))) for code in codes}
    else:
        far = {code: float(code != reference) for code in codes}
    most = max(far.values()) or 1.0
    return {code: round(distance / most - 0.5, 10) for code, distance in far.items()}
