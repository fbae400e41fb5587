"""From a study and a world to the numbers that drawing needs."""

import numpy as np

from feedbackstudy.simulate.capacity import refuse_other_kinds
from feedbackstudy.simulate.correlations import latent_matrix, share_matrix, target_matrix
from feedbackstudy.simulate.covariates import covariate_measurement
from feedbackstudy.simulate.effects import deviations
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.names import refuse_unknown
from feedbackstudy.simulate.people import unit_numbers
from feedbackstudy.simulate.slots import slots_of
from feedbackstudy.simulate.times import feedback_days, wave_days
from feedbackstudy.simulate.traits import Measurement, read_traits
from feedbackstudy.simulate.truths import CovariateTruth
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study
from feedbackstudy.study.texts import study_exemplars

__all__ = ["compiled"]


def compiled(study: Study, world: World) -> Model:
    """Turn a study and a world into numbers.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        The world.

    Returns
    -------
    Model
        Ready to draw from.

    Raises
    ------
    InputError
        For names that the study does not have, impossible distributions, correlations that cannot hold together, or
        no planned number of participants.
    """
    refuse_other_kinds(study, world)
    traits, derived = read_traits(study, world)
    refuse_unknown(world, study, tuple(trait.name for trait in traits))
    covariates: dict[str, Measurement] = {
        c.name: covariate_measurement(c, world.covariates.get(c.name) or CovariateTruth(name=c.name))
        for c in study.covariates
    }
    slots = slots_of(study, traits, covariates)
    cells = study.crossing.cells()
    exemplars = study_exemplars(study)
    latent = latent_matrix(slots, target_matrix(study, world, slots), scored=world.metric == "score")
    numbers = unit_numbers(study, world)
    shifts = deviations(study, world, slots, cells)
    feedback = feedback_days(study, world, cells)
    drift = np.zeros_like(shifts)
    for i, slot in enumerate(slots):
        if slot.occasion:
            days = wave_days(study.waves[slot.occasion], world, feedback)
            drift[:, i] = world.drift.get(slot.name, 0.0) * days / 30
    return Model(
        study=study,
        world=world,
        traits=traits,
        derived=derived,
        slots=slots,
        cells=cells,
        shifts=shifts,
        drift=drift,
        latent=latent,
        roots=share_matrix(study, world, slots, latent, exemplars=bool(exemplars)),
        numbers=numbers,
        exemplars=exemplars,
    )
