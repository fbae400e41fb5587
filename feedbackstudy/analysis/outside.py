"""Comparison arms outside the crossing of the factors: cells of their own beside the crossed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from feedbackstudy.analysis.columns import Columns, Kind, column, read_columns
from feedbackstudy.analysis.crossed import Cells, cells_of
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.render import counted

__all__ = ["Control", "read_cells"]

type Control = Mapping[str, str | Sequence[str]]


def read_cells(
    data: pd.DataFrame,
    outcome: str,
    factors: Sequence[str],
    *,
    covariates: Sequence[str] = (),
    groups: Sequence[str] = (),
    control: Control | None = None,
    kind: Kind = "number",
) -> tuple[Columns, Cells, tuple[str, ...]]:
    """Read a table whose rows stand in crossed cells or in a comparison arm.

    Parameters
    ----------
    data : DataFrame
        The table.
    outcome : str
        Name of the outcome.
    factors : sequence of str
        The crossed factors.
    covariates, groups : sequence of str
        As in `read_columns`.
    control : mapping of str to str or sequence of str, optional
        Column -> level or levels that mark rows outside the crossing; their own values of the factors are not used.
        An arm that is marked in several columns, with the same rows each time, is one arm.
    kind : {"number", "binary", "count", "ordered"}, default "number"
        What the outcome must be.

    Returns
    -------
    tuple of Columns, Cells, tuple of str
        Checked rows; their cells, crossed ones first, one more for each comparison arm; the names of these arms.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, an empty cell, or arms that share some of their rows only.
    NotFoundError
        For an unknown column or level.
    """
    marks = _marked(data, control or {})
    arms = tuple(marks)
    outside = np.zeros(len(data), dtype=np.bool_)
    for name, mask in marks.items():
        if (outside & mask).any():
            raise DataError(
                f"{counted(int((outside & mask).sum()), 'row is', 'rows are')} in the arm {name!r} and in another one "
                f"marked before it ({', '.join(marks)}), which holds other rows besides; each row is in one arm only."
            )
        outside |= mask
    if outside.all():
        raise DataError("Every row is marked as control; nothing is left inside the crossing.")
    read = read_columns(
        _placed(data, factors, outside), outcome, factors=factors, covariates=covariates, groups=groups, kind=kind
    )
    crossed = cells_of([read.factors[name] for name in factors])
    cell = crossed.cell.copy()
    for i, mask in enumerate(marks.values()):
        cell[mask[read.kept]] = len(crossed.labels) + i
    cells = replace(
        crossed,
        labels=crossed.labels + arms,
        cell=cell,
        counts=np.bincount(cell, minlength=len(crossed.labels) + len(arms)).astype(np.int64),
    )
    cells.require()
    return read, cells, arms


def _marked(data: pd.DataFrame, control: Control) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    marks: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for name, given in control.items():
        values = column(data, name, role="Control column").astype("object").map(str).to_numpy(dtype=object)
        for level in (given,) if isinstance(given, str) else given:
            mask = values == level
            if not mask.any():
                raise NotFoundError(choices(f"Level of {name!r}", level, set(values)))
            if not any(np.array_equal(mask, other) for other in marks.values()):
                marks[level if level not in marks else f"{name}={level}"] = mask
    return marks


def _placed(
    data: pd.DataFrame, factors: Sequence[str], outside: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> pd.DataFrame:
    """Give rows outside the crossing a level that occurs inside, so that they neither count as missing nor add one."""
    if not outside.any():
        return data
    changed = {}
    for name in factors:
        found = column(data, name, role="Factor").copy()
        inside = found[~outside].dropna()
        if inside.empty:
            raise DataError(f"Factor {name!r} has no value in any row inside the crossing.")
        found[outside] = inside.iloc[0]
        changed[name] = found
    return data.assign(**changed)
