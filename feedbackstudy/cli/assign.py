"""`feedbackstudy assign`: draw, seal, reveal, verify, and hand over who gets what and when."""

import argparse
from pathlib import Path

from feedbackstudy.cli import assign_ledger, assign_lists
from feedbackstudy.cli.session import sentence

__all__ = ["add"]

_LINK = "address of the survey with {token} where the personal part belongs; https only"
_LEDGER = "the folder of the ledger"
_STUDY = "the study's YAML file, or the folder that holds study.yaml"
_ROSTER = "CSV with a column participant, and the strata, clusters and dates that are needed"
_SEED = "fixes the draw; the study's own seed by default"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    """Add the commands.

    Parameters
    ----------
    commands : subparsers action
        Where commands are registered.

    Returns
    -------
    list of ArgumentParser
        The parsers added.
    """
    about = "draw who gets which feedback, sealed where nobody may look ahead, and hand the lists over"
    group = commands.add_parser("assign", help=about, description=sentence(about), allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    parsers = [*_open_lists(verbs), *_sealed_lists(verbs)]
    for each in parsers:
        each.add_argument("--json", action="store_true", help="print JSON")
    return parsers


type Verbs = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _verb(verbs: Verbs, name: str, words: str) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=words, description=sentence(words), allow_abbrev=False)


def _open_lists(verbs: Verbs) -> list[argparse.ArgumentParser]:
    draw = _verb(verbs, "draw", "draw an open list: whoever knows study, roster and seed can repeat it")
    contacts = _verb(verbs, "contacts", "write the contact list of a known roster: condition and personal link")
    schedule = _verb(verbs, "schedule", "write who gets which message when, and when each wave is due")
    check = _verb(verbs, "import", "audit an assignment that the survey platform made; ends with 1 on findings")
    for sub in (draw, contacts, schedule, check):
        sub.add_argument("study", type=Path, metavar="STUDY", help=_STUDY)
    check.add_argument("file", type=Path, metavar="FILE", help="CSV with participant, arm and the assigned factors")
    draw.add_argument("--roster", type=Path, metavar="FILE", help=f"{_ROSTER}; the planned numbers by default")
    for sub in (contacts, schedule):
        sub.add_argument("--roster", type=Path, metavar="FILE", required=True, help=_ROSTER)
    for sub in (draw, contacts, schedule):
        sub.add_argument("--seed", type=int, metavar="N", help=_SEED)
        sub.add_argument("--out", type=Path, metavar="FILE", required=sub is contacts, help="CSV to write; must be new")
    contacts.add_argument("--link", metavar="URL", required=True, help=_LINK)
    contacts.add_argument("--secret-file", type=Path, metavar="FILE", help="text that fixes the tokens; else drawn")
    schedule.add_argument("--decision-days", type=float, default=0.0, metavar="DAYS", help="from interview to decision")
    schedule.add_argument("--on", metavar="DATE", help="only what is due on this day, such as 2026-03-31")
    draw.set_defaults(run=assign_lists.draw)
    contacts.set_defaults(run=assign_lists.contacts)
    schedule.set_defaults(run=assign_lists.schedule)
    check.set_defaults(run=assign_lists.audit)
    return [draw, contacts, schedule, check]


def _sealed_lists(verbs: Verbs) -> list[argparse.ArgumentParser]:
    seal = _verb(verbs, "seal", "draw a secret list and open its ledger; prints the commitment to preregister")
    reveal = _verb(verbs, "reveal", "give somebody their place, or tell it again")
    pool = _verb(verbs, "pool", "write the links of a ledger sealed with --links, for people who are not known yet")
    claim = _verb(verbs, "claim", "record that the holder of a link of a pool arrived")
    verify = _verb(verbs, "verify", "prove a ledger; ends with 1 where a line does not hold, and names it")
    status = _verb(verbs, "status", "say how far a ledger is; never what comes next")
    for sub in (reveal, pool, claim, verify, status):
        sub.add_argument("ledger", type=Path, metavar="LEDGER", help=_LEDGER)
    for sub in (seal, reveal, pool, claim, verify, status):
        sub.add_argument("--anchor", type=Path, metavar="DIR", help="folder of the note outside; yours by default")
    _seal(seal)
    reveal.add_argument("participant", metavar="PARTICIPANT", help="pseudonym")
    for sub in (reveal, seal):
        sub.add_argument("--stratum", action="append", default=[], metavar="NAME=VALUE", help="may be given repeatedly")
    pool.add_argument("folder", type=Path, metavar="DIR", help="where links.csv and platform.csv go; must be new")
    pool.add_argument("--link", metavar="URL", required=True, help=_LINK)
    claim.add_argument("pool", type=Path, metavar="DIR", help="the folder of the pool")
    claim.add_argument("token", metavar="TOKEN", help="as the platform reports it")
    verify.add_argument("--receipt", action="append", default=[], metavar="RECEIPT", help="may be given repeatedly")
    verify.add_argument("--study", type=Path, metavar="STUDY", help="at the end: draw the whole list again from it")
    verify.add_argument("--roster", type=Path, metavar="FILE", help="the roster that the list was drawn for")
    for sub, run in (
        (seal, assign_ledger.create),
        (reveal, assign_ledger.reveal),
        (pool, assign_ledger.pool),
        (claim, assign_ledger.claim),
        (verify, assign_ledger.verify),
        (status, assign_ledger.status),
    ):
        sub.set_defaults(run=run)
    return [seal, reveal, pool, claim, verify, status]


def _seal(seal: argparse.ArgumentParser) -> None:
    seal.add_argument("study", type=Path, metavar="STUDY", help=_STUDY)
    seal.add_argument("ledger", type=Path, metavar="LEDGER", help=f"{_LEDGER}; it must not exist yet, or be empty")
    who = seal.add_mutually_exclusive_group()
    who.add_argument("--roster", type=Path, metavar="FILE", help=_ROSTER)
    who.add_argument("--places", type=int, metavar="N", help="places in each stratum, for who comes next")
    who.add_argument("--links", type=int, metavar="N", help="places behind links, for 'assign pool'")
    seal.add_argument("--test", action="store_true", help="a list for tests; shares no random number with a live one")
