"""The readout equals the same analysis on rows, and its default test keeps its level with few clusters."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import ApplicationColumns, Experiment, Metric, PolicyArm, PolicyPlan, Rollout, Window
from feedbackstudy.policy.direct import readout as direct_readout
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.sufficient import Prepared, compress_prepared
from feedbackstudy.provenance import Provenance

COLUMNS = ApplicationColumns(application="id", applied_at="a", decided_at="d", status="s", statuses={"R": "rejected"})
WINDOW = Window(first="2026-01-01", last="2026-06-30", data_end="2026-12-31")


def plan_of(unit, *, covariate=None, mechanism="randomised"):
    return PolicyPlan(
        title="48 hours",
        columns=COLUMNS,
        window=WINDOW,
        treatment=Experiment(
            column="arm",
            unit=unit,
            arms=(PolicyArm(name="old", label="Old", code="old"), PolicyArm(name="new", label="New", code="new")),
            control="old",
            mechanism=mechanism,
        ),
        metrics=(
            Metric(name="again", label="Again", kind="proportion", column="x", role="primary", covariate=covariate),
            Metric(
                name="cost", label="Cost", kind="mean", column="c", role="guardrail", direction="decrease", margin=0.5
            ),
            Metric(name="per_hour", label="Per hour", kind="ratio", column="m", per="h"),
            Metric(name="speed", label="Speed", kind="mean", column="v"),
        ),
    )


def rows_of(seed, clusters, effect=0.0, icc_sd=0.3):
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(clusters), rng.integers(30, 120, clusters))
    new = np.isin(site, rng.choice(clusters, clusters // 2, replace=False))
    frame = pd.DataFrame({"site": site.astype(str), "arm": np.where(new, "new", "old"), "treated": new.astype(float)})
    n, shift = len(frame), rng.normal(0, icc_sd, clusters)[site]
    x = rng.normal(size=n) + shift
    frame["m_again"] = (rng.normal(size=n) + shift + 0.8 * x + effect * new > 0).astype(float)
    frame["m_again_x"] = x
    frame["m_cost"] = rng.gamma(2, 1, n) + 0.1 * shift
    frame["m_per_hour"], frame["m_per_hour_per"] = rng.gamma(3, 1, n), rng.gamma(3, 1, n)
    frame["m_speed"] = rng.normal(size=n)
    frame["period"] = 0
    return frame


def stats_of(frame, plan):
    return compress_prepared(Prepared(table=frame, provenance=Provenance(made_by="test")), plan)


def read(frame, plan, **options):
    return readout(stats_of(frame, plan), **options)


def test_independent_applications_are_welchs_test():
    frame = rows_of(1, 40)
    found = read(frame, plan_of(None)).one("speed")
    expected = stats.ttest_ind(
        frame.loc[frame.arm == "new", "m_speed"], frame.loc[frame.arm == "old", "m_speed"], equal_var=False
    )
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.df == pytest.approx(expected.df, rel=1e-9)
    low, high = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_a_ratio_has_the_delta_method_s_error():
    frame = rows_of(2, 40)
    found = read(frame, plan_of(None)).one("per_hour")
    variance = 0.0
    for arm in ("new", "old"):
        part = frame[frame.arm == arm]
        left = part.m_per_hour - part.m_per_hour.sum() / part.m_per_hour_per.sum() * part.m_per_hour_per
        variance += left.var(ddof=1) * len(part) / part.m_per_hour_per.sum() ** 2
    assert found.se == pytest.approx(variance**0.5, rel=1e-9)


def test_clusters_use_cr2_and_the_covariate_shrinks_the_error():
    frame = rows_of(3, 30, effect=0.3)
    plain = read(frame, plan_of("site")).one("again")
    adjusted = read(frame, plan_of("site", covariate="before")).one("again")
    assert "CR2 over 30 clusters" in plain.covariance
    assert adjusted.se < plain.se
    assert "CUPED" in " ".join(adjusted.warnings)
    within = frame.assign(y=frame.m_again - frame.groupby("arm").m_again.transform("mean"),
                          x=frame.m_again_x - frame.groupby("arm").m_again_x.transform("mean"))  # fmt: skip
    theta = (within.x * within.y).sum() / (within.x**2).sum()
    means = frame.assign(z=frame.m_again - theta * frame.m_again_x).groupby("arm").z.mean()
    assert adjusted.estimate == pytest.approx(means["new"] - means["old"], rel=1e-9)


def test_below_twelve_clusters_the_draws_lead():
    rows = read(rows_of(4, 10, effect=2.0), plan_of("site"))["again"].rows
    assert "all 252 draws of 10 units" in rows[0].covariance
    assert rows[0].decides
    assert not rows[1].decides
    assert rows[0].p == pytest.approx(2 / 252)
    few = read(rows_of(4, 5), plan_of("site"))["again"].rows[0]
    assert not few.fit_to_report
    assert "5 units allow 10 draws" in few.warnings[-1]


def with_strata(plan, *columns):
    return plan.model_copy(update={"treatment": plan.treatment.model_copy(update={"strata": columns})})


def test_draws_stay_within_strata_and_hold_them_constant():
    """Unequal shares of treated units by stratum: all 6 x 15 draws by hand, each with effects of strata."""
    frame = rows_of(4, 10)
    site = frame["site"].astype(int)
    new = site.isin([0, 1, 4, 5, 6, 7])
    frame = frame.assign(
        arm=np.where(new, "new", "old"), treated=new.astype(float), region=np.where(site < 4, "n", "s")
    )
    frame["m_again"] = ((frame["m_again"] + (site >= 4)) > 0).astype(float)
    rows = read(frame, with_strata(plan_of("site"), "region"))["again"].rows
    assert "all 90 draws of 10 units within strata" in rows[0].covariance
    assert rows[0].decides
    assert "CR2" in rows[1].covariance
    assert "strata held constant" in rows[1].covariance
    assert rows[0].estimate == pytest.approx(rows[1].estimate, rel=1e-12)
    units = frame.assign(n=1.0).groupby(site)[["n", "m_again"]].sum().to_numpy()
    south = np.arange(10) >= 4

    def coefficient(treated):
        x = np.column_stack([treated, ~south, south]).astype(float)
        root = np.sqrt(units[:, 0])
        return np.linalg.lstsq(root[:, None] * x, units[:, 1] / root, rcond=None)[0][0]

    found = [
        coefficient(np.isin(np.arange(10), [*a, *b]))
        for a in combinations(range(4), 2)
        for b in combinations(range(4, 10), 4)
    ]
    seen = coefficient(np.isin(np.arange(10), [0, 1, 4, 5, 6, 7]))
    assert rows[0].estimate == pytest.approx(seen, rel=1e-9)
    assert rows[0].p == pytest.approx(np.mean(np.abs(found) >= abs(seen) - 1e-9))


def test_a_unit_in_two_strata_is_not_drawn():
    frame = rows_of(4, 10)
    frame["region"] = np.where(np.arange(len(frame)) % 2, "n", "s")
    rows = read(frame, with_strata(plan_of("site"), "region"))["again"].rows
    assert not rows[0].fit_to_report
    assert "a unit appears in 2 strata" in rows[0].warnings[-1]


def test_the_family_holds_one_p_for_each_metric():
    """Below 12 clusters the test by draws leads: Holm of two p values of 2 / 70 is 4 / 70, whatever stands beside."""
    frame = rows_of(4, 8)
    frame["m_speed"] += 50 * frame["treated"]
    frame["m_per_hour"] += 50 * frame["treated"]
    found = read(frame, plan_of("site"))
    for name in ("speed", "per_hour"):
        lead, model = [row for row in found[name].rows if row.scale == "absolute"]
        assert lead.p == pytest.approx(2 / 70)
        assert lead.p_adjusted == pytest.approx(4 / 70)
        assert model.p_adjusted is None


def test_one_fault_is_said_once():
    text = read(rows_of(4, 5), plan_of("site"))["again"].page().text()
    assert text.count("Not fit to report: Again, New minus Old: 5 units allow 10 draws") == 1


def test_the_correction_can_be_chosen():
    frame = rows_of(3, 30, effect=0.3)
    small, large = (read(frame, plan_of("site"), correction=name).one("again") for name in ("CR2", "CR3"))
    assert small == read(frame, plan_of("site")).one("again")
    assert "CR3 over 30 clusters" in large.covariance
    means = frame.groupby("site")[["m_again", "treated"]].mean()
    size = frame.groupby("site").size()
    variance = 0.0
    for arm in (0, 1):
        n, y = size[means.treated == arm], means.m_again[means.treated == arm]
        left = n * (y - (n * y).sum() / n.sum())
        variance += ((left / (1 - n / n.sum())) ** 2).sum() / n.sum() ** 2
    assert large.se == pytest.approx(variance**0.5, rel=1e-9)


def test_guardrails_get_a_verdict_and_secondary_metrics_one_correction():
    found = read(rows_of(5, 40), plan_of("site"))
    assert found.one("cost").verdict == "within the margin"
    secondary = [found.one(name) for name in ("per_hour", "speed")]
    assert sorted(row.p_adjusted for row in secondary) >= sorted(row.p for row in secondary)
    assert found.one("again").p_adjusted is None
    thousand = found.one("again", "per_1000")
    assert thousand.estimate == pytest.approx(1000 * found.one("again").estimate)
    worse = rows_of(5, 40)
    worse["m_cost"] += 2 * worse["treated"]
    assert read(worse, plan_of("site")).one("cost").verdict == "breached"
    assert found.rows[0].role == "primary"


def test_a_relative_difference_is_that_of_the_means():
    frame = rows_of(6, 40)
    found = read(frame, plan_of("site")).one("cost", "relative")
    means = frame.groupby("arm").m_cost.mean()
    assert found.estimate == pytest.approx(means["new"] / means["old"] - 1, rel=1e-9)
    assert found.low < found.estimate < found.high


def test_a_ratio_to_a_mean_near_nothing_is_not_fit_to_report():
    frame = rows_of(6, 40)
    control = frame.arm == "old"
    frame["m_cost"] = frame.m_cost - frame.m_cost[control].mean() + 1e-6
    frame["m_cost"] += np.where(control, 0.0, 1.0)
    found = read(frame, plan_of("site")).one("cost", "relative")
    assert not found.fit_to_report
    assert any("interval reaches 0" in note for note in found.warnings)
    assert found.high > found.estimate > found.low


def test_what_cannot_be_compared_is_refused():
    frame = rows_of(7, 20)
    with pytest.raises(DataError, match="Arm 'new' holds no applications"):
        read(frame.assign(arm="old", treated=0.0), plan_of("site"))
    with pytest.raises(DataError, match="constant"):
        read(frame.assign(m_speed=1.0), plan_of("site"))
    rollout = plan_of("site").model_copy(
        update={"treatment": Rollout(unit="site", start={str(i): "2026-03-01" for i in range(20)})}
    )
    with pytest.raises(InputError, match="roll-out over time"):
        read(frame, rollout)
    assert (
        "not assigned by chance" in read(frame, plan_of("site", mechanism="observational")).one("again").assumptions[0]
    )


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "attainable"), [(8, 2 / 70), (12, 0.05), (20, 0.05), (40, 0.05)])
def test_size_of_the_default_with_few_clusters(clusters, attainable):
    """ICC .02 on the latent scale: 5 % within Monte-Carlo error, or the nearest level below it that the draws allow.

    Eight sites have 70 draws, each with a mirror image, so that the test over all of them rejects in 2 of 70 at .05.
    """
    plan = plan_of("site")
    plan = plan.model_copy(update={"metrics": plan.metrics[:1]})
    frames = (rows_of(900 + i, clusters, icc_sd=0.143) for i in range(1000))
    first = stats_of(next(frames), plan)
    cells = sums_by_site(rows_of(900, clusters, icc_sd=0.143))
    pd.testing.assert_frame_equal(  # the sums of a thousand tables need no engine; they are what one makes
        cells.sort_values("site", ignore_index=True), first.of("again")[list(cells)], check_dtype=False
    )
    tables = (cells, *map(sums_by_site, frames))
    rejected = [readout(replace(first, cells={"again": each}), draws=2000).one("again").p <= 0.05 for each in tables]
    assert abs(np.mean(rejected) - attainable) < 3 * np.sqrt(attainable * (1 - attainable) / 1000)


def sums_by_site(frame):
    site = frame["site"].astype(int).to_numpy()
    n, yes = np.bincount(site), np.bincount(site, weights=frame["m_again"].to_numpy())
    new = np.bincount(site, weights=frame["treated"].to_numpy()) > 0
    return pd.DataFrame({"site": np.arange(len(n)).astype(str), "period": 0, "arm": np.where(new, "new", "old"),
                         "treated": new.astype(float), "n": n.astype(float), "sum": yes, "sumsq": yes})  # fmt: skip


def test_the_direct_readout_takes_a_correction():
    frame = rows_of(3, 30, effect=0.3)
    options = {"outcome": "m_again", "arm": "arm", "control": "old", "unit": "site"}
    row = direct_readout(frame, **options, correction="CR3").rows[0]
    assert row.se == pytest.approx(read(frame, plan_of("site"), correction="CR3").one("again").se, rel=1e-12)
