"""What commands that take an export share: how it is read, whom they must forget, how a table is written."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    import pandas as pd

    from feedbackstudy.collect import Import, WaveMatch
    from feedbackstudy.frames import Responses, Scores
    from feedbackstudy.issues import Issues
    from feedbackstudy.study import Study

__all__ = [
    "add_reading",
    "add_writing",
    "inspected",
    "listed",
    "readable",
    "refusal",
    "serious",
    "written",
]

_PLAIN = (
    ("--platform", {"choices": ("qualtrics", "limesurvey", "spss", "plain"), "help": "seen by the header else"}),
    ("--occasion", {"metavar": "WAVE", "help": "the wave that a single file holds"}),
    ("--participant", {"metavar": "COLUMN", "help": "the column that names people"}),
    ("--allocation", {"metavar": "FILE", "help": "the contact list that says who was assigned to what"}),
    ("--encoding", {"help": "such as cp1252; UTF-8 or by the byte-order mark else"}),
    ("--decimal", {"choices": (".", ","), "help": "the decimal mark, where it is not plain"}),
    ("--thousands", {"choices": (".", ",", " ", "'"), "help": "the mark between thousands"}),
    ("--delimiter", {"metavar": "MARK", "help": "what parts cells, where it is not plain; 'tab' for a tab"}),
    ("--sheet", {"help": "which sheet of a workbook"}),
    ("--zone", {"help": "time zone of the file's times, such as Europe/Berlin"}),
    ("--duplicates", {"choices": ("first", "last", "most_complete"), "help": "which of several answers counts"}),
    ("--max-megabytes", {"type": float, "metavar": "N", "help": "largest file that is read"}),
    ("--same-case", {"action": "store_true", "help": "ids that differ only in case are the same person"}),
    ("--allow-ragged", {"action": "store_true", "help": "fill up records that are shorter than the header"}),
    ("--open-answers", {"action": "store_true", "help": "take open answers along; they stay out else"}),
    ("--not-fielded", {"action": "append", "metavar": "MEASURE", "help": "declared, but not put before people"}),
)
"""Options of `read` that are said in a word; each is named like its argument."""

_EXAMPLE = (
    "A reading file holds options of collect.read, one a line, such as: missing: {-99: skipped}, labels: {mood: "
    "{'very good': 7}}, columns: {QID12: mood_1}. What is typed goes before what it says."
)


def add_reading(sub: argparse.ArgumentParser) -> None:
    """Add the arguments that say which export is read, and how.

    Parameters
    ----------
    sub : ArgumentParser
        A command that reads answers.
    """
    sub.add_argument("path", nargs="+", metavar="FILE", help="the export; several waves as t0=FILE t1=FILE")
    sub.add_argument("--study", type=Path, required=True, metavar="STUDY", help="the study's YAML file or folder")
    sub.add_argument(
        "--reading",
        type=Path,
        metavar="FILE",
        help="YAML with options of collect.read, such as labels; reading.yaml in the study's folder else",
    )
    for flag, how in _PLAIN:
        sub.add_argument(flag, **how)
    sub.add_argument(
        "--missing", action="append", default=[], metavar="CODE=REASON", help="such as --missing=-99=skipped"
    )
    sub.add_argument(
        "--column", action="append", default=[], metavar="THEIRS=OURS", help="a column of the file that is one of ours"
    )
    sub.add_argument("--pseudonyms", type=Path, metavar="KEY", help="turn ids into codes with this key file")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.epilog = _EXAMPLE


def add_writing(sub: argparse.ArgumentParser) -> None:
    """Add the arguments that say where a table goes, and for whom.

    Parameters
    ----------
    sub : ArgumentParser
        A command that writes a table of people.
    """
    sub.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; must be new")
    sub.add_argument(
        "--raw",
        action="store_true",
        help="for programs: cells as they are; without it text that a spreadsheet would run gets an apostrophe, "
        "which our own reader takes off again",
    )


def inspected(given: argparse.Namespace, study: "Study", session: Session) -> "Import":
    """Read the export that the arguments of `add_reading` name, and forget who did not consent.

    Parameters
    ----------
    given : Namespace
        The arguments.
    study : Study
        The study.
    session : Session
        Where to speak.

    Returns
    -------
    Import
        The answers of people who consented, where they can be used, and what was found.
    """
    from feedbackstudy.collect.pseudonyms import pseudonym_key
    from feedbackstudy.collect.reading import inspect
    from feedbackstudy.collect.reading_file import cure
    from feedbackstudy.errors import InputError

    options = _options(given, study, session)
    if given.pseudonyms is not None:
        options["pseudonym"] = pseudonym_key(given.pseudonyms, study_folder=study.folder or Path()).code
    try:
        made = inspect(_sources(given.path, study.waves.names), study, **options)
    except InputError as fault:
        fault.args = (cure(str(fault)),)
        raise
    return _consenting(made, study, session)


def _consenting(made: "Import", study: "Study", session: Session) -> "Import":
    from dataclasses import replace

    from feedbackstudy.collect.consent import consenting
    from feedbackstudy.collect.reading_file import cure
    from feedbackstudy.errors import DataError
    from feedbackstudy.issues import Issue, Issues, Severity

    if made.responses is None:
        return made
    try:
        left = consenting(made.responses, study)
    except DataError as fault:
        why = "Whoever did not agree must be erased before anything is written."
        fix = cure("Say what each text means: labels={'consent': {'text': 1}}.")
        found = Issue("collect.consent_unclear", Severity.ERROR, "column consent", str(fault), why, fix)
        return replace(made, responses=None, issues=Issues([*made.issues, found]))
    if n := made.responses.n_participants - left.n_participants:
        who = "1 person without consent was" if n == 1 else f"{n} people without consent were"
        session.say(f"{who} erased; only the number is kept.")
    waves, times = _without_the_erased(made, left, study)
    return replace(made, responses=left, issues=left.issues, waves=waves, times=times)


def _without_the_erased(
    made: "Import", left: "Responses", study: "Study"
) -> "tuple[tuple[WaveMatch, ...], pd.DataFrame]":
    import numpy as np

    from feedbackstudy.collect.matching import match_waves

    if len(left) == len(made.times):
        return made.waves, made.times
    who = left.column("participant").astype(str)
    when = left.column("occasion").astype(str)
    people, every = who.to_numpy(dtype=object), np.ones(len(left), dtype=bool)
    found = match_waves(people, when.to_numpy(dtype=object), study.waves.names, every)
    return found, made.times[made.times["participant"].astype(str).isin(set(who))].reset_index(drop=True)


def readable(given: argparse.Namespace, study: "Study", session: Session) -> "Responses | None":
    """Return the answers of an export; where they cannot be used, say everything that was found.

    Parameters
    ----------
    given : Namespace
        The arguments of `add_reading`.
    study : Study
        The study.
    session : Session
        Where to speak.

    Returns
    -------
    Responses or None
        The answers of people who consented; None where they cannot be used as they are, and all is said.
    """
    made = inspected(given, study, session)
    if made.responses is not None and not made.issues.errors:
        return made.responses
    session.give(made.to_dict()) if session.as_json else session.show(made)
    session.say(refusal(made))
    return None


def refusal(made: "Import") -> str:
    """Say that answers cannot be used.

    Parameters
    ----------
    made : Import
        A reading with errors.

    Returns
    -------
    str
        One sentence for the terminal.
    """
    n = len(made.issues.errors)
    return f"{n} {'error' if n == 1 else 'errors'}: the answers cannot be used as they are. Nothing was written."


def listed(issues: "Issues") -> list[dict[str, object]]:
    """Return findings as plain data for ``--json``.

    Parameters
    ----------
    issues : Issues
        The findings.

    Returns
    -------
    list of dict
        One for each, worst first.
    """
    return [issue.to_dict() for issue in issues]


def serious(issues: "Issues") -> bool:
    """Say whether something was found that must be read.

    Parameters
    ----------
    issues : Issues
        The findings.

    Returns
    -------
    bool
        Whether there is an error or a warning among them.
    """
    return bool(issues.errors or issues.warnings)


def written(table: "Responses | Scores", given: argparse.Namespace, session: Session) -> None:
    """Write a table of people, where ``--out`` asks for it; beside invented answers a file says that nobody answered.

    Parameters
    ----------
    table : Responses or Scores
        The table.
    given : Namespace
        The arguments of `add_writing`.
    session : Session
        Where to speak.
    """
    from feedbackstudy.files import write_atomic

    if given.out is None:
        return
    if table.provenance.simulated:
        beside = new_file(given.out.with_name(f"{given.out.name}.provenance.json"))
        write_atomic(beside, json.dumps(dict(table.provenance.facts().pairs), indent=2) + "\n")
    write_atomic(given.out, _csv(table.frame, raw=given.raw), private=True)
    session.say(f"Written: {given.out}.")


def _csv(frame: "pd.DataFrame", *, raw: bool) -> str:
    from feedbackstudy.collect.spreadsheet import safe_csv

    return str(frame.to_csv(index=False)) if raw else safe_csv(frame)


def _sources(paths: list[str], waves: tuple[str, ...]) -> str | list[str] | dict[str, str]:
    """Return one file, several files with an occasion column, or one file for each wave."""
    parts = [path.partition("=") for path in paths]
    if all(name in waves and file for name, _, file in parts):
        return {name: file for name, _, file in parts}
    return paths[0] if len(paths) == 1 else paths


def _options(given: argparse.Namespace, study: "Study", session: Session) -> dict[str, object]:
    """Return what is said about the file: by a reading file, and on the command line, which wins."""
    typed = {name: value for name, value in _typed(given).items() if value}
    filed = _filed(given.reading, study, session)
    for name in filed.keys() & typed.keys():
        session.say(f"The command line is followed for {name}; the reading file says something about it too.")
    return {**filed, **{name: _joined(filed.get(name), value) for name, value in typed.items()}}


def _typed(given: argparse.Namespace) -> dict[str, object]:
    from feedbackstudy.errors import InputError

    names = [flag.removeprefix("--").replace("-", "_") for flag, _ in _PLAIN]
    options = {name: getattr(given, name) for name in names}
    options["delimiter"] = "\t" if given.delimiter == "tab" else given.delimiter
    missing: dict[float, str] = {}
    for text in given.missing:
        code, _, reason = text.rpartition("=")
        try:
            missing[float(code)] = reason
        except ValueError as fault:
            raise InputError(f"--missing {text!r}: write CODE=REASON, such as -99=skipped.") from fault
    columns = dict(text.rpartition("=")[::2] for text in given.column)
    if not all(theirs and ours for theirs, ours in columns.items()):
        raise InputError("--column: write THEIRS=OURS, such as QID12=mood_1.")
    return {**options, "missing": missing, "columns": columns}


def _filed(path: Path | None, study: "Study", session: Session) -> dict[str, object]:
    from feedbackstudy.collect.reading_file import READING, reading_file

    usual = None if study.folder is None else study.folder / READING
    chosen = path if path is not None else usual if usual is not None and usual.is_file() else None
    if chosen is None:
        return {}
    options = reading_file(chosen, study)
    session.say(f"How the export is read is said in {chosen}: {', '.join(options) or 'nothing'}.")
    return options


def _joined(filed: object, typed: object) -> object:
    return {**filed, **typed} if isinstance(filed, Mapping) and isinstance(typed, Mapping) else typed
