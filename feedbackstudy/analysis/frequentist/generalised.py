"""Logistic, Poisson and negative binomial regression by Newton's method, with separation found and named."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from feedbackstudy.analysis.frequentist.clustered import CLUSTERED, Clustered, ClusterRobust
from feedbackstudy.analysis.frequentist.clustered_models import model_robust
from feedbackstudy.analysis.frequentist.cumulative import Floats, Integers
from feedbackstudy.analysis.frequentist.laplace import RowTerms
from feedbackstudy.analysis.frequentist.links import Array
from feedbackstudy.analysis.frequentist.negative_binomial import fit_theta
from feedbackstudy.analysis.frequentist.separation import separated, without_counts
from feedbackstudy.errors import DataError, choices

__all__ = ["FAMILIES", "Family", "FamilyRows", "GeneralisedFit", "fit_generalised"]

type Family = Literal["binomial", "poisson", "negative binomial"]

FAMILIES: tuple[str, ...] = ("binomial", "poisson", "negative binomial")
"""Families by name: log odds of yes, or logs of mean counts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralisedFit:
    """A generalised linear model.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients on the link scale.
    covariance : ndarray, shape (p, p)
        Inverse of the expected information, or the sandwich over clusters.
    log_likelihood : float
        At the estimates; penalised where `penalised`.
    parameters, n : int
        Coefficients (and the dispersion of a negative binomial), rows.
    family : str
        Which.
    theta : float or None
        Size of the negative binomial: variance = mean + mean squared / theta.
    log_theta_se : float or None
        Standard error of its logarithm.
    dispersion : float
        Pearson's chi square over its degrees of freedom; far above one for a Poisson means overdispersion.
    penalised : bool
        Whether Firth's penalty was used.
    clusters : int or None
        Clusters of the sandwich covariance.
    clustered : {"CR0", "CR1", "CR1S", "CR2", "CR3"} or None
        Its correction.
    robust : ClusterRobust or None
        What its degrees of freedom need.
    poisson_limit : bool
        Whether a negative binomial was asked for whose likelihood has its maximum where it is a Poisson: `family` is
        then "poisson".
    """

    beta: Floats
    covariance: Floats
    log_likelihood: float
    parameters: int
    n: int
    family: str
    theta: float | None
    log_theta_se: float | None
    dispersion: float
    penalised: bool
    clusters: int | None
    clustered: Clustered | None = None
    robust: ClusterRobust | None = None
    poisson_limit: bool = False

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.parameters - 2 * self.log_likelihood


class FamilyRows:
    """Likelihood of rows of one family, given what is added to the linear predictor.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Columns.
    family : {"binomial", "poisson", "negative binomial"}
        For the last the log of theta follows the coefficients.
    """

    def __init__(self, y: Floats, X: Floats, family: str) -> None:
        self.y, self.X, self.family = y, X, family

    def terms(self, fixed: Array, added: Array) -> RowTerms:
        """Return log probability and derivatives by the linear predictor.

        Parameters
        ----------
        fixed : ndarray, shape (settings, parameters)
            Coefficients.
        added : ndarray, shape (settings, n)
            Random part of the predictor.

        Returns
        -------
        RowTerms
            By row.
        """
        p = self.X.shape[1]
        eta = fixed[:, :p] @ self.X.T + added
        if self.family == "binomial":
            return _binomial(self.y, eta)
        if self.family == "poisson":
            mu = np.exp(eta)
            return RowTerms(self.y * eta - mu - special.gammaln(self.y + 1), self.y - mu, -mu)
        theta = np.exp(fixed[:, p : p + 1])
        mu = np.exp(eta)
        total = theta + mu
        constant = special.loggamma(self.y + theta) - special.loggamma(theta) - special.gammaln(self.y + 1)
        value = constant + theta * np.log(theta / total) + self.y * np.log(mu / total)
        return RowTerms(value, theta * (self.y - mu) / total, -mu * theta * (self.y + theta) / total**2)


def _binomial(y: Floats, eta: Array) -> RowTerms:
    sign = np.where(y > 0.5, 1.0, -1.0)
    toward = sign * eta
    tail = np.exp(-np.where(np.real(toward) > 0, toward, -toward))
    right = np.where(np.real(toward) > 0, 1 / (1 + tail), tail / (1 + tail))
    value = np.where(np.real(toward) > 0, -np.log(1 + tail), toward - np.log(1 + tail))
    return RowTerms(value, sign * (1 - right), -right * (1 - right))


