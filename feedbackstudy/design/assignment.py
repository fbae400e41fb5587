"""How people get their condition: `Assignment`, a part of the study.

Which unit is assigned is said by the factors (``assigned_to``), the size of an arm by the arm (``weight``); here stands
the rest.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Fixed, Name, Real

__all__ = ["Assignment", "Wedge"]


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"{count} is no number of periods; give at least 1.")
    return count


type Count = Annotated[int, AfterValidator(_positive)]


class Wedge(Declaration):
    """A stepped wedge: all clusters start without the new level of a factor and cross over to it, step by step.

    Attributes
    ----------
    factor : str
        The factor that steps, assigned to clusters, with two levels; its reference is what all start with.
    sequences : int
        Groups of clusters, which cross over one after the other.
    baseline_periods : int
        Periods before the first crossing.
    periods_per_step : int
        Periods between crossings.
    last_periods : int
        Periods after the last crossing.
    """

    factor: Name
    sequences: int
    baseline_periods: Count = 1
    periods_per_step: Count = 1
    last_periods: Count = 1

    @model_validator(mode="after")
    def _steps_at_least_twice(self) -> Self:
        if self.sequences < 2:
            raise ValueError(f"a wedge of {self.sequences} sequence has no steps; give at least 2 sequences.")
        return self

    @property
    def periods(self) -> int:
        """Number of periods in all."""
        return self.baseline_periods + (self.sequences - 1) * self.periods_per_step + self.last_periods


class Assignment(Declaration):
    """How units get their condition.

    Attributes
    ----------
    method : {"complete", "simple", "permuted_blocks", "minimisation", "stepped_wedge"}
        Fixed group sizes, a die for each unit, lists in blocks for people who arrive one by one, Pocock and Simon's
        minimisation, or clusters that cross over step by step.
    randomised_by : {"us", "platform"}
        Who draws: we, or the survey platform, whose assignment is then imported and audited.
    by : tuple of str
        Strata: covariates known from the roster, or units that contain the assigned ones. For minimisation, the
        prognostic factors.
    ratio : mapping of str to float
        Cell key (``"same_day:general"``) -> size relative to the other cells; 1 where not named.
    probabilities : mapping of str to float
        Cell key or arm -> probability, for all of them, instead of `ratio` and the arms' weights; they sum to 1.
    block_sizes : tuple of int
        Sizes of permuted blocks, one of which is drawn each time; once and twice the smallest exact block by default.
    importance : mapping of str to float
        Minimisation: weight of each prognostic factor, 1 where not named.
    probability : float
        Minimisation: probability of the condition that leaves the least imbalance.
    imbalance : {"range", "variance", "sd"}
        Minimisation: how far apart counts are.
    wedge : Wedge or None
        The steps of a stepped wedge.
    order : {"williams", "latin", "random"}
        In which orders each person meets the levels of factors that vary within.
    """

    method: Literal["complete", "simple", "permuted_blocks", "minimisation", "stepped_wedge"] = "complete"
    randomised_by: Literal["us", "platform"] = "us"
    by: Many[Name] = ()
    ratio: Fixed[str, Real] = Fixed()
    probabilities: Fixed[str, Real] = Fixed()
    block_sizes: Many[int] = ()
    importance: Fixed[Name, Real] = Fixed()
    probability: Real = 0.8
    imbalance: Literal["range", "variance", "sd"] = "range"
    wedge: Wedge | None = None
    order: Literal["williams", "latin", "random"] = "williams"

    @model_validator(mode="after")
    def _probabilities_are_probabilities(self) -> Self:
        for name, values in (("ratio", self.ratio), ("probabilities", self.probabilities)):
            low = [key for key, value in values.items() if value <= 0]
            if low:
                raise ValueError(
                    f"{name}: {low[0]!r} has {values[low[0]]:g}; nobody would get it, so nothing can be compared "
                    "with it. Give a number above 0, or forbid the combination."
                )
        total = math.fsum(self.probabilities.values())
        if self.probabilities and abs(total - 1) > 1e-9:
            raise ValueError(f"the probabilities {dict(self.probabilities)} sum to {total:g}; they must sum to 1.")
        if self.probabilities and self.ratio:
            raise ValueError("give 'ratio' or 'probabilities', and not both: they say the same thing in two ways.")
        return self

    @model_validator(mode="after")
    def _options_suit_the_method(self) -> Self:
        uses = {"permuted_blocks": ("block_sizes",), "minimisation": ("importance",), "stepped_wedge": ("wedge",)}
        for method, names in uses.items():
            for name in names:
                if getattr(self, name) and self.method != method:
                    raise ValueError(f"'{name}' belongs to method: {method}, but the method is {self.method}.")
        if self.method == "stepped_wedge" and self.wedge is None:
            raise ValueError("method: stepped_wedge needs 'wedge': the factor that steps and the number of sequences.")
        if self.method == "minimisation" and not self.by:
            raise ValueError("method: minimisation needs 'by': the prognostic factors to be balanced.")
        return self

    @model_validator(mode="after")
    def _blocks_are_blocks(self) -> Self:
        small = [size for size in self.block_sizes if size < 2]
        if small:
            raise ValueError(
                f"block size {small[0]}: a block of fewer than 2 has no place for chance; give the number of "
                "conditions or a multiple of it."
            )
        twice = sorted({name for name in self.by if self.by.count(name) > 1})
        if twice:
            raise ValueError(
                f"by names {twice[0]!r} more than once; name each stratum once (minimisation: 'importance')."
            )
        foreign = [name for name in self.importance if name not in self.by]
        if foreign or any(value <= 0 for value in self.importance.values()):
            raise ValueError(
                f"importance {dict(self.importance)} must be above 0 and name prognostic factors in 'by': "
                f"{list(self.by)}."
            )
        return self
