"""Bayes factors of draws in R: our numbers from our draws, and known ones within the error that R states."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.cell_contrast import MOST_ERROR
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.draws_evidence import DrawsEvidence
from feedbackstudy.analysis.bayesian.gates import unjudged
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.predictor import cell_basis
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.bayesian.sampling import Draws
from feedbackstudy.analysis.bayesian.savage_dickey import log_prior_at, savage_dickey_of_draws
from feedbackstudy.analysis.bayesian.spline_density import density_at
from feedbackstudy.analysis.r_evidence import evidence_functions, factor_call
from feedbackstudy.analysis.r_parts import joined
from feedbackstudy.analysis.r_stan_evidence import evidence_code
from feedbackstudy.psychometrics.rscript import RScript, r_numbers
from tests.analysis.test_r_stan import FAMILIES, model_of

SCALES = (0.3, 0.707, 2.0)
PRIOR = NormalCells(weights=np.ones(1), means=np.zeros((1, 1)), covariances=np.full((1, 1, 1), 0.8**2))
ROW = np.ones(1)
SIZE = 4003  # the batches are not of one size


def chains() -> dict[str, np.ndarray]:
    """Draws whose density at 0 is in the middle, off it, skewed, beyond every draw, and of two peaks."""
    rng = np.random.default_rng(20)
    slow = stats.norm.ppf(stats.rankdata(np.cumsum(rng.normal(size=SIZE)) + 20 * rng.normal(size=SIZE)) / (SIZE + 1))
    return {
        "middle": rng.normal(0.05, 0.2, SIZE),
        "off": rng.normal(0.4, 0.2, SIZE),
        "skewed": rng.gamma(6, 0.1, SIZE) - 0.3,
        "beyond": rng.normal(1.4, 0.25, SIZE),
        "peaks": np.where(rng.random(SIZE) < 0.5, -0.5, 0.5) + rng.normal(0, 0.2, SIZE),
        "slow": 0.3 + 0.2 * slow,
        "short_tail": rng.beta(1, 4, SIZE) - 0.5,
    }


def shown(run_r, folder, draws: pd.DataFrame, calls: str) -> dict[str, list[float]]:
    return run_r(RScript(made_by="a test", body=evidence_functions() + calls, data=draws), folder)


def calls(names, before: str, scales) -> str:
    return "".join(
        f'draws <- responses[["{name}"]]; before <- {before}; units <- responses$unit\n{factor_call(scales)}'
        for name in names
    )


@pytest.mark.against_r
def test_r_takes_the_bayes_factors_of_our_draws_as_we_do(run_r, tmp_path):
    rng, given = np.random.default_rng(3), chains()
    units, before = rng.lognormal(0, 0.1, SIZE), rng.standard_t(8, SIZE) * 0.6
    cases = {"list(mean = 0, sd = 0.8)": PRIOR, "list(draws = responses$before)": before[:, None]}
    frame = pd.DataFrame(given).assign(unit=units, before=before)

    for k, (words, prior) in enumerate(cases.items()):
        in_r = shown(run_r, tmp_path / f"{k}", frame, calls(given, words, ()) + calls(given, words, SCALES))

        values, errors, bounds = [], [], []
        for draws in given.values():
            found = savage_dickey_of_draws(prior, ROW, draws, 0.0)
            values.append(found.log_bayes_factor)
            errors.append(found.error)
            bounds.append(found.shortfall)
        for draws in given.values():
            ratio = savage_dickey_of_draws(prior, ROW, draws, 0.0)
            ours = DrawsEvidence(
                effects=draws, log_prior=log_prior_at(prior, ROW, draws, 0.0), units=units,
                log_savage_dickey=ratio.log_bayes_factor, error=ratio.error, shortfall=ratio.shortfall,
            )  # fmt: skip
            values += [ours.cauchy(scale) for scale in SCALES]
            errors += [ours.cauchy_error(scale) for scale in SCALES]
            bounds += [ours.shortfall] * len(SCALES)
        told = [value for value, error in zip(values, errors, strict=True) if error <= MOST_ERROR]
        least = [v - b for v, e, b in zip(values, errors, bounds, strict=True) if e > MOST_ERROR and np.isfinite(b)]
        assert in_r["log_bayes_factor error"] == pytest.approx(errors, rel=1e-6)
        assert in_r["log_bayes_factor"] == pytest.approx(told, rel=1e-7, abs=1e-8)
        assert in_r.get("log_bayes_factor at least", []) == pytest.approx(least, rel=1e-6)
        assert in_r["width"] == list(SCALES) * len(given)
        assert len(told) > 15
        assert least


def exact(m: float, s: float, scale: float | None) -> float:
    """Log Bayes factor of a normal likelihood N(m, s) of the contrast, by its formula or by quadrature."""
    if scale is None:
        return float(stats.norm.logpdf(m, 0, np.hypot(s, 0.8)) - stats.norm.logpdf(m, 0, s))
    area = integrate.quad(
        lambda c: stats.cauchy.pdf(c, 0, scale) * stats.norm.pdf(m, c, s), m - 12 * s, m + 12 * s, points=[0.0, m]
    )[0]
    return float(np.log(area) - stats.norm.logpdf(m, 0, s))


@pytest.mark.against_r
@pytest.mark.parametrize("scale", [None, 0.707])
def test_a_normal_model_has_its_known_bayes_factor_within_the_error_that_r_states(run_r, tmp_path, scale):
    rng, runs = np.random.default_rng(9), 60
    effects = np.tile([0.0, 0.08, 0.16, 0.24], runs // 4)
    shrink = 0.8**2 / (0.8**2 + 0.15**2)  # the posterior under the prior N(0, 0.8)
    columns = {
        f"v{k}": rng.normal(shrink * m, np.sqrt(shrink) * 0.15, 4000) for k, m in enumerate(effects)
    } | {"unit": np.ones(4000)}  # fmt: skip
    code = calls([f"v{k}" for k in range(runs)], "list(mean = 0, sd = 0.8)", () if scale is None else (scale,))

    in_r = shown(run_r, tmp_path, pd.DataFrame(columns), code)

    known = np.array([exact(m, 0.15, scale) for m in effects])
    off = (np.array(in_r["log_bayes_factor"]) - known) / np.array(in_r["log_bayes_factor error"])
    # t with 9 degrees of freedom: sd 1.13; 60 of them have a mean within .15 and exceed 4.8 once in 1000
    assert abs(off.mean()) < 0.5
    assert 0.8 < off.std() < 1.5
    assert np.abs(off).max() < 4.8
    assert max(in_r["log_bayes_factor error"]) < MOST_ERROR


PARTS = [(name, scale) for name, family in FAMILIES.items() for scale in family.scales
         if scale != "log odds" or name == "binary" or "zero" in name]  # fmt: skip
WEIGHTS, VALUE = np.array([1.0, -0.25, -0.5]), 0.2
SHOWN = """
unit <- 1; value <- VALUE; seed <- 5; given <- list(basis = BASIS)
BEFORE
w <- WEIGHTS; before <- before_one(w)
if (is.null(before$draws)) { show("mean", before$mean); show("sd", before$sd) } else {
  found <- density_at(before$draws, 0); show("log density", found$log); show("error", found$error)
  show("mean", mean(before$draws)); show("sd", sd(before$draws)) }
