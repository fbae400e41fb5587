"""The public names of the analysis room: the one place that lists them."""

from feedbackstudy.analysis.analysing import analyse as analyse
from feedbackstudy.analysis.answer import Answer as Answer
from feedbackstudy.analysis.estimate import Estimate as Estimate
from feedbackstudy.analysis.estimate import Estimates as Estimates
