"""`by_analyse`: the planned analysis itself as the analysis of every invented study, for what batches stand in for."""

import math

from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study

__all__ = ["by_analyse"]


def by_analyse(scores: Scores, study: Study, *, allocation: Allocation | None = None) -> dict[str, dict[str, float]]:
    """Answer every hypothesis of one invented study by `analyse` itself.

    Give it to `diagnose`: ``power.diagnose(study, world, seed=1, analysis=power.by_analyse)``. It takes the
    frequentist models of the plan as they are, the bootstrap of paths included: about half a second for each
    hypothesis and invented study, so give an executor.

    Parameters
    ----------
    scores : Scores
        Scored answers of one invented study.
    study : Study
        The study.
    allocation : Allocation, optional
        Who was assigned what with which probability, as for `analyse`; `diagnose` hands on the one it was given.

    Returns
    -------
    dict of str to dict
        Hypothesis -> ``estimate``, ``se``, ``df``, ``low``, ``high``, ``p`` and ``n`` of its leading frequentist row;
        logarithms of ratios. A hypothesis that `analyse` cannot answer is left out, and counts as a failed fit.

    Raises
    ------
    InputError
        For scores that are not of this study.
    """
    from feedbackstudy.analysis.analysing import analyse  # brings all engines, which no other question needs

    found = analyse(scores, study, engine="frequentist", allocation=allocation)
    leading: dict[str, Estimate] = {}
    for row in found.rows:
        if row.engine == "frequentist":
            leading.setdefault(row.hypothesis, row)
    return {name: _figures(row) for name, row in leading.items()}


def _figures(row: Estimate) -> dict[str, float]:
    logs = row.null == 1.0  # ratios are compared with 1; their standard error is that of the logarithm

    def scaled(value: float | None) -> float | None:
        return value if value is None or not logs else math.log(value) if value > 0 else math.nan

    figures = {
        "estimate": scaled(row.estimate),
        "se": row.se,
        "df": row.df,
        "low": scaled(row.low),
        "high": scaled(row.high),
        "p": row.p,
        "n": row.n,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}
