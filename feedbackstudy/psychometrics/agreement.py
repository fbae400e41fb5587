"""Agreement of raters or occasions on a continuous score: all intraclass correlations of Shrout & Fleiss."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.adapters.pingouin import intraclass_correlations
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, interval, number, p_value, table_of

__all__ = ["IntraclassCorrelation", "IntraclassCorrelations", "icc"]

type Floats = NDArray[np.float64]

_SHROUT_FLEISS = {
    "ICC(1,1)": ("ICC1", "one score; each target rated by other raters"),
    "ICC(A,1)": ("ICC2", "one score; raters are a sample, their level counts"),
    "ICC(C,1)": ("ICC3", "one score; order only, rater level does not count"),
    "ICC(1,k)": ("ICC1k", "mean of the raters; each target rated by other raters"),
    "ICC(A,k)": ("ICC2k", "mean of the raters; their level counts"),
    "ICC(C,k)": ("ICC3k", "mean of the raters; order only"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """One form with its interval and test.

    Attributes
    ----------
    form : str
        Name after McGraw & Wong (1996).
    shrout_fleiss : str
        Name after Shrout & Fleiss (1979).
    value, low, high : float
        Estimate and interval.
    f, df1, df2, p : float
        F test that it is zero.
    meaning : str
        When to use it.
    """

    form: str
    shrout_fleiss: str
    value: float
    low: float
    high: float
    f: float
    df1: float
    df2: float
    p: float
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelations(Rendered):
    """All six forms.

    Attributes
    ----------
    rows : tuple of IntraclassCorrelation
        In the order single then mean; one-way, agreement, consistency.
    n_targets, n_raters : int
        Size of the complete table.
    level : float
        Coverage of the intervals.
    mean_squares : dict of str to float
        Between targets, between raters, residual, within targets.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The ratings used.
    provenance : Provenance
        How the numbers were made.
    """

    rows: tuple[IntraclassCorrelation, ...]
    n_targets: int
    n_raters: int
    level: float
    mean_squares: dict[str, float]
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def row(self, form: str) -> IntraclassCorrelation:
        """Return one form.

        Parameters
        ----------
        form : str
            Name after McGraw & Wong or after Shrout & Fleiss.

        Returns
        -------
        IntraclassCorrelation
            The row.

        Raises
        ------
        NotFoundError
            For an unknown name.
        """
        for found in self.rows:
            if form in {found.form, found.shrout_fleiss}:
                return found
        raise NotFoundError(
            choices("ICC form", form, [name for row in self.rows for name in (row.form, row.shrout_fleiss)])
        )

    def frame(self) -> pd.DataFrame:
        """Return one row a form."""
        names = ("form", "shrout_fleiss", "value", "low", "high", "f", "df1", "df2", "p", "meaning")
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.rows])

    def table(self) -> Table:
        """Return the forms as a table."""
        title = f"{self.level:.0%} interval"
        rows = [
            {
                "form": f"{row.form} = {row.shrout_fleiss}",
                "estimate": row.value,
                title: interval(row.low, row.high),
                "test": f"F({row.df1:.0f}, {row.df2:.0f}) = {number(row.f, 2)}, {p_value(row.p)}",
                "when": row.meaning,
            }
            for row in self.rows
        ]
        return table_of(rows)

    def page(self) -> Page:
        """Return the forms as a page."""
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page("Intraclass correlations", f"{self.n_targets} targets, {self.n_raters} raters", blocks)

    def r_script(self) -> RScript:
        """Return a psych script that recomputes all forms.

        Returns
        -------
        RScript
            With the ratings used as its data.
        """
        body = (
            f"library(psych)\nraters <- {r_vector(self.matrix.items)}\n"
            f"fit <- ICC(responses[raters], lmer = FALSE, alpha = {1 - self.level:.12g})$results\n"
            "for (i in seq_len(nrow(fit))) {\n"
            '  show(fit$type[i], fit$ICC[i])\n  show(paste(fit$type[i], "low"), fit$`lower bound`[i])\n'
            '  show(paste(fit$type[i], "high"), fit$`upper bound`[i])\n}\n'
        )
        return RScript(made_by="psychometrics.icc", body=body, data=self.matrix.frame(), name="icc")


@one_thread()
def icc(data: Items | Matrix, *, level: float = 0.95) -> IntraclassCorrelations:
    """Compute all six intraclass correlations.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ratings, one row a target, one column a rater or occasion; targets with a missing rating are set aside.
    level : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    IntraclassCorrelations
        Estimates, F tests and unrounded intervals.

    Raises
    ------
    DataError
        For unusable ratings or fewer than two targets or raters.

    Notes
    -----
    Estimates and tests by pingouin; intervals of Shrout & Fleiss (1979) and McGraw & Wong (1996) from the same mean
    squares, since pingouin offers them rounded and for 95 % only.
    """
    matrix = item_matrix(data, constant="accept").complete
    ratings = matrix.answers
    n, k = ratings.shape
    if n < 3:
        raise DataError(f"{n} targets have all ratings; three or more are needed.")
    if np.ptp(ratings) == 0:
        raise DataError("All ratings are the same; agreement beyond chance does not exist without differences.")
    squares = _mean_squares(ratings)
    limits = _limits(squares, n, k, level)
    rows = tuple(
        IntraclassCorrelation(
            form=row.form,
            shrout_fleiss=_SHROUT_FLEISS[row.form][0],
            value=row.value,
            low=limits[row.form][0],
            high=limits[row.form][1],
            f=row.f,
            df1=row.df1,
            df2=row.df2,
            p=row.p,
            meaning=_SHROUT_FLEISS[row.form][1],
        )
        for row in intraclass_correlations(ratings)
    )
    return IntraclassCorrelations(
        rows=rows,
        n_targets=n,
        n_raters=k,
        level=level,
        mean_squares=squares,
        issues=matrix.issues,
        matrix=matrix,
        provenance=origin("icc", "Shrout & Fleiss (1979) forms; listwise deletion of targets"),
    )


def _mean_squares(ratings: Floats) -> dict[str, float]:
    n, k = ratings.shape
    grand = ratings.mean()
    targets, raters = ratings.mean(axis=1), ratings.mean(axis=0)
    residual = ratings - targets[:, None] - raters[None, :] + grand
    between = k * float(((targets - grand) ** 2).sum())
    columns = n * float(((raters - grand) ** 2).sum())
    error = float((residual**2).sum())
    return {
        "targets": between / (n - 1),
        "raters": columns / (k - 1),
        "residual": error / ((n - 1) * (k - 1)),
        "within": (columns + error) / (n * (k - 1)),
    }


def _limits(squares: dict[str, float], n: int, k: int, level: float) -> dict[str, tuple[float, float]]:
    upper = 0.5 + level / 2.0
    b, j, e, w = (squares[name] for name in ("targets", "raters", "residual", "within"))
    with np.errstate(divide="ignore", invalid="ignore"):
        one = _consistency(np.divide(b, w), n - 1, n * (k - 1), k, upper)
        consistent = _consistency(np.divide(b, e), n - 1, (n - 1) * (k - 1), k, upper)
        agree = _agreement(b, j, e, n, k, upper)
    mean = {"ICC(1,1)": "ICC(1,k)", "ICC(A,1)": "ICC(A,k)", "ICC(C,1)": "ICC(C,k)"}
    single = {"ICC(1,1)": one, "ICC(A,1)": agree, "ICC(C,1)": consistent}
    # Spearman-Brown carries each limit of a single score over to the mean of k.
    stepped = {
        mean[form]: (k * low / (1 + (k - 1) * low), k * high / (1 + (k - 1) * high))
        for form, (low, high) in single.items()
    }
    return single | stepped


def _consistency(f: float, df1: int, df2: int, k: int, upper: float) -> tuple[float, float]:
    low, high = f / stats.f.ppf(upper, df1, df2), f * stats.f.ppf(upper, df2, df1)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1)) if np.isfinite(high) else 1.0


def _agreement(b: float, j: float, e: float, n: int, k: int, upper: float) -> tuple[float, float]:
    if e == 0 and j == 0:
        return 1.0, 1.0
    value = (b - e) / (b + (k - 1) * e + k * (j - e) / n)
    # Satterthwaite degrees of freedom of the mixed denominator, written without dividing by the residual.
    weight_j, weight_e = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    df = (weight_j * j + weight_e * e) ** 2 / (
        (weight_j * j) ** 2 / (k - 1) + (weight_e * e) ** 2 / ((n - 1) * (k - 1))
    )
    rest = k * j + (k * n - k - n) * e
    f_low, f_high = stats.f.ppf(upper, n - 1, df), stats.f.ppf(upper, df, n - 1)
    low = n * (b - f_low * e) / (f_low * rest + n * b)
    high = n * (f_high * b - e) / (rest + n * f_high * b)
    return float(low), float(high)
