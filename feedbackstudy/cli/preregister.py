"""`feedbackstudy preregister`: the registration form filled from the study, and what was changed since."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session

if TYPE_CHECKING:
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
    sub.add_argument("study", type=Path, metavar="STUDY", help="the study's YAML file, or the folder with study.yaml")
    sub.add_argument("--form", choices=("osf", "aspredicted"), default="osf", help="OSF by default")
    sub.add_argument("--commitment", default="", metavar="HASH", help="what `feedbackstudy assign seal` committed to")
    sub.add_argument("--answers", type=Path, metavar="FILE", help="YAML: key of a gap -> your text")
    sub.add_argument("--out", type=Path, metavar="FILE", help="Markdown to write, with its record; must be new")
    sub.add_argument("--against", type=Path, metavar="FILE", help="a .registered.json: show what was changed since")
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
    from feedbackstudy.report import preregistration
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.against is not None:
        return _compare(given.against, study, session)
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
        session.say(f"To fill in ({item.key}): {item.title}. {item.hint}")
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


def _compare(registered: Path, study: "Study", session: Session) -> int:
    from feedbackstudy.report import amendments

    found = amendments(registered, study)
    if session.as_json:
        changes = [{"where": w, "registered": a, "now": b} for w, a, b in found.changes]
        session.give({"status": found.status, "changes": changes})
    else:
        session.show(found)
    return Exit.FINDINGS if found.changes else Exit.FINE
