"""Sampled models in Stan: the same density at any point, and the same posterior within Monte-Carlo errors."""

import json
import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.bayesian.binary import Binary
from feedbackstudy.analysis.bayesian.cell_model import CellModel, stated
from feedbackstudy.analysis.bayesian.count_model import Counts
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.cumulative import Cumulative
from feedbackstudy.analysis.bayesian.predictor_draws import cholesky
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampled_cells import fitted
from feedbackstudy.analysis.bayesian.savage_dickey import savage_dickey_of_draws
from feedbackstudy.analysis.bayesian.student import Students
from feedbackstudy.analysis.marginal_means import marginal_means
from feedbackstudy.analysis.missing.imputing import SAMPLED
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.r_stan import cells_script, stan_program
from feedbackstudy.analysis.r_stan_run import PORTABLE
from feedbackstudy.errors import NotFoundError
from feedbackstudy.psychometrics.rscript import RScript, r_numbers

SCORES = NormalsPrior.of(CellPrior.of_scale(1, 7))
FAMILIES = {
    "ordinal_probit": Cumulative(categories=4),
    "ordinal_logit": Cumulative(categories=4, link="logit"),
    "binary": Binary(),
    "poisson": Counts(law="Poisson"),
    "negative_binomial": Counts(),
    "zero_inflated": Counts(zero_inflated=True),
    "zero_inflated_poisson": Counts(law="Poisson", zero_inflated=True),
    "student": Students(prior=SCORES),
    "normal": Normals(prior=SCORES),
}
CASES = {  # scale of the cells, and what stands in the predictor beside them
    "ordinal_probit": ("response", {"covariates", "few"}),
    "ordinal_logit": ("latent", set()),
    "binary": ("response", {"few"}),
    "poisson": ("response", set()),
    "negative_binomial": ("log rate", {"covariates"}),
    "zero_inflated": ("response", set()),
    "student": ("response", {"covariates"}),
    "normal": ("response", {"many", "few"}),
}


def model_of(name: str, parts: set[str]) -> CellModel:
    """A model whose outcome was drawn from its own prior, so that the posterior lies where the prior has mass."""
    rng, n = np.random.default_rng(sum(map(ord, name))), 800 if "many" in parts else 150
    given = {"covariates": rng.normal(size=(n, 2)) * [2.0, 0.5]} if "covariates" in parts else {}
    groups, slopes = {}, {}
    if "many" in parts:  # large enough to be sampled partly centred
        groups["interviewer"], slopes["interviewer"] = np.arange(n) // 50, rng.normal(size=n)
    if "few" in parts:  # and rows of no group
        groups["site"] = np.where(np.arange(n) % 8 == 7, -1, np.arange(n) % 8)
    blank = stated(FAMILIES[name], np.arange(n) % 2, np.arange(n) % 3, 3, groups=groups, slopes=slopes, **given)
    return blank.with_outcome(blank.outcome(blank.forward(rng, 1), rng)[0])


def points(model: CellModel) -> tuple[list[dict[str, object]], np.ndarray]:
    """Five draws from the prior by the names of the program, and our log density there."""
    values = model.forward(np.random.default_rng(4), 5)
    density = model.log_prior(values) + model.log_likelihood(values).sum(axis=1)
    found = {p.name: values[p.name] for p in model.parameters}
    for k, group in enumerate(model.rows.groups, start=1):
        sds, share = found.pop(f"sd_{group.name}")[:, None], model.centring.get(group.name, np.zeros(group.size))
        found[f"sd_{k}"], effect, root = sds[:, 0], values[f"effect_{group.name}"].reshape(5, group.count, -1), None
        if group.size > 1:
            found[f"slope_sd_{k}"] = found.pop(f"slope_sd_{group.name}")
            root = found[f"root_{k}"] = cholesky(found.pop(f"partial_{group.name}"), group.size)
            sds = np.column_stack([sds, found[f"slope_sd_{k}"]])
        raw = effect / sds[:, None, :] ** (1 - share)
        for i in range(5):
            factor = np.diag(sds[i] ** share) @ (np.eye(1) if root is None else root[i])
            density[i] += stats.multivariate_normal.logpdf(raw[i], cov=factor @ factor.T).sum()
        found[f"raw_{k}"] = raw[:, :, 0] if root is None else np.swapaxes(raw, 1, 2)
    return [{name: np.asarray(block[i]).tolist() for name, block in found.items()} for i in range(5)], density


