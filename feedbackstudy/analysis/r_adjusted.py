"""Comparisons wave by wave, adjusted for the first wave, as R code: least squares or mixed models, and exactly."""

from collections.abc import Sequence

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.r_bayes import CONTRAST, MODEL, prior_code
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["adjusted_code"]

_ROWS = """
# Each later wave among those with both scores, adjusted for the first one.
everybody <- responses; factors <- FACTORS; say <- show
adjusted <- function(t) {
  responses <- everybody[!is.na(everybody[[WAVES[1]]]) & !is.na(everybody[[WAVES[t]]]), ]
  responses$y <- responses[[WAVES[t]]]; responses$cell <- factor(responses$arm, levels = ARMS)
  beside <- grep("^x[0-9]+$", names(responses), value = TRUE)
  X <- scale(as.matrix(responses[c(WAVES[1], beside)]), scale = FALSE)
  against <- setdiff(seq_along(ARMS), match(REFERENCE, ARMS))
  W <- diag(length(ARMS))[against, , drop = FALSE]; W[, match(REFERENCE, ARMS)] <- -1
  show <- function(name, value) say(paste("adjusted", paste(t - 1, against[i] - 1, sep = "."), name), value)
"""

_LINEAR = """\
  fit <- lm(y ~ 0 + cell + X, data = responses)
  for (i in seq_along(against)) {
    L <- c(W[i, ], rep(0, ncol(X))); estimate <- sum(L * coef(fit)); se <- sqrt(drop(L %*% vcov(fit) %*% L))
    df <- df.residual(fit); half <- qt((1 + LEVEL) / 2, df) * se
    show("estimate", estimate); show("se", se); show("df", df); show("p", 2 * pt(-abs(estimate / se), df))
    show("CI low", estimate - half); show("CI high", estimate + half)
  }
"""

_MIXED = """\
  random <- paste0("(1 | `group_", factors, "`)", collapse = " + ")
  fit <- suppressMessages(lmerTest::lmer(as.formula(paste("y ~ 0 + cell + X +", random)), data = responses))
  for (i in seq_along(against)) {
    L <- c(W[i, ], rep(0, ncol(X))); found <- lmerTest::contest1D(fit, L, confint = TRUE, level = LEVEL)
    show("estimate", found[["Estimate"]]); show("se", found[["Std. Error"]]); show("df", found[["df"]])
    show("p", found[["Pr(>|t|)"]]); show("CI low", found[["lower"]]); show("CI high", found[["upper"]])
  }
"""

_EXACT = """\
  slopes <- NULL; cells <- ARMS; beside <- scale(X, center = FALSE, scale = apply(X, 2, sd))
"""

_OWN = """\
  before <- sqrt(drop(W[i, ] %*% prior_target %*% W[i, ])); after <- log(weight) + dnorm(0, m, s, log = TRUE)
  show("log_bayes_factor", dnorm(0, 0, before, log = TRUE) - max(after) - log(sum(exp(after - max(after)))))
}
"""

_EACH = """\
}
for (t in seq_along(WAVES)[-1]) adjusted(t)
"""


def adjusted_code(groups: Sequence[str], prior: CellPrior | None) -> str:
    """Return R code of the comparisons wave by wave.

    Parameters
    ----------
    groups : sequence of str
        Random factors, of which the rows hold ``group_`` and the name.
    prior : CellPrior or None
        Prior of the exact posterior, from the scale; None without one.

    Returns
    -------
    str
        After the data of `waves_script` and its ``WAVES``, ``ARMS``, ``REFERENCE`` and ``LEVEL``; shows ``adjusted``,
        wave and arm before each number: by least squares, or by lmerTest with random factors; then what the exact
        posterior says, with the Bayes factor under its own prior.
    """
    code = _ROWS.replace("FACTORS", r_vector(tuple(groups))) + (_MIXED if groups else _LINEAR)
    if prior is not None:
        code += f"  {prior_code(prior)}; value <- 0; level <- LEVEL; shortest <- TRUE\n"
        code += _EXACT + MODEL.lstrip() + CONTRAST.lstrip() + _OWN
    return code + _EACH
