"""What would change if a fixed parameter were freed, or an equality released: score tests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.standard import residual_variances
from feedbackstudy.psychometrics.cfa.structure import structure_of
from feedbackstudy.psychometrics.cfa.table import ParameterTable, Row

__all__ = ["Score", "equality_scores", "modification_frame"]

type Floats = NDArray[np.float64]

_NOTHING = 1e-10  # share of its own information below which a parameter adds nothing


@dataclass(frozen=True, slots=True)
class Score:
    """One released parameter.

    Attributes
    ----------
    row : Row
        The parameter.
    mi : float
        Expected fall of chi-square.
    epc : float
        Expected change of the parameter.
    """

    row: Row
    mi: float
    epc: float


def _candidates(table: ParameterTable) -> Iterator[Row]:
    """Yield absent parameters that could be freed: cross-loadings, residual and factor covariances."""
    lower = {s.rhs for s in table.model.statements if s.op == "=~"}
    firsts = [f for f in table.factors if f not in lower]
    seconds = [f for f in table.factors if f in lower]
    for group in range(table.n_groups):
        here = {(r.lhs, r.op, r.rhs) for r in table.rows if r.group == group}
        possible = [(f, "=~", item) for f in table.factors for item in table.items]
        for names in (table.items, firsts, seconds):
            possible += [(a, "~~", b) for k, a in enumerate(names) for b in names[k + 1 :]]
        for lhs, op, rhs in possible:
            known = (lhs, op, rhs) in here or (op == "~~" and (rhs, op, lhs) in here)
            if not known:
                yield Row(lhs=lhs, op=op, rhs=rhs, group=group, free=False)  # type: ignore[arg-type]


def _fixed(table: ParameterTable, row: Row) -> bool:
    """Say whether a fixed row of the table is a restriction one could lift, not the scale of a factor."""
    if row.free or row.op in {"~*~", "|"}:
        return False
    observed = row.lhs in table.items
    if row.op == "~1":
        return observed and table.ordinal
    if row.op == "~~" and row.lhs == row.rhs:
        return observed and not (table.ordinal and table.options.parameterization == "delta")
    return True


def _released(fitted: Fitted, table: ParameterTable, wanted: NDArray[np.bool_]) -> tuple[list[int], Floats, Floats]:
    """Return the wanted rows, their scores and the information they add beyond the free parameters."""
    structure = structure_of(table, also=wanted)
    parts = fitted.objective.evaluate(structure, structure.parameters(fitted.theta), observed=False)
    rows: list[int] = []
    scores, cross = [], []
    own: list[Floats] = []
    q = structure.n_free
    total = np.zeros((q, q))
    for part, group in zip(parts, structure.groups, strict=True):
        info = part.expected
        at = np.flatnonzero(wanted[group.rows])
        rows += [int(r) for r in group.rows[at]]
        scores.append(part.gradient[at])
        right = info @ group.K
        total += group.K.T @ right
        cross.append(right[at])
        own.append(info[np.ix_(at, at)])
    X = np.vstack(cross)
    schur = -X @ np.linalg.solve(total, X.T)
    start = 0
    for block in own:
        stop = start + len(block)
        schur[start:stop, start:stop] += block
        start = stop
    diagonal = np.concatenate([np.diag(block) for block in own])
    schur[np.diag_indices(len(schur))] = np.where(np.diag(schur) > _NOTHING * diagonal, np.diag(schur), np.nan)
    return rows, np.concatenate(scores), schur


def _standard_deviations(fitted: Fitted) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Return total and residual standard deviations of all variables by group."""
    names = (*fitted.structure.table.items, *fitted.structure.table.factors)
    out = []
    for g in range(len(fitted.sample.names)):
        total = np.diag(fitted.states[g].state.V).copy()
        residual, _ = residual_variances(fitted, g)
        if fitted.structure.table.ordinal and fitted.structure.table.options.parameterization == "delta":
            total[: fitted.structure.n_items] = 1.0
        with np.errstate(invalid="ignore"):
            sds = np.sqrt(total), np.sqrt(residual)
        out.append((dict(zip(names, sds[0], strict=True)), dict(zip(names, sds[1], strict=True))))
    return out


