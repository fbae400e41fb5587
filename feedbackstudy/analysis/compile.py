"""A declared hypothesis as numbers: one row of weights over cell means, with what decides it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.plan import Criterion, Plan
from feedbackstudy.errors import DataError
from feedbackstudy.study import Study

__all__ = ["Question", "question"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One hypothesis, compiled once; every engine applies the same weights.

    Attributes
    ----------
    hypothesis : Hypothesis
        The declaration.
    plan : Plan
        The study's plan.
    cells : tuple of str
        Keys of the cells, such as ``"growth:control"``.
    weights : ndarray, shape (contrasts, cells)
        One row for a single contrast, several where all levels are compared at once.
    labels : tuple of str
        What each row compares.
    value : float
        The fixed value that is subtracted; 0 for contrasts.
    """

    hypothesis: Hypothesis
    plan: Plan
    cells: tuple[str, ...]
    weights: NDArray[np.float64]
    labels: tuple[str, ...]
    value: float = 0.0

    @property
    def criterion(self) -> Criterion | None:
        """The one criterion that decides, where the plan names one."""
        return self.plan.decides.get(self.hypothesis.name)

    @property
    def contrast(self) -> NDArray[np.float64]:
        """The weights of a single contrast.

        Raises
        ------
        DataError
            Where the hypothesis compares all levels at once.
        """
        if len(self.weights) != 1:
            raise DataError(
                f"Hypothesis {self.hypothesis.name!r} compares all levels at once ({', '.join(self.labels)}); "
                "name 'level' and 'against' for a single contrast."
            )
        return np.asarray(self.weights[0], dtype=np.float64)

    def sesoi(self, unit: str) -> float | None:
        """Return the smallest effect of interest, where it is declared in this unit.

        Parameters
        ----------
        unit : str
            Unit of the estimate, in the words of `SmallestEffect`.

        Returns
        -------
        float or None
            Its size; None where the declaration has another unit or none.
        """
        smallest = self.hypothesis.sesoi
        return smallest.value if smallest is not None and smallest.unit == unit else None

    def ordered(self, figures: Mapping[str, float]) -> NDArray[np.float64]:
        """Return figures of the cells in the order of the weights.

        Parameters
        ----------
        figures : mapping of str to float
            Cell key -> figure.

        Returns
        -------
        ndarray, shape (cells,)
            The figures.

        Raises
        ------
        DataError
            For a cell without a figure; the message lists the cells that have one.
        """
        missing = [key for key in self.cells if key not in figures]
        if missing:
            raise DataError(f"No figure for the cells {', '.join(missing)}; the data hold: {', '.join(figures)}.")
        return np.array([figures[key] for key in self.cells], dtype=np.float64)


def question(study: Study, name: str) -> Question:
    """Compile one hypothesis of a study.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        Name of the hypothesis.

    Returns
    -------
    Question
        Hypothesis, weights and plan.

    Raises
    ------
    InputError
        For an unknown hypothesis, or one that has no weights over cell means.
    """
    hypothesis = study.hypotheses[name]
    compiled = weights(hypothesis.contrast, study.crossing)
    return Question(
        hypothesis=hypothesis,
        plan=study.plan,
        cells=tuple(cell.key for cell in compiled.cells),
        weights=compiled.matrix,
        labels=compiled.labels,
        value=compiled.value,
    )
