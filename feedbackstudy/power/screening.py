"""The plan's exclusions applied to simulated scores, as far as what is simulated can tell."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.plan import Exclusion
from feedbackstudy.simulate.draw import Block
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.pace import seconds_taken
from feedbackstudy.simulate.streams import stream

__all__ = ["Screen"]

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screen:
    """The exclusion rules of a plan.

    Attributes
    ----------
    model : Model
        Study and world as numbers.
    rules : tuple of Exclusion
        Those that are applied.
    unapplied : tuple of Exclusion
        Those that would need single items, which scores drawn directly do not have.
    """

    model: Model
    rules: tuple[Exclusion, ...]
    unapplied: tuple[Exclusion, ...]

    @classmethod
    def of(cls, model: Model) -> "Screen":
        """Read the rules of a study.

        Parameters
        ----------
        model : Model
            Study and world as numbers.

        Returns
        -------
        Screen
            Ready to apply.
        """
        rules = tuple(model.study.plan.exclusions)
        can = {rule.name: _can(model, rule) for rule in rules}
        return cls(
            model=model,
            rules=tuple(rule for rule in rules if can[rule.name]),
            unapplied=tuple(rule for rule in rules if not can[rule.name]),
        )

    @property
    def slots(self) -> set[int]:
        """Slots that the rules look at."""
        return {slot for rule in self.rules for part in _looked_at(self.model, rule) for slot in part}

    def applied(self, block: Block) -> Block:
        """Take the excluded out of a block.

        Parameters
        ----------
        block : Block
            Scores.

        Returns
        -------
        Block
            With no scores where somebody is excluded.
        """
        if not self.rules:
            return block
        out = np.zeros(block.scores.shape[:2], dtype=bool)
        for rule in self.rules:
            out |= self._out(rule, block, stream(*block.key, f"draw.exclusion:{rule.name}"))
        out = _whole_people(out, block)
        return replace(block, scores=np.where(out[..., None], np.nan, block.scores))

    def _out(self, rule: Exclusion, block: Block, chance: np.random.Generator) -> Flags:
        if rule.exclude_if == "fails":
            return self._fails(rule, block, chance)
        if rule.variable == "duration_seconds":
            return self._by_duration(rule, block, chance)
        found = np.zeros(block.scores.shape[:2], dtype=bool)
        for part in _looked_at(self.model, rule):
            values = sum(weight * block.scores[:, :, slot] for slot, weight in part.items())
            asked = self.model.asked(next(iter(part)))[block.cell]
            found |= _compared(np.asarray(values), rule, self.model.value_of(rule.variable, rule.value)) & asked
        return found

    def _fails(self, rule: Exclusion, block: Block, chance: np.random.Generator) -> Flags:
        """People fail at every wave that checks, unless the rule names one."""
        measure = self.model.study.measure_of(rule.variable)
        waves = self.model.study.waves.names
        wrong = np.zeros(block.scores.shape[:2], dtype=bool)
        for wave in (rule.occasion,) if rule.occasion else measure.waves:
            passes = np.where(block.careless > 0, 1 / len(measure.levels), self.model.world.carelessness.passes)
            there = block.present[:, :, waves.index(wave)] & self.model.asks(measure)[block.cell]
            wrong |= (chance.random((len(wrong), block.people))[:, block.person] >= passes) & there
        return wrong

    def _by_duration(self, rule: Exclusion, block: Block, chance: np.random.Generator) -> Flags:
        wave = rule.occasion or self.model.study.waves.names[-1]
        items = self.model.items_at(wave)[block.cell]
        noise = chance.standard_normal((len(block.careless), block.people))[:, block.person]
        taken = seconds_taken(items, block.careless, noise)
        there = block.present[:, :, self.model.study.waves.names.index(wave)]
        return _compared(taken, rule, float(rule.value or 0.0)) & there


def _whole_people(out: Flags, block: Block) -> Flags:
    """Exclude people with all their stories."""
    if block.people == len(block.person):
        return out
    starts = np.flatnonzero(np.diff(block.person, prepend=-1))
    return np.asarray(np.logical_or.reduceat(out, starts, axis=1)[:, block.person])


def _can(model: Model, rule: Exclusion) -> bool:
    if rule.variable == "duration_seconds" or rule.exclude_if == "fails":
        return True
    parts = _looked_at(model, rule)
    return bool(parts) and (rule.exclude_if == "missing" or model.value_of(rule.variable, rule.value) is not None)


def _looked_at(model: Model, rule: Exclusion) -> list[dict[int, float]]:
    """Return the slots of the score or covariate that a rule compares."""
    if rule.exclude_if == "fails":
        return []
    if rule.variable in model.study.covariates.names:
        return [{model.slot(rule.variable): 1.0}]
    if all(rule.variable not in measure.columns for measure in model.study.measures):
        return []
    waves = model.study.measure_of(rule.variable).waves
    return [model.parts(rule.variable, wave) for wave in ((rule.occasion,) if rule.occasion else waves)]


def _compared(values: Floats, rule: Exclusion, value: float | None) -> Flags:
    if rule.exclude_if == "missing":
        return np.isnan(values)
    bound = np.nan if value is None else value
    with np.errstate(invalid="ignore"):
        found = {
            "below": values < bound,
            "above": values > bound,
            "equal": values == bound,
            "not_equal": (values != bound) & np.isfinite(values),
        }[rule.exclude_if]
    return np.asarray(found, dtype=bool)
