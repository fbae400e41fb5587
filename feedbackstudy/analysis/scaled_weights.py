"""Says so where a standardised contrast is no difference of two averages, because its weights are larger or smaller."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.design.comparisons import Interaction
from feedbackstudy.design.contrasts import difference_unit
from feedbackstudy.render import interval, number

__all__ = ["unit_of", "with_scaled_d"]


def unit_of(question: Question) -> float:
    """Return what a contrast is where two averages of cells differ by 1; not 1 for a trend.

    Parameters
    ----------
    question : Question
        The question.

    Returns
    -------
    float
        As `difference_unit`.
    """
    return difference_unit(question.hypothesis.contrast, question.weights[0]) if question.weights.size else 1.0


def with_scaled_d(row: Estimate, problem: Problem, weights: NDArray[np.float64]) -> Estimate:
    r"""Add to the note what d is for weights whose positive and negative parts sum to 1 each.

    Parameters
    ----------
    row : Estimate
        A row with d of the contrast as declared.
    problem : Problem
        The question.
    weights : ndarray, shape (cells,)
        Weights of the contrast.

    Returns
    -------
    Estimate
        The same row where its weights are scaled so, do not sum to 0, or make an interaction, which is a difference of
        differences by convention.

    Notes
    -----
    :math:`d / (\sum_j |w_j| / 2)`: a difference of two weighted averages of cells, comparable between contrasts;
    algebra, since multiplying the weights multiplies the contrast.
    """
    positive = float(weights[weights > 0].sum())
    plain = abs(weights.sum()) > 1e-9 or abs(positive - 1) < 1e-9 or not positive
    if plain or row.std_kind != "d" or isinstance(problem.question.hypothesis.contrast, Interaction):
        return row
    if row.std_estimate is None or row.std_low is None or row.std_high is None:
        return row
    d, low, high = (value / positive for value in (row.std_estimate, row.std_low, row.std_high))
    said = (
        f"d is of a contrast whose positive weights sum to {number(positive)}; of weights that sum to 1, a difference "
        f"of two averages, it is {number(d, 2)} {interval(low, high, 2)}"
    )
    return replace(row, note="; ".join(filter(None, (row.note, said))))
