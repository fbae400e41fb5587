"""Every shipped analysis reproduces what was printed, in classes fixed before; none needs participants' rows."""

from collections import Counter

import numpy as np
import pytest

from feedbackstudy.analysis.estimate import Estimates
from feedbackstudy.literature.classes import ReportClass
from feedbackstudy.literature.meta import meta_analysis
from feedbackstudy.literature.reproduction import Reproduction, reproduce
from feedbackstudy.shipped import folder
from feedbackstudy.study import Study

KEYS = ("bertrand2004", "rivera2016", "manylabs1-framing", "juijn2023", "nagy2023", "manyclasses1")
NOT_COMPUTABLE = {
    "nagy2023": {"stress_growth", "stress_mindfulness", "stress_product", "iq_growth", "boredom_growth"},
    "manyclasses1": {"credible_moderators"},
}


@pytest.fixture(scope="session")
def card() -> object:
    """Reproduce each analysis once in a test run."""
    done: dict[str, Reproduction] = {}

    def of(key: str) -> Reproduction:
        if key not in done:
            done[key] = reproduce(key)
        return done[key]

    return of


def values_of(reproduction: Reproduction) -> dict[str, float]:
    return {grade.published.id: grade.value.value for grade in reproduction.grades if grade.value}


@pytest.mark.parametrize("key", KEYS)
def test_no_value_is_off_and_what_is_not_computable_is_declared(card, key):
    grades = card(key).grades
    off = [g for g in grades if g.report_class in {ReportClass.MINOR, ReportClass.MAJOR, ReportClass.SOURCE_ERROR}]
    absent = {g.published.id for g in grades if g.report_class is ReportClass.NOT_COMPUTABLE}

    assert [(g.published.id, g.reason) for g in off] == []
    assert absent == NOT_COMPUTABLE.get(key, set())
    assert all(g.value and g.value.note for g in grades if g.report_class is ReportClass.NOT_COMPUTABLE)


@pytest.mark.parametrize("key", KEYS)
def test_no_decision_differs(card, key):
    assert [(g.published.id, g.flags) for g in card(key).grades if g.flags] == []


@pytest.mark.parametrize("key", [key for key in KEYS if key != "manyclasses1"])
def test_deterministic_values_are_all_reproduced_at_their_printed_decimals(card, key):
    counts = Counter(g.report_class for g in card(key).grades)
    counts.pop(ReportClass.NOT_COMPUTABLE, None)

    assert set(counts) == {ReportClass.REPRODUCED}


@pytest.mark.parametrize("key", KEYS)
def test_both_engines_answer_the_same_contrasts(card, key):
    table = card(key).findings.estimates
    assert isinstance(table, Estimates)
    both = Counter(
        (row.hypothesis, row.contrast) for row in table if row.null is not None and row.std_kind != "epsilon squared"
    )
    engines = {
        contrast: {row.engine for row in table if (row.hypothesis, row.contrast) == contrast} for contrast in both
    }
    alone = {contrast for contrast, found in engines.items() if found != {"frequentist", "bayesian"}}

    assert {words for _, words in alone} <= {
        "d of choosing the certain option, gain minus loss frame (one pooled table, through phi)",
        "standard deviation of d between sites",
    }


@pytest.mark.parametrize("key", KEYS)
def test_the_study_declares_every_hypothesis_that_is_answered_and_has_no_errors(card, key):
    study = Study.load(folder("analyses") / key)

    assert study.check().errors == []
    assert {row.hypothesis for row in card(key).findings.estimates} == set(study.hypotheses.names)
    assert study.conduct.published


@pytest.mark.parametrize("key", KEYS)
def test_an_analogue_says_so_in_kind_and_claim(card, key):
    study = Study.load(folder("analyses") / key)
    if any(hypothesis.bearing == "analogue" for hypothesis in study.hypotheses):
        assert "analogue" in card(key).published.kind.casefold()
        assert "analogue" in card(key).findings.claims


