"""Who gets which condition, provably: schemes with exact probabilities, the sealed ledger, and delivery."""

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.assigning import assign
from feedbackstudy.assign.contacts import read_contacts
from feedbackstudy.assign.imported import import_assignment
from feedbackstudy.assign.ledger import Ledger
from feedbackstudy.assign.links import LinkPool, link_pool, read_pool, tokens

__all__ = [
    "Allocation",
    "Ledger",
    "LinkPool",
    "assign",
    "import_assignment",
    "link_pool",
    "read_contacts",
    "read_pool",
    "tokens",
]
