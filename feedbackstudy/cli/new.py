"""`feedbackstudy new`: a study folder to start from."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add", "run"]

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
    sub = commands.add_parser("new", help=_HELP, description=sentence(_HELP), allow_abbrev=False)
    sub.add_argument("folder", type=Path, metavar="DIR", help="the folder to make; it must not hold a study yet")
    sub.add_argument(
        "--template",
        metavar="NAME",
        help="vignette-2x2x2 (the default), field-3wave, second-chance or policy-rollout",
    )
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
    from feedbackstudy.study.template import DEFAULT_TEMPLATE, new_study

    folder = new_study(given.folder, given.template or DEFAULT_TEMPLATE)
    if session.as_json:
        session.give({"folder": folder, "files": sorted(path.name for path in folder.iterdir())})
    else:
        session.show(str(folder))
        _next(folder, session)
    return Exit.FINE


def _next(folder: Path, session: Session) -> None:
    if (folder / "plan.yaml").is_file():
        session.say(f"Edit {folder / 'plan.yaml'}, read {folder / 'README.md'}, then say:")
        session.say(f"  feedbackstudy policy check {folder} --table FILE")
    else:
        session.say(f"Edit {folder / 'study.yaml'}, then say each of these, and change what they tell you:")
        for verb in ("study check", "study show", "simulate", "power diagnose"):
            session.say(f"  feedbackstudy {verb} {folder}")
        session.say(f"  feedbackstudy power solve {folder} --hypothesis h1 --target 0.9")
