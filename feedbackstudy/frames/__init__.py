"""The two tables everyone exchanges, `Responses` and `Scores`, and the row-accounting ledger that they carry.

Column grammar: ``participant, arm, occasion, <factors>, <clusters>, <covariates>, <items or scores>``.
A table knows the design hash it belongs to, never the study itself.
"""

from feedbackstudy.frames.fielded import Fielded
from feedbackstudy.frames.groups import ScoreGroups, score_groups
from feedbackstudy.frames.ledger import Ledger, LedgerEntry
from feedbackstudy.frames.reasons import MissingReason
from feedbackstudy.frames.responses import Responses
from feedbackstudy.frames.scores import ScoreInfo, Scores

__all__ = [
    "Fielded",
    "Ledger",
    "LedgerEntry",
    "MissingReason",
    "Responses",
    "ScoreGroups",
    "ScoreInfo",
    "Scores",
    "score_groups",
]
