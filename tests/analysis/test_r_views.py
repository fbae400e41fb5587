"""What is shown of an exact posterior, computed again in R: prior widths, densities, robustness."""

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.prior_posterior import prior_posterior
from feedbackstudy.errors import DataError

MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}


@pytest.fixture
def answer(declared, feedback):
    question = {"name": "q", "text": "A question.", "outcome": "reaction", "contrast": MAIN, "direction": "either"}
    plan = {"decides": {}, "families": [], "covariates": ["baseline"]}
    study = declared(hypotheses=[question | {"role": "exploratory"}], plan=plan)
    return analyse(feedback(study, "feedback_unbalanced", clusters=True), study).answer("q")


@pytest.mark.against_r
def test_the_curve_over_prior_widths(answer, run_r, tmp_path):
    curve = answer.robustness()

    in_r = run_r(curve.r_script(), tmp_path / "r")

    assert in_r["width"] == pytest.approx(curve.scales.tolist())
    assert in_r["log_bayes_factor"] == pytest.approx(curve.log_bayes_factors.tolist(), abs=1e-6)


@pytest.mark.against_r
def test_prior_and_posterior_density(answer, run_r, tmp_path):
    shown = prior_posterior(answer)

    in_r = run_r(shown.r_script(), tmp_path / "r")

    assert len(in_r["effect"]) == 21
    assert in_r["effect"] == pytest.approx(shown.grid[::100].tolist())
    assert in_r["prior density"] == pytest.approx(shown.prior[::100].tolist(), rel=1e-9)
    assert in_r["posterior density"] == pytest.approx(shown.posterior[::100].tolist(), rel=1e-5, abs=1e-10)
    assert in_r["posterior at 0"][0] == pytest.approx(shown.posterior_at_null, rel=1e-6)
    assert in_r["prior at 0"][0] == pytest.approx(shown.prior_at_null, rel=1e-9)


@pytest.mark.against_r
def test_wider_and_narrower_priors(answer, run_r, tmp_path):
    widths = answer.prior_sensitivity()

    in_r = run_r(widths.r_script(), tmp_path / "r")

    assert in_r["fold"] == [0.25, 0.5, 1.0, 2.0, 4.0]
    sd = np.array(in_r["posterior sd"])
    for name in ("median", "low", "high"):
        ours = np.array([getattr(row, name) for row in widths.rows])
        assert (np.abs(ours - in_r[name]) / sd).max() < (1e-6 if name == "median" else 1e-4)
    assert in_r["log_bayes_factor"] == pytest.approx([row.log_bayes_factor for row in widths.rows], abs=1e-5)
    # Ours leaves the constant of the data out: what is compared is each width with the declared one.
    ours = np.array([row.log_marginal for row in widths.rows])
    assert np.diff(in_r["log_marginal"]) == pytest.approx(np.diff(ours), abs=1e-5)


@pytest.mark.against_r
def test_a_posterior_carries_the_script_of_its_contrast(answer, run_r, tmp_path):
    posterior = answer.posterior

    in_r = run_r(posterior.r_script(), tmp_path / "r")

    assert posterior.median == pytest.approx(in_r["median"][0], rel=1e-6)


@pytest.mark.against_r
def test_studies_drawn_from_the_prior(answer, run_r, tmp_path):
    ours = answer.prior_check(studies=20_000)

    in_r = run_r(ours.r_script(), tmp_path / "r")

    assert ours.answers_outside == pytest.approx(in_r["answers outside"][0], abs=0.01)
    assert ours.means_outside == pytest.approx(in_r["means outside"][0], abs=0.01)
    for name, three in (
        ("sd between cells", ours.between_cells),
        ("largest difference", ours.largest_difference),
        ("sd within cells", ours.within_cells),
        ("difference in sd", ours.standardised_difference),
    ):
        theirs = [in_r[f"{name} {at}"][0] for at in ("2.5 %", "50 %", "97.5 %")]
        # five Monte-Carlo errors or so; the ratio has a tail as heavy as Cauchy's, sd of its upper quantile 4 % here
        assert three[1] == pytest.approx(theirs[1], rel=0.06)
        assert three[2] == pytest.approx(theirs[2], rel=0.3 if name == "difference in sd" else 0.06)
        assert three[0] == pytest.approx(theirs[0], abs=0.03 * theirs[1])


def test_what_was_made_from_numbers_alone_says_where_the_script_is(answer):
    alone = answer.bayesian.contrast(answer.problem.weights[0]).posterior

    with pytest.raises(DataError, match=r"the r_script\(\) of the analysis"):
        alone.r_script()
