"""Paths in batched rows: the estimates and errors of analyse, the truth of the world, the level of the test."""

import math

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.path_fit import delta, fit_paths
from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator, ValueModerator, from_cells
from feedbackstudy.analysis.mediation_declared import _main
from feedbackstudy.design.factors import Covariate, Factor
from feedbackstudy.design.units import Units
from feedbackstudy.errors import InputError
from feedbackstudy.power.answering import Setting
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.path_effects import Comparison
from feedbackstudy.power.path_equations import equations
from feedbackstudy.power.path_rows import Legs
from feedbackstudy.power.working import Task
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import CellMeans, Correlation, Interacts, Leads
from tests.power.test_diagnosis import MAIN, hypothesis, study_of

REPS, N = 4, 600
ROW = np.array([-0.5, -0.5, 0.5, 0.5])
LEVEL = np.array([0, 1, 0, 1])
WHOLE = np.stack([ROW, ROW])
ENDS = np.array([[-1.0, 0, 1, 0], [0, -1, 0, 1]])
ERROR = 3 * math.sqrt(0.05 * 0.95 / 4000)
MOVES = {"indirect": ("first", "second"), "difference": ("first", "second"), "direct": ("direct",)}
ALL = [("first",), ("second",), ("direct",), ("first", "second"), ("first", "second", "direct")]
ASKED = [
    (structure, effect, on)
    for structure in ("simple", "serial", "parallel")
    for effect in ("indirect", "direct", "total", "difference")
    if structure == "parallel" or effect != "difference"
    for on in ALL
    if set(on) & set(MOVES.get(effect, on))
]


