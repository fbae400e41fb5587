"""What a hypothesis' contrast truly is in a world."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.ordinal_rows import logit_truth
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
    if asked.kind in {"cells", "clusters"}:
        truth = float(row @ model.means(score, asked.occasion)) - asked.value
        if asked.hypothesis.change_since:
            truth -= float(row @ model.means(score, asked.hypothesis.change_since))
    elif asked.kind == "ordinal":
        truth = _logit_truth(model, asked)
    elif asked.kind == "slope":
        truth = float(model.regression(asked.outcome, asked.steps)[0])
    elif asked.kind == "slopes":
        truth = _moderation_truth(model, asked)
    elif asked.kind == "path":
        truth = _path_truth(model, asked)
    return truth


def _logit_truth(model: Model, asked: "Asked") -> float:
    (slot,) = asked.outcome
    items = model.slots[slot].measurement
    if not isinstance(items, Graded):
        raise TypeError("an ordinal outcome has categories")
    below = special.ndtr(items.cuts - items.loadings[0] * model.shifts[:, slot, None])
    return logit_truth(np.diff(below, axis=1, prepend=0.0, append=1.0), asked.weights[0])


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


def _path_truth(model: Model, asked: "Asked") -> float:
    path = asked.hypothesis.path
    if path is None:
        return float("nan")
    means = [
        sum(w * np.array([model.slots[i].measurement.mean(s) for s in model.shifts[:, i]]) for i, w in step.items())
        for step in asked.steps
    ]
    first = [float(asked.weights[0] @ mean) for mean in means]
    if path.structure == "serial":
        found = first[0]
        for j in range(1, len(asked.steps)):
            found *= float(model.regression(asked.steps[j], asked.steps[:j])[-1])
        return found * float(model.regression(asked.outcome, asked.steps)[-1])
    last = model.regression(asked.outcome, asked.steps)
    each = [a * float(b) for a, b in zip(first, last, strict=True)]
    return each[0] - each[1] if path.effect == "difference" else sum(each)
