"""Whether a plan was changed before or after there were data, however these are read; said where it is unknown."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.plan_status import plan_status
from feedbackstudy.cli.main import main
from feedbackstudy.collect.first_answer import first_answer
from feedbackstudy.collect.plan_history import history_of
from feedbackstudy.collect.standing import AFTER, AS_REGISTERED, BEFORE, LATE, UNTOLD
from feedbackstudy.errors import FileFormatError

MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Return an export of Qualtrics, one text a wave, in which everybody answered on 2026-05-04."""
    study = fs.Study.load(fs.template_folder("second-chance"))
    invented = fs.simulate(study, fs.World.assumed(study).vary({"n.student": 192}), seed=5)
    folder = tmp_path_factory.mktemp("export")
    fs.collect.write_responses(invented, study, folder, platform="qualtrics")
    return {wave: (folder / f"{wave}.csv").read_text(encoding="utf-8") for wave in study.waves.names}


@pytest.fixture
def folder(tmp_path):
    return fs.new_study(tmp_path / "study", "second-chance")


@pytest.fixture
def came(export, tmp_path):
    """Return a function that puts the export there, answered so long from now, and reads it as real data."""

    def read(study, after=timedelta(0), *, simulated=False, times=True):
        day = (datetime.now(UTC) + after).strftime("%Y-%m-%d")
        files = {}
        for wave, text in export.items():
            files[wave] = tmp_path / f"{wave}_{day}_{times}.csv"
            files[wave].write_text(text.replace("2026-05-04", day if times else "soon"), encoding="utf-8")
            beside = files[wave].with_name(f"{files[wave].name}.provenance.json")
            beside.unlink(missing_ok=True)
            if simulated:
                beside.write_text(json.dumps({"data": "Simulated data: nobody answered."}), encoding="utf-8")
        return fs.collect.read(files, study)

    return read


def register(study, name="p"):
    return fs.report.preregistration(study).write(Path(study.folder).parent / f"{name}.md")[1]


def changed(folder, old="value: 60", new="value: 90"):
    """Change a rule in the study file, and return the study as it is then."""
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return fs.Study.load(folder)


def standing_of(record, study, data=None):
    """Return the status, and the status and codes that `analyse` gives to the same data."""
    found = fs.report.amendments(record, study, data=data)
    assert found.status in str(found)
    assert found.standing.why in str(found).replace("\n", " ")
    if data is None:
        return found.status
    status, issues = plan_status(fs.score(data, study.measures), study, record)
    return found.status, status, [issue.code for issue in issues]


def test_data_that_existed_before_the_change_are_before_it_however_they_are_read(folder, came):
    # Given: a registration; data of last month; a rule that was changed afterwards
    record = register(fs.Study.load(folder))
    later = changed(folder)

    # When: the data are read with the changed study only
    data = came(later, -MONTH)

    # Then
    assert data.design_hash == later.design_hash
    assert standing_of(record, later, data) == (AFTER, "amended", ["analysis.amended"])
    assert "no longer confirmatory" in str(fs.report.amendments(record, later, data=data))


def test_reading_again_with_the_changed_study_does_not_make_the_change_earlier(folder, came):
    # Given: data that came after the registration, and were read with the registered study
    study = fs.Study.load(folder)
    record = register(study)
    came(study, MONTH)

    # When: the plan is changed, and a later export is read with it
    later = changed(folder)
    again = came(later, MONTH + timedelta(days=1))

    # Then: the history beside the study knows
    assert standing_of(record, later, again) == (AFTER, "amended", ["analysis.amended"])
    assert standing_of(record, later) == AFTER
    assert [event.kind for event in history_of(later).events] == ["registered", "read", "read"]


def test_where_it_cannot_be_told_it_is_said_and_nothing_is_confirmatory(folder, came):
    record = register(fs.Study.load(folder))
    later = changed(folder)
    data = came(later, MONTH)

    assert standing_of(record, later, data) == (UNTOLD, "amended, when unknown", ["analysis.amended_unknown"])
    assert standing_of(record, later) == UNTOLD  # by the history


def test_without_data_it_is_amended(folder):
    record = register(fs.Study.load(folder))
    assert standing_of(record, fs.Study.load(folder)) == AS_REGISTERED
    assert standing_of(record, changed(folder)) == "amended"


def test_a_change_that_was_registered_before_the_data_keeps_its_role(folder, came):
    record = register(fs.Study.load(folder))
    later = changed(folder)
    second = register(later, "amended")
    data = came(later, MONTH)

    assert standing_of(record, later, data) == (BEFORE, "", ["analysis.amended_before_data"])
    assert standing_of(second, later, data) == (AS_REGISTERED, "", [])


def test_of_two_registrations_the_later_one_is_in_force(folder, came):
    first = fs.Study.load(folder)
    register(first)
    record = register(changed(folder), "amended")

    back = changed(folder, "value: 90", "value: 60")

    assert back.design_hash == first.design_hash
    assert standing_of(record, back, came(back, MONTH))[0] == UNTOLD


def test_what_was_registered_after_the_data_is_not_confirmatory(folder, came):
    study = fs.Study.load(folder)
    record = register(study)

    late = (LATE, "registered after data", ["analysis.registered_after_data"])
    assert standing_of(record, study, came(study, -MONTH)) == late