@pytest.mark.parametrize("key", KEYS)
def test_each_folder_explains_itself(key):
    text = (folder("analyses") / key / "README.md").read_text(encoding="utf-8")

    for word in ("**Question.**", "**Data.**", "**What is done.**", "printed", "What it means"):
        assert word in text or (word == "printed" and "source prints" in text)


@pytest.mark.parametrize("key", KEYS)
def test_no_analysis_asks_for_rows_that_are_not_shipped(card, key):
    assert card(key).published.rows == ()


def test_three_definitions_of_d_give_three_numbers_from_the_same_tables(card):
    """Unweighted mean .6185, median .578, and metafor's REML .660: values of the founders' notes, metafor 3.8.1."""
    value = next(g.value for g in card("manylabs1-framing").grades if g.published.id == "d_overall")
    definitions = list(value.other_definitions.values())

    assert value.value == pytest.approx(0.5991, abs=5e-5)
    assert definitions == pytest.approx([0.6185, 0.578, 0.660], abs=5e-4)


def test_the_dropped_person_is_a_choice_and_both_results_are_shown(card):
    reproduction = card("juijn2023")
    conditional = {g.published.id for g in reproduction.grades if g.conditional}
    shown = {row.n for row in reproduction.findings.estimates if row.hypothesis == "h1"}

    assert reproduction.findings.choices == ("drop_one_of_group_3",)
    assert {"kw_original", "wilcoxon_3", "mean_dp_3"} <= conditional
    assert not conditional & {"wilcoxon_1", "wilcoxon_2", "mean_dp_1", "sd_eqo_2"}
    assert shown == {225, 226}
    everyone = {g.published.id: g.value.other_choice for g in reproduction.grades}
    all_people = [next(iter(everyone[name].values())) for name in ("kw_original", "kw_dp", "kw_eqo")]
    assert all_people == pytest.approx([10.086, 8.998, 17.505], abs=5e-4)


def test_no_person_of_group_3_whose_absence_is_chosen_moves_a_decision(shared):
    """With the rows: any other dropped person leaves H(original) between 9.66 and 10.69 and p below .05."""
    import pandas as pd

    from feedbackstudy.analysis.frequentist.ranks import kruskal_wallis

    rows = pd.read_csv(shared / "data" / "rows" / "juijn2023_hiring_fairness.csv")
    table = pd.crosstab(rows["group"], rows["original"]).to_numpy()
    found = []
    for value in np.flatnonzero(table[2]):
        kept = table.copy()
        kept[2, value] -= 1
        found.append(kruskal_wallis(kept))

    assert 9.65 < min(t.statistic for t in found) < 9.67
    assert 10.68 < max(t.statistic for t in found) < 10.70
    assert max(t.p for t in found) < 0.05


def test_the_claims_text_of_the_null_results_says_null(card):
    for key in ("nagy2023", "manyclasses1"):
        assert "null" in card(key).findings.claims


def test_the_posterior_of_the_38_classes_is_fit_to_report_and_inside_the_region(card):
    row = next(r for r in card("manyclasses1").findings.estimates if r.hypothesis == "h1" and r.engine == "bayesian")

    assert row.fit_to_report
    assert row.rhat < 1.01
    assert row.ess > 4000
    assert row.prob_rope > 0.99


def test_the_frequentist_twin_of_the_38_classes_is_reml_in_each_condition(card, classes):
    row = next(r for r in card("manyclasses1").findings.estimates if r.hypothesis == "h1" and r.engine == "frequentist")
    pooled = [
        meta_analysis(part["mean_delta_z"], part["sd_delta_z"] ** 2 / part["n"])
        for _, part in classes.groupby("incentivised")
    ]

    assert row.estimate == pytest.approx(np.mean([p.estimate for p in pooled]))
    assert row.se == pytest.approx(np.hypot(pooled[0].se, pooled[1].se) / 2)
    assert row.p_equivalence < 0.05
