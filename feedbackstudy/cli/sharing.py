"""`feedbackstudy share` and `export`: what may leave the house, and the formats in which it does."""

import argparse
from pathlib import Path

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.importing import add_reading
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.screening import readable
from feedbackstudy.cli.session import Session

__all__ = ["add", "run"]

_SHARE = "write a Psych-DS folder that may leave the house: pseudonyms, no identifiers, no free text"
_EXPORT = "write answers or scales in another format, for your own use"


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
    share = commands.add_parser("share", help=_SHARE, description=f"{_SHARE.capitalize()}.", allow_abbrev=False)
    _shared(share)
    group = commands.add_parser("export", help=_EXPORT, description=f"{_EXPORT.capitalize()}.", allow_abbrev=False)
    verbs = group.add_subparsers(title="formats", metavar="FORMAT", required=True)
    psychds = verbs.add_parser("psychds", help=_SHARE, description=f"{_SHARE.capitalize()}.", allow_abbrev=False)
    _shared(psychds)
    words = "write the answers as an SPSS file with labels and user-missing values"
    sav = verbs.add_parser("sav", help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
    add_reading(sav)
    sav.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder for the files; they must be new")
    sav.set_defaults(run=_sav)
    words = "write the codebook of the study's scales as CSV, without wordings"
    codebook = verbs.add_parser("codebook", help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
    words = "write a scale of the study as an Open Scale Definition, with your wording pack"
    osd = verbs.add_parser("osd", help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
    for sub, job in ((codebook, _codebook), (osd, _osd)):
        sub.add_argument("study", type=Path, metavar="STUDY", help="the study's YAML file or folder")
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.set_defaults(run=job)
    codebook.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; must be new")
    osd.add_argument("--scale", required=True, metavar="CODE", help="which scale of the study")
    osd.add_argument(
        "--wording", type=Path, required=True, metavar="FILE", help="your wording pack of the scale (YAML)"
    )
    osd.add_argument("--out", type=Path, required=True, metavar="FILE", help=".osd to write; must be new")
    return [share, psychds, sav, codebook, osd]


def _shared(sub: argparse.ArgumentParser) -> None:
    add_reading(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the folder to write; must be new")
    sub.add_argument("--key", type=Path, metavar="FILE", help="key of the pseudonyms, kept outside the study")
    sub.add_argument("--new-key", action="store_true", help="draw the key first")
    sub.add_argument("--licence", default="", metavar="TEXT", help="under which terms")
    sub.add_argument("--free-text", action="append", default=[], metavar="COLUMN", help="text that comes along")
    sub.add_argument("--sensitive", action="append", default=[], metavar="COLUMN=PURPOSE", help="a special category")
    sub.set_defaults(run=run)


def run(given: argparse.Namespace, session: Session) -> int:
    """Write what may be shared.

    Parameters
    ----------
    given : Namespace
        The arguments.
    session : Session
        Where to speak.

    Returns
    -------
    int
        1 where something must be read before the folder leaves, 0 otherwise.
    """
    from feedbackstudy.collect import ExportLedger, export_psychds, make_key, pseudonym_key, screen, shareable
    from feedbackstudy.issues import Issues
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    home = study.folder or Path.cwd()
    key = (make_key if given.new_key else pseudonym_key)(given.key, study_folder=home)
    responses = screen(readable(given, study, session), study)
    purposes = dict(text.partition("=")[::2] for text in given.sensitive)
    shared = shareable(responses, study, key=key, sensitive=purposes, free_text=given.free_text)
    ledger = ExportLedger(home)
    issues = Issues([*shared.issues, *ledger.compare(shared.participants)])
    made = export_psychds(shared, study, given.out, licence=given.licence)
    ledger.add(given.out.name, shared.participants, list(map(str, shared.frame.columns)))
    if session.as_json:
        session.give(
            {
                "folder": made.folder,
                "rows": len(shared.frame),
                "people": len(shared.participants),
                "not_shared": dict(shared.dropped),
                "issues": [issue.to_dict() for issue in (*issues, *made.issues)],
            }
        )
    else:
        session.show(shared)
        session.show(str(made.folder))
    for issue in issues.warnings:
        session.say(issue)
    return Exit.FINDINGS if issues.warnings else Exit.FINE


def _sav(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.collect import write_responses
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    made = write_responses(readable(given, study, session), study, given.out, platform="sav")
    files = list(made.values()) if isinstance(made, dict) else [made]
    session.give({"files": files}) if session.as_json else session.show("\n".join(map(str, files)))
    return Exit.FINE


def _codebook(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.files import write_atomic
    from feedbackstudy.scales.codebook import codebook_csv, codebook_rows
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.out is not None:
        write_atomic(new_file(given.out), codebook_csv(study.measures))
    if session.as_json:
        session.give(codebook_rows(study.measures))
    else:
        session.show(codebook_csv(study.measures) if given.out is None else str(given.out))
    return Exit.FINE


def _osd(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.errors import NotFoundError, choices
    from feedbackstudy.scales.jobs import jobs_of
    from feedbackstudy.scales.osd import to_osd
    from feedbackstudy.scales.wording import load_wording
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    scales = {job.scale.code: job.scale for job in jobs_of(study.measures)[0]}
    if given.scale not in scales:
        raise NotFoundError(choices("Scale of the study", given.scale, scales))
    scale = scales[given.scale]
    path = to_osd(scale, new_file(given.out), wording=load_wording(given.wording, scale))
    session.give({"file": path}) if session.as_json else session.show(str(path))
    return Exit.FINE
