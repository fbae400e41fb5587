"""An allocation of unequal probabilities: rows are weighted as analyse weights them, in batches and row by row."""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import feedbackstudy as fs
from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.schemes import Complete, Simple
from feedbackstudy.design.assignment import Assignment
from feedbackstudy.design.chance import Stream
from feedbackstudy.design.conduct import Conduct
from feedbackstudy.design.factors import Covariate
from feedbackstudy.design.plan import Plan
from feedbackstudy.design.units import Units
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.power import by_analyse, diagnose
from feedbackstudy.power.weighted_rows import weighted_contrast, weighted_joint
from feedbackstudy.power.working import Task
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate.draw import Drawer
from tests.power.test_diagnosis import MAIN, effect, hypothesis, study_of

R = 0.4
HIRED = Covariate(name="hired", kind="binary", levels={"no": "N", "yes": "Y"})
AGE = Covariate(name="age", kind="continuous")
MOOD = Measure(name="mood", kind="continuous", waves=("t1",))
AGAIN = Measure(name="again", kind="binary", waves=("t1",))
SIXTH = Fraction(1, 6)
WEIGHTS = ((2 * SIXTH, 2 * SIXTH, SIXTH, SIXTH), (SIXTH, SIXTH, 2 * SIXTH, 2 * SIXTH))


def declared(asked=None, **more: object) -> fs.Study:
    asked = asked or [hypothesis("h1", MAIN, occasion="t1", role="exploratory")]
    given: dict[str, object] = {
        "covariates": [HIRED, AGE],
        "measures": [MOOD, AGAIN],
        "assignment": Assignment(by=("hired",)),
        "conduct": Conduct.model_validate(
            {"population": "panel", "realism": "hypothetical", "consent": {"text": "I take part."}}
        ),
    }
    return study_of(120, asked, **(given | more))


def unequal(study: fs.Study, weights=WEIGHTS) -> Allocation:
    """Of 60 not hired people two thirds get feedback now; of 60 hired ones a third."""
    roster = pd.DataFrame({"participant": [f"p{i:03d}" for i in range(120)], "hired": ["no"] * 60 + ["yes"] * 60})
    if len(study.units) > 1:
        roster["site"] = [f"s{i % 12:02d}" for i in range(120)]
    plain = fs.assign(study, roster, seed=3)
    scheme = Complete(weights=weights, blocks=(0,) * 60 + (1,) * 60)
    return replace(plain, scheme=scheme, drawn=scheme.draw(Stream(5, "tests")))


def world_of(size: float = 0.4, **more: object) -> fs.World:
    return effect(size).vary({"covariates": [{"name": "hired", "r": R}], **more})


def test_each_fit_is_weighted_least_squares_with_hc3():
    """statsmodels WLS with cov_type HC3 and t on n - p; rows with a gap left out, a covariate beside the cells."""
    rng = np.random.default_rng(1)
    cell, w = np.arange(60) % 3, rng.uniform(1, 5, 60)
    x = np.concatenate([np.broadcast_to(np.eye(3)[cell], (4, 60, 3)), rng.standard_normal((4, 60, 1))], axis=2)
    y = rng.standard_normal((4, 60)) * (1 + cell) + x[..., 3]
    y[1, :7] = np.nan
    row, both = np.array([-1.0, 0.0, 1.0, 0.0]), np.array([[-1.0, 0.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0]])
    found, joint = weighted_contrast(y, x, row, w), weighted_joint(y, x, both, w)
    for i in range(4):
        there = np.isfinite(y[i])
        fit = sm.WLS(y[i, there], x[i, there], w[there]).fit(cov_type="HC3", use_t=True)
        known = fit.t_test(row)
        assert found.estimate[i] == pytest.approx(float(known.effect[0]), rel=1e-10)
        assert found.se[i] == pytest.approx(float(np.ravel(known.sd)[0]), rel=1e-10)
        assert found.df[i] == fit.df_resid
        assert found.p[i] == pytest.approx(float(known.pvalue), rel=1e-8)
        assert joint[i] == pytest.approx(float(fit.f_test(both).pvalue), rel=1e-8)


