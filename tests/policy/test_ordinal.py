"""Ordered ratings equal R's cumulative logit and rank methods, and keep their level with few clusters."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sp

from feedbackstudy.errors import DataError
from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.inference.cell_regression import fit_cells
from feedbackstudy.policy.proportional_odds import proportional_odds
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.sufficient import Prepared, compress_prepared
from feedbackstudy.provenance import Provenance
from tests.policy.test_readout import plan_of

R = json.loads((Path(__file__).parents[1] / "reference" / "policy_ordinal.json").read_text())
RATING = Metric(
    name="rating", label="Rating", kind="ordinal", column="r", categories=(1.0, 2.0, 3.0, 4.0), role="primary"
)


def rating_plan(unit, **changed):
    plan = plan_of(unit).model_copy(update={"metrics": plan_of(unit).metrics.__class__((RATING,))})
    return plan.model_copy(update={"treatment": plan.treatment.model_copy(update=changed)})


def rows_of_counts(counts, arm, region=None):
    parts = []
    for site, (own, treated) in enumerate(zip(counts, arm, strict=True)):
        codes = np.repeat([1.0, 2.0, 3.0, 4.0], own)
        parts.append(pd.DataFrame({"site": f"{site:02d}", "treated": float(treated), "m_rating": codes}))
        parts[-1]["region"] = region[site] if region is not None else "all"
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(arm=np.where(frame["treated"] > 0, "new", "old"), period=0)


def read(frame, plan, **options):
    prepared = Prepared(table=frame, provenance=Provenance(made_by="test"))
    return readout(compress_prepared(prepared, plan), **options)


def test_the_cumulative_logit_is_that_of_r():
    """ordinal::clm and sandwich::vcovCL(type = "HC0", cadjust = FALSE), to 1e-6."""
    x = np.array(R["arm"], dtype=float)[:, None]
    fit = proportional_odds(R["counts"], x, np.arange(14), correction="CR0")
    assert [*fit.thresholds, *fit.beta] == pytest.approx(R["clm"]["coef"], abs=1e-6)
    assert fit.log_likelihood == pytest.approx(R["clm"]["loglik"], rel=1e-10)
    assert np.sqrt(np.diag(fit.naive)) == pytest.approx(R["clm"]["se"], rel=1e-6)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(R["clm"]["cr0"], rel=1e-6)
    both = np.hstack([x, (np.array(R["region"]) == "south")[:, None]])
    held = proportional_odds(R["counts"], both, np.arange(14), correction="CR0")
    assert [*held.thresholds, *held.beta] == pytest.approx(R["strata"]["coef"], abs=1e-6)
    assert np.sqrt(np.diag(held.covariance)) == pytest.approx(R["strata"]["cr0"], rel=1e-6)


@pytest.mark.parametrize("correction", ["CR0", "CR1", "CR2", "CR3"])
def test_two_categories_are_shares_on_the_logit_scale(correction):
    """Closed form: the logit of a share by the delta method, with the leverage correction of the linear model."""
    counts = np.array(R["counts"], dtype=float)
    two = np.column_stack([counts[:, :2].sum(axis=1), counts[:, 2:].sum(axis=1)])
    arm = np.array(R["arm"], dtype=float)
    fit = proportional_odds(two, arm[:, None], np.arange(14), correction=correction)
    shares = fit_cells(
        np.column_stack([1 - arm, arm]), two.sum(axis=1), two[:, 1], list(range(14)), correction=correction
    )
    slope = np.array([-1, 1]) / (shares.beta * (1 - shares.beta))
    assert fit.beta[0] == pytest.approx(np.diff(np.log(shares.beta / (1 - shares.beta)))[0], rel=1e-9)
    assert fit.covariance[1, 1] == pytest.approx(slope @ shares.covariance @ slope, rel=1e-9)


def test_the_readout_of_ratings_has_ordinal_answers():
    """Superiority: placements in R's lm with clubSandwich CR2 and Satterthwaite, to 1e-9."""
    rows = read(rows_of_counts(R["counts"], R["arm"]), rating_plan("site"))
    superior, odds = rows.one("rating", "superiority"), rows.one("rating", "log odds")
    assert superior.estimate == pytest.approx(R["superiority"], abs=1e-12)
    assert (superior.se, superior.df) == pytest.approx((R["CR2"]["se"], R["CR2"]["df"]), rel=1e-9)
    assert superior.p == pytest.approx(2 * sp.t.sf((R["superiority"] - 0.5) / R["CR2"]["se"], R["CR2"]["df"]), rel=1e-9)
    assert odds.estimate == pytest.approx(R["clm"]["coef"][3], abs=1e-6)
    assert odds.df == superior.df
    assert odds.se > R["clm"]["cr0"][3]
    assert rows.rows[0].scale == "absolute"
    assert rows.rows[0].decides
    third = read(rows_of_counts(R["counts"], R["arm"]), rating_plan("site"), correction="CR3")
    superior = third.one("rating", "superiority")
    assert (superior.se, superior.df) == pytest.approx((R["CR3"]["se"], R["CR3"]["df"]), rel=1e-9)
    assert "CR3 over 14 clusters" in third.rows[0].covariance


