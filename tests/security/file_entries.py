"""Every entry that takes a file, each as a function that puts a payload into the file, place by place (S1)."""

import copy
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import yaml

import feedbackstudy as fs
from feedbackstudy import policy, scales
from feedbackstudy.assign import Ledger
from feedbackstudy.cli.main import main
from feedbackstudy.collect.psychds import validate
from feedbackstudy.errors import FeedbackstudyError
from feedbackstudy.literature.published import Published

type Runs = Iterator[Callable[[], object]]
FAULTS = Path(__file__).parents[1] / "faults" / "study.yaml"
ASSIGNED = FAULTS.with_name("scheduled.yaml")
HEAD = ["participant", "arm", "timing", "usefulness_1", "usefulness_2", "usefulness_3", "hours", "takes"]
ROWS = [["p1", "feedback", "same_day", "5", "6", "2", "1.5", "1"], ["p2", "silence", "", "", "", "", "2", "0"]]


def places(data: object, path: tuple = ()) -> Iterator[tuple]:
    """Every text of plain data, and every key (its path ends with None)."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key, None)
            yield from places(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from places(value, (*path, i))
    elif isinstance(data, str):
        yield path


def changed(data: object, path: tuple, payload: str) -> object:
    made = copy.deepcopy(data)
    is_key = path[-1] is None
    steps = path[:-1] if is_key else path
    inner = made
    for step in steps[:-1]:
        inner = inner[step]
    if is_key:
        inner[payload] = inner.pop(steps[-1])
    else:
        inner[steps[-1]] = payload
    return made


def variants(data: object, payload: str, turn: int, share: int) -> Iterator[object]:
    """The data with the payload in one place at a time; each turn takes other places."""
    for i, path in enumerate(places(data)):
        if i % share == turn % share:
            yield changed(data, path, payload)


def into_yaml(path: Path, data: object, payload: str, turn: int, use: Callable[[], object], share: int = 5) -> Runs:
    for made in variants(data, payload, turn, share):
        path.write_text(yaml.safe_dump(made, allow_unicode=True, sort_keys=False), encoding="utf-8")
        yield use
    path.write_text(f"title: {payload}\nother: [{payload}]\n", encoding="utf-8")  # as it stands: tags, braces, quotes
    yield use


def into_json(path: Path, data: object, payload: str, turn: int, use: Callable[[], object], share: int = 5) -> Runs:
    for made in variants(data, payload, turn, share):
        path.write_text(json.dumps(made), encoding="utf-8")
        yield use
    path.write_text(payload, encoding="utf-8")
    yield use


def csv_text(rows: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue()


def into_csv(path: Path, rows: list[list[str]], payload: str, turn: int, use: Callable[[], object], share: int) -> Runs:
    for i, (y, x) in enumerate((y, x) for y, row in enumerate(rows) for x in range(len(row))):
        if i % share == turn % share:
            made = copy.deepcopy(rows)
            made[y][x] = payload
            path.write_text(csv_text(made), encoding="utf-8")
            yield use


def shown(*results: object) -> None:
    for result in results:
        str(result)
        result._repr_html_()


def run(*words: object) -> None:
    """Run a command; its refusal is told as the exception that it was."""
    code = main([*map(str, words), "--json"])
    if code == 2:
        raise FeedbackstudyError("the command refused the file in words")
    if code not in {0, 1}:
        raise RuntimeError(f"{words}: a fault of ours, exit {code}")


def study_file(tmp: Path, payload: str, turn: int) -> Runs:
    """study.yaml: load, check, say, register, draw people."""
    data = yaml.safe_load(FAULTS.read_text(encoding="utf-8"))
    data |= {
        "question": "Why?",
        "hypotheses": [{"name": "h1", "about": "timing", "measure": "usefulness", "says": "Sooner is better."}],
        "plan": {
            "exclusions": [{"name": "fast", "variable": "duration", "exclude_if": "< 60", "because": "Too fast."}]
        },
    }

    def use() -> None:
        study = fs.Study.load(tmp / "study.yaml")
        shown(study, study.check(), fs.report.preregistration(study))
        fs.collect.instrument(study, platform="qualtrics", folder=tmp / f"out{len(list(tmp.iterdir()))}")

    yield from into_yaml(tmp / "study.yaml", data, payload, turn, use)


def large_study_file(tmp: Path, payload: str, turn: int) -> Runs:
    """The template with everything in it: load and check."""
    data = yaml.safe_load((fs.template_folder("second-chance") / "study.yaml").read_text(encoding="utf-8"))

    def use() -> None:
        study = fs.Study.load(tmp / "study.yaml")
        shown(study, study.check())

    yield from into_yaml(tmp / "study.yaml", data, payload, turn, use, share=150)


def world_file(tmp: Path, payload: str, turn: int) -> Runs:
    """world.yaml: load and draw people."""
    study = fs.Study.load(FAULTS)
    fs.World.assumed(study).save(tmp / "world.yaml")
    data = yaml.safe_load((tmp / "world.yaml").read_text(encoding="utf-8"))

    def use() -> None:
        shown(fs.simulate(study, fs.World.load(tmp / "world.yaml"), seed=1))

    yield from into_yaml(tmp / "world.yaml", data, payload, turn, use, share=12)


def policy_plan(tmp: Path, payload: str, turn: int) -> Runs:
    """plan.yaml of a policy."""
    data = yaml.safe_load((fs.template_folder("policy-rollout") / "plan.yaml").read_text(encoding="utf-8"))
    yield from into_yaml(
        tmp / "plan.yaml", data, payload, turn, lambda: str(policy.PolicyPlan.load(tmp / "plan.yaml")), share=8
    )


def wording_pack(tmp: Path, payload: str, turn: int) -> Runs:
    """A wording pack, and the scale's own file of a study."""
    scale = scales.get("gse3")
    data = {"schema_version": 1, "scale": "gse3", "form": "standard", "language": "en", "edition": "ours"}
    data |= {"permission": {"who": "A", "when": "2026-01-02", "terms": "granted"}}
    data |= {"wording": {f"gse3_{i}": f"Words {i}." for i in (1, 2, 3)}}
    yield from into_yaml(tmp / "p.yaml", data, payload, turn, lambda: scales.load_wording(tmp / "p.yaml", scale), 1)
    (tmp / "scales").mkdir(exist_ok=True)
    own = yaml.safe_load((Path(scales.__file__).parent / "definitions" / "gse3.yaml").read_text(encoding="utf-8"))
    yield from into_yaml(
        tmp / "scales" / "gse3.yaml", own, payload, turn, lambda: shown(scales.list(study=tmp)), share=45
    )


