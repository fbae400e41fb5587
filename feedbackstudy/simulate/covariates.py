"""Covariates as functions of a normal latent variable."""

import numpy as np

from feedbackstudy.design.factors import Covariate
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.scales.single import level_numbers
from feedbackstudy.simulate.graded import categorical
from feedbackstudy.simulate.smooth import Linear, overdispersed
from feedbackstudy.simulate.traits import Measurement
from feedbackstudy.simulate.truths import CovariateTruth

__all__ = ["covariate_measurement", "covariate_numbers"]


def covariate_measurement(covariate: Covariate, said: CovariateTruth) -> Measurement:
    """Return how a covariate's latent variable becomes its values.

    Parameters
    ----------
    covariate : Covariate
        The declaration.
    said : CovariateTruth
        What is assumed of it.

    Returns
    -------
    Measurement
        Categories stand as their numbers, of `covariate_numbers`.
    """
    if covariate.kind == "continuous":
        return Linear(at=said.mean or 0.0, sd=said.sd or 1.0)
    if covariate.kind == "count":
        return overdispersed(2.0 if said.mean is None else said.mean, 2.5 if said.sd is None else said.sd)
    numbers = covariate_numbers(covariate)
    codes = tuple(numbers)
    given = said.probabilities or dict.fromkeys(codes, 1 / len(codes))
    wrong = [code for code in (*given, *codes) if code not in codes or code not in given]
    if wrong:
        raise DeclarationError(f"world, covariate {said.name!r}: {choices('Level', wrong[0], codes)}")
    return categorical(np.array([given[code] for code in codes]), np.array(list(numbers.values())))


def covariate_numbers(covariate: Covariate) -> dict[str, float]:
    """Return the number that stands for each code of a covariate in categories, as an analysis takes it.

    Parameters
    ----------
    covariate : Covariate
        The declaration.

    Returns
    -------
    dict of str to float
        Code -> number, rising: that of `level_numbers`; the place from 0 for nominal ones, whose numbers mean nothing.
        Empty for numbers.
    """
    if covariate.kind in {"continuous", "count"}:
        return {}
    if covariate.kind == "nominal":
        return {code: float(place) for place, code in enumerate(covariate.levels)}
    numbers = level_numbers(covariate) or {"0": 0.0, "1": 1.0}
    return dict(sorted(numbers.items(), key=lambda each: each[1]))
