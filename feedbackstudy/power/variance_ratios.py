"""Ratios of variances of random intercepts by REML, in every replicate at once.

The largest grouping is rotated so that its part of Z'MZ is diagonal; what is left to invert is as small as the others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["At", "Held", "Rotated", "maximised"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_STEPS = 60
_CLOSE = 1e-7
_LARGEST = 1e6  # a ratio of variances beyond which no maximum is near


@dataclass(frozen=True, slots=True, eq=False)
class At:
    r"""The deviance at ratios of variances.

    Attributes
    ----------
    deviance, rss : ndarray of shape (replicates,)
        Profile deviance but for a constant, and the weighted residual sum of squares.
    trace, square : ndarray of shape (replicates, m)
        :math:`\mathrm{tr} A_{ii}` and :math:`|b_i|^2`.
    norm, bent : ndarray of shape (replicates, m, m)
        :math:`\|A_{ij}\|^2` and :math:`b_i' A_{ij} b_j`.
    """

    deviance: Floats
    rss: Floats
    trace: Floats
    square: Floats
    norm: Floats
    bent: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Rotated:
    r"""Projected cross-products, the first grouping rotated.

    Attributes
    ----------
    values : ndarray of shape (replicates, k)
        Eigenvalues of the first grouping's part of :math:`S = Z'MZ`.
    beside : ndarray of shape (replicates, k, e)
        Its products with the other groupings.
    others : ndarray of shape (replicates, e, e)
        Products of the other groupings.
    first, rest : ndarray
        :math:`Z'My` of both.
    total, df : ndarray of shape (replicates,)
        :math:`y'My`, and rows minus coefficients.
    part : ndarray of shape (e,)
        Which grouping, from 1, the others belong to.
    """

    values: Floats
    beside: Floats
    others: Floats
    first: Floats
    rest: Floats
    total: Floats
    df: Floats
    part: Ints

    @classmethod
    def of(cls, s: Floats, r: Floats, t: Floats, df: Floats, part: Ints) -> "Rotated":
        r"""Rotate the first grouping.

        Parameters
        ----------
        s, r, t : ndarray
            :math:`Z'MZ`, :math:`Z'My`, :math:`y'My`.
        df : ndarray of shape (replicates,)
            Rows minus coefficients.
        part : ndarray of shape (q,)
            Grouping of each column of Z, in order.

        Returns
        -------
        Rotated
            The same problem.
        """
        k = int((part == 0).sum())
        values, vectors = np.linalg.eigh(s[:, :k, :k])
        back = np.swapaxes(vectors, 1, 2)
        return cls(
            values.clip(min=0.0),
            back @ s[:, :k, k:],
            s[:, k:, k:],
            np.einsum("rqk,rk->rq", back, r[:, :k]),
            r[:, k:],
            t,
            df,
            part[k:],
        )

    @property
    def m(self) -> int:
        """Number of groupings."""
        return 1 + (int(self.part.max()) if self.part.size else 0)

    def of_rows(self, rows: NDArray[np.intp]) -> "Rotated":
        """Return the problem of some replicates.

        Parameters
        ----------
        rows : ndarray of int
            Their positions.

        Returns
        -------
        Rotated
            The same, for these.
        """
        return Rotated(
            self.values[rows],
            self.beside[rows],
            self.others[rows],
            self.first[rows],
            self.rest[rows],
            self.total[rows],
            self.df[rows],
            self.part,
        )

    def _solved(self, ratio: Floats) -> tuple[Floats, ...]:
        d1, d2 = ratio[:, 0], ratio[:, self.part]
        g = 1 / (1 + d1[:, None] * self.values)
        gb = g[..., None] * self.beside
        t = self.others - d1[:, None, None] * (np.swapaxes(self.beside, 1, 2) @ gb)
        c = np.eye(len(self.part)) + t * d2[:, None, :]
        inverse = np.linalg.inv(c)
        down = self.rest - d1[:, None] * np.einsum("rke,rk->re", gb, self.first)
        b2 = np.einsum("ref,rf->re", inverse, down)
        b1 = g * self.first - np.einsum("rke,re->rk", gb, d2 * b2)
        rss = self.total - d1 * np.einsum("rk,rk->r", self.first, b1) - np.einsum("re,re->r", self.rest, d2 * b2)
        rss = np.maximum(rss, 1e-300)
        logs = np.log1p(d1[:, None] * self.values).sum(axis=1) + np.linalg.slogdet(c)[1]
        return logs + self.df * np.log(rss), rss, b1, b2, g, gb, t, inverse, d2

    def deviance(self, ratio: Floats) -> Floats:
        """Return the profile deviance.

        Parameters
        ----------
        ratio : ndarray of shape (replicates, m)
            Ratios of variances.

        Returns
        -------
        ndarray of shape (replicates,)
            But for a constant.
        """
        return self._solved(ratio)[0]

    def at(self, ratio: Floats) -> At:
        """Return the deviance and what its derivatives need.

        Parameters
        ----------
        ratio : ndarray of shape (replicates, m)
            Ratios of variances.

        Returns
        -------
        At
            Of each replicate.
        """
        deviance, rss, b1, b2, g, gb, t, inverse, d2 = self._solved(ratio)
        w = -d2[..., None] * inverse
        gl, inner = g * self.values, np.swapaxes(gb, 1, 2) @ gb
        gbw = gb @ w
        a12, a22 = gb @ np.swapaxes(inverse, 1, 2), inverse @ t
        wg = w @ inner
        top = (gl**2).sum(axis=1) + 2 * np.einsum("rk,rke,rke->r", gl, gbw, gb, optimize=True)
        top = top + np.einsum("ref,rfe->r", wg, wg)
        down = np.einsum("rke,rk->re", gb, b1)
        member = np.eye(self.m)[self.part]
        m = self.m
        norm, bent = np.empty((len(rss), m, m)), np.empty((len(rss), m, m))
        norm[:, 0, 0] = top
        norm[:, 0, :] = np.where(np.arange(m) == 0, top[:, None], (a12**2).sum(axis=1) @ member)
        norm[:, :, 0] = norm[:, 0, :]
        norm[:, 1:, 1:] = (member.T @ a22**2 @ member)[:, 1:, 1:]
        bent[:, 0, :] = np.einsum("rk,rke->re", b1, a12) * b2 @ member
        bent[:, 0, 0] = (gl * b1**2).sum(axis=1) + np.einsum("re,ref,rf->r", down, w, down)
        bent[:, :, 0] = bent[:, 0, :]
        bent[:, 1:, 1:] = (member.T @ (b2[:, :, None] * a22 * b2[:, None, :]) @ member)[:, 1:, 1:]
        trace = np.einsum("ree->re", a22) @ member
        trace[:, 0] = gl.sum(axis=1) + np.einsum("ref,rfe->r", w, inner)
        square = b2**2 @ member
        square[:, 0] = (b1**2).sum(axis=1)
        return At(deviance, rss, trace, square, norm, bent)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    r"""What derivatives of the deviance need at ratios that are known, as far as it does not depend on the outcome.

    Attributes
    ----------
    ratio : ndarray of shape (replicates, m)
        Ratios of variances.
    d : ndarray of shape (replicates, q)
        The same for each column of Z.
    inverse, a : ndarray of shape (replicates, q, q)
        :math:`(I + SD)^{-1}`, and its product with S.
    logs : ndarray of shape (replicates,)
        :math:`\log|I + SD|`.
    member : ndarray of shape (q, m)
        Which grouping each column of Z belongs to.
    """

    ratio: Floats
    d: Floats
    inverse: Floats
    a: Floats
    logs: Floats
    member: Floats

    @classmethod
    def of(cls, s: Floats, part: Ints, ratio: Floats) -> "Held":
        r"""Invert once, without a rotation.

        Parameters
        ----------
        s : ndarray of shape (replicates, q, q)
            :math:`S = Z'MZ`.
        part : ndarray of shape (q,)
            Grouping of each column of Z, in order.
        ratio : ndarray of shape (replicates, m)
            Ratios of variances.

        Returns
        -------
        Held
            For any outcome.
        """
        d = ratio[:, part]
        moved = np.eye(len(part)) + s * d[:, None, :]
        inverse = np.linalg.inv(moved)
        member = np.eye(int(part.max()) + 1)[part]
        return cls(ratio, d, inverse, inverse @ s, np.linalg.slogdet(moved)[1], member)

    def at(self, r: Floats, t: Floats, df: Floats) -> At:
        r"""Return the deviance of an outcome and what its derivatives need.

        Parameters
        ----------
        r, t : ndarray
            :math:`Z'My`, :math:`y'My`.
        df : ndarray of shape (replicates,)
            Rows minus coefficients.

        Returns
        -------
        At
            As of `Rotated.at`.
        """
        b, a, member = np.einsum("rqk,rk->rq", self.inverse, r), self.a, self.member
        rss = np.maximum(t - np.einsum("rq,rq->r", r * self.d, b), 1e-300)
        return At(
            deviance=self.logs + df * np.log(rss),
            rss=rss,
            trace=np.einsum("rqq->rq", a) @ member,
            square=b**2 @ member,
            norm=member.T @ a**2 @ member,
            bent=member.T @ (b[:, :, None] * a * b[:, None, :]) @ member,
        )


def maximised(problem: Rotated, start: Floats) -> tuple[Floats, Flags]:
    """Return the ratios at the REML maximum, bounded at 0.

    Parameters
    ----------
    problem : Rotated
        Of all replicates.
    start : ndarray of shape (replicates, m)
        Where to begin.

    Returns
    -------
    ndarray of shape (replicates, m), ndarray of bool
        Ratios, and where no maximum was found.
    """
    ratio, active = start.copy(), np.arange(len(start))
    lost = np.zeros(len(start), dtype=bool)
    part = problem
    for _ in range(_STEPS):
        at = part.at(ratio[active])
        squares = at.square / at.rss[:, None]
        df = part.df[:, None]
        gradient = at.trace - df * squares
        hessian = -at.norm + df[..., None] * (
            2 * at.bent / at.rss[:, None, None] - squares[:, :, None] * squares[:, None, :]
        )
        free = (ratio[active] > 0) | (gradient < 0)
        moved = _backtracked(part, ratio[active], _direction(gradient, hessian, free), at.deviance)
        going = (np.abs(moved - ratio[active]) > _CLOSE * (1e-2 + np.abs(moved))).any(axis=1)
        ratio[active] = moved
        lost[active] = (moved >= _LARGEST).any(axis=1)
        kept = np.flatnonzero(going & ~lost[active])
        active, part = active[kept], part.of_rows(kept)
        if not active.size:
            break
    lost[active] = True
    return ratio, lost


def _direction(gradient: Floats, hessian: Floats, free: Flags) -> Floats:
    """Return Newton steps where the Hessian is positive definite, else scaled steps downhill; 0 where held at 0."""
    m = gradient.shape[1]
    held = np.where(free[:, :, None] & free[:, None, :], hessian, np.eye(m))
    values, vectors = np.linalg.eigh(held)
    safe = np.maximum(np.abs(values), 1e-8 * np.maximum(np.abs(values).max(axis=1), 1e-8)[:, None])
    toward = np.einsum("rij,rj->ri", np.swapaxes(vectors, 1, 2), np.where(free, gradient, 0.0)) / safe
    return np.asarray(-np.einsum("rij,rj->ri", vectors, toward))


def _backtracked(problem: Rotated, now: Floats, step: Floats, deviance: Floats) -> Floats:
    """Shorten steps, along the path that bends at 0, until the deviance does not rise."""
    bound = np.maximum(0.5, 4 * now)
    step = step / np.maximum(1.0, np.abs(step / bound).max(axis=1))[:, None]
    moved = np.clip(now + step, 0.0, _LARGEST)
    todo = np.arange(len(now))
    for _ in range(20):
        found = problem.of_rows(todo).deviance(moved[todo])
        todo = todo[found > deviance[todo] + 1e-9 * np.abs(deviance[todo])]
        if not todo.size:
            break
        step[todo] /= 3
        moved[todo] = np.clip(now[todo] + step[todo], 0.0, _LARGEST)
    return moved
