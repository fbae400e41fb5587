"""`prove_qsf`: a Qualtrics survey held against the study before launch: items, codes, words, conditions, draws."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.collect.platforms.qsf_survey import QsfDraw, QsfQuestion, QsfSurvey, read_qsf
from feedbackstudy.collect.platforms.questionnaire import Condition, Question, questionnaire
from feedbackstudy.collect.read_columns import CONDITION, EXEMPLAR
from feedbackstudy.collect.read_wording import plain_words, says_otherwise
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.scales.wording import Wording
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["prove_qsf"]


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
        Errors where data of this survey could not be read as the study declares it; a note says what was proved.

    Raises
    ------
    InputError
        Where the file is none of Qualtrics, or it is not known which wave it is.
    """
    survey = read_qsf(Path(path))
    where = Path(path).name
    wave = occasion or survey.fields.get("fs_wave") or (study.waves.names[0] if len(study.waves) == 1 else "")
    if wave not in study.waves.names:
        raise DataError(f"{where}: {choices('Wave', wave, study.waves.names)} Say occasion=.")
    forms, _ = questionnaire(study, wordings)
    wanted = next(form for form in forms if form.wave.name == wave).questions
    rows = {row: question for question in survey.questions for row in question.rows}
    keys = [cell.key for cell in study.crossing.cells()]
    found = [
        issue
        for question in wanted
        for issue in (
            _text(question, survey, keys, where) if question.kind == "text" else _asked(question, rows, keys, where)
        )
    ]
    found += _doubled(survey, where)
    found += _carried(survey, study, where)
    found += _draws(survey, study, where)
    if not any(issue.severity is Severity.ERROR for issue in found):
        what = f"{len(wanted)} questions and texts of {wave} are in the survey with the declared codes and conditions."
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


def _asked(question: Question, rows: Mapping[str, QsfQuestion], keys: Sequence[str], where: str) -> Iterator[Issue]:
    absent = []
    seen: dict[str, QsfQuestion] = {}
    for column, other, words in _columns(question):
        live = rows.get(column) or rows.get(other)
        if live is None:
            absent.append(column)
            continue
        seen[live.qid] = live
        if not words.startswith("[") and (question.kind == "matrix" or question.name in {"consent", "re_consent"}):
            name = column if column in live.rows else other
            yield from says_otherwise(live.rows[name], words, f"{where}: {live.tag}", column)
    if absent:
        what = f"lacks {', '.join(absent)} (question {question.name!r})."
        why = "The export would lack these columns, and what is made of them could not be computed."
        fix = f"Add them, with the export tag {question.name!r} and the row numbers of the study."
        yield _error("qsf.item_absent", where, what, why, fix)
    for live in seen.values():
        yield from _codes(question, live, where)
        yield from _shown(question, live, keys, where)
        if question.required and not live.forced:
            what = f"{live.tag} can be left unanswered."
            why = "The study needs an answer of everybody: consent, or the attention check."
            fix = "Set 'Force response'."
            yield _issue("qsf.not_forced", Severity.WARNING, where, what, why, fix)


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
    labels = {folded_name(label): _number(code) for code, label in ours.items() if label != code}
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


def _number(code: str) -> float | str:
    try:
        return float(code)
    except ValueError:
        return code


def _shown(question: Question, live: QsfQuestion, keys: Sequence[str], where: str) -> Iterator[Issue]:
    """Compare the cells that display logic or a branch names with those that should see the question."""
    wanted: Condition = question.shown
    if not wanted.cells or set(wanted.cells) == set(keys):
        return
    place = f"{where}: {live.tag}"
    why = "People would see what belongs to another condition, or miss what they should see."
    if live.operands is None:
        what = f"is shown to everybody; the study shows it where {CONDITION} is {_listed(wanted.cells)}."
        yield _error("qsf.shown_to_all", place, what, why, "Set display logic, or a branch around its block.")
        return
    named = {key for key in keys if key in live.operands}
    if named and named not in (set(wanted.cells), set(keys) - set(wanted.cells)):
        what = f"its logic names {_listed(sorted(named))}; declared are {_listed(wanted.cells)}."
        yield _error("qsf.shown_otherwise", place, what, why, "Correct the logic.")
    if not named:
        what = f"its logic does not use {CONDITION}, so it cannot be proved who sees it."
        yield _issue("qsf.logic_unknown", Severity.WARNING, place, what, why, "Try it with a test run of every cell.")
    if wanted.exemplar and wanted.exemplar not in live.operands:
        what = f"its logic does not ask for {EXEMPLAR} = {wanted.exemplar}."
        yield _error("qsf.shown_otherwise", place, what, why, "Correct the logic.")


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")


