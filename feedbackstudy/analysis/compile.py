"""A declared hypothesis as numbers, compiled once: weights, columns and random factors that every engine is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.comparisons import Association, Moderation
from feedbackstudy.design.contrasts import Weights, weights
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.plan import Criterion, Plan
from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate.correlations import containing
from feedbackstudy.study import Study

__all__ = ["Column", "Family", "Kind", "Question", "compiled", "question", "without_model"]

type Kind = Literal["cells", "slope", "slopes", "path"]
type Family = Literal["gaussian", "ordinal", "binary", "count"]

_FAMILIES: Mapping[str, Family] = {"ordinal": "ordinal", "binary": "binary", "count": "count"}
_WITHOUT_ENGINE: Mapping[str, str] = {
    "nominal": "declare the category of interest as a measure of its own (kind: binary) and ask about that",
    "time_to_event": "declare whether it happened by a set time as a binary measure of its own and ask about that",
}
"""Kind of outcome that no engine answers for -> what to ask instead."""
SLOPE = "slope"
"""Key of the one quantity of an association."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the scores at one occasion.

    Attributes
    ----------
    name : str
        The column.
    occasion : str or None
        The wave; None for a covariate, which belongs to the person.
    """

    name: str
    occasion: str | None = None

    def __str__(self) -> str:
        return self.name if self.occasion is None else f"{self.name} at {self.occasion}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One hypothesis, compiled once; every engine applies the same weights to the same rows.

    Attributes
    ----------
    hypothesis : Hypothesis
        The declaration.
    plan : Plan
        The study's plan.
    cells : tuple of str
        Keys of the cells, such as ``"growth:control"``; for an association the one key ``"slope"``.
    weights : ndarray, shape (contrasts, cells)
        One row for a single contrast, several where all levels are compared at once. They apply to the cells' means,
        for a moderation to the cells' slopes, for a path to the cells' means of mediators and outcome.
    labels : tuple of str
        What each row compares.
    value : float
        The fixed value that is subtracted; 0 for contrasts.
    kind : {"cells", "slope", "slopes", "path"}
        What the weights apply to.
    family : {"gaussian", "ordinal", "binary", "count"} or None
        How the outcome behaves, by the kind of its measure; None where no engine answers for that kind.
    outcome_kind : str
        The kind of its measure; empty where the study declares none.
    distribution : str
        The declared law of a count; empty where none is declared.
    occasion : str
        Wave of the outcome; empty where the declaration leaves it open.
    minus : Column or None
        The earlier score of the outcome that is subtracted.
    covariates : tuple of Column
        What is adjusted for: the declared baseline and the plan's covariates.
    predictor : Column or None
        The measured variable of an association or moderation, or a measured moderator of a path.
    steps : tuple of Column
        The mediators of a path, in order.
    groups : tuple of str
        Columns of the random factors that the design calls for: units that contain participants, the exemplar of the
        message.
    outside : tuple of str
        Keys of the arms outside the crossing.
    phrase : str
        The comparison in words, where it is not the declared one.
    """

    hypothesis: Hypothesis
    plan: Plan
    cells: tuple[str, ...]
    weights: NDArray[np.float64]
    labels: tuple[str, ...]
    value: float = 0.0
    kind: Kind = "cells"
    family: Family | None = "gaussian"
    outcome_kind: str = ""
    distribution: str = ""
    occasion: str = ""
    minus: Column | None = None
    covariates: tuple[Column, ...] = ()
    predictor: Column | None = None
    steps: tuple[Column, ...] = ()
    groups: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    phrase: str = ""

    @property
    def criterion(self) -> Criterion | None:
        """The one criterion that decides, where the plan names one."""
        return self.plan.decides.get(self.hypothesis.name)

    @property
    def term(self) -> str:
        """What the comparison is about: its labels in one line."""
        return ", ".join(self.labels)

    @property
    def contrast(self) -> NDArray[np.float64]:
        """The weights of a single contrast.

        Raises
        ------
        DataError
            Where the hypothesis compares all levels at once.
        """
        if len(self.weights) != 1:
            raise DataError(
                f"Hypothesis {self.hypothesis.name!r} compares all levels at once ({', '.join(self.labels)}); "
                "name 'level' and 'against' for a single contrast."
            )
        return np.asarray(self.weights[0], dtype=np.float64)

    @property
    def inside(self) -> bool:
        """Whether only feedback cells have weight, so that arms outside the crossing stay out of the model."""
        used = {key for key, weight in zip(self.cells, self.weights.any(axis=0), strict=True) if weight}
        return not used & set(self.outside)

    def sesoi(self, unit: str) -> float | None:
        """Return the smallest effect of interest, where it is declared in this unit.

        Parameters
        ----------
        unit : str
            Unit of the estimate, in the words of `SmallestEffect`.

        Returns
        -------
        float or None
            Its size; None where the declaration has another unit or none.
        """
        smallest = self.hypothesis.sesoi
        return smallest.value if smallest is not None and smallest.unit == unit else None

    def ordered(self, figures: Mapping[str, float]) -> NDArray[np.float64]:
        """Return figures of the cells in the order of the weights.

        Parameters
        ----------
        figures : mapping of str to float
            Cell key -> figure.

        Returns
        -------
        ndarray, shape (cells,)
            The figures.

        Raises
        ------
        DataError
            For a cell without a figure; the message lists the cells that have one.
        """
        missing = [key for key in self.cells if key not in figures]
        if missing:
            raise DataError(f"No figure for the cells {', '.join(missing)}; the data hold: {', '.join(figures)}.")
        return np.array([figures[key] for key in self.cells], dtype=np.float64)


