"""What is assumed when a study's power is asked for, in words: nobody should find out from the source."""

import math
from collections.abc import Iterator, Sequence

from feedbackstudy.analysis.scaled_weights import unit_of
from feedbackstudy.power.asking import Asked
from feedbackstudy.render import number
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.world import World

__all__ = ["assumptions", "enters"]

_MOST = 12
_CRITERIA = {
    "p": "p < alpha, in the direction expected",
    "equivalence": "equivalent within the smallest effect",
    "rope": "region of practical equivalence",
    "bayes_factor": "Bayes factor",
}


def assumptions(model: Model, asked: Sequence[Asked], *, without: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """Return what is assumed true, and how it is tested.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    asked : sequence of Asked
        The hypotheses.
    without : sequence of str
        Paths that vary, so that they have no value: ``"n.student"``, ``"effect_scale"``, a hypothesis.

    Returns
    -------
    tuple of (str, str)
        Labels and words.
    """
    effects = [("effect of " + each.hypothesis.name, _effect(each)) for each in asked[:_MOST]]
    if len(asked) > _MOST:
        effects.append(("effects of the others", f"{len(asked) - _MOST} more: the columns 'truth' of .frame()"))
    varied = {"effect_scale", *(each.hypothesis.name for each in asked)} & set(without)
    people = ", ".join(f"{n:,} {name}" for name, n in model.numbers.items() if f"n.{name}" not in without)
    found = [
        *([] if varied else effects),
        ("tests", _tests(model, asked)),
        *([("people", people)] if people else []),
        ("lost and spoilt", "; ".join(_lost(model))),
        ("scores", "; ".join(_scores(model, asked))),
        ("correlations", "; ".join(_correlations(model.world))),
    ]
    return tuple((label, words) for label, words in [*found, *_shared(model.world)] if words)


def enters(names: Sequence[str], means: Sequence[float], planned: int) -> str:
    """Say how many rows enter the analyses.

    Parameters
    ----------
    names : sequence of str
        Hypotheses.
    means : sequence of float
        Rows that entered, on average.
    planned : int
        People planned.

    Returns
    -------
    str
        Such as ``"h1 682, h2 679 of 790 planned"``.
    """
    told = [f"{name} {number(round(n))}" for name, n in zip(names, means, strict=True) if math.isfinite(n)]
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f"{', '.join(told[:_MOST])}{more}, of {planned:,} planned" if told else ""


def _effect(asked: Asked) -> str:
    hypothesis = asked.hypothesis
    if not math.isfinite(asked.truth):
        words = "several differences at once: see the cell means of the world"
    elif asked.kind == "path":
        words = f"{number(asked.truth)} along the path"
    elif math.isfinite(asked.sd):
        unit = "points" if asked.measured == "points" else asked.measured
        in_sd, trend = asked.truth / asked.sd, unit_of(asked.question)
        words = f"{number(in_sd, 2 if trend == 1 else 4)} sd of {hypothesis.outcome} ({number(asked.truth)} {unit})"
        if trend != 1:
            words += f" for one unit of the scores, {number(in_sd / trend, 2)} sd between the averages above and below"
    else:
        words = f"{number(asked.truth)} {asked.measured} of {hypothesis.outcome}"
    return words + ("" if hypothesis.sesoi is not None else "; it declares no smallest effect (sesoi)")


def _tests(model: Model, asked: Sequence[Asked]) -> str:
    plan = model.study.plan
    names = [each.hypothesis.name for each in asked]
    corrected = [
        f"{family.method} over {', '.join(family.hypotheses)}"
        for family in plan.families
        if family.method != "none" and set(family.hypotheses) & set(names)
    ]
    kinds: dict[str, list[str]] = {}
    for name in names:
        criterion = plan.decides.get(name)
        kinds.setdefault(criterion.by if criterion is not None else "p", []).append(name)
    decided = [f"{_CRITERIA.get(kind, kind)} ({', '.join(who)})" for kind, who in kinds.items()]
    told = [f"power: two-sided, alpha {number(plan.alpha, unit_interval=True)}, before any correction"]
    told += [f"decided: {'; '.join(decided)}"]
    return "; ".join([*told, *(f"correction: {text}" for text in corrected)])


def _lost(model: Model) -> Iterator[str]:
    world = model.world
    leave = world.attrition
    if leave.share or leave.by_cell:
        own = f" ({', '.join(f'{key} {value:.0%}' for key, value in leave.by_cell.items())})" if leave.by_cell else ""
        why = f", by {leave.because_of}" if leave.because_of else ", at random"
        yield f"{leave.share:.0%}{own} lost before each wave after the first{why}"
    if world.skipped:
        yield f"{world.skipped:.0%} of single answers skipped"
    if world.carelessness.share:
        yield f"{world.carelessness.share:.0%} answer carelessly"
    if world.non_compliance.share or world.non_compliance.by_cell:
        yield f"{world.non_compliance.share:.0%} do not get what was assigned (more by cell where the world says so)"
    names = [rule.name for rule in model.study.plan.exclusions]
    if names:
        yield f"excluded as planned: {', '.join(names)}"


def _scores(model: Model, asked: Sequence[Asked]) -> Iterator[str]:
    for name in list(dict.fromkeys(each.hypothesis.outcome for each in asked))[:_MOST]:
        outcome = model.world.outcomes.get(name)
        told = [
            f"{what} {number(value, 2)}"
            for what, value in (
                ("mean", outcome.mean if outcome else None),
                ("sd", outcome.sd if outcome else None),
                ("reliability", outcome.reliability if outcome else None),
            )
            if value is not None
        ]
        if told:
            yield f"{name} {', '.join(told)}"


def _correlations(world: World) -> Iterator[str]:
    yield f"two scores of a person {number(world.correlation, 2)}"
    yield f"a score with itself at another wave {number(world.stability, 2)}"
    for covariate in world.covariates:
        yield f"{covariate.name} with every score {number(covariate.r, 2)}"


def _shared(world: World) -> list[tuple[str, str]]:
    icc = ", ".join(f"{unit} {number(value, 2)}" for unit, value in world.icc.items())
    text = [
        f"{what} {number(value, 2)} of the variance"
        for what, value in (("exemplar", world.exemplar), ("exemplar in each cell", world.exemplar_by_cell))
        if value
    ]
    return [("ICC", icc), ("messages", "; ".join(text)), ("also", " ".join(world.notes))]
