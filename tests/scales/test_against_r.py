"""The R code that we export gives our scores when psych runs it, and our model syntax is read by lavaan."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import scales
from feedbackstudy.frames import Responses
from feedbackstudy.scales import score, to_lavaan, to_psych_keys

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]


def run(folder, code):
    script = folder / "run.R"
    script.write_text(code)
    return subprocess.run(
        ["Rscript", "--vanilla", script.name], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("method", ["mean", "sum"])
def test_psych_gives_our_scores_from_our_keys(tmp_path, make_scale, bfi, method):
    items = [f"{letter}{i}" for letter in "AC" for i in range(1, 6)]
    parts = {"agree": [1, 2, 3, 4, 5], "conscientious": [6, 7, 8, 9, 10]}
    scale = make_scale(
        "big", 10, 1, 6, reversed_items=[1, 9, 10], ids=items, subscales=parts, method=method, least=0.01
    )
    data = bfi[items]
    data.to_csv(tmp_path / "data.csv", index=False)
    write = 'write.csv(scores$scores, "scores.csv", row.names = FALSE)\n'
    run(tmp_path, f'data <- read.csv("data.csv")\n{to_psych_keys(scale)}{write}')

    theirs = pd.read_csv(tmp_path / "scores.csv")
    ours = score(Responses.of_items(data, already_reversed=[]), scale).frame

    complete = data.notna().all(axis=1).to_numpy()
    for name in parts:
        mine = ours[f"big_{name}"].to_numpy()
        assert np.allclose(mine[complete], theirs[name][complete], rtol=0, atol=1e-12)
        if method == "mean":
            assert np.allclose(mine, theirs[name], rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("effect", ["none", "method_factor", "random_intercept"])
@pytest.mark.parametrize("code", ["cses", "pasa", "fos", "message_appraisal"])
def test_lavaan_reads_our_syntax(tmp_path, code, effect):
    scale = scales.get(code)
    (tmp_path / "model.txt").write_text(to_lavaan(scale, wording_effect=effect))

    out = run(
        tmp_path,
        "table <- lavaan::lavaanify(paste(readLines('model.txt'), collapse = '\\n'), auto = TRUE)\n"
        "cat(sum(table$op == '=~'))",
    )

    assert int(out) >= len(scale.form().positions)
