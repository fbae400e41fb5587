"""Wordings stay with the researcher; their hashes prove which words were used."""

import pytest

from feedbackstudy import scales
from feedbackstudy.errors import DeclarationError, FileFormatError, InputError
from feedbackstudy.scales import check_lock, load_wording, lock_wording, own_wording, score

PACK = """schema_version: 1
scale: gse3
form: standard
language: en
edition: our licensed copy
permission: {who: A. Tester, when: "2026-01-02", terms: granted for one study}
wording:
  gse3_1: First words of our test.
  gse3_2: Second words of our test.
  gse3_3: Third words of our test.
"""


@pytest.fixture
def pack(tmp_path):
    def write(text=PACK, name="gse3.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def gse3():
    return scales.get("gse3")


def test_a_pack_gives_the_words_in_the_forms_order(pack, gse3):
    words = load_wording(pack(), gse3)

    assert list(words.texts) == ["gse3_1", "gse3_2", "gse3_3"]
    assert words.method_sentence.endswith("Items were used as published (granted for one study).")


def test_the_card_of_a_wording_does_not_show_the_words(pack, gse3):
    words = load_wording(pack(), gse3)

    assert "First words" not in str(words)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("  gse3_3: Third words of our test.\n", "", r"2 texts for 3 items; absent: gse3_3"),
        ("gse3_3:", "gse3_4:", r"absent: gse3_3; not in the form: gse3_4"),
        ("Third words", "second  words", r"'gse3_2' and 'gse3_3' have the same wording"),
        ("language: en", "language: de", r"the pack is in 'de', but form 'standard' is in 'en'"),
        ("language: en", "language: English", r"'English' is no language tag"),
        ("scale: gse3", "scale: gse", r"the pack is for scale 'gse', not 'gse3'"),
        ("Third words of our test.", "' '", r"the wording of 'gse3_3' is empty"),
        ("permission: {who: A. Tester, ", "permission: {", r"permission.who: this key is required"),
        ("form: standard", "form: short", r"Form of scale 'gse3' 'short' is unknown"),
    ],
)
def test_a_faulty_pack_is_refused(pack, gse3, old, new, says):
    assert old in PACK
    with pytest.raises(InputError, match=says):
        load_wording(pack(PACK.replace(old, new)), gse3)


def test_the_lock_holds_hashes_only(pack, gse3, tmp_path):
    path = lock_wording(load_wording(pack(), gse3).lock, tmp_path / "wording.lock")

    text = path.read_text()
    assert "words" not in text.replace("wording", "")
    assert text.count("gse3_") == 3


def test_the_same_words_keep_the_lock_whatever_the_white_space(pack, gse3, tmp_path):
    path = lock_wording(load_wording(pack(), gse3).lock, tmp_path / "wording.lock")
    spaced = pack(PACK.replace("First words of", "first  words of"), "other.yaml")

    assert not check_lock(load_wording(spaced, gse3).lock, path)


def test_a_changed_word_breaks_the_lock_and_the_item_is_named(pack, gse3, tmp_path):
    path = lock_wording(load_wording(pack(), gse3).lock, tmp_path / "wording.lock")
    changed = pack(PACK.replace("Second words", "Other words"), "other.yaml")

    issues = check_lock(load_wording(changed, gse3).lock, path)

    assert [issue.where.rsplit(" ", 1)[1] for issue in issues] == ["gse3_2"]


def test_words_that_differ_from_the_lock_make_the_form_a_modified_one(pack, gse3, tmp_path):
    path = lock_wording(load_wording(pack(), gse3).lock, tmp_path / "wording.lock")
    changed = pack(PACK.replace("Second words", "Other words"), "other.yaml")

    words = load_wording(changed, gse3, lock=path)

    assert words.form.modified == "the words of gse3_2 differ from those first used"
    assert words.lock.modified
    assert "Published norms and validity evidence" in words.method_sentence
    assert not load_wording(pack(), gse3, lock=path).lock.modified


def test_a_lock_of_another_scale_is_refused(pack, gse3, tmp_path):
    path = lock_wording(own_wording(scales.get("felt_respect")).lock, tmp_path / "wording.lock")

    with pytest.raises(FileFormatError, match="locks 'felt_respect'"):
        check_lock(load_wording(pack(), gse3).lock, path)


def test_a_modified_wording_marks_the_form_and_gives_the_method_sentence(pack, take, answers):
    text = PACK.replace("edition:", "modifications: the referent is the interviewer\nedition:")
    gse = scales.get("gse")
    words = {f"gse_{i}": f"Invented words number {i}." for i in range(1, 11)}
    lines = "\n".join(f"  {key}: {value}" for key, value in words.items())
    text = text.replace("gse3", "gse")
    text = text[: text.index("wording:")] + "wording:\n" + lines + "\n"

    changed = load_wording(pack(text, "gse.yaml"), gse)

    assert changed.form.modified == "the referent is the interviewer"
    assert "were modified: the referent is the interviewer. Published norms" in changed.method_sentence
    scores = score(take(answers(40, 10, high=4, prefix="gse")), changed.scale)
    assert not scores.about["gse"].norms
    assert changed.fielded("gse").modified


def test_responses_that_say_the_words_were_modified_have_no_norms(take, answers, pack, gse3):
    from dataclasses import replace

    words = load_wording(pack(PACK.replace("edition:", "modifications: shorter\nedition:")), gse3)
    responses = replace(
        take(answers(40, 10, high=4, prefix="gse")), fielded=(replace(words.fielded("gse"), form="standard"),)
    )

    scores = score(responses, "gse")

    assert not scores.about["gse"].norms
    assert any("wording was modified" in stamp for stamp in scores.about["gse"].stamps)


def test_the_words_of_a_published_scale_are_not_shipped(gse3):
    with pytest.raises(DeclarationError, match="its wording is not shipped"):
        own_wording(gse3)
