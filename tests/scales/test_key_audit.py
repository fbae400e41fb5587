"""Planted key errors are named with their evidence; nothing is flipped."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.scales import Printed, key_audit, score
from feedbackstudy.scales.coefficients import alpha_of

AGAINST = (2, 5)


@pytest.fixture
def scale(make_scale):
    return make_scale(n=6, reversed_items=AGAINST)


@pytest.fixture
def raw(answers):
    return answers(400, 6, against=AGAINST)


def kinds(audit):
    return [(finding.kind, finding.items) for finding in audit.findings]


def test_data_that_agree_with_the_key_raise_nothing(scale, raw, take):
    audit = key_audit(take(raw), scale)

    assert audit.agrees
    assert "Nothing contradicts the key" in str(audit)


def test_items_reversed_upstream_are_named(scale, raw, take):
    turned = raw.assign(demo_2=6 - raw["demo_2"], demo_5=6 - raw["demo_5"])

    audit = key_audit(take(turned), scale)

    assert kinds(audit) == [("already_reversed", ("demo_2", "demo_5"))]
    assert "responses.stated(already_reversed=['demo_2', 'demo_5'])" in audit.findings[0].fix
    assert "item-rest r -" in audit.findings[0].evidence


def test_half_the_items_reversed_upstream_are_named_although_signs_tie(make_scale, answers, take):
    raw = answers(400, 6, against=(2, 4, 6))
    turned = raw.assign(**{f"demo_{i}": 6 - raw[f"demo_{i}"] for i in (2, 4, 6)})

    audit = key_audit(take(turned), make_scale(n=6, reversed_items=(2, 4, 6)))

    assert kinds(audit) == [("already_reversed", ("demo_2", "demo_4", "demo_6"))]


def test_items_stated_as_reversed_that_are_not_are_called_reversed_twice(scale, raw, take):
    audit = key_audit(take(raw, already_reversed=["demo_2", "demo_5"]), scale)

    assert kinds(audit) == [("reversed_twice", ("demo_2", "demo_5"))]


def test_one_item_reversed_upstream_is_named_alone(scale, raw, take):
    audit = key_audit(take(raw.assign(demo_5=6 - raw["demo_5"])), scale)

    assert kinds(audit) == [("not_as_keyed", ("demo_5",))]


def test_an_item_that_runs_against_its_key_is_named(scale, raw, take):
    audit = key_audit(take(raw.assign(demo_3=6 - raw["demo_3"])), scale)

    assert kinds(audit) == [("not_reversed", ("demo_3",))]


def test_two_exchanged_columns_are_named(scale, raw, take):
    swapped = raw.rename(columns={"demo_1": "demo_2", "demo_2": "demo_1"})

    audit = key_audit(take(swapped), scale)

    assert [kind for kind, _ in kinds(audit)] == ["swapped"]
    assert set(audit.findings[0].items) == {"demo_1", "demo_2"}


def test_codes_shifted_by_one_are_said_once_with_the_fix(scale, raw, take):
    audit = key_audit(take(raw - 1), scale)

    shifted = [finding for finding in audit.findings if finding.kind == "shifted_codes"]
    assert len(shifted) == 1
    assert "observed 0 to 4, declared 1 to 5" in shifted[0].evidence
    assert "by=1" in shifted[0].fix


def test_reversal_with_the_constant_of_another_format_is_named(scale, raw, take):
    zero_based = raw - 1
    wrong = raw.assign(demo_2=6 - zero_based["demo_2"])

    audit = key_audit(take(wrong), scale)

    found = {finding.kind: finding for finding in audit.findings}
    assert found["wrong_constant"].items == ("demo_2",)
    assert "demo_2 runs from 2 to 6" in found["wrong_constant"].evidence


def test_values_outside_the_format_are_named(scale, raw, take):
    raw.loc[4, "demo_1"] = 99

    audit = key_audit(take(raw), scale)

    assert kinds(audit) == [("outside_range", ("demo_1",))]
    assert "declare_missing" in audit.findings[0].fix


def test_constant_and_copied_columns_are_named(scale, raw, take):
    audit = key_audit(take(raw.assign(demo_1=3.0, demo_4=raw["demo_3"])), scale)

    assert ("constant_item", ("demo_1",)) in kinds(audit)
    assert ("copied_item", ("demo_3", "demo_4")) in kinds(audit)


def test_the_audit_flips_nothing(scale, raw, take):
    turned = raw.assign(demo_2=6 - raw["demo_2"], demo_5=6 - raw["demo_5"])
    responses = take(turned)

    before = score(responses, scale).frame["demo"].tolist()
    key_audit(responses, scale)

    assert score(responses, scale).frame["demo"].tolist() == before
    pd.testing.assert_frame_equal(responses.frame[list(turned.columns)], turned.reset_index(drop=True))


def test_a_planted_error_is_warned_about_while_scoring(scale, raw, take):
    scores = score(take(raw.assign(demo_3=6 - raw["demo_3"])), scale)

    codes = [issue.code for issue in scores.issues]
    assert "scales.key_contradicted" in codes
    assert "demo_3" in str(scores.issues)


def test_not_asked_rows_are_left_out_of_the_audit_and_said_so(scale, raw):
    frame = pd.concat([raw, raw * np.nan], ignore_index=True)
    codes = {c: np.where(frame[c].isna(), MissingReason.NOT_ASKED, MissingReason.ANSWERED) for c in frame}
    frame = frame.assign(participant=[f"p{i}" for i in range(800)], occasion="t", arm=["a"] * 400 + ["silence"] * 400)
    responses = Responses.from_frame(frame, items=list(raw.columns), reasons=codes, already_reversed=[])

    audit = key_audit(responses, scale)

    assert audit.agrees
    assert (audit.n, audit.not_asked) == (400, 400)
    assert "400 rows were not asked and are left out" in str(audit)
    assert audit.patterns[0].n == 400


def test_it_says_which_keying_reproduces_the_printed_mean_sd_and_alpha(make_scale, bfi, take):
    items = [f"A{i}" for i in range(1, 6)]
    unkeyed = make_scale("agree", 5, 1, 6, ids=items)
    complete = bfi[items].dropna()
    keyed = complete.assign(A1=7 - complete["A1"])
    mean = f"{keyed.mean(axis=1).mean():.3f}"
    printed = Printed(mean=mean, sd=f"{keyed.mean(axis=1).std():.3f}", alpha=".704")

    audit = key_audit(take(bfi[items]), unkeyed, printed=printed)

    assert kinds(audit) == [("not_reversed", ("A1",))]
    assert [k.reverses for k in audit.reproducing()] == [("A1",)]
    assert audit.keyings["agree"][0].name == "as the data run"
    assert "reproduced by: 'as the data run'" in " ".join(str(audit).split())


@pytest.mark.parametrize(("name", "letter", "reversed_items"), [("agree", "A", [1]), ("neuroticism", "N", [])])
def test_alpha_agrees_with_psych(bfi, oracle, name, letter, reversed_items):
    items = bfi[[f"{letter}{i}" for i in range(1, 6)]].dropna()
    keyed = items.assign(**{f"{letter}{i}": 7 - items[f"{letter}{i}"] for i in reversed_items}).to_numpy()

    assert float(alpha_of(np.cov(keyed, rowvar=False))) == pytest.approx(
        oracle["alpha"][name]["complete"]["raw_alpha"], abs=5e-10
    )


def test_printed_figures_must_be_numbers():
    with pytest.raises(InputError, match=r"Printed alpha 'about .8' is not a number"):
        Printed(alpha="about .8")


def test_a_printed_figure_is_met_to_its_decimals_only(make_scale, take, answers):
    raw = answers(200, 4)
    mean = raw.mean(axis=1).mean()

    near = key_audit(take(raw), make_scale(), printed=Printed(mean=f"{mean + 0.02:.2f}"))
    exact = key_audit(take(raw), make_scale(), printed=Printed(mean=f"{mean:.2f}"))

    assert not near.reproducing()
    assert exact.reproducing()


def test_below_30_complete_rows_nothing_is_said_about_signs(scale, answers, take):
    audit = key_audit(take(answers(20, 6)), scale)

    assert audit.patterns == ()


def test_absent_columns_are_named(scale, raw, take):
    with pytest.raises(DataError, match="demo_6"):
        key_audit(take(raw.drop(columns="demo_6")), scale)


def test_a_wave_that_was_not_asked_takes_no_place_in_the_quick_check(scale, answers):
    frame = answers(9000, 6, against=AGAINST)
    turned = frame.assign(demo_2=6 - frame["demo_2"], demo_5=6 - frame["demo_5"])
    waves = pd.concat([turned, turned * np.nan, turned * np.nan], ignore_index=True)
    waves = waves.assign(
        participant=[f"p{i % 9000}" for i in range(27000)], arm="a", occasion=np.repeat(["1", "2", "3"], 9000)
    )
    codes = {c: np.where(waves[c].isna(), MissingReason.NOT_ASKED, MissingReason.ANSWERED) for c in frame}
    order = waves.sort_values(["participant", "occasion"]).index
    by_person = waves.loc[order].reset_index(drop=True)
    sorted_codes = {c: codes[c][order] for c in codes}
    responses = Responses.from_frame(by_person, items=list(frame.columns), reasons=sorted_codes)

    with pytest.raises(DataError, match=r"already_reversed=\['demo_2', 'demo_5'\]"):
        score(responses, scale)


def test_the_audit_of_a_measure_looks_at_the_scores_it_names(answers):
    from feedbackstudy.scales.measure import Measure

    frame = answers(60, 28, prefix="m")[["m_1", "m_5", "m_9", "m_13"]].round().clip(1, 6)
    frame = frame.assign(participant=[f"p{i}" for i in range(60)], arm="a", occasion="t")
    responses = Responses.from_frame(frame, items=["m_1", "m_5", "m_9", "m_13"])

    audit = key_audit(responses, Measure(name="m", scale="pasa", waves=("t",), scores={"threat": "threat"}))

    assert [p.part for p in audit.patterns] == ["threat"]
    assert {f.kind for f in audit.findings} == {"already_reversed"}
