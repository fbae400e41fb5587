"""The scripts we hand out make R's psych, lavaan, semTools and MASS print the same numbers; run where R is present."""

import shutil
import subprocess

import numpy as np
import pytest

from feedbackstudy import psychometrics as pm
from feedbackstudy.psychometrics.rscript import RScript, r_string

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]

THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


def by_r(result, folder):
    """Run a result's script and return what it shows."""
    script = (result if isinstance(result, RScript) else result.r_script()).save(folder)
    done = subprocess.run(
        [shutil.which("Rscript"), script.name], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 1]
    shown = {name: float(value) if value != "NA" else np.nan for name, value in lines}
    assert shown
    return shown


@pytest.fixture(scope="module")
def agree(bfi):
    items = bfi[[f"A{k}" for k in range(1, 6)]].dropna()
    return items.assign(A1=7 - items["A1"])


@pytest.fixture(scope="module")
def nine(hs):
    return hs[[f"x{k}" for k in range(1, 10)]]


def test_alpha(agree, tmp_path):
    result = pm.alpha(agree)
    shown = by_r(result, tmp_path)

    assert shown.pop("alpha") == pytest.approx(result.value, abs=1e-10)
    for name, value in shown.items():
        assert value == pytest.approx(result.also[name], abs=1e-10), name


def test_omega(agree, tmp_path):
    shown = by_r(pm.omega(agree), tmp_path)

    assert shown["omega ML"] == pytest.approx(pm.omega(agree).value, abs=1e-6)
    assert shown["se ML"] == pytest.approx(pm.omega(agree).also["delta-method SE"], abs=1e-7)
    assert shown["se MLR"] == pytest.approx(pm.omega(agree).also["robust SE"], abs=1e-7)


def test_split_halves_of_six_items(hs, tmp_path):
    result = pm.split_half(hs[[f"x{k}" for k in range(1, 7)]])
    shown = by_r(result, tmp_path)

    assert set(shown) == {"maximum", "minimum", "mean", "lambda 2", "lambda 6"}
    for name, value in shown.items():
        assert value == pytest.approx(result.coefficients[name], abs=1e-10), name


def test_omega_hierarchical(nine, tmp_path):
    result = pm.omega_hierarchical(nine)
    shown = by_r(result, tmp_path)

    assert shown["omega hierarchical"] == pytest.approx(result.value, abs=1e-5)
    assert shown["omega total"] == pytest.approx(result.total, abs=1e-6)
    assert shown["explained common variance"] == pytest.approx(result.explained_common, abs=1e-5)


def test_ordinal_coefficients(agree, tmp_path):
    alpha, omega = pm.ordinal_alpha(agree), pm.categorical_omega(agree)

    assert by_r(alpha, tmp_path)["ordinal alpha"] == pytest.approx(alpha.value, abs=2e-5)
    shown = by_r(omega, tmp_path)
    assert shown["categorical omega"] == pytest.approx(omega.value, abs=1e-6)
    name = "omega of the latent responses"
    assert shown[name] == pytest.approx(omega.also[name], abs=1e-6)


def test_items(agree, tmp_path):
    result = pm.item_analysis(agree)
    frame = result.frame().set_index("item")
    shown = by_r(result, tmp_path)

    assert len(shown) == 20
    for key, value in shown.items():
        column, item = key.split(" ")
        assert value == pytest.approx(frame.loc[item, column], abs=1e-10), key


def test_polychoric_correlations(agree, tmp_path):
    result = pm.polychoric(agree)
    shown = by_r(result, tmp_path)

    assert len(shown) == 10
    for key, value in shown.items():
        _, first, second = key.split(".")
        assert value == pytest.approx(result.frame().loc[first, second], abs=5e-5), key


@pytest.mark.parametrize(
    ("extraction", "rotation", "tolerance"),
    [("ml", "varimax", 1e-5), ("minres", "oblimin", 1e-4), ("pa", "promax", 1e-4), ("minres", "geomin", 1e-4)],
)
def test_factor_analysis(nine, tmp_path, extraction, rotation, tolerance):
    result = pm.efa(nine, 3, extraction=extraction, rotation=rotation)
    shown = by_r(result, tmp_path)

    assert shown.pop("objective") == pytest.approx(result.fit.objective, abs=1e-5)
    for name, unique in zip(result.items, result.uniquenesses, strict=True):
        assert shown[f"uniqueness {name}"] == pytest.approx(unique, abs=tolerance), name


def test_factorability_map_and_parallel_analysis(nine, tmp_path):
    ability, partial, parallel = pm.factorability(nine), pm.minimum_average_partial(nine), pm.parallel_analysis(nine)

    shown = by_r(ability, tmp_path)
    assert shown["KMO"] == pytest.approx(ability.kmo, abs=1e-10)
    assert shown["chi-square"] == pytest.approx(ability.chi_square, abs=1e-8)
    shown = by_r(partial, tmp_path)
    np.testing.assert_allclose([shown[f"average {j}"] for j in range(1, 6)], partial.averages[1:6], atol=1e-10)
    shown = by_r(parallel, tmp_path)
    assert (shown["factors"], shown["components"]) == (parallel.factors, parallel.components)
    assert shown["first component"] == pytest.approx(parallel.component_values[0], abs=1e-10)
    assert shown["first factor"] == pytest.approx(parallel.factor_values[0], abs=1e-4)


def test_intraclass_correlations(nine, tmp_path):
    result = pm.icc(nine.iloc[:40, :3], level=0.9)
    shown = by_r(result, tmp_path)

    assert len(shown) == 18
    for row in result.rows:
        assert shown[row.shrout_fleiss] == pytest.approx(row.value, abs=1e-9)
        assert shown[f"{row.shrout_fleiss} low"] == pytest.approx(row.low, abs=1e-9)
        assert shown[f"{row.shrout_fleiss} high"] == pytest.approx(row.high, abs=1e-9)


@pytest.mark.parametrize("version", [1, 2])
def test_htmt(nine, tmp_path, version):
    result = pm.htmt(nine, THREE, version=version)
    shown = by_r(result, tmp_path)

    assert len(shown) == 3
    for row in result.frame().itertuples():
        assert shown[" ".join(sorted([row.first, row.second]))] == pytest.approx(row.htmt, abs=1e-9)


def test_differential_item_functioning(bfi, agree, tmp_path):
    result = pm.dif(agree, bfi.loc[agree.index, "gender"], purify=False)
    shown = by_r(result, tmp_path)

    frame = result.frame().set_index("item")
    assert len(shown) == 10
    for key, value in shown.items():
        kind, item = key.split(" ")
        assert value == pytest.approx(frame.loc[item, kind], abs=1e-3), key


def test_an_item_name_cannot_break_out_of_the_script(agree, tmp_path):
    odd = agree.set_axis(['A"); quit(status = 3); c("', "B\\", "C C", "D\n", "E"], axis=1)

    assert by_r(pm.alpha(odd), tmp_path)["alpha"] == pytest.approx(pm.alpha(agree).value, abs=1e-10)
    assert r_string('a"b\\') == '"a\\"b\\\\"'
