"""The PyMC model and the forward model are the same model; a graph is compiled once; empty cells are refused."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import Binary
from feedbackstudy.analysis.bayesian.cell_model import CellModel, stated
from feedbackstudy.analysis.bayesian.count_model import Counts
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.cumulative import Cumulative
from feedbackstudy.analysis.bayesian.predictor_draws import cholesky
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.student import Students
from feedbackstudy.errors import DataError, NotFoundError

ROWS = np.arange(30)
RATING = NormalsPrior.of(CellPrior.of_scale(1, 7))
FAMILIES = [
    Cumulative(categories=4),
    Cumulative(categories=4, link="logit"),
    Binary(),
    Counts(),
    Counts(law="Poisson"),
    Counts(zero_inflated=True),
    Counts(law="Poisson", zero_inflated=True),
    Normals(prior=RATING),
    Students(prior=RATING),
]


def point_of(pymc_model, values):
    """Return one draw on the scale that PyMC's log density takes."""
    import pytensor.tensor as pt

    point = pymc_model.initial_point()
    for variable in pymc_model.free_RVs:
        name = variable.name
        if name == "raw_df":
            value = values["df"][0] - 2.0
        elif name == "raw_partial_site":
            value = (values["partial_site"][0] + 1) / 2
        elif name == "raw_effect_site":
            sds = np.concatenate([values["sd_site"], values["slope_sd_site"][0]])
            factor = sds[:, None] * cholesky(values["partial_site"], 2)[0]
            value = np.linalg.solve(factor, values["effect_site"][0].T).T
        elif name.startswith("raw_effect_"):
            value = values[name.removeprefix("raw_")][0] / values[f"sd_{name.removeprefix('raw_effect_')}"][0]
        else:
            value = values[name][0]
        transform = pymc_model.rvs_to_transforms.get(variable)
        forward = value if transform is None else transform.forward(pt.as_tensor(value), *variable.owner.inputs).eval()
        point[pymc_model.rvs_to_values[variable].name] = np.asarray(forward)
    return point


def log_density(model, values):
    pymc_model = model.pymc_model()
    named = [rv for rv in pymc_model.basic_RVs if not rv.name.startswith("raw_effect")]
    return float(pymc_model.compile_logp(vars=named, jacobian=False, mode="FAST_COMPILE")(point_of(pymc_model, values)))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.words)
def test_the_density_that_is_sampled_is_that_of_the_forward_model(family):
    y = ROWS % 7.0 if isinstance(family, Normals) else ROWS % 2
    model = stated(family, y, ROWS % 3, 3)
    values = model.forward(np.random.default_rng(6), 1)

    ours = model.log_prior(values)[0] + model.log_likelihood(values).sum()

    assert log_density(model, values) == pytest.approx(ours, abs=1e-8)


def test_the_same_holds_with_covariates_crossed_groups_and_slopes():
    model = stated(Normals(prior=RATING), ROWS % 7.0, ROWS % 3, 3, covariates=np.sin(ROWS),
                   groups={"site": ROWS // 5}, slopes={"site": np.cos(ROWS)})  # fmt: skip
    values = model.forward(np.random.default_rng(7), 1)

    ours = model.log_prior(values)[0] + model.log_likelihood(values).sum()

    # PyMC samples the beta variable b of a partial correlation 2b - 1: a Jacobian of log 2
    assert log_density(model, values) - np.log(2) == pytest.approx(ours, abs=1e-8)


def test_the_same_holds_where_some_rows_belong_to_no_group():
    rater, coder = np.where(ROWS < 5, -1, ROWS // 5), np.where(ROWS % 3 == 0, -1, ROWS % 2)
    model = stated(Normals(prior=RATING), ROWS % 7.0, ROWS % 3, 3, groups={"rater": rater, "coder": coder})
    values = model.forward(np.random.default_rng(7), 1)

    ours = model.log_prior(values)[0] + model.log_likelihood(values).sum()

    assert log_density(model, values) == pytest.approx(ours, abs=1e-8)
    assert set(model.data()) >= {"held_rater", "held_coder"}


def test_effects_of_many_large_groups_are_sampled_as_such_and_others_in_standard_units():
    rows = np.arange(900)
    groups = {"site": rows // 60, "coder": rows % 30, "country": rows // 225}
    model = stated(Normals(prior=RATING), rows % 7.0, rows % 2, 2, groups=groups)

    names = {variable.name for variable in model.pymc_model().free_RVs}

    assert model.centred == {"site"}
    assert {"effect_site", "raw_effect_coder", "raw_effect_country"} <= names


def test_a_fit_keeps_its_graph_and_takes_other_data(binary_fit):
    model = binary_fit.model

    again = model.with_outcome(1 - model.rows.y).compiled()

    assert again.seconds == 0.0
    assert model.compiled().program.logp_func is again.program.logp_func
    outcome = next(v for k, v in again.program.shared_var_keys.items() if k.name == "outcome")
    assert again.program.shared_data[outcome].tolist() == (1 - model.rows.y).tolist()


def test_a_cell_without_rows_is_left_out_and_its_contrasts_are_refused():
    model = stated(Binary(), [0, 1, 1, 0], [0, 0, 2, 2], 3)

    assert model.counts.tolist() == [2, 0, 2]
    assert model.rows.n_cells == 2
    with pytest.raises(DataError, match="positions from 0 to 1"):
        stated(Binary(), [0, 1], [0, 2], 2)


def test_a_fit_over_more_cells_answers_for_those_with_rows_only(binary_fit):
    model = binary_fit.model
    wider = replace(binary_fit, model=CellModel(model.family, model.rows, np.array([40, 0, 40])))

    cells = wider.cells()

    wanted = binary_fit.cells().contrast([1.0, -1.0])
    assert cells.contrast([1.0, 0.0, -1.0]).posterior.median == wanted.posterior.median
    assert cells.contrast([1.0, 0.0, -1.0]).bayes_factor == pytest.approx(wanted.bayes_factor)
    with pytest.raises(DataError, match="no data"):
        cells.contrast([1.0, -1.0, 0.0])
    assert {variable.name for variable in cells.pymc_model().free_RVs} == {"level", "deviation"}


def test_a_scale_that_the_family_lacks_is_answered_with_those_it_has(binary_fit):
    with pytest.raises(NotFoundError, match="log odds"):
        binary_fit.cells("latent")


def test_a_fit_shows_model_prior_and_gates(binary_fit):
    text = str(binary_fit)

    assert "logistic model of cells" in text
    assert "N(0, 1.5)" in text
    assert "HOLDS: All convergence gates hold." in text
