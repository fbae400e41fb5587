"""What can be asked of the Bayesian model behind an answer of `analyse`."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import yaml

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.bayesian.saved_draws import load_draws
from feedbackstudy.errors import DataError
from feedbackstudy.study import Study
from tests.analysis.conftest import FEEDBACK_STUDY, as_scores
from tests.analysis.test_r_script import MAIN, hypothesis


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    made = copy.deepcopy
    data = yaml.safe_load(FEEDBACK_STUDY)
    data["hypotheses"] = [
        hypothesis("score", "reaction", made(MAIN)),
        hypothesis("rating", "likert", made(MAIN)),
        hypothesis("path", "outcome", made(MAIN), path={"through": [{"score": "challenge"}], "structure": "simple"}),
    ]
    data["plan"] |= {"decides": {}, "families": [], "covariates": [], "engines": ["bayesian"]}
    (folder / "study.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    study = Study.load(folder)
    return analyse(as_scores(study, "feedback_unbalanced", clusters=False), study)


def test_a_sampled_model_has_loo_predictive_check_and_sensitivity(found):
    answer = found.answer("rating")

    assert answer.loo().elpd < 0
    check = answer.predictive_check(studies=200)
    assert check.bars.seen.sum() == pytest.approx(1.0)
    assert check.bars.mean == pytest.approx(check.bars.seen, abs=0.08)
    scaled = answer.prior_sensitivity()
    assert 0 <= scaled.to_prior < scaled.to_likelihood


def test_what_the_prior_expects_does_not_depend_on_the_answers(found):
    answer = found.answer("rating")
    shares = answer.prior_check(studies=200)

    assert shares.bars.seen is None
    assert shares.bars.mean.sum() == pytest.approx(1.0)
    assert "What the prior expects" in str(shares)
    assert found.answer("score").prior_check(studies=500).answers_outside > 0


@pytest.mark.against_r
def test_checks_of_a_sampled_answer_lead_out_to_r(found, run_r, tmp_path):
    answer = found.answer("rating")
    shares, check = answer.prior_check(studies=200), answer.predictive_check(studies=200)

    prior, posterior = run_r(shares.r_script(), tmp_path / "a"), run_r(check.r_script(), tmp_path / "b")

    assert prior["share mean"] == pytest.approx(shares.bars.mean.tolist(), abs=1e-12)
    assert posterior["share upper"] == pytest.approx(check.bars.upper.tolist(), abs=1e-12)
    assert posterior["sd of cell 1"][3] == next(one.p for one in check.statistics if one.name == "sd of cell 1")
    with pytest.raises(DataError, match="prior predictive check was made from numbers alone"):
        replace(shares, script=None).r_script()


def test_draws_are_saved_as_zarr_and_read_back(found, tmp_path):
    answer = found.answer("rating")

    answer.save_draws(tmp_path, "draws/rating.zarr")

    again = load_draws(tmp_path, "draws/rating.zarr").draws.variables["cells"]
    assert np.array_equal(again, answer.bayesian.source.draws.variables["cells"])


def test_a_model_solved_exactly_answers_under_other_priors_and_says_that_it_has_no_draws(found, tmp_path):
    answer = found.answer("score")
    (row,) = answer.rows
    declared = answer.prior_sensitivity().declared

    assert declared.median == pytest.approx(row.estimate, rel=1e-6)
    check = answer.predictive_check(studies=200)
    assert check.studies == 200
    assert "exact posterior" in check.model
    for call in (answer.loo, lambda: answer.save_draws(tmp_path, "a.zarr")):
        with pytest.raises(DataError, match="solved exactly"):
            call()


def test_a_path_hands_out_its_model_and_has_no_cells(found):
    answer = found.answer("path")

    assert {"pymc", "model"} & set(type(answer.pymc_model()).__module__.split("."))
    with pytest.raises(DataError, match="no Bayesian model of cells"):
        answer.loo()
    with pytest.raises(DataError, match="does not compare scores of cells"):
        answer.student_t()


@pytest.mark.slow
def test_heavy_tails_hardly_move_an_answer_without_outliers(found):
    answer = found.answer("score")
    again = answer.student_t(seed=3).cells().contrast(answer.problem.weights[0]).posterior

    assert again.median == pytest.approx(answer.rows[0].estimate, abs=0.5 * answer.rows[0].se)


def test_the_page_of_an_answer_shows_the_prior_and_what_it_expects(found):
    page, other = str(found.answer("score")), str(found.answer("rating"))

    assert found.answer("score").bayesian.prior.split(":")[0] in page
    assert "single answers outside the scale" in page
    assert " ".join(found.answer("rating").bayesian.prior.split()[:4]) in other
