"""What a hypothesis' contrast truly is in a world."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.ordinal_rows import cumulative_truth
from feedbackstudy.power.path_effects import Comparison, LegValues, effect_at
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.model import Model

if TYPE_CHECKING:
    from feedbackstudy.power.asking import Asked

__all__ = ["truth_of"]

type Floats = NDArray[np.float64]


def truth_of(model: Model, asked: "Asked") -> float:
    """Return the true value of a hypothesis' contrast.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    asked : Asked
        The hypothesis.

    Returns
    -------
    float
        NaN for several contrasts at once.
    """
    score, row = asked.hypothesis.outcome, asked.weights[0]
    truth = np.nan
    if asked.kind in {"cells", "welch"}:
        truth = float(row @ model.means(score, asked.occasion)) - asked.value
        if asked.hypothesis.change_since:
            truth -= float(row @ model.means(score, asked.hypothesis.change_since))
        truth -= _adjustment(model, asked)
    elif asked.kind in {"odds", "graded"}:
        truth = _graded_truth(model, asked)
    elif asked.kind == "rates":
        used = row != 0
        truth = float(row[used] @ np.log(model.means(score, asked.occasion)[used]))
    elif asked.kind == "slope":
        truth = float(model.regression(asked.outcome, (*asked.steps, *asked.covariates))[0])
    elif asked.kind == "slopes":
        truth = _moderation_truth(model, asked)
    elif asked.kind == "path":
        truth = _path_truth(model, asked)
    return truth


def _means(model: Model, part: dict[int, float]) -> Floats:
    """Return the true cell means of a sum of slots."""
    found = np.zeros(len(model.cells))
    for i, weight in part.items():
        found += weight * np.array([model.slots[i].measurement.mean(s) for s in model.shifts[:, i]])
    return found


def _adjustment(model: Model, asked: "Asked") -> float:
    """Return what adjusting takes off a contrast, where covariates differ between cells as mediators do."""
    apart = np.array([float(asked.weights[0] @ _means(model, part)) for part in asked.covariates])
    if not np.abs(apart).max(initial=0.0) > 1e-12:
        return 0.0
    outcome = dict(asked.outcome)
    for i, weight in asked.minus.items():
        outcome[i] = outcome.get(i, 0.0) - weight
    return float(apart @ model.regression(outcome, asked.covariates))


def _graded_truth(model: Model, asked: "Asked") -> float:
    (slot,) = asked.outcome
    items = model.slots[slot].measurement
    if not isinstance(items, Graded):
        raise TypeError("an ordinal outcome has categories")
    below = special.ndtr(items.cuts - items.loadings[0] * model.shifts[:, slot, None])
    if asked.kind == "odds":
        used = asked.weights[0] != 0
        return float(asked.weights[0][used] @ -special.logit(below[used, -1]))
    return cumulative_truth(np.diff(below, axis=1, prepend=0.0, append=1.0), asked.weights[0])


def _gain(model: Model, outcome: str, occasion: str, part: dict[int, float], by: int) -> Floats:
    """Return how much each cell's mean of a score grows for one unit of a covariate."""
    gain = np.zeros(len(model.cells))
    for what in model.world.interacts:
        here = what.occasion in (None, occasion)
        if what.outcome == outcome and here and model.slots[by].name == what.by:
            code = [dict(c.levels).get(what.factor) for c in model.cells]
            gain += what.slope * np.array(
                [0.5 if c == what.level else -0.5 if c == what.against else 0.0 for c in code]
            )
    x = model.slots[by].measurement.coefficients()[1] / model.slots[by].variance
    y = sum(w * model.slots[i].measurement.coefficients()[1] for i, w in part.items())
    return np.asarray(gain * x * y)


def _moderation_truth(model: Model, asked: "Asked") -> float:
    by = next(iter(asked.steps[0]))
    gain = _gain(model, asked.hypothesis.outcome, asked.occasion, asked.outcome, by)
    return float(asked.weights[0] @ gain)


def _path_truth(model: Model, asked: "Asked") -> float:
    path = asked.hypothesis.path
    if path is None:
        return float("nan")
    whole = np.stack([asked.weights[0]] * 2)
    compared = asked.compared or Comparison(
        structure=path.structure, effect=path.effect, on=(), first=whole, direct=whole
    )
    legs, apart = _true_legs(model, asked, compared)
    low, high = (float(effect_at(legs, path.structure, path.effect, end)[0]) for end in (0, 1))
    if not compared.on:
        return low
    return (high - low) / (apart if asked.by and compared.per_unit else 1.0)


def _true_legs(model: Model, asked: "Asked", compared: Comparison) -> tuple[LegValues, float]:
    """Return the legs at both ends of the moderator, and how far its ends are apart.

    Slopes between scores are those within cells, the moderator held still, the same at both ends.
    """
    steps, rest = asked.steps, (*asked.covariates, *((asked.by,) if asked.by else ()))
    serial = compared.structure == "serial"
    b = model.regression(asked.outcome, (*steps, *rest))[: len(steps)]
    before = range(len(steps)) if serial else ()
    slopes = {j: model.regression(steps[j], (*steps[:j], *rest)) for j in before[1:]}
    d = {(i, j): found[i] for j, found in slopes.items() for i in range(j)}
    first, apart = _ends(model, asked, compared.first, "first" in compared.on)
    last, _ = _ends(model, asked, compared.direct, "direct" in compared.on)
    a = [first[j] - sum(slope * first[i] for (i, k), slope in d.items() if k == j) for j in range(len(steps))]
    direct = last[-1] - sum(slope * last[j] for j, slope in enumerate(b))
    legs = LegValues(
        a=[(each[:1], each[1:]) for each in a],
        b=[(b[j : j + 1], b[j : j + 1]) for j in range(len(steps))],
        d={pair: np.array([slope]) for pair, slope in d.items()},
        direct=(direct[:1], direct[1:]),
    )
    return legs, apart


def _ends(model: Model, asked: "Asked", rows: Floats, moves: bool) -> tuple[list[Floats], float]:
    """Return the contrasts of each mediator's means, and last of the outcome's, at both ends of the moderator."""
    names = [asked.question.steps[j] for j in range(len(asked.steps))]
    scores = [(c.name, c.occasion or "", part) for c, part in zip(names, asked.steps, strict=True)]
    scores.append((asked.hypothesis.outcome, asked.occasion, asked.outcome))
    found = [rows @ _means(model, part) for _, _, part in scores]
    if not asked.by:
        return found, 1.0
    slot = next(iter(asked.by))
    items, half = model.slots[slot].measurement, model.spread(asked.by)
    if isinstance(items, Graded) and len(items.values) == 2 and len(items.loadings) == 1:
        half = items.unit * float(items.values[1] - items.values[0]) / 2
    ends = np.array([-half, half])
    if moves:
        gains = [_gain(model, name, occasion, part, slot) for name, occasion, part in scores]
        found = [each + ends * (rows @ gain) for each, gain in zip(found, gains, strict=True)]
    return found, float(ends[1] - ends[0])