def test_a_plan_registered_again_once_the_data_were_read_is_late(folder, came):
    study = fs.Study.load(folder)
    register(study)
    came(study, times=False)
    later = changed(folder)

    record = register(later, "again")

    assert standing_of(record, later, came(later, times=False))[0] == LATE


def test_data_without_times_show_nothing_and_that_is_said(folder, came):
    study = fs.Study.load(folder)
    record = register(study)

    data = came(study, times=False)
    assert data.provenance.answered_since == ("", "")
    assert standing_of(record, study, data) == (AS_REGISTERED, "", ["analysis.registration_not_shown"])
    assert "cannot be shown" in str(fs.report.amendments(record, study, data=data))
    (folder / ".feedbackstudy" / "history.jsonl").unlink()
    later = changed(folder)
    assert standing_of(record, later, came(later, times=False))[0] == UNTOLD
    assert "does not lie beside the study" in fs.report.amendments(record, later).standing.why


def test_a_rehearsal_with_invented_data_is_no_data(folder, came):
    study = fs.Study.load(folder)
    record = register(study)
    came(study, -MONTH, simulated=True)
    later = changed(folder)
    register(later, "amended")

    assert standing_of(record, later, came(later, MONTH))[0] == BEFORE
    assert standing_of(record, later, came(later, -MONTH, simulated=True))[0] == AFTER


def test_a_history_that_was_edited_is_not_believed_and_readings_warn(folder, came):
    study = fs.Study.load(folder)
    record = register(study)
    came(study, MONTH)
    file = folder / ".feedbackstudy" / "history.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace(study.design_hash, "0" * 64), encoding="utf-8")

    data = came(study, MONTH + timedelta(days=1))

    assert "collect.reading_not_noted" in {issue.code for issue in data.issues}
    assert "cannot be believed" in fs.report.amendments(record, study, data=data).standing.why


def test_the_same_reading_is_noted_once(folder, came):
    study = fs.Study.load(folder)
    register(study)
    came(study, MONTH)
    came(study, MONTH)

    assert len(history_of(study).readings(simulated=False)) == 1


def test_a_study_that_was_never_registered_keeps_no_history_and_analysis_says_so(folder, came):
    study = fs.Study.load(folder)
    data = came(study)

    assert history_of(study) is None
    status, issues = plan_status(fs.score(data, study.measures), study, None)
    assert (status, [issue.code for issue in issues]) == ("", ["analysis.not_registered"])


def test_templates_of_the_package_get_no_history(tmp_path):
    study = fs.Study.load(fs.template_folder("second-chance"))
    _, record = fs.report.preregistration(study).write(tmp_path / "p.md")

    assert history_of(study) is None
    assert not (study.folder / ".feedbackstudy").exists()
    assert json.loads(record.read_text(encoding="utf-8"))["history"] is False


def test_the_history_speaks_without_a_record(folder, came):
    study = fs.Study.load(folder)
    register(study)
    later = changed(folder)

    status, issues = plan_status(fs.score(came(later, -MONTH), later.measures), later, None)

    assert (status, [issue.code for issue in issues]) == ("amended", ["analysis.amended"])


@pytest.mark.parametrize("told", ["yesterday", "2026-01-01T00:00:00", 5])
def test_a_registration_whose_moment_cannot_be_read_is_refused(folder, told):
    record = register(fs.Study.load(folder))
    data = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**data, "registered_at": told}), encoding="utf-8")

    with pytest.raises(FileFormatError):
        fs.report.amendments(record, fs.Study.load(folder))


def test_the_command_says_whether_the_data_came_first(folder, came, export, tmp_path, capsys):
    record = register(fs.Study.load(folder))
    later = changed(folder)
    came(later, -MONTH)
    files = [f"{wave}={next(tmp_path.glob(f'{wave}_*.csv'))}" for wave in export]
    (folder / ".feedbackstudy" / "history.jsonl").unlink()
    capsys.readouterr()

    assert main(["preregister", str(folder), "--against", str(record), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "amended"
    assert main(["preregister", str(folder), "--against", str(record), "--data", *files, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["status"] == AFTER
    assert main(["preregister", str(folder), "--data", *files]) == 2


def times(*started, zone="", ended=""):
    return pd.DataFrame({"started": started, "ended": ended, "zone": zone})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (times("2026-04-03T14:30:00+02:00"), ("2026-04-03T12:30:00+00:00", "2026-04-03T12:30:00+00:00")),
        (
            times("2026-04-03 14:30:00", "2026-04-02 10:00:00", zone="Europe/Berlin"),
            ("2026-04-02T08:00:00+00:00", "2026-04-02T08:00:00+00:00"),
        ),
        (times("2026-04-03 14:00:00"), ("2026-04-03T00:00:00+00:00", "2026-04-04T02:00:00+00:00")),  # any zone
        (
            times("2026-10-25 02:30:00", zone="Europe/Berlin"),
            ("2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"),
        ),
        (times("2026-04-03 14:00:00Z", "", zone="UTC"), ("", "2026-04-03T14:00:00+00:00")),  # one answer without a time
        (times("1980-01-01 00:00:00"), ("", "")),  # LimeSurvey without dates
        (times("03/04/2026 14:30"), ("", "")),
        (times("", zone="UTC", ended="2026-04-03 14:00:00"), ("2026-04-03T14:00:00+00:00",) * 2),
        (times(), ("", "")),
    ],
)
def test_the_first_answer_lies_between_two_moments(given, expected):
    assert first_answer(given) == expected
