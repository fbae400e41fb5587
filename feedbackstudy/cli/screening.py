"""`feedbackstudy screen` and `score`: the declared rules on an export, and the scores of what is left."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.importing import add_reading, inspected
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    from feedbackstudy.frames import Responses
    from feedbackstudy.study import Study

__all__ = ["add", "readable", "run", "run_score"]

_SCREEN = "apply the plan's rules to an export, and name everybody whom they take out"
_SCORE = "screen an export and score the scales of what is left"


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
    parsers = []
    for name, words, job in (("screen", _SCREEN, run), ("score", _SCORE, run_score)):
        sub = commands.add_parser(name, help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
        add_reading(sub)
        sub.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; must be new")
        sub.set_defaults(run=job)
        parsers.append(sub)
    parsers[1].add_argument("--unscreened", action="store_true", help="score everybody, also whom a rule takes out")
    return parsers


def readable(given: argparse.Namespace, study: "Study", session: Session) -> "Responses":
    """Return the answers of an export; what was found while reading it goes to stderr.

    Parameters
    ----------
    given : Namespace
        The arguments of `add_reading`.
    study : Study
        The study.
    session : Session
        Where to speak.

    Returns
    -------
    Responses
        The answers.

    Raises
    ------
    DataError
        Where they cannot be used as they are.
    """
    from feedbackstudy.errors import DataError

    made = inspected(given, study)
    if made.responses is None or made.issues.errors:
        raise DataError("The export cannot be used as it is:\n" + "\n".join(map(str, made.issues.errors)))
    for issue in made.issues.warnings:
        session.say(issue)
    return made.responses


def run(given: argparse.Namespace, session: Session) -> int:
    """Screen an export.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        1 where a rule was refused or must be read, 0 otherwise.
    """
    from feedbackstudy.collect.screening import screening
    from feedbackstudy.files import write_atomic
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    out = None if given.out is None else new_file(given.out)
    found = screening(readable(given, study, session), study)
    if session.as_json:
        session.give(
            {
                "participants": {"before": found.before.n_participants, "after": found.responses.n_participants},
                "steps": found.responses.ledger.frame().to_dict("records"),
                "issues": [issue.to_dict() for issue in found.issues],
            }
        )
    else:
        session.show(found)
    if out is not None:
        write_atomic(out, found.responses.frame.to_csv(index=False))
        session.say(f"Written: {out}.")
    return Exit.FINDINGS if found.issues else Exit.FINE


def run_score(given: argparse.Namespace, session: Session) -> int:
    """Score an export.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        1 where scoring found something to be read, 0 otherwise.
    """
    from feedbackstudy.collect.screening import screen
    from feedbackstudy.files import write_atomic
    from feedbackstudy.scales import score
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    out = None if given.out is None else new_file(given.out)
    responses = readable(given, study, session)
    scores = score(responses if given.unscreened else screen(responses, study), study.measures)
    if session.as_json:
        session.give(
            {
                "rows": len(scores.frame),
                "scores": list(scores.names),
                "steps": scores.ledger.frame().to_dict("records"),
                "issues": [issue.to_dict() for issue in scores.issues],
            }
        )
    else:
        session.show(scores)
    if out is not None:
        write_atomic(out, scores.frame.to_csv(index=False))
        session.say(f"Written: {out}.")
    return Exit.FINDINGS if scores.issues.warnings else Exit.FINE
