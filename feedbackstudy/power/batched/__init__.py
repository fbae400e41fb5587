"""Simulated power without simulated rows: all replicates at once from draws of their sufficient statistics."""

from feedbackstudy.power.batched.counts import cumulative_logit
from feedbackstudy.power.batched.linear import linear
from feedbackstudy.power.batched.mediation import Paths, mediation
from feedbackstudy.power.batched.mixed import random_intercept
from feedbackstudy.power.batched.replicates import Replicates, SimulatedEffect, SimulatedPower, combine

__all__ = [
    "Paths",
    "Replicates",
    "SimulatedEffect",
    "SimulatedPower",
    "combine",
    "cumulative_logit",
    "linear",
    "mediation",
    "random_intercept",
]
