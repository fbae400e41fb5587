"""The ledger: unique places, nothing lost, nothing changed unseen, everything drawn again at the end."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from feedbackstudy.assign import Ledger, assign
from feedbackstudy.errors import DataError, DeclarationError, FileFormatError, InputError
from feedbackstudy.files import locked

sys.path.insert(0, str(Path(__file__).parent))
from studies import study

BLOCKS = {"method": "permuted_blocks", "by": ["gender"], "block_sizes": [5]}
MINIMISE = {"method": "minimisation", "by": ["gender", "level"]}
WORKER = """
import sys
from pathlib import Path
from feedbackstudy.assign import Ledger
folder, anchor, name, n = sys.argv[1:5]
ledger = Ledger.open(folder, anchored=Path(anchor))
for i in range(int(n)):
    got = ledger.reveal(f"{name}-{i}")
    print(got.participant, got.slot, got.receipt, flush=True)
"""


def made(tmp_path: Path, given=None, **options) -> Ledger:
    return Ledger.create(tmp_path / "ledger", given or study(), anchored=tmp_path / "notes", **options)


def again(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger", anchored=tmp_path / "notes")


def worker(tmp_path: Path, name: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(tmp_path / "ledger"), str(tmp_path / "notes"), name, str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_place_is_revealed_once_and_told_again_to_whom_it_belongs(tmp_path):
    ledger = made(tmp_path, places=20)

    first, other = ledger.reveal("p1"), ledger.reveal("p2")

    assert ledger.reveal("p1") == first == again(tmp_path).reveal("p1")
    assert (first.slot, other.slot) == (1, 2)
    assert first.assigned["arm"] in {"feedback", "silence"}
    assert ledger.verify(first.receipt, other.receipt).holds
    assert len(ledger.frame) == 2


def test_the_whole_list_is_drawn_again_at_the_end(tmp_path):
    given = study()
    ledger = made(tmp_path, given, places=20)

    check = ledger.verify(study=given)

    assert check.holds
    assert check.rederived
    assert not ledger.verify(study=study(title="Another")).holds
    assert not ledger.verify(study=study(assignment={"method": "simple"})).rederived


def test_the_commitment_hides_the_list_and_binds_it(tmp_path):
    first, second = made(tmp_path / "a", seed=5), made(tmp_path / "b", seed=5)

    assert first.sealed.slots == second.sealed.slots
    assert first.commitment != second.commitment  # salted: equal lists cannot be told by their commitments
    assert first.commitment == again(tmp_path / "a").commitment
    assert (tmp_path / "a" / "ledger" / "sealed.json").stat().st_mode & 0o777 == 0o600
    opened = (tmp_path / "a" / "ledger" / "ledger.jsonl").read_text(encoding="utf-8")
    assert first.commitment in opened
    assert first.sealed.salt not in opened


def test_test_and_live_lists_share_no_random_number(tmp_path):
    live, test = made(tmp_path / "a", seed=5, places=60), made(tmp_path / "b", seed=5, places=60, mode="test")

    def arms(ledger):
        return [slot.assigned for slot in ledger.sealed.slots]

    assert arms(live) != arms(test)
    assert [dict(r) for r in assign(study(), seed=5).frame[["arm"]].to_dict("records")] != arms(live)
    assert made(tmp_path / "c").sealed.seed != made(tmp_path / "d").sealed.seed
    assert "never assign real people" in str(test)


def test_people_of_a_roster_have_places_of_their_own(tmp_path):
    roster = pd.DataFrame({"participant": [f"p{i}" for i in range(12)]})
    ledger = made(tmp_path, roster=roster)

    got = {who: ledger.reveal(who).slot for who in ("p7", "p3")}

    assert got == {"p7": 8, "p3": 4}
    with pytest.raises(DataError, match="Participant of the roster 'p12' is unknown"):
        ledger.reveal("p12")
    assert ledger.verify(study=study(), roster=roster).rederived


def test_each_stratum_has_its_list(tmp_path):
    given = study(assignment=BLOCKS)
    ledger = made(tmp_path, given, places=20)

    women = [ledger.reveal(f"f{i}", {"gender": "f"}) for i in range(5)]
    man = ledger.reveal("m0", {"gender": "m"})

    assert sorted(str(sorted(w.assigned.items())) for w in women) == sorted(
        {str(sorted(w.assigned.items())) for w in women}
    )  # a block of five holds each condition once
    assert man.slot == 21
    with pytest.raises(DataError, match="a stratum does not change after the draw"):
        ledger.reveal("m0", {"gender": "f"})
    with pytest.raises(DataError, match="Stratum"):
        ledger.reveal("x", {"gender": "d"})
    assert ledger.verify(study=given).rederived


def test_minimisation_draws_at_each_arrival_and_is_proved_by_the_seed(tmp_path):
    given = study(assignment=MINIMISE)
    ledger = made(tmp_path, given, seed=3)
    people = [{"gender": "fm"[i % 2], "level": "abc"[i % 3]} for i in range(15)]

    got = [ledger.reveal(f"p{i}", each) for i, each in enumerate(people)]

    keys = ["".join(g.assigned.get(n, "") for n in ("arm", "timing", "framing")) for g in got]
    assert {keys.count(key) for key in set(keys)} <= {2, 3, 4}
    assert ledger.verify(study=given).rederived
    with pytest.raises(DataError, match="Give each of them"):
        ledger.reveal("x", {"gender": "f"})
    with pytest.raises(DataError, match="Level 'z'"):
        ledger.reveal("x", {"gender": "z", "level": "a"})


def test_a_list_that_is_used_up_says_so(tmp_path):
    ledger = made(tmp_path, places=5)
    for i in range(5):
        ledger.reveal(f"p{i}")

    with pytest.raises(InputError, match="All 5 places are taken"):
        ledger.reveal("late")
    assert ledger.reveal("p3").slot == 4


@pytest.mark.parametrize("name", ["", " p1", "=1+1", "@x", "a\nb"])
def test_a_name_that_could_harm_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="cannot name a participant"):
        made(tmp_path, places=5).reveal(name)


def lines_of(tmp_path: Path) -> list[str]:
    return (tmp_path / "ledger" / "ledger.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)


def edit(lines: list[str]) -> list[str]:
    changed = json.loads(lines[3])
    changed["assigned"]["arm"] = "silence" if changed["assigned"]["arm"] == "feedback" else "feedback"
    return [*lines[:3], json.dumps(changed, separators=(",", ":")) + "\n", *lines[4:]]


def forge(lines: list[str]) -> list[str]:
    """Change a line and every hash after it, as somebody would who knows the format."""
    from feedbackstudy.assign.chain import chained, text_of

    made_lines = [json.loads(line) for line in lines]
    made_lines[3]["assigned"]["arm"] = "other"
    previous = made_lines[2]["hash"]
    for i in range(3, len(made_lines)):
        content = {k: v for k, v in made_lines[i].items() if k not in {"line", "previous", "hash"}}
        made_lines[i] = chained(content, i + 1, previous)
        previous = made_lines[i]["hash"]
    return [text_of(line) for line in made_lines]


HARM = {
    "a line edited": (edit, 4, "edited"),
    "the end cut off": (lambda lines: lines[:4], 5, "cut, or an old copy put back"),
    "a line cut in two": (lambda lines: [*lines[:-1], lines[-1][:40]], 7, "the file was cut"),
    "two lines swapped": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 3, "moved"),
    "a line taken out": (lambda lines: [*lines[:2], *lines[3:]], 3, "moved, added or taken out"),
    "a line doubled": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4, "moved, added"),
    "all hashes forged": (forge, 4, "not what the sealed list holds"),
    "no JSON": (lambda lines: [*lines[:2], "{]\n", *lines[3:]], 3, "no JSON"),
    "emptied": (lambda _lines: [], 1, "absent"),
}


@pytest.mark.parametrize(("harm", "line", "what"), HARM.values(), ids=HARM)
def test_verify_names_the_first_line_that_does_not_hold_and_nothing_is_revealed(tmp_path, harm, line, what):
    ledger = made(tmp_path, places=10)
    for i in range(6):
        ledger.reveal(f"p{i}")
    (tmp_path / "ledger" / "ledger.jsonl").write_text("".join(harm(lines_of(tmp_path))), encoding="utf-8")

    check = again(tmp_path).verify()

    assert (check.holds, check.first_bad) == (False, line)
    assert what in check.what
    with pytest.raises(FileFormatError, match="Nothing was revealed"):
        again(tmp_path).reveal("p9")


def test_an_old_copy_of_the_whole_folder_is_seen_by_the_note_outside(tmp_path):
    ledger = made(tmp_path, places=10)
    ledger.reveal("p1")
    shutil.copytree(tmp_path / "ledger", tmp_path / "copy")
    receipt = ledger.reveal("p2").receipt
    shutil.rmtree(tmp_path / "ledger")
    shutil.copytree(tmp_path / "copy", tmp_path / "ledger")

    check = again(tmp_path).verify()

    assert check.first_bad == 3
    assert "an old copy put back" in check.what
    elsewhere = Ledger.open(tmp_path / "ledger", anchored=tmp_path / "other machine")
    blind = elsewhere.verify()
    assert (blind.holds, blind.noted_outside) == (True, False)
    assert "an old copy of the whole folder" in str(blind)
    assert elsewhere.verify(receipt).first_bad == 3


def test_a_check_says_whether_it_knew_from_outside_how_far_the_ledger_was(tmp_path):
    ledger = made(tmp_path, places=10)
    receipt = ledger.reveal("p1").receipt

    assert again(tmp_path).verify().noted_outside
    shutil.rmtree(tmp_path / "notes")
    assert not again(tmp_path).verify().noted_outside
    assert "an old copy of the whole folder" in str(again(tmp_path))
    assert again(tmp_path).verify(receipt).noted_outside


def test_another_list_under_the_ledger_is_seen(tmp_path):
    one, other = made(tmp_path / "a", places=10), made(tmp_path / "b", places=10)
    one.reveal("p1")
    shutil.copy(other.folder / "sealed.json", one.folder / "sealed.json")

    assert again(tmp_path / "a").verify().first_bad == 1


def test_a_note_that_was_removed_or_spoilt_stops_the_ledger(tmp_path):
    ledger = made(tmp_path, places=10)
    ledger.reveal("p1")
    (ledger.folder / "head.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileFormatError, match="no note of a ledger"):
        again(tmp_path).reveal("p2")
    (ledger.folder / "head.json").unlink()
    assert not again(tmp_path).verify().holds


def test_a_ledger_is_never_written_over_and_a_folder_without_one_says_so(tmp_path):
    made(tmp_path, places=5)

    with pytest.raises(FileFormatError, match="not an empty folder"):
        made(tmp_path, places=5)
    with pytest.raises(FileFormatError, match="holds no ledger"):
        Ledger.open(tmp_path / "nothing")
    with pytest.raises(DataError, match="no receipt"):
        again(tmp_path).verify("abc")


def test_places_need_a_number_and_levels(tmp_path):
    with pytest.raises(DeclarationError, match="places is 0"):
        made(tmp_path, places=0)


def test_a_second_assigner_waits_and_is_told_when_it_takes_too_long(tmp_path):
    ledger = made(tmp_path, places=5)

    with locked(ledger.folder / "ledger.lock"), pytest.raises(FileFormatError, match="another process"):
        again(tmp_path).reveal("p1", wait=0.05)
    assert again(tmp_path).reveal("p1").slot == 1


def test_a_full_disk_reveals_nothing_and_loses_nothing(tmp_path, monkeypatch):
    ledger = made(tmp_path, places=5)
    ledger.reveal("p1")
    before = lines_of(tmp_path)

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(FileFormatError, match=r"No space left on device.*untouched"):
            ledger.reveal("p2")

    assert lines_of(tmp_path) == before
    assert not list(ledger.folder.glob("*.part"))
    assert ledger.reveal("p2").slot == 2
    assert again(tmp_path).verify().holds


def test_a_disk_that_fills_up_in_the_middle_of_a_file_reveals_nothing(tmp_path):
    """The system itself refuses to let a file grow beyond a limit, as a quota does."""
    ledger = made(tmp_path, places=200)
    for i in range(3):
        ledger.reveal(f"p{i}")
    size = (ledger.folder / "ledger.jsonl").stat().st_size
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 900}, {size + 900}))\n"
    command = [sys.executable, "-c", limit + WORKER, str(ledger.folder), str(tmp_path / "notes"), "q", "50"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "untouched" in done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines()]
    check = again(tmp_path).verify()
    assert check.holds
    assert check.revealed == 3 + len(told)


def race(tmp_path: Path, processes: int, reveals: int) -> None:
    made(tmp_path, places=processes * reveals)
    running = [worker(tmp_path, f"w{k}", reveals) for k in range(processes)]
    told = [line.split() for each in running for line in each.communicate()[0].splitlines()]

    assert all(each.returncode == 0 for each in running)
    assert sorted(int(slot) for _, slot, _ in told) == list(range(1, processes * reveals + 1))
    check = again(tmp_path).verify(*(receipt for _, _, receipt in told))
    assert check.holds
    assert check.revealed == processes * reveals


def test_four_assigners_at_once_never_share_a_place(tmp_path):
    race(tmp_path, 3, 8)


@pytest.mark.slow
def test_four_assigners_reveal_a_thousand_unique_places(tmp_path):
    race(tmp_path, 4, 250)


def kill_at_random(tmp_path: Path, times: int) -> None:
    made(tmp_path, places=5000)
    chance = random.Random(20260103)
    told: list[list[str]] = []
    for k in range(times):
        process = worker(tmp_path, f"k{k}", 5000)
        assert process.stdout is not None
        first = process.stdout.readline().split()
        assert len(first) == 3, process.communicate()[1]
        told.append(first)
        time.sleep(chance.uniform(0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()  # not communicate: it forgets what readline took in beyond its line
        process.communicate()
        told += [line.split() for line in rest.splitlines() if len(line.split()) == 3]
    check = again(tmp_path).verify(*(receipt for *_, receipt in told))

    assert check.holds
    assert 0 <= check.revealed - len(told) <= times  # at most one per kill was on disk and not yet told
    ledger = again(tmp_path)
    assert all(ledger.reveal(who).slot == int(slot) for who, slot, _ in told[:: max(1, len(told) // 50)])
    assert ledger.frame["slot"].is_unique


def test_an_assigner_killed_at_random_loses_nothing_that_was_told(tmp_path):
    kill_at_random(tmp_path, 3)


@pytest.mark.slow
def test_an_assigner_killed_at_fifty_random_points_loses_nothing(tmp_path):
    kill_at_random(tmp_path, 50)
