"""Will the study answer? Power, sample size, smallest effect and level, each from the others, with its conventions."""

from feedbackstudy.power.anova import anova
from feedbackstudy.power.answer import AnovaPower, EffectPower, PowerAnswer
from feedbackstudy.power.association import correlation, regression
from feedbackstudy.power.frequency import chi2, proportions
from feedbackstudy.power.means import t_test

__all__ = [
    "AnovaPower",
    "EffectPower",
    "PowerAnswer",
    "anova",
    "chi2",
    "correlation",
    "proportions",
    "regression",
    "t_test",
]
