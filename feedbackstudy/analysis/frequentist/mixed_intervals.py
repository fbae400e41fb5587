"""Profile likelihood intervals of the variance components and fixed effects of a linear mixed model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from feedbackstudy.analysis.frequentist.mixed_likelihood import Curvature, curvature_at, minimise
from feedbackstudy.analysis.frequentist.mixed_pieces import OneInterceptProducts
from feedbackstudy.analysis.frequentist.mixed_products import CrossedProducts, products_of
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed, orthonormal, unit_terms

__all__ = ["ProfileInterval", "effect_intervals", "variance_intervals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileInterval:
    """Interval of one parameter by the profile of the likelihood.

    Attributes
    ----------
    quantity : str
        ``"sd"``, ``"correlation"``, ``"residual sd"`` or ``"effect"``.
    factor : str
        The grouping factor; empty for residual and fixed effects.
    terms : tuple of str
        The term or the two terms; the column of a fixed effect.
    low, high : float
        Limits; a standard deviation's lower limit is zero where the likelihood does not speak against zero.
    """

    quantity: str
    factor: str
    terms: tuple[str, ...]
    low: float
    high: float


class _Aim(NamedTuple):
    """A function of the parameters that the region is searched for; `positive` names entries that are not negative."""

    value: Callable[[Floats], float]
    slope: Callable[[Floats], Floats]
    positive: tuple[int, ...]
    least: float
    most: float


class _Region:
    """Parameters whose deviance stays within the likelihood's limit."""

    def __init__(self, columns: Floats, factors: Sequence[RandomFactor], n: int, level: float) -> None:
        self.products: OneInterceptProducts | CrossedProducts = products_of(factors, columns)
        self.n = n
        found = minimise(self.products, n, reml=False)
        self.best = np.append(found.theta, np.sqrt(found.curvature.sigma2))
        self.limit = found.curvature.deviance + float(special.chdtri(1, 1 - level))
        self.hessian = found.curvature.hessian

    def at(self, x: Floats) -> Curvature:
        return curvature_at(self.products, x[:-1], self.n, reml=False, sigma2=float(x[-1]) ** 2)

    def extreme(self, aim: _Aim, sign: int) -> float:
        """Return the largest (or smallest) value of a parameter in the region; its bound where that lies inside."""
        lowest = np.full(self.best.size, -np.inf)
        lowest[list(aim.positive)] = 0.0
        lowest[-1] = 1e-3 * self.best[-1]

        def target(x: Floats) -> float:
            return -sign * aim.value(x)

        def slope(x: Floats) -> Floats:
            return -sign * aim.slope(x)

        inside = optimize.NonlinearConstraint(
            lambda x: np.array([self.limit - self.at(x).deviance]),
            0.0,
            np.inf,
            jac=lambda x: -self.at(x).gradient[None],
        )
        found = optimize.minimize(
            target,
            self._edge(aim, sign, lowest),
            jac=slope,
            bounds=optimize.Bounds(lowest, np.full(lowest.size, np.inf)),
            constraints=inside,
            method="SLSQP",
            tol=1e-13,
            options={"maxiter": 300},
        )
        value, rest = aim.value(found.x), self.limit - self.at(found.x).deviance
        bound = aim.most if sign > 0 else aim.least
        if rest > -1e-6 and abs(value - bound) < 1e-5:
            return bound
        return value if abs(rest) < 1e-5 else float("nan")

    def _edge(self, aim: _Aim, sign: int, lowest: Floats) -> Floats:
        """Go from the optimum towards the aim until the deviance reaches the limit."""
        slope = aim.slope(self.best)
        towards = sign * np.linalg.lstsq(self.hessian, slope, rcond=None)[0]
        reach = 1.0 / max(float(np.abs(towards).max()), 1e-12)
        inside, outside = 0.0, reach
        for _ in range(30):
            half = (inside + outside) / 2
            trial = np.maximum(self.best + half * towards, lowest)
            inside, outside = (half, outside) if self.at(trial).deviance < self.limit else (inside, half)
        return np.asarray(np.maximum(self.best + inside * towards, lowest), dtype=np.float64)


def _first(at: int) -> _Aim:
    """Aim at the standard deviation of the term that stands first in its factor."""

    def slope(x: Floats) -> Floats:
        made = np.zeros_like(x)
        made[at], made[-1] = x[-1], x[at]
        return made

    return _Aim(lambda x: float(x[at] * x[-1]), slope, (at,), 0.0, np.inf)


def _residual() -> _Aim:
    return _Aim(lambda x: float(x[-1]), lambda x: np.eye(x.size)[-1], (), 0.0, np.inf)


