"""`solve`: precise enough by default, whole people, the assumed effect said, impossible wishes refused."""

import json

import numpy as np
import pytest

from feedbackstudy.cli.main import main
from feedbackstudy.errors import FeedbackstudyError, InputError
from feedbackstudy.power import diagnose, solve, sweep, t_test
from feedbackstudy.power.between import f_test
from feedbackstudy.power.local_line import Slope, Tried, fitted
from feedbackstudy.simulate import World
from feedbackstudy.study import Study
from feedbackstudy.study.template import template_folder


@pytest.fixture(scope="module")
def study():
    return Study.load(template_folder("vignette-2x2x2"))


@pytest.fixture(scope="module")
def found(study):
    return solve(study, World.assumed(study), vary="n", hypothesis="h1", target=0.9, seed=1)


def test_by_default_the_answer_is_known_to_five_per_cent(found):
    low, high = found.interval

    assert (high - low) / 2 <= 0.055 * found.value
    assert low <= found.value <= high
    assert abs(found.reached - found.target) <= 2 * found.mcse
    assert not found.notes


def test_every_round_of_the_search_is_told_and_a_refusal_comes_first(study, found):
    told, refused = [], []
    again = solve(
        study,
        World.assumed(study),
        vary="n",
        hypothesis="h1",
        target=0.9,
        seed=1,
        progress=lambda *row: told.append(row),
    )
    with pytest.raises(FeedbackstudyError):
        solve(
            study, World.assumed(study), vary="n", hypothesis="h99", seed=1, progress=lambda *row: refused.append(row)
        )

    assert again.value == found.value
    last = {value: (done, reached) for value, done, reached in told}
    assert last == {row["value"]: (row["n_simulations"], row["reached"]) for row in again.curve}
    assert not refused


def test_other_seeds_give_the_same_number_within_its_range(study, found):
    other = [solve(study, World.assumed(study), vary="n", hypothesis="h1", target=0.9, seed=s).value for s in (2, 7)]

    assert max(abs(n - found.value) for n in other) <= 0.09 * found.value


def test_people_are_whole_and_in_whole_groups(found):
    assert all(isinstance(n, int) for n in (found.value, *found.interval))
    assert all(isinstance(row[key], int) for row in found.curve for key in ("value", "n_simulations"))
    assert found.groups == 8
    assert found.whole_groups % 8 == 0 <= found.whole_groups - found.value < 8
    text = str(found)
    assert f"{found.value:,}.000" not in text
    assert ".000" not in text.split("Values tried")[1].split("made by")[0].replace("0.0", "")
    assert "members of an online panel (" in text


def test_what_is_assumed_is_said(study, found):
    assumed = dict(found.assumed)

    assert "0.30 sd of usefulness" in assumed["effect of h1"]
    assert "two-sided" in assumed["tests"]
    for word in ("10% lost", "1% of single", "3% answer carelessly", "inattentive"):
        assert word in assumed["lost and spoilt"]
    assert "interviews_so_far with every score 0.20" in assumed["correlations"]
    assert " planned" in assumed["rows that enter"]
    world = World.assumed(study)
    made = diagnose(study, world, seed=1, n_simulations=40)
    curve = sweep(study, world, {"n.panel_member": [100, 200]}, seed=1, n_simulations=40)
    assert "declares no smallest effect" in dict(made.assumed)["effect of h5"]
    assert "two-sided" in made._repr_html_()
    assert "people" not in dict(curve.assumed)
    assert "0.30 sd of usefulness" in str(curve)


def test_an_effect_that_varies_is_said_in_standard_deviations(study):
    world = World.assumed(study)
    scale = solve(study, world, vary="effect_scale", hypothesis="h1", target=0.9, seed=1, precision=0.1)
    own = solve(study, world, vary="h1", target=0.9, seed=1, precision=0.1)

    assert scale.effect_sd == pytest.approx(0.3 * scale.value, rel=1e-6)
    assert f"{scale.effect_sd:.2f} sd" in scale.sentence
    assert own.effect_sd == pytest.approx(own.value, rel=1e-6)
    assert own.value == pytest.approx(scale.effect_sd, rel=0.15)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"target": 90}, r"90 is no share; did you mean 0\.9"),
        ({"target": 1.0}, "cannot be reached for sure"),
        ({"target": 0.0}, "between 0 and 1"),
        ({"target": float("nan")}, "between 0 and 1"),
        ({"target": 0.04}, "not above alpha"),
        ({"goal": "width", "target": -1.0}, "no width"),
        ({"goal": "equivalence", "hypothesis": "h5"}, "no smallest effect"),
        ({"precision": 0.0}, "precision 0"),
        ({"mcse": 0.0}, "mcse 0"),
        ({"limits": (500, 100)}, "smaller one first"),
        ({"limits": (float("nan"), 100)}, "smaller one first"),
    ],
)
def test_what_cannot_be_meant_is_refused(study, wish, said):
    asked = {"vary": "n", "hypothesis": "h1", "seed": 1} | wish

    with pytest.raises(InputError, match=said):
        solve(study, World.assumed(study), **asked)


