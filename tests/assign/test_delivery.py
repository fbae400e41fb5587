"""The cell reaches the participant: each way out comes back as the same assignment, and the calendar is right."""

import sys
from pathlib import Path

import pandas as pd
import pytest

from feedbackstudy.assign import Ledger, assign, import_assignment, link_pool, read_contacts, tokens
from feedbackstudy.errors import DataError, DeclarationError, FileFormatError, InputError
from feedbackstudy.study import Study, new_study

sys.path.insert(0, str(Path(__file__).parent))
from studies import study, with_factors

LINK = "https://survey.example.org/s?p={token}"


def people(n: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"participant": [f"p{i:03d}" for i in range(n)], **columns})


def platform_study(**changes) -> Study:
    return study(assignment={"randomised_by": "platform"}, **changes)


# (a) a contact list for a known roster


def test_a_contact_list_comes_back_as_the_same_assignment(tmp_path):
    made = assign(study(messages={"family": "data_analyst"}), people(60), seed=3)

    back = read_contacts(made.export(tmp_path / "contacts.csv", link=LINK, secret="s"))

    columns = ["participant", "arm", "timing", "framing", "exemplar"]
    pd.testing.assert_frame_equal(back[columns], made.frame[columns].astype("str"), check_dtype=False)
    assert import_assignment(platform_study(messages={"family": "data_analyst"}), back).drawn == made.drawn


def test_each_person_has_a_link_of_their_own_that_tells_nothing(tmp_path):
    made = assign(study(), people(40), seed=3)
    first = read_contacts(made.export(tmp_path / "a.csv", link=LINK, secret="s"))
    again = read_contacts(made.export(tmp_path / "b.csv", link=LINK, secret="s"))
    other = read_contacts(made.export(tmp_path / "c.csv", link=LINK))

    assert first["link"].is_unique
    assert first["link"].equals(again["link"])
    assert not set(first["token"]) & set(other["token"])
    assert first["link"].str.fullmatch(r"https://survey\.example\.org/s\?p=[0-9a-f]{24}").all()


@pytest.mark.parametrize(
    "link",
    [
        "http://survey.example.org/{token}",
        "https://survey.example.org/",
        "https://{token}.example.org/",
        "https://survey.example.org/{token}/{token}",
        "javascript:alert('{token}')",
        "https://survey.example.org/{token}\" onclick='x'",
    ],
)
def test_a_link_that_cannot_carry_a_token_is_refused(tmp_path, link):
    with pytest.raises(InputError, match=r"[Tt]he link"):
        assign(study(), people(10), seed=3).export(tmp_path / "a.csv", link=link)


