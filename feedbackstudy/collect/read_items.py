"""What a study expects in an export: one record for each item column, with its codes and their labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedbackstudy.design.factors import Covariate
from feedbackstudy.scales.form import Form, ResponseFormat
from feedbackstudy.scales.jobs import Job, jobs_of
from feedbackstudy.scales.libraries import library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study

__all__ = ["ItemSpec", "code_text", "covariate_spec", "item_specs"]

_LINES = {"continuous", "time_to_event", "proportion", "count"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSpec:
    """One column of answers as the study declares it.

    Attributes
    ----------
    name : str
        Column of `Responses`.
    measure : str
        The measure (or covariate) it belongs to.
    position : int
        Place in the form, from 1; 0 for a single column.
    kind : {"numbers", "words", "open"}
        Whether codes are numbers, words, or free text.
    codes : tuple of float
        Codes allowed, in order; empty where any number between `low` and `high` is.
    words : tuple of str
        Codes allowed, where they are words.
    low, high : float or None
        Bounds.
    whole : bool
        Whether only whole numbers make sense.
    labels : mapping of str to str
        Code -> what the answer says.
    tag : str
        One to four words naming the content.
    text : str
        The wording, for our own items; empty otherwise.
    waves : tuple of str
        Waves that ask it.
    reverse : bool
        Whether scoring turns it.
    """

    name: str
    measure: str
    position: int
    kind: str
    codes: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    labels: Mapping[str, str]
    tag: str = ""
    text: str = ""
    waves: tuple[str, ...] = ()
    reverse: bool = False

    @property
    def allowed(self) -> str:
        """The codes in words."""
        if self.words:
            return ", ".join(self.words)
        if self.low is not None or self.high is not None:
            ends = tuple("any" if end is None else f"{end:g}" for end in (self.low, self.high))
            return f"{ends[0]} to {ends[1]}"
        return ", ".join(f"{value:g}" for value in self.codes) or "any number"


def code_text(value: float) -> str:
    """Return a code as platforms write it.

    Parameters
    ----------
    value : float
        The code.

    Returns
    -------
    str
        Without a decimal point where it is whole.
    """
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def item_specs(study: Study) -> tuple[ItemSpec, ...]:
    """Return what the study expects of answers.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of ItemSpec
        In the order of the measures and their forms, open questions included.
    """
    home = library(study.folder)
    found: list[ItemSpec] = []
    for measure in study.measures:
        jobs, _ = jobs_of(measure, home)
        found += _of_scale(measure, jobs[0]) if jobs else [_single(measure)]
    return tuple(found)


def _of_scale(measure: Measure, job: Job) -> list[ItemSpec]:
    form = job.scale.form(job.form)
    items = {item.position: item for item in form.items}
    found = []
    for position, column in job.asked(form).items():
        item = items.get(position)
        is_open = item is not None and item.kind == "open"
        answers = None if is_open else form.likert_options
        found.append(
            ItemSpec(
                name=column,
                measure=measure.name,
                position=position,
                kind="open" if is_open else "numbers",
                codes=_steps(answers),
                low=None if answers is None else answers.min,
                high=None if answers is None else answers.max,
                labels=_labels(answers),
                tag=form.tag(position) or f"{measure.name} {position}",
                text=item.text if item is not None and job.scale.study_built else "",
                waves=tuple(measure.waves),
                reverse=_reversed(form, position),
            )
        )
    return found


def _reversed(form: Form, position: int) -> bool:
    return position in form.to_reverse


def _steps(answers: ResponseFormat | None) -> tuple[float, ...]:
    if answers is None or answers.points is None or answers.step is None:
        return ()
    return tuple(answers.min + k * answers.step for k in range(answers.points))


def _labels(answers: ResponseFormat | None) -> dict[str, str]:
    if answers is None or not answers.labels:
        return {}
    steps, labels = _steps(answers) or (answers.min, answers.max), answers.labels
    if len(labels) == len(steps):
        return {code_text(step): label for step, label in zip(steps, labels, strict=True)}
    if len(labels) == 2:
        return {code_text(answers.min): labels[0], code_text(answers.max): labels[1]}
    return {}


def _single(measure: Measure) -> ItemSpec:
    return _column(
        measure.name, measure.kind, measure.levels, measure.range, measure.label or "", waves=tuple(measure.waves)
    )


def covariate_spec(covariate: Covariate) -> ItemSpec:
    """Return what the study expects of a covariate.

    Parameters
    ----------
    covariate : Covariate
        The covariate.

    Returns
    -------
    ItemSpec
        As of a single column.
    """
    waves = () if covariate.known_from == "roster" else (covariate.known_from,)
    made = _column(covariate.name, covariate.kind, covariate.levels, None, covariate.label or "", waves=waves)
    if made.kind == "numbers" and covariate.kind in {"binary", "ordinal", "nominal"}:
        words = tuple(covariate.levels) or ("0", "1")
        return ItemSpec(
            name=made.name, measure=made.name, position=0, kind="words", words=words, labels=made.labels, waves=waves
        )
    return made


def _column(
    name: str,
    kind: str,
    levels: Mapping[str, str],
    limits: tuple[float, float] | None,
    label: str,
    *,
    waves: tuple[str, ...],
) -> ItemSpec:
    tag = label or name.replace("_", " ")
    codes = tuple(levels) or (("0", "1") if kind == "binary" else ())
    if codes and not all(code.lstrip("-").isdigit() for code in codes):
        return ItemSpec(
            name=name, measure=name, position=0, kind="words", words=codes, labels=dict(levels), tag=tag, waves=waves
        )
    low, high = limits or (0.0 if kind in {"count", "proportion", "time_to_event"} else None, None)
    values = tuple(float(code) for code in codes)
    if kind == "proportion":
        high = 1.0 if high is None else high
    return ItemSpec(
        name=name,
        measure=name,
        position=0,
        kind="numbers",
        codes=values,
        low=min(values) if values else low,
        high=max(values) if values else high,
        whole=kind == "count",
        labels=dict(levels),
        tag=tag,
        waves=waves,
    )
