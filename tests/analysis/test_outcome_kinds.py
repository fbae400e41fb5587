"""Outcomes of every kind through `analyse`: what each gets, and what is said where one gets nothing or less."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
import yaml

from feedbackstudy import report
from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.count_law import count_law
from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_tests import nominal_test
from feedbackstudy.analysis.marginal_means import marginal_means
from feedbackstudy.analysis.proportional import effect_columns
from feedbackstudy.errors import DeclarationError
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study
from tests.analysis.conftest import FEEDBACK_STUDY, REFERENCE

TIMING = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}


@pytest.fixture
def frame() -> pd.DataFrame:
    found = pd.read_csv(REFERENCE / "feedback_unbalanced.csv").rename(columns={"y": "reaction"})
    return found.assign(arm="feedback", occasion="t1")


@pytest.fixture
def asking(declared):
    """Make a study with one hypothesis about timing, and perhaps one measure more."""

    def make(outcome: str, *measures: dict, **changes: object) -> Study:
        data = yaml.safe_load(FEEDBACK_STUDY)
        asked = {"name": "h1", "text": "Sooner is better.", "outcome": outcome, "contrast": TIMING}
        asked |= {"direction": "positive", "role": "confirmatory"} | changes
        return declared(
            measures=[*data["measures"], *({"waves": ["t1"]} | one for one in measures)],
            hypotheses=[asked],
            plan={"families": [], "decides": {"h1": {"by": "p"}}},
        )

    return make


def scored(study: Study, frame: pd.DataFrame, *, clusters: bool = False) -> Scores:
    scores = [column for measure in study.measures for column in measure.columns if column in frame]
    groups = ["interviewer"] if clusters else []
    kept = ["participant", "arm", "occasion", *study.factors.names, "baseline", *scores, *groups]
    return Scores.from_frame(
        frame[kept],
        scores=scores,
        factors=study.factors.names,
        clusters=groups,
        covariates=["baseline"],
        design_hash=study.design_hash,
    )


def frequentist(study: Study, frame: pd.DataFrame, *, clusters: bool = False) -> Estimates:
    return analyse(scored(study, frame, clusters=clusters), study, engine="frequentist")


COUNTS = {"name": "hints", "kind": "count"}


@pytest.mark.parametrize("clusters", [False, True])
def test_counts_that_vary_like_a_poisson_are_answered_and_it_is_said(asking, frame, clusters):
    study, limits = asking("hints", COUNTS), 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = frequentist(study, frame.assign(hints=rng.poisson(2, len(frame)).astype(float)), clusters=clusters)
        assert len(found.rows) == 1
        limits += "the Poisson model is reported" in found.rows[0].note
    assert 3 <= limits < 6 or clusters


def test_both_engines_answer_poisson_counts_alike(asking, frame):
    y = np.random.default_rng(3).poisson(2, len(frame)).astype(float)
    study = asking("hints", COUNTS)
    classical, bayesian = analyse(scored(study, frame.assign(hints=y)), study).rows
    assert "limit of the negative binomial" in classical.model
    assert bayesian.estimate == pytest.approx(classical.estimate, rel=0.03)
    assert bayesian.model.startswith("Poisson model of cells")
    assert "both engines use the Poisson model" in bayesian.note
    width = np.log(bayesian.high / bayesian.low) / np.log(classical.high / classical.low)
    assert 0.9 < width < 1.1


@pytest.mark.against_r
@pytest.mark.parametrize("clusters", [False, True])
def test_r_fits_the_poisson_where_the_negative_binomial_has_no_size(asking, frame, run_r, tmp_path, clusters):
    """With these counts glm.nb of MASS 7.3 stops in the search of its size; glmer.nb ends .001 beside the Poisson."""
    y = np.random.default_rng(4).poisson(2, len(frame)).astype(float)
    found = frequentist(asking("hints", COUNTS), frame.assign(hints=y), clusters=clusters)
    (row,) = found.rows
    assert "limit of the negative binomial" in row.model

    in_r = run_r(found.answer("h1").r_script(), tmp_path)

    tolerance = 1e-5 if clusters else 1e-7  # R takes the weights of its last step but one
    assert np.log(row.estimate) == pytest.approx(in_r["estimate"][0], rel=tolerance)
    assert row.se == pytest.approx(in_r["se"][0], rel=tolerance)
    assert row.p == pytest.approx(in_r["p"][0], rel=10 * tolerance)


def overdispersed(frame: pd.DataFrame, zeros: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    mean = np.where(frame.timing == "delayed", 2.0, 3.5)
    y = rng.negative_binomial(1.5, 1.5 / (1.5 + mean)) * (rng.random(len(frame)) >= zeros)
    return frame.assign(hints=y.astype(float))


def test_a_declared_distribution_is_the_one_that_is_fitted(asking, frame):
    data = overdispersed(frame)
    found = {
        law: frequentist(asking("hints", COUNTS | ({} if law is None else {"distribution": law})), data).rows[0]
        for law in (None, "negative binomial", "poisson")
    }
    assert found[None].model == found["negative binomial"].model
    assert (found[None].estimate, found[None].low) == (
        found["negative binomial"].estimate,
        found["negative binomial"].low,
    )
    assert found["poisson"].model.startswith("Poisson")
    poisson = smf.glm("hints ~ 0 + timing:framing:specificity", data, family=sm.families.Poisson()).fit()
    weights = np.array([0.25 if "immediate" in name else -0.25 for name in poisson.params.index])
    assert np.log(found["poisson"].estimate) == pytest.approx(weights @ poisson.params, rel=1e-6)
    spread = np.sqrt(weights @ poisson.cov_params().to_numpy() @ weights)
    assert np.log(found["poisson"].high / found["poisson"].low) == pytest.approx(2 * 1.959964 * spread, rel=1e-5)


def test_a_declared_share_of_zeros_is_fitted_and_not_combined_with_clusters(asking, frame):
    study, data = asking("hints", COUNTS | {"distribution": "zero-inflated"}), overdispersed(frame, zeros=0.3)
    (row,) = frequentist(study, data).rows
    assert row.model.startswith("zero-inflated negative binomial")
    assert row.estimate > 1
    (issue,) = frequentist(study, data, clusters=True).issues
    assert "no random effects" in issue.what + issue.why


def test_zero_inflated_counts_at_the_limit_are_a_poisson_in_both_engines(asking, frame):
    study = asking("hints", COUNTS | {"distribution": "zero-inflated"})
    rng = np.random.default_rng(5)
    mean = np.where(frame.timing == "delayed", 2.0, 3.5)
    data = frame.assign(hints=(rng.poisson(mean) * (rng.random(len(frame)) >= 0.3)).astype(float))
    made = frequentist(study, data)

    assert made.rows[0].model.startswith("zero-inflated Poisson")
    assert "no more than a Poisson allows" in made.rows[0].note
    law = count_law(next(iter(made.answers.values())).problem)
    assert law.name == "zero-inflated poisson"


@pytest.mark.slow
def test_both_engines_share_the_declared_zero_inflated_law(asking, frame):
    study = asking("hints", COUNTS | {"distribution": "zero-inflated"})
    classical, bayesian = analyse(scored(study, overdispersed(frame, zeros=0.3)), study).rows
    assert "zero-inflated negative binomial" in classical.model
    assert "zero-inflated negative binomial" in bayesian.model
    assert abs(np.log(bayesian.estimate / classical.estimate)) < 0.5 * np.log(classical.high / classical.estimate)


def test_only_a_count_declares_a_distribution_and_older_studies_keep_their_hash(asking):
    with pytest.raises(DeclarationError, match="only a count has a distribution"):
        asking("mood", {"name": "mood", "kind": "continuous", "distribution": "poisson"})
    plain = asking("hints", COUNTS)
    assert all("distribution" not in one for one in plain.model_dump(mode="json")["measures"])
    assert asking("hints", COUNTS | {"distribution": "poisson"}).design_hash != plain.design_hash


def test_a_cell_without_counts_is_named(asking, frame):
    study = asking("hints", COUNTS)
    empty = (frame.timing == "delayed") & (frame.framing == "gain") & (frame.specificity == "high")
    y = np.where(empty, 0.0, 1.0 + np.random.default_rng(0).poisson(2, len(frame)))
    (issue,) = frequentist(study, frame.assign(hints=y)).issues
    assert "counts of the cell delayed:gain:high are 0" in issue.what
    assert "firth" not in issue.what
    study = asking("reapply")
    (issue,) = frequentist(study, frame.assign(reapply=np.where(empty, 0, frame.reapply))).issues
    assert "answers of the cell delayed:gain:high are 0" in issue.what
    assert "firth" not in issue.what
    study = asking("likert")
    (issue,) = frequentist(study, frame.assign(likert=np.where(empty, 1, frame.likert))).issues
    assert "answers of the cell delayed:gain:high lie in the lowest category" in issue.what


@pytest.mark.parametrize(
    ("kind", "levels"), [("nominal", {"1": "a", "2": "b"}), ("time_to_event", {})], ids=["nominal", "time to event"]
)
def test_an_outcome_without_a_model_is_refused_in_clear_words_once_and_found_by_the_check(asking, frame, kind, levels):
    study = asking("choice", {"name": "choice", "kind": kind} | ({"levels": levels} if levels else {}))
    (finding,) = [issue for issue in study.check() if issue.code == "study.no_model"]
    assert str(finding.severity) == "error"
    assert "'choice'" in finding.what
    estimates = analyse(scored(study, frame.assign(choice=1.0 + np.arange(len(frame)) % 2)), study)
    (issue,) = [one for one in estimates.issues if one.code == "analysis.unanswered"]
    assert not estimates.rows
    assert issue.what.count(f"'choice' is {kind.replace('_', ' ')}") == 1
    assert re.search(r"kind: binary|binary measure", issue.what)
    assert "Choose one of" not in issue.what


def test_an_exploratory_question_about_a_nominal_outcome_is_a_warning(asking):
    choice = {"name": "choice", "kind": "nominal", "levels": {"1": "a", "2": "b"}}
    study = asking("choice", choice, role="exploratory")
    assert [str(one.severity) for one in study.check() if one.code == "study.no_model"] == ["warning"]


def test_a_proportion_lies_between_0_and_1_without_a_declared_range(asking, frame):
    study = asking("share", {"name": "share", "kind": "proportion"})
    estimates = analyse(scored(study, frame.assign(share=frame.reaction.clip(0, 10) / 10)), study)
    assert [row.engine for row in estimates.rows] == ["frequentist", "bayesian"]
    assert not [one for one in estimates.issues if one.code == "analysis.unanswered"]
    assert estimates.rows[1].estimate == pytest.approx(estimates.rows[0].estimate, rel=0.1)


def test_a_cell_of_one_row_is_named_in_every_row(asking, frame):
    study = asking("reaction")
    alone = (frame.timing == "delayed") & (frame.framing == "gain") & (frame.specificity == "high")
    few = frame[~alone | (alone.cumsum() == 1)]
    estimates = analyse(scored(study, few), study)
    assert all("the cell delayed:gain:high holds one row only" in row.note for row in estimates.rows)
    stops = [block.text for block in estimates.page().blocks if getattr(block, "tone", "") == "error"]
    stops = [text for text in stops if text.startswith("Not fit to report")]
    assert len(stops) == len(estimates.rows) > 1
    assert all("the cell delayed:gain:high holds one row only" in text for text in stops)  # what all rows share, too
    for row, text in zip(estimates.rows, stops, strict=True):
        assert row.unfit.startswith("the cell delayed:gain:high holds one row only")
        others = [part for part in row.note.split("; ") if part not in row.unfit]
        assert not any(part in text for part in others)
        assert report.sentence(row).endswith(f"not fit to report. {row.unfit}")
    assert not any(row.fit_to_report or row.decision for row in estimates.rows)
    (issue,) = [one for one in estimates.issues if one.code == "analysis.cell_of_one"]
    assert "delayed:gain:high" in issue.what
    assert report.sentence(estimates).count("not fit to report") == len(estimates.rows)
    whole = frequentist(study, frame)
    assert whole.rows[0].fit_to_report
    assert "analysis.cell_of_one" not in {one.code for one in whole.issues}
    assert not any("one row only" in row.note for row in frequentist(study, frame).rows)


def test_marginal_means_of_a_latent_scale_have_one_origin(asking, frame):
    study = asking("likert")
    answer = analyse(scored(study, frame), study).answer("h1")
    found = marginal_means(answer, study)
    assert "counted from the even mean of all cells" in found.scale
    late, early = (next(row for row in found.rows if row.levels == (name,)) for name in ("Later", "At once"))
    for one in (late, early):
        assert one.median == pytest.approx(one.estimate, abs=0.02)
    # closed form: the two halves of the contrast, each half as wide as it
    assert early.estimate == pytest.approx(-late.estimate)
    assert early.estimate - late.estimate == pytest.approx(answer.rows[0].estimate)
    assert 2 * early.low == pytest.approx(answer.rows[0].low)
    (whole,) = marginal_means(answer, study, by=[]).rows
    assert (whole.estimate, whole.low, whole.median) == (0, 0, 0)


def test_an_ordinal_effect_is_held_against_one_of_its_own_at_each_threshold_as_in_r(asking, frame):
    # R 4.2.2, ordinal 2022.11-16: clm(y ~ t * f * s) against clm(nominal = ~ t), t = +-1/2, f and s = +-1; probit
    for clusters in (False, True):
        (row,) = frequentist(asking("likert"), frame, clusters=clusters).rows
        assert "one shift at all thresholds is not contradicted: chi square(3) = 4.98, p = .173" in row.note
        assert ("checked without random effects" in row.note) == clusters
        assert ("stand for the clusters in place of a sandwich covariance" in row.model) == clusters
    problem = frequentist(asking("likert"), frame).answer("h1").problem
    own, others = effect_columns(problem)
    codes = problem.y.astype(int) - 1
    test = nominal_test(codes, np.hstack([own, others]), 5, slice(0, 1), term="timing", link="probit")
    assert test.statistic == pytest.approx(4.97722149, rel=1e-6)
    fit = fit_cumulative(codes, others, 5, link="probit", nominal=own)
    np.testing.assert_allclose(
        fit.nominal[:, 0], [-0.5496455528, -0.3033934077, -0.1379081567, -0.1856595632], rtol=1e-5
    )


def test_an_effect_that_differs_between_thresholds_is_seen(asking, frame):
    rng, early = np.random.default_rng(0), (frame.timing == "immediate").to_numpy()
    apart, middle = ([0.3, 0.1, 0.2, 0.1, 0.3], [0.1, 0.25, 0.3, 0.25, 0.1])
    drawn = [rng.choice([1, 2, 3, 4, 5], p=apart if soon else middle) for soon in early]
    study = asking("likert")
    found = frequentist(study, frame.assign(likert=drawn))
    assert "the effect differs between thresholds: chi square(3)" in found.rows[0].note
    assert "latent effect from the lowest threshold on: \N{MINUS SIGN}0." in found.rows[0].note
    said = report.sentence(found)
    assert "One shift does not describe it: the effect differs between thresholds." in said
    assert "differs between thresholds" not in report.sentence(frequentist(study, frame))
    (issue,) = [one for one in found.issues if one.code == "analysis.effect_differs_between_thresholds"]
    assert str(issue.severity) == "warning"
    assert "'h1'" in issue.what
    quiet = frequentist(study, frame)
    assert not [one for one in quiet.issues if one.code == "analysis.effect_differs_between_thresholds"]


def test_all_levels_at_once_and_slopes_are_checked_too(asking, frame):
    study = asking("likert", contrast={"kind": "association", "predictor": "baseline"}, evidence="observational")
    assert "one shift at all thresholds is not contradicted: chi square(3)" in frequentist(study, frame).rows[0].note
    joint = asking("likert", contrast={"kind": "main_effect", "factor": "timing"}, direction="either")
    assert "chi square(3) = 4.98" in frequentist(joint, frame).rows[0].note
