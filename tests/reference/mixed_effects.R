# Reference values of mixed, ordinal, binary and count models for feedbackstudy.analysis. Run from the repository root:
#   Rscript tests/reference/mixed_effects.R
# Needs lme4, lmerTest, pbkrtest, emmeans, ordinal, MASS, sandwich and jsonlite. The searches are run to where only the model decides.
suppressMessages({library(lmerTest); library(emmeans); library(ordinal); library(MASS); library(sandwich); library(jsonlite)})
d <- read.csv("tests/reference/mixed_effects.csv", stringsAsFactors = TRUE)
d$odd <- factor(seq_len(nrow(d)) %% 9)
options(contrasts = c("contr.treatment", "contr.poly"))
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(algorithm = "NLOPT_LN_BOBYQA", xtol_abs = 1e-13, ftol_abs = 1e-15, xtol_rel = 0, ftol_rel = 0, maxeval = 1e5),
                     calc.derivs = FALSE, check.conv.singular = "ignore")
rows <- function(x) { x <- as.data.frame(x); x <- cbind(term = trimws(rownames(x)), x); rownames(x) <- NULL; x }
lmm <- function(formula, reml = TRUE, profile = FALSE) {
  m <- lmer(formula, d, REML = reml, control = tight)
  out <- list(call = deparse1(formula), reml = reml, fixed_satt = rows(coef(summary(m))), anova3_satt = rows(anova(m, type = 3)),
              vc = as.data.frame(VarCorr(m)), loglik = as.numeric(logLik(m)), aic = AIC(m), bic = BIC(m), singular = isSingular(m))
  if (reml) {
    out$fixed_kr <- rows(coef(summary(m, ddf = "Kenward-Roger")))
    out$anova3_kr <- rows(anova(m, type = 3, ddf = "Kenward-Roger"))
    out$ranova <- rows(ranova(m))
  }
  if (profile) out$profile <- rows(suppressWarnings(suppressMessages(confint(m, oldNames = FALSE, quiet = TRUE))))
  out
}
out <- list(lmer = list(
  slopes = lmm(y ~ timing * day + (1 + day | participant), profile = TRUE),
  slopes_ml = lmm(y ~ timing * day + (1 + day | participant), reml = FALSE),
  uncorrelated = lmm(y ~ timing * day + (1 | participant) + (0 + day | participant)),
  nested = lmm(y ~ timing * framing + (1 | team) + (1 | team:participant)),
  crossed = lmm(y ~ timing * framing + (1 | participant) + (1 | story) + (1 | team), profile = TRUE),
  crossed_slopes = lmm(y ~ timing * framing + day + (1 + day | participant) + (1 | story)),
  singular = lmm(y ~ timing * framing + (1 | odd)),
  unordered = lmm(y ~ timing + timing:framing + (1 | participant)),
  covariate = lmm(y ~ timing * day + framing + (1 | participant) + (1 | story))))
m <- lmer(y ~ timing * framing + (1 | participant) + (1 | story), d, control = tight)
out$lmer$emmeans_satt <- as.data.frame(emmeans(m, ~ timing | framing, lmer.df = "satterthwaite"))
out$lmer$emmeans_kr <- as.data.frame(emmeans(m, ~ framing, lmer.df = "kenward-roger"))
out$lmer$pairs_kr <- as.data.frame(pairs(emmeans(m, ~ framing, lmer.df = "kenward-roger"), adjust = "none"))

