"""`feedbackstudy claims`: what is claimed about feedback after interviews, and what is known."""

import argparse
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

if TYPE_CHECKING:
    from feedbackstudy.design.claims import ClaimRegister
    from feedbackstudy.render import Table

__all__ = ["add", "run"]

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
    sub = commands.add_parser("claims", help=_HELP, description=sentence(_HELP), allow_abbrev=False)
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
    from feedbackstudy.design.claims import get, list_claims

    if given.id is not None:
        claim = get(given.id)
        if session.as_json:
            session.give(claim.to_data())
        else:
            session.show(claim)
        return Exit.FINE
    register = list_claims()
    if session.as_json:
        session.give([claim.to_data() for claim in register.claims])
    else:
        session.show(_short(register).plain())
        session.say("One claim with everything about it: feedbackstudy claims ID")
    return Exit.FINE


def _short(register: "ClaimRegister") -> "Table":
    from feedbackstudy.render import Table

    rows = []
    for claim in register.claims:
        people = dict.fromkeys(each.people for each in claim.evidence if each.bearing == "evidence" and each.people)
        otherwise = "only an analogue (no evidence)" if claim.evidence else "nothing found"
        rows.append((claim.id, claim.text, f"something, about {', '.join(people)}" if people else otherwise))
    return Table(("id", "what is claimed", "what is known"), tuple(rows))
