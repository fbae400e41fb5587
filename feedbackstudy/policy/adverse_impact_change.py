"""Whether an impact ratio changed across the policy: a difference in differences on the logarithm."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

__all__ = ["Change", "change_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Change of one group's impact ratio.

    Attributes
    ----------
    group : str
        The group.
    before, after : float
        Its ratio without and with the policy.
    factor : float
        After over before; not a number where a rate is 0.
    low, high, p : float
        Interval of the factor, and p value of no change.
    df : float
        Degrees of freedom of t.
    smallest : int
        Fewest people selected or not selected in any of the four cells; disclosure asks for it.
    words : str
        How the error was made, or why there is none.
    """

    group: str
    before: float
    after: float
    smallest: int
    factor: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    df: float = math.nan
    words: str = "a rate is 0 or unknown: no change exists"


def change_of(
    frame: pd.DataFrame, column: str, *, group: str, reference: str, unit: str | None, level: float
) -> Change:
    r"""Estimate the change of an impact ratio.

    Parameters
    ----------
    frame : DataFrame
        Cells with ``treated``, the column of groups, ``n``, ``sum``, and the unit where there is one.
    column, group, reference : str
        Column of groups, the group, and the reference.
    unit : str or None
        Column of the independent units; applications are independent where None.
    level : float
        Level of the interval.

    Returns
    -------
    Change
        On the ratio scale.

    Notes
    -----
    :math:`\hat\theta = \sum_{k,a} s_{ka} \log \hat p_{ka}`, signs + - - +. A unit pulls by
    :math:`\psi_g = \sum s_{ka} (x_{gka} - \hat p_{ka} n_{gka}) / x_{ka}`, and
    :math:`V = \frac{G}{G-1} \sum_g \psi_g^2` with t on G - 1; without units
    :math:`V = \sum (1 - \hat p_{ka}) / x_{ka}` and the normal.
    """
    signs = {(group, 1.0): 1.0, (group, 0.0): -1.0, (reference, 1.0): -1.0, (reference, 0.0): 1.0}
    four = frame.groupby([column, "treated"])[["sum", "n"]].sum()
    sums = {key: (float(x), float(n)) for key, x, n in zip(four.index, four["sum"], four["n"], strict=True)}
    cells = [sums.get(key, (0.0, 0.0)) for key in signs]
    smallest = round(min(min(x, n - x) for x, n in cells))
    rates = [x / n if n > 0 else math.nan for x, n in cells]
    after, before = _ratio(rates[0], rates[2]), _ratio(rates[1], rates[3])
    nothing = Change(group=group, before=before, after=after, smallest=smallest)
    if not all(rate > 0 for rate in rates):
        return nothing
    theta = sum(s * math.log(rate) for s, rate in zip(signs.values(), rates, strict=True))
    if unit is None:
        variance = sum((1 - r) / x for r, (x, _) in zip(rates, cells, strict=True))
        df, words = math.inf, "applications independent"
    else:
        variance, units = _clustered(frame, column, unit, dict(zip(signs, rates, strict=True)), signs)
        df, words = units - 1.0, f"{units} units of {unit}"
    if not variance > 0:
        return nothing
    se = math.sqrt(variance)
    half = se * float(special.stdtrit(df, (1 + level) / 2) if math.isfinite(df) else special.ndtri((1 + level) / 2))
    tail = special.stdtr(df, -abs(theta / se)) if math.isfinite(df) else special.ndtr(-abs(theta / se))
    low, high = math.exp(theta - half), math.exp(theta + half)
    return replace(nothing, factor=math.exp(theta), low=low, high=high, p=float(2 * tail), df=df, words=words)


def _ratio(first: float, second: float) -> float:
    return first / second if second > 0 else math.nan


def _clustered(
    frame: pd.DataFrame,
    column: str,
    unit: str,
    rates: dict[tuple[str, float], float],
    signs: dict[tuple[str, float], float],
) -> tuple[float, int]:
    keys = list(zip(frame[column], frame["treated"].astype(float), strict=True))
    rate = np.array([rates.get(key, 0.0) for key in keys])
    sign = np.array([signs.get(key, 0.0) for key in keys])
    totals = frame.groupby([column, "treated"])["sum"].transform("sum").to_numpy()
    pull = np.where(sign != 0, sign * (frame["sum"] - rate * frame["n"]) / np.where(totals > 0, totals, 1.0), 0.0)
    psi = pd.Series(pull).groupby(frame[unit].to_numpy()).sum()
    units = len(psi)
    return (float(units / (units - 1) * (psi**2).sum()) if units > 1 else 0.0), units