def _standardised(
    score: Score, total: dict[str, float], residual: dict[str, float], factors: frozenset[str]
) -> tuple[float, float]:
    row = score.row
    if row.op == "=~":
        by_factor = score.epc * total[row.lhs]
        return by_factor, by_factor / total[row.rhs]
    if row.op == "~1":
        return score.epc, score.epc / total[row.lhs]
    if row.lhs == row.rhs:
        return score.epc, score.epc / total[row.lhs] ** 2
    scale = residual[row.lhs] * residual[row.rhs]
    full = score.epc / scale
    return (full if row.lhs in factors else score.epc), full


def modification_frame(fitted: Fitted) -> pd.DataFrame:
    """Return modification indices and expected parameter changes, largest first.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.

    Returns
    -------
    DataFrame
        Columns lhs, op, rhs, group, mi, p, epc, sepc_lv, sepc_all.
    """
    table = fitted.structure.table
    extended = replace(table, rows=(*table.rows, *_candidates(table)))
    wanted = np.array([k >= len(table.rows) or _fixed(table, row) for k, row in enumerate(extended.rows)])
    if not wanted.any():
        return pd.DataFrame(columns=["lhs", "op", "rhs", "group", "mi", "p", "epc", "sepc_lv", "sepc_all"])
    rows, s, schur = _released(fitted, extended, wanted)
    deviations = _standard_deviations(fitted)
    factors = frozenset(table.factors)
    records = []
    for k, score, info in zip(rows, s, np.diag(schur), strict=True):
        row = extended.rows[k]
        found = Score(row, fitted.sample.n * score * score / info, -score / info)
        lv, everything = _standardised(found, *deviations[row.group], factors)
        name = fitted.sample.names[row.group]
        records.append(
            (row.lhs, row.op, row.rhs, name, found.mi, float(chdtrc(1, found.mi)), found.epc, lv, everything)
        )
    columns = ["lhs", "op", "rhs", "group", "mi", "p", "epc", "sepc_lv", "sepc_all"]
    frame = pd.DataFrame(records, columns=columns).dropna(subset=["mi"])
    return frame.sort_values("mi", ascending=False, kind="stable", ignore_index=True)


def equality_scores(fitted: Fitted) -> tuple[pd.DataFrame, tuple[float, int, float]]:
    """Test every equality between parameters: by how much chi-square would fall if it were released.

    Parameters
    ----------
    fitted : Fitted
        A model with equal parameters.

    Returns
    -------
    tuple of (DataFrame, (float, int, float))
        One row per equality (parameter, group released, x2, p, epc), largest first, and the joint test of all:
        chi-square, degrees of freedom, p.
    """
    table = fitted.structure.table
    first: dict[str, int] = {}
    wanted = np.zeros(len(table.rows), dtype=np.bool_)
    for k, row in enumerate(table.rows):
        if row.free and row.label:
            wanted[k] = row.label in first
            first.setdefault(row.label, k)
    columns = ["parameter", "lhs", "op", "rhs", "group", "x2", "p", "epc"]
    if not wanted.any():
        return pd.DataFrame(columns=columns), (0.0, 0, float("nan"))
    rows, s, schur = _released(fitted, table, wanted)
    n = fitted.sample.n
    records = []
    for k, score, info in zip(rows, s, np.diag(schur), strict=True):
        row = table.rows[k]
        x2 = n * score * score / info
        records.append(
            (
                row.name,
                row.lhs,
                row.op,
                row.rhs,
                fitted.sample.names[row.group],
                x2,
                float(chdtrc(1, x2)),
                -score / info,
            )
        )
    keep = ~np.isnan(np.diag(schur))
    joint = float(n * s[keep] @ np.linalg.lstsq(schur[np.ix_(keep, keep)], s[keep], rcond=None)[0])
    frame = pd.DataFrame(records, columns=columns).sort_values("x2", ascending=False, kind="stable", ignore_index=True)
    return frame, (joint, int(keep.sum()), float(chdtrc(int(keep.sum()), joint)))
