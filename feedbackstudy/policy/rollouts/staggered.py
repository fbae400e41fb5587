"""Staggered roll-outs without treated comparisons: Callaway-Sant'Anna, imputation, and cross-checks."""

from dataclasses import replace

import numpy as np
import pandas as pd

from feedbackstudy.adapters.diff_diff import StaggeredFit, callaway_santanna, goodman_bacon, imputation
from feedbackstudy.adapters.pyfixest import two_stage
from feedbackstudy.errors import DataError
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.inference.cell_regression import Effect
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.rollouts.two_way import row_of
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["comparisons", "fit_staggered", "long_cells", "staggered"]

_ALIKE = "cells are missing, and diff-diff cannot weigh units of an incomplete panel: units count alike"
_FEW = 40
_NOT_YET = "units that have not changed over yet (or never do) show what would have happened"


def long_cells(panel: Panel, *, until_all_treated: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the cells as staggered estimators take them.

    Parameters
    ----------
    panel : Panel
        The cells.
    until_all_treated : bool
        Whether periods without any untreated unit are cut off.

    Returns
    -------
    tuple of (DataFrame, tuple of str)
        ``unit, time, first, mean, n, treated, weight`` with the weight of a unit its applications over all periods, and
        what was left out. Cells of anticipation are in: the estimators set them aside themselves.

    Raises
    ------
    DataError
        Where fewer than two units have a period before their start.
    """
    since = panel.event_time
    ahead = (since < 0) & (since >= -panel.rollout.anticipation) & (panel.n > 0)
    frame = replace(panel, used=panel.used | ahead).cells()
    frame = frame.rename(columns={"period": "time"}).assign(time=frame["period"] + 1)
    frame["first"] = np.where(np.isfinite(frame["start"]), frame["start"] + 1, 0).astype(np.int64)
    notes = []
    always = np.isfinite(frame["start"]) & (frame["start"] <= 0)
    if always.any():
        notes.append(
            f"{frame.loc[always, 'unit'].nunique()} units under the policy from the first period on are left out"
        )
        frame = frame[~always]
    if until_all_treated:
        open_ = frame.loc[~frame["treated"], "time"]
        last = int(open_.max()) if len(open_) else 0
        gone = frame["time"] > last
        if gone.any():
            notes.append(
                f"{frame.loc[gone, 'time'].nunique()} periods without any untreated unit are left out "
                f"({frame.loc[gone, 'n'].sum():,.0f} applications)"
            )
            frame = frame[~gone]
    if frame["unit"].nunique() < 2 or not frame["treated"].any():
        raise DataError(
            "No unit changes over while another has not yet: nothing says what would have happened without the policy."
        )
    frame = frame.assign(treated=frame["treated"].astype(np.float64))
    weight = frame.groupby("unit")["n"].transform("sum")
    frame["weight"] = weight * len(frame) / weight.sum()
    frame["time"] = frame["time"].astype(np.int64)
    return frame.drop(columns=["start", "event_time", "sum"]).reset_index(drop=True), tuple(notes)


def fit_staggered(panel: Panel, *, weigh: bool = True) -> tuple[StaggeredFit, tuple[str, ...]]:
    """Fit Callaway and Sant'Anna's estimator to a panel.

    Parameters
    ----------
    panel : Panel
        The cells.
    weigh : bool, default True
        Whether units weigh as much as they have applications; otherwise units count alike.

    Returns
    -------
    tuple of (StaggeredFit, tuple of str)
        The fit, and what was left out.
    """
    frame, notes = long_cells(panel, until_all_treated=False)
    balanced = len(frame) == frame["unit"].nunique() * frame["time"].nunique()
    if weigh and not balanced:
        notes = (*notes, _ALIKE)
    if not weigh or not balanced:
        frame["weight"] = 1.0
    return callaway_santanna(frame, anticipation=panel.rollout.anticipation, balanced=balanced), notes


def staggered(
    stats: SufficientStats, metric: str | None = None, *, weigh: bool = True, cross_check: bool = False
) -> Effects:
    """Estimate the average effect on the treated of a staggered roll-out.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.
    weigh : bool, default True
        Whether units weigh as much as they have applications over all periods; otherwise units count alike.
    cross_check : bool, default False
        Whether the imputation estimate by pyfixest stands beside them (cells weighted by their own applications).

    Returns
    -------
    Effects
        Callaway-Sant'Anna (comparison: not yet treated), with the verdict of a guardrail; imputation, and the
        cross-check.

    Raises
    ------
    DataError
        Where no unit changes over while another has not yet.

    Notes
    -----
    Callaway & Sant'Anna (2021), Journal of Econometrics 225, 200-230; Borusyak, Jaravel & Spiess (2024), Review of
    Economic Studies 91, 3253-3285; both by diff-diff. Never-treated units are not needed. Standard errors are those of
    influence functions summed over units; intervals use t on units - 1 degrees of freedom. diff-diff wants weights that
    are constant within units, so a unit's applications over all periods weigh its cells; pyfixest weighs each cell.
    Measured size of a 5 % test without an effect, ICC .02, 300 roll-outs: Callaway-Sant'Anna 8 % with 12 units and 5 %
    with 40, imputation 14 % and 7 %; randomisation inference and CR2 of two-way fixed effects keep 5 % from 8 on.
    """
    panel = panel_of(stats, metric)
    level, words = stats.plan.interval_level, "units weighted by applications" if weigh else "units count alike"
    fit, notes = fit_staggered(panel, weigh=weigh)
    own_words = "units count alike" if _ALIKE in notes else words
    rows = [
        _row(
            panel,
            (fit.estimate, fit.se),
            level,
            f"Callaway-Sant'Anna, not yet treated; {own_words}",
            (*notes, *fit.notes),
        )
    ]
    frame, notes = long_cells(panel, until_all_treated=True)
    if not weigh:
        frame["weight"] = 1.0
    own = imputation(frame, anticipation=panel.rollout.anticipation)
    rows.append(_row(panel, (own.estimate, own.se), level, f"imputation; {words}", (*notes, *own.notes)))
    if cross_check:
        if panel.rollout.anticipation:
            notes = (*notes, "cells of anticipation count as untreated in this cross-check")
        rows.append(_row(panel, two_stage(frame), level, "two-stage (pyfixest); cells weighted by applications", notes))
    made = stats.provenance.derived("policy.rollouts.staggered", conventions=(words, "comparison: not yet treated"))
    rows[0] = judged(rows[0], panel.metric)
    return Effects(rows=tuple(rows), title=f"Staggered roll-out: {stats.plan.title}", provenance=made)


def _row(panel: Panel, found: tuple[float, float], level: float, method: str, notes: tuple[str, ...]) -> EffectEstimate:
    estimate, se = found
    units = int(panel.used.any(axis=1).sum())
    good = bool(np.isfinite(se) and se > 0)
    words = f"by unit over {units} units, units - 1 degrees of freedom"
    if not good:
        return replace(
            row_of(panel, Effect(estimate=estimate, se=1.0, df=units - 1.0), level=level, method=method, covariance=""),
            se=None, df=None, low=None, high=None, p=None, fit_to_report=False,
            warnings=(*panel.notes, *notes, "no standard error: too few units share a start"),
        )  # fmt: skip
    row = row_of(panel, Effect(estimate=estimate, se=se, df=units - 1.0), level=level, method=method, covariance=words)
    few = (f"{units} units: errors are asymptotic in units and too small with few of them",) if units < _FEW else ()
    return replace(row, assumptions=(*row.assumptions, _NOT_YET), warnings=(*row.warnings, *notes, *few))


def comparisons(stats: SufficientStats, metric: str | None = None) -> pd.DataFrame:
    """Decompose two-way fixed effects into comparisons of groups that start at different times.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.

    Returns
    -------
    DataFrame
        ``kind, weight, estimate`` (Goodman-Bacon 2021, Journal of Econometrics 225, 254-277; by diff-diff). Cells count
        alike here, as the decomposition is one of the unweighted estimate. Later against earlier compares with units
        that are treated already.

    Raises
    ------
    DataError
        Where cells are empty or left out: the decomposition is one of complete panels.
    """
    panel = panel_of(stats, metric)
    if not panel.used.all():
        raise DataError(
            f"The decomposition needs every unit in every period, and {int((~panel.used).sum())} cells are empty or "
            "left out; policy.diagnose_two_way does without."
        )
    return goodman_bacon(long_cells(panel, until_all_treated=False)[0])
