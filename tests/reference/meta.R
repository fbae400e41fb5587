# Reference values for feedbackstudy.literature (meta-analysis). Run from the repository root:
#   Rscript tests/reference/meta.R
# Needs the R packages metafor and jsonlite. Iterations are run to 1e-12 so that only the model decides, not the stopping rule.
suppressMessages({library(metafor); library(jsonlite)})
read <- function(key) read.csv(Sys.glob(file.path("datasets", key, "data", "*.csv")))
tight <- list(threshold = 1e-12, maxiter = 10000, stepadj = 1)
number <- function(x) if (length(x) == 0 || is.null(x)) NA else unname(as.numeric(x))
one <- function(yi, vi, method, test = "z", mods = NULL) {
  iter <- if (method %in% c("ML", "REML", "EB")) tight else list(tau2.max = 1e4, tol = 1e-12)
  if (method == "EE") iter <- list()
  fit <- if (is.null(mods)) rma(yi, vi, method = method, test = test, control = iter)
         else rma(yi, vi, mods = mods, method = method, test = test, control = iter)
  list(beta = number(fit$beta), se = number(fit$se), low = number(fit$ci.lb), high = number(fit$ci.ub),
       statistic = number(fit$zval), p = number(fit$pval), tau2 = number(fit$tau2), se_tau2 = number(fit$se.tau2),
       i2 = number(fit$I2) / 100, h2 = number(fit$H2), qe = number(fit$QE), qep = number(fit$QEp),
       qm = number(fit$QM), qmp = number(fit$QMp), r2 = number(fit$R2) / 100)
}
study <- function(yi, vi, mods = NULL) {
  methods <- c("EE", "DL", "PM", "ML", "REML", "EB", "HE", "SJ", "HS")
  out <- list(methods = sapply(methods, function(m) one(yi, vi, m), simplify = FALSE))
  out$knapp_hartung <- one(yi, vi, "REML", test = "knha")
  fit <- rma(yi, vi, method = "REML", control = tight)
  ci <- confint(fit, control = list(tol = 1e-12))$random
  out$tau2_interval <- number(ci["tau^2", c("ci.lb", "ci.ub")])
  pi <- predict(fit)
  out$prediction <- number(c(pi$pi.lb, pi$pi.ub))
  out$egger_rma <- {r <- regtest(fit); list(statistic = number(r$zval), p = number(r$pval), limit = number(r$est), low = number(r$ci.lb), high = number(r$ci.ub))}
  out$egger_lm <- {r <- regtest(fit, model = "lm"); list(statistic = number(r$zval), p = number(r$pval), limit = number(r$est), df = number(r$dfs))}
  loo <- leave1out(fit)
  out$leave_one_out <- list(estimate = number(loo$estimate), se = number(loo$se), tau2 = number(loo$tau2), q = number(loo$Q))
  if (!is.null(mods)) {
    out$moderators <- sapply(c("DL", "PM", "ML", "REML", "HE", "SJ", "HS"), function(m) one(yi, vi, m, mods = mods), simplify = FALSE)
    out$moderators_knapp_hartung <- one(yi, vi, "REML", test = "knha", mods = mods)
  }
  out
}
r <- read("raudenbush1985_expectancy")
b <- read("bangertdrowns2004_writing_feedback")
b2 <- b[!is.na(b$feedback) & !is.na(b$length_weeks), ]
m <- read("mcdaniel1994_interview_validity")
m <- escalc(measure = "ZCOR", ri = r, ni = n, data = m)
l <- read("manylabs1_gain_loss"); l <- l[l$is_original == 0, ]
out <- list(
  made_by = paste("metafor", packageVersion("metafor"), R.version.string, "tests/reference/meta.R"),
  raudenbush = study(r$d, r$v, cbind(weeks = pmin(r$weeks_prior_contact, 3))),
  bangertdrowns = study(b2$g, b2$v, cbind(feedback = b2$feedback, length = b2$length_weeks)),
  mcdaniel = study(as.numeric(m$yi), m$vi),
  manylabs = study(l$d_logit, l$v_logit))
write_json(out, "tests/reference/meta.json", digits = 15, auto_unbox = TRUE, pretty = TRUE, na = "null")
