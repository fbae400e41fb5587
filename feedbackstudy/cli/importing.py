"""`feedbackstudy import` and `check`: read an export against the study, and say everything that was found."""

import argparse

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.reading import add_reading, add_writing, inspected, refusal, serious, written
from feedbackstudy.cli.session import Session, sentence

__all__ = ["add", "run"]

_IMPORT = "read an export of Qualtrics, LimeSurvey, SPSS or a plain table, and say what was found"
_CHECK = "hold an export against the study, say everything that was found, and write nothing"
_MORE = "The file is never changed; nothing in it is guessed. People without consent are erased before anything is said"


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
    for name, words in (("import", _IMPORT), ("check", _CHECK)):
        about = f"{sentence(words)} {_MORE} or written."
        sub = commands.add_parser(name, help=words, description=about, allow_abbrev=False)
        add_reading(sub)
        sub.set_defaults(run=run, out=None, raw=False)
        parsers.append(sub)
    add_writing(parsers[0])
    return parsers


def run(given: argparse.Namespace, session: Session) -> int:
    """Read the export.

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
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    if given.out is not None:
        new_file(given.out)
    made = inspected(given, study, session)
    session.give(made.to_dict()) if session.as_json else session.show(made)
    if made.responses is None or made.issues.errors:
        session.say(refusal(made))
        return Exit.BAD_INPUT
    written(made.responses, given, session)
    return Exit.FINDINGS if serious(made.issues) else Exit.FINE
