"""A sampled model of cells as R code: the same priors and likelihood in Stan, sampled anew from the rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.cell_rows import Grouping
from feedbackstudy.analysis.r_stan_run import Asked, sampling_code
from feedbackstudy.psychometrics.rscript import RScript, r_numbers, r_string, r_vector

__all__ = ["cells_code", "cells_script", "stan_program"]

_ROWS = "given <- list(N = nrow(responses), cell = match(as.character(responses$cell), cells))\n"
_BASIS = """\
# orthonormal columns that sum to zero: cells around their mean, exchangeable
k <- seq_along(cells)[-1]; given$basis <- -contr.helmert(length(cells)) %*% diag((k * (k - 1))^-0.5, length(k))
"""
_LEVELS = """\
label <- as.character(responses[[GROUP]]); has <- responses[[HAS]]; if (is.null(has)) has <- rep(1, length(label))
at <- match(label, unique(label[has == 1])); at[has == 0] <- 1
"""


def stan_program(model: CellModel, *, scale: Scale | None = None, slopes: int = 0) -> str:
    r"""Write a model of cells in Stan.

    Parameters
    ----------
    model : CellModel
        The model.
    scale : str, optional
        Scale of the cells that are asked for; by default the predictor's own.
    slopes : int, default 0
        Ask for that many first coefficients of covariates, not for the cells.

    Returns
    -------
    str
        The program; `found` holds the quantities asked for. Factors are numbered in their order: no name that a user
        gave is part of it.

    Notes
    -----
    Parameters, their priors and the sum-to-zero columns of the cells are those of `CellModel.pymc_model`. Correlations
    of random slopes are Cholesky factors with the same LKJ prior, of which PyMC samples partial correlations. Effects
    of groups have the coordinates that PyMC has: these decide the sampler's speed, never the model.
    """
    rows, family = model.rows, model.family
    outcome = family.stan(scale or family.scales[0], rows)
    declared: list[str] = []
    stated: list[str] = []
    for parameter in model.parameters:
        declaration, prior = parameter.law.stan(_numbered(parameter.name, model), parameter.shape)
        declared, stated = [*declared, declaration], [*stated, prior]
    groups = [_effects(k, group, centred=group.name in model.centring) for k, group in enumerate(rows.groups, start=1)]
    q, several = rows.covariates.shape[1], rows.n_cells > 1
    eta = ["vector[N] eta = cells[cell];", *["eta += x * coefficient;"] * bool(q), *(g["eta"] for g in groups)]
    found = f"coefficient[1:{slopes}]" if slopes else outcome.cells
    data = [
        "int<lower=1> N;",
        f"array[N] int<lower=1, upper={rows.n_cells}> cell;",
        "array[N] int<lower=0> y;" if family.whole else "vector[N] y;",
        *[f"matrix[{rows.n_cells}, {rows.n_cells - 1}] basis;"] * several,
        *[f"matrix[N, {q}] x;"] * bool(q),
        *(line for g in groups for line in g["data"]),
    ]
    derived = [
        _cells(model),
        *(line for g in groups for line in g["derived"]),
        *[outcome.derived] * bool(outcome.derived),
    ]
    return (
        _block("data", data)
        + _block("parameters", [*declared, *(g["raw"] for g in groups)])
        + _block("transformed parameters", derived)
        + _block("model", [*eta, *stated, *(g["prior"] for g in groups), outcome.likelihood])
        + _block("generated quantities", [f"vector[{slopes or rows.n_cells}] found = {found};"])
    )


def cells_code(
    model: CellModel,
    asked: Asked,
    *,
    cells: Sequence[str],
    columns: str,
    scale: Scale | None = None,
    slopes: int = 0,
) -> str:
    """Return R code that samples a model of cells anew and shows contrasts.

    Parameters
    ----------
    model : CellModel
        The model.
    asked : Asked
        The contrasts, over the cells that hold rows or over the slopes, and how to sample and tell them.
    cells : sequence of str
        Keys of the cells that hold rows, as the column ``cell`` of `responses` has them.
    columns : str
        R code that adds outcome ``y`` and covariates ``x``, in the units of their priors, to the list `given`.
    scale : str, optional
        Scale of the cells.
    slopes : int, default 0
        Contrasts are of that many first coefficients of covariates.

    Returns
    -------
    str
        Code that needs rstan and says so where it is not there.
    """
    given = f"cells <- {r_vector(tuple(cells))}\n" + _ROWS
    given += _BASIS if model.rows.n_cells > 1 else ""
    given += columns + "".join(_given(k, group, model) for k, group in enumerate(model.rows.groups, start=1))
    return sampling_code(stan_program(model, scale=scale, slopes=slopes), given, asked)


def cells_script(model: CellModel, *, chains: int, draws: int, seed: int, scale: Scale | None = None) -> RScript:
    """Return the data of a model of cells and a script that samples it in Stan.

    Parameters
    ----------
    model : CellModel
        The model.
    chains, draws, seed : int
        As our own sampler had them.
    scale : str, optional
        Scale of the cells; by default the predictor's own.

    Returns
    -------
    RScript
        Shows every cell that holds rows, in order: median, posterior sd, limits, and what tells convergence.
    """
    rows = model.rows
    keys = [f"cell {i + 1}" for i in np.flatnonzero(model.counts)]
    columns: dict[str, object] = {"y": rows.y, "cell": [keys[i] for i in rows.cell]}
    columns |= {f"x{j + 1}": rows.covariates[:, j] for j in range(rows.covariates.shape[1])}
    for group in rows.groups:
        columns[f"group_{group.name}"] = group.member
        columns |= {} if group.whole else {f"has_{group.name}": group.held.astype(int)}
        columns |= {f"slope{j + 1}_{group.name}": group.slopes[:, j] for j in range(group.size - 1)}
    first = model.family.stan(scale or model.family.scales[0], rows).first
    given = f"given$y <- responses$y + {first}\n"
    if rows.covariates.shape[1]:
        names = r_vector(tuple(f"x{j + 1}" for j in range(rows.covariates.shape[1])))
        given += f"given$x <- as.matrix(responses[{names}])\n"
    asked = Asked(weights=np.eye(rows.n_cells), chains=chains, draws=draws, seed=seed, careful=bool(rows.groups))
    code = cells_code(model, asked, cells=keys, columns=given, scale=scale)
    return RScript(made_by="a sampled model of cells", body=code, data=pd.DataFrame(columns), name="sampled_cells")


def _block(name: str, lines: Sequence[str]) -> str:
    return f"{name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _numbered(name: str, model: CellModel) -> str:
    """Return a parameter's name in the program: factors are numbered, and partial correlations become a root."""
    known: dict[str, str] = {}
    for k, group in enumerate(model.rows.groups, start=1):
        known |= {f"sd_{group.name}": f"sd_{k}", f"slope_sd_{group.name}": f"slope_sd_{k}"}
        known[f"partial_{group.name}"] = f"root_{k}"
    return known.get(name, name)