def rows_of(rng: np.random.Generator):
    """People in clusters whose mediators share what the cells do not explain, with gaps."""
    cell, cluster = np.tile(np.arange(4), N // 4), np.repeat(np.arange(N // 20), 20)
    x, w = rng.standard_normal((REPS, N, 1)), rng.standard_normal((REPS, N)) + 3
    shared, site = rng.standard_normal((REPS, N)), 0.4 * rng.standard_normal((REPS, N // 20))[:, cluster]
    m = 0.6 * cell + 0.3 * w * (cell > 1) + shared + 0.6 * rng.standard_normal((REPS, N)) + x[..., 0] + site
    k = 0.5 * cell + 0.4 * m + shared + 0.6 * rng.standard_normal((REPS, N)) + site
    y = (0.4 + 0.3 * LEVEL[cell]) * m + (0.2 + 0.2 * w) * k + 0.2 * cell * w + rng.standard_normal((REPS, N)) + site
    y[:, ::17], w[:, 5::31], m[:, 3::41] = np.nan, np.nan, np.nan
    return cell, cluster, x, w, m, k, y


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("by", ["factor", "measured", "two values"])
@pytest.mark.parametrize(
    ("structure", "effect", "on"), ASKED, ids=lambda part: part if isinstance(part, str) else "+".join(part)
)
def test_the_index_and_its_error_are_those_of_analyse(structure, effect, on, by, clustered):
    rng = np.random.default_rng(5)
    cell, cluster, x, w, m, k, y = rows_of(rng)
    if by == "two values":
        w = np.where(np.isnan(w), np.nan, 1.0 + (w > 3))
    mediators = [m] if structure == "simple" else [m, k]
    factor = by == "factor"
    compared = Comparison(
        structure=structure,
        effect=effect,
        on=on,
        first=ENDS if factor and "first" in on else WHOLE,
        direct=ENDS if factor and "direct" in on else WHOLE,
        level=LEVEL if factor and "second" in on else None,
        levels=2,
    )
    legs = Legs(cell=cell, weights=ROW, covariates=x, cluster=cluster if clustered else None)
    given = None if factor else w
    made = equations(legs, mediators, y, compared, moderator=given, chance=rng, level=0.95, truth=np.zeros(REPS))

    known = [
        _by_analyse(i, cell, cluster, x, w, mediators, y, structure, effect, on, factor, clustered) for i in range(REPS)
    ]
    np.testing.assert_allclose(made.estimate, [each[0] for each in known], rtol=1e-7)
    ratio = made.se / [each[1] for each in known]
    # 400 draws know a standard deviation to 3.5 %; the delta method leaves out products of errors.
    assert ratio.mean() == pytest.approx(1, abs=0.12)


def _by_analyse(i, cell, cluster, x, w, mediators, y, structure, effect, on, factor, clustered):
    parts = [y[i], *(each[i] for each in mediators), *(() if factor else (w[i],))]
    kept = np.isfinite(parts).all(axis=0)
    codes = cluster[kept] if clustered else None
    moderator = (
        LevelModerator(name="detail", levels=("general", "specific"), cell_level=LEVEL, on=on)
        if factor
        else ValueModerator(name="age", values=w[i, kept] - w[i, kept].mean(), on=on)
    )
    path = CellPath(
        y=y[i, kept],
        outcome="mood",
        mediators=np.column_stack([each[i, kept] for each in mediators]),
        mediator_names=["liking", "trust"][: len(mediators)],
        cell=cell[kept],
        weights=ROW,
        contrast="timing",
        structure=structure,
        covariates=x[i, kept],
        covariate_names=("x",),
        cluster=codes,
        moderator=moderator,
    )
    built = from_cells(path)
    together = range(len(mediators)) if structure == "parallel" else ()
    fit = fit_paths(built.system, vcov="CR1" if clustered else "ols", together=together, cluster=codes)
    at = next(j for j, one in enumerate(built.effects) if one.name == _main(built, effect))
    found = delta(built.effects, fit, level=0.95)
    return float(found.estimate[at]), float(found.se[at])


AGE = [Covariate(name="age", kind="continuous")]
TRUST = Measure(name="trust", kind="continuous", waves=("t1",))
MEASURES = [*(Measure(name=n, kind="continuous", waves=("t1",)) for n in ("mood", "liking")), TRUST]


def asked_of(on: tuple[str, ...] = (), by: str = "detail", structure: str = "simple", **more: object):
    through = [{"score": "liking"}] if structure == "simple" else [{"score": "liking"}, {"score": "trust"}]
    moderator = {"moderator": {"by": by, "on": list(on)}} if on else {}
    path = {"through": through, "structure": structure, **moderator, **more}
    return [hypothesis("h1", MAIN, occasion="t1", path=path, sesoi=None)]


def world_of(general: float, specific: float, **more: object) -> World:
    leads = [Leads(outcome="mood", occasion="t1", by="liking", by_occasion="t1", slope=0.7)]
    means = [CellMeans(outcome="liking", cells={"now:general": general, "now:specific": specific})]
    return World(**{"means": means, "leads": leads, **more})


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


def test_the_level_is_kept_where_a_covariate_moderates():
    """The second leg is certain, so the level is that of the product of contrast and covariate."""
    study = study_of(160, asked_of(("first",), by="age"), covariates=AGE)
    row = diagnose(study, world_of(0.4, 0.4), seed=3, n_simulations=4000)["h1"]

    assert row.truth == 0
    assert row.power == pytest.approx(0.05, abs=ERROR)
    assert "per unit of age" in row.model


@pytest.mark.parametrize("on", [("first", "direct"), ("first", "second", "direct")])
def test_what_a_covariate_does_to_a_path_is_recovered(on):
    """The effect on liking grows by .4 sd for one sd of age (2.5 years): index .4/2.5 * .7, or .4 * 2 * .7."""
    grows = Interacts(outcome="liking", factor="timing", level="now", against="later", by="age", slope=0.4)
    world = world_of(0.4, 0.4, interacts=[grows], covariates=[{"name": "age", "mean": 30, "sd": 2.5}])
    study = study_of(300, asked_of(on, by="age"), covariates=AGE)
    row = diagnose(study, world, seed=4, n_simulations=2000)["h1"]

    assert row.truth == pytest.approx(0.4 * 0.7 * (2 if "second" in on else 1 / 2.5), rel=1e-6)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse + 0.005)
    assert row.power > 0.5


def test_parallel_paths_whose_slopes_hang_together_are_covered():
    """Mediators that correlate .8 have slopes that err in opposite ways; their sum errs less than either."""
    world = world_of(
        0.5,
        0.5,
        means=[CellMeans(outcome=o, cells={"now:general": 0.5, "now:specific": 0.5}) for o in ("liking", "trust")],
        correlations=[Correlation(between=("liking", "trust"), r=0.8)],
        leads=[Leads(outcome="mood", occasion="t1", by=m, by_occasion="t1", slope=0.35) for m in ("liking", "trust")],
    )
    study = study_of(160, asked_of(structure="parallel"), measures=MEASURES)
    row = diagnose(study, world, seed=5, n_simulations=3000)["h1"]
    apart = diagnose(
        study_of(160, asked_of(structure="parallel", effect="difference"), measures=MEASURES),
        world,
        seed=5,
        n_simulations=3000,
    )["h1"]

    assert row.truth == pytest.approx(2 * 0.5 * 0.35, rel=0.02)
    for each in (row, apart):
        assert each.bias == pytest.approx(0, abs=3.5 * each.bias_mcse)
        assert each.coverage == pytest.approx(0.95, abs=3.5 * each.coverage_mcse + 0.01)
        assert each.width < 4.6 * each.rmse
    assert apart.truth == pytest.approx(0, abs=1e-9)


def test_the_index_of_a_world_is_its_truth():
    made = diagnose(study_of(300, asked_of(("first", "second"))), world_of(0.2, 0.9), seed=4, n_simulations=1500)
    row = made["h1"]

    assert row.truth == pytest.approx(0.7 * 0.7, rel=0.05)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse)
    assert "truly 0" in str(made)


@pytest.mark.parametrize("structure", ["serial", "parallel"])
@pytest.mark.parametrize("effect", ["indirect", "total"])
def test_several_mediators_moderated_by_a_factor_are_unbiased(structure, effect):
    world = World(
        means=[
            CellMeans(outcome="liking", cells={"now:general": 0.1, "now:specific": 0.9}),
            CellMeans(outcome="trust", cells={"now:general": 0.4, "now:specific": 0.6}),
            CellMeans(outcome="mood", cells={"now:general": 0.3, "now:specific": 0.5}),
        ],
        correlation=0.4,
    )
    study = study_of(300, asked_of(("first", "direct"), structure=structure, effect=effect), measures=MEASURES)
    row = diagnose(study, world, seed=6, n_simulations=1500)["h1"]

    if effect == "total":
        assert row.truth == pytest.approx(0.2, abs=1e-9)
    assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
    assert row.coverage == pytest.approx(0.95, abs=3.5 * row.coverage_mcse + 0.01)


def test_a_path_resamples_the_unit_of_assignment():
    """As in analyse: interviewers, to whom the timing was assigned, and not the sites that contain them."""
    timing = Factor(
        name="timing",
        mode="described",
        levels={"now": "N", "later": "L"},
        reference="later",
        assigned_to="interviewer",
    )
    detail = Factor(name="detail", mode="described", levels={"general": "G", "specific": "S"}, reference="general")
    units = [
        Units(name="site", n=6),
        Units(name="interviewer", n=36, nested_in="site"),
        Units(name="person", n=216, nested_in="interviewer"),
    ]
    for factors, unit in (([timing, detail], "interviewer"), (None, "site")):
        given = {} if factors is None else {"factors": factors}
        model, _ = Task(study=study_of(216, asked_of(), units=units, **given), world=World(), seed=1).compiled()
        assert Setting.of(model).resampled == unit


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (asked_of(("direct",)), "does not depend on 'detail'"),
        (asked_of(("first",), by="timing"), "no comparison within timing"),
        (asked_of(("first",), effect="direct"), "does not depend on 'detail'"),
        (asked_of(("first",), by="group"), "nominal"),
    ],
)
def test_what_no_index_answers_is_refused(asked, words):
    group = [Covariate(name="group", kind="nominal", levels={"a": "A", "b": "B", "c": "C"})]
    with pytest.raises(InputError, match=words):
        diagnose(study_of(80, asked, covariates=group), World(), seed=1, n_simulations=40)
