"""Starting values: a principal component per factor, scaled to its marker."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.structure import Structure
from feedbackstudy.psychometrics.cfa.table import ParameterTable, Row

__all__ = ["modest_starts", "start_values"]

type Floats = NDArray[np.float64]

_LEAST = 0.05  # smallest share of a variance left to the residual at the start
_SHARES = (0.3, 0.05)  # of a marker's variance that its factor has at another start
_SHRINK = 0.7  # loadings on an item's second factor start smaller


def _block_loadings(R: Floats) -> Floats:
    """Return loadings of one factor on standardised items, by principal axis with two steps."""
    if len(R) == 1:
        return np.ones(1)
    off = R - np.eye(len(R))
    shared = np.clip(np.abs(off).max(axis=1), 0.1, 0.9)
    vector = np.ones(len(R))
    for _ in range(3):
        values, vectors = np.linalg.eigh(off + np.diag(shared))
        vector = vectors[:, -1] * np.sqrt(max(values[-1], 0.01))
        shared = np.clip(vector**2, 0.05, 0.9)
    return np.asarray(np.clip(vector, -0.95, 0.95))


def _lower_first(table: ParameterTable) -> list[str]:
    """Order factors so that a factor comes after the factors it loads on."""
    loadings, order = table.model.loadings(), list[str]()
    waiting = list(table.factors)
    while waiting:
        ready = [f for f in waiting if not any(name in waiting for name in loadings[f])]
        if not ready:
            return order + waiting
        order += ready
        waiting = [f for f in waiting if f not in ready]
    return order


def _factor_starts(
    table: ParameterTable, S: Floats, fixed: dict[str, float]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return each factor's loadings on its indicators and its composite weights on the items."""
    loadings, at = table.model.loadings(), {name: k for k, name in enumerate(table.items)}
    weights = {name: np.eye(len(at))[k] for name, k in at.items()}
    lam: dict[str, Floats] = {}
    seen: set[str] = set()
    for factor in _lower_first(table):
        names = loadings[factor]
        W = np.array([weights.get(name, np.zeros(len(at))) for name in names])
        C = W @ S @ W.T
        sd = np.sqrt(np.maximum(np.diag(C), 1e-12))
        R = C / np.outer(sd, sd)
        std = _block_loadings(R)
        std = np.where([name in seen for name in names], _SHRINK * std, std)
        marker = fixed.get(factor)
        sign = np.sign(std[0]) or 1.0
        lam[factor] = sign * std * sd
        scale = np.sum((std * sign) ** 2 / np.maximum(1 - std**2, _LEAST))
        weights[factor] = ((sign * std / np.maximum(1 - std**2, _LEAST) / sd) @ W) / (scale + 1.0)
        variance = 1.0
        if marker is not None and abs(lam[factor][0]) > 1e-8:
            variance = float(np.sign(marker) * lam[factor][0] / marker)
            lam[factor] = lam[factor] / variance
            weights[factor] = weights[factor] * variance
        seen.update(names)
    return lam, weights


def _starts(table: ParameterTable, group: int, S: Floats, mean: Floats) -> dict[tuple[str, str, str], float]:
    rows = [row for row in table.rows if row.group == group]
    first = {f: names[0] for f, names in table.model.loadings().items()}
    fixed = {r.lhs: r.value for r in rows if r.op == "=~" and not r.free and r.rhs == first[r.lhs] and r.value != 0}
    lam, weights = _factor_starts(table, S, fixed)
    values: dict[tuple[str, str, str], float] = {}
    for factor, indicators in table.model.loadings().items():
        for name, value in zip(indicators, lam[factor], strict=True):
            values[factor, "=~", name] = float(value)
    at = {name: k for k, name in enumerate(table.items)}
    explained = np.zeros(len(at))
    names = list(table.factors)
    W = np.array([weights[f] for f in names])
    C = W @ S @ W.T
    reach = _reliability(table, lam, W, names)
    higher = {s.rhs for s in table.model.statements if s.op == "=~"}
    for k, f in enumerate(names):
        total = max(abs(C[k, k]) / max(reach[k], 0.3), 1e-8)
        values[f, "~~", f] = total * (0.5 if f in higher else 1.0)
        for j in range(k):
            value = 0.8 * C[j, k]
            values[names[j], "~~", f] = values[f, "~~", names[j]] = value
        for name, loading in zip(table.model.loadings()[f], lam[f], strict=True):
            if name in at:
                explained[at[name]] = max(explained[at[name]], loading**2 * total)
    for name, k in at.items():
        values[name, "~~", name] = float(np.clip(S[k, k] - explained[k], 0.2 * S[k, k], 0.9 * S[k, k]))
        values[name, "~1", ""] = float(mean[k])
    return values


