"""A table of counts by two keys as it may be shown, with its margins."""

import numpy as np
import pandas as pd

from feedbackstudy.collect.suppression import suppress
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.disclosed import Disclosed

__all__ = ["crossed_counts"]


def crossed_counts(
    frame: pd.DataFrame, names: tuple[str, str, str], rule: DisclosureRule, *, title: str, words: str
) -> Disclosed:
    """Return a table of counts as it may be shown.

    Parameters
    ----------
    frame : DataFrame
        One row a cell, or several that are added.
    names : tuple of str
        Its columns: of rows, of columns, of counts.
    rule : DisclosureRule
        The rule.
    title, words : str
        Title, by default what is counted by what; the rule in words.

    Returns
    -------
    Disclosed
        Rows, one column for each level, and totals.

    Raises
    ------
    NotFoundError
        For an absent column.
    """
    rows, columns, count = names
    for name in names:
        if name not in frame.columns:
            raise NotFoundError(choices("Column", name, map(str, frame.columns)))
    wide = frame.pivot_table(index=rows, columns=columns, values=count, aggfunc="sum", fill_value=0, observed=True)
    found = suppress(wide.to_numpy(dtype=np.float64).round(), min_cell=rule.min_cell, complementary=rule.complementary)
    head = [*map(str, wide.columns), "total"]
    body = [
        [None if h else round(c / rule.round_to) * rule.round_to for c, h in zip(line, out, strict=True)]
        for line, out in zip(found.counts, found.hidden, strict=True)
    ]
    shown = pd.DataFrame(body, columns=head, dtype="Int64")
    out = pd.DataFrame(found.hidden, columns=head)
    for table, first in ((shown, [*map(str, wide.index), "total"]), (out, False)):
        table.insert(0, rows, first)
    return Disclosed(title=title or f"{count} by {rows} and {columns}", table=shown, out=out, words=words)
