"""Moderated mediation in batched rows: the estimates of analyse, the truth of the world, the level of the test."""

import math

import numpy as np
import pytest

from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator
from feedbackstudy.analysis.mediation_declared import declared_path
from feedbackstudy.design.units import Units
from feedbackstudy.errors import InputError
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.moderated_rows import Moderated, index_rows
from feedbackstudy.power.path_rows import Legs
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import CellMeans, Leads
from tests.power.test_diagnosis import MAIN, hypothesis, study_of

REPS = 3
ROW = np.array([-0.5, -0.5, 0.5, 0.5])
LEVEL = np.array([0, 1, 0, 1])
BY = {"first": np.array([[-1.0, 0, 1, 0], [0, -1, 0, 1]]), "second": np.stack([ROW, ROW])}
ERROR = 3 * math.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize("on", [("first",), ("second",), ("first", "second")])
@pytest.mark.parametrize("adjusted", [False, True])
def test_the_index_is_that_of_analyse(on, adjusted):
    rng = np.random.default_rng(5)
    cell = np.tile(np.arange(4), 40)
    x = rng.standard_normal((REPS, 160, int(adjusted)))
    m = 0.4 * cell + rng.standard_normal((REPS, 160)) + 0.5 * x.sum(axis=2)
    y = (0.3 + 0.3 * LEVEL[cell]) * m + rng.standard_normal((REPS, 160)) + 0.4 * x.sum(axis=2)
    moderator = Moderated(
        first=BY["first" if "first" in on else "second"], level=LEVEL if "second" in on else None, levels=2
    )
    legs = Legs(cell=cell, weights=ROW, covariates=x, cluster=None)
    made = index_rows(legs, m, y, moderator, chance=rng, level=0.95, truth=np.zeros(REPS))

    for i in range(REPS):
        path = CellPath(
            y=y[i],
            outcome="mood",
            mediators=m[i][:, None],
            mediator_names=["liking"],
            cell=cell,
            weights=ROW,
            contrast="timing",
            structure="simple",
            covariates=x[i] if adjusted else None,
            covariate_names=("x",) if adjusted else (),
            moderator=LevelModerator(name="detail", levels=("general", "specific"), cell_level=LEVEL, on=on),
        )
        known = declared_path(path, effect="indirect", seed=1, n_boot=1500, draws=1000).main
        assert made.estimate[i] == pytest.approx(known.estimate, rel=1e-9)
        assert made.se[i] == pytest.approx(known.se, rel=0.2)  # 400 draws of a normal, 1500 of the bootstrap


def asked_of(on: tuple[str, ...], by: str = "detail", **more: object):
    path = {"through": [{"score": "liking"}], "moderator": {"by": by, "on": list(on)}, **more}
    return [hypothesis("h1", MAIN, occasion="t1", path=path, sesoi=None)]


def world_of(general: float, specific: float, **more: object) -> World:
    leads = [Leads(outcome="mood", occasion="t1", by="liking", by_occasion="t1", slope=0.7)]
    means = [CellMeans(outcome="liking", cells={"now:general": general, "now:specific": specific})]
    return World(means=means, leads=leads, **more)


@pytest.mark.parametrize("on", [("first",), ("second",)])
@pytest.mark.parametrize("clusters", [0, 30])
def test_the_level_of_the_index_is_kept(on, clusters):
    """One leg is certain and the same at both levels; the difference of the other is truly 0."""
    more = (
        {"units": [Units(name="site", n=clusters), Units(name="person", n=240, nested_in="site")]} if clusters else {}
    )
    icc = {"icc": {"site": 0.1}} if clusters else {}
    effect = 1.2 if on == ("second",) else 0.4
    row = diagnose(study_of(240, asked_of(on), **more), world_of(effect, effect, **icc), seed=3, n_simulations=4000)[
        "h1"
    ]

    assert row.truth == 0
    assert row.power == pytest.approx(0.05, abs=ERROR)
    assert "index of moderated mediation" in row.model


def test_the_index_of_a_world_is_its_truth():
    made = diagnose(study_of(300, asked_of(("first", "second"))), world_of(0.2, 0.9), seed=4, n_simulations=1500)
    row = made["h1"]

    assert row.truth == pytest.approx(0.7 * 0.7, rel=0.05)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)
    assert "truly 0" in str(made)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (asked_of(("direct",)), "direct one only"),
        (asked_of(("first",), by="timing"), "no comparison within timing"),
        (asked_of(("direct",), effect="direct"), "indirect effect of one mediator"),
    ],
)
def test_what_no_index_answers_is_refused(asked, words):
    with pytest.raises(InputError, match=words):
        diagnose(study_of(80, asked), World(), seed=1, n_simulations=40)
