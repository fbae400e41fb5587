"""Small cells: numbers about few people are withheld, and others with them, so that no sum gives them back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.suppression import bounds_of
from feedbackstudy.collect.suppression import suppress as hide
from feedbackstudy.errors import DataError, choices
from feedbackstudy.render import Page, Rendered, Text, counted, table_of

__all__ = ["TOTAL", "Suppressed", "ranges", "suppress", "suppressed_means"]

TOTAL = "All"
"""Name of the row and the column of totals."""

_MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suppressed(Rendered):
    """A table of counts with totals, in which no small cell can be read or derived.

    Attributes
    ----------
    frame : DataFrame
        The counts with their totals; a withheld one is NA.
    k : int
        The smallest number that is shown.
    primary : int
        Counts withheld because they are small.
    complementary : int
        Counts withheld so that the small ones cannot be derived.
    """

    frame: pd.DataFrame
    k: int
    primary: int
    complementary: int

    @property
    def withheld(self) -> int:
        """How many numbers are withheld."""
        return self.primary + self.complementary

    def page(self) -> Page:
        """Return the table; a withheld number is a dash.

        Returns
        -------
        Page
            Ready to render.
        """
        rows: list[dict[str, object]] = [
            {"group": name, **{str(c): None if pd.isna(v) else int(v) for c, v in row.items()}}
            for name, row in self.frame.iterrows()
        ]
        said = (
            f"Numbers below {self.k} are withheld ({self.primary}), and {self.complementary} more so that these cannot "
            "be derived from the totals."
        )
        return Page(title="Counts", blocks=(table_of(rows), Text(said)))


def suppress(counts: pd.DataFrame, *, k: int = 5) -> Suppressed:
    """Withhold counts of fewer than `k` people, and as many others as are needed so that nobody can derive them.

    Parameters
    ----------
    counts : DataFrame
        Groups by categories (or one column), whole numbers, without totals: these are added.
    k : int, default 5
        The smallest number that is shown; 0 is shown as well.

    Returns
    -------
    Suppressed
        The table with totals.

    Raises
    ------
    DataError
        For a table with negative, broken or missing counts, a name that stands twice, or more than 2,000 cells.

    Notes
    -----
    `feedbackstudy.collect.suppression` chooses the cells: what is shown leaves every small count an interval of at
    least k.
    """
    if k < 2:
        raise DataError(f"k is {k}; with fewer than 2 nothing is withheld.")
    values, rows, columns = _read(counts)
    flat = values.ravel() if 1 in values.shape else values
    found = hide(flat, min_cell=k)
    shape = (len(rows), len(columns))
    frame = pd.DataFrame(found.counts.reshape(shape), index=rows, columns=columns).astype("Int64")
    frame = frame.mask(pd.DataFrame(found.hidden.reshape(shape), index=rows, columns=columns))
    small = int(found.small.sum())
    return Suppressed(frame=frame, k=k, primary=small, complementary=int(found.hidden.sum()) - small)


def _read(counts: pd.DataFrame) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Return the counts, and the names of rows and columns with their totals; a single line has one total."""
    values = counts.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.size == 0 or values.size > _MOST:
        raise DataError(
            f"The table has {counted(values.size, 'cell')}; between 1 and {_MOST:,} can be protected at once."
        )
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.round(values)).any():
        raise DataError("Counts are whole numbers of people, none missing; something in this table is not.")
    rows, columns = ([str(name) for name in axis] for axis in (counts.index, counts.columns))
    for axis in (rows, columns):
        twice = [name for name in axis if axis.count(name) > 1 or name == TOTAL]
        if twice:
            raise DataError(f"{twice[0]!r} names two rows or columns (or the totals); give each a name of its own.")
    rows += [TOTAL] if len(columns) == 1 or len(rows) > 1 else []
    columns += [TOTAL] if len(columns) > 1 else []
    return values, rows, columns


def ranges(found: Suppressed) -> dict[tuple[str, str], tuple[float, float]]:
    """Bound what is withheld, as somebody could who knows the rest of the table.

    Parameters
    ----------
    found : Suppressed
        A table with totals.

    Returns
    -------
    dict of (str, str) to (float, float)
        Row and column -> lowest and highest value that fits; the highest may be infinite.
    """
    shown = found.frame
    values = shown.to_numpy(dtype=np.float64, na_value=np.nan)
    flat = values.ravel() if 1 in values.shape else values
    hidden = np.isnan(flat)
    names = [(str(row), str(column)) for row in shown.index for column in shown.columns]
    return {names[int(at)]: bounds_of(np.nan_to_num(flat), hidden, int(at)) for at in np.flatnonzero(hidden.ravel())}


def suppressed_means(frame: pd.DataFrame, *, by: Sequence[str], value: str, k: int = 5) -> pd.DataFrame:
    """Return the mean of a value by group, withheld for groups of fewer than `k` people.

    Parameters
    ----------
    frame : DataFrame
        One row a person.
    by : sequence of str
        Columns that make the groups.
    value : str
        A column of numbers.
    k : int, default 5
        The smallest group that is shown.

    Returns
    -------
    DataFrame
        ``group, n, mean, sd`` with a last row for all; NA where withheld. Where one group is withheld a second is, so
        that neither follows from the row for all. Minimum, maximum and median are never given: they are somebody's.

    Raises
    ------
    DataError
        For an unknown column.
    """
    for name in (*by, value):
        if name not in frame.columns:
            raise DataError(choices("Column", name, map(str, frame.columns)))
    held = frame[[*by, value]].dropna()
    groups = held.groupby(list(by), observed=True)[value]
    table = groups.agg(["size", "mean", "std"]).reset_index()
    labels = table[list(by)].astype(str).agg(", ".join, axis=1)
    counts = suppress(pd.DataFrame({"n": table["size"].to_numpy()}, index=labels), k=k).frame["n"]
    everybody = pd.DataFrame({"size": [len(held)], "mean": [held[value].mean()], "std": [held[value].std()]})
    rows = pd.concat([table[["size", "mean", "std"]], everybody if len(table) > 1 else None], ignore_index=True)
    shown = counts.notna().to_numpy()
    return pd.DataFrame(
        {
            "group": counts.index,
            "n": counts.to_numpy(),
            "mean": rows["mean"].where(shown).to_numpy(),
            "sd": rows["std"].where(shown).to_numpy(),
        }
    )
