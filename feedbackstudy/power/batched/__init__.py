"""Simulated power without simulated rows: all replicates at once from draws of their sufficient statistics."""

from feedbackstudy.power.batched.counts import cumulative_logit
from feedbackstudy.power.batched.linear import linear
from feedbackstudy.power.batched.mediation import mediation
from feedbackstudy.power.batched.mixed import random_intercept
from feedbackstudy.power.batched.nested import nested_intercepts
from feedbackstudy.power.batched.paths import MediationPower, Paths
from feedbackstudy.power.batched.replicates import Replicates, combine
from feedbackstudy.power.batched.simulated import SimulatedEffect, SimulatedPower

__all__ = [
    "MediationPower",
    "Paths",
    "Replicates",
    "SimulatedEffect",
    "SimulatedPower",
    "combine",
    "cumulative_logit",
    "linear",
    "mediation",
    "nested_intercepts",
    "random_intercept",
]
