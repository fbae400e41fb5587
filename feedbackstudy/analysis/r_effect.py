"""R code for what a Bayes factor of one effect is shown with: its curve over prior widths, its posterior."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.rscript import r_number

__all__ = ["correlation_posterior", "t_posterior", "widths_code"]

type Floats = NDArray[np.float64]

# Density on a grid; the shortest interval is searched among those that hold the level.
_SHOWN = """
density <- density / sum(density); mass <- cumsum(density) - density / 2
at_mass <- function(p) approx(mass, grid, p)$y
tail <- optimize(function(p) at_mass(p + level) - at_mass(p), (1 - level) * c(1e-3, 1 - 1e-3), tol = 1e-10)$minimum
show("median", at_mass(0.5)); show("low", at_mass(tail)); show("high", at_mass(tail + level))
"""

_T = """
# Posterior of the standardised effect: noncentral t times the prior
level <- LEVEL; t <- VALUE; df <- DF; root <- sqrt(SIZE); centre <- t / root
reach <- 12 * sqrt(1 / SIZE + centre^2 / df)
grid <- seq(centre - reach, centre + reach, length.out = 40001); grid <- grid[INSIDE]
density <- dcauchy(grid, 0, SCALE) * suppressWarnings(dt(t, df, ncp = grid * root))
"""

_R = """
# Posterior of the correlation: its likelihood (Jeffreys, 1961, p. 291) times the stretched beta prior
level <- LEVEL; r <- cor(responses$x, responses$y); n <- nrow(responses); w <- seq(0, 12, length.out = 4001)
grid <- seq(-1, 1, length.out = 8003); grid <- grid[abs(grid) < 1]; grid <- grid[INSIDE]
inner <- vapply(grid, function(rho) {
  terms <- -(n - 1) * log(cosh(w) - rho * r); terms[1] <- terms[1] - log(2)
  max(terms) + log(sum(exp(terms - max(terms)))) }, 1)
logs <- inner + (n - 1) / 2 * log1p(-grid^2) + (1 / KAPPA - 1) * log1p(-grid^2)
density <- exp(logs - max(logs))
"""

_INSIDE = {"two-sided": "TRUE", "greater": "grid > 0", "less": "grid < 0"}


def widths_code(call: str, widths: Sequence[float] | Floats) -> str:
    """Return R code of a Bayes factor over prior widths.

    Parameters
    ----------
    call : str
        A call of BayesFactor with ``width`` as its rscale.
    widths : sequence of float
        The widths.

    Returns
    -------
    str
        Shows ``width`` and ``log_bayes_factor`` in turn.
    """
    numbers = ", ".join(f"{float(width):.17g}" for width in widths)
    return (
        "suppressMessages(library(BayesFactor))\n"
        f"for (width in c({numbers})) {{\n"
        f'  show("width", width); show("log_bayes_factor", ({call})@bayesFactor$bf[1])\n}}\n'
    )


def t_posterior(t: float, df: float, n_effective: float, *, scale: float, alternative: str, level: float) -> str:
    """Return R code of the posterior of a standardised effect.

    Parameters
    ----------
    t, df, n_effective : float
        Statistic, degrees of freedom, and what the squared effect is multiplied by in t's noncentrality.
    scale : float
        Scale of the Cauchy prior.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or one half of it.
    level : float
        Probability inside the shortest interval.

    Returns
    -------
    str
        Shows ``median``, ``low`` and ``high``.
    """
    code = _T.replace("LEVEL", r_number(level)).replace("VALUE", f"{t:.17g}").replace("DF", f"{df:.17g}")
    code = code.replace("SIZE", f"{n_effective:.17g}").replace("SCALE", f"{scale:.17g}")
    return code.replace("INSIDE", _INSIDE[alternative]) + _SHOWN


def correlation_posterior(*, kappa: float, alternative: str, level: float) -> str:
    """Return R code of the posterior of a correlation.

    Parameters
    ----------
    kappa : float
        Width of the stretched beta prior.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or one half of it.
    level : float
        Probability inside the shortest interval.

    Returns
    -------
    str
        Shows ``median``, ``low`` and ``high``; the columns are x and y.
    """
    code = _R.replace("LEVEL", r_number(level)).replace("KAPPA", f"{kappa:.17g}")
    return code.replace("INSIDE", _INSIDE[alternative]) + _SHOWN
