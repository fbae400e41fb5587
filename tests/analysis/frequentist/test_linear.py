"""Cell means by least squares: Welch, robust and clustered covariances against scipy, statsmodels and each other."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.frequentist.clustered import cluster_robust
from feedbackstudy.analysis.frequentist.linear import fit_cells, fit_linear
from feedbackstudy.analysis.frequentist.robust import heteroscedastic
from feedbackstudy.errors import DataError

DIFFERENCES = np.eye(4)[:3] - np.eye(4)[1:]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(20261126)
    n = 90
    cell = rng.integers(0, 4, n)
    cluster = rng.integers(0, 12, n)
    y = rng.normal(size=n) * (1 + cell) + 0.3 * cell + rng.normal(size=12)[cluster]
    return y, cell, cluster, rng.normal(size=(n, 2))


def test_two_cells_give_the_t_test_of_scipy_pooled_and_welch(rows):
    y, cell, _, _ = rows
    first, second = y[cell == 0], y[cell == 3]
    kept = np.isin(cell, (0, 3))
    for vcov, equal in (("classical", True), ("welch", False)):
        found = fit_cells(y[kept], cell[kept], 4, vcov=vcov).contrast([1, 0, 0, -1])
        reference = stats.ttest_ind(first, second, equal_var=equal)
        assert found.statistic == pytest.approx(reference.statistic, rel=1e-12)
        assert found.df == pytest.approx(reference.df, rel=1e-10)
        assert found.p == pytest.approx(reference.pvalue, rel=1e-9)


def test_the_joint_test_of_cells_is_the_f_test_of_scipy_and_welchs_of_1951(rows):
    y, cell, _, _ = rows
    groups = [y[cell == k] for k in range(4)]
    pooled, welch = fit_cells(y, cell, 4).joint(DIFFERENCES), fit_cells(y, cell, 4, vcov="welch").joint(DIFFERENCES)

    assert (pooled.f, pooled.p) == pytest.approx(tuple(stats.f_oneway(*groups)), rel=1e-10)
    reference = stats.f_oneway(*groups, equal_var=False)
    assert (welch.f, welch.p) == pytest.approx((reference.statistic, reference.pvalue), rel=1e-9)


def test_welch_with_covariates_is_hc2(rows):
    y, cell, _, x = rows
    welch, hc2 = fit_cells(y, cell, 4, covariates=x, vcov="welch"), fit_cells(y, cell, 4, covariates=x, vcov="HC2")
    assert welch.covariance == pytest.approx(hc2.covariance, rel=1e-12)
    assert welch.df(np.array([1.0, -1, 0, 0])) < hc2.df(np.array([1.0, -1, 0, 0]))


def test_welchs_degrees_of_freedom_with_covariates_are_those_of_the_quadratic_form(rows):
    y, cell, _, x = rows
    X = np.hstack([np.eye(4)[cell], x])
    H = X @ np.linalg.solve(X.T @ X, X.T)
    e = y - H @ y
    row = np.array([1.0, -1, 0, 0, 0, 0])
    g = (X @ np.linalg.inv(X.T @ X) @ row) ** 2 / (1 - np.diag(H))
    phi = (np.bincount(cell, e**2) / np.bincount(cell, 1 - np.diag(H)))[cell]
    Q = (np.eye(len(y)) - H) @ np.diag(g) @ (np.eye(len(y)) - H) @ np.diag(phi)

    found = fit_cells(y, cell, 4, covariates=x, vcov="welch").df(row[:4])
    assert found == pytest.approx(np.trace(Q) ** 2 / np.trace(Q @ Q), rel=1e-10)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_covariances_are_those_of_statsmodels(rows, kind):
    import statsmodels.api as sm

    y, cell, _, x = rows
    X = np.hstack([np.eye(4)[cell], x])
    assert fit_linear(y, X, vcov=kind).covariance == pytest.approx(
        sm.OLS(y, X).fit(cov_type=kind).cov_params(), rel=1e-9
    )


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2", "CR3"])
def test_the_compressed_clustered_covariance_is_the_textbook_formula(rows, kind):
    y, cell, cluster, x = rows
    X = np.hstack([np.eye(4)[cell], x])
    B = np.linalg.inv(X.T @ X)
    H = X @ B @ X.T
    e = y - H @ y
    meat = np.zeros((6, 6))
    for j in range(12):
        at = cluster == j
        left = np.eye(at.sum()) - H[np.ix_(at, at)]
        values, vectors = np.linalg.eigh(left)
        A = {"CR2": (vectors / np.sqrt(values)) @ vectors.T, "CR3": np.linalg.inv(left)}.get(kind, np.eye(at.sum()))
        score = X[at].T @ A @ e[at] * (np.sqrt(12 / 11) if kind == "CR1" else 1)
        meat += np.outer(score, score)
    assert fit_linear(y, X, cluster=cluster, clustered=kind).covariance == pytest.approx(B @ meat @ B, rel=1e-9)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
def test_equal_weights_change_nothing(rows, kind):
    y, cell, cluster, x = rows
    X = np.hstack([np.eye(4)[cell], x])
    plain = fit_linear(y, X, cluster=cluster, clustered=kind)
    weighted = fit_linear(y, X, cluster=cluster, clustered=kind, weights=np.full(len(y), 3.0))

    assert weighted.covariance == pytest.approx(plain.covariance, rel=1e-9)
    assert weighted.df(np.eye(6)[1]) == pytest.approx(plain.df(np.eye(6)[1]), rel=1e-9)
    assert weighted.joint(np.eye(6)[:2]).p == pytest.approx(plain.joint(np.eye(6)[:2]).p, rel=1e-9)


def test_a_cluster_of_one_row_each_makes_cr2_hc2_and_cr0_hc0(rows):
    y, cell, _, x = rows
    X = np.hstack([np.eye(4)[cell], x])
    alone = np.arange(len(y))
    for clustered, robust in (("CR0", "HC0"), ("CR2", "HC2"), ("CR3", "HC3")):
        found = fit_linear(y, X, cluster=alone, clustered=clustered).covariance
        assert found == pytest.approx(fit_linear(y, X, vcov=robust).covariance, rel=1e-9)


def test_the_automatic_correction_is_cr2_and_few_clusters_are_said(rows):
    y, cell, cluster, _ = rows
    automatic = fit_cells(y, cell, 4, cluster=cluster)
    assert automatic.covariance == pytest.approx(fit_cells(y, cell, 4, cluster=cluster, clustered="CR2").covariance)
    assert automatic.notes == ("12 clusters are few: CR2 with Satterthwaite degrees of freedom corrects for it.",)
    assert "CR2 would be less biased" in fit_cells(y, cell, 4, cluster=cluster, clustered="CR0").notes[0]


def test_a_cluster_level_effect_has_few_degrees_of_freedom():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(6), 20)
    cell = (cluster < 2).astype(int)
    df = fit_cells(rng.normal(size=120), cell, 2, cluster=cluster).contrast([1, -1]).df
    # two and four clusters of equal size: Welch's formula on cluster means
    assert df == pytest.approx((1 / 2 + 1 / 4) ** 2 / (1 / 4 / 1 + 1 / 16 / 3), rel=1e-9)


def test_an_empty_cell_is_nan_and_hurts_only_the_contrasts_that_need_it(rows):
    y, cell, _, _ = rows
    fit = fit_cells(y, cell, 5)
    assert np.isnan(fit.means[4])
    assert fit.contrast([1, -1, 0, 0, 0]).se > 0
    with pytest.raises(DataError, match="hold no data"):
        fit.contrast([1, 0, 0, 0, -1])


def test_dependent_rows_of_a_joint_test_change_nothing(rows):
    y, cell, cluster, _ = rows
    for options in ({}, {"vcov": "welch"}, {"cluster": cluster}):
        fit = fit_cells(y, cell, 4, **options)
        twice = fit.joint(np.vstack([DIFFERENCES, DIFFERENCES.sum(axis=0)]))
        assert (twice.f, twice.df, twice.df2) == pytest.approx(
            (fit.joint(DIFFERENCES).f, 3.0, fit.joint(DIFFERENCES).df2), rel=1e-9
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": np.ones(90)}, "make the classical covariance wrong"),
        ({"weights": np.r_[0.0, np.ones(89)], "vcov": "HC2"}, "none may be zero"),
        ({"cluster": np.zeros(90, dtype=int)}, "one cluster"),
        ({"vcov": "HC9"}, "Did you mean"),
        ({"cluster": np.arange(90) % 9, "clustered": "CR9"}, "Cluster-robust covariance 'CR9' is unknown"),
        ({"covariates": np.ones((90, 1))}, "collinearity"),
    ],
)
def test_what_cannot_be_fitted_is_refused(rows, options, message):
    y, cell, _, _ = rows
    with pytest.raises(DataError, match=message):
        fit_cells(y, cell, 4, **options)


def test_a_cell_of_one_row_has_no_welch_and_no_hc3(rows):
    y, cell, _, _ = rows
    alone = np.where(np.arange(90) == 0, 4, cell)
    with pytest.raises(DataError, match="two rows in each cell"):
        fit_cells(y, alone, 5, vcov="welch")
    with pytest.raises(DataError, match="HC3 does not exist"):
        fit_cells(y, alone, 5, vcov="HC3")


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_arm_in_a_single_cluster_has_no_error_between_clusters(kind, weighted):
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(6), 10)
    cell = (cluster == 0).astype(int) + 2 * (np.arange(60) % 2)
    weights = 1.0 + np.arange(60) % 3 if weighted else None
    fit = fit_cells(rng.normal(size=60), cell, 4, cluster=cluster, clustered=kind, weights=weights)
    with pytest.raises(DataError, match="rests on one cluster"):
        fit.contrast([1, -1, 0, 0])
    assert fit.contrast([1, 0, -1, 0]).se > 0
    with pytest.raises(DataError, match="rests on one cluster"):
        fit.joint(DIFFERENCES)


def test_indicators_of_clusters_leave_a_contrast_within_clusters_alone():
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(8), 6)
    X = np.column_stack([np.eye(8)[cluster], np.arange(48) % 2])
    fit = fit_linear(rng.normal(size=48), X, cluster=cluster)
    assert fit.contrast(np.eye(9)[8]).df == pytest.approx(7, rel=1e-6)
    with pytest.raises(DataError, match="rests on one cluster"):
        fit.contrast(np.eye(9)[0])


def test_the_unit_of_a_covariate_cannot_matter(rows):
    y, cell, _, x = rows
    plain, scaled = fit_cells(y, cell, 4, covariates=x), fit_cells(y, cell, 4, covariates=x * [1e12, 1e-12])
    assert scaled.means == pytest.approx(plain.means, rel=1e-9)
    assert scaled.covariance == pytest.approx(plain.covariance, rel=1e-9)


def test_a_perfect_fit_has_no_error_to_test_against():
    with pytest.raises(DataError, match="fits every row exactly"):
        fit_cells([1.0, 1, 2, 2], [0, 0, 1, 1], 2)


def test_inverse_probability_weights_give_the_weighted_means_and_their_effective_number(rows):
    y, cell, _, _ = rows
    w = 1 / np.where(np.arange(90) % 3 == 0, 0.2, 0.6)
    fit = fit_cells(y, cell, 4, vcov="HC2", weights=w)
    assert fit.means[0] == pytest.approx(np.average(y[cell == 0], weights=w[cell == 0]))
    assert "effective number is 68 of 90" in fit.notes[0]


def test_the_arrays_of_the_covariances_are_what_their_names_say(rows):
    y, cell, cluster, _ = rows
    X = np.eye(4)[cell]
    e = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    B = np.linalg.inv(X.T @ X)
    assert np.diag(heteroscedastic(X, e, B, "HC2")) == pytest.approx(
        [y[cell == k].var(ddof=1) / (cell == k).sum() for k in range(4)]
    )
    assert cluster_robust(X, e, cluster, "CR2").clusters == 12


@pytest.mark.slow
def test_cr2_with_satterthwaite_holds_its_size_with_eight_clusters_where_cr0_does_not():
    """5 % two-sided over 4,000 sets; Monte Carlo error .0034, allowed 3 of them on the high side."""
    rng = np.random.default_rng(88)
    cluster = np.repeat(np.arange(8), [5, 8, 10, 12, 15, 20, 30, 40])
    cell = (cluster < 3).astype(int)
    X = np.eye(2)[cell]
    rejected = {"CR0": 0, "CR2": 0}
    covered = 0
    for _ in range(4000):
        y = rng.normal(size=cluster.size) + 0.5 * rng.normal(size=8)[cluster]
        found = {kind: fit_linear(y, X, cluster=cluster, clustered=kind).contrast([1, -1]) for kind in rejected}
        rejected["CR0"] += abs(found["CR0"].statistic) > 1.96
        rejected["CR2"] += found["CR2"].p < 0.05
        low, high = found["CR2"].interval(0.95)
        covered += low < 0 < high
    assert rejected["CR0"] / 4000 > 0.10
    assert 0.02 < rejected["CR2"] / 4000 < 0.06
    assert covered / 4000 == 1 - rejected["CR2"] / 4000


@pytest.mark.slow
@pytest.mark.parametrize("vcov", ["welch", "HC2", "HC3"])
def test_intervals_cover_where_the_small_cell_varies_most(vcov):
    """95 % over 4,000 sets of 15 and 60 people with standard deviations 3 and 1; classical covers fewer than 85 %."""
    rng = np.random.default_rng(99)
    cell = np.repeat([0, 1], [15, 60])
    covered = {vcov: 0, "classical": 0}
    for _ in range(4000):
        y = rng.normal(size=75) * np.where(cell == 0, 3.0, 1.0)
        for kind in covered:
            low, high = fit_cells(y, cell, 2, vcov=kind).contrast([1, -1]).interval(0.95)
            covered[kind] += low < 0 < high
    assert 0.92 < covered[vcov] / 4000 < 0.97
    assert covered["classical"] / 4000 < 0.85
