"""Drawn studies are counted again in R: shares of values, statistics, intervals and p."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import Binary, BinaryPrior
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.count_model import CountPrior, Counts
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.cumulative import Cumulative, CumulativePrior
from feedbackstudy.analysis.bayesian.exact_predictive import exact_posterior_predictive
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.predictive import checked, posterior_predictive
from feedbackstudy.analysis.bayesian.predictive_bars import prior_bars, prior_script
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.r_prior import anew
from feedbackstudy.analysis.bayesian.student import Students
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import r_numbers


def bars_agree(in_r, name, bars):
    for part in ("seen", "mean", "lower", "upper"):
        assert in_r[f"{name} {part}"] == pytest.approx(getattr(bars, part).tolist(), abs=1e-12), (name, part)


def agree(in_r, ours):
    bars_agree(in_r, "share", ours.bars)
    for j, bars in enumerate(ours.cells, start=1):
        bars_agree(in_r, f"share in cell {j}", bars)
    for one in ours.statistics:
        expected = [one.seen, one.lower, one.upper, one.p]
        assert in_r[one.name] == pytest.approx(expected, rel=1e-10, abs=1e-12), one.name


@pytest.mark.against_r
def test_studies_drawn_from_a_sampled_posterior(rating_fit, run_r, tmp_path):
    ours = posterior_predictive(rating_fit, seed=1, studies=300)

    agree(run_r(ours.r_script(), tmp_path), ours)


@pytest.mark.against_r
def test_studies_drawn_from_an_exact_posterior_with_groups_that_some_do_not_belong_to(run_r, tmp_path):
    rng = np.random.default_rng(6)
    cell, group = np.arange(90) % 3, np.repeat(np.arange(9), 10)
    y = np.clip(np.round(4 + 0.7 * rng.normal(size=9)[group] + rng.normal(size=90)), 1, 7)
    groups = {"class_a": group}
    model = gaussian_cells(y, cell, 3, prior=CellPrior.of_scale(1, 7), groups=groups)
    whole = exact_posterior_predictive(model, model.posterior(), seed=3, studies=200)

    agree(run_r(whole.r_script(), tmp_path / "whole"), whole)

    (one,) = model.rows.groups
    part = replace(model.rows, groups=(replace(one, held=np.arange(90) % 10 > 2),))
    drawn = rng.normal(4, 1.2, (150, 90))
    ours = checked(part, drawn, words="invented", whole=False)
    agree(run_r(ours.r_script(), tmp_path / "part"), ours)


def test_the_same_answers_in_another_order_are_a_tie():
    rng = np.random.default_rng(2)
    y = np.repeat([0.0, 1.0, 2.0, 3.0], [3, 11, 14, 9])
    rows = gaussian_cells(y, np.zeros(37, dtype=int), 1, prior=CellPrior.of_scale(0, 3)).rows
    drawn = rng.permuted(np.tile(y, (200, 1)), axis=1)

    found = checked(rows, drawn, words="permuted", whole=True)

    assert [one.p for one in found.statistics] == [0.5] * 4


WIDE = {"group_sd": 2.0, "cell_sd": 1.5, "covariate_sd": 1.5}
NORMAL = NormalsPrior.of(CellPrior.of_scale(1, 7))
FAMILIES = [
    Normals(prior=replace(NORMAL, group_sd=3.0)),
    Students(prior=replace(NORMAL, group_sd=3.0)),
    Binary(prior=BinaryPrior(**WIDE)),
    Cumulative(categories=4, link="probit", prior=CumulativePrior(**WIDE)),
    Cumulative(categories=3, link="logit", prior=CumulativePrior(**WIDE)),
    Counts(law="Poisson", prior=CountPrior(**WIDE)),
    Counts(zero_inflated=True, prior=CountPrior(**WIDE)),
]
STUDIES = 3000
_MOMENTS = """\
y <- tanh((y - MIDDLE) / SPREAD)
for (k in seq_len(ncol(W))) { one <- y %*% W[, k]; show("mean", mean(one)); show("sd", sd(one)) }
"""


@pytest.fixture(params=FAMILIES, ids=lambda family: family.words)
def model(request):
    """A model of 42 rows with two cells, a covariate and six groups that six rows do not belong to."""
    at = np.arange(42)
    x = ((at * 5 % 42) - 20.5)[:, None] / 12
    return stated(request.param, at % 2.0, at % 2, 2, covariates=x, covariate_sd=[1.0], groups={"one": at % 7 - 1})


@pytest.mark.against_r
def test_studies_drawn_from_a_prior(model, run_r, tmp_path):
    bars, _ = prior_bars(model, seed=4, studies=STUDIES)

    in_r = run_r(prior_script(model, seed=4, studies=STUDIES), tmp_path)

    for part in ("mean", "lower", "upper"):
        assert in_r[f"share {part}"] == pytest.approx(getattr(bars, part).tolist(), abs=1e-12), part
    # The variance of a share is m (1 - m) at most, so this is four errors of the difference of two means or more.
    error = np.sqrt(2 / STUDIES * bars.mean * (1 - bars.mean))
    assert (np.abs(np.array(in_r["share anew mean"]) - bars.mean) <= 4 * error).all()


@pytest.mark.against_r
def test_the_prior_drawn_anew_has_the_spread_of_cells_slopes_and_groups(model, run_r, tmp_path):
    rng, rows = np.random.default_rng(9), model.rows
    drawn = model.outcome(model.forward(rng, STUDIES), rng)
    low, middle, high = np.quantile(drawn, [0.25, 0.5, 0.75])
    spread = max(high - low, 1.0)
    (group,) = rows.groups
    means = group.indicators / group.sizes
    weights = np.column_stack(
        [
            np.full(rows.n, 1 / rows.n),
            np.where(rows.cell == 0, 1, -1) / (rows.n / 2),
            rows.covariates[:, 0] / (rows.covariates[:, 0] ** 2).sum(),
            means[:, 0] - means[:, 3],
        ]
    )
    numbers = f"matrix({r_numbers(weights.T.ravel())}, {rows.n})"
    body = anew(model, seed=1, studies=STUDIES) + f"W <- {numbers}\n"
    body += _MOMENTS.replace("MIDDLE", f"{middle:.17g}").replace("SPREAD", f"{spread:.17g}")

    in_r = run_r(replace(prior_script(model, seed=4, studies=2), body=body), tmp_path)

    found = np.tanh((drawn - middle) / spread) @ weights
    sd = found.std(axis=0, ddof=1)
    # means within 4.5 errors of the difference of two; the ratio of two standard deviations has an error of 1.8 %
    assert (np.abs(np.array(in_r["mean"]) - found.mean(axis=0)) <= 4.5 * np.sqrt(2 / STUDIES) * sd).all()
    assert np.array(in_r["sd"]) == pytest.approx(sd, rel=0.06)


def test_random_slopes_are_not_drawn_anew():
    at = np.arange(40)
    model = stated(Binary(), at % 2.0, at % 2, 2, groups={"one": at % 5}, slopes={"one": (at % 3 - 1.0)[:, None]})

    assert anew(model, seed=1, studies=10) == ""
    assert "share anew" not in prior_script(model, seed=1, studies=100).body


def test_numbers_laid_together_have_no_script(rating_fit):
    found = posterior_predictive(rating_fit, seed=1, studies=100)

    with pytest.raises(DataError, match="predictive check was made from numbers alone"):
        replace(found, script=None).r_script()
