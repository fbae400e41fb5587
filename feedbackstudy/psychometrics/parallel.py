"""How many factors to keep: parallel analysis against unrelated items."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.contingency import pair_tables
from feedbackstudy.psychometrics.efa import correlations_for
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.ordinal import Ordinal, ordinal_items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.polychoric_fit import fisher_scoring
from feedbackstudy.psychometrics.rscript import RScript, r_vector
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, table_of

__all__ = ["ParallelAnalysis", "one_minres_factor", "parallel_analysis"]

type Floats = NDArray[np.float64]

_STEPS = 500
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelAnalysis(Rendered):
    """Observed eigenvalues beside those of unrelated items.

    Attributes
    ----------
    factors : int
        Leading common-factor eigenvalues above their random counterpart.
    components : int
        Leading component eigenvalues above their random counterpart.
    factor_values, component_values : ndarray of shape (n_items,)
        Observed eigenvalues, falling; factor values after one minimum-residual factor's communalities.
    factor_limits, component_limits : ndarray of shape (n_items,)
        The chosen quantile of the random eigenvalues.
    quantile : float
        That quantile.
    replicates : int
        Random data sets.
    correlations : str
        ``"pearson"`` or ``"polychoric"``.
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    provenance : Provenance
        How the numbers were made.
    """

    factors: int
    components: int
    factor_values: Floats
    component_values: Floats
    factor_limits: Floats
    component_limits: Floats
    quantile: float
    replicates: int
    correlations: str
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row an eigenvalue."""
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(self.factor_values) + 1),
                "factor": self.factor_values,
                "factor_limit": self.factor_limits,
                "component": self.component_values,
                "component_limit": self.component_limits,
            }
        )

    def table(self) -> Table:
        """Return the leading eigenvalues as a table."""
        return table_of(rows_of(self.frame().head(max(self.factors, self.components) + 2)))

    def page(self) -> Page:
        """Return the decision and the leading eigenvalues as a page."""
        note = f"{self.n} people, {self.replicates} random data sets, quantile {self.quantile:g}, {self.correlations}"
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page(f"Parallel analysis: {self.factors} factor(s), {self.components} component(s)", note, blocks)

    def r_script(self) -> RScript:
        """Return a psych script for the same analysis.

        Returns
        -------
        RScript
            Counts agree up to the luck of the draw; observed eigenvalues agree exactly.
        """
        body = (
            f"library(psych)\nitems <- {r_vector(self.matrix.items)}\nset.seed(1)\n"
            f"fit <- fa.parallel(responses[items], n.iter = {self.replicates}, quant = {self.quantile}, "
            f'fa = "both", plot = FALSE, cor = "{"poly" if self.correlations == "polychoric" else "cor"}")\n'
            'show("factors", fit$nfact)\nshow("components", fit$ncomp)\n'
            'show("first component", fit$pc.values[1])\nshow("first factor", fit$fa.values[1])\n'
        )
        return RScript(made_by="psychometrics.parallel_analysis", body=body, data=self.matrix.frame(), name="parallel")


@one_thread()
def parallel_analysis(
    data: Items | Matrix,
    *,
    replicates: int = 100,
    quantile: float = 0.95,
    correlations: str = "pearson",
    missing: str = "listwise",
    seed: int = 1,
) -> ParallelAnalysis:
    r"""Compare eigenvalues with those of unrelated items.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers, people by items.
    replicates : int, default 100
        Random data sets.
    quantile : float, default 0.95
        Quantile of the random eigenvalues that an observed one must exceed.
    correlations : {"pearson", "polychoric"}
        With polychoric, random answers keep each item's distribution over its categories.
    missing : {"listwise", "pairwise"}
        Rows used for the observed matrix; random data have no missing answers.
    seed : int, default 1
        Seed of the random data.

    Returns
    -------
    ParallelAnalysis
        Counts, eigenvalues and limits.

    Raises
    ------
    DataError
        For unusable answers or options out of range.

    Notes
    -----
    Horn (1965). For factors the diagonal holds the communalities of one minimum-residual factor, as in R's psych.
    Random Pearson matrices of normal items are drawn as Wishart matrices (Bartlett decomposition), which has
    exactly the distribution of simulating the rows.
    """
    if not 0 < quantile < 1 or replicates < 1:
        raise DataError(
            f"quantile {quantile:g}, replicates {replicates}: give a quantile between 0 and 1, and one or more "
            "replicates."
        )
    matrix = item_matrix(data, minimum=3)
    R, used, issues = correlations_for(matrix, correlations=correlations, missing=missing)
    rng = np.random.default_rng(seed)
    if correlations == "polychoric":
        random = _random_polychorics(ordinal_items(used, missing=missing), replicates, rng)
    else:
        random = _random_pearson(used.n_people, len(R), replicates, rng)
    observed_pc, observed_fa = _eigenvalues(R[None])
    pc, fa = _eigenvalues(random)
    limit_pc, limit_fa = np.quantile(pc, quantile, axis=0), np.quantile(fa, quantile, axis=0)
    return ParallelAnalysis(
        factors=_leading(observed_fa[0] > limit_fa),
        components=_leading(observed_pc[0] > limit_pc),
        factor_values=observed_fa[0],
        component_values=observed_pc[0],
        factor_limits=limit_fa,
        component_limits=limit_pc,
        quantile=quantile,
        replicates=replicates,
        correlations=correlations,
        n=used.n_people,
        issues=issues,
        matrix=used,
        provenance=origin(
            "parallel_analysis",
            f"{correlations} correlations, {missing} deletion",
            "factor eigenvalues with the communalities of one minimum-residual factor",
            seed=seed,
        ),
    )


