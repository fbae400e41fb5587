"""R code for an analysis of completed tables: the same code on each, then Rubin's rules."""

__all__ = ["POOL", "over_tables"]

POOL = """\
# Rubin's rules with degrees of freedom by Barnard and Rubin; df of a complete table as its mean over the tables
pool <- function(q, u, df) {
  m <- length(q); within <- mean(u); between <- var(q); total <- within + (1 + 1 / m) * between
  lambda <- (1 + 1 / m) * between / total; old <- (m - 1) / lambda^2
  seen <- if (is.finite(df)) (df + 1) / (df + 3) * df * (1 - lambda) else Inf
  nu <- if (between > 0) 1 / (1 / old + 1 / seen) else df
  r <- (1 + 1 / m) * between / within; t <- mean(q) / sqrt(total)
  show("estimate", mean(q)); show("se", sqrt(total)); show("df", nu)
  show("p", if (is.finite(nu)) 2 * pt(-abs(t), nu) else 2 * pnorm(-abs(t)))
  show("fmi", if (between > 0) (r + 2 / (nu + 3)) / (1 + r) else 0)
  invisible(c(estimate = mean(q), se = sqrt(total), df = nu))
}
"""

_EACH = """\
analysed <- lapply(split(responses, responses$imputation), function(responses) {
  shown <- list(); show <- function(name, value) shown[[name]] <<- c(shown[[name]], as.numeric(value))
  environment(given) <- environment()
BODY
  shown
})
taken <- function(name) do.call(cbind, lapply(analysed, `[[`, name))
estimates <- taken("estimate"); errors <- taken("se"); dfs <- taken("df")
for (i in seq_len(nrow(estimates))) {
  found <- pool(estimates[i, ], errors[i, ]^2, if (is.null(dfs)) Inf else mean(dfs[i, ]))
  half <- qt((1 + level) / 2, found["df"]) * found["se"]
  show("CI low", found["estimate"] - half); show("CI high", found["estimate"] + half)
}
"""


def over_tables(body: str) -> str:
    """Return R code that runs an analysis on each completed table and pools what it shows.

    Parameters
    ----------
    body : str
        R code that shows ``estimate``, ``se`` and perhaps ``df`` of each contrast from `responses`; ``level`` is that
        of the intervals.

    Returns
    -------
    str
        R code; the column ``imputation`` of `responses` tells the tables apart.
    """
    return POOL + _EACH.replace("BODY", body.rstrip())
