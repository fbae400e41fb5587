"""SPSS files that we write open in R (haven) with labels, user-missing codes and the same numbers."""

import json
import shutil
import subprocess

import pytest

import feedbackstudy as fs
from feedbackstudy.collect.platforms.writing import write_responses

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]

SCRIPT = """
library(haven)
x <- read_sav("responses.sav", user_na = TRUE)
cat(sprintf('{"rows": %d, "columns": %d, "sum": %.17g, "label": "%s", "low": "%s", "na": %d, "missing": "%s"}',
  nrow(x), ncol(x), sum(as.numeric(zap_missing(x$usefulness_1)), na.rm = TRUE), attr(x$usefulness_1, "label"),
  names(attr(x$usefulness_1, "labels"))[attr(x$usefulness_1, "labels") == 1],
  sum(is.na(x$usefulness_1)), paste(attr(x$usefulness_1, "na_values"), collapse = " ")))
"""


def test_haven_reads_the_same(tmp_path):
    study = fs.Study.load(fs.template_folder("second-chance"))
    made = fs.simulate(study, fs.World.assumed(study).vary({"n.student": 48}), seed=5)
    write_responses(made, study, tmp_path, platform="sav")
    (tmp_path / "read.R").write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", "read.R"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    column = made.column("usefulness_1")
    assert told["rows"] == len(made)
    assert told["columns"] == len(made.columns)
    assert told["sum"] == float(column.sum())
    assert told["na"] == int(column.isna().sum())
    assert told["label"].startswith("After this message")
    assert told["low"] == "strongly disagree"
    assert told["missing"] == "-99 -98"
