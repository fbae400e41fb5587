"""Who gets which condition, provably: schemes with exact probabilities, the sealed ledger, and delivery."""

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.assigning import assign

__all__ = ["Allocation", "assign"]
