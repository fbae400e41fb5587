"""The answers a validation rests on: one scale's items, keyed, at one occasion, with all that was done to rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.matrix import item_matrix
from feedbackstudy.scales import Library, Scale
from feedbackstudy.scales.cells import read_cells
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.jobs import Job, jobs_of, positions_of
from feedbackstudy.scales.measure import Measure

__all__ = ["Answers", "Validated", "read_answers"]

type Validated = Measure | Scale | str | Mapping[str, Sequence[str]]
"""What can be validated: a measure of a study, a scale, a code of the library, or factors and their item columns."""

type Rows = NDArray[np.bool_]

_MOST_CATEGORIES = 7  # with more answers, a linear model of them loses little
_EVERYONE = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Items of one scale, read once.

    Attributes
    ----------
    name, title : str
        What is validated.
    job : Job or None
        The scale and how it is asked; None where only factors were given.
    form : Form or None
        The form that was fielded.
    factors : mapping of str to tuple of str
        Subscale -> item columns.
    turned : tuple of str
        Items that the key reverses.
    low, high : float
        Lowest and highest possible answer; as found where no form declares them.
    ordinal : bool
        Whether answers are few enough categories for an ordinal model.
    given : DataFrame
        Answers as they came at the occasion, indexed by participant; one column an item in order of presentation.
    keyed : DataFrame
        The same in the direction of the score.
    long : DataFrame
        ``participant, occasion`` and keyed items at every occasion asked.
    groups : Series or None
        The group of each row of `keyed`.
    occasion : str
        The occasion of `keyed`.
    occasions : tuple of str
        Occasions to compare.
    responses : Responses
        The rows of `keyed` as they came.
    issues : tuple of Issue
        Rows left out, and answers that leave the format.
    """

    name: str
    title: str
    job: Job | None
    form: Form | None
    factors: Mapping[str, tuple[str, ...]]
    turned: tuple[str, ...]
    low: float
    high: float
    ordinal: bool
    given: pd.DataFrame
    keyed: pd.DataFrame
    long: pd.DataFrame
    groups: pd.Series | None
    occasion: str
    occasions: tuple[str, ...]
    responses: Responses
    issues: tuple[Issue, ...]

    @property
    def items(self) -> list[str]:
        """Item columns in order of presentation."""
        return list(self.keyed.columns)

    @property
    def scale(self) -> Scale | None:
        """The scale, where one was given."""
        return self.job.scale if self.job else None

    @property
    def usable(self) -> bool:
        """Whether every answer lies in the declared format."""
        return all(issue.severity is not Severity.ERROR for issue in self.issues)


def read_answers(
    data: Responses | pd.DataFrame,
    scale: Validated,
    *,
    group: str | None,
    occasion: str | Sequence[str] | None,
    home: Library | None,
) -> Answers:
    """Read the items of a scale from answers as they came.

    Parameters
    ----------
    data : Responses or DataFrame
        Answers; a bare table may hold ``participant``, ``occasion`` and `group` columns beside the items.
    scale : Measure, Scale, str or mapping
        What to validate.
    group : str or None
        Column of groups.
    occasion : str, sequence of str or None
        One occasion; several to compare (the first is used for everything else); None for the first that is asked.
    home : Library or None
        Where codes are looked up.

    Returns
    -------
    Answers
        Keyed answers.

    Raises
    ------
    DataError
        Where item columns, the group or an occasion are absent, or a measure is a single column.
    IncompleteScaleError
        For a scale without an established key.
    """
    job, form, factors = _stated(scale, data, home)
    items = _in_order(job, form, factors)
    responses = data if isinstance(data, Responses) else _taken_in(data, items, group)
    absent = [item for item in items if item not in responses.columns]
    if absent:
        raise DataError(choices("Item column", absent[0], responses.columns))
    values, issues, low, high = _values(responses, form, items)
    key = {item for item in items if job and form and _is_turned(job, form, item)} - (
        responses.already_reversed or frozenset()
    )
    keyed = values.copy()
    for item in key:
        keyed[item] = low + high - keyed[item]
    asked = _asked(responses, items)
    wanted = _occasions(responses, asked, occasion, job)
    rows = _described(responses, asked, wanted[0], job)
    people = responses.column("participant").astype(str)
    index = pd.Index(people[rows], name="participant")
    return Answers(
        name=_name(job),
        title=job.scale.name if job else "these items",
        job=job,
        form=form,
        factors=factors,
        turned=tuple(item for item in items if item in key),
        low=low,
        high=high,
        ordinal=_ordinal(form, values),
        given=values[rows].set_index(index),
        keyed=keyed[rows].set_index(index),
        long=keyed.assign(participant=people, occasion=responses.column("occasion").astype(str))[asked],
        groups=None if group is None else responses.column(group)[rows].set_axis(index),
        occasion=wanted[0],
        occasions=wanted,
        responses=responses.select(rows, step="validate.rows", what="rows asked the scale at the occasion"),
        issues=(*issues, *_left_out(rows, responses, wanted)),
    )


def _name(job: Job | None) -> str:
    return job.name if job else "items"


