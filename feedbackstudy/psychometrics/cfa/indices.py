"""Fit indices as functions of chi-squares and residuals."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chndtr, chndtrinc

__all__ = ["comparative", "residual_indices", "rmsea"]

type Floats = NDArray[np.float64]

_LEVEL = 0.90
_CLOSE = 0.05
_NOT_CLOSE = 0.08


def comparative(chisq: float, df: float, base: float, base_df: float) -> dict[str, float]:
    """Return the indices that compare with the independence model.

    Parameters
    ----------
    chisq, df : float
        Of the model.
    base, base_df : float
        Of the independence model.

    Returns
    -------
    dict
        cfi, tli, nnfi, rfi, nfi, pnfi, ifi, rni by lavaan's names.

    Notes
    -----
    CFI: Bentler (1990); TLI = NNFI: Tucker & Lewis (1973); RFI, IFI: Bollen; NFI: Bentler & Bonett (1980).
    """
    nan = float("nan")
    over, base_over = chisq - df, base - base_df
    worst = max(over, base_over, 0.0)
    ratio = base / base_df if base_df > 0 else nan
    own = chisq / df if df > 0 else nan
    tli = 1.0 if df == 0 else (ratio - own) / (ratio - 1.0) if ratio != 1.0 else nan
    nfi = (base - chisq) / base if base > 0 else nan
    return {
        "cfi": 1.0 - max(over, 0.0) / worst if worst > 0 else 1.0,
        "tli": tli,
        "nnfi": tli,
        "rfi": 1.0 if df == 0 else (ratio - own) / ratio,
        "nfi": nfi,
        "pnfi": df / base_df * nfi if base_df > 0 else nan,
        "ifi": (base - chisq) / (base - df) if base != df else nan,
        "rni": 1.0 - over / base_over if base_over != 0 else nan,
    }


def _noncentrality(chisq: float, df: float, below: float) -> float:
    """Return the noncentrality at which `chisq` has the probability `below` under it; zero where there is none."""
    if chdtr(df, chisq) < below:
        return 0.0
    return float(chndtrinc(chisq, df, below))


def rmsea(chisq: float, df: float, n: float, groups: int, *, factor: float = 1.0) -> dict[str, float]:
    """Return RMSEA with its 90% interval and the probabilities of close and not-close fit.

    Parameters
    ----------
    chisq, df : float
        Chi-square; where it is scaled, `factor` brings the interval back to the scale of the uncorrected one.
    n : float
        People, or people less groups.
    groups : int
        Number of groups.
    factor : float, default 1
        Scaling factor of a robust interval.

    Returns
    -------
    dict
        ``""`` the point, then ci.lower, ci.upper, pvalue, notclose.pvalue.

    Notes
    -----
    Steiger & Lind (1980); Browne & Cudeck (1993); several groups multiply by the root of their number.
    """
    if df <= 0:
        return {"": 0.0, "ci.lower": 0.0, "ci.upper": 0.0, "pvalue": float("nan"), "notclose.pvalue": float("nan")}
    unit = factor * groups / (n * df)
    tail = (1.0 - _LEVEL) / 2.0
    return {
        "": float(np.sqrt(max(chisq - df, 0.0) * unit)),
        "ci.lower": float(np.sqrt(_noncentrality(chisq, df, 1.0 - tail) * unit)),
        "ci.upper": float(np.sqrt(_noncentrality(chisq, df, tail) * unit)),
        "pvalue": float(1.0 - chndtr(chisq, df, _CLOSE**2 / unit)),
        "notclose.pvalue": float(chndtr(chisq, df, _NOT_CLOSE**2 / unit)),
    }


def _one_group(
    S: Floats, sigma: Floats, gap: Floats | None, standard_gap: Floats | None
) -> Iterator[tuple[str, float]]:
    p = len(S)
    low = np.tril_indices(p)
    sd, sd_model = np.sqrt(np.diag(S)), np.sqrt(np.abs(np.diag(sigma)))
    raw = (S - sigma)[low]
    bentler = ((S - sigma) / np.outer(sd, sd))[low]
    cor = (S / np.outer(sd, sd) - sigma / np.outer(sd_model, sd_model))[low]
    count, pairs = len(raw), len(raw) - p
    yield "rmr_nomean", float(np.sqrt(np.sum(raw**2) / count))
    yield "srmr_bentler_nomean", float(np.sqrt(np.sum(bentler**2) / count))
    yield "crmr_nomean", float(np.sqrt(np.sum(cor**2) / pairs)) if pairs else float("nan")
    extra = 0 if gap is None else len(gap)
    raw_gap = 0.0 if gap is None else float(np.sum(gap**2))
    standard = 0.0 if standard_gap is None else float(np.sum(standard_gap**2))
    yield "rmr", float(np.sqrt((np.sum(raw**2) + raw_gap) / (count + extra)))
    yield "srmr_bentler", float(np.sqrt((np.sum(bentler**2) + standard) / (count + extra)))
    yield "crmr", float(np.sqrt((np.sum(cor**2) + standard) / (pairs + extra))) if pairs + extra else float("nan")


def residual_indices(
    groups: list[tuple[Floats, Floats, Floats | None, Floats | None]], counts: tuple[int, ...]
) -> dict[str, float]:
    """Return RMR, SRMR and CRMR, groups weighted by their people.

    Parameters
    ----------
    groups : list of (S, sigma, gap or None, standardised gap or None)
        Sample and implied covariances; differences of means (or thresholds), raw and in standard deviations.
    counts : tuple of int
        People by group.

    Returns
    -------
    dict
        By lavaan's names; ``_nomean`` leaves means and thresholds out.
    """
    total: dict[str, float] = {}
    for (S, sigma, gap, standard_gap), n in zip(groups, counts, strict=True):
        for name, value in _one_group(S, sigma, gap, standard_gap):
            total[name] = total.get(name, 0.0) + n / sum(counts) * value
    return total