def _leading(above: NDArray[np.bool_]) -> int:
    return int(len(above) if above.all() else np.argmin(above))


def _random_pearson(n: int, p: int, replicates: int, rng: np.random.Generator) -> Floats:
    lower = np.tril(rng.standard_normal((replicates, p, p)), -1)
    diagonal = np.sqrt(rng.chisquare(np.maximum(n - 1 - np.arange(p), 1), (replicates, p)))
    lower[:, np.arange(p), np.arange(p)] = diagonal
    W = lower @ lower.transpose(0, 2, 1)
    sd = np.sqrt(np.einsum("bii->bi", W))
    return np.asarray(W / sd[:, :, None] / sd[:, None, :])


def _random_polychorics(ordinal: Ordinal, replicates: int, rng: np.random.Generator) -> Floats:
    p = len(ordinal.items)
    R = np.tile(np.eye(p), (replicates, 1, 1))
    for matrix in R:
        # Shuffling each item's answers breaks every relation and keeps every distribution.
        shuffled = rng.permuted(ordinal.positions, axis=0)
        tables = pair_tables(
            Ordinal(positions=shuffled, categories=ordinal.categories, matrix=ordinal.matrix, issues=()), correct=0.5
        )
        rho, _ = fisher_scoring(tables)
        matrix[tables.first, tables.second] = matrix[tables.second, tables.first] = rho
    return R


def _eigenvalues(R: Floats) -> tuple[Floats, Floats]:
    """Return component and factor eigenvalues of each matrix, falling."""
    components = np.linalg.eigvalsh(R)[:, ::-1]
    reduced = R.copy()
    p = R.shape[1]
    reduced[:, np.arange(p), np.arange(p)] = one_minres_factor(R) ** 2
    return components, np.linalg.eigvalsh(reduced)[:, ::-1]


def one_minres_factor(R: Floats) -> Floats:
    r"""Return the loadings of one minimum-residual factor for each matrix.

    Parameters
    ----------
    R : ndarray of shape (batch, p, p)
        Correlation matrices.

    Returns
    -------
    ndarray of shape (batch, p)
        Loadings that minimise :math:`\sum_{i<j}(r_{ij}-\lambda_i\lambda_j)^2` with communalities of at most .995.

    Notes
    -----
    Gauss-Newton steps with the diagonal left out; their normal matrix is
    :math:`\lambda^\top\lambda I + \lambda\lambda^\top - 2\,\mathrm{diag}(\lambda^2)`.
    """
    p = R.shape[1]
    off = R.copy()
    off[:, np.arange(p), np.arange(p)] = 0.0
    values, vectors = np.linalg.eigh(R)
    loadings = vectors[:, :, -1] * np.sqrt(np.maximum(values[:, -1:] - 1.0, 0.01) * 0.9)
    active = np.arange(len(R))
    for _ in range(_STEPS):
        lam = loadings[active]
        squares = lam**2
        total = squares.sum(axis=1, keepdims=True)
        residual = np.einsum("bij,bj->bi", off[active], lam) - lam * (total - squares)
        normal = lam[:, :, None] * lam[:, None, :]
        normal[:, np.arange(p), np.arange(p)] = np.maximum(total - squares, 1e-6)
        step = np.linalg.solve(normal, residual[:, :, None])[:, :, 0]
        size = np.abs(step).max(axis=1)
        step *= np.minimum(1.0, 0.2 / np.maximum(size, 1e-300))[:, None]
        loadings[active] = np.clip(lam + step, -0.9975, 0.9975)
        active = active[size > _CLOSE]
        if not len(active):
            break
    return np.asarray(loadings)
