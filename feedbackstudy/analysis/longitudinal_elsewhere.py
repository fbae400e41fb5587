"""The constrained longitudinal model taken elsewhere: a script for R, a model for PyMC."""

from typing import Any

import pandas as pd

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.longitudinal_model import waves_model
from feedbackstudy.analysis.longitudinal_answers import WaveData, standardised_design
from feedbackstudy.analysis.r_adjusted import adjusted_code
from feedbackstudy.analysis.r_waves import waves_gibbs
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript, r_vector

__all__ = ["bayesian_model", "waves_script"]

_R = """
long <- reshape(responses, direction = "long", varying = WAVES, v.names = "y", timevar = "wave",
                times = WAVES, idvar = "participant")
long$k <- match(long$wave, WAVES)
long <- long[!is.na(long$y), ]
long <- long[order(long$participant, long$k), ]
# The arm counts from the second wave on only: before treatment all share one mean.
long$cell <- factor(ifelse(long$k == 1, "before", paste(long$arm, long$wave, sep = ":")))
library(nlme)
fit <- gls(FORMULA, long, correlation = corSymm(form = ~ k | participant),
           weights = varIdent(form = ~ 1 | k), method = "REML")
b <- coef(fit); V <- vcov(fit)
difference <- function(name, a, c) {
  i <- paste0("cell", a); j <- paste0("cell", c)
  show(paste(name, "estimate"), unname(b[i] - b[j]))
  show(paste(name, "se"), sqrt(V[i, i] + V[j, j] - 2 * V[i, j]))
}
"""

_MEANS = """\
for (t in seq_along(WAVES)) for (a in ARMS) {
  name <- paste("mean", paste(t - 1, sub("a", "", a), sep = ".")); own <- responses[[WAVES[t]]][responses$arm == a]
  show(paste(name, "n"), sum(!is.na(own))); show(paste(name, "observed"), mean(own, na.rm = TRUE))
  show(paste(name, "estimate"), unname(b[if (t == 1) "cellbefore" else paste0("cell", a, ":", WAVES[t])]))
}
"""

_DROPOUT = """\
# Who stayed away from which wave: Newcombe's interval of the difference of shares, Welch's of the first scores.
for (t in seq_along(WAVES)) for (a in ARMS) {
  gone <- is.na(responses[[WAVES[t]]]); own <- responses$arm == a; base <- responses$arm == REFERENCE
  name <- paste("dropout", paste(t - 1, sub("a", "", a), sep = "."))
  x <- c(sum(gone[own]), sum(gone[base])); n <- c(sum(own), sum(base)); q <- x / n
  show(paste(name, "share"), q[1])
  if (a != REFERENCE && sum(x) > 0 && sum(x) < sum(n)) {
    ends <- sapply(1:2, function(k) prop.test(x[k], n[k], conf.level = LEVEL, correct = FALSE)$conf.int)
    show(paste(name, "difference"), q[1] - q[2])
    show(paste(name, "low"), q[1] - q[2] - sqrt((q[1] - ends[1, 1])^2 + (ends[2, 2] - q[2])^2))
    show(paste(name, "high"), q[1] - q[2] + sqrt((ends[2, 1] - q[1])^2 + (q[2] - ends[1, 2])^2))
    show(paste(name, "p"), suppressWarnings(prop.test(x, n, correct = FALSE))$p.value)
  }
  before <- responses[[WAVES[1]]]; known <- own & !is.na(before)
  lost <- before[known & gone]; stayed <- before[known & !gone]
  if (t > 1 && min(length(lost), length(stayed)) > 1 && var(lost) + var(stayed) > 0) {
    found <- t.test(lost, stayed, conf.level = LEVEL)
    show(paste(name, "before_difference"), found$estimate[1] - found$estimate[2])
    show(paste(name, c("before_low", "before_high")), found$conf.int)
  }
}
"""


def waves_script(data: WaveData, posterior: CellDraws | None = None) -> RScript:
    """Return a script that computes all comparisons, both ways, and the dropout by arm anew.

    Parameters
    ----------
    data : WaveData
        Scores.
    posterior : CellDraws, optional
        Our draws, where there is a prior.

    Returns
    -------
    RScript
        Constrained: by nlme estimates and standard errors with the covariance taken as known, by Gibbs sampling in base
        R the posterior of each comparison. Adjusted for the first wave: as `adjusted_code`. Shares lost, their
        differences, and how those who were lost differed before. Means of arms at waves: ``n``, ``observed``,
        ``estimate`` and posterior.
    """
    names = [f"x{j + 1}" for j in range(data.covariates.shape[1])]
    formula = "y ~ 0 + cell" + "".join(f" + {name}:factor(k)" for name in names)
    waves = [f"wave{t}" for t in range(len(data.waves))]
    body = _R.replace("FORMULA", formula)
    body = f"WAVES <- c({', '.join(map(repr, waves))})\n".replace("'", '"') + body
    for t in range(1, len(waves)):
        for a in data.others:
            body += f'difference("{t}.{a}", "a{a}:{waves[t]}", "a{data.reference}:{waves[t]}")\n'
    body += f"ARMS <- {r_vector(tuple(f'a{a}' for a in range(len(data.arms))))}\n"
    body += f'REFERENCE <- "a{data.reference}"; LEVEL <- {data.level!r}\n{_MEANS}{_DROPOUT}'
    body += adjusted_code(tuple(data.groups), data.prior)
    if data.prior is not None and posterior is not None:
        body += waves_gibbs(data.prior, posterior, level=data.level)
    columns: dict[str, object] = {"participant": list(data.participants), "arm": [f"a{a}" for a in data.arm]}
    columns |= {name: data.Y[:, t] for t, name in enumerate(waves)}
    columns |= {name: data.covariates[:, j] for j, name in enumerate(names)}
    columns |= {f"group_{name}": codes for name, codes in data.groups.items()}
    return RScript(made_by="analysis.longitudinal", body=body, data=pd.DataFrame(columns), name="waves")


def bayesian_model(data: WaveData) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
    """Return the constrained longitudinal model for PyMC.

    Parameters
    ----------
    data : WaveData
        Scores.

    Returns
    -------
    pymc.Model
        Data, priors and likelihood.

    Raises
    ------
    DataError
        Where the outcome has no limits, so that there is no prior.
    """
    if data.prior is None:
        raise DataError(f"{data.outcome!r} has no limits, so no prior follows from its scale and there is no model.")
    cells = len(data.arms) * (len(data.waves) - 1) + 1
    return waves_model(data.Y, standardised_design(data), cells, prior=data.prior)
