"""The models behind JZS Bayes factors as PyMC models, to inspect, sample or extend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.jzs_blocks import Block
from feedbackstudy.analysis.bayesian.sampling import load_pymc

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["blocks_model", "correlation_model", "effect_model"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Alternative = Literal["two-sided", "greater", "less"]


def effect_model(y: Floats, first: Integers | None, *, scale: float, alternative: Alternative) -> "pymc.Model":
    r"""Return the model of a JZS t test, in which there is an effect.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome minus the value tested; of two groups, that of the first group minus it.
    first : ndarray of int, shape (n,), or None
        1 for the first group and 0 for the second; None for one sample.
    scale : float
        Scale of the Cauchy prior of the standardised effect.
    alternative : {"two-sided", "greater", "less"}
        The whole Cauchy, or the half on one side of 0.

    Returns
    -------
    pymc.Model
        Free variables ``effect`` (or ``size`` of a half), ``log_sigma`` and, of two groups, ``mu``.

    Notes
    -----
    :math:`y_i \sim N(\mu \pm \delta\sigma/2, \sigma^2)` (one sample: :math:`N(\delta\sigma, \sigma^2)`),
    :math:`\delta \sim` Cauchy(0, r), :math:`p(\mu, \sigma) \propto 1/\sigma` (Rouder et al., 2009). The last is
    improper, so the model has a posterior but no prior draws.
    """
    pm = load_pymc()
    with pm.Model() as model:
        sigma = pm.Deterministic("sigma", pm.math.exp(pm.Flat("log_sigma", initval=float(np.log(y.std())))))
        if alternative == "two-sided":
            effect = pm.Cauchy("effect", 0.0, scale)
        else:
            size = pm.HalfCauchy("size", scale)
            effect = pm.Deterministic("effect", size if alternative == "greater" else -size)
        if first is None:
            mean: Any = effect * sigma
        else:
            mean = pm.Flat("mu", initval=float(y.mean())) + effect * sigma * (first - 0.5)
        pm.Normal("y", mean, sigma, observed=y)
    return model


def correlation_model(x: Floats, y: Floats, *, kappa: float, alternative: Alternative) -> "pymc.Model":
    r"""Return the model of a correlation under a stretched beta prior.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        The pairs.
    kappa : float
        Width: the prior is beta(1/kappa, 1/kappa) on (-1, 1).
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or its half on one side of 0.

    Returns
    -------
    pymc.Model
        Free variables ``share`` (the correlation moved to 0 to 1), ``mu`` and ``log_sigma`` of both.

    Notes
    -----
    Bivariate normal with :math:`p(\mu_x, \mu_y, \sigma_x, \sigma_y) \propto 1/(\sigma_x \sigma_y)` (Ly, Verhagen and
    Wagenmakers, 2016).
    """
    pm = load_pymc()
    pairs = np.column_stack([x, y])
    bounds = {"two-sided": (0.0, 1.0), "greater": (0.5, 1.0), "less": (0.0, 0.5)}[alternative]
    with pm.Model() as model:
        beta = pm.Beta.dist(1 / kappa, 1 / kappa)
        share = (
            pm.Beta("share", 1 / kappa, 1 / kappa)
            if alternative == "two-sided"
            else pm.Truncated("share", beta, lower=bounds[0], upper=bounds[1])
        )
        rho = pm.Deterministic("correlation", 2 * share - 1)
        mu = pm.Flat("mu", shape=2, initval=pairs.mean(axis=0))
        sigma = pm.Deterministic("sigma", pm.math.exp(pm.Flat("log_sigma", shape=2, initval=np.log(pairs.std(axis=0)))))
        pm.Normal("x", mu[0], sigma[0], observed=x)
        expected = mu[1] + rho * sigma[1] * (x - mu[0]) / sigma[0]
        pm.Normal("y", expected, sigma[1] * pm.math.sqrt(1 - rho**2), observed=y)
    return model


def blocks_model(y: Floats, blocks: Sequence[Block], random: tuple[str, Integers, float] | None) -> "pymc.Model":
    r"""Return a JZS linear model.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    blocks : sequence of Block
        Terms, each with a g of its own; none is the intercept alone.
    random : tuple of (str, ndarray of int, float) or None
        Name of a random factor, level of each row, and scale of its prior.

    Returns
    -------
    pymc.Model
        For each term ``name`` (standardised effects of its columns) and ``g_name``; ``mu`` and ``log_sigma``.

    Notes
    -----
    :math:`\theta_b \sim N(0, g_b I)` in units of :math:`\sigma`, :math:`g_b \sim` inverse gamma(1/2,
    :math:`r_b^2/2`), :math:`p(\mu, \sigma) \propto 1/\sigma` (Rouder et al., 2012).
    """
    pm = load_pymc()
    columns = [(block.name, block.columns, block.scale) for block in blocks]
    if random is not None:
        name, codes, scale = random
        columns.append((name, np.eye(int(codes.max()) + 1)[codes], scale))
    with pm.Model() as model:
        sigma = pm.Deterministic("sigma", pm.math.exp(pm.Flat("log_sigma", initval=float(np.log(y.std())))))
        mean: Any = pm.Flat("mu", initval=float(y.mean()))
        for name, each, scale in columns:
            g = pm.InverseGamma(f"g_{name}", alpha=0.5, beta=scale**2 / 2)
            mean = mean + sigma * pm.math.dot(each, pm.Normal(name, 0.0, pm.math.sqrt(g), shape=each.shape[1]))
        pm.Normal("y", mean, sigma, observed=y)
    return model
