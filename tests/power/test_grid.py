"""A question over a range of its arguments gives the same answers as the question asked one by one."""

import numpy as np
import pytest

from feedbackstudy import power
from feedbackstudy.errors import InputError, NotFoundError


def test_a_grid_is_the_question_asked_at_each_point():
    made = power.grid(power.t_test, {"n": [20, 50, 64], "d": [0.2, 0.5]})

    frame = made.frame()
    assert len(frame) == 6
    for row in frame.to_dict("records"):
        assert row["power"] == power.t_test(d=row["d"], n=row["n"]).power
    assert frame["power"].iloc[-1] == pytest.approx(0.8014595579, abs=1e-9)  # pwr in R, facts 5.1
    assert set(frame["power_mcse"]) == {0.0}


def test_every_effect_of_an_anova_has_its_own_rows():
    made = power.grid(power.anova, {"n": [20, 40]}, design="2b*2b", mu=[1, 0, 0, 0])

    assert made.names == ("a", "b", "a:b")
    assert made["a:b"].frame()["power"].tolist() == [
        power.anova("2b*2b", n, mu=[1, 0, 0, 0])["a:b"].power for n in (20, 40)
    ]


def test_a_simulated_answer_brings_its_monte_carlo_error():
    paths = power.Paths(((0.3,), (0, 0.3)))
    made = power.grid(power.mediation, {"n": [80, 160]}, paths=paths, reps=500, seed=1)

    row = made.frame().iloc[1]
    alone = power.mediation(paths, 160, reps=500, seed=1).effects[0]
    assert (row["power"], row["power_mcse"]) == (alone.power_joint, alone.mcse_joint)
    assert made.provenance.seed == 1


def test_a_point_can_be_held_and_a_figure_chosen():
    made = power.grid(power.t_test, {"n": [20, 50], "d": [0.2, 0.5]})
    held = made.at({"d": 0.5})

    assert held.vary == ("n",)
    assert held.frame()["power"].is_monotonic_increasing
    assert made.values("n") == (20.0, 50.0)
    assert made.showing("power", target=0.9).target == 0.9


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda: power.grid(power.t_test, {}), InputError, "nothing varies"),
        (lambda: power.grid(power.t_test, {"n": []}, d=0.5), InputError, "'n' has no values"),
        (lambda: power.grid(power.t_test, {"n": [20]}, n=3), InputError, "both varied and given"),
        (lambda: grid_of_two().at({"n": 33}), InputError, "was not tried"),
        (lambda: grid_of_two().values("m"), NotFoundError, "'m'"),
        (lambda: grid_of_two().showing("pwer"), NotFoundError, "power"),
        (lambda: grid_of_two()["x"], NotFoundError, "t test"),
        (lambda: power.grid(power.t_test, {"n": [0]}, d=0.5), InputError, "n = 0"),
    ],
)
def test_bad_input_is_named(ask, error, words):
    with pytest.raises(error, match=words):
        ask()


def grid_of_two():
    return power.grid(power.t_test, {"n": [20, 50]}, d=0.5)


def test_the_table_of_a_long_grid_says_what_it_leaves_out():
    made = power.grid(power.t_test, {"n": list(range(10, 60))}, d=0.5)

    assert "10 rows; .frame() has them all" in str(made)
    assert np.all(np.diff(made.frame()["power"]) > 0)
