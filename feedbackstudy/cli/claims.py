"""`feedbackstudy claims`: what is claimed about feedback after interviews, and what is known."""

import argparse

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

__all__ = ["add"]

_HELP = "what is claimed about feedback after interviews, and what is known"


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
    sub = commands.add_parser("claims", help=_HELP, description=f"{_HELP.capitalize()}.", allow_abbrev=False)
    sub.add_argument("id", nargs="?", metavar="ID", help="one claim, such as C03; all by default")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Show the register, or one claim.

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
    from feedbackstudy.design.claims import claims

    register = claims()
    if given.id is not None:
        claim = register[given.id]
        if session.as_json:
            session.give(claim.to_data())
        else:
            session.show(claim)
    elif session.as_json:
        session.give([claim.to_data() for claim in register])
    else:
        session.show(register)
    return Exit.FINE
