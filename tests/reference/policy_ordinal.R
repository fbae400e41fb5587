# Ordered ratings of 14 sites in two arms: what R says of them.
# Rscript tests/reference/policy_ordinal.R > tests/reference/policy_ordinal.json
suppressMessages({library(ordinal); library(sandwich); library(clubSandwich); library(jsonlite)})
set.seed(814)
sites <- 14
n <- sample(15:90, sites)
arm <- rep(c(0, 1), length.out = sites)
region <- rep(c("north", "north", "south", "south"), length.out = sites)
site <- rep(seq_len(sites), n)
shift <- rnorm(sites, 0, .4)[site]
latent <- shift + .5 * arm[site] + .3 * (region[site] == "south") + rlogis(length(site))
d <- data.frame(site = site, arm = arm[site], region = region[site], y = as.integer(cut(latent, c(-Inf, -1, .2, 1.4, Inf))))
d$rating <- factor(d$y, ordered = TRUE)

fit <- clm(rating ~ arm, data = d)
held <- clm(rating ~ arm + region, data = d)
control <- list(gradTol = 1e-10)
fit <- update(fit, control = control); held <- update(held, control = control)

place <- function(v, other) sapply(v, function(k) mean(other < k) + mean(other == k) / 2)
d$placed <- NA
d$placed[d$arm == 1] <- place(d$y[d$arm == 1], d$y[d$arm == 0])
d$placed[d$arm == 0] <- place(d$y[d$arm == 0], d$y[d$arm == 1])
linear <- lm(placed ~ arm, data = d)
robust <- function(type) {
  v <- vcovCR(linear, cluster = d$site, type = type)
  t <- coef_test(linear, vcov = v, test = "Satterthwaite")
  list(se = unname(t$SE[2]), df = unname(t$df[2]), p = unname(t$p_Satt[2]))
}
counts <- unclass(table(d$site, d$y))
out <- list(
  made_by = paste(R.version.string, "ordinal", packageVersion("ordinal"), "sandwich", packageVersion("sandwich"),
                  "clubSandwich", packageVersion("clubSandwich")),
  counts = unname(apply(counts, 1, identity, simplify = FALSE)), arm = arm, region = region,
  clm = list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), loglik = as.numeric(logLik(fit)),
             cr0 = unname(sqrt(diag(vcovCL(fit, cluster = d$site, type = "HC0", cadjust = FALSE))))),
  strata = list(coef = unname(coef(held)), se = unname(sqrt(diag(vcov(held)))),
                cr0 = unname(sqrt(diag(vcovCL(held, cluster = d$site, type = "HC0", cadjust = FALSE))))),
  superiority = mean(d$placed[d$arm == 1]), CR2 = robust("CR2"), CR3 = robust("CR3")
)
cat(toJSON(out, auto_unbox = TRUE, digits = 14, pretty = TRUE), "\n")
