"""`prove_qsf`: a Qualtrics survey held against the study before launch: items, codes, words, conditions, draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from feedbackstudy.collect.platforms.prove_qsf_flow import FlowProof
from feedbackstudy.collect.platforms.qsf_survey import QsfQuestion, QsfSurvey, read_qsf
from feedbackstudy.collect.platforms.questionnaire import Question, questionnaire
from feedbackstudy.collect.read_columns import CONDITION, EXEMPLAR
from feedbackstudy.collect.read_wording import plain_words, says_otherwise
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.scales.wording import Wording
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["prove_qsf"]

_MARKS = ("TEXT NEEDED", "WORDING NEEDED")


def prove_qsf(
    path: str | Path, study: Study, *, occasion: str | None = None, wordings: Mapping[str, Wording] | None = None
) -> Issues:
    """Hold a Qualtrics survey against the study.

    Parameters
    ----------
    path : str or Path
        The survey file (.qsf) that Qualtrics exports.
    study : Study
        The study.
    occasion : str, optional
        The wave that the survey asks; the only one, or the value of its embedded data ``fs_wave``, where left out.
    wordings : mapping of str to Wording, optional
        Measure -> the researcher's words; our own items bring theirs.

    Returns
    -------
    Issues
        Errors where data of this survey could not be read as the study declares it, people would see something else,
        or something cannot be judged from the file (``qsf.not_proven``); without errors, a note says what was proved.

    Raises
    ------
    InputError
        Where the file is none of Qualtrics, or it is not known which wave it is.

    Notes
    -----
    Every way through the survey flow is followed, for every condition that the link or a draw can bring, in the order
    of the flow: which data are set when a question is put, by which operators its display logic and the branches
    around it compare them, and which condition is recorded in the end. People are taken to consent. Of a text or item
    whose words the study does not declare, the tag is looked for and who sees it, not the words.
    """
    survey = read_qsf(Path(path))
    where = Path(path).name
    wave = occasion or survey.fields.get("fs_wave") or (study.waves.names[0] if len(study.waves) == 1 else "")
    if wave not in study.waves.names:
        raise DataError(f"{where}: {choices('Wave', wave, study.waves.names)} Say occasion=.")
    forms, _ = questionnaire(study, wordings)
    wanted = next(form for form in forms if form.wave.name == wave).questions
    rows = {row: question for question in survey.questions for row in question.rows}
    flow = FlowProof(survey, study, where)
    found = [
        issue
        for question in wanted
        for issue in (_text(question, survey, flow) if question.kind == "text" else _asked(question, rows, flow))
    ]
    found += _doubled(survey, where)
    found += _carried(survey, study, where)
    places = _places(wanted, survey)
    found += flow.undeclared({qid for qids in places.values() for qid in qids})
    found += flow.order({qid: phase for name, phase in _phases(wanted).items() for qid in places[name]})
    found += _twice(wanted, survey, where)
    found += _marked(survey, where)
    found += _other_wave(survey, wave, where)
    found += flow.conditions()
    if not any(issue.severity is Severity.ERROR or issue.code == "qsf.label_differs" for issue in found):
        what = f"{len(wanted)} questions and texts of {wave} are in the survey with the declared codes and conditions."
        own = [q.name for q in wanted if q.stem.startswith("[") or any(words.startswith("[") for _, _, words in q.rows)]
        what += f" The words of {', '.join(own)} are not declared and are not compared." if own else ""
        found.append(_issue("qsf.proved", Severity.NOTE, where, what, "Data can be read as declared.", "Launch."))
    return Issues(found)


def _issue(code: str, severity: Severity, where: str, what: str, why: str, fix: str) -> Issue:
    return Issue(code, severity, where, what, why, fix)


def _error(code: str, where: str, what: str, why: str, fix: str) -> Issue:
    return _issue(code, Severity.ERROR, where, what, why, fix)


def _columns(question: Question) -> Sequence[tuple[str, str, str]]:
    """Return item column, its name in Qualtrics, and its words."""
    if question.kind == "matrix":
        return [(column, f"{question.name}_{position}", words) for position, column, words in question.rows]
    return [(question.name, question.name, question.stem)]


def _asked(question: Question, rows: Mapping[str, QsfQuestion], flow: FlowProof) -> Iterator[Issue]:
    where, absent = flow.where, []
    seen: dict[str, QsfQuestion] = {}
    for column, other, words in _columns(question):
        live = rows.get(column) or rows.get(other)
        if live is None:
            absent.append(column)
            continue
        seen[live.qid] = live
        if not words.startswith("["):
            name = column if column in live.rows else other
            yield from _worded(question, live.rows[name], words, f"{where}: {live.tag}", column)
    if absent:
        what = f"lacks {', '.join(absent)} (question {question.name!r})."
        why = "The export would lack these columns, and what is made of them could not be computed."
        fix = f"Add them, with the export tag {question.name!r} and the row numbers of the study."
        yield _error("qsf.item_absent", where, what, why, fix)
    for live in seen.values():
        yield from _one(question, live, flow)


def _one(question: Question, live: QsfQuestion, flow: FlowProof) -> Iterator[Issue]:
    """Compare a question of the survey with the declared one: its codes, its instruction, who sees it."""
    where = flow.where
    yield from _codes(question, live, where)
    if question.kind == "matrix" and not question.stem.startswith("["):
        yield from _worded(question, live.text, question.stem, f"{where}: {live.tag}", f"{live.tag} (above its items)")
    if question.answers and live.several:
        what = f"{live.tag} lets people choose several answers."
        why = "One answer is declared; several of them have no code."
        yield _error("qsf.several_answers", where, what, why, "Make it a question with a single answer.")
    yield from flow.shown(question, live)
    if question.required and not live.forced:
        what = f"{live.tag} can be left unanswered."
        why = "The study needs an answer of everybody: consent, or the attention check."
        yield _issue("qsf.not_forced", Severity.WARNING, where, what, why, "Set 'Force response'.")


def _places(wanted: Sequence[Question], survey: QsfSurvey) -> dict[str, tuple[str, ...]]:
    """Return where each declared question is in the survey."""
    rows = {row: question for question in survey.questions for row in question.rows}
    found = {}
    for question in wanted:
        if question.kind == "text":
            live = [text for text in (_text_of(question, survey),) if text is not None]
        else:
            live = [rows[name] for column, other, _ in _columns(question) for name in (column, other) if name in rows]
        found[question.name] = tuple(dict.fromkeys(each.qid for each in live))
    return found


def _phases(wanted: Sequence[Question]) -> dict[str, int]:
    """Return the phase of each declared question: consent, before the messages, messages, after them, debriefing."""
    fixed = {"consent": 0, "debriefing": 4, "re_consent": 5}
    messages = [q.name for q in wanted if q.kind == "text" and q.name not in fixed]
    phase, found = 1, {}
    for question in wanted:
        if question.name in messages:
            phase = 3
        found[question.name] = fixed.get(question.name, 2 if question.name in messages else phase)
    return found


def _twice(wanted: Sequence[Question], survey: QsfSurvey, where: str) -> Iterator[Issue]:
    """Name the declared texts that stand at several questions: one of them may be shown to others."""
    words = [plain_words(question.text) for question in survey.questions]
    texts = [q.name for q in wanted if q.kind == "text" and words.count(plain_words(q.stem)) > 1]
    if texts:
        what = f"the words of {', '.join(texts[:6])} stand at several questions."
        why = "Only one of them can be the declared text; another one may be shown to other people."
        yield _error("qsf.text_twice", where, what, why, "Leave one question with these words.")


def _text_of(question: Question, survey: QsfSurvey) -> QsfQuestion | None:
    """Return a declared text in the survey: by its words, else by its tag."""
    words = plain_words(question.stem)
    same = next((q for q in survey.questions if plain_words(q.text) == words), None)
    return same if same is not None else next((q for q in survey.questions if q.tag == question.name), None)


def _worded(question: Question, live: str, words: str, place: str, item: str) -> Iterator[Issue]:
    """Compare words; where they are those of a scale or of the consent, a difference is an error before launch."""
    strict = question.kind == "matrix" or question.name in {"consent", "re_consent"}
    for issue in says_otherwise(live, words, place, item) if words else ():
        yield replace(issue, severity=Severity.ERROR) if strict else issue


def _marked(survey: QsfSurvey, where: str) -> Iterator[Issue]:
    """Name the questions that still hold a mark of ours where words belong."""
    tags = [q.tag for q in survey.questions if any(m in text for m in _MARKS for text in (q.text, *q.rows.values()))]
    if tags:
        what = f"{', '.join(tags[:6])} still hold the mark that stands for words the study does not declare."
        yield _error("qsf.words_needed", where, what, "People would see the mark.", "Put your words in its place.")


def _other_wave(survey: QsfSurvey, wave: str, where: str) -> Iterator[Issue]:
    told = sorted({value for name, value in survey.given if name == "fs_wave"} - {wave})
    if told:
        what = f"the survey flow sets fs_wave to {', '.join(told)}; it is held against {wave}."
        yield _error("qsf.other_wave", where, what, "Answers would be read as those of another wave.", f"Set {wave}.")


def _codes(question: Question, live: QsfQuestion, where: str) -> Iterator[Issue]:
    if not question.answers:
        return
    place = f"{where}: {live.tag}"
    ours, theirs = dict(question.answers), dict(live.answers)
    why = "Answers would mean something else than the key of the scale says."
    if len(theirs) < len(live.answers):
        what = "two answers have the same recode value."
        yield _error("qsf.code_twice", place, what, why, "Give each answer the value of the study.")
    if {_number(code) for code in ours} != {_number(code) for code in theirs}:
        what = f"the recode values are {', '.join(theirs) or 'none'}; the study declares {', '.join(ours)}."
        fix = "Set the recode values as declared (Recode values, in the question's menu)."
        yield _error("qsf.codes_differ", place, what, why, fix)
        return
    labels = {folded_name(label): _number(code) for code, label in ours.items()}
    turned = [
        (label, code, labels[folded_name(plain_words(label))])
        for code, label in live.answers
        if labels.get(folded_name(plain_words(label)), _number(code)) != _number(code)
    ]
    if turned:
        shown = "; ".join(
            f"{plain_words(label)!r} is {code}, declared {declared:g}"
            if isinstance(declared, float)
            else f"{plain_words(label)!r} is {code}, declared {declared}"
            for label, code, declared in turned[:3]
        )
        what = f"labels stand at other values than declared: {shown}."
        fix = "Put the values back; items that run against the score are turned by scoring, never in the survey."
        yield _error("qsf.recode_turned", place, what, why, fix)
    known = {folded_name(label) for label in ours.values()}
    other = [(plain_words(label), code) for code, label in live.answers if folded_name(plain_words(label)) not in known]
    if other:
        shown = "; ".join(f"{label!r} at {code}" for label, code in other[:3])
        what = f"not proven: {len(other)} labels are not the declared ones ({shown}); what they mean is not known here."
        fix = "Use the declared labels, or compare by hand that they run in the same direction."
        yield _issue("qsf.label_differs", Severity.WARNING, place, what, why, fix)


def _number(code: str) -> float | str:
    try:
        return float(code) if code.isascii() else code
    except ValueError:
        return code


def _text(question: Question, survey: QsfSurvey, flow: FlowProof) -> Iterator[Issue]:
    """Look for a text that people read: by its tag, else by its words."""
    where, live = flow.where, _text_of(question, survey)
    if live is None:
        what = f"the text {question.name!r} ({question.note or 'declared in conduct'}) is not in the survey."
        why = "People of its condition would read nothing, or something else."
        yield _error("qsf.text_absent", where, what, why, "Import the questionnaire again, or paste the text.")
        return
    if not question.stem.startswith("[") and plain_words(live.text) != plain_words(question.stem):
        what = f"{live.tag} does not have the words that the study declares."
        why = "The manipulation is the text; its fingerprint is part of the design."
        yield _error("qsf.text_differs", where, what, why, "Paste the declared text.")
    yield from flow.shown(question, live)


def _doubled(survey: QsfSurvey, where: str) -> Iterator[Issue]:
    tags = [row for question in survey.questions if question.kind != "DB" for row in question.rows]
    twice = sorted({tag for tag in tags if tags.count(tag) > 1})
    if twice:
        what = f"the export tags {', '.join(twice[:6])} stand at two questions."
        why = "The export would have two columns of one name, and answers would be lost or mixed."
        yield _error("qsf.tag_twice", where, what, why, "Give every question a tag of its own.")


def _carried(survey: QsfSurvey, study: Study, where: str) -> Iterator[Issue]:
    needed = ["fs_pid", CONDITION, *([EXEMPLAR] if study_exemplars(study) else [])]
    apart = {"arm", *(f.name for f in study.factors if f.varies == "between")}
    known = [
        name
        for name in ("fs_pid", "participant")
        if any(given == name for given, value in survey.given if "${" not in value)
    ]
    if known:
        what = f"the survey flow sets {known[0]} to a word of its own, the same for everybody."
        why = "The export would not say who answered."
        yield _error("qsf.id_constant", where, what, why, "Leave the field empty, so that it comes with the link.")
    absent = [
        name
        for name in needed
        if name not in survey.fields
        and not (name == "fs_pid" and "participant" in survey.fields)
        and not (name == CONDITION and apart <= set(survey.fields))
        and not (name == EXEMPLAR and "exemplar" in survey.fields)
    ]
    if absent:
        what = f"the survey flow has no embedded data {', '.join(absent)}."
        why = "The export would not say who answered, or in which condition."
        fix = "Put an embedded-data element at the top of the survey flow, as the checklist says."
        yield _error("qsf.not_carried", where, what, why, fix)
