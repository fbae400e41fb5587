"""The command `feedbackstudy`: reads its arguments, runs one command, ends with an exit code.

Exit codes: 0 fine, 1 findings, 2 bad input, 3 our fault, 130 interrupted.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from feedbackstudy.cli import (
    assign,
    claims,
    course,
    datasets,
    demo,
    importing,
    instrument,
    new,
    policy,
    power,
    preregister,
    reproduce,
    scales,
    screening,
    sharing,
    simulate,
    study,
)
from feedbackstudy.cli.outcome import Exit, guarded
from feedbackstudy.cli.session import Session
from feedbackstudy.errors import choices

__all__ = ["main", "parser"]

_COMMANDS: Final = (
    demo,
    reproduce,
    new,
    study,
    simulate,
    power,
    policy,
    assign,
    instrument,
    importing,
    screening,
    preregister,
    sharing,
    scales,
    course,
    datasets,
    claims,
)
_EXITS: Final = (
    "Exit codes: 0 fine, 1 findings, 2 bad input, 3 our fault, 130 interrupted. "
    "Results go to stdout, progress to stderr."
)


class _Parser(argparse.ArgumentParser):
    """Names the nearest command where one is misspelt."""

    def error(self, message: str) -> NoReturn:
        match = re.search(r"invalid choice: (['\"])(.*?)\1 \(choose from (.*)\)", message)
        if match:
            names = [name.strip(" '\"") for name in match.group(3).split(",")]
            message = choices("Command", match.group(2), names)
        super().error(message)


class _Version(argparse.Action):
    """Looks versions up only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from feedbackstudy.provenance import versions

        sys.stdout.write("".join(f"{name} {version}\n" for name, version in versions().items()))
        parser.exit(Exit.FINE)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Returns
    -------
    ArgumentParser
        With one subparser for each command.
    """
    top = _Parser(
        prog="feedbackstudy",
        description="Design, measure, analyse and report studies of the feedback that job candidates get.",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the versions that make the numbers")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        for sub in module.add(commands):
            sub.add_argument(
                "--debug", action="store_true", help="on a fault of ours, write where it happened to a file"
            )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What was typed after the command's name; ``sys.argv`` by default.

    Returns
    -------
    int
        The exit code.
    """
    given = parser().parse_args(arguments)
    session = Session(as_json=getattr(given, "json", False))
    return guarded(lambda running: int(given.run(given, running)), session, debug=given.debug)
