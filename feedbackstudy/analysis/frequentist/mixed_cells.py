"""Cell means of a linear mixed model with their covariance and degrees of freedom."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.kenward_roger import KenwardRoger, independent_rows
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers, RandomFactor
from feedbackstudy.analysis.frequentist.reml import MixedFit, fit_mixed
from feedbackstudy.analysis.frequentist.satterthwaite import Satterthwaite
from feedbackstudy.errors import DataError, choices

__all__ = ["METHODS", "DfMethod", "cell_columns", "cell_fit_of", "fit_notes", "mixed_cells"]

type DfMethod = Literal["satterthwaite", "kenward-roger"]

METHODS: dict[str, type[Satterthwaite] | type[KenwardRoger]] = {
    "satterthwaite": Satterthwaite,
    "kenward-roger": KenwardRoger,
}
"""How degrees of freedom are found, by name."""
_FEW_LEVELS = 5


def mixed_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    groups: Mapping[str, ArrayLike],
    *,
    df: DfMethod = "satterthwaite",
    slopes: Mapping[str, Mapping[str, ArrayLike]] | None = None,
) -> CellFit:
    """Fit cell means with random effects by REML.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome, finite.
    cell : array_like of int, shape (n,)
        Cell of each row, 0 to `n_cells` - 1.
    n_cells : int
        Cells of the design; some may hold no data.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to array_like, shape (n,)
        Level of each row in each grouping factor, which get random intercepts; crossed or nested as the levels say.
        Rows of level -1 carry no effect of that factor.
    df : {"satterthwaite", "kenward-roger"}, default "satterthwaite"
        Degrees of freedom; Kenward-Roger also widens the covariance.
    slopes : mapping of str to (mapping of str to array_like), optional
        For a grouping factor, the covariates whose effect varies between its levels, by name; they may correlate with
        the intercept.

    Returns
    -------
    CellFit
        On the response scale; `sd` is the root of the sum of all variance components, one that only some rows carry
        counted by their share.

    Raises
    ------
    DataError
        Where the data cannot carry the random effects, or columns depend on each other.
    """
    if df not in METHODS:
        raise DataError(choices("degrees of freedom", df, METHODS))
    outcome = np.asarray(y, dtype=np.float64)
    X, counts = cell_columns(cell, n_cells, covariates)
    extra = slopes or {}
    for name in sorted(set(extra) - set(groups)):
        raise DataError(choices("grouping factor of a random slope", name, groups))
    factors = [
        RandomFactor.of(
            name,
            np.asarray(levels),
            [(term, np.asarray(values, dtype=np.float64)) for term, values in extra.get(name, {}).items()],
        )
        for name, levels in groups.items()
    ]
    if not factors:
        raise DataError("A mixed model needs at least one grouping factor; without one use the linear model.")
    return cell_fit_of(fit_mixed(outcome, X, factors), counts, df=df)


def cell_columns(cell: ArrayLike, n_cells: int, covariates: ArrayLike | None) -> tuple[Floats, Integers]:
    """Return an indicator of each cell that holds data, then the covariates, and the rows in each cell.

    Parameters
    ----------
    cell : array_like of int, shape (n,)
        Cell of each row.
    n_cells : int
        Cells of the design.
    covariates : array_like, shape (n, q), or None
        Centred covariates.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Fixed columns, shape (n, used cells + q), and counts, shape (n_cells,).
    """
    cells = np.asarray(cell, dtype=np.int64)
    counts = np.bincount(cells, minlength=n_cells)
    used = np.flatnonzero(counts)
    indicators = (cells[:, None] == used).astype(np.float64)
    if covariates is None:
        return indicators, counts
    return np.column_stack([indicators, np.asarray(covariates, dtype=np.float64).reshape(cells.size, -1)]), counts


def cell_fit_of(fit: MixedFit, counts: NDArray[np.int64], *, df: DfMethod) -> CellFit:
    """Read the cell means off a mixed model whose first columns are indicators of the used cells.

    Parameters
    ----------
    fit : MixedFit
        The model.
    counts : ndarray, shape (cells,)
        Rows in each cell.
    df : {"satterthwaite", "kenward-roger"}
        Degrees of freedom.

    Returns
    -------
    CellFit
        Ready for contrasts.
    """
    tests = METHODS[df](fit)
    used = np.flatnonzero(counts)
    size = fit.beta.size
    whole = used.size == counts.size == size
    means, covariance = fit.beta, tests.covariance
    if not whole:
        means, covariance = np.full(counts.size, np.nan), np.full((counts.size, counts.size), np.nan)
        means[used] = fit.beta[: used.size]
        covariance[used[:, None], used] = tests.covariance[: used.size, : used.size]

    def widened(weights: Floats) -> Floats:
        rows = np.atleast_2d(weights)
        if whole:
            return rows
        made = np.zeros((rows.shape[0], size))
        made[:, : used.size] = rows[:, used]
        return made

    def on_cells(function: Callable[[Floats], float]) -> Callable[[Floats], float]:
        return lambda weights: function(widened(weights if len(weights) == 1 else independent_rows(weights)))

    notes, failures = fit_notes(fit)
    return CellFit(
        means=means,
        covariance=covariance,
        df=tests.df if whole else lambda weights: tests.df(widened(weights)[0]),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(fit.total_variance)),
        n=fit.n,
        model=_words(fit, tests.name),
        notes=notes,
        failures=failures,
        joint_df=on_cells(tests.joint_df),
        joint_scale=on_cells(tests.joint_scale) if df == "kenward-roger" else None,
        dfs=(lambda rows: tests.dfs(widened(rows))) if isinstance(tests, Satterthwaite) else None,
    )


def _words(fit: MixedFit, method: str) -> str:
    parts = []
    for component in fit.components:
        terms = " + ".join("intercept" if term == "1" else f"slope of {term}" for term in component.terms)
        parts.append(f"{component.factor} ({terms}; {component.levels} levels)")
    estimation = "REML" if fit.reml else "maximum likelihood"
    return f"linear mixed model ({estimation}), random: {', '.join(parts)}; degrees of freedom by {method}"


def fit_notes(fit: MixedFit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a reader must know of a mixed model, and why nothing of it may be reported.

    Parameters
    ----------
    fit : MixedFit
        The model.

    Returns
    -------
    tuple of (tuple of str, tuple of str)
        Notes and failures.
    """
    notes = []
    if fit.singular:
        notes.append(
            "The fit is singular: a variance between levels is estimated as zero, or a correlation as one. Tests of "
            "fixed effects then take that variance as absent; a simpler random structure says so openly."
        )
    notes += [
        f"The variance between levels of {component.factor} rests on {component.levels} levels only."
        for component in fit.components
        if component.levels < _FEW_LEVELS
    ]
    failures = () if fit.converged else ("The search for the variance components did not converge.",)
    return tuple(notes), failures
