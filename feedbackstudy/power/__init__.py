"""Will the study answer? Power, sample size, smallest effect and level, each from the others, with its conventions."""

from feedbackstudy.power.analysed import by_analyse
from feedbackstudy.power.anchors import SesoiAnchor, SesoiAnchors, suggest_sesoi
from feedbackstudy.power.anova import anova
from feedbackstudy.power.answer import AnovaPower, EffectPower, PowerAnswer
from feedbackstudy.power.association import correlation, regression
from feedbackstudy.power.assurance import assurance
from feedbackstudy.power.batched import MediationPower, Paths, mediation
from feedbackstudy.power.bayes_factor import bayes_factor_t
from feedbackstudy.power.between import f_test
from feedbackstudy.power.clusters import cluster
from feedbackstudy.power.diagnosed import Diagnosis, HypothesisDiagnosis
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.equivalence import tost
from feedbackstudy.power.exaggeration import type_s_m
from feedbackstudy.power.exemplars import exemplars
from feedbackstudy.power.frequency import chi2, proportions
from feedbackstudy.power.gpower import GPowerComparison, compare_gpower
from feedbackstudy.power.grid import PowerGrid, grid
from feedbackstudy.power.joint import joint
from feedbackstudy.power.means import t_test
from feedbackstudy.power.odds import logistic, ordinal
from feedbackstudy.power.precision import precision
from feedbackstudy.power.random_slopes import random_slope
from feedbackstudy.power.sequential import group_sequential
from feedbackstudy.power.solve import Solution, solve
from feedbackstudy.power.sweep import sweep
from feedbackstudy.power.wedge import stepped_wedge

__all__ = [
    "AnovaPower",
    "Diagnosis",
    "EffectPower",
    "GPowerComparison",
    "HypothesisDiagnosis",
    "MediationPower",
    "Paths",
    "PowerAnswer",
    "PowerGrid",
    "SesoiAnchor",
    "SesoiAnchors",
    "Solution",
    "anova",
    "assurance",
    "bayes_factor_t",
    "by_analyse",
    "chi2",
    "cluster",
    "compare_gpower",
    "correlation",
    "diagnose",
    "exemplars",
    "f_test",
    "grid",
    "group_sequential",
    "joint",
    "logistic",
    "mediation",
    "ordinal",
    "precision",
    "proportions",
    "random_slope",
    "regression",
    "solve",
    "stepped_wedge",
    "suggest_sesoi",
    "sweep",
    "t_test",
    "tost",
    "type_s_m",
]