def test_places_have_no_contacts(tmp_path):
    with pytest.raises(InputError, match="Nobody is known yet"):
        assign(study(), seed=1).export(tmp_path / "a.csv", link=LINK)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text.replace("participant", "who", 1), "lacks the column 'participant'"),
        (lambda text: text + text.splitlines()[1] + "\n", "stands twice"),
        (lambda text: text.rstrip("\n").rsplit(",", 2)[0] + "\n", "another number of cells"),
        (lambda text: text.splitlines()[0] + "\n", "no rows"),
    ],
)
def test_a_contact_list_that_was_spoilt_is_refused(tmp_path, harm, said):
    path = assign(study(), people(10), seed=3).export(tmp_path / "a.csv", link=LINK)
    path.write_text(harm(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(InputError, match=said):
        read_contacts(path)


# (b) a pool of sealed links for anonymous arrivals


def test_a_pool_of_links_comes_back_as_the_sealed_list(tmp_path):
    given = study()
    roster = tokens(20)
    ledger = Ledger.create(tmp_path / "ledger", given, roster=roster, anchored=tmp_path / "notes")
    pool = link_pool(ledger, tmp_path / "pool", link=LINK)
    arrived = pd.read_csv(pool.platform, dtype=str).sample(frac=1, random_state=1)

    got = {row["token"]: pool.claim(ledger, row["token"]) for row in arrived.to_dict("records")}

    for row in arrived.to_dict("records"):
        assert str(got[row["token"]].slot) == row["slot"]
        assert got[row["token"]].assigned["arm"] == row["arm"]
    assert ledger.verify(study=given, roster=roster).rederived
    audited = import_assignment(platform_study(), arrived.rename(columns={"token": "participant"}))
    assert sorted(audited.counts()["assigned"]) == [4, 4, 4, 4, 4]


def test_links_tell_nothing_and_each_takes_one_place(tmp_path):
    ledger = Ledger.create(tmp_path / "ledger", study(), roster=tokens(10), anchored=tmp_path / "notes")
    pool = link_pool(ledger, tmp_path / "pool", link=LINK)
    links = pd.read_csv(pool.links)

    assert list(links.columns) == ["number", "link"]
    assert links["link"].is_unique
    token = links["link"][0].split("=")[1]
    assert pool.claim(ledger, token) == pool.claim(ledger, token)
    assert ledger.verify().revealed == 1
    with pytest.raises(DataError, match="in no link of the pool"):
        pool.claim(ledger, "0" * 24)
    assert "never" not in str(pool)
    assert "for the platform alone" in str(pool)


def test_a_pool_knows_its_ledger_and_needs_named_places(tmp_path):
    one = Ledger.create(tmp_path / "a", study(), roster=tokens(10), anchored=tmp_path / "notes")
    other = Ledger.create(tmp_path / "b", study(), places=10, anchored=tmp_path / "notes")
    pool = link_pool(one, tmp_path / "pool", link=LINK)

    with pytest.raises(DataError, match="another sealed list"):
        pool.claim(other, "x")
    with pytest.raises(InputError, match=r"roster=tokens\(n\)"):
        link_pool(other, tmp_path / "pool", link=LINK)
    with pytest.raises(InputError, match="0 tokens"):
        tokens(0)


# (c) an assignment that the platform made


def drawn_by_platform(n: int, seed: int = 4) -> pd.DataFrame:
    simple = assign(study(assignment={"method": "simple"}), people(n), seed=seed)
    return simple.frame


def test_a_platform_s_assignment_is_taken_in_and_marked_on_everything():
    frame = drawn_by_platform(200)

    made = import_assignment(platform_study(), frame)

    columns = ["participant", "arm", "timing", "framing"]
    pd.testing.assert_frame_equal(made.frame[columns], frame[columns], check_dtype=False)
    assert made.origin == "platform"
    assert made.seed is None
    assert [i.code for i in made.issues] == ["assign.by_platform"]
    assert "randomised by platform" in str(made)
    assert "randomised by platform" in made.provenance.conventions
    assert made.probabilities.to_numpy()[0].tolist() == [0.2] * 5


def test_the_audit_finds_lopsided_groups_turns_and_empty_cells():
    frame = drawn_by_platform(400)
    lopsided = frame[~((frame["timing"] == "now") & (frame.index % 2 == 0))]
    turns = frame.sort_values(["arm", "timing", "framing"])
    empty = frame[frame["arm"] == "feedback"]

    def codes(data):
        return {issue.code for issue in import_assignment(platform_study(), data).issues}

    assert "assign.sample_ratio" in codes(lopsided)
    assert "assign.not_random_order" in codes(turns)
    assert {"assign.empty_cell", "assign.sample_ratio"} <= codes(empty)


def test_fair_draws_are_rarely_accused():
    accused = [len(import_assignment(platform_study(), drawn_by_platform(100, seed)).issues) > 1 for seed in range(60)]

    assert sum(accused) <= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="framing"), "Column of the assignment 'framing'"),
        (lambda f: f.assign(arm="silense"), "Arm 'silense' is unknown. Did you mean 'silence'"),
        (lambda f: f.assign(arm="silence"), "also has levels"),
        (lambda f: f.assign(timing="sometime", arm="feedback"), "in no condition of the study"),
        (lambda f: f.assign(participant="x"), "more than once"),
    ],
)
def test_an_assignment_that_is_none_of_the_study_is_refused(change, said):
    with pytest.raises(DataError, match=said):
        import_assignment(platform_study(), change(drawn_by_platform(20)))


def test_a_platform_cannot_draw_a_wedge_and_must_say_its_exemplars():
    factor = {"name": "x", "mode": "enacted", "levels": {"a": "A", "b": "B"}, "reference": "a", "assigned_to": "site"}
    wedge = study(
        factors=[factor],
        arms=[],
        assignment={"method": "stepped_wedge", "wedge": {"factor": "x", "sequences": 2}},
    )
    with pytest.raises(DeclarationError, match="not drawn by a survey platform"):
        import_assignment(wedge, people(4))
    with pytest.raises(DataError, match="needs the column 'exemplar'"):
        import_assignment(platform_study(messages={"family": "data_analyst"}), drawn_by_platform(20))


# the calendar


@pytest.fixture
def second_chance(tmp_path) -> Study:
    return Study.load(new_study(tmp_path / "s", "second-chance"))


