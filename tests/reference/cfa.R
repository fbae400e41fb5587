# Reference values of confirmatory factor models, made with lavaan and semTools.
# Run in this folder:  Rscript cfa.R ORACLES   (ORACLES holds bfi.csv and holzinger_swineford_1939.csv from R's psych and lavaan)
suppressMessages({library(lavaan); library(jsonlite); library(semTools)})
folder <- commandArgs(TRUE)[1]
HS <- read.csv(file.path(folder, "holzinger_swineford_1939.csv"))
HM <- read.csv(file.path(folder, "holzinger_swineford_missing.csv"))
bfi <- read.csv(file.path(folder, "bfi.csv"), row.names = 1)
write.csv(PoliticalDemocracy, "political_democracy.csv", row.names = FALSE)
three <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
b15 <- "A =~ A1 + A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3 + C4 + C5\nE =~ E1 + E2 + E3 + E4 + E5"
tab <- function(d) lapply(as.list(as.data.frame(d)), function(v) if (is.numeric(v)) unname(as.numeric(v)) else as.character(v))
keep <- function(fit, mi = FALSE, std = TRUE) {
  e <- parameterEstimates(fit, remove.nonfree = FALSE)
  out <- list(est = tab(e[, intersect(c("lhs", "op", "rhs", "group", "est", "se"), names(e))]), fit = as.list(fitMeasures(fit)))
  if (std) { s <- standardizedSolution(fit); out$std <- tab(s[, intersect(c("lhs", "op", "rhs", "group", "est.std", "se"), names(s))]) }
  if (mi) { m <- modindices(fit, sort. = TRUE, maximum.number = 8)
            out$mi <- tab(m[, intersect(c("lhs", "op", "rhs", "group", "mi", "epc", "sepc.all"), names(m))]) }
  out
}
R <- list(meta = list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")),
                      semTools = as.character(packageVersion("semTools")), date = as.character(Sys.Date())))
for (e in c("MLM", "MLMVS", "ULSM", "ULSMV", "WLSM")) R$HS[[e]] <- keep(cfa(three, HS, estimator = e))
R$HS$bifactor <- keep(cfa(paste0("g =~ x1+x2+x3+x4+x5+x6+x7+x8+x9\n", three), HS, orthogonal = TRUE, std.lv = TRUE))
R$HS$equal_labels <- keep(cfa("visual =~ x1 + a*x2 + a*x3\ntextual =~ x4 + b*x5 + x6\nspeed =~ x7 + c*x8 + x9\nx1 ~~ x9\nab := a*b\nratio := sqrt(b)/exp(c)", HS), mi = TRUE)
R$HS$linear <- keep(cfa("visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + c*x8 + d*x9\na + b == 1.5\nc == 2*a", HS))
R$HS$fixed <- keep(cfa("visual =~ NA*x1 + x2 + x3\nvisual ~~ 1*visual\ntextual =~ x4 + 1.1*x5 + x6\nspeed =~ x7 + start(1.2)*x8 + x9\nx5 ~~ 0.4*x5\nvisual ~~ 0*speed\nx1 ~ 5*1", HS))
R$HS$groups_labels <- keep(cfa("visual =~ x1 + c(a,a)*x2 + c(b1,b2)*x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + c(1,NA)*x8 + x9\nb1 == b2 + 0.1", HS, group = "school"))
R$HS$GLS_groups <- keep(cfa(three, HS, estimator = "GLS", group = "school", group.equal = "loadings"))
R$HS$DWLS_groups <- keep(cfa(three, HS, estimator = "DWLS", group = "school", group.equal = "loadings"))
R$HS$WLSMV_groups <- keep(cfa(three, HS, estimator = "WLSMV", group = "school", group.equal = c("loadings", "intercepts")))
m0 <- cfa(three, HS, estimator = "MLM", group = "school", group.equal = c("loadings", "intercepts"))
m1 <- cfa(three, HS, estimator = "MLM", group = "school", group.equal = "loadings")
R$HS$MLM_groups <- keep(m0)
R$HS$MLM_2000 <- tab(lavTestLRT(m1, m0, method = "satorra.2000", A.method = "delta"))
R$HS$MLM_2001 <- tab(lavTestLRT(m1, m0, method = "satorra.bentler.2001"))
m0 <- cfa(three, HS, estimator = "MLMV", group = "school", group.equal = c("loadings", "intercepts"))
m1 <- cfa(three, HS, estimator = "MLMV", group = "school", group.equal = "loadings")
R$HS$MLMV_2000 <- tab(lavTestLRT(m1, m0, method = "satorra.2000", A.method = "delta"))
R$HS$FIML_MLR_groups <- keep(cfa(three, HM, estimator = "MLR", missing = "ml", group = "school", group.equal = "loadings"))
R$HS$residuals <- list(normalized = unclass(residuals(cfa(three, HS), type = "normalized")$cov),
                       standardized = unclass(residuals(cfa(three, HS), type = "standardized")$cov))
