"""Analysis of variance as Wald tests of cell means: robust covariances, clusters, arms outside the crossing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis import anova_scripts
from feedbackstudy.analysis.anova_result import Anova
from feedbackstudy.analysis.anova_rows import (
    TYPES,
    control_hint,
    covariate_note,
    interactions,
    single_rows,
    sizes_from_wald,
    wald_row,
)
from feedbackstudy.analysis.columns import Columns
from feedbackstudy.analysis.crossed import Cells
from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.frequentist.linear import Covariance, LinearFit, fit_linear
from feedbackstudy.analysis.margins import effect
from feedbackstudy.analysis.occasions import repeated
from feedbackstudy.analysis.outside import Control, read_cells
from feedbackstudy.analysis.two_valued import two_valued_note
from feedbackstudy.provenance import Provenance

__all__ = ["by_means"]

type Floats = NDArray[np.float64]
type Chosen = Covariance | Clustered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    term: str
    rows: Floats


def by_means(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None,
    between: Sequence[str],
    covariates: Sequence[str],
    vcov: Chosen,
    cluster: str | None,
    control: Control | None,
    level: float,
) -> Anova:
    """Test the effects of a design between participants on its cell means.

    Parameters
    ----------
    data : DataFrame
        The table.
    outcome : str
        Column of the outcome.
    participant : str or None
        Column that names participants.
    between, covariates : sequence of str
        The design.
    vcov : str
        Covariance.
    cluster : str or None
        Column of clusters.
    control : mapping or None
        Comparison arms.
    level : float
        Level of the intervals of effect sizes.

    Returns
    -------
    Anova
        Covariates, effects, then each comparison arm against the crossed cells.
    """
    groups = [name for name in (participant, cluster) if name is not None]
    read, cells, arms = read_cells(data, outcome, between, covariates=covariates, groups=groups, control=control)
    if participant is not None:
        repeated(read, participant, between, ())
    slopes = read.covariate_matrix
    X = np.hstack([np.eye(len(cells.labels))[cells.cell], slopes])
    fit = _fitted(read, cells, X, vcov, cluster)
    asked = _asked(cells, between, covariates, arms, X.shape[1])
    rows = [wald_row(one.term, fit.joint(one.rows), level, n=read.n) for one in asked]
    classical = _covariance(vcov, cluster) == "classical"
    hints = two_valued_note(outcome, read.y, robust="vcov='HC3'" if classical else "")
    hints += () if control else control_hint(data, outcome, between)
    outside = (f"Comparison arms outside the crossing: {', '.join(arms)}; the error is pooled over all arms.",)
    return Anova(
        outcome=outcome,
        rows=tuple(rows),
        sphericity=(),
        n=read.n,
        n_rows=read.n,
        level=level,
        notes=(*read.notes, *fit.notes, *(outside if arms else ()), *covariate_note(covariates), *hints),
        failures=single_rows(cells),
        provenance=Provenance(
            made_by="analysis.anova",
            conventions=(
                TYPES[3],
                f"Wald tests of cell means: {fit.words}",
                *sizes_from_wald(level, _covariance(vcov, cluster)),
            ),
        ),
        script=anova_scripts.by_means(
            read, cells, covariates, [(one.term, one.rows) for one in asked], vcov=vcov, cluster=cluster
        ),
    )


def _covariance(vcov: Chosen, cluster: str | None) -> Chosen:
    """Return the covariance that is used: over clusters CR2 where no other is named."""
    return "CR2" if vcov == "classical" and cluster is not None else vcov


def _fitted(read: Columns, cells: Cells, X: Floats, vcov: Chosen, cluster: str | None) -> LinearFit:
    if cluster is not None:
        kind = None if vcov == "classical" else vcov
        return fit_linear(read.y, X, cluster=read.groups[cluster].codes, clustered=kind)  # type: ignore[arg-type]
    if vcov != "classical":
        cells.require(2, why=f"{vcov} has no variance of its own there")
    return fit_linear(read.y, X, vcov=vcov, cell=cells.cell)  # type: ignore[arg-type]


def _asked(
    cells: Cells, between: Sequence[str], covariates: Sequence[str], arms: Sequence[str], width: int
) -> list[_Asked]:
    def padded(rows: Floats) -> Floats:
        return np.hstack([rows, np.zeros((len(rows), width - rows.shape[1]))])

    k = len(cells.labels)
    asked = [_Asked(term=name, rows=np.eye(width)[[k + i]]) for i, name in enumerate(covariates)]
    asked += [_Asked(term=":".join(parts), rows=padded(effect(cells, parts))) for parts in interactions(between)]
    crossed = k - len(arms)
    for i, arm in enumerate(arms):
        row = np.r_[np.full(crossed, -1 / crossed), np.eye(len(arms))[i]]
        asked.append(_Asked(term=f"{arm} against {' x '.join(between)}", rows=padded(row[None, :])))
    return asked
