"""What questions must share to be put to one model."""

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.thresholds import measured_by

__all__ = ["model_key"]


def model_key(problem: Problem) -> tuple[object, ...]:
    """Return what questions must share to be put to one model: rows, outcome, scale, covariates, predictor.

    Parameters
    ----------
    problem : Problem
        The arrays of one question.

    Returns
    -------
    tuple
        Equal for questions that differ in their weights only.
    """
    asked = problem.question
    return (
        asked.hypothesis.outcome,
        asked.occasion,
        asked.kind if asked.kind in {"slope", "slopes"} else "cells",
        measured_by(asked),
        asked.minus,
        asked.covariates,
        asked.predictor,
        problem.participants,
        problem.cells,
    )
