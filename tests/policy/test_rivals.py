"""Grouped sums equal pyfixest and statsmodels on random designs: coefficients and clustered errors to 1e-9."""

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm

from feedbackstudy.policy.compression import LinearModel, Term, compress_linear
from feedbackstudy.policy.rollouts.two_way import two_way
from tests.policy.rollouts.invented import plan_of, stats_of
from tests.policy.rollouts.invented import rows_of as roll_out

CLOSE = 1e-9


def rows_of(seed):
    """Interviewers nested in sites of very different size; integer, boolean and text levels; nulls; weights."""
    rng = np.random.default_rng(seed)
    n, sites = int(rng.integers(400, 2500)), int(rng.integers(5, 15))
    site = rng.choice(sites, n, p=rng.dirichlet(np.full(sites, 0.8)))
    frame = pd.DataFrame({"site": site, "interviewer": site * 9 + rng.integers(0, 9, n)})
    frame["month"] = rng.integers(202501, 202501 + int(rng.integers(3, 9)), n)
    frame["remote"] = rng.random(n) < rng.uniform(0.1, 0.9)
    frame["job"] = rng.choice(["care", "it's", 'a "b"', "Ünal"], n, p=[0.55, 0.3, 0.1, 0.05])
    frame["again"] = frame["job"].str.upper()  # says the same as job
    frame["country"] = "one"
    frame["policy"] = ((frame["month"] % 7 + site) % 3 > 0).astype(float)
    frame["score"] = rng.normal(3, rng.uniform(0.5, 20), n)
    frame["w"] = rng.uniform(0.5, 4, n)
    cluster = rng.normal(0, 0.2, 9 * sites)[frame["interviewer"]]
    frame["y"] = rng.normal(size=n) + cluster + 0.1 * frame["policy"] + 0.02 * frame["score"]
    for name in ("y", "score"):
        frame.loc[rng.random(n) < 0.04, name] = np.nan
    return frame


def ours(frame, weight):
    terms = [Term((), ("policy",)), Term((), ("score",))]
    terms += [Term((name,)) for name in ("site", "month", "remote", "job", "again", "country")]
    model = LinearModel(outcome="y", terms=tuple(terms), clusters=("interviewer", "site"), weight=weight)
    return model, compress_linear(frame, model)


def slopes(fit, cluster):
    at = [fit.position(name) for name in ("policy", "score")]
    return fit.beta[at], np.sqrt(np.diag(fit.clustered(cluster))[at])


def same(found, expected):
    """Compare coefficients in units of their error, and errors, to 1e-9."""
    np.testing.assert_allclose((found[0] - expected[0]) / expected[1], 0, atol=CLOSE)
    np.testing.assert_allclose(found[1], expected[1], rtol=CLOSE)


@pytest.mark.parametrize("weight", [None, "w"], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("seed", range(8))
def test_random_designs_equal_statsmodels_in_every_coefficient(seed, weight):
    frame = rows_of(seed)
    _, fit = ours(frame, weight)
    whole = frame.dropna(subset=["y", "score"])
    kept = np.flatnonzero(np.isfinite(fit.beta))
    x = np.ones((len(whole), kept.size))
    for i, at in enumerate(kept):
        column = fit.columns[at]
        for name in column.term.numerics:
            x[:, i] *= whole[name]
        for name, level in zip(column.term.factors, column.levels, strict=True):
            x[:, i] *= whole[name] == level
    assert np.linalg.matrix_rank(x) == kept.size
    weights = np.ones(len(whole)) if weight is None else whole[weight]
    for cluster in ("interviewer", "site"):
        groups = pd.factorize(whole[cluster])[0]
        found = sm.WLS(whole["y"].to_numpy(), x, weights).fit(cov_type="cluster", cov_kwds={"groups": groups})
        se = np.sqrt(np.diag(fit.clustered(cluster)))[kept]
        np.testing.assert_allclose((fit.beta[kept] - found.params) / found.bse, 0, atol=CLOSE)
        np.testing.assert_allclose(se, found.bse, rtol=CLOSE)
    assert fit.rows == len(whole)


@pytest.mark.filterwarnings(r"ignore:\s+\d+ variables dropped due to multicollinearity")
@pytest.mark.parametrize("weight", [None, "w"], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("seed", range(8))
def test_random_designs_equal_pyfixest(seed, weight):
    """It drops the factor that says nothing new itself; dummies, and the same effects absorbed."""
    frame = rows_of(seed)
    _, fit = ours(frame, weight)
    options = {} if weight is None else {"weights": weight}
    dummies = "y ~ policy + score + C(site) + C(month) + C(remote) + C(job) + C(again)"
    absorbed = "y ~ policy + score | site + month + remote + job"
    for cluster in ("interviewer", "site"):
        for formula, extra in (
            (dummies, {}),
            (absorbed, {"ssc": pf.ssc(k_fixef="full"), "demeaner": pf.MapDemeaner(100_000, 1e-14)}),
        ):
            found = pf.feols(formula, frame, vcov={"CRV1": cluster}, **extra, **options)
            names = ["policy", "score"]
            same(slopes(fit, cluster), (found.coef()[names].to_numpy(), found.se()[names].to_numpy()))


def test_the_adjusted_model_of_the_statistics_is_that_of_rows():
    """`SufficientStats.fits` of a roll-out against pyfixest on the rows that it was compressed from."""
    rows = roll_out(4, sites=14, periods=7).assign(job=lambda own: own["job"].where(own.index % 3 > 0, "c"))
    fit = stats_of(rows, plan_of(rows, adjust=("job",))).fits["again"]
    found = pf.feols("m_again ~ treated + C(site) + C(period) + C(job)", rows, vcov={"CRV1": "site"})
    at = fit.position("treated")
    expected = (found.coef()["treated"], found.se()["treated"])
    same((fit.beta[at], np.sqrt(fit.clustered("site")[at, at])), expected)


@pytest.mark.parametrize(("ours", "theirs"), [("CR1", "CRV1"), ("CR3", "CRV3")])
def test_two_way_effects_of_cells_have_the_errors_of_rows(ours, theirs):
    """pyfixest on the rows, unit and period absorbed; CR1 has no factor for parameters, CR3 none at all."""
    rows = roll_out(4, sites=14, periods=7)
    row = two_way(stats_of(rows, plan_of(rows)), correction=ours).rows[0]
    found = pf.feols("m_again ~ treated | site + period", rows, vcov={theirs: "site"},
                     ssc=pf.ssc(k_adj=False, G_adj=ours == "CR1"), demeaner=pf.MapDemeaner(100_000, 1e-14))  # fmt: skip
    same((row.estimate, row.se), (found.coef()["treated"], found.se()["treated"]))


def test_memory_of_a_file_does_not_grow_with_its_rows(tmp_path):
    """The benchmark's own run, in a process of its own: eight times the rows take hardly more memory."""
    import json
    import subprocess
    import sys

    from benchmarks import policy as benchmark

    peaks = []
    for rows in (250_000, 2_000_000):
        path = tmp_path / f"{rows}.parquet"
        benchmark.invent(path, rows)
        done = subprocess.run([sys.executable, benchmark.__file__, "--one", "DuckDB", str(path)], capture_output=True,
                              text=True, check=True)  # fmt: skip
        peaks.append(json.loads(done.stdout.splitlines()[-1])["gigabytes"])
    assert peaks[1] < 1.0
    assert peaks[1] - peaks[0] < 0.15  # all columns of the added rows as numbers would take .15 GB alone
