"""Entry points of the faults that lie behind reading: screening, times, sharing, registering, study files."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

import feedbackstudy as fs


@dataclass
class Outcome:
    """What an entry point said, and the table that it left."""

    said: str
    issues: list = field(default_factory=list)
    frame: pd.DataFrame | None = None


def shown(*results) -> str:
    return "\n".join([*map(str, results), *(r._repr_html_() for r in results if hasattr(r, "_repr_html_"))])


def table(folder, expected) -> pd.DataFrame:
    return pd.read_csv(folder / expected.get("input", "input.csv"), dtype=str, keep_default_na=False)


def screened(folder, study, expected):
    given = expected.get("input", "input.csv")
    path = folder / given if isinstance(given, str) else {wave: folder / name for wave, name in given.items()}
    found = fs.collect.screening(fs.collect.read(path, study, **expected.get("options", {})), study)
    return Outcome(shown(found, found.responses.ledger), list(found.issues), found.responses.frame)


def clock(folder, _study, expected):
    cells = table(folder, expected)
    found = fs.collect.moments(cells["sent"], participants=list(cells["participant"]), **expected.get("options", {}))
    frame = pd.DataFrame({"utc": found.utc.dt.strftime("%Y-%m-%dT%H:%M").astype(object)})
    return Outcome(shown(found.issues), list(found.issues), frame)


def scheduled(folder, study, expected):
    """Messages or answers held against a schedule in which everybody was interviewed on the second of March."""
    cells = table(folder, expected)
    allocation = fs.assign(study, cells[["participant"]].drop_duplicates(), seed=1)
    schedule = allocation.schedule(interview_dates=dict.fromkeys(allocation.participants, "2026-03-02"))
    if "started" in cells:
        frame, issues = fs.collect.outside_windows(cells, schedule, zone="Europe/Berlin")
        return Outcome(shown(issues), list(issues), frame)
    due = schedule.frame[schedule.frame["event"] == "message"].set_index("participant")["what"]
    cells["message"] = cells["participant"].map(due)
    found = fs.collect.delivered(cells, schedule, zone="Europe/Berlin")
    return Outcome(shown(found), list(found.issues), found.frame)


def ratio(folder, _study, expected):
    sizes = table(folder, expected)["arm"].value_counts().to_dict()
    found = fs.collect.sample_ratio(sizes, expected["options"]["shares"])
    return Outcome(shown(found, found.issues()), list(found.issues()))


def left(folder, study, expected):
    """Who of those allocated is in the table."""
    cells = table(folder, expected)
    allocation = dict(zip(cells["participant"], cells["condition"], strict=True))
    rows = cells[cells["stayed"] == "1"].reset_index(drop=True)
    frame = pd.DataFrame({"participant": rows["participant"], "arm": "feedback", "occasion": "t1"})
    responses = fs.Responses.from_frame(
        frame.assign(timing=rows["condition"], hours=1.0), items=["hours"], factors=["timing"]
    )
    flow = fs.collect.account(responses, study, allocation=allocation, occasion="t1")
    found = fs.collect.dropout(flow)
    return Outcome(shown(flow, found, found.issues()), list(found.issues()), flow.frame())


def text(folder, _study, expected):
    cells = table(folder, expected)
    scan = fs.collect.scan_text(cells["remark"], cells["participant"])
    frame = pd.DataFrame({"remark": cells["remark"].map(fs.collect.redacted)})
    return Outcome(shown(scan.issues()), list(scan.issues()), frame)


def cells(folder, _study, expected):
    counts = pd.read_csv(folder / "input.csv", index_col=0)
    found = fs.collect.suppress(counts, **expected.get("options", {}))
    frame = found.frame.astype(float)
    return Outcome(shown(found), [], frame.reset_index(drop=True))


def exports(folder, _study, _expected):
    with tempfile.TemporaryDirectory() as place:
        ledger = fs.collect.ExportLedger(place)
        first, second = (pd.read_csv(folder / name, dtype=str)["participant"] for name in ("first.csv", "second.csv"))
        ledger.add("first", list(first), ["participant"])
        issues = ledger.compare(list(second))
    return Outcome(shown(issues), list(issues))


def spreadsheet(folder, _study, expected):
    with tempfile.TemporaryDirectory() as place:
        frame = pd.read_csv(folder / expected.get("input", "input.csv"))
        path = fs.collect.write_spreadsheet(frame, Path(place) / "out.csv")
        written = pd.read_csv(path, encoding="utf-8-sig")
    return Outcome(written.to_csv(index=False), [], written)


def amended(folder, study, expected):
    later = fs.Study.load(folder / expected["input"])
    responses = fs.collect.read(folder / "input.csv", study)
    found = fs.report.amendments(fs.report.preregistration(study), later, data=responses)
    return Outcome(shown(found), [], pd.DataFrame({"where": [where for where, _, _ in found.changes]}))


def declared(folder, _study, expected):
    study = fs.Study.load(folder / expected["input"])
    issues = list(study.check())
    said = [study._repr_html_(), fs.report.preregistration(study)._repr_html_(), *map(str, issues)]
    return Outcome("\n".join(said))


def direct(folder, _study, expected):
    """A direct function on a data frame; what it left out and what it warns of stands on its page."""
    options = dict(expected["options"])
    frame = pd.read_csv(folder / expected.get("input", "input.csv"), dtype={"participant": str})
    result = getattr(fs.analysis, options.pop("function"))(frame, options.pop("outcome"), **options)
    return Outcome(shown(result))


def reliability(folder, _study, expected):
    """A coefficient of reliability of all columns."""
    return Outcome(shown(fs.psychometrics.alpha(pd.read_csv(folder / expected.get("input", "input.csv")))))


ENTRIES = {
    "alpha": reliability,
    "amended": amended,
    "cells": cells,
    "clock": clock,
    "declared": declared,
    "direct": direct,
    "dropout": left,
    "exports": exports,
    "ratio": ratio,
    "scheduled": scheduled,
    "screen": screened,
    "spreadsheet": spreadsheet,
    "text": text,
}
