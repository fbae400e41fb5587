"""Corrections for non-normality: sandwich covariances, and the traces that scale a test.

With the moments' weight W, their derivatives D in the free parameters and distribution-free covariance Gamma:
``E = (D'WD)^-1`` and ``U = W - W D E D' W``. Mean correction tr(U Gamma)/df (Satorra & Bentler, 1994); scaled and
shifted
test (Asparouhov & Muthen, 2010); for likelihoods with casewise scores ``[tr(A1^-1 B1) - tr(A0^-1 B0)]/df``
(Yuan & Bentler, 2000, Mplus variant).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from feedbackstudy.psychometrics.cfa.estimators import TestKind
from feedbackstudy.psychometrics.cfa.leastsquares import weighted

__all__ = ["Block", "Blocks", "Test", "scale_test", "standard_test"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One group's part of the correction.

    Attributes
    ----------
    share : float
        Weight of the group.
    W : ndarray of shape (r, r) or (r,)
        Weight of the moments.
    D : ndarray of shape (r, q)
        Derivatives of the moments in the free parameters.
    G : ndarray of shape (r, r)
        Distribution-free covariance of sqrt(n) times the moments.
    """

    share: float
    W: Floats
    D: Floats
    G: Floats


@dataclass(frozen=True, eq=False)
class Blocks:
    """All groups' parts, and what follows from them.

    Attributes
    ----------
    parts : sequence of Block
        One a group.
    """

    parts: Sequence[Block]

    @cached_property
    def WD(self) -> list[Floats]:  # noqa: N802
        """W D by group."""
        return [weighted(b.W, b.D) for b in self.parts]

    @cached_property
    def E(self) -> Floats:  # noqa: N802
        """(D'WD)^-1."""
        total = sum((b.share * b.D.T @ wd for b, wd in zip(self.parts, self.WD, strict=True)), start=np.zeros(()))
        return np.asarray(np.linalg.inv(total))

    @cached_property
    def meat(self) -> Floats:
        """D'W Gamma W D."""
        return np.asarray(
            sum((b.share * wd.T @ b.G @ wd for b, wd in zip(self.parts, self.WD, strict=True)), start=np.zeros(()))
        )

    @property
    def covariance(self) -> Floats:
        """Sandwich covariance of sqrt(n) times the free parameters."""
        return np.asarray(self.E @ self.meat @ self.E)

    @cached_property
    def trace(self) -> float:
        """tr(U Gamma)."""
        first = sum(float(np.sum(weighted(b.W, b.G) * np.eye(len(b.G)))) for b in self.parts)
        return first - float(np.sum(self.E * self.meat))

    @cached_property
    def product(self) -> Floats:
        """U Gamma over all groups."""
        WD = np.vstack([b.share * wd for b, wd in zip(self.parts, self.WD, strict=True)])
        right = np.hstack([wd.T @ b.G for b, wd in zip(self.parts, self.WD, strict=True)])
        out = -WD @ self.E @ right
        at = 0
        for b in self.parts:
            r = len(b.G)
            out[at : at + r, at : at + r] += weighted(b.W, b.G)
            at += r
        return np.asarray(out)

    @cached_property
    def residual_covariances(self) -> list[Floats]:
        """Return each group's covariance of sqrt(n_g) times its residual moments."""
        found = []
        for part, wd in zip(self.parts, self.WD, strict=True):
            DE = part.D @ self.E
            cross = DE @ (wd.T @ part.G) * part.share
            found.append(part.G - cross - cross.T + part.share * DE @ self.meat @ DE.T)
        return found

    @cached_property
    def trace_squared(self) -> float:
        """tr(U Gamma U Gamma)."""
        return float(np.sum(self.product * self.product.T))


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A chi-square test of fit.

    Attributes
    ----------
    chisq, df : float
        Uncorrected.
    scaled, df_scaled : float
        Corrected; the same as uncorrected for a standard test.
    factor : float
        Scaling factor, as lavaan prints it.
    shift : float
        Shift of a scaled and shifted test.
    mean_factor : float
        tr(U Gamma)/df, which the robust indices use.
    kind : str
        Kind of test.
    """

    __test__ = False

    chisq: float
    df: float
    scaled: float
    df_scaled: float
    factor: float = 1.0
    shift: float = 0.0
    mean_factor: float = 1.0
    kind: TestKind = "standard"

    @property
    def p(self) -> float:
        """Probability of a larger uncorrected value."""
        return float(chdtrc(self.df, self.chisq)) if self.df > 0 else float("nan")

    @property
    def p_scaled(self) -> float:
        """Probability of a larger corrected value."""
        return float(chdtrc(self.df_scaled, self.scaled)) if self.df_scaled > 0 else float("nan")


def standard_test(chisq: float, df: float) -> Test:
    """Return an uncorrected test.

    Parameters
    ----------
    chisq, df : float
        Statistic and degrees of freedom.

    Returns
    -------
    Test
        Corrected and uncorrected values are the same.
    """
    return Test(chisq=chisq, df=df, scaled=chisq, df_scaled=df)


def scale_test(chisq: float, df: float, kind: TestKind, *, trace: float, trace_squared: float = float("nan")) -> Test:
    """Correct a test.

    Parameters
    ----------
    chisq, df : float
        Uncorrected test.
    kind : str
        Kind of correction.
    trace, trace_squared : float
        tr(U Gamma) and tr(U Gamma U Gamma).

    Returns
    -------
    Test
        The corrected test; standard where there are no degrees of freedom.
    """
    if df <= 0 or kind == "standard":
        return standard_test(chisq, df)
    c = trace / df
    if kind in {"mean", "yuan_bentler"}:
        return Test(chisq=chisq, df=df, scaled=chisq / c, df_scaled=df, factor=c, mean_factor=c, kind=kind)
    if kind == "mean_variance":
        wide = trace * trace / trace_squared
        factor = trace / wide
        return Test(chisq=chisq, df=df, scaled=chisq / factor, df_scaled=wide, factor=factor, mean_factor=c, kind=kind)
    a = float(np.sqrt(df / trace_squared))
    shift = df - float(np.sqrt(df * trace * trace / trace_squared))
    return Test(
        chisq=chisq, df=df, scaled=a * chisq + shift, df_scaled=df, factor=1 / a, shift=shift, mean_factor=c, kind=kind
    )
