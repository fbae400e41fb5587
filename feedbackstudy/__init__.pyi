"""The public names of feedbackstudy: the one place that lists them."""

from feedbackstudy.issues import Issue as Issue
from feedbackstudy.issues import Issues as Issues
from feedbackstudy.provenance import Provenance as Provenance
from feedbackstudy.provenance import versions as versions
