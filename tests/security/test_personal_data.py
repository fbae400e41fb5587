"""Nothing that names a person leaves by any door: terminal, JSON, pages, pictures, files, errors (S13, S17, S18)."""

import io
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.cli.main import main
from feedbackstudy.collect.export_ledger import ExportLedger
from feedbackstudy.collect.psychds import validate
from feedbackstudy.errors import DataError, FeedbackstudyError
from feedbackstudy.report.figures import picture

EMAILS = [f"anna.nowak{i}@mail{i}.example.org" for i in range(10)]
PHONES = [f"+49 30 55501{i:02d}" for i in range(10)]
NAMES = [f"Zacharias Quendelbaum{i}" for i in range(10)]
PLANTED = (*EMAILS, *PHONES, *NAMES)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A study, and an export with thirty identifiers in columns that name people and in an open answer."""
    folder = tmp_path_factory.mktemp("people")
    fs.new_study(folder / "study", "second-chance")
    assert main(["simulate", str(folder / "study"), "--out", str(folder / "clean.csv")]) == 0
    table = pd.read_csv(folder / "clean.csv", dtype=str, keep_default_na=False)
    n = len(table)
    table["Email"] = [EMAILS[i % 10] for i in range(n)]
    table["Full Name"] = [NAMES[i % 10] for i in range(n)]
    table["IPAddress"] = [f"203.0.113.{i % 250}" for i in range(n)]
    table["remark"] = [f"call {PHONES[i % 10]}" for i in range(n)]
    table.to_csv(folder / "export.csv", index=False)
    return folder


def found_in(text: str) -> list[str]:
    return [planted for planted in PLANTED if planted in text]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_command_shows_or_writes_a_planted_identifier(place, tmp_path, capsys, as_json):
    common = [str(place / "export.csv"), "--study", str(place / "study"), *(["--json"] if as_json else [])]
    key = ["--key", str(tmp_path / "a.key")]
    capsys.readouterr()

    codes = [
        main(["import", *common, "--out", str(tmp_path / "out" / "import.csv")]),
        main(["screen", *common, "--out", str(tmp_path / "out" / "screen.csv")]),
        main(["score", *common, "--out", str(tmp_path / "out" / "score.csv")]),
        main(["share", *common, "--out", str(tmp_path / "out" / "share"), *key, "--new-key"]),
    ]

    said = capsys.readouterr()
    assert set(codes) <= {0, 1}, said.err
    written = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert len(list((tmp_path / "out").rglob("*.csv"))) == 4
    assert found_in(said.out + said.err + written) == []
    assert "203.0.113." not in said.out + said.err + written


def test_no_page_picture_or_table_of_the_answers_holds_one(place):
    study = fs.Study.load(place / "study")
    responses = fs.collect.read(place / "export.csv", study)
    left = fs.screen(responses, study)
    flow = fs.collect.account(left, study, came=responses, occasion="t2")
    shown = [str(responses), responses._repr_html_(), repr(responses), str(left.ledger), left.ledger._repr_html_()]
    shown += [str(flow), flow._repr_html_(), fs.report.table(flow).html(), picture(flow, prefix="x").svg]
    shown += [fs.report.alt_text(flow), flow.people().to_csv()]

    assert found_in("".join(shown)) == []


@pytest.mark.parametrize("column", ["consent", "withdrawn"])
def test_an_error_about_a_column_never_quotes_its_cells(place, column):
    study = fs.Study.load(place / "study")
    responses = fs.simulate(study, fs.World.assumed(study), seed=1)
    frame = responses.frame.assign(**{column: NAMES[0]})
    reasons = {item: responses.reason(item) for item in responses.items}
    odd = fs.Responses.from_frame(
        frame, items=responses.items, factors=responses.factors, clusters=responses.clusters,
        covariates=[*responses.covariates, column], reasons=reasons, design_hash=study.design_hash,
    )  # fmt: skip

    with pytest.raises(DataError) as fault:
        fs.screen(odd, study)

    assert found_in(str(fault.value)) == []


@pytest.mark.parametrize("text", [*EMAILS[:2], *PHONES[:2], NAMES[0]])
def test_an_error_about_times_never_quotes_them(text):
    with pytest.raises(FeedbackstudyError) as fault:
        fs.collect.moments(pd.Series([text], name="sent"), zone="UTC")

    assert text not in str(fault.value)


def test_a_zip_bomb_and_a_climbing_member_are_refused_before_anything_is_written(place, tmp_path):
    study = fs.Study.load(place / "study")
    for name, content in (("../climbed.csv", "participant\n"), ("bomb.csv", "0" * 40_000_000)):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / "export.zip").write_bytes(stream.getvalue())
        with pytest.raises(FeedbackstudyError):
            fs.collect.read(tmp_path / "in" / "export.zip", study)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["export.zip"]


def test_what_is_kept_about_exports_is_for_its_owner_alone_and_nothing_temporary_stays(tmp_path):
    ledger = ExportLedger(tmp_path)
    ledger.add("one", ["a", "b"], ["x"])

    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted((path.name, path.stat().st_size > 0) for path in kept) == [
        ("exports.json", True),
        ("exports.lock", False),
    ]
    if os.name == "posix":
        assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(ledger.path.parent.stat().st_mode) == 0o700


def test_a_table_of_a_million_groups_is_refused_at_once():
    counts = pd.DataFrame({"n": np.ones(1_000_000)})
    start = time.monotonic()

    with pytest.raises(DataError, match="2,000"):
        fs.collect.suppress(counts)

    assert time.monotonic() - start < 2


EXPORTING = """
import sys
import feedbackstudy as fs
from feedbackstudy.collect.pseudonyms import PseudonymKey
study = fs.Study.load(sys.argv[1])
shared = fs.collect.shareable(fs.simulate(study, fs.World.assumed(study), seed=1), study,
                              key=PseudonymKey(path=None, _secret=b"0" * 32))
print("ready", flush=True)
for i in range(1000):
    fs.collect.export_psychds(shared, study, f"{sys.argv[2]}/out{i}")
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a signal of POSIX systems")
def test_an_export_killed_at_any_moment_is_whole_or_absent(place, tmp_path):
    for wait in (0.0, 0.02, 0.05, 0.11):
        target = tmp_path / f"at{wait}"
        child = subprocess.Popen(
            [sys.executable, "-c", EXPORTING, str(place / "study"), str(target)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for folder in target.glob("out*") if target.exists() else ():
            assert validate(folder).errors == []
            assert re.fullmatch(r"out\d+", folder.name)
