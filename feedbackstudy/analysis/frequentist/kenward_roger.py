"""Small-sample covariance and degrees of freedom of fixed effects after Kenward and Roger."""

from collections.abc import Sequence

import numpy as np
from scipy import special

from feedbackstudy.analysis.frequentist.cell_fit import ContrastFit, JointTest
from feedbackstudy.analysis.frequentist.mixed_structure import Floats
from feedbackstudy.analysis.frequentist.reml import MixedFit
from feedbackstudy.errors import DataError

__all__ = ["KenwardRoger", "independent_rows"]


class KenwardRoger:
    r"""Tests of the fixed effects of a mixed model by Kenward and Roger's adjustment.

    Parameters
    ----------
    fit : MixedFit
        The model, by REML.

    Raises
    ------
    DataError
        For a fit by maximum likelihood, for which the adjustment was not derived.

    Notes
    -----
    Kenward & Roger (1997), Biometrics 53, 983-997:
    :math:`\Phi_A = \Phi + 2\Phi\{\sum_{rs}W_{rs}(Q_{rs} - P_r\Phi P_s)\}\Phi` with W the inverse of the expected
    information of the variances; :math:`F = \frac{\lambda}{q}(L\beta)'(L\Phi_AL')^{-1}(L\beta)` with m and
    :math:`\lambda` from matching two moments, as in Halekoh & Højsgaard (2014), Journal of Statistical Software 59(9).
    Covariances enter linearly, so the term in their second derivatives vanishes.
    """

    name = "Kenward-Roger"

    def __init__(self, fit: MixedFit) -> None:
        if not fit.reml:
            raise DataError("Kenward-Roger needs a fit by REML; this one is by maximum likelihood.")
        self.fit = fit
        at = fit.curvature
        values, vectors = np.linalg.eigh(at.expected)
        used = values > 1e-10 * values[-1]
        self._spread = 2 * (vectors[:, used] / values[used]) @ vectors[:, used].T
        pulled = at.first @ at.inverse
        middle = at.second - np.einsum("rij,sjk->rsik", pulled, at.first)
        total = np.tensordot(self._spread, middle, 2)
        adjusted = at.inverse + 2 * at.inverse @ total @ at.inverse
        self._adjusted = fit.scale**2 * fit.basis @ ((adjusted + adjusted.T) / 2) @ fit.basis.T

    @property
    def covariance(self) -> Floats:
        """Adjusted covariance of the fixed effects."""
        return self._adjusted

    def df(self, weights: Floats) -> float:
        """Return the degrees of freedom of one contrast of the fixed effects.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Weights over the fixed effects.

        Returns
        -------
        float
            Kenward and Roger's.
        """
        return self._moments(weights)[0]

    def dfs(self, weights: Floats) -> Floats:
        """Return the degrees of freedom of each of several contrasts on its own.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights over the fixed effects.

        Returns
        -------
        ndarray, shape (contrasts,)
            Kenward and Roger's.
        """
        return np.array([self.df(row) for row in weights])

    def joints(self, hypotheses: Sequence[Floats]) -> tuple[JointTest, ...]:
        """Test several hypotheses, each on its own.

        Parameters
        ----------
        hypotheses : sequence of ndarray, shape (contrasts, p) each
            Weights of each.

        Returns
        -------
        tuple of JointTest
            What `joint` returns for each.
        """
        return tuple(map(self.joint, hypotheses))

    def contrast(self, weights: Floats) -> ContrastFit:
        """Test one contrast.

        Parameters
        ----------
        weights : ndarray, shape (p,)
            Weights over the fixed effects.

        Returns
        -------
        ContrastFit
            Estimate, adjusted standard error and degrees of freedom.
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
        return self._moments(weights)[0]

    def joint_scale(self, weights: Floats) -> float:
        """Return what the Wald statistic over its rank is multiplied by.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights; rows may depend on each other.

        Returns
        -------
        float
            Kenward and Roger's lambda.
        """
        return self._moments(weights)[1]

    def joint(self, weights: Floats) -> JointTest:
        """Test several contrasts at once.

        Parameters
        ----------
        weights : ndarray, shape (contrasts, p)
            Weights; rows may depend on each other.

        Returns
        -------
        JointTest
            Scaled F with its degrees of freedom.
        """
        rows = independent_rows(weights)
        estimate = rows @ self.fit.beta
        df2, scale = self._moments(rows)
        rank = rows.shape[0]
        f = scale * float(estimate @ np.linalg.solve(rows @ self.covariance @ rows.T, estimate)) / rank
        p = special.chdtrc(rank, f * rank) if np.isinf(df2) else special.fdtrc(rank, df2, f)
        return JointTest(f=f, df=float(rank), df2=df2, p=float(p))

    def _moments(self, weights: Floats) -> tuple[float, float]:
        """Match mean and variance of the Wald statistic to a scaled F."""
        at, rows = self.fit.curvature, independent_rows(weights) @ self.fit.basis
        q = rows.shape[0]
        spread = at.inverse @ rows.T
        theta = spread @ np.linalg.solve(rows @ spread, spread.T)
        each = theta @ at.first
        traces = np.trace(each, axis1=1, axis2=2)
        a1 = float(traces @ self._spread @ traces)
        a2 = float(np.sum(self._spread * np.einsum("rij,sji->rs", each, each)))
        if a2 <= 1e-14:
            return float("inf"), 1.0
        if q == 1:  # a1 = a2, and the general form below is 0 / 0 at a2 = 1/2 and a2 = 1
            return 2 / a2, 1.0
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        below = 3 * q + 2 * (1 - g)
        c1, c2, c3 = g / below, (q - g) / below, (q + 2 - g) / below
        kept = 1 - a2 / q  # over the mean of F
        v0, v1, v2 = 1 + c1 * b, 1 - c2 * b, 1 - c3 * b
        v0 = 0.0 if abs(v0) < 1e-10 else v0
        if v2 == 0:  # the ratio of the variances has no bound
            return 4.0, 2 * kept
        ratio = _ratio(kept, v1) ** 2 * v0 / v2 / q
        m = 4 + (q + 2) / (q * ratio - 1)
        return float(m), float(m * kept / (m - 2))


def _ratio(above: float, below: float) -> float:
    return 1.0 if abs(above) < 1e-14 and abs(below) < 1e-14 else above / below


def independent_rows(weights: Floats) -> Floats:
    """Return orthonormal rows that span the given ones.

    Parameters
    ----------
    weights : ndarray, shape (contrasts, k)
        Rows, perhaps dependent.

    Returns
    -------
    ndarray, shape (rank, k)
        A single row is returned as it is.
    """
    rows = np.atleast_2d(weights)
    if rows.shape[0] == 1:
        return rows
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    made: Floats = right[sizes > 1e-10 * sizes[0]]
    return made
