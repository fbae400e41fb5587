"""A study's hypotheses as questions to simulated scores: what is compared, and the truth."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.comparisons import Association, Moderation
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError
from feedbackstudy.power.truth import truth_of
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.people import allocation_plan

__all__ = ["Asked", "questions"]

type Floats = NDArray[np.float64]

_RATED = frozenset({"scale", "continuous", "rating", "proportion", "time_to_event"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One hypothesis, ready to be answered by simulated scores.

    Attributes
    ----------
    hypothesis : Hypothesis
        The declaration.
    occasion : str
        Wave of the outcome.
    kind : {"cells", "clusters", "ordinal", "omnibus", "slope", "slopes", "path"}
        What kind of answer.
    weights : ndarray of shape (k, cells)
        Contrasts.
    label : str
        What is compared.
    value : float
        Subtracted from the estimate.
    outcome, minus : mapping of int to float
        Slots that make the outcome, and the earlier wave subtracted from it.
    covariates : tuple of mapping
        Slots adjusted for.
    steps : tuple of mapping
        Slots of mediators, or of the predictor.
    extra : tuple of mapping
        Slots outside the model that tell about what is missing: the outcome at other waves.
    truth : float
        True value of the contrast; NaN for several at once.
    sd : float
        Standard deviation of the outcome within cells.
    robust : bool
        Whether each cell has its own variance.
    """

    hypothesis: Hypothesis
    occasion: str
    kind: str
    weights: Floats
    label: str
    value: float
    outcome: dict[int, float]
    minus: dict[int, float]
    covariates: tuple[dict[int, float], ...]
    steps: tuple[dict[int, float], ...]
    extra: tuple[dict[int, float], ...]
    truth: float
    sd: float
    robust: bool

    @property
    def slots(self) -> set[int]:
        """All slots that the answer needs."""
        parts = (self.outcome, self.minus, *self.covariates, *self.steps, *self.extra)
        return {slot for part in parts for slot in part}

    def inside(self, model: Model) -> bool:
        """Say whether only feedback cells have weight, so that arms outside the crossing stay out of the model.

        Parameters
        ----------
        model : Model
            Study and world as numbers.

        Returns
        -------
        bool
            Whether they have; never for an association, which all people tell about.
        """
        used = self.weights.any(axis=0)
        return bool(used.any() and not used[~model.inside].any())

    @property
    def takes_intercepts(self) -> bool:
        """Whether random intercepts of clusters and exemplars can enter its model."""
        return self.kind in {"slope", "slopes"} or (self.kind == "cells" and not self.robust)

    def words(self, random: tuple[str, ...]) -> str:
        """Return the model in words.

        Parameters
        ----------
        random : tuple of str
            Random factors of the design.

        Returns
        -------
        str
            One line.
        """
        words = {
            "cells": "cell means, a variance for each cell (Welch)" if self.robust else "cell means, pooled variance",
            "clusters": "one number for each cluster, t on clusters minus groups",
            "ordinal": "cumulative logit of the cells",
            "omnibus": "F test of all contrasts",
            "slope": "common slope within cells",
            "slopes": "slopes of the cells",
            "path": "product of coefficients: joint significance, Monte-Carlo interval",
        }[self.kind]
        extra = f", adjusted for {len(self.covariates)} covariates" if self.covariates else ""
        mixed = f"; REML with random intercepts of {', '.join(random)}, Satterthwaite" if random else ""
        return words + extra + (mixed if self.takes_intercepts else "")


def questions(model: Model, *, only: tuple[str, ...] = ()) -> tuple[Asked, ...]:
    """Compile all hypotheses of a study.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    only : tuple of str
        Some hypotheses; all where empty.

    Returns
    -------
    tuple of Asked
        One for each hypothesis.

    Raises
    ------
    InputError
        For a hypothesis that cannot be estimated, named.
    """
    found = []
    for hypothesis in model.study.hypotheses:
        if only and hypothesis.name not in only:
            continue
        try:
            found.append(_asked(model, hypothesis))
        except InputError as fault:
            raise type(fault)(f"Hypothesis {hypothesis.name!r}: {fault}") from fault
    if not found:
        raise InputError("The study declares no hypothesis, so there is nothing to diagnose; use the direct functions.")
    return tuple(found)


