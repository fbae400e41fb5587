"""Randomisation inference of a readout: the draws that the declared assignment could have made instead."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.policy.arm_means import strata_of
from feedbackstudy.policy.declared import Experiment
from feedbackstudy.policy.effect import EffectEstimate
from feedbackstudy.policy.inference.permutation import draws_of_arms, randomisation_test

__all__ = ["SMALL", "tested_by_draws"]

type Floats = NDArray[np.float64]

SMALL = 12
"""Below so many clusters that chance assigned, randomisation inference leads."""


def tested_by_draws(
    model: EffectEstimate,
    frame: pd.DataFrame,
    total: Floats,
    experiment: Experiment,
    *,
    arm: str,
    draws: int,
    seed: int,
) -> list[EffectEstimate]:
    """Test a difference of arms by other draws of units, where few units were assigned by chance.

    Parameters
    ----------
    model : EffectEstimate
        The model's row.
    frame : DataFrame
        Of `ArmSums`, the two arms alone.
    total : ndarray, shape (rows,)
        What is averaged, summed by row of `frame`.
    experiment : Experiment
        How units were assigned; strata are kept by every draw and held constant in the difference.
    arm : str
        The treated arm.
    draws : int
        Draws at most; all of them where there are no more.
    seed : int
        Their seed.

    Returns
    -------
    list of EffectEstimate
        The test and the model beside it; the model alone where draws do not lead, with the reason as a warning (and not
        fit to report) where they should but cannot.
    """
    clusters = model.n_clusters
    if experiment.unit is None or experiment.mechanism != "randomised" or clusters is None or clusters >= SMALL:
        return [model]
    if frame["unit"].duplicated().any():
        spread = "in both arms" if frame.drop_duplicates(["unit", "arm"])["unit"].duplicated().any() else "in 2 strata"
        return [_unfit(model, f"a unit appears {spread}, so no draw of whole units is tested")]
    if experiment.strata and (frame["stratum"] == "").all():
        return [
            replace(model, warnings=(*model.warnings, "strata are unknown here, so no draws within them are tested"))
        ]
    strata = strata_of(frame)
    others, exact = draws_of_arms((frame["arm"] == arm).to_numpy(), strata, most=draws, seed=seed)
    kept = " within strata" if strata is not None else ""
    if len(others) < 20:
        return [_unfit(model, f"{clusters} units allow {len(others)} draws{kept}: no test at 5 % is possible")]
    test = randomisation_test(frame["n"].to_numpy(), total, others, strata=strata, exact=exact, level=model.level)
    words = f"randomisation over {'all ' if exact else ''}{test.draws:,} draws of {clusters} units{kept}"
    row = replace(model, se=None, df=None, low=test.low, high=test.high, p=test.p, covariance=words)
    return [row, model]


def _unfit(model: EffectEstimate, note: str) -> EffectEstimate:
    return replace(model, warnings=(*model.warnings, note), fit_to_report=False)
