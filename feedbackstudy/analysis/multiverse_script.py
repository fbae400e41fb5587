"""A multiverse as one R script: every specification fitted anew by base R, clubSandwich, lmerTest and ordinal."""

from collections.abc import Sequence

import pandas as pd

from feedbackstudy.analysis.multiverse_declared import Specification
from feedbackstudy.analysis.multiverse_rows import MultiverseRows
from feedbackstudy.psychometrics.rscript import RScript, r_string, r_vector

__all__ = ["multiverse_script"]

_CODE = """\
# Frequentist answers; each posterior is that of the normal model, or of the normal approximation of the likelihood.
grouped <- function(d) Filter(Negate(is.null), lapply(GROUPS, function(name) {
  held <- d[[name]] >= 0; levels <- length(unique(d[[name]][held]))
  if (levels > 1 && levels < sum(held)) list(code = d[[name]], held = held) }))
whole <- function(groups) { one <- groups[[1]]
  ifelse(one$held, paste("g", one$code), paste("row", seq_along(one$code))) }
# one cluster, one score: the sum over its rows
clustered <- function(scores, groups) {
  sums <- rowsum(scores, whole(groups)); k <- length(sums); c(se = sqrt(k / (k - 1) * sum(sums^2)), df = k - 1) }

gaussian <- function(d, X, row, clusters, groups) {
  if (clusters == "random") {
    effects <- vapply(seq_along(groups), function(j) sprintf("(0 + held%d | code%d)", j, j), "")
    for (j in seq_along(groups)) {
      d[[paste0("held", j)]] <- groups[[j]]$held + 0; d[[paste0("code", j)]] <- groups[[j]]$code }
    d$X <- X
    fit <- suppressMessages(lmerTest::lmer(as.formula(paste("y ~ 0 + X +", paste(effects, collapse = " + "))), d))
    found <- lmerTest::contest1D(fit, row, confint = FALSE)
    return(c(found[["Estimate"]], found[["Std. Error"]], found[["df"]]))
  }
  fit <- lm(d$y ~ 0 + X)
  if (clusters == "ignored") return(c(sum(row * coef(fit)), sqrt(drop(row %*% vcov(fit) %*% row)), df.residual(fit)))
  V <- clubSandwich::vcovCR(fit, cluster = whole(groups), type = "CR2")
  found <- clubSandwich::linear_contrast(fit, vcov = V, contrasts = matrix(row, 1), test = "Satterthwaite")
  c(found$Est, found$SE, found$df)
}
# Student-t with 4 degrees of freedom: maximum likelihood by iterated weights, expected information
robust <- function(d, X, row, clusters, groups) {
  nu <- 4; b <- qr.coef(qr(X), d$y); s2 <- mean((d$y - X %*% b)^2) / 2
  for (step in 1:2000) {
    e <- drop(d$y - X %*% b); w <- (nu + 1) / (nu + e^2 / s2); new <- solve(crossprod(X * w, X), crossprod(X * w, d$y))
    s <- sum(w * (d$y - X %*% new)^2) / sum(w); moved <- max(abs(X %*% (new - b))) / sqrt(s) + abs(s / s2 - 1)
    b <- new; s2 <- s; if (moved < 1e-12) break
  }
  e <- drop(d$y - X %*% b); w <- (nu + 1) / (nu + e^2 / s2); V <- solve(crossprod(X)) * s2 * (nu + 3) / (nu + 1)
  estimate <- sum(row * b)
  if (clusters == "ignored") return(c(estimate, sqrt(drop(row %*% V %*% row)), nrow(X) - ncol(X)))
  c(estimate, clustered(drop(X %*% V %*% row) / s2 * w * e, groups))
}
ordinal <- function(d, X, row, clusters, groups) {
  d$Z <- X[, -1, drop = FALSE]; d$rating <- factor(d$y, ordered = TRUE)
  fit <- ordinal::clm(rating ~ Z, data = d, link = "probit", control = list(gradTol = 1e-9))
  cuts <- length(fit$alpha); beta <- fit$beta; g <- c(rep(0, cuts), row[-1])
  V <- vcov(fit); estimate <- sum(row[-1] * beta)
  if (clusters == "ignored") return(c(estimate, sqrt(drop(g %*% V %*% g)), Inf))
  k <- as.integer(d$rating); edge <- c(-Inf, fit$alpha, Inf); eta <- drop(d$Z %*% beta)
  up <- edge[k + 1] - eta; low <- edge[k] - eta; mass <- pnorm(up) - pnorm(low); G <- matrix(0, nrow(X), length(g))
  top <- k <= cuts; G[cbind(which(top), k[top])] <- (dnorm(up) / mass)[top]
  least <- k > 1; at <- cbind(which(least), k[least] - 1); G[at] <- G[at] - (dnorm(low) / mass)[least]
  G[, -seq_len(cuts)] <- d$Z * ((dnorm(low) - dnorm(up)) / mass)
  c(estimate, clustered(drop(G %*% V %*% g), groups))
}
specification <- function(name, outcome, gone, adjusted, model, clusters) {
  out <- is.na(responses[[outcome]])
  for (rule in gone) out <- out | responses[[rule]] == 1
  for (x in adjusted) out <- out | is.na(responses[[x]])
  d <- responses[!out, ]; d$y <- d[[outcome]]; used <- sort(unique(d$cell))
  X <- outer(d$cell, used, "==") + 0; row <- weights[used + 1]
  for (x in adjusted) if (diff(range(d[[x]])) > 0) { X <- cbind(X, d[[x]] - mean(d[[x]])); row <- c(row, 0) }
  colnames(X) <- paste0("c", seq_len(ncol(X)))
  found <- model(d, X, row, clusters, if (clusters != "ignored") grouped(d))
  show(paste(name, c("estimate", "se", "df")), found)
  t <- -abs(found[1] / found[2]); show(paste(name, "p"), 2 * if (is.finite(found[3])) pt(t, found[3]) else pnorm(t))
}
"""


