"""Who gets which condition, provably: schemes with exact probabilities, the sealed ledger, and delivery.

``feedbackstudy.assign`` is this room and, called, its verb: Python binds a package's name when anything in it is
imported, so the room must answer ``fs.assign(study, seed=...)`` itself.
"""

import sys
from types import ModuleType

import pandas as pd

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.assigning import assign
from feedbackstudy.assign.contacts import read_contacts
from feedbackstudy.assign.imported import import_assignment
from feedbackstudy.assign.ledger import Ledger
from feedbackstudy.assign.links import LinkPool, link_pool, tokens
from feedbackstudy.study import Study

__all__ = ["Allocation", "Ledger", "LinkPool", "assign", "import_assignment", "link_pool", "read_contacts", "tokens"]


class _Room(ModuleType):
    def __call__(self, study: Study, roster: pd.DataFrame | None = None, *, seed: int) -> Allocation:
        return assign(study, roster, seed=seed)


sys.modules[__name__].__class__ = _Room
