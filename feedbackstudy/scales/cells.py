"""From the cells of an item column to numbers: nothing is coerced, every value outside the answers is named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.form import ResponseFormat

__all__ = ["Cells", "read_cells"]

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_MISSING_CODES = frozenset({-999.0, -99.0, -98.0, -97.0, -77.0, -9.0, -8.0, -1.0, 66.0, 77.0, 88.0, 98.0, 99.0, 999.0})
_SHOWN = 8
_ROWS = 1 << 15
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Cells:
    """The answers to one item.

    Attributes
    ----------
    item : str
        Its column.
    values : ndarray of float
        One value a row; NaN where there is none.
    codes : ndarray of int8
        `MissingReason` codes.
    low, high : float
        Lowest and highest value; infinite, the wrong way round, where there is none.
    issues : tuple of Issue
        What was found: errors stop the scoring, notes say what was converted.
    """

    item: str
    values: NDArray[np.float64]
    codes: NDArray[np.int8]
    low: float
    high: float
    issues: tuple[Issue, ...] = ()


def read_cells(
    responses: Responses, item: str, answers: ResponseFormat, rows: NDArray[np.bool_] | None, *, imputed: bool
) -> Cells:
    """Read one item column as numbers and hold it against the declared answers.

    Parameters
    ----------
    responses : Responses
        The table.
    item : str
        The item column.
    answers : ResponseFormat
        What the form allows.
    rows : ndarray of bool or None
        The rows that were given this form; None for all. Cells elsewhere are not judged.
    imputed : bool
        Whether values between two codes are accepted, as imputed answers.

    Returns
    -------
    Cells
        Values, reasons and findings.
    """
    series = responses.column(item)
    codes = responses.reason(item)
    who = _Who(responses, rows)
    values, issues = _numbers(series, codes, item, answers, who)
    span = _span(values, answers)
    if not issues or all(issue.severity is not Severity.ERROR for issue in issues):
        issues += _outside(values, span, item, answers, who, imputed=imputed)
    return Cells(item, values, codes, span.low, span.high, tuple(issues))


@dataclass(frozen=True, slots=True)
class _Span:
    """Lowest and highest value, and whether all values lie on the steps between."""

    low: float
    high: float
    on_steps: bool


def _span(values: NDArray[np.float64], answers: ResponseFormat) -> _Span:
    """Read the values block by block, so that the working arrays stay in the processor's cache."""
    low, high, on_steps = np.inf, -np.inf, True
    for start in range(0, len(values), _ROWS):
        block = values[start : start + _ROWS]
        low = min(low, float(np.fmin.reduce(block, initial=np.inf)))
        high = max(high, float(np.fmax.reduce(block, initial=-np.inf)))
        if on_steps and answers.step is not None:
            steps = _steps(block, answers)
            # NaN differs from itself: a missing answer is counted on both sides and drops out.
            on_steps = np.count_nonzero(np.rint(steps) != steps) == np.count_nonzero(block != block)
    return _Span(low, high, on_steps)


def _steps(values: NDArray[np.float64], answers: ResponseFormat) -> NDArray[np.float64]:
    """Express answers in steps from the lowest code; whole numbers of steps are answers."""
    step = answers.step or 1.0
    return values if step == 1 and answers.min % 1 == 0 else (values - answers.min) / step


class _Who:
    """Names the participants of chosen rows, the first ten."""

    def __init__(self, responses: Responses, rows: NDArray[np.bool_] | None) -> None:
        self._people = responses.column("participant")
        self.rows = rows

    def judged(self, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return bad if self.rows is None else bad & self.rows

    def names(self, bad: NDArray[np.bool_]) -> tuple[str, ...]:
        first = np.flatnonzero(bad)[:_NAMED]
        more = int(bad.sum()) - len(first)
        return (*map(str, self._people.iloc[first]), *((f"and {more} more",) if more else ()))


def _numbers(
    series: pd.Series, codes: NDArray[np.int8], item: str, answers: ResponseFormat, who: _Who
) -> tuple[NDArray[np.float64], list[Issue]]:
    if isinstance(series.dtype, pd.CategoricalDtype):
        kind = series.cat.categories.dtype
        plain = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
        series = series.astype("float64" if plain else "object")
    if pd.api.types.is_bool_dtype(series.dtype):
        return _booleans(series, item, answers, who, codes)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan), []
    return _texts(series, codes, item, who)


