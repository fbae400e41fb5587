"""A frame of results for the eye: every column written as the field writes it, by its name in the column grammar."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.render import bayes_factor, number, p_value, probability

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["styled"]

_MISSING = "\N{EN DASH}"


def styled(frame: pd.DataFrame, *, decimals: int = 3) -> "Styler":
    """Return a frame of results with its numbers written for reading; the frame itself keeps every digit.

    Parameters
    ----------
    frame : DataFrame
        Such as ``estimates.frame()`` or a selection of its columns. Of a column with a name of several parts the last
        counts.
    decimals : int, default 3
        Digits after the point of estimates, limits and statistics. A number too small for them keeps three significant
        digits instead of becoming 0.

    Returns
    -------
    Styler
        Columns ``p`` and ``p_...`` after APA (no leading zero, "< .001"), ``prob_...`` likewise ("> .999"),
        ``bayes_factor`` with its relation sign beyond 1,000, whole numbers without decimals, what is missing as a dash.
        Text is escaped.

    Raises
    ------
    DataError
        Where two columns have one name.

    Examples
    --------
    >>> import pandas as pd
    >>> styled(pd.DataFrame({"estimate": [0.5], "p": [0.00002]})).to_string(delimiter=" | ").splitlines()[1]
    '0 | 0.500 | < .001'
    """
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise DataError(f"Columns named twice cannot be written one by one: {', '.join(twice)}. Rename them first.")
    writers: dict[Any, str | Callable[[object], str] | None] = {
        name: _writer(str(name[-1] if isinstance(name, tuple) else name), frame.iloc[:, place], decimals)
        for place, name in enumerate(frame.columns)
        if pd.api.types.is_numeric_dtype(frame.dtypes.iloc[place])
        and not pd.api.types.is_bool_dtype(frame.dtypes.iloc[place])
    }
    found = frame.style.format(writers, na_rep=_MISSING, escape="html")
    return found.format_index(axis="index", escape="html").format_index(axis="columns", escape="html")


def _writer(name: str, column: "pd.Series[Any]", decimals: int) -> Callable[[Any], str]:
    """Return how the numbers of a column are written."""
    if name == "p" or name.startswith("p_"):
        return lambda value: p_value(float(value)).removeprefix("p ").removeprefix("= ")
    if name.startswith("prob_"):
        return lambda value: probability(float(value)).removeprefix("= ")
    if name == "bayes_factor":
        return lambda value: bayes_factor(float(value)).removeprefix("BF10 ").removeprefix("= ")
    present = column.dropna()
    whole = bool((present == present.round()).all())
    return lambda value: number(float(value), 0 if whole else decimals)
