"""Differences between observed and implied covariances, raw and in standard errors."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood
from feedbackstudy.psychometrics.cfa.moments import normal_weight
from feedbackstudy.psychometrics.cfa.robust import Block, Blocks

__all__ = ["KINDS", "implied_correlations", "residual_frames", "sample_covariance"]

type Floats = NDArray[np.float64]

KINDS = ("cor", "raw", "normalized", "standardized")


def implied_correlations(fitted: Fitted, g: int) -> Floats:
    """Return the correlations of latent responses that a model of ordinal items implies in a group.

    Parameters
    ----------
    fitted : Fitted
        The model at its estimates.
    g : int
        Position of the group, 0-based.

    Returns
    -------
    ndarray of shape (p, p)
        Correlations, ones on the diagonal.

    Raises
    ------
    DataError
        If the model was not fitted by least squares.
    """
    if not isinstance(fitted.objective, LeastSquares):
        raise DataError("Implied polychoric correlations exist for ordinal items only.")
    p = fitted.structure.n_items
    vector = fitted.objective.vector(fitted.structure, fitted.structure.groups[g], fitted.x).sigma
    out = np.eye(p)
    i, j = np.triu_indices(p, 1)
    out[i, j] = out[j, i] = vector[len(fitted.sample.polychorics[g].tau) :]
    return out


def sample_covariance(fitted: Fitted, g: int) -> Floats:
    """Return the covariances that were fitted, with the divisor the estimator uses.

    Parameters
    ----------
    fitted : Fitted
        The model at its estimates.
    g : int
        Position of the group, 0-based.

    Returns
    -------
    ndarray of shape (p, p)
        Covariances; of ordinal items their polychoric correlations.
    """
    m = fitted.sample.moments[g]
    if isinstance(fitted.objective, Likelihood):
        return fitted.objective.groups[g].cov
    if isinstance(fitted.objective, LeastSquares) and not fitted.sample.polychorics:
        return np.asarray(m.cov * m.n / (m.n - 1))
    return m.cov


def _one(fitted: Fitted, g: int, kind: str) -> Floats:
    S = sample_covariance(fitted, g)
    sigma = implied_correlations(fitted, g) if fitted.sample.polychorics else fitted.states[g].state.sigma
    if kind == "cor":
        sd, sd_model = np.sqrt(np.diag(S)), np.sqrt(np.diag(sigma))
        return np.asarray(S / np.outer(sd, sd) - sigma / np.outer(sd_model, sd_model))
    if kind == "raw":
        return np.asarray(S - sigma)
    return _in_errors(fitted, g, S, sigma, kind)


def _in_errors(fitted: Fitted, g: int, S: Floats, sigma: Floats, kind: str) -> Floats:
    """Divide residuals by standard errors: of the sample moments, or of the residuals themselves."""
    if fitted.sample.polychorics or fitted.sample.patterns:
        raise DataError(
            f'Residuals of kind {kind!r} are offered for complete continuous items; use kind="cor" or kind="raw" here.'
        )
    p, n = len(S), fitted.sample.counts[g]
    i, j = np.tril_indices(p)
    spreads = [
        np.linalg.inv(normal_weight(np.linalg.inv(sample_covariance(fitted, k)), means=False)) for k in _groups(fitted)
    ]
    if kind == "normalized":
        variance = np.diag(spreads[g]) / n
    else:
        parts = []
        for k, group in enumerate(fitted.structure.groups):
            d = fitted.states[k].d
            delta = (d.a[i] * d.b[j] + d.a[j] * d.b[i]) @ group.K
            W = normal_weight(np.linalg.inv(fitted.states[k].state.sigma), means=False)
            parts.append(Block(share=fitted.sample.shares[k], W=W, D=delta, G=spreads[k]))
        variance = np.diag(_free_of_means(parts).residual_covariances[g]) / n
    out = np.zeros((p, p))
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = (S - sigma)[i, j]
        value = np.where(variance > 1e-12, residual / np.sqrt(variance), np.where(np.abs(residual) < 1e-6, 0.0, np.nan))
    out[i, j] = out[j, i] = value
    return out


def _groups(fitted: Fitted) -> range:
    return range(len(fitted.sample.names))


def _free_of_means(parts: list[Block]) -> Blocks:
    """Drop free parameters that move no covariance, so that the rest can be inverted."""
    used = np.any([np.any(part.D != 0, axis=0) for part in parts], axis=0)
    return Blocks([Block(share=part.share, W=part.W, D=part.D[:, used], G=part.G) for part in parts])


def residual_frames(fitted: Fitted, kind: str) -> pd.DataFrame:
    """Return residuals as a frame of items by items; see `CFA.residuals`.

    Parameters
    ----------
    fitted : Fitted
        The model at its estimates.
    kind : str
        Member of `KINDS`.

    Returns
    -------
    DataFrame
        Items by items; with several groups, the group is the first level of the index.

    Raises
    ------
    DataError
        If `kind` is unknown, or is in standard errors where items are ordinal or answers are missing.
    """
    if kind not in KINDS:
        raise DataError(choices("Kind of residual", kind, KINDS))
    items, names = list(fitted.sample.items), fitted.sample.names
    frames = [pd.DataFrame(_one(fitted, g, kind), index=items, columns=items) for g in range(len(names))]
    return frames[0] if len(names) == 1 else pd.concat(frames, keys=list(names), names=["group", "item"])