DENSITY = """
fit <- fits[[1]]$fit
for (point in jsonlite::fromJSON("points.json", simplifyDataFrame = FALSE)) {
  for (name in grep("^slope_sd", names(point), value = TRUE)) point[[name]] <- as.array(point[[name]])
  show("log density", rstan::log_prob(fit, rstan::unconstrain_pars(fit, point), adjust_transform = FALSE))
}
})
"""


def with_density(script: RScript) -> RScript:
    assert script.body.endswith("})\n")
    return replace(script, body=script.body.removesuffix("})\n") + DENSITY)


@pytest.mark.slow
@pytest.mark.against_r
@pytest.mark.parametrize("name", CASES)
def test_stan_has_our_density_and_our_posterior(run_r, tmp_path, name):
    scale, parts = CASES[name]
    model = model_of(name, parts)
    ours = fitted(model, seed=11, target_accept=0.97)
    cells = ours.cells(scale)
    given, density = points(model)
    (tmp_path / "points.json").write_text(json.dumps(given), encoding="utf-8")

    in_r = run_r(with_density(ours.r_script(scale)), tmp_path)

    # Stan leaves constants out: differences between points are free of them.
    assert np.diff(in_r["log density"]) == pytest.approx(np.diff(density), rel=1e-8, abs=1e-6)
    assert in_r["largest R-hat"][0] < 1.02
    for j in range(3):
        found = cells.contrast(np.eye(3)[j])
        agrees(found, in_r, j)


def agrees(found, in_r, j):
    """Median, sd and limits lie within four Monte-Carlo errors, those of both samplers together."""
    errors = found.sd * np.sqrt(1 / found.posterior.ess + 1 / in_r["ess"][j])
    assert abs(found.posterior.median - in_r["median"][j]) < 4 * np.sqrt(np.pi / 2) * errors
    assert abs(found.sd - in_r["posterior sd"][j]) < 4 * errors
    # a limit at 2.5 % has the error sqrt(.025 * .975) / density, 2.7 times that of a mean; the shortest interval more
    assert abs(found.posterior.low - in_r["low"][j]) < 4 * 4 * errors
    assert abs(found.posterior.high - in_r["high"][j]) < 4 * 4 * errors
    p, q = found.posterior.prob_direction, in_r["P(direction)"][j]
    assert abs(p - q) < 4 * errors / found.sd / 2


def bayes_factors_agree(answer, in_r):
    """Ours lies within four Monte-Carlo errors of Stan's, those of both together."""
    ours = answer.bayesian.effect_bayes_factor(answer.problem.weights[0], scale=prior_scale(answer.problem))
    error = np.hypot(ours.error, in_r["log_bayes_factor error"][0])
    assert ours.resolved
    assert abs(ours.log_bayes_factor - in_r["log_bayes_factor"][0]) < 4 * error
    assert error < 0.3


TIMING = {"factor": "timing", "level": "immediate", "against": "delayed"}


def answered(declared, feedback, contrast, outcome, **plan: object):
    question = {"name": "q", "text": "A question.", "outcome": outcome, "contrast": contrast, "direction": "either"}
    question |= {"role": "exploratory"}
    study = declared(hypotheses=[question], plan={"decides": {}, "families": [], "covariates": ["baseline"], **plan})
    return analyse(feedback(study, "feedback_unbalanced", clusters=False), study)


@pytest.mark.slow
@pytest.mark.against_r
@pytest.mark.parametrize(
    ("contrast", "outcome"),
    [
        ({"kind": "main_effect"} | TIMING, "likert"),
        ({"kind": "moderation", "by": "challenge"} | TIMING, "reapply"),
        ({"kind": "association", "predictor": "challenge"}, "likert"),
    ],
)
def test_the_script_of_an_answer_samples_its_contrast(declared, feedback, run_r, tmp_path, contrast, outcome):
    found = answered(declared, feedback, contrast, outcome)
    answer = found.answer("q")

    in_r = run_r(answer.r_script(), tmp_path)

    assert "estimate" in in_r
    agrees(answer.bayesian.contrast(answer.problem.weights[0]), in_r, 0)
    bayes_factors_agree(answer, in_r)


