"""Outcomes and mediators of two values in models for measurements: what their numbers are then."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["path_notes", "two_valued_note"]

_REMEDY = "Use analysis.logistic (its contrasts(scale='response') are risk differences)"

_BOTH = (
    "The frequentist equation is linear least squares, the Bayesian one has normal errors of one variance, and neither "
    "knows that the variance differs with the mean: vcov='HC3' and the bootstrap allow for it in frequentist errors, "
    "the posterior does not."
)
_FULL = "Both engines take the variables as jointly normal, and neither knows that the variance differs with the mean."


def _two(values: ArrayLike) -> tuple[float, float] | None:
    found = np.unique(np.asarray(values, dtype=np.float64))
    return (float(found[0]), float(found[1])) if found.size == 2 else None


def _unit(low: float, high: float) -> str:
    gap = high - low
    times = "" if gap == 1 else f", times {gap:g}"
    return f"differences in the probability of {high:g}{times}"


def two_valued_note(outcome: str, values: ArrayLike, *, robust: str = "", within: bool = False) -> tuple[str, ...]:
    """Say what a linear model of an outcome of two values estimates.

    Parameters
    ----------
    outcome : str
        Its column.
    values : array_like, shape (n,)
        Its values.
    robust : str
        Options that let variances differ, such as ``"vcov='HC3'"``; empty where they are in use.
    within : bool, default False
        Whether people are compared with themselves, where no such option exists.

    Returns
    -------
    tuple of str
        Empty for more than two values.
    """
    two = _two(values)
    if two is None:
        return ()
    errors = f", which {robust} allows for" if robust else ", which the robust covariance allows for"
    errors = ", which the tests do not know" if within else errors
    remedy = f"{_REMEDY}, with random= for people" if within else _REMEDY
    return (
        f"Outcome {outcome!r} takes two values ({two[0]:g} and {two[1]:g}): effects are {_unit(*two)} (a linear "
        f"probability model), and variances differ with the mean{errors}; predictions may leave the range. {remedy}.",
    )


def path_notes(
    outcome: str, values: ArrayLike, mediators: Mapping[str, ArrayLike], *, full: bool = False
) -> tuple[str, ...]:
    """Say what the linear equations of a path estimate where a variable takes two values.

    Parameters
    ----------
    outcome : str
        Column of the outcome.
    values : array_like, shape (n,)
        Its values.
    mediators : mapping of str to array_like, shape (n,)
        Values of each mediator.
    full : bool, default False
        Whether the model is the joint normal one of full information maximum likelihood.

    Returns
    -------
    tuple of str
        One for each variable of two values; they concern both engines.
    """
    notes: tuple[str, ...] = ()
    both = _FULL if full else _BOTH
    two = _two(values)
    if two is not None:
        notes += (
            f"Outcome {outcome!r} takes two values ({two[0]:g} and {two[1]:g}): all effects on it are {_unit(*two)}. "
            f"{both} For the total effect use analysis.logistic; an indirect effect on an odds ratio is no product of "
            "slopes and is not offered.",
        )
    for name, held in mediators.items():
        two = _two(held)
        if two is not None:
            notes += (
                f"Mediator {name!r} takes two values ({two[0]:g} and {two[1]:g}): effects on it are {_unit(*two)}, "
                f"and an indirect effect is such a difference times the outcome's difference between its values. "
                f"{both} For the effect on the mediator alone use analysis.logistic.",
            )
    return notes
