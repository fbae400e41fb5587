"""Is a value here compatible with a published one? Two alphas, two correlations, a mean, a column of loadings."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.reliability.alpha import feldt_interval

__all__ = ["Contrast", "Similarity", "alpha_contrast", "judged", "known_contrast", "loading_similarity", "r_contrast"]

type Judgement = Literal["agrees", "lower", "higher", "cannot tell"]

_EQUAL, _FAIR = 0.95, 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A value here less a published one.

    Attributes
    ----------
    difference, low, high : float
        The difference and its interval.
    p : float
        Two-sided p value of no difference; NaN without a test.
    method : str
        How.
    """

    difference: float
    low: float
    high: float
    p: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """How alike two columns of loadings are.

    Attributes
    ----------
    congruence : float
        Tucker's coefficient.
    largest : float
        Largest absolute difference.
    word : {"equal", "fair", "different"}
        At least .95; at least .85; below.
    """

    congruence: float
    largest: float
    word: Literal["equal", "fair", "different"]


def judged(contrast: Contrast, margin: float) -> Judgement:
    """Say whether a value agrees with a published one.

    Parameters
    ----------
    contrast : Contrast
        The difference with its interval.
    margin : float
        The largest difference that does not matter.

    Returns
    -------
    {"agrees", "lower", "higher", "cannot tell"}
        Agrees: the interval of the difference lies within the margin. Lower or higher: it excludes zero and reaches
        beyond the margin. Cannot tell: it holds zero and reaches beyond the margin.
    """
    low, high = contrast.low, contrast.high
    if -margin <= low and high <= margin:
        return "agrees"
    if low > 0:
        return "higher"
    if high < 0:
        return "lower"
    return "cannot tell"


def alpha_contrast(here: tuple[float, int, int], published: tuple[float, int, int], *, level: float = 0.95) -> Contrast:
    r"""Compare two alphas from independent samples.

    Parameters
    ----------
    here, published : tuple of (alpha, n_people, n_items)
        The two coefficients.
    level : float, default 0.95
        Coverage of the interval of the difference.

    Returns
    -------
    Contrast
        Difference, interval and p value.

    Raises
    ------
    DataError
        For an alpha of one, or fewer than three people or two items.

    Notes
    -----
    For parallel normal items :math:`(1-\alpha)/(1-\hat\alpha)` follows :math:`F_{n-1,(n-1)(k-1)}` (Feldt 1965), so
    without a difference :math:`(1-\hat\alpha_1)/(1-\hat\alpha_2)` is the ratio of two independent F variables (Feldt
    1969, who approximates it by one F; here its distribution is integrated numerically). The interval joins the two
    intervals of Feldt by variance estimates recovery (Zou 2007).
    """
    for value, people, items in (here, published):
        if value >= 1 or people < 3 or items < 2:
            raise DataError(f"alpha {value:g} with {people} people and {items} items cannot be compared.")
    (a, n, k), (b, m, j) = here, published
    tail = _ratio_below((1.0 - a) / (1.0 - b), (m - 1, (m - 1) * (j - 1)), (n - 1, (n - 1) * (k - 1)))
    low, high = _recovered(
        a,
        feldt_interval(a, n_people=n, n_items=k, level=level),
        b,
        feldt_interval(b, n_people=m, n_items=j, level=level),
    )
    return Contrast(
        difference=a - b,
        low=low,
        high=high,
        p=min(1.0, 2.0 * min(tail, 1.0 - tail)),
        method="Feldt's test of two alphas",
    )


def r_contrast(here: tuple[float, int], published: tuple[float, int], *, level: float = 0.95) -> Contrast:
    """Compare two correlations from independent samples.

    Parameters
    ----------
    here, published : tuple of (r, n_people)
        The two correlations.
    level : float, default 0.95
        Coverage of the interval of the difference.

    Returns
    -------
    Contrast
        Difference, interval and p value.

    Raises
    ------
    DataError
        For a correlation of one or fewer than four people.

    Notes
    -----
    Fisher's z for the test; the interval joins the two intervals by variance estimates recovery (Zou 2007).
    """
    for value, people in (here, published):
        if abs(value) >= 1 or people < 4:
            raise DataError(f"r {value:g} of {people} people cannot be compared.")
    (r, n), (s, m) = here, published
    z = (np.arctanh(r) - np.arctanh(s)) / np.sqrt(1.0 / (n - 3) + 1.0 / (m - 3))
    wide = float(stats.norm.ppf(0.5 + level / 2.0))
    spans = [
        (float(np.tanh(np.arctanh(v) - wide / np.sqrt(q - 3))), float(np.tanh(np.arctanh(v) + wide / np.sqrt(q - 3))))
        for v, q in (here, published)
    ]
    low, high = _recovered(r, spans[0], s, spans[1])
    return Contrast(difference=r - s, low=low, high=high, p=float(2 * stats.norm.sf(abs(z))), method="Fisher's z")


def known_contrast(here: tuple[float, float, float], published: float) -> Contrast:
    """Compare an estimate and its interval with a published value whose error is not known.

    Parameters
    ----------
    here : tuple of (value, low, high)
        The estimate.
    published : float
        The published value, taken as known.

    Returns
    -------
    Contrast
        Without a p value.
    """
    value, low, high = here
    return Contrast(
        difference=value - published,
        low=low - published,
        high=high - published,
        p=float("nan"),
        method="published value taken as known",
    )


def loading_similarity(here: ArrayLike, published: ArrayLike) -> Similarity:
    r"""Compare two columns of loadings of the same items.

    Parameters
    ----------
    here, published : array of shape (n_items,)
        Loadings in the same order.

    Returns
    -------
    Similarity
        Tucker's congruence and what it is called.

    Notes
    -----
    :math:`\sum ab/\sqrt{\sum a^2\sum b^2}`; .95 and more counts as equal, .85 to .94 as fair (Lorenzo-Seva & ten Berge
    2006). Loadings of one sign are congruent easily: look at the largest difference too.
    """
    a, b = np.asarray(here, dtype=np.float64), np.asarray(published, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"{a.size} loadings here and {b.size} published cannot be compared; give one an item.")
    value = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return Similarity(
        congruence=value,
        largest=float(np.abs(a - b).max()),
        word="equal" if value >= _EQUAL else "fair" if value >= _FAIR else "different",
    )


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights of Gauss-Legendre quadrature; 15 ms that an import shall not cost."""
    return np.polynomial.legendre.leggauss(400)


def _ratio_below(ratio: float, over: tuple[int, int], under: tuple[int, int]) -> float:
    """Return the probability that an F variable over another lies below a ratio."""
    nodes, weights = _nodes()
    share = (nodes + 1.0) / 2.0
    # Integrated over the narrower of the two, what is left is smooth.
    if over[0] > under[0]:
        inner = stats.f.sf(stats.f.ppf(share, *over) / ratio, *under)
    else:
        inner = stats.f.cdf(ratio * stats.f.ppf(share, *under), *over)
    return float(weights @ inner) / 2.0


def _recovered(a: float, span: tuple[float, float], b: float, other: tuple[float, float]) -> tuple[float, float]:
    """Join two intervals into one of the difference."""
    d = a - b
    low = d - float(np.hypot(a - span[0], other[1] - b))
    high = d + float(np.hypot(span[1] - a, b - other[0]))
    return low, high
