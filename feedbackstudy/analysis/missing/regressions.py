"""Bayesian regressions of many completed tables at once: one Gibbs step each, with random intercepts."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Group", "NormalState", "ProbitState"]

type Floats = NDArray[np.float64]

_RIDGE = 1e-5
_SLOPE_SD = 2.5
"""Prior standard deviation of probit coefficients, which keeps separated tables finite (Gelman et al., 2008)."""


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A random factor of one regression.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Level of each row.
    seen : ndarray of bool, shape (n,)
        Rows whose value is known.
    count : int
        Levels.
    effects : ndarray, shape (m, levels)
        Current effects in each table.
    variance : ndarray, shape (m,)
        Current variance between levels.
    """

    codes: NDArray[np.int64]
    seen: NDArray[np.bool_]
    count: int
    effects: Floats = field(default_factory=lambda: np.empty((0, 0)))
    variance: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, codes: NDArray[np.int64], seen: NDArray[np.bool_]) -> "Group":
        """Return a factor whose effects are not drawn yet.

        Parameters
        ----------
        codes : ndarray of int, shape (n,)
            Level of each row.
        seen : ndarray of bool, shape (n,)
            Rows whose value is known.
        """
        levels, numbered = np.unique(codes, return_inverse=True)
        return cls(codes=numbered.astype(np.int64), seen=seen, count=levels.size)

    def start(self, m: int) -> None:
        """Set all effects to zero, their variance to a tenth of a standardised column's.

        Parameters
        ----------
        m : int
            Tables.
        """
        self.effects, self.variance = np.zeros((m, self.count)), np.full(m, 0.1)

    def draw(self, left: Floats, sigma2: Floats, rng: np.random.Generator) -> None:
        """Draw effects given what is left to explain, and their variance given them (uniform prior of the spread).

        Parameters
        ----------
        left : ndarray, shape (m, seen rows)
            Values minus everything else.
        sigma2 : ndarray, shape (m,)
            Residual variance.
        rng : Generator
            Chance.
        """
        member = np.eye(self.count)[self.codes[self.seen]]
        precision = member.sum(axis=0) / sigma2[:, None] + 1 / self.variance[:, None]
        mean = (left @ member) / sigma2[:, None] / precision
        self.effects = mean + rng.standard_normal(mean.shape) / np.sqrt(precision)
        spread = np.maximum((self.effects**2).sum(axis=1), 1e-8)
        self.variance = np.maximum(spread / rng.chisquare(max(self.count - 1, 1), size=len(spread)), 1e-6)


