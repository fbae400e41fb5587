"""Separation in estimating equations; logistic and count models over few clusters against clubSandwich."""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis
from feedbackstudy.errors import DataError

N = 80
REFERENCE = Path(__file__).resolve().parents[1] / "reference"
TERMS = ["timing", "framing", "day"]
KINDS = ("CR0", "CR1", "CR1S", "CR2", "CR3")


@pytest.fixture(scope="module")
def split() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group, x = np.repeat(["a", "b"], N // 2), rng.normal(size=N)
    return pd.DataFrame(
        {
            "A": group,
            "x": x,
            "cl": [f"c{i % 10}" for i in range(N)],
            "quasi": np.where(group == "a", 1, rng.integers(0, 2, N)),
            "above": (x > 0).astype(int),
            "none": np.where(group == "a", 0, rng.poisson(2, N)),
        }
    )


@pytest.mark.parametrize("structure", ["exchangeable", "independence"])
@pytest.mark.parametrize(
    ("outcome", "family", "terms", "named"),
    [
        ("quasi", "binomial", ["A"], r"A\[b\]"),
        ("quasi", "binomial", ["A", "x"], r"A\[b\]"),
        ("above", "binomial", ["x"], "x"),
        ("none", "poisson", ["A"], r"A\[b\]"),
    ],
)
def test_estimating_equations_refuse_separation_by_name(split, outcome, family, terms, named, structure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"Separation: .*{named}"):
            analysis.gee(split, outcome, terms, "cl", family=family, structure=structure)


def test_one_answer_that_breaks_the_separation_is_fitted_without_a_warning(split):
    near = split.assign(above=np.where(split.index == 3, 1 - split["above"], split["above"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analysis.gee(near, "above", ["x"], "cl", family="binomial", structure="independence")
    known = analysis.logistic(near, "above", ["x"])
    np.testing.assert_allclose(found.frame()["estimate"], known.frame()["estimate"], rtol=1e-8)


@pytest.fixture(scope="module")
def stories() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


def over_teams(data: pd.DataFrame, family: str, **options):
    if family == "binomial":
        return analysis.logistic(data, "reply", TERMS, cluster="team", **options)
    return analysis.count(data, "hints", TERMS, family=family, cluster="team", **options)


@pytest.mark.parametrize("family", ["binomial", "poisson", "negative binomial"])
@pytest.mark.parametrize("kind", KINDS)
def test_covariances_df_and_joint_tests_over_12_clusters_are_those_of_clubsandwich(stories, family, kind):
    """tests/reference/clustered_models.R: vcovCR(glm or glm.nb), coef_test(Satterthwaite), Wald_test(HTZ)."""
    known = json.loads((REFERENCE / "clustered_models.json").read_text(encoding="utf-8"))["fits"][family]
    fit, wanted = over_teams(stories, family, vcov=kind), known["vcov"][kind]
    rows, tests = fit.frame(), fit.terms_frame().set_index("term")
    np.testing.assert_allclose(rows["estimate"], known["estimate"], rtol=1e-10)
    for column in ("se", "df", "p"):
        np.testing.assert_allclose(rows[column], wanted[column], rtol=2e-7)
    joint = tests.loc["framing"]
    np.testing.assert_allclose(
        [joint["statistic"], joint["df2"], joint["p"]], [wanted["framing"][of] for of in ("f", "df2", "p")], rtol=2e-7
    )
    assert f"{kind} covariance over 12 clusters" in fit.model


@pytest.mark.parametrize("family", ["binomial", "poisson", "negative binomial"])
def test_cr2_is_the_default_and_few_clusters_are_said(stories, family):
    fit = over_teams(stories, family)
    pd.testing.assert_frame_equal(fit.frame(), over_teams(stories, family, vcov="CR2").frame())
    assert "12 clusters are few: CR2 with Satterthwaite degrees of freedom corrects for it." in fit.notes
    assert any("CR2 would be less biased" in note for note in over_teams(stories, family, vcov="CR1").notes)
    many = analysis.logistic(stories, "reply", TERMS, cluster="participant")
    assert not any("few" in note for note in many.notes)


def test_contrasts_of_log_odds_and_probabilities_have_satterthwaites_df(stories):
    fit = over_teams(stories, "binomial")
    odds = fit.contrasts(of=["timing"], adjust_for="none").rows[0]
    timing = fit.frame().set_index("effect").loc["timing[immediate]"]
    np.testing.assert_allclose([-odds.estimate, odds.se, odds.df], timing[["estimate", "se", "df"]], rtol=1e-9)
    shares = fit.contrasts(of=["timing"], scale="response", adjust_for="none").rows[0]
    assert 2 < shares.df < 11
    assert shares.df == pytest.approx(odds.df, rel=0.1)


def test_a_coefficient_that_one_cluster_determines_stops_the_result(stories):
    own = stories.assign(own=np.where(stories["team"] == "t00", "yes", "no"))
    fit = analysis.logistic(own, "reply", ["timing", "own"], cluster="team")
    row = fit.frame().set_index("effect").loc["own[yes]"]
    assert np.isnan([row["se"], row["df"], row["p"]]).all()
    assert not fit.fit_to_report
    assert "own[yes]" in " ".join(fit.failures)
    assert "own" in " ".join(note for note in fit.notes if "jointly" in note)
    with pytest.raises(DataError, match="CR3 does not exist"):
        analysis.logistic(own, "reply", ["timing", "own"], cluster="team", vcov="CR3")


@pytest.mark.parametrize("fitted", [analysis.logistic, analysis.count])
def test_covariances_that_do_not_fit_are_refused(stories, fitted):
    with pytest.raises(DataError, match="needs cluster="):
        fitted(stories, "reply", TERMS, vcov="CR2")
    with pytest.raises(DataError, match="Cluster-robust covariance"):
        fitted(stories, "reply", TERMS, vcov="HC3", cluster="team")


def test_ordinal_clusters_say_that_nothing_corrects_for_few(stories):
    few, many = (analysis.ordinal(stories, "rating", TERMS, cluster=name) for name in ("team", "participant"))
    assert "Warning: 12 clusters are few" in " ".join(few.notes)
    assert "random=" in " ".join(few.notes)
    assert "no correction for few clusters" in " ".join(many.notes)
    assert "Warning" not in " ".join(many.notes)
