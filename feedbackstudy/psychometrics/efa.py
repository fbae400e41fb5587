"""Exploratory factor analysis: extraction, rotation and fit in one record."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.covariances import correlation, refuse_singular
from feedbackstudy.psychometrics.extraction import Extraction, extract, refuse_too_many
from feedbackstudy.psychometrics.factor_fit import FactorFit, factor_fit
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.polychoric import thresholds_and_polychorics
from feedbackstudy.psychometrics.rotation import ROTATIONS, Rotation, align, rotate
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Block, Page, Rendered, Table, number, p_value, table_of

__all__ = ["FactorAnalysis", "correlations_for", "efa"]

type Floats = NDArray[np.float64]

_CORRELATIONS = ("pearson", "polychoric")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorAnalysis(Rendered):
    """Loadings, factor correlations and fit of an exploratory factor analysis.

    Attributes
    ----------
    items : tuple of str
        Item names.
    loadings : ndarray of shape (n_items, n_factors)
        Pattern loadings; factors by explained variance, each with a positive sum (or aligned, where asked for).
    phi : ndarray of shape (n_factors, n_factors)
        Factor correlations.
    uniquenesses : ndarray of shape (n_items,)
        Unique variances.
    fit : FactorFit
        Fit of the extraction; rotation does not change it.
    rotation : Rotation
        The rotation with its starts and optima.
    extraction : str
        Extraction method.
    correlations : str
        ``"pearson"`` or ``"polychoric"``.
    R : ndarray
        The correlation matrix analysed.
    congruence : tuple of float
        Tucker's congruence of each factor with the one it was aligned to; empty where nothing was.
    n : int
        People used.
    issues : tuple of Issue
        Heywood cases, local optima, rows set aside and the like.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    items: tuple[str, ...]
    loadings: Floats
    phi: Floats
    uniquenesses: Floats
    fit: FactorFit
    rotation: Rotation
    extraction: str
    correlations: str
    R: Floats
    congruence: tuple[float, ...]
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors: F1, F2, ..."""
        return tuple(f"F{j + 1}" for j in range(self.loadings.shape[1]))

    @property
    def fit_to_report(self) -> bool:
        """Whether no issue forbids reporting the solution."""
        return conditions.fit_to_report(self.issues)

    @property
    def explained(self) -> Floats:
        """Share of the items' total variance that each factor explains, factor correlations counted."""
        return np.asarray(np.diag(self.phi @ self.loadings.T @ self.loadings) / len(self.items))

    def frame(self) -> pd.DataFrame:
        """Return the pattern with communality and uniqueness, one row an item."""
        frame = pd.DataFrame(self.loadings, index=pd.Index(self.items, name="item"), columns=list(self.factors))
        return frame.assign(communality=1.0 - self.uniquenesses, uniqueness=self.uniquenesses).reset_index()

    def table(self) -> Table:
        """Return the pattern as a table."""
        caption = f"Pattern loadings ({self.extraction}, {self.rotation.method})"
        return table_of(rows_of(self.frame()), caption=caption)

    def page(self) -> Page:
        """Return loadings, factor correlations and fit as a page."""
        blocks: list[Block] = [*with_notices(self.issues, self.table())]
        if len(self.phi) > 1:
            rows = [
                {"factor": name, **dict(zip(self.factors, self.phi[j], strict=True)), "explained": self.explained[j]}
                for j, name in enumerate(self.factors)
            ]
            blocks.append(table_of(rows, caption="Factor correlations and share of variance explained"))
        f = self.fit
        test = f"\N{GREEK SMALL LETTER CHI}\N{SUPERSCRIPT TWO}({f.df}) = {number(f.chi_square, 2)}, {p_value(f.p)}"
        note = f"{self.n} people; {test}; RMSEA {number(f.rmsea)}, TLI {number(f.tli)}, RMSR {number(f.rmsr)}"
        blocks.append(self.provenance.facts())
        return Page(f"Factor analysis: {len(self.phi)} factor(s) of {len(self.items)} items", note, tuple(blocks))

    def r_script(self) -> RScript:
        """Return a psych script that recomputes the solution.

        Returns
        -------
        RScript
            Shows uniquenesses and the likelihood objective, which no rotation or factor order changes.
        """
        rotation = {"oblimin": "oblimin", "geomin": "geominQ", "bifactor": "bifactor"}.get(
            self.rotation.method, self.rotation.method
        )
        R = "cor(responses[items])"
        if self.correlations == "polychoric":
            R = "polychoric(responses[items], correct = 0, smooth = FALSE)$rho"
        body = (
            f"library(psych)\nitems <- {r_vector(self.items)}\nR <- {R}\n"
            f'fit <- fa(R, nfactors = {len(self.phi)}, n.obs = {self.n}, fm = "{self.extraction}", '
            f'rotate = "{rotation}", min.err = 1e-9, max.iter = 5000)\n'
            'for (item in items) show(paste("uniqueness", item), fit$uniquenesses[item])\n'
            'show("objective", fit$objective)\n'
            "print(fit$loadings, cutoff = 0)\n"
        )
        return RScript(made_by="psychometrics.efa", body=body, data=self.matrix.frame(), name="efa")


