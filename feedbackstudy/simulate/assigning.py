"""Who gets which cell in invented data: the declared scheme itself, with its strata, and the periods of a wedge."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.assign.assigning import conditions_for
from feedbackstudy.assign.clusters import wedge_pattern
from feedbackstudy.assign.planning import scheme_of
from feedbackstudy.assign.roster import Roster
from feedbackstudy.design.chance import Stream
from feedbackstudy.design.crossing import Cell
from feedbackstudy.simulate.allocated import Given
from feedbackstudy.simulate.people import Plan, allocate, allocation_plan, cluster_codes
from feedbackstudy.study import Study

__all__ = ["Assigned", "Assigner"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assigned:
    """Who gets what.

    Attributes
    ----------
    cell : ndarray of shape (n,)
        Cell of each participant.
    period : ndarray of shape (n,) or None
        Period of a stepped wedge in which each participant comes, from 0.
    weight : ndarray of shape (n,) or None
        Inverse probability of assignment of each participant, where an allocation has different ones.
    """

    cell: Ints
    period: Ints | None = None
    weight: Floats | None = None


class Assigner:
    """Assigns invented people as the study declares.

    Parameters
    ----------
    study : Study
        The study.
    numbers : dict
        Unit -> how many, participants first.
    given : Given or None
        An allocation whose people and scheme take the place of the declared assignment.
    """

    def __init__(self, study: Study, numbers: dict[str, int], given: Given | None = None) -> None:
        self.study, self.numbers, self.given = study, numbers, given
        self.n = numbers[next(iter(numbers))]
        self.codes = cluster_codes(numbers) | (given.codes if given is not None else {})
        self.cells = study.crossing.cells()
        self.wedge = study.assignment.wedge if study.assignment.method == "stepped_wedge" else None
        self.plan: Plan | None = None if self.wedge is not None else allocation_plan(study, numbers)
        by = study.assignment.by if given is None else ()
        self.strata = tuple(name for name in by if name in study.covariates.names)

    @property
    def _plain(self) -> bool:
        return self.study.assignment.method == "complete" and not self.study.assignment.by

    def draw(self, chance: np.random.Generator, covariates: Mapping[str, Ints] | None = None) -> Assigned:
        """Assign everybody.

        Parameters
        ----------
        chance : Generator
            A stream.
        covariates : mapping of str to ndarray, optional
            Covariate -> category of each person, for strata; without them these strata are left out.

        Returns
        -------
        Assigned
            Cells, and periods of a wedge.
        """
        if self.given is not None:
            got = self.given.draw(chance)
            cell = self._cells(self.given.conditions, got, chance)
            return Assigned(cell=cell, weight=self.given.weights(got))
        if self.wedge is not None:
            return self._stepped(chance)
        if self.plan is None or self._plain or len(self.cells) == 1:
            return Assigned(cell=allocate(self.plan, chance) if self.plan is not None else np.zeros(self.n, np.int64))
        known = {name: values for name, values in (covariates or {}).items() if name in self.strata}
        by = [name for name in self.study.assignment.by if name in known or name in self.codes]
        if not by and self.study.assignment.method in {"complete", "minimisation"}:
            return Assigned(cell=allocate(self.plan, chance))
        conditions = conditions_for(self.study)
        frame = pd.DataFrame({"participant": np.arange(self.n).astype(str), **self.codes, **known})
        roster = Roster(frame=frame, strata=tuple(by), clusters=tuple(self.codes), placeholder=True, issues=())
        drawn = scheme_of(self.study, conditions, roster).draw(Stream(int(chance.integers(2**62)), "simulate"))
        return Assigned(cell=self._cells(conditions.cells, np.asarray(drawn), chance))

    def _cells(self, conditions: tuple[Cell, ...], drawn: Ints, chance: np.random.Generator) -> Ints:
        """Turn assigned conditions into cells; the levels of measured factors are found, each as often."""
        found = np.empty(self.n, dtype=np.int64)
        for i, condition in enumerate(conditions):
            fits = [c for c, cell in enumerate(self.cells) if _holds(cell, condition)]
            here = np.flatnonzero(drawn == i)
            found[here] = np.array(fits)[(chance.permutation(len(here)) + chance.integers(len(fits))) % len(fits)]
        return found

    def _stepped(self, chance: np.random.Generator) -> Assigned:
        """Clusters cross over one sequence after the other; their people come evenly over the periods."""
        wedge = self.wedge
        if wedge is None:
            raise TypeError("not a wedge")
        factor = self.study.factors[wedge.factor]
        cluster = self.codes[factor.assigned_to or ""]
        k = int(cluster.max()) + 1
        sequence = (chance.permutation(k) + chance.integers(wedge.sequences)) % wedge.sequences
        period = np.empty(self.n, dtype=np.int64)
        for each in range(k):
            here = np.flatnonzero(cluster == each)
            period[here] = (chance.permutation(len(here)) + chance.integers(wedge.periods)) % wedge.periods
        new = wedge_pattern(wedge)[sequence[cluster], period]
        levels = [dict(cell.levels)[factor.name] != factor.reference for cell in self.cells]
        return Assigned(cell=np.where(new == 1, levels.index(True), levels.index(False)), period=period)


def _holds(cell: Cell, condition: Cell) -> bool:
    return cell.arm == condition.arm and set(condition.levels) <= set(cell.levels)
