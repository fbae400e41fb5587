"""A covariate in categories has the same numbers in invented data, power and analyse; what cannot be drawn is said."""

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy import power
from feedbackstudy.design.factors import Covariate
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import capacity
from tests.power.test_diagnosis import effect, hypothesis, study_of

MOOD = Measure(name="mood", kind="continuous", waves=("t1",))
CODES = {
    "schooling": (("1", "3", "7"), (1.0, 3.0, 7.0)),
    "backwards": (("7", "3", "1"), (7.0, 3.0, 1.0)),
    "words": (("low", "mid", "high"), (1.0, 2.0, 3.0)),
}


def ordinal(codes: tuple[str, ...]) -> fs.Study:
    asked = hypothesis("h1", {"kind": "association", "predictor": "schooling"}, occasion="t1", sesoi=None)
    levels = {code: code.upper() for code in codes}
    known = Covariate(name="schooling", kind="ordinal", levels=levels)
    return study_of(600, [asked], measures=[MOOD], covariates=[known])


@pytest.mark.parametrize(("codes", "numbers"), CODES.values(), ids=list(CODES))
def test_a_slope_on_an_ordinal_covariate_is_that_of_its_codes(codes, numbers):
    """The score has sd 1, and r is its correlation with the numbers that analyse takes: slope r / sd of these."""
    study, shares = ordinal(codes), (0.5, 0.3, 0.2)
    known = {"name": "schooling", "r": 0.4, "probabilities": dict(zip(codes, shares, strict=True))}
    world = fs.World().vary({"covariates": [known]})
    rising = sorted(zip(numbers, shares, strict=True))
    mean = sum(x * p for x, p in rising)
    variance = sum((x - mean) ** 2 * p for x, p in rising)
    by_hand = 0.4 / variance**0.5

    row = power.diagnose(study, world, seed=1, n_simulations=400)["h1"]
    assert row.truth == pytest.approx(by_hand, rel=1e-6)
    assert row.bias == pytest.approx(0, abs=4 * row.bias_mcse)
    slopes = []
    for seed in range(60):
        frame = fs.simulate(study, world, seed=seed).frame.query("occasion == 't1'")
        x = frame["schooling"].astype(str).map(dict(zip(codes, numbers, strict=True))).to_numpy(float)
        slopes.append(np.polyfit(x, frame["mood"].to_numpy(float), 1)[0])
    assert np.mean(slopes) == pytest.approx(by_hand, abs=4 * row.rmse / 60**0.5)


def test_analyse_takes_these_numbers():
    study = ordinal(("1", "3", "7"))
    responses = fs.simulate(study, fs.World(), seed=3)
    frame = responses.frame.query("occasion == 't1'").assign(x=lambda f: f["schooling"].astype(str).astype(float))
    left = frame[["x", "mood"]].astype(float) - frame.groupby(["timing", "detail"])[["x", "mood"]].transform("mean")
    slope = (left["x"] * left["mood"]).sum() / (left["x"] ** 2).sum()
    found = power.by_analyse(fs.score(responses, study.measures), study)
    assert found["h1"]["estimate"] == pytest.approx(slope, rel=1e-9)


def test_codes_of_an_export_are_those_declared():
    study = ordinal(("1", "3", "7"))
    shares = {"1": 0.5, "3": 0.3, "7": 0.2}
    world = fs.World().vary({"covariates": [{"name": "schooling", "probabilities": shares}]})
    people = fs.simulate(study, world, seed=2).frame.drop_duplicates("participant")
    found = people["schooling"].astype(str).value_counts(normalize=True)
    assert {code: found[code] for code in shares} == pytest.approx(shares, abs=0.08)


def test_more_people_than_memory_holds_are_refused_before_anything_is_drawn(monkeypatch):
    study = study_of()
    many = effect(0.5).vary({"n.person": 10**9})
    says = r"n\.person = 1,000,000,000 is more than this machine can draw: .* GiB, .* at most n\.person = "
    for ask in (
        lambda: power.diagnose(study, many, seed=1),
        lambda: fs.simulate(study, many, seed=1),
        lambda: power.solve(study, many, vary="effect_scale", hypothesis="h1", seed=1),
        lambda: power.solve(study, effect(0.5), vary="n.person", hypothesis="h1", seed=1, limits=(1e9, 2e9)),
        lambda: power.sweep(study, effect(0.5), {"n.person": [1e9]}, seed=1),
    ):
        with pytest.raises(InputError, match=says):
            ask()
    monkeypatch.setattr(capacity, "memory_of_machine", lambda: 2_000_000)
    with pytest.raises(InputError, match=r"at most n\.person = (\d+)") as fault:
        power.diagnose(study, effect(0.5).vary({"n.person": 5000}), seed=1, n_simulations=20)
    most = int(str(fault.value).split("n.person = ")[-1].split(";")[0].replace(",", ""))
    assert power.diagnose(study, effect(0.5).vary({"n.person": most}), seed=1, n_simulations=20)["h1"].failed == 0
    with pytest.raises(InputError, match="more than this machine"):
        power.diagnose(study, effect(0.5).vary({"n.person": most + 1}), seed=1, n_simulations=20)


def test_the_path_of_a_world_is_told_from_a_world():
    study, world = study_of(), effect(0.5)
    for ask in (
        lambda: power.diagnose(study, "a/world.yaml", seed=1),
        lambda: power.solve(study, "a/world.yaml", vary="n.person", hypothesis="h1", seed=1),
        lambda: power.sweep(study, "a/world.yaml", {"n.person": [40]}, seed=1),
        lambda: fs.simulate(study, "a/world.yaml", seed=1),
    ):
        with pytest.raises(DataError, match=r"The world is a path and not a World\. Load it first: World\.load\('a/w"):
            ask()
    with pytest.raises(DataError, match=r"The study is of type dict .* Study\.load\(path\)\."):
        power.diagnose({}, world, seed=1)
