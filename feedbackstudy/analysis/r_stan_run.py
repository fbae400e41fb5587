"""R code that samples a Stan program with rstan and tells contrasts of what it drew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.densities import IntervalKind
from feedbackstudy.analysis.r_evidence import POSTERIOR
from feedbackstudy.psychometrics.rscript import r_numbers

__all__ = ["ONE_TABLE", "PORTABLE", "Asked", "sampling_code"]

type Floats = NDArray[np.float64]

_HEAD = """
# The Bayesian answer, sampled anew: our PyMC model written in Stan, with the same priors and the same likelihood.
# Draws of two samplers agree within their Monte-Carlo errors, about posterior sd / sqrt(ess). Compiling takes a minute
# or two, once for each program; options(feedbackstudy.stan = FALSE) leaves this out.
if (!isTRUE(getOption("feedbackstudy.stan", TRUE)) || !requireNamespace("rstan", quietly = TRUE)) {
  message("The sampled posterior is not computed anew: that needs the R package rstan.")
} else local({
"""

PORTABLE = """\
# Stan before 2.26 writes arrays the other way round
if (utils::packageVersion("rstan") < "2.26")
  program <- gsub("array\\\\[(\\\\w+)\\\\] (int(<[^>]*>)?) (\\\\w+)", "\\\\2 \\\\4[\\\\1]", program)
"""
"""R code after `program`: the arrays of today's Stan in the words of rstan's own version."""

_RUN = """\
# Debian keeps the headers of Boost outside the package BH
if (!nzchar(rstan::rstan_options("boost_lib"))) rstan::rstan_options(boost_lib = "/usr/include")
before <- rstan::rstan_options(auto_write = TRUE); on.exit(rstan::rstan_options(auto_write = before))
compiled <- rstan::stan_model(model_code = program)
TABLES
fits <- lapply(seq_along(tables), function(table) {
  responses <- tables[[table]]
GIVEN
  fit <- rstan::sampling(compiled, data = given, chains = chains, iter = 2 * draws, warmup = draws,
                         seed = seed + table - 1, refresh = 0, control = list(adapt_delta = adapt_delta),
                         init = STARTS)
  taken <- function(name) c(rstan::extract(fit, name, permuted = FALSE))
  list(fit = fit, given = given, unit = UNIT, units = UNITS)
})
given <- fits[[1]]$given; unit <- fits[[1]]$unit; units <- unlist(lapply(fits, `[[`, "units"))
BEFORE
for (i in seq_len(nrow(W))) {
  i <<- i  # labels of contrasts are taken where `show` is defined
  w <- W[i, ]
  found <- lapply(fits, function(one) {  # one column a chain
    drawn <- rstan::extract(one$fit, "found", permuted = FALSE)
    matrix(matrix(drawn, ncol = length(w)) %*% w, nrow(drawn)) / one$unit - value })
  draws <- unlist(found); show_posterior(draws, interval, shortest)
  show("ess", sum(vapply(found, rstan::ess_bulk, 1))); show("R-hat", max(vapply(found, rstan::Rhat, 1)))
  EVIDENCE
}
whole <- get0("unnamed", mode = "function", ifnotfound = show)  # of all contrasts, so without the label of one
whole("divergences", sum(vapply(fits, function(one) rstan::get_num_divergent(one$fit), 1)))
whole("largest R-hat", max(vapply(fits, function(one) {
  every <- rstan::extract(one$fit, permuted = FALSE)
  every <- every[, , !startsWith(dimnames(every)[[3]], "raw_"), drop = FALSE]
  max(apply(every, 3, rstan::Rhat), na.rm = TRUE) }, 1)))
})
"""


ONE_TABLE = "tables <- list(responses)\n"
"""R code of the tables that are sampled where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What is asked of the draws, and how to make them.

    Attributes
    ----------
    weights : ndarray, shape (contrasts, quantities)
        Weights over `found`.
    chains, draws, seed : int
        As our own sampler had them; as many draws again warm a chain up.
    careful : bool
        Whether small steps are needed, as where standard deviations between groups may be near zero.
    value : float
        The fixed value that is subtracted.
    level : float
        Probability inside the interval.
    interval : {"HDI", "equal-tailed"}
        Kind of the interval.
    unit : str
        R code of a number that `found` is divided by, in each table.
    tables : str
        R code that makes the list `tables` of `responses`: each is sampled by itself, and their draws are pooled.
    units : str
        R code of what contrasts are standardised by in each draw.
    evidence : tuple of (str, str)
        R code of Bayes factors, before the loop over contrasts and in it; empty without them.
    starts : str
        R code of a function of the chain that lists starting values; empty for those of Stan.
    """

    weights: Floats
    chains: int
    draws: int
    seed: int
    careful: bool = False
    value: float = 0.0
    level: float = 0.95
    interval: IntervalKind = "HDI"
    unit: str = "1"
    tables: str = ONE_TABLE
    units: str = "1"
    evidence: tuple[str, str] = ("", "")
    starts: str = ""


def sampling_code(program: str, given: str, asked: Asked) -> str:
    """Return R code that samples a program and shows each contrast.

    Parameters
    ----------
    program : str
        The Stan program, free of quotes and backslashes; what is asked for is its vector `found`.
    given : str
        R code that makes the list `given` of its data from `responses`.
    asked : Asked
        What to show, and how to sample.

    Returns
    -------
    str
        Shows median, posterior sd, limits, probability of direction, effective sample size, R-hat and, where asked for,
        the Bayes factor of each contrast; then divergences and the largest R-hat of all. Chains of each completed table
        are judged by themselves: effective sample sizes are sums over tables, R-hat the largest. Where rstan is not
        there it says so and the script goes on.
    """
    numbers = {
        "chains": asked.chains,
        "draws": asked.draws,
        "seed": asked.seed % (2**31 - 1),
        "adapt_delta": 0.99 if asked.careful else 0.95,
        "value": f"{asked.value:.17g}",
        "interval": f"{asked.level:.17g}",
        "shortest": "TRUE" if asked.interval == "HDI" else "FALSE",
    }
    said = "; ".join(f"{name} <- {number}" for name, number in numbers.items())
    rows = f"W <- matrix({r_numbers(asked.weights.ravel())}, nrow = {len(asked.weights)}, byrow = TRUE)\n"
    before, evidence = asked.evidence
    run = _RUN.replace("TABLES\n", asked.tables)
    run = run.replace("BEFORE\n", before).replace("  EVIDENCE\n", f"  {evidence}" if evidence else "")
    run = run.replace("STARTS", f"lapply(seq_len(chains), {asked.starts})" if asked.starts else '"random"')
    run = run.replace("UNITS", asked.units).replace("UNIT", asked.unit).replace("GIVEN", given.rstrip())
    return f'{_HEAD}program <- "\n{program}"\n{said}\n{rows}{PORTABLE}{POSTERIOR}{run}'
