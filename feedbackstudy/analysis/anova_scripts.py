"""Analyses of variance as R scripts: afex for sums of squares, Wald tests of cell means for robust covariances."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.anova_result import r_matrix
from feedbackstudy.analysis.columns import Columns
from feedbackstudy.analysis.crossed import Cells
from feedbackstudy.analysis.occasions import Repeated
from feedbackstudy.psychometrics.rscript import RScript, r_string, r_vector

__all__ = ["by_means", "by_squares"]

type Floats = NDArray[np.float64]


def by_squares(
    wide: Repeated,
    outcome: str,
    between: Sequence[str],
    within: Sequence[str],
    covariates: Sequence[str],
    *,
    ss_type: int,
    correction: str,
    observed: Sequence[str],
) -> RScript:
    """Write an analysis by sums of squares for afex (types II and III) or base R (type I).

    Parameters
    ----------
    wide : Repeated
        The rows used.
    outcome : str
        Its name.
    between, within, covariates : sequence of str
        The design.
    ss_type : int
        Type of the sums of squares.
    correction : str
        Correction for departure from sphericity.
    observed : sequence of str
        Measured factors.

    Returns
    -------
    RScript
        Shows F, both degrees of freedom, p and generalised eta squared of each term.
    """
    people, k = wide.people, wide.Y.shape[1]
    columns: dict[str, object] = {"id": np.repeat(wide.names, k), "y": wide.Y.ravel()}
    factors = [*between, *within]
    for i, name in enumerate(between):
        factor = people.factors[name]
        columns[f"f{i}"] = np.repeat(np.array(factor.levels, dtype=object)[factor.codes], k)
    for j, name in enumerate(wide.occasions.names):
        labels = np.array([label.split(":")[j] for label in _safe(wide.occasions)], dtype=object)
        columns[f"f{factors.index(name)}"] = np.tile(labels, people.n)
    for j, name in enumerate(covariates):
        x = people.covariates[name]
        columns[f"x{j}"] = np.repeat(x - x.mean(), k)
    levels = [*(people.factors[name].levels for name in between), *_within_levels(wide.occasions)]
    head = "".join(
        f"responses$f{i} <- factor(responses$f{i}, levels = {r_vector(tuple(given))})\n"
        for i, given in enumerate(levels)
    )
    names = f"names <- c({', '.join(f'f{i} = {r_string(name)}' for i, name in enumerate(factors))}"
    names += "".join(f", x{j} = {r_string(name)}" for j, name in enumerate(covariates)) + ")\n"
    names += 'label <- function(term) paste(names[strsplit(term, ":")[[1]]], collapse = ":")\n'
    body = _type_one if ss_type == 1 else _afex
    code = body(len(between), len(within), len(covariates), ss_type, correction, [factors.index(o) for o in observed])
    frame = pd.DataFrame(columns)
    return RScript(made_by=f"analysis.anova of {outcome}", body=head + names + code, data=frame, name="anova")


def _safe(occasions: Cells) -> tuple[str, ...]:
    """Return occasions by the position of each level, as a level may hold a colon itself."""
    sizes = [len(levels) for levels in occasions.levels]
    return tuple(":".join(f"w{i}" for i in place) for place in np.ndindex(*sizes))


def _within_levels(occasions: Cells) -> list[list[str]]:
    return [[f"w{i}" for i in range(len(levels))] for levels in occasions.levels]


def _afex(between: int, within: int, covariates: int, ss_type: int, correction: str, observed: list[int]) -> str:
    def given(argument: str, names: list[str]) -> str:
        return f", {argument} = {r_vector(tuple(names))}" if names else ""

    parts = given("between", [f"f{i}" for i in range(between)])
    parts += given("within", [f"f{between + i}" for i in range(within)])
    parts += given("covariate", [f"x{j}" for j in range(covariates)])
    parts += given("observed", [f"f{i}" for i in observed])
    table = {"gg": "GG", "hf": "HF", "none": "none"}[correction]
    return (
        "suppressMessages(library(afex))\n"
        f'fit <- suppressMessages(suppressWarnings(aov_ez("id", "y", responses{parts}, factorize = FALSE,\n'
        f'  type = {ss_type}, anova_table = list(correction = "{table}", es = c("ges", "pes")))))\n'
        "found <- fit$anova_table\n"
        "for (term in rownames(found)) {\n"
        '  show(paste(label(term), "F"), found[term, "F"])\n'
        '  show(paste(label(term), "df"), found[term, "num Df"])\n'
        '  show(paste(label(term), "df2"), found[term, "den Df"])\n'
        '  show(paste(label(term), "p"), found[term, "Pr(>F)"])\n'
        '  show(paste(label(term), "eta_g2"), found[term, "ges"])\n}\n'
    )


def _type_one(between: int, within: int, covariates: int, ss_type: int, correction: str, observed: list[int]) -> str:  # noqa: ARG001
    order = "".join(f"x{j} + " for j in range(covariates))
    crossed = "*".join(f"f{i}" for i in range(between)) or "1"
    repeated = "*".join(f"f{between + i}" for i in range(within))
    if not within:
        return (
            f"found <- anova(lm(y ~ {order}{crossed}, data = responses))\n"
            'for (term in setdiff(rownames(found), "Residuals")) {\n'
            '  show(paste(label(term), "F"), found[term, "F value"])\n'
            '  show(paste(label(term), "df"), found[term, "Df"])\n'
            '  show(paste(label(term), "p"), found[term, "Pr(>F)"])\n}\n'
        )
    return (
        "# type I of repeated measures: p before any correction for departure from sphericity\n"
        "responses$id <- factor(responses$id)\n"
        f"fit <- aov(y ~ ({order}{crossed}) * {repeated} + Error(id/({repeated})), data = responses)\n"
        "for (stratum in summary(fit)) {\n"
        '  found <- stratum[[1]]\n  for (term in setdiff(trimws(rownames(found)), "Residuals")) {\n'
        "    row <- which(trimws(rownames(found)) == term)\n"
        '    if (!is.null(found[["F value"]])) show(paste(label(term), "F"), found[row, "F value"])\n  }\n}\n'
    )


def by_means(
    read: Columns,
    cells: Cells,
    covariates: Sequence[str],
    asked: Sequence[tuple[str, Floats]],
    *,
    vcov: str,
    cluster: str | None,
) -> RScript:
    """Write Wald tests of cell means for R (sandwich, clubSandwich).

    Parameters
    ----------
    read : Columns
        The rows used.
    cells : Cells
        Their cells.
    covariates : sequence of str
        Covariates.
    asked : sequence of (str, ndarray)
        Term and its weights over cells and covariates.
    vcov : str
        Covariance.
    cluster : str or None
        Column of clusters.

    Returns
    -------
    RScript
        Shows F, df2 and p of each term.
    """
    columns: dict[str, object] = {".y": read.y, ".cell": cells.cell}
    for j, x in enumerate(read.covariates.values()):
        columns[f".x{j}"] = x - x.mean()
    if cluster is not None:
        columns[".cluster"] = read.groups[cluster].codes
    slopes = "".join(f" + .x{j}" for j in range(len(covariates)))
    code = f"fit <- lm(.y ~ 0 + factor(.cell){slopes}, data = responses)\n{_covariance(vcov, cluster)}"
    for term, rows in asked:
        code += f"test({r_string(term)}, {r_matrix(rows)})\n"
    return RScript(made_by=f"analysis.anova of {read.outcome}", body=code, data=pd.DataFrame(columns), name="anova")


_SHOW = """\
  show(paste(term, "F"), f)
  show(paste(term, "df2"), df2)
  show(paste(term, "p"), pf(f, nrow(C), df2, lower.tail = FALSE))
}
"""


def _covariance(vcov: str, cluster: str | None) -> str:
    if cluster is not None:
        kind = "CR2" if vcov == "classical" else vcov
        return (
            f'V <- clubSandwich::vcovCR(fit, cluster = responses$.cluster, type = "{kind}")\n'
            "test <- function(term, C) {\n"
            '  found <- clubSandwich::Wald_test(fit, constraints = C, vcov = V, test = "HTZ")\n'
            f"  f <- found$Fstat; df2 <- found$df_denom\n{_SHOW}"
        )
    wald = "  e <- C %*% coef(fit); f <- drop(t(e) %*% solve(C %*% V %*% t(C), e)) / nrow(C)\n"
    if vcov == "welch":
        return (
            'V <- sandwich::vcovHC(fit, type = "HC2")\nn <- tabulate(responses$.cell + 1)\n'
            "test <- function(term, C) {\n" + wald + "  q <- nrow(C)\n"
            "  share <- diag(V %*% t(C) %*% solve(C %*% V %*% t(C), C)); A <- sum(share^2 / (n - 1))\n"
            "  f <- f * q / (q + 2 * A - 6 * A / (q + 2)); df2 <- q * (q + 2) / (3 * A)\n" + _SHOW
        )
    made = "vcov(fit)" if vcov == "classical" else f'sandwich::vcovHC(fit, type = "{vcov}")'
    return f"V <- {made}\ntest <- function(term, C) {{\n{wald}  df2 <- df.residual(fit)\n{_SHOW}"