@dataclass(slots=True, kw_only=True, eq=False)
class NormalState:
    """A normal regression, the same in m tables with their own predictors.

    Attributes
    ----------
    m : int
        Tables.
    groups : list of Group
        Random intercepts.
    seen : ndarray of bool, shape (n,)
        Rows whose value is known.
    y : ndarray, shape (seen rows,)
        The known values, standardised.
    """

    m: int
    groups: list[Group]
    seen: NDArray[np.bool_]
    y: Floats

    def __post_init__(self) -> None:
        for group in self.groups:
            group.start(self.m)

    def step(self, design: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Draw the parameters, then the missing values.

        Parameters
        ----------
        design : ndarray, shape (m, n, p)
            Predictors of all rows in each table.
        rng : Generator
            Chance.

        Returns
        -------
        tuple of ndarray
            Expected values of the known rows at the estimates, predictions of the missing rows at the drawn parameters,
            and these with residuals added.
        """
        known, gone = design[:, self.seen], design[:, ~self.seen]
        aside = _sum_of(self.groups, self.seen, self.m)
        target = self.y - aside
        estimate, root = _normal_equations(known, target)
        left = target - np.einsum("mnp,mp->mn", known, estimate)
        df = max(known.shape[1] - known.shape[2], 1)
        sigma2 = np.maximum((left**2).sum(axis=1), 1e-10) / rng.chisquare(df, size=self.m)
        drawn = estimate + np.sqrt(sigma2)[:, None] * _spread(root, rng)
        for group in self.groups:
            others = self.y - np.einsum("mnp,mp->mn", known, drawn) - _sum_of(self.groups, self.seen, self.m, group)
            group.draw(others, sigma2, rng)
        expected = np.einsum("mnp,mp->mn", known, estimate) + _sum_of(self.groups, self.seen, self.m)
        predicted = np.einsum("mnp,mp->mn", gone, drawn) + _sum_of(self.groups, ~self.seen, self.m)
        noise = rng.standard_normal(predicted.shape) * np.sqrt(sigma2)[:, None]
        return expected, predicted, predicted + noise


@dataclass(slots=True, kw_only=True, eq=False)
class ProbitState:
    """A probit regression by latent normal values.

    Attributes
    ----------
    m : int
        Tables.
    groups : list of Group
        Random intercepts.
    seen : ndarray of bool, shape (n,)
        Rows whose value is known.
    y : ndarray, shape (seen rows,)
        The known zeros and ones.
    beta : ndarray, shape (m, p)
        Current coefficients.
    """

    m: int
    groups: list[Group]
    seen: NDArray[np.bool_]
    y: Floats
    beta: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        for group in self.groups:
            group.start(self.m)

    def step(self, design: Floats, rng: np.random.Generator) -> Floats:
        """Draw latent values and parameters, then the missing values.

        Parameters
        ----------
        design : ndarray, shape (m, n, p)
            Predictors of all rows in each table.
        rng : Generator
            Chance.

        Returns
        -------
        ndarray, shape (m, missing rows)
            Zeros and ones.
        """
        known, gone = design[:, self.seen], design[:, ~self.seen]
        if not self.beta.size:
            self.beta = np.zeros((self.m, design.shape[2]))
        one = np.ones(self.m)
        for _ in range(5):
            centre = np.einsum("mnp,mp->mn", known, self.beta) + _sum_of(self.groups, self.seen, self.m)
            latent = _one_sided(centre, self.y > 0.5, rng)
            target = latent - _sum_of(self.groups, self.seen, self.m)
            estimate, root = _normal_equations(known, target, precision=1 / _SLOPE_SD**2)
            self.beta = estimate + _spread(root, rng)
            for group in self.groups:
                rest = latent - np.einsum("mnp,mp->mn", known, self.beta)
                group.draw(rest - _sum_of(self.groups, self.seen, self.m, group), one, rng)
        centre = np.einsum("mnp,mp->mn", gone, self.beta) + _sum_of(self.groups, ~self.seen, self.m)
        return np.asarray(rng.standard_normal(centre.shape) + centre > 0, dtype=np.float64)


def _normal_equations(design: Floats, target: Floats, *, precision: float = 0.0) -> tuple[Floats, Floats]:
    """Return estimates (m, p) and the lower roots (m, p, p) of the ridged cross-products."""
    cross = np.swapaxes(design, 1, 2) @ design
    size = cross.shape[1]
    diagonal = np.arange(size)
    cross[:, diagonal, diagonal] += _RIDGE * np.maximum(cross[:, diagonal, diagonal], 1.0) + precision
    right = np.einsum("mnp,mn->mp", design, np.broadcast_to(target, design.shape[:2]))
    return np.linalg.solve(cross, right[:, :, None])[:, :, 0], np.linalg.cholesky(cross)


def _spread(root: Floats, rng: np.random.Generator) -> Floats:
    """Draw with the inverse of the cross-products as covariance."""
    z = rng.standard_normal((*root.shape[:2], 1))
    return np.asarray(np.linalg.solve(np.swapaxes(root, 1, 2), z)[:, :, 0], dtype=np.float64)


def _sum_of(groups: list[Group], rows: NDArray[np.bool_], m: int, without: Group | None = None) -> Floats:
    found = np.zeros((m, int(rows.sum())))
    for group in groups:
        if group is not without:
            found += group.effects[:, group.codes[rows]]
    return found


def _one_sided(centre: Floats, positive: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Draw standard normal values around a centre on the side of zero that the answer says."""
    sign = np.where(positive, 1.0, -1.0)
    # The tail below zero is kept away from 0 and 1, where its quantile is infinite.
    below = special.ndtr(-sign * centre)
    u = below + rng.random(centre.shape) * (1 - below)
    return np.asarray(centre + sign * special.ndtri(np.clip(u, 1e-15, 1 - 1e-15)), dtype=np.float64)
