"""The invented table has the truth that it states, whichever engine holds it."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import InputError
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.applications import compress, synthetic_applications


@pytest.fixture(scope="module")
def invented():
    return synthetic_applications(100_000, seed=11)


@pytest.fixture(scope="module")
def stats(invented):
    return compress(invented.table, invented.plan)


def test_it_passes_its_own_checks(invented):
    issues = invented.table.check(invented.plan)
    assert not issues.errors
    assert not issues.warnings
    assert invented.table.source["application_id"].is_unique


@pytest.mark.parametrize(
    ("metric", "truth"),
    [
        ("reapply_180", "reapply_assigned"),
        ("minutes", "minutes_assigned"),
        ("complaints", "complaint_assigned"),
        ("answered", "response_assigned"),
        ("rejection", "rejected_assigned"),
    ],
)
def test_the_adjusted_model_finds_the_truth(invented, stats, metric, truth):
    fit = stats.fits[metric]
    at = fit.position("treated")
    se = fit.clustered("site")[at, at] ** 0.5
    assert abs(fit.beta[at] - invented.truth[truth]) < 3.5 * se


def test_responders_mislead_about_cnps(invented, stats):
    fit = stats.fits["cnps"]
    at = fit.position("treated")
    se = fit.clustered("site")[at, at] ** 0.5
    # The policy makes people answer who are less content than those who answer anyway.
    assert invented.truth["cnps_assigned"] - fit.beta[at] > 1.5 * se


def test_women_get_feedback_in_time_less_often(invented, stats):
    found = adverse_impact(stats, column="gender", metric="in_time", arm="policy", reference="men")
    c = found["women"].compared
    assert c.score_low < invented.truth["in_time_ratio_women"] < c.score_high
    assert "4 of 5" not in str(found)
    assert {change.group for change in found.change} == {"women", "(not stated)"}
    hired = adverse_impact(stats, column="gender", metric="hired", reference="men")
    (change,) = [c for c in hired.change if c.group == "women"]
    assert change.low < invented.truth["impact_ratio_factor"] < change.high


def test_sites_start_at_random_and_some_never(invented):
    starts = pd.Series(dict(invented.plan.rollout.start))
    assert (starts == "never").sum() == 6
    assert starts[starts != "never"].value_counts().tolist() == [4] * 6
    assert synthetic_applications(1000, seed=12).plan.rollout.start != invented.plan.rollout.start


def test_both_engines_hold_the_same_rows(tmp_path):
    frame = synthetic_applications(1500, seed=3)
    files = synthetic_applications(1500, seed=3, engine="duckdb", folder=tmp_path / "rows")
    assert files.truth == pytest.approx(frame.truth)
    first, second = (compress(made.table, frame.plan) for made in (frame, files))
    for name in first.cells:
        pd.testing.assert_frame_equal(first.of(name), second.of(name), check_exact=False, rtol=1e-12)
    assert np.allclose(first.fits["minutes"].beta, second.fits["minutes"].beta, rtol=1e-9, atol=1e-9, equal_nan=True)
    assert second.provenance.simulated
    with pytest.raises(InputError, match="nothing is overwritten"):
        synthetic_applications(1500, seed=3, engine="duckdb", folder=tmp_path / "rows")
    with pytest.raises(InputError, match="in which 'folder'"):
        synthetic_applications(1500, seed=3, engine="duckdb")
