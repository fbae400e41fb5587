"""`feedbackstudy screen` and `score`: the declared rules on an export, and the scores of what is left."""

import argparse

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.reading import add_reading, add_writing, listed, readable, serious, written
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add", "run", "run_score"]

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
        sub = commands.add_parser(name, help=words, description=sentence(words), allow_abbrev=False)
        add_reading(sub)
        add_writing(sub)
        sub.set_defaults(run=job)
        parsers.append(sub)
    parsers[1].add_argument(
        "--unscreened", action="store_true", help="score everybody who consented, also whom a rule takes out"
    )
    return parsers


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
        2 where the export cannot be used, 1 where reading or a rule left something to be read, 0 otherwise.
    """
    from feedbackstudy.collect.screening import screening
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.out is not None:
        new_file(given.out)
    responses = readable(given, study, session)
    if responses is None:
        return Exit.BAD_INPUT
    found = screening(responses, study)
    if session.as_json:
        session.give(
            {
                "participants": {"before": found.n_before, "after": found.responses.n_participants},
                "steps": found.responses.ledger.frame().to_dict("records"),
                "issues": listed(found.issues),
            }
        )
    else:
        session.show(found)
    written(found.responses, given, session)
    return Exit.FINDINGS if serious(found.issues) else Exit.FINE


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
        2 where the export cannot be used, 1 where reading, screening or scoring left something to be read, 0 otherwise.
    """
    from feedbackstudy.collect.screening import screen
    from feedbackstudy.scales import score
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.out is not None:
        new_file(given.out)
    responses = readable(given, study, session)
    if responses is None:
        return Exit.BAD_INPUT
    scores = score(responses if given.unscreened else screen(responses, study), study.measures)
    if session.as_json:
        session.give(
            {
                "rows": len(scores.frame),
                "scores": list(scores.names),
                "steps": scores.ledger.frame().to_dict("records"),
                "issues": listed(scores.issues),
            }
        )
    else:
        session.show(scores)
    written(scores, given, session)
    return Exit.FINDINGS if serious(scores.issues) else Exit.FINE
