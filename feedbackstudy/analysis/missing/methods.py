"""Which treatment carries out what a plan declares about missing answers."""

from collections.abc import Mapping

from feedbackstudy.analysis.missing.direct import full_information
from feedbackstudy.analysis.missing.imputing import multiple_imputation
from feedbackstudy.analysis.missing.treating import Treatment

__all__ = ["treatment"]

_TREATMENTS: Mapping[str, Treatment] = {"fiml": full_information, "multiple_imputation": multiple_imputation}


def treatment(method: str) -> Treatment | None:
    """Return what carries out a declared treatment of missing values.

    Parameters
    ----------
    method : str
        As in `Plan.missing`.

    Returns
    -------
    Treatment or None
        None for listwise deletion, which completes nothing.
    """
    return _TREATMENTS.get(method)
