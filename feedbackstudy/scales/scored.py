"""Score one scale: its items read once, its subscales, total and composites from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import Fielded, MissingReason, Responses, ScoreInfo
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.cells import Cells, read_cells
from feedbackstudy.scales.combine import Tally, mapped, pomp, scored, tally
from feedbackstudy.scales.findings import column_findings, key_findings, shift_finding
from feedbackstudy.scales.form import Form, ResponseFormat
from feedbackstudy.scales.info import info_of
from feedbackstudy.scales.jobs import Job, positions_of, score_names

__all__ = ["Column", "score_job"]


@dataclass(frozen=True, slots=True)
class Column:
    """One score column.

    Attributes
    ----------
    info : ScoreInfo
        What it is.
    scores : ndarray of float
        Scores, NaN where there is none.
    answered, asked : ndarray of int16
        Items answered and asked.
    """

    info: ScoreInfo
    scores: NDArray[np.float64]
    answered: NDArray[np.int16]
    asked: NDArray[np.int16]


type Part = tuple[NDArray[np.float64], NDArray[np.int16], NDArray[np.int16]]


def score_job(responses: Responses, job: Job, *, imputed: bool) -> tuple[list[Column], list[Issue]]:
    """Score one scale for every row, by the form that the row was given.

    Parameters
    ----------
    responses : Responses
        The table.
    job : Job
        What to score.
    imputed : bool
        Whether values between two codes are accepted.

    Returns
    -------
    list of Column, list of Issue
        Score columns and findings; no columns where a finding is an error.
    """
    asked = _asked_rows(responses, job)
    given = _forms(responses, job)
    columns: list[Column] = []
    issues: list[Issue] = []
    for form, rows, fielded in given:
        job.scale.require_scorable(form.id)
        part = _FormScorer(responses, job, form, rows, asked, imputed=imputed)
        if any(issue.severity is Severity.ERROR for issue in part.issues):
            issues += part.issues
            continue
        made = part.columns(fielded)
        issues += part.issues
        columns = _merged(columns, made, rows) if columns else made
    return columns, issues


def _asked_rows(responses: Responses, job: Job) -> NDArray[np.bool_] | None:
    """Rows whose occasion and arm are asked; None for all."""
    if not job.waves and job.asks is None:
        return None
    occasions = responses.column("occasion")
    arms = responses.column("arm")
    silent = [str(arm) for arm in arms.unique() if job.asks is not None and not job.asks(str(arm))]
    if not job.waves and not silent:
        return None
    here = np.ones(len(responses), dtype=bool)
    if job.waves:
        # Where stories vary within people, "t1.2" is the second story of the wave t1.
        told = [each for each in occasions.unique() if str(each).partition(".")[0] in job.waves]
        if not told:
            raise DataError(
                f"Measure {job.name!r} is asked at {', '.join(job.waves)}, but the responses hold the occasions "
                f"{', '.join(map(str, occasions.unique()))}. Name the occasions after the waves."
            )
        here &= occasions.isin(told).to_numpy()
    if silent:
        here &= ~arms.isin(silent).to_numpy()
    return here


def _forms(responses: Responses, job: Job) -> list[tuple[Form, NDArray[np.bool_] | None, tuple[Fielded, ...]]]:
    """Which form each row was given, as the responses say, else as the measure declares."""
    said = [f for f in responses.fielded if f.measure in (job.name, job.scale.code)]
    clash = [f for f in said if job.form is not None and f.form != job.form]
    if clash:
        raise DataError(
            f"Measure {job.name!r} is declared with form {job.form!r}, but at {clash[0].occasion!r} form "
            f"{clash[0].form!r} was fielded. Mend the declaration, or declare a second measure for that form."
        )
    ids = list(dict.fromkeys(f.form for f in said))
    if len(ids) <= 1:
        return [(job.scale.form(ids[0] if ids else job.form), None, tuple(said))]
    occasions = responses.column("occasion")
    covered = {f.occasion for f in said}
    absent = [str(o) for o in occasions.unique() if o not in covered]
    if absent:
        raise DataError(
            f"Measure {job.name!r} was fielded in the forms {', '.join(ids)}; say which one at {', '.join(absent)}. "
            f"{choices('Occasion', absent[0], covered)}"
        )
    return [
        (
            job.scale.form(form),
            occasions.isin([f.occasion for f in said if f.form == form]).to_numpy(),
            tuple(f for f in said if f.form == form),
        )
        for form in ids
    ]


def _merged(first: Sequence[Column], second: Sequence[Column], rows: NDArray[np.bool_] | None) -> list[Column]:
    """Lay the rows of a further form over the columns of the forms before it."""
    here = rows if rows is not None else np.ones(len(first[0].scores), dtype=bool)
    pairs = zip(first, second, strict=True)
    return [
        Column(
            replace(a.info, form=f"{a.info.form}, {b.info.form}", forms=(*a.info.forms, *b.info.forms), norms=False),
            np.where(here, b.scores, a.scores),
            np.where(here, b.answered, a.answered).astype(np.int16),
            np.where(here, b.asked, a.asked).astype(np.int16),
        )
        for a, b in pairs
    ]


class _FormScorer:
    """Reads the items of a form once and makes its scores."""

    def __init__(
        self,
        responses: Responses,
        job: Job,
        form: Form,
        rows: NDArray[np.bool_] | None,
        asked: NDArray[np.bool_] | None,
        *,
        imputed: bool,
    ) -> None:
        if form.likert_options is None:
            raise DataError(f"Form {form.id!r} of scale {job.scale.code!r} declares no answers.")
        self.job, self.form, self.scale = job, form, job.scale
        self.answers: ResponseFormat = form.likert_options
        self.stated = responses.already_reversed
        self.wanted = score_names(job.scale, form, job.name, job.parts)
        names = job.columns(form)
        needed = {p for part in self.wanted.values() for p in positions_of(job.scale, form, part)}
        self.items = {p: names[p - 1] for p in sorted(needed)}
        self._require(responses, self.items.values())
        cells = [read_cells(responses, item, self.answers, rows, imputed=imputed) for item in self.items.values()]
        self.issues: list[Issue] = [issue for cell in cells for issue in cell.issues]
        cells = self._limited(cells, rows, asked)
        self.cells: Mapping[int, Cells] = dict(zip(self.items, cells, strict=True))
        self.turned = {p: p in form.to_reverse and item not in (self.stated or ()) for p, item in self.items.items()}
        self._look()

    def _require(self, responses: Responses, items: Iterable[str]) -> None:
        absent = [item for item in items if item not in responses.items]
        if absent:
            hint = choices("Item column", absent[0], responses.items)
            raise DataError(
                f"Scale {self.scale.code!r} (form {self.form.id!r}) needs {len(absent)} item columns that the "
                f"responses lack: {', '.join(absent[:10])}. {hint}"
            )

    def _limited(
        self, cells: Sequence[Cells], rows: NDArray[np.bool_] | None, asked: NDArray[np.bool_] | None
    ) -> list[Cells]:
        """Turn cells of other forms, waves and arms into not asked; an answer there is a finding."""
        if rows is None and asked is None:
            return list(cells)
        limited = []
        for cell in cells:
            values, codes = cell.values, cell.codes
            if asked is not None and ((codes == MissingReason.ANSWERED) & ~asked).any():
                n = int(((codes == MissingReason.ANSWERED) & ~asked).sum())
                self.issues.append(self._uninvited(cell.item, n))
            keep = np.ones(len(values), dtype=bool)
            keep &= True if rows is None else rows
            keep &= True if asked is None else asked
            codes = np.where(keep, codes, np.int8(MissingReason.NOT_ASKED)).astype(np.int8)
            kept = np.where(keep, values, np.nan)
            low, high = np.fmin.reduce(kept, initial=np.inf), np.fmax.reduce(kept, initial=-np.inf)
            limited.append(replace(cell, values=kept, codes=codes, low=float(low), high=float(high)))
        return limited

    def _uninvited(self, item: str, n: int) -> Issue:
        return Issue(
            "scales.answer_where_not_asked",
            Severity.ERROR,
            f"item {item}",
            f"{counted(n, 'row answers', 'rows answer')} it at an occasion or in an arm that measure "
            f"{self.job.name!r} does not ask.",
            "Either the declaration or the data is wrong.",
            "Mend waves or asked_of of the measure, or the occasion or arm of these rows.",
        )

    def _look(self) -> None:
        cells = list(self.cells.values())
        self.issues += shift_finding(cells, self.answers, self.scale.code)
        if any(issue.severity is Severity.ERROR for issue in self.issues):
            return
        self.issues += column_findings(cells, self.scale.code)
        for subscale in self.form.subscales:
            positions = [p for p in subscale.items or () if p in self.cells]
            self.issues += key_findings(
                [self.cells[p] for p in positions],
                [self.turned[p] for p in positions],
                scale=self.scale.code,
                part=subscale.name,
                stated=self.stated is not None,
            )

    def columns(self, fielded: tuple[Fielded, ...]) -> list[Column]:
        """Return the score columns that the job asks for."""
        stamped = tuple(item for item in self.items.values() if item in (self.stated or ()))
        made = []
        for name, part in self.wanted.items():
            info = info_of(self.scale, self.form, name=name, part=part, measure=self.job.name)
            info = replace(
                info,
                occasions=self.job.waves,
                forms=tuple((f.occasion, f.form, f.wording) for f in fielded),
                norms=info.norms and not any(f.modified for f in fielded),
                stamps=(*info.stamps, *_stamps(stamped, fielded)),
            )
            column = Column(info, *self._part(part))
            made.append(column)
            self.issues += self._partly(column)
        return made

    def _partly(self, column: Column) -> list[Issue]:
        """Say where people were asked only some items of a score: the rule counts those alone."""
        rows = int(np.count_nonzero((column.asked > 0) & (column.asked < column.info.n_items)))
        if not rows:
            return []
        return [
            Issue(
                "scales.partly_asked",
                Severity.NOTE,
                f"score {column.info.name}",
                f"{counted(rows, 'row was', 'rows were')} asked only some of its "
                f"{counted(column.info.n_items, 'item')}.",
                "What was not asked is not missing: the rule counts the asked items, and the score is prorated.",
                "Compare arms on items that all were asked, or say why the scores are comparable.",
            )
        ]

    def _part(self, part: str) -> Part:
        composite = self.scale.composites.get(part)
        if composite is None:
            return self._score(positions_of(self.scale, self.form, part))
        sources = [self._part(inner) for inner in composite.weights]
        values = sum(w * s[0] for w, s in zip(composite.weights.values(), sources, strict=True))
        answered, asked = sum(s[1] for s in sources), sum(s[2] for s in sources)
        return np.asarray(values), np.asarray(answered, dtype=np.int16), np.asarray(asked, dtype=np.int16)

    def _score(self, positions: Sequence[int]) -> Part:
        table = self.scale.scoring.value_map
        cells = [self.cells[p] for p in positions]
        low, high = self.answers.min, self.answers.max
        values = [mapped(c.values, table) if table else c.values for c in cells]
        counts: Tally = tally(values, [c.codes for c in cells], [self.turned[p] for p in positions], low, high)
        method = self.scale.scoring.method
        result = scored(counts, self.scale.scoring.missing, summed=method == "sum")
        return (pomp(result, low, high) if method == "pomp" else result), counts.answered, counts.asked


def _stamps(reversed_upstream: Sequence[str], fielded: Sequence[Fielded]) -> tuple[str, ...]:
    stamps = []
    if reversed_upstream:
        stamps.append(f"already reversed before scoring, as stated: {', '.join(reversed_upstream)}")
    if any(f.modified for f in fielded):
        stamps.append("the wording was modified: published norms and validity evidence do not carry over")
    return tuple(stamps)
