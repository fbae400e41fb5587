"""The founders' oracle on tables that may not be committed here: pingouin's examples and Student's sleep, by R."""

import json

import pandas as pd
import pytest

from feedbackstudy.analysis.anova import anova
from feedbackstudy.analysis.effect_size import effect_size
from feedbackstudy.analysis.tost import tost

TABLES = {
    "pg_anova3_unbalanced_type2": (
        "anova3_unbalanced",
        "Cholesterol",
        {"between": ["Sex", "Risk", "Drug"], "ss_type": 2},
    ),
    "pg_anova3_unbalanced_type3": ("anova3_unbalanced", "Cholesterol", {"between": ["Sex", "Risk", "Drug"]}),
    "pg_ancova": ("ancova", "Scores", {"between": ["Method"], "covariates": ["Income", "BMI"]}),
    "pg_rm_anova2": ("rm_anova2", "Performance", {"participant": "Subject", "within": ["Time", "Metric"]}),
}


@pytest.fixture(scope="module")
def oracles(shared):
    return shared / "oracles"


@pytest.fixture(scope="module")
def known(oracles):
    return json.loads((oracles / "analysis.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key", TABLES)
def test_an_analysis_of_variance_of_pingouins_examples_is_that_of_afex(key, oracles, known):
    table, outcome, options = TABLES[key]
    data = pd.read_csv(oracles / f"{table}.csv", encoding="utf-8-sig")
    found = anova(data, outcome, **options)
    for row in known["anova"][key]:
        ours = found.term(row["term"])
        for theirs, value, allowed in (
            ("F", ours.f, 1e-6),
            ("pes", ours.eta_p2, 1e-6),
            ("ges", ours.eta_g2, 1e-6),
            ("num Df", ours.df, 1e-6),
            ("den Df", ours.df2, 1e-6),
            ("Pr(>F)", ours.p, 1e-4),
        ):
            assert value == pytest.approx(row[theirs], rel=allowed), (row["term"], theirs)


def test_students_sleep_paired(oracles, known):
    sleep = pd.read_csv(oracles / "sleep.csv")
    size = effect_size(sleep, "extra", "group", participant="ID")
    _, _, low, high = known["es"]["cohens_d_sleep_paired"][0].values()
    assert (size.low, size.high) == pytest.approx((low, high), rel=1e-6)
    reference = known["tost"]["sleep_paired_pm1"]
    found = tost(sleep, "extra", "group", participant="ID", bounds=1)
    assert (found.t_lower, found.t_upper, found.p_equivalence, found.df, found.low, found.high) == pytest.approx(
        (*(reference[name] for name in ("t_lower", "t_upper", "p_tost", "df")), *reference["ci90"]), rel=1e-6
    )
