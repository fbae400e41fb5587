"""What a linear regression shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.analysis.crossed import TermColumns
from feedbackstudy.analysis.frequentist.cell_fit import ContrastFit, JointTest
from feedbackstudy.analysis.frequentist.linear import LinearFit
from feedbackstudy.analysis.reported import Reported
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Page, Table, Text, interval, number, p_value

__all__ = ["Coefficient", "Regression", "coefficient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One coefficient.

    Attributes
    ----------
    name : str
        Column of the design: a name, ``factor[level]``, or these joined by ``:``.
    estimate, se, df, statistic, p, low, high : float
        Test of zero and interval.
    """

    name: str
    estimate: float
    se: float
    df: float
    statistic: float
    p: float
    low: float
    high: float


def coefficient(name: str, found: ContrastFit, level: float) -> Coefficient:
    """Return the row of one coefficient.

    Parameters
    ----------
    name : str
        Its name.
    found : ContrastFit
        Estimate, standard error and degrees of freedom.
    level : float
        Level of the interval.

    Returns
    -------
    Coefficient
        With test and interval.
    """
    low, high = found.interval(level)
    return Coefficient(
        name=name,
        estimate=found.estimate,
        se=found.se,
        df=found.df,
        statistic=found.statistic,
        p=found.p,
        low=low,
        high=high,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression(Reported):
    """A linear regression. Make it with `regression`.

    Attributes
    ----------
    outcome : str
        What was measured.
    coefficients : tuple of Coefficient
        Intercept first.
    terms : tuple of (str, JointTest)
        Joint test of the columns of each term.
    r_squared, adjusted_r_squared : float
        Share of variance; minus what chance alone would give.
    residual_sd : float
        Root of the residual mean square.
    n : int
        Rows that entered.
    level : float
        Level of the intervals.
    fit : LinearFit
        The numbers behind it.
    columns : TermColumns
        The design.
    notes : tuple of str
        What a reader must know.
    failures : tuple of str
        Why it is not fit to report; empty where it is.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    """

    outcome: str
    coefficients: tuple[Coefficient, ...]
    terms: tuple[tuple[str, JointTest], ...]
    r_squared: float
    adjusted_r_squared: float
    residual_sd: float
    n: int
    level: float
    fit: LinearFit
    columns: TermColumns
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript
    failures: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Coefficient:
        for found in self.coefficients:
            if found.name == name:
                return found
        raise NotFoundError(choices("Coefficient", name, self.columns.names))

    def wald(self, names: Sequence[str]) -> JointTest:
        """Test that several coefficients are zero together.

        Parameters
        ----------
        names : sequence of str
            Names of terms or coefficients.

        Returns
        -------
        JointTest
            F; with clusters the approximate Hotelling test (HTZ).

        Raises
        ------
        NotFoundError
            For an unknown name.
        DataError
            For no name.
        """
        chosen: list[int] = []
        for name in names:
            if name in self.columns.spans:
                span = self.columns.spans[name]
                chosen += range(span.start, span.stop)
            elif name in self.columns.names:
                chosen.append(self.columns.names.index(name))
            else:
                raise NotFoundError(choices("Term or coefficient", name, [*self.columns.spans, *self.columns.names]))
        if not chosen:
            raise DataError("Name at least one term or coefficient to test.")
        return self.fit.joint(np.eye(len(self.columns.names))[sorted(set(chosen))])

    def frame(self) -> pd.DataFrame:
        """Return one row for each coefficient, unrounded.

        Returns
        -------
        DataFrame
            The fields of `Coefficient`.
        """
        names = tuple(Coefficient.__dataclass_fields__)
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.coefficients], columns=names)

    def r_script(self) -> RScript:
        """Return an R script that recomputes coefficients and tests.

        Returns
        -------
        RScript
            With the design used as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return coefficients, tests of terms, fit and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        title = f"{self.level:.0%} CI"
        rows = tuple(
            (
                c.name,
                number(c.estimate),
                interval(c.low, c.high),
                number(c.se),
                f"{number(c.statistic, 2)} ({number(c.df, 1)})",
                _p(c.p),
            )
            for c in self.coefficients
        )
        tests = tuple(
            (name, f"{number(t.df, 0)}, {number(t.df2, 1)}", number(t.f, 2), _p(t.p)) for name, t in self.terms
        )
        said = Text(
            f"R² = {number(self.r_squared, unit_interval=True)}, adjusted "
            f"{number(self.adjusted_r_squared, unit_interval=True)}; residual SD {number(self.residual_sd)}."
        )
        return Page(
            f"Regression of {self.outcome}",
            f"{self.n} rows",
            (
                *self.stops(),
                Table(("coefficient", "estimate", title, "SE", "t (df)", "p"), rows),
                Table(("term", "df", "F", "p"), tests, "Terms"),
                said,
                *(Text(text) for text in self.notes),
                self.provenance.facts(),
            ),
        )


def _p(value: float) -> str:
    return p_value(value).removeprefix("p ").removeprefix("= ")
