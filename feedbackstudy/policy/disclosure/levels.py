"""Which levels of a grouping are hidden, in all tables that share it, so that no small count follows from the rest."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

__all__ = ["hidden_in_columns", "hidden_levels", "linked_counts"]

type Nests = Mapping[tuple[str, str], Mapping[str, str]]
"""(Fine column, coarse column) -> level of the fine one -> the one level of the coarse one that holds it."""


def linked_counts(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the counts of linked tables side by side, with what follows from two of them.

    Parameters
    ----------
    tables : sequence of DataFrame
        One row a level (the index), columns of counts; ``n`` is the level's size in that table.

    Returns
    -------
    DataFrame
        All counts, and for each two tables the differences of the sizes: who is in one of them alone.
    """
    levels = sorted({str(level) for table in tables for level in table.index})
    wide = [table.set_axis(table.index.map(str)).reindex(levels, fill_value=0).astype(np.float64) for table in tables]
    parts = {f"{i}:{name}": table[name] for i, table in enumerate(wide) for name in table.columns}
    for (i, first), (j, second) in combinations(enumerate(wide), 2):
        if "n" in first and "n" in second:
            parts[f"{i}-{j}"] = (first["n"] - second["n"]).abs()
    return pd.DataFrame(parts, index=levels)


def hidden_levels(
    tables: Sequence[pd.DataFrame],
    *,
    min_cell: int,
    complementary: bool = True,
    last: str | None = None,
    also: Collection[str] = (),
) -> frozenset[str]:
    """Choose the levels of which nothing is shown in any of several linked tables.

    Parameters
    ----------
    tables : sequence of DataFrame
        As `linked_counts` takes them.
    min_cell : int
        A level with a count from 1 to one below this is hidden.
    complementary : bool, default True
        Whether further levels are hidden until no small count follows from the totals.
    last : str, optional
        A level that is hidden beside others only where nothing else helps, because all else is compared with it.

    also : collection of str, optional
        Levels that are hidden already; what they hide together is completed in the same way.

    Returns
    -------
    frozenset of str
        The levels.

    Notes
    -----
    Totals over all levels are taken as known, whether or not a table shows them. Of hidden levels only sums are known
    then, one for each column of counts, and one level's count may be anything from 0 to that sum; the sum must be at
    least `min_cell`. Where it is not, the level with the smallest count that helps is hidden as well. Because a level
    is hidden in all tables or in none, a relation between tables (decided less rejected is hired) is one of sums too.
    """
    counts = linked_counts(tables)
    values = counts.to_numpy()
    small = (values > 0) & (values < min_cell)
    hidden = small.any(axis=1) | counts.index.isin(list(also))
    size = values.sum(axis=1)
    while complementary and hidden.any() and not hidden.all():
        sums = values[hidden].sum(axis=0)
        weak = np.flatnonzero(small[hidden].any(axis=0) & (sums < min_cell))
        if not weak.size:
            break
        kept = hidden | ((counts.index == last) if (~hidden & (counts.index != last)).any() else False)
        gain = np.where(kept, np.inf, values[:, weak[0]])
        # People before noughts, the smallest first; noughts alone cannot hide anything, so then the smallest level.
        helps = np.where(gain > 0, gain, np.inf)
        chosen = int(np.argmin(helps)) if np.isfinite(helps).any() else int(np.argmin(np.where(kept, np.inf, size)))
        hidden[chosen] = True
    return frozenset(str(level) for level, out in zip(counts.index, hidden, strict=True) if out)


def hidden_in_columns(
    tables: Mapping[str, Sequence[pd.DataFrame]], nests: Nests, *, min_cell: int, complementary: bool = True
) -> dict[str, frozenset[str]]:
    """Choose the hidden levels of several columns, some of which lie within others, such as sites within regions.

    Parameters
    ----------
    tables : mapping of str to sequence of DataFrame
        Column -> its linked tables.
    nests : mapping
        Which columns lie within which.
    min_cell : int
        As in `hidden_levels`.
    complementary : bool, default True
        As in `hidden_levels`.

    Returns
    -------
    dict
        Column -> its hidden levels.

    Notes
    -----
    The shown level of a coarse column is a total of its fine levels, and what is left of all totals that of the hidden
    ones together. Within each of these the fine levels that are hidden must hide each other, as they must over all.
    """
    rule = {"min_cell": min_cell, "complementary": complementary}
    hidden = {column: hidden_levels(each, **rule) for column, each in tables.items()}  # type: ignore[arg-type]
    before: dict[str, frozenset[str]] = {}
    while complementary and hidden != before:
        before = dict(hidden)
        for (fine, coarse), parents in nests.items():
            if fine not in tables or coarse not in tables:
                continue
            groups: dict[str | None, list[str]] = {}
            for level, parent in parents.items():
                groups.setdefault(None if parent in hidden[coarse] else parent, []).append(level)
            for levels in groups.values():
                own = [each[each.index.map(str).isin(levels)] for each in tables[fine]]
                here = hidden[fine] & set(levels)
                hidden[fine] |= hidden_levels(own, also=here, **rule)  # type: ignore[arg-type]
    return hidden