def _cells(model: CellModel) -> str:
    level = "level" if model.family.level else "0"
    if model.rows.n_cells == 1:
        return f"vector[1] cells = rep_vector({level}, 1);"
    return f"vector[{model.rows.n_cells}] cells = {level} + basis * deviation;"


def _effects(k: int, group: Grouping, *, centred: bool) -> dict[str, Any]:
    """Return data, raw effects, effects, their prior and their part of the predictor, for one factor."""
    d, at = group.size, f"array[N] int<lower=1, upper=G_{k}> at_{k};"
    if d == 1:
        return {
            "data": [f"int<lower=2> G_{k};", at, f"vector[N] held_{k};", f"real<lower=0, upper=1> centring_{k};"],
            "raw": f"vector[G_{k}] raw_{k};",
            "derived": [f"vector[G_{k}] effect_{k} = sd_{k} ^ (1 - centring_{k}) * raw_{k};"],
            "prior": f"raw_{k} ~ normal(0, sd_{k} ^ centring_{k});",
            "eta": f"eta += effect_{k}[at_{k}] .* held_{k};",
        }
    own = f"diag_pre_multiply(exp((1 - centring_{k}) .* log(sds_{k})), raw_{k})"
    shared = f"diag_pre_multiply(exp(centring_{k} .* log(sds_{k})), root_{k})"
    standard = f"diag_pre_multiply(sds_{k}, root_{k}) * raw_{k}"
    each = f"for (g in 1:G_{k}) col(raw_{k}, g) ~ multi_normal_cholesky(rep_vector(0, {d}), {shared});"
    weights = [f"vector[{d}] centring_{k};"] * centred
    return {
        "data": [f"int<lower=2> G_{k};", at, f"matrix[N, {d}] columns_{k};", *weights],
        "raw": f"matrix[{d}, G_{k}] raw_{k};",
        "derived": [
            f"vector[{d}] sds_{k} = append_row(sd_{k}, slope_sd_{k});",
            f"matrix[G_{k}, {d}] effect_{k} = ({own if centred else standard})';",
        ],
        "prior": each if centred else f"to_vector(raw_{k}) ~ normal(0, 1);",
        "eta": f"eta += rows_dot_product(effect_{k}[at_{k}], columns_{k});",
    }


def _given(k: int, group: Grouping, model: CellModel) -> str:
    """Write the data of one factor; `responses` names it as `analysis_script` and `cells_script` do."""
    code = _LEVELS.replace("GROUP", r_string(f"group_{group.name}")).replace("HAS", r_string(f"has_{group.name}"))
    share = model.centring.get(group.name)
    code += f"given$G_{k} <- max(at); given$at_{k} <- at\n"
    if group.size == 1:
        return code + f"given$held_{k} <- has; given$centring_{k} <- {0.0 if share is None else share[0]:.17g}\n"
    slopes = r_vector(tuple(f"slope{j + 1}_{group.name}" for j in range(group.size - 1)))
    code += f"given$columns_{k} <- cbind(1, as.matrix(responses[{slopes}])) * has\n"
    if share is None:
        return code
    return code + f"given$centring_{k} <- {r_numbers(share)}\n"
