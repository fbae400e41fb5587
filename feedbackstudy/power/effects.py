"""The effects of a factorial design as orthonormal contrasts, and the power of each F test."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import helmert

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import EffectPower
from feedbackstudy.power.noncentral import f_critical, f_power
from feedbackstudy.power.shorthand import FactorialDesign

__all__ = ["Population", "Term", "effect_power", "own_terms", "terms"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Term:
    """Contrasts of one effect.

    Attributes
    ----------
    name : str
        Factor names joined by colons, or a contrast's name.
    groups : ndarray of shape (groups, g)
        Orthonormal columns over the between-participants cells.
    occasions : ndarray of shape (occasions, q)
        Orthonormal columns over the within-participants cells.
    """

    name: str
    groups: Floats
    occasions: Floats


@dataclass(frozen=True, slots=True)
class Population:
    """What is assumed true.

    Attributes
    ----------
    means : ndarray of shape (groups, occasions)
        Cell means.
    sigma : ndarray of shape (groups, occasions, occasions)
        Covariance of the occasions in each group.
    """

    means: Floats
    sigma: Floats


def terms(plan: FactorialDesign) -> list[Term]:
    """Return the main effects and interactions, lower orders first.

    Parameters
    ----------
    plan : FactorialDesign
        The design.

    Returns
    -------
    list of Term
        One for each effect.
    """
    chosen = [c for c in product((False, True), repeat=len(plan.levels)) if any(c)]
    chosen.sort(key=lambda c: (sum(c), [not part for part in c]))
    return [
        Term(
            ":".join(name for name, part in zip(plan.names, choice, strict=True) if part),
            _kron([_columns(plan.levels[i], tested=choice[i]) for i in plan.between]),
            _kron([_columns(plan.levels[i], tested=choice[i]) for i in plan.repeated]),
        )
        for choice in chosen
    ]


def _columns(levels: int, *, tested: bool) -> Floats:
    return np.asarray(helmert(levels).T) if tested else np.full((levels, 1), 1 / math.sqrt(levels))


def _kron(parts: Sequence[Floats]) -> Floats:
    whole: Floats = np.ones((1, 1))
    for part in parts:
        whole = np.kron(whole, part).astype(np.float64)
    return whole


def own_terms(plan: FactorialDesign, contrasts: Mapping[str, ArrayLike]) -> list[Term]:
    """Return a term for each contrast of one's own.

    Parameters
    ----------
    plan : FactorialDesign
        The design.
    contrasts : mapping of str to array_like
        Weights over all cells, in the order of the means.

    Returns
    -------
    list of Term
        One column over groups and one over occasions each.

    Raises
    ------
    InputError
        For weights of the wrong length, that do not sum to 0, or that have no single error term.
    """
    found = []
    for name, weights in contrasts.items():
        given = np.asarray(weights, dtype=np.float64).ravel()
        if given.size != plan.groups * plan.occasions or abs(given.sum()) > 1e-9 or not given.any():
            raise InputError(
                f"The contrast {name!r} has the weights {given.tolist()}: give one for each of the "
                f"{plan.groups * plan.occasions} cells, not all 0, summing to 0."
            )
        left, size, right = np.linalg.svd(plan.grid(given))
        if size.size > 1 and size[1] > 1e-9 * size[0]:
            raise InputError(
                f"The contrast {name!r} is not a product of weights over groups and weights over occasions, so it has "
                "no single error term; split it into contrasts that are."
            )
        found.append(Term(name, left[:, :1], right[:1].T))
    return found


def effect_power(term: Term, truth: Population, n: Floats, *, alpha: float, correct: bool) -> EffectPower:
    """Return the power of one effect.

    Parameters
    ----------
    term : Term
        The effect.
    truth : Population
        Means and covariances.
    n : ndarray of shape (groups,)
        Participants in each group.
    alpha : float
        Significance level.
    correct : bool
        Whether degrees of freedom and noncentrality are multiplied by Box's epsilon.

    Returns
    -------
    EffectPower
        Noncentrality, degrees of freedom, power.
    """
    q = term.occasions.shape[1]
    pooled = np.tensordot((n - 1) / (n - 1).sum(), truth.sigma, 1)
    error = term.occasions.T @ pooled @ term.occasions
    mse = float(np.trace(error)) / q
    estimates = term.groups.T @ truth.means @ term.occasions
    inverse = np.linalg.inv(term.groups.T @ (term.groups / n[:, None]))
    ncp = float(np.sum(estimates * (inverse @ estimates))) / mse
    epsilon = float(np.trace(error) ** 2 / (q * np.sum(error * error)))
    factor = epsilon if correct else 1.0
    df, df2 = factor * term.groups.shape[1] * q, factor * float(n.sum() - n.size) * q
    f2 = ncp / (df2 / factor)
    return EffectPower(
        effect=term.name,
        power=float(f_power(factor * ncp, df, df2, alpha=alpha)),
        ncp=factor * ncp,
        df=df,
        df2=df2,
        critical=float(f_critical(df, df2, alpha)),
        f=math.sqrt(f2),
        partial_eta2=f2 / (1 + f2),
        epsilon=epsilon,
    )
