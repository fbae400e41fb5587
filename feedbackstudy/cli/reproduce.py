"""`feedbackstudy reproduce`: one published analysis, all of them, or a scaffold for one's own paper."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.running import Failure, run_analyses, run_analysis, writable
from feedbackstudy.cli.session import Session, sentence

if TYPE_CHECKING:
    from feedbackstudy.literature.card import Reproduction

__all__ = ["add", "run"]

_HELP = "compute a published analysis again and compare value by value"


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
    sub = commands.add_parser(
        "reproduce",
        help=_HELP,
        description=f"{sentence(_HELP)} Without an argument: list the analyses. The Python in a folder of your own "
        "runs with your rights; a line says so before.",
        allow_abbrev=False,
    )
    what = sub.add_mutually_exclusive_group()
    what.add_argument("key", nargs="?", metavar="KEY", help="a key, or the path of a folder of your own (./my-paper)")
    what.add_argument("--all", action="store_true", help="all analyses that come with feedbackstudy, quick ones first")
    what.add_argument("--new", metavar="KEY", help="write a commented folder KEY for your own paper")
    sub.add_argument("--out", type=Path, metavar="DIR", help="write each card as an HTML file here, too")
    sub.add_argument("--json", action="store_true", help="print the report cards as JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Reproduce, list, or scaffold.

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
    if given.new is not None:
        return _new(given.new, given.out or Path(), session)
    from feedbackstudy.literature.reproduction import reproductions

    if given.key is None and not given.all:
        return _list(session)
    cards = writable(given.out) if given.out is not None else None
    if given.all:
        return _all(run_analyses(reproductions(), session, cards=cards), session)
    result = run_analysis(given.key, session, cards=cards)
    if session.as_json:
        session.give(result.to_dict())
    else:
        session.show(result)
    return Exit.FINE if result.fit_to_report else Exit.FINDINGS


def _all(outcomes: "Sequence[Reproduction | Failure]", session: Session) -> int:
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    cards = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    if session.as_json:
        session.give(
            {
                "cards": [card.to_dict() for card in cards],
                "not_computed": [{"key": failure.key, "reason": failure.reason} for failure in failures],
            }
        )
    else:
        for card in cards:
            session.show(f"{card}\n")
    if failures:
        return Exit.BAD_INPUT
    return Exit.FINE if all(card.fit_to_report for card in cards) else Exit.FINDINGS


def _list(session: Session) -> int:
    from feedbackstudy import shipped
    from feedbackstudy.literature.published import Published
    from feedbackstudy.literature.reproduction import reproductions
    from feedbackstudy.render import table_of

    folder = shipped.folder("analyses")
    known = [(key, Published.load(folder / key / "published.yaml")) for key in reproductions()]
    rows = [{"key": key, "about": paper.title, "values": len(paper.values), "s": paper.seconds} for key, paper in known]
    if session.as_json:
        session.give(rows)
    else:
        titles = {"key": "key", "about": "what", "values": "printed values", "s": "seconds, about"}
        session.show(table_of(rows, titles).plain())
        session.say("Reproduce one with: feedbackstudy reproduce KEY")
    return Exit.FINE


def _new(key: str, parent: Path, session: Session) -> int:
    from feedbackstudy.literature.scaffolding import scaffold

    folder = scaffold(key, parent)
    if session.as_json:
        session.give({"folder": folder})
    else:
        session.show(f"{folder}")
        session.say(f"Fill in the files there, then: feedbackstudy reproduce {folder}")
    return Exit.FINE
