"""The scripts we hand out make R's lavaan print the same numbers; run where Rscript is present."""

import shutil
import subprocess

import numpy as np
import pytest

from feedbackstudy.psychometrics.cfa import bifactor, cfa
from feedbackstudy.psychometrics.invariance import invariance

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]

THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


def by_r(result, folder):
    """Run a fit's script and return what it shows."""
    script = result.r_script().save(folder)
    done = subprocess.run(
        [shutil.which("Rscript"), script.name], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {name: float(value) if value != "NA" else np.nan for name, value in lines}


def same(result, shown, *, tolerance=2e-5):
    names = [name for name in shown if not name.startswith(("est.", "se."))]
    assert len(names) >= 6
    for name in names:
        assert result.fit[name] == pytest.approx(shown[name], rel=tolerance, abs=tolerance), name
    at = {name: k + 1 for k, name in enumerate(result.groups)}
    frame = result.estimates[result.estimates["free"]]
    seen = 0
    for row in frame.itertuples():
        for op_name in (f"{row.lhs}{row.op}{row.rhs}", f"{row.rhs}{row.op}{row.lhs}"):
            key = f"{op_name}.{at[row.group]}"
            if f"est.{key}" in shown:
                assert row.est == pytest.approx(shown[f"est.{key}"], rel=1e-4, abs=1e-4), key
                assert row.se == pytest.approx(shown[f"se.{key}"], rel=1e-4, abs=1e-4), key
                seen += 1
                break
    assert seen == len(frame)


@pytest.mark.parametrize("estimator", ["ML", "MLR", "MLM", "GLS", "DWLS"])
def test_lavaan_recomputes_a_continuous_fit(hs, tmp_path, estimator):
    result = cfa(hs, THREE, estimator=estimator, ordered=())
    same(result, by_r(result, tmp_path))


def test_lavaan_recomputes_full_information_in_groups_with_equalities(hs_missing, tmp_path):
    result = cfa(hs_missing, THREE, missing="fiml", group="school", equal=["loadings", "intercepts"], partial=["x3~1"])
    same(result, by_r(result, tmp_path))


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
def test_lavaan_recomputes_an_ordinal_fit(bfi, tmp_path, parameterization):
    result = cfa(bfi, {"A": ["A1", "A2", "A3", "A4", "A5"]}, estimator="WLSMV", parameterization=parameterization)
    same(result, by_r(result, tmp_path))


def test_lavaan_recomputes_labels_constraints_and_defined_quantities(hs, tmp_path):
    model = "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + x5 + x6\nx1 ~~ x4\na == 0.7*b\nproduct := a*b"
    result = cfa(hs, model, estimator="ML")
    same(result, by_r(result, tmp_path))


def test_lavaan_recomputes_a_bifactor_fit(hs, tmp_path):
    result = cfa(hs, bifactor("g", THREE), estimator="ML")
    shown = by_r(result, tmp_path)
    assert result.fit["chisq"] == pytest.approx(shown["chisq"], rel=1e-6)


@pytest.mark.parametrize("level", ["configural", "thresholds", "metric", "scalar", "strict"])
def test_lavaan_recomputes_every_level_of_ordinal_invariance(bfi, tmp_path, level):
    data = bfi[bfi[["A1", "A2", "A3", "A4", "A5"]].notna().all(axis=1)]
    result = invariance(data, {"A": ["A1", "A2", "A3", "A4", "A5"]}, group="gender", estimator="WLSMV")
    same(result[level].fit, by_r(result[level].fit, tmp_path))


def test_lavaan_recomputes_the_level_a_search_ended_at(hs, tmp_path):
    result = invariance(hs, THREE, group="school", search=True)
    same(result["scalar"].fit, by_r(result["scalar"].fit, tmp_path))


def test_names_that_r_cannot_read_are_replaced_and_said_to_be(hs, tmp_path):
    awkward = {"x1": "first item", "x2": "x'2\n; quit()", "x3": "in", "x4": "4th", "school": "group of 'pupils'"}
    data = hs.rename(columns=awkward)
    items = [awkward.get(f"x{k}", f"x{k}") for k in range(1, 6)]
    result = cfa(data, {"my factor": items}, estimator="ML", group=awkward["school"])

    shown = by_r(result, tmp_path)

    assert result.fit["chisq"] == pytest.approx(shown["chisq"], rel=1e-6)
    assert '# v1 stands for "first item"' in str(result.r_script())
