"""Change against measurement error, the baseline as covariate, and norms from a source that was seen."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy import scales
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Responses
from feedbackstudy.scales import change, local_norms, normed, reliable_change, score


@pytest.fixture
def two_waves():
    rng = np.random.default_rng(9)
    items = [f"gse_{i}" for i in range(1, 11)]
    values = rng.integers(1, 5, (12, 10)).astype(float)
    frame = pd.DataFrame(values, columns=items)
    frame.insert(0, "timing", ["now", "late", None] * 4)
    frame.insert(0, "occasion", ["before"] * 6 + ["after"] * 6)
    frame.insert(0, "arm", ["feedback", "feedback", "silence"] * 4)
    frame.insert(0, "participant", [f"p{i}" for i in (*range(6), 1, 0, 2, 3, 4, 9)])
    return score(Responses.from_frame(frame, items=items, factors=["timing"], already_reversed=[]), "gse")


def test_people_are_matched_by_name_not_by_row(two_waves):
    moved = change(two_waves, "gse", before="before", after="after").frame.set_index("participant")

    wide = two_waves.frame.pivot_table(index="participant", columns="occasion", values="gse", sort=False)
    assert moved.loc["p0", "change"] == wide.loc["p0", "after"] - wide.loc["p0", "before"]
    assert np.isnan(moved.loc["p9", "before"])


def test_the_baseline_becomes_a_covariate_and_the_change_stands_beside_it(two_waves):
    ready = change(two_waves, "gse", before="before", after="after").scores()

    assert ready.names == ("gse", "gse_change")
    assert ready.covariates == ("gse_baseline",)
    assert ready.factors == ("timing",)
    assert set(ready.frame["occasion"]) == {"after"}
    assert len(ready.ledger.excluded) == 6
    assert any("covariate" in line for line in ready.provenance.conventions)


def test_a_wording_that_was_not_recorded_is_noted(two_waves):
    moved = change(two_waves, "gse", before="before", after="after")

    assert [issue.code for issue in moved.issues] == ["scales.wording_not_recorded"]


def test_an_unknown_occasion_is_named(two_waves):
    with pytest.raises(DataError, match=r"Occasion 'befor' is unknown. Did you mean 'before'"):
        change(two_waves, "gse", before="befor", after="after")


def test_reliable_change_follows_jacobson_and_truax():
    before, after = np.array([20.0, 20.0, 20.0, np.nan]), np.array([31.0, 25.0, 9.0, 30.0])

    result = reliable_change(before, after, sd=5.29, reliability=0.854)

    error = np.sqrt(2) * 5.29 * np.sqrt(1 - 0.854)
    assert result.index[:3] == pytest.approx(np.array([11, 5, -11]) / error, abs=1e-12)
    assert result.threshold == pytest.approx(1.959963984540054 * error, abs=1e-12)
    assert result.verdict.tolist() == ["higher", "no reliable change", "lower", None]
    assert result.counts() == {"higher": 1, "no reliable change": 1, "lower": 1}


def test_reliable_change_takes_its_figures_from_seen_evidence(two_waves):
    gse = scales.get("gse")

    result = change(two_waves, "gse", before="before", after="after").reliable(
        gse.evidence.norms[0], gse.evidence.reliability[0]
    )

    assert result.sem == pytest.approx(5.29 * np.sqrt(1 - 0.854))
    assert any("HPSNZ" in source for source in result.sources)


@pytest.mark.parametrize(("sd", "reliability"), [(0.0, 0.8), (5.0, 1.0), (5.0, -0.1)])
def test_impossible_figures_are_refused(sd, reliability):
    with pytest.raises(DataError, match="Reliable change needs a positive standard deviation"):
        reliable_change(np.zeros(2), np.ones(2), sd=sd, reliability=reliability)


def test_norms_give_t_and_the_printed_percentiles(two_waves):
    gse = scales.get("gse")

    held = normed(two_waves, "gse", gse.evidence.norms[0])

    values = two_waves.frame["gse"].to_numpy()
    assert held.t == pytest.approx(50 + 10 * (values - 29.59) / 5.29)
    inside = (values >= 20) & (values <= 38)
    expected = np.interp(values[inside], [20, 23, 27, 30, 33, 36, 38], [5, 10, 25, 50, 75, 90, 95])
    assert held.percentile[inside] == pytest.approx(expected)
    assert np.isnan(held.percentile[~inside]).all()
    assert "HPSNZ" in held.source


def test_without_printed_percentiles_the_normal_curve_is_used_and_said(two_waves):
    usa = next(norm for norm in scales.get("gse").evidence.norms if norm.sample == "USA adults")

    held = normed(two_waves, "gse", usa)

    assert held.percentile == pytest.approx(100 * stats.norm.cdf((two_waves.frame["gse"] - 29.48) / 5.13))
    assert "normally distributed" in held.convention


def test_a_norm_of_another_metric_is_refused(take, answers):
    gse = scales.get("gse").scored_as("mean")
    means = score(take(answers(40, 10, high=4, prefix="gse")), gse)

    with pytest.raises(DataError, match="The norm is a sum score and 'gse' a mean"):
        normed(means, "gse", gse.evidence.norms[0])


def test_a_norm_without_a_standard_deviation_gives_no_t(take, answers):
    brs = scales.get("brs")
    one_form = brs.model_copy(update={"forms": (brs.form("standard"),)})
    scores = score(take(answers(40, 6, against=(2, 4, 6), prefix="brs")), one_form)

    with pytest.raises(DataError, match="lacks a mean or a standard deviation"):
        normed(scores, "brs", brs.evidence.norms[0])


def test_local_norms_agree_with_r(oracle, bfi):
    expected = oracle["norms_agree"]
    keyed = bfi[[f"A{i}" for i in range(1, 6)]].assign(A1=7 - bfi["A1"])

    norms = local_norms(keyed.mean(axis=1))

    assert norms.n == expected["n"]
    for mark, value in expected["quantiles_type7"].items():
        assert dict(norms.quantiles)[int(mark.rstrip("%"))] == pytest.approx(value, abs=1e-10)
    for value, rank in expected["mid_percentile_rank_of"].items():
        assert norms.percentile_rank([float(value)])[0] == pytest.approx(rank, abs=5e-9)


def test_no_scores_give_no_norms():
    with pytest.raises(DataError, match="There is no score"):
        local_norms([np.nan])