def _asked(model: Model, hypothesis: Hypothesis) -> Asked:
    study, contrast = model.study, hypothesis.contrast
    occasion = study.occasion_of(hypothesis)
    outcome = model.parts(hypothesis.outcome, occasion)
    measure = study.measure_of(hypothesis.outcome)
    if measure.kind == "nominal":
        raise InputError(f"{hypothesis.outcome!r} is nominal and has no means to compare.")
    covariates = _covariates(model, hypothesis)
    minus = model.parts(hypothesis.outcome, hypothesis.change_since) if hypothesis.change_since else {}
    steps: tuple[dict[int, float], ...] = ()
    if isinstance(contrast, Association):
        kind, matrix, label, value = "slope", np.zeros((1, len(model.cells))), f"slope on {contrast.predictor}", 0.0
        steps = (_predictor(model, contrast.predictor, contrast.occasion or occasion),)
        covariates = ()
    else:
        compiled = weights(contrast, study.crossing)
        matrix, label, value = compiled.matrix, "; ".join(compiled.labels), compiled.value
        _refuse_not_asked(model, matrix, hypothesis.outcome)
        kind = _kind(model, hypothesis, matrix, covariates)
    if isinstance(contrast, Moderation):
        kind, covariates = "slopes", ()
        steps = (_predictor(model, contrast.by, contrast.occasion or occasion),)
        _refuse_several(matrix, "a moderation")
    if hypothesis.path is not None and hypothesis.path.effect != "total":
        kind, covariates, steps = "path", (), _mediators(model, hypothesis, matrix, occasion)
    asked = Asked(
        hypothesis=hypothesis,
        occasion=occasion,
        kind=kind,
        weights=np.asarray(matrix, dtype=np.float64),
        label=label,
        value=value,
        outcome=outcome,
        minus=minus,
        covariates=covariates,
        steps=steps,
        extra=_extra(model, hypothesis, occasion, covariates) if kind in {"cells", "clusters"} else (),
        truth=np.nan,
        sd=model.sd(hypothesis.outcome, occasion),
        robust=measure.kind not in _RATED,
    )
    return replace(asked, truth=truth_of(model, asked))


def _kind(model: Model, hypothesis: Hypothesis, matrix: Floats, covariates: tuple[dict[int, float], ...]) -> str:
    if len(matrix) > 1:
        return "omnibus"
    if _clustered(model):
        return "clusters"
    graded = model.study.measure_of(hypothesis.outcome).kind == "ordinal"
    contrast = abs(matrix[0].sum()) < 1e-9
    return "ordinal" if graded and contrast and not (covariates or hypothesis.change_since) else "cells"


def _extra(
    model: Model, hypothesis: Hypothesis, occasion: str, covariates: tuple[dict[int, float], ...]
) -> tuple[dict[int, float], ...]:
    """Return the outcome at other waves, where the plan does more about missing answers than leaving people out."""
    if model.study.plan.missing == "listwise":
        return ()
    waves = [w for w in model.study.measure_of(hypothesis.outcome).waves if w != occasion]
    parts = [model.parts(hypothesis.outcome, wave) for wave in waves]
    return tuple(part for part in parts if part not in covariates)


def _refuse_several(matrix: Floats, what: str) -> None:
    if len(matrix) > 1:
        raise InputError(f"{what} is diagnosed for one difference; name 'level' and 'against' of its contrast.")


def _mediators(model: Model, hypothesis: Hypothesis, matrix: Floats, occasion: str) -> tuple[dict[int, float], ...]:
    path = hypothesis.path
    if path is None:
        return ()
    _refuse_several(matrix, "a path")
    if path.effect == "direct" or path.moderator is not None:
        raise InputError(
            "direct effects and moderated paths are not diagnosed from rows; use power.mediation, or give diagnose an "
            "'analysis' of your own."
        )
    for mediator in path.through:
        _refuse_not_asked(model, matrix, mediator.score)
    return tuple(_predictor(model, m.score, m.occasion or occasion) for m in path.through)


def _clustered(model: Model) -> bool:
    if model.study.assignment.method == "stepped_wedge":
        return False
    return allocation_plan(model.study, model.numbers).cluster is not None


def _predictor(model: Model, name: str, occasion: str) -> dict[int, float]:
    if name in model.study.covariates.names:
        return {model.slot(name): 1.0}
    waves = model.study.measure_of(name).waves
    return model.parts(name, occasion if occasion in waves else waves[-1])


def _covariates(model: Model, hypothesis: Hypothesis) -> tuple[dict[int, float], ...]:
    found: list[dict[int, float]] = []
    if hypothesis.baseline:
        found.append(model.parts(hypothesis.outcome, hypothesis.baseline))
    for name in model.study.plan.covariates:
        if name in model.study.covariates.names:
            found.append({model.slot(name): 1.0})
        else:
            waves = [
                w.name
                for w in model.study.waves
                if w.phase == "before" and w.name in model.study.measure_of(name).waves
            ]
            found += [model.parts(name, waves[-1])] if waves else []
    return tuple({tuple(sorted(part.items())): part for part in found}.values())


def _refuse_not_asked(model: Model, matrix: Floats, score: str) -> None:
    measure = model.study.measure_of(score)
    lost = [c.key for c, used in zip(model.cells, matrix.any(axis=0), strict=True) if used and not measure.asks(c.arm)]
    if lost:
        raise InputError(f"it is not estimable: {score!r} is not asked of {', '.join(lost)}.")
