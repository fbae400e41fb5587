"""`feedbackstudy course`: a copy of the notebooks to work in."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence
from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.render import counted

__all__ = ["add", "copy_course", "run"]

_HELP = "copy the notebooks of the course to a folder of your own"


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
    sub = commands.add_parser("course", help=_HELP, description=sentence(_HELP), allow_abbrev=False)
    sub.add_argument("folder", type=Path, metavar="DIR", help="the folder; a notebook that you changed there is kept")
    sub.add_argument("--json", action="store_true", help="print the files as JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Copy the notebooks.

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
    from feedbackstudy import shipped

    copied, present = copy_course(shipped.folder("notebooks"), given.folder)
    if session.as_json:
        session.give({"copied": copied, "already_there": present})
    else:
        for path in copied:
            session.show(str(path))
        session.say(
            f"{counted(len(copied), 'notebook')} copied, {len(present)} already there. Next: jupyter lab {given.folder}"
        )
    return Exit.FINE


def copy_course(source: Path, folder: Path) -> tuple[list[Path], list[Path]]:
    """Copy every notebook that is not there yet; refuse before writing anything where one differs.

    Parameters
    ----------
    source : Path
        The shipped notebooks.
    folder : Path
        The user's folder.

    Returns
    -------
    tuple of (list of Path, list of Path)
        Files copied, and files that were there already and are the same.

    Raises
    ------
    InputError
        Where a file of the same name has another content.
    """
    wanted = {folder / path.name: path.read_bytes() for path in sorted(source.glob("*.ipynb"))}
    changed = [path for path, content in wanted.items() if path.exists() and path.read_bytes() != content]
    if changed:
        raise InputError(
            f"{', '.join(map(str, changed))}: changed since it was copied (or from another version); nothing was "
            "copied. Rename your file, or give another folder."
        )
    present = [path for path in wanted if path.exists()]
    copied = [write_atomic(path, content) for path, content in wanted.items() if path not in present]
    return copied, present
