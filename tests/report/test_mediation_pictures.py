"""Mediation in pictures, tables and sentences: both answers, and never a cause."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from feedbackstudy import report
from feedbackstudy.analysis.mediation import mediation
from feedbackstudy.errors import DataError
from feedbackstudy.report.figures import alt_text, picture

QUICK = {"n_boot": 499, "draws": 2000, "seed": 1}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(3)
    n = 200
    x = np.where(np.arange(n) % 2 == 0, "fixed", "growth")
    m = 3 + 0.8 * (x == "growth") + rng.normal(size=n)
    k = 2 + 0.5 * m + rng.normal(size=n)
    return pd.DataFrame(
        {
            "mindset": x,
            "appraisal": m,
            "efficacy": k,
            "intent": 0.3 * m + 0.5 * k + rng.normal(size=n),
            "age": rng.normal(40, 9, size=n),
            "team": np.arange(n) // 10,
            "site": np.array(["north", "south", "west"])[np.arange(n) % 3],
        }
    )


@pytest.fixture(scope="module", params=["simple", "parallel", "serial"])
def found(request, people):
    mediators = ["appraisal"] if request.param == "simple" else ["appraisal", "efficacy"]
    return mediation(people, "mindset", mediators, "intent", structure=request.param, **QUICK)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_diagram_shows_every_leg_with_both_estimates(found):
    ax = report.figure(found, ax=Figure().add_subplot())
    shown = texts(ax)
    legs = [a for a in found.answers if a.effect.kind in ("a", "b", "d", "direct")]
    for a in legs:
        for value in (a.estimate, a.posterior.median):
            assert any(text.startswith(f"{value:.2f}".replace("-", "\N{MINUS SIGN}")) for text in shown), a.effect.name
    assert len(ax.patches) >= 2 + len(found.design.mediators)
    for name in (found.design.x, found.design.y, *found.design.mediators):
        assert any(name.split()[0] in text for text in shown)


def test_its_text_names_the_legs_and_claims_no_cause(found):
    said = alt_text(found)
    assert "appraisal to intent" in said
    assert "consistent with mediation" in said or "No effect is left open" in said or "One answer" in said
    assert picture(found, prefix="m").svg.startswith("<svg")


def test_bootstrap_and_posterior_stand_on_one_axis(found):
    view = found.density()
    ax = report.figure(view, ax=Figure().add_subplot())
    drawn = [list(line.get_xdata()) for line in ax.lines]
    assert [view.low, view.high] in drawn
    assert [view.posterior.low, view.posterior.high] in drawn
    assert "HDI" in alt_text(view)
    assert found.main.effect.name in str(view)


def test_conditional_effects_over_a_measured_moderator(people):
    result = mediation(people, "mindset", "appraisal", "intent", moderator="age", moderates=["first"], **QUICK)
    view = result.conditional()
    at = view.frame()["at"].to_numpy()
    assert at[0] == pytest.approx(people["age"].min())
    assert at[-1] == pytest.approx(people["age"].max())
    slopes = np.diff(view.estimate) / np.diff(at)
    index = next(a for a in result.answers if a.effect.kind == "index")
    assert slopes == pytest.approx(np.full(len(slopes), index.estimate), rel=1e-6)
    assert all(low < high for low, high in view.regions)
    ax = report.figure(view, ax=Figure().add_subplot())
    assert "age" in ax.get_xlabel()
    assert "by age" in str(view)


def test_conditional_effects_at_levels(people):
    result = mediation(
        people, "mindset", "appraisal", "intent", moderator="site", moderates=["first", "direct"], **QUICK
    )
    view = result.conditional("direct")
    assert list(view.frame()["at"]) == ["site north", "site south", "site west"]
    ax = report.figure(view, ax=Figure().add_subplot())
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(view.labels)
    with pytest.raises(DataError, match="unknown"):
        result.conditional("indirect")


def test_without_a_moderator_nothing_is_conditional(found):
    with pytest.raises(DataError, match="no moderator"):
        found.conditional()


def test_effects_within_clusters_are_drawn(people):
    result = mediation(people, "mindset", "appraisal", "intent", cluster="team", multilevel=True, **QUICK)
    assert "growth - fixed to appraisal" in alt_text(result)


def test_the_table_holds_every_effect_and_the_assumptions(found):
    shown = report.table(found)
    assert len(shown.rows) == len(found.answers)
    assert "consistent with mediation" in str(shown)


def test_the_sentence_gives_both_answers_and_no_number_where_a_gate_failed(found):
    said = report.sentence(found)
    assert "CI" in said
    assert "HDI" in said
    failed = replace(found, failures=("R-hat 1.2 of an effect exceeds 1.01",))
    assert "No sentence is written" in report.sentence(failed)
    assert "CI" not in report.sentence(failed)
    assert "Not fit to report" in report.sentence(failed, allow_failed=True)
    assert "Not fit to report" in str(failed)
    assert failed.main.effect.name not in str(failed).split("Equations")[0].split("====")[-1]
