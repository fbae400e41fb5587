"""Degrees of freedom between and within levels: counted by nlme, and the size of the test with few clusters."""

import numpy as np
import pytest
from scipy import special

from feedbackstudy.analysis.frequentist.between_within import BetweenWithin
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed
from feedbackstudy.errors import DataError


def columns(cell: np.ndarray) -> np.ndarray:
    return np.eye(int(cell.max()) + 1)[cell]


def rule(cell: np.ndarray, **levels: np.ndarray):
    factors = [RandomFactor.of(name, codes) for name, codes in levels.items()]
    return BetweenWithin.of(columns(cell), int(cell.max()) + 1, factors, np.ones(len(factors))).df


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
    factors, counts = [RandomFactor.of("site", site)], np.array([15, 0, 15])
    found = BetweenWithin.of(columns(site % 2), 2, factors, np.ones(1), counts)

    assert found.df(np.array([-1.0, 0, 1])) == 4
    assert found.inflation(np.array([-1.0, 0, 1])) == 6 / 4
    assert BetweenWithin.of(columns(site % 2), 2, factors, np.zeros(1), counts).inflation(np.array([-1.0, 0, 1])) == 1


def test_the_variance_of_scores_becomes_that_by_restricted_likelihood():
    # With clusters of one size, maximum likelihood's variance of a difference of clusters is (J - r)/J of REML's.
    rng = np.random.default_rng(5)
    site = np.repeat(np.arange(10), 12)
    y = rng.normal(size=10)[site] + rng.normal(size=120)
    X, means = columns(site % 2), y.reshape(10, 12).mean(axis=1)
    between = sum(means[arm::2].var() * 5 for arm in (0, 1))
    by_likelihood, restricted = between / 10, between / 8
    found = BetweenWithin.of(X, 2, [RandomFactor.of("site", site)], np.ones(1)).inflation(np.array([-1.0, 1.0]))

    assert found * by_likelihood == pytest.approx(restricted, rel=1e-12)
    fit = fit_mixed(y, X, [RandomFactor.of("site", site)])
    assert np.diag(fit.covariance).sum() == pytest.approx(restricted * 2 / 5, rel=1e-6)


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
        variance = fit.covariance[0, 0] + fit.covariance[1, 1] - 2 * fit.covariance[0, 1]
        as_z.append(2 * special.ndtr(-abs(found.estimate) / np.sqrt(variance)))

    error = np.sqrt(wanted * (1 - wanted) / draws)
    size, size_of_z = float(np.mean(np.array(p) < wanted)), float(np.mean(np.array(as_z) < wanted))
    assert 0.01 <= size <= wanted + 3 * error
    if clusters == 8:
        assert size_of_z > wanted + 3 * error


def test_a_variance_of_zero_is_said_to_leave_few_degrees_of_freedom():
    site = np.repeat(np.arange(6), 20)
    y = np.tile([0.0, 1.0], 60)  # every site has the same share: nothing varies between them
    fit = binary_cells(y, site % 2, 2, None, groups={"site": site})

    (note,) = (text for text in fit.notes if "keep t on" in text)
    assert "across the 6 levels of site keep t on 4 degrees of freedom" in note
    rule = BetweenWithin.of(columns(site % 2), 2, [RandomFactor.of("site", site)], np.ones(1))
    assert not rule.notes
