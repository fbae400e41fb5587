"""The public names of the collect room: the one place that lists them."""

from feedbackstudy.collect.accounting import Accounting as Accounting
from feedbackstudy.collect.accounting import account as account
from feedbackstudy.collect.consent import erase as erase
from feedbackstudy.collect.consent import without_consent as without_consent
from feedbackstudy.collect.dropout import Dropout as Dropout
from feedbackstudy.collect.dropout import LeeBounds as LeeBounds
from feedbackstudy.collect.dropout import dropout as dropout
from feedbackstudy.collect.dropout import lee_bounds as lee_bounds
from feedbackstudy.collect.platforms.cells import MISSING_CODES as MISSING_CODES
from feedbackstudy.collect.platforms.writing import write_responses as write_responses
from feedbackstudy.collect.pseudonyms import PseudonymKey as PseudonymKey
from feedbackstudy.collect.pseudonyms import make_key as make_key
from feedbackstudy.collect.pseudonyms import pseudonym_key as pseudonym_key
from feedbackstudy.collect.read_import import Import as Import
from feedbackstudy.collect.reading import inspect as inspect
from feedbackstudy.collect.reading import read as read
from feedbackstudy.collect.sample_ratio import SampleRatio as SampleRatio
from feedbackstudy.collect.sample_ratio import sample_ratio as sample_ratio
from feedbackstudy.collect.screening import Screening as Screening
from feedbackstudy.collect.screening import screen as screen
from feedbackstudy.collect.screening import screening as screening
from feedbackstudy.collect.small_cells import suppress as suppress
from feedbackstudy.collect.small_cells import suppressed_means as suppressed_means
