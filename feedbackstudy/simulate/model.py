"""A study and a world as numbers: latent means of cells, covariances of persons, clusters and exemplars."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import DeclarationError, NotFoundError, choices
from feedbackstudy.simulate.correlations import latent_matrix, share_matrix, target_matrix
from feedbackstudy.simulate.covariates import covariate_measurement
from feedbackstudy.simulate.effects import deviations
from feedbackstudy.simulate.names import refuse_unknown
from feedbackstudy.simulate.people import unit_numbers
from feedbackstudy.simulate.slots import Slot, slots_of
from feedbackstudy.simulate.times import feedback_days, wave_days
from feedbackstudy.simulate.traits import Derived, Measurement, Trait, read_traits
from feedbackstudy.simulate.truths import CovariateTruth
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["Model", "compiled"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """Everything that drawing needs.

    Attributes
    ----------
    study : Study
        The study.
    world : World
        The world.
    traits : tuple of Trait
        What is drawn.
    derived : tuple of Derived
        Scores made of several traits.
    slots : tuple of Slot
        A trait at a wave, or a covariate: the latent variables of a person.
    cells : tuple of Cell
        The conditions.
    shifts : ndarray of shape (cells, slots)
        Latent means: the effects, without drift.
    drift : ndarray of shape (cells, slots)
        Latent change with time.
    latent : ndarray of shape (slots, slots)
        Latent correlations within a cell, over all levels.
    roots : mapping of str to ndarray
        Level (``"person"``, ``"exemplar"`` or a unit) -> matrix whose product with its transpose is the level's
        covariance.
    numbers : mapping of str to int
        Unit -> how many; participants first.
    exemplars : tuple of str
        Exemplars of the messages.
    """

    study: Study
    world: World
    traits: tuple[Trait, ...]
    derived: tuple[Derived, ...]
    slots: tuple[Slot, ...]
    cells: tuple[Cell, ...]
    shifts: Floats
    drift: Floats
    latent: Floats
    roots: dict[str, Floats]
    numbers: dict[str, int]
    exemplars: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of participants."""
        return next(iter(self.numbers.values()))

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which cells get feedback."""
        return np.array([cell.arm == FEEDBACK for cell in self.cells])

    def slot(self, name: str, occasion: str = "") -> int:
        """Return the place of a trait at a wave, or of a covariate.

        Parameters
        ----------
        name : str
            Trait or covariate.
        occasion : str
            Wave; empty for a covariate.

        Returns
        -------
        int
            Its index among the slots.
        """
        for i, slot in enumerate(self.slots):
            if slot.name == name and slot.occasion == occasion:
                return i
        known = [f"{s.name}@{s.occasion}" if s.occasion else s.name for s in self.slots]
        raise NotFoundError(choices("Score", f"{name}@{occasion}" if occasion else name, known))

    def parts(self, score: str, occasion: str) -> dict[int, float]:
        """Return the slots that make a score, with their weights.

        Parameters
        ----------
        score : str
            Score column.
        occasion : str
            Wave.

        Returns
        -------
        dict
            Slot -> weight.
        """
        made = next((d for d in self.derived if d.name == score), None)
        parts = made.parts if made is not None else {score: 1.0}
        return {self.slot(name, occasion): weight for name, weight in parts.items()}

    def means(self, score: str, occasion: str) -> Floats:
        """Return the true means of the cells: those of people who answer, attend and comply, without drift.

        Parameters
        ----------
        score : str
            Score column.
        occasion : str
            Wave.

        Returns
        -------
        ndarray
            One mean for each cell.
        """
        total = np.zeros(len(self.cells))
        for slot, weight in self.parts(score, occasion).items():
            total += weight * np.array([self.slots[slot].measurement.mean(s) for s in self.shifts[:, slot]])
        return total

    def sd(self, score: str, occasion: str) -> float:
        """Return the standard deviation of a score within cells, at the score's mean.

        Parameters
        ----------
        score : str
            Score column.
        occasion : str
            Wave.

        Returns
        -------
        float
            Standard deviation.
        """
        parts = self.parts(score, occasion)
        return float(np.sqrt(self._between(parts, parts)))

    def regression(self, outcome: dict[int, float], predictors: Sequence[dict[int, float]]) -> Floats:
        """Return the true slopes within cells, in units of the scores.

        Parameters
        ----------
        outcome : dict
            Slot -> weight.
        predictors : sequence of dict
            The same for each predictor.

        Returns
        -------
        ndarray
            One slope for each predictor, the others held still.
        """
        joint = np.array([[self._between(a, b) for b in predictors] for a in predictors])
        return np.asarray(np.linalg.solve(joint, np.array([self._between(a, outcome) for a in predictors])))

    def _between(self, first: dict[int, float], second: dict[int, float]) -> float:
        return sum(
            wi * wj * (self.slots[i].variance if i == j else self._covariance(i, j))
            for i, wi in first.items()
            for j, wj in second.items()
        )

    def _covariance(self, i: int, j: int) -> float:
        a, b = (self.slots[k].measurement.coefficients()[1:] for k in (i, j))
        return float((a * b * self.latent[i, j] ** np.arange(1, len(a) + 1)).sum())


def compiled(study: Study, world: World) -> Model:
    """Turn a study and a world into numbers.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        The world.

    Returns
    -------
    Model
        Ready to draw from.

    Raises
    ------
    InputError
        For names that the study does not have, impossible distributions, correlations that cannot hold together, or
        no planned number of participants.
    """
    varied = [factor.name for factor in study.factors if factor.varies == "within"]
    if varied:
        raise DeclarationError(
            f"The factor {varied[0]!r} varies within people, and a table of answers has one row for each person and "
            "wave; vignette decks cannot be simulated yet. Use power.anova for their power."
        )
    traits, derived = read_traits(study, world)
    refuse_unknown(world, study, tuple(trait.name for trait in traits))
    covariates: dict[str, Measurement] = {
        c.name: covariate_measurement(c, world.covariates.get(c.name) or CovariateTruth(name=c.name))
        for c in study.covariates
    }
    slots = slots_of(study, traits, covariates)
    cells = study.crossing.cells()
    exemplars = study_exemplars(study)
    latent = latent_matrix(slots, target_matrix(study, world, slots), scored=world.metric == "score")
    numbers = unit_numbers(study, world)
    shifts = deviations(study, world, slots, cells)
    feedback = feedback_days(study, world, cells)
    drift = np.zeros_like(shifts)
    for i, slot in enumerate(slots):
        if slot.occasion:
            days = wave_days(study.waves[slot.occasion], world, feedback)
            drift[:, i] = world.drift.get(slot.name, 0.0) * days / 30
    return Model(
        study=study,
        world=world,
        traits=traits,
        derived=derived,
        slots=slots,
        cells=cells,
        shifts=shifts,
        drift=drift,
        latent=latent,
        roots=share_matrix(study, world, slots, latent, exemplars=bool(exemplars)),
        numbers=numbers,
        exemplars=exemplars,
    )
