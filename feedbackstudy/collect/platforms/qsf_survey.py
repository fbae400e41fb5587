"""A Qualtrics survey file (QSF) as plain records: questions with their codes, the data carried along, the draws."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import read_bounded

__all__ = ["QsfDraw", "QsfQuestion", "QsfSurvey", "read_qsf"]

MAX_BYTES = 50_000_000
_DEEPEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class QsfQuestion:
    """One question.

    Attributes
    ----------
    qid, tag : str
        Qualtrics' id, and the export tag.
    kind : str
        ``"MC"``, ``"Matrix"``, ``"TE"``, ``"DB"`` ...
    text : str
        The question.
    rows : mapping of str to str
        Column of the export -> words, for a matrix; the tag -> the question otherwise.
    answers : tuple of (str, str)
        Recode value and label, in the order shown.
    forced : bool
        Whether it must be answered.
    operands : frozenset of str or None
        Values that display logic or a branch compares with; None where it is shown to everybody.
    """

    qid: str
    tag: str
    kind: str
    text: str
    rows: Mapping[str, str]
    answers: tuple[tuple[str, str], ...]
    forced: bool
    operands: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QsfDraw:
    """One randomiser of the survey flow.

    Attributes
    ----------
    subset : int
        How many of its elements each person gets.
    evenly : bool
        Whether elements are presented evenly.
    elements : tuple of mapping
        What each element sets: embedded-data field -> value.
    """

    subset: int
    evenly: bool
    elements: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QsfSurvey:
    """A survey.

    Attributes
    ----------
    name : str
        Its name.
    questions : tuple of QsfQuestion
        Those that are in use.
    fields : mapping of str to str
        Embedded data -> value, empty where it comes from the link.
    draws : tuple of QsfDraw
        Randomisers.
    """

    name: str
    questions: tuple[QsfQuestion, ...]
    fields: Mapping[str, str]
    draws: tuple[QsfDraw, ...]


def read_qsf(path: Path) -> QsfSurvey:
    """Read a Qualtrics survey file.

    Parameters
    ----------
    path : Path
        The .qsf file (Tools > Import/Export > Export Survey).

    Returns
    -------
    QsfSurvey
        Questions of the trash are left out.

    Raises
    ------
    FileFormatError
        Where it is no such file.
    """
    try:
        data = json.loads(read_bounded(path, MAX_BYTES).decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise FileFormatError(f"{path} is no Qualtrics survey file: it is not valid JSON. Export it again.") from fault
    if not isinstance(data, dict) or not isinstance(data.get("SurveyElements"), list):
        raise FileFormatError(f"{path} is JSON, but no Qualtrics survey file (it has no SurveyElements).")
    elements = [e for e in data["SurveyElements"] if isinstance(e, dict)]
    blocks = {str(b.get("ID")): b for e in elements if e.get("Element") == "BL" for b in _each(e.get("Payload"))}
    flow = next((e.get("Payload") for e in elements if e.get("Element") == "FL"), None)
    shown = _shown_blocks(flow)
    where = {
        str(_plain(part).get("QuestionID")): block_id
        for block_id, block in blocks.items()
        if block.get("Type") != "Trash"
        for part in _each(block.get("BlockElements"))
    }
    payloads = [_plain(e.get("Payload")) for e in elements if e.get("Element") == "SQ"]
    questions = [
        _question(payload, shown.get(where[str(payload.get("QuestionID"))]) if flow is not None else None)
        for payload in payloads
        if str(payload.get("QuestionID")) in where
    ]
    return QsfSurvey(
        name=str(_plain(data.get("SurveyEntry")).get("SurveyName", "")),
        questions=tuple(questions),
        fields=dict(_fields(flow)),
        draws=tuple(_draws(flow)),
    )


def _plain(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _each(value: object) -> list[Mapping[str, object]]:
    """Return the records of a list, or of a mapping from numbers, as Qualtrics writes either."""
    parts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return [part for part in parts if isinstance(part, dict)]


def _walk(node: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    if depth > _DEEPEST:
        raise FileFormatError(f"The survey flow is nested more than {_DEEPEST} deep; no survey is.")
    for part in _each(_plain(node).get("Flow")):
        yield part
        yield from _walk(part, depth + 1)


def _operands(logic: object, depth: int = 0) -> frozenset[str]:
    """Return every value that a condition compares with."""
    if depth > _DEEPEST or not isinstance(logic, dict):
        return frozenset()
    own = {str(logic["RightOperand"])} if "RightOperand" in logic else set()
    return frozenset(own.union(*(_operands(part, depth + 1) for part in logic.values())))


def _shown_blocks(
    flow: object, inside: frozenset[str] | None = None, depth: int = 0
) -> dict[str, frozenset[str] | None]:
    """Return block -> values that the branches around it compare with."""
    found: dict[str, frozenset[str] | None] = {}
    if depth > _DEEPEST:
        return found
    for part in _each(_plain(flow).get("Flow")):
        logic = _operands(part.get("BranchLogic")) if part.get("Type") == "Branch" else frozenset()
        here = (inside or frozenset()) | logic if logic else inside
        if "ID" in part:
            found[str(part["ID"])] = here
        found |= _shown_blocks(part, here, depth + 1)
    return found


def _question(payload: Mapping[str, object], branch: frozenset[str] | None) -> QsfQuestion:
    tag, kind = str(payload.get("DataExportTag", "")), str(payload.get("QuestionType", ""))
    text = str(payload.get("QuestionText", ""))
    is_matrix = kind == "Matrix"
    settings = _plain(_plain(payload.get("Validation")).get("Settings"))
    logic = _operands(payload.get("DisplayLogic"))
    return QsfQuestion(
        qid=str(payload.get("QuestionID", "")),
        tag=tag,
        kind=kind,
        text=text,
        rows=dict(_rows(payload, tag)) if is_matrix else {tag: text},
        answers=tuple(_answers(payload, "Answers" if is_matrix else "Choices")) if kind in {"MC", "Matrix"} else (),
        forced=str(settings.get("ForceResponse", "OFF")) == "ON",
        operands=(logic | (branch or frozenset())) if logic or branch is not None else None,
    )


def _ordered(payload: Mapping[str, object], name: str) -> Iterator[tuple[str, str]]:
    told = payload.get(name)
    entries = (
        {str(k): v for k, v in told.items()}
        if isinstance(told, dict)
        else {str(i): v for i, v in enumerate(told, 1)}
        if isinstance(told, list)
        else {}
    )
    order = payload.get(f"{name.removesuffix('s')}Order")
    keys = [str(key) for key in order] if isinstance(order, list) else list(entries)
    for key in (*keys, *(k for k in entries if k not in keys)):
        if key in entries:
            yield key, str(_plain(entries[key]).get("Display", ""))


def _rows(payload: Mapping[str, object], tag: str) -> Iterator[tuple[str, str]]:
    tags = _plain(payload.get("ChoiceDataExportTags"))
    for key, words in _ordered(payload, "Choices"):
        yield str(tags.get(key) or f"{tag}_{key}"), words


def _answers(payload: Mapping[str, object], name: str) -> Iterator[tuple[str, str]]:
    recodes = _plain(payload.get("RecodeValues"))
    for key, label in _ordered(payload, name):
        yield str(recodes.get(key, key)), label


def _set_by(part: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield what an element of the flow, or those inside it, set."""
    own = [part] if part.get("Type") == "EmbeddedData" else []
    inner = [p for p in _walk(part) if p.get("Type") == "EmbeddedData"]
    for each in (*own, *inner):
        for told in _each(each.get("EmbeddedData")):
            yield str(told.get("Field", "")), str(told.get("Value", "") or "")


def _fields(flow: object) -> Iterator[tuple[str, str]]:
    for part in _walk(flow):
        if part.get("Type") == "EmbeddedData":
            yield from _set_by(part)


def _draws(flow: object) -> Iterator[QsfDraw]:
    for part in _walk(flow):
        if part.get("Type") == "BlockRandomizer":
            elements: Sequence[Mapping[str, object]] = _each(part.get("Flow"))
            told = str(part.get("SubSet", len(elements)))
            yield QsfDraw(
                subset=int(told) if told.isdigit() else len(elements),
                evenly=part.get("EvenPresentation") in {True, "true", "1"},
                elements=tuple(dict(_set_by(each)) for each in elements),
            )
