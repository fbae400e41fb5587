"""Polychoric correlations, their thresholds and their covariance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics import polychoric, tetrachoric, thresholds_and_polychorics
from feedbackstudy.psychometrics.bivariate import bivariate_cdf

ITEMS = [f"{scale}{k}" for scale in "ACENO" for k in range(1, 6)]


@pytest.mark.parametrize("r", [-0.9999, -0.97, -0.93, -0.8, -0.4, 0.0, 0.2, 0.6, 0.9, 0.926, 0.95, 0.99, 0.9999])
def test_the_bivariate_normal_agrees_with_scipys_integration(r):
    points = np.array([(-2.5, 1.0), (0.0, 0.0), (0.3, -0.7), (1.5, 1.4), (-0.4, -0.41), (3.0, -3.0)])

    ours = bivariate_cdf(points[:, 0], points[:, 1], np.full(len(points), r))

    theirs = stats.multivariate_normal.cdf(points, [0, 0], [[1, r], [r, 1]], abseps=1e-10, releps=1e-10, maxpts=200_000)
    np.testing.assert_allclose(ours, theirs, atol=2e-9)


@pytest.mark.parametrize("r", [-0.95, -0.5, 0.5, 0.95])
def test_the_bivariate_normal_keeps_its_margins_and_symmetry(r):
    h = np.linspace(-3, 3, 7)
    far = np.full_like(h, np.inf)

    np.testing.assert_allclose(bivariate_cdf(h, far, np.full_like(h, r)), stats.norm.cdf(h), atol=1e-14)
    np.testing.assert_allclose(
        bivariate_cdf(h, h[::-1], np.full_like(h, r)), bivariate_cdf(h[::-1], h, np.full_like(h, r)), atol=1e-15
    )
    total = bivariate_cdf(h, h, np.full_like(h, r)) + bivariate_cdf(h, -h, np.full_like(h, -r))
    np.testing.assert_allclose(total, stats.norm.cdf(h), atol=1e-12)


def test_polychorics_of_25_items_agree_with_lavcor(bfi, oracle):
    reference = oracle["polychoric"]["lavaan_listwise"]

    result = polychoric(bfi[ITEMS])

    assert result.n == reference["n"] == 2436
    np.testing.assert_allclose(result.R, np.array(reference["rho"]["values"]), atol=1e-6)
    np.testing.assert_allclose(result.tau, list(reference["thresholds"].values()), atol=1e-8)
    assert list(result.elements[:125]) == list(reference["thresholds"])


def test_standard_errors_agree_with_lavcor(bfi, oracle):
    reference = pd.DataFrame(oracle["polychoric"]["lavaan_A1_A5_with_se"])
    known = {
        f"{row.lhs}|{row.rhs}" if row.op == "|" else f"{row.lhs}~~{row.rhs}": row
        for row in reference[reference["se"] > 0].itertuples()
    }
    complete = bfi[ITEMS].dropna()

    found = polychoric(complete[ITEMS[:5]]).estimates().set_index("element")

    assert set(known) == set(found.index)
    for name, row in known.items():
        assert found.loc[name, "estimate"] == pytest.approx(row.est, abs=1e-6), name
        assert found.loc[name, "se"] == pytest.approx(row.se, abs=1e-7), name


def test_pairwise_polychorics_agree_with_psych(bfi, oracle):
    reference = oracle["polychoric"]["psych_pairwise_correct05_global"]

    result = thresholds_and_polychorics(bfi[ITEMS], missing="pairwise", covariance=False)

    # psych integrates with mnormt and stops its one-dimensional search at about 1e-5.
    np.testing.assert_allclose(result.R, np.array(reference["rho"]["values"]), atol=5e-5)
    assert result.acov is None
    assert np.isnan(result.se).all()


def test_tetrachorics_agree_with_lavcor(bfi, oracle):
    halves = (bfi[ITEMS].dropna()[ITEMS[:5]] > 3).astype(int)

    np.testing.assert_allclose(tetrachoric(halves).R, np.array(oracle["tetrachoric"]["lavaan"]["values"]), atol=1e-8)
    with pytest.raises(DataError, match="6 categories"):
        tetrachoric(bfi[ITEMS[:3]])


def test_items_may_differ_in_their_number_of_categories(bfi):
    mixed = bfi[ITEMS[:4]].dropna().assign(A1=lambda d: (d["A1"] > 2).astype(int), A2=lambda d: d["A2"].clip(2, 5))

    joint, alone = polychoric(mixed), polychoric(mixed[["A1", "A2"]])

    assert [len(t) for t in joint.thresholds] == [1, 3, 5, 5]
    assert joint.R[0, 1] == pytest.approx(alone.R[0, 1], abs=1e-10)
    at = [joint.elements.index(name) for name in alone.elements]
    np.testing.assert_allclose(joint.acov[np.ix_(at, at)], alone.acov, rtol=1e-8)


def test_the_covariance_describes_repeated_samples():
    rng = np.random.default_rng(3)
    cuts = np.array([-0.8, 0.1, 0.9])
    n = 400
    draws = []
    for _ in range(300):
        x = rng.multivariate_normal([0, 0, 0], [[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]], n)
        found = polychoric(np.searchsorted(cuts, x))
        draws.append(np.concatenate([found.tau, found.rho]))
    expected = np.sqrt(np.diag(found.acov) / n)

    # The standard deviation of 300 draws is itself known to 4 %; four of its errors.
    np.testing.assert_allclose(np.std(draws, axis=0) / expected, 1.0, atol=0.17)


def test_pairwise_without_missing_answers_is_listwise(bfi):
    complete = bfi[ITEMS[:6]].dropna()

    one, other = (thresholds_and_polychorics(complete, missing=rule) for rule in ("listwise", "pairwise"))

    np.testing.assert_allclose(one.R, other.R, atol=1e-12)
    np.testing.assert_allclose(one.acov, other.acov, atol=1e-10)


def test_reversing_an_item_flips_only_signs(bfi):
    items = bfi[ITEMS[:5]].dropna()

    plain, turned = polychoric(items), polychoric(items.assign(A3=7 - items["A3"]))

    sign = np.where(np.arange(5) == 2, -1, 1)
    np.testing.assert_allclose(turned.R, plain.R * np.outer(sign, sign), atol=1e-8)


def test_permuted_rows_give_the_same_numbers(bfi):
    items = bfi[ITEMS[:5]].dropna()
    shuffled = items.sample(frac=1, random_state=4)

    np.testing.assert_allclose(polychoric(items).acov, polychoric(shuffled).acov, rtol=1e-9, atol=1e-12)


def test_the_empty_cell_of_a_two_by_two_table_is_corrected_and_said():
    table = [(0, 0)] * 30 + [(0, 1)] * 20 + [(1, 1)] * 25
    pair = pd.DataFrame(table, columns=["p", "q"])

    corrected, plain = tetrachoric(pair), tetrachoric(pair, correct=0)

    assert plain.R[0, 1] > 0.99 > corrected.R[0, 1] > 0.5
    assert "psychometrics.empty_cell_corrected" in {issue.code for issue in corrected.issues}
    assert "psychometrics.sparse_table" in {issue.code for issue in plain.issues}
    # The margins, and with them the thresholds, stay as they are.
    np.testing.assert_allclose(corrected.tau, stats.norm.ppf([50 / 75, 30 / 75]), atol=1e-12)
