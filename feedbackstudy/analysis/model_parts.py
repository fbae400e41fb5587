"""What direct functions of non-normal models share: random intercepts, Wald tests of terms, cells for contrasts."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, Scale
from feedbackstudy.analysis.frequentist.clustered import CLUSTERED
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.references import Reference, same_df
from feedbackstudy.analysis.lmm import random_factors
from feedbackstudy.analysis.model_rows import TermRow
from feedbackstudy.analysis.model_terms import TermDesign, design_of
from feedbackstudy.errors import DataError, choices

__all__ = ["Random", "fitted_cells", "intercepts", "read_model", "wald_terms"]

type Floats = NDArray[np.float64]
type Random = Mapping[str, Sequence[str]]


def read_model(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    kind: str,
    random: Random | None,
    cluster: str | None,
    categorical: Sequence[str],
    level: float,
    vcov: str | None = None,
) -> TermDesign:
    """Check the options that these models share, and read their columns.

    Parameters
    ----------
    data : DataFrame
        The table.
    outcome : str
        Column of the outcome.
    terms : sequence of str
        Fixed terms.
    kind : str
        What the outcome must be.
    random : mapping of str to sequence of str, or None
        Grouping factors with ``["1"]``.
    cluster : str or None
        Column of clusters.
    categorical : sequence of str
        Numbers that are levels.
    level : float
        Level of the intervals.
    vcov : str, optional
        Correction of the covariance over `cluster`.

    Returns
    -------
    TermDesign
        Checked.

    Raises
    ------
    DataError
        For random slopes, clusters beside random effects, a covariance that does not fit, or a level out of range.
    """
    check_level(level)
    if random is not None and not isinstance(random, Mapping):
        raise DataError(f"'random' maps each grouping factor to ['1']; given {random!r}.")
    if random and cluster is not None:
        raise DataError(
            "Clusters are either a random factor (random=) or a sandwich covariance (cluster=); choose one."
        )
    if vcov is not None and vcov not in CLUSTERED:
        raise DataError(choices("Cluster-robust covariance", vcov, CLUSTERED))
    if vcov is not None and cluster is None:
        raise DataError(f"{vcov} needs cluster=, the column that names the clusters.")
    for name, varying in (random or {}).items():
        if list(varying) != ["1"]:
            raise DataError(
                f"This model has random intercepts only: give {{{name!r}: ['1']}}, not {list(varying)!r}. For random "
                "slopes use analysis.lmm, or the Bayesian model."
            )
    groups = [part for name in (random or {}) for part in name.split(":")] + ([cluster] if cluster else [])
    return design_of(data, outcome, terms, kind=kind, groups=groups, categorical=categorical)  # type: ignore[arg-type]


def intercepts(design: TermDesign, random: Random | None, nodes: int) -> list[RandomFactor]:
    """Build the random intercepts of a model.

    Parameters
    ----------
    design : TermDesign
        Holds the grouping columns.
    random : mapping of str to sequence of str, or None
        Grouping factors.
    nodes : int
        Nodes of the quadrature over their effects.

    Returns
    -------
    list of RandomFactor
        Empty where there are none.

    Raises
    ------
    DataError
        Where nodes are asked for and there are no random effects.
    """
    if not random and nodes != 1:
        raise DataError(f"nodes={nodes!r} are those of an integral over random effects, and there are none: name them "
                        "in random=, or leave nodes out.")  # fmt: skip
    return random_factors(design, random) if random else []


def wald_terms(
    hypotheses: Mapping[str, Floats], beta: Floats, covariance: Floats, *, df: float | Reference = float("inf")
) -> tuple[TermRow, ...]:
    r"""Test terms by Wald's statistic, type III.

    Parameters
    ----------
    hypotheses : mapping of str to ndarray, shape (contrasts, p)
        Of each term.
    beta : ndarray, shape (p,)
        Coefficients.
    covariance : ndarray, shape (p, p)
        Theirs.
    df : float or Reference
        Denominator degrees of freedom; infinite for chi square.

    Returns
    -------
    tuple of TermRow
        :math:`\chi^2 = (Lb)'(LVL')^{-1}(Lb)`, or F, that over its degrees of freedom (HTZ with a sandwich); NaN where
        the clusters are too few for a term or determine it alone.
    """
    size = beta.size
    reference = df if isinstance(df, Reference) else same_df(df)
    fit = CellFit(
        means=beta,
        covariance=covariance,
        df=reference.df,
        joint_df=reference.joint_df,
        joint_scale=reference.joint_scale,
        counts=np.ones(size, dtype=np.int64),
        scale="latent",
        sd=None,
        n=size,
        model="",
    )
    rows = []
    for term, weights in hypotheses.items():
        try:
            found = fit.joint(weights)
        except DataError:
            rank = float(np.linalg.matrix_rank(weights))
            rows.append(TermRow(term=term, statistic=np.nan, df=rank, df2=np.nan, p=np.nan))
            continue
        statistic = found.f * found.df if np.isinf(found.df2) else found.f
        rows.append(TermRow(term=term, statistic=statistic, df=found.df, df2=found.df2, p=found.p))
    return tuple(rows)


def fitted_cells(
    design: TermDesign,
    values: Floats,
    covariance: Floats,
    *,
    df: float | Reference,
    scale: Scale,
    sd: float | None,
    model: str,
    notes: tuple[str, ...],
    failures: tuple[str, ...],
) -> FittedCells:
    """Set cell quantities in a form that contrasts are put to.

    Parameters
    ----------
    design : TermDesign
        The fixed part.
    values, covariance : ndarray
        Of all cells.
    df : float or Reference
        Degrees of freedom.
    scale : str
        Scale of the values.
    sd : float or None
        Standard deviation for standardised effects.
    model : str
        The quantities in words.
    notes, failures : tuple of str
        What a reader must know, and what stands against reporting.

    Returns
    -------
    FittedCells
        Cells without rows count as estimable where the model has no interaction that needs them.
    """
    cells = design.cells
    reference = df if isinstance(df, Reference) else same_df(df)
    fit = CellFit(
        means=values,
        covariance=covariance,
        df=reference.df,
        joint_df=reference.joint_df,
        joint_scale=reference.joint_scale,
        counts=cells.counts if design.saturated else np.maximum(cells.counts, 1),
        scale=scale,
        sd=sd,
        n=design.read.n,
        model=model,
    )
    return FittedCells(
        fit=fit, cells=cells, n=design.read.n, notes=notes, failures=failures, data=pd.DataFrame(), fit_in_r=""
    )
