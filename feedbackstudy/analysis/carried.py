"""An R script that a view carries from the analysis it shows."""

from collections.abc import Callable

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["Way", "carried"]

type Way = RScript | Callable[[], RScript] | None
"""A script, what makes it when asked, or None where the view was made apart from an analysis of rows."""


def carried(way: Way, what: str) -> RScript:
    """Return the script that a view carries.

    Parameters
    ----------
    way : RScript, callable or None
        What it was given.
    what : str
        The view, for the message.

    Returns
    -------
    RScript
        The script.

    Raises
    ------
    DataError
        Where it was given none.
    """
    if way is None:
        raise DataError(
            f"{what} was made from numbers alone and knows no rows; the r_script() of the analysis that it belongs to "
            "computes them."
        )
    return way if isinstance(way, RScript) else way()
