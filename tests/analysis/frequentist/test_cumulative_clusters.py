"""Cluster-robust covariance of cumulative models against R.

R: ``f <- ordinal::clm(likert ~ timing * framing + baseline, data, link)``; scores: ``numDeriv::jacobian`` of each row's
log likelihood at ``coef(f)``, summed by interviewer; ``vcov(f) %*% crossprod(S) %*% vcov(f) * G / (G - 1)``.
"""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis
from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_clusters import clustered_cumulative, cumulative_scores
from feedbackstudy.errors import DataError
from tests.analysis.conftest import REFERENCE

TERMS = ["timing", "framing", "timing:framing", "baseline"]
KNOWN = {
    "logit": [0.26404497878, 0.26043416572, 0.22370526363, 0.21324787035, 0.26476223073, 0.28516187876, 0.10409701817,
              0.41085951224],
    "probit": [0.139859892437, 0.144784803606, 0.127170390476, 0.117573984640, 0.151787419017, 0.161848623468,
               0.061270804468, 0.252230686215],
}  # fmt: skip


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "feedback_unbalanced.csv")


@pytest.fixture(scope="module")
def rows(data) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    timing, framing = data.timing == "immediate", data.framing == "loss"
    X = np.column_stack([timing, framing, data.baseline, timing & framing]).astype(float)
    y = np.unique(data.likert, return_inverse=True)[1]
    return y, X, pd.factorize(data.interviewer)[0]


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_standard_errors_are_those_of_the_scores_in_r(rows, link):
    y, X, cluster = rows
    fit = fit_cumulative(y, X, int(y.max()) + 1, link=link)
    found = clustered_cumulative(fit, y, X, cluster)
    correction = np.sqrt((fit.n - 1) / (fit.n - fit.parameters))
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(np.array(KNOWN[link]) * correction, rel=1e-6)
    assert (found.df, fit.df) == (19.0, np.inf)
    assert np.abs(cumulative_scores(fit, y, X).sum(axis=0)).max() < 1e-6


def test_rows_that_are_their_own_clusters_differ_from_the_information_by_the_model_only():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4000, 2))
    y = np.searchsorted([-0.5, 0.4, 1.2], X @ [0.5, -0.3] + rng.logistic(size=4000))
    fit = fit_cumulative(y, X, 4)
    found = clustered_cumulative(fit, y, X, np.arange(4000))
    assert np.diag(found.covariance) == pytest.approx(np.diag(fit.covariance), rel=0.1)


def test_the_direct_function_uses_t_and_says_so(data):
    plain, found = (analysis.ordinal(data, "likert", TERMS, **chosen) for chosen in ({}, {"cluster": "interviewer"}))
    assert "covariance over 20 clusters (CR1)" in found.model
    assert found.frame()["estimate"].to_numpy() == pytest.approx(plain.frame()["estimate"].to_numpy(), rel=1e-12)
    assert set(found.frame()["df"]) == {19.0}
    assert set(found.terms_frame()["df2"]) == {19.0}
    correction = np.sqrt((found.n - 1) / (found.n - 8))
    assert sorted(found.frame()["se"]) == pytest.approx(sorted(np.array(KNOWN["logit"][4:]) * correction), rel=1e-5)


def test_the_script_gives_the_same_errors_in_r(data, run_r, tmp_path):
    found = analysis.ordinal(data, "likert", TERMS, cluster="interviewer")
    shown = run_r(found.r_script(), tmp_path)
    theirs = sorted(value for name, (value,) in shown.items() if name.endswith("clustered se"))
    assert theirs == pytest.approx(sorted(np.sqrt(np.diag(found.fit.covariance))), rel=1e-5)


def test_too_few_clusters_and_two_ways_at_once_are_refused(data, rows):
    y, X, cluster = rows
    fit = fit_cumulative(y, X, int(y.max()) + 1)
    with pytest.raises(DataError, match="one cluster"):
        clustered_cumulative(fit, y, X, np.zeros_like(cluster))
    with pytest.raises(DataError, match="5 clusters cannot carry"):
        clustered_cumulative(fit, y, X, cluster % 5)
    with pytest.raises(DataError, match="choose one"):
        analysis.ordinal(data, "likert", TERMS, cluster="interviewer", random={"interviewer": ["1"]})


@pytest.mark.slow
def test_intervals_over_clusters_cover_where_those_of_independent_answers_do_not():
    """Of 400 sets whose cluster of 12 shares an effect and a treatment, the share of |t| beyond 5 %."""
    beyond = np.zeros(2)
    for k in range(400):
        rng = np.random.default_rng([4, k])
        cluster = np.repeat(np.arange(30), 12)
        treated = (rng.permutation(30) % 2)[cluster].astype(float)
        latent = 0.8 * rng.normal(size=30)[cluster] + rng.logistic(size=360)
        y, X = np.searchsorted([-1.0, 0.0, 1.0], latent), treated[:, None]
        fit = fit_cumulative(y, X, 4)
        found = clustered_cumulative(fit, y, X, cluster)
        sizes = [np.sqrt(one.covariance[3, 3]) for one in (fit, found)]
        beyond += np.abs(fit.beta[0]) > np.array([1.959964, 2.04523]) * sizes
    assert beyond[0] / 400 > 0.15
    assert abs(beyond[1] / 400 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400) + 0.01
