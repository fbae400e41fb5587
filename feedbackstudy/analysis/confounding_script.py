"""The sensitivity of an indirect effect to an unmeasured common cause, as base R code."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.psychometrics.rscript import RScript, r_number, r_numbers, r_vector

__all__ = ["confounding_script"]

type Floats = NDArray[np.float64]

_CODE = """\
estimates <- function(d) unlist(lapply(equations, function(e) qr.coef(qr(as.matrix(d[e$from])), d[[e$to]])))
theta <- estimates(responses); own <- equations[[EQUATION]]; mediator <- MEDIATOR
left <- function(from, to) qr.resid(qr(as.matrix(responses[from])), responses[[to]])
# residual sd of the response over that of the mediator given the equation's other predictors
kappa <- sqrt(sum(left(own$from, own$to)^2) / sum(left(setdiff(own$from, mediator), mediator)^2))
curve <- function(theta) weight * prod(others %*% theta) * (theta[INDEX] - kappa * rho / sqrt(1 - rho^2))
show(paste("estimate", rho), curve(theta))
b <- theta[INDEX] / kappa; show("rho_zero", b / sqrt(1 + b^2))
df <- DF
robustness <- function(q) {
  f <- abs(b); least <- if (is.na(q)) 0 else qt(1 - q / 2, df - 1) / sqrt(df - 1); g <- f - least
  if (g <= 0) 0 else if (least > 0 && f > 1 / least) (f^2 - least^2) / (1 + f^2) else (sqrt(g^4 + 4 * g^2) - g^2) / 2 }
show("robustness", robustness(NA)); show("robustness_alpha", robustness(1 - level))
"""
_AGAIN = """\
set.seed(1)
again <- replicate(DRAWS, curve(estimates(responses[sample(nrow(responses), replace = TRUE), , drop = FALSE])))
limits <- apply(matrix(again, length(rho)), 1, quantile, probs = c((1 - level) / 2, (1 + level) / 2))
show(paste("low", rho), limits[1, ]); show(paste("high", rho), limits[2, ])
"""


def confounding_script(
    system: PathSystem, effect: Effect, *, index: int, position: int, rho: Floats, df: float, level: float, draws: int
) -> RScript:
    """Return a script that recomputes the curve and the robustness values from the rows.

    Parameters
    ----------
    system : PathSystem
        The equations and their columns.
    effect : Effect
        A single product of legs.
    index, position : int
        Place of the distorted coefficient among all, and of its leg in the product.
    rho : ndarray, shape (k,)
        Residual correlations.
    df : float
        Degrees of freedom of the coefficient's t, those between clusters where errors are robust.
    level : float
        Level of the intervals.
    draws : int
        Bootstrap samples of rows; 0 where something else was resampled, which the script then leaves out.

    Returns
    -------
    RScript
        Shows the estimate at each correlation, where it vanishes, and both robustness values; columns bear positions.
    """
    term = effect.terms[0]
    equation = int(np.searchsorted(system.offsets, index, side="right")) - 1
    mediator = system.equations[equation].predictors[index - system.offsets[equation]]
    others = [leg for i, leg in enumerate(term.legs) if i != position]
    head = "equations <- list(" + ", ".join(
        f'list(to = "v{e.response}", from = {r_vector(tuple(f"v{j}" for j in e.predictors))})' for e in system.equations
    )
    head += f")\nrho <- {r_numbers(rho)}; level <- {r_number(level)}; weight <- {r_number(term.weight)}\n"
    head += f"others <- matrix({r_numbers(np.concatenate(others))}, nrow = {len(others)}, byrow = TRUE)\n"
    code = _CODE.replace("EQUATION", str(equation + 1)).replace("MEDIATOR", f'"v{mediator}"')
    code = code.replace("INDEX", str(index + 1)).replace("DF", repr(float(df)))
    again = _AGAIN.replace("DRAWS", str(draws)) if draws else "# The interval resampled something else than rows.\n"
    said = "# The posterior is that of mediation(...).pymc_model(), its leg moved in the same way.\n"
    data = pd.DataFrame({f"v{j}": system.matrix[:, j] for j in range(len(system.columns))})
    return RScript(made_by="analysis.confounding", body=head + code + again + said, data=data, name="confounding")
