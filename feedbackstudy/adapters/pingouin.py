"""The typed door to pingouin."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet

__all__ = ["IccRow", "intraclass_correlations"]

# pingouin's names of the six forms and those of Shrout & Fleiss (1979). Labels changed between its releases, so rows
# are taken by position and the labels are checked against this list.
_FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


@dataclass(frozen=True, slots=True, kw_only=True)
class IccRow:
    """One form of the intraclass correlation as pingouin computes it.

    Attributes
    ----------
    form : str
        Name after McGraw & Wong (1996).
    value : float
        The coefficient, unrounded.
    f, df1, df2, p : float
        F test that it is zero.
    """

    form: str
    value: float
    f: float
    df1: float
    df2: float
    p: float


def intraclass_correlations(ratings: NDArray[np.float64]) -> tuple[IccRow, ...]:
    """Return the six intraclass correlations of a complete table of ratings.

    Parameters
    ----------
    ratings : ndarray of shape (n_targets, n_raters)
        No missing value.

    Returns
    -------
    tuple of IccRow
        In the order ICC(1,1), ICC(A,1), ICC(C,1), ICC(1,k), ICC(A,k), ICC(C,k).

    Raises
    ------
    RuntimeError
        Where the installed pingouin names its rows otherwise than known.
    """
    import pingouin  # type: ignore[import-untyped, unused-ignore]

    n, k = ratings.shape
    long = pd.DataFrame(
        {"target": np.repeat(np.arange(n), k), "rater": np.tile(np.arange(k), n), "rating": ratings.ravel()}
    )
    with quiet("pingouin"), np.errstate(divide="ignore", invalid="ignore"):
        found = pingouin.intraclass_corr(data=long, targets="target", raters="rater", ratings="rating")
    if tuple(found["Type"]) != _FORMS:
        raise RuntimeError(f"pingouin {pingouin.__version__} names its ICC rows {tuple(found['Type'])}, not {_FORMS}.")
    columns = found[["ICC", "F", "df1", "df2", "pval"]].to_numpy(dtype=np.float64)
    return tuple(
        IccRow(form=form, value=float(v), f=float(f), df1=float(d1), df2=float(d2), p=float(p))
        for form, (v, f, d1, d2, p) in zip(_FORMS, columns, strict=True)
    )
