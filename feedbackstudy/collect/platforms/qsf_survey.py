"""A Qualtrics survey file (QSF) as plain records: questions with their codes, the data carried along, the draws."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy.collect.platforms.qsf_flow import Draw, Element, Sets, elements_in, read_flow
from feedbackstudy.collect.platforms.qsf_logic import Leaf, Logic, read_logic
from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import read_bounded

__all__ = ["QsfBlock", "QsfDraw", "QsfQuestion", "QsfSurvey", "read_qsf"]

MAX_BYTES = 50_000_000
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_SCRIPT = "<script"
_NOTHING = re.compile(r"Qualtrics\.SurveyEngine\.addOn\w+\(function\(\)\{\}\);?")
"""What Qualtrics itself puts where somebody opened the editor of scripts and wrote nothing."""


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
    keys : tuple of str
        Qualtrics' own names of these answers, by which logic refers to them.
    several : bool
        Whether people may choose several answers.
    forced : bool
        Whether it must be answered.
    logic : Logic or None
        Its display logic; None where it has none.
    script : bool
        Whether it runs a script.
    unread : tuple of str
        What else it has that cannot be judged here: answers that are shown to some people only.
    """

    qid: str
    tag: str
    kind: str
    text: str
    rows: Mapping[str, str]
    answers: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    several: bool
    forced: bool
    logic: Logic | None
    script: bool
    unread: tuple[str, ...]

    def choice_of(self, code: str) -> str:
        """Return Qualtrics' own name of the answer with a recode value.

        Parameters
        ----------
        code : str
            The value.

        Returns
        -------
        str
            The name; empty where no answer has the value.
        """
        return next((key for key, (value, _) in zip(self.keys, self.answers, strict=True) if value == code), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class QsfBlock:
    """One block of questions.

    Attributes
    ----------
    questions : tuple of str
        Ids, in order.
    skips : tuple of Logic
        Conditions under which questions behind are skipped.
    unread : tuple of str
        What may leave out questions, or ask them again: random subsets, loops.
    """

    questions: tuple[str, ...]
    skips: tuple[Logic, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QsfDraw:
    """One randomiser of the survey flow.

    Attributes
    ----------
    subset : int or None
        How many of its elements each person gets; None where that cannot be read.
    evenly : bool
        Whether elements are presented evenly.
    elements : tuple of mapping
        What each element sets: embedded-data field -> value.
    """

    subset: int | None
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
    flow : tuple of Element
        The survey flow; empty where the file has none.
    blocks : mapping of str to QsfBlock
        Blocks that are in use, by id.
    unread : tuple of str
        What the survey's options have that cannot be judged here.
    """

    name: str
    questions: tuple[QsfQuestion, ...]
    fields: Mapping[str, str]
    draws: tuple[QsfDraw, ...]
    flow: tuple[Element, ...]
    blocks: Mapping[str, QsfBlock]
    unread: tuple[str, ...]

    @property
    def given(self) -> frozenset[tuple[str, str]]:
        """Embedded data to which the flow itself gives a value, with each of these values."""
        sets = (element for element in elements_in(self.flow) if isinstance(element, Sets))
        return frozenset((name, value) for element in sets for name, value in element.values if value)


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
    told = {str(b.get("ID")): b for e in elements if e.get("Element") == "BL" for b in _each(e.get("Payload"))}
    blocks = {name: _block(block) for name, block in told.items() if block.get("Type") != "Trash"}
    options = json.dumps([e.get("Payload") for e in elements if e.get("Element") == "SO"]).casefold()
    used = {qid for block in blocks.values() for qid in block.questions}
    payloads = [_plain(e.get("Payload")) for e in elements if e.get("Element") == "SQ"]
    flow = read_flow(next((e.get("Payload") for e in elements if e.get("Element") == "FL"), None))
    return QsfSurvey(
        name=str(_plain(data.get("SurveyEntry")).get("SurveyName", "")),
        questions=tuple(_question(payload) for payload in payloads if str(payload.get("QuestionID")) in used),
        fields=dict(_fields(flow)),
        draws=tuple(_draw(element) for element in elements_in(flow) if isinstance(element, Draw)),
        flow=flow,
        blocks=blocks,
        unread=("a script in the header or footer of the survey",) if _SCRIPT in options else (),
    )


def _plain(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _each(value: object) -> list[Mapping[str, object]]:
    """Return the records of a list, or of a mapping from numbers, as Qualtrics writes either."""
    parts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return [part for part in parts if isinstance(part, dict)]


def _block(told: Mapping[str, object]) -> QsfBlock:
    parts = _each(told.get("BlockElements"))
    options = _plain(told.get("Options"))
    unread = []
    if str(options.get("RandomizeQuestions") or "false") not in {"false", "False", "RandomWithXPerPage"}:
        unread.append("random questions")
    if str(options.get("Looping") or "None") != "None":
        unread.append("a loop")
    return QsfBlock(
        questions=tuple(str(part["QuestionID"]) for part in parts if "QuestionID" in part),
        skips=tuple(_skip(skip) for part in parts for skip in _each(part.get("SkipLogic"))),
        unread=tuple(unread),
    )


def _skip(told: Mapping[str, object]) -> Logic:
    left = str(told.get("ChoiceLocator") or told.get("Locator", ""))
    leaf = Leaf(kind="Question", left=left, operator=str(told.get("Condition", "")), right="")
    return Logic(sets=(("and", (("and", leaf),)),))


def _question(payload: Mapping[str, object]) -> QsfQuestion:
    tag, kind = str(payload.get("DataExportTag", "")), str(payload.get("QuestionType", ""))
    text = str(payload.get("QuestionText", ""))
    is_matrix = kind == "Matrix"
    settings = _plain(_plain(payload.get("Validation")).get("Settings"))
    answers = list(_answers(payload, "Answers" if is_matrix else "Choices")) if kind in {"MC", "Matrix"} else []
    return QsfQuestion(
        qid=str(payload.get("QuestionID", "")),
        tag=tag,
        kind=kind,
        text=text,
        rows=dict(_rows(payload, tag)) if is_matrix else {tag: text},
        answers=tuple((code, label) for _, code, label in answers),
        keys=tuple(key for key, _, _ in answers),
        several=str(payload.get("Selector", "")).startswith("MA") or payload.get("SubSelector") == "MultipleAnswer",
        forced=str(settings.get("ForceResponse", "OFF")) == "ON",
        logic=read_logic(payload.get("DisplayLogic")),
        script=_has_script(payload),
        unread=tuple(_unread(payload)),
    )


def _has_script(payload: Mapping[str, object]) -> bool:
    script = "".join(_COMMENT.sub("", str(payload.get("QuestionJS") or "")).split())
    return bool(_NOTHING.sub("", script)) or _SCRIPT in json.dumps(payload).casefold()


def _unread(payload: Mapping[str, object]) -> Iterator[str]:
    """Yield what a question has whose effect cannot be judged from the file."""
    if payload.get("DynamicChoices"):
        yield "answers carried forward"
    parts = [*_each(payload.get("Choices")), *_each(payload.get("Answers"))]
    if any(part.get("DisplayLogic") for part in parts):
        yield "rows or answers that are shown to some people only"


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
    for key in dict.fromkeys(keys):  # what is not in the order is not on the screen
        if key in entries:
            yield key, str(_plain(entries[key]).get("Display", ""))


def _rows(payload: Mapping[str, object], tag: str) -> Iterator[tuple[str, str]]:
    tags = _plain(payload.get("ChoiceDataExportTags"))
    for key, words in _ordered(payload, "Choices"):
        yield str(tags.get(key) or f"{tag}_{key}"), words


def _answers(payload: Mapping[str, object], name: str) -> Iterator[tuple[str, str, str]]:
    recodes = _plain(payload.get("RecodeValues"))
    for key, label in _ordered(payload, name):
        yield key, str(recodes.get(key, key)), label


def _set_by(element: Element) -> Iterator[tuple[str, str]]:
    """Yield what an element of the flow, or those inside it, set."""
    for each in elements_in((element,)):
        if isinstance(each, Sets):
            yield from each.values


def _fields(flow: tuple[Element, ...]) -> Iterator[tuple[str, str]]:
    for element in flow:
        yield from _set_by(element)


def _draw(draw: Draw) -> QsfDraw:
    return QsfDraw(subset=draw.subset, evenly=draw.evenly, elements=tuple(dict(_set_by(each)) for each in draw.parts))
