"""Polychoric and tetrachoric correlations of all pairs at once, with thresholds and their asymptotic covariance."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.contingency import pair_tables
from feedbackstudy.psychometrics.matrix import Items, Matrix
from feedbackstudy.psychometrics.ordinal import Ordinal, ordinal_items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.polychoric_covariance import asymptotic_covariance
from feedbackstudy.psychometrics.polychoric_fit import fisher_scoring
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["Polychorics", "polychoric", "tetrachoric", "thresholds_and_polychorics"]

type Floats = NDArray[np.float64]

_NEAR_BOUNDARY = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Polychorics(Rendered):
    """Thresholds and polychoric correlations of ordinal items.

    Attributes
    ----------
    items : tuple of str
        Item names.
    categories : tuple of tuple of float
        Codes in use, one tuple an item.
    thresholds : tuple of ndarray
        One ascending array an item: the normal quantiles of the cumulative shares.
    R : ndarray of shape (n_items, n_items)
        Polychoric correlations.
    acov : ndarray of shape (q, q), or None
        Covariance of sqrt(n) times the estimates, in the order of `elements`; None where not asked for.
    elements : tuple of str
        Names of the estimates in order: all thresholds by item (``"A1|t1"``, ``"A1|t2"``, ...), then the
        correlations of the upper triangle row by row (``"A1~~A2"``, ``"A1~~A3"``, ..., ``"A2~~A3"``, ...).
    n : int
        People used (with pairwise deletion: all rows).
    missing : str
        ``"listwise"`` or ``"pairwise"``.
    issues : tuple of Issue
        Sparse tables, correlations at the boundary, rows set aside, a matrix that is not positive definite.
    iterations : int
        Fisher scoring steps until the slowest pair stood still.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    items: tuple[str, ...]
    categories: tuple[tuple[float, ...], ...]
    thresholds: tuple[Floats, ...]
    R: Floats
    acov: Floats | None
    elements: tuple[str, ...]
    n: int
    missing: str
    issues: tuple[Issue, ...]
    iterations: int
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    @property
    def tau(self) -> Floats:
        """All thresholds in the order of `elements`."""
        return np.concatenate(self.thresholds)

    @property
    def threshold_item(self) -> NDArray[np.intp]:
        """Position of the item that each entry of `tau` belongs to."""
        return np.repeat(np.arange(len(self.items)), [len(t) for t in self.thresholds])

    @property
    def rho(self) -> Floats:
        """The correlations in the order of `elements`: upper triangle, row by row."""
        upper = np.triu_indices(len(self.items), 1)
        return np.asarray(self.R[upper])

    @property
    def se(self) -> Floats:
        """Standard errors in the order of `elements` (divisor n - 1); NaN where no covariance was asked for."""
        if self.acov is None:
            return np.full(len(self.elements), np.nan)
        return np.asarray(np.sqrt(np.diag(self.acov) / (self.n - 1)))

    def frame(self) -> pd.DataFrame:
        """Return the correlation matrix as a DataFrame."""
        return pd.DataFrame(self.R, index=list(self.items), columns=list(self.items))

    def estimates(self) -> pd.DataFrame:
        """Return thresholds and correlations with their standard errors, one row each.

        Returns
        -------
        DataFrame
            Columns ``element``, ``estimate``, ``se``.
        """
        values = np.concatenate([self.tau, self.rho])
        return pd.DataFrame({"element": self.elements, "estimate": values, "se": self.se})

    def table(self) -> Table:
        """Return the lower triangle of the correlations.

        Returns
        -------
        Table
            One row an item.
        """
        rows = [
            {"item": name, **{other: (self.R[i, j] if j < i else "") for j, other in enumerate(self.items)}}
            for i, name in enumerate(self.items)
        ]
        return table_of(rows, decimals=2, caption="Polychoric correlations")

    def page(self) -> Page:
        """Return the correlations as a page."""
        note = f"{self.n} people, {len(self.items)} items, {self.missing} deletion"
        return Page("Polychoric correlations", note, with_notices(self.issues, self.table(), self.provenance.facts()))

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the correlations.

        Returns
        -------
        RScript
            ``rho`` values are shown as ``rho.<item>.<item>``.
        """
        body = (
            f"library(psych)\nitems <- {r_vector(self.items)}\n"
            "fit <- polychoric(responses[items], correct = 0, global = TRUE, smooth = FALSE)\n"
            "for (i in seq_along(items)) for (j in seq_len(i - 1))\n"
            '  show(paste("rho", items[j], items[i], sep = "."), fit$rho[i, j])\n'
        )
        return RScript(made_by="psychometrics.polychoric", body=body, data=self.matrix.frame(), name="polychoric")


@one_thread()
def thresholds_and_polychorics(
    data: Items | Matrix, *, missing: str = "listwise", covariance: bool = True, correct: float = 0.5
) -> Polychorics:
    r"""Estimate thresholds from the margins and every polychoric correlation by maximum likelihood given them.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes, people by items. Items may differ in their number of categories.
    missing : {"listwise", "pairwise"}
        Pairwise takes thresholds from all answers to an item and each correlation from the people who answered both.
    covariance : bool, default True
        Whether to compute the asymptotic covariance of all estimates.
    correct : float, default 0.5
        Added to an empty cell of a two-by-two table, with the margins kept; larger tables are left as they are.

    Returns
    -------
    Polychorics
        Thresholds, correlations and covariance, in the order described there.

    Raises
    ------
    DataError
        For unusable or non-ordinal answers.

    Notes
    -----
    Two-step estimator of Olsson (1979): :math:`\hat\tau_{jc} = \Phi^{-1}(\text{cumulative share})`, then
    :math:`\hat\rho` maximises :math:`\sum_{ab} n_{ab}\log\pi_{ab}(\rho)` by Fisher scoring, all pairs at once. The
    covariance is the two-step sandwich of Muthén (1984) from casewise scores.
    """
    if missing not in {"listwise", "pairwise"}:
        raise DataError(choices("Missing rule", missing, ("listwise", "pairwise")))
    ordinal = ordinal_items(data, missing=missing)
    tables = pair_tables(ordinal, correct=correct)
    rho, steps = fisher_scoring(tables)
    p = len(ordinal.items)
    R = np.eye(p)
    R[tables.first, tables.second] = R[tables.second, tables.first] = rho
    acov = asymptotic_covariance(ordinal, tables, rho) if covariance else None
    issues = (
        *ordinal.issues,
        *tables.issues(ordinal.items),
        *_at_boundary(R, ordinal.items),
        *conditions.not_positive_definite(R, "polychoric correlations"),
    )
    return Polychorics(
        items=ordinal.items,
        categories=ordinal.categories,
        thresholds=tables.thresholds,
        R=_frozen(R),
        acov=None if acov is None else _frozen(acov),
        elements=_elements(ordinal),
        n=ordinal.matrix.n_people,
        missing=missing,
        issues=issues,
        iterations=steps,
        matrix=ordinal.matrix,
        provenance=origin("polychoric", *_conventions(missing, correct)),
    )


def polychoric(data: Items | Matrix, *, missing: str = "listwise", correct: float = 0.5) -> Polychorics:
    """Estimate polychoric correlations with standard errors.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Ordinal codes, people by items.
    missing : {"listwise", "pairwise"}
        Rows used.
    correct : float, default 0.5
        Added to an empty cell of a two-by-two table, with the margins kept.

    Returns
    -------
    Polychorics
        Correlations, thresholds, standard errors.
    """
    return thresholds_and_polychorics(data, missing=missing, correct=correct)


def tetrachoric(data: Items | Matrix, *, missing: str = "listwise", correct: float = 0.5) -> Polychorics:
    """Estimate tetrachoric correlations: polychoric ones of items with two categories.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers with two codes an item.
    missing : {"listwise", "pairwise"}
        Rows used.
    correct : float, default 0.5
        Added to an empty cell, with the margins kept.

    Returns
    -------
    Polychorics
        Correlations, thresholds, standard errors.

    Raises
    ------
    DataError
        Where an item has more than two categories in use.
    """
    result = polychoric(data, missing=missing, correct=correct)
    for name, codes in zip(result.items, result.categories, strict=True):
        if len(codes) != 2:
            raise DataError(f"Item {name!r} has {len(codes)} categories in use; tetrachoric needs two. Use polychoric.")
    return result


def _frozen(array: Floats) -> Floats:
    array.flags.writeable = False
    return array


def _elements(ordinal: Ordinal) -> tuple[str, ...]:
    names = ordinal.items
    thresholds = [f"{name}|t{c + 1}" for name, m in zip(names, ordinal.counts - 1, strict=True) for c in range(m)]
    first, second = np.triu_indices(len(names), 1)
    return (*thresholds, *(f"{names[i]}~~{names[j]}" for i, j in zip(first, second, strict=True)))


def _conventions(missing: str, correct: float) -> tuple[str, ...]:
    return (
        "two-step maximum likelihood (Olsson 1979): thresholds from the margins, then each correlation given them",
        f"{missing} deletion",
        f"{correct:g} added to the single empty cell of a two-by-two table, margins kept; larger tables unchanged",
    )


def _at_boundary(R: Floats, items: tuple[str, ...]) -> list[Issue]:
    first, second = np.triu_indices(len(items), 1)
    at = np.flatnonzero(np.abs(R[first, second]) > _NEAR_BOUNDARY)
    return [
        Issue(
            code="psychometrics.correlation_at_boundary",
            severity=Severity.WARNING,
            where=f"{items[first[q]]}, {items[second[q]]}",
            what=f"The polychoric correlation of {items[first[q]]!r} and {items[second[q]]!r} lies at its boundary.",
            why="The table leaves no disagreement to estimate from; the value and its standard error mean nothing.",
            fix="Leave one of the two items out, or join categories.",
        )
        for q in at
    ]
