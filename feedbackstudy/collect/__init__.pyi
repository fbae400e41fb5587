"""The public names of the collect room: the one place that lists them."""

from feedbackstudy.collect.consent import erase as erase
from feedbackstudy.collect.consent import without_consent as without_consent
from feedbackstudy.collect.screening import Screening as Screening
from feedbackstudy.collect.screening import screen as screen
from feedbackstudy.collect.screening import screening as screening
