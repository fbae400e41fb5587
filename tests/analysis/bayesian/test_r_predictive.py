"""Drawn studies are counted again in R: shares of values, statistics, intervals and p."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.count_model import CountPrior, Counts
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.exact_predictive import exact_posterior_predictive
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.predictive import checked, posterior_predictive
from feedbackstudy.analysis.bayesian.predictive_bars import prior_bars, prior_script
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError


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


@pytest.mark.against_r
@pytest.mark.parametrize(
    "family", [Normals(prior=NormalsPrior.of(CellPrior.of_scale(1, 7))), Counts(prior=CountPrior())]
)
def test_studies_drawn_from_a_prior(family, run_r, tmp_path):
    rows = np.arange(40)
    model = stated(family, rows % 7.0, rows % 2, 2)
    bars, _ = prior_bars(model, seed=4, studies=200)

    in_r = run_r(prior_script(model, seed=4, studies=200), tmp_path)

    for part in ("mean", "lower", "upper"):
        assert in_r[f"share {part}"] == pytest.approx(getattr(bars, part).tolist(), abs=1e-12), part


def test_numbers_laid_together_have_no_script(rating_fit):
    found = posterior_predictive(rating_fit, seed=1, studies=100)

    with pytest.raises(DataError, match="predictive check was made from numbers alone"):
        replace(found, script=None).r_script()
