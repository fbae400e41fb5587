"""The stimuli: every cell has a text, framing only moves, what else differs is said, changed texts are refused."""

from itertools import product

import pandas as pd
import pytest

from feedbackstudy.design import feedback
from feedbackstudy.design.arms import Arm
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.design.message_balance import balance_messages
from feedbackstudy.design.message_pack import TEXT_FACTORS, family_exemplars, pack
from feedbackstudy.design.message_set import check_messages, lock_messages
from feedbackstudy.design.message_text import count_text
from feedbackstudy.design.messages import Messages, make_messages
from feedbackstudy.errors import DeclarationError, FileFormatError, NotFoundError, UnsafePathError
from feedbackstudy.named import Named


def crossing(*names, forbidden=()):
    return Crossing(Named(feedback.get(n) for n in names), Named((Arm(name="silence", told="nothing"),)), forbidden)


CORE = crossing("timing", "framing", "specificity")


@pytest.mark.parametrize("family", pack().families.names)
def test_each_job_family_has_at_least_three_exemplars_for_every_cell(family):
    made = make_messages(CORE, Messages(family=family))

    assert len(made.exemplars) >= 3
    assert len(made.messages) == 6 * len(made.exemplars)
    for cell in CORE.cells():
        if cell.arm == "feedback":
            assert all(made.of(cell, exemplar).text for exemplar in made.exemplars)
    assert not made.issues
    assert made.factors == ("framing", "specificity")


def test_every_combination_of_the_text_factors_has_a_text_of_its_own():
    levels = [feedback.get(name).codes() for name in TEXT_FACTORS]
    texts = {pack().text("advisor_a", dict(zip(TEXT_FACTORS, at, strict=True))) for at in product(*levels)}

    assert len(texts) == 2 * 3 * 3 * 3 * 2 * 3 * 2 * 2


@pytest.mark.parametrize("exemplar", pack().exemplars.names)
@pytest.mark.parametrize("specificity", ["general", "behavioural", "behavioural_next_step"])
def test_framing_changes_order_and_emphasis_with_the_same_praise_and_criticism(exemplar, specificity):
    kind, hard = (
        pack().text(exemplar, {"framing": framing, "specificity": specificity})
        for framing in ("strengths_first", "deficits_first")
    )
    opening, first, second, closing = kind.split("\n\n")
    strengths, deficits = pack().points(exemplar, "mixed")

    assert hard.split("\n\n")[:3] == [opening, second, first]
    assert strengths[0].echo in closing
    assert deficits[0].echo in hard.split("\n\n")[3]
    assert all(point.said(specificity) in text for text in (kind, hard) for point in (*strengths, *deficits))
    assert abs(count_text(kind).words - count_text(hard).words) <= 1


def test_specificity_adds_behaviour_then_a_next_step_for_each_shortcoming():
    strengths, deficits = pack().points("analyst_a", "mixed")
    general, behaviour, step = (pack().text("analyst_a", {"specificity": s}) for s in feedback.get("specificity").order)

    assert all(p.general in general and p.behavioural not in general for p in (*strengths, *deficits))
    assert all(p.behavioural in behaviour and p.general not in behaviour for p in (*strengths, *deficits))
    assert all(p.next_step in step and p.next_step not in behaviour for p in deficits)
    assert abs(count_text(general).words - count_text(behaviour).words) <= 0.1 * count_text(general).words


def test_valence_changes_how_many_points_are_good_and_never_how_many_there_are():
    counts = {v: tuple(map(len, pack().points("advisor_b", v))) for v in ("positive", "mixed", "negative")}

    assert counts == {"positive": (3, 1), "mixed": (2, 2), "negative": (1, 3)}


def test_the_sentences_of_the_pack_are_ours_alone():
    texts = [t for e in pack().exemplars for p in (*e.strengths, *e.deficits) for t in (p.general, p.behavioural)]

    assert pack().licence == "CC0-1.0"
    assert len(set(texts)) == len(texts) - 1  # one general sentence about teamwork stands in both families
    assert all(17 <= count_text(t).words <= 21 for t in texts)


def test_counts_and_reading_ease_follow_flesch():
    found = count_text("The cat sat on the mat. It was happy.")

    assert (found.words, found.sentences, found.syllables) == (9, 2, 10)
    assert found.reading_ease == pytest.approx(206.835 - 1.015 * 4.5 - 84.6 * 10 / 9)
    assert count_text("Well-known isn't over").words == 3


def test_the_balance_table_reports_length_for_a_next_step_and_nothing_for_framing():
    balance = balance_messages(make_messages(CORE, Messages(family="customer_advisor")))

    assert set(balance.frame["factor"]) == {"framing", "specificity", "exemplar"}
    assert balance.frame.loc[balance.frame["factor"] == "framing", "strengths"].tolist() == [2.0, 2.0]
    found = {issue.where for issue in balance.issues}
    assert "messages: specificity and words" in found
    assert not any("framing" in where for where in found)
    assert "Mean" in str(balance)


def test_general_and_behavioural_texts_are_balanced():
    two = Crossing(
        Named((feedback.get("framing"), feedback.get("specificity").only("general", "behavioural"))), Named(), ()
    )
    for family in pack().families.names:
        assert balance_messages(make_messages(two, Messages(family=family))).issues == []