def question(study: Study, name: str) -> Question:
    """Compile one hypothesis of a study.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        Name of the hypothesis.

    Returns
    -------
    Question
        Hypothesis, weights, columns and plan.

    Raises
    ------
    InputError
        For an unknown hypothesis, or one that cannot be estimated from the cells of the study.
    """
    return compiled(study, study.hypotheses[name])


def compiled(study: Study, hypothesis: Hypothesis) -> Question:
    """Compile a hypothesis for a study, whether it declares it or not.

    Parameters
    ----------
    study : Study
        The study.
    hypothesis : Hypothesis
        Any hypothesis in the study's terms, such as the effect of a factor on a manipulation check.

    Returns
    -------
    Question
        Hypothesis, weights, columns and plan.

    Raises
    ------
    InputError
        For one that cannot be estimated from the cells of the study.
    """
    comparison = hypothesis.contrast
    measured = isinstance(comparison, Association)
    found = None if isinstance(comparison, Association) else weights(comparison, study.crossing)
    occasion = _occasion(study, hypothesis)
    measure = _measure(study, hypothesis.outcome)
    return Question(
        hypothesis=hypothesis,
        plan=study.plan,
        cells=_cells(found),
        weights=np.ones((1, 1)) if found is None else found.matrix,
        labels=_labels(hypothesis, found),
        value=0.0 if found is None else found.value,
        kind="slope" if measured else _kind(hypothesis),
        family=None if measure is None or measure.kind in _WITHOUT_ENGINE else _FAMILIES.get(measure.kind, "gaussian"),
        outcome_kind="" if measure is None else measure.kind,
        distribution=(measure.distribution or "") if measure is not None else "",
        occasion=occasion,
        minus=Column(hypothesis.outcome, hypothesis.change_since) if hypothesis.change_since else None,
        covariates=_covariates(study, hypothesis),
        predictor=_predictor(study, hypothesis, occasion),
        steps=_steps(study, hypothesis, occasion),
        groups=(*containing(study), *(("exemplar",) if study.messages is not None else ())),
        outside=study.arms.names,
    )


def without_model(asked: Question) -> str:
    """Say why no engine answers for an outcome, and what to do.

    Parameters
    ----------
    asked : Question
        A question whose `family` is None.

    Returns
    -------
    str
        One message, naming the outcome and its kind.
    """
    name, kind = asked.hypothesis.outcome, asked.outcome_kind
    if not kind:
        return f"The study declares no measure that yields {name!r}, so its kind is unknown; declare it."
    return (
        f"{name!r} is {kind.replace('_', ' ')}, and analyse has no model for that: {_WITHOUT_ENGINE[kind]}, or "
        "answer it elsewhere and say so in the report."
    )


def _cells(found: Weights | None) -> tuple[str, ...]:
    return (SLOPE,) if found is None else tuple(cell.key for cell in found.cells)


def _labels(hypothesis: Hypothesis, found: Weights | None) -> tuple[str, ...]:
    comparison = hypothesis.contrast
    if isinstance(comparison, Association):
        return (f"slope on {comparison.predictor}",)
    labels = found.labels if found is not None else ()
    if isinstance(comparison, Moderation):
        return tuple(f"slope on {comparison.by}, {label}" for label in labels)
    return labels


def _kind(hypothesis: Hypothesis) -> Kind:
    if isinstance(hypothesis.contrast, Moderation):
        return "slopes"
    return "path" if hypothesis.path is not None else "cells"


def _measure(study: Study, score: str) -> Measure | None:
    try:
        return study.measure_of(score)
    except NotFoundError:
        return None


def _occasion(study: Study, hypothesis: Hypothesis) -> str:
    try:
        return study.occasion_of(hypothesis)
    except NotFoundError:
        return ""


def _predictor(study: Study, hypothesis: Hypothesis, occasion: str) -> Column | None:
    comparison = hypothesis.contrast
    moderator = hypothesis.path.moderator if hypothesis.path is not None else None
    if moderator is not None and moderator.by not in study.factors.names:
        return _column(study, moderator.by, occasion)
    if not isinstance(comparison, Association | Moderation):
        return None
    name = comparison.predictor if isinstance(comparison, Association) else comparison.by
    return _column(study, name, comparison.occasion or occasion)


def _steps(study: Study, hypothesis: Hypothesis, occasion: str) -> tuple[Column, ...]:
    if hypothesis.path is None:
        return ()
    return tuple(_column(study, step.score, step.occasion or occasion) for step in hypothesis.path.through)


def _column(study: Study, name: str, occasion: str) -> Column:
    """Return a score at an occasion that asks it, by default the last, or a covariate."""
    if name in study.covariates.names:
        return Column(name)
    waves = study.measure_of(name).waves
    return Column(name, occasion if occasion in waves else waves[-1])


def _covariates(study: Study, hypothesis: Hypothesis) -> tuple[Column, ...]:
    """Return the baseline and the plan's covariates; a score is taken from its last wave before the feedback."""
    found = [Column(hypothesis.outcome, hypothesis.baseline)] if hypothesis.baseline else []
    for name in study.plan.covariates:
        if name in study.covariates.names:
            found.append(Column(name))
            continue
        asked = study.measure_of(name).waves
        before = [wave.name for wave in study.waves if wave.phase == "before" and wave.name in asked]
        found.append(Column(name, (before or list(asked))[-1]))
    return tuple(dict.fromkeys(found))
