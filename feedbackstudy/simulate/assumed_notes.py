"""What the default world took where a study says nothing: sentences that stand in the world and beside every figure."""

from collections.abc import Iterator, Sequence

from feedbackstudy.design.crossing import Cell
from feedbackstudy.simulate.truths import CellMeans
from feedbackstudy.study import Study

__all__ = ["assumed_notes"]


def assumed_notes(
    study: Study, means: Sequence[CellMeans], *, effect: float, step: float, noticed: float
) -> Iterator[str]:
    """Say what was taken where the study says nothing.

    Parameters
    ----------
    study : Study
        The study.
    means : sequence of CellMeans
        The effects.
    effect, step : float
        Effect, and step of a path, where no smallest effect is declared.
    noticed : float
        Effect of a factor on the score that checks it; 0 where there is no such score.

    Yields
    ------
    str
        A sentence.
    """
    silent = [h.name for h in study.hypotheses if h.sesoi is None and h.direction != "negligible"]
    if silent:
        yield (
            f"No smallest effect is declared for {', '.join(silent)}: {effect:g} standard deviations were taken (of a "
            f"trend between the averages above and below its middle; for each step of a path {step:g})."
        )
    for each in means:
        cells = [cell for cell in study.crossing.cells() if cell.key in each.cells]
        for factor in study.factors:
            own = {code: [cell for cell in cells if (factor.name, code) in cell.levels] for code in factor.levels}
            still = [code for code in factor.levels if _at_zero(each, own[code])]
            if still and len(still) < len(factor.levels):
                yield (
                    f"No hypothesis says where {factor.name} {', '.join(still)} stands in {each.outcome}: it is put at "
                    "the score's mean (0)."
                )
    if noticed:
        yield (
            f"Manipulation checks are taken to work: {noticed:g} standard deviation between the extreme levels of the "
            "factor that each one checks, the reference level being low."
        )


def _at_zero(means: CellMeans, cells: Sequence[Cell]) -> bool:
    return bool(cells) and all(abs(means.cells[cell.key]) < 1e-9 for cell in cells)