def test_the_schedule_counts_from_each_event(second_chance):
    roster = people(40, interview_date="2026-03-02")
    made = assign(second_chance, roster, seed=1)

    frame = made.schedule(roster, decision_days=3).frame.set_index(["participant", "event", "what"])

    for row in made.frame.to_dict("records"):
        mine = frame.loc[row["participant"]]
        assert mine.loc[("wave", "t0"), "due"] == pd.Timestamp("2026-03-02")
        assert mine.loc[("wave", "t2"), "due"] == pd.Timestamp("2026-04-02")
        assert mine.loc[("wave", "t2"), "closes"] == pd.Timestamp("2026-04-07")
        if row["arm"] == "feedback":
            late = row["timing"] == "two_weeks"
            day = pd.Timestamp("2026-03-19" if late else "2026-03-05")
            assert mine.loc["message", "due"].tolist() == [day]
            assert mine.loc[("wave", "t1"), "due"] == day
            assert "withheld feedback" not in mine.index.get_level_values(0)
        else:
            assert mine.loc[("wave", "t1"), "due"] in {pd.Timestamp("2026-03-05"), pd.Timestamp("2026-03-19")}
            assert mine.loc["withheld feedback", "due"].tolist() == [pd.Timestamp("2026-04-10")]
            assert ("message" in mine.index.get_level_values(0)) == (row["arm"] == "decision_only")


def test_a_pseudo_date_marks_the_row_that_stands_on_it_and_not_the_person(second_chance):
    roster = people(100, interview_date="2026-03-02")
    frame = assign(second_chance, roster, seed=1).schedule(roster).frame
    borrowed = frame[frame["pseudo_date"]]

    assert set(borrowed["what"]) == {"t1"}
    assert set(borrowed["arm"]) == {"decision_only", "silence"}
    others = frame[(frame["arm"] != "feedback") & (frame["what"] != "t1")]
    assert len(others)
    assert not others["pseudo_date"].any()
    assert not frame.loc[frame["arm"] == "feedback", "pseudo_date"].any()


def test_pseudo_dates_follow_the_delays_of_people_with_feedback(second_chance):
    roster = people(400, interview_date="2026-03-02")
    made = assign(second_chance, roster, seed=1)
    frame = made.schedule(roster).frame
    borrowed = frame[(frame["what"] == "t1") & frame["pseudo_date"]]

    share = (borrowed["due"] == pd.Timestamp("2026-03-02")).mean()

    assert len(borrowed) == 80
    assert 0.3 < share < 0.7
    assert made.schedule(roster).frame.equals(frame)


def test_the_schedule_comes_back_from_its_own_dates(second_chance):
    """Round trip: from the days on which messages are due, each person's timing can be read again."""
    roster = people(60, interview_date=[f"2026-03-{1 + i % 20:02d}" for i in range(60)])
    made = assign(second_chance, roster, seed=2)
    schedule = made.schedule(roster)
    messages = schedule.frame[(schedule.frame["event"] == "message") & (schedule.frame["arm"] == "feedback")]
    interview = pd.to_datetime(roster.set_index("participant")["interview_date"])

    days = (messages.set_index("participant")["due"] - interview).dropna().dt.days
    timing = days.map({0: "same_day", 14: "two_weeks"})

    feedback = made.frame[made.frame["arm"] == "feedback"].set_index("participant")["timing"]
    assert timing.sort_index().tolist() == feedback.sort_index().tolist()
    assert len(schedule.on("2026-03-01")) > 0
    assert "Due" in str(schedule)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ({"p000": "2026-03-01"}, "participants have no interview date"),
        ({f"p{i:03d}": "soon" for i in range(20)}, "write it as 2026-03-31"),
        (None, "No interview dates"),
    ],
)
def test_a_date_that_is_absent_or_unreadable_is_refused(second_chance, dates, said):
    with pytest.raises(DataError, match=said):
        assign(second_chance, people(20), seed=1).schedule(None, dates)


def test_a_decision_before_the_interview_is_refused(second_chance):
    made = assign(second_chance, people(20), seed=1)

    with pytest.raises(DataError, match="decision comes before the interview"):
        made.schedule(None, dict.fromkeys(made.participants, "2026-03-05"), decision_days=-1)


def test_a_delay_that_varies_within_people_is_no_single_day():
    given = with_factors(
        {"varies": "within", "delay_from": "decision", "scores": {"now": 0.0, "later": 14.0}, "mode": "described"}, {}
    )
    made = assign(given, people(12), seed=1)

    with pytest.raises(InputError, match="varies within people"):
        made.schedule(None, dict.fromkeys(made.participants, "2026-03-05"))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(FileFormatError, match="UTF-8"):
        read_contacts(tmp_path / "a.csv")
