"""`draw`: the scores of many replicates at once, without their items, for power by simulation.

A score's distribution given the latent variable is known exactly (items are independent given it), so a table of it
stands in for the items; people who skip items or answer carelessly get theirs item by item.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.simulate.allocated import held_categories
from feedbackstudy.simulate.assigning import Assigner
from feedbackstudy.simulate.capacity import refuse_too_many
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.latents import compliance, means_of, spread_exemplars, staying, text_of, trend_of
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.strata import bounds_of, moved_into_strata
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.telling import Told, told_rows
from feedbackstudy.simulate.traits import Trait

__all__ = ["BLOCK", "Block", "Drawer"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

BLOCK = 40
"""Replicates that share one allocation and one set of streams; fixed, so that results do not depend on workers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Scores of some replicates.

    Attributes
    ----------
    cell : ndarray of shape (n,)
        Cell of each row, the same in all replicates of the block: participants, or stories that they read.
    clusters : mapping of str to ndarray
        Unit -> number of its unit.
    exemplar : ndarray of shape (n,)
        Exemplar read; -1 where none.
    scores : ndarray of shape (replicates, n, slots)
        NaN where not asked, not there, or too few items answered.
    careless : ndarray of shape (replicates, n)
        0 attentive, 1 answers at random, 2 always the same answer.
    present : ndarray of bool, shape (replicates, n, waves)
        Who is there.
    shifts : ndarray of shape (replicates, cells, slots) or None
        Latent means of each replicate, where the world draws its effects from priors.
    key : tuple of (int, int)
        Seed and number of the block, for further streams.
    period : ndarray of shape (n,) or None
        Period of a stepped wedge, from 0.
    person : ndarray of shape (n,)
        Who answers; somebody has several rows, one for each story, where factors vary within people.
    weight : ndarray of shape (n,) or None
        Inverse probability of assignment of each row, where an allocation has different ones.
    """

    cell: Ints
    clusters: dict[str, Ints]
    exemplar: Ints
    scores: Floats
    careless: Ints
    present: NDArray[np.bool_]
    shifts: Floats | None
    key: tuple[int, int]
    person: Ints
    period: Ints | None = None
    weight: Floats | None = None

    @property
    def people(self) -> int:
        """How many people there are."""
        return int(self.person[-1]) + 1


class Drawer:
    """Draws scores block by block.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    seed : int
        Seed.
    needed : iterable of int, optional
        Slots to draw; all by default. The others stay NaN.
    """

    def __init__(self, model: Model, seed: int, *, needed: Iterable[int] | None = None) -> None:
        refuse_too_many(model, scores_of=BLOCK)
        self.model, self.seed = model, seed
        self.needed = sorted(range(len(model.slots)) if needed is None else {*needed, *_reasons(model)})
        self.assigner = Assigner(model.study, model.numbers, model.given)
        self.clusters = self.assigner.codes
        self.tables = {
            i: _guide(slot.measurement)
            for i, slot in enumerate(model.slots)
            if i in self.needed and isinstance(slot.measurement, Graded) and slot.measurement.loadings[0] < 1
        }
        before = {wave.name for wave in model.study.waves if wave.phase == "before"}
        self.once = [i for i, slot in enumerate(model.slots) if not slot.occasion or slot.occasion in before]
        arms = [cell.arm for cell in model.cells]
        self.asks = np.array([[s.trait is None or s.trait.measure.asks(arm) for s in model.slots] for arm in arms])

    def block(self, number: int, size: int = BLOCK) -> Block:
        """Draw one block.

        Parameters
        ----------
        number : int
            Number of the block.
        size : int
            Replicates wanted of it; a block is always drawn whole, so that its first ones are the same.

        Returns
        -------
        Block
            Scores.
        """
        n = self.model.n
        brought, strata = self._brought(number)
        assigned = self.assigner.draw(stream(self.seed, number, "draw.allocation"), strata)
        told = told_rows(self.model.study, self.model.cells, assigned.cell, stream(self.seed, number, "draw.stories"))
        rows = _Rows.of_told(told, n)
        cells = np.tile(told.cell, BLOCK)
        read = self._read(told, number)
        latent = brought[rows.of] + self._met(told, read, number)
        luck = stream(self.seed, number, "draw.conduct").random(BLOCK * n)[rows.of]
        complied, actual = compliance(self.model, cells, luck)
        shifts = self._shifts(number)
        latent += means_of(self.model, cells, complied=complied, actual=actual, latent=latent, shifts=shifts)
        if assigned.period is not None:
            latent += trend_of(self.model)[None] * np.tile(assigned.period[told.person], BLOCK)[:, None]
        scores = np.full(latent.shape, np.nan)
        for i in self.needed:
            scores[:, i] = self._score(i, latent[:, i], stream(self.seed, number, f"draw.score:{i}"))
        self._skipped(scores, latent, stream(self.seed, number, "draw.skipped"))
        careless = self._careless(scores, rows, stream(self.seed, number, "draw.careless"))
        scores[:, self.once] = scores[np.ix_(rows.lead, self.once)]
        present = self._leave(scores, cells, rows, stream(self.seed, number, "draw.attrition"))
        scores[~self.asks[cells]] = np.nan
        self._half(scores, rows, number)
        return Block(
            cell=told.cell,
            clusters={name: codes[told.person] for name, codes in self.clusters.items()},
            exemplar=read,
            scores=scores.reshape(BLOCK, len(told.cell), -1)[:size],
            careless=careless.reshape(BLOCK, -1)[:size],
            present=present.reshape(BLOCK, len(told.cell), -1)[:size],
            shifts=None if shifts is None else shifts[:size],
            key=(self.seed, number),
            period=None if assigned.period is None else assigned.period[told.person],
            person=told.person,
            weight=None if assigned.weight is None else assigned.weight[told.person],
        )

    def _shifts(self, number: int) -> Floats | None:
        """Return the latent means of each replicate where effects are drawn from priors."""
        if self.model.world.effects != "priors":
            return None
        first = number * BLOCK
        return np.stack([self.model.drawn(self.seed, first + i).shifts for i in range(BLOCK)])

    def _half(self, scores: Floats, rows: "_Rows", number: int) -> None:
        """Leave out what only half of the sample, or only a pilot, is asked."""
        n = self.model.n
        for i in self.needed:
            trait = self.model.slots[i].trait
            placement = trait.measure.placement if trait is not None else ""
            if trait is not None and placement == "half_sample":
                chance = stream(self.seed, number, f"draw.half:{trait.measure.name}")
                order = chance.random((BLOCK, n)).argsort(axis=1).argsort(axis=1).ravel()
                scores[(order >= (n + 1) // 2)[rows.of], i] = np.nan
            elif placement == "pilot":
                scores[:, i] = np.nan

    def _read(self, told: Told, number: int) -> Ints:
        """Spread the people of each cell evenly over exemplars, story by story; arms outside the crossing read none."""
        found = np.empty(len(told.cell), dtype=np.int64)
        for j in range(int(told.position.max()) + 1):
            here = told.position == j
            chance = stream(self.seed, number, f"draw.exemplar:{j}" if j else "draw.exemplar")
            found[here] = spread_exemplars(self.model, told.cell[here], chance)
        return found

    def _brought(self, number: int) -> tuple[Floats, dict[str, Ints]]:
        """Return what persons and the units that contain them bring along, and the strata of the assignment.

        Replicates of a block share one allocation, so where it respects covariates they share their categories: all
        else is drawn given these (a fresh draw, moved by its regression on what it lacks).
        """
        model = self.model
        shape = (BLOCK, model.n, len(model.slots))
        latent = stream(self.seed, number, "draw.person").standard_normal(shape) @ model.roots["person"].T
        for level in model.roots.keys() & self.clusters.keys():
            chance, root = stream(self.seed, number, f"draw.level:{level}"), model.roots[level]
            shared = chance.standard_normal((BLOCK, model.numbers[level], shape[2])) @ root.T
            latent += shared[:, self.clusters[level]]
        slots = [model.slot(name) for name in self.assigner.strata]
        if not slots:
            latent = held_categories(model, latent, stream(self.seed, number, "draw.strata"))
            return np.asarray(latent.reshape(BLOCK * model.n, -1)), {}
        held, kinds = latent[0][:, slots], [model.slots[i].measurement for i in slots]
        luck = [stream(self.seed, number, f"draw.strata:{name}") for name in self.assigner.strata]
        answers = [kind.answers(held[:, j], luck[j])[:, 0].astype(np.int64) for j, kind in enumerate(kinds)]
        bounds = np.stack([bounds_of(kind, held[:, j]) for j, kind in enumerate(kinds)], axis=1)
        whole = np.sum([root @ root.T for level, root in model.roots.items() if level in {"person", *self.clusters}], 0)
        latent = moved_into_strata(latent, slots, held, bounds, whole, stream(self.seed, number, "draw.strata"))
        strata = dict(zip(self.assigner.strata, answers, strict=True))
        return np.asarray(latent.reshape(BLOCK * model.n, -1)), strata

    def _met(self, told: Told, read: Ints, number: int) -> Floats:
        """Return what messages and single stories add."""
        model, shape = self.model, (BLOCK, len(read), len(self.model.slots))
        latent = np.zeros(shape)
        for level in [name for name in model.roots if name in {"exemplar", "text", "story"}]:
            chance, root = stream(self.seed, number, f"draw.level:{level}"), model.roots[level]
            if level == "story":
                latent += chance.standard_normal(shape) @ root.T
                continue
            group, size = text_of(model, level, told.cell, read)
            shared = chance.standard_normal((BLOCK, size, shape[2])) @ root.T
            alone = chance.standard_normal(shape) @ root.T
            latent += np.where((read >= 0)[:, None], shared[:, group], alone)
        return latent.reshape(-1, shape[2])

    def _score(self, i: int, latent: Floats, chance: np.random.Generator) -> Floats:
        items = self.model.slots[i].measurement
        if i not in self.tables:
            score = items.answers(latent, chance).mean(axis=1)
            return items.origin + items.unit * score if isinstance(items, Graded) else score
        values, flat, width = self.tables[i]
        grid = Graded.grid()
        place = (np.clip(latent, grid[0], grid[-1] - 1e-9) - grid[0]) / (grid[1] - grid[0])
        # A random neighbour on the grid makes the mean exact between its points.
        row = np.floor(place + chance.random(len(latent))).astype(np.int64)
        found = np.searchsorted(flat, row + chance.random(len(latent)), side="right") - row * width
        return np.asarray(values[np.clip(found, 0, width - 1)])

    def _skipped(self, scores: Floats, latent: Floats, chance: np.random.Generator) -> None:
        share = self.model.world.skipped
        if not share:
            return
        for i in self.needed:
            slot = self.model.slots[i]
            if slot.trait is None:
                continue
            k = len(slot.trait.columns)
            answered = chance.binomial(k, 1 - share, len(scores))
            part = np.flatnonzero((answered < k) & (answered >= slot.trait.least))
            scores[answered < max(slot.trait.least, 1), i] = np.nan
            items = slot.measurement
            if part.size and isinstance(items, Graded):
                given = items.answers(latent[part, i], chance)
                order = chance.random(given.shape).argsort(axis=1)
                kept = order < answered[part, None]
                scores[part, i] = items.origin + items.unit * (given * kept).sum(axis=1) / answered[part]

    def _careless(self, scores: Floats, rows: "_Rows", chance: np.random.Generator) -> Ints:
        said = self.model.world.carelessness
        people = np.zeros(BLOCK * self.model.n, dtype=np.int64)
        if not said.share:
            return people[rows.of]
        who = np.flatnonzero(chance.random(len(people)) < said.share)
        people[who] = np.where(chance.random(len(who)) < said.straight, 2, 1)
        kind = people[rows.of]
        who = np.flatnonzero(kind > 0)
        straight = kind[who] == 2
        for i in self.needed:
            slot = self.model.slots[i]
            items = slot.measurement
            if slot.trait is not None and isinstance(items, Graded):
                blind = _blind(items, slot.trait, straight, chance)
                scores[who, i] = np.where(np.isnan(scores[who, i]), np.nan, blind)
        return kind

    def _leave(self, scores: Floats, cell: Ints, rows: "_Rows", chance: np.random.Generator) -> NDArray[np.bool_]:
        model = self.model
        if not model.world.attrition.share and not model.world.attrition.by_cell:
            return np.ones((len(scores), len(model.study.waves)), dtype=bool)
        means = np.array([slot.measurement.mean(0.0) for slot in model.slots])
        spread = np.array([slot.sd for slot in model.slots])
        first = np.nan_to_num((scores[rows.first] - means) / spread)
        present = staying(model, cell[rows.first], first, chance)[rows.of]
        waves = model.study.waves.names
        for i, slot in enumerate(model.slots):
            if slot.occasion:
                scores[~present[:, waves.index(slot.occasion)], i] = np.nan
        return present


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Which person of all replicates each row of all replicates belongs to, and which rows are a person's first."""

    of: Ints
    first: Ints
    lead: Ints

    @classmethod
    def of_told(cls, told: Told, n: int) -> "_Rows":
        at, first, size = np.arange(BLOCK)[:, None], told.first, len(told.cell)
        own = first[told.person]
        return cls((at * n + told.person).ravel(), (at * size + first).ravel(), (at * size + own).ravel())


def _guide(items: object) -> tuple[Floats, Floats, int]:
    """Return possible scores, and all distribution functions one behind the other for a single search."""
    if not isinstance(items, Graded):
        raise TypeError("only graded answers have tables")
    values, cumulative = items.tables()
    cumulative[:, -1] = 1.0
    return values, (cumulative + np.arange(len(cumulative))[:, None]).ravel(), len(values)


def _blind(items: Graded, trait: Trait, straight: NDArray[np.bool_], chance: np.random.Generator) -> Floats:
    """Return the scores of people who do not read."""
    k, last = len(trait.columns), len(items.values) - 1
    random = chance.integers(last + 1, size=(len(straight), k))
    same = chance.integers(last + 1, size=len(straight))[:, None]
    place = np.where(straight[:, None], np.where(np.array(trait.turned), last - same, same), random)
    return np.asarray(items.origin + items.unit * items.values[place].mean(axis=1))


def _reasons(model: Model) -> list[int]:
    """Return the slots that decide who stays."""
    because = model.world.attrition.because_of
    return [i for i, slot in enumerate(model.slots) if because is not None and slot.name == because]
