"""Degrees of freedom of fixed effects after Satterthwaite, for t and F, in linear mixed models."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from feedbackstudy.analysis.frequentist.cell_fit import ContrastFit, JointTest, single_tests
from feedbackstudy.analysis.frequentist.mixed_pieces import positive_inverse
from feedbackstudy.analysis.frequentist.mixed_structure import Floats
from feedbackstudy.analysis.frequentist.reml import MixedFit

__all__ = ["Satterthwaite"]


_FLAT = 1e-8  # curvature of the deviance below which a direction is at a bound, and carries no information


class _Derivatives(NamedTuple):
    stacked: Floats
    """Covariance of the orthonormal coefficients, then its derivatives by the variance parameters."""
    covariance: Floats
    """Of the variance parameters."""


class Satterthwaite:
    r"""Tests of the fixed effects of a mixed model with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    fit : MixedFit
        The model.

    Notes
    -----
    :math:`\nu = 2 v^2 / (g' A g)` for a contrast with variance v, whose gradient by the variance parameters is g, and
    A their covariance, twice the inverse of the Hessian of the deviance. Parameters are the relative covariance
    factors and the residual standard deviation as in Kuznetsova, Brockhoff & Christensen (2017), Journal of Statistical
    Software 82(13); so a variance of zero does not enter. Several contrasts: Fai & Cornelius (1996), Journal of
    Statistical Computation and Simulation 54, 363-378, on the independent contrasts of the eigenvectors.
    """

    name = "Satterthwaite"

    def __init__(self, fit: MixedFit) -> None:
        self.fit = fit
        at = fit.curvature
        inner = at.inverse @ at.first @ at.inverse
        gradient = (at.jacobian.T @ inner.reshape(len(inner), -1)).reshape(inner.shape)
        self._at = _Derivatives(np.concatenate([at.inverse[None], gradient]), 2 * _inverse(at.hessian))

    @property
    def covariance(self) -> Floats:
        """Covariance of the fixed effects that the tests use."""
        return self.fit.covariance

    def df(self, weights: Floats) -> float:
        """Return the degrees of freedom of one contrast of the fixed effects.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Weights over the fixed effects.

        Returns
        -------
        float
            Satterthwaite's.
        """
        return float(self.dfs(weights[None])[0])

    def dfs(self, weights: Floats) -> Floats:
        """Return the degrees of freedom of each of several contrasts on its own.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights over the fixed effects.

        Returns
        -------
        ndarray, shape (contrasts,)
            Satterthwaite's.
        """
        turned = weights @ self.fit.basis
        forms = ((turned @ self._at.stacked) * turned).sum(axis=2)
        slopes = forms[1:]
        spread = ((self._at.covariance @ slopes) * slopes).sum(axis=0)
        with np.errstate(divide="ignore"):
            made: Floats = np.where(spread > 0, 2 * forms[0] ** 2 / spread, np.inf)
        return made

    def joints(self, hypotheses: Sequence[Floats]) -> tuple[JointTest, ...]:
        """Test several hypotheses, each on its own; all that are a single contrast go through one pass.

        Parameters
        ----------
        hypotheses : sequence of ndarray, shape (contrasts, p) each
            Weights of each.

        Returns
        -------
        tuple of JointTest
            What `joint` returns for each.
        """
        if hypotheses and all(len(rows) == 1 for rows in hypotheses):
            rows = np.concatenate(hypotheses)
            return single_tests(rows, self.fit.beta, self.covariance, self.dfs(rows))
        return tuple(self.joint(rows) for rows in hypotheses)

    def contrast(self, weights: Floats) -> ContrastFit:
        """Test one contrast.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Weights over the fixed effects.

        Returns
        -------
        ContrastFit
            Estimate, standard error and degrees of freedom.
        """
        se = float(np.sqrt(weights @ self.covariance @ weights))
        return ContrastFit(estimate=float(weights @ self.fit.beta), se=se, df=self.df(weights))

    def joint_df(self, weights: Floats) -> float:
        """Return the denominator degrees of freedom of several contrasts.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights; rows may depend on each other.

        Returns
        -------
        float
            Of F.
        """
        if np.ndim(weights) == 1 or len(weights) == 1:
            return self.df(np.ravel(weights))
        rotated, _ = self._independent(weights)
        single = self.dfs(rotated)
        if single.size == 1:
            return float(single[0])
        if np.ptp(single) < 1e-8:
            return float(single.mean())
        above = single[single > 2]
        expected = float(np.sum(above / (above - 2)))
        return 2 * expected / (expected - single.size) if expected > single.size else 2.0

    def joint_scale(self, weights: Floats) -> float:  # noqa: ARG002
        """Return what the Wald statistic over its rank is multiplied by: nothing.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights.

        Returns
        -------
        float
            One.
        """
        return 1.0

    def joint(self, weights: Floats) -> JointTest:
        """Test several contrasts at once.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights; rows may depend on each other.

        Returns
        -------
        JointTest
            F with its degrees of freedom.
        """
        rotated, variances = self._independent(weights)
        rank = variances.size
        f = float(np.sum((rotated @ self.fit.beta) ** 2 / variances)) / rank
        df2 = self.joint_df(weights)
        p = special.chdtrc(rank, f * rank) if np.isinf(df2) else special.fdtrc(rank, df2, f)
        return JointTest(f=f, df=float(rank), df2=df2, p=float(p))

    def _independent(self, weights: Floats) -> tuple[Floats, Floats]:
        rows = np.atleast_2d(weights)
        variances, vectors = np.linalg.eigh(rows @ self.covariance @ rows.T)
        used = variances > 1e-8 * max(float(variances.max()), 0.0)
        return vectors[:, used].T @ rows, variances[used]


def _inverse(hessian: Floats) -> Floats:
    """Return the inverse over the directions in which the deviance is not flat; all of them where it is steep."""
    found = positive_inverse(hessian)
    if found is not None and float(np.abs(found[0]).sum()) * _FLAT < 1:
        return found[0]
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    used = values > _FLAT
    made: Floats = (vectors[:, used] / values[used]) @ vectors[:, used].T
    return made