pd <- "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + a*y2 + b*y3 + c*y4\ndem65 =~ y5 + a*y6 + b*y7 + c*y8\ndem60 ~ ind60\ndem65 ~ ind60 + dem60
y1 ~~ y5\ny2 ~~ y4 + y6\ny3 ~~ y7\ny4 ~~ y8\ny6 ~~ y8"
R$PD <- keep(sem(pd, PoliticalDemocracy), mi = TRUE); R$PD$model <- pd
R$PD_MLR <- keep(sem(pd, PoliticalDemocracy, estimator = "MLR"))
for (e in c("ML", "MLR")) { R$bfi15[[e]] <- keep(cfa(b15, bfi, estimator = e), mi = e == "ML")
  R$bfi15[[paste0("FIML_", e)]] <- keep(cfa(b15, bfi, estimator = e, missing = "ml")) }
items <- names(bfi)[1:15]
R$bfi15$WLSMV <- keep(cfa(b15, bfi, ordered = items), mi = TRUE)
R$bfi15$WLSMV_theta <- keep(cfa(b15, bfi, ordered = items, parameterization = "theta"))
R$bfi15$ULSMV <- keep(cfa(b15, bfi, ordered = items, estimator = "ULSMV"))
R$bfi15$DWLS <- keep(cfa(b15, bfi, ordered = items, estimator = "DWLS"))
R$bfi15$WLS <- keep(cfa("A =~ A1+A2+A3+A4+A5", bfi, ordered = items[1:5], estimator = "WLS"))
one <- "A =~ A1 + A2 + A3 + A4 + A5"
steps <- list(configural = "", thresholds = "thresholds", metric = c("thresholds", "loadings"),
              scalar = c("thresholds", "loadings", "intercepts"), strict = c("thresholds", "loadings", "intercepts", "residuals"),
              means = c("thresholds", "loadings", "intercepts", "residuals", "means"))
complete <- bfi[complete.cases(bfi[, 1:5]), ]
fits <- lapply(steps, function(s) measEq.syntax(one, data = complete, ordered = items[1:5], parameterization = "theta", ID.fac = "std.lv",
        ID.cat = "Wu.Estabrook.2016", group = "gender", group.equal = s, return.fit = TRUE))
R$ordinal_gender <- lapply(fits, keep)
R$ordinal_gender_lrt <- tab(do.call(lavTestLRT, c(unname(fits), list(method = "satorra.2000", A.method = "delta"))))
# two binary and three three-category items: Wu-Estabrook steps where some levels cannot be told apart
few <- complete[, c(1:5, 26)]; few[, 1:2] <- lapply(few[, 1:2], function(v) as.integer(v > 3)); few[, 3:5] <- lapply(few[, 3:5], function(v) as.integer(cut(v, c(0, 3, 5, 6))))
R$ordinal_few <- lapply(lapply(steps[c("configural", "thresholds", "metric", "scalar")], function(s) measEq.syntax(one, data = few, ordered = items[1:5],
        parameterization = "theta", ID.fac = "std.lv", ID.cat = "Wu.Estabrook.2016", group = "gender", group.equal = s, return.fit = TRUE)),
        function(f) keep(f, std = FALSE))
write_json(R, "cfa.json", digits = 10, auto_unbox = TRUE, na = "null")
