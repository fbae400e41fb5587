"""The public names of feedbackstudy: the one place that lists them."""

from feedbackstudy import datasets as datasets
from feedbackstudy import literature as literature
from feedbackstudy import report as report
from feedbackstudy import scales as scales
from feedbackstudy.analysis.estimate import Estimate as Estimate
from feedbackstudy.analysis.estimate import Estimates as Estimates
from feedbackstudy.design import claims as claims
from feedbackstudy.frames import Responses as Responses
from feedbackstudy.frames import Scores as Scores
from feedbackstudy.issues import Issue as Issue
from feedbackstudy.issues import Issues as Issues
from feedbackstudy.provenance import Provenance as Provenance
from feedbackstudy.provenance import versions as versions
from feedbackstudy.scales import score as score
from feedbackstudy.study import Study as Study
from feedbackstudy.study import new_study as new_study
from feedbackstudy.study import template_folder as template_folder
