"""A study's hypotheses as questions to simulated scores: what is compared, by which model, and the truth."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Column, Question, compiled
from feedbackstudy.analysis.deciding import decides_with
from feedbackstudy.analysis.material import refuse_not_asked
from feedbackstudy.analysis.thresholds import Measured, measured_by
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError
from feedbackstudy.power.path_declared import comparison, index_words, refuse_categories
from feedbackstudy.power.path_effects import Comparison
from feedbackstudy.power.truth import truth_of
from feedbackstudy.simulate.model import Model

__all__ = ["Asked", "questions"]

type Floats = NDArray[np.float64]

_LATENT_SD = {"latent": 1.0, "log odds": float(np.pi / np.sqrt(3)), "log rate": float("nan")}
_OWN_MODELS = {"binary": "odds", "count": "rates", "ordinal": "graded"}
_WORDS = {
    "cells": "cell means, pooled variance",
    "welch": "cell means, a variance for each cell (Welch)",
    "odds": "logistic model of the cells",
    "rates": "negative binomial model of the cells",
    "graded": "cumulative probit model of the cells",
    "omnibus": "F test of all contrasts",
    "slope": "common slope within cells",
    "slopes": "a slope in each cell",
    "path": "product of coefficients: joint significance, Monte-Carlo interval",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One hypothesis, ready to be answered by simulated scores.

    Attributes
    ----------
    question : Question
        The hypothesis as `analyse` compiles it: weights, columns, random factors.
    kind : {"cells", "welch", "odds", "rates", "graded", "omnibus", "slope", "slopes", "path"}
        The model.
    weights : ndarray of shape (k, cells)
        Contrasts of the cells; none has weight for an association.
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
        Standard deviation of the outcome within cells, on the scale of the estimate; NaN where that has none.
    sd_x : float or None
        That of the predictor.
    compared : Comparison or None
        What a moderated or parallel path compares.
    by : mapping
        Slots of the measured variable that moderates a path.
    unweighted : bool
        Whether `analyse` weights rows by an allocation's probabilities, but not the answer that decides here.
    """

    question: Question
    kind: str
    weights: Floats
    outcome: dict[int, float]
    minus: dict[int, float]
    covariates: tuple[dict[int, float], ...]
    steps: tuple[dict[int, float], ...]
    extra: tuple[dict[int, float], ...]
    truth: float
    sd: float
    sd_x: float | None = None
    compared: Comparison | None = None
    by: dict[int, float] = field(default_factory=dict)
    unweighted: bool = False

    @property
    def hypothesis(self) -> Hypothesis:
        """The declaration."""
        return self.question.hypothesis

    @property
    def occasion(self) -> str:
        """Wave of the outcome."""
        return self.question.occasion

    @property
    def label(self) -> str:
        """What is compared."""
        return "; ".join(self.question.labels)

    @property
    def value(self) -> float:
        """What is subtracted from the estimate."""
        return self.question.value

    @property
    def slots(self) -> set[int]:
        """All slots that the answer needs."""
        parts = (self.outcome, self.minus, *self.covariates, *self.steps, *self.extra, self.by)
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
    def measured(self) -> Measured:
        """What the estimate is measured in: points of the score, unless the outcome has a model of its own."""
        return measured_by(self.question) if self.kind in _OWN_MODELS.values() else "points"

    @property
    def approximated(self) -> bool:
        """Whether `analyse` would use a model for this kind of outcome, and a linear one stands in for it here."""
        own = _OWN_MODELS.get(self.question.family or "")
        return own is not None and self.kind != own

    @property
    def takes_intercepts(self) -> bool:
        """Whether random intercepts enter its model; where they do, outcomes of all kinds are analysed as scores."""
        return self.kind not in _OWN_MODELS.values()

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
        extra = f", adjusted for {len(self.covariates)} covariate(s)" if self.covariates else ""
        what = _WORDS["cells" if random and self.kind == "welch" else self.kind]
        if self.compared is not None:
            declared = self.hypothesis.path.moderator if self.hypothesis.path is not None else None
            what = index_words(self.compared, "" if declared is None else declared.by, measured=bool(self.by))
        mixed = f"; REML, random: {', '.join(random)}; degrees of freedom by Satterthwaite" if random else ""
        stands = f", in place of the {self.question.family} model of analyse" if self.approximated else ""
        return what + extra + (mixed if self.takes_intercepts else "") + stands


