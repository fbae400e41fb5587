# Logistic, Poisson and negative binomial models over 12 clusters: clubSandwich. Run in this folder: Rscript clustered_models.R
suppressMessages({library(clubSandwich); library(MASS); library(jsonlite)})
d <- read.csv("mixed_effects.csv")
d$timing <- factor(d$timing); d$framing <- factor(d$framing)
tight <- glm.control(epsilon = 1e-14, maxit = 200)
fits <- list(
  binomial = glm(reply ~ timing + framing + day, binomial, d, control = tight),
  poisson = glm(hints ~ timing + framing + day, poisson, d, control = tight),
  `negative binomial` = glm.nb(hints ~ timing + framing + day, d, control = tight))
one <- function(fit) {
  kinds <- c("CR0", "CR1", "CR1S", "CR2", "CR3")
  found <- lapply(setNames(kinds, kinds), function(type) {
    V <- vcovCR(fit, cluster = d$team, type = type)
    t <- coef_test(fit, vcov = V, test = "Satterthwaite")
    w <- Wald_test(fit, constraints = constrain_zero("framing", reg_ex = TRUE), vcov = V, test = "HTZ")
    list(se = t$SE, df = t$df, p = t$p_Satt, framing = list(f = w$Fstat, df2 = w$df_denom, p = w$p_val))
  })
  list(call = deparse1(fit$call), names = names(coef(fit)), estimate = unname(coef(fit)), theta = fit$theta, vcov = found)
}
made <- list(fits = lapply(fits, one),
  versions = list(R = as.character(getRversion()), clubSandwich = as.character(packageVersion("clubSandwich")), MASS = as.character(packageVersion("MASS"))))
write(toJSON(made, digits = 14, auto_unbox = TRUE, null = "null", na = "null"), "clustered_models.json")