def plain_export(tmp: Path, payload: str, turn: int) -> Runs:
    """CSV: every cell of header and rows; read, screen, share with a spreadsheet program."""
    study = fs.Study.load(FAULTS)

    def use() -> None:
        shown(fs.collect.inspect(tmp / "a.csv", study))
        made = fs.screen(fs.collect.read(tmp / "a.csv", study), study)
        shown(made, fs.score(made, study.measures))
        fs.collect.write_spreadsheet(made.frame, tmp / f"sheet{len(list(tmp.iterdir()))}.csv")

    yield from into_csv(tmp / "a.csv", [HEAD, *ROWS], payload, turn, use, share=6)


def platform_exports(tmp: Path, payload: str, turn: int) -> Runs:
    """Exports of Qualtrics with ImportIds, and of LimeSurvey."""
    study = fs.Study.load(FAULTS)
    people = fs.simulate(study, fs.World.assumed(study), seed=1)
    for platform in ("qualtrics", "limesurvey"):
        folder = tmp / platform
        for path in fs.collect.write_responses(people, study, folder, platform=platform).values():
            rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))[:5]
            yield from into_csv(
                path, rows, payload, turn, lambda p=path: shown(fs.collect.inspect(p, study, occasion="t1")), share=60
            )


def workbook(tmp: Path, payload: str, turn: int) -> Runs:
    """XLSX: header and cells."""
    study = fs.Study.load(FAULTS)
    for x in range(turn % 3, len(HEAD), 3):
        for y in (0, 1):
            rows = copy.deepcopy([HEAD, *ROWS])
            rows[y][x] = payload
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append(row)
            book.save(tmp / "a.xlsx")
            yield lambda: shown(fs.collect.inspect(tmp / "a.xlsx", study))


def spss_file(tmp: Path, payload: str, turn: int) -> Runs:
    """SPSS: texts, labels of variables and of values, the note."""
    study = fs.Study.load(FAULTS)
    frame = pd.DataFrame([row[:3] for row in ROWS], columns=HEAD[:3]).assign(hours=[1.0, 2.0], takes=[1.0, 0.0])
    for y in range(3):
        made = frame.copy()
        if y == 0:
            made.loc[0, HEAD[turn % 3]] = payload
        pyreadstat.write_sav(
            made,
            str(tmp / "a.sav"),
            column_labels=dict.fromkeys(made, payload) if y == 1 else None,
            variable_value_labels={"takes": {1.0: payload[:120]}} if y == 2 else None,
            note=payload[:60],
        )
        yield lambda: shown(fs.collect.inspect(tmp / "a.sav", study), fs.collect.read(tmp / "a.sav", study))