def _text(question: Question, survey: QsfSurvey, keys: Sequence[str], where: str) -> Iterator[Issue]:
    """Look for a text that people read: by its tag, else by its words."""
    if question.stem.startswith("["):
        return
    words = plain_words(question.stem)
    live = next((q for q in survey.questions if q.tag == question.name), None)
    same = next((q for q in survey.questions if plain_words(q.text) == words), None)
    live = same if same is not None else live
    if live is None:
        what = f"the text {question.name!r} ({question.note or 'declared in conduct'}) is not in the survey."
        why = "People of its condition would read nothing, or something else."
        yield _error("qsf.text_absent", where, what, why, "Import the questionnaire again, or paste the text.")
        return
    if same is None:
        what = f"{live.tag} does not have the words that the study declares."
        why = "The manipulation is the text; its fingerprint is part of the design."
        yield _error("qsf.text_differs", where, what, why, "Paste the declared text.")
    yield from _shown(question, live, keys, where)


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


def _draws(survey: QsfSurvey, study: Study, where: str) -> Iterator[Issue]:
    """Compare the randomiser that sets the condition with the cells and their declared shares."""
    draws = [draw for draw in survey.draws if any(CONDITION in element for element in draw.elements)]
    if not draws:
        what = f"no randomiser sets {CONDITION}: the condition comes with the link, or from a branch."
        why = "That is how a draw that can be proved is brought into Qualtrics."
        yield _issue("qsf.no_randomiser", Severity.NOTE, where, what, why, "Nothing to do where links carry it.")
        return
    if len(draws) > 1:
        what = f"{len(draws)} randomisers set {CONDITION}; the last one wins."
        yield _error("qsf.two_randomisers", where, what, "The draw is not the declared one.", "Leave one of them.")
    yield from _draw(draws[0], study, where)


def _draw(draw: QsfDraw, study: Study, where: str) -> Iterator[Issue]:
    conditions = conditions_of(study)
    told = [element.get(CONDITION, "") for element in draw.elements]
    shares = {cell.key: weight for cell, weight in zip(conditions.cells, conditions.weights, strict=True)}
    why = "Groups would not have the sizes that power and analysis count on."
    if draw.subset != 1:
        what = f"the randomiser gives each person {draw.subset} of its elements; the condition must be one."
        yield _error("qsf.randomiser_subset", where, what, why, "Set it to 1.")
    wrong = sorted({key for key in told if key not in shares})
    absent = [key for key in shares if key not in told]
    if wrong or absent:
        what = f"the randomiser lacks {_listed(absent) or 'nothing'} and sets {_listed(wrong) or 'nothing'} besides."
        yield _error("qsf.randomiser_cells", where, what, why, "One element for each cell, with the declared keys.")
        return
    off = [key for key, share in shares.items() if Fraction(told.count(key), len(told)) != share]
    if off:
        shown = ", ".join(f"{key}: {told.count(key)} of {len(told)}, declared {shares[key]}" for key in off[:4])
        what = f"elements of the randomiser do not have the declared shares ({shown})."
        yield _error("qsf.randomiser_shares", where, what, why, "Repeat elements in the declared ratio.")
    if not draw.evenly:
        what = "the randomiser does not present its elements evenly, so that group sizes differ by chance."
        fix = "Tick 'Evenly present elements', or declare simple assignment and report it."
        yield _issue("qsf.randomiser_uneven", Severity.WARNING, where, what, why, fix)
