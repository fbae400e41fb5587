"""Coefficient alpha with Feldt, asymptotically distribution-free and bootstrap intervals."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.covariances import covariance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.resampling import bootstrap_covariances, percentile_limits
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.scales.coefficients import alpha_of

__all__ = ["alpha", "alpha_of", "compare_alphas", "feldt_interval"]

type Floats = NDArray[np.float64]

_INTERVALS = ("feldt", "adf", "bootstrap")


def feldt_interval(value: float, *, n_people: int, n_items: int, level: float = 0.95) -> tuple[float, float]:
    r"""Return Feldt's interval for alpha from printed figures alone.

    Parameters
    ----------
    value : float
        Alpha.
    n_people, n_items : int
        What it rests on.
    level : float, default 0.95
        Coverage.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Notes
    -----
    :math:`(1-\alpha)/(1-\hat\alpha)` follows :math:`F_{n-1,(n-1)(k-1)}` for parallel normal items (Feldt 1965).
    """
    tail = (1.0 - level) / 2.0
    df1, df2 = n_people - 1, (n_people - 1) * (n_items - 1)
    low, high = (float(stats.f.ppf(q, df1, df2)) for q in (1.0 - tail, tail))
    return 1.0 - (1.0 - value) * low, 1.0 - (1.0 - value) * high


def compare_alphas(first: tuple[float, int, int], second: tuple[float, int, int]) -> tuple[float, float]:
    r"""Test whether two alphas from independent samples differ.

    Parameters
    ----------
    first, second : tuple of (alpha, n_people, n_items)
        The two coefficients.

    Returns
    -------
    tuple of float
        The statistic z and its two-sided p value.

    Notes
    -----
    :math:`\ln(1-\hat\alpha)` is nearly normal with variance :math:`2k/((k-1)(n-2))` (Bonett 2002).
    """
    for value, people, items in (first, second):
        if value >= 1 or people < 3 or items < 2:
            raise DataError(f"alpha {value:g} with {people} people and {items} items cannot be compared.")
    logs = [np.log(1.0 - value) for value, _, _ in (first, second)]
    variance = sum(2.0 * k / ((k - 1) * (n - 2)) for _, n, k in (first, second))
    z = float((logs[1] - logs[0]) / np.sqrt(variance))
    return z, float(2.0 * stats.norm.sf(abs(z)))


@one_thread()
def alpha(
    data: Items | Matrix,
    *,
    interval: str = "feldt",
    level: float = 0.95,
    missing: str = "listwise",
    draws: int = 2000,
    seed: int = 1,
) -> Coefficient:
    r"""Compute coefficient alpha with an interval.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Items scored in one direction, people by items.
    interval : {"feldt", "adf", "bootstrap"}
        Feldt's exact interval for normal parallel items, the asymptotically distribution-free normal interval, or
        percentiles over people drawn with replacement.
    level : float, default 0.95
        Coverage.
    missing : {"listwise", "pairwise"}
        Rows used for the covariances. Pairwise allows the Feldt interval only, with n the number of rows.
    draws : int, default 2000
        Bootstrap samples.
    seed : int, default 1
        Seed of the bootstrap.

    Returns
    -------
    Coefficient
        Alpha; `also` holds standardised alpha, lambda 6, mean and median inter-item correlation, two standard errors.

    Raises
    ------
    DataError
        For unusable answers or an unknown option.

    Notes
    -----
    .. math:: \alpha = \frac{k}{k-1}\left(1 - \frac{\sum_j s_j^2}{s_T^2}\right)

    Distribution-free standard error: Maydeu-Olivares, Coffman & Hartmann (2007). Normal-theory standard error (given
    beside it): van Zyl, Neudecker & Nel (2000).
    """
    if interval not in _INTERVALS:
        raise DataError(choices("Interval", interval, _INTERVALS))
    if interval != "feldt" and missing == "pairwise":
        raise DataError(f'Interval {interval!r} needs complete rows; use missing="listwise" or interval="feldt".')
    given = item_matrix(data)
    S = covariance(given, missing=missing)
    matrix = given.complete if missing == "listwise" else given
    value, n = float(alpha_of(S)), matrix.n_people
    se = _distribution_free_se(matrix.answers, S) if missing == "listwise" else float("nan")
    low, high = _limits(interval, value, se, matrix, level=level, draws=draws, seed=seed)
    return Coefficient(
        coefficient="alpha",
        value=value,
        se=se if interval == "adf" else float("nan"),
        low=low,
        high=high,
        level=level,
        interval={"feldt": "Feldt", "adf": "distribution-free", "bootstrap": f"bootstrap percentile, {draws}"}[
            interval
        ],
        n_people=n,
        n_items=matrix.n_items,
        also=_companions(S, n, se),
        issues=(*matrix.issues, *conditions.negative_item_rest(_against_the_rest(S, matrix.items))),
        matrix=matrix,
        r_body=_R_BODY,
        provenance=origin(
            "alpha",
            f"{missing} deletion",
            "covariances with divisor n - 1",
            seed=seed if interval == "bootstrap" else None,
        ),
    )


_R_BODY = """\
library(psych)
fit <- alpha(responses[items], check.keys = FALSE, warnings = FALSE)
show("alpha", fit$total$raw_alpha)
show("standardised alpha", fit$total$std.alpha)
show("lambda 6", fit$total$`G6(smc)`)
show("mean inter-item r", fit$total$average_r)
"""


def _limits(
    interval: str, value: float, se: float, matrix: Matrix, *, level: float, draws: int, seed: int
) -> tuple[float, float]:
    if interval == "feldt":
        return feldt_interval(value, n_people=matrix.n_people, n_items=matrix.n_items, level=level)
    if interval == "adf":
        z = float(stats.norm.ppf(0.5 + level / 2.0))
        return value - z * se, value + z * se
    return percentile_limits(alpha_of(bootstrap_covariances(matrix.answers, draws=draws, seed=seed)), level)


def _distribution_free_se(rows: Floats, S: Floats) -> float:
    """Return the standard error of alpha from the influence of each person on the covariances."""
    k, trace, total = len(S), float(np.trace(S)), float(S.sum())
    z = rows - rows.mean(axis=0)
    own, whole = np.einsum("ij,ij->i", z, z), z.sum(axis=1) ** 2
    influence = k / (k - 1) * (trace * whole / total**2 - own / total)
    return float(influence.std() / np.sqrt(len(rows)))


def _normal_theory_se(S: Floats, n: int) -> float:
    k, total, trace = len(S), float(S.sum()), float(np.trace(S))
    square = S @ S
    Q = (
        2
        * k**2
        / ((k - 1) ** 2 * total**3)
        * (total * (float(np.trace(square)) + trace**2) - 2 * trace * float(square.sum()))
    )
    return float(np.sqrt(Q / n))


def _companions(S: Floats, n: int, se: float) -> dict[str, float]:
    sd = np.sqrt(np.diag(S))
    R = S / np.outer(sd, sd)
    k = len(R)
    off = R[np.tril_indices(k, -1)]
    try:
        lambda6 = float(1.0 - (1.0 / np.diag(np.linalg.inv(R))).sum() / R.sum())
    except np.linalg.LinAlgError:
        lambda6 = float("nan")
    return {
        "standardised alpha": float(alpha_of(R)),
        "lambda 6": lambda6,
        "mean inter-item r": float(off.mean()),
        "median inter-item r": float(np.median(off)),
        "normal-theory SE": _normal_theory_se(S, n),
        "distribution-free SE": se,
    }


def _against_the_rest(S: Floats, items: tuple[str, ...]) -> list[str]:
    rest = S.sum(axis=1) - np.diag(S)
    return [name for name, value in zip(items, rest, strict=True) if value < 0]
