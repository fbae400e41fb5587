"""Times are moments or refused; messages and answers are held against the schedule."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy.collect.clock import midnights, moments
from feedbackstudy.collect.delivery import delivered, outside_windows
from feedbackstudy.errors import DataError
from feedbackstudy.study.placed import condition_of_people

BERLIN = "Europe/Berlin"


def utc(texts, **given) -> list[str]:
    return moments(pd.Series(texts, name="sent"), **given).utc.dt.strftime("%Y-%m-%d %H:%M").tolist()


def test_mixed_offsets_become_moments():
    assert utc(["2026-03-01T10:00+01:00", "2026-03-01T10:00:00Z", "2026-03-01 10:00-0500"]) == [
        "2026-03-01 09:00", "2026-03-01 10:00", "2026-03-01 15:00"
    ]  # fmt: skip


def test_times_without_offset_need_a_zone():
    with pytest.raises(DataError, match="zone"):
        utc(["2026-03-01T10:00"])
    assert utc(["2026-03-01T10:00", "2026-07-01T10:00"], zone=BERLIN) == ["2026-03-01 09:00", "2026-07-01 08:00"]


def test_a_day_that_could_be_another_is_refused_unless_its_form_is_declared():
    with pytest.raises(DataError, match="form"):
        utc(["13/04/2026 10:00", "03/04/2026 10:00"], zone="UTC")
    assert utc(["13/04/2026 10:00", "03/04/2026 10:00"], zone="UTC", form="%d/%m/%Y %H:%M") == [
        "2026-04-13 10:00", "2026-04-03 10:00"
    ]  # fmt: skip


def test_an_hour_that_does_not_exist_or_comes_twice_is_missing_and_named():
    found = moments(
        pd.Series(["2026-03-29T02:30", "2026-10-25T02:30", "2026-03-29T03:30"], name="sent"),
        zone=BERLIN, participants=["a", "b", "c"],
    )  # fmt: skip

    assert found.utc.isna().tolist() == [True, True, False]
    assert [(issue.code, issue.who) for issue in found.issues] == [("collect.no_such_hour", ("a", "b"))]


def test_a_duration_over_the_change_of_clocks_is_the_time_that_passed():
    night = moments(pd.Series(["2026-03-28T23:00", "2026-03-29T05:00"]), zone=BERLIN).utc

    assert night.iloc[1] - night.iloc[0] == pd.Timedelta(hours=5)


@pytest.mark.parametrize("bad", ["soon", "2026-13-01T00:00", "2026-04-31T10:00"])
def test_what_is_no_time_is_refused_without_being_quoted(bad):
    with pytest.raises(DataError) as fault:
        utc([bad], zone="UTC")
    assert bad not in str(fault.value)


def test_an_unknown_zone_is_refused():
    with pytest.raises(DataError, match="no time zone"):
        utc(["2026-03-01T10:00"], zone="Mars/Base")


@given(st.datetimes(min_value=pd.Timestamp("2000-01-01"), max_value=pd.Timestamp("2040-01-01")))
def test_a_time_with_an_offset_is_the_same_moment_whatever_the_zone(when):
    text = f"{when.isoformat()}+02:00"

    assert utc([text], zone=BERLIN) == utc([text], zone="America/New_York") == utc([text])


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery") / "s"
    fs.new_study(folder, "second-chance")
    study = fs.Study.load(folder)
    allocation = fs.assign(study, seed=1)
    days = dict.fromkeys(allocation.participants, "2026-03-02")
    return study, allocation, allocation.schedule(interview_dates=days)


def log_of(schedule, n: int) -> pd.DataFrame:
    due = schedule.frame[schedule.frame["event"] == "message"].head(n).reset_index(drop=True)
    day = due["due"].dt.strftime("%Y-%m-%d")
    return pd.DataFrame(
        {"participant": due["participant"], "message": due["what"], "sent": day + "T09:00", "opened": day + "T11:30"}
    )


def test_messages_sent_on_their_day_are_as_planned(planned):
    _, _, schedule = planned
    everybody = int((schedule.frame["event"] == "message").sum())

    found = delivered(log_of(schedule, everybody), schedule, zone=BERLIN)

    assert set(found.frame["state"]) == {"as planned"}
    assert found.issues == []
    assert found.frame["hours_to_open"].tolist() == pytest.approx([2.5] * everybody)


def test_each_departure_is_told_apart(planned):
    _, _, schedule = planned
    log = log_of(schedule, 6)
    log.loc[0, "sent"] = "2026-06-01T09:00"
    log.loc[1, "sent"] = "2026-01-01T09:00"
    log.loc[2, "message"] = "decision_only" if log.loc[2, "message"] != "decision_only" else "x"
    log.loc[3, "opened"] = "2026-01-01T09:00"

    found = delivered(log, schedule, zone=BERLIN)

    states = found.frame.set_index("participant")["state"]
    assert states[log["participant"][:3]].tolist() == ["late", "early", "another message"]
    codes = {issue.code for issue in found.issues}
    assert codes == {
        "collect.message_late", "collect.message_early", "collect.other_message", "collect.opened_before_sent",
        "collect.message_not_sent",
    }  # fmt: skip


def test_what_was_received_goes_into_the_flow_of_participants(planned):
    study, allocation, schedule = planned
    log = log_of(schedule, 50)
    log.loc[0, "message"] = "silence"
    found = delivered(log, schedule, zone=BERLIN)
    responses = fs.simulate(study, fs.World.assumed(study), seed=1)

    flow = fs.collect.account(responses, study, allocation=allocation, received=found.received)

    assert flow.crossed == 1
    got = {name: flow.received(name) for name in ("silence", "decision_only")}
    assert got["silence"] == sum(key == "silence" for key in condition_of_people(responses, study).values())
    assert got["decision_only"] < got["silence"]  # the log holds fifty messages, and nothing is sent to the silent


def test_the_log_must_know_its_people_once(planned):
    _, _, schedule = planned
    log = log_of(schedule, 3)

    with pytest.raises(DataError, match="twice"):
        delivered(pd.concat([log, log.head(1)]), schedule, zone=BERLIN)
    with pytest.raises(DataError, match="not scheduled"):
        delivered(log.assign(participant=["x", "y", "z"]), schedule, zone=BERLIN)


def test_answers_outside_their_window_are_counted_by_wave_and_nobody_is_taken_out(planned):
    _, _, schedule = planned
    waves = schedule.frame[(schedule.frame["event"] == "wave") & (schedule.frame["what"] == "t0")].head(4)
    times = pd.DataFrame({"participant": waves["participant"].to_list(), "occasion": "t0", "zone": BERLIN})
    times["started"] = ["2026-03-02T10:00", "2026-03-03T23:00", "2026-03-05T10:00", "2026-03-01T23:00"]

    table, issues = outside_windows(times, schedule)

    assert len(table) == 4
    assert (table["days_late"] > 0).tolist() == [False, False, True, False]
    assert (table["days_early"] > 0).tolist() == [False, False, False, True]
    (issue,) = issues
    assert (issue.code, issue.where) == ("collect.outside_window", "wave t0")
    assert "1 person answered before" in issue.what


def test_each_row_is_read_by_the_clock_of_its_own_zone(planned):
    _, _, schedule = planned
    who = schedule.frame["participant"].iloc[0]
    times = pd.DataFrame(
        {
            "participant": who,
            "occasion": ["t0", "t1", "t0"],
            "started": ["2026-03-02 12:00", "2026-03-02 12:00", "2026-03-02T12:00+05:00"],
            "zone": [BERLIN, "America/New_York", ""],
        },
        index=[7, 3, 5],
    )

    found, _ = outside_windows(times, schedule)
    everywhere, _ = outside_windows(times, schedule, zone="UTC")

    assert found["started"].dt.strftime("%H:%M").tolist() == ["11:00", "17:00", "07:00"]
    assert everywhere["started"].dt.strftime("%H:%M").tolist() == ["12:00", "12:00", "07:00"]
    opens = schedule.frame[(schedule.frame["participant"] == who) & (schedule.frame["event"] == "wave")]
    first = opens.set_index("what")["opens"]["t0"]
    assert found["opens"].iloc[0] == first.tz_localize(BERLIN)
    with pytest.raises(DataError, match="1 time has no offset"):
        outside_windows(times.assign(zone=[BERLIN, "", ""]), schedule)


def test_the_form_of_times_can_be_said_wherever_the_error_asks_for_it(planned):
    _, _, schedule = planned
    log = log_of(schedule, 3)
    german = log.assign(
        sent=pd.to_datetime(log["sent"]).dt.strftime("%d/%m/%Y %H:%M"),
        opened=pd.to_datetime(log["opened"]).dt.strftime("%d/%m/%Y %H:%M"),
    )
    form = "%d/%m/%Y %H:%M"

    with pytest.raises(DataError, match="form="):
        delivered(german, schedule, zone=BERLIN)
    plain, read = delivered(log, schedule, zone=BERLIN), delivered(german, schedule, zone=BERLIN, form=form)
    assert plain.frame.equals(read.frame)
    times = log.assign(occasion="t0", zone=BERLIN, started=german["sent"])
    with pytest.raises(DataError, match="form="):
        outside_windows(times, schedule)
    assert outside_windows(times, schedule, form=form)[0]["started"].notna().all()


def test_a_day_that_begins_without_midnight_begins_with_its_first_hour():
    days = pd.Series(pd.to_datetime(["2026-04-24", "2026-04-25", None]))  # clocks of Cairo change on 24 April

    assert midnights(days, "Africa/Cairo").dt.strftime("%d %H:%M").tolist()[:2] == ["23 22:00", "24 21:00"]
    assert midnights(days, "Africa/Cairo").isna().tolist() == [False, False, True]


def test_one_person_is_one_person_and_no_wait_is_negative(planned):
    _, _, schedule = planned
    everybody = int((schedule.frame["event"] == "message").sum())
    log = log_of(schedule, everybody)
    log.loc[0, "opened"] = "2026-01-01T09:00"
    log.loc[1, "sent"] = "2026-06-01T09:00"
    log["opened"] = log["opened"].where(log.index == 0, "")

    found = delivered(log, schedule, zone=BERLIN)

    assert {issue.code: issue.what for issue in found.issues} == {
        "collect.message_late": "1 person was sent their message late.",
        "collect.opened_before_sent": "1 person opened their message before it was sent.",
    }
    assert "half of them" not in str(found)
