"""Minimisation for people who arrive one by one: there is no list, so the secret seed fixes each draw instead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from feedbackstudy.assign.assigning import conditions_for
from feedbackstudy.assign.minimise import Minimisation
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.chance import Stream, exact
from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.study.texts import study_exemplars, within_crossing

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["Arrivals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """All that a draw at arrival needs, without the study.

    Attributes
    ----------
    cells : tuple of mapping
        What each condition gives: ``arm`` and factor levels.
    weights : tuple of str
        Probabilities as fractions.
    levels : mapping of str to tuple of str
        Prognostic factor -> its levels.
    importance : tuple of float
        Weights of the factors.
    probability : str
        Of the condition that leaves the least imbalance, as a fraction.
    imbalance : {"range", "variance", "sd"}
        How far apart counts are.
    exemplars : tuple of str
        Versions of the message, each equally likely.
    """

    cells: tuple[Mapping[str, str], ...]
    weights: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    importance: tuple[float, ...]
    probability: str
    imbalance: Literal["range", "variance", "sd"]
    exemplars: tuple[str, ...]

    @classmethod
    def of(cls, study: "Study") -> "Arrivals":
        """Read a study.

        Parameters
        ----------
        study : Study
            The study; its method is minimisation.

        Returns
        -------
        Arrivals
            Ready to draw.

        Raises
        ------
        DeclarationError
            Where clusters are assigned, stories are dealt, or a factor has no declared levels.
        """
        conditions = conditions_for(study)
        stated = study.assignment
        if conditions.cluster or within_crossing(study).factors:
            raise DeclarationError(
                "People who arrive one by one cannot be minimised where clusters are assigned or stories are dealt; "
                "use permuted blocks, or give a roster."
            )
        silent = [name for name in stated.by if not (c := study.covariates.get(name)) or not c.levels]
        if silent:
            raise DeclarationError(
                f"The prognostic factor {silent[0]!r} has no declared levels; declare its covariate."
            )
        return cls(
            cells=tuple({"arm": cell.arm, **dict(cell.levels)} for cell in conditions.cells),
            weights=tuple(map(str, conditions.weights)),
            levels={name: tuple(study.covariates[name].levels) for name in stated.by},
            importance=tuple(stated.importance.get(name, 1.0) for name in stated.by),
            probability=str(exact(stated.probability)),
            imbalance=stated.imbalance,
            exemplars=study_exemplars(study),
        )

    def data(self) -> dict[str, object]:
        """Return the whole as plain data."""
        return {
            "cells": [dict(cell) for cell in self.cells],
            "weights": list(self.weights),
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "importance": list(self.importance),
            "probability": self.probability,
            "imbalance": self.imbalance,
            "exemplars": list(self.exemplars),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Arrivals":
        """Read what `data` wrote.

        Parameters
        ----------
        data : mapping
            Plain data.

        Returns
        -------
        Arrivals
            The same.
        """
        levels = {name: tuple(each) for name, each in data["levels"].items()}
        lists = {name: tuple(data[name]) for name in ("cells", "weights", "importance", "exemplars")}
        return cls(levels=levels, probability=data["probability"], imbalance=data["imbalance"], **lists)

    def coded(self, stratum: Mapping[str, str]) -> tuple[int, ...]:
        """Return the levels of an arrival as numbers.

        Parameters
        ----------
        stratum : mapping of str to str
            Prognostic factor -> level.

        Returns
        -------
        tuple of int
            One number for each factor.

        Raises
        ------
        DataError
            For a factor or level that is not declared, or one left out.
        """
        if set(stratum) != set(self.levels):
            wrong = sorted(set(stratum) ^ set(self.levels))[0]
            raise DataError(f"{choices('Prognostic factor', wrong, self.levels)} Give each of them, and no other.")
        for name, level in stratum.items():
            if level not in self.levels[name]:
                raise DataError(f"{name!r}: {choices('Level', level, self.levels[name])}")
        return tuple(levels.index(stratum[name]) for name, levels in self.levels.items())

    def draw(
        self, earlier: Iterable[tuple[Mapping[str, str], int]], stratum: Mapping[str, str], source: Sequence[str | int]
    ) -> tuple[int, dict[str, str]]:
        """Draw for the next arrival.

        Parameters
        ----------
        earlier : iterable of (mapping, int)
            Stratum and share of everybody who came before.
        stratum : mapping of str to str
            Of the one who arrives.
        source : sequence
            Seed, mode and number of the arrival.

        Returns
        -------
        tuple of (int, dict)
            The share drawn, and what is assigned.
        """
        seed, mode, number = int(source[0]), str(source[1]), str(source[2])
        scheme = Minimisation(
            weights=tuple(map(Fraction, self.weights)),
            levels=(),
            importance=self.importance,
            probability=Fraction(self.probability),
            imbalance=self.imbalance,
        )
        counts = scheme.counts()
        for before, share in earlier:
            for factor, level in enumerate(self.coded(before)):
                counts[factor].setdefault(level, [0] * len(scheme.owners))[share] += 1
        share = scheme.next_share(self.coded(stratum), counts, Stream(seed, mode, "arrival", number))
        assigned = dict(self.cells[scheme.owners[share]])
        if self.exemplars and assigned["arm"] == FEEDBACK:
            chance = Stream(seed, mode, "arrival exemplar", number)
            assigned["exemplar"] = self.exemplars[chance.below(len(self.exemplars))]
        return share, assigned
