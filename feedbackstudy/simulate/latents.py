"""Latent variables of people: cell means, clusters, exemplars, persons; and who complies, reads, and stays."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.simulate.allocated import held_categories
from feedbackstudy.simulate.assigning import Assigned, Assigner
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.telling import deal_stories

__all__ = ["People", "Sampler", "compliance", "means_of", "spread_exemplars", "staying", "text_of", "trend_of"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class People:
    """One sample of people.

    Attributes
    ----------
    cell : ndarray of shape (n,)
        Assigned cell.
    clusters : mapping of str to ndarray
        Unit -> number of its unit.
    exemplar : ndarray of shape (n,)
        Exemplar read; -1 where none.
    latent : ndarray of shape (n, slots)
        Latent variables, effects and drift included.
    complied : ndarray of bool
        Who got what was assigned.
    careless : ndarray of shape (n,)
        0 attentive, 1 answers at random, 2 always the same answer.
    period : ndarray of shape (n,) or None
        Period of a stepped wedge, from 0.
    """

    cell: Ints
    clusters: dict[str, Ints]
    exemplar: Ints
    latent: Floats
    complied: NDArray[np.bool_]
    careless: Ints
    period: Ints | None = None


class Sampler:
    """Draws people of a model, replicate by replicate, each from streams of its own.

    Parameters
    ----------
    model : Model
        The model.
    seed : int
        The seed.
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.model, self.seed = model, seed
        self.assigner = Assigner(model.study, model.numbers, model.given)
        self.codes = self.assigner.codes

    def people(self, replicate: int) -> People:
        """Draw one sample.

        Parameters
        ----------
        replicate : int
            Its number.

        Returns
        -------
        People
            The same for the same seed and number, whatever else was drawn.
        """
        latent = self._people(replicate)
        assigned = self.assigner.draw(stream(self.seed, replicate, "allocation"), self._strata(replicate, latent))
        return self._read(replicate, latent, assigned, assigned.cell)

    def stories(self, replicate: int) -> list[People]:
        """Draw one sample of people who read several stories each.

        Parameters
        ----------
        replicate : int
            Its number.

        Returns
        -------
        list of People
            The same people at each story, in the order of reading; cell -1 where somebody reads no more.
        """
        latent = self._people(replicate)
        assigned = self.assigner.draw(stream(self.seed, replicate, "allocation"), self._strata(replicate, latent))
        told = deal_stories(self.model.study, self.model.cells, assigned.cell, stream(self.seed, replicate, "stories"))
        made = []
        for j, cell in enumerate(told):
            chance = stream(self.seed, replicate, f"story:{j}")
            own = chance.standard_normal(latent.shape) @ self.model.roots["story"].T
            people = self._read(replicate, latent + own, assigned, np.where(cell < 0, assigned.cell, cell))
            made.append(replace(people, cell=cell))
        return made

    def _read(self, replicate: int, people: Floats, assigned: Assigned, cell: Ints) -> People:
        """Return what people have in mind after they read what a cell gets."""
        exemplar = spread_exemplars(self.model, cell, stream(self.seed, replicate, "exemplar"))
        latent = people + self._texts(replicate, cell, exemplar)
        chance = stream(self.seed, replicate, "conduct")
        complied, actual = compliance(self.model, cell, chance.random(len(cell)))
        careless = self._careless(chance)
        latent += means_of(self.model, cell, complied=complied, actual=actual, latent=latent)
        if assigned.period is not None:
            latent += trend_of(self.model)[None] * assigned.period[:, None]
        return People(
            cell=cell,
            clusters=self.codes,
            exemplar=exemplar,
            latent=latent,
            complied=complied,
            careless=careless,
            period=assigned.period,
        )

    def _strata(self, replicate: int, latent: Floats) -> dict[str, Ints]:
        """Return the categories of covariates that the assignment respects."""
        found = {}
        for name in self.assigner.strata:
            i = self.model.slot(name)
            chance = stream(self.seed, replicate, f"answers:{name}@")
            found[name] = self.model.slots[i].measurement.answers(latent[:, i], chance)[:, 0].astype(np.int64)
        return found

    def _people(self, replicate: int) -> Floats:
        """Return what persons and the units that contain them bring along."""
        model = self.model
        shape = (model.n, len(model.slots))
        latent: Floats = stream(self.seed, replicate, "person").standard_normal(shape) @ model.roots["person"].T
        for level, root in model.roots.items():
            if level in self.codes:
                chance = stream(self.seed, replicate, f"level:{level}")
                latent += (chance.standard_normal((model.numbers[level], shape[1])) @ root.T)[self.codes[level]]
        return np.asarray(held_categories(model, latent[None], stream(self.seed, replicate, "strata"))[0])

    def _texts(self, replicate: int, cell: Ints, exemplar: Ints) -> Floats:
        model = self.model
        shape = (model.n, len(model.slots))
        latent = np.zeros(shape)
        for level in ("exemplar", "text"):
            if level in model.roots:
                chance, root = stream(self.seed, replicate, f"level:{level}"), model.roots[level]
                group, size = text_of(model, level, cell, exemplar)
                shared = chance.standard_normal((size, shape[1])) @ root.T
                alone = chance.standard_normal(shape) @ root.T  # those who read none: a text of their own, as it were
                latent += np.where(exemplar[:, None] >= 0, shared[group], alone)
        return latent

    def _careless(self, chance: np.random.Generator) -> Ints:
        said = self.model.world.carelessness
        who = chance.random(self.model.n) < said.share
        straight = chance.random(self.model.n) < said.straight
        return np.where(who, np.where(straight, 2, 1), 0)


