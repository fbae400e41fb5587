"""`feedbackstudy demo`: reproduce every published analysis and write one report."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.running import Failure, run_analyses, writable
from feedbackstudy.cli.session import Session

__all__ = ["add", "run"]

_HELP = "reproduce all published analyses and write one report"
_REPORT = "index.html"


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
    sub = commands.add_parser("demo", help=_HELP, description=_HELP, allow_abbrev=False)
    sub.add_argument(
        "--out", type=Path, default=Path("reports/demo"), metavar="DIR", help="folder (default: %(default)s)"
    )
    sub.add_argument("--json", action="store_true", help="print the report cards as JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Reproduce all analyses in order of speed and write the report.

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
    folder = writable(given.out)
    session.say("Each published analysis is computed again from the figures that are shipped; quick ones first.")
    from feedbackstudy.literature.reproduction import reproductions

    outcomes = run_analyses(reproductions(), session, cards=folder / "cards")
    from feedbackstudy.report.published import published_report

    cards = [outcome for outcome in outcomes if not isinstance(outcome, Failure)]
    failed = [(outcome.key, outcome.reason) for outcome in outcomes if isinstance(outcome, Failure)]
    path = published_report(cards, failed, to=folder / _REPORT)
    session.say("")
    session.say(f"The report: {path.resolve()} (open it in any browser; nothing is loaded from outside)")
    if session.as_json:
        session.give({"report": path.resolve(), "cards": [card.to_dict() for card in cards]})
    if failed:
        return Exit.BAD_INPUT
    return Exit.FINE if all(card.fit_to_report for card in cards) else Exit.FINDINGS
