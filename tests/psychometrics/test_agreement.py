"""Intraclass correlations and chance-corrected agreement."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.psychometrics import cohen_kappa, fleiss_kappa, icc, krippendorff_alpha

# Four observers, twelve units, missing codes: the worked example of Krippendorff (2011), "Computing Krippendorff's
# alpha-reliability", which prints .743 (nominal), .815 (ordinal), .849 (interval) and .797 (ratio).
_ = np.nan
WORKED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T


@pytest.fixture
def coders():
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 5, 200)
    return pd.DataFrame(
        {name: np.where(rng.random(200) < 0.6, truth, rng.integers(1, 5, 200)) for name in ("ann", "bob", "cid")}
    )


@pytest.fixture
def shrout(request):
    folder = request.path.parents[1] / "reference"
    return pd.read_csv(folder / "shrout_fleiss_1979.csv", index_col=0)


def test_all_six_forms_agree_with_psych_unrounded(shrout, oracle):
    reference = oracle["icc"]["shrout_fleiss"]["aov"]

    found = icc(shrout)

    for at, form in enumerate(reference["type"]):
        row = found.row(form)
        assert row.value == pytest.approx(reference["ICC"][at], abs=1e-9), form
        assert row.low == pytest.approx(reference["lower bound"][at], abs=1e-9), form
        assert row.high == pytest.approx(reference["upper bound"][at], abs=1e-9), form
        assert row.f == pytest.approx(reference["F"][at], abs=1e-7), form
        assert (row.df1, row.df2) == (reference["df1"][at], reference["df2"][at])
        assert row.p == pytest.approx(reference["p"][at], abs=1e-9), form
    squares = oracle["icc"]["shrout_fleiss"]["MS"]
    assert found.mean_squares["targets"] == pytest.approx(squares["MSB"], abs=1e-7)
    assert found.mean_squares["raters"] == pytest.approx(squares["MSJ"], abs=1e-7)
    assert found.mean_squares["residual"] == pytest.approx(squares["MSE"], abs=1e-7)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(12)
    hits = 0
    for _draw in range(200):
        ratings = rng.normal(size=(40, 1)) + rng.normal(size=(40, 3))
        row = icc(ratings, level=0.9).row("ICC(C,1)")
        hits += row.low < 0.5 < row.high

    # 200 draws at 90 %: a standard error of 2.1 points; three of them.
    assert hits / 200 == pytest.approx(0.9, abs=0.065)


def test_perfect_agreement_is_one_and_has_no_width():
    row = icc(np.repeat(np.arange(6.0)[:, None], 3, axis=1)).row("ICC(A,1)")

    assert (row.value, row.low, row.high) == pytest.approx((1.0, 1.0, 1.0))


def test_an_unknown_form_is_answered_with_the_choices(shrout):
    with pytest.raises(NotFoundError, match=r"ICC4.*Did you mean"):
        icc(shrout).row("ICC4")
    with pytest.raises(DataError, match="All ratings are the same"):
        icc(np.ones((5, 2)))


def test_targets_with_a_missing_rating_are_set_aside_and_counted(shrout):
    holes = shrout.astype(float)
    holes.iloc[0, 0] = np.nan

    found = icc(holes)

    assert found.n_targets == 5
    assert any("1 of 6" in issue.what for issue in found.issues)


@pytest.mark.parametrize(
    ("metric", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_krippendorffs_worked_example(metric, printed):
    found = krippendorff_alpha(WORKED, metric=metric)

    assert found.value == pytest.approx(printed, abs=5e-4)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_cohens_kappa_and_its_error_agree_with_statsmodels(coders, weights):
    from statsmodels.stats.inter_rater import cohens_kappa, to_table

    theirs = cohens_kappa(to_table(coders[["ann", "bob"]].to_numpy())[0], wt=None if weights == "none" else weights)

    ours = cohen_kappa(coders[["ann", "bob"]], weights=weights)

    assert ours.value == pytest.approx(theirs.kappa, abs=1e-12)
    assert ours.se == pytest.approx(theirs.std_kappa, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-9)


def test_fleiss_kappa_agrees_with_statsmodels_and_its_error_with_the_jackknife(coders):
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as theirs

    ours = fleiss_kappa(coders)

    assert ours.value == pytest.approx(theirs(aggregate_raters(coders.to_numpy())[0]), abs=1e-12)
    left_out = np.array([fleiss_kappa(coders.drop(index=i)).value for i in range(len(coders))])
    jackknife = np.sqrt((len(left_out) - 1) / len(left_out) * ((left_out - left_out.mean()) ** 2).sum())
    assert ours.se == pytest.approx(jackknife, rel=0.02)


def test_two_coders_without_missing_codes_agree_by_every_coefficient_when_samples_grow(coders):
    two = pd.concat([coders[["ann", "bob"]]] * 20, ignore_index=True)

    values = [cohen_kappa(two).value, fleiss_kappa(two).value, krippendorff_alpha(two, draws=10).value]

    assert np.ptp(values) < 0.005


def test_text_codes_are_taken_as_names_but_not_as_numbers():
    words = pd.DataFrame({"ann": ["gain", "loss", "gain", "none"], "bob": ["gain", "loss", "loss", "none"]})

    assert cohen_kappa(words).categories == ("gain", "loss", "none")
    with pytest.raises(DataError, match="needs numeric codes"):
        krippendorff_alpha(words, metric="interval")
    with pytest.raises(DataError, match="Only the code"):
        fleiss_kappa(np.ones((4, 2)))
    with pytest.raises(DataError, match="for two"):
        cohen_kappa(np.tile([1, 2, 1], (3, 1)))
    with pytest.raises(DataError, match=r"'squared' is unknown"):
        cohen_kappa(words, weights="squared")


def test_units_without_all_codes_are_set_aside_by_kappa_and_said(coders):
    holes = coders.astype(float)
    holes.iloc[:3, 0] = np.nan

    found = fleiss_kappa(holes)

    assert found.n_units == 197
    assert found.issues[0].code == "psychometrics.units_set_aside"
