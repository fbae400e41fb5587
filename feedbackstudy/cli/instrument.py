"""`feedbackstudy instrument`: write the questionnaires of a study, and prove the survey that was built from them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

if TYPE_CHECKING:
    from feedbackstudy.scales.wording import Wording
    from feedbackstudy.study import Study

__all__ = ["add", "run"]

_HELP = "write the questionnaires for Qualtrics, LimeSurvey or SPSS, or prove a Qualtrics survey before launch"


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
    words = f"{sentence(_HELP)} Words of published scales come from your own wording packs only."
    sub = commands.add_parser("instrument", help=_HELP, description=words, allow_abbrev=False)
    sub.add_argument("study", type=Path, metavar="STUDY", help="the study's YAML file or folder")
    sub.add_argument("--platform", choices=("qualtrics", "limesurvey", "sav"), help="for which platform to write")
    sub.add_argument("--to", type=Path, metavar="FOLDER", help="where the files go; they must be new")
    sub.add_argument("--wording", action="append", default=[], metavar="MEASURE=FILE", help="a wording pack (YAML)")
    sub.add_argument("--prove", type=Path, metavar="QSF", help="the survey file that Qualtrics exported")
    sub.add_argument("--occasion", metavar="WAVE", help="the wave that this survey asks")
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Write the questionnaires, or prove a survey.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        2 where an error was found, 1 for a warning, 0 otherwise.
    """
    from feedbackstudy.collect.platforms.instrument import instrument
    from feedbackstudy.collect.platforms.prove_qsf import prove_qsf
    from feedbackstudy.errors import InputError
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    wordings = _wordings(given.wording, study)
    if given.prove is not None:
        issues = prove_qsf(given.prove, study, occasion=given.occasion, wordings=wordings)
        if session.as_json:
            session.give({"issues": [issue.to_dict() for issue in issues]})
        else:
            session.show(issues)
    else:
        if given.platform is None or given.to is None:
            raise InputError(
                "Give --platform and --to to write questionnaires, or --prove to hold a survey against them."
            )
        made = instrument(study, platform=given.platform, folder=given.to, wordings=wordings)
        issues = made.issues
        if session.as_json:
            session.give({"files": list(made.files), "issues": [issue.to_dict() for issue in issues]})
        else:
            session.show(made)
    if issues.errors:
        return Exit.BAD_INPUT
    return Exit.FINDINGS if issues.warnings else Exit.FINE


def _wordings(given: list[str], study: "Study") -> dict[str, "Wording"]:
    from feedbackstudy.errors import InputError, choices
    from feedbackstudy.scales.libraries import library
    from feedbackstudy.scales.wording import load_wording

    found = {}
    for text in given:
        name, _, file = text.partition("=")
        measure = study.measures.get(name)
        if measure is None or not measure.scale or not file:
            raise InputError(
                f"--wording {text!r}: {choices('Measure', name, study.measures.names)} Write MEASURE=FILE."
            )
        found[name] = load_wording(Path(file), library(study.folder).get(measure.scale))
    return found
