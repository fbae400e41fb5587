# Reference values of mediation, made with lavaan and sandwich.
# Run in this folder:  Rscript mediation.R ORACLES   (ORACLES holds mediation.csv, which R and pingouin call "mediation")
# feedback400.csv and feedback_missing.csv beside this script are invented data of our own.
suppressMessages({library(lavaan); library(jsonlite); library(sandwich)})
oracles <- commandArgs(TRUE)[1]
fb <- read.csv("feedback400.csv"); fm <- read.csv("feedback_missing.csv"); pg <- read.csv(file.path(oracles, "mediation.csv"))
prepare <- function(d) { d$Fg <- as.numeric(d$framing == "gain"); d$Ti <- as.numeric(d$timing == "immediate"); d }
fb <- prepare(fb); fm <- prepare(fm)
fb$FgTi <- fb$Fg * fb$Ti; fb$th <- fb$threat - mean(fb$threat); fb$chth <- fb$challenge * fb$th; fb$chTi <- fb$challenge * fb$Ti
# Models that restrict the covariances get observed information: expected information rests on the implied, not the observed, covariances.
keep <- function(model, data, ...) {
  e <- parameterEstimates(sem(model, data, fixed.x = TRUE, ...))
  e <- e[e$op %in% c("~", ":="), ]
  list(call = paste0(gsub("\n", "; ", model), paste0(if (length(list(...))) paste0("; ", names(list(...)), " = ", list(...)), collapse = "")), rows = data.frame(name = ifelse(e$op == "~", paste(e$lhs, "~", e$rhs), e$lhs), est = e$est, se = e$se))
}
R <- list(meta = list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")),
                      sandwich = as.character(packageVersion("sandwich")), date = as.character(Sys.Date())))
R$simple <- keep("M ~ a*X\nY ~ b*M + cp*X\nindirect := a*b\ntotal := cp + a*b", pg)
serial <- "challenge ~ a1*Fg + baseline\nselfeff ~ a2*Fg + d*challenge + baseline\noutcome ~ cp*Fg + b1*challenge + b2*selfeff + baseline
i1 := a1*b1\ni2 := a2*b2\ni12 := a1*d*b2\nindirect := a1*b1 + a2*b2 + a1*d*b2\ntotal := cp + a1*b1 + a2*b2 + a1*d*b2\ndifference := a1*b1 - a2*b2"
R$serial <- keep(serial, fb)
parallel <- "challenge ~ a1*Fg + baseline\nthreat ~ a2*Fg + baseline\nselfeff ~ cp*Fg + b1*challenge + b2*threat + baseline
i1 := a1*b1\ni2 := a2*b2\nindirect := a1*b1 + a2*b2\ntotal := cp + a1*b1 + a2*b2\ndifference := a1*b1 - a2*b2"
R$parallel <- keep(paste0(parallel, "\nchallenge ~~ threat"), fb)
R$parallel_uncorrelated <- keep(paste0(parallel, "\nchallenge ~~ 0*threat"), fb, information = "observed")
R$first <- keep("challenge ~ a*Fg + w*Ti + ai*FgTi + baseline\noutcome ~ cp*Fg + b*challenge + baseline
low := a*b\nhigh := (a + ai)*b\nindex := ai*b\ntotal_low := cp + a*b", fb, information = "observed")
R$second <- keep(sprintf("challenge ~ a*Fg + baseline\noutcome ~ cp*Fg + w*th + b*challenge + bi*chth + baseline
low := a*(b - %.17g*bi)\nhigh := a*(b + %.17g*bi)\nindex := a*bi", sd(fb$th), sd(fb$th)), fb, information = "observed")
R$all_legs <- keep("challenge ~ a*Fg + w*Ti + ai*FgTi\noutcome ~ cp*Fg + wy*Ti + ci*FgTi + b*challenge + bi*chTi
low := a*b\nhigh := (a + ai)*(b + bi)\nindex := (a + ai)*(b + bi) - a*b\ndirect_high := cp + ci", fb, information = "observed")
R$serial_fiml <- keep(serial, fm, missing = "fiml")
R$parallel_fiml <- keep(paste0(parallel, "\nchallenge ~~ threat"), fm, missing = "fiml")
R$serial_listwise <- keep(serial, fm)
boot <- function(model, data, type, n) {
  set.seed(1); e <- parameterEstimates(sem(model, data, fixed.x = TRUE, se = "bootstrap", bootstrap = n), boot.ci.type = type)
  e <- e[e$op == ":=", ]; data.frame(name = e$lhs, se = e$se, low = e$ci.lower, high = e$ci.upper)
}
R$serial_percentile <- list(call = "bootstrap 2000, perc, set.seed(1)", rows = boot(serial, fb, "perc", 2000))
R$simple_bias_corrected <- list(call = "bootstrap 4000, bca.simple (bias-corrected), set.seed(1)",
  rows = boot("M ~ a*X\nY ~ b*M + cp*X\nindirect := a*b\ntotal := cp + a*b", pg, "bca.simple", 4000))
m <- lm(outcome ~ Fg + challenge + selfeff + baseline, fb)
R$robust <- list(call = "vcovHC(type = 'HC3'); vcovCL(type = 'HC1') by interviewer", rows = data.frame(
  name = names(coef(m)), est = coef(m), hc3 = sqrt(diag(vcovHC(m, "HC3"))), cr1 = sqrt(diag(vcovCL(m, ~interviewer, type = "HC1")))))
writeLines(toJSON(R, digits = NA, auto_unbox = TRUE, pretty = TRUE), "mediation.json")
