"""Covariates as functions of a normal latent variable."""

import numpy as np

from feedbackstudy.design.factors import Covariate
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.simulate.graded import categorical
from feedbackstudy.simulate.smooth import Linear, overdispersed
from feedbackstudy.simulate.traits import Measurement
from feedbackstudy.simulate.truths import CovariateTruth

__all__ = ["covariate_codes", "covariate_measurement"]


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
        Categories stand as their place, from 0.
    """
    if covariate.kind == "continuous":
        return Linear(at=said.mean or 0.0, sd=said.sd or 1.0)
    if covariate.kind == "count":
        return overdispersed(2.0 if said.mean is None else said.mean, 2.5 if said.sd is None else said.sd)
    codes = covariate_codes(covariate)
    given = said.probabilities or dict.fromkeys(codes, 1 / len(codes))
    wrong = [code for code in (*given, *codes) if code not in codes or code not in given]
    if wrong:
        raise DeclarationError(f"world, covariate {said.name!r}: {choices('Level', wrong[0], codes)}")
    return categorical(np.array([given[code] for code in codes]), np.arange(float(len(codes))))


def covariate_codes(covariate: Covariate) -> tuple[str, ...]:
    """Return the codes of a covariate in categories.

    Parameters
    ----------
    covariate : Covariate
        The declaration.

    Returns
    -------
    tuple of str
        In order; empty for numbers.
    """
    if covariate.kind in {"continuous", "count"}:
        return ()
    return tuple(covariate.levels) or ("0", "1")
