# Reference values of analyses with missing values and of three waves. Run in tests/reference: Rscript missing.R
# Data: feedback_missing.csv and feedback_waves.csv, both invented for this package.
suppressMessages({library(lavaan); library(nlme)})

fm <- read.csv("feedback_missing.csv")
fm$cell <- interaction(fm$timing, fm$framing, fm$specificity, sep = ":", lex.order = TRUE)
d <- model.matrix(~ cell, fm)[, -1]
colnames(d) <- paste0("d", seq_len(ncol(d)))
fm <- cbind(fm, d)
dn <- paste(colnames(d), collapse = " + ")
pick <- function(fit, label) {
  pe <- parameterEstimates(fit)
  row <- pe[pe$label == label & pe$op == ":=", ]
  c(estimate = row$est, se = row$se)
}
# Cells in the order of their keys; the contrast is delayed minus immediate, averaged over the other factors.
cells <- levels(fm$cell)
w <- ifelse(grepl("^delayed", cells), 1, -1) / 4
terms <- paste(sprintf("(%.4f) * b%d", w[-1], seq_along(w[-1])), collapse = " + ")
rhs <- paste(sprintf("b%d * d%d", seq_along(w[-1]), seq_along(w[-1])), collapse = " + ")
adjusted <- sem(paste0("outcome ~ ", rhs, " + challenge\n challenge ~ ", dn, "\n diff := ", terms), fm,
                missing = "fiml", information = "observed", fixed.x = TRUE, se = "standard",
                control = list(rel.tol = 1e-14))
helped <- sem(paste0("outcome ~ ", rhs, "\n selfeff ~ ", dn, "\n outcome ~~ selfeff\n diff := ", terms), fm,
              missing = "fiml", information = "observed", fixed.x = TRUE, control = list(rel.tol = 1e-14))

fw <- read.csv("feedback_waves.csv")
long <- reshape(fw, direction = "long", varying = c("t0", "t1", "t2"), v.names = "y", timevar = "wave",
                times = c("t0", "t1", "t2"), idvar = "participant")
long <- long[order(long$participant, long$wave), ]
long$k <- as.integer(factor(long$wave))
for (a in c("feedback", "silence")) for (t in c("t1", "t2"))
  long[[paste(a, t, sep = "_")]] <- as.numeric(long$arm == a & long$wave == t)
long <- long[!is.na(long$y), ]
clda <- gls(y ~ wave + feedback_t1 + feedback_t2 + silence_t1 + silence_t2, long,
            correlation = corSymm(form = ~ k | participant), weights = varIdent(form = ~ 1 | wave), method = "REML",
            control = glsControl(tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 500))
V <- getVarCov(clda, individual = fw$participant[which(complete.cases(fw[, c("t0", "t1", "t2")]))[1]])
out <- list(
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), lavaan = as.character(packageVersion("lavaan")),
                  nlme = as.character(packageVersion("nlme"))),
  fiml = list(cells = cells, weights = w, n = nrow(fm), adjusted = as.list(pick(adjusted, "diff")),
              helped = as.list(pick(helped, "diff"))),
  clda = list(call = deparse1(clda$call$model), names = names(coef(clda)), estimates = unname(coef(clda)),
              se = unname(sqrt(diag(vcov(clda)))), covariance = as.numeric(V), loglik = as.numeric(logLik(clda)))
)
json <- function(x) {
  if (is.list(x)) return(paste0("{", paste(sprintf('"%s": %s', names(x), sapply(x, json)), collapse = ", "), "}"))
  v <- if (is.character(x)) sprintf('"%s"', x) else formatC(x, digits = 12, format = "g")
  if (length(x) == 1) v else paste0("[", paste(v, collapse = ", "), "]")
}
writeLines(json(out), "missing.json")