d$rating <- factor(d$rating, ordered = TRUE)
sharp <- clm.control(gradTol = 1e-10)
clm_one <- function(link) {
  m <- clm(rating ~ timing * framing, data = d, link = link, control = sharp)
  list(coef = rows(coef(summary(m))), loglik = as.numeric(logLik(m)), aic = AIC(m), latent = as.data.frame(emmeans(m, ~ timing * framing)), mean_class = as.data.frame(emmeans(m, ~ timing * framing, mode = "mean.class")),
       difference = as.data.frame(pairs(emmeans(m, ~ timing, mode = "mean.class"))),
       prob = as.data.frame(emmeans(m, ~ rating | timing * framing, mode = "prob")))
}
both <- clm(rating ~ timing + framing, data = d)
scaled <- clm(rating ~ timing + framing, scale = ~ timing, data = d, link = "probit", control = sharp)
clmm_one <- function(formula, link, nAGQ = 1) {
  m <- clmm(formula, data = d, link = link, nAGQ = nAGQ, control = clmm.control(gradTol = 1e-8))
  list(coef = rows(coef(summary(m))), loglik = as.numeric(logLik(m)), sd = sapply(VarCorr(m), function(v) attr(v, "stddev")))
}
out$ordinal <- list(
  logit = clm_one("logit"), probit = clm_one("probit"),
  scaled = list(coef = rows(coef(summary(scaled))), loglik = as.numeric(logLik(scaled))),
  tests = list(nominal = rows(nominal_test(both)), scale = rows(scale_test(both)), terms = rows(drop1(both, test = "Chisq"))),
  laplace = clmm_one(rating ~ timing * framing + (1 | participant), "logit"),
  laplace_probit = clmm_one(rating ~ timing * framing + (1 | participant), "probit"),
  agq10 = clmm_one(rating ~ timing * framing + (1 | participant), "logit", 10),
  crossed = clmm_one(rating ~ timing * framing + (1 | participant) + (1 | story), "logit"))
mm <- clmm(rating ~ timing * framing + (1 | participant), data = d, link = "logit", control = clmm.control(gradTol = 1e-8))
out$ordinal$laplace$latent <- as.data.frame(emmeans(mm, ~ timing * framing))

b <- glm(reply ~ timing * framing + day, binomial, d, control = glm.control(epsilon = 1e-14, maxit = 100))
gl <- function(formula, family, nAGQ = 1, random = "participant") {
  m <- glmer(formula, d, family = family, nAGQ = nAGQ, control = glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6), tolPwrss = 1e-13, calc.derivs = TRUE))
  list(coef = rows(coef(summary(m))), loglik = as.numeric(logLik(m)), sd = sqrt(unlist(VarCorr(m))))
}
out$binary <- list(
  glm = rows(coef(summary(b))), loglik = as.numeric(logLik(b)),
  odds = as.data.frame(emmeans(b, ~ timing * framing)),
  prob = as.data.frame(emmeans(b, ~ timing * framing, type = "response")),
  regrid = as.data.frame(pairs(regrid(emmeans(b, ~ timing)))),
  cl_hc0 = sqrt(diag(vcovCL(b, ~participant, type = "HC0", cadjust = FALSE))),
  cl_hc1 = sqrt(diag(vcovCL(b, ~participant, type = "HC1", cadjust = TRUE))),
  glmer_laplace = gl(reply ~ timing * framing + day + (1 | participant), binomial),
  glmer_agq10 = gl(reply ~ timing * framing + day + (1 | participant), binomial, 10),
  glmer_crossed = gl(reply ~ timing * framing + (1 | participant) + (1 | story), binomial))
p <- glm(hints ~ timing * framing + day, poisson, d, control = glm.control(epsilon = 1e-14, maxit = 100))
nb <- glm.nb(hints ~ timing * framing + day, d, control = glm.control(epsilon = 1e-14, maxit = 200))
out$count <- list(
  poisson = rows(coef(summary(p))), poisson_loglik = as.numeric(logLik(p)), poisson_rate = as.data.frame(emmeans(p, ~ timing * framing, type = "response")),
  pearson = sum(residuals(p, "pearson")^2), nb = rows(coef(summary(nb))), theta = nb$theta, nb_loglik = as.numeric(logLik(nb)), nb_log = as.data.frame(emmeans(nb, ~ timing * framing)),
  glmer = gl(hints ~ timing * framing + (1 | participant), poisson))
versions <- sapply(c("lme4", "lmerTest", "pbkrtest", "emmeans", "ordinal", "MASS", "sandwich"), function(x) as.character(packageVersion(x)))
out$versions <- c(R = paste(R.version$major, R.version$minor, sep = "."), as.list(versions))
write_json(out, "tests/reference/mixed_effects.json", digits = 12, auto_unbox = TRUE, null = "null", na = "null", pretty = FALSE, dataframe = "rows")
