"""Files: never outside their folder, never half-written, known by their hash."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackstudy.errors import FileFormatError, UnsafePathError
from feedbackstudy.files import inside, read_bounded, sha256_file, staged_file, write_atomic

WAYS_OUT = [
    "../secret",
    "../../etc/passwd",
    "a/../../secret",
    "./../secret",
    "..",
    "a/b/../../../x",
    "/etc/passwd",
    "//host/share/x",
    "C:/Windows/x",
    "c:x",
    "\\\\host\\share\\x",
    "..\\secret",
    "a\\..\\..\\secret",
    "\\x",
    "x\x00.csv",
    "\x00",
    "",
    "   ",
    "\t",
]
WAYS_IN = [
    "a.csv",
    "a/b.csv",
    "./a.csv",
    "a/../b.csv",
    "..a",
    "a..b",
    "a b.csv",
    "é.csv",
    ".hidden",
    "~",
    "$HOME/x",
    "%2e%2e",
]


@pytest.mark.parametrize("name", WAYS_OUT, ids=repr)
def test_every_way_out_of_the_folder_is_refused_and_named(tmp_path, name):
    with pytest.raises(UnsafePathError) as refusal:
        inside(tmp_path, name)

    assert repr(name) in str(refusal.value)
    assert str(tmp_path.resolve()) in str(refusal.value)


@pytest.mark.parametrize("name", WAYS_IN)
def test_a_plain_relative_path_stays_inside_as_it_is_written(tmp_path, name):
    found = inside(tmp_path, name)

    assert found.is_relative_to(tmp_path.resolve())
    assert found == Path(os.path.normpath(tmp_path.resolve() / name))


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    outside = tmp_path / "outside"
    folder = tmp_path / "study"
    outside.mkdir()
    folder.mkdir()
    (folder / "link").symlink_to(outside)

    with pytest.raises(UnsafePathError, match="leaves the folder"):
        inside(folder, "link/x.csv")


def test_a_link_that_stays_in_the_folder_is_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")

    assert inside(tmp_path, "link/x.csv") == (tmp_path / "data" / "x.csv").resolve()


def test_a_folder_reached_through_a_link_is_still_that_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "real")

    assert inside(tmp_path / "alias", "x").parent == (tmp_path / "real").resolve()


def test_a_neighbour_whose_name_begins_alike_is_outside(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study-secret").mkdir()

    with pytest.raises(UnsafePathError):
        inside(tmp_path / "study", "../study-secret/x")


@given(st.text(alphabet="a./\\: ~\x00", max_size=12))
def test_no_name_at_all_leaves_the_folder(name):
    folder = Path("/nowhere/at/all")
    try:
        found = inside(folder, name)
    except UnsafePathError:
        return
    assert found.is_relative_to(folder)


def test_a_file_up_to_the_limit_is_read_and_one_byte_more_is_refused(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"12345")

    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(FileFormatError, match="larger than the 4 bytes"):
        read_bounded(file, 4)


@pytest.mark.parametrize("folders", [[], ["x"]], ids=["absent", "a folder"])
def test_what_cannot_be_read_is_named_with_the_reason(tmp_path, folders):
    for name in folders:
        (tmp_path / name).mkdir()

    with pytest.raises(FileFormatError, match="x cannot be read: "):
        read_bounded(tmp_path / "x", 10)


def test_an_endless_file_is_not_read_to_its_end():
    with pytest.raises(FileFormatError, match="larger than"):
        read_bounded(Path("/dev/zero"), 1000)


@pytest.mark.parametrize("size", [0, 1, 1_000_003])
def test_the_hash_is_sha256_of_the_bytes(tmp_path, size):
    content = bytes(i % 251 for i in range(size))
    (tmp_path / "x").write_bytes(content)

    assert sha256_file(tmp_path / "x") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "expected"), [("a\r\nü\n", "a\r\nü\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")]
)
def test_content_is_written_byte_for_byte_in_a_new_folder(tmp_path, content, expected):
    path = write_atomic(tmp_path / "new" / "folder" / "x", content)

    assert path.read_bytes() == expected
    assert [p.name for p in path.parent.iterdir()] == ["x"]


def write_half(path: Path) -> None:
    path.write_text("half", encoding="utf-8")
    raise RuntimeError("cut off")


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write_atomic(tmp_path / "x", "old")

    with pytest.raises(RuntimeError, match="cut off"), staged_file(path) as staged:
        write_half(staged)

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write_atomic(tmp_path / "x", "old")

    with pytest.raises(KeyboardInterrupt), staged_file(path):
        raise KeyboardInterrupt

    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_until_the_block_ends_the_old_content_stands(tmp_path):
    path = write_atomic(tmp_path / "x", "old")

    with staged_file(path) as staged:
        staged.write_text("new", encoding="utf-8")
        during = path.read_text(encoding="utf-8")

    assert during == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("blocked", ["file-in-the-way/x", "/proc/nothing/x", "/dev/null/x"])
def test_a_folder_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path, blocked):
    (tmp_path / "file-in-the-way").write_text("", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(FileFormatError, match=r"cannot be written: .* Choose a folder you may write to\."):
        write_atomic(tmp_path / blocked, "content")

    assert sorted(tmp_path.rglob("*")) == before


KILLED = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
from feedbackstudy.files import staged_file
with staged_file(Path(sys.argv[1])) as staged:
    with staged.open("w") as stream:
        stream.write("half of the new content")
        stream.flush()
        sys.stdout.write("writing\\n")
        sys.stdout.flush()
        time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["kill", "term", "int"])
def test_a_process_killed_while_writing_leaves_the_old_file_whole(tmp_path, sent):
    path = write_atomic(tmp_path / "x", "old")
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert writer.stdout is not None
    with writer, writer.stdout:
        assert writer.stdout.readline() == "writing\n"
        os.kill(writer.pid, sent)
        writer.wait(timeout=30)

    assert writer.returncode != 0
    assert path.read_text(encoding="utf-8") == "old"
    rest = [p.name for p in tmp_path.iterdir() if p != path]
    # Nothing can tidy up after SIGKILL and an unhandled SIGTERM; what stays is hidden and named as a part.
    assert all(name.startswith(".x.") and name.endswith(".part") for name in rest)
    assert sent is not signal.SIGINT or rest == []


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = write_atomic(tmp_path / "x", "0" * 200_000)
    code = (
        "import sys\nfrom pathlib import Path\nfrom feedbackstudy.files import write_atomic\n"
        "for i in range(60): write_atomic(Path(sys.argv[1]), str(i % 10) * 200_000)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    seen = set()
    with writer:
        while writer.poll() is None:
            content = path.read_text(encoding="utf-8")
            seen.add((len(content), len(set(content))))
            time.sleep(0.001)

    assert writer.returncode == 0
    assert seen == {(200_000, 1)}