"""


def prior_in_r(name: str, scale: str) -> tuple[CellDraws, str]:
    """The cells of forward draws, with our prior of them, and R code that shows the prior of one contrast."""
    model = model_of(name, {"few"})
    values = model.forward(np.random.default_rng(1), 2000)
    variables = {name: block.reshape(4, 500, *block.shape[1:]) for name, block in values.items()}
    gates = unjudged(divergences=0, energy=np.random.default_rng(2).normal(size=(4, 500)))
    draws = Draws(variables=variables, gates=gates, compile_seconds=0.0, sample_seconds=0.0, seed=7)
    basis = cell_basis(3)
    code = SHOWN.replace("BEFORE", evidence_code(model, scale, scales=())[0]).replace("VALUE", str(VALUE))
    code = code.replace("BASIS", f"matrix({r_numbers(basis.ravel(order='F'))}, 3)")
    return SampledCells(model=model, draws=draws).cells(scale), code.replace("WEIGHTS", r_numbers(WEIGHTS))


@pytest.mark.against_r
def test_the_prior_of_a_contrast_in_r_is_ours_on_every_scale(run_r, tmp_path):
    ours = {case: prior_in_r(*case) for case in PARTS}
    parts = [(" ".join(case), RScript(made_by="a test", body=code, data=pd.DataFrame({"y": [0.0, 1.0]})))
             for case, (_, code) in ours.items()]  # fmt: skip

    in_r = run_r(joined(parts, made_by="a test", name="priors"), tmp_path)

    forward = 0
    for case, (cells, _) in ours.items():
        mean, sd = (in_r[f"{' '.join(case)}: {what}"][0] for what in ("mean", "sd"))
        if isinstance(cells.prior_cells, NormalCells):
            before = cells.prior_cells.project(WEIGHTS, value=VALUE)
            assert (mean, sd) == pytest.approx((before.mean, before.sd), rel=1e-12), case
            continue
        forward += 1
        before = cells.prior_cells @ WEIGHTS - VALUE
        error = before.std() * np.sqrt(2 / before.size)
        known, log_density = density_at(before, 0.0), in_r[f"{' '.join(case)}: log density"][0]
        assert abs(mean - before.mean()) < 4 * error, case
        tails = ((before - before.mean()) ** 2).std() / (2 * before.std()) * np.sqrt(2 / before.size)
        assert abs(sd - before.std()) < 4 * tails, case
        both = np.hypot(known.error, in_r[f"{' '.join(case)}: error"][0])
        assert abs(log_density - known.log_density) < 4.8 * both, case  # t with 9 degrees of freedom, as above
    assert (forward, len(ours)) == (9, 18)