def test_a_row_that_determines_a_coefficient_alone_fails():
    x = np.broadcast_to(np.eye(2)[[0] * 9 + [1]], (2, 10, 2))
    y = np.random.default_rng(1).standard_normal((2, 10))
    assert np.isnan(weighted_contrast(y, x, np.array([-1.0, 1.0]), np.ones(10)).se).all()


def test_people_keep_the_strata_of_the_allocation_and_the_scheme_is_drawn_anew():
    study = declared()
    allocation = unequal(study)
    model, _ = Task(study=study, world=world_of(), seed=1, allocation=allocation).compiled()
    drawer, hired, mood = Drawer(model, 1), model.slot("hired"), model.slot("mood", "t1")
    blocks = [drawer.block(number) for number in range(12)]
    assert len({tuple(block.cell) for block in blocks}) == 12
    chances = allocation.probabilities.to_numpy()
    for block in blocks:
        assert (block.scores[:, :, hired] == np.repeat([0.0, 1.0], 60)).all()
        assert np.bincount(block.cell[:60], minlength=4).tolist() == [20, 20, 10, 10]
        assert block.weight == pytest.approx(1 / chances[np.arange(120), block.cell])
    now = [i for i, cell in enumerate(model.cells) if dict(cell.levels)["timing"] == "now"]
    left = np.stack([b.scores[:, :, mood] - 0.4 * np.isin(b.cell, now) for b in blocks])
    ahead = left[..., 60:].mean() - left[..., :60].mean()
    assert ahead == pytest.approx(2 * R, abs=0.05)  # half of people each: sd .5, so slope R / .5 on the binary number


def test_weights_take_the_bias_that_strata_would_bring():
    study, world = declared(), world_of()
    rows = diagnose(study, world, seed=1, n_simulations=2000, allocation=unequal(study))["h1"]
    assert rows.truth == pytest.approx(0.4)
    assert rows.bias == pytest.approx(0, abs=3.5 * rows.bias_mcse)
    assert rows.coverage >= 0.94  # blocks fix the strata, which HC3 does not know: intervals are wide, not narrow
    assert math.isnan(rows.power_exact)
    known = "rows weighted by the inverse of their probability of assignment, with HC3"
    assert known in str(diagnose(study, world, seed=1, n_simulations=20, allocation=unequal(study)))


def test_the_error_of_a_weighted_contrast_has_a_closed_form():
    """Within strata the groups' sizes are fixed: var = sum over strata and cells of (share of the stratum)^2 s2 / n.

    Weights 1/p make each cell's mean the mean of its strata's means, half and half; a stratum leaves 1 - R^2 of the
    variance. n: 20 and 10 people.
    """
    study = declared()
    row = diagnose(study, world_of(), seed=2, n_simulations=4000, allocation=unequal(study))["h1"]
    variance = 0.25 * sum(0.25 * (1 - R**2) / n for n in (20, 20, 10, 10, 20, 20, 10, 10))
    assert row.rmse == pytest.approx(math.sqrt(variance), abs=3.5 * row.rmse_mcse)


def test_batches_agree_with_analyse_row_by_row():
    study, world = declared(), world_of(0.5)
    allocation = unequal(study)
    rows = diagnose(study, world, seed=1, n_simulations=2000, allocation=allocation)["h1"]
    own = diagnose(study, world, seed=1, n_simulations=80, allocation=allocation, analysis=by_analyse)["h1"]
    assert own.failed == 0
    assert own.power == pytest.approx(rows.power, abs=4 * math.sqrt(rows.power * (1 - rows.power) / 80))
    assert own.rmse == pytest.approx(rows.rmse, abs=4 * own.rmse_mcse)
    assert own.bias == pytest.approx(rows.bias, abs=4 * own.bias_mcse)
    assert own.width == pytest.approx(rows.width, rel=0.04)


