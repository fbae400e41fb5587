"""Run analyses one after the other, say how each went, and write each card as soon as it is there."""

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.session import Session
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.files import staged_file

if TYPE_CHECKING:
    from feedbackstudy.literature.card import Reproduction

__all__ = ["Failure", "run_analyses", "run_analysis", "writable"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An analysis that could not be computed.

    Attributes
    ----------
    key : str
        Its key.
    reason : str
        What was wrong, with the way to mend it.
    """

    key: str
    reason: str


def writable(folder: Path) -> Path:
    """Make a folder and make sure that it can be written, before any time is spent on computing.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileFormatError
        Where it cannot be made or written.
    """
    probe = folder / "writable"
    try:
        with staged_file(probe):
            pass
    finally:
        if folder.is_dir():
            probe.unlink(missing_ok=True)
    return folder


def run_analyses(keys: Iterable[str | Path], session: Session, *, cards: Path | None) -> "list[Reproduction | Failure]":
    """Reproduce analyses in the order given; one that cannot be computed does not stop the others.

    Parameters
    ----------
    keys : iterable of str or Path
        Keys, or folders of the user's own.
    session : Session
        Where to speak.
    cards : Path or None
        Folder for one HTML file each, written as soon as the analysis is done.

    Returns
    -------
    list
        A reproduction, or a failure, for each key.
    """
    outcomes: list[Reproduction | Failure] = []
    keys = list(keys)
    for i, key in enumerate(keys, start=1):
        try:
            outcomes.append(run_analysis(key, session, cards=cards, position=(i, len(keys))))
        except InputError as fault:
            session.stop_if_interrupted()
            session.say(f"      not computed: {fault}")
            outcomes.append(Failure(str(key), str(fault)))
    return outcomes


def run_analysis(
    key: str | Path, session: Session, *, cards: Path | None, position: tuple[int, int] = (1, 1)
) -> "Reproduction":
    """Reproduce one analysis.

    Parameters
    ----------
    key : str or Path
        A key, or a folder of the user's own.
    session : Session
        Where to speak.
    cards : Path or None
        Folder for its HTML file.
    position : tuple of (int, int)
        Which of how many, for the line of progress and the file's name.

    Returns
    -------
    Reproduction
        The report card.

    Raises
    ------
    KeyboardInterrupt
        Where Ctrl-C was pressed, even if a sampler in between answered it with the draws made so far.
    """
    from feedbackstudy.literature.reproduction import reproduce
    from feedbackstudy.report.card import verdict

    i, n = position
    session.say(f"[{i}/{n}] {key} ...")
    start = time.perf_counter()
    try:
        result = reproduce(key, say=session.say)
    except InputError:
        raise
    except Exception as fault:
        place = _in_users_python(fault)
        if place is None:
            raise
        # No message of the exception: it may quote a cell of the user's data.
        raise DataError(f"{place}: your Python raised {type(fault).__name__}; mend it there and run again.") from fault
    session.stop_if_interrupted()
    session.say(f"      {verdict(result)} ({time.perf_counter() - start:.1f} s)")
    if cards is not None:
        session.say(f"      card: {_card(result, cards, position)}")
    return result


def _in_users_python(fault: Exception) -> str | None:
    """Return the last place of a fault inside an ``analysis.py`` that is not one of ours."""
    from feedbackstudy import shipped

    ours = shipped.folder("analyses").resolve()
    places = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(fault.__traceback__)
        if Path(frame.filename).name == "analysis.py" and not Path(frame.filename).resolve().is_relative_to(ours)
    ]
    return places[-1] if places else None


def _card(result: "Reproduction", folder: Path, position: tuple[int, int]) -> Path:
    from feedbackstudy.report.document import document

    number = f"{position[0]:02d}-" if position[1] > 1 else ""
    return document(result, to=folder / f"{number}{result.key}.html", title=f"Report card: {result.key}")
