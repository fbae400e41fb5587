"""The command line of assignment: sealed and open lists, what it writes, what it refuses, how it ends."""

import csv
import json

import pytest

from feedbackstudy.assign import Ledger, assign, read_contacts
from feedbackstudy.cli.main import main
from feedbackstudy.study import Study, new_study

LINK = "https://survey.example.org/s?p={token}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return new_study(tmp_path_factory.mktemp("studies") / "second", "second-chance")


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    rows = [f"s{i:03d},class_{i % 2 + 1},2026-03-02\n" for i in range(40)]
    path.write_text("participant,class,interview_date\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def run(capsys):
    """Run a command with --json; return its exit code and what it gave."""

    def go(*words):
        code = main(["assign", *map(str, words), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return go


@pytest.fixture
def ledger(run, folder, roster, tmp_path):
    code, given = run("seal", folder, tmp_path / "ledger", "--roster", roster, "--test", "--anchor", tmp_path / "notes")
    assert code == 0
    return tmp_path / "ledger", tmp_path / "notes", given["commitment"]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sealed_list_prints_its_commitment_and_reveals_one_by_one(ledger, run):
    folder, notes, commitment = ledger

    code, first = run("reveal", folder, "s003", "--anchor", notes)
    again = run("reveal", folder, "s003", "--anchor", notes)[1]

    assert (code, first) == (0, again)
    assert first["participant"] == "s003"
    assert first["assigned"]["arm"] in {"feedback", "decision_only", "silence"}
    assert Ledger.open(folder, anchored=notes).commitment == commitment
    assert run("status", folder, "--anchor", notes) == (
        0,
        {"mode": "test", "list": "roster", "commitment": commitment, "revealed": 1, "places": 40, "holds": True},
    )


def test_a_sealed_list_is_drawn_again_at_the_end(ledger, run, folder, roster):
    home, notes, _ = ledger
    receipt = run("reveal", home, "s001", "--anchor", notes)[1]["receipt"]

    code, made = run(
        "verify", home, "--anchor", notes, "--receipt", receipt, "--study", folder, "--roster", roster
    )  # fmt: skip

    assert code == 0
    held = {"holds": True, "first_bad": None, "what": "", "revealed": 1, "rederived": True, "noted_outside": True}
    assert made == held


def test_an_edited_ledger_ends_with_1_and_the_line_and_reveals_nothing_more(ledger, run, capsys):
    folder, notes, _ = ledger
    for name in ("s001", "s002"):
        run("reveal", folder, name, "--anchor", notes)
    lines = (folder / "ledger.jsonl").read_text(encoding="utf-8")
    (folder / "ledger.jsonl").write_text(lines.replace('"participant":"s001"', '"participant":"s009"'))

    code, made = run("verify", folder, "--anchor", notes)

    assert (code, made["holds"], made["first_bad"]) == (1, False, 2)
    assert main(["assign", "status", str(folder), "--anchor", str(notes)]) == 1
    assert main(["assign", "reveal", str(folder), "s004", "--anchor", str(notes)]) == 2
    assert "Nothing was revealed" in capsys.readouterr().err


def test_a_page_of_a_ledger_shows_no_place_on_this_machine(ledger, capsys, tmp_path):
    folder, notes, _ = ledger

    assert main(["assign", "status", str(folder), "--anchor", str(notes)]) == 0

    shown = capsys.readouterr().out
    assert "Every line follows the one before" in shown
    assert str(tmp_path) not in shown
    assert "sealed" not in shown.lower().replace("the sealed list", "")


def test_a_pool_of_links_goes_out_and_its_holders_are_recorded(run, folder, tmp_path):
    home, notes = tmp_path / "ledger", tmp_path / "notes"
    run("seal", folder, home, "--links", "12", "--test", "--anchor", notes)
    code, made = run("pool", home, tmp_path / "pool", "--link", LINK, "--anchor", notes)
    links = rows_of(tmp_path / "pool" / "links.csv")
    platform = {row["token"]: row for row in rows_of(tmp_path / "pool" / "platform.csv")}

    token = links[0]["link"].removeprefix(LINK.removesuffix("{token}"))
    claimed = run("claim", home, tmp_path / "pool", token, "--anchor", notes)[1]

    assert (code, made["n"], len(links)) == (0, 12, 12)
    assert set(links[0]) == {"number", "link"}
    assert claimed["assigned"]["arm"] == platform[token]["arm"]
    assert run("claim", home, tmp_path / "pool", "f" * 24, "--anchor", notes)[0] == 2


def test_a_pool_of_another_list_is_refused(run, folder, tmp_path, capsys):
    notes = tmp_path / "notes"
    for name in ("one", "two"):
        run("seal", folder, tmp_path / name, "--links", "10", "--test", "--anchor", notes)
    run("pool", tmp_path / "one", tmp_path / "pool", "--link", LINK, "--anchor", notes)
    token = next(iter(rows_of(tmp_path / "pool" / "platform.csv")))["token"]

    assert main(["assign", "claim", str(tmp_path / "two"), str(tmp_path / "pool"), token, "--anchor", str(notes)]) == 2
    assert "another sealed list" in capsys.readouterr().err


def test_places_by_stratum_are_revealed_to_who_comes(run, tmp_path):
    study = Study.load(new_study(tmp_path / "study", "vignette-2x2x2"))
    home, notes = tmp_path / "ledger", tmp_path / "notes"
    assert study.assignment.by == ()

    assert run("seal", tmp_path / "study", home, "--places", "8", "--test", "--anchor", notes)[1]["places"] == 8
    assert run("reveal", home, "x1", "--anchor", notes)[1]["slot"] == 1
    assert run("reveal", home, "x2", "--anchor", notes, "--stratum", "site=a")[0] == 2
    assert run("reveal", home, "x2", "--anchor", notes, "--stratum", "site")[0] == 2


def test_an_open_list_is_the_one_that_assign_draws(run, folder, roster, tmp_path):
    code, made = run("draw", folder, "--roster", roster, "--seed", "7", "--out", tmp_path / "list.csv")

    frame = assign(Study.load(folder), read_roster(roster), seed=7)
    assert (code, made["seed"], made["fingerprint"]) == (0, 7, frame.fingerprint)
    assert [row["arm"] for row in rows_of(tmp_path / "list.csv")] == list(frame.frame["arm"])


def read_roster(path):
    from feedbackstudy.cli.assign_lists import roster_of

    return roster_of(path)


def test_without_a_roster_the_planned_numbers_are_drawn(run, folder):
    code, made = run("draw", folder)

    assert (code, len(made["allocation"])) == (0, 600)
    assert made["seed"] == Study.load(folder).seed
    assert made["file"] is None


def test_contacts_keep_their_links_with_a_secret_and_go_to_a_new_file_only(run, folder, roster, tmp_path, capsys):
    (tmp_path / "secret").write_text("long and random")
    words = ("contacts", folder, "--roster", roster, "--link", LINK, "--secret-file", tmp_path / "secret", "--out")

    assert run(*words, tmp_path / "a.csv")[1]["contacts"] == 40
    run(*words, tmp_path / "b.csv")

    first = read_contacts(tmp_path / "a.csv")
    assert first.equals(read_contacts(tmp_path / "b.csv"))
    assert first["link"].is_unique
    assert main(["assign", *map(str, words), str(tmp_path / "a.csv")]) == 2
    assert "exists; nothing was written" in capsys.readouterr().err


def test_the_schedule_tells_messages_and_waves_by_day(run, folder, roster, tmp_path):
    code, made = run("schedule", folder, "--roster", roster, "--decision-days", "7", "--out", tmp_path / "plan.csv")
    events = made["events"]

    assert code == 0
    assert len(rows_of(tmp_path / "plan.csv")) == len(events)
    assert {event["event"] for event in events} == {"message", "wave", "withheld feedback"}
    on = run("schedule", folder, "--roster", roster, "--decision-days", "7", "--on", "2026-03-09")[1]["events"]
    assert on
    assert all(event["due"].startswith("2026-03-09") for event in on)
    assert run("schedule", folder, "--roster", roster, "--on", "tomorrow")[0] == 2


def test_an_audit_of_a_platform_s_draw_ends_with_1_where_something_is_odd(run, folder, tmp_path):
    study = tmp_path / "platform"
    new_study(study, "second-chance")
    text = (study / "study.yaml").read_text(encoding="utf-8")
    (study / "study.yaml").write_text(text + "\nassignment: {randomised_by: platform}\n", encoding="utf-8")
    run("draw", folder, "--seed", "3", "--out", tmp_path / "drawn.csv")
    lines = (tmp_path / "drawn.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    ordered = [lines[0], *sorted(lines[1:], key=lambda line: line.split(",")[1:])]
    (tmp_path / "runs.csv").write_text("".join(ordered), encoding="utf-8")

    assert run("import", study, tmp_path / "drawn.csv")[0] == 0
    code, made = run("import", study, tmp_path / "runs.csv")
    assert code == 1
    assert made["issues"]
    assert run("draw", study)[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reveal", "{tmp}/none", "p1"], "holds no ledger"),
        (["seal", "{study}", "{tmp}"], "not an empty folder"),
        (["draw", "{study}", "--roster", "{tmp}/none.csv"], "none.csv"),
        (["draw", "{study}", "--roster", "{tmp}/odd.csv"], "lacks the column 'participant'"),
        (["contacts", "{study}", "--roster", "{tmp}/odd.csv", "--link", LINK, "--out", "{tmp}/odd.csv"], "exists"),
        (["contacts", "{study}", "--roster", "{tmp}/one.csv", "--link", "http://x/{{token}}", "--out", "{tmp}/c"],
         "https"),
        (["schedule", "{study}", "--roster", "{tmp}/one.csv"], "interview dates"),
        (["seal", "{study}", "{tmp}/new", "--places", "4", "--stratum", "a=b"], "belongs to --links"),
    ],
)  # fmt: skip
def test_bad_input_is_2_with_a_reason(words, said, folder, tmp_path, capsys):
    (tmp_path / "odd.csv").write_text("name\nx\n")
    (tmp_path / "one.csv").write_text("participant,class\n" + "".join(f"x{i},a\n" for i in range(20)))
    given = [word.format(tmp=tmp_path, study=folder) if word != LINK else word for word in words]

    assert main(["assign", *given]) == 2
    assert said in capsys.readouterr().err
