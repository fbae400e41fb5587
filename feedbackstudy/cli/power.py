"""`feedbackstudy power`: what a study would find, how many people it needs, and how that changes with their number."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.cli.assign_lists import new_file, records
from feedbackstudy.cli.outcome import Exit
from feedbackstudy.cli.session import Session
from feedbackstudy.cli.simulate import add_world, world_of
from feedbackstudy.render import counted

if TYPE_CHECKING:
    from feedbackstudy.power import Diagnosis, PowerGrid, Solution
    from feedbackstudy.study import Study

__all__ = ["add"]

_VARY = (
    "what to change: 'n' (people, the default), 'n.UNIT' (another unit), 'effect_scale' (times the effects assumed), a "
    "hypothesis' name (its smallest detectable effect, in sd), or a path of the world such as 'attrition.share'"
)
_GOAL = (
    "power (the default); power_adjusted (after the correction); decided (by the plan's criterion, such as a Bayes "
    "factor); equivalence; width (precision: the interval's width, with --target its width); assurance (power "
    "over the world's priors); all_decided, any_decided (all hypotheses together)"
)


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
    about = "will the study answer? Invent it many times, and analyse it as planned"
    group = commands.add_parser("power", help=about, description=about, allow_abbrev=False)
    verbs = group.add_subparsers(title="verbs", metavar="VERB", required=True)
    parsers = []
    for name, run, words in (
        ("diagnose", _diagnose, "power, bias, coverage, type S and M of every hypothesis, with the number planned"),
        ("solve", _solve, "the number of people, or the effect, at which a hypothesis reaches a goal"),
        ("curve", _curve, "the same figures over several numbers of people"),
    ):
        sub = verbs.add_parser(name, help=words, description=f"{words.capitalize()}.", allow_abbrev=False)
        add_world(sub)
        sub.add_argument("--out", type=Path, metavar="FILE", help="write an HTML page with a picture; must be new")
        sub.set_defaults(run=run)
        parsers.append(sub)
    diagnose, solve, curve = parsers
    for sub in (diagnose, curve):
        sub.add_argument("--simulations", type=int, default=500, metavar="N", help="invented studies (500)")
    solve.add_argument("--hypothesis", metavar="NAME", help="whose goal; may be left out for all_decided, any_decided")
    solve.add_argument("--vary", metavar="PATH", help=_VARY)
    solve.add_argument("--goal", default="power", metavar="GOAL", help=_GOAL)
    solve.add_argument("--target", type=float, default=0.8, metavar="SHARE", help="how much of it (0.8), below 1")
    solve.add_argument(
        "--precision",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="simulate until the answer is known to plus or minus this share of it (0.05)",
    )
    solve.add_argument("--mcse", type=float, metavar="ERROR", help="a Monte-Carlo error of the goal to stop at instead")
    curve.add_argument("--sizes", type=int, nargs="+", required=True, metavar="N", help="numbers of people")
    curve.add_argument("--figure", default="decided", metavar="NAME", help="what to show: decided, power, coverage ...")
    return parsers


def _study(given: argparse.Namespace) -> "tuple[Study, int]":
    from feedbackstudy.study import Study

    if given.out is not None:
        new_file(given.out)
    study = Study.load(given.study)
    return study, study.seed if given.seed is None else given.seed


def _told(
    made: "Diagnosis | Solution | PowerGrid",
    given: argparse.Namespace,
    session: Session,
    *,
    data: object,
    also: Sequence[object] = (),
) -> int:
    if given.out is not None:
        from feedbackstudy.report import document

        document(made, *also, to=given.out, title="Power")
    if session.as_json:
        session.give(data)
    else:
        session.show(made)
    if given.out is not None:
        session.say(f"Written to {given.out}.")
    return Exit.FINE


def _diagnose(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.power import diagnose

    study, seed = _study(given)
    world = world_of(given, study)
    session.say(f"{given.simulations:,} invented studies ...")
    made = diagnose(study, world, seed=seed, n_simulations=given.simulations)
    data = {"numbers": made.numbers, "n_simulations": made.n_simulations, "all_decided": made.all_decided}
    data |= {"alpha": made.alpha, "sides": 2, "assumed": dict(made.assumed)}
    data |= {"notes": made.notes, "hypotheses": made.frame().to_dict("records")}
    return _told(made, given, session, data=data, also=(world,))


def _solve(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.power import solve

    study, seed = _study(given)
    world = world_of(given, study)
    vary = given.vary or "n"
    made = solve(
        study,
        world,
        vary=vary,
        hypothesis=given.hypothesis or "",
        goal=given.goal,
        target=given.target,
        seed=seed,
        precision=given.precision,
        mcse=given.mcse,
        progress=lambda value, done, reached: session.say(
            f"{vary} = {value:g}: {given.goal} {reached:.3f} in {done:,} invented studies ..."
        ),
    )
    data = {"answer": made.sentence, "vary": made.vary, "value": made.value, "interval": made.interval}
    data |= {"in_equal_groups": made.whole_groups, "goal": made.goal, "hypothesis": made.hypothesis}
    data |= {"target": made.target, "reached": made.reached, "mcse": made.mcse}
    data |= {"true_effect": made.effect, "true_effect_sd": made.effect_sd, "assumed": dict(made.assumed)}
    data |= {"notes": made.notes, "curve": made.curve}
    return _told(made, given, session, data=data, also=(world,))


def _curve(given: argparse.Namespace, session: Session) -> int:
    from feedbackstudy.power import sweep
    from feedbackstudy.power.wishes import path_of

    study, seed = _study(given)
    session.say(
        f"{counted(given.simulations, 'invented study', 'invented studies')} at each of "
        f"{counted(len(given.sizes), 'number')} ..."
    )
    world = world_of(given, study)
    vary = {path_of(study, world, "n"): sorted(set(given.sizes))}
    made = sweep(study, world, vary, seed=seed, n_simulations=given.simulations)
    confirmatory = [h.name for h in study.hypotheses if h.confirmatory]
    made = (made.of(*confirmatory) if confirmatory else made).showing(given.figure)
    if session.as_json:
        session.say("Assumed: " + "; ".join(f"{label}: {words}" for label, words in made.assumed))
    return _told(made, given, session, data=records(made.frame()), also=(world,))
