"""A contrast of an answer tested by the scheme that drew: on its rows, held against the allocation first."""

from collections.abc import Sequence

import pandas as pd

from feedbackstudy.analysis.allocated import refuse_contradiction
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.randomisation import RandomisationTest, randomisation
from feedbackstudy.assign import Allocation
from feedbackstudy.errors import DataError, choices
from feedbackstudy.study import Study

__all__ = ["redrawn"]


def redrawn(
    problem: Problem,
    rows: Sequence[Estimate],
    path: DeclaredPath | None,
    allocation: Allocation | None,
    *,
    contrast: str | None,
    draws: int | None,
    seed: int,
) -> RandomisationTest:
    """Test a contrast of an answer by the assignments that the same scheme could have drawn.

    Parameters
    ----------
    problem : Problem
        The rows of people.
    rows : sequence of Estimate
        The answer's rows, which name the contrasts.
    path : DeclaredPath or None
        The models of a path.
    allocation : Allocation or None
        Who was assigned what.
    contrast : str or None
        The contrast in words; None for the first.
    draws : int or None
        Assignments to draw; None for all.
    seed : int
        Fixes the draws.

    Returns
    -------
    RandomisationTest
        Given who was in the conditions compared, where people were assigned to others too.

    Raises
    ------
    DataError
        Without an allocation or for one that the rows contradict, for a path, a slope or stories within people, an
        unknown contrast, and for a scheme that cannot be conditioned.
    """
    names = list(dict.fromkeys(row.contrast for row in rows))[-len(problem.weights) :]
    wanted = names[0] if contrast is None else contrast
    if wanted not in names:
        raise DataError(choices("Contrast", wanted, names))
    drawn = _allocated(problem, path, allocation)
    refuse_contradiction(_conditions(problem, drawn.study), drawn)
    columns = {f"x{j + 1}": problem.covariates[:, j] for j in range(problem.covariates.shape[1])}
    return randomisation(
        pd.DataFrame({"participant": problem.participants, "y": problem.y, **columns}),
        "y",
        drawn,
        dict(zip(problem.cells, problem.weights[names.index(wanted)].tolist(), strict=True)),
        covariates=list(columns),
        draws=draws,
        seed=seed,
    )


def _allocated(problem: Problem, path: DeclaredPath | None, allocation: Allocation | None) -> Allocation:
    """Return the allocation, where its scheme can be replayed on these rows."""
    name, kind = problem.question.hypothesis.name, problem.question.kind
    if allocation is None:
        raise DataError("Randomisation inference needs the allocation: analyse(scores, study, allocation=...).")
    if path is not None or kind in {"slope", "slopes"}:
        raise DataError(f"Hypothesis {name!r} is about {kind}; only contrasts are re-drawn.")
    if len(set(problem.participants)) < problem.n:
        raise DataError(f"Hypothesis {name!r} compares stories within people; the allocation assigns people.")
    return allocation


def _conditions(problem: Problem, study: Study) -> pd.DataFrame:
    """Return arm and levels of the people, as the rows have them."""
    known = {cell.key: {"arm": cell.arm, **dict(cell.levels)} for cell in study.crossing.cells()}
    said = pd.DataFrame([known[problem.cells[i]] for i in problem.cell])
    return said.assign(participant=problem.participants)
