"""Equivalence and non-inferiority of means: two one-sided tests of a data frame or of printed figures."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from feedbackstudy.analysis.columns import read_columns
from feedbackstudy.analysis.reported import Reported, without_numbers
from feedbackstudy.analysis.tables import numbers
from feedbackstudy.analysis.two_groups import two_groups
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number
from feedbackstudy.render import Page, Table, Text, interval, number, p_value

__all__ = ["Equivalence", "tost", "tost_from_figures"]

type Variance = Literal["welch", "student"]
type Bounds = float | tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equivalence(Reported):
    """Two one-sided tests. Make it with `tost` or `tost_from_figures`.

    Attributes
    ----------
    comparison : str
        What was compared.
    estimate, se, df : float
        Difference (or mean), its standard error and degrees of freedom.
    bounds : tuple of float
        Lower and upper bound of equivalence, in units of the outcome.
    t_lower, p_lower : float
        Test that the effect is above the lower bound (non-inferiority).
    t_upper, p_upper : float
        Test that it is below the upper bound.
    p_equivalence : float
        The larger of the two.
    p : float
        Two-sided test of zero.
    low, high, level : float
        Interval that lies inside the bounds exactly where equivalence holds at alpha; level 1 - 2 alpha.
    alpha : float
        Error rate of each one-sided test.
    n : int
        People.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    """

    comparison: str
    estimate: float
    se: float
    df: float
    bounds: tuple[float, float]
    t_lower: float
    p_lower: float
    t_upper: float
    p_upper: float
    p_equivalence: float
    p: float
    low: float
    high: float
    level: float
    alpha: float
    n: int
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript

    @property
    def equivalent(self) -> bool:
        """Whether the effect is shown to lie between the bounds."""
        return self.p_equivalence < self.alpha

    @property
    def noninferior(self) -> bool:
        """Whether the effect is shown to lie above the lower bound."""
        return self.p_lower < self.alpha

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""
        return without_numbers(
            {
                "estimate": self.estimate,
                "standard error": self.se,
                "degrees of freedom": self.df,
                "p value": self.p_equivalence,
            }
        )

    def frame(self) -> pd.DataFrame:
        """Return one row, unrounded.

        Returns
        -------
        DataFrame
            All numbers.
        """
        names = [name for name in self.__dataclass_fields__ if name not in ("bounds", "notes", "provenance", "script")]
        row = {name: getattr(self, name) for name in names}
        return pd.DataFrame([row | {"lower_bound": self.bounds[0], "upper_bound": self.bounds[1]}])

    def r_script(self) -> RScript:
        """Return base R code that recomputes the tests.

        Returns
        -------
        RScript
            With the figures used.
        """
        return self.script

    def page(self) -> Page:
        """Return the tests, the decision, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        low, high = self.bounds
        rows = (
            (f"above {number(low)}", number(self.t_lower, 2), number(self.df, 1), _p(self.p_lower)),
            (f"below {number(high)}", number(self.t_upper, 2), number(self.df, 1), _p(self.p_upper)),
        )
        said = "lies inside the bounds" if self.equivalent else "is not shown to lie inside the bounds"
        facts = Text(
            f"{self.comparison}: {number(self.estimate)}, {self.level:.0%} CI {interval(self.low, self.high)}; "
            f"the effect {said}, {p_value(self.p_equivalence)}. Test of zero: {p_value(self.p)}."
        )
        notes = tuple(Text(text) for text in self.notes)
        table = Table(("the effect is", "t", "df", "p"), rows)
        return Page(
            "Equivalence of means", f"n = {self.n}", (*self.stops(), facts, table, *notes, self.provenance.facts())
        )


def _p(value: float) -> str:
    return p_value(value).removeprefix("p ").removeprefix("= ")