def test_independent_ratings_are_brunner_and_munzel():
    frame = rows_of_counts(R["counts"], R["arm"])
    row = read(frame, rating_plan(None)).one("rating", "superiority")
    new, old = (frame.loc[frame.arm == arm, "m_rating"] for arm in ("new", "old"))
    expected = sp.brunnermunzel(new, old)
    assert abs((row.estimate - 0.5) / row.se) == pytest.approx(abs(expected.statistic), rel=1e-9)
    assert row.p == pytest.approx(expected.pvalue, rel=1e-9)
    odds = read(frame, rating_plan(None)).one("rating", "log odds")
    assert odds.se == pytest.approx(R["clm"]["se"][3], rel=1e-6)


def test_few_clusters_draw_ranks():
    """All 252 draws by hand: the difference of mean middle ranks."""
    from itertools import combinations

    counts, arm = np.array(R["counts"][:10]), np.array(R["arm"][:10])
    rows = [r for r in read(rows_of_counts(counts, arm), rating_plan("site")).rows if r.scale == "superiority"]
    assert rows[0].low is None
    assert rows[1].low is not None
    rank = sp.rankdata(np.repeat(np.arange(4), counts.sum(axis=0)))
    middle = np.array([rank[np.repeat(np.arange(4), counts.sum(axis=0)) == k].mean() for k in range(4)])
    n, total = counts.sum(axis=1), counts @ middle
    found = []
    for chosen in combinations(range(10), 5):
        t = np.isin(np.arange(10), chosen)
        found.append(total[t].sum() / n[t].sum() - total[~t].sum() / n[~t].sum())
    t = arm == 1
    seen = total[t].sum() / n[t].sum() - total[~t].sum() / n[~t].sum()
    assert rows[0].p == pytest.approx(np.mean(np.abs(found) >= abs(seen) - 1e-9))
    assert rows[0].estimate == pytest.approx(0.5 + seen / n.sum())


def test_strata_enter_the_odds_and_ratings_that_do_not_overlap_are_not_reported():
    frame = rows_of_counts(R["counts"], R["arm"], R["region"])
    odds = read(frame, rating_plan("site", strata=("region",))).one("rating", "log odds")
    assert odds.estimate == pytest.approx(R["strata"]["coef"][3], abs=1e-6)
    assert "strata held constant" in odds.covariance
    apart = [[9 + i, 8, 0, 0] if not a else [0, 0, 7, 9 + i] for i, a in enumerate(R["arm"])]
    rows = read(rows_of_counts(apart, R["arm"]), rating_plan("site")).rows
    assert [row.fit_to_report for row in rows if row.scale in {"superiority", "log odds"}] == [False]
    with pytest.raises(DataError, match="infinite or not determined"):
        proportional_odds(apart, np.array(R["arm"])[:, None], np.arange(14))


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [12, 20, 40])
def test_size_with_few_clusters(clusters):
    """5 % within Monte-Carlo error for both ordinal answers; latent ICC .02."""
    rng, plan, runs, rejected = np.random.default_rng(3), rating_plan("site"), 1000, np.zeros(2)
    for _ in range(runs):
        n, shift = rng.integers(20, 80, clusters), rng.normal(0, 0.26, clusters)
        cuts = [np.digitize(rng.logistic(s, 1, k), [-1.0, 0.2, 1.4]) for s, k in zip(shift, n, strict=True)]
        counts = [np.bincount(c, minlength=4) for c in cuts]
        rows = read(
            rows_of_counts(counts, np.isin(np.arange(clusters), rng.choice(clusters, clusters // 2, replace=False))),
            plan,
        )
        rejected += [rows.one("rating", scale).p <= 0.05 for scale in ("superiority", "log odds")]
    assert (abs(rejected / runs - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / runs)).all(), rejected / runs
