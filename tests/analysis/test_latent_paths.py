"""Latent mediation from a table: the model of the arrays, lavaan's numbers, and refusals in words."""

import json

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.latent_lavaan import latent_lavaan
from feedbackstudy.analysis.bayesian.latent_mediation import latent_model
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.latent_paths import latent_columns
from feedbackstudy.errors import DataError, NotFoundError
from tests.analysis.conftest import REFERENCE

PRIOR = CellPrior.of_scale(1, 7)
PRIORS = {"challenge": PRIOR, "intent": PRIOR}
CHALLENGE, INTENT = {"challenge": ["c1", "c2", "c3"]}, {"intent": ["i1", "i2", "i3"]}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "latent_mediation.csv")


def stated(data, **changed):
    asked = {"x": "treatment", "mediators": CHALLENGE, "y": INTENT, "priors": PRIORS, **changed}
    return latent_columns(data, **asked)


def test_a_table_and_its_arrays_give_the_same_density(data):
    z = data.assign(age=np.sin(np.arange(len(data))))
    by_name, notes, _ = stated(z, covariates=["age"])
    factors = {
        name: (z[list(own)].to_numpy(), PRIOR) for name, own in (CHALLENGE | INTENT).items()
    }  # a column per item, in the order given
    by_array = latent_model(z["treatment"], factors, covariates=z["age"])
    assert not notes
    for seed in (1, 2):
        point = by_array.forward(np.random.default_rng(seed))
        assert by_name.log_likelihood(point) == pytest.approx(by_array.log_likelihood(point), rel=1e-12)
    assert by_name.prior == by_array.prior
    logps = [one.pymc_model() for one in (by_name, by_array)]
    at = logps[0].initial_point()
    densities = [float(one.compile_logp(mode="FAST_COMPILE")(at)) for one in logps]
    assert densities[0] == pytest.approx(densities[1], rel=1e-12)


def test_categories_are_second_minus_first_and_gaps_are_counted(data):
    words = data.assign(treatment=np.where(data["treatment"] > 0, "late", "at once"))
    by_words, _, conventions = stated(words)
    plain, _, _ = stated(data)
    np.testing.assert_allclose(by_words.treatment, plain.treatment, atol=1e-12)
    assert any("late" in one for one in conventions)
    holes = data.copy()
    holes.loc[[0, 3], "i2"] = np.nan
    fewer, notes, _ = stated(holes)
    assert fewer.n == len(data) - 2
    assert "2 of" in notes[0]
    assert "i2 2" in notes[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"priors": {"challenge": PRIOR}}, "No prior is given for intent"),
        ({"mediators": {"challenge": "c1"}}, "Give a list of items"),
        ({"mediators": ["c1"]}, "maps each latent variable"),
        ({"y": INTENT | CHALLENGE}, "One outcome"),
        ({"y": {"challenge": ["i1"]}}, "one part"),
        ({"y": {"intent": ["i1", "c1"]}}, "named twice"),
    ],
)
def test_what_is_no_model_is_refused_in_words(data, changed, words):
    with pytest.raises(DataError, match=words):
        stated(data, **changed)


def test_a_constant_item_text_and_an_unknown_column_are_named(data):
    with pytest.raises(DataError, match="'c2' has one answer from all"):
        stated(data.assign(c2=4))
    with pytest.raises(DataError, match="'c2' must hold numbers"):
        stated(data.assign(c2="often"))
    with pytest.raises(NotFoundError, match="i3"):
        stated(data, y={"intent": ["i1", "i33"]})


@pytest.mark.against_r
def test_lavaan_fits_the_same_equations(data, run_r, tmp_path):
    # tests/reference/latent_mediation.R: lavaan::sem, maximum likelihood, products by the delta method
    wanted = json.loads((REFERENCE / "latent_mediation.json").read_text(encoding="utf-8"))
    script = latent_lavaan(stated(data)[0])
    in_r = run_r(script, tmp_path / "r")
    named = {line.split(" is ")[1]: line.split()[1] for line in str(script).splitlines() if line.startswith("# e")}
    for name, effect in (("a", "treatment -> challenge"), ("b", "challenge -> intent"), ("direct", "direct"),
                         ("indirect", "treatment -> challenge -> intent")):  # fmt: skip
        assert in_r[f"est.{named[effect]}"][0] == pytest.approx(wanted[name]["estimate"], rel=1e-5)
        assert in_r[f"se.{named[effect]}"][0] == pytest.approx(wanted[name]["se"], rel=1e-4)


@pytest.mark.slow
def test_the_public_function_samples_lavaans_answer(data):
    found = analysis.latent_mediation(data, "treatment", CHALLENGE, INTENT, priors=PRIORS, seed=6)
    wanted = json.loads((REFERENCE / "latent_mediation.json").read_text(encoding="utf-8"))["indirect"]
    assert isinstance(found.draws.gates, Gates)
    assert found.fit_to_report, found.draws.gates.failures
    drawn = found.effects["indirect"]
    assert drawn.mean() == pytest.approx(wanted["estimate"], abs=0.25 * wanted["se"])
    assert "analysis.latent_mediation" in str(found)
