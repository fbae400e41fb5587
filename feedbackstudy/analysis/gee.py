"""Generalised estimating equations of a data frame: population-averaged effects for clustered rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.adapters.statsmodels_gee import Family, Structure
from feedbackstudy.analysis.columns import column, read_columns
from feedbackstudy.analysis.crossed import term_columns, term_parts
from feedbackstudy.analysis.frequentist.gee import Correction, fit_estimating_equations
from feedbackstudy.analysis.regression_result import Coefficient
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Notice, Page, Rendered, Table, Text, interval, number, p_value
from feedbackstudy.threads import one_thread

__all__ = ["EstimatingEquations", "gee"]

_KINDS = {"gaussian": "number", "binomial": "binary", "poisson": "count"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimatingEquations(Rendered):
    """Population-averaged coefficients. Make it with `gee`.

    Attributes
    ----------
    outcome : str
        What was measured.
    coefficients : tuple of Coefficient
        On the scale of the link, intercept first.
    correlation : float
        Working correlation within clusters.
    n, clusters : int
        Rows and clusters that entered.
    level : float
        Level of the intervals.
    notes : tuple of str
        What a reader must know.
    failures : tuple of str
        Why it is not fit to report; empty where it is.
    provenance : Provenance
        Conventions and versions.
    """

    outcome: str
    coefficients: tuple[Coefficient, ...]
    correlation: float
    n: int
    clusters: int
    level: float
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    provenance: Provenance

    def __getitem__(self, name: str) -> Coefficient:
        for found in self.coefficients:
            if found.name == name:
                return found
        raise NotFoundError(choices("Coefficient", name, [found.name for found in self.coefficients]))

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing stands against reporting it."""
        return not self.failures

    def frame(self) -> pd.DataFrame:
        """Return one row for each coefficient, unrounded.

        Returns
        -------
        DataFrame
            The fields of `Coefficient`.
        """
        names = tuple(Coefficient.__dataclass_fields__)
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.coefficients], columns=names)

    def page(self) -> Page:
        """Return coefficients, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                c.name,
                number(c.estimate),
                interval(c.low, c.high),
                number(c.se),
                f"{number(c.statistic, 2)} ({number(c.df, 1)})",
                p_value(c.p).removeprefix("p ").removeprefix("= "),
            )
            for c in self.coefficients
        )
        head = ("coefficient", "estimate", f"{self.level:.0%} CI", "SE", "t (df)", "p")
        stops = tuple(Notice(f"Not fit to report: {text}", "error") for text in self.failures)
        said = Text(f"Working correlation within clusters: {number(self.correlation)}.")
        notes = tuple(Text(text) for text in self.notes)
        return Page(
            f"Estimating equations of {self.outcome}",
            f"{self.n} rows in {self.clusters} clusters",
            (*stops, Table(head, rows), said, *notes, self.provenance.facts()),
        )


@one_thread()
def gee(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    cluster: str,
    *,
    family: Family = "gaussian",
    structure: Structure = "exchangeable",
    correction: Correction = "kauermann-carroll",
    level: float = 0.95,
) -> EstimatingEquations:
    """Estimate population-averaged effects from clustered rows.

    Parameters
    ----------
    data : DataFrame
        One row for each observation. It is not changed.
    outcome : str
        Column of the outcome; for "binomial" 0 and 1 (or false and true), for "poisson" counts.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``; each is listed, none is implied.
    cluster : str
        Column of participants, classes or interviewers.
    family : {"gaussian", "binomial", "poisson"}, default "gaussian"
        Distribution; the link is identity, logit or log.
    structure : {"exchangeable", "independence"}, default "exchangeable"
        Working correlation within clusters.
    correction : {"kauermann-carroll", "mancl-derouen", "none"}, default "kauermann-carroll"
        Correction of standard errors for few clusters.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    EstimatingEquations
        Coefficients with Satterthwaite degrees of freedom.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, one cluster, or perfect collinearity.
    NotFoundError
        For an unknown column, family, structure or correction.
    """
    if isinstance(terms, str) or not terms:
        raise DataError(f"Give a list of terms, such as ['timing', 'timing:framing']; given {terms!r}.")
    if family not in _KINDS:
        raise NotFoundError(choices("Family", family, _KINDS))
    parts = list(dict.fromkeys(part for term in terms for part in term_parts(term, list(map(str, data.columns)))))
    numbers = [n for n in parts if pd.api.types.is_numeric_dtype(column(data, n)) and column(data, n).dtype != bool]
    factors = [name for name in parts if name not in numbers]
    read = read_columns(data, outcome, factors=factors, covariates=numbers, groups=[cluster], kind=_KINDS[family])  # type: ignore[arg-type]
    design = term_columns(read, terms)
    fit = fit_estimating_equations(
        read.y,
        design.matrix,
        read.groups[cluster].codes,
        family=family,
        structure=structure,
        correction=correction,
    )
    rows = []
    for name, unit in zip(design.names, np.eye(len(design.names)), strict=True):
        one = fit.contrast(unit)
        low, high = one.interval(level)
        rows.append(
            Coefficient(
                name=name,
                estimate=one.estimate,
                se=one.se,
                df=one.df,
                statistic=one.statistic,
                p=one.p,
                low=low,
                high=high,
            )
        )
    link = {"gaussian": "identity", "binomial": "log odds", "poisson": "log"}[family]
    return EstimatingEquations(
        outcome=outcome,
        coefficients=tuple(rows),
        correlation=fit.correlation,
        n=read.n,
        clusters=fit.robust.clusters,
        level=level,
        notes=(*read.notes, *fit.notes),
        failures=fit.failures,
        provenance=Provenance(
            made_by="analysis.gee",
            conventions=(
                f"{family} family, {link} link, {structure} working correlation",
                f"{correction} standard errors, Satterthwaite degrees of freedom",
                "population-averaged effects",
            ),
        ),
    )
