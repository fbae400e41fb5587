# Reference values of analyses of variance, contrasts and robust covariances, from R.
# Run in this folder:  Rscript linear.R   (writes linear_r.json; needs afex, emmeans, sandwich, clubSandwich, mvtnorm)
# The data are ours and invented: feedback_unbalanced.csv, feedback_repeated.csv (26 people, two arms by two modes of
# unequal size, three waves by two topics).
suppressMessages({library(afex); library(emmeans); library(jsonlite)})
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)
out <- list(versions = list(R = as.character(getRversion())))
for (p in c("afex", "emmeans", "sandwich", "clubSandwich", "car", "mvtnorm")) out$versions[[p]] <- as.character(packageVersion(p))

long <- read.csv("feedback_repeated.csv")
long$wave <- factor(long$wave, levels = c("before", "after", "later"))
waves <- aggregate(rating ~ participant + arm + mode + wave + baseline, data = long, FUN = mean)
waves$arm <- factor(waves$arm); waves$mode <- factor(waves$mode)
table_of <- function(...) {
  fit <- suppressMessages(suppressWarnings(aov_ez(..., factorize = FALSE)))
  t <- fit$anova_table
  data.frame(term = rownames(t), df = t$`num Df`, df2 = t$`den Df`, f = t$F, ges = t$ges, pes = t$pes, p = t$`Pr(>F)`)
}
both <- c("ges", "pes")
out$anova <- list(
  mixed_2x2_by_3x2_III_GG = table_of("participant", "rating", long, between = c("arm", "mode"), within = c("wave", "topic"),
    type = 3, anova_table = list(correction = "GG", es = both)),
  mixed_2x2_by_3x2_II_HF = table_of("participant", "rating", long, between = c("arm", "mode"), within = c("wave", "topic"),
    type = 2, anova_table = list(correction = "HF", es = both)),
  mixed_measured_mode = table_of("participant", "rating", waves, between = c("arm", "mode"), within = "wave", type = 3,
    observed = "mode", anova_table = list(correction = "none", es = both)))
fit <- suppressMessages(aov_ez("participant", "rating", long, between = c("arm", "mode"), within = c("wave", "topic"), factorize = FALSE))
s <- summary(fit)
at <- c("wave", "wave:topic")
out$sphericity <- list(term = at, w = unname(s$sphericity.tests[at, 1]), p = unname(s$sphericity.tests[at, 2]),
  gg = unname(s$pval.adjustments[at, "GG eps"]), hf = unname(s$pval.adjustments[at, "HF eps"]))

fw <- suppressMessages(aov_ez("participant", "rating", waves, between = "arm", within = "wave", factorize = FALSE))
em <- emmeans(fw, ~ wave, model = "multivariate")
out$within_pairs_holm <- as.data.frame(summary(pairs(em), adjust = "holm"))
out$within_trends <- as.data.frame(summary(contrast(em, "poly"), adjust = "none"))
out$within_consecutive <- as.data.frame(summary(contrast(em, "consec"), adjust = "none"))
out$simple_arm_at_wave <- as.data.frame(summary(pairs(emmeans(fw, ~ arm | wave, model = "multivariate"))))

one <- read.csv("feedback_unbalanced.csv")
one$timing <- factor(one$timing, levels = c("immediate", "delayed")); one$framing <- factor(one$framing); one$specificity <- factor(one$specificity)
m <- lm(y ~ timing * framing * specificity, data = one)
out$hc4 <- list(names = names(coef(m)), se = unname(sqrt(diag(sandwich::vcovHC(m, type = "HC4")))))
one$w <- 1 / ifelse(one$timing == "delayed", 0.3, 0.6) * (1 + (seq_len(nrow(one)) - 1) %% 3)
mw <- lm(y ~ timing + framing + baseline, data = one, weights = w)
V <- clubSandwich::vcovCR(mw, cluster = one$interviewer, type = "CR2", target = rep(1, nrow(one)))
ct <- clubSandwich::coef_test(mw, vcov = V, test = "Satterthwaite")
out$weighted_cr2 <- list(names = rownames(ct), estimate = ct$beta, se = ct$SE, df = ct$df, p = ct$p_Satt)
out$weighted_hc2 <- list(names = names(coef(mw)), se = unname(sqrt(diag(sandwich::vcovHC(mw, type = "HC2")))))
ow <- oneway.test(y ~ interaction(timing, framing), data = one)
out$welch <- list(f = unname(ow$statistic), df = unname(ow$parameter[1]), df2 = unname(ow$parameter[2]), p = ow$p.value)

# Dunnett: three arms against one. emmeans' own integration ends near 1e-4, so the probability is integrated here:
# given the control's error and the scale, the comparisons are independent.
one$cell <- interaction(one$timing, one$specificity)
mc <- lm(y ~ cell, data = one)
n <- as.numeric(table(one$cell)); lambda <- sqrt(n[-1] / (n[-1] + n[1])); df <- df.residual(mc)
inside <- function(c) integrate(Vectorize(function(s) {
  g <- integrate(function(z) { v <- dnorm(z); for (l in lambda) v <- v *
    (pnorm((c * s - l * z) / sqrt(1 - l^2)) - pnorm((-c * s - l * z) / sqrt(1 - l^2))); v }, -9, 9, rel.tol = 1e-11, subdivisions = 500)$value
  g * 2 * s * df * dchisq(s^2 * df, df) }), 0.4, 1.8, rel.tol = 1e-11, subdivisions = 500)$value
d <- summary(contrast(emmeans(mc, ~ cell), "trt.vs.ctrl"), adjust = "none")
out$dunnett <- list(contrast = as.character(d$contrast), t = d$t.ratio, p = sapply(abs(d$t.ratio), function(t) 1 - inside(t)),
  critical = uniroot(function(c) inside(c) - .95, c(1.9, 3), tol = 1e-11)$root)
write(toJSON(out, digits = 15, auto_unbox = TRUE, pretty = TRUE), "linear_r.json")
