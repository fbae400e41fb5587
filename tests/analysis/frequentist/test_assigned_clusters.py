"""Whole clusters compared where their variance is estimated as zero: the error of nested analysis of variance."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.frequentist.assigned_clusters import assigned_cells, compares_clusters
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells
from feedbackstudy.errors import DataError
from feedbackstudy.power.random_rows import random_fit, random_joint

ROW = np.array([-1.0, 1.0])
EVEN = np.repeat(np.arange(8), 6)
LIKE = np.tile([-1.0, 1.0, -0.4, 0.4, 0.9, -0.9], 8)  # every cluster of six has the mean 0


def clustered(shift: float) -> np.ndarray:
    return LIKE + shift * np.cos(EVEN)


def test_alike_clusters_are_compared_by_their_means():
    y, cell = clustered(0.2), EVEN % 2
    fit = assigned_cells(y, cell, 2, None, {"site": EVEN})
    means = np.array([y[g == EVEN].mean() for g in range(8)])
    known = stats.ttest_ind(means[1::2], means[::2])
    found = fit.contrast(ROW)

    assert (found.statistic, found.p, found.df) == pytest.approx((known.statistic, known.pvalue, 6))
    assert fit.joint([ROW]).p == pytest.approx(known.pvalue)
    assert "mean square between site clusters" in fit.model
    assert any("estimated as zero" in note for note in fit.notes)
    assert found.se < mixed_cells(y, cell, 2, None, {"site": EVEN}).contrast(ROW).se


def test_clusters_that_differ_keep_the_mixed_model():
    y, cell = clustered(2.0), EVEN % 2
    ours = assigned_cells(y, cell, 2, None, {"site": EVEN})
    known = mixed_cells(y, cell, 2, None, {"site": EVEN})

    assert ours.model == known.model
    assert ours.contrast(ROW) == known.contrast(ROW)


def test_uneven_clusters_and_a_covariate_are_those_of_nested_least_squares():
    """F of the error stratum: (RSS without clusters - RSS with) over its degrees of freedom, as in R's aov and lm."""
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(9), [3, 5, 8, 4, 6, 9, 3, 7, 5])
    x, cell = rng.standard_normal((cluster.size, 1)), cluster % 3
    x -= x.mean()
    y = rng.standard_normal(cluster.size)
    y -= np.bincount(cluster, y)[cluster] / np.bincount(cluster)[cluster]
    y += 0.1 * np.cos(cluster)
    free = np.column_stack([np.eye(3)[cell], x])
    held = np.column_stack([np.eye(9)[cluster], x])
    b, rss, _, _ = np.linalg.lstsq(free, y, rcond=None)
    square = (rss[0] - np.linalg.lstsq(held, y, rcond=None)[1][0]) / 6
    row = np.array([-1.0, 0.0, 1.0])
    aim = np.append(row, 0.0)
    fit = assigned_cells(y, cell, 3, x, {"site": cluster})
    found = fit.contrast(row)
    batch, _ = random_fit(y[None], free[None], aim, [cluster], assigned=True)
    both = np.array([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    joint, _ = random_joint(y[None], free[None], np.column_stack([both, [0, 0]]), [cluster], assigned=True)

    assert (found.estimate, found.df) == pytest.approx((aim @ b, 6))
    assert found.se == pytest.approx(np.sqrt(square * aim @ np.linalg.inv(free.T @ free) @ aim))
    assert (batch.estimate[0], batch.se[0], batch.df[0]) == pytest.approx((found.estimate, found.se, found.df))
    assert joint[0] == pytest.approx(fit.joint(both).p)


@pytest.mark.parametrize(
    ("weights", "cell", "groups", "whole"),
    [
        (ROW, EVEN % 2, {"site": EVEN}, True),
        (ROW, np.tile([0, 1], 24), {"site": EVEN}, False),  # people assigned within clusters
        ([[-1, 1, -1, 1]], EVEN % 2 + 2 * np.tile([0, 1], 24), {"site": EVEN}, True),
        ([[1, -1, -1, 1]], EVEN % 2 + 2 * np.tile([0, 1], 24), {"site": EVEN}, False),  # differences within clusters
        (ROW, EVEN % 2, {"exemplar": EVEN}, False),
        (ROW, EVEN % 2, {"site": EVEN, "exemplar": np.arange(48) % 3}, False),
        (ROW, EVEN % 2, {}, False),
    ],
)
def test_who_compares_whole_clusters(weights, cell, groups, whole):
    assert compares_clusters(weights, cell, groups) is whole


def test_one_cluster_in_each_condition_answers_nothing():
    """Conditions and clusters are the same thing: no error for the comparison is in the data."""
    rng, cluster = np.random.default_rng(2), np.repeat([0, 1], 20)
    y = rng.standard_normal((3, 40)) + cluster
    batch, _ = random_fit(y, np.broadcast_to(np.eye(2)[cluster], (3, 40, 2)), ROW, [cluster], assigned=True)

    with pytest.raises(DataError, match="cannot be told from one between levels of site"):
        assigned_cells(y[0], cluster, 2, None, {"site": cluster})
    assert np.isnan(batch.se).all()
