"""The explorer's answer is the question's answer, it comes within 200 ms, and every control says what it is."""

import time

import pytest

from feedbackstudy import power, report
from feedbackstudy.errors import InputError, MissingExtraError, NotFoundError

SIZES = list(range(20, 301, 5))
EFFECTS = [0.2, 0.35, 0.5, 0.8]


@pytest.fixture
def explored():
    return report.explorer(power.t_test, {"n": SIZES, "d": EFFECTS}, start={"n": 65, "d": 0.5})


def controls(box):
    return {child.description: child for child in box.children[:-1]}


def test_the_answer_is_that_of_the_question(explored):
    reading = explored.reading()

    assert reading.value == power.t_test(d=0.5, n=65).power
    assert reading.sentence() == f"Power of {reading.grid.names[0]} at n = 65: {reading.value:.3f}."


def test_moving_a_control_changes_what_the_page_says(explored):
    box = explored.widget()
    before = box.children[-1].value

    controls(box)["d"].value = 0.8

    after = box.children[-1].value
    assert after != before
    assert f"{power.t_test(d=0.8, n=65).power:.3f}" in after
    assert explored.chosen == {"n": 65, "d": 0.8}


@pytest.mark.parametrize(
    "made",
    [
        lambda: report.explorer(power.t_test, {"n": SIZES, "d": EFFECTS}),
        lambda: report.explorer(
            power.anova, {"n": list(range(10, 400, 10)), "sd": [1, 2, 3]}, design="2b*2b", mu=[1, 0, 0.4, 0]
        ),
        lambda: report.explorer(
            power.mediation,
            {"n": list(range(40, 400, 40))},
            paths=power.Paths(((0.3,), (0, 0.3))),
            reps=2000,
            seed=1,
        ),
        lambda: report.explorer(power.grid(power.t_test, {"n": SIZES, "d": EFFECTS})),
    ],
    ids=["t test", "anova", "mediation", "grid"],
)
def test_a_slider_is_answered_in_under_200_ms(made):
    box = made().widget()
    slider = next(iter(controls(box).values()))
    places = [value for _, value in slider.options]
    taken = []
    for value in (*places[:3], *places[-3:]):
        start = time.process_time()  # the clock's seconds grow when other tests share the machine
        slider.value = value
        taken.append(time.process_time() - start)

    assert sorted(taken)[len(taken) // 2] < 0.2


def test_every_control_has_a_label_and_the_answer_a_live_region_and_alternative_text(explored):
    box = explored.widget()

    assert list(controls(box)) == ["n", "d"]
    assert all(child.description and child.tooltip for child in box.children[:-1])
    html = box.children[-1].value
    assert 'role="status" aria-live="polite"' in html
    assert 'role="img" aria-label="Power of' in html


def test_lists_stand_in_for_sliders_where_a_screen_reader_needs_their_labels():
    made = report.explorer(power.t_test, {"n": SIZES, "d": EFFECTS}, start={"n": 65, "d": 0.5}, controls="lists")

    kinds = {type(child).__name__ for child in made.widget().children[:-1]}
    assert kinds == {"Dropdown"}
    controls(made.widget())["n"].value = 100
    assert made.reading().value == power.t_test(d=0.5, n=100).power


def test_a_curve_is_computed_once_while_only_its_place_moves():
    asked = []

    def counted(n, d):
        asked.append(n)
        return power.t_test(d=d, n=n)

    made = report.explorer(counted, {"n": [20, 40, 60], "d": [0.3, 0.5]}, start={"n": 20, "d": 0.5})
    made.set({"n": 40})
    made.set({"n": 60})

    assert len(asked) == 3


def test_a_page_without_a_kernel_shows_the_picture(explored):
    bundle = explored._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<svg" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["text/plain"] == explored.reading().sentence()


def test_the_same_state_gives_the_same_bytes(explored):
    first = explored.html()
    explored.set({"d": 0.2})

    assert explored.set({"d": 0.5}) == first


def test_a_grid_offers_its_hypotheses_and_figures():
    made = power.grid(power.anova, {"n": [20, 40, 60]}, design="2b*2b", mu=[1, 0, 0.4, 0])
    explored = report.explorer(made, start={"hypothesis": "a:b", "n": 40})

    assert list(controls(explored.widget())) == ["n", "hypothesis"]
    assert explored.reading().value == power.anova("2b*2b", 40, mu=[1, 0, 0.4, 0])["a:b"].power


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda: report.explorer(power.t_test), InputError, "needs sliders"),
        (lambda: report.explorer(power.t_test, {"n": [20]}, d=0.5, controls="knobs"), InputError, "sliders"),
        (lambda: report.explorer(power.t_test, {"n": [20]}, x="m", d=0.5), NotFoundError, "'m'"),
        (lambda: report.explorer(power.t_test, {"n": [20, 40]}, start={"n": 33}, d=0.5), InputError, "33"),
        (lambda: report.explorer(power.t_test, {"n": [20]}, d=0.5).set({"dd": 1}), NotFoundError, "'dd'"),
    ],
)
def test_bad_input_is_named(ask, error, words):
    with pytest.raises(error, match=words):
        ask()


def test_without_ipywidgets_the_message_says_what_installs_it(explored, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)

    with pytest.raises(MissingExtraError, match=r"feedbackstudy\[notebooks\]"):
        explored.widget()