def test_equal_probabilities_need_no_weights():
    study = declared()
    roster = pd.DataFrame({"participant": [f"p{i:03d}" for i in range(120)], "hired": ["no", "yes"] * 60})
    allocation = fs.assign(study, roster, seed=3)
    found = diagnose(study, world_of(), seed=1, n_simulations=2000, allocation=allocation)
    plain = diagnose(study, world_of(), seed=1, n_simulations=2000)
    assert "weighted" not in str(found)
    both = math.sqrt(found["h1"].power_mcse ** 2 + plain["h1"].power_mcse ** 2)
    assert found["h1"].power == pytest.approx(plain["h1"].power, abs=4 * both)
    assert found["h1"].rmse == pytest.approx(plain["h1"].rmse, rel=0.08)


def test_what_analyse_does_not_weight_is_told():
    path = hypothesis("way", MAIN, occasion="t1", path={"through": [{"score": "liking"}], "structure": "simple"})
    bayes = hypothesis("odds", MAIN, occasion="t1", sesoi=None)
    asked = [path, bayes, hypothesis("yes", MAIN, outcome="again", sesoi=None, role="exploratory")]
    decides = {"odds": {"by": "bayes_factor", "threshold": 3.0, "prior_scale": 0.5}, "way": {"by": "p"}}
    families = [{"name": "both", "hypotheses": ["way", "odds"], "method": "none"}]
    plan = Plan.model_validate({"decides": decides, "families": families})
    liking = Measure(name="liking", kind="continuous", waves=("t1",))
    study = declared(asked, plan=plan, measures=[MOOD, AGAIN, liking])
    found = diagnose(study, world_of(), seed=1, n_simulations=40, allocation=unequal(study))
    assert found["yes"].failed == 1
    assert math.isnan(found["way"].decided)
    assert math.isnan(found["odds"].decided)
    assert found["odds"].failed == 0
    text = " ".join(str(found).split())
    assert "way, odds: analyse does not weight paths and Bayesian answers" in text
    assert "yes: analyse combines no weights" in text


def test_workers_give_the_same_answer():
    study = declared()
    allocation = unequal(study)
    here = diagnose(study, world_of(), seed=4, n_simulations=80, allocation=allocation)
    with ProcessPoolExecutor(2) as pool:
        there = diagnose(study, world_of(), seed=4, n_simulations=80, allocation=allocation, executor=pool)
    pd.testing.assert_frame_equal(here.frame(), there.frame())


def test_weights_beside_random_factors_are_analyse_s_alone():
    units = [Units(name="site", n=12), Units(name="person", n=120, nested_in="site")]
    study = declared(units=units)
    allocation, world = unequal(study), world_of(icc={"site": 0.1})
    with pytest.raises(InputError, match=r"site is a random factor: 'analyse' takes weights and CR2 there"):
        diagnose(study, world, seed=1, n_simulations=20, allocation=allocation)
    own = diagnose(study, world, seed=1, n_simulations=20, allocation=allocation, analysis=by_analyse)
    assert own["h1"].failed == 0
    even = replace(allocation, scheme=Simple(weights=(Fraction(1, 4),) * 4, n=120))
    assert diagnose(study, world, seed=1, n_simulations=20, allocation=even)["h1"].failed == 0


def test_an_allocation_of_others_is_refused():
    study = declared()
    allocation = unequal(study)
    other = declared(title="Another")
    with pytest.raises(DataError, match="belongs to another design"):
        diagnose(other, world_of(), seed=1, allocation=allocation)
    with pytest.raises(DataError, match=r"holds 120 people and the world 90; give the world n: \{person: 120\}"):
        diagnose(study, world_of(n={"person": 90}), seed=1, allocation=allocation)
    strange = replace(allocation, _frame=allocation.frame.assign(hired="perhaps"))
    with pytest.raises(DataError, match=r"Category of 'hired' in the allocation 'perhaps'"):
        diagnose(study, world_of(), seed=1, allocation=strange)
