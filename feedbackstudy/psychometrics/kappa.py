"""Agreement of coders on categories: Cohen's and Fleiss' kappa with intervals."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.coding import CoderAgreement, Codes, agreement_record, complete_units, read_codes

__all__ = ["cohen_kappa", "fleiss_kappa"]

type Floats = NDArray[np.float64]


_WEIGHTS: Mapping[str, Callable[[int], Floats]] = MappingProxyType(
    {
        "none": lambda k: np.eye(k),
        "linear": lambda k: 1.0 - np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1),
        "quadratic": lambda k: 1.0 - (np.subtract.outer(np.arange(k), np.arange(k)) / (k - 1)) ** 2,
    }
)


def cohen_kappa(
    codes: Codes, *, weights: str = "none", categories: tuple[object, ...] | None = None, level: float = 0.95
) -> CoderAgreement:
    r"""Compute Cohen's kappa of two coders, weighted or not.

    Parameters
    ----------
    codes : DataFrame or array of shape (n_units, 2)
        One column a coder; text or numbers.
    weights : {"none", "linear", "quadratic"}
        How far near misses count, for ordered categories.
    categories : tuple, optional
        All categories in order; those in use, sorted, by default.
    level : float, default 0.95
        Coverage of the normal interval.

    Returns
    -------
    CoderAgreement
        Kappa with its large-sample standard error.

    Raises
    ------
    DataError
        For other than two coders, unknown weights or a single code.

    Notes
    -----
    :math:`\kappa=(p_o-p_e)/(1-p_e)` (Cohen 1960, 1968); variance of Fleiss, Cohen & Everitt (1969).
    """
    if weights not in _WEIGHTS:
        raise DataError(choices("Weights", weights, _WEIGHTS))
    coded = complete_units(read_codes(codes, categories))
    if coded.positions.shape[1] != 2:
        raise DataError(
            f"{coded.positions.shape[1]} coders given; Cohen's kappa is for two. Use fleiss_kappa or "
            "krippendorff_alpha."
        )
    k, n = len(coded.categories), len(coded.positions)
    table = np.zeros((k, k))
    np.add.at(table, (coded.positions[:, 0], coded.positions[:, 1]), 1.0 / n)
    w = _WEIGHTS[weights](k)
    row, column = table.sum(axis=1), table.sum(axis=0)
    observed, expected = float((w * table).sum()), float(row @ w @ column)
    value = (observed - expected) / (1.0 - expected)
    centre = (w @ column)[:, None] + (row @ w)[None, :]
    spread = float((table * (w - centre * (1.0 - value)) ** 2).sum()) - (value - expected * (1.0 - value)) ** 2
    se = float(np.sqrt(max(spread, 0.0) / n) / (1.0 - expected))
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    name = "Cohen's kappa" if weights == "none" else f"Cohen's kappa ({weights} weights)"
    return agreement_record(
        name, value, coded, se=se, limits=(value - z * se, value + z * se), level=level, kind="normal",
        observed=observed, expected=expected, made="cohen_kappa",
    )  # fmt: skip


def fleiss_kappa(codes: Codes, *, level: float = 0.95) -> CoderAgreement:
    r"""Compute Fleiss' kappa of several coders.

    Parameters
    ----------
    codes : DataFrame or array of shape (n_units, n_coders)
        One column a coder; coders need not be the same people for each unit.
    level : float, default 0.95
        Coverage of the interval.

    Returns
    -------
    CoderAgreement
        Kappa with the standard error over units.

    Notes
    -----
    Fleiss (1971). The standard error is that of the influence of each unit (Gwet 2021 calls it the unit-sampling
    variance): it holds for any kappa, while Fleiss' own formula holds only where kappa is zero.
    """
    coded = complete_units(read_codes(codes, None))
    n, m = coded.positions.shape
    k = len(coded.categories)
    counts = (coded.positions[:, :, None] == np.arange(k)).sum(axis=1).astype(np.float64)
    share = counts.sum(axis=0) / (n * m)
    agree = ((counts**2).sum(axis=1) - m) / (m * (m - 1))
    observed, expected = float(agree.mean()), float((share**2).sum())
    value = (observed - expected) / (1.0 - expected)
    by_unit = (agree - expected) / (1.0 - expected)
    chance = counts @ share / m
    influence = by_unit - 2.0 * (1.0 - value) * (chance - expected) / (1.0 - expected)
    se = float(np.sqrt(((influence - value) ** 2).sum() / (n * (n - 1))))
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    return agreement_record(
        "Fleiss' kappa", value, coded, se=se, limits=(value - z * se, value + z * se), level=level,
        kind="normal, unit sampling", observed=observed, expected=expected, made="fleiss_kappa",
    )  # fmt: skip
