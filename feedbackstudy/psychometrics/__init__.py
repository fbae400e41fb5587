"""Does the scale hold here? Reliability, items, factors, models, invariance, agreement, careless answers.

Functions share their names with the modules they live in (`polychoric`, `efa`, `cfa`, ...): from here, the name is the
function.
"""

from feedbackstudy.psychometrics.agreement import icc
from feedbackstudy.psychometrics.average_partial import minimum_average_partial
from feedbackstudy.psychometrics.careless import careless
from feedbackstudy.psychometrics.cfa import bifactor, cfa, compare, factor_model, scale_model
from feedbackstudy.psychometrics.dif import dif
from feedbackstudy.psychometrics.efa import efa
from feedbackstudy.psychometrics.factorability import factorability
from feedbackstudy.psychometrics.grm import graded_response
from feedbackstudy.psychometrics.htmt import average_variance_extracted, htmt
from feedbackstudy.psychometrics.invariance import invariance, noninvariance
from feedbackstudy.psychometrics.items import item_analysis
from feedbackstudy.psychometrics.kappa import cohen_kappa, fleiss_kappa
from feedbackstudy.psychometrics.known_truth import invented_answers
from feedbackstudy.psychometrics.krippendorff import krippendorff_alpha
from feedbackstudy.psychometrics.parallel import parallel_analysis
from feedbackstudy.psychometrics.polychoric import polychoric, tetrachoric, thresholds_and_polychorics
from feedbackstudy.psychometrics.reliability import (
    alpha,
    categorical_omega,
    compare_alphas,
    feldt_interval,
    greatest_lower_bound,
    measurement_error,
    omega,
    omega_hierarchical,
    ordinal_alpha,
    retest,
    split_half,
)
from feedbackstudy.psychometrics.rotation import align, congruence, rotate
from feedbackstudy.psychometrics.validation import validate

__all__ = [
    "align",
    "alpha",
    "average_variance_extracted",
    "bifactor",
    "careless",
    "categorical_omega",
    "cfa",
    "cohen_kappa",
    "compare",
    "compare_alphas",
    "congruence",
    "dif",
    "efa",
    "factor_model",
    "factorability",
    "feldt_interval",
    "fleiss_kappa",
    "graded_response",
    "greatest_lower_bound",
    "htmt",
    "icc",
    "invariance",
    "invented_answers",
    "item_analysis",
    "krippendorff_alpha",
    "measurement_error",
    "minimum_average_partial",
    "noninvariance",
    "omega",
    "omega_hierarchical",
    "ordinal_alpha",
    "parallel_analysis",
    "polychoric",
    "retest",
    "rotate",
    "scale_model",
    "split_half",
    "tetrachoric",
    "thresholds_and_polychorics",
    "validate",
]