def incomplete(declared, feedback, column: str, outcome: str, **asked: object):
    """A question answered by multiple imputation, values of a column gone where the baseline was high."""
    question = {"name": "q", "text": "A question.", "outcome": outcome, "contrast": {"kind": "main_effect"} | TIMING}
    question |= {"direction": "either", "role": "exploratory"} | asked
    plan = {"decides": {}, "families": [], "covariates": ["baseline"], "missing": "multiple_imputation"}
    study = declared(hypotheses=[question], plan=plan)
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    frame = scores.frame.copy()
    z = (frame["baseline"] - frame["baseline"].mean()) / frame["baseline"].std()
    frame.loc[np.random.default_rng(1).random(len(frame)) < 0.6 / (1 + np.exp(-2 * z)), column] = np.nan
    return analyse(replace(scores, _frame=frame), study).answer("q")


@pytest.mark.slow
@pytest.mark.against_r
def test_completed_tables_are_sampled_and_pooled(declared, feedback, run_r, tmp_path):
    answer = incomplete(declared, feedback, "baseline", "likert", sesoi={"value": 0.2, "unit": "raw"})
    row = answer.problem.weights[0]

    in_r = run_r(answer.r_script(), tmp_path)

    assert answer.bayesian.chains == SAMPLED * answer.bayesian.sampled.chains
    agrees(answer.bayesian.contrast(row), in_r, 0)
    # expected ratings: the Bayes factor is that under the model's own prior, which has forward draws only
    ours = savage_dickey_of_draws(answer.bayesian.prior_cells, row, answer.bayesian.draws @ row, 0.0)
    error = np.hypot(ours.error, in_r["log_bayes_factor error"][0])
    assert abs(ours.log_bayes_factor - in_r["log_bayes_factor"][0]) < 4 * error
    assert error < 0.3
    assert in_r["largest R-hat"][0] < 1.02  # each table by itself: tables differ on purpose


@pytest.mark.slow
def test_the_script_names_the_tables_that_the_draws_rest_on(declared, feedback):
    """As many completed tables as ours were sampled from; where the posterior needs none, the rows with an outcome."""
    mixed = incomplete(declared, feedback, "baseline", "reapply")
    given = incomplete(declared, feedback, "reapply", "reapply")

    script = mixed.r_script()
    assert "split(responses, responses$imputation)[seq_len(5)]" in script.script
    assert "responses$observed == 1" not in script.script
    same_rows(mixed, script.data[script.data["imputation"] == 1])
    script = given.r_script()
    assert "responses$imputation == 1 & responses$observed == 1" in script.script
    assert "tables <- list(responses)" in script.script
    kept = script.data[(script.data["imputation"] == 1) & (script.data["observed"] == 1)]
    assert 100 < len(kept) < given.problem.n
    same_rows(given, kept)


def same_rows(answer, rows):
    """Outcome and covariate, centred and in its sd as the code does it, are those of the model that was sampled."""
    ours, x = answer.bayesian.sampled.model.rows, rows["x1"] - rows["x1"].mean()
    assert ours.y == pytest.approx(rows["y"].to_numpy())
    assert ours.covariates[:, 0] == pytest.approx((x / x.std()).to_numpy(), abs=1e-12)


