"""Bayes factors of a sampled model in R: its own prior of the contrasts, and what they are standardised by."""

from collections.abc import Sequence

import numpy as np

from feedbackstudy.analysis.bayesian.cell_contrast import Scale
from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.prior_laws import Dirichlet, Normal, Parameter
from feedbackstudy.analysis.r_evidence import evidence_functions, factor_call
from feedbackstudy.psychometrics.rscript import r_numbers

__all__ = ["evidence_code", "units_code"]

_LOGISTIC_SD = "pi / sqrt(3)"
_CLOSED = """\
# the model's own prior of a contrast is normal
before_one <- function(w) list(mean = sum(w * PRIOR_MEAN) / unit - value, sd = sqrt(sum(w * (PRIOR_V %*% w))) / unit)
"""
_FORWARD = """\
# the model's own prior of a contrast, drawn forward
set.seed(seed)
prior_found <- local({
  size <- SIZE
PARAMETERS  CELLS
})
before_one <- function(w) list(draws = drop(prior_found %*% w) / unit - value)
"""
_SIZE = 40_000


def units_code(model: CellModel, scale: Scale) -> str:
    """Return R code of what a contrast is standardised by in each draw.

    Parameters
    ----------
    model : CellModel
        The model.
    scale : str
        Scale of the cells.

    Returns
    -------
    str
        From ``taken(name)``, draws of a parameter, and the data `given`: the standard deviation within cells; that of
        the logistic distribution on log odds, else 1.
    """
    variance = model.family.stan(scale, model.rows).variance
    if not variance:
        return _LOGISTIC_SD if scale == "log odds" else "1"
    shares = ("mean(given$held_{k})" if g.size == 1 else "mean(given$columns_{k}[, 1])" for g in model.rows.groups)
    groups = [f'{share.format(k=k)} * taken("sd_{k}")^2' for k, share in enumerate(shares, start=1)]
    return f"sqrt({' + '.join([variance, *groups])})"


def evidence_code(model: CellModel, scale: Scale, *, scales: Sequence[float], slopes: int = 0) -> tuple[str, str]:
    """Return R code of the Bayes factors of contrasts.

    Parameters
    ----------
    model : CellModel
        The model.
    scale : str
        Scale of the cells.
    scales : sequence of float
        Scales of the Cauchy prior of the standardised contrast; none for the model's own prior.
    slopes : int, default 0
        Contrasts are of that many first coefficients of covariates, not of the cells.

    Returns
    -------
    tuple of (str, str)
        What stands before the loop over contrasts, from the data `given`, the fixed ``value`` and the ``unit`` of the
        contrasts; and what stands in it, from the weights ``w``, ``draws`` and ``units``.
    """
    return evidence_functions() + _prior(model, scale, slopes), f"before <- before_one(w)\n  {factor_call(scales)}"


def _prior(model: CellModel, scale: Scale, slopes: int) -> str:
    laws = {p.name: p for p in model.parameters}
    if slopes:
        sd = f"{model.family.prior.covariate_sd:.17g}"
        return _CLOSED.replace("PRIOR_MEAN", "0").replace("PRIOR_V", f"diag({sd}^2, {slopes})")
    if scale != model.family.scales[0]:
        code = "".join(_forward(p) for p in model.parameters) + _cells(laws, "") + _cells(laws, "zero_")
        own = model.family.stan(scale, model.rows).cells_in_r
        return _FORWARD.replace("SIZE", str(_SIZE)).replace("PARAMETERS", code).replace("CELLS", own)
    level = laws["level"].law.figures if "level" in laws else np.zeros(2)
    spread = f"matrix({level[1]:.17g}^2, {model.rows.n_cells}, {model.rows.n_cells})"
    if "deviation" in laws:
        spread += f" + {laws['deviation'].law.figures[1]:.17g}^2 * tcrossprod(given$basis)"
    return _CLOSED.replace("PRIOR_MEAN", f"{level[0]:.17g}").replace("PRIOR_V", f"({spread})")


def _forward(parameter: Parameter) -> str:
    """Return R code of forward draws of a parameter; none of those that the cells do not need."""
    name, law, count = parameter.name, parameter.law, parameter.shape[0] if parameter.shape else 1
    if isinstance(law, Dirichlet):
        drawn = f"matrix(rgamma(size * {count}, rep({r_numbers(law.weights)}, each = size)), size)"
        return f"  {name} <- {drawn}; {name} <- {name} / rowSums({name})\n"
    if isinstance(law, Normal) and name.removeprefix("zero_") in {"level", "deviation"}:
        drawn = f"rnorm(size * {count}, {law.mean:.17g}, {law.sd:.17g})"
        return f"  {name} <- {f'matrix({drawn}, size)' if parameter.shape else drawn}\n"
    return ""


def _cells(laws: dict[str, Parameter], prefix: str) -> str:
    """Return R code of the cells on the predictor's scale, one row a draw; none where there is no such predictor."""
    level, deviation = f"{prefix}level", f"{prefix}deviation"
    if level not in laws and deviation not in laws:
        return ""
    parts = [level] * (level in laws) + [f"tcrossprod({deviation}, given$basis)"] * (deviation in laws)
    return f"  {prefix}cells <- as.matrix({' + '.join(parts)})\n"
