"""How psychometric records lay themselves out: notices first, frames as rows."""

from collections.abc import Iterable

import pandas as pd

from feedbackstudy.issues import Issue
from feedbackstudy.psychometrics.conditions import notices
from feedbackstudy.render import Block

__all__ = ["rows_of", "with_notices"]


def with_notices(issues: Iterable[Issue], *blocks: Block) -> tuple[Block, ...]:
    """Return the blocks of a page behind one notice for each issue.

    Parameters
    ----------
    issues : iterable of Issue
        What the record carries.
    *blocks : Block
        The rest of the page.

    Returns
    -------
    tuple of Block
        Ready for a `Page`.
    """
    return (*notices(issues), *blocks)


def rows_of(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return a DataFrame as records with text keys.

    Parameters
    ----------
    frame : DataFrame
        Any.

    Returns
    -------
    list of dict
        One a row, ready for `table_of`.
    """
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
