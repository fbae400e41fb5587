"""Test-retest reliability, the standard error of measurement and what change it lets one see."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.agreement import icc
from feedbackstudy.psychometrics.matrix import item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.render import Page, Rendered, Table, interval, number, table_of

__all__ = ["MeasurementError", "Retest", "measurement_error", "retest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementError(Rendered):
    """What a reliability means for one person's score.

    Attributes
    ----------
    sem : float
        Standard error of measurement, in score units.
    half_width : float
        Half the interval around an observed score.
    smallest_change : float
        Smallest difference of two scores of one person that exceeds chance.
    level : float
        Coverage of both.
    sd, reliability : float
        What they were computed from.
    """

    sem: float
    half_width: float
    smallest_change: float
    level: float
    sd: float
    reliability: float

    def frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("sem", "half_width", "smallest_change", "level", "sd", "reliability")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def table(self) -> Table:
        """Return one row as a table."""
        return table_of([{str(key): value for key, value in self.frame().iloc[0].items()}])

    def page(self) -> Page:
        """Return the record as a page."""
        note = f"reliability {number(self.reliability)}, standard deviation {number(self.sd)}, {self.level:.0%}"
        return Page(f"Standard error of measurement = {number(self.sem)}", note, (self.table(),))


def measurement_error(*, sd: float, reliability: float, level: float = 0.95) -> MeasurementError:
    r"""Compute the standard error of measurement and the smallest detectable change.

    Parameters
    ----------
    sd : float
        Standard deviation of the score.
    reliability : float
        Reliability of the score in the same population.
    level : float, default 0.95
        Coverage.

    Returns
    -------
    MeasurementError
        In score units.

    Raises
    ------
    DataError
        For a negative standard deviation or a reliability outside 0 to 1.

    Notes
    -----
    :math:`SEM = s\sqrt{1-r}`; smallest change :math:`z\sqrt{2}\,SEM` (Jacobson & Truax 1991).
    """
    if sd < 0 or not 0 <= reliability <= 1:
        raise DataError(f"sd {sd:g}, reliability {reliability:g}: give sd >= 0 and a reliability between 0 and 1.")
    z = float(stats.norm.ppf(0.5 + level / 2.0))
    sem = sd * float(np.sqrt(1.0 - reliability))
    return MeasurementError(
        sem=sem,
        half_width=z * sem,
        smallest_change=z * float(np.sqrt(2.0)) * sem,
        level=level,
        sd=sd,
        reliability=reliability,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retest(Rendered):
    """Stability of a score over two occasions.

    Attributes
    ----------
    r, r_low, r_high : float
        Pearson correlation with Fisher's interval.
    agreement, agreement_low, agreement_high : float
        ICC(A,1): agreement of single scores; a shift of everybody lowers it.
    consistency, consistency_low, consistency_high : float
        ICC(C,1): consistency of single scores.
    mean_change : float
        Second less first.
    error : MeasurementError
        From the consistency ICC and the pooled standard deviation.
    n : int
        People with both scores.
    level : float
        Coverage.
    issues : tuple of Issue
        Named conditions.
    provenance : Provenance
        How the numbers were made.
    """

    r: float
    r_low: float
    r_high: float
    agreement: float
    agreement_low: float
    agreement_high: float
    consistency: float
    consistency_low: float
    consistency_high: float
    mean_change: float
    error: MeasurementError
    n: int
    level: float
    issues: tuple[Issue, ...]
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row a coefficient."""
        rows = [
            ("Pearson r", self.r, self.r_low, self.r_high),
            ("ICC(A,1), agreement", self.agreement, self.agreement_low, self.agreement_high),
            ("ICC(C,1), consistency", self.consistency, self.consistency_low, self.consistency_high),
        ]
        return pd.DataFrame(rows, columns=["coefficient", "value", "low", "high"])

    def table(self) -> Table:
        """Return the coefficients as a table."""
        frame = self.frame()
        limits = [interval(low, high) for low, high in frame[["low", "high"]].to_numpy().tolist()]
        rows = rows_of(frame[["coefficient", "value"]].assign(**{f"{self.level:.0%} interval": limits}))
        return table_of(rows)

    def page(self) -> Page:
        """Return the coefficients as a page."""
        note = f"{self.n} people, mean change {number(self.mean_change)}, SEM {number(self.error.sem)}"
        blocks = with_notices(self.issues, self.table(), self.error.table(), self.provenance.facts())
        return Page("Test-retest reliability", note, blocks)


def retest(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Retest:
    """Compute test-retest reliability of one score on two occasions.

    Parameters
    ----------
    first, second : array of shape (n,)
        Scores of the same people in the same order; people without both are set aside.
    level : float, default 0.95
        Coverage.

    Returns
    -------
    Retest
        Correlation, intraclass correlations, measurement error.

    Raises
    ------
    DataError
        For unequal lengths, unusable values or fewer than four people.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"Scores of shapes {a.shape} and {b.shape}; give one score a person on each occasion.")
    pairs = item_matrix(pd.DataFrame({"first": a, "second": b})).complete
    n = pairs.n_people
    if n < 4:
        raise DataError(f"{n} people have both scores; four or more are needed for an interval.")
    x, y = pairs.answers[:, 0], pairs.answers[:, 1]
    r = float(np.corrcoef(x, y)[0, 1])
    z = float(stats.norm.ppf(0.5 + level / 2.0)) / np.sqrt(n - 3)
    ratings = icc(pairs, level=level)
    agreement, consistency = ratings.row("ICC(A,1)"), ratings.row("ICC(C,1)")
    pooled = float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2.0))
    reliability = min(max(consistency.value, 0.0), 1.0)
    return Retest(
        r=r,
        r_low=float(np.tanh(np.arctanh(r) - z)),
        r_high=float(np.tanh(np.arctanh(r) + z)),
        agreement=agreement.value,
        agreement_low=agreement.low,
        agreement_high=agreement.high,
        consistency=consistency.value,
        consistency_low=consistency.low,
        consistency_high=consistency.high,
        mean_change=float((y - x).mean()),
        error=measurement_error(sd=pooled, reliability=reliability, level=level),
        n=n,
        level=level,
        issues=pairs.issues,
        provenance=origin("retest", "Fisher's interval for r; McGraw & Wong intervals for the ICCs"),
    )
