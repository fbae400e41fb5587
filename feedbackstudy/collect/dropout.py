"""Differential dropout: whether conditions lose people at different rates, and how far that can move an effect."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.collect.accounting import Accounting
from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Notice, Page, Rendered, Text, counted, number, p_value, table_of

__all__ = ["Dropout", "LeeBounds", "dropout", "lee_bounds"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dropout(Rendered):
    """Who stayed, by condition.

    Attributes
    ----------
    frame : DataFrame
        ``condition, allocated, stayed, share``.
    p : float
        Whether the shares differ.
    method : str
        Which test.
    alpha : float
        Below it the dropout counts as differential.
    """

    frame: pd.DataFrame
    p: float
    method: str
    alpha: float = 0.05

    @property
    def differential(self) -> bool:
        """Whether conditions lose people at different rates."""
        return self.p < self.alpha

    def issues(self) -> Issues:
        """Return the finding, where there is one.

        Returns
        -------
        Issues
            One warning, or none.
        """
        if not self.differential:
            return Issues()
        shares = ", ".join(f"{row.condition} {row.share:.0%}" for row in self.frame.itertuples())
        issue = Issue(
            code="collect.differential_dropout",
            severity=Severity.WARNING,
            where="allocation",
            what=f"Conditions keep different shares of their people ({self.method}, {p_value(self.p)}): {shares}.",
            why="Those who stay are no longer comparable by chance; the difference between them need not be an effect.",
            fix="Report the bounds that it leaves open (collect.lee_bounds); treat missing answers as declared.",
        )
        return Issues([issue])

    def page(self) -> Page:
        """Return the shares and the test.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = [{str(k): v for k, v in row.items()} for row in self.frame.to_dict("records")]
        alarm = [Notice(issue.what) for issue in self.issues()]
        said = Text(f"{self.method}: {p_value(self.p)}.")
        return Page(title="Dropout by condition", blocks=(*alarm, table_of(rows, decimals=3), said))


def dropout(flow: Accounting, *, alpha: float = 0.05) -> Dropout:
    """Test whether conditions lose people at different rates.

    Parameters
    ----------
    flow : Accounting
        Who became what; people lost at its wave, without data, or excluded have not stayed.
    alpha : float, default 0.05
        Below it the dropout counts as differential.

    Returns
    -------
    Dropout
        Shares and test.

    Raises
    ------
    DataError
        Where there are fewer than two conditions.

    Notes
    -----
    Fisher's exact test for two conditions, Pearson's chi-square test for more.
    """
    people = flow.people()
    people = people[people["fate"] != "not_randomised"]
    stayed = people["fate"].isin(["left_out", "analysed"]) & people["followed_up"].astype(bool)
    frame = pd.DataFrame({"condition": people["condition"], "stayed": stayed})
    counts = frame.groupby("condition", sort=False)["stayed"].agg(["size", "sum"])
    counts = counts.reindex([name for name in flow.conditions if name in counts.index])
    if len(counts) < 2:
        raise DataError("Dropout is compared between conditions; there are fewer than two.")
    table = np.column_stack([counts["sum"], counts["size"] - counts["sum"]])
    if not table.sum(axis=0).all():
        p, method = 1.0, "nobody left, or everybody did"
    elif len(table) == 2:
        p, method = float(stats.fisher_exact(table).pvalue), "Fisher's exact test"
    else:
        p, method = float(stats.chi2_contingency(table, correction=False).pvalue), "chi-square test"
    shown = pd.DataFrame(
        {
            "condition": counts.index,
            "allocated": counts["size"].to_numpy(dtype=int),
            "stayed": counts["sum"].to_numpy(dtype=int),
            "share": (counts["sum"] / counts["size"]).to_numpy(dtype=float),
        }
    )
    return Dropout(frame=shown, p=p, method=method, alpha=alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeeBounds(Rendered):
    """Between which values the effect lies for people who would have stayed in both conditions.

    Attributes
    ----------
    low, high : float
        The bounds.
    difference : float
        The difference between those who stayed, untrimmed.
    trimmed : float
        Share trimmed of the condition that kept more.
    trimmed_condition : {"treated", "control", "neither"}
        Which condition that is.
    n_treated, n_control : int
        Values used.
    """

    low: float
    high: float
    difference: float
    trimmed: float
    trimmed_condition: str
    n_treated: int
    n_control: int

    def page(self) -> Page:
        """Return the bounds in a sentence.

        Returns
        -------
        Page
            Ready to render.
        """
        said = (
            f"The difference between those who stayed is {number(self.difference, 2)}. For people who stay in both "
            f"conditions it lies between {number(self.low, 2)} and {number(self.high, 2)} (Lee bounds; "
            f"{self.trimmed:.1%} of the condition {self.trimmed_condition!r} trimmed)."
        )
        return Page(title="Bounds under dropout", blocks=(Text(said),))


def lee_bounds(treated: Floats, control: Floats, *, n_treated: int, n_control: int) -> LeeBounds:
    r"""Bound a difference in means where conditions lost people at different rates.

    Parameters
    ----------
    treated, control : ndarray
        Outcomes of those who stayed.
    n_treated, n_control : int
        People assigned to each.

    Returns
    -------
    LeeBounds
        Lower and upper bound.

    Raises
    ------
    DataError
        Where a condition has no values, more values than people, or values that are not finite.

    Notes
    -----
    Lee (2009, Review of Economic Studies 76, 1071-1102): with :math:`q_T, q_C` the shares that stayed and, say,
    :math:`q_T>q_C`, the share :math:`p=(q_T-q_C)/q_T` is trimmed from the top of the treated for the lower bound and
    from the bottom for the upper. Values on the edge enter with a fraction of their weight, so that exactly the share
    :math:`p` is trimmed, also with ties. Assumes that the treatment moves staying in one direction only.
    """
    y1, y0 = np.sort(np.asarray(treated, dtype=np.float64)), np.sort(np.asarray(control, dtype=np.float64))
    for name, values, n in (("treated", y1, n_treated), ("control", y0, n_control)):
        if not values.size or values.size > n or not np.isfinite(values).all():
            raise DataError(
                f"{name}: {counted(values.size, 'value')} for {counted(n, 'person', 'people')}; give finite "
                "values, one for each who stayed."
            )
    q1, q0 = y1.size / n_treated, y0.size / n_control
    difference = float(y1.mean() - y0.mean())
    if q1 == q0:
        low = high = difference
        share, which = 0.0, "neither"
    elif q1 > q0:
        share, which = (q1 - q0) / q1, "treated"
        low, high = _kept(y1, share, top=True) - y0.mean(), _kept(y1, share, top=False) - y0.mean()
    else:
        share, which = (q0 - q1) / q0, "control"
        low, high = y1.mean() - _kept(y0, share, top=False), y1.mean() - _kept(y0, share, top=True)
    return LeeBounds(
        low=float(low), high=float(high), difference=difference, trimmed=float(share), trimmed_condition=which,
        n_treated=int(y1.size), n_control=int(y0.size),
    )  # fmt: skip


def _kept(values: Floats, share: float, *, top: bool) -> float:
    """Return the mean of what is left after trimming a share from the top (or the bottom) of sorted values."""
    ordered = values if top else values[::-1]
    keep = values.size * (1 - share)
    weights = np.clip(keep - np.arange(values.size), 0, 1)
    return float(np.sum(ordered * weights) / keep)
