"""Likelihood ratio tests of random terms: is a variance between levels needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed, orthonormal

__all__ = ["RandomTest", "random_tests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomTest:
    """A model without one random term against the full one.

    Attributes
    ----------
    factor, term : str
        What was left out: ``"1"`` is the intercept.
    log_likelihood, aic : float
        Of the model without it.
    statistic : float
        Twice the difference of log likelihoods.
    df : int
        Parameters left out.
    p : float
        From chi square; too large, as a variance cannot be negative.
    p_boundary : float
        From the mixture of chi squares that holds when one variance is zero.
    """

    factor: str
    term: str
    log_likelihood: float
    aic: float
    statistic: float
    df: int
    p: float
    p_boundary: float


def random_tests(y: Floats, X: Floats, factors: Sequence[RandomFactor], *, reml: bool = True) -> tuple[RandomTest, ...]:
    r"""Leave out one random term after the other.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns; the same in all models, so REML likelihoods compare.
    factors : sequence of RandomFactor
        Random effects.
    reml : bool, default True
        Restricted likelihood.

    Returns
    -------
    tuple of RandomTest
        One for each slope, and for the intercept of a factor that has no slope or no correlation.

    Notes
    -----
    As ``lmerTest::ranova``. The p of the mixture is half that of chi square on df - 1 plus half that on df degrees of
    freedom (Stram & Lee, 1994, Biometrics 50, 1171-1177), with chi square on zero being zero.
    """
    full = fit_mixed(y, X, factors, reml=reml)
    found = []
    for k, factor in enumerate(factors):
        for at, term in enumerate(factor.terms):
            if factor.correlated and term == "1":
                continue
            rest = [*factors[:k], *_without(factor, at), *factors[k + 1 :]]
            lost = len(factor.terms) if factor.correlated else 1
            value = fit_mixed(y, X, rest, reml=reml).log_likelihood if rest else _no_random(y, X, reml=reml)
            statistic = float(max(2 * (full.log_likelihood - value), 0.0))
            p = float(special.chdtrc(lost, statistic))
            below = float(special.chdtrc(lost - 1, statistic)) if lost > 1 else float(statistic <= 0)
            found.append(
                RandomTest(
                    factor=factor.name,
                    term=term,
                    log_likelihood=value,
                    aic=2 * (full.parameters - lost) - 2 * value,
                    statistic=statistic,
                    df=lost,
                    p=p,
                    p_boundary=(below + p) / 2,
                )
            )
    return tuple(found)


def _without(factor: RandomFactor, at: int) -> list[RandomFactor]:
    keep = [i for i in range(len(factor.terms)) if i != at]
    if not keep:
        return []
    return [
        replace(
            factor,
            design=factor.design[:, keep],
            terms=tuple(factor.terms[i] for i in keep),
            correlated=factor.correlated and len(keep) > 1,
        )
    ]


def _no_random(y: Floats, X: Floats, *, reml: bool) -> float:
    n, p = X.shape
    q, r = orthonormal(X)
    residual = y - q @ (q.T @ y)
    df = n - p * reml
    deviance = df * float(1 + np.log(2 * np.pi * float(residual @ residual) / df))
    return float(-(deviance + 2 * reml * np.log(np.abs(np.diag(r))).sum()) / 2)
