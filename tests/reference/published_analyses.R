# Reference values for tests/analysis, from the tables that ship in datasets/.
# Run at the repository root: Rscript tests/reference/published_analyses.R
suppressPackageStartupMessages({library(jsonlite); library(pscl)})

table_of <- function(key) read.csv(Sys.glob(file.path("datasets", key, "data", "*.csv")))

effort <- table_of("nagy2023_effort_frequencies")
effort$g <- as.numeric(effort$mindset == "growth")
effort$m <- as.numeric(effort$intervention == "mindfulness")
people <- effort[rep(seq_len(nrow(effort)), effort$n), ]
fit <- zeroinfl(extra_tasks ~ g * m | g * m, data = people, dist = "negbin",
                control = zeroinfl.control(reltol = 1e-15, maxit = 20000))
s <- summary(fit)$coefficients

fairness <- table_of("juijn2023_fairness_counts")
kruskal <- lapply(split(fairness, fairness$outcome), function(d) {
  test <- kruskal.test(rep(d$fairness, d$n), rep(d$group, d$n))
  list(statistic = unname(test$statistic), p = test$p.value)
})
differences <- table_of("juijn2023_difference_counts")
wilcoxon <- lapply(split(differences, differences$group), function(d) {
  x <- rep(d$difference, d$n)
  test <- wilcox.test(x[x != 0], exact = FALSE, correct = FALSE)
  list(V = unname(test$statistic), p = test$p.value)
})

invites <- matrix(c(13, 80 - 13, 1, 78 - 1), 2, byrow = TRUE)
fisher <- fisher.test(invites)
logit <- glm(cbind(invited, n - invited) ~ cls * sex, family = binomial, data =
  transform(table_of("rivera_tilcsik2016_interview_invites"), cls = as.numeric(social_class == "high"),
            sex = as.numeric(gender == "male")))
without <- update(logit, . ~ cls + sex)

callbacks <- prop.test(c(235, 157), c(2435, 2435), correct = FALSE)
cells <- table_of("nagy2023_group_summary")
cells <- cells[cells$variable == "extra_tasks", ]

write_json(list(
  made_by = list(R = R.version.string, pscl = as.character(packageVersion("pscl")),
                 call = "Rscript tests/reference/published_analyses.R"),
  zinb = list(count = unname(s$count[1:4, 1]), zero = unname(s$zero[, 1]), log_theta = unname(s$count[5, 1]),
              se_count = unname(s$count[1:4, 2]), se_zero = unname(s$zero[, 2]), se_log_theta = unname(s$count[5, 2]),
              log_likelihood = as.numeric(logLik(fit))),
  kruskal = kruskal, wilcoxon = wilcoxon,
  fisher = fisher$p.value,
  interaction = list(estimate = unname(coef(logit)[4]), se = sqrt(vcov(logit)[4, 4]),
                     chi_square = anova(without, logit, test = "LRT")$Deviance[2]),
  callbacks = list(chi_square = unname(callbacks$statistic), p = callbacks$p.value),
  holm = p.adjust(c(.01, .04, .03, .005), "holm")
), "tests/reference/published_analyses.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
