"""Arms over waves: REML as in nlme, its Bayesian twin, dropout by arm, tipping points, coverage with dropout."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy import report
from feedbackstudy.analysis.bayesian.longitudinal_waves import waves_posterior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.frequentist.constrained_waves import constrained_waves
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.longitudinal import longitudinal, longitudinal_wide
from feedbackstudy.analysis.missing.chained import Gap, impute_chained
from feedbackstudy.analysis.missing.delta import delta_curve
from feedbackstudy.analysis.missing.pooling import pooled
from feedbackstudy.analysis.wave_design import wave_columns
from feedbackstudy.errors import DataError, NotFoundError
from tests.analysis.test_r_script import run

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
WAVES = ["t0", "t1", "t2"]
ARMS = ("decision_only", "feedback", "silence")
COVARIANCE = np.array([[1.4, 0.8, 0.7], [0.8, 1.5, 0.9], [0.7, 0.9, 1.7]])


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "feedback_waves.csv")


@pytest.fixture(scope="module")
def found(table):
    return longitudinal_wide(
        table,
        WAVES,
        "arm",
        participant="participant",
        reference="decision_only",
        covariates=["interviews"],
        limits=(0, 10),
        outcome="self_efficacy",
        draws=600,
    )


def codes(table) -> np.ndarray:
    return np.array([ARMS.index(arm) for arm in table["arm"]])


def test_the_constrained_model_equals_gls_of_nlme(table):
    known = json.loads((REFERENCE / "missing.json").read_text(encoding="utf-8"))["clda"]

    fit, cells = constrained_waves(table[WAVES], codes(table), 3)

    # gls stops at a relative change of 1e-14 of its deviance, in covariance parameters that are a square root off.
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(known["loglik"], abs=1e-6)
    assert fit.sigma.ravel() == pytest.approx(known["covariance"], rel=1e-4)
    for name, row in {"feedback_t1": (1, 2), "feedback_t2": (4, 5), "silence_t1": (1, 3), "silence_t2": (4, 6)}.items():
        weights = np.zeros(7)
        weights[list(row)] = -1.0, 1.0
        i = known["names"].index(name)
        assert cells.contrast(weights).estimate == pytest.approx(known["estimates"][i], abs=1e-5)
        assert np.sqrt(weights @ fit.covariance @ weights) == pytest.approx(known["se"][i], rel=1e-5)
        assert cells.contrast(weights).se > known["se"][i]
        assert 150 < cells.contrast(weights).df < 240


def test_with_everybody_there_the_constrained_difference_is_close_to_analysis_of_covariance():
    rng = np.random.default_rng(2)
    arm = np.repeat([0, 1], 60)
    Y = rng.multivariate_normal(np.zeros(2), COVARIANCE[:2, :2], 120)

    _, cells = constrained_waves(Y, arm, 2)
    ancova = fit_cells(Y[:, 1], arm, 2, covariates=(Y[:, 0] - Y[:, 0].mean())[:, None])

    ours, theirs = cells.contrast([0, -1, 1]), ancova.contrast([-1, 1])
    assert ours.estimate == pytest.approx(theirs.estimate, abs=0.01)
    assert (ours.se, ours.df) == pytest.approx((theirs.se, theirs.df), rel=0.03)


def test_the_posterior_with_a_wide_prior_is_the_likelihood(table):
    wide = CellPrior.declared(middle=5, typical_sd=1.3, effect=20.0)
    design = wave_columns(codes(table), 3, 3, np.empty((len(table), 0)))

    drawn = waves_posterior(table[WAVES], design, 7, prior=wide, seed=1, draws=1500)
    _, cells = constrained_waves(table[WAVES], codes(table), 3)

    assert drawn.gates.hold
    weights = np.array([0, 0, 0, 0, -1, 1, 0])
    ours, theirs = drawn.contrast(weights), cells.contrast(weights)
    # Monte-Carlo error of the median about .004.
    assert ours.posterior.median == pytest.approx(theirs.estimate, abs=0.02)
    assert ours.sd == pytest.approx(theirs.se, rel=0.05)


def test_every_comparison_stands_twice_for_both_engines(found):
    frame = found.frame()

    assert len(frame) == 2 * 2 * 2 * 2
    assert set(frame["approach"]) == {"adjusted", "constrained"}
    everybody, pairs = found.row("t2", "silence"), found.row("t2", "silence", model="adjusted")
    assert (everybody.n, pairs.n) == (240, 195)
    assert "45 of 240 people have not both scores" in pairs.note
    twin = found.row("t2", "silence", engine="bayesian")
    assert twin.estimate == pytest.approx(everybody.estimate, abs=0.05)
    assert found.fit_to_report
    with pytest.raises(NotFoundError, match="Comparison"):
        found.row("t9", "silence")


def test_dropout_is_counted_and_compared_by_arm(found, table):
    row = next(r for r in found.dropout if (r.wave, r.arm) == ("t2", "silence"))

    gone = table["t2"].isna() & (table["arm"] == "silence")
    assert (row.n, row.lost, row.share) == (80, gone.sum(), pytest.approx(gone.sum() / 80))
    # Newcombe's interval of 26/80 - 11/80 by his method 10, from Wilson's limits (R: PropCIs-free arithmetic by hand).
    z = 1.959963984540054

    def wilson(x: float, n: float) -> tuple[float, float]:
        p = x / n
        half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (p + z * z / (2 * n) - half) / (1 + z * z / n), (p + z * z / (2 * n) + half) / (1 + z * z / n)

    (l1, u1), (l2, u2) = wilson(26, 80), wilson(11, 80)
    p1, p2 = 26 / 80, 11 / 80
    assert row.low == pytest.approx(p1 - p2 - np.hypot(p1 - l1, u2 - p2))
    assert row.high == pytest.approx(p1 - p2 + np.hypot(u1 - p1, p2 - l2))
    people = table[table["arm"] == "silence"]
    expected = people.loc[people["t2"].isna(), "t0"].mean() - people.loc[people["t2"].notna(), "t0"].mean()
    assert row.before_difference == pytest.approx(expected)


def test_delta_shifts_the_imputed_scores_and_nothing_else(table):
    Y, arm = table[WAVES].to_numpy(), codes(table)
    curve = delta_curve(
        Y, arm, wave=2, arms=ARMS, waves=("t0", "t1", "t2"), first=2, second=0, deltas=[-1.0, 0.0, 1.0], m=5, seed=9
    )

    gaps = [Gap(name=f"wave {t + 1}", values=Y[:, t], kind="normal") for t in range(3)]
    tables = impute_chained(gaps, arm, 3, m=5, seed=np.random.SeedSequence([9, 80]))
    gone = np.isnan(Y[:, 2]) & (arm == 2)
    for k, delta in enumerate(curve.deltas):
        fits = [
            fit_cells(one[:, 2] + delta * gone, arm, 3, covariates=(one[:, 0] - one[:, 0].mean())[:, None]).contrast(
                [-1, 0, 1]
            )
            for one in tables
        ]
        brute = pooled([fit.estimate for fit in fits], [fit.se**2 for fit in fits], df=fits[0].df)
        assert (curve.estimate[k], curve.se[k], curve.df[k]) == pytest.approx((brute.estimate, brute.se, brute.df))
    assert curve.imputed == 26


def test_the_tipping_point_is_where_the_interval_touches_zero(found):
    curve = found.delta("silence")
    below = curve.tipping[0]

    assert not curve.significant
    assert below is not None
    assert np.interp(below, curve.deltas, curve.high) == pytest.approx(0.0, abs=1e-3)
    assert found.delta("feedback").tipping == (None, None)
    assert "tips over" in found.page().text()


def test_tables_page_pictures_and_words(found):
    assert len(found.means_frame()) == 9
    assert found.means_frame().groupby("wave")["estimate"].nunique()["t0"] == 1
    assert len(found.delta_frame()) == 2 * 201
    assert len(found.dropout_frame()) == 9
    assert "Who is missing" in found.page().text()
    for picture in (found, found.delta("silence")):
        assert "silence" in report.figures.alt_text(picture)
        assert "<svg" in report.figures.picture(picture, prefix="x").svg


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not there")
def test_the_way_out_to_nlme_gives_the_estimates_of_the_table(found, tmp_path):
    values = run(found.r_script(), tmp_path)

    # gls with its own tolerance (1e-6 of the deviance).
    for t, wave in enumerate(WAVES[1:], start=1):
        for a, arm in ((1, "feedback"), (2, "silence")):
            assert values[f"{t}.{a} estimate"][0] == pytest.approx(found.row(wave, arm).estimate, abs=1e-3)


@pytest.mark.against_r
def test_r_counts_the_same_dropout(found, run_r, tmp_path):
    values = run_r(found.r_script(), tmp_path)

    compared = 0
    for row in found.dropout:
        at = f"dropout {found.data.waves.index(row.wave)}.{found.data.arms.index(row.arm)}"
        for name in ("share", "difference", "low", "high", "p", "before_difference", "before_low", "before_high"):
            ours, theirs = getattr(row, name), values.get(f"{at} {name}")
            assert (ours is None) == (theirs is None), (at, name)
            if ours is not None and theirs is not None:
                assert ours == pytest.approx(theirs[0], rel=1e-6, abs=1e-12), (at, name)
                compared += 1
    assert compared > 30


@pytest.mark.against_r
@pytest.mark.parametrize("waves", [WAVES, WAVES[:2]])
def test_r_draws_from_the_same_posterior(table, run_r, tmp_path, waves):
    """Dropout over three waves with a covariate; two waves without one, in which somebody answered neither."""
    covariates = ["interviews"] if len(waves) == 3 else []
    silent = table.assign(t0=table["t0"].where(table.index != 5), t1=table["t1"].where(table.index != 5))
    ours = longitudinal_wide(
        silent, waves, "arm", participant="participant", reference="decision_only", covariates=covariates,
        limits=(0, 10), imputations=5,
    )  # fmt: skip

    in_r = run_r(ours.r_script(), tmp_path)

    told = 0
    for t, wave in enumerate(waves[1:], start=1):
        for a, arm in ((1, "feedback"), (2, "silence")):
            row, name = ours.row(wave, arm, engine="bayesian"), f"{t}.{a}"
            (median, sd, low, high, direction, ess) = (
                in_r[f"{name} {what}"][0] for what in ("median", "posterior sd", "low", "high", "P(direction)", "ess")
            )
            error = row.se * np.sqrt(1 / row.ess + 1 / ess)
            assert abs(row.estimate - median) < 4 * np.sqrt(np.pi / 2) * error
            assert abs(row.se - sd) < 4 * error
            # limits at 2.5 % have 2.7 times the error of a mean, the shortest interval's more
            assert (low, high) == pytest.approx((row.low, row.high), abs=4 * 4 * error)
            assert abs(row.prob_direction - direction) < 4 * error / row.se / 2
            assert in_r[f"{name} R-hat"][0] < 1.01
            if row.bayes_factor is None:
                assert f"{name} log_bayes_factor" not in in_r
                continue
            told += 1
            # both errors are about the same, as both drew equally often
            both = np.sqrt(2) * in_r[f"{name} log_bayes_factor error"][0]
            assert abs(np.log(row.bayes_factor) - in_r[f"{name} log_bayes_factor"][0]) < 4.8 * both
    assert told == len(waves) - 1
    for mean in ours.means():
        name = f"mean {ours.data.waves.index(mean.wave)}.{ours.data.arms.index(mean.arm)}"
        assert (mean.n, mean.observed) == (in_r[f"{name} n"][0], pytest.approx(in_r[f"{name} observed"][0], rel=1e-12))
        assert mean.estimate == pytest.approx(in_r[f"{name} estimate"][0], abs=1e-3)  # as gls, above
        error = in_r[f"{name} posterior sd"][0] * np.sqrt(2 / in_r[f"{name} ess"][0])
        assert abs(mean.median - in_r[f"{name} median"][0]) < 4 * np.sqrt(np.pi / 2) * error
        theirs = in_r[f"{name} low"][0], in_r[f"{name} high"][0]
        assert theirs == pytest.approx((mean.hdi_low, mean.hdi_high), abs=4 * 4 * error)


def adjusted_rows_agree(found, in_r) -> None:
    """Every comparison adjusted for the first wave has the same numbers from R, by both engines."""
    for t, wave in enumerate(found.data.waves[1:], start=1):
        for a in found.data.others:
            arm, name = found.data.arms[a], f"adjusted {t}.{a}"
            row = found.row(wave, arm, model="adjusted")
            names = {"estimate": row.estimate, "se": row.se, "df": row.df, "p": row.p, "CI low": row.low}
            for what, value in (names | {"CI high": row.high}).items():
                # lmerTest stops at a relative change of 1e-8 or so of the deviance
                assert value == pytest.approx(in_r[f"{name} {what}"][0], rel=1e-5 if found.data.groups else 1e-9), what
            row = found.row(wave, arm, engine="bayesian", model="adjusted")
            names = {"median": row.estimate, "low": row.low, "high": row.high}
            for what, value in names.items():
                near = 1e-6 if what == "median" else 1e-4  # the shortest interval is flat in its place
                assert value == pytest.approx(in_r[f"{name} {what}"][0], abs=near * row.se), what
            assert row.se == pytest.approx(in_r[f"{name} posterior sd"][0], rel=1e-6)
            assert row.prob_direction == pytest.approx(in_r[f"{name} P(direction)"][0], rel=1e-6)
            assert np.log(row.bayes_factor) == pytest.approx(in_r[f"{name} log_bayes_factor"][0], abs=1e-6)


@pytest.mark.against_r
def test_r_adjusts_for_the_first_wave_with_the_same_numbers(found, run_r, tmp_path):
    study = fs.Study.load(fs.template_folder("second-chance") / "study.yaml")
    scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=1), study.measures)
    clustered = longitudinal(scores, study, "interview_self_efficacy", by="timing", draws=300, imputations=5)

    adjusted_rows_agree(found, run_r(found.r_script(), tmp_path / "plain"))
    adjusted_rows_agree(clustered, run_r(clustered.r_script(), tmp_path / "classes"))

    assert not found.data.groups
    assert set(clustered.data.groups) == {"class"}


def test_a_study_is_read_by_arm_and_by_factor():
    study = fs.Study.load(fs.template_folder("second-chance") / "study.yaml")
    scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=1), study.measures)

    arms = longitudinal(scores, study, "interview_self_efficacy", draws=300, imputations=5)
    levels = longitudinal(scores, study, "interview_self_efficacy", by="timing", draws=300, imputations=5)

    assert arms.data.arms == ("feedback", "decision_only", "silence")
    assert levels.data.arms == ("same_day", "two_weeks")
    assert levels.data.arms[levels.data.reference] == "two_weeks"
    assert (len(arms.data.participants), len(levels.data.participants)) == (600, 480)
    assert "class" in levels.notes[0]
    assert arms.provenance.simulated
    with pytest.raises(DataError, match="one wave before treatment"):
        longitudinal(scores, study, "felt_respect")
    with pytest.raises(DataError, match="What to compare by"):
        longitudinal(scores, study, "interview_self_efficacy", by="colour")
    with pytest.raises(DataError, match="Score"):
        longitudinal(scores, study, "happiness")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t2": np.nan}, "missing in all|no answer|fewer than two"),
        ({"arm": "feedback"}, "one arm only"),
        ({"t1": np.inf}, "infinite|finite"),
        ({"t1": 99.0}, "between 0 and 10"),
        ({"interviews": 1.0}, "same for everybody"),
        ({"interviews": np.nan}, "missing|Nobody"),
        ({"participant": "p1"}, "twice"),
    ],
)
def test_bad_input_is_refused(table, change, message):
    with pytest.raises(DataError, match=message):
        longitudinal_wide(
            table.assign(**change), WAVES, "arm", participant="participant", covariates=["interviews"], limits=(0, 10)
        )


def test_an_arm_that_left_altogether_and_a_lone_wave_are_refused(table):
    gone = table.assign(t2=table["t2"].where(table["arm"] != "silence"))
    with pytest.raises(DataError, match="everybody there has dropped out"):
        longitudinal_wide(gone, WAVES, "arm", limits=(0, 10))
    with pytest.raises(DataError, match="two different waves"):
        longitudinal_wide(table, ["t0"], "arm")


def test_without_limits_there_is_no_posterior_and_the_page_says_so(table):
    found = longitudinal_wide(table, WAVES, "arm", imputations=5)

    assert {row.engine for row in found.constrained} == {"frequentist"}
    assert "no Bayesian answer" in found.page().text()


def dropped(seed: int, effect: float, n: int = 120):
    """Two arms, three waves; who did badly in the feedback arm, or well in the other, leaves."""
    rng = np.random.default_rng(seed)
    arm = np.repeat([0, 1], n // 2)
    Y = rng.multivariate_normal(np.zeros(3), COVARIANCE, n)
    Y[:, 2] += effect * arm
    sign = np.where(arm == 1, -1, 1)
    for t in (1, 2):
        earlier = np.where(np.isnan(Y[:, t - 1]), Y[:, 0], Y[:, t - 1])
        Y[rng.random(n) < 1 / (1 + np.exp(1.0 - 1.2 * sign * earlier)), t] = np.nan
    return Y, arm


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 0.6])
def test_intervals_cover_where_people_drop_out_at_random_given_what_they_said_before(effect):
    studies, inside, bias, raw = 500, 0, [], []
    for seed in range(studies):
        Y, arm = dropped(seed, effect)
        _, cells = constrained_waves(Y, arm, 2)
        contrast = cells.contrast([0, 0, 0, -1, 1])
        low, high = contrast.interval(0.95)
        inside += low < effect < high
        bias.append(contrast.estimate - effect)
        raw.append(np.nanmean(Y[arm == 1, 2]) - np.nanmean(Y[arm == 0, 2]) - effect)

    # Coverage has a Monte-Carlo error of .010, bias one of .013.
    assert np.mean(raw) > 0.4
    assert abs(np.mean(bias)) < 0.05
    assert 0.93 <= inside / studies <= 0.97


@pytest.mark.slow
def test_posterior_intervals_cover_too():
    studies, inside = 500, 0
    prior = CellPrior.of_scale(-5, 5)
    for seed in range(studies):
        Y, arm = dropped(seed, 0.6)
        design = wave_columns(arm, 2, 3, np.empty((len(Y), 0)))
        drawn = waves_posterior(Y, design, 5, prior=prior, seed=seed, draws=300, tune=150)
        found = drawn.contrast([0, 0, 0, -1, 1], interval="equal-tailed").posterior
        inside += found.low < 0.6 < found.high

    assert 0.93 <= inside / studies <= 0.97
