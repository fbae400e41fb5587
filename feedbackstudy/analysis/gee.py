"""Generalised estimating equations of a data frame: population-averaged effects for clustered rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.adapters.statsmodels_gee import Family, Structure
from feedbackstudy.analysis.columns import Columns, column, read_columns
from feedbackstudy.analysis.crossed import TermColumns, term_columns, term_parts
from feedbackstudy.analysis.frequentist.gee import Correction, fit_estimating_equations
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.regression_result import Coefficient, coefficient
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.render import Notice, Page, Rendered, Table, Text, interval, number, p_value
from feedbackstudy.threads import one_thread

__all__ = ["EstimatingEquations", "gee"]

_LINKS = {"gaussian": "identity", "binomial": "log odds", "poisson": "log"}
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
    script : RScript
        The same in R.
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
    script: RScript

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

    def r_script(self) -> RScript:
        """Return base R code that solves the equations and corrects the sandwich anew.

        Returns
        -------
        RScript
            With the design used as its data.
        """
        return self.script

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
        For a table that `read_columns` refuses, one cluster, perfect collinearity, or separation: a coefficient without
        a finite estimate.
    NotFoundError
        For an unknown column, family, structure or correction.
    """
    check_level(level)
    _options(terms, family)
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
        names=design.names,
    )
    unit = np.eye(len(design.names))
    return EstimatingEquations(
        outcome=outcome,
        coefficients=tuple(coefficient(n, fit.contrast(row), level) for n, row in zip(design.names, unit, strict=True)),
        correlation=fit.correlation,
        n=read.n,
        clusters=fit.robust.clusters,
        level=level,
        notes=(*read.notes, *fit.notes),
        failures=fit.failures,
        provenance=Provenance(
            made_by="analysis.gee",
            conventions=(
                f"{family} family, {_LINKS[family]} link, {structure} working correlation",
                f"{correction} standard errors, Satterthwaite degrees of freedom",
                "population-averaged effects",
            ),
        ),
        script=_script(read, design, cluster, family, structure, correction),
    )


def _options(terms: Sequence[str], family: str) -> None:
    if isinstance(terms, str) or not terms:
        raise DataError(f"Give a list of terms, such as ['timing', 'timing:framing']; given {terms!r}.")
    if family not in _KINDS:
        raise NotFoundError(choices("Family", family, _KINDS))


_BODY = """\
X <- as.matrix(responses[grep("^x", names(responses))]); y <- responses$y; g <- responses$cluster
n <- nrow(X); p <- ncol(X); sizes <- tabulate(g); b <- glm.fit(X, y, family = family)$coefficients; alpha <- 0
white <- function(x) { m <- rowsum(x, g) / sizes
  (x - m[g, , drop = FALSE]) / sqrt(1 - alpha) + (m / sqrt(1 - alpha + sizes * alpha))[g, , drop = FALSE] }
for (step in 1:1000) {
  eta <- drop(X %*% b); mu <- family$linkinv(eta); half <- 1 / sqrt(family$variance(mu)); r <- (y - mu) * half
  pairs <- sum(rowsum(r, g)^2) / 2 - sum(r^2) / 2; count <- sum(sizes * (sizes - 1)) / 2
  if (exchangeable) alpha <- pairs / (sum(r^2) / (n - p)) / (count - p)
  D <- white(X * (family$mu.eta(eta) * half)); e <- white(matrix(r)); change <- solve(crossprod(D), crossprod(D, e))
  b <- b + drop(change); if (max(abs(change)) < 1e-13) break
}
B <- solve(crossprod(D)); meat <- matrix(0, p, p)
for (j in seq_along(sizes)) {
  at <- g == j; s <- eigen(diag(sum(at)) - D[at, , drop = FALSE] %*% B %*% t(D[at, , drop = FALSE]), symmetric = TRUE)
  A <- s$vectors %*% (s$values^power * t(s$vectors)); u <- crossprod(D[at, , drop = FALSE], A %*% e[at])
  meat <- meat + tcrossprod(u)
}
show(paste(labels, "estimate"), b); show(paste(labels, "se"), sqrt(diag(B %*% meat %*% B)))
show("correlation", alpha)
"""


def _script(read: Columns, design: TermColumns, cluster: str, family: str, structure: str, correction: str) -> RScript:
    frame = pd.DataFrame(design.matrix, columns=[f"x{j}" for j in range(len(design.names))])
    frame["y"], frame["cluster"] = read.y, read.groups[cluster].codes + 1
    power = {"none": 0.0, "kauermann-carroll": -0.5, "mancl-derouen": -1.0}[correction]
    head = f"family <- {family}(); exchangeable <- {'TRUE' if structure == 'exchangeable' else 'FALSE'}\n"
    head += f"power <- {power}; labels <- {r_vector(design.names)}\n"
    return RScript(made_by="analysis.gee", body=head + _BODY, data=frame, name="gee")
