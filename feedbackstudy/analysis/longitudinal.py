"""`longitudinal`: arms compared at several waves, with everybody who answered once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from feedbackstudy.analysis.dropout import dropout_table
from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.analysis.longitudinal_answers import WaveData, adjusted_rows, constrained, constrained_rows
from feedbackstudy.analysis.longitudinal_result import Longitudinal
from feedbackstudy.analysis.longitudinal_rows import from_scores, from_wide
from feedbackstudy.analysis.missing.delta import DeltaCurve, Shifted, delta_curve
from feedbackstudy.frames import Scores
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study
from feedbackstudy.threads import one_thread

__all__ = ["longitudinal", "longitudinal_wide"]

_CONVENTIONS = (
    "constrained longitudinal model: one mean of all arms before treatment, unstructured covariance, REML; Kenward and "
    "Roger",
    "adjusted comparisons: analysis of covariance on the first wave, complete pairs",
    "shares: Newcombe's interval; first scores of those who left: Welch's interval",
    "delta: pattern-mixture multiple imputation, Rubin's rules with Barnard and Rubin's degrees of freedom",
)
_STEPS = 100
_SEED = 20260103


@one_thread()
def longitudinal(
    scores: Scores,
    study: Study,
    outcome: str,
    *,
    by: str | None = None,
    reference: str | None = None,
    waves: Sequence[str] | None = None,
    covariates: Sequence[str] | None = None,
    shifted: Shifted = "first",
    imputations: int = 50,
    draws: int = 1500,
    seed: int | None = None,
) -> Longitudinal:
    """Compare arms, or the levels of a factor, at every wave of a study.

    Parameters
    ----------
    scores : Scores
        Scored answers.
    study : Study
        The study.
    outcome : str
        A score that is asked before treatment and afterwards.
    by : str, optional
        ``"arm"`` or a factor, whose levels are compared among people with feedback; arms where there are several,
        else the first factor.
    reference : str, optional
        What the others are compared with; the factor's declared reference, or the last arm.
    waves : sequence of str, optional
        Waves in order, the first before treatment; all at which the score is asked by default.
    covariates : sequence of str, optional
        Covariates of people, adjusted for with a slope at each wave; the plan's by default.
    shifted : {"first", "second", "both"}
        Whose imputed scores delta shifts: the compared arm's, the reference's, or both.
    imputations : int, default 50
        Imputations of the delta-adjusted analysis.
    draws : int, default 1500
        Draws of each of four chains.
    seed : int, optional
        Seed; the study's by default.

    Returns
    -------
    Longitudinal
        Comparisons by both engines, dropout by arm, tipping points.

    Raises
    ------
    DataError
        For factors within people, a score that is asked at one wave only, no wave before treatment, an unknown arm, or
        an arm in which everybody left.

    Notes
    -----
    These comparisons decide no hypothesis; `analyse` does, by the criterion the plan names.
    """
    data, notes = from_scores(scores, study, outcome, by=by, reference=reference, waves=waves, covariates=covariates)
    made = scores.provenance.derived("analysis.longitudinal", conventions=_CONVENTIONS)
    own = study.seed if seed is None else seed
    return _answered(data, notes, made, shifted=shifted, imputations=imputations, draws=draws, seed=own)


@one_thread()
def longitudinal_wide(
    data: pd.DataFrame,
    waves: Sequence[str],
    arm: str,
    *,
    participant: str | None = None,
    reference: str | None = None,
    covariates: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
    level: float = 0.95,
    outcome: str = "outcome",
    shifted: Shifted = "first",
    imputations: int = 50,
    draws: int = 1500,
    seed: int = _SEED,
) -> Longitudinal:
    """Compare the arms of a data frame that has a column for each wave.

    Parameters
    ----------
    data : DataFrame
        One row a person. It is not changed.
    waves : sequence of str
        Columns of the scores in order, the first before treatment.
    arm : str
        Column of the arms.
    participant : str, optional
        Column of the participants' names.
    reference : str, optional
        The arm that the others are compared with; the last in order by default.
    covariates : sequence of str, optional
        Columns of numbers, adjusted for with a slope at each wave.
    limits : tuple of float, optional
        Ends of the scale, which the priors are stated on; without them there is no Bayesian answer.
    level : float, default 0.95
        Level of intervals.
    outcome : str, default "outcome"
        What was measured, in words.
    shifted : {"first", "second", "both"}
        Whose imputed scores delta shifts.
    imputations : int, default 50
        Imputations of the delta-adjusted analysis.
    draws : int, default 1500
        Draws of each of four chains.
    seed : int, optional
        Seed.

    Returns
    -------
    Longitudinal
        As `longitudinal`.

    Raises
    ------
    DataError
        For fewer than two waves, a person twice, an unknown arm, scores outside the limits, or an arm in which
        everybody left.
    """
    read, notes = from_wide(
        data,
        waves,
        arm,
        participant=participant,
        reference=reference,
        covariates=covariates,
        limits=limits,
        level=level,
        outcome=outcome,
    )
    made = Provenance(made_by="analysis.longitudinal_wide", conventions=_CONVENTIONS, seed=seed)
    return _answered(read, notes, made, shifted=shifted, imputations=imputations, draws=draws, seed=seed)


def _answered(
    data: WaveData,
    notes: tuple[str, ...],
    made: Provenance,
    *,
    shifted: Shifted,
    imputations: int,
    draws: int,
    seed: int,
) -> Longitudinal:
    model = constrained(data, seed=seed, draws=draws)
    without = (
        ()
        if data.prior is not None
        else ("the scale has no limits, so no prior can be stated on it: there is no Bayesian answer",)
    )
    return Longitudinal(
        data=data,
        adjusted=Estimates(rows=adjusted_rows(data), title="Adjusted for the first wave", provenance=made),
        constrained=Estimates(
            rows=constrained_rows(data, model), title="Constrained longitudinal model", provenance=made
        ),
        model=model,
        dropout=dropout_table(
            data.Y, data.arm, arms=data.arms, waves=data.waves, reference=data.reference, level=data.level
        ),
        deltas=tuple(
            replace(curve, outcome=data.outcome, provenance=made)
            for curve in _deltas(data, model.cells.sd, shifted=shifted, imputations=imputations, seed=seed)
        ),
        notes=(*notes, *without),
        provenance=made,
    )


def _deltas(
    data: WaveData, sd: float | None, *, shifted: Shifted, imputations: int, seed: int
) -> tuple[DeltaCurve, ...]:
    """Return a curve for each comparison at the last wave in which a score that would be shifted is missing."""
    last = len(data.waves) - 1
    gone = np.isnan(data.Y[:, last])
    width = 2 * (sd if sd is not None else float(np.nanstd(data.Y)))
    found = []
    for a in data.others:
        whose = {"first": [a], "second": [data.reference], "both": [a, data.reference]}.get(shifted, [a])
        if not gone[np.isin(data.arm, whose)].any():
            continue
        found.append(
            delta_curve(
                data.Y,
                data.arm,
                wave=last,
                arms=data.arms,
                waves=data.waves,
                first=a,
                second=data.reference,
                deltas=np.linspace(-width, width, 2 * _STEPS + 1),
                shifted=shifted,
                covariates=data.covariates,
                level=data.level,
                m=imputations,
                seed=seed,
            )
        )
    return tuple(found)
