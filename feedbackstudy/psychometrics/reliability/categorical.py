"""Reliability of sums of ordinal items: categorical omega and ordinal alpha."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.bivariate import bivariate_cdf
from feedbackstudy.psychometrics.matrix import Items, Matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.parallel import one_minres_factor
from feedbackstudy.psychometrics.polychoric import Polychorics, thresholds_and_polychorics
from feedbackstudy.psychometrics.reliability.alpha import alpha_of
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.threads import one_thread

__all__ = ["categorical_omega", "ordinal_alpha"]

type Floats = NDArray[np.float64]

_STEP = 1e-5  # of the central differences for the delta method


@one_thread()
def categorical_omega(data: Items | Matrix, *, denominator: str = "observed", level: float = 0.95) -> Coefficient:
    r"""Compute the reliability of the sum of ordinal items from a factor of their latent responses.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes scored in one direction; incomplete rows are set aside.
    denominator : {"observed", "model"}
        Whether the polychoric correlations or the ones the factor implies give the variance of the sum.
    level : float, default 0.95
        Coverage of the delta-method interval.

    Returns
    -------
    Coefficient
        Categorical omega; `also` holds omega of the latent responses and ordinal alpha.

    Raises
    ------
    DataError
        For unusable or non-ordinal answers, or fewer than three items.

    Notes
    -----
    Green & Yang (2009): the covariance of two items' codes follows from their thresholds and a latent correlation,

    .. math:: \sum_{c,c'}\Phi_2(\tau_c,\tau_{c'};r) - \sum_c\Phi(\tau_c)\sum_{c'}\Phi(\tau_{c'})

    with :math:`r=\lambda_j\lambda_{j'}` for common variance. One factor by diagonally weighted least squares, as in
    lavaan's WLSMV. The interval uses the asymptotic covariance of thresholds and polychoric correlations, which holds
    for normal latent responses; where they are not, resampling people shows errors some 15 % larger (items of bfi).
    """
    if denominator not in {"observed", "model"}:
        raise DataError(f"Denominator {denominator!r} is unknown; choose observed or model.")
    found = thresholds_and_polychorics(data)
    _refuse_few(found)
    observed = denominator == "observed"
    lam, by_rho = _weighted_factor(found)
    value = _green_yang(found, lam, found.R, observed=observed)
    se = _delta_se(found, lam, by_rho, observed=observed)
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    latent = float(lam.sum()) ** 2
    return _coefficient(
        found,
        name=f"categorical omega ({denominator} variance)",
        value=value,
        se=se,
        interval=(value - z * se, value + z * se),
        level=level,
        also={
            "omega of the latent responses": latent / float(found.R.sum()),
            "ordinal alpha": float(alpha_of(found.R)),
        },
        loadings=dict(zip(found.items, lam.tolist(), strict=True)),
        conventions=("Green & Yang 2009; one factor by diagonally weighted least squares", f"{denominator} variance"),
        r_body=_R_OMEGA,
    )


@one_thread()
def ordinal_alpha(data: Items | Matrix, *, missing: str = "listwise", level: float = 0.95) -> Coefficient:
    r"""Compute alpha from polychoric correlations.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes scored in one direction.
    missing : {"listwise", "pairwise"}
        Rows used.
    level : float, default 0.95
        Coverage of the delta-method interval.

    Returns
    -------
    Coefficient
        Ordinal alpha: the alpha of continuous responses behind the codes, not of the observed sum.

    Notes
    -----
    :math:`k/(k-1)\,(1-k/1^\top R 1)` on the polychoric matrix (Zumbo, Gadermann & Zeisser 2007). The interval holds for
    normal latent responses.
    """
    found = thresholds_and_polychorics(data, missing=missing)
    k, total = len(found.items), float(found.R.sum())
    gradient = np.full(len(found.rho), k / (k - 1) * k * 2.0 / total**2)
    m = len(found.tau)
    acov = found.acov if found.acov is not None else np.zeros((0, 0))
    se = float(np.sqrt(gradient @ acov[m:, m:] @ gradient / (found.n - 1)))
    value, z = float(alpha_of(found.R)), float(stats.norm.ppf(0.5 + level / 2.0))
    return _coefficient(
        found,
        name="ordinal alpha",
        value=value,
        se=se,
        interval=(value - z * se, value + z * se),
        level=level,
        also={},
        loadings={},
        conventions=("alpha of the polychoric correlations", f"{missing} deletion"),
        r_body=_R_ALPHA,
    )


_R_ALPHA = """\
library(psych)
R <- polychoric(responses[items], correct = 0, smooth = FALSE)$rho
k <- length(items)
show("ordinal alpha", k / (k - 1) * (1 - k / sum(R)))
"""

_R_OMEGA = """\
library(lavaan)
library(semTools)
fit <- cfa(paste("F =~", paste(items, collapse = " + ")), data = responses, ordered = items, std.lv = TRUE)
show("categorical omega", compRelSEM(fit, ord.scale = TRUE))
show("omega of the latent responses", compRelSEM(fit, ord.scale = FALSE))
"""


def _refuse_few(found: Polychorics) -> None:
    if len(found.items) < 3:
        raise DataError(f"{len(found.items)} items given; one factor is identified with three or more.")


def _coefficient(
    found: Polychorics,
    *,
    name: str,
    value: float,
    se: float,
    interval: tuple[float, float],
    level: float,
    also: dict[str, float],
    loadings: dict[str, float],
    conventions: tuple[str, ...],
    r_body: str,
) -> Coefficient:
    issues: list[Issue] = list(found.issues)
    issues += conditions.negative_item_rest([item for item, lam in loadings.items() if lam < 0])
    issues += conditions.heywood([item for item, lam in loadings.items() if abs(lam) >= 0.997], "the one-factor model")
    return Coefficient(
        coefficient=name,
        value=value,
        se=se,
        low=interval[0],
        high=interval[1],
        level=level,
        interval="delta method, normal latent responses",
        n_people=found.n,
        n_items=len(found.items),
        also=also,
        loadings=loadings,
        issues=tuple(issues),
        matrix=found.matrix,
        r_body=r_body,
        provenance=origin(name.split(" (")[0].replace(" ", "_"), *conventions),
    )


def _weighted_factor(found: Polychorics) -> tuple[Floats, Floats]:
    """Return loadings by diagonally weighted least squares and their derivative by the correlations."""
    first, second = np.triu_indices(len(found.items), 1)
    m = len(found.tau)
    acov = found.acov if found.acov is not None else np.eye(m + len(first))
    weight = 1.0 / np.diag(acov)[m:]
    lam = one_minres_factor(found.R[None])[0]
    lam = lam if lam.sum() >= 0 else -lam
    rows = np.arange(len(first))
    for _ in range(200):
        jacobian = np.zeros((len(first), len(lam)))
        jacobian[rows, first], jacobian[rows, second] = lam[second], lam[first]
        residual = found.rho - lam[first] * lam[second]
        weighted = jacobian.T * weight
        step = np.linalg.solve(weighted @ jacobian, weighted @ residual)
        lam = lam + step * min(1.0, 0.2 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-11:
            break
    # By the implicit function theorem the Hessian of the fit, not only its Gauss-Newton part, carries the residuals.
    hessian = weighted @ jacobian
    hessian[first, second] -= weight * residual
    hessian[second, first] -= weight * residual
    return lam, np.linalg.solve(hessian, weighted)


def _green_yang(found: Polychorics, lam: Floats, R: Floats, *, observed: bool, tau: Floats | None = None) -> float:
    thresholds = found.thresholds if tau is None else tuple(np.split(tau, np.cumsum(_sizes(found))[:-1]))
    common = np.outer(lam, lam)
    implied = common.copy()
    np.fill_diagonal(implied, 1.0)
    true = _sum_variance(thresholds, common)
    return true / _sum_variance(thresholds, R if observed else implied)


def _sizes(found: Polychorics) -> list[int]:
    return [len(t) for t in found.thresholds]


def _sum_variance(thresholds: tuple[Floats, ...], r: Floats) -> float:
    """Return the variance of the sum of codes whose latent responses correlate as in `r`."""
    item = np.repeat(np.arange(len(thresholds)), [len(t) for t in thresholds])
    tau = np.concatenate(thresholds)
    corr = r[np.ix_(item, item)]
    joint = bivariate_cdf(tau[:, None], tau[None, :], np.minimum(corr, 1.0))
    share = ndtr(tau)
    return float(joint.sum() - share.sum() ** 2)


def _delta_se(found: Polychorics, lam: Floats, by_rho: Floats, *, observed: bool) -> float:
    m, first, second = len(found.tau), *np.triu_indices(len(found.items), 1)
    gradient = np.zeros(m + len(first))

    def at(tau: Floats, loadings: Floats, R: Floats) -> float:
        return _green_yang(found, loadings, R, observed=observed, tau=tau)

    for j in range(m):
        up, down = found.tau.copy(), found.tau.copy()
        up[j] += _STEP
        down[j] -= _STEP
        gradient[j] = (at(up, lam, found.R) - at(down, lam, found.R)) / (2 * _STEP)
    by_loading = np.array(
        [
            (at(found.tau, lam + _STEP * unit, found.R) - at(found.tau, lam - _STEP * unit, found.R)) / (2 * _STEP)
            for unit in np.eye(len(lam))
        ]
    )
    gradient[m:] = by_loading @ by_rho
    if observed:
        for q, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            up, down = found.R.copy(), found.R.copy()
            up[i, j] = up[j, i] = up[i, j] + _STEP
            down[i, j] = down[j, i] = down[i, j] - _STEP
            gradient[m + q] += (at(found.tau, lam, up) - at(found.tau, lam, down)) / (2 * _STEP)
    acov = found.acov if found.acov is not None else np.full((len(gradient), len(gradient)), np.nan)
    return float(np.sqrt(gradient @ acov @ gradient / (found.n - 1)))
