"""From `new` to an answer of one's own, on the command line alone: edit, check, show, simulate, power."""

import json

import pandas as pd
import pytest

from feedbackstudy.cli.main import main
from feedbackstudy.power import diagnose, sweep
from feedbackstudy.simulate import World, simulate
from feedbackstudy.study import Study

OLD = "      two_weeks: After two weeks\n    order: [same_day, two_weeks]\n    scores: {same_day: 0, two_weeks: 14}"
NEW = (
    "      one_week: After a week\n      two_weeks: After two weeks\n    order: [same_day, one_week, two_weeks]\n"
    "    scores: {same_day: 0, one_week: 7, two_weeks: 14}"
)


@pytest.fixture
def folder(tmp_path):
    assert main(["new", str(tmp_path / "mine")]) == 0
    return tmp_path / "mine"


@pytest.fixture
def run(capsys):
    def go(*words):
        capsys.readouterr()
        code = main([*map(str, words), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return go


def test_a_newcomer_gets_from_new_to_power(folder, run, tmp_path, capsys):
    file = folder / "study.yaml"
    text = file.read_text(encoding="utf-8")
    assert OLD in text
    file.write_text(text.replace(OLD, NEW), encoding="utf-8")

    assert run("study", "check", folder)[0] == 0
    assert main(["study", "show", str(folder)]) == 0
    assert "After a week" in capsys.readouterr().out
    assert run("simulate", folder, "--out", tmp_path / "data.csv")[0] == 0
    code, made = run("power", "diagnose", folder, "--simulations", "40", "--out", tmp_path / "power.html")

    assert code == 0
    assert pd.read_csv(tmp_path / "data.csv")["timing"].nunique() == 3
    assert [row["hypothesis"] for row in made["hypotheses"]] == list(Study.load(folder).hypotheses.names)
    assert "<svg" in (tmp_path / "power.html").read_text(encoding="utf-8")


def test_new_says_what_comes_next(tmp_path, capsys):
    main(["new", str(tmp_path / "mine")])

    err = capsys.readouterr().err
    assert all(verb in err for verb in ("study check", "study show", "simulate", "power diagnose", "power solve"))


def test_new_fills_the_empty_folder_one_stands_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert main(["new", "."]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"study.yaml", "README.md", ".gitignore"}
    assert main(["study", "check", "."]) == 0
    assert main(["new", "."]) == 2


def test_invented_answers_are_those_of_simulate_and_are_marked(folder, run, tmp_path):
    code, made = run("simulate", folder, "--seed", "4", "--n", "60", "--out", tmp_path / "data.csv")
    study = Study.load(folder)
    unit = study.units.names[-1]
    same = simulate(study, World.assumed(study).vary({f"n.{unit}": 60}), seed=4)

    assert (code, made["participants"]) == (0, 60)
    as_text = pd.read_csv(tmp_path / "data.csv", dtype=str).drop(columns="duration_seconds")
    assert not as_text.apply(lambda column: column.str.endswith(".0", na=False)).any(axis=None)
    written = pd.read_csv(tmp_path / "data.csv")
    columns = [name for name in written.columns if pd.api.types.is_numeric_dtype(written[name])]
    assert len(columns) > 20
    assert (written[columns].astype(float).fillna(-9) == same.frame[columns].astype(float).fillna(-9).to_numpy()).all(
        axis=None
    )
    told = json.loads((tmp_path / "data.csv.provenance.json").read_text(encoding="utf-8"))
    assert told["data"] == "Simulated data: nobody answered."


def test_what_is_assumed_can_be_written_changed_and_given_back(folder, run, tmp_path):
    world = tmp_path / "world.yaml"
    assert run("simulate", folder, "--save-world", world)[0] == 0
    World.load(world).vary({"effect_scale": 0.0}).save(tmp_path / "none.yaml")

    nothing = run("power", "diagnose", folder, "--world", tmp_path / "none.yaml", "--simulations", "40")[1]
    assumed = run("power", "diagnose", folder, "--world", world, "--simulations", "40")[1]

    assert nothing["hypotheses"][0]["power"] < 0.3 < assumed["hypotheses"][0]["power"]


def test_diagnose_and_curve_give_what_the_functions_give(folder, run):
    study = Study.load(folder)
    world, unit = World.assumed(study), f"n.{study.units.names[-1]}"

    made = run("power", "diagnose", folder, "--simulations", "40", "--seed", "3")[1]
    rows = run("power", "curve", folder, "--sizes", "200", "100", "--simulations", "40", "--seed", "3")[1]

    assert made["hypotheses"][0]["power"] == diagnose(study, world, seed=3, n_simulations=40).rows[0].power
    wanted = sweep(study, world, {unit: [100, 200]}, seed=3, n_simulations=40)
    confirmatory = [h.name for h in study.hypotheses if h.confirmatory]
    assert [float(row["power"]) for row in rows] == list(wanted.of(*confirmatory).frame()["power"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", "{mine}", "--out", "{mine}/study.yaml"], "exists; nothing was written"),
        (["simulate", "{mine}", "--n", "0"], "0"),
        (["simulate", "{mine}", "--world", "{mine}/none.yaml"], "none.yaml"),
        (["power", "diagnose", "{mine}", "--simulations", "5"], "at least 20"),
        (["power", "solve", "{mine}", "--hypothesis", "h99"], "h99"),
        (["power", "solve", "{mine}", "--hypothesis", "h1", "--goal", "powr"], "power"),
        (["power", "curve", "{mine}", "--sizes", "100", "--simulations", "20", "--figure", "decidd"], "decided"),
    ],
)
def test_bad_input_is_2_with_a_reason(words, said, folder, capsys):
    assert main([word.format(mine=folder) for word in words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_solve_finds_the_number_of_people(folder, run):
    code, made = run("power", "solve", folder, "--hypothesis", "h1", "--mcse", "0.03")

    assert code == 0
    assert made["vary"] == "n.panel_member"
    assert made["reached"] == pytest.approx(0.8, abs=0.08)


def test_a_world_that_does_not_fit_is_named_by_file_and_line(folder, run, tmp_path, capsys):
    world = tmp_path / "world.yaml"
    assert run("simulate", folder, "--save-world", world)[0] == 0
    text = world.read_text(encoding="utf-8").replace("outcome: usefulness", "outcome: usefulnes")
    world.write_text(text, encoding="utf-8")
    line = text[: text.index("outcome: usefulnes")].count("\n") + 1

    assert main(["power", "diagnose", str(folder), "--world", str(world), "--simulations", "20"]) == 2
    assert f"world.yaml:{line}: " in capsys.readouterr().err


def test_what_is_no_number_cannot_vary(folder, capsys):
    assert main(["power", "solve", str(folder), "--hypothesis", "h1", "--vary", "outcomes"]) == 2
    assert "no single number" in capsys.readouterr().err
