"""A study and a world as numbers: latent means of cells, covariances of persons, clusters and exemplars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate.allocated import Given
from feedbackstudy.simulate.correlations import square_root
from feedbackstudy.simulate.covariates import covariate_numbers
from feedbackstudy.simulate.effects import deviations
from feedbackstudy.simulate.slots import Slot
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.traits import Derived, Trait
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Model"]

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
    taken_from : tuple or None
        All slots, and the places of these among them, where the model was reduced.
    given : Given or None
        The allocation whose people and scheme take the place of the study's own assignment.
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
    taken_from: tuple[tuple[Slot, ...], tuple[int, ...]] | None = None
    given: Given | None = None

    @property
    def n(self) -> int:
        """Number of participants."""
        return next(iter(self.numbers.values()))

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which cells get feedback."""
        return np.array([cell.arm == FEEDBACK for cell in self.cells])

    def asks(self, measure: Measure) -> NDArray[np.bool_]:
        """Return which cells are asked a measure.

        Parameters
        ----------
        measure : Measure
            The measure.

        Returns
        -------
        ndarray of bool
            One for each cell.
        """
        return np.array([measure.asks(cell.arm) for cell in self.cells])

    def asked(self, slot: int) -> NDArray[np.bool_]:
        """Return which cells are asked a slot; all have covariates.

        Parameters
        ----------
        slot : int
            Its place.

        Returns
        -------
        ndarray of bool
            One for each cell.
        """
        trait = self.slots[slot].trait
        return np.ones(len(self.cells), dtype=bool) if trait is None else self.asks(trait.measure)

    def items_at(self, wave: str) -> Floats:
        """Return how many items and covariates each cell is asked at a wave.

        Parameters
        ----------
        wave : str
            The wave.

        Returns
        -------
        ndarray
            One number for each cell.
        """
        found = np.full(len(self.cells), float(sum(c.known_from == wave for c in self.study.covariates)))
        for trait in self.traits:
            if wave in trait.measure.waves:
                found += self.asks(trait.measure) * len(trait.columns)
        return found

    def value_of(self, name: str, code: float | str | None) -> float | None:
        """Return a code of a score or covariate as the number that is simulated.

        Parameters
        ----------
        name : str
            Score or covariate.
        code : float, str or None
            A number, or the code of a level.

        Returns
        -------
        float or None
            None for a text that is no level.
        """
        if code is None or not isinstance(code, str):
            return code
        if name in self.study.covariates.names:
            return covariate_numbers(self.study.covariates[name]).get(code)
        trait = next((t for t in self.traits if t.name == name), None)
        return next((value for value, c in trait.codes.items() if str(c) == code), None) if trait is not None else None

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
        return self.spread(self.parts(score, occasion))

    def spread(self, part: dict[int, float]) -> float:
        """Return the standard deviation of a sum of slots within cells, at its mean.

        Parameters
        ----------
        part : dict
            Slot -> weight.

        Returns
        -------
        float
            Standard deviation.
        """
        return float(np.sqrt(self._between(part, part)))

    def reduced(self, needed: Iterable[int]) -> "Model":
        """Return the model of some slots, and of those that decide who stays or moderate an effect.

        Parameters
        ----------
        needed : iterable of int
            Places of slots.

        Returns
        -------
        Model
            With the same distribution of these slots; others cannot be drawn from it.
        """
        world = self.world
        also = {what.by for what in world.interacts} | {world.attrition.because_of}
        used = sorted({*needed, *(i for i, slot in enumerate(self.slots) if slot.name in also)})
        if len(used) == len(self.slots) or not used:
            return self
        return replace(
            self,
            slots=tuple(self.slots[i] for i in used),
            taken_from=(self.slots, tuple(used)),
            shifts=self.shifts[:, used],
            drift=self.drift[:, used],
            latent=self.latent[np.ix_(used, used)],
            roots={level: square_root(root[used] @ root[used].T) for level, root in self.roots.items()},
        )

    def drawn(self, seed: int, replicate: int) -> "Model":
        """Return the model of one replicate where the world draws its effects from priors.

        Parameters
        ----------
        seed : int
            The seed.
        replicate : int
            Number of the replicate.

        Returns
        -------
        Model
            This one where effects are the world's means.
        """
        if self.world.effects != "priors":
            return self
        world = self.world.drawn(self.study, stream(seed, replicate, "prior"))
        slots, used = self.taken_from or (self.slots, tuple(range(len(self.slots))))
        return replace(self, world=world, shifts=deviations(self.study, world, slots, self.cells)[:, used])

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
