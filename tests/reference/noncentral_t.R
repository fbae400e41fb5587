# Limits of the noncentrality of t by inverting R's pt; R holds |ncp| <= 37.62, and its pt is refined by uniroot's tol.
library(jsonlite)
limit <- function(t, df, p) uniroot(function(d) pt(t, df, d) - p, c(t - 8 - abs(t) / 2, t + 8 + abs(t) / 2), tol = 1e-12)$root
grid <- expand.grid(t = c(-20, -8.3, -3.1, -1, -0.2, 0, 0.4, 2, 5.7, 14), df = c(3.5, 28, 306))
grid <- grid[abs(grid$t) * 1.5 + 8 < 37.6, ]
grid$low <- mapply(limit, grid$t, grid$df, 0.975); grid$high <- mapply(limit, grid$t, grid$df, 0.025)
write_json(list(rows = grid, call = "uniroot(function(d) pt(t, df, d) - p), p = .975 and .025", version = R.version.string),
           "tests/reference/noncentral_t.json", digits = 12, pretty = FALSE, auto_unbox = TRUE)
