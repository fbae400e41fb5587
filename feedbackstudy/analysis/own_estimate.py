"""`custom`: an estimate that the user made elsewhere, in the same columns and marked as such."""

from dataclasses import fields, replace
from math import isfinite
from numbers import Real

from feedbackstudy.analysis.estimate import COLUMNS, Engine, Estimate, Estimates
from feedbackstudy.errors import DataError, InputError, choices

__all__ = ["MARK", "custom"]

_OURS = frozenset({"hypothesis", "outcome", "term", "engine", "decides", "decision", "status", "population", "realism",
                   "agreement", "family", "p_adjusted"})  # fmt: skip
_ENGINES = ("frequentist", "bayesian")
_WHOLE = frozenset(field.name for field in fields(Estimate) if field.type == int | None)
_NUMBERS = _WHOLE | {field.name for field in fields(Estimate) if field.type in (float, float | None)}
MARK = "the user's own estimate"


def custom(
    estimates: Estimates,
    hypothesis: str,
    *,
    engine: Engine,
    estimate: float,
    model: str,
    contrast: str | None = None,
    note: str = "",
    **columns: float | str | None,
) -> Estimates:
    """Set an estimate of one's own beside those of the toolkit.

    Parameters
    ----------
    estimates : Estimates
        What `analyse` returned; it is not changed.
    hypothesis : str
        The hypothesis it answers.
    engine : {"frequentist", "bayesian"}
        Which kind of answer it is.
    estimate : float
        The estimate.
    model : str
        The model and the program that made it, in words.
    contrast : str, optional
        The comparison in words, with the scale; that of the hypothesis's first row by default.
    note : str
        What a reader must know.
    **columns
        Further columns of `Estimate`, such as ``se``, ``low``, ``high``, ``level``, ``interval``, ``p``.

    Returns
    -------
    Estimates
        The table with one row more, after the hypothesis's own. It never decides and is in no family; its note and
        model say whose it is.

    Raises
    ------
    InputError
        For an unknown hypothesis, engine or column, a column that the toolkit fills itself, text for a number, numbers
        that are not finite (degrees of freedom may be infinite), counts that are not whole, an error below zero, or
        numbers that contradict each other.
    """
    there = [i for i, row in enumerate(estimates.rows) if row.hypothesis == hypothesis]
    if not there:
        raise DataError(choices("Hypothesis", hypothesis, {row.hypothesis for row in estimates.rows}))
    ours = sorted(_OURS & set(columns))
    if ours:
        raise InputError(f"The column {ours[0]!r} is filled by the toolkit; an estimate of one's own cannot set it.")
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InputError(choices("Column", unknown[0], COLUMNS))
    if engine not in _ENGINES:
        raise InputError(choices("Engine", engine, _ENGINES))
    given = {name: _number(name, value) if name in _NUMBERS else value for name, value in columns.items()}
    first = estimates.rows[there[0]]
    words = f"{MARK}: {model}"
    said = "; ".join(filter(None, (MARK, note)))
    row = Estimate(
        hypothesis=hypothesis,
        outcome=first.outcome,
        term=first.term,
        contrast=contrast or first.contrast,
        engine=engine,
        model=words,
        estimate=_number("estimate", estimate),  # type: ignore[arg-type]
        status=first.status,
        population=first.population,
        realism=first.realism,
        note=estimates.provenance.marked(said) if estimates.provenance is not None else said,
        **given,  # type: ignore[arg-type]
    )
    at = there[-1] + 1
    return replace(estimates, rows=(*estimates.rows[:at], row, *estimates.rows[at:]))


def _number(name: str, value: object) -> float | int | None:
    """Return a number of any type as that of the column."""
    if value is None and name != "estimate":
        return None
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InputError(f"{name} must be a number; given {value!r}.")
    made = float(value)
    if name not in {"df", "df2"} and not isfinite(made):
        raise InputError(f"{name} is {made!r}; an estimate of one's own needs finite numbers.")
    if name in {"se", "df", "df2", "n"} and not made > 0:
        raise InputError(f"{name} is {made!r}, and must be above 0.")
    if name not in _WHOLE:
        return made
    if not made.is_integer():
        raise InputError(f"{name} is {made!r}, and must be whole.")
    return int(made)
