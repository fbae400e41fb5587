"""`feedbackstudy new`: a study folder to start from."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

__all__ = ["add"]

_HELP = "write a study folder to start from"


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
    sub = commands.add_parser("new", help=_HELP, description=f"{_HELP.capitalize()}.", allow_abbrev=False)
    sub.add_argument("folder", type=Path, metavar="DIR", help="the folder to make; it must not hold a study yet")
    sub.add_argument("--template", required=True, metavar="NAME", help="vignette-2x2x2, field-3wave or second-chance")
    sub.add_argument("--json", action="store_true", help="print the files as JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Write the folder.

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
    from feedbackstudy.study.templates import new_study

    study = new_study(given.folder, template=given.template)
    if session.as_json:
        session.give({"folder": given.folder, "title": study.title, "design_hash": study.design_hash})
    else:
        session.show(str(given.folder))
        session.say(f"Edit study.yaml there, then: feedbackstudy study check {given.folder}")
    return Exit.FINE
