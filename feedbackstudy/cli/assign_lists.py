"""Open lists on the command line: draw, contact list, schedule, audit of a platform's draw."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session
from feedbackstudy.errors import DataError, FileFormatError

if TYPE_CHECKING:
    import pandas as pd

    from feedbackstudy.assign import Allocation

__all__ = ["audit", "contacts", "draw", "new_file", "records", "roster_of", "schedule"]


def roster_of(path: Path | None) -> "pd.DataFrame | None":
    """Read a roster, everything as text; an empty cell is missing.

    Parameters
    ----------
    path : Path or None
        A CSV file.

    Returns
    -------
    DataFrame or None
        None where no file is given.

    Raises
    ------
    InputError
        Where it cannot be read, or has no column ``participant``.
    """
    if path is None:
        return None
    import pandas as pd

    from feedbackstudy.assign.exchange import csv_rows

    frame = pd.DataFrame(csv_rows(path, ("participant",)), dtype="str")
    return frame.mask(frame == "")


def new_file(path: Path) -> Path:
    """Refuse to write over what is there.

    Parameters
    ----------
    path : Path
        The file, or the folder.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileFormatError
        Where it exists, and is not an empty folder.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileFormatError(f"{path} exists; nothing was written. Name another, or move it away first.")
    return path


def records(frame: "pd.DataFrame") -> list[dict[str, str]]:
    """Return a table as rows of text.

    Parameters
    ----------
    frame : DataFrame
        Any table.

    Returns
    -------
    list of dict
        Empty text where a value is missing.
    """
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    return [{str(key): str(value) for key, value in row.items()} for row in text.to_dict("records")]


def _written(frame: "pd.DataFrame", path: Path) -> Path:
    from feedbackstudy.assign.exchange import csv_text
    from feedbackstudy.files import write_atomic

    return write_atomic(path, csv_text(records(frame)), private=True)


def _allocation(given: argparse.Namespace) -> "tuple[Allocation, pd.DataFrame | None]":
    from feedbackstudy.assign import assign
    from feedbackstudy.study import Study

    if getattr(given, "out", None) is not None:
        new_file(given.out)
    study, roster = Study.load(given.study), roster_of(given.roster)
    return assign(study, roster, seed=study.seed if given.seed is None else given.seed), roster


def draw(given: argparse.Namespace, session: Session) -> int:
    """Draw an open list.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code.
    """
    made, _ = _allocation(given)
    file = _written(made.frame, given.out) if given.out is not None else None
    if session.as_json:
        told = {"seed": made.seed, "method": made.method, "fingerprint": made.fingerprint, "file": file}
        session.give({**told, "counts": records(made.counts()), "allocation": records(made.frame)})
    else:
        session.show(made)
        session.say(f"Written to {file}." if file else "Nothing was written; name a file with --out.")
    return Exit.FINDINGS if made.issues.warnings else Exit.FINE


def contacts(given: argparse.Namespace, session: Session) -> int:
    """Write the contact list of a known roster.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code.
    """
    from feedbackstudy.files import read_bounded

    secret = None
    if given.secret_file is not None:
        secret = read_bounded(given.secret_file, 10_000).decode("utf-8", errors="replace").strip()
        if not secret:
            raise DataError(f"{given.secret_file} is empty; put a long random text there, or leave the option out.")
    made, _ = _allocation(given)
    file = made.export(given.out, link=given.link, secret=secret)
    if session.as_json:
        session.give({"file": file, "contacts": len(made), "fingerprint": made.fingerprint})
    else:
        session.show(str(file))
        session.say("It names conditions: give it to the platform alone.")
    return Exit.FINE


def schedule(given: argparse.Namespace, session: Session) -> int:
    """Write who gets which message when, and when each wave is due.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code.
    """
    import pandas as pd

    made, roster = _allocation(given)
    plan = made.schedule(roster, decision_days=given.decision_days)
    day = None if given.on is None else pd.to_datetime(given.on, format="ISO8601", errors="coerce")
    if given.on is not None and not isinstance(day, pd.Timestamp):
        raise DataError(f"--on {given.on!r} is no date; write it as 2026-03-31.")
    frame = plan.frame if day is None else plan.on(day)
    file = _written(frame, given.out) if given.out is not None and len(frame) else None
    if session.as_json:
        session.give({"file": file, "events": records(frame)})
    elif day is None:
        session.show(plan)
    else:
        session.show("\n".join(" ".join(row.values()) for row in records(frame)) or f"Nothing is due on {given.on}.")
    if file is not None:
        session.say(f"Written to {file}.")
    return Exit.FINE


def audit(given: argparse.Namespace, session: Session) -> int:
    """Audit an assignment that the survey platform made.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code.
    """
    from feedbackstudy.assign import import_assignment
    from feedbackstudy.study import Study

    assigned = roster_of(given.file)
    if assigned is None:
        return Exit.BAD_INPUT
    made = import_assignment(Study.load(given.study), assigned)
    if session.as_json:
        found = [issue.to_dict() for issue in made.issues]
        session.give({"participants": len(made), "counts": records(made.counts()), "issues": found})
    else:
        session.show(made)
    return Exit.FINDINGS if made.issues.warnings or made.issues.errors else Exit.FINE
