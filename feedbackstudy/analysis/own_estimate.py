"""`custom`: an estimate that the user made elsewhere, in the same columns and marked as such."""

from dataclasses import replace
from math import isfinite

from feedbackstudy.analysis.estimate import COLUMNS, Engine, Estimate, Estimates
from feedbackstudy.errors import DataError, InputError, choices

__all__ = ["MARK", "custom"]

_OURS = frozenset({"hypothesis", "outcome", "term", "engine", "decides", "decision", "status", "population", "realism",
                   "agreement", "family", "p_adjusted"})  # fmt: skip
_ENGINES = ("frequentist", "bayesian")
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
        For an unknown hypothesis, engine or column, a column that the toolkit fills itself, numbers that are not
        finite (degrees of freedom may be infinite), an error below zero, or numbers that contradict each other.
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
    _refuse(engine, {"estimate": estimate, **columns})
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
        estimate=estimate,
        status=first.status,
        population=first.population,
        realism=first.realism,
        note=estimates.provenance.marked(said) if estimates.provenance is not None else said,
        **columns,  # type: ignore[arg-type]
    )
    at = there[-1] + 1
    return replace(estimates, rows=(*estimates.rows[:at], row, *estimates.rows[at:]))


def _refuse(engine: str, given: dict[str, float | str | None]) -> None:
    if engine not in _ENGINES:
        raise InputError(choices("Engine", engine, _ENGINES))
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and name not in {"df", "df2"} and not isfinite(float(value or 0.0)):
            raise InputError(f"{name} is {value!r}; an estimate of one's own needs finite numbers.")
    for name in ("se", "df", "df2", "n"):
        value = given.get(name)
        if isinstance(value, int | float) and not value > 0:
            raise InputError(f"{name} is {value!r}, and must be above 0.")
    if not isinstance(given["estimate"], int | float):
        raise InputError(f"The estimate must be a number; given {given['estimate']!r}.")
