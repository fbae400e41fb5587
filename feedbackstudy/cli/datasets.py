"""`feedbackstudy datasets`: what there is, one dataset with its codebook, and rows that may not be passed on."""

import argparse

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
    about = "list, show and fetch published tables"
    group = commands.add_parser("datasets", help=about, description=sentence(about), allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    parsers = []
    for name, run, words in (
        ("list", _list, "list all datasets"),
        ("show", _show, "show one dataset: source, licence, codebook, first rows"),
        ("get", _get, "download rows that may not be passed on, verify their hash, convert them"),
    ):
        sub = verbs.add_parser(name, help=words, description=sentence(words), allow_abbrev=False)
        if name != "list":
            sub.add_argument("key", metavar="KEY", help="the dataset's key, as 'datasets list' prints it")
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.set_defaults(run=run)
        parsers.append(sub)
    return parsers


def _list(_given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.datasets import list_datasets

    catalogue = list_datasets()
    if session.as_json:
        session.give([{"key": e.key, "title": e.title, "status": e.status} for e in catalogue])
    else:
        session.show(catalogue)
    return Exit.FINE


def _show(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.datasets import load

    dataset = load(given.key)
    if session.as_json:
        session.give(
            {
                "key": dataset.key,
                "title": dataset.title,
                "citation": dataset.citation,
                "licence": dataset.licence,
                "sha256": dataset.sha256,
                "rows": len(dataset.frame),
                "codebook": [variable.to_data() for variable in dataset.variables],
            }
        )
    else:
        session.show(dataset)
    return Exit.FINE


def _get(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.datasets import get

    def tell(path: str, done: int, size: int | None) -> None:
        session.say(f"{path}: {done:,} of {f'{size:,}' if size is not None else 'an unknown number of'} bytes")

    dataset = get(given.key, progress=tell)
    session.stop_if_interrupted()
    if session.as_json:
        session.give({"key": dataset.key, "sha256": dataset.sha256, "rows": len(dataset.frame)})
    else:
        session.show(dataset)
    return Exit.FINE
