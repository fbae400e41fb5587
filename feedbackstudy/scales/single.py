"""Take over a measure that is a single column: a count, a rating, a yes or no."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import MissingReason, Responses, ScoreInfo
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.cells import read_cells
from feedbackstudy.scales.form import ResponseFormat
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scored import Column

__all__ = ["Levelled", "level_numbers", "score_single"]

_WHOLE = frozenset({"count", "binary", "ordinal", "nominal"})
_WIDE = 1e12


class Levelled(Protocol):
    """What is declared of a column in categories."""

    @property
    def kind(self) -> str:
        """What the column measures."""
        ...

    @property
    def levels(self) -> Mapping[str, str]:
        """Code -> label."""
        ...


def score_single(responses: Responses, measure: Measure) -> tuple[list[Column], list[Issue]]:
    """Read a single column, held against its declared range or levels.

    Parameters
    ----------
    responses : Responses
        The table.
    measure : Measure
        A measure that is not a scale.

    Returns
    -------
    list of Column, list of Issue
        One column (none where the column stands among the covariates), and findings.

    Raises
    ------
    DataError
        Where the column is absent.
    """
    if measure.name in responses.covariates:
        return [], []
    if measure.name not in responses.items:
        raise DataError(choices("Column of a measure", measure.name, responses.items))
    codes = responses.reason(measure.name)
    values, found = (_levelled if measure.levels else _measured)(responses, measure)
    asked = (codes != MissingReason.NOT_ASKED).astype(np.int16)
    answered = (codes == MissingReason.ANSWERED).astype(np.int16)
    low, high = _ends(measure)
    info = ScoreInfo(
        name=measure.name,
        measure=measure.name,
        method=_how(measure),
        low=low if low > -_WIDE else float("-inf"),
        high=high if high < _WIDE else float("inf"),
        n_items=1,
        minimum_answered=1.0,
        occasions=tuple(measure.waves),
    )
    return [Column(info, values, answered, asked)], found


def _how(measure: Measure) -> str:
    table = level_numbers(measure)
    return (
        f"{measure.kind}: {', '.join(f'{code} = {value:g}' for code, value in table.items())}"
        if table
        else measure.kind
    )


def _ends(measure: Measure) -> tuple[float, float]:
    table = level_numbers(measure)
    if table:
        return min(table.values()), max(table.values())
    if measure.range is not None:
        return measure.range
    return {"binary": (0.0, 1.0), "proportion": (0.0, 1.0), "count": (0.0, _WIDE)}.get(measure.kind, (-_WIDE, _WIDE))


def level_numbers(declared: Levelled) -> Mapping[str, float]:
    """Return level code -> number: the code where all are numbers, else its place (from 0 if binary, else from 1).

    Parameters
    ----------
    declared : Levelled
        A measure or a covariate that is a single column with levels.

    Returns
    -------
    mapping of str to float
        Empty where it has no levels.
    """
    if all(code.lstrip("-").isdigit() for code in declared.levels):
        return {code: float(code) for code in declared.levels}
    start = 0 if declared.kind == "binary" else 1
    return {code: float(place) for place, code in enumerate(declared.levels, start)}


def _measured(responses: Responses, measure: Measure) -> tuple[NDArray[np.float64], list[Issue]]:
    low, high = _ends(measure)
    answers = ResponseFormat(min=low, max=high, step=1.0 if measure.kind in _WHOLE else None)
    cells = read_cells(responses, measure.name, answers, None, imputed=False)
    return cells.values, list(cells.issues)


def _levelled(responses: Responses, measure: Measure) -> tuple[NDArray[np.float64], list[Issue]]:
    table = level_numbers(measure)
    column = responses.column(measure.name)
    words = column.map(lambda value: f"{value:g}" if isinstance(value, float) and value == value else str(value))
    values: NDArray[np.float64] = np.asarray(words.map(table).to_numpy(dtype=np.float64))
    given = responses.reason(measure.name) == MissingReason.ANSWERED
    wrong = given & np.isnan(values)
    if not wrong.any():
        return values, []
    listed = ", ".join(map(repr, sorted(set(words[wrong]))[:8]))
    issue = Issue(
        "scales.unknown_level",
        Severity.ERROR,
        f"column {measure.name}",
        f"{counted(int(wrong.sum()), 'value is', 'values are')} no declared level: {listed}.",
        "A value without a meaning cannot be analysed.",
        f"Use the codes {', '.join(table)}, or declare the level.",
        tuple(map(str, responses.column("participant")[wrong].head(10))),
    )
    return values, [issue]