def test_a_pilot_rating_that_differs_is_a_confound_unless_it_is_meant_to():
    made = make_messages(CORE, Messages(family="data_analyst"))
    rows = [
        {"message": m.name, "realism": 4 + (i % 2), "order": 6 if "strengths_first" in m.name else 2}
        for i in range(4)
        for m in made.messages
    ]
    pilot = pd.DataFrame(rows)

    plain = balance_messages(made, pilot)
    meant = balance_messages(made, pilot, meant={"order": "framing"})

    assert "messages: framing and pilot order" in {issue.where for issue in plain.issues}
    assert "messages: framing and pilot order" not in {issue.where for issue in meant.issues}
    assert plain.frame["pilot realism"].tolist() == [4.5] * len(plain.frame)


def test_valence_is_no_confound_of_its_own_points():
    found = balance_messages(make_messages(crossing("valence"), Messages(family="data_analyst"))).issues

    assert not any("strengths" in issue.where or "deficits" in issue.where for issue in found)


def test_levels_that_never_meet_are_a_confounded_pair():
    lame = crossing("framing", "specificity", forbidden=({"framing": "deficits_first", "specificity": "general"},))

    found = balance_messages(make_messages(lame, Messages(family="data_analyst"))).issues

    (pair,) = [issue for issue in found if issue.code == "design.confounded_pair"]
    assert "deficits_first with general" in pair.what


OWN = """schema_version: 1
title: Mine
permission: Written by the study team
messages:
  - {exemplar: mine, cell: {framing: strengths_first}, text: Good. Then bad., strengths: [a], deficits: [b]}
  - {exemplar: mine, cell: {framing: deficits_first}, text: Bad. Then good., strengths: [a], deficits: [b]}
"""


def test_the_researcher_s_own_texts_stand_beside_ours(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN, encoding="utf-8")
    made = make_messages(crossing("framing"), Messages(family="data_analyst", own="mine.yaml"), folder=tmp_path)

    assert made.exemplars == ("analyst_a", "analyst_b", "analyst_c", "mine")
    assert made.of(Cell("feedback", (("framing", "deficits_first"),)), "mine").text == "Bad. Then good."
    alone = make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)
    assert [issue.code for issue in alone.issues] == ["design.few_exemplars"]


def test_an_own_text_that_lacks_a_cell_is_an_error_that_names_it(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN[: OWN.rindex("  - {")], encoding="utf-8")

    made = make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)

    assert "deficits_first" in made.issues.errors[0].what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN + "  - {exemplar: mine, cell: {framing: deficits_first}, text: Again.}\n", "two texts"),
        (OWN + "  - {exemplar: mine, cell: {framing: sideways}, text: Hm.}\n", "no cell of the study"),
        (OWN + "  - {exemplar: mine, cell: {framing: deficits_first}, text: ' '}\n", "is empty"),
    ],
)
def test_an_own_pack_that_does_not_fit_is_refused(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(DeclarationError, match=said):
        make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)


def test_an_own_pack_must_lie_in_the_study_folder(tmp_path):
    with pytest.raises(UnsafePathError):
        make_messages(crossing("framing"), Messages(own="../mine.yaml"), folder=tmp_path)
    with pytest.raises(FileFormatError, match="does not exist"):
        make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)
    with pytest.raises(FileFormatError, match="save the study"):
        make_messages(crossing("framing"), Messages(own="mine.yaml"))


def test_a_fingerprint_locks_the_texts(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN, encoding="utf-8")
    made = make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)
    locked = Messages(own="mine.yaml", fingerprint=made.fingerprint)
    lock = lock_messages(made, tmp_path / "messages.lock.yaml")

    assert make_messages(crossing("framing"), locked, folder=tmp_path).fingerprint == made.fingerprint
    (tmp_path / "mine.yaml").write_text(OWN.replace("Good.", "Fine."), encoding="utf-8")
    changed = make_messages(crossing("framing"), Messages(own="mine.yaml"), folder=tmp_path)

    with pytest.raises(FileFormatError, match="not those declared"):
        make_messages(crossing("framing"), locked, folder=tmp_path)
    assert [i.where for i in check_messages(changed, lock)] == ["messages.lock.yaml: mine:strengths_first"]
    assert check_messages(made, lock) == []
    assert "Good" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "name a job 'family'"),
        ({"family": "data_analist"}, "Did you mean 'data_analyst'"),
        ({"family": "data_analyst", "exemplars": ("advisor_a",)}, "Exemplar 'advisor_a' is unknown"),
        ({"own": "x.yaml", "exemplars": ("advisor_a",)}, "needs 'family'"),
    ],
)
def test_messages_that_cannot_be_are_refused_when_declared(given, said):
    with pytest.raises(DeclarationError, match=said):
        Messages(**given)


def test_what_the_study_varies_cannot_be_fixed_and_what_is_fixed_is_said():
    with pytest.raises(DeclarationError, match="varies 'framing'"):
        make_messages(CORE, Messages(family="data_analyst", levels={"framing": "deficits_first"}))
    with pytest.raises(DeclarationError, match="Level 'rejectet'"):
        make_messages(CORE, Messages(family="data_analyst", levels={"decision": "rejectet"}))
    made = make_messages(CORE, Messages(family="data_analyst", levels={"decision": "rejected"}))
    assert all("decided not to offer" in message.text for message in made.messages)


def test_an_arm_gets_no_message_and_an_unknown_exemplar_is_answered():
    made = make_messages(CORE, Messages(family="data_analyst"))

    with pytest.raises(NotFoundError, match="no message"):
        made.of(Cell("silence"), "analyst_a")
    with pytest.raises(NotFoundError, match="Did you mean 'analyst_a'"):
        made.of(CORE.cells()[0], "analist_a")
    assert family_exemplars("data_analyst") == ("analyst_a", "analyst_b", "analyst_c")
