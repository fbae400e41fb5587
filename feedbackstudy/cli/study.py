"""`feedbackstudy study check` and `show`: what is wrong with a study file, what it can say, and the study as a page."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add", "run"]

_HELP = "check a study file, and say what the study can and cannot say"
_PATH = "the YAML file, or the folder that holds study.yaml"


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
    group = commands.add_parser("study", help=_HELP, description="Work with a study file.", allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    check = verbs.add_parser(
        "check",
        help=_HELP,
        description=f"{sentence(_HELP)} Ends with 2 where the study cannot be run, 1 where something must be read.",
        allow_abbrev=False,
    )
    check.add_argument("path", type=Path, metavar="PATH", help=_PATH)
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    check.set_defaults(run=run)
    words = (
        "show a study: what varies, who gets what, the messages where it names some, what is asked, hypotheses, plan"
    )
    show = verbs.add_parser("show", help=words, description=sentence(words), allow_abbrev=False)
    show.add_argument("path", type=Path, metavar="PATH", help=_PATH)
    show.add_argument("--out", type=Path, metavar="FILE", help="write the page to an HTML file instead")
    show.add_argument("--json", action="store_true", help="print the declaration as JSON")
    show.set_defaults(run=_show)
    return [check, show]


def _show(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.study import Study

    study = Study.load(given.path)
    if given.out is not None:
        from feedbackstudy.report import document

        path = document(study, to=given.out, title=study.title)
        session.give({"file": path}) if session.as_json else session.show(str(path))
    elif session.as_json:
        session.give({"design_hash": study.design_hash, "study": study.to_data()})
    else:
        session.show(study)
    return Exit.FINE


def run(given: argparse.Namespace, session: Session) -> int:
    """Check a study.

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
    from feedbackstudy.study import Study

    study = Study.load(given.path)
    issues = study.check()
    if session.as_json:
        says = study.can_say()
        session.give(
            {
                "title": study.title,
                "design_hash": study.design_hash,
                "issues": [issue.to_dict() for issue in issues],
                "can_say": says.can,
                "cannot_say": says.cannot,
            }
        )
    else:
        session.show(issues)
    if issues.errors:
        return Exit.BAD_INPUT
    return Exit.FINDINGS if issues.warnings else Exit.FINE