def spread_exemplars(model: Model, cell: Ints, chance: np.random.Generator) -> Ints:
    """Spread the people of each cell evenly over exemplars.

    Parameters
    ----------
    model : Model
        The model.
    cell : ndarray of shape (n,)
        Cells.
    chance : Generator
        A stream.

    Returns
    -------
    ndarray of shape (n,)
        Exemplar of each person; -1 outside the crossing, or where the study has no messages.
    """
    k = len(model.exemplars)
    found = np.full(len(cell), -1)
    if k:
        for each in np.flatnonzero(model.inside):
            here = np.flatnonzero(cell == each)
            found[here] = (chance.permutation(len(here)) + chance.integers(k)) % k
    return found


def text_of(model: Model, level: str, cell: Ints, exemplar: Ints) -> tuple[Ints, int]:
    """Return which random effect of the messages each person gets.

    Parameters
    ----------
    model : Model
        The model.
    level : {"exemplar", "text"}
        The content, which all cells share, or the single text: an exemplar in a cell.
    cell, exemplar : ndarray of shape (n,)
        What each person reads.

    Returns
    -------
    ndarray of shape (n,), int
        Number of the effect (-1 where none), and how many there are.
    """
    k = len(model.exemplars)
    if level == "exemplar":
        return exemplar, k
    return np.where(exemplar >= 0, cell * k + exemplar, -1), k * len(model.cells)


def trend_of(model: Model) -> Floats:
    """Return how much the latent variables change from one period of a stepped wedge to the next.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    ndarray of shape (slots,)
        0 for covariates.
    """
    return np.array([model.world.trend.get(slot.name, 0.0) if slot.occasion else 0.0 for slot in model.slots])


def compliance(model: Model, cell: Ints, luck: Floats) -> tuple[NDArray[np.bool_], int]:
    """Return who gets what was assigned.

    Parameters
    ----------
    model : Model
        The model.
    cell : ndarray of shape (n,)
        Assigned cells.
    luck : ndarray of shape (n,)
        Uniform draws between 0 and 1; a person's are the same for all stories.

    Returns
    -------
    ndarray of bool, int
        Who complies, and the cell that the others get; -1 for none.
    """
    said = model.world.non_compliance
    keys = [c.key for c in model.cells]
    shares = np.array([said.by_cell.get(key, said.share) for key in keys]) * model.inside
    complied = luck >= shares[cell]
    return complied, -1 if said.instead == "nothing" else keys.index(said.instead)


def means_of(
    model: Model,
    cell: Ints,
    *,
    complied: NDArray[np.bool_],
    actual: int,
    latent: Floats,
    shifts: Floats | None = None,
) -> Floats:
    """Return the latent mean of everybody.

    Parameters
    ----------
    model : Model
        The model.
    cell : ndarray of shape (n,)
        Assigned cells.
    complied : ndarray of bool
        Who gets what was assigned.
    actual : int
        The cell that the others get; -1 for none.
    latent : ndarray of shape (n, slots)
        What people bring along, for effects that depend on it.
    shifts : ndarray of shape (replicates, cells, slots), optional
        Latent means of replicates that stand one behind the other, instead of the model's.

    Returns
    -------
    ndarray of shape (n, slots)
        Effects and drift.
    """
    table = model.shifts[None] if shifts is None else shifts
    which = np.repeat(np.arange(len(table)), len(cell) // len(table))
    found = table[which, cell]
    if not complied.all():
        found[~complied] = table[which[~complied], actual] if actual >= 0 else 0.0
    found = found + model.drift[cell]
    for what in model.world.interacts:
        code = np.array([_half(dict(c.levels).get(what.factor), what.level, what.against) for c in model.cells])
        by = latent[:, model.slot(what.by)]
        for i, slot in enumerate(model.slots):
            here = slot.occasion == what.occasion or (what.occasion is None and slot.after)
            if slot.name == what.outcome and here:
                found[:, i] += what.slope * code[cell] * by * complied
    return found


def _half(found: str | None, level: str, against: str) -> float:
    return 0.5 if found == level else -0.5 if found == against else 0.0


def staying(model: Model, cell: Ints, scores: Floats, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Return who is there at each wave; who has gone stays away.

    Parameters
    ----------
    model : Model
        The model.
    cell : ndarray of shape (n,)
        Assigned cells.
    scores : ndarray of shape (n, slots)
        Scores, standardised by their population mean and standard deviation.
    chance : Generator
        A stream.

    Returns
    -------
    ndarray of bool, shape (n, waves)
        Presence.
    """
    said, waves = model.world.attrition, model.study.waves.names
    present = np.ones((len(cell), len(waves)), dtype=bool)
    shares = np.array([said.by_cell.get(each.key, said.share) for each in model.cells])[cell]
    if not shares.any():
        return present
    edge = special.ndtri(np.clip(shares, 1e-12, 1 - 1e-12))
    for w in range(1, len(waves)):
        risk = np.where(shares > 0, shares, 0.0)
        value = _reason(model, scores, w) if said.because_of else None
        if value is not None:
            risk = special.ndtr((edge + said.strength * value) / np.sqrt(1 - said.strength**2)) * (shares > 0)
        present[:, w] = present[:, w - 1] & (chance.random(len(cell)) >= risk)
    return present


def _reason(model: Model, scores: Floats, wave: int) -> Floats | None:
    """Return the score that makes people leave before a wave; None where it is not asked in time."""
    said, waves = model.world.attrition, model.study.waves.names
    asked = {s.occasion: i for i, s in enumerate(model.slots) if s.name == said.because_of}
    if said.at == "now":
        return scores[:, asked[waves[wave]]] if waves[wave] in asked else None
    earlier = [w for w in waves[:wave] if w in asked]
    return scores[:, asked[earlier[-1]]] if earlier else None
