"""Cell means of a data frame, between participants or repeated, and the R code that fits the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.anova_result import r_matrix
from feedbackstudy.analysis.anova_rows import control_hint, covariate_note, single_rows
from feedbackstudy.analysis.columns import as_number, read_columns
from feedbackstudy.analysis.crossed import Cells, cells_of
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.frequentist.repeated import fit_repeated
from feedbackstudy.analysis.occasions import repeated
from feedbackstudy.analysis.outside import Control, read_cells
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript, r_string

__all__ = ["FittedCells", "fit_frame"]

type Floats = NDArray[np.float64]

_CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedCells:
    """Cell means with what made them.

    Attributes
    ----------
    fit : CellFit
        The means.
    cells : Cells
        What they are means of.
    n : int
        Participants.
    notes, failures : tuple of str
        What a reader must know, and what stands against reporting.
    data : DataFrame
        The rows used, for R.
    fit_in_r : str
        R code that leaves coefficients in `b`, their covariance in `V` and defines ``df_of(w)``.
    spread : str
        What the standard deviation is that effects on the outcome's scale are divided by.
    """

    fit: CellFit
    cells: Cells
    n: int
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    data: pd.DataFrame
    fit_in_r: str
    spread: str = "the root mean square within cells"

    def script(self, labels: Sequence[str], rows: Floats, adjust: str) -> RScript:
        """Write contrasts of these means for R.

        Parameters
        ----------
        labels : sequence of str
            Their names.
        rows : ndarray, shape (k, cells)
            Their weights.
        adjust : str
            Adjustment; shown where R's `p.adjust` has it.

        Returns
        -------
        RScript
            Shows estimate, se, df, p and adjusted p of each.
        """
        known = {"fdr_bh": "BH", "fdr_by": "BY"}.get(adjust, adjust)
        body = f"{self.fit_in_r}L <- {r_matrix(rows)}\nlabels <- c({', '.join(map(r_string, labels))})\n" + _TESTS
        if known in ("none", "holm", "bonferroni", "hochberg", "hommel", "BH", "BY"):
            body += f'show(paste(labels, "p adjusted"), p.adjust(p, "{known}"))\n'
        return RScript(made_by="analysis.contrasts", body=body, data=self.data, name="contrasts")


_TESTS = """\
L <- cbind(L, matrix(0, nrow(L), length(b) - ncol(L)))
estimate <- drop(L %*% b); se <- sqrt(diag(L %*% V %*% t(L))); df <- apply(L, 1, df_of)
p <- 2 * pt(-abs(estimate / se), df)
show(paste(labels, "estimate"), estimate); show(paste(labels, "se"), se)
show(paste(labels, "df"), df); show(paste(labels, "p"), p)
"""


def fit_frame(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None,
    between: Sequence[str],
    within: Sequence[str],
    covariates: Sequence[str],
    *,
    vcov: str,
    cluster: str | None,
    control: Control | None,
    row_weights: str | None = None,
) -> FittedCells:
    """Fit the cell means of a data frame.

    Parameters
    ----------
    data : DataFrame
        The table.
    outcome : str
        Column of the outcome.
    participant : str or None
        Column that names participants.
    between, within, covariates : sequence of str
        The design.
    vcov : str
        Covariance of the means.
    cluster : str or None
        Column of clusters.
    control : mapping or None
        Comparison arms.
    row_weights : str, optional
        Column of inverse probabilities of assignment.

    Returns
    -------
    FittedCells
        Means, covariance, notes.

    Raises
    ------
    DataError
        For a table or options that cannot be used.
    """
    if not between and not within:
        raise DataError("Name at least one factor in 'between' or 'within'.")
    if vcov in _CLUSTERED and cluster is None:
        raise DataError(f"{vcov} needs cluster=, the column that names the clusters.")
    if within:
        if cluster is not None or control or row_weights or vcov not in ("classical", "welch"):
            raise DataError(
                "With within factors the covariance is 'classical' (occasions free) or 'welch' (free in each group), "
                "without clusters, control or weights of rows; analysis.lmm has clusters."
            )
        return _repeated(data, outcome, participant, between, within, covariates, unequal=vcov == "welch")
    return _between(data, outcome, participant, between, covariates, vcov, cluster, control, row_weights)


def _between(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None,
    between: Sequence[str],
    covariates: Sequence[str],
    vcov: str,
    cluster: str | None,
    control: Control | None,
    row_weights: str | None,
) -> FittedCells:
    weights = _row_weights(data, row_weights)
    groups = [name for name in (participant, cluster) if name is not None]
    read, cells, arms = read_cells(data, outcome, between, covariates=covariates, groups=groups, control=control)
    if participant is not None:
        repeated(read, participant, between, ())
    codes = None if cluster is None else read.groups[cluster].codes
    clustered = vcov if vcov in _CLUSTERED else None
    chosen = "classical" if cluster is not None else vcov
    fit = fit_cells(
        read.y,
        cells.cell,
        len(cells.labels),
        covariates=read.covariate_matrix,
        vcov=chosen,  # type: ignore[arg-type]
        cluster=codes,
        clustered=clustered,  # type: ignore[arg-type]
        weights=None if weights is None else weights[read.kept],
    )
    frame = pd.DataFrame({".y": read.y, ".cell": cells.cell})
    for j in range(len(covariates)):
        frame[f".x{j}"] = read.covariate_matrix[:, j]
    if codes is not None:
        frame[".cluster"] = codes
    if weights is not None:
        frame[".w"] = weights[read.kept]
    slopes = "".join(f" + .x{j}" for j in range(len(covariates)))
    weighted = ", weights = responses$.w" if weights is not None else ""
    code = f"fit <- lm(.y ~ 0 + factor(.cell){slopes}, data = responses{weighted}); b <- coef(fit)\n"
    hints = () if control else control_hint(data, outcome, between)
    outside = (f"Comparison arms outside the crossing: {', '.join(arms)}; the error is pooled over all arms.",)
    return FittedCells(
        fit=fit,
        cells=cells,
        n=read.n,
        notes=(*read.notes, *hints, *fit.notes, *(outside if arms else ()), *covariate_note(covariates)),
        failures=single_rows(cells),
        data=frame,
        fit_in_r=code
        + _covariance(chosen, None if cluster is None else clustered or "CR2", weighted=weights is not None),
    )


def _row_weights(data: pd.DataFrame, name: str | None) -> Floats | None:
    if name is None:
        return None
    weights = as_number(data, name, role="Weights")
    if np.isnan(weights).any():
        raise DataError(f"Weights {name!r} are missing in {int(np.isnan(weights).sum())} rows.")
    return weights


def _covariance(vcov: str, clustered: str | None, *, weighted: bool) -> str:
    if clustered is not None:
        target = ", target = rep(1, nrow(responses))" if weighted else ""
        return (
            f'V <- clubSandwich::vcovCR(fit, cluster = responses$.cluster, type = "{clustered}"{target})\n'
            "df_of <- function(w)\n"
            '  clubSandwich::Wald_test(fit, constraints = matrix(w, 1), vcov = V, test = "HTZ")$df_denom\n'
        )
    if vcov == "welch":
        return (
            'V <- sandwich::vcovHC(fit, type = "HC2"); n <- tabulate(responses$.cell + 1)\n'
            "if (length(b) > length(n)) stop('with covariates R has no such degrees of freedom')\n"
            "df_of <- function(w) sum(w^2 * diag(V))^2 / sum((w^2 * diag(V))^2 / (n - 1))\n"
        )
    made = "vcov(fit)" if vcov == "classical" else f'sandwich::vcovHC(fit, type = "{vcov}")'
    return f"V <- {made}\ndf_of <- function(w) df.residual(fit)\n"


def _repeated(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None,
    between: Sequence[str],
    within: Sequence[str],
    covariates: Sequence[str],
    *,
    unequal: bool,
) -> FittedCells:
    groups = [participant] if participant is not None else []
    read = read_columns(data, outcome, factors=[*between, *within], covariates=covariates, groups=groups)
    wide = repeated(read, participant, between, within)
    people, k = wide.people, wide.Y.shape[1]
    crossed = (
        cells_of([people.factors[name] for name in between])
        if between
        else replace(wide.occasions, cell=np.zeros(people.n, dtype=np.int64), labels=("",))
    )
    crossed.require()
    slopes = people.covariate_matrix
    fit = fit_repeated(wide.Y, crossed.cell, len(crossed.labels), covariates=slopes, unequal=unequal)
    labels = tuple(":".join(filter(None, (a, b))) for a in crossed.labels for b in wide.occasions.labels)
    names = tuple(between) + wide.occasions.names
    levels = (crossed.levels if between else ()) + wide.occasions.levels
    cells = Cells(names=names, levels=levels, labels=labels, cell=np.repeat(crossed.cell, k), counts=fit.counts)
    frame = pd.DataFrame({".cell": crossed.cell})
    for j in range(k):
        frame[f".y{j}"] = wide.Y[:, j]
    for j in range(slopes.shape[1]):
        frame[f".x{j}"] = slopes[:, j]
    return FittedCells(
        fit=fit,
        cells=cells,
        n=people.n,
        notes=(*read.notes, *wide.notes, *covariate_note(covariates)),
        failures=single_rows(crossed) if between else (),
        data=frame,
        fit_in_r=_multivariate(k, len(crossed.labels), slopes.shape[1], unequal=unequal),
    )


def _multivariate(k: int, groups: int, slopes: int, *, unequal: bool) -> str:
    left = f"cbind({', '.join(f'.y{j}' for j in range(k))})"
    right = ("factor(.cell)" if groups > 1 else "I(.cell + 1)") + "".join(f" + .x{j}" for j in range(slopes))
    code = f"fit <- lm({left} ~ 0 + {right}, data = responses)\n"
    code += f"keep <- seq_len({groups}); b <- c(t(coef(fit)[keep, , drop = FALSE]))\n"
    if not unequal:
        return code + (
            "S <- estVar(fit); X <- model.matrix(fit); V <- kronecker(solve(crossprod(X))[keep, keep], S)\n"
            "df_of <- function(w) df.residual(fit)\n"
        )
    return code + (
        f"parts <- lapply(split(responses[paste0('.y', 0:{k - 1})], responses$.cell), function(d) var(d) / nrow(d))\n"
        "n <- table(responses$.cell); V <- matrix(0, length(b), length(b))\n"
        f"for (g in keep) {{ at <- (g - 1) * {k} + seq_len({k}); V[at, at] <- as.matrix(parts[[g]]) }}\n"
        f"df_of <- function(w) {{ v <- sapply(keep, function(g) {{ at <- (g - 1) * {k} + seq_len({k})\n"
        "  drop(w[at] %*% V[at, at] %*% w[at]) }); sum(v)^2 / sum(v^2 / (n - 1)) }\n"
    )