def survey_file(tmp: Path, payload: str, turn: int) -> Runs:
    """A QSF: every text of a small survey."""
    study = fs.Study.load(FAULTS)
    question = {"QuestionID": "QID1", "DataExportTag": "hours", "QuestionText": "Hours", "QuestionType": "MC"}
    question |= {
        "Choices": {"1": {"Display": "Yes"}},
        "RecodeValues": {"1": "1"},
        "DisplayLogic": {"0": {"Type": "If"}},
    }
    flow = [{"Type": "EmbeddedData", "EmbeddedData": [{"Field": "fs_cond", "Type": "Recipient", "Value": "x"}]}]
    flow += [{"Type": "Block", "ID": "BL_1"}, {"Type": "BlockRandomizer", "SubSet": 1, "Flow": flow[:1]}]
    block = {"Type": "Default", "ID": "BL_1", "BlockElements": [{"Type": "Question", "QuestionID": "QID1"}]}
    elements = [("BL", "Survey Blocks", [block]), ("FL", "Survey Flow", {"Type": "Root", "Flow": flow})]
    elements += [("SQ", "QID1", question)]
    data = {"SurveyEntry": {"SurveyID": "SV_1", "SurveyName": "One"}}
    data["SurveyElements"] = [{"Element": e, "PrimaryAttribute": a, "Payload": p} for e, a, p in elements]
    use = lambda: shown(fs.collect.prove_qsf(tmp / "a.qsf", study))  # noqa: E731
    yield from into_json(tmp / "a.qsf", data, payload, turn, use)


