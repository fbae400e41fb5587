"""The claim register: complete, referenced, without figures, and convertible into hypotheses or needs."""

import re
from pathlib import Path

import pandas as pd
import pytest

from feedbackstudy import yamlfile
from feedbackstudy.design import claims, feedback
from feedbackstudy.design.claim import Claim
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.skeletons import skeletons
from feedbackstudy.errors import DeclarationError, NotFoundError
from feedbackstudy.named import Named
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study, new_study

ROOT = Path(__file__).resolve().parents[2]
ANALYSES = {"bertrand2004", "rivera2016", "manylabs1-framing", "juijn2023", "nagy2023", "manyclasses1"}
SPLIT = {14, 20, 24}
IDS = tuple(f"C{i:02}{part}" for i in range(1, 37) for part in (("a", "b") if i in SPLIT else ("",)))


def test_every_claim_is_there_under_its_stable_id() -> None:
    assert claims.claim_ids() == IDS


def test_the_register_agrees_with_the_founders_table(shared: Path) -> None:
    text = (shared / "facts" / "claims.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(): cells for cells in (line.split("|") for line in text.splitlines()) if len(cells) == 10}

    assert tuple(key for key in rows if re.fullmatch(r"C\d\d[ab]?", key)) == IDS
    for claim in claims.register().claims:
        said = rows[claim.id][8]
        named = {evidence.key.split("_")[0].split("-")[0] for evidence in claim.evidence}
        assert all(re.search(rf"\b{name}", said) for name in named), (claim.id, named, said)
        if "analogue" in said:  # the register may be stricter than the table, never more generous
            assert all(e.bearing == "analogue" for e in claim.evidence), claim.id


def test_evidence_names_a_row_a_dataset_or_an_analysis_that_exists() -> None:
    table = next((ROOT / "datasets" / "meta_benchmarks" / "data").glob("*.csv"))
    known = {
        "meta_benchmarks": set(pd.read_csv(table)["key"]),
        "dataset": {folder.name for folder in (ROOT / "datasets").iterdir() if folder.is_dir()},
        "analysis": ANALYSES,
    }

    for claim in claims.register().claims:
        for evidence in claim.evidence:
            assert evidence.key in known[evidence.source], (claim.id, evidence.key)


def test_the_register_holds_no_figures_of_its_own() -> None:
    for claim in claims.register().claims:
        for text in (claim.text, claim.note, *(evidence.says for evidence in claim.evidence)):
            assert not re.search(r"\d", text), (claim.id, text)


def test_a_measure_that_a_construct_names_exists_in_the_library_with_its_subscale() -> None:
    definitions = ROOT / "feedbackstudy" / "scales" / "definitions"

    for construct in claims.register().constructs:
        if construct.measure is None:
            continue
        scale = yamlfile.read(definitions / f"{construct.measure}.yaml").data
        assert isinstance(scale, dict)
        if construct.subscale is not None:
            forms = scale["forms"]
            names = [part["name"] for form in forms for part in form["subscales"]]  # type: ignore[union-attr, index, call-overload]
            assert construct.subscale in names, construct.name


def test_an_analogue_is_never_printed_as_evidence() -> None:
    for claim in claims.register().claims:
        analogues = [evidence for evidence in claim.evidence if evidence.bearing == "analogue"]
        for evidence in analogues:
            assert evidence.says not in claim.told("evidence")
            assert evidence.says in claim.told("analogue")
    page = str(claims.get("C04"))
    assert "known                   nothing found" in page
    assert "analogues, no evidence" in page


def test_the_register_renders_as_what_is_claimed_and_what_is_known() -> None:
    register = claims.list()

    html = register.with_figures({"manyclasses1": "0.002 [-0.05, 0.05]"})._repr_html_()

    assert register.page().title == "What is claimed, what is known"
    assert "[analysis manyclasses1]: 0.002 [-0.05, 0.05]" in html
    assert len(register.claims) == len(IDS)
    with pytest.raises(NotFoundError, match="Did you mean 'manyclasses1'"):
        register.with_figures({"manyclases1": "?"})


def test_the_shares_that_the_article_gives_are_not_in_the_register() -> None:
    assert "70" not in claims.FILE.read_text(encoding="utf-8")


def test_an_unknown_claim_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="Did you mean"):
        claims.get("C14")


@pytest.mark.parametrize("id", IDS)
def test_a_claim_becomes_a_hypothesis_or_says_what_it_needs(id: str) -> None:
    claim = claims.get(id)

    made = skeletons(claim)

    assert [skeleton.outcome for skeleton in made] == list(claim.outcomes)
    for skeleton in made:
        assert skeleton.hypothesis is not None or skeleton.needs
        assert str(skeleton)
        if skeleton.hypothesis is not None:
            assert skeleton.hypothesis.claim == id
            assert skeleton.hypothesis.sesoi is None
            assert skeleton.hypothesis.role == "exploratory"