def tost(
    data: pd.DataFrame,
    outcome: str,
    group: str | None = None,
    *,
    participant: str | None = None,
    bounds: Bounds,
    groups: tuple[str, str] | None = None,
    variance: Variance = "welch",
    value: float = 0.0,
    alpha: float = 0.05,
) -> Equivalence:
    r"""Test whether a difference of means is too small to matter.

    Parameters
    ----------
    data : DataFrame
        One row for each person (and occasion). It is not changed.
    outcome : str
        Column of the outcome.
    group : str, optional
        Column of two groups or occasions; without it the mean is compared with `value`.
    participant : str, optional
        Column that names people who were measured twice; makes the test paired.
    bounds : float or tuple of float
        Smallest effect of interest: one number for minus and plus it, or the lower and upper bound.
    groups : tuple of (str, str), optional
        The two levels in the order of subtraction.
    variance : {"welch", "student"}, default "welch"
        Variances that may differ, or pooled; not for pairs.
    value : float, default 0
        Fixed value of the test of one mean.
    alpha : float, default 0.05
        Error rate of each one-sided test.

    Returns
    -------
    Equivalence
        Both one-sided tests, which are also those of non-inferiority and non-superiority.

    Raises
    ------
    DataError
        For a table or bounds that cannot be used.
    NotFoundError
        For an unknown column or level.

    Notes
    -----
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680; Lakens (2017), Social
    Psychological and Personality Science 8, 355-362. The smallest effect must be chosen before the data are seen.
    """
    if group is None:
        if participant is not None or groups is not None:
            raise DataError("'participant' and 'groups' need 'group', the column of the two occasions or groups.")
        read = read_columns(data, outcome)
        figures: _Figures = ((read.n,), (float(read.y.mean()) - value,), (float(read.y.std(ddof=1)),))
        words = f"mean of {outcome} minus {value:g}"
        return _tested(figures, words, bounds, "one", alpha, read.notes)
    two = two_groups(data, outcome, group, participant=participant, groups=groups)
    if two.paired:
        d = two.first - two.second
        figures = ((d.size,), (float(d.mean()),), (float(d.std(ddof=1)),))
        return _tested(figures, two.comparison, bounds, "paired", alpha, two.notes)
    parts = (two.first, two.second)
    figures = (
        tuple(x.size for x in parts),
        tuple(float(x.mean()) for x in parts),
        tuple(float(x.std(ddof=1)) for x in parts),
    )
    return _tested(figures, two.comparison, bounds, variance, alpha, two.notes)


def tost_from_figures(
    n: tuple[int, ...],
    mean: tuple[float, ...],
    sd: tuple[float, ...],
    *,
    bounds: Bounds,
    variance: Variance = "welch",
    alpha: float = 0.05,
) -> Equivalence:
    """Test equivalence from printed sizes, means and standard deviations.

    Parameters
    ----------
    n, mean, sd : tuple
        Figures of two groups; of one, for a mean (or the differences of pairs) against zero.
    bounds : float or tuple of float
        Smallest effect of interest.
    variance : {"welch", "student"}, default "welch"
        Variances that may differ, or pooled.
    alpha : float, default 0.05
        Error rate of each one-sided test.

    Returns
    -------
    Equivalence
        Both one-sided tests.

    Raises
    ------
    DataError
        For figures that do not fit each other or are impossible.
    """
    if not len(n) == len(mean) == len(sd) or len(n) not in (1, 2):
        raise DataError(f"Give n, mean and sd of one or two groups; given {len(n)}, {len(mean)} and {len(sd)}.")
    words = "first minus second" if len(n) == 2 else "mean minus 0"
    return _tested((n, mean, sd), words, bounds, variance if len(n) == 2 else "one", alpha, ())


type _Figures = tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]


