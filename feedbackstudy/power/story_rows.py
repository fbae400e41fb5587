"""Batched rows of people who answer to several stories each: REML with people as a random factor, and a few others.

People are many, but a person's rows enter through their sums only: cross-products, less those of the sums of all people
with as many rows, are all that the likelihood needs. So no matrix has a row for each person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.cross_products import group_sums
from feedbackstudy.power.random_rows import joint_p
from feedbackstudy.power.rows import Fits

__all__ = ["story_fit", "story_joint"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_START = 0.5
_STEP = 1e-3  # of relative standard deviations: derivatives are differences of the deviance, which is exact
_TURNS = 40
_CLOSE = 1e-6
_ZERO = 5e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Cross-products of design, dense groups and outcome, and those of people's sums by the number of their rows."""

    total: Floats
    by_size: Floats
    people: Floats
    rows: Floats
    p: int
    part: Ints
    empty: Flags

    @property
    def m(self) -> int:
        """How many groupings there are, people among them."""
        return 1 + (int(self.part.max()) + 1 if self.part.size else 0)

    @classmethod
    def of(cls, y: Floats, x: Floats, person: Ints, groups: Sequence[Ints]) -> "_Sums":
        there = np.isfinite(y) & np.isfinite(x).all(axis=2)
        dense = [np.eye(int(codes.max()) + 2)[codes][:, :-1] for codes in groups]  # -1, of none, is the last
        joined = [np.where(there[..., None], x, 0.0)]
        joined += [z * there[..., None] for z in dense]
        w = np.concatenate([*joined, np.where(there, y, 0.0)[..., None]], axis=2)
        sums = group_sums(w, person, int(person.max()) + 1)
        size = group_sums(there.astype(np.float64), person, sums.shape[1])
        sizes = np.arange(1, int(size.max()) + 1)
        held = [np.where((size == k)[..., None], sums, 0.0) for k in sizes]
        total = np.swapaxes(w, 1, 2) @ w
        part = np.repeat(np.arange(len(groups)), [z.shape[1] for z in dense])
        p = x.shape[2]
        return cls(
            total=total,
            by_size=np.stack([np.swapaxes(part_sums, 1, 2) @ part_sums for part_sums in held], axis=1),
            people=np.stack([(size == k).sum(axis=1) for k in sizes], axis=1).astype(np.float64),
            rows=there.sum(axis=1).astype(np.float64),
            p=p,
            part=part.astype(np.int64),
            empty=np.einsum("rpp->rp", total[:, :p, :p]) <= 1e-12,
        )

    def at(self, theta: Floats) -> "_Point":
        """Return the likelihood's parts where groupings have these standard deviations, relative to the residual's."""
        gamma, p = theta[:, :1] ** 2, self.p
        sizes = np.arange(1, self.people.shape[1] + 1)
        weight = gamma / (1 + sizes * gamma)
        c = self.total - np.einsum("rk,rkvw->rvw", weight, self.by_size)
        logs = (self.people * np.log1p(sizes * gamma)).sum(axis=1)
        q = self.part.size
        if q:
            root = theta[:, 1:][:, self.part]
            zz = np.eye(q) + root[:, :, None] * c[:, p : p + q, p : p + q] * root[:, None, :]
            logs = logs + np.linalg.slogdet(zz)[1]
            z = root[:, :, None] * c[:, p : p + q]
            c = c - np.swapaxes(z, 1, 2) @ np.linalg.solve(zz, z)
        xx = c[:, :p, :p] + np.eye(p) * self.empty[:, None]
        inverse = np.linalg.inv(xx)
        beta = np.einsum("rpq,rq->rp", inverse, c[:, :p, -1])
        rss = c[:, -1, -1] - np.einsum("rp,rp->r", beta, c[:, :p, -1])
        return _Point(logs + np.linalg.slogdet(xx)[1], np.maximum(rss, 1e-300), inverse, beta)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Log determinants, residual sum of squares, inverse information and coefficients."""

    logs: Floats
    rss: Floats
    inverse: Floats
    beta: Floats

    def deviance(self, df: Floats) -> Floats:
        return np.asarray(self.logs + df * np.log(self.rss))


def _offsets(m: int) -> Floats:
    """Return where derivatives look: the place, both neighbours in each direction, four for each pair of directions."""
    unit = np.eye(m)
    near = [sign * unit[j] for j in range(m) for sign in (1, -1)]
    pairs = [a * unit[j] + b * unit[k] for j in range(m) for k in range(j) for a in (1, -1) for b in (1, -1)]
    return np.array([np.zeros(m), *near, *pairs])


def _derivatives(values: Floats, m: int) -> tuple[Floats, Floats]:
    """Return gradient and Hessian from the values at `_offsets`, of shape (points, replicates)."""
    up, down = values[1 : 1 + 2 * m : 2], values[2 : 2 + 2 * m : 2]
    gradient = ((up - down) / (2 * _STEP)).T
    hessian = np.zeros((values.shape[1], m, m))
    hessian[:, np.arange(m), np.arange(m)] = ((up - 2 * values[0] + down) / _STEP**2).T
    at = 1 + 2 * m
    for j in range(m):
        for k in range(j):
            a, b, c, d = values[at : at + 4]
            hessian[:, j, k] = hessian[:, k, j] = (a - b - c + d) / (4 * _STEP**2)
            at += 4
    return gradient, hessian


def _around(sums: _Sums, theta: Floats) -> list[_Point]:
    return [sums.at(theta + _STEP * offset) for offset in _offsets(sums.m)]


def _maximised(sums: _Sums, df: Floats) -> tuple[Floats, Flags]:
    """Return relative standard deviations at the REML maximum, and which searches did not settle.

    The deviance is the same for a standard deviation and its negative, so that no bound is needed.
    """
    theta = np.full((len(df), sums.m), _START)
    active = np.ones(len(df), dtype=bool)
    for _ in range(_TURNS):
        values = np.stack([point.deviance(df) for point in _around(sums, theta)])
        gradient, hessian = _derivatives(values, sums.m)
        curve, turn = np.linalg.eigh(hessian)
        along = np.einsum("rji,rj->ri", turn, gradient)
        step = -np.einsum("rij,rj->ri", turn, along / np.maximum(np.abs(curve), 1e-3))
        step = np.clip(step, -0.4, 0.4)
        saddle = (np.abs(step).max(axis=1) <= 1e-3) & (
            curve[:, 0] < -1e-3
        )  # as where a deviation is 0 that should not be
        step = np.where(saddle[:, None], 0.1 * turn[:, :, 0], step) * active[:, None]
        theta = _shortened(sums, theta, step, df=df, now=values[0])
        active &= np.abs(step).max(axis=1) > _CLOSE
        if not active.any():
            break
    return np.abs(theta), active


def _shortened(sums: _Sums, theta: Floats, step: Floats, *, df: Floats, now: Floats) -> Floats:
    for _ in range(12):
        worse = sums.at(theta + step).deviance(df) > now + 1e-9 * np.abs(now)
        if not worse.any():
            break
        step = np.where(worse[:, None], step / 2, step)
    return np.asarray(theta + step)


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A model at its maximum."""

    theta: Floats
    df: Floats
    rows: Floats
    points: list[_Point]
    failed: Flags

    @classmethod
    def of(
        cls, y: Floats, x: Floats, used: Flags, person: Ints, groups: Sequence[Ints], theta: Floats | None
    ) -> "_Fitted":
        sums = _Sums.of(y, x, person, groups)
        df = sums.rows - sums.p + sums.empty.sum(axis=1)
        xx = sums.total[:, : sums.p, : sums.p] + np.eye(sums.p) * sums.empty[:, None]
        scale = np.sqrt(np.einsum("rpp->rp", xx))
        lost = np.linalg.eigvalsh(xx / scale[:, :, None] / scale[:, None, :])[:, 0] < 1e-10
        failed = lost | (df < 1) | (sums.empty & used).any(axis=1)
        sums.total[lost, : sums.p, : sums.p] += np.eye(sums.p)  # no longer singular; its answer is not used
        safe = np.maximum(df, 1.0)
        if theta is None:
            theta, unsettled = _maximised(sums, safe)
            failed = failed | unsettled
        return cls(theta, safe, sums.rows, _around(sums, theta), failed)

    def contrast(self, weights: Floats) -> Fits:
        """Return a contrast with Satterthwaite's degrees of freedom; `weights` may differ between replicates."""
        here, m = self.points[0], self.theta.shape[1]
        rows = np.broadcast_to(weights, here.beta.shape)
        spreads = np.stack([np.einsum("rp,rpq,rq->r", rows, point.inverse, rows) for point in self.points])
        s2 = here.rss / self.df
        slope = _derivatives(spreads, m)[0] * s2[:, None]
        bent = _derivatives(np.stack([point.logs for point in self.points]), m)[1]
        push, bend = _derivatives(np.stack([point.rss for point in self.points]), m)
        free = self.theta > _ZERO
        hessian = np.zeros((len(s2), m + 1, m + 1))
        inner = bent + bend / s2[:, None, None]
        hessian[:, :m, :m] = np.where(free[:, :, None] & free[:, None, :], inner, np.eye(m))
        hessian[:, :m, m] = hessian[:, m, :m] = np.where(free, -push / s2[:, None] ** 2, 0.0)
        hessian[:, m, m] = self.df / s2**2
        aim = np.concatenate([np.where(free, slope, 0.0), spreads[0][:, None]], axis=1)
        solved = np.linalg.solve(hessian, aim[..., None])[..., 0]
        variance = s2 * spreads[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            found = variance**2 / np.einsum("ri,ri->r", aim, solved)
        found = np.where(np.isfinite(found) & (found > 0), found, self.df)
        bad = self.failed | ~(variance > 0)
        sigma = np.sqrt(s2 * (1 + (self.theta**2).sum(axis=1)))
        values = (np.einsum("rp,rp->r", here.beta, rows), np.sqrt(np.maximum(variance, 0.0)), found, sigma)
        hidden = [np.where(bad, np.nan, v) for v in values]
        return Fits(estimate=hidden[0], se=hidden[1], df=hidden[2], sigma=hidden[3], n=self.rows)


def story_fit(
    y: Floats, x: Floats, weights: Floats, groups: Sequence[Ints], *, ratio: Floats | None = None
) -> tuple[Fits, Floats]:
    r"""Fit a linear model with random intercepts of people and of a few other groupings in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design; a column that is 0 throughout may have no weight.
    weights : ndarray of shape (p,)
        Weights over the coefficients.
    groups : sequence of ndarray of shape (n,)
        The person of each row, from 0, then other groupings with few levels each; -1 where a row belongs to none.
    ratio : ndarray of shape (replicates, groupings), optional
        Standard deviations relative to the residual one that are taken as they are.

    Returns
    -------
    Fits, ndarray of shape (replicates, groupings)
        REML estimates with Satterthwaite's degrees of freedom; and the relative standard deviations.

    Notes
    -----
    With people's ratio of variances :math:`\gamma` and :math:`B_k` the cross-products of the sums of people with k
    rows, :math:`W'V^{-1}W = W'W - \sum_k \gamma/(1 + k\gamma) B_k` and
    :math:`\log|V| = \sum_k N_k \log(1 + k\gamma)`; other groupings enter by Woodbury's identity.
    """
    fitted = _Fitted.of(y, x, weights != 0, groups[0], groups[1:], ratio)
    return fitted.contrast(weights), fitted.theta


def story_joint(
    y: Floats, x: Floats, weights: Floats, groups: Sequence[Ints], *, ratio: Floats | None = None
) -> tuple[Floats, Floats]:
    """Test several contrasts at once, as `story_fit` does one.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design.
    weights : ndarray of shape (k, p)
        Weights over the coefficients, one row for each contrast.
    groups : sequence of ndarray of shape (n,)
        As for `story_fit`.
    ratio : ndarray of shape (replicates, groupings), optional
        As for `story_fit`.

    Returns
    -------
    ndarray of shape (replicates,), ndarray of shape (replicates, groupings)
        p values of Satterthwaite's F; and the relative standard deviations.
    """
    fitted = _Fitted.of(y, x, weights.any(axis=0), groups[0], groups[1:], ratio)
    return joint_p(fitted.points[0].inverse, weights, fitted.contrast), fitted.theta
