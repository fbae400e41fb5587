# What one simulated study costs in R, in milliseconds: `Rscript benchmarks/power_rivals.R`, read by benchmarks/power.py.
# Superpower and DeclareDesign are not in Debian, so each loop does what their documentation says that theirs do.
per_simulation <- function(one, n) {
  one()
  started <- proc.time()[["user.self"]]
  for (i in seq_len(n)) one()
  1000 * (proc.time()[["user.self"]] - started) / n
}
set.seed(1)

# ANOVA by simulation, 2b*2w with 80 in each group: normal rows, long form, afex::aov_car, pairwise t tests.
if (requireNamespace("afex", quietly = TRUE)) {
  root <- chol(matrix(c(1, .5, .5, 1), 2))
  anova_loop <- function() {
    rows <- rbind(matrix(rnorm(160), 80) %*% root, matrix(rnorm(160), 80) %*% root + .3)
    long <- data.frame(id = factor(rep(1:160, 2)), a = factor(rep(rep(1:2, each = 80), 2)),
                       b = factor(rep(1:2, each = 160)), y = c(rows))
    fit <- suppressMessages(afex::aov_car(y ~ a * b + Error(id / b), data = long))
    pairs <- combn(4, 2, function(k) {
      cell <- interaction(long$a, long$b)
      t.test(long$y[cell == levels(cell)[k[1]]], long$y[cell == levels(cell)[k[2]]])$p.value
    })
    c(fit$anova_table[["Pr(>F)"]], pairs)
  }
  cat("afex loop, 2b*2w n = 80", per_simulation(anova_loop, 25), "", sep = "\t")
  cat("\n")
}

# Declare and diagnose, two arms of 100: population, potential outcomes, assignment, measurement, HC2 regression, one row.
declare_loop <- function() {
  people <- data.frame(id = 1:200, u = rnorm(200))
  people$y0 <- people$u
  people$y1 <- people$u + .3
  estimand <- mean(people$y1 - people$y0)
  people$z <- sample(rep(0:1, 100))
  people$y <- ifelse(people$z == 1, people$y1, people$y0)
  fit <- lm(y ~ z, data = people)
  x <- model.matrix(fit)
  bread <- solve(crossprod(x))
  leverage <- rowSums((x %*% bread) * x)
  v <- bread %*% crossprod(x * (residuals(fit) / sqrt(1 - leverage))) %*% bread
  data.frame(estimand, estimate = coef(fit)[[2]], se = sqrt(v[2, 2]), p = 2 * pt(-abs(coef(fit)[[2]] / sqrt(v[2, 2])), 198))
}
cat("declare, assign, HC2 in base R, n = 200", per_simulation(declare_loop, 400), "", sep = "\t")
cat("\n")
