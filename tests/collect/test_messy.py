"""Faults planted in an export are found, each by its own code, and declared rules lose nothing else."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.collect import inspect, messy_export, read, screening, write_responses
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import MissingReason


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(fs.template_folder("second-chance"))


@pytest.fixture(scope="module")
def invented(study):
    return fs.simulate(study, fs.World.assumed(study).vary({"n.student": 192}), seed=5)


@pytest.fixture(scope="module")
def folder(study, invented, tmp_path_factory):
    where = tmp_path_factory.mktemp("messy")
    return where, messy_export(study, invented, where, seed=3)


@pytest.fixture(scope="module")
def files(study, folder):
    return {wave.name: folder[0] / f"{wave.name}.csv" for wave in study.waves}


@pytest.fixture(scope="module")
def rules(study, invented):
    people = invented.frame.drop_duplicates("participant")
    return {
        "allocation": people[["participant", "arm", *study.factors.names]],
        "duplicates": "first",
        "same_case": True,
        "missing": {77: "skipped", -99: "user_missing"},
        "labels": {measure.name: {"NA": -99} for measure in study.measures if measure.name != "attention"},
    }


@pytest.fixture(scope="module")
def made(study, files, rules):
    return read(files, study, **rules)


def test_every_planted_fault_is_found_by_its_code_in_its_file(study, folder, files, rules):
    found = inspect(files, study, allocation=rules["allocation"]).issues
    for fault in folder[1]:
        assert fault.issue or fault.step, fault
        hits = [issue for issue in found if issue.code == fault.issue and issue.what.startswith(f"{fault.n} ")]
        hits = [issue for issue in hits if ".csv" not in issue.where or issue.where.startswith(f"{fault.wave}.csv")]
        assert bool(hits) == bool(fault.issue), fault
        if hits and hits[0].who:
            assert {who.casefold() for who in hits[0].who} == set(fault.participants), fault


def test_errors_are_the_planted_ones_and_no_others(study, invented, files, rules, tmp_path):
    messy = Counter(issue.code for issue in inspect(files, study, allocation=rules["allocation"]).issues.errors)
    clean = inspect(write_responses(invented, study, tmp_path, platform="qualtrics"), study).issues.errors

    assert clean == []
    assert messy == {"collect.duplicate_person": 1, "collect.out_of_range": 1, "collect.unknown_answer": 1}
    with pytest.raises(DataError, match="3 errors"):
        read(files, study, allocation=rules["allocation"])


def test_rows_leave_at_the_step_that_was_planted_and_nobody_else_does(study, invented, folder, made):
    screened = screening(made, study).responses
    lost = Counter()
    for entry in made.ledger:
        lost[entry.step] += entry.n_before - entry.n_after
    planted = Counter({f.step: f.n for f in folder[1] if f.step.startswith("collect.")})
    assert +lost == planted

    before, after = (set(t.column("participant")) for t in (screening(invented, study).responses, screened))
    gone = {who for fault in folder[1] if fault.step.startswith("screen.") for who in fault.participants}
    assert before - after == gone
    assert after < before


def test_what_remains_equals_what_was_simulated_but_for_planted_cells(invented, folder, made):
    cells = [
        f for f in folder[1] if " in " in f.fault and f.issue in {"collect.out_of_range", "collect.unknown_answer"}
    ]
    assert [f.n for f in cells] == [4, 2]
    touched = {(who, f.wave, f.fault.partition(" in ")[2]) for f in cells for who in f.participants}
    key = ["participant", "occasion"]
    a, b = (t.frame.set_index(key)[list(invented.items)].astype(object) for t in (invented, made))
    pd.testing.assert_index_equal(a.index, b.index)
    differ = (a.where(a.notna(), None) != b.where(b.notna(), None)) & (a.notna() | b.notna())
    rows, columns = np.nonzero(differ.to_numpy(dtype=bool))
    assert {(*differ.index[i], differ.columns[j]) for i, j in zip(rows, columns, strict=True)} == touched
    row = {tuple(pair): i for i, pair in enumerate(made.frame[key].itertuples(index=False, name=None))}
    reasons = {made.reason(item)[row[who, wave]] for who, wave, item in touched}
    assert reasons == {MissingReason.SKIPPED, MissingReason.USER_MISSING}


def test_nobody_is_named_by_anything_shown(study, files, folder, rules, made):
    found = inspect(files, study, allocation=rules["allocation"])
    screened = screening(made, study)
    shown = "".join(map(str, (found, found.to_dict(), made, screened)))
    assert "example.org" in files["t0"].read_text()
    assert "192.0.2." in files["t0"].read_text()
    assert not any(word in shown for word in ("example.org", "192.0.2.", "Adler", "write to"))
    erased = [who for f in folder[1] if f.step in {"screen.consent", "screen.re_consent"} for who in f.participants]
    assert len(erased) == 3
    assert not any(who in str(screened.responses.ledger.frame().to_csv()) for who in erased)


def test_the_seed_decides_and_each_person_has_one_fault(study, invented, folder, tmp_path):
    again = messy_export(study, invented, tmp_path / "again", seed=3)
    other = messy_export(study, invented, tmp_path / "other", seed=4)
    assert again == folder[1]
    assert other != again
    for wave in study.waves.names:
        assert (tmp_path / "again" / f"{wave}.csv").read_bytes() == (folder[0] / f"{wave}.csv").read_bytes()
    names = [who for fault in again for who in fault.participants]
    assert len(names) == len(set(names)) > 15


def test_files_are_never_overwritten_real_answers_and_small_studies_refused(study, invented, folder, tmp_path):
    with pytest.raises(InputError, match="exists already"):
        messy_export(study, invented, folder[0])
    real = replace(invented, provenance=replace(invented.provenance, simulated=False))
    with pytest.raises(InputError, match="these are real"):
        messy_export(study, real, tmp_path / "real")
    assert not (tmp_path / "real").exists()
    few = fs.simulate(study, fs.World.assumed(study).vary({"n.student": 24}), seed=5)
    with pytest.raises(InputError, match="simulate more people"):
        messy_export(study, few, tmp_path / "few")


@pytest.mark.parametrize("template", ["vignette-2x2x2", "field-3wave"])
def test_other_studies_can_be_made_messy_too(template, tmp_path):
    study = fs.Study.load(fs.template_folder(template))
    unit = study.units.names[-1]
    made = fs.simulate(study, fs.World.assumed(study).vary({f"n.{unit}": 240}), seed=2)
    planted = messy_export(study, made, tmp_path)
    files = {wave.name: tmp_path / f"{wave.name}.csv" for wave in study.waves}
    people = made.frame.drop_duplicates("participant")
    found = {
        i.code for i in inspect(files, study, allocation=people[["participant", "arm", *study.factors.names]]).issues
    }
    assert {fault.issue for fault in planted if fault.issue} <= found


def test_a_label_declared_as_missing_is_no_answer_and_one_outside_the_scale_is_named(study, files, rules):
    answer = {"felt_respect": {"NA": -99}}
    kept = inspect(files, study, **{**rules, "labels": answer, "missing": {77: "skipped", -99: "refused"}})
    reasons = kept.responses.reasons.to_numpy()
    assert (reasons == MissingReason.REFUSED).sum() == 2
    outside = inspect(files, study, **{**rules, "labels": answer, "missing": {77: "skipped"}}).issues.errors
    assert "collect.out_of_range" in {issue.code for issue in outside}


def test_previews_and_spam_are_nobody_in_the_flow_of_people(study, invented, made):
    from feedbackstudy.study.placed import condition_of_people

    flow = fs.collect.account(made, study, allocation=condition_of_people(invented, study), occasion="t0")

    assert flow.count() == invented.n_participants
    assert flow.count("not_randomised") == 0
