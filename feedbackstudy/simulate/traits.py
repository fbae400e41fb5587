"""What a study asks, as things to invent: one trait for each score, with the columns and keys of its items."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DeclarationError, InputError, choices
from feedbackstudy.render import counted
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.jobs import Job, jobs_of, score_names
from feedbackstudy.scales.libraries import Library, library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale
from feedbackstudy.simulate.graded import Graded, calibrated, categorical
from feedbackstudy.simulate.smooth import Growing, Linear, lasting, overdispersed
from feedbackstudy.simulate.truths import Outcome
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Derived", "Measurement", "Trait", "level_values", "read_traits"]

type Floats = NDArray[np.float64]
type Measurement = Graded | Linear | Growing

_LINE_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trait:
    """One score that is drawn.

    Attributes
    ----------
    name : str
        Score column.
    measure : Measure
        The measure that asks it.
    columns : tuple of str
        Item columns.
    turned : tuple of bool
        Items whose answers run against the score.
    low, high : float
        Lowest and highest answer code.
    codes : mapping of float to float or str
        Value of a category -> what stands in the data; empty where they are the same.
    measurement : Graded, Linear or Growing
        How the latent variable becomes answers.
    least : int
        Items that must be answered for a score.
    """

    name: str
    measure: Measure
    columns: tuple[str, ...]
    turned: tuple[bool, ...]
    low: float
    high: float
    codes: Mapping[float, object]
    measurement: Measurement
    least: int = 1

    @property
    def nominal(self) -> bool:
        """Whether the categories have no order, so that nothing correlates with it."""
        return self.measure.kind == "nominal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A score that is made of others.

    Attributes
    ----------
    name : str
        Score column.
    parts : mapping of str to float
        Trait -> weight.
    """

    name: str
    parts: Mapping[str, float]


def read_traits(study: Study, world: World) -> tuple[tuple[Trait, ...], tuple[Derived, ...]]:
    """Return what is to be drawn for a study.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed of its scores.

    Returns
    -------
    tuple of Trait, tuple of Derived
        In the order of the questionnaire.

    Raises
    ------
    InputError
        For a scale that is not complete enough to be scored, or an impossible distribution.
    """
    home = library(study.folder)
    traits: list[Trait] = []
    derived: list[Derived] = []
    for measure in study.measures:
        jobs, _ = jobs_of(measure, home)
        if jobs:
            made, more = _scale_traits(measure, jobs[0], world, home)
            traits += made
            derived += more
        else:
            traits.append(_single(measure, world.outcomes.get(measure.name) or Outcome(name=measure.name)))
    return tuple(traits), tuple(derived)


def _scale_traits(measure: Measure, job: Job, world: World, home: Library) -> tuple[list[Trait], list[Derived]]:
    scale = home.get(str(measure.scale))
    form = scale.form(job.form)
    scale.require_scorable(form.id)
    wanted = score_names(scale, form, job.name, job.parts)
    names = {part: name for name, part in wanted.items()}
    needed = {name: _subscales(scale, form, part) for name, part in wanted.items()}
    used = list(dict.fromkeys(part for parts in needed.values() for part in parts))
    label = {part: names.get(part, f"{measure.name}_{part}") for part in used}
    traits = [_subscale_trait(measure, job, form, part, label[part], world) for part in used]
    derived = [
        Derived(name=name, parts={label[part]: weight for part, weight in parts.items()})
        for name, parts in needed.items()
        if wanted[name] not in form.subscales.names
    ]
    return traits, derived


def _subscales(scale: Scale, form: Form, part: str) -> dict[str, float]:
    """Return the subscales behind a score with their weights."""
    if part in form.subscales.names:
        return {part: 1.0}
    composite = scale.composites.get(part)
    if composite is not None:
        found: dict[str, float] = {}
        for inner, weight in composite.weights.items():
            for name, share in _subscales(scale, form, inner).items():
                found[name] = found.get(name, 0.0) + weight * share
        return found
    sizes = {s.name: len(s.items or ()) for s in form.subscales}
    summed = scale.scoring.method == "sum"
    return {name: 1.0 if summed else size / sum(sizes.values()) for name, size in sizes.items()}


def _subscale_trait(measure: Measure, job: Job, form: Form, part: str, name: str, world: World) -> Trait:
    scale, answers = job.scale, form.likert_options
    if answers is None:
        raise DeclarationError(f"Form {form.id!r} of scale {scale.code!r} declares no answers.")
    positions = form.subscale(part).items or ()
    columns = job.asked(form)
    steps = answers.points or _LINE_STEPS + 1
    codes = np.linspace(answers.min, answers.max, steps)
    table = scale.scoring.value_map
    values = np.array(sorted(table.values())) if table else codes
    said = world.outcomes.get(name) or Outcome(name=name)
    _refuse_unused(said, "scale", "mean", "sd", "reliability", "loadings")
    k = len(positions)
    unit, origin = {
        "mean": (1.0, 0.0),
        "sum": (float(k), 0.0),
        "pomp": (100 / (answers.max - answers.min), -100 * answers.min / (answers.max - answers.min)),
    }[scale.scoring.method]
    low, high = values[0] * unit + origin, values[-1] * unit + origin
    measurement = _calibrated(said, values, (low, high), k=k, unit=unit, origin=origin)
    back = {value: float(code) for code, value in table.items()} if table else {}
    return Trait(
        name=name,
        measure=measure,
        columns=tuple(columns[p] for p in positions),
        turned=tuple(p in form.to_reverse for p in positions),
        low=answers.min,
        high=answers.max,
        codes=back,
        measurement=measurement,
        least=scale.scoring.missing.least(k),
    )


