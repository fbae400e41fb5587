"""Measurement invariance between groups, conditions and waves, and what its lack does to a difference."""

from feedbackstudy.psychometrics.invariance.effect import noninvariance
from feedbackstudy.psychometrics.invariance.effect_record import NonInvariance
from feedbackstudy.psychometrics.invariance.estimate import invariance
from feedbackstudy.psychometrics.invariance.record import Invariance, Level
from feedbackstudy.psychometrics.invariance.rules import RULES, Rule

__all__ = ["RULES", "Invariance", "Level", "NonInvariance", "Rule", "invariance", "noninvariance"]
