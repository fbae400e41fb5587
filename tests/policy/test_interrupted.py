"""One unit before and after: errors by their definition, coverage where errors remember."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.policy.interrupted import interrupted, series_of
from feedbackstudy.policy.interrupted_errors import autoregressive_df, prais_winsten, reml_autoregression
from feedbackstudy.policy.rollouts.panel import panel_of
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


@pytest.fixture(scope="module")
def stats():
    rows = rows_of(5, sites=4, periods=24, per_cell=80, never=1, effect=0.15)
    rows = rows[rows["site"] == _middle(rows)]
    both = rows_of(6, sites=1, periods=24, never=1).assign(site="never")
    whole = pd.concat([rows, both], ignore_index=True)
    return stats_of(whole, plan_of(whole))


def _middle(rows):
    first = rows[rows["treated"] == 1].groupby("site")["period"].min() - rows["period"].min()
    return first[(first >= 4) & (first <= 20)].index[0] if ((first >= 4) & (first <= 20)).any() else first.index[0]


@pytest.fixture(scope="module")
def team(stats):
    return next(unit for unit in panel_of(stats).units if unit != "never")


def test_newey_west_is_its_definition(stats, team):
    series = series_of(panel_of(stats), team)
    x, y, n = series.design(slope=True), series.frame["mean"].to_numpy(), series.frame["n"].to_numpy()
    w = np.sqrt(n / n.mean())
    x, y = x * w[:, None], y * w
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    score = x * (y - x @ beta)[:, None]
    lags, length, p = 3, *x.shape
    meat = score.T @ score
    for lag in range(1, lags + 1):
        own = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (lags + 1)) * (own + own.T)
    bread = np.linalg.inv(x.T @ x)
    covariance = length / (length - p) * bread @ meat @ bread
    rows = interrupted(stats, team, method="newey-west", lags=lags).rows
    assert rows[1].estimate == pytest.approx(beta[0], abs=1e-10)
    assert rows[1].se == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-8)
    assert rows[2].estimate == pytest.approx(beta[1], abs=1e-10)
    assert rows[0].df == length - p
    assert "Newey-West with 3 lags" in rows[0].covariance
    since = series.frame["since"].to_numpy()
    middle = np.average(since[since >= 0], weights=n[since >= 0])
    assert rows[0].estimate == pytest.approx(beta[0] + middle * beta[1], abs=1e-10)


def test_prais_winsten_is_generalised_least_squares_at_its_own_autocorrelation():
    rng = np.random.default_rng(7)
    length = 40
    e = rng.normal(size=length)
    for t in range(1, length):
        e[t] += 0.5 * e[t - 1]
    x = np.column_stack([np.arange(length) >= 20, np.ones(length), np.arange(length)]).astype(float)
    y = x @ [0.5, 1.0, 0.02] + e
    beta, covariance, rho = prais_winsten(y, x)
    v = rho ** np.abs(np.subtract.outer(np.arange(length), np.arange(length))) / (1 - rho**2)
    inverse = np.linalg.inv(v)
    direct = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    left = y - x @ direct
    assert beta == pytest.approx(direct, abs=1e-9)
    assert rho == pytest.approx((left[1:] @ left[:-1]) / (left[:-1] @ left[:-1]), abs=1e-8)
    variance = left @ inverse @ left / (length - 3)
    assert covariance == pytest.approx(variance * np.linalg.inv(x.T @ inverse @ x), rel=1e-6)


def test_without_a_slope_there_is_one_answer(stats, team):
    rows = interrupted(stats, team, slope=False, method="prais-winsten").rows
    assert len(rows) == 1
    assert "Prais-Winsten, first-order" in rows[0].covariance
    assert "would have gone on" in rows[0].assumptions[0]


def test_what_is_no_series_is_refused(stats, team):
    with pytest.raises(NotFoundError, match="Unit 'x' is unknown"):
        interrupted(stats, "x")
    with pytest.raises(DataError, match="never changes over"):
        interrupted(stats, "never")
    with pytest.raises(NotFoundError, match="'arima' is unknown"):
        interrupted(stats, team, method="arima")
    rows = rows_of(1, sites=6, periods=6)
    short = stats_of(rows, plan_of(rows))
    with pytest.raises(DataError, match="four of each"):
        interrupted(short, panel_of(short).units[0])


def test_reml_is_the_restricted_likelihood_of_the_dense_covariance():
    rng = np.random.default_rng(9)
    x = np.column_stack([np.arange(30) >= 15, np.ones(30), np.arange(30)]).astype(float)
    y = np.cumsum(rng.normal(size=30)) * 0.3 + rng.normal(size=30)
    beta, covariance, rho = reml_autoregression(y, x)

    def dense(r):
        v = r ** np.abs(np.subtract.outer(np.arange(30), np.arange(30))) / (1 - r**2)
        inverse = np.linalg.inv(v)
        b = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        rss = (y - x @ b) @ inverse @ (y - x @ b)
        log_det = np.linalg.slogdet(v)[1] + np.linalg.slogdet(x.T @ inverse @ x)[1]
        return log_det + 27 * np.log(rss), b, rss / 27 * np.linalg.inv(x.T @ inverse @ x)

    assert dense(rho)[0] <= min(dense(r)[0] for r in np.linspace(-0.9, 0.97, 400)) + 1e-9
    assert beta == pytest.approx(dense(rho)[1], abs=1e-9)
    assert covariance == pytest.approx(dense(rho)[2], rel=1e-8)


@pytest.mark.slow
def test_reml_keeps_its_level_where_others_do_not():
    """60 months, autocorrelation .4, 2,000 series, nominal 5 %: REML stays nearest to it."""
    rng = np.random.default_rng(8)
    length, trials = 60, 2000
    x = np.column_stack([np.arange(length) >= 30, np.ones(length), np.arange(length)]).astype(float)
    bread = np.linalg.inv(x.T @ x)
    rejected = dict.fromkeys(("reml", "prais-winsten", "plain"), 0)
    for _ in range(trials):
        e = rng.normal(size=length + 20)
        for t in range(1, e.size):
            e[t] += 0.4 * e[t - 1]
        y = e[20:]
        b = bread @ x.T @ y
        left = y - x @ b
        first, covariance, rho = reml_autoregression(y, x)
        fits = {
            "reml": (first, covariance),
            "prais-winsten": prais_winsten(y, x)[:2],
            "plain": (b, left @ left / (length - 3) * bread),
        }
        for name, (beta, covariance) in fits.items():
            df = autoregressive_df(y, x, rho, np.eye(3)[0]) if name == "reml" else length - 4.0
            rejected[name] += 2 * special.stdtr(df, -abs(beta[0] / covariance[0, 0] ** 0.5)) < 0.05
    rates = {name: count / trials for name, count in rejected.items()}
    assert rates["reml"] < 0.08, rates
    assert rates["reml"] < rates["prais-winsten"] < rates["plain"], rates
    assert rates["plain"] > 0.15, rates
