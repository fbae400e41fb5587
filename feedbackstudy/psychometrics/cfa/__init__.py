"""Confirmatory factor analysis."""

from feedbackstudy.psychometrics.cfa.compare import Comparison, compare
from feedbackstudy.psychometrics.cfa.estimate import cfa
from feedbackstudy.psychometrics.cfa.model import FactorModel, bifactor, factor_model
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.simulated_fit import SimulatedFit, simulated_fit
from feedbackstudy.psychometrics.cfa.stated import scale_model
from feedbackstudy.psychometrics.cfa.syntax import read as read_syntax

__all__ = [
    "CFA",
    "Comparison",
    "FactorModel",
    "SimulatedFit",
    "bifactor",
    "cfa",
    "compare",
    "factor_model",
    "read_syntax",
    "scale_model",
    "simulated_fit",
]