@one_thread()
def efa(
    data: Items | Matrix,
    factors: int,
    *,
    extraction: str = "ml",
    rotation: str = "oblimin",
    correlations: str = "pearson",
    missing: str = "listwise",
    kaiser: bool = True,
    starts: int = 30,
    seed: int = 1,
    align_to: ArrayLike | None = None,
) -> FactorAnalysis:
    """Extract and rotate common factors.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers, people by items.
    factors : int
        Number of factors; see `parallel_analysis` and `minimum_average_partial`.
    extraction : {"ml", "minres", "pa"}
        Maximum likelihood, minimum residuals, iterated principal axis.
    rotation : {"oblimin", "geomin", "promax", "varimax", "bifactor", "none"}
        Rotation criterion.
    correlations : {"pearson", "polychoric"}
        Which correlations to analyse; polychoric needs ordinal codes.
    missing : {"listwise", "pairwise"}
        Rows used.
    kaiser : bool, default True
        Kaiser normalisation during rotation. R's psych rotates oblimin and geomin without it.
    starts : int, default 30
        Rotation starts; the best of all optima found is kept and the others are counted.
    seed : int, default 1
        Seed of the random starts.
    align_to : array of shape (n_items, factors), optional
        Loadings, such as published ones, whose factor order and signs the result takes on.

    Returns
    -------
    FactorAnalysis
        Loadings, factor correlations, fit and named conditions.

    Raises
    ------
    DataError
        For unusable or collinear answers, too many factors or an unknown option.
    """
    matrix = item_matrix(data, minimum=3)
    R, used, issues = correlations_for(matrix, correlations=correlations, missing=missing)
    refuse_singular(R, used.items)
    refuse_too_many(len(R), factors)
    found = extract(R, factors, method=extraction)
    turned = rotate(found.loadings, rotation, kaiser=kaiser, starts=starts, seed=seed)
    loadings, phi, matched = turned.loadings, turned.phi, np.empty(0)
    if align_to is not None:
        loadings, phi, matched = align(loadings, phi, to=np.asarray(align_to, dtype=np.float64))
    return FactorAnalysis(
        items=used.items,
        loadings=loadings,
        phi=phi,
        uniquenesses=found.uniquenesses,
        fit=factor_fit(R, found, used.n_people),
        rotation=turned,
        extraction=extraction,
        correlations=correlations,
        R=R,
        congruence=tuple(matched.tolist()),
        n=used.n_people,
        issues=(*issues, *_solution_issues(found, turned, used.items)),
        matrix=used,
        provenance=origin(
            "efa",
            f"{correlations} correlations, {missing} deletion",
            {"ml": "maximum likelihood", "minres": "minimum residuals", "pa": "iterated principal axis"}[extraction],
            f"{rotation}: {ROTATIONS[rotation]}" + (", Kaiser normalised" if turned.kaiser else ""),
            f"{turned.hits} of {turned.starts} starts reached the best of {turned.optima} optimum/optima",
            seed=seed,
        ),
    )


def correlations_for(matrix: Matrix, *, correlations: str, missing: str) -> tuple[Floats, Matrix, tuple[Issue, ...]]:
    """Return the correlation matrix asked for, the rows it rests on and what was found on the way.

    Parameters
    ----------
    matrix : Matrix
        Checked answers.
    correlations : {"pearson", "polychoric"}
        Kind.
    missing : {"listwise", "pairwise"}
        Rows used.

    Returns
    -------
    tuple
        Correlations, rows and issues.

    Raises
    ------
    DataError
        For an unknown kind.
    """
    if correlations not in _CORRELATIONS:
        raise DataError(choices("Correlation", correlations, _CORRELATIONS))
    if correlations == "polychoric":
        found = thresholds_and_polychorics(matrix, missing=missing, covariance=False)
        return found.R, found.matrix, found.issues
    used = matrix.complete if missing == "listwise" else matrix
    R = correlation(matrix, missing=missing)
    return R, used, (*used.issues, *conditions.not_positive_definite(R, "Pearson correlations"))


def _solution_issues(found: Extraction, turned: Rotation, items: tuple[str, ...]) -> list[Issue]:
    issues = conditions.heywood(
        [name for name, at in zip(items, found.at_boundary, strict=True) if at], "the extraction"
    )
    if not found.converged:
        issues.append(conditions.not_converged("The extraction", f"{found.iterations} iterations"))
    if not turned.converged:
        issues.append(conditions.not_converged("The rotation", "the projected gradient did not vanish"))
    if turned.hits * 4 < turned.starts:
        issues.append(
            Issue(
                code="psychometrics.local_optima",
                severity=Severity.WARNING,
                where=turned.method,
                what=f"{turned.hits} of {turned.starts} starts reached the best of {turned.optima} rotation optima.",
                why="Another start can give another pattern that fits exactly as well.",
                fix="Use more starts, another rotation, or fewer factors.",
            )
        )
    return issues