def _correlation(at: int, size: int) -> _Aim:
    """Aim at the angle whose sine is the correlation of the first two terms."""
    below, across = at + 1, at + size

    def slope(x: Floats) -> Floats:
        made = np.zeros_like(x)
        square = max(float(x[below] ** 2 + x[across] ** 2), 1e-300)
        made[below], made[across] = x[across] / square, -x[below] / square
        return made

    def angle(x: Floats) -> float:
        return float(np.arctan2(x[below], x[across]))

    return _Aim(angle, slope, (at, across), -np.pi / 2, np.pi / 2)


def variance_intervals(
    y: Floats, X: Floats, factors: Sequence[RandomFactor], *, level: float = 0.95
) -> tuple[ProfileInterval, ...]:
    r"""Find intervals of standard deviations and correlations of random effects, and of the residual.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns.
    factors : sequence of RandomFactor
        Random effects.
    level : float, default 0.95
        Level.

    Returns
    -------
    tuple of ProfileInterval
        Factor after factor, the residual last; NaN where the search of a limit failed.

    Notes
    -----
    A limit is the largest (smallest) value in the region where the deviance of the full likelihood lies at most
    :math:`\chi^2_{1}` above its minimum; this is where the profile crosses, found directly. lme4 profiles the full
    likelihood too, also after REML.
    """
    n, p = X.shape
    q, _ = orthonormal(X)
    residual = y - q @ (q.T @ y)
    rms = float(np.sqrt(residual @ residual / (n - p)))
    columns = np.column_stack([q, residual / rms])
    found: list[ProfileInterval] = []
    for k, factor in enumerate(factors):
        for a in range(len(factor.terms)):
            found.append(_term_interval(columns, factors, k, (a,), n, level, rms))
        pairs = [(a, b) for b in range(len(factor.terms)) for a in range(b)] if factor.correlated else []
        found += [_term_interval(columns, factors, k, pair, n, level, rms) for pair in pairs]
    region = _Region(columns, [unit_terms(f)[0] for f in factors], n, level)
    low, high = (rms * region.extreme(_residual(), sign) for sign in (-1, 1))
    return (*found, ProfileInterval(quantity="residual sd", factor="", terms=(), low=low, high=high))


def _term_interval(
    columns: Floats, factors: Sequence[RandomFactor], k: int, leading: tuple[int, ...], n: int, level: float, rms: float
) -> ProfileInterval:
    factor = factors[k]
    order = [*leading, *(i for i in range(len(factor.terms)) if i not in leading)]
    turned = replace(factor, design=factor.design[:, order], terms=tuple(factor.terms[i] for i in order))
    scaled = [unit_terms(turned if j == k else other) for j, other in enumerate(factors)]
    region = _Region(columns, [one for one, _ in scaled], n, level)
    place = region.products.order.index(k)
    at = sum(len(shape.cells) for shape in region.products.patterns[:place])
    terms = tuple(factor.terms[i] for i in leading)
    if len(leading) == 2:
        low, high = (float(np.sin(region.extreme(_correlation(at, len(factor.terms)), sign))) for sign in (-1, 1))
        return ProfileInterval(quantity="correlation", factor=factor.name, terms=terms, low=low, high=high)
    unit = rms / float(scaled[k][1][0])
    low, high = (unit * region.extreme(_first(at), sign) for sign in (-1, 1))
    return ProfileInterval(quantity="sd", factor=factor.name, terms=terms, low=low, high=high)


def effect_intervals(
    y: Floats, X: Floats, factors: Sequence[RandomFactor], *, names: Sequence[str], level: float = 0.95
) -> tuple[ProfileInterval, ...]:
    """Find intervals of the fixed effects where the profile of the full likelihood crosses its limit.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns.
    factors : sequence of RandomFactor
        Random effects.
    names : sequence of str
        Names of the columns.
    level : float, default 0.95
        Level.

    Returns
    -------
    tuple of ProfileInterval
        One for each column.
    """
    full = fit_mixed(y, X, factors, reml=False)
    limit = full.deviance + float(special.chdtri(1, 1 - level))
    found = []
    for j, name in enumerate(names):
        others = np.delete(X, j, axis=1)

        def above(value: float, j: int = j, others: Floats = others) -> float:
            return fit_mixed(y - value * X[:, j], others, factors, reml=False).deviance - limit

        ends = []
        for sign in (-1, 1):
            outer = full.beta[j] + 2.5 * sign * full.se[j]
            while above(outer) < 0:
                outer += 2 * sign * full.se[j]
            root = optimize.brentq(above, full.beta[j], outer, xtol=1e-10 * float(full.se[j]), rtol=1e-12)
            ends.append(float(root))
        found.append(ProfileInterval(quantity="effect", factor="", terms=(name,), low=ends[0], high=ends[1]))
    return tuple(found)
