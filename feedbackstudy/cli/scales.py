"""`feedbackstudy scales`: the scale library, and the card of one scale."""

import argparse
from pathlib import Path

from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add"]


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
    about = "the scale library: what is measured, with its evidence and use terms"
    group = commands.add_parser("scales", help=about, description=sentence(about), allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    words = "list scales"
    catalogue = verbs.add_parser("list", help=words, description=sentence(words), allow_abbrev=False)
    catalogue.add_argument("--construct", metavar="WORDS", help="words of the construct or the name")
    catalogue.add_argument("--role", help="predictor, covariate, moderator, mediator, outcome or manipulation_check")
    catalogue.add_argument("--max-items", type=int, metavar="N", help="largest number of items")
    catalogue.add_argument("--language", metavar="TAG", help="language tag, such as de")
    catalogue.add_argument("--licence", help="own, academic, commercial, redistribute, modify, or words of the licence")
    catalogue.add_argument("--scorable", action="store_const", const=True, help="only those that can be scored now")
    catalogue.set_defaults(run=_list)
    words = "show the card of one scale: structure, key, evidence, use terms"
    one = verbs.add_parser("show", help=words, description=sentence(words), allow_abbrev=False)
    one.add_argument("key", metavar="KEY", help="the scale's key, as 'scales list' prints it")
    one.set_defaults(run=_show)
    for sub in (catalogue, one):
        sub.add_argument("--study", type=Path, metavar="DIR", help="study folder whose scales/complete.yaml applies")
        sub.add_argument("--json", action="store_true", help="print JSON")
    return [catalogue, one]


def _list(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy import scales

    catalogue = scales.list(
        construct=given.construct,
        role=given.role,
        max_items=given.max_items,
        language=given.language,
        licence=given.licence,
        scorable=given.scorable,
        study=given.study,
    )
    if session.as_json:
        session.give(catalogue.frame().astype(object).where(catalogue.frame().notna(), None).to_dict("records"))
    else:
        session.show(catalogue)
    return Exit.FINE


def _show(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy import scales

    scale = scales.get(given.key, study=given.study)
    if session.as_json:
        session.give({"schema_version": scale.schema_version, **scale.to_data()})
    else:
        session.show(scale)
    return Exit.FINE
