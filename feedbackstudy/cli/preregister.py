"""`feedbackstudy preregister`: the registration form filled from the study, and what was changed since."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
    from feedbackstudy.collect import Import
    from feedbackstudy.report import Preregistration
    from feedbackstudy.study import Study

__all__ = ["add", "run"]

_HELP = "fill a registration form from the study, or say what was changed since it was registered"


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
    words = f"{_HELP.capitalize()}. Ends with 1 where gaps are left, or something was changed."
    sub = commands.add_parser("preregister", help=_HELP, description=words, allow_abbrev=False)
    sub.add_argument("study", type=Path, metavar="STUDY", help="the YAML file of a study or policy plan, or its folder")
    sub.add_argument("--form", choices=("osf", "aspredicted"), default="osf", help="OSF by default")
    sub.add_argument("--commitment", default="", metavar="HASH", help="what `feedbackstudy assign seal` committed to")
    sub.add_argument("--answers", type=Path, metavar="FILE", help="YAML: key of a gap -> your text")
    sub.add_argument("--out", type=Path, metavar="FILE", help="Markdown to write, with its record; must be new")
    sub.add_argument("--against", type=Path, metavar="FILE", help="a .registered.json: show what was changed since")
    sub.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="FILE",
        help="with --against: the export, or t0=FILE t1=FILE: did it come first?",
    )
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Fill the form, or compare with what was registered.

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
    from feedbackstudy.cli.preregister_policy import plan_at, preregister_plan

    plan = plan_at(given.study)
    if plan is not None:
        return preregister_plan(plan, given, session, answers=_answers(given.answers))
    return _of_study(given, session)


def _of_study(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.errors import InputError
    from feedbackstudy.report import preregistration
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.against is not None:
        return _compare(given, study, session)
    if given.data:
        raise InputError("--data goes with --against: it says whether the plan was changed before or after the data.")
    made = preregistration(study, given.form, commitment=given.commitment, answers=_answers(given.answers))
    files = made.write(given.out) if given.out is not None else ()
    if session.as_json:
        items = [{"key": i.key, "title": i.title, "text": i.text, "gap": i.is_gap} for i in made.items]
        session.give({"design_hash": made.design_hash, "commitment": made.commitment, "items": items, "files": files})
    elif files:
        session.show("\n".join(map(str, files)))
    else:
        session.show(made.text())
    for item in made.gaps:
        session.say(f"To fill in ({item.key}): {item.asks}")
    if made.too_long:
        session.say(made.too_long)
    if files:
        session.say(_noted(made))
    return Exit.FINDINGS if made.gaps else Exit.FINE


def _answers(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from feedbackstudy.errors import FileFormatError
    from feedbackstudy.yamlfile import read

    data = read(path).data
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise FileFormatError(f"{path}: give one text for each key, such as 'stopping_rule: When 600 took part.'")
    return {str(name): str(value) for name, value in data.items()}


def _noted(made: "Preregistration") -> str:
    """Say whether readings of data are noted from now on."""
    from feedbackstudy.collect.plan_history import history_of

    if history_of(made.study) is None:
        return "No history is kept: the study has no folder of its own. Whether data came first is told by dates alone."
    return "From now on every reading of data is noted in .feedbackstudy/history.jsonl of the study; keep it with it."


def _compare(given: argparse.Namespace, study: "Study", session: Session) -> int:
    from feedbackstudy.report import amendments

    found = amendments(given.against, study, data=_read(given, study, session) if given.data else None)
    if session.as_json:
        changes = [{"where": w, "registered": a, "now": b} for w, a, b in found.changes]
        session.give({"status": found.status, "why": found.standing.why, "changes": changes})
    else:
        session.show(found)
    return Exit.FINDINGS if found.changes or found.status != "as registered" else Exit.FINE


def _read(given: argparse.Namespace, study: "Study", session: Session) -> "Import":
    """Read the export for its times; whether its answers can be used does not matter here."""
    from feedbackstudy.cli.reading import add_reading, inspected

    reading = argparse.ArgumentParser()
    add_reading(reading)
    made = inspected(reading.parse_args([*given.data, "--study", str(given.study)]), study, session)
    for issue in made.issues:
        if issue.code == "collect.reading_not_noted":
            session.say(str(issue))
    return made
