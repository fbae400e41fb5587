"""`feedbackstudy import`: read an export of a survey platform against the study, and say everything that was found."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    from feedbackstudy.collect import Import
    from feedbackstudy.study import Study

__all__ = ["add", "add_reading", "inspected", "run"]

_HELP = "read an export of Qualtrics, LimeSurvey, SPSS or a plain table, and say what was found"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    """Add the command.

    Parameters
    ----------
    commands : subparsers action
        Where commands are registered.

    Returns
    -------
    list of ArgumentParser
        The parsers added.
    """
    words = f"{_HELP.capitalize()}. The file is never changed; nothing in it is guessed."
    sub = commands.add_parser("import", help=_HELP, description=words, allow_abbrev=False)
    add_reading(sub)
    sub.add_argument("--out", type=Path, metavar="FILE", help="CSV of the answers to write; must be new")
    sub.set_defaults(run=run)
    return [sub]


def add_reading(sub: argparse.ArgumentParser) -> None:
    """Add the arguments that say which export is read, and how.

    Parameters
    ----------
    sub : ArgumentParser
        A command that reads answers.
    """
    sub.add_argument("path", nargs="+", metavar="FILE", help="the export; several waves as t0=FILE t1=FILE")
    sub.add_argument("--study", type=Path, required=True, metavar="STUDY", help="the study's YAML file or folder")
    sub.add_argument("--platform", choices=("qualtrics", "limesurvey", "spss", "plain"), help="seen by the header else")
    sub.add_argument("--occasion", metavar="WAVE", help="the wave that a single file holds")
    sub.add_argument("--participant", metavar="COLUMN", help="the column that names people")
    sub.add_argument("--allocation", metavar="FILE", help="the contact list that says who was assigned to what")
    sub.add_argument("--encoding", help="such as cp1252; UTF-8 or by the byte-order mark else")
    sub.add_argument("--decimal", choices=(".", ","), help="the decimal mark, where it is not plain")
    sub.add_argument(
        "--missing", action="append", default=[], metavar="CODE=REASON", help="such as --missing=-99=skipped"
    )
    sub.add_argument("--duplicates", choices=("first", "last", "most_complete"), help="which of several answers counts")
    sub.add_argument("--pseudonyms", type=Path, metavar="KEY", help="turn ids into codes with this key file")
    sub.add_argument("--max-megabytes", type=float, metavar="N", help="largest file that is read")
    sub.add_argument("--json", action="store_true", help="print JSON")


def inspected(given: argparse.Namespace, study: "Study") -> "Import":
    """Read the export that the arguments of `add_reading` name.

    Parameters
    ----------
    given : Namespace
        The arguments.
    study : Study
        The study.

    Returns
    -------
    Import
        The answers, where they can be used, and what was found.
    """
    from feedbackstudy.collect.pseudonyms import pseudonym_key
    from feedbackstudy.collect.reading import inspect

    options = _options(given)
    if given.pseudonyms is not None:
        options["pseudonym"] = pseudonym_key(given.pseudonyms, study_folder=study.folder or Path()).code
    return inspect(_sources(given.path, study.waves.names), study, **options)


def run(given: argparse.Namespace, session: Session) -> int:
    """Read the export.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        2 where an error was found, 1 for a warning, 0 otherwise.
    """
    from feedbackstudy.files import write_atomic
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    out = None if given.out is None else new_file(given.out)
    made = inspected(given, study)
    if session.as_json:
        session.give(made.to_dict())
    else:
        session.show(made)
    if made.responses is None or made.issues.errors:
        session.say(f"{len(made.issues.errors)} errors: the answers cannot be used as they are. Nothing was written.")
        return Exit.BAD_INPUT
    if out is not None:
        if made.provenance.simulated:
            beside = new_file(out.with_name(f"{out.name}.provenance.json"))
            write_atomic(beside, json.dumps(dict(made.provenance.facts().pairs), indent=2) + "\n")
        write_atomic(out, made.responses.frame.to_csv(index=False))
        session.say(f"Written: {out}.")
    return Exit.FINDINGS if made.issues.warnings else Exit.FINE


def _sources(paths: list[str], waves: tuple[str, ...]) -> str | list[str] | dict[str, str]:
    """Return one file, several files with an occasion column, or one file for each wave."""
    parts = [path.partition("=") for path in paths]
    if all(name in waves and file for name, _, file in parts):
        return {name: file for name, _, file in parts}
    return paths[0] if len(paths) == 1 else paths


def _options(given: argparse.Namespace) -> dict[str, object]:
    from feedbackstudy.errors import InputError

    names = ("platform", "occasion", "participant", "allocation", "encoding", "decimal", "duplicates", "max_megabytes")
    options = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    missing: dict[float, str] = {}
    for text in given.missing:
        code, _, reason = text.partition("=")
        try:
            missing[float(code)] = reason
        except ValueError as fault:
            raise InputError(f"--missing {text!r}: write CODE=REASON, such as -99=skipped.") from fault
    return {**options, "missing": missing} if missing else options
