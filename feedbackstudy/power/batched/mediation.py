"""Indirect effects: simple, parallel, serial and moderated mediation from batched cross-products."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import made
from feedbackstudy.power.batched.paths import IndirectEffect, MediationPower, Paths
from feedbackstudy.power.noncentral import t_critical
from feedbackstudy.power.solving import probability, whole

__all__ = ["mediation"]

type Floats = NDArray[np.float64]

_DRAWS = 1000
_CHUNK = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Legs:
    """Coefficients and standard errors of every equation in one group: shape (reps, variables, variables)."""

    estimate: Floats
    se: Floats
    df: Floats


def mediation(
    paths: Paths | Sequence[Paths],
    n: int | Sequence[int],
    *,
    cause: Literal["binary", "normal"] = "binary",
    names: Sequence[str] = (),
    alpha: float = 0.05,
    reps: int = 10_000,
    seed: int,
) -> MediationPower:
    r"""Compute the power of every indirect effect of a path model, moderated where several groups are given.

    Parameters
    ----------
    paths : Paths or sequence of Paths
        Standardised coefficients, in one population or in each group of a moderator.
    n : int or sequence of int
        Participants, in each group.
    cause : {"binary", "normal"}
        Two equal arms, fixed, or a normal variable.
    names : sequence of str
        Names of the variables; ``x``, ``m1`` ..., ``y`` by default.
    alpha : float, default 0.05
        Two-sided level.
    reps : int, default 10000
        Replicates.
    seed : int
        Seed of the draws.

    Returns
    -------
    MediationPower
        Joint significance and Monte-Carlo interval for each path.

    Raises
    ------
    InputError
        For paths that explain more than all variance, or numbers that do not fit.

    Notes
    -----
    Cross-products are drawn in Cholesky form (Bartlett), each variable being regressed on all before it. Joint
    significance: MacKinnon et al. (2002). The Monte-Carlo interval (MacKinnon, Lockwood & Williams 2004) excludes 0
    where the share of products below 0 does not lie in [alpha/2, 1 - alpha/2]; with independent normal legs that share
    is :math:`(1 - \prod (1 - 2 p_i))/2`, :math:`p_i = \Phi(-\hat\theta_i / s_i)`, as if draws were infinitely many.
    """
    groups = (paths,) if isinstance(paths, Paths) else tuple(paths)
    sizes = (n,) * len(groups) if isinstance(n, int) else tuple(n)
    labels = _names(groups, names)
    _check(groups, sizes, cause=cause, alpha=alpha, reps=reps)
    rng = np.random.default_rng(seed)
    crosses = [_draw(g, size, cause=cause, reps=reps, rng=rng) for g, size in zip(groups, sizes, strict=True)]
    legs = _regress(crosses, sizes)
    routes = groups[0].indirect()
    several = len(groups) > 1
    rows = [
        _effect(g, leg, route, label=_label(labels, route) + (f", group {i + 1}" if several else ""), alpha=alpha)
        for i, (g, leg) in enumerate(zip(groups, legs, strict=True))
        for route in routes
    ]
    if several:
        rows += [
            _difference(groups, legs, route, label=_label(labels, route), alpha=alpha, rng=rng) for route in routes
        ]
    told = "all residual variances pooled over groups; differences are last minus first group" if several else ""
    return MediationPower(
        effects=tuple(rows),
        n=sum(sizes),
        alpha=alpha,
        engine=f"batched cross-products, {reps:,} replicates",
        replicates=reps,
        provenance=made(
            "mediation",
            (
                f"standardised paths; cause {cause}; each variable on all before it",
                "joint significance: every leg's t test; Monte-Carlo interval: normal legs",
                *filter(None, [told]),
            ),
            seed=seed,
        ),
    )


def _names(groups: tuple[Paths, ...], names: Sequence[str]) -> tuple[str, ...]:
    if not groups:
        raise InputError("No path model is given: give a Paths, or one for each group of a moderator.")
    size = len(groups[0].rows) + 1
    found = tuple(names) or ("x", *(f"m{i}" for i in range(1, size - 1)), "y")
    if len(found) != size or len({len(g.rows) for g in groups}) != 1:
        raise InputError(
            f"The path models need {size} names and the same variables in every group; given {list(found)}."
        )
    return found


def _check(groups: tuple[Paths, ...], sizes: tuple[int, ...], *, cause: str, alpha: float, reps: int) -> None:
    if len(sizes) != len(groups):
        raise InputError(f"n has {len(sizes)} values for {len(groups)} groups; give one for each.")
    for size in sizes:
        whole("n", size, least=len(groups[0].rows) + 3, unit="participants in each group")
    if cause not in ("binary", "normal"):
        raise InputError(choices("The cause", cause, ("binary", "normal")))
    probability("alpha", alpha)
    whole("reps", reps, least=2)


def _draw(group: Paths, n: int, *, cause: str, reps: int, rng: np.random.Generator) -> Floats:
    """Return Cholesky factors of the centred cross-products, shape (reps, variables, variables)."""
    coefficients, spread = group.matrix, np.sqrt(group.residuals())
    size = len(coefficients)
    factor = np.zeros((reps, size, size))
    factor[:, 0, 0] = math.sqrt(n) if cause == "binary" else np.sqrt(rng.chisquare(n - 1, reps))
    for i in range(1, size):
        factor[:, i, :i] = np.einsum("k,rkj->rj", coefficients[i, :i], factor[:, :i, :i])
        factor[:, i, :i] += spread[i] * rng.standard_normal((reps, i))
        factor[:, i, i] = spread[i] * np.sqrt(rng.chisquare(n - 1 - i, reps))
    return factor


def _regress(factors: list[Floats], sizes: tuple[int, ...]) -> list[_Legs]:
    size = factors[0].shape[1]
    df = np.array([sum(sizes) - len(sizes) * (1 + i) for i in range(size)], dtype=np.float64)
    variance = sum(np.einsum("rii->ri", f) ** 2 for f in factors) / np.maximum(df, 1.0)
    found = []
    for factor in factors:
        inverse = np.linalg.inv(factor)
        estimate, se = np.zeros_like(factor), np.full_like(factor, np.nan)
        for i in range(1, size):
            # The leading block of a lower triangular inverse is the inverse of the leading block.
            block = inverse[:, :i, :i]
            estimate[:, i, :i] = np.einsum("rj,rjk->rk", factor[:, i, :i], block)
            se[:, i, :i] = np.sqrt(variance[:, i, None] * (block**2).sum(axis=1))
        found.append(_Legs(estimate, se, df))
    return found


def _along(values: Floats, route: tuple[int, ...]) -> Floats:
    """Return the legs of a route, shape (reps, legs)."""
    return values[:, list(route[1:]), list(route[:-1])]


def _truth(group: Paths, route: tuple[int, ...]) -> float:
    return float(_along(group.matrix[None], route).prod())


def _label(names: tuple[str, ...], route: tuple[int, ...]) -> str:
    return " > ".join(names[i] for i in route)


def _effect(group: Paths, legs: _Legs, route: tuple[int, ...], *, label: str, alpha: float) -> IndirectEffect:
    estimate, se = _along(legs.estimate, route), _along(legs.se, route)
    bounds = t_critical(legs.df[list(route[1:])], alpha)
    joint = (np.abs(estimate) > bounds * se).all(axis=1)
    below = (1 - np.prod(1 - 2 * special.ndtr(-estimate / se), axis=1)) / 2
    excludes = (below < alpha / 2) | (below > 1 - alpha / 2)
    return _summary(label, _truth(group, route), estimate.prod(axis=1), excludes, joint)


def _difference(
    groups: tuple[Paths, ...],
    legs: list[_Legs],
    route: tuple[int, ...],
    *,
    label: str,
    alpha: float,
    rng: np.random.Generator,
) -> IndirectEffect:
    first, last = legs[0], legs[-1]
    draws = rng.standard_normal((2, _DRAWS, len(route) - 1))
    sides = [(_along(g.estimate, route), _along(g.se, route)) for g in (first, last)]
    below = np.empty(len(first.estimate))
    for start in range(0, len(below), _CHUNK):
        rows = slice(start, start + _CHUNK)
        products = [
            np.prod([e[rows, leg, None] + s[rows, leg, None] * z[:, leg] for leg in range(z.shape[1])], axis=0)
            for (e, s), z in zip(sides, draws, strict=True)
        ]
        below[rows] = (products[1] < products[0]).mean(axis=1)
    excludes = (below < alpha / 2) | (below > 1 - alpha / 2)
    truth = _truth(groups[-1], route) - _truth(groups[0], route)
    estimate = sides[1][0].prod(axis=1) - sides[0][0].prod(axis=1)
    return _summary(f"{label}, difference", truth, estimate, excludes, None)


def _summary(
    label: str, truth: float, estimate: Floats, excludes: NDArray[np.bool_], joint: NDArray[np.bool_] | None
) -> IndirectEffect:
    reps = len(estimate)
    interval, both = float(excludes.mean()), None if joint is None else float(joint.mean())
    wrong = np.sign(estimate[excludes]) != np.sign(truth)
    return IndirectEffect(
        path=label,
        truth=truth,
        power_joint=both,
        power_interval=interval,
        mcse_joint=None if both is None else math.sqrt(both * (1 - both) / reps),
        mcse_interval=math.sqrt(interval * (1 - interval) / reps),
        bias=float(estimate.mean()) - truth,
        rmse=math.sqrt(float(((estimate - truth) ** 2).mean())),
        wrong_sign=float(wrong.mean()) if wrong.size and truth else math.nan,
    )