def fit_generalised(
    y: Floats,
    X: Floats,
    family: str,
    *,
    firth: bool = False,
    cluster: Integers | None = None,
    clustered: Clustered = "CR2",
) -> GeneralisedFit:
    r"""Fit a generalised linear model with its canonical or log link.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Zeros and ones, or counts.
    X : ndarray, shape (n, p)
        Columns, the intercept or all cells among them.
    family : {"binomial", "poisson", "negative binomial"}
        Distribution.
    firth : bool, default False
        For binomial: maximise the likelihood times the root of the information's determinant, which stays finite under
        separation.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row; the covariance is then a sandwich over clusters.
    clustered : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, default "CR2"
        Its correction; degrees of freedom are Satterthwaite's in every case.

    Returns
    -------
    GeneralisedFit
        Estimates; those of the Poisson where counts vary no more than it allows, as the negative binomial then has its
        maximum there.

    Raises
    ------
    DataError
        For columns that depend on each other, separation without `firth`, a single cluster, an unknown correction, or
        CR3 where one cluster determines a coefficient alone.

    Notes
    -----
    Firth (1993), Biometrika 80, 27-38. Sandwich: see `clustered_models.model_robust`, as ``clubSandwich::vcovCR``;
    CR1S is ``sandwich::vcovCL(type = "HC1")``. For the negative binomial the covariance is the inverse
    expected information (or the sandwich) with theta as estimated, as in ``MASS::glm.nb``; theta and the coefficients
    are orthogonal.
    """
    if family not in FAMILIES:
        raise DataError(choices("family", family, FAMILIES))
    if firth and family != "binomial":
        raise DataError("Firth's penalty is offered for binary outcomes.")
    scaled = X / np.maximum(np.linalg.norm(X, axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled, tol=1e-9) < X.shape[1]:
        raise DataError("Columns depend on each other (perfect collinearity, or an empty cell); drop a term.")
    _finite_maximum(y, X, family, firth=firth)
    beta, log_theta, log_theta_se = _estimate(y, X, family, firth=firth)
    limit = family == "negative binomial" and log_theta is None
    family = "poisson" if limit else family
    theta = None if log_theta is None else float(np.exp(log_theta))
    mean, weight = _mean_and_weight(X @ beta, family, theta)
    information = (X.T * weight) @ X
    inverse = np.linalg.inv(information)
    robust = None
    if cluster is not None:
        sd = np.sqrt(_variance(mean, family, theta))
        robust = _sandwich(X * np.sqrt(weight)[:, None], (y - mean) / sd, sd, cluster, clustered)
    fixed = beta[None] if log_theta is None else np.append(beta, log_theta)[None]
    value = float(FamilyRows(y, X, family).terms(fixed, np.zeros((1, y.size))).log_likelihood.sum())
    return GeneralisedFit(
        beta=beta,
        covariance=inverse if robust is None else robust.covariance,
        log_likelihood=value + (float(np.linalg.slogdet(information)[1]) / 2 if firth else 0.0),
        parameters=beta.size + (log_theta is not None),
        n=y.size,
        family=family,
        theta=theta,
        log_theta_se=log_theta_se,
        dispersion=float(np.sum((y - mean) ** 2 / _variance(mean, family, theta)) / max(y.size - beta.size, 1)),
        penalised=firth,
        clusters=None if robust is None else robust.clusters,
        clustered=None if robust is None else clustered,
        robust=robust,
        poisson_limit=limit,
    )


def _finite_maximum(y: Floats, X: Floats, family: str, *, firth: bool) -> None:
    if family == "binomial" and not firth:
        infinite = separated(y, X)
        if infinite.size:
            raise DataError(
                f"Separation: the likelihood has no maximum, as columns {infinite.tolist()} of {X.shape[1]} (counted "
                "from 0) tell all yes from all no. Merge cells, drop a column, use Firth's penalty "
                "(analysis.logistic with firth=True), or use the Bayesian model."
            )
    elif family != "binomial":
        infinite = without_counts(y, X)
        if infinite.size:
            raise DataError(
                f"The likelihood has no maximum: rows with values in columns {infinite.tolist()} (counted from 0) have "
                "no counts above zero. Merge cells, or use the Bayesian model."
            )


def _estimate(y: Floats, X: Floats, family: str, *, firth: bool) -> tuple[Floats, float | None, float | None]:
    beta = _newton(y, X, "poisson" if family != "binomial" else family, firth=firth)
    if family != "negative binomial":
        return beta, None, None
    return fit_theta(y, X, beta) or (beta, None, None)


def _newton(y: Floats, X: Floats, family: str, *, firth: bool) -> Floats:
    share = float(y.mean())
    target = float(np.log(share) if family != "binomial" else special.logit(min(max(share, 0.01), 0.99)))
    beta: Floats = np.linalg.lstsq(X, np.full(y.size, target), rcond=None)[0]

    def state(at: Floats) -> tuple[float, Floats, Floats]:
        mean, weight = _mean_and_weight(X @ at, family, None)
        information = (X.T * weight) @ X
        slope = y - mean
        value = float(FamilyRows(y, X, family).terms(at[None], np.zeros((1, y.size))).log_likelihood.sum())
        if firth:
            hat = weight * np.einsum("ij,ji->i", X, np.linalg.solve(information, X.T))
            slope = slope + hat * (0.5 - mean)
            value += float(np.linalg.slogdet(information)[1]) / 2
        return value, X.T @ slope, information

    value, slope, information = state(beta)
    for _ in range(200):
        step = np.linalg.solve(information, slope)
        for halving in range(30):
            trial = beta + step / 2**halving
            new = state(trial)
            if new[0] >= value - 1e-10 * abs(value):
                break
        beta, (value, slope, information) = trial, new
        if np.abs(step).max() < 1e-12 * (1 + np.abs(beta).max()):
            break
    return beta


def _mean_and_weight(eta: Floats, family: str, theta: float | None) -> tuple[Floats, Floats]:
    if family == "binomial":
        mean: Floats = special.expit(eta)
        return mean, mean * special.expit(-eta)
    mean = np.exp(eta)
    return mean, mean if theta is None else mean / (1 + mean / theta)


def _variance(mean: Floats, family: str, theta: float | None) -> Floats:
    if family == "binomial":
        return np.asarray(np.maximum(mean * (1 - mean), 1e-300), dtype=np.float64)
    return mean if theta is None else mean + mean**2 / theta


def _sandwich(D: Floats, residuals: Floats, sd: Floats, cluster: Integers, kind: Clustered) -> ClusterRobust:
    if kind not in CLUSTERED:
        raise DataError(choices("Cluster-robust covariance", kind, CLUSTERED))
    codes = np.unique(cluster, return_inverse=True)[1]
    if int(codes.max()) == 0:
        raise DataError("All rows lie in one cluster, so the covariance over clusters cannot be estimated.")
    return model_robust(D, residuals, sd, codes, kind)
