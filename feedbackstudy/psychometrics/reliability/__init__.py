"""How reliable a sum score is: alpha, omega, ordinal coefficients, lower bounds, retest."""

from feedbackstudy.psychometrics.reliability.alpha import alpha, compare_alphas, feldt_interval
from feedbackstudy.psychometrics.reliability.bound import GreatestLowerBound, greatest_lower_bound
from feedbackstudy.psychometrics.reliability.categorical import categorical_omega, ordinal_alpha
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.halves import SplitHalves, split_half
from feedbackstudy.psychometrics.reliability.hierarchical import HierarchicalOmega, omega_hierarchical
from feedbackstudy.psychometrics.reliability.omega import omega
from feedbackstudy.psychometrics.reliability.retest import MeasurementError, Retest, measurement_error, retest

__all__ = [
    "Coefficient",
    "GreatestLowerBound",
    "HierarchicalOmega",
    "MeasurementError",
    "Retest",
    "SplitHalves",
    "alpha",
    "categorical_omega",
    "compare_alphas",
    "feldt_interval",
    "greatest_lower_bound",
    "measurement_error",
    "omega",
    "omega_hierarchical",
    "ordinal_alpha",
    "retest",
    "split_half",
]
