"""Which discrepancy a sample and an estimator make."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.cfa.estimators import Estimator
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares, Target
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood, Moments, log_determinant
from feedbackstudy.psychometrics.cfa.missing import FullInformation
from feedbackstudy.psychometrics.cfa.moments import fourth_moments, normal_weight, sample_vector
from feedbackstudy.psychometrics.cfa.sample import Sample

__all__ = ["gammas", "objective_of", "shares"]

type Floats = NDArray[np.float64]


def shares(sample: Sample, estimator: Estimator, likelihood: str) -> tuple[float, ...]:
    """Return each group's weight: n_g/n, or (n_g - 1)/n for least squares and Wishart likelihood.

    Parameters
    ----------
    sample : Sample
        The data.
    estimator : Estimator
        Which discrepancy.
    likelihood : {"normal", "wishart"}
        Divisor n or n - 1 for maximum likelihood; without effect on least squares.

    Returns
    -------
    tuple of float
        In the order of the groups.
    """
    off = 0 if estimator.likelihood and likelihood == "normal" else 1
    return tuple((n - off) / sample.n for n in sample.counts)


def _unbiased(m: Moments) -> Moments:
    cov = m.cov * (m.n / (m.n - 1))
    return Moments(n=m.n, mean=m.mean, cov=cov, log_det=log_determinant(cov))


def gammas(sample: Sample, *, means: bool) -> list[Floats]:
    """Return the distribution-free covariance of the moments by group.

    Parameters
    ----------
    sample : Sample
        The data.
    means : bool
        Whether means of continuous items are among the moments.

    Returns
    -------
    list of ndarray of shape (r, r)
        In the order of the groups; moments as in `ImpliedVector`.

    Raises
    ------
    DataError
        If polychoric correlations come without their covariance.
    """
    if sample.polychorics:
        found = [p.acov for p in sample.polychorics]
        if any(g is None for g in found):
            raise DataError("The polychoric correlations come without their covariance.")
        return [np.asarray(g) for g in found]
    return [fourth_moments(values, means=means) for values in sample.answers]


def _weight(estimator: Estimator, gamma: Floats | None, cov: Floats | None, size: int, *, means: bool) -> Floats:
    if estimator.weight == "ULS":
        return np.ones(size)
    if estimator.weight == "GLS" and cov is not None:
        return normal_weight(np.linalg.inv(cov), means=means)
    if gamma is None:
        raise DataError("This estimator weighs by the distribution-free covariance of the moments, which is missing.")
    if estimator.weight == "DWLS":
        return np.asarray(1.0 / np.diag(gamma))
    return np.asarray(np.linalg.inv(gamma))


def _refuse_too_few(sample: Sample, size: int) -> None:
    smallest = min(sample.counts)
    if smallest <= size:
        raise DataError(
            f"WLS inverts the covariance of {size} moments, which {smallest} people cannot determine. "
            'Use estimator="WLSMV", "DWLS" or "MLR".'
        )


def _least_squares(sample: Sample, estimator: Estimator, weights: tuple[float, ...], *, means: bool) -> LeastSquares:
    ordinal = bool(sample.polychorics)
    gamma = gammas(sample, means=means) if estimator.weight in {"WLS", "DWLS"} else [None] * len(sample.names)
    targets = []
    for g, n in enumerate(sample.counts):
        if ordinal:
            p = sample.polychorics[g]
            s, cov = np.concatenate([p.tau, p.rho]), None
        else:
            m = _unbiased(sample.moments[g])
            s, cov = sample_vector(m.mean, m.cov, means=means), m.cov
        if estimator.weight == "WLS":
            _refuse_too_few(sample, len(s))
        weight = _weight(estimator, gamma[g], cov, len(s), means=means)
        targets.append(Target(n=n, s=s, weight=weight))
    return LeastSquares(groups=tuple(targets), means=means, ordinal=ordinal, weights=weights)


def objective_of(
    sample: Sample, estimator: Estimator, *, means: bool, likelihood: str
) -> Likelihood | FullInformation | LeastSquares:
    """Return the discrepancy to minimise.

    Parameters
    ----------
    sample : Sample
        Rows and moments.
    estimator : Estimator
        Which discrepancy.
    means : bool
        Whether means are modelled.
    likelihood : {"normal", "wishart"}
        Divisor n or n - 1 for complete-data maximum likelihood.

    Returns
    -------
    Likelihood, FullInformation or LeastSquares
        An `Objective`.
    """
    weights = shares(sample, estimator, likelihood)
    if not estimator.likelihood:
        return _least_squares(sample, estimator, weights, means=means)
    if sample.patterns:
        return FullInformation(groups=sample.patterns, weights=weights)
    moments = sample.moments if likelihood == "normal" else tuple(_unbiased(m) for m in sample.moments)
    return Likelihood(groups=moments, means=means, weights=weights)
