"""Who gets which condition, provably: schemes with exact probabilities, the sealed ledger, and delivery."""

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.assigning import assign
from feedbackstudy.assign.ledger import Ledger

__all__ = ["Allocation", "Ledger", "assign"]