def _booleans(
    series: pd.Series, item: str, answers: ResponseFormat, who: _Who, codes: NDArray[np.int8]
) -> tuple[NDArray[np.float64], list[Issue]]:
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    n = int((codes == MissingReason.ANSWERED).sum())
    if (answers.min, answers.max) == (0, 1):
        note = f"{counted(n, 'answer')} true/false {'was' if n == 1 else 'were'} read as 1/0."
        return values, [_issue("scales.boolean_read", Severity.NOTE, item, note, "The format is 0/1.", "Nothing.", ())]
    answered = who.judged(codes == MissingReason.ANSWERED)
    held = counted(n, "cell holds", "cells hold")
    what = f"{held} true/false where answers run from {answers.min:g} to {answers.max:g}."
    fix = "Export the answer codes; true/false mostly comes from a check-box or a comparison made upstream."
    return values, [_issue("scales.boolean", Severity.ERROR, item, what, "It is no answer.", fix, who.names(answered))]


def _texts(series: pd.Series, codes: NDArray[np.int8], item: str, who: _Who) -> tuple[NDArray[np.float64], list[Issue]]:
    answered = codes == MissingReason.ANSWERED
    values = np.full(len(series), np.nan)
    read: dict[object, float] = {}
    bad: dict[str, int] = {}
    for value, count in series[answered].value_counts().items():
        if isinstance(value, bool | np.bool_) or not _NUMBER.match(str(value)):
            bad[repr(value)] = int(count)
        else:
            read[value] = float(str(value))
    if bad:
        wrong = who.judged(answered & ~series.isin(list(read)).to_numpy())
        if wrong.any() or who.rows is None:
            listed = ", ".join(f"{value} ({n}x)" for value, n in list(bad.items())[:_SHOWN])
            what = f"{counted(sum(bad.values()), 'cell is not a number', 'cells are not numbers')}: {listed}."
            fix = "Export codes instead of labels, or map each label to its code; nothing was coerced."
            return values, [
                _issue("scales.text", Severity.ERROR, item, what, "A guess could be wrong.", fix, who.names(wrong))
            ]
    values[answered] = series[answered].map(read).to_numpy(dtype=np.float64)
    note = (
        f"{counted(int(answered.sum()), 'number stored as text was', 'numbers stored as text were')} read as numbers."
    )
    return values, [_issue("scales.text_read", Severity.NOTE, item, note, "Each was a plain number.", "Nothing.", ())]


def _outside(
    values: NDArray[np.float64],
    span: _Span,
    item: str,
    answers: ResponseFormat,
    who: _Who,
    *,
    imputed: bool,
) -> list[Issue]:
    found: list[Issue] = []
    if span.low < answers.min or span.high > answers.max:
        beyond = who.judged((values < answers.min) | (values > answers.max))
        if beyond.any():
            found.append(_beyond(values, beyond, item, answers, who))
    if answers.step is None or imputed or span.on_steps:
        return found
    steps = _steps(values, answers)
    between = who.judged((np.rint(steps) != steps) & ~np.isnan(values))
    if between.any():
        listed = _tally(values[between])
        what = f"{counted(int(between.sum()), 'answer lies', 'answers lie')} between two codes: {listed}."
        why = "People cannot give such answers; they are imputed, averaged or rescaled."
        fix = "Use the raw answers, or score with imputed='accept' and report the imputation."
        found.append(_issue("scales.between_codes", Severity.ERROR, item, what, why, fix, who.names(between)))
    return found


def _beyond(
    values: NDArray[np.float64], beyond: NDArray[np.bool_], item: str, answers: ResponseFormat, who: _Who
) -> Issue:
    outside = sorted(set(values[beyond].tolist()))
    what = (
        f"{_tally(values[beyond])} outside {answers.min:g} to {answers.max:g} in {counted(int(beyond.sum()), 'row')}."
    )
    if set(outside) <= _MISSING_CODES:
        codes = ", ".join(f"{value:g}: user_missing" for value in outside)
        fix = f"These look like missing codes; declare them: scales.declare_missing(responses, {{{codes}}})."
    else:
        fix = "Check which response format was fielded; another format is another form, with norms off."
    return _issue("scales.outside_range", Severity.ERROR, item, what, "Keying would be wrong.", fix, who.names(beyond))


def _tally(values: NDArray[np.float64]) -> str:
    distinct, counts = np.unique(values, return_counts=True)
    shown = ", ".join(f"{v:g} ({n}x)" for v, n in list(zip(distinct, counts, strict=True))[:_SHOWN])
    return shown + (f" and {len(distinct) - _SHOWN} more values" if len(distinct) > _SHOWN else "")


def _issue(code: str, severity: Severity, item: str, what: str, why: str, fix: str, who: Sequence[str]) -> Issue:
    return Issue(code, severity, f"item {item}", what, why, fix, tuple(who))
