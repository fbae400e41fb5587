"""The default world of a study, and worlds with given effects: least-squares cell means for all hypotheses at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.comparisons import Association, Moderation
from feedbackstudy.design.contrasts import difference_unit, weights
from feedbackstudy.design.hypotheses import RATIOS, Hypothesis, SmallestEffect
from feedbackstudy.errors import DeclarationError
from feedbackstudy.named import Fixed, Named
from feedbackstudy.simulate.assumed_notes import assumed_notes
from feedbackstudy.simulate.correlations import containing
from feedbackstudy.simulate.noticing import NOTICED, noticed
from feedbackstudy.simulate.traits import Trait, read_traits
from feedbackstudy.simulate.truths import (
    Attrition,
    Carelessness,
    CellMeans,
    Correlation,
    CovariateTruth,
    Interacts,
    Leads,
    Outcome,
)
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["assumed_fields", "with_effects"]

type Floats = NDArray[np.float64]

_EFFECT, _STEP = 0.2, 0.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Wanted:
    """One row of an equation: weights of cells, and what they give in standard deviations of the score."""

    who: str
    score: str
    occasion: str
    row: Floats
    value: float


def assumed_fields(study: Study) -> dict[str, Any]:
    """Return the fields of `World.assumed`.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    dict
        Field -> value.
    """
    traits, _ = read_traits(study, World())
    known = {trait.name: trait for trait in traits}
    means = _means(study, known, _wanted(study, known))
    checks = noticed(study, known)
    steps = {h.name: _steps(h) for h in study.hypotheses if h.path}
    covariates = [CovariateTruth(name=c.name, r=0.0 if c.kind == "nominal" else 0.2) for c in study.covariates]
    return {
        "outcomes": Named(_stated(trait) for trait in traits if not trait.nominal),
        "means": (*means, *(each for each in checks if each.outcome not in {mean.outcome for mean in means})),
        "icc": Fixed(dict.fromkeys(containing(study), 0.05)),
        "exemplar": 0.02 if study.messages is not None else 0.0,
        "leads": _leads(study, steps),
        "correlations": tuple(_associations(study)),
        "interacts": tuple(_interactions(study)),
        "covariates": Named(covariates),
        "attrition": Attrition(share=0.1 if len(study.waves) > 1 else 0.0),
        "skipped": 0.01,
        "carelessness": Carelessness(share=0.03),
        "notes": tuple(assumed_notes(study, means, effect=_EFFECT, step=_STEP, noticed=NOTICED if checks else 0.0)),
    }


def _stated(trait: Trait) -> Outcome:
    """Write out what is assumed of a score; categories keep their even probabilities."""
    if trait.measure.kind in {"binary", "ordinal", "nominal"}:
        return Outcome(name=trait.name)
    items = trait.measurement
    reliability = 0.8 if trait.measure.kind == "scale" else None
    mean, sd = _plain(items.mean(0.0)), _plain(items.variance() ** 0.5)
    return Outcome(name=trait.name, mean=mean, sd=sd, reliability=reliability)


def _plain(value: float) -> float:
    """Round away what arithmetic leaves behind, so that the number can be read."""
    return round(value, 10) + 0.0


def _sign(hypothesis: Hypothesis) -> float:
    return {"positive": 1.0, "either": 1.0, "negative": -1.0, "negligible": 0.0}[hypothesis.direction]


def _size(smallest: SmallestEffect | None, trait: Trait) -> float:
    """Return a smallest effect in standard deviations of the score."""
    if smallest is None:
        return _EFFECT
    items = trait.measurement
    mean, sd = items.mean(0.0), items.variance() ** 0.5
    value = smallest.value
    if smallest.unit in RATIOS:
        if smallest.unit == "odds_ratio":
            odds = value * mean / max(1 - mean, 1e-9)
            known = 0 < mean < 1
            return float(abs(odds / (1 + odds) - mean) / sd if known else abs(np.log(value)) * 3**0.5 / np.pi)
        return float(abs((1 / value if smallest.unit == "hazard_ratio" else value) - 1) * mean / sd)
    in_sd: dict[str, float] = {
        "sd": value,
        "raw": value / sd,
        "percentage_points": value / 100 / sd,
        "r": 2 * value / max(1 - value**2, 1e-9) ** 0.5,
        "standardised_path": value,
    }
    return in_sd[smallest.unit]


def _occasion(study: Study, hypothesis: Hypothesis, score: str, named: str | None = None) -> str:
    """Return the wave of a score in a hypothesis; the last that asks it where nothing says which."""
    if score == hypothesis.outcome:
        return named or study.occasion_of(hypothesis)
    waves = study.measure_of(score).waves
    own = hypothesis.occasion
    return named or (own if own in waves else waves[-1])


def _steps(hypothesis: Hypothesis) -> float:
    """Return the size of each step of a path."""
    path = hypothesis.path
    if path is None or hypothesis.sesoi is None or hypothesis.sesoi.unit != "standardised_path":
        return _STEP
    n = len(path.through) + 1 if path.structure == "serial" else 2
    return _plain(hypothesis.sesoi.value ** (1 / n))


def _wanted(study: Study, known: Mapping[str, Trait]) -> list[_Wanted]:
    found: list[_Wanted] = []
    for hypothesis in study.hypotheses:
        if isinstance(hypothesis.contrast, Association | Moderation):
            continue
        compiled = weights(hypothesis.contrast, study.crossing)
        if hypothesis.path is not None:
            size = _steps(hypothesis) * (1.0 if _sign(hypothesis) else 0.0)
            many = hypothesis.path.through if hypothesis.path.structure != "serial" else hypothesis.path.through[:1]
            targets = [(m.score, _occasion(study, hypothesis, m.score, m.occasion), size) for m in many]
        else:
            trait = known.get(hypothesis.outcome)
            if trait is None or trait.nominal:
                continue
            unit = difference_unit(hypothesis.contrast, compiled.matrix[0]) if hypothesis.sesoi is None else 1.0
            size = _sign(hypothesis) * _size(hypothesis.sesoi, trait) * unit
            targets = [(hypothesis.outcome, _occasion(study, hypothesis, hypothesis.outcome), size)]
        for score, occasion, value in targets:
            if score in known:
                offset = _offset(known[score], compiled.matrix, compiled.value)
                found += [
                    _Wanted(who=hypothesis.name, score=score, occasion=occasion, row=row, value=value - shift)
                    for row, shift in zip(compiled.matrix, offset, strict=True)
                ]
    return found


def _offset(trait: Trait, matrix: Floats, value: float) -> Floats:
    """Return what the weights give at equal means, in standard deviations: 0 for contrasts."""
    return np.asarray((matrix.sum(axis=1) * trait.measurement.mean(0.0) - value) / trait.measurement.variance() ** 0.5)


def _means(study: Study, known: Mapping[str, Trait], wanted: list[_Wanted]) -> tuple[CellMeans, ...]:
    cells = study.crossing.cells()
    places = dict.fromkeys((each.score, each.occasion) for each in wanted)
    found = []
    for score, occasion in places:
        rows = [each for each in wanted if (each.score, each.occasion) == (score, occasion)]
        asked = np.array([known[score].measure.asks(cell.arm) for cell in cells])
        solved = _solve(rows, asked)
        means = {c.key: _plain(float(v)) for c, v, here in zip(cells, solved, asked, strict=True) if here}
        found.append(CellMeans(outcome=score, occasion=occasion, cells=Fixed(means)))
    return tuple(found)


def _solve(rows: list[_Wanted], asked: NDArray[np.bool_]) -> Floats:
    matrix = np.array([each.row for each in rows]) * asked
    values = np.array([each.value for each in rows])
    solved = np.linalg.lstsq(matrix, values, rcond=1e-10)[0]
    off = np.abs(matrix @ solved - values)
    if off.max() > 1e-8:
        names = ", ".join(dict.fromkeys(each.who for each in rows))
        raise DeclarationError(
            f"The hypotheses {names} about {rows[0].score!r} cannot all have their effects at once: they contradict "
            "each other, or one needs people who are not asked. State the cell means in a World of your own."
        )
    return np.where(np.abs(solved) < 1e-12, 0.0, solved)


def _leads(study: Study, steps: Mapping[str, float]) -> tuple[Leads, ...]:
    found: dict[tuple[str, str, str, str], Leads] = {}
    for hypothesis in study.hypotheses:
        path = hypothesis.path
        if path is None:
            continue
        stops = [(m.score, _occasion(study, hypothesis, m.score, m.occasion)) for m in path.through]
        end = (hypothesis.outcome, _occasion(study, hypothesis, hypothesis.outcome))
        chain = [*stops, end]
        pairs = list(pairwise(chain)) if path.structure == "serial" else [(stop, end) for stop in stops]
        for (by, by_at), (outcome, at) in pairs:
            sign = _sign(hypothesis) if (outcome, at) == end and path.structure == "serial" else abs(_sign(hypothesis))
            sign = _sign(hypothesis) if path.structure != "serial" else sign
            key = (outcome, at, by, by_at)
            found.setdefault(
                key, Leads(outcome=outcome, occasion=at, by=by, by_occasion=by_at, slope=sign * steps[hypothesis.name])
            )
    return tuple(found.values())


def _associations(study: Study) -> list[Correlation]:
    found = {}
    for hypothesis in study.hypotheses:
        if isinstance(hypothesis.contrast, Association) and hypothesis.contrast.predictor != hypothesis.outcome:
            size = hypothesis.sesoi.value if hypothesis.sesoi and hypothesis.sesoi.unit == "r" else _EFFECT
            pair = frozenset((hypothesis.contrast.predictor, hypothesis.outcome))
            between = (hypothesis.contrast.predictor, hypothesis.outcome)
            found[pair] = Correlation(between=between, r=_sign(hypothesis) * size)
    return list(found.values())


def _interactions(study: Study) -> list[Interacts]:
    found = []
    for hypothesis in study.hypotheses:
        what = hypothesis.contrast
        if not isinstance(what, Moderation) or what.by not in study.covariates.names or what.level is None:
            continue
        size = hypothesis.sesoi.value if hypothesis.sesoi and hypothesis.sesoi.unit == "sd" else _EFFECT
        found.append(
            Interacts(
                outcome=hypothesis.outcome,
                occasion=_occasion(study, hypothesis, hypothesis.outcome),
                factor=what.factor,
                level=what.level,
                against=what.against or study.factors[what.factor].reference or "",
                by=what.by,
                slope=_sign(hypothesis) * size,
            )
        )
    return found


def with_effects(
    study: Study, world: World, effects: Mapping[str, float], units: Mapping[str, str]
) -> tuple[CellMeans, ...]:
    """Return the cell means of a world in which some hypotheses have given effects.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        Where the other contrasts come from.
    effects : mapping of str to float
        Hypothesis -> value of its contrast.
    units : mapping of str to str
        Hypothesis -> ``"sd"`` or ``"raw"``.

    Returns
    -------
    tuple of CellMeans
        Old means, moved by the smallest change that gives the effects and leaves the other hypotheses' contrasts.
    """
    traits, _ = read_traits(study, world)
    known = {trait.name: trait for trait in traits}
    for name in effects:
        if isinstance(study.hypotheses[name].contrast, Association | Moderation) or study.hypotheses[name].path:
            raise DeclarationError(
                f"Hypothesis {name!r} is no difference of cell means; change 'leads', 'interacts' or 'correlations' of "
                "the world instead."
            )
    means = list(world.means)
    asked_about = {(study.hypotheses[n].outcome, study.occasion_of(study.hypotheses[n])) for n in effects}
    for score, occasion in sorted(asked_about):
        means.append(_moved(study, world, known[score], occasion, effects, units))
    return tuple(means)


def _moved(
    study: Study, world: World, trait: Trait, occasion: str, effects: Mapping[str, float], units: Mapping[str, str]
) -> CellMeans:
    cells = study.crossing.cells()
    sd = trait.measurement.variance() ** 0.5
    old = np.zeros(len(cells))
    after = study.waves[occasion].phase == "after"
    for entry in world.means:
        if entry.outcome == trait.name and (entry.occasion == occasion or (entry.occasion is None and after)):
            old = np.array([entry.cells.get(cell.key, 0.0) for cell in cells]) / (sd if entry.unit == "raw" else 1.0)
    rows = []
    for hypothesis in study.hypotheses:
        slope = isinstance(hypothesis.contrast, Association | Moderation) or hypothesis.path is not None
        if slope or hypothesis.outcome != trait.name or study.occasion_of(hypothesis) != occasion:
            continue
        compiled = weights(hypothesis.contrast, study.crossing)
        now = compiled.matrix @ old
        offset = _offset(trait, compiled.matrix, compiled.value)
        if hypothesis.name in effects:
            value = effects[hypothesis.name] / (sd if units.get(hypothesis.name) == "raw" else 1.0)
            now = np.full(len(now), value) - offset
        rows += [
            _Wanted(who=hypothesis.name, score=trait.name, occasion=occasion, row=row, value=value_now - row @ old)
            for row, value_now in zip(compiled.matrix, now, strict=True)
        ]
    asked = np.array([trait.measure.asks(cell.arm) for cell in cells])
    moved = old + _solve(rows, asked)
    kept = {cell.key: _plain(float(value)) for cell, value in zip(cells, moved, strict=True) if value}
    return CellMeans(outcome=trait.name, occasion=occasion, cells=Fixed(kept))
