"""Rows of a fitted model: one for each coefficient, one for each term."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.cell_fit import ContrastFit

__all__ = ["EffectRow", "TermRow", "effect_rows"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One coefficient.

    Attributes
    ----------
    effect : str
        Column of the design; a level stands against the first level of its factor.
    estimate, se : float
        On the model's scale.
    df, statistic, p : float
        t (z where df are infinite), two-sided.
    low, high : float
        Interval.
    std_estimate : float or None
        Estimate in standard deviations of the outcome that the model leaves (all variance components together).
    ratio : float or None
        Odds or rate ratio, where the scale is a logarithm.
    """

    effect: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    low: float
    high: float
    std_estimate: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRow:
    """Test of one term.

    Attributes
    ----------
    term : str
        The term.
    statistic : float
        F, or chi square where `df2` is infinite.
    df, df2 : float
        Degrees of freedom.
    p : float
        Its p.
    """

    term: str
    statistic: float
    df: float
    df2: float
    p: float


def effect_rows(
    names: Sequence[str],
    estimates: Floats,
    ses: Floats,
    dfs: Sequence[float],
    level: float,
    *,
    sd: float | None = None,
    ratios: bool = False,
) -> tuple[EffectRow, ...]:
    """Make rows of coefficients.

    Parameters
    ----------
    names : sequence of str
        Columns.
    estimates, ses : ndarray
        Estimates and standard errors.
    dfs : sequence of float
        Degrees of freedom.
    level : float
        Level of the intervals.
    sd : float, optional
        Standard deviation for standardised estimates.
    ratios : bool, default False
        Add exponentiated estimates.

    Returns
    -------
    tuple of EffectRow
        One for each column.
    """
    rows = []
    for name, estimate, se, df in zip(names, estimates, ses, dfs, strict=True):
        one = ContrastFit(estimate=float(estimate), se=float(se), df=float(df))
        low, high = one.interval(level)
        rows.append(
            EffectRow(
                effect=name,
                estimate=one.estimate,
                se=one.se,
                df=one.df,
                statistic=one.statistic,
                p=one.p,
                low=low,
                high=high,
                std_estimate=None if sd is None else one.estimate / sd,
                ratio=float(np.exp(one.estimate)) if ratios else None,
            )
        )
    return tuple(rows)