def questions(model: Model, *, only: tuple[str, ...] = (), random: bool = False) -> tuple[Asked, ...]:
    """Compile all hypotheses of a study.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    only : tuple of str
        Some hypotheses; all where empty.
    random : bool
        Whether the design has random factors, so that models are linear and mixed.

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
            found.append(_asked(model, compiled(model.study, hypothesis), random=random))
        except InputError as fault:
            raise type(fault)(f"Hypothesis {hypothesis.name!r}: {fault}") from fault
    if not found:
        raise InputError("The study declares no hypothesis, so there is nothing to diagnose; use the direct functions.")
    return tuple(found)


def _asked(model: Model, question: Question, *, random: bool) -> Asked:
    hypothesis = question.hypothesis
    if question.family is None:
        what = model.study.measure_of(hypothesis.outcome).kind
        raise InputError(f"{hypothesis.outcome!r} is {what} and has no means to compare; 'analyse' has no model of it.")
    linked = question.kind == "slope"
    matrix = np.zeros((1, len(model.cells))) if linked else np.asarray(question.weights, dtype=np.float64)
    refuse_not_asked(question, model.study)
    if question.predictor is not None:
        refuse_categories(model, question.predictor.name)
    steps = question.steps or ((question.predictor,) if question.predictor is not None else ())
    kept = [column for column in question.covariates if column != question.predictor]
    kind = _kind(question, len(matrix), random=random or bool(kept))
    compared = comparison(model, hypothesis, matrix[0])
    direct = compared is None and hypothesis.path is not None and hypothesis.path.effect == "direct"
    by = question.predictor if compared is not None else None
    outcome = _part(model, Column(hypothesis.outcome, question.occasion))
    asked = Asked(
        question=question,
        kind=kind,
        weights=matrix,
        outcome=outcome,
        minus=_part(model, question.minus) if question.minus is not None else {},
        covariates=tuple(_part(model, column) for column in (*kept, *(steps if direct else ()))),
        steps=() if direct or kind not in {"path", "slope", "slopes"} else tuple(_part(model, c) for c in steps),
        extra=(),
        truth=np.nan,
        sd=np.nan,
        compared=compared,
        by=_part(model, by) if by is not None else {},
        unweighted=_unweighted(model, question),
    )
    sd = _LATENT_SD.get(asked.measured, model.spread(outcome))
    sd_x = model.spread(asked.steps[0]) if kind in {"slope", "slopes"} else None
    asked = replace(asked, extra=_extra(model, asked), sd=sd, sd_x=sd_x)
    return replace(asked, truth=truth_of(model, asked))


def _unweighted(model: Model, question: Question) -> bool:
    if model.given is None or not model.given.weighted:
        return False
    return question.kind == "path" or decides_with(question.criterion) == "bayesian"


def _kind(question: Question, rows: int, *, random: bool) -> str:
    """Return the model that `analyse` takes, or the linear one that stands in for it."""
    path = question.hypothesis.path
    contrast = path is not None and path.effect in {"total", "direct"} and path.moderator is None
    if question.kind in {"slope", "slopes"} or (path is not None and not contrast):
        _refuse_several(rows, question)
        return question.kind
    if rows > 1:
        return "omnibus"
    plain = not random and path is None and question.minus is None and abs(question.weights[0].sum()) < 1e-9
    if question.family in _OWN_MODELS:
        own = plain and measured_by(question) in _LATENT_SD
        return _OWN_MODELS[question.family] if own else "welch"
    return "cells"


def _refuse_several(rows: int, question: Question) -> None:
    path = question.hypothesis.path
    if rows > 1:
        what = "a path" if path is not None else "a moderation"
        raise InputError(f"{what} is diagnosed for one difference; name 'level' and 'against' of its contrast.")


def _part(model: Model, column: Column) -> dict[int, float]:
    """Return the slots that make a column of the scores."""
    if column.occasion is None:
        return {model.slot(column.name): 1.0}
    return model.parts(column.name, column.occasion)


def _extra(model: Model, asked: Asked) -> tuple[dict[int, float], ...]:
    """Return the outcome at other waves, where the plan does more about missing answers than leaving people out."""
    if model.study.plan.missing == "listwise" or asked.kind not in {"cells", "welch"}:
        return ()
    name = asked.hypothesis.outcome
    waves = [w for w in model.study.measure_of(name).waves if w != asked.occasion]
    parts = [model.parts(name, wave) for wave in waves]
    return tuple(part for part in parts if part not in asked.covariates)