def allocation_ledger(tmp: Path, payload: str, turn: int) -> Runs:
    """The sealed list, its lines and its note."""
    study = fs.Study.load(ASSIGNED)
    ledger = Ledger.create(tmp / "ledger", study, places=6, anchored=tmp / "anchor")
    ledger.reveal("p1")

    def use() -> None:
        again = Ledger.open(tmp / "ledger", anchored=tmp / "anchor")
        shown(again, again.verify())
        again.reveal("p2")

    kept = {name: (tmp / "ledger" / name).read_text(encoding="utf-8") for name in ("sealed.json", "head.json")}
    lines = (tmp / "ledger" / "ledger.jsonl").read_text(encoding="utf-8")
    for name, text in kept.items():
        yield from into_json(tmp / "ledger" / name, json.loads(text), payload, turn, use, share=4)
        (tmp / "ledger" / name).write_text(text, encoding="utf-8")
    for made in variants([json.loads(line) for line in lines.splitlines()], payload, turn, 4):
        (tmp / "ledger" / "ledger.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in made), "utf-8")
        yield use


def other_json(tmp: Path, payload: str, turn: int) -> Runs:
    """The ledger of exports, a registration, a scale in OSD, a dataset's description."""
    (tmp / "study.yaml").write_bytes(FAULTS.read_bytes())  # a registration begins a history beside its study
    study = fs.Study.load(tmp / "study.yaml")
    ledger = fs.collect.ExportLedger(tmp)
    ledger.add("one", ["a"], ["x"])
    yield from into_json(
        ledger.path, json.loads(ledger.path.read_text("utf-8")), payload, turn, lambda: ledger.compare(["a"]), 2
    )
    _, record = fs.report.preregistration(study).write(tmp / "r.md")
    use = lambda: shown(fs.report.amendments(record, study))  # noqa: E731
    yield from into_json(record, json.loads(record.read_text("utf-8")), payload, turn, use, share=8)
    scale = scales.get("feedback_usefulness")
    osd = scales.to_osd(scale, tmp / "a.osd", wording=scales.own_wording(scale))
    yield from into_json(osd, json.loads(osd.read_text("utf-8")), payload, turn, lambda: shown(scales.read_osd(osd)), 8)
    key = fs.collect.make_key(tmp / "k" / "a.key", study_folder=tmp / "elsewhere")
    shared = fs.collect.shareable(fs.simulate(study, fs.World.assumed(study), seed=1), study, key=key)
    made = fs.collect.export_psychds(shared, study, tmp / "psychds")
    about = made.folder / "dataset_description.json"
    yield from into_json(
        about, json.loads(about.read_text("utf-8")), payload, turn, lambda: list(validate(made.folder)), share=12
    )
    (tmp / "k" / "a.key").write_text(payload, encoding="utf-8")
    yield lambda: fs.collect.pseudonym_key(tmp / "k" / "a.key", study_folder=tmp / "elsewhere")


def statistics(tmp: Path, payload: str, turn: int) -> Runs:
    """Saved statistics of a policy, arrays of objects among them, and the ledger of looks."""
    from feedbackstudy.policy import read_ledger

    (tmp / "stats").mkdir()
    data = {"schema_version": 2, "restricted": True, "plan": {"title": "x"}, "plan_digest": "y", "provenance": {}}
    np.savez(tmp / "stats" / "statistics.npz", x=np.array([payload], dtype=object))
    use = lambda: policy.SufficientStats.load(tmp / "stats")  # noqa: E731
    yield from into_json(tmp / "stats" / "statistics.json", data, payload, turn, use, share=1)
    (tmp / "looks.jsonl").write_text(json.dumps({"kind": payload, "look": payload, "hash": payload}) + "\n", "utf-8")
    yield lambda: read_ledger(tmp / "looks.jsonl")
    (tmp / "looks.jsonl").write_text(payload, encoding="utf-8")
    yield lambda: read_ledger(tmp / "looks.jsonl")


def command_files(tmp: Path, payload: str, turn: int) -> Runs:
    """Files that commands take: a roster, an allocation, contacts, answers to a registration's gaps, a secret."""
    roster = tmp / "roster.csv"
    contacts = [
        ["participant", "arm", "timing", "token", "link"],
        ["p1", "feedback", "same_day", "t", "https://x.org/t"],
    ]

    draw = lambda: run("assign", "draw", ASSIGNED, "--roster", roster)  # noqa: E731
    yield from into_csv(roster, [["participant"], ["p1"], ["p2"]], payload, turn, draw, share=2)
    check = lambda: run("assign", "import", ASSIGNED, roster)  # noqa: E731
    yield from into_csv(roster, [["participant", "arm", "timing"], *(r[:3] for r in ROWS)], payload, turn, check, 3)
    (tmp / "a.csv").write_text(csv_text([HEAD, *ROWS]), encoding="utf-8")
    say = lambda: fs.collect.reading_file(tmp / "reading.yaml", fs.Study.load(FAULTS))  # noqa: E731
    told = {"platform": "plain", "columns": {"a": "hours"}, "labels": {"takes": {"yes": 1}}, "duplicates": "first"}
    yield from into_yaml(tmp / "reading.yaml", told, payload, turn, say, share=2)
    read = lambda: fs.collect.inspect(tmp / "a.csv", fs.Study.load(FAULTS), allocation=roster)  # noqa: E731
    yield from into_csv(roster, contacts, payload, turn, read, share=3)
    register = lambda: run("preregister", FAULTS, "--answers", tmp / "answers.yaml")  # noqa: E731
    yield from into_yaml(tmp / "answers.yaml", {"anything": "Words."}, payload, turn, register, share=1)


def applications(tmp: Path, payload: str, turn: int) -> Runs:
    """The table of applications of a policy."""
    made = policy.synthetic_applications(1000, seed=1)
    made.plan.save(tmp / "plan.yaml")
    frame = pd.DataFrame(made.table.source).astype(str)
    rows = [list(map(str, frame.columns)), *map(list, frame.head(2).replace("nan", "").to_numpy())]

    def use() -> None:
        run("policy", "check", tmp / "plan.yaml", "--table", tmp / "t.csv")

    yield from into_csv(tmp / "t.csv", rows, payload, turn, use, share=40)


def published_values(tmp: Path, payload: str, turn: int) -> Runs:
    """published.yaml of an analysis; the analysis beside it is the user's own program and is meant to run."""
    source = next(Path(__file__).parents[2].glob("analyses/*/published.yaml"))
    data = yaml.safe_load(source.read_text(encoding="utf-8"))
    yield from into_yaml(
        tmp / "published.yaml", data, payload, turn, lambda: Published.load(tmp / "published.yaml"), share=25
    )


ENTRIES = (
    study_file, large_study_file, world_file, policy_plan, wording_pack, plain_export, platform_exports, workbook,
    spss_file, survey_file, allocation_ledger, other_json, statistics, command_files, applications, published_values,
)  # fmt: skip
REFUSED = FeedbackstudyError
