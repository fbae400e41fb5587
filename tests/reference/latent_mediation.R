# Reference values of latent mediation: Rscript tests/reference/latent_mediation.R  (data: latent_mediation.csv, invented)
suppressMessages(library(lavaan))
data <- read.csv("tests/reference/latent_mediation.csv")
model <- "
  challenge =~ c1 + c2 + c3
  intent =~ i1 + i2 + i3
  challenge ~ a * treatment
  intent ~ b * challenge + d * treatment
  indirect := a * b
"
fit <- sem(model, data, meanstructure = TRUE)
found <- parameterEstimates(fit)
pick <- function(label) list(estimate = found$est[found$label == label], se = found$se[found$label == label])
values <- list(call = "lavaan::sem, ML", lavaan = as.character(packageVersion("lavaan")), R = R.version.string,
               a = pick("a"), b = pick("b"), direct = pick("d"), indirect = pick("indirect"))
writeLines(jsonlite::toJSON(values, auto_unbox = TRUE, digits = 10, pretty = TRUE), "tests/reference/latent_mediation.json")
