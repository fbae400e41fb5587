"""`feedbackstudy simulate`: the table that a survey export would give, from invented answers."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session, sentence

if TYPE_CHECKING:
    import pandas as pd

    from feedbackstudy.simulate import World
    from feedbackstudy.study import Study

__all__ = ["add", "add_world", "run", "world_of"]

_HELP = "invent the answers to a study, as a survey export would hold them"


def add_world(sub: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is assumed true.

    Parameters
    ----------
    sub : ArgumentParser
        A command about invented data.
    """
    sub.add_argument("study", type=Path, metavar="STUDY", help="the study's YAML file, or the folder with study.yaml")
    sub.add_argument("--world", type=Path, metavar="FILE", help="what is assumed true (YAML); see --save-world")
    sub.add_argument("--n", type=int, metavar="N", help="people, instead of the number planned")
    sub.add_argument("--seed", type=int, metavar="N", help="fixes everything drawn; the study's own seed by default")
    sub.add_argument("--json", action="store_true", help="print JSON")


def world_of(given: argparse.Namespace, study: "Study") -> "World":
    """Return what is assumed true: a file, or each hypothesis by its smallest effect that matters.

    Parameters
    ----------
    given : Namespace
        The arguments of `add_world`.
    study : Study
        The study.

    Returns
    -------
    World
        With the number of people that was asked for.
    """
    from feedbackstudy.simulate import World

    world = World.assumed(study) if given.world is None else _read(given.world, study)
    if given.n is None:
        return world
    people = study.units.names[-1] if study.units else "participant"
    return world.vary({f"n.{people}": given.n})


def _read(path: Path, study: "Study") -> "World":
    """Read a world, and say in which line it does not fit the study."""
    from feedbackstudy.errors import InputError
    from feedbackstudy.simulate import World
    from feedbackstudy.simulate.compiling import compiled

    world = World.load(path)
    try:
        compiled(study, world)
    except InputError as fault:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        named = re.findall(r"'([^']+)'", str(fault))[:1]
        at = next(
            (i for i, line in enumerate(lines, 1) if named and re.search(rf"\b{re.escape(named[0])}\b", line)), None
        )
        raise type(fault)(f"{path}{f':{at}' if at else ''}: {fault}") from fault
    return world


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
    words = f"{sentence(_HELP)} Nobody answered: a file beside the table says so."
    sub = commands.add_parser("simulate", help=_HELP, description=words, allow_abbrev=False)
    add_world(sub)
    sub.add_argument("--out", type=Path, metavar="FILE", help="CSV to write; must be new")
    sub.add_argument("--save-world", type=Path, metavar="FILE", help="write what is assumed true, to read and change")
    sub.set_defaults(run=run)
    return [sub]


def run(given: argparse.Namespace, session: Session) -> int:
    """Invent the answers.

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
    from feedbackstudy.simulate import simulate
    from feedbackstudy.study import Study

    study = Study.load(given.study)
    world = world_of(given, study)
    seed = study.seed if given.seed is None else given.seed
    files = [new_file(path) for path in (given.out, given.save_world) if path is not None]
    responses = simulate(study, world, seed=seed)
    if given.save_world is not None:
        world.save(given.save_world)
    if given.out is not None:
        files.append(
            _write(_plain(responses.frame).to_csv(index=False), given.out, dict(responses.provenance.facts().pairs))
        )
    if session.as_json:
        session.give({"rows": len(responses), "participants": responses.n_participants, "seed": seed, "files": files})
    else:
        session.show(responses)
        session.say(
            f"Written: {', '.join(map(str, files))}." if files else "Nothing was written; name a file with --out."
        )
        session.say(
            f"Next: feedbackstudy power diagnose {given.study}, then feedbackstudy power solve {given.study} ..."
        )
    return Exit.FINE


def _plain(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose whole answers are written as whole numbers: 5, not 5.0."""
    import pandas as pd

    whole = [
        name
        for name in frame.columns
        if pd.api.types.is_float_dtype(frame[name]) and bool((frame[name].dropna() % 1 == 0).all())
    ]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def _write(table: str, path: Path, facts: dict[str, str]) -> Path:
    """Write the table, and beside it that nobody answered; return the second file."""
    import json

    from feedbackstudy.files import write_atomic

    told = new_file(path.with_name(f"{path.name}.provenance.json"))
    write_atomic(told, json.dumps(facts, indent=2) + "\n")
    write_atomic(path, table)
    return told