def test_people_may_be_called_n_or_by_their_unit(study):
    world = World.assumed(study)
    with pytest.raises(InputError, match=r"Nothing between"):
        solve(study, world, vary="panel_member", hypothesis="h1", target=0.9, seed=1, limits=(24, 60))
    with pytest.raises(FeedbackstudyError, match="panel_member"):
        solve(study, world, vary="n.panel_membr", hypothesis="h1", seed=1)


@pytest.mark.parametrize("target", ["90", "1", "-1", "nan"])
def test_on_the_command_line_an_impossible_target_is_bad_input(target, capsys):
    folder = template_folder("vignette-2x2x2")

    assert main(["power", "solve", str(folder), "--hypothesis", "h1", "--target", target]) == 2
    assert "fault of ours" not in capsys.readouterr().err


def test_the_command_gives_whole_numbers_and_what_is_assumed(capsys):
    folder = template_folder("vignette-2x2x2")
    words = ["power", "solve", str(folder), "--hypothesis", "h1", "--vary", "n", "--precision", "0.2", "--json"]

    assert main(words) == 0
    made = json.loads(capsys.readouterr().out)
    assert isinstance(made["value"], int)
    assert isinstance(made["curve"][0]["n_simulations"], int)
    assert made["in_equal_groups"] % 8 == 0
    assert "two-sided" in made["assumed"]["tests"]


def test_help_names_the_goals_and_promises_no_minutes(capsys):
    with pytest.raises(SystemExit):
        main(["power", "solve", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for word in ("assurance", "all_decided", "width (precision", "smallest detectable effect", "Bayes factor"):
        assert word in said
    assert "minutes" not in said


@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_the_root_is_the_spread_over_repetitions(seed):
    """Power is Phi(0.1 sqrt(n) - 1.96); three values are tried with 400 replicates each, of streams of their own."""
    from scipy import special

    chance = np.random.default_rng(seed)
    roots, errors = [], []
    for _ in range(300):
        tried = []
        for n in (700.0, 780.0, 850.0):
            p = special.ndtr(0.1 * np.sqrt(n) - 1.96)
            tried.append(Tried(u=float(np.sqrt(n)), each=(chance.random(400) < p).astype(float)))
        line = fitted(tried, 0.8, shares=True, guess=Slope(value=0.1, sd=0.015))
        roots.append(line.root)
        errors.append(line.root_error)

    assert np.mean(roots) == pytest.approx((special.ndtri(0.8) + 1.96) / 0.1, abs=0.1)
    assert np.mean(errors) == pytest.approx(np.std(roots), rel=0.15)


def test_values_that_share_their_replicates_count_once():
    """The same replicates at two values are no more than the replicates at one."""
    chance = np.random.default_rng(1)
    hits = (chance.random(1000) < 0.8).astype(float)
    one = fitted([Tried(u=1.0, each=hits)], 0.8, shares=True, guess=Slope(value=1.0, sd=0.01))
    two = fitted([Tried(u=1.0, each=hits)] * 2, 0.8, shares=True, guess=Slope(value=1.0, sd=0.01))

    assert two.root_error == pytest.approx(one.root_error, rel=0.02)


def test_direct_answers_round_people_up():
    made = t_test(d=0.5, power=0.8)
    three = f_test(f=0.25, groups=3, power=0.8)

    assert "64 (63.766 before rounding up)" in str(made)
    assert float(made) == pytest.approx(63.7656, abs=1e-3)
    assert three["people in all"] == 3 * three["n, whole"]
    assert f"{round(three['people in all'])}.000" not in str(three)