def _stated(
    scale: Validated, data: Responses | pd.DataFrame, home: Library | None
) -> tuple[Job | None, Form | None, dict[str, tuple[str, ...]]]:
    if isinstance(scale, Mapping):
        factors = {str(name): tuple(items) for name, items in scale.items()}
        if not factors or not all(factors.values()):
            raise DataError("Give at least one factor, each with its item columns: {'visual': ['x1', 'x2', 'x3']}.")
        return None, None, factors
    jobs, singles = jobs_of(scale, home)
    if singles:
        raise DataError(f"Measure {singles[0].name!r} is a single column; there is nothing to validate among items.")
    job = jobs[0]
    said = [f.form for f in data.fielded if f.measure in (job.name, job.scale.code)] if _is_table(data) else []
    form = job.scale.require_scorable(job.form or (said[0] if said else None))
    columns = job.columns(form)
    parts = dict(job.parts) or {s.name: s.name for s in form.subscales}
    return job, form, {n: tuple(columns[p - 1] for p in positions_of(job.scale, form, s)) for n, s in parts.items()}


def _is_table(data: object) -> bool:
    return isinstance(data, Responses)


def _in_order(job: Job | None, form: Form | None, factors: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Items in order of presentation, each once."""
    named = list(dict.fromkeys(item for items in factors.values() for item in items))
    if job is None or form is None:
        return named
    return [item for item in job.columns(form) if item in named]


def _is_turned(job: Job, form: Form, item: str) -> bool:
    return job.columns(form).index(item) + 1 in form.to_reverse


def _taken_in(frame: pd.DataFrame, items: Sequence[str], group: str | None) -> Responses:
    """Take a bare table in; what is neither identity, item nor group stays a covariate."""
    for name in (*items, *([group] if group else [])):
        if name not in frame.columns:
            raise DataError(choices("Column", name, map(str, frame.columns)))
    identity = pd.DataFrame(
        {
            "participant": frame.get("participant", pd.Series(frame.index, frame.index)),
            "arm": frame.get("arm", _EVERYONE),
            "occasion": frame.get("occasion", _EVERYONE),
        },
        index=frame.index,
    ).astype(str)
    rest = [str(c) for c in frame.columns if c not in (*identity.columns, *items)]
    table = pd.concat([identity, frame[[*rest, *items]]], axis="columns").reset_index(drop=True)
    return Responses.from_frame(table, items=items, covariates=rest)


def _values(
    responses: Responses, form: Form | None, items: Sequence[str]
) -> tuple[pd.DataFrame, list[Issue], float, float]:
    if form is None or form.likert_options is None:
        matrix = item_matrix(responses.frame, items=items, minimum=2, constant="accept")
        return (
            matrix.frame(),
            list(matrix.issues),
            float(np.nanmin(matrix.answers)),
            float(np.nanmax(matrix.answers)),
        )
    answers = form.likert_options
    cells = [read_cells(responses, item, answers, None, imputed=True) for item in items]
    table = pd.DataFrame({cell.item: cell.values for cell in cells})  # noqa: PD011
    return table, [issue for cell in cells for issue in cell.issues], answers.min, answers.max


def _ordinal(form: Form | None, values: pd.DataFrame) -> bool:
    if form is not None and form.likert_options is not None:
        points = form.likert_options.points
        return points is not None and points <= _MOST_CATEGORIES
    return all(column.nunique() <= _MOST_CATEGORIES for _, column in values.items())


def _asked(responses: Responses, items: Sequence[str]) -> Rows:
    known = [item for item in items if item in responses.items]
    if not known:
        return np.ones(len(responses), dtype=bool)
    return np.asarray(np.any([responses.reason(item) != MissingReason.NOT_ASKED for item in known], axis=0))


def _occasions(
    responses: Responses,
    asked: Rows,
    occasion: str | Sequence[str] | None,
    job: Job | None,
) -> tuple[str, ...]:
    here = list(dict.fromkeys(responses.column("occasion")[asked].astype(str)))
    if job and job.waves:
        here = [name for name in job.waves if name in here] or here
    if occasion is None:
        return tuple(here[:1])
    wanted = tuple(here) if occasion == "all" else (occasion,) if isinstance(occasion, str) else tuple(occasion)
    for name in wanted:
        if name not in here:
            raise DataError(choices("Occasion", name, here))
    return wanted


def _described(responses: Responses, asked: Rows, occasion: str, job: Job | None) -> Rows:
    """Return the rows asked at the occasion that is described."""
    rows = asked & (responses.column("occasion").astype(str) == occasion).to_numpy()
    if job and job.asks is not None:
        arms = responses.column("arm").astype(str)
        rows &= np.array([job.asks(arm) for arm in arms], dtype=bool)
    if not rows.any():
        raise DataError(f"Nobody was asked the items of {_name(job)!r} at occasion {occasion!r}.")
    return rows


def _left_out(rows: Rows, responses: Responses, wanted: Sequence[str]) -> list[Issue]:
    gone = len(rows) - int(rows.sum())
    if not gone:
        return []
    return [
        Issue(
            code="psychometrics.rows_not_asked",
            severity=Severity.NOTE,
            where="responses",
            what=f"{gone} of {len(responses)} rows were not asked these items, or are of another occasion than "
            f"{wanted[0]!r}.",
            why="Rows of one person at several occasions are not independent, so one occasion is described.",
            fix="Name several occasions to compare them.",
        )
    ]
