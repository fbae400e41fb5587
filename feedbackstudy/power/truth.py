"""What a hypothesis' contrast truly is in a world."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.ordinal_rows import cumulative_truth
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.model import Model

if TYPE_CHECKING:
    from feedbackstudy.power.asking import Asked
    from feedbackstudy.power.moderated_rows import Moderated

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


def _moderation_truth(model: Model, asked: "Asked") -> float:
    by = next(iter(asked.steps[0]))
    gain = np.zeros(len(model.cells))
    for what in model.world.interacts:
        here = what.occasion in (None, asked.occasion)
        if what.outcome == asked.hypothesis.outcome and here and model.slots[by].name == what.by:
            code = [dict(c.levels).get(what.factor) for c in model.cells]
            gain += what.slope * np.array(
                [0.5 if c == what.level else -0.5 if c == what.against else 0.0 for c in code]
            )
    x = model.slots[by].measurement.coefficients()[1] / model.slots[by].variance
    y = sum(w * model.slots[i].measurement.coefficients()[1] for i, w in asked.outcome.items())
    return float(asked.weights[0] @ gain * x * y)


def _index_truth(model: Model, asked: "Asked", moderated: "Moderated") -> float:
    a = moderated.first @ _means(model, asked.steps[0])
    b = float(model.regression(asked.outcome, (*asked.steps, *asked.covariates))[0])
    return b * float(a[1] - a[0])  # a world's slopes between scores are the same in all cells


def _path_truth(model: Model, asked: "Asked") -> float:
    path = asked.hypothesis.path
    if path is None:
        return float("nan")
    if asked.moderated is not None:
        return _index_truth(model, asked, asked.moderated)
    first = [float(asked.weights[0] @ _means(model, step)) for step in asked.steps]
    if path.structure == "serial":
        found = first[0]
        for j in range(1, len(asked.steps)):
            found *= float(model.regression(asked.steps[j], (*asked.covariates, *asked.steps[:j]))[-1])
        return found * float(model.regression(asked.outcome, (*asked.covariates, *asked.steps))[-1])
    last = model.regression(asked.outcome, (*asked.steps, *asked.covariates))
    each = [a * float(b) for a, b in zip(first, last, strict=False)]
    return each[0] - each[1] if path.effect == "difference" else sum(each)
