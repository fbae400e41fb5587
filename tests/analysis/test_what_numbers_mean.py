"""Notes and conventions that say what numbers mean: two values, Welch's effect sizes, categories, control arms."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy import analysis
from feedbackstudy.analysis.frequentist.adjust import adjusted_for_number
from feedbackstudy.errors import DataError, NotFoundError

N = 80


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    bit = rng.integers(0, 2, N)
    return pd.DataFrame(
        {
            "A": np.repeat(["a", "b"], N // 2),
            "B": np.tile(["c", "d"], N // 2),
            "id": [f"p{i}" for i in range(N)],
            "cl": [f"c{i % 12}" for i in range(N)],
            "x": rng.normal(size=N),
            "m": rng.normal(size=N),
            "y": rng.normal(4, 1, N),
            "bit": bit,
            "one_two": bit + 1,
        }
    )


def said(result) -> str:
    return " ".join(result.notes)


def test_a_slope_on_an_outcome_of_two_values_is_a_difference_of_probabilities_and_says_so(data):
    found = analysis.regression(data, "bit", ["A"])
    shares = data.groupby("A")["bit"].mean()
    assert found["A[b]"].estimate == pytest.approx(shares["b"] - shares["a"], rel=1e-12)
    assert "differences in the probability of 1 (a linear probability model)" in said(found)
    assert "vcov='HC3'" in said(found)
    assert "analysis.logistic" in said(found)
    robust = analysis.regression(data, "one_two", ["A"], vcov="HC3")
    assert "probability of 2 " in said(robust)
    assert "which the robust covariance allows for" in said(robust)
    assert "two values" not in said(analysis.regression(data, "y", ["A"]))


def test_a_gap_between_two_values_is_named(data):
    found = analysis.regression(data.assign(half=data["bit"] * 0.5), "half", ["A"])
    shares = data.groupby("A")["bit"].mean()
    assert found["A[b]"].estimate == pytest.approx((shares["b"] - shares["a"]) * 0.5, rel=1e-12)
    assert "probability of 0.5, times 0.5" in said(found)


@pytest.mark.parametrize("options", [{}, {"vcov": "welch"}, {"cluster": "cl"}])
def test_an_analysis_of_variance_of_two_values_says_so(data, options):
    assert "two values (1 and 2)" in said(analysis.anova(data, "one_two", between=["A"], **options))
    assert "two values" not in said(analysis.anova(data, "y", between=["A"], **options))


def test_repeated_measures_of_two_values_say_so(data):
    twice = pd.concat([data.assign(t="t1"), data.assign(t="t2", bit=1 - data["bit"].to_numpy()[::-1])])
    notes = said(analysis.anova(twice, "bit", "id", within=["t"]))
    assert "which the tests do not know" in notes
    assert "random=" in notes


def test_paths_with_two_values_say_what_both_engines_do(data):
    options = {"seed": 1, "n_boot": 400, "draws": 400}
    of_outcome = said(analysis.mediation(data, "A", ["m"], "one_two", **options))
    assert "Outcome 'one_two' takes two values (1 and 2)" in of_outcome
    assert "the posterior does not" in of_outcome
    of_mediator = said(analysis.mediation(data, "A", ["bit"], "y", **options))
    assert "Mediator 'bit' takes two values (0 and 1)" in of_mediator
    assert "two values" not in said(analysis.mediation(data, "A", ["m"], "y", **options))


def test_full_information_says_so_too(data):
    holes = data.assign(bit=data["bit"].where(data.index % 9 > 0), y=data["y"].where(data.index % 11 > 0))
    found = analysis.mediation(holes, "A", ["m"], "bit", seed=1, n_boot=400, draws=400, missing="fiml")
    assert said(found).count("takes two values") == 1
    assert "jointly normal" in said(found)
    complete = data.assign(m=data["m"].where(data.index % 9 > 0))
    found = analysis.mediation(complete, "A", ["m"], "bit", seed=1, n_boot=400, draws=400, missing="fiml")
    assert said(found).count("takes two values") == 1
    assert "least squares" not in said(found)


def test_a_parallel_path_is_not_titled_as_a_serial_one(data):
    options = {"seed": 1, "n_boot": 400, "draws": 400}
    parallel, serial = (
        analysis.mediation(data, "A", ["m", "x"], "y", structure=structure, **options)
        for structure in ("parallel", "serial")
    )
    assert "> (m, x) > y" in str(parallel).splitlines()[0]
    assert "> m > x > y" in str(serial).splitlines()[0]


def test_effect_sizes_of_welchs_test_say_how_they_are_computed(data):
    found = analysis.anova(data, "y", between=["A"], vcov="welch")
    row = found.frame().iloc[0]
    f, df, df2 = row["f"], row["df"], row["df2"]
    assert row["eta_p2"] == pytest.approx(df * f / (df * f + df2), rel=1e-12)
    assert row["omega_p2"] == pytest.approx(max(0, df * (f - 1) / (df * (f - 1) + N)), abs=1e-12)
    conventions = " ".join(found.provenance.conventions)
    assert "df F / (df F + df2)" in conventions
    assert "F of welch is no ratio of sums of squares" in conventions
    assert "no ratio" not in " ".join(analysis.anova(data, "y", between=["A"]).provenance.conventions)
    clustered = analysis.anova(data, "y", between=["A"], cluster="cl")
    assert "F of CR2 is no ratio of sums of squares" in " ".join(clustered.provenance.conventions)


def test_tests_of_an_ordinal_model_over_clusters_are_named_as_what_they_are(data):
    rated = data.assign(r=np.arange(N) % 5)
    (term,) = (found := analysis.ordinal(rated, "r", ["A"], cluster="cl")).terms
    assert term.df2 == 11
    assert term.p == pytest.approx(stats.f.sf(term.statistic, 1, 11), rel=1e-12)
    told = " ".join(found.provenance.conventions)
    assert "t on 11 degrees of freedom (clusters - 1); terms by F on as many" in told
    assert "chi square" not in told
    assert "terms by Wald's chi square" in " ".join(analysis.ordinal(rated, "r", ["A"]).provenance.conventions)


def test_many_categories_and_one_category_are_told_in_values(data):
    assert "80 categories" in said(analysis.ordinal(data, "y", ["A"]))
    assert "categories" not in said(analysis.ordinal(data, "one_two", ["A"]))
    with pytest.raises(DataError, match="Outcome 'r' is 3 in all 80 complete rows"):
        analysis.ordinal(data.assign(r=3), "r", ["A"])


@pytest.mark.parametrize("bad", [-0.1, 0.0, float("nan"), float("inf")])
def test_pooling_refuses_standard_errors_that_are_none(bad):
    with pytest.raises(DataError, match="Standard errors are positive"):
        analysis.pool([1.0, 2.0, 3.0], [0.1, bad, 0.2])


@pytest.mark.parametrize("options", [{}, {"vcov": "HC3"}])
def test_an_arm_without_levels_is_pointed_to_control(data, options):
    silent = data.index % 10 == 0
    arms = data.assign(
        arm=np.where(silent, "silence", "message"), A=data["A"].where(~silent), B=data["B"].where(~silent)
    )
    found = analysis.anova(arms, "y", between=["A", "B"], **options)
    assert "8 rows with an outcome have no level of A, B" in said(found)
    assert "control=" in said(found)
    assert "control=" not in said(analysis.anova(data, "y", between=["A", "B"], **options))
    assert "control=" in said(analysis.contrasts(arms, "y", between=["A", "B"]))
    named = analysis.anova(arms, "y", between=["A", "B"], control={"arm": "silence"})
    assert "have no level" not in said(named)


def test_fdr_is_benjamini_and_hochberg_as_in_r():
    # R 4.2.2: p.adjust(c(.01, .02, .03, .5), "fdr") = 0.04 0.04 0.04 0.50
    np.testing.assert_allclose(adjusted_for_number([0.01, 0.02, 0.03, 0.5], "fdr"), [0.04, 0.04, 0.04, 0.5], rtol=1e-12)
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"A": np.repeat(list("abcd"), 20), "y": rng.normal(np.repeat([0, 0.3, 0.6, 1.0], 20), 1)})
    fdr, named = (analysis.contrasts(table, "y", between=["A"], adjust_for=how) for how in ("fdr", "fdr_bh"))
    pd.testing.assert_frame_equal(fdr.frame(), named.frame())
    assert "Benjamini and Hochberg" in " ".join(fdr.provenance.conventions)
    with pytest.raises(NotFoundError, match="fdr"):
        analysis.contrasts(table, "y", between=["A"], adjust_for="fdrr")


def test_contrasts_say_which_model_and_which_standard_deviation_they_are_over(data):
    found = analysis.logistic(data, "bit", ["A", "x"], cluster="cl").contrasts(of=["A"])
    (row,) = found.rows
    assert np.isfinite(row.df)
    sd = np.pi / np.sqrt(3)  # of the logistic distribution: a constant, which has no error of its own
    assert (row.d, row.d_low, row.d_high) == pytest.approx((row.estimate / sd, row.low / sd, row.high / sd), rel=1e-12)
    told = " ".join(found.provenance.conventions)
    assert "logistic model (maximum likelihood, CR2 covariance over 12 clusters, Satterthwaite" in told
    assert "d over the standard deviation of the latent answer" in told
    assert "12 clusters are few" in said(found)
    rated = analysis.ordinal(data.assign(r=np.arange(N) % 5), "r", ["A"], cluster="cl").contrasts(of=["A"])
    (row,) = rated.rows
    assert (row.d_low, row.d_high) == pytest.approx((row.low / sd, row.high / sd), rel=1e-12)
    assert "no correction for few clusters" in said(rated)
    assert "covariance over 12 clusters (CR1)" in " ".join(rated.provenance.conventions)


def test_contrasts_of_mixed_and_count_models_say_what_d_is_over(data):
    mixed = analysis.lmm(data, "y", ["A"], random={"cl": ["1"]})
    found = mixed.contrasts(of=["A"])
    assert found.rows[0].d == pytest.approx(found.rows[0].estimate / np.sqrt(mixed.fit.total_variance), rel=1e-12)
    assert "d over the root of the sum of all variance components" in " ".join(found.provenance.conventions)
    assert set(mixed.notes) <= set(found.notes)
    counted = analysis.count(data.assign(k=np.arange(N) % 4), "k", ["A"]).contrasts(of=["A"])
    assert counted.rows[0].d is None
    assert "d over" not in " ".join(counted.provenance.conventions)
    assert "the Poisson model is reported" in said(counted)
    plain = analysis.contrasts(data, "y", between=["A"])
    assert "d over the root mean square within cells" in " ".join(plain.provenance.conventions)


def test_planned_contrasts_that_are_no_mapping_are_refused(data):
    with pytest.raises(DataError, match="'planned' maps the name of each contrast"):
        analysis.contrasts(data, "y", "id", between=["A"])
