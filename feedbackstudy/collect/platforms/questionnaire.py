"""The questionnaire of a study, wave by wave: what is asked of whom in which order, before any platform's syntax."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from feedbackstudy.collect.platforms.passages import passage_text
from feedbackstudy.collect.read_items import ItemSpec, code_text, covariate_spec, item_specs
from feedbackstudy.collect.read_options import YES_NO
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.design.waves import Wave
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.scales.libraries import library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.wording import Wording
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_messages

__all__ = ["Condition", "Question", "WaveForm", "questionnaire"]

_ORDER = ("first", "in_order", "half_sample", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Who sees a question.

    Attributes
    ----------
    cells : tuple of str
        Keys of the cells (values of ``fs_cond``); empty for everybody.
    exemplar : str
        Value of ``fs_exemplar``; empty for any.
    half : bool
        Whether a random half of these.
    """

    cells: tuple[str, ...] = ()
    exemplar: str = ""
    half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, or one text, on the screen.

    Attributes
    ----------
    name : str
        Its tag; the item columns are the tag and the number of the row.
    kind : {"text", "choice", "matrix", "number", "open"}
        What it is.
    stem : str
        What stands above.
    rows : tuple of (int, str, str)
        Position, item column and words of each row of a matrix.
    answers : tuple of (str, str)
        Code and label.
    shown : Condition
        Who sees it.
    required : bool
        Whether it must be answered.
    note : str
        What whoever builds the survey must know: a range, a marked wording.
    """

    name: str
    kind: str
    stem: str
    rows: tuple[tuple[int, str, str], ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    shown: Condition = Condition()
    required: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveForm:
    """The questionnaire of one wave.

    Attributes
    ----------
    wave : Wave
        The wave.
    questions : tuple of Question
        In order.
    """

    wave: Wave
    questions: tuple[Question, ...]


def questionnaire(
    study: Study, wordings: Mapping[str, Wording] | None = None
) -> tuple[tuple[WaveForm, ...], list[Issue]]:
    """Return what a study asks.

    Parameters
    ----------
    study : Study
        The study.
    wordings : mapping of str to Wording, optional
        Measure -> the researcher's words, for scales that are not our own.

    Returns
    -------
    tuple
        One form for each wave, and findings: words that are not there.
    """
    issues: list[Issue] = []
    _several_stories(study, issues)
    specs = item_specs(study)
    waves = list(study.waves)
    told = next((wave.name for wave in waves if wave.phase == "after"), None)
    forms = []
    for i, wave in enumerate(waves):
        questions: list[Question] = []
        if i == 0:
            questions += _passage(study, "consent", issues)
        questions += _covariates(study, wave)
        if wave.name == told:
            questions += _messages(study, issues)
        questions += _measures(study, wave, specs, wordings or {}, issues)
        if i == len(waves) - 1:
            questions += _passage(study, "debriefing", issues)
            questions += _passage(study, "re_consent", issues)
        forms.append(WaveForm(wave=wave, questions=tuple(questions)))
    return tuple(forms), issues


def _passage(study: Study, name: str, issues: list[Issue]) -> Iterator[Question]:
    passage = dict(study.conduct.passages()).get(name)
    if passage is None:
        if name == "consent" and study.conduct.published is None:
            what = "The study declares no consent text, so the questionnaire begins without one."
            why = "Data of people who were not asked must not be used."
            fix = "Write conduct.consent, and write the questionnaire again."
            issues.append(Issue("collect.no_consent_text", Severity.ERROR, "conduct.consent", what, why, fix))
        return
    stem = passage_text(study, passage, name)
    if name == "debriefing":
        support = f"\n\n{study.conduct.support_contact}" if study.conduct.support_contact else ""
        yield Question(name=name, kind="text", stem=stem + support)
        return
    yield Question(name=name, kind="choice", stem=stem, answers=YES_NO, required=True)


def _covariates(study: Study, wave: Wave) -> Iterator[Question]:
    for covariate in study.covariates:
        if covariate.known_from == wave.name:
            spec = covariate_spec(covariate)
            yield _single(spec, covariate.label or covariate.name.replace("_", " "), Condition(), required=False)


def _messages(study: Study, issues: list[Issue]) -> Iterator[Question]:
    """Yield the message of each cell and exemplar, and a place for what the arms outside hear."""
    made = study_messages(study)
    cells = [cell for cell in study.crossing.cells() if cell.arm == FEEDBACK]
    if made is None and study.conduct.realism == "field":
        return
    if made is None:
        yield from _places(study, cells, issues)
    else:
        for i, message in enumerate(made.messages, start=1):
            keys = tuple(cell.key for cell in cells if _gets(cell, message.levels))
            if keys:
                shown = Condition(cells=keys, exemplar=message.exemplar)
                name, note = f"message_{i:02d}", f"message {message.name}"
                yield Question(name=name, kind="text", stem=message.text, shown=shown, note=note)
    for arm in study.arms:
        if arm.told != "nothing":
            stem = f"[TEXT NEEDED for the arm {arm.name}: {arm.definition or arm.title}]"
            note = "the study declares what this arm hears, not the words; write them"
            what = f"The words that the arm {arm.name!r} hears are not declared; a marked place stands for them."
            why = "People of that arm would see the mark."
            issues.append(Issue("collect.arm_text", Severity.WARNING, f"arms.{arm.name}", what, why, "Write them."))
            shown = Condition(cells=(arm.name,))
            yield Question(name=f"told_{arm.name}", kind="text", stem=stem, shown=shown, note=note)


def _places(study: Study, cells: Sequence[Cell], issues: list[Issue]) -> Iterator[Question]:
    """Yield a marked place for each cell whose text the study does not declare."""
    what = "The study declares no messages; a marked place stands for the text of each of "
    what += f"{counted(len(cells), 'cell')}."
    why = "People would see the mark, and nothing would differ between conditions."
    fix = "Declare messages, or write the texts into the survey and keep their fingerprints."
    issues.append(Issue("collect.no_messages", Severity.WARNING, "messages", what, why, fix))
    for i, cell in enumerate(cells, start=1):
        levels = [study.factors[name] for name, _ in cell.levels]
        told = [f.definitions.get(code) or f.level(code) for f, (_, code) in zip(levels, cell.levels, strict=True)]
        stem = f"[TEXT NEEDED for {cell.key}: {' '.join(told)}]"
        shown = Condition(cells=(cell.key,))
        yield Question(
            name=f"message_{i:02d}", kind="text", stem=stem, shown=shown, note=f"write the text of {cell.key}"
        )


def _several_stories(study: Study, issues: list[Issue]) -> None:
    within = [factor.name for factor in study.factors if factor.varies == "within"]
    if within:
        what = f"{', '.join(within)} vary within people, who read several stories; the questionnaire holds one pass."
        why = "No import format carries a loop: every story after the first would not be asked about."
        fix = (
            "Put the story and its questions into a loop (Loop & Merge in Qualtrics, one group a story in LimeSurvey), "
            "with the orders of `assign`, and bring the export into one row a story with the occasion t1.1, t1.2 ..."
        )
        issues.append(Issue("collect.stories_once", Severity.ERROR, "factors", what, why, fix))


def _gets(cell: Cell, levels: Sequence[tuple[str, str]]) -> bool:
    has = dict(cell.levels)
    return all(has.get(name) == level for name, level in levels)


def _measures(
    study: Study, wave: Wave, specs: Sequence[ItemSpec], wordings: Mapping[str, Wording], issues: list[Issue]
) -> Iterator[Question]:
    asked = [m for m in study.measures if wave.name in m.waves and m.placement in _ORDER]
    for measure in sorted(asked, key=lambda m: _ORDER.index(m.placement)):
        group = [spec for spec in specs if spec.measure == measure.name]
        shown = _shown(study, measure)
        if measure.kind != "scale":
            stem = measure.label or f"[WORDING NEEDED: {measure.name.replace('_', ' ')}]"
            if measure.label is None:
                issues.append(_unworded(measure.name, 1))
            required = measure.role == "attention_check"
            yield _single(group[0], stem, shown, required=required)
            continue
        yield from _scale(study, measure, group, wordings.get(measure.name), shown, issues)


def _shown(study: Study, measure: Measure) -> Condition:
    half = measure.placement == "half_sample"
    if not measure.asked_of:
        return Condition(half=half)
    cells = tuple(cell.key for cell in study.crossing.cells() if measure.asks(cell.arm))
    return Condition(cells=cells, half=half)


def _single(spec: ItemSpec, stem: str, shown: Condition, *, required: bool) -> Question:
    answers = tuple(_answers(spec))
    kind = "choice" if answers else "number"
    note = "" if answers else f"a number, {spec.allowed}{', whole' if spec.whole else ''}"
    return Question(name=spec.name, kind=kind, stem=stem, answers=answers, shown=shown, required=required, note=note)


def _answers(spec: ItemSpec) -> Iterator[tuple[str, str]]:
    for code in spec.words or tuple(code_text(code) for code in spec.codes):
        yield code, spec.labels.get(code, code)


def _scale(
    study: Study,
    measure: Measure,
    group: Sequence[ItemSpec],
    wording: Wording | None,
    shown: Condition,
    issues: list[Issue],
) -> Iterator[Question]:
    texts = dict(wording.texts) if wording is not None else {}
    stem = wording.instruction if wording is not None else _instruction(study, measure)
    words = {spec.name: texts.get(spec.name) or spec.text or f"[WORDING NEEDED: {spec.tag}]" for spec in group}
    lacking = [spec for spec in group if words[spec.name].startswith("[WORDING NEEDED")]
    if lacking:
        issues.append(_unworded(measure.name, len(lacking)))
    note = f"{counted(len(lacking), 'item is', 'items are')} marked: put in your licensed words" if lacking else ""
    graded = [spec for spec in group if spec.kind != "open"]
    lines = tuple((spec.position, spec.name, words[spec.name]) for spec in graded)
    answers = tuple(_answers(graded[0])) if graded else ()
    if lines and answers:
        yield Question(name=measure.name, kind="matrix", stem=stem, rows=lines, answers=answers, shown=shown, note=note)
    else:
        for spec in graded:
            limits = f"a number, {spec.allowed}"
            yield Question(name=spec.name, kind="number", stem=f"{stem}\n{words[spec.name]}", shown=shown, note=limits)
    for spec in group:
        if spec.kind == "open":
            yield Question(name=spec.name, kind="open", stem=words[spec.name], shown=shown)


def _instruction(study: Study, measure: Measure) -> str:
    jobs, _ = jobs_of(measure, library(study.folder))
    scale = jobs[0].scale
    return scale.form(jobs[0].form).instruction if scale.study_built else ""


def _unworded(measure: str, n: int) -> Issue:
    what = f"{counted(n, 'question')} of {measure!r} without words: the place is marked with a content tag."
    why = "Published wordings are under copyright and not shipped; a tag must never be shown to people."
    fix = "Give wordings={'" + measure + "': scales.load_wording(...)}, or a label for a single question."
    return Issue("collect.wording_needed", Severity.WARNING, measure, what, why, fix)