def _reliability(table: ParameterTable, lam: dict[str, Floats], W: Floats, names: list[str]) -> Floats:
    """Return how much of each composite its factor accounts for, near one."""
    at = {name: k for k, name in enumerate(table.items)}
    out = np.ones(len(names))
    for k, f in enumerate(names):
        items = table.model.loadings()[f]
        if all(name in at for name in items):
            out[k] = abs(sum(W[k, at[name]] * value for name, value in zip(items, lam[f], strict=True)))
    return out


def start_values(
    structure: Structure, moments: list[tuple[Floats, Floats]], taus: list[dict[str, Floats]] | None = None
) -> Floats:
    """Return starting values of the free parameters.

    Parameters
    ----------
    structure : Structure
        The model.
    moments : list of (mean, covariance)
        Sample moments by group.
    taus : list of mapping, optional
        Sample thresholds of ordinal items by group.

    Returns
    -------
    ndarray of shape (n_free,)
        Least-squares match to a start for every free parameter.
    """
    table = structure.table
    per_group = [_starts(table, g, S, mean) for g, (mean, S) in enumerate(moments)]
    values = np.array([_value(row, per_group[row.group], taus) for row in table.rows])
    free = np.any(structure.K != 0, axis=1)
    found, *_ = np.linalg.lstsq(structure.K[free], values[free] - structure.c[free], rcond=None)
    return np.asarray(found)


def _value(row: Row, starts: dict[tuple[str, str, str], float], taus: list[dict[str, Floats]] | None) -> float:
    if row.start is not None:
        return row.start
    if row.op == "|" and taus is not None:
        return float(taus[row.group][row.lhs][int(row.rhs[1:]) - 1])
    if row.op == "~*~":
        return 1.0
    if row.op == "~~" and taus is not None and row.lhs == row.rhs and (row.lhs, "~1", "") in starts:
        return 1.0
    return starts.get((row.lhs, row.op, row.rhs), 0.0)


def modest_starts(structure: Structure, covs: list[Floats], theta: Floats) -> Iterator[Floats]:
    """Yield other starts: uncorrelated factors of small variance, residuals of half the variance.

    Parameters
    ----------
    structure : Structure
        The model.
    covs : list of ndarray
        Sample covariances by group.
    theta : ndarray
        The usual start, whose loadings are kept.

    Yields
    ------
    ndarray of shape (n_free,)
        A start.
    """
    rows, at = structure.table.rows, {name: k for k, name in enumerate(structure.table.items)}
    free = np.any(structure.K != 0, axis=1)
    usual = structure.parameters(theta)
    first = {f: names[0] for f, names in structure.table.model.loadings().items()}
    for share in _SHARES:
        x = usual.copy()
        for k, row in enumerate(rows):
            if row.op != "~~" or row.start is not None:
                continue
            item = row.lhs if row.lhs in at else first[row.lhs]
            variance = covs[row.group][at[item], at[item]] if item in at else usual[k]
            x[k] = 0.0 if row.lhs != row.rhs else variance * (0.5 if row.lhs in at else share)
        found, *_ = np.linalg.lstsq(structure.K[free], x[free] - structure.c[free], rcond=None)
        yield np.asarray(found)
