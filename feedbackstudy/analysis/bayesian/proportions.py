"""Proportions with independent beta priors: differences, ratios and contrasts of log odds, without sampling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betainc, betaln, digamma, loggamma, polygamma

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.analysis.tables import events_of
from feedbackstudy.errors import DataError

__all__ = ["BetaPrior", "difference", "equal_proportions_bayes_factor", "log_odds_contrast", "log_ratio"]

_Floats = NDArray[np.float64]
_POINTS = 1201
_NEGLIGIBLE = 1e-16


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """The prior of each group's proportion, the same for all groups.

    Attributes
    ----------
    a, b : float
        Shapes of the beta distribution; 0.5 and 0.5 is Jeffreys's prior, 1 and 1 the uniform one.
    """

    a: float = 0.5
    b: float = 0.5

    def __post_init__(self) -> None:
        if not (self.a > 0 and self.b > 0 and np.isfinite(self.a + self.b)):
            raise DataError(f"The shapes of a beta prior must be positive; given a {self.a}, b {self.b}.")

    def __str__(self) -> str:
        return f"Beta({self.a:g}, {self.b:g}) on each proportion"


JEFFREYS = BetaPrior()


def log_odds_contrast(
    events: ArrayLike, n: ArrayLike, *, weights: ArrayLike, prior: BetaPrior = JEFFREYS
) -> GridDensity:
    r"""Return the exact posterior of a weighted sum of log odds.

    Parameters
    ----------
    events, n : array_like, shape (k,)
        Events and people of each group.
    weights : array_like, shape (k,)
        The contrast.
    prior : BetaPrior
        Prior of each proportion.

    Returns
    -------
    GridDensity
        Posterior and prior density of the contrast.

    Raises
    ------
    DataError
        For impossible counts, or weights that are all zero.

    Notes
    -----
    The log odds of :math:`p \sim Beta(a, b)` have the characteristic function
    :math:`\Gamma(a + it)\,\Gamma(b - it) / (\Gamma(a)\,\Gamma(b))`; that of the contrast is their product at
    :math:`w_j t`, inverted by the trapezoidal rule, which converges geometrically here.
    """
    x, size = events_of("the groups", events, n)
    w = np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or w.shape != x.shape or not w.any():
        raise DataError(f"Give one weight for each group, not all zero; given {w.tolist()} for {x.size} groups.")
    used = w != 0
    x, size, w = x[used], size[used], w[used]
    posterior = _LogOddsSum(a=prior.a + x, b=prior.b + size - x, weights=w)
    before = _LogOddsSum(a=np.full(w.size, prior.a), b=np.full(w.size, prior.b), weights=w)
    reach = 9 * posterior.sd
    grid = np.linspace(min(posterior.mean - reach, -reach / 9), max(posterior.mean + reach, reach / 9), _POINTS)
    return GridDensity(grid=grid, density=posterior.density(grid), prior=before.density(grid))


def log_ratio(events: ArrayLike, n: ArrayLike, *, prior: BetaPrior = JEFFREYS) -> GridDensity:
    r"""Return the posterior of the logarithm of the ratio of two proportions.

    Parameters
    ----------
    events, n : array_like, shape (2,)
        Events and people of the two groups; the first is the numerator.
    prior : BetaPrior
        Prior of each proportion.

    Returns
    -------
    GridDensity
        Posterior density of the log ratio. No prior density: with shapes of one half it is infinite at a ratio of 1;
        `equal_proportions_bayes_factor` gives the Bayes factor.

    Raises
    ------
    DataError
        For impossible counts or not two groups.

    Notes
    -----
    :math:`P(\log(p_1 / p_2) \le l) = \int_0^1 F_1(e^l\, F_2^{-1}(u))\, du` by 200 Gauss-Legendre nodes.
    """
    a, b = _two_betas(events, n, prior)
    means = digamma(a) - digamma(a + b)
    mean, sd = float(means[0] - means[1]), float(np.sqrt((polygamma(1, a) - polygamma(1, a + b)).sum()))
    edges = np.linspace(min(mean - 9 * sd, -sd), max(mean + 9 * sd, sd), _POINTS)
    second, node_weights = _second_at_nodes(a, b)
    upper = np.minimum(np.exp(edges)[:, None] * second, 1.0)
    return _from_cumulative(edges, betainc(a[0], b[0], upper) @ node_weights)


def difference(events: ArrayLike, n: ArrayLike, *, prior: BetaPrior = JEFFREYS) -> GridDensity:
    r"""Return the posterior of the difference of two proportions.

    Parameters
    ----------
    events, n : array_like, shape (2,)
        Events and people of the two groups; first minus second.
    prior : BetaPrior
        Prior of each proportion.

    Returns
    -------
    GridDensity
        Posterior density; no prior density, as for `log_ratio`.

    Raises
    ------
    DataError
        For impossible counts or not two groups.

    Notes
    -----
    :math:`P(p_1 - p_2 \le d) = \int_0^1 F_1(d + F_2^{-1}(u))\, du` by 200 Gauss-Legendre nodes.
    """
    a, b = _two_betas(events, n, prior)
    ends = np.asarray(stats.beta.ppf(np.array([[1e-12], [1 - 1e-12]]), a, b), dtype=np.float64)
    edges = np.linspace(min(-1e-6, float(ends[0, 0] - ends[1, 1])), max(1e-6, float(ends[1, 0] - ends[0, 1])), _POINTS)
    second, node_weights = _second_at_nodes(a, b)
    upper = np.clip(edges[:, None] + second, 0.0, 1.0)
    return _from_cumulative(edges, betainc(a[0], b[0], upper) @ node_weights)


def equal_proportions_bayes_factor(events: ArrayLike, n: ArrayLike, *, prior: BetaPrior = JEFFREYS) -> float:
    r"""Return the Bayes factor for different proportions against one common proportion.

    Parameters
    ----------
    events, n : array_like, shape (k,)
        Events and people of each group.
    prior : BetaPrior
        Prior of each proportion, and of the common one.

    Returns
    -------
    float
        BF10, in closed form.

    Notes
    -----
    :math:`\prod_j B(a + x_j, b + n_j - x_j) / B(a, b)` over :math:`B(a + \sum x, b + \sum (n - x)) / B(a, b)` (Kass and
    Raftery, 1995, JASA 90, 773-795).
    """
    x, size = events_of("the groups", events, n)
    separate = betaln(prior.a + x, prior.b + size - x) - betaln(prior.a, prior.b)
    together = betaln(prior.a + x.sum(), prior.b + (size - x).sum()) - betaln(prior.a, prior.b)
    return float(np.exp(separate.sum() - together))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LogOddsSum:
    """A weighted sum of the log odds of independent beta variables."""

    a: _Floats
    b: _Floats
    weights: _Floats

    @property
    def mean(self) -> float:
        return float(self.weights @ (digamma(self.a) - digamma(self.b)))

    @property
    def sd(self) -> float:
        return float(np.sqrt(self.weights**2 @ (polygamma(1, self.a) + polygamma(1, self.b))))

    def centred(self, t: _Floats) -> NDArray[np.complex128]:
        """Return the characteristic function of the sum less its mean."""
        it = 1j * np.multiply.outer(t, self.weights)
        log = loggamma(self.a + it) + loggamma(self.b - it) - loggamma(self.a) - loggamma(self.b)
        return np.asarray(np.exp(log.sum(axis=-1) - 1j * t * self.mean), dtype=np.complex128)

    def density(self, grid: _Floats) -> _Floats:
        # The period of the rule must cover the grid and the exponential tails, or they fold back onto it.
        rate = float((np.minimum(self.a, self.b) / np.abs(self.weights)).min())
        step = np.pi / max(float(np.abs(grid - self.mean).max()), 12 * self.sd + 40 / rate)
        top = 1 / self.sd
        while abs(self.centred(np.array([top]))[0]) > _NEGLIGIBLE:
            top *= 1.3
        t = np.asarray(np.arange(1, int(np.ceil(top / step)) + 1) * step, dtype=np.float64)
        phase = np.exp(-1j * np.multiply.outer(grid - self.mean, t))
        values = (step / np.pi) * (0.5 + (phase @ self.centred(t)).real)
        return np.asarray(np.maximum(values, 0.0), dtype=np.float64)


def _two_betas(events: ArrayLike, n: ArrayLike, prior: BetaPrior) -> tuple[_Floats, _Floats]:
    """Return the posterior shapes of the two groups."""
    x, size = events_of("the groups", events, n)
    if x.shape != (2,):
        raise DataError(f"A difference or ratio compares two groups; given {x.size}.")
    return prior.a + x, prior.b + size - x


def _second_at_nodes(a: _Floats, b: _Floats) -> tuple[_Floats, _Floats]:
    """Return quantiles of the second proportion at Gauss-Legendre nodes, with their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    quantiles = stats.beta.ppf((1 + nodes) / 2, a[1], b[1])
    return np.asarray(quantiles, dtype=np.float64), np.asarray(weights / 2, dtype=np.float64)


def _from_cumulative(edges: _Floats, mass: _Floats) -> GridDensity:
    return GridDensity(grid=(edges[1:] + edges[:-1]) / 2, density=np.maximum(np.diff(mass) / np.diff(edges), 0.0))
