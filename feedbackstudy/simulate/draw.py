"""`draw`: the scores of many replicates at once, without their items, for power by simulation.

A score's distribution given the latent variable is known exactly (items are independent given it), so a table of it
stands in for the items; people who skip items or answer carelessly get theirs item by item.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.simulate.assigning import Assigner
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.latents import compliance, means_of, spread_exemplars, staying, text_of, trend_of
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.streams import stream
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
        Cell of each participant, the same in all replicates of the block.
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
    """

    cell: Ints
    clusters: dict[str, Ints]
    exemplar: Ints
    scores: Floats
    careless: Ints
    present: NDArray[np.bool_]
    shifts: Floats | None
    key: tuple[int, int]
    period: Ints | None = None


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
        self.model, self.seed = model, seed
        self.needed = sorted(range(len(model.slots)) if needed is None else {*needed, *_reasons(model)})
        self.assigner = Assigner(model.study, model.numbers)
        self.clusters = self.assigner.codes
        self.tables = {
            i: _guide(slot.measurement)
            for i, slot in enumerate(model.slots)
            if i in self.needed and isinstance(slot.measurement, Graded) and slot.measurement.loadings[0] < 1
        }
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
        assigned = self.assigner.draw(stream(self.seed, number, "draw.allocation"))
        cell = assigned.cell
        cells = np.tile(cell, BLOCK)
        read = self._read(cell, stream(self.seed, number, "draw.exemplar"))
        latent = stream(self.seed, number, "draw.person").standard_normal((BLOCK * n, len(self.model.slots)))
        latent = latent @ self.model.roots["person"].T
        for level, root in self.model.roots.items():
            if level != "person":
                latent += self._level(level, root, cell, read, stream(self.seed, number, f"draw.level:{level}"))
        complied, actual = compliance(self.model, cells, stream(self.seed, number, "draw.conduct"))
        shifts = self._shifts(number)
        means = means_of(self.model, cells, complied=complied, actual=actual, latent=latent, shifts=shifts)
        latent += means
        if assigned.period is not None:
            latent += trend_of(self.model)[None] * np.tile(assigned.period, BLOCK)[:, None]
        scores = np.full(latent.shape, np.nan)
        for i in self.needed:
            scores[:, i] = self._score(i, latent[:, i], stream(self.seed, number, f"draw.score:{i}"))
        self._skipped(scores, latent, stream(self.seed, number, "draw.skipped"))
        careless = self._careless(scores, stream(self.seed, number, "draw.careless"))
        present = self._leave(scores, cells, stream(self.seed, number, "draw.attrition"))
        scores[~self.asks[cells]] = np.nan
        self._half(scores, number)
        return Block(
            cell=cell,
            clusters=self.clusters,
            exemplar=read,
            scores=scores.reshape(BLOCK, n, -1)[:size],
            careless=careless.reshape(BLOCK, n)[:size],
            present=present.reshape(BLOCK, n, -1)[:size],
            shifts=None if shifts is None else shifts[:size],
            key=(self.seed, number),
            period=assigned.period,
        )

    def _shifts(self, number: int) -> Floats | None:
        """Return the latent means of each replicate where effects are drawn from priors."""
        if self.model.world.effects != "priors":
            return None
        first = number * BLOCK
        return np.stack([self.model.drawn(self.seed, first + i).shifts for i in range(BLOCK)])

    def _half(self, scores: Floats, number: int) -> None:
        """Leave out what only half of the sample, or only a pilot, is asked."""
        n = self.model.n
        for i in self.needed:
            trait = self.model.slots[i].trait
            placement = trait.measure.placement if trait is not None else ""
            if trait is not None and placement == "half_sample":
                chance = stream(self.seed, number, f"draw.half:{trait.measure.name}")
                order = chance.random((BLOCK, n)).argsort(axis=1).argsort(axis=1).ravel()
                scores[order >= (n + 1) // 2, i] = np.nan
            elif placement == "pilot":
                scores[:, i] = np.nan

    def _read(self, cell: Ints, chance: np.random.Generator) -> Ints:
        """Spread the people of each cell evenly over exemplars; arms outside the crossing read none."""
        return spread_exemplars(self.model, cell, chance)

    def _level(self, level: str, root: Floats, cell: Ints, read: Ints, chance: np.random.Generator) -> Floats:
        model, n, k = self.model, self.model.n, len(root)
        if level not in {"exemplar", "text"}:
            shared = chance.standard_normal((BLOCK, model.numbers[level], k)) @ root.T
            return np.asarray(shared[:, self.clusters[level]]).reshape(BLOCK * n, k)
        group, size = text_of(model, level, cell, read)
        shared = chance.standard_normal((BLOCK, size, k)) @ root.T
        alone = chance.standard_normal((BLOCK, n, k)) @ root.T
        return np.where((read >= 0)[:, None], shared[:, group], alone).reshape(BLOCK * n, k)

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

    def _careless(self, scores: Floats, chance: np.random.Generator) -> Ints:
        said = self.model.world.carelessness
        kind = np.zeros(len(scores), dtype=np.int64)
        if not said.share:
            return kind
        who = np.flatnonzero(chance.random(len(scores)) < said.share)
        straight = chance.random(len(who)) < said.straight
        kind[who] = np.where(straight, 2, 1)
        for i in self.needed:
            slot = self.model.slots[i]
            items = slot.measurement
            if slot.trait is not None and isinstance(items, Graded):
                blind = _blind(items, slot.trait, straight, chance)
                scores[who, i] = np.where(np.isnan(scores[who, i]), np.nan, blind)
        return kind

    def _leave(self, scores: Floats, cell: Ints, chance: np.random.Generator) -> NDArray[np.bool_]:
        model = self.model
        if not model.world.attrition.share and not model.world.attrition.by_cell:
            return np.ones((len(scores), len(model.study.waves)), dtype=bool)
        means = np.array([slot.measurement.mean(0.0) for slot in model.slots])
        spread = np.array([slot.sd for slot in model.slots])
        present = staying(model, cell, np.nan_to_num((scores - means) / spread), chance)
        waves = model.study.waves.names
        for i, slot in enumerate(model.slots):
            if slot.occasion:
                scores[~present[:, waves.index(slot.occasion)], i] = np.nan
        return present


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
