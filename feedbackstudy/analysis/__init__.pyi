"""The public names of the analysis room: the one place that lists them."""

from feedbackstudy.analysis.analysing import analyse as analyse
from feedbackstudy.analysis.answer import Answer as Answer
from feedbackstudy.analysis.estimate import Estimate as Estimate
from feedbackstudy.analysis.estimate import Estimates as Estimates
from feedbackstudy.analysis.manipulating import ManipulationChecks as ManipulationChecks
from feedbackstudy.analysis.manipulating import manipulation as manipulation
from feedbackstudy.analysis.own_estimate import custom as custom
