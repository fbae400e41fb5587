"""Krippendorff's alpha: any number of coders, missing codes, four metrics."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.coding import Coded, CoderAgreement, Codes, agreement_record, read_codes

__all__ = ["krippendorff_alpha"]

type Floats = NDArray[np.float64]


def _nominal(codes: Floats, _margin: Floats) -> Floats:
    return np.asarray((codes[:, None] != codes[None, :]).astype(np.float64))


def _interval(codes: Floats, _margin: Floats) -> Floats:
    return np.asarray((codes[:, None] - codes[None, :]) ** 2)


def _ratio(codes: Floats, _margin: Floats) -> Floats:
    total = np.abs(codes[:, None] + codes[None, :])
    return np.asarray((np.abs(codes[:, None] - codes[None, :]) / np.where(total > 0, total, 1.0)) ** 2)


def _ordinal(codes: Floats, margin: Floats) -> Floats:
    # Squared number of codes between two categories, half of each end counted.
    position = np.cumsum(margin) - margin / 2.0
    return np.asarray((position[:, None] - position[None, :]) ** 2 * (codes[:, None] != codes[None, :]))


_METRICS: Mapping[str, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval, "ratio": _ratio}
)


def krippendorff_alpha(
    codes: Codes, *, metric: str = "nominal", level: float = 0.95, draws: int = 2000, seed: int = 1
) -> CoderAgreement:
    r"""Compute Krippendorff's alpha of any number of coders, with missing codes.

    Parameters
    ----------
    codes : DataFrame or array of shape (n_units, n_coders)
        One column a coder; missing where a coder did not code a unit.
    metric : {"nominal", "ordinal", "interval", "ratio"}
        How different two codes are; all but nominal need numbers.
    level : float, default 0.95
        Coverage of the interval.
    draws : int, default 2000
        Bootstrap samples of units.
    seed : int, default 1
        Seed of the bootstrap.

    Returns
    -------
    CoderAgreement
        Alpha with a percentile interval over units.

    Raises
    ------
    DataError
        For an unknown metric, or text codes with a metric that needs numbers.

    Notes
    -----
    :math:`\alpha = 1 - D_o/D_e` from the coincidence matrix of pairable codes (Krippendorff 2004). Expected
    disagreement is recomputed in each bootstrap sample.
    """
    if metric not in _METRICS:
        raise DataError(choices("Metric", metric, _METRICS))
    coded = read_codes(codes, None)
    numbers = np.arange(len(coded.categories), dtype=np.float64)
    if metric != "nominal":
        if any(isinstance(code, str) for code in coded.categories):
            raise DataError(f"Metric {metric!r} needs numeric codes; the codes are {', '.join(coded.names[:6])}.")
        numbers = np.array([float(str(code)) for code in coded.categories])
    coincidences = _coincidences(coded)
    keep = coincidences.sum(axis=(1, 2)) > 0
    if keep.sum() < 2:
        raise DataError("Fewer than two units were coded by two coders; no agreement can be computed.")
    units = coincidences[keep]
    value, observed, expected = _alpha(units.sum(axis=0)[None], numbers, metric)
    values = _bootstrap_alphas(units, numbers, metric, draws, seed)
    tail = (1.0 - level) / 2.0
    low, high = np.nanquantile(values, [tail, 1.0 - tail])
    return agreement_record(
        f"Krippendorff's alpha ({metric})", float(value[0]), coded, se=float("nan"), limits=(float(low), float(high)),
        level=level, kind=f"bootstrap percentile over units, {draws}", observed=float(observed[0]),
        expected=float(expected[0]), made="krippendorff_alpha", seed=seed,
    )  # fmt: skip


def _coincidences(coded: Coded) -> Floats:
    k = len(coded.categories)
    counts = (coded.positions[:, :, None] == np.arange(k)).sum(axis=1).astype(np.float64)
    m = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, np.arange(k), np.arange(k)] -= counts
    return np.asarray(np.where(m[:, None, None] > 1, pairs / np.maximum(m - 1.0, 1.0)[:, None, None], 0.0))


def _alpha(coincidences: Floats, numbers: Floats, metric: str) -> tuple[Floats, Floats, Floats]:
    margins = coincidences.sum(axis=2)
    n = margins.sum(axis=1)
    distance = np.stack([_METRICS[metric](numbers, margin) for margin in margins])
    observed = (coincidences * distance).sum(axis=(1, 2)) / n
    expected = np.einsum("ba,bc,bac->b", margins, margins, distance) / (n * (n - 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - observed / expected, observed, expected


def _bootstrap_alphas(units: Floats, numbers: Floats, metric: str, draws: int, seed: int) -> Floats:
    n = len(units)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws).astype(np.float64)
    sums = np.tensordot(counts, units, axes=1)
    return _alpha(sums, numbers, metric)[0]
