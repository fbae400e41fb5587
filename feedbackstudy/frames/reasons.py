"""Why a cell holds no answer."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["MissingReason"]


class MissingReason(IntEnum):
    """The parallel code of a cell; ``ANSWERED`` is 0, every other code belongs to an NA.

    ``NOT_ASKED`` is never a missing value: the arm or occasion was not given the question, so counts, missing rules
    and reliability leave the cell out.
    """

    ANSWERED = 0
    NOT_ASKED = 1
    SKIPPED = 2
    REFUSED = 3
    USER_MISSING = 4

    @property
    def label(self) -> str:
        """The code as the column grammar writes it: ``not_asked``, ``skipped``, ``refused``, ``user_missing``."""
        return self.name.lower()

    @classmethod
    def counts(cls, codes: NDArray[np.int8]) -> dict[str, int]:
        """Count the cells by reason.

        Parameters
        ----------
        codes : ndarray of int8
            Reason codes, any shape.

        Returns
        -------
        dict
            Label -> number of cells, in the order of the codes.
        """
        tally = np.bincount(codes.ravel(), minlength=len(cls))
        return {reason.label: int(tally[reason]) for reason in cls}