@pytest.mark.parametrize("id", [id for id in IDS if claims.get(id).factor in feedback.FACTORS.names])
def test_a_claim_on_a_ready_made_factor_compares_levels_that_the_factor_has(id: str) -> None:
    claim = claims.get(id)
    factor = feedback.get(str(claim.factor))

    assert set(claim.levels) <= set(factor.levels)
    if claim.contrast is not None and claim.arm is None:
        assert weights(claim.contrast, Crossing(Named((factor,)), Named(), ())).matrix.shape[0] == 1


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.load(new_study(tmp_path / "study", "second-chance"))


def test_a_study_turns_a_claim_into_its_own_hypothesis(study: Study) -> None:
    usefulness = next(made for made in study.from_claim("C01") if made.outcome == "usefulness")

    assert usefulness.hypothesis is not None
    grown = Study.from_data({**study.to_data(), "hypotheses": [usefulness.hypothesis.to_data()], "plan": {}})
    assert not grown.check().errors


def test_a_study_whose_factor_has_another_name_keeps_its_name(study: Study) -> None:
    data = study.to_data()
    text = yamlfile.dump(data).replace("name: timing\n", "name: delay\n").replace("factor: timing\n", "factor: delay\n")
    renamed = Study.from_data({**yamlfile.parse(text).data, "hypotheses": [], "plan": {}})  # type: ignore[dict-item]

    made = next(skeleton for skeleton in skeletons(claims.get("C01"), renamed.crossing) if skeleton.hypothesis)

    assert made.hypothesis is not None
    assert made.hypothesis.contrast.to_data()["factor"] == "delay"


def test_a_study_is_told_which_level_factor_arm_and_measure_it_lacks(study: Study) -> None:
    bare = Crossing(Named((study.factors["framing"],)), Named(), ())
    measure = Measure(name="other", kind="count", waves=("t1",))

    c01 = skeletons(claims.get("C01"), bare, measures=[measure])[0]
    c02 = skeletons(claims.get("C02"), study.crossing)[0]
    c11 = skeletons(claims.get("C11"), bare)[0]
    c14b = skeletons(claims.get("C14b"), study.crossing)[0]

    assert "Declare the factor 'timing' with the levels same_day, two_weeks (take the ready-made one)." in c01.needs
    assert any("scale 'feedback_acceptance'" in need for need in c01.needs)
    assert c02.hypothesis is not None
    assert "Declare the arm 'silence' outside the crossing." in c11.needs
    assert any("'prompt'" in need for need in c14b.needs)


def test_a_reversed_measure_turns_the_expected_direction() -> None:
    needs = skeletons(claims.get("C32"))
    quality = feedback.get("framing").replace(name="communication_quality", levels={"clear": "Clear", "poor": "Poor"},
                                              definitions={}, reference="poor", concept=None)  # fmt: skip

    made = skeletons(claims.get("C32"), Crossing(Named((quality,)), Named(), ()))

    assert all(skeleton.hypothesis is None for skeleton in needs)
    confusion = next(skeleton.hypothesis for skeleton in made if skeleton.outcome == "confusion")
    assert confusion is not None
    assert confusion.direction == "positive"  # poor communication confuses; high clarity means little confusion


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "X1"}, "no claim id"),
        ({"factor": None}, "name the factor or arm"),
        ({"contrast": None}, "give a contrast"),
        ({"expects": {"mood": "negative"}}, "no outcome of the claim"),
        ({"evidence": [{"source": "dataset", "key": "x", "says": "y"}]}, "say whom the evidence is about"),
    ],
)
def test_a_claim_that_is_not_testable_is_refused(change: dict[str, object], message: str) -> None:
    data = {**claims.get("C04").to_data(), **change}

    with pytest.raises(DeclarationError, match=message):
        Claim.from_data(data)  # type: ignore[arg-type]


def test_every_ready_made_factor_says_what_differs_and_what_does_not() -> None:
    names = {"timing", "framing", "specificity", "credibility", "setting", "valence", "decision", "sender", "dialogue"}

    assert set(feedback.FACTORS.names) == names | {"process_information", "prompt"}
    for factor in feedback.FACTORS:
        assert factor.concept == factor.name
        assert len(factor.definition.split()) > 10
        assert set(factor.definitions) == set(factor.levels)
        assert factor.reference in factor.levels
    assert set(feedback.get("sender").levels) == {"human", "ai", "both"}
    assert {"pause", "journal", "goals"} <= set(feedback.get("prompt").levels)
    assert "Feedback arrives 48 hours after the decision." in feedback.list()._repr_html_()
    with pytest.raises(NotFoundError, match="Did you mean 'timing'"):
        feedback.get("timimg")


def test_a_figure_that_measures_something_else_is_not_printed_beside_a_claim():
    """The review says in words that effects are lower with delay; its .49 is about elaborated feedback."""
    register = claims.list_claims().with_figures({"vanderkleij2015_ef": "0.49"})
    told = {claim.id: claim.told("evidence", register.figures) for claim in register.claims}

    assert "lower with delay" in told["C01"]
    assert "0.49" not in told["C01"]
    assert "0.49" in told["C03"]
