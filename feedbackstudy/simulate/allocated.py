"""An allocation instead of the study's own assignment: its people, its scheme, and their probabilities."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.design.chance import Stream
from feedbackstudy.design.crossing import Cell
from feedbackstudy.errors import DataError, choices
from feedbackstudy.render import counted
from feedbackstudy.simulate.covariates import covariate_numbers
from feedbackstudy.simulate.strata import bounds_at, moved_into_strata
from feedbackstudy.study import Study

if TYPE_CHECKING:
    from feedbackstudy.simulate.model import Model

__all__ = ["Given", "given_by", "held_categories"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Given:
    """What an allocation fixes in invented data.

    Attributes
    ----------
    allocation : Allocation
        The allocation; its scheme is drawn anew for invented data.
    conditions : tuple of Cell
        What people can get.
    chances : ndarray of shape (n, conditions)
        Probability of each condition for each person.
    codes : mapping of str to ndarray
        Unit -> number of its unit for each person.
    places : mapping of str to ndarray
        Covariate in categories -> the category of each person, by its place among rising numbers.
    """

    allocation: Allocation
    conditions: tuple[Cell, ...]
    chances: Floats
    codes: dict[str, Ints]
    places: dict[str, Ints]

    @property
    def weighted(self) -> bool:
        """Whether people of one condition had different probabilities, so that `analyse` weights rows."""
        return bool(np.ptp(self.chances, axis=0).max() > 1e-9)

    def draw(self, chance: np.random.Generator) -> Ints:
        """Draw the scheme anew.

        Parameters
        ----------
        chance : Generator
            A stream.

        Returns
        -------
        ndarray of shape (n,)
            The condition of each person.
        """
        drawn = self.allocation.scheme.draw(Stream(int(chance.integers(2**62)), "simulate"))
        return np.asarray(drawn, dtype=np.int64)

    def weights(self, drawn: Ints) -> Floats | None:
        """Return the inverse of each person's probability of what they got, as `Allocation.ipw` has it.

        Parameters
        ----------
        drawn : ndarray of shape (n,)
            The condition of each person.

        Returns
        -------
        ndarray of shape (n,) or None
            None where people of one condition have one probability.
        """
        return 1 / self.chances[np.arange(len(drawn)), drawn] if self.weighted else None


def given_by(study: Study, numbers: dict[str, int], allocation: Allocation) -> Given:
    """Hold an allocation against a study and its numbers.

    Parameters
    ----------
    study : Study
        The study.
    numbers : dict
        Unit -> how many, participants first.
    allocation : Allocation
        Who was assigned, by which scheme.

    Returns
    -------
    Given
        Ready to draw from.

    Raises
    ------
    DataError
        For an allocation of another study, other numbers of people or units, a stepped wedge, or a category that is not
        declared.
    """
    if allocation.study.design_hash != study.design_hash:
        raise DataError(
            f"The allocation belongs to another design ({allocation.design_hash[:12]}) than the study "
            f"({study.design_hash[:12]}); give the one that was drawn for this study."
        )
    if len(allocation.periods):
        raise DataError("A stepped wedge is diagnosed by its declaration alone; leave 'allocation' out.")
    unit = next(iter(numbers))
    if len(allocation) != numbers[unit]:
        raise DataError(
            f"The allocation holds {counted(len(allocation), 'person', 'people')} and the world {numbers[unit]}; give "
            f"the world n: {{{unit}: {len(allocation)}}}."
        )
    chances = np.asarray(allocation.scheme.probabilities(), dtype=np.float64)
    return Given(
        allocation=allocation,
        conditions=allocation.conditions,
        chances=chances,
        codes=_units(numbers, allocation.frame),
        places=_places(study, allocation.frame),
    )


def _units(numbers: dict[str, int], frame: pd.DataFrame) -> dict[str, Ints]:
    """Return the number of its unit for each person, where the allocation says it."""
    codes: dict[str, Ints] = {}
    for name in [each for each in list(numbers)[1:] if each in frame.columns]:
        found, places = np.unique(frame[name].astype(str).to_numpy(dtype=str), return_inverse=True)
        if len(found) != numbers[name]:
            raise DataError(
                f"The allocation holds {len(found)} of {name!r} and the world {numbers[name]}; give the world n: "
                f"{{{name}: {len(found)}}}."
            )
        codes[name] = np.asarray(places, dtype=np.int64)
    return codes


def _places(study: Study, frame: pd.DataFrame) -> dict[str, Ints]:
    """Return the category of each person in the covariates that make strata."""
    places: dict[str, Ints] = {}
    for covariate in study.covariates:
        known = {code: place for place, code in enumerate(covariate_numbers(covariate))}
        if not known or covariate.name not in frame.columns or covariate.name not in study.assignment.by:
            continue
        words = frame[covariate.name].astype(str)
        for word in words[~words.isin(list(known))]:
            raise DataError(choices(f"Category of {covariate.name!r} in the allocation", word, known))
        places[covariate.name] = np.asarray(words.map(known), dtype=np.int64)
    return places


def held_categories(model: "Model", latent: Floats, chance: np.random.Generator) -> Floats:
    """Move latent variables so that everybody has the categories that the allocation says.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    latent : ndarray of shape (replicates, n, slots)
        A fresh draw.
    chance : Generator
        A stream.

    Returns
    -------
    ndarray
        The draw given the categories; itself where the allocation says none.
    """
    given = model.given
    if given is None or not given.places:
        return latent
    slots = [model.slot(name) for name in given.places]
    levels = [root for level, root in model.roots.items() if level in {"person", *given.codes, *model.numbers}]
    whole = np.sum([root @ root.T for root in levels], axis=0)
    categories = zip(slots, given.places.values(), strict=True)
    bounds = np.stack([bounds_at(model.slots[i].measurement, places) for i, places in categories], axis=1)
    return moved_into_strata(latent, slots, None, bounds, whole, chance)
