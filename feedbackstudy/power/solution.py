"""What `solve` returns: the answer in a sentence, how sure it is, what it assumes, and every value tried."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.power.assumed import assumed_blocks
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of

__all__ = ["Solution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution(Rendered):
    """Where a study reaches its goal.

    Attributes
    ----------
    vary : str
        What was varied: a path of the world.
    value : float
        The answer; a whole number for units.
    goal, hypothesis : str
        What was to be reached, for which hypothesis.
    target : float
        How much of it.
    reached, mcse : float
        What the answer gives, with its Monte-Carlo error.
    interval : tuple of float
        Values that the Monte-Carlo error of the goal leaves possible (plus and minus two errors); whole for units.
    curve : tuple of mapping
        Every value tried, with the goal and its Monte-Carlo error.
    unit : str
        What is counted, in words; empty where nothing is.
    groups : int
        Groups of equal size that people are assigned to; 0 where there are none.
    effect, effect_sd : float
        The hypothesis' true effect at the answer, as the estimate has it and in standard deviations; NaN where it has
        none.
    assumed : tuple of (str, str)
        What was assumed, in words.
    notes : tuple of str
        What a reader must know beside the number.
    engine : str
        How it was found.
    provenance : Provenance
        Seed and conventions.
    """

    vary: str
    value: float
    goal: str
    hypothesis: str
    target: float
    reached: float
    mcse: float
    interval: tuple[float, float]
    curve: tuple[Mapping[str, float], ...]
    unit: str = ""
    groups: int = 0
    effect: float = math.nan
    effect_sd: float = math.nan
    assumed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    engine: str
    provenance: Provenance

    @property
    def whole_groups(self) -> int | None:
        """The next number of people that divides into groups of one size; None where nobody is put into groups."""
        return math.ceil(self.value / self.groups) * self.groups if self.groups else None

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        low, high = (number(end) for end in self.interval)
        what = f"{_WORDS[self.goal]} of {number(self.target, 2)}"
        whose = f" for {self.hypothesis}" if self.hypothesis else ""
        if self.unit:
            about = number(_rough(self.value, self.interval[1]))
            return f"about {about} {self.unit} ({low} to {high}) give a {what}{whose}"
        if self.vary == self.hypothesis:
            return f"an effect of {number(self.value, 2)} sd ({low} to {high}) gives a {what}{whose}"
        if self.vary == "effect_scale":
            return (
                f"{number(self.value, 2)} times the effects assumed ({low} to {high}) give a {what}{whose}; its effect "
                f"is then {number(self.effect_sd, 2)} sd"
            )
        return f"{self.vary} = {number(self.value)} ({low} to {high}) gives a {what}{whose}"

    def frame(self) -> pd.DataFrame:
        """Return the values tried.

        Returns
        -------
        DataFrame
            ``value, reached, mcse, n_simulations``, by value.
        """
        return pd.DataFrame([dict(row) for row in self.curve]).sort_values("value", ignore_index=True)

    def page(self) -> Page:
        """Return the answer as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        heads = {"value": self.vary, "mcse": "Monte-Carlo error", "n_simulations": "studies"}
        rows = [{heads.get(name, name): value for name, value in row.items()} for row in self.curve]
        blocks: list[Block] = [Facts(tuple(self._facts()))]
        blocks += [Notice(note) for note in self.notes]
        if not math.isfinite(self.value):
            blocks.append(Notice("The target was not reached within the limits."))
        blocks += assumed_blocks(self.assumed)
        blocks.append(table_of(rows, caption="Values tried"))
        return Page(title=f"Solved for {self.vary}", blocks=(*blocks, self.provenance.facts()))

    def _facts(self) -> list[tuple[str, str]]:
        low, high = (number(end) for end in self.interval)
        facts = [("answer", self.sentence), (self.vary, f"{number(self.value)}; Monte-Carlo range {low} to {high}")]
        if self.whole_groups is not None:
            each = self.whole_groups // self.groups
            facts.append(("in equal groups", f"{self.whole_groups:,} = {self.groups} x {each:,}"))
        if math.isfinite(self.effect):
            sd = (
                f"{number(self.effect_sd, 2 if abs(self.effect_sd) >= 0.1 else 4)} sd; "
                if math.isfinite(self.effect_sd)
                else ""
            )
            facts.append((f"true effect of {self.hypothesis}", f"{sd}{number(self.effect)} in units of the estimate"))
        reached = f"{number(self.reached)} (Monte-Carlo error {number(self.mcse, 4)})"
        facts += [(f"{_WORDS[self.goal]} there", reached), ("target", number(self.target)), ("engine", self.engine)]
        return facts


_WORDS = {
    "power": "power",
    "power_adjusted": "power (after correction)",
    "decided": "chance to be decided",
    "equivalence": "chance to be found equivalent",
    "width": "interval width",
    "assurance": "assurance",
    "all_decided": "chance that all are decided",
    "any_decided": "chance that any is decided",
}


def _rough(value: float, most: float) -> int:
    """Return a number of people with two figures, rounded up; as it is below 100, and where its range ends before."""
    step: int = 10 ** max(math.floor(math.log10(max(value, 1))) - 1, 0)
    found = math.ceil(value / step) * step
    return found if found <= most else math.ceil(value)
