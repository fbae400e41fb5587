"""The way out to R gives the numbers of the table, for every kind of model."""

import shutil
import subprocess

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse

NEEDS_R = pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not there")


def run(script, folder) -> dict[str, list[float]]:
    path = script.save(folder)
    done = subprocess.run(["Rscript", path.name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            found.setdefault(name, []).append(float(value))
    return found


def hypothesis(name: str, outcome: str, contrast: dict[str, object], **more: object) -> dict[str, object]:
    common = {"text": "A question.", "direction": "either", "role": "exploratory"}
    return {"name": name, "outcome": outcome, "contrast": contrast} | common | more


MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}
MODERATED = {"kind": "moderation", "by": "challenge"} | {k: v for k, v in MAIN.items() if k != "kind"}
ASKED = {
    "score": (hypothesis("q", "reaction", MAIN), "plain"),
    "clustered": (hypothesis("q", "reaction", MAIN), "clusters"),
    "fixed_value": (hypothesis("q", "reaction", {"kind": "mean_vs_value", "value": 4.5}), "plain"),
    "slope": (hypothesis("q", "reaction", {"kind": "association", "predictor": "challenge"}), "plain"),
    "slope_clustered": (
        hypothesis("q", "reaction", {"kind": "association", "predictor": "challenge"}),
        "clusters",
    ),
    "slopes": (hypothesis("q", "reaction", MODERATED), "clusters"),
    "binary_slope": (hypothesis("q", "reapply", {"kind": "association", "predictor": "challenge"}), "plain"),
    "binary_slopes": (hypothesis("q", "reapply", MODERATED), "clusters"),
    "ordinal_slope": (hypothesis("q", "likert", {"kind": "association", "predictor": "challenge"}), "clusters"),
    "ordinal_slopes": (hypothesis("q", "likert", MODERATED), "plain"),
    "binary": (hypothesis("q", "reapply", MAIN), "plain"),
    "binary_clustered": (hypothesis("q", "reapply", MAIN), "clusters"),
    "ordinal": (hypothesis("q", "likert", MAIN), "plain"),
    "ordinal_clustered": (hypothesis("q", "likert", MAIN), "clusters"),
    "binary_assigned": (hypothesis("q", "reapply", MAIN), "assigned"),
    "ordinal_assigned": (hypothesis("q", "likert", MAIN), "assigned"),
}
# Laplace's approximation is maximised by different searches; coefficients agree to about 1e-4.
TOLERANCE = {
    "binary_slope": 1e-5,
    "binary_slopes": 2e-3,
    "ordinal_slope": 2e-3,
    "ordinal_slopes": 1e-4,
    "binary_clustered": 2e-3,
    "ordinal_clustered": 2e-3,
    "binary_assigned": 2e-3,
    "ordinal_assigned": 2e-3,
    "binary": 1e-5,
    "ordinal": 1e-4,
}


def answered(declared, feedback, question, rows, **plan: object):
    study = declared(hypotheses=[question], plan={"decides": {}, "families": [], "covariates": ["baseline"], **plan})
    scores = feedback(study, "feedback_unbalanced", clusters=rows != "plain", assigned=rows == "assigned")
    return analyse(scores, study, engine="frequentist")


@NEEDS_R
@pytest.mark.against_r
@pytest.mark.parametrize("name", ASKED)
def test_the_script_computes_the_estimate_its_error_and_its_p(declared, feedback, tmp_path, name):
    question, rows = ASKED[name]
    found = answered(declared, feedback, question, rows)
    (row,) = found.rows

    in_r = run(found.answer("q").r_script(), tmp_path / "r")

    tolerance = TOLERANCE.get(name, 1e-6)
    estimate = in_r["estimate"][0]
    assert row.estimate == pytest.approx(np.exp(estimate) if row.null == 1 else estimate, rel=tolerance)
    assert row.se == pytest.approx(in_r["se"][0], rel=10 * tolerance)
    assert row.p == pytest.approx(in_r["p"][0], rel=max(1e-4, 50 * tolerance))
    assert (row.df is None) == (in_r.get("df", [float("inf")])[0] == float("inf"))
    assert (row.df is not None) == (rows == "assigned" or row.statistic_name == "t")
    if row.df is not None:
        assert row.df == pytest.approx(in_r["df"][0], rel=1e-4)
    limits = (in_r["CI low"][0], in_r["CI high"][0])
    ours = (np.log(row.low), np.log(row.high)) if row.null == 1 else (row.low, row.high)
    assert ours == pytest.approx(limits, abs=20 * tolerance * row.se)


def test_the_rows_of_the_script_are_those_of_the_answer(declared, feedback):
    found = answered(declared, feedback, *ASKED["clustered"])
    script = found.answer("q").r_script()

    assert len(script.data) == found.rows[0].n
    assert "lmer(y ~ 0 + cell + x1 + (1 | group_interviewer)" in script.script


@pytest.mark.against_r
def test_all_answers_of_a_study_are_in_one_script(declared, feedback, run_r, tmp_path):
    study = declared(plan={"covariates": ["baseline"]})
    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study)

    in_r = run_r(found.r_script(), tmp_path / "r")

    for row in found.rows:
        name = "estimate" if row.engine == "frequentist" else "median"
        assert row.estimate == pytest.approx(in_r[f"{row.hypothesis}: {name}"][0], rel=1e-6)
        assert row.se == pytest.approx(
            in_r[f"{row.hypothesis}: {'se' if name == 'estimate' else 'posterior sd'}"][0], rel=1e-6
        )


@pytest.mark.against_r
@pytest.mark.parametrize("name", ["ordinal", "ordinal_clustered"])
def test_r_checks_the_effect_at_every_threshold(declared, feedback, run_r, tmp_path, name):
    answer = answered(declared, feedback, *ASKED[name]).answer("q")
    checked = answer.proportional

    in_r = run_r(answer.r_script(), tmp_path / "r")

    assert checked.statistic == pytest.approx(in_r["alike chi square"][0], rel=1e-4)
    assert (checked.df, checked.p) == pytest.approx((in_r["alike df"][0], in_r["alike p"][0]), rel=1e-4)
    assert len(in_r["latent effect at threshold"]) == 4
