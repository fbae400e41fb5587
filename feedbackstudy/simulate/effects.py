"""Declared effects as latent means of cells."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import DeclarationError, InputError
from feedbackstudy.simulate.slots import Slot
from feedbackstudy.simulate.times import feedback_days, wave_days
from feedbackstudy.simulate.truths import CellMeans
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["deviations"]

type Floats = NDArray[np.float64]


def deviations(study: Study, world: World, slots: tuple[Slot, ...], cells: tuple[Cell, ...]) -> Floats:
    """Return the latent mean of every slot in every cell.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        The world.
    slots : tuple of Slot
        The latent variables.
    cells : tuple of Cell
        The conditions.

    Returns
    -------
    ndarray of shape (cells, slots)
        Latent means; a score that has no means of its own gets those of the scores that lead to it.

    Raises
    ------
    DeclarationError
        For means at a wave that does not ask the score, or outside its range.
    """
    said = _said(world, slots)
    feedback = feedback_days(study, world, cells)
    within = 1 - sum(world.icc.values()) if world.icc_convention == "residual" else 1.0
    spread = within**0.5
    place = {(slot.name, slot.occasion): i for i, slot in enumerate(slots)}
    moved = np.zeros((len(cells), len(slots)))  # in standard deviations of the score
    for i, slot in enumerate(slots):
        entry = said.get(i)
        if entry is None:
            continue
        row = np.array([entry.cells.get(cell.key, 0.0) for cell in cells]) * world.effect_scale
        row = row / slot.sd if entry.unit == "raw" else row * spread
        if world.fade_half_life is not None and slot.after:
            since = wave_days(study.waves[slot.occasion], world, feedback) - feedback
            row = row * 0.5 ** (np.maximum(since, 0.0) / world.fade_half_life)
        moved[:, i] = row
    for lead in world.leads:
        target = place[lead.outcome, lead.occasion]
        if target not in said:
            moved[:, target] += lead.slope * moved[:, place[lead.by, lead.by_occasion]]
    raw = {i for i, entry in said.items() if entry.unit == "raw"}
    return _latent(world, slots, cells, moved, raw)


def _latent(world: World, slots: tuple[Slot, ...], cells: tuple[Cell, ...], moved: Floats, raw: set[int]) -> Floats:
    shifts = np.zeros_like(moved)
    for i, slot in enumerate(slots):
        if world.metric == "latent" and i not in raw:
            shifts[:, i] = moved[:, i]
        elif moved[:, i].any():
            shifts[:, i] = _latent_means(slot, moved[:, i], cells)
    return shifts


def _said(world: World, slots: tuple[Slot, ...]) -> dict[int, CellMeans]:
    said: dict[int, CellMeans] = {}
    for entry in world.means:
        here = [
            i
            for i, slot in enumerate(slots)
            if slot.name == entry.outcome
            and (slot.occasion == entry.occasion or (entry.occasion is None and slot.after))
        ]
        when = f"at {entry.occasion!r}" if entry.occasion else "after the feedback"
        if not here:
            raise DeclarationError(
                f"world, means of {entry.outcome!r}: it is not asked {when}; "
                f"it is asked at {', '.join(s.occasion for s in slots if s.name == entry.outcome)}."
            )
        said.update(dict.fromkeys(here, entry))
    return said


def _latent_means(slot: Slot, row: Floats, cells: tuple[Cell, ...]) -> Floats:
    if slot.nominal:
        raise DeclarationError(f"world, means of {slot.name!r}: its categories have no order, so it has no means.")
    base = slot.measurement.mean(0.0)
    found = np.zeros(len(row))
    for i, (value, cell) in enumerate(zip(row, cells, strict=True)):
        if value:
            try:
                found[i] = slot.measurement.shift_for(base + value * slot.sd)
            except InputError as fault:
                raise DeclarationError(f"world, means of {slot.name!r} in the cell {cell.key!r}: {fault}") from fault
    return found