def _refuse_unused(said: Outcome, kind: str, *used: str) -> None:
    """Refuse what an outcome of this kind does not use, so that no assumption is ignored in silence."""
    for name in ("mean", "sd", "reliability", "loadings", "probabilities"):
        value = getattr(said, name)
        given = bool(value) if name in {"loadings", "probabilities"} else value is not None
        if given and name not in used:
            raise DeclarationError(
                f"world, outcome {said.name!r}: {name!r} would change nothing, for its kind is {kind}; "
                f"give {' or '.join(used)} instead."
            )


def _calibrated(
    said: Outcome, values: Floats, reach: tuple[float, float], *, k: int, unit: float, origin: float
) -> Graded:
    low, high = reach
    mean = said.mean if said.mean is not None else (low + high) / 2
    sd = said.sd if said.sd is not None else (high - low) / 5
    reliability = said.reliability if said.reliability is not None else 0.8
    if said.loadings and len(said.loadings) != k:
        raise DeclarationError(
            f"world, outcome {said.name!r}: {counted(len(said.loadings), 'loading')} for {counted(k, 'item')}."
        )
    try:
        items = calibrated(
            values,
            mean=(mean - origin) / unit,
            sd=sd / unit,
            n_items=k,
            reliability=reliability,
            loadings=np.array(said.loadings) if said.loadings else None,
        )
    except InputError as fault:
        raise DeclarationError(f"world, outcome {said.name!r}: {fault}") from fault
    return Graded(cuts=items.cuts, values=values, loadings=items.loadings, unit=unit, origin=origin)


def level_values(kind: str, levels: Mapping[str, str]) -> dict[str, float]:
    """Return level code -> number, as scoring reads it.

    Parameters
    ----------
    kind : str
        Kind of the column.
    levels : mapping of str to str
        Its levels.

    Returns
    -------
    dict
        The code itself where all are numbers, else its place (from 0 if binary, else from 1).
    """
    if all(code.lstrip("-").isdigit() for code in levels):
        return {code: float(code) for code in levels}
    start = 0 if kind == "binary" else 1
    return {code: float(place) for place, code in enumerate(levels, start)}


def _single(measure: Measure, said: Outcome) -> Trait:
    codes: dict[float, object] = {}
    low, high = measure.range or (0.0, 1.0)
    if measure.kind in {"binary", "ordinal", "nominal"}:
        table = level_values(measure.kind, measure.levels) or {"0": 0.0, "1": 1.0}
        codes = {value: code for code, value in table.items()} if measure.levels else {}
        _refuse_unused(said, measure.kind, "probabilities")
        chances = _probabilities(said, tuple(table))
        order = sorted(table, key=table.__getitem__)
        measurement: Measurement = categorical(
            np.array([chances[code] for code in order]), np.array([table[code] for code in order])
        )
        low, high = min(table.values()), max(table.values())
    else:
        measurement = _measured(measure, said)
    return Trait(
        name=measure.name,
        measure=measure,
        columns=(measure.name,),
        turned=(False,),
        low=low,
        high=high,
        codes=codes,
        measurement=measurement,
    )


def _probabilities(said: Outcome, codes: tuple[str, ...]) -> Mapping[str, float]:
    if not said.probabilities:
        return dict.fromkeys(codes, 1 / len(codes))
    for code in (*said.probabilities, *codes):
        if code not in codes or code not in said.probabilities:
            known = codes if code not in codes else tuple(said.probabilities)
            raise DeclarationError(f"world, outcome {said.name!r}: {choices('Level', code, known)}")
    return said.probabilities


def _measured(measure: Measure, said: Outcome) -> Measurement:
    plain = measure.kind in {"count", "time_to_event"} or (measure.range is None and measure.kind != "proportion")
    _refuse_unused(said, measure.kind, "mean", "sd", *([] if plain else ["reliability"]))
    try:
        if measure.kind == "count":
            return overdispersed(2.0 if said.mean is None else said.mean, 2.5 if said.sd is None else said.sd)
        if measure.kind == "time_to_event":
            return lasting(30.0 if said.mean is None else said.mean, 30.0 if said.sd is None else said.sd)
        if measure.range is None and measure.kind != "proportion":
            return Linear(at=said.mean or 0.0, sd=1.0 if said.sd is None else said.sd)
        low, high = measure.range or (0.0, 1.0)
        whole = measure.kind == "rating" and low.is_integer() and high.is_integer() and high - low <= 20
        values = np.linspace(low, high, int(high - low) + 1 if whole else _LINE_STEPS + 1)
        mean = (low + high) / 2 if said.mean is None else said.mean
        sd = (high - low) / 5 if said.sd is None else said.sd
        return calibrated(values, mean=mean, sd=sd, n_items=1, reliability=said.reliability or 1.0)
    except InputError as fault:
        raise DeclarationError(f"world, outcome {said.name!r}: {fault}") from fault
