"""The file that `World.save` writes: numbers that can be read, a line about each key, nothing silent."""

import re

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy.simulate import World, simulate
from feedbackstudy.simulate.compiling import compiled
from feedbackstudy.study import Study
from feedbackstudy.study.template import template_folder


@pytest.fixture(scope="module", params=["vignette-2x2x2", "second-chance", "field-3wave"])
def study(request):
    return Study.load(template_folder(request.param))


@pytest.fixture(scope="module")
def three_times():
    study = Study.load(template_folder("vignette-2x2x2"))
    data = study.to_data()
    timing = data["factors"][0]
    timing["levels"] = {"same_day": "Same day", "one_week": "After a week", "two_weeks": "After two weeks"}
    timing["order"] = ["same_day", "one_week", "two_weeks"]
    timing["scores"] = {"same_day": 0.0, "one_week": 7.0, "two_weeks": 14.0}
    return Study.from_data(data)


def test_every_number_can_be_read_and_the_file_is_read_back(study, tmp_path):
    world = World.assumed(study)
    text = world.save(tmp_path / "world.yaml").read_text(encoding="utf-8")

    numbers = re.findall(r"-?\d+\.\d+", text.replace("\n", " "))
    assert max(len(number.split(".")[1]) for number in numbers) <= 10
    assert World.load(tmp_path / "world.yaml") == world


def test_every_key_has_a_line_about_it(study, tmp_path):
    lines = World.assumed(study).save(tmp_path / "world.yaml").read_text(encoding="utf-8").splitlines()

    keys = [i for i, line in enumerate(lines) if re.match(r"[a-z_]+:", line) and not line.startswith("schema_version")]
    assert len(keys) >= 9
    assert all(lines[i - 1].startswith("# ") for i in keys)
    said = " ".join(line.removeprefix("# ") for line in lines if line.startswith("#"))
    assert "in standard deviations within cells" in said


def test_what_holds_by_default_is_written_too(tmp_path):
    text = World().save(tmp_path / "world.yaml").read_text(encoding="utf-8")

    for key in ("effect_scale: 1.0", "correlation: 0.3", "stability: 0.6", "skipped: 0.0", "  share: 0.0"):
        assert key in text
    assert World.load(tmp_path / "world.yaml") == World()


def test_a_level_that_no_hypothesis_names_is_written_and_said(three_times):
    world = World.assumed(three_times)

    means = next(each for each in world.means if each.outcome == "acceptance")
    assert means.cells["one_week:strengths_first:general"] == 0.0
    assert any("timing one_week stands in acceptance" in note for note in world.notes)
    assert any("No smallest effect is declared for h4, h5: 0.2" in note for note in world.notes)


def test_manipulation_checks_are_noticed_by_default_and_only_their_own(three_times):
    world = World.assumed(three_times)
    model = compiled(three_times, world)
    timing = dict(zip([c.key for c in model.cells], model.means("noticed_timing", "t1"), strict=True))

    sd = model.sd("noticed_timing", "t1")
    steps = [timing[f"{level}:strengths_first:general"] for level in ("same_day", "one_week", "two_weeks")]
    assert np.diff(steps) / sd == pytest.approx([-0.5, -0.5], abs=0.02)
    assert timing["same_day:deficits_first:behavioural_next_step"] == pytest.approx(steps[0])
    assert any("Manipulation checks are taken to work" in note for note in world.notes)


def test_invented_manipulation_checks_find_what_was_varied():
    study = Study.load(template_folder("vignette-2x2x2"))
    responses = simulate(study, World.assumed(study).vary({"n.panel_member": 400}), seed=1)
    scores = fs.score(responses, study.measures).frame
    after = scores[scores["occasion"] == "t1"]

    for factor, high in (
        ("timing", "same_day"),
        ("framing", "strengths_first"),
        ("specificity", "behavioural_next_step"),
    ):
        noticed = after.groupby(after[factor] == high)[f"noticed_{factor}"].mean()
        assert noticed[True] - noticed[False] > 0.6
