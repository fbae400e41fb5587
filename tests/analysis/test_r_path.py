"""Declared paths in R: least squares and its bootstrap, lavaan, and the exact posterior, over completed tables too."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from tests.analysis.conftest import as_scores
from tests.analysis.test_mediation_against_r import agree

pytestmark = pytest.mark.against_r

ONE, TWO = [{"score": "challenge"}], [{"score": "challenge"}, {"score": "selfeff"}]
PATHS = {
    "simple": {"through": ONE},
    "serial": {"through": TWO, "structure": "serial"},
    "parallel": {"through": TWO, "structure": "parallel"},
    "difference": {"through": TWO, "structure": "parallel", "effect": "difference"},
    "direct": {"through": ONE, "effect": "direct"},
    "total": {"through": ONE, "effect": "total"},
    "by a factor": {"through": ONE, "moderator": {"by": "timing", "on": ["first"]}},
    "by a factor, second": {"through": ONE, "moderator": {"by": "timing", "on": ["first", "second"]}},
    "by a covariate": {"through": ONE, "moderator": {"by": "baseline", "on": ["first"]}},
}
OUTSIDE_LAVAAN = {"by a factor, second", "by a covariate"}


@pytest.fixture
def answered(declared):
    def run(name, *, clusters=False, missing="listwise", gaps=(), **plan):
        contrast = {"kind": "main_effect", "factor": "framing", "level": "gain", "against": "loss"}
        asked = {"name": "q", "text": "A path.", "outcome": "outcome", "contrast": contrast, "direction": "either"}
        plan = {"decides": {}, "families": [], "covariates": ["baseline"], "missing": missing} | plan
        study = declared(hypotheses=[asked | {"role": "exploratory", "path": PATHS[name]}], plan=plan)
        scores = as_scores(study, "feedback_unbalanced", clusters=clusters)
        frame, rng = scores.frame.copy(), np.random.default_rng(7)
        for column in gaps:
            frame.loc[rng.random(len(frame)) < 0.4 / (1 + np.exp(6 - frame["reaction"])), column] = np.nan
        return analyse(replace(scores, _frame=frame), study).answer("q")

    return run


def frequentist(answer, shown):
    """Least squares agree in full; limits by two sets of 5,000 draws or more, each within 0.05 standard errors."""
    row = answer.rows[0]
    assert row.estimate == pytest.approx(shown["estimate"], rel=1e-8)
    assert row.se == pytest.approx(shown["se"], rel=0.06)
    assert row.low == pytest.approx(shown["CI low"], abs=0.2 * row.se)
    assert row.high == pytest.approx(shown["CI high"], abs=0.2 * row.se)
    assert row.p == pytest.approx(shown["p"], abs=0.004 + 0.1 * row.p)


@pytest.mark.parametrize("name", PATHS)
def test_a_path_of_complete_rows(answered, run_r, tmp_path, name):
    answer = answered(name)

    shown = {key: values[0] for key, values in run_r(answer.r_script(), tmp_path / "r").items()}

    row = answer.rows[1]
    frequentist(answer, shown)
    agree(answer.path.main.posterior, row.se, shown, "", row.bayes_factor)
    assert ("est.e1" not in shown) == (name in OUTSIDE_LAVAAN)
    if name not in OUTSIDE_LAVAAN:
        path = answer.path
        at = [effect.name for effect in path.design.effects].index(path.main.effect.name)
        # lavaan stops its search a little before the optimum; errors by maximum likelihood, ours by least squares
        assert answer.rows[0].estimate == pytest.approx(shown["est.e1"], abs=1e-4 * row.se)
        assert path.mediation(answer.provenance).delta.se[at] == pytest.approx(shown["se.e1"], rel=0.03)


def test_clusters_are_drawn_as_wholes(answered, run_r, tmp_path):
    answer = answered("simple", clusters=True)

    shown = {key: values[0] for key, values in run_r(answer.r_script(), tmp_path / "r").items()}

    assert "draws of clusters" in answer.rows[0].model
    frequentist(answer, shown)
    agree(answer.path.main.posterior, answer.rows[1].se, shown, "", answer.rows[1].bayes_factor)
    assert "est.e1" not in shown


@pytest.mark.parametrize(
    ("name", "clusters"), [("simple", False), ("parallel", False), ("by a covariate", False), ("serial", True)]
)
def test_completed_tables_are_pooled_and_their_posteriors_mixed(answered, run_r, tmp_path, name, clusters):
    gaps = ("challenge", "outcome", "baseline")
    answer = answered(name, clusters=clusters, missing="multiple_imputation", gaps=gaps)

    script = answer.r_script()
    shown = {key: values[0] for key, values in run_r(script, tmp_path / "r").items()}

    row = answer.rows[1]
    assert len(script.data) == 20 * answer.rows[0].n
    assert "equal shares of the posteriors of 20 completed tables" in row.model
    frequentist(answer, shown)
    # the priors of slopes count in the spread of columns that were imputed: each table has its own
    agree(answer.path.main.posterior, row.se, shown, "", row.bayes_factor, 1e-6)
    tables = answer.path.posterior
    assert len({part.theta.tobytes() for part in tables.parts}) == len({id(one) for one in tables.systems}) == 20


def test_the_mediation_of_a_pooled_path_pools_too(answered, run_r, tmp_path):
    answer = answered("simple", missing="multiple_imputation", gaps=("challenge", "outcome"))
    found = answer.path.mediation(answer.provenance)

    shown = {key: values[0] for key, values in run_r(found.r_script(), tmp_path / "r").items()}

    for i, one in enumerate(found.answers, start=1):
        assert one.estimate == pytest.approx(shown[f"estimate.e{i}"], rel=1e-8)
        agree(one.posterior, one.sd, shown, f".e{i}", one.bayes_factor)
    assert not [key for key in shown if key.startswith("est.")]


def test_the_mediation_of_a_path_is_in_lavaan_whatever_the_number_of_cells(answered, run_r, tmp_path):
    answer = answered("serial")
    found = answer.path.mediation(answer.provenance)

    shown = {key: values[0] for key, values in run_r(found.r_script(), tmp_path / "r").items()}

    assert len(answer.problem.cells) == 8
    for i, one in enumerate(found.answers, start=1):
        assert one.estimate == pytest.approx(shown[f"est.e{i}"], abs=1e-3 * one.se)
        assert found.delta.se[i - 1] == pytest.approx(shown[f"se.e{i}"], rel=0.03)


def test_the_posterior_of_a_path_carries_the_script(answered, run_r, tmp_path):
    answer = answered("simple")

    shown = run_r(answer.posterior.r_script(), tmp_path / "r")

    assert answer.posterior.median == pytest.approx(shown["median"][0], abs=0.05 * answer.rows[1].se)


def test_the_frequentist_engine_alone_shows_no_posterior(answered):
    answer = answered("simple", engines=["frequentist"])

    assert "median" not in str(answer.r_script())
