"""The regression of cells on assignment that a plan calls for, for one outcome or for two at once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.inference.cell_regression import CellRegression, Correction, fit_cells

__all__ = ["Assigned", "assigned"]

type Floats = NDArray[np.float64]

FEW = 50


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assigned:
    """The effect of assignment on one sum over cells.

    Attributes
    ----------
    estimate : float
        The coefficient of assignment.
    pulls : ndarray, shape (clusters,)
        What each cluster adds to its error; the sum of squares is the variance.
    df : float
        Degrees of freedom of t.
    rows, clusters : int
        Applications and clusters.
    baseline : float
        Mean where the policy did not hold.
    words : str
        How the error was made.
    """

    estimate: float
    pulls: Floats
    df: float
    rows: int
    clusters: int
    baseline: float
    words: str

    @property
    def variance(self) -> float:
        """Cluster-robust variance."""
        return float(self.pulls @ self.pulls)


def assigned(cells: pd.DataFrame, plan: PolicyPlan, *, total: str = "sum", n: str = "n") -> Assigned:
    """Regress a sum over cells on assignment: unit and period held constant in a roll-out, strata in an experiment.

    Parameters
    ----------
    cells : DataFrame
        Cells with the unit, ``period``, ``treated``, strata, a count and a sum.
    plan : PolicyPlan
        The plan.
    total, n : str
        Columns of sum and count.

    Returns
    -------
    Assigned
        CR2 with Satterthwaite's degrees of freedom below 50 clusters, CR1 above.

    Raises
    ------
    InputError
        Where nothing is clustered, or an experiment has more than two arms.
    DataError
        Where assignment cannot be told from what is held constant.
    """
    if not plan.clusterings:
        raise InputError(
            "The cells hold no product of outcome and delivery, so applications that are independent of each other "
            "cannot be used here; name a unit or clusters in the plan."
        )
    if plan.experiment is not None and len(plan.experiment.arms) != 2:
        raise InputError(f"Two arms are compared here; the plan has {list(plan.experiment.arms.names)}.")
    unit = plan.clusterings[0]
    held = [unit, "period"] if plan.rollout is not None else list(plan.experiment.strata if plan.experiment else ())
    keys = list(dict.fromkeys((unit, *held, "treated")))
    sums = cells.groupby(keys, observed=True)[[n, total]].sum().reset_index()
    sums = sums[sums[n] > 0]
    x = _design(sums, held)
    clusters = sums[unit].nunique()
    correction: Correction = "CR2" if clusters < FEW else "CR1"
    try:
        fit: CellRegression = fit_cells(x, sums[n], sums[total], sums[unit].tolist(), correction=correction)
    except DataError as fault:
        raise DataError(f"Assignment cannot be told from {' and '.join(held) or 'the mean'}: {fault}") from fault
    weights = np.zeros(x.shape[1])
    weights[1] = 1.0
    pulls = fit.scores @ fit.inverse @ weights
    if correction == "CR1":
        pulls = pulls * np.sqrt(clusters / (clusters - 1))
    varies = float(pulls @ pulls) > 0
    quiet = sums[sums["treated"] == 0]
    return Assigned(
        estimate=float(fit.beta[1]),
        pulls=np.asarray(pulls, dtype=np.float64),
        df=fit.effect(weights).df if varies else float(clusters - 1),
        rows=round(float(sums[n].sum())),
        clusters=clusters,
        baseline=float(quiet[total].sum() / quiet[n].sum()),
        words=f"{correction} over {clusters} clusters of {unit}, constant: {', '.join(held) or 'nothing'}",
    )


def _design(sums: pd.DataFrame, held: list[str]) -> Floats:
    """Return intercept, assignment, and an indicator for each level but the first of what is held constant."""
    parts = [np.ones(len(sums)), sums["treated"].to_numpy(dtype=np.float64)]
    for name in held:
        levels = sorted(set(sums[name]))
        parts += [(sums[name] == level).to_numpy(dtype=np.float64) for level in levels[1:]]
    return np.column_stack(parts)