def multiverse_script(rows: MultiverseRows, specifications: Sequence[Specification]) -> RScript:
    """Return a script that fits every specification anew.

    Parameters
    ----------
    rows : MultiverseRows
        The rows that all specifications share.
    specifications : sequence of Specification
        Those that were fitted, in order.

    Returns
    -------
    RScript
        Shows ``number estimate``, ``se``, ``df`` and ``p``, specifications numbered from 1; a comment says what each
        one is. Columns bear positions, whatever the names in the data are.
    """
    outcome = {name: f"y{j}" for j, name in enumerate(rows.outcomes)}
    rule = {name: f"e{j}" for j, name in enumerate(rows.exclusions)}
    adjusted = {
        name: tuple(f"x{j}_{k}" for k in range(block.shape[1]))
        for j, (name, block) in enumerate(rows.covariates.items())
    }
    groups = tuple(f"g{j}" for j in range(len(rows.groups)))
    columns: dict[str, object] = {"cell": rows.cell}
    columns |= {outcome[name]: values for name, values in rows.outcomes.items()}
    columns |= {rule[name]: flags.astype(int) for name, flags in rows.exclusions.items()}
    for name, block in rows.covariates.items():
        columns |= dict(zip(adjusted[name], block.T, strict=True))
    columns |= dict(zip(groups, rows.groups.values(), strict=True))
    weights = ", ".join(f"{weight:.17g}" for weight in rows.weights)
    code = [f"weights <- c({weights})\n", _CODE.replace("GROUPS", r_vector(groups))]
    for number, one in enumerate(specifications, start=1):
        gone = r_vector(tuple(rule[name] for name in one.exclusions))
        held = r_vector(tuple(column for name in one.covariates for column in adjusted[name]))
        code.append(
            f'specification("{number}", "{outcome[one.outcome]}", {gone}, {held}, {one.model}, "{one.clusters}")'
            f" # {_words(one)}\n"
        )
    return RScript(made_by="analysis.multiverse", body="".join(code), data=pd.DataFrame(columns), name="multiverse")


def _words(one: Specification) -> str:
    """Name a specification in a comment: as quoted strings, which hold no line break."""
    parts = [r_string(one.outcome), *(f"without {r_string(name)}" for name in one.exclusions)]
    return ", ".join([*parts, *(f"given {r_string(name)}" for name in one.covariates)])