@pytest.mark.slow
@pytest.mark.against_r
def test_means_of_a_sampled_answer_have_their_labels(declared, feedback, run_r, tmp_path):
    question = {"name": "q", "text": "A question.", "outcome": "reapply", "contrast": {"kind": "main_effect"} | TIMING}
    study = declared(
        hypotheses=[question | {"direction": "either", "role": "exploratory"}], plan={"decides": {}, "families": []}
    )
    answer = analyse(feedback(study, "feedback_unbalanced", clusters=False), study).answer("q")
    means = marginal_means(answer, study)

    in_r = run_r(means.r_script(), tmp_path)

    for mean in means.rows:
        (name,) = mean.levels
        error = in_r[f"{name}: posterior sd"][0] * np.sqrt(2 / in_r[f"{name}: ess"][0])
        assert abs(mean.median - in_r[f"{name}: median"][0]) < 4 * np.sqrt(np.pi / 2) * error
        assert abs(mean.hdi_low - in_r[f"{name}: low"][0]) < 4 * 4 * error
    assert in_r["divergences"] == [0]
    assert in_r["largest R-hat"][0] < 1.02
    assert not any("log_bayes_factor" in label for label in in_r)


@pytest.mark.against_r
def test_every_program_is_one_that_stan_reads(tmp_path):
    checked = []
    for name, family in FAMILIES.items():
        for parts in (set(), {"covariates", "few"}, {"many"}):
            model = model_of(name, parts)
            scales = [s for s in family.scales if s != "log odds" or name == "binary" or "zero" in name]
            checked += [stan_program(model, scale=scale) for scale in scales]
        checked.append(stan_program(model_of(name, {"covariates"}), slopes=2))
    for i, program in enumerate(checked):
        (tmp_path / f"{i:03d}.stan").write_text(program, encoding="utf-8")
    code = 'for (file in list.files(pattern = "stan$")) {\nprogram <- paste(readLines(file), collapse = "\\n")\n'
    code += PORTABLE + 'cat(file, isTRUE(rstan::stanc(model_code = program)$status), "\\n") }\n'
    (tmp_path / "check.R").write_text(code, encoding="utf-8")

    done = subprocess.run(["Rscript", "check.R"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [word for i in range(len(checked)) for word in (f"{i:03d}.stan", "TRUE")]
    assert len(checked) > 40


@pytest.mark.against_r
def test_where_stan_is_left_out_the_script_says_so_and_goes_on(declared, feedback, tmp_path):
    answer = answered(declared, feedback, {"kind": "main_effect"} | TIMING, "reapply").answer("q")
    path = answer.r_script().save(tmp_path)
    (tmp_path / "profile.R").write_text("options(feedbackstudy.stan = FALSE)\n", encoding="utf-8")
    environment = os.environ | {"R_PROFILE_USER": str(tmp_path / "profile.R")}

    done = subprocess.run(
        ["Rscript", path.name], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 0, done.stderr
    assert "estimate\t" in done.stdout
    assert "median" not in done.stdout
    assert "needs the R package rstan" in done.stderr
    curve = answer.robustness()
    widths = f"show_factor(draws, before, units, {r_numbers(curve.scales)})"
    assert curve.r_script().script.count(widths) == 1
    assert widths not in answer.r_script().script


def test_no_name_that_a_user_gave_is_part_of_the_program():
    n = 60
    groups = {"normal": np.arange(n) % 6, "größe": np.arange(n) // 6}
    model = stated(Binary(), np.arange(n) % 2, np.arange(n) % 3, 3, groups=groups)

    script = cells_script(model, chains=4, draws=1000, seed=1).script
    program = stan_program(model)

    assert not set("\"'\\") - {"'"} & set(program)
    assert "größe" not in program
    assert "group_normal" not in program
    assert 'responses[["group_größe"]]' in script
    assert 'responses[["has_normal"]]' in script


def test_priors_of_the_program_are_those_of_the_laws():
    program = stan_program(model_of("ordinal_probit", {"covariates", "few"}))
    prior = FAMILIES["ordinal_probit"].prior

    assert f"deviation ~ normal(0, {prior.cell_sd:.17g});" in program
    assert f"coefficient ~ normal(0, {prior.covariate_sd:.17g});" in program
    assert f"sd_1 ~ normal(0, {prior.group_sd:.17g});" in program
    assert "real<lower=0> sd_1;" in program
    assert "shares ~ dirichlet([1, 1, 1, 1]');" in program


def test_a_scale_that_the_family_lacks_is_refused():
    model = model_of("binary", set())
    sampled = fitted(model, seed=1, draws=100, tune=100, chains=2)

    with pytest.raises(NotFoundError, match="log rate"):
        sampled.r_script("log rate")
