"""`feedbackstudy share` and `export`: what may leave the house, and the formats in which it does."""

import argparse
from dataclasses import replace
from pathlib import Path

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.reading import add_reading, listed, readable, serious
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add", "run"]

_SHARE = "write a Psych-DS folder that may leave the house: pseudonyms, no identifiers, no free text"
_EXPORT = "write answers or scales in another format, for your own use"
_SAV = "write the answers as an SPSS file with labels and user-missing values"
_CODEBOOK = "write the codebook of the study's scales as CSV, without wordings"
_OSD = "write a scale of the study as an Open Scale Definition"


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
    share = commands.add_parser("share", help=_SHARE, description=sentence(_SHARE), allow_abbrev=False)
    group = commands.add_parser("export", help=_EXPORT, description=sentence(_EXPORT), allow_abbrev=False)
    verbs = group.add_subparsers(title="formats", metavar="FORMAT", required=True)
    made = {
        name: verbs.add_parser(name, help=words, description=sentence(words), allow_abbrev=False)
        for name, words in (("psychds", _SHARE), ("sav", _SAV), ("codebook", _CODEBOOK), ("osd", _OSD))
    }
    _shared(share)
    _shared(made["psychds"])
    add_reading(made["sav"])
    made["sav"].add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="folder for the files; they must be new"
    )
    made["sav"].set_defaults(run=_sav)
    for name, job in (("codebook", _codebook), ("osd", _osd)):
        made[name].add_argument("study", type=Path, metavar="STUDY", help="the study's YAML file or folder")
        made[name].add_argument("--json", action="store_true", help="print JSON")
        made[name].set_defaults(run=job)
    made["codebook"].add_argument("--out", type=Path, metavar="FILE", help="CSV to write; must be new")
    _worded(made["osd"])
    return [share, *made.values()]


def _worded(osd: argparse.ArgumentParser) -> None:
    osd.add_argument("--scale", required=True, metavar="CODE", help="which scale of the study")
    osd.add_argument(
        "--wording", type=Path, metavar="FILE", help="your wording pack (YAML); scales built for studies need none"
    )
    osd.add_argument("--out", type=Path, required=True, metavar="FILE", help=".osd to write; must be new")


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
        2 where the export cannot be used, 1 where something must be read before the folder leaves, 0 otherwise.
    """
    from feedbackstudy.collect import ExportLedger, export_psychds, make_key, pseudonym_key, screen, shareable
    from feedbackstudy.issues import Issues
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    home = study.folder or Path.cwd()
    key = (make_key if given.new_key else pseudonym_key)(given.key, study_folder=home)
    given.open_answers = given.open_answers or bool(given.free_text)
    read = readable(given, study, session)
    if read is None:
        return Exit.BAD_INPUT
    responses = screen(read, study)
    purposes = dict(text.partition("=")[::2] for text in given.sensitive)
    shared = shareable(responses, study, key=key, sensitive=purposes, free_text=given.free_text)
    ledger = ExportLedger(home)
    compared = ledger.compare(shared.participants)
    made = export_psychds(shared, study, given.out, licence=given.licence)
    ledger.add(given.out.name, shared.participants, list(map(str, shared.frame.columns)))
    found = Issues([*responses.issues, *shared.issues, *compared, *made.issues.errors])
    issues = Issues(dict.fromkeys([*found, *made.issues]))
    if session.as_json:
        session.give(
            {
                "folder": made.folder,
                "rows": len(shared.frame),
                "people": len(shared.participants),
                "not_shared": dict(shared.dropped),
                "issues": listed(issues),
            }
        )
    else:
        session.show(replace(shared, issues=issues))
        session.show(str(made.folder))
    return Exit.FINDINGS if serious(found) else Exit.FINE


def _sav(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.collect import write_responses
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    responses = readable(given, study, session)
    if responses is None:
        return Exit.BAD_INPUT
    made = write_responses(responses, study, given.out, platform="sav")
    files = list(made.values()) if isinstance(made, dict) else [made]
    if session.as_json:
        session.give({"files": files, "issues": listed(responses.issues)})
    else:
        session.show(responses.issues)
        session.show("\n".join(map(str, files)))
    return Exit.FINDINGS if serious(responses.issues) else Exit.FINE


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
    from feedbackstudy.scales.wording import load_wording, own_wording
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    jobs = {job.scale.code: job for job in jobs_of(study.measures)[0]}
    if given.scale not in jobs:
        raise NotFoundError(choices("Scale of the study", given.scale, jobs))
    scale, form = jobs[given.scale].scale, jobs[given.scale].form
    own = own_wording(scale, form) if scale.study_built else None
    wording = own if given.wording is None else load_wording(given.wording, scale)
    path = to_osd(scale, new_file(given.out), wording=wording)
    session.give({"file": path}) if session.as_json else session.show(str(path))
    return Exit.FINE
