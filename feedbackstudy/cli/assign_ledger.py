"""Sealed lists on the command line: create, reveal, pool of links, claim, verify, status."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file, roster_of
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    from feedbackstudy.assign import Ledger
    from feedbackstudy.assign.reveal import Reveal

__all__ = ["claim", "create", "pool", "reveal", "status", "verify"]


def _stratum(pairs: Sequence[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not name or not value or name in found:
            raise DataError(f"--stratum {pair!r} cannot be read; write each stratum once, as NAME=VALUE.")
        found[name] = value
    return found or None


def _opened(given: argparse.Namespace) -> "Ledger":
    from feedbackstudy.assign import Ledger

    return Ledger.open(given.ledger, anchored=given.anchor)


def create(given: argparse.Namespace, session: Session) -> int:
    """Draw a secret list and open its ledger.

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
    from feedbackstudy.assign import Ledger, tokens
    from feedbackstudy.study import Study

    stratum = _stratum(given.stratum)
    if stratum and given.links is None:
        raise DataError("--stratum belongs to --links here: a roster has its own columns, and places are in each.")
    roster = roster_of(given.roster) if given.links is None else tokens(given.links, stratum)
    made = Ledger.create(
        given.ledger,
        Study.load(given.study),
        roster=roster,
        places=given.places,
        mode="test" if given.test else "live",
        anchored=given.anchor,
    )
    if session.as_json:
        session.give({"commitment": made.commitment, "mode": made.sealed.mode, "places": len(made.sealed.slots)})
    else:
        session.show(made.commitment)
        session.say("Print this commitment in the preregistration. Keep sealed.json secret until the study is over.")
    return Exit.FINE


def _tell(told: "Reveal", session: Session) -> int:
    if session.as_json:
        session.give(
            {
                "participant": told.participant,
                "slot": told.slot,
                "stratum": told.stratum,
                "assigned": told.assigned,
                "receipt": told.receipt,
            }
        )
    else:
        session.show(told)
    return Exit.FINE


def reveal(given: argparse.Namespace, session: Session) -> int:
    """Give somebody their place, or tell it again.

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
    return _tell(_opened(given).reveal(given.participant, _stratum(given.stratum)), session)


def pool(given: argparse.Namespace, session: Session) -> int:
    """Write the links of a ledger.

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
    from feedbackstudy.assign import link_pool

    made = link_pool(_opened(given), new_file(given.folder), link=given.link)
    if session.as_json:
        session.give({"links": made.links, "platform": made.platform, "n": made.n, "commitment": made.commitment})
    else:
        session.show(made)
    return Exit.FINE


def claim(given: argparse.Namespace, session: Session) -> int:
    """Record that the holder of a link arrived.

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
    from feedbackstudy.assign import read_pool

    ledger = _opened(given)
    return _tell(read_pool(given.pool, ledger).claim(ledger, given.token), session)


def verify(given: argparse.Namespace, session: Session) -> int:
    """Prove a ledger.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code: 1 where a line does not hold.
    """
    from feedbackstudy.study import Study

    if given.roster is not None and given.study is None:
        raise DataError("--roster needs --study: both are needed to draw the list again.")
    study = None if given.study is None else Study.load(given.study)
    made = _opened(given).verify(*given.receipt, study=study, roster=roster_of(given.roster))
    if session.as_json:
        session.give(
            {
                "holds": made.holds,
                "first_bad": made.first_bad,
                "what": made.what,
                "revealed": made.revealed,
                "rederived": made.rederived,
                "noted_outside": made.noted_outside,
            }
        )
    else:
        session.show(made)
    return Exit.FINE if made.holds else Exit.FINDINGS


def status(given: argparse.Namespace, session: Session) -> int:
    """Say how far a ledger is.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        An exit code: 1 where a line does not hold.
    """
    ledger = _opened(given)
    check = ledger.verify()
    if session.as_json:
        facts = {"mode": ledger.sealed.mode, "list": ledger.sealed.kind, "commitment": ledger.commitment}
        session.give({**facts, "revealed": check.revealed, "places": len(ledger.sealed.slots), "holds": check.holds})
    else:
        session.show(ledger)
    return Exit.FINE if check.holds else Exit.FINDINGS
