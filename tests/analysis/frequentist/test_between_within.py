"""Degrees of freedom between and within levels: counted by nlme, and the size of the test with few clusters."""

import numpy as np
import pytest
from scipy import special

from feedbackstudy.analysis.frequentist.between_within import between_within
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.errors import DataError


def columns(cell: np.ndarray) -> np.ndarray:
    return np.eye(int(cell.max()) + 1)[cell]


def rule(cell: np.ndarray, **levels: np.ndarray):
    factors = [RandomFactor.of(name, codes) for name, codes in levels.items()]
    return between_within(columns(cell), int(cell.max()) + 1, factors)


def test_counts_as_nlme_does():
    # lme(y ~ between*within, random=~1|site), 9 sites of 20, three conditions of sites, two within:
    # denDF 6 of between; of within and between:within those of the rows (168), here the normal distribution.
    site, person = np.repeat(np.arange(9), 20), np.tile(np.arange(20), 9)
    df = rule(2 * (site % 3) + person % 2, site=site)

    assert df(np.array([-1.0, -1, 1, 1, 0, 0])) == 6
    assert df(np.array([1.0, 1, 1, 1, 1, 1]) / 6) == 6
    assert df(np.array([-1.0, 1, -1, 1, -1, 1])) == np.inf
    assert df(np.array([-1.0, 1, 1, -1, 0, 0])) == np.inf


def test_the_factor_with_fewest_levels_left_decides():
    # 4 exemplars of each of two cells, read by 30 people who see both cells: across exemplars, within people.
    person = np.repeat(np.arange(30), 8)
    exemplar = np.tile(np.arange(8), 30)
    df = rule(exemplar % 2, participant=person, exemplar=exemplar)

    assert df(np.array([-1.0, 1.0])) == 6
    assert df(np.array([0.5, 0.5])) == 6


def test_rows_of_no_level_are_compared_with_each_other():
    exemplar = np.where(np.arange(60) < 40, np.arange(60) % 4, -1)
    cell = np.where(np.arange(60) < 40, np.arange(60) % 2, 2 + np.arange(60) % 2)
    df = rule(cell, exemplar=exemplar)

    assert df(np.array([0.0, 0, -1, 1])) == np.inf
    assert df(np.array([-1.0, 1, 0, 0])) == 2


def test_a_cell_without_rows_has_no_column():
    site = np.repeat(np.arange(6), 5)
    df = between_within(columns(site % 2), 2, [RandomFactor.of("site", site)], np.array([15, 0, 15]))

    assert df(np.array([-1.0, 0, 1])) == 4


def test_one_cluster_in_each_condition_is_refused():
    site = np.repeat(np.arange(3), 20)
    df = rule(site, site=site)

    with pytest.raises(DataError, match=r"3 levels of site .* cannot be told"):
        df(np.array([-1.0, 1, 0]))


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "icc"), [(8, 0.1), (12, 0.1), (30, 0.4)])
@pytest.mark.parametrize("kind", ["binary", "ordinal"])
def test_whole_clusters_compared_keep_the_level(clusters, icc, kind):
    draws, wanted = 600, 0.05
    rng = np.random.default_rng(clusters)
    site = np.repeat(np.arange(clusters), 20)
    p, as_z = [], []
    for _ in range(draws):
        latent = np.sqrt(icc / (1 - icc)) * rng.normal(size=clusters)[site] + rng.normal(size=site.size)
        if kind == "binary":
            fit = binary_cells((latent > 0.3).astype(float), site % 2, 2, None, groups={"site": site})
        else:
            fit = cumulative_cells(np.digitize(latent, [-1, 0, 1]), site % 2, 2, None, groups={"site": site})
        found = fit.contrast([-1.0, 1.0])
        p.append(found.p)
        as_z.append(2 * special.ndtr(-abs(found.statistic)))

    error = np.sqrt(wanted * (1 - wanted) / draws)
    assert np.mean(np.array(p) < wanted) <= wanted + 3 * error
    assert np.mean(np.array(p) < wanted) >= 0.01
    if clusters == 8:
        assert np.mean(np.array(as_z) < wanted) > wanted + 3 * error
