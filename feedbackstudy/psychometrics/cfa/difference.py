"""Chi-square difference tests of nested models.

Plain; Satorra & Bentler (2001); Satorra & Bentler (2010), which cannot turn negative; Satorra (2000), scaled and
shifted, for estimators whose test is so (WLSMV, MLMV).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space
from scipy.special import chdtrc

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.cfa.evaluation import collect
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood, Moments, log_determinant
from feedbackstudy.psychometrics.cfa.optimise import minimise

__all__ = ["METHODS", "Difference", "difference"]

type Floats = NDArray[np.float64]
type Method = Literal["auto", "standard", "satorra_bentler_2001", "satorra_bentler_2010", "satorra_2000"]

METHODS = ("auto", "standard", "satorra_bentler_2001", "satorra_bentler_2010", "satorra_2000")

_NESTED = 1e-9  # half the discrepancy below which two sets of moments are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Test of a restricted model against a freer one.

    Attributes
    ----------
    chisq, df, p : float
        The test.
    plain : float
        Uncorrected difference of the chi-squares.
    factor : float
        Scaling factor of the difference.
    method : str
        How it was corrected.
    note : str
        What the reader must know; empty where nothing.
    """

    chisq: float
    df: float
    p: float
    plain: float
    factor: float = 1.0
    method: str
    note: str = ""


def _made(value: float, df: float, plain: float, method: str, factor: float = 1.0, note: str = "") -> Difference:
    p = float(chdtrc(df, max(value, 0.0))) if df > 0 else float("nan")
    return Difference(chisq=value, df=df, p=p, plain=plain, factor=factor, method=method, note=note)


def _mean_2001(null: Fitted, free: Fitted, plain: float, df: float) -> Difference:
    c0, c1 = null.test.mean_factor, free.test.mean_factor
    factor = (null.df * c0 - free.df * c1) / df
    if factor <= 0:
        return _mean_2010(
            null,
            free,
            plain,
            df,
            note="The scaling factor of the 2001 difference was not positive; the 2010 form is shown.",
        )
    return _made(plain / factor, df, plain, "satorra_bentler_2001", factor)


def _same_point(null: Fitted, free: Fitted) -> Floats:
    """Return the freer model's parameters that imply the moments of the restricted one."""
    if isinstance(free.objective, LeastSquares):
        raise DataError('The 2010 difference test is offered for maximum likelihood; use method="satorra_2000".')
    moments = tuple(
        Moments(n=n, mean=s.state.mu, cov=s.state.sigma, log_det=log_determinant(s.state.sigma))
        for n, s in zip(null.sample.counts, null.states, strict=True)
    )
    target = Likelihood(groups=moments, means=free.means, weights=free.objective.weights)
    found = minimise(collect(target, free.structure), free.theta)
    if not found.converged or abs(found.evaluation.value) > _NESTED:
        raise DataError(
            "The freer model cannot imply the moments of the restricted one: the models are not nested, and no "
            "difference test exists."
        )
    return found.theta


def _mean_2010(null: Fitted, free: Fitted, plain: float, df: float, *, note: str = "") -> Difference:
    """Evaluate the freer model at the restricted estimates, so that both factors rest on the same point."""
    theta = _same_point(null, free)
    at = collect(free.objective, free.structure)(theta, observed=True)
    moved = Fitted(free.structure, free.sample, free.estimator, free.objective, theta, at, free.means, free.errors)
    trace = free.saturated_trace - moved.model_trace if free.estimator.test == "yuan_bentler" else moved.blocks.trace
    factor = (null.df * null.test.mean_factor - trace) / df
    if factor <= 0:
        return _made(float("nan"), df, plain, "satorra_bentler_2010", factor, "The scaling factor is not positive.")
    return _made(plain / factor, df, plain, "satorra_bentler_2010", factor, note)


def _traces_2000(null: Fitted, free: Fitted) -> tuple[float, float]:
    """Return tr(U Gamma) and its square for the restriction, linearised at the freer estimates."""
    blocks = free.blocks
    D1 = np.vstack([b.D for b in blocks.parts])
    D0 = np.vstack([b.D for b in null.blocks.parts])
    H, *_ = np.linalg.lstsq(D1, D0, rcond=None)
    A = null_space(H.T).T
    E = blocks.E
    middle = E @ A.T @ np.linalg.solve(A @ E @ A.T, A @ E)
    small = middle @ blocks.meat
    return float(np.trace(small)), float(np.sum(small * small.T))


def _satorra_2000(null: Fitted, free: Fitted, plain: float, df: float) -> Difference:
    trace, squared = _traces_2000(null, free)
    a = float(np.sqrt(df / squared))
    shift = df - float(np.sqrt(df * trace * trace / squared))
    return _made(a * plain + shift, df, plain, "satorra_2000", 1 / a)


def difference(null: Fitted, free: Fitted, *, method: str = "auto") -> Difference:
    """Test a restricted model against a freer one.

    Parameters
    ----------
    null : Fitted
        The model with fewer free parameters.
    free : Fitted
        The model with more.
    method : {"auto", "standard", "satorra_bentler_2001", "satorra_bentler_2010", "satorra_2000"}
        The correction; ``"auto"`` takes none for uncorrected tests, 2001 for mean-corrected ones (2010 where that has
        no
        positive factor) and 2000 for the others.

    Returns
    -------
    Difference
        The test.

    Raises
    ------
    DataError
        If the models are not fitted to the same people by the same estimator, or have equal degrees of freedom.
    """
    if method not in METHODS:
        raise DataError(choices("Difference method", method, METHODS))
    if null.estimator.name != free.estimator.name or null.sample.counts != free.sample.counts:
        raise DataError(
            f"The models were fitted by {null.estimator.name} to {null.sample.counts} and by {free.estimator.name} to "
            f"{free.sample.counts} people; a difference test needs the same estimator and people."
        )
    df = float(null.df - free.df)
    if df <= 0:
        raise DataError(
            f"The restricted model has {null.df} degrees of freedom, the freer one {free.df}; swap or change them."
        )
    plain = null.test.chisq - free.test.chisq
    kind = null.estimator.test
    if method == "auto":
        corrected = "satorra_2000" if kind in {"shifted", "mean_variance"} else "satorra_bentler_2001"
        method = "standard" if kind == "standard" else corrected
    if method == "standard":
        return _made(plain, df, plain, "standard")
    if method == "satorra_2000":
        return _satorra_2000(null, free, plain, df)
    found = _mean_2001 if method == "satorra_bentler_2001" else _mean_2010
    return found(null, free, plain, df)
