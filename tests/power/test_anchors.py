"""Anchors for a smallest effect: published sizes as recorded, reliable change, one category; never a default."""

import math

import pytest

from feedbackstudy import datasets, power
from feedbackstudy.design import claims
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import NotFoundError
from feedbackstudy.scales.libraries import library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study, template_folder
from tests.power.test_diagnosis import MAIN, hypothesis, study_of


@pytest.fixture(scope="module")
def second_chance() -> Study:
    return Study.load(template_folder("second-chance"))


def changed(made: Hypothesis, **more: object) -> Hypothesis:
    return Hypothesis.model_validate(made.model_dump() | more)


def test_every_piece_of_evidence_of_the_claim_is_listed_with_source_and_caveat(second_chance):
    rows = datasets.load("meta_benchmarks").frame.set_index("key")
    numbers = 0
    for made in second_chance.hypotheses:
        found = [a for a in power.suggest_sesoi(made, second_chance).anchors if a.kind == "published"]
        known = claims.get(made.claim).evidence if made.claim else ()
        assert len(found) == len(known)
        for anchor, evidence in zip(found, known, strict=True):
            assert evidence.says in anchor.what
            assert anchor.source
            assert ("no evidence" in anchor.caveat) == (evidence.bearing == "analogue")
            if evidence.source == "meta_benchmarks" and evidence.has_figure:
                assert anchor.value == rows.loc[evidence.key, "estimate"]
                assert anchor.unit == rows.loc[evidence.key, "metric"]
                numbers += 1
            else:
                assert math.isnan(anchor.value)
    assert numbers > 0


def test_one_category_moves_the_score_by_its_own_scoring():
    """Five points, means of items: a category on every item is a point of the mean; a sum counts the items."""
    study = study_of()
    made = power.suggest_sesoi(hypothesis("h1", MAIN, outcome="efficacy"), study)
    every, one = (a for a in made.anchors if a.kind == "one category")
    scale = library().get("interview_self_efficacy")
    items = len(scale.form().subscales[0].items)

    assert scale.scoring.method in {"mean", "sum"}
    assert every.value == pytest.approx(1.0 if scale.scoring.method == "mean" else items)
    assert one.value == pytest.approx(every.value / items)
    assert (every.unit, one.unit) == ("points", "points")


def test_reliable_change_is_jacobson_and_truax():
    """1.96 sqrt(2) sqrt(1 - r) standard deviations; in points with the norm of the same sample."""
    study = study_of(measures=[Measure(name="score", scale="gse", waves=("t1",))])
    made = power.suggest_sesoi(hypothesis("h1", MAIN, outcome="score", occasion="t1"), study)
    evidence = library().get("gse").evidence
    known = [r for r in evidence.reliability if r.value is not None]
    pairs = [(r, n) for r in known for n in evidence.norms if n.sd is not None and n.sample == r.sample]
    found = [a for a in made.anchors if a.kind == "reliable change"]
    by_sd, by_points = ([a.value for a in found if a.unit == unit] for unit in ("sd", "points"))

    assert by_sd == pytest.approx([1.959964 * math.sqrt(2 * (1 - r.value)) for r in known])
    assert by_points == pytest.approx([1.959964 * math.sqrt(2 * (1 - r.value)) * n.sd for r, n in pairs])
    assert by_sd


def test_nothing_is_a_default_and_what_is_absent_is_said():
    made = power.suggest_sesoi(hypothesis("h1", MAIN, occasion="t1", sesoi=None))

    assert made.anchors == ()
    assert "None of these is a default" in str(made)
    assert any("names no claim" in note for note in made.notes)
    assert any("'study'" in note for note in made.notes)
    assert list(made.frame().columns)[:3] == ["kind", "what", "value"]


def test_an_outcome_that_nobody_measures_is_answered_with_the_nearest(second_chance):
    made = changed(second_chance.hypotheses[0], outcome="usefulnes")
    with pytest.raises(NotFoundError, match="Did you mean 'usefulness'"):
        power.suggest_sesoi(made, second_chance)
