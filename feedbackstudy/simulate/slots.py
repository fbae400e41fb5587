"""The latent variables of a person: each trait at each wave that asks it, then the covariates."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedbackstudy.simulate.traits import Measurement, Trait
from feedbackstudy.study import Study

__all__ = ["Slot", "slots_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """One latent variable.

    Attributes
    ----------
    name : str
        Trait or covariate.
    occasion : str
        Wave; empty for a covariate.
    measurement : Measurement
        How it becomes answers.
    variance : float
        Variance of the score.
    trait : Trait or None
        None for a covariate.
    nominal : bool
        Whether its categories have no order.
    after : bool
        Whether it is asked after the feedback.
    """

    name: str
    occasion: str
    measurement: Measurement
    variance: float
    trait: Trait | None
    nominal: bool
    after: bool

    @property
    def sd(self) -> float:
        """Standard deviation of the score."""
        return float(self.variance**0.5)


def slots_of(study: Study, traits: tuple[Trait, ...], covariates: Mapping[str, Measurement]) -> tuple[Slot, ...]:
    """Return the latent variables of a person.

    Parameters
    ----------
    study : Study
        The study.
    traits : tuple of Trait
        What is drawn.
    covariates : mapping of str to Measurement
        The covariates.

    Returns
    -------
    tuple of Slot
        Traits by wave, then covariates.
    """
    found = [
        Slot(
            name=trait.name,
            occasion=wave.name,
            measurement=trait.measurement,
            variance=trait.measurement.variance(),
            trait=trait,
            nominal=trait.nominal,
            after=wave.phase == "after",
        )
        for trait in traits
        for wave in study.waves
        if wave.name in trait.measure.waves
    ]
    found += [
        Slot(
            name=covariate.name,
            occasion="",
            measurement=covariates[covariate.name],
            variance=covariates[covariate.name].variance(),
            trait=None,
            nominal=covariate.kind == "nominal",
            after=False,
        )
        for covariate in study.covariates
    ]
    return tuple(found)
