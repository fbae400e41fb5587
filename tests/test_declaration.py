"""Declarations: frozen, strict, true from birth; errors with file, line and nearest key; a digest of the content."""

import copy
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from feedbackstudy.declaration import Declaration, Many, digest, from_document, read_document, to_document
from feedbackstudy.design import factors
from feedbackstudy.errors import DeclarationError, FileFormatError, InputError


class Level(Declaration):
    code: str
    label: str = ""


class Factor(Declaration):
    name: str
    levels: Many[Level] = ()
    mode: Literal["described", "enacted"] = "described"
    share: float = 0.5
    size: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _levels_differ(self):
        codes = [level.code for level in self.levels]
        if len(codes) != len(set(codes)):
            raise ValueError(f"the level codes {codes} repeat; give each level a code of its own.")
        return self


class Plan(Declaration):
    schema_version: ClassVar[int] = 3
    migrations: ClassVar = {
        2: lambda data: {("alpha" if key == "level" else key): value for key, value in data.items()},
    }

    alpha: float
    factors: Many[Factor] = ()


TIMING = Factor(name="timing", levels=[Level(code="now"), Level(code="later", label="Two weeks later")])


def written(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_declaration_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        TIMING.name = "framing"


def test_a_list_becomes_a_tuple_so_that_nothing_inside_changes_either():
    assert isinstance(TIMING.levels, tuple)
    hash(TIMING)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": 3}, "name: given 3; input should be a valid string"),
        ({"name": "x", "share": "0.5"}, "share: given '0.5'; input should be a valid number"),
        ({"name": "x", "size": 1.5}, "size: given 1.5; input should be a valid integer"),
        ({"name": "x", "size": True}, "size: given True; "),
        ({"name": "x", "size": 0}, "size: given 0; input should be greater than or equal to 1"),
        ({"name": "x", "mode": "shown"}, "mode: given 'shown'; input should be 'described' or 'enacted'"),
        ({"name": "x", "levels": {"code": "a"}}, "levels: given {'code': 'a'}; "),
        ({"name": None}, "name: given None; "),
        ({}, "name: this key is required and absent"),
        ({"name": "x", "levls": []}, "Key 'levls' is unknown. Did you mean 'levels'?"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_given_and_what_is_allowed(values, said):
    with pytest.raises(DeclarationError) as refusal:
        Factor(**values)

    assert said in str(refusal.value)
    assert str(refusal.value).startswith("Factor: ")


def test_a_rule_of_our_own_is_worded_as_written():
    with pytest.raises(DeclarationError, match=r"the level codes \['a', 'a'\] repeat; give each level a code"):
        Factor(name="x", levels=[Level(code="a"), Level(code="a")])


def test_every_finding_is_told_at_once():
    with pytest.raises(DeclarationError) as refusal:
        Factor(nam="x", share="much")

    assert len(str(refusal.value).splitlines()) == 3


def test_an_error_of_a_declaration_is_an_error_of_the_input():
    with pytest.raises(InputError):
        Factor()


def test_an_error_deep_in_a_file_names_file_line_key_and_choice(tmp_path):
    levels = "    levels:\n      - code: now\n        lable: Now\n"
    path = written(tmp_path, f"schema_version: 3\nalpha: 0.05\nfactors:\n  - name: timing\n{levels}")

    with pytest.raises(DeclarationError) as refusal:
        from_document(Plan, path)

    assert str(refusal.value) == (
        f"{path}:7: factors.0.levels.0.lable: Key 'lable' is unknown. Did you mean 'label'? Choose one of: code, label."
    )


def test_a_missing_key_names_the_line_of_what_lacks_it(tmp_path):
    path = written(tmp_path, "schema_version: 3\nalpha: 0.05\nfactors:\n  - mode: enacted\n")

    with pytest.raises(DeclarationError, match=r"plan\.yaml:4: factors\.0\.name: this key is required and absent"):
        from_document(Plan, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema_version: 4\nalpha: 0.05\n", ":1: written for schema version 4; this feedbackstudy reads up to 3"),
        ("schema_version: 1\nalpha: 0.05\n", "found 1; versions 2 to 3 can be read"),
        ("schema_version: 0\nalpha: 0.05\n", "found 0"),
        ('schema_version: "3"\nalpha: 0.05\n', "found '3'"),
        ("schema_version: true\nalpha: 0.05\n", "found True"),
        ("schema_version: 3.0\nalpha: 0.05\n", "found 3.0"),
        ("alpha: 0.05\n", "give 'schema_version: 3' at the top (found None"),
        ("- 1\n", "must hold keys and values (a Plan), found a list"),
        ("word\n", "found a str"),
        ("", "found a NoneType"),
    ],
)
def test_a_file_of_another_version_or_shape_is_refused(tmp_path, text, said):
    with pytest.raises(DeclarationError) as refusal:
        from_document(Plan, written(tmp_path, text))

    assert said in str(refusal.value)


def test_a_file_of_an_older_version_is_lifted_to_the_present_one(tmp_path):
    assert from_document(Plan, written(tmp_path, "schema_version: 2\nlevel: 0.01\n")) == Plan(alpha=0.01)


def test_a_file_that_was_refused_is_left_as_it_was(tmp_path):
    path = written(tmp_path, "schema_version: 9\nalpha: 0.05\n")
    before = path.read_bytes()

    with pytest.raises(DeclarationError, match="the file was not changed"):
        from_document(Plan, path)

    assert path.read_bytes() == before


def test_a_file_that_is_not_yaml_is_an_error_of_the_format(tmp_path):
    with pytest.raises(FileFormatError):
        from_document(Plan, written(tmp_path, "a: [\n"))


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufeff"), max_size=20)
LEVELS = st.lists(st.builds(Level, code=NAMES, label=NAMES), max_size=4, unique_by=lambda level: level.code)
FACTORS = st.builds(
    Factor,
    name=NAMES,
    levels=LEVELS,
    mode=st.sampled_from(["described", "enacted"]),
    share=st.floats(-1e9, 1e9),
    size=st.integers(1, 10**9),
)
PLANS = st.builds(Plan, alpha=st.floats(0, 1), factors=st.lists(FACTORS, max_size=3))


@given(plan=PLANS)
def test_a_declaration_comes_back_from_its_file(tmp_path_factory, plan):
    path = to_document(plan, tmp_path_factory.mktemp("plan") / "plan.yaml")
    back, document = read_document(Plan, path)

    assert back == plan
    assert back.digest() == plan.digest()
    assert document.source == str(path)


@given(plan=PLANS)
def test_a_declaration_comes_back_from_plain_data(plan):
    assert Plan.from_data(plan.to_data()) == plan


def test_a_default_is_not_written():
    assert Level(code="a").to_data() == {"code": "a"}


def test_the_digest_ignores_comments_key_order_and_omitted_defaults(tmp_path):
    texts = [
        "schema_version: 3\nalpha: 0.05\nfactors:\n  - name: timing\n    mode: enacted\n",
        "# why\nfactors:\n  - mode: enacted  # how\n    name: timing\n    share: 0.5\nalpha: 0.05\nschema_version: 3\n",
    ]

    assert len({from_document(Plan, written(tmp_path, text)).digest() for text in texts}) == 1


@pytest.mark.parametrize(
    "other",
    [
        Factor(name="timing2", levels=TIMING.levels),
        Factor(name="timing", levels=TIMING.levels[::-1]),
        Factor(name="timing", levels=TIMING.levels[:1]),
        Factor(name="timing", levels=TIMING.levels, mode="enacted"),
        Factor(name="timing", levels=TIMING.levels, share=0.5000000001),
    ],
)
def test_the_digest_sees_every_change_of_content(other):
    assert other.digest() != TIMING.digest()


def test_the_digest_is_the_same_in_every_process_and_version():
    """A stored design hash must stay valid; this value may change only with a new schema version."""
    assert TIMING.digest() == digest(
        {
            "levels": [{"code": "now", "label": ""}, {"code": "later", "label": "Two weeks later"}],
            "mode": "described",
            "name": "timing",
            "share": 0.5,
            "size": 1,
        }
    )
    assert digest({"b": [1, 2.5, None, True], "a": "ü"}) == (
        "5cffe7b2256261270211e66d136e0fc423a603024179f1fb99fe31e771368b2f"
    )


def test_a_number_that_is_not_finite_has_no_digest():
    with pytest.raises(ValueError, match="JSON"):
        digest({"x": float("nan")})


def test_a_copy_is_equal_and_has_the_same_digest():
    again = copy.deepcopy(TIMING)

    assert again == TIMING
    assert again.digest() == TIMING.digest()


def test_an_unknown_kind_is_answered_with_the_nearest():
    from feedbackstudy.design.hypotheses import Hypothesis

    data = {"name": "h1", "text": "x", "outcome": "y", "contrast": {"kind": "simple", "factor": "f"}}
    with pytest.raises(DeclarationError, match=r"Kind 'simple' is unknown\. Did you mean 'simple_effect'") as fault:
        Hypothesis.from_data(data)
    assert "input tag" not in str(fault.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"levels": ["recruiter", "manager"]}, "levels: given ['recruiter', 'manager']; write a mapping"),
        ({"order": None}, "order: given nothing; write a list"),
    ],
)
def test_shapes_are_asked_for_in_the_words_of_the_file(given, said):
    with pytest.raises(DeclarationError) as caught:
        factors.Factor.from_data({"name": "x", "mode": "described", "levels": {"a": "A", "b": "B"}, **given})
    assert said in str(caught.value)
    assert "dictionary" not in str(caught.value)