def _tested(
    figures: _Figures, words: str, bounds: Bounds, kind: str, alpha: float, notes: tuple[str, ...]
) -> Equivalence:
    low, high = _bounds(bounds)
    if not 0 < alpha < 0.5:
        raise DataError(f"alpha lies between 0 and .5; given {alpha}.")
    estimate, se, df = _standard_error(figures, kind)
    t_lower, t_upper = (estimate - low) / se, (estimate - high) / se
    p_lower, p_upper = float(special.stdtr(df, -t_lower)), float(special.stdtr(df, t_upper))
    half = float(special.stdtrit(df, 1 - alpha)) * se
    test = {
        "welch": "Welch's t test",
        "student": "Student's t test",
        "paired": "paired t test",
        "one": "t test of one mean",
    }
    return Equivalence(
        comparison=words,
        estimate=estimate,
        se=se,
        df=df,
        bounds=(low, high),
        t_lower=t_lower,
        p_lower=p_lower,
        t_upper=t_upper,
        p_upper=p_upper,
        p_equivalence=max(p_lower, p_upper),
        p=float(2 * special.stdtr(df, -abs(estimate / se))),
        low=estimate - half,
        high=estimate + half,
        level=1 - 2 * alpha,
        alpha=alpha,
        n=int(sum(figures[0])),
        notes=notes,
        provenance=Provenance(
            made_by="analysis.tost",
            conventions=(f"two one-sided tests by {test[kind]}", f"bounds in units of the outcome, alpha {alpha:g}"),
        ),
        script=_script(figures, kind, low, high),
    )


def _bounds(bounds: Bounds) -> tuple[float, float]:
    given = numbers("Bounds", bounds)
    ends = given.tolist() if given.ndim else [-float(given), float(given)]
    if given.shape not in ((), (2,)) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
        raise DataError(f"Bounds are one number above 0, or a lower and a higher one; given {bounds}.")
    return ends[0], ends[1]


def _standard_error(figures: _Figures, kind: str) -> tuple[float, float, float]:
    n, mean, sd = (np.asarray(x, dtype=np.float64) for x in figures)
    if not ((n >= 2).all() and np.isfinite(mean).all() and (sd >= 0).all() and sd.any()):
        raise DataError(f"Each group needs two people and some spread; given n {n.tolist()}, sd {sd.tolist()}.")
    if n.size == 1:
        return float(mean[0]), float(sd[0] / np.sqrt(n[0])), float(n[0] - 1)
    parts = sd**2 / n
    if kind == "welch":
        return (
            float(mean[0] - mean[1]),
            float(np.sqrt(parts.sum())),
            float(parts.sum() ** 2 / (parts**2 / (n - 1)).sum()),
        )
    if kind != "student":
        raise NotFoundError(choices("Variance", kind, ("welch", "student")))
    pooled = ((n - 1) * sd**2).sum() / (n.sum() - 2)
    return float(mean[0] - mean[1]), float(np.sqrt(pooled * (1 / n).sum())), float(n.sum() - 2)


def _script(figures: _Figures, kind: str, low: float, high: float) -> RScript:
    frame = pd.DataFrame(dict(zip(("n", "mean", "sd"), figures, strict=True)))
    body = "n <- responses$n; m <- responses$mean; s <- responses$sd\n"
    if len(figures[0]) == 1:
        body += "e <- m; se <- s / sqrt(n); df <- n - 1\n"
    elif kind == "welch":
        body += "e <- m[1] - m[2]; v <- s^2 / n; se <- sqrt(sum(v)); df <- sum(v)^2 / sum(v^2 / (n - 1))\n"
    else:
        body += "e <- m[1] - m[2]; df <- sum(n) - 2; se <- sqrt(sum((n - 1) * s^2) / df * sum(1 / n))\n"
    body += (
        f"low <- {r_number(low)}; high <- {r_number(high)}\n"
        'show("p_lower", pt((e - low) / se, df, lower.tail = FALSE)); show("p_upper", pt((e - high) / se, df))\n'
        'show("df", df); show("p", 2 * pt(-abs(e / se), df))\n'
    )
    return RScript(made_by="analysis.tost", body=body, data=frame, name="tost")
