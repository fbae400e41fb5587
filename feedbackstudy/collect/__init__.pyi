"""The public names of the collect room: the one place that lists them."""

from feedbackstudy.collect.accounting import Accounting as Accounting
from feedbackstudy.collect.accounting import account as account
from feedbackstudy.collect.consent import erase as erase
from feedbackstudy.collect.consent import without_consent as without_consent
from feedbackstudy.collect.platforms.cells import MISSING_CODES as MISSING_CODES
from feedbackstudy.collect.platforms.writing import write_responses as write_responses
from feedbackstudy.collect.read_import import Import as Import
from feedbackstudy.collect.reading import inspect as inspect
from feedbackstudy.collect.reading import read as read
from feedbackstudy.collect.screening import Screening as Screening
from feedbackstudy.collect.screening import screen as screen
from feedbackstudy.collect.screening import screening as screening
