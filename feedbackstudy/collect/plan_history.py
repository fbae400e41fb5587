"""The history of a registered study: each registration and each first reading of data, in lines that hold each other.

A registration begins it, in ``.feedbackstudy/history.jsonl`` of the study's folder. From then on every reading of data
with the study is noted: when, under which design, and which files. Lines are only ever added.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedbackstudy.assign.chain import START, Line, chained, read_chain, text_of
from feedbackstudy.collect.registration import moment
from feedbackstudy.files import locked, read_bounded, write_atomic
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study

__all__ = ["Event", "History", "history_of", "note_reading", "note_registration"]

_FOLDER, _NAME = ".feedbackstudy", "history.jsonl"
_LIMIT = 50_000_000
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the history.

    Attributes
    ----------
    kind : {"registered", "read"}
        What happened.
    at : datetime
        When, in UTC, by the computer's clock.
    design_hash : str
        The design of the study at that moment.
    files : tuple of str
        SHA-256 of the files read.
    not_before, not_after : datetime or None
        Between which moments the first answer in these files was given, as far as they say.
    simulated : bool
        Whether the data are invented.
    """

    kind: str
    at: datetime
    design_hash: str
    files: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known of a study's past.

    Attributes
    ----------
    events : tuple of Event
        In the order in which they were noted.
    fault : str
        Why the rest of the history cannot be believed; empty where all lines hold.
    """

    events: tuple[Event, ...]
    fault: str = ""

    def readings(self, *, simulated: bool) -> tuple[Event, ...]:
        """Return the readings of real, or of invented, data.

        Parameters
        ----------
        simulated : bool
            Which of the two.

        Returns
        -------
        tuple of Event
            In order.
        """
        return tuple(e for e in self.events if e.kind == "read" and e.simulated is simulated)

    @property
    def registrations(self) -> tuple[Event, ...]:
        """The registrations, in order."""
        return tuple(event for event in self.events if event.kind == "registered")


def history_of(study: Study) -> History | None:
    """Return the history beside a study.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    History or None
        None where none was begun: the study was not registered from its folder, or has none.
    """
    path = _path(study)
    if path is None or not path.is_file():
        return None
    lines, fault = read_chain(read_bounded(path, _LIMIT))
    what = "" if fault is None else f"line {fault.line} of {path.name} does not hold: {fault.what}"
    events = []
    for line in lines:
        try:
            events.append(_event(line))
        except (ValueError, KeyError, TypeError):
            what = what or f"line {line['line']} of {path.name} cannot be read"
    return History(events=tuple(events), fault=what)


def note_registration(study: Study, at: datetime) -> bool:
    """Note that a study was registered; the first time begins its history.

    Parameters
    ----------
    study : Study
        The study.
    at : datetime
        When.

    Returns
    -------
    bool
        False where no history can be kept: the study was not read from a folder of its own.

    Raises
    ------
    FileFormatError
        Where the folder cannot be written.
    """
    path = _path(study)
    if path is None:
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _append(path, {"kind": "registered", "at": _text(at), "design_hash": study.design_hash})
    return True


def note_reading(study: Study, made: Provenance) -> Issue | None:
    """Note that data were read, where the study has a history that does not know it yet.

    Parameters
    ----------
    study : Study
        The study.
    made : Provenance
        Of the reading: files, invented or not, and since when there are answers.

    Returns
    -------
    Issue or None
        A warning where it could not be noted.
    """
    history = history_of(study)
    path = _path(study)
    if history is None or path is None:
        return None
    files = sorted(sha for _, sha in made.data_sha256)
    if any(e.files == tuple(files) and e.design_hash == study.design_hash for e in history.readings(
            simulated=made.simulated)):  # fmt: skip
        return None
    since = made.answered_since or ("", "")
    content = {
        "kind": "read",
        "at": _text(datetime.now(UTC)),
        "design_hash": study.design_hash,
        "files": files,
        "not_before": since[0],
        "not_after": since[1],
        "simulated": made.simulated,
    }
    try:
        _append(path, content)
    except OSError as fault:
        return _not_noted(str(fault.strerror or fault))
    except ValueError as fault:
        return _not_noted(str(fault))
    return None


def _not_noted(why: str) -> Issue:
    return Issue(
        code="collect.reading_not_noted",
        severity=Severity.WARNING,
        where=f"{_FOLDER}/{_NAME}",
        what=f"This reading could not be noted in the history of the study: {why.rstrip('.')}.",
        why="Whether a later change of the plan came before or after the data could then not be told.",
        fix="Make the study's folder writable, or restore the history from a copy that holds, and read again.",
    )


def _path(study: Study) -> Path | None:
    """Return where the history of a study lies; None for a study without a folder, and for our own templates."""
    folder = study.folder
    if folder is None or folder.resolve().is_relative_to(_PACKAGE):
        return None
    return folder / _FOLDER / _NAME


def _append(path: Path, content: Mapping[str, object]) -> None:
    with locked(path.with_suffix(".lock")):
        before = read_bounded(path, _LIMIT) if path.is_file() else b""
        lines, fault = read_chain(before)
        if fault is not None:
            raise ValueError(f"line {fault.line} does not hold: {fault.what}")
        line = chained(content, len(lines) + 1, str(lines[-1]["hash"]) if lines else START)
        write_atomic(path, before + text_of(line).encode("utf-8"))


def _event(line: Line) -> Event:
    at, files = moment(line, "at"), line.get("files", [])
    if at is None or not isinstance(files, Iterable):
        raise ValueError("a line of the history has no moment, or no files")
    return Event(
        kind=str(line["kind"]),
        at=at,
        design_hash=str(line["design_hash"]),
        files=tuple(map(str, files)),
        not_before=moment(line, "not_before"),
        not_after=moment(line, "not_after"),
        simulated=line.get("simulated") is True,
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
