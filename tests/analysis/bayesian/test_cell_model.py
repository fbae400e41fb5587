"""The PyMC model and the forward model are the same model; a graph is compiled once; empty cells are refused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.bayesian.binary import Binary
from feedbackstudy.analysis.bayesian.cell_model import CellModel, stated
from feedbackstudy.analysis.bayesian.centring import reliability
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
        elif name == "raw_effect_site" and "slope_sd_site" in values:
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


def test_effects_of_many_large_groups_are_sampled_partly_centred_and_others_in_standard_units():
    rows = np.arange(900)
    groups = {"site": rows // 60, "coder": rows % 30, "country": rows // 225}
    model = stated(Normals(prior=RATING), rows % 7.0, rows % 2, 2, groups=groups)

    assert model.centred == {"site"}
    assert set(model.centring) == {"site"}
    assert {name for name in model.data() if name.startswith("centring")} == {"centring_site"}


def large_groups(*, slopes, scale=1.0):
    rows, rng = np.arange(900), np.random.default_rng(8)
    x = rng.normal(size=900)
    y = 4 + scale * rng.normal(size=15)[rows // 60] + 0.3 * rng.normal(size=15)[rows // 60] * x + rng.normal(size=900)
    wanted = {"slopes": {"site": x}} if slopes else {}
    return stated(Normals(prior=RATING), y, rows % 2, 2, groups={"site": rows // 60}, **wanted), x


@pytest.mark.parametrize("slopes", [False, True])
def test_partly_centred_effects_have_the_density_of_the_normal_model(slopes):
    """Density of effects sampled as sigma^(1-w) u is the multivariate normal one, times sigma^(1-w) for each."""
    model, _ = large_groups(slopes=slopes)
    values = model.forward(np.random.default_rng(9), 1)
    effect = values["effect_site"][0].reshape(15, -1)
    sds = np.concatenate([values["sd_site"], *([values["slope_sd_site"][0]] if slopes else [])])
    root = cholesky(values["partial_site"], 2)[0] if slopes else np.eye(1)
    share = model.centring["site"]
    assert ((share > 0) & (share < 1)).all()
    pymc_model = model.pymc_model()
    raw = next(v for v in pymc_model.free_RVs if v.name == "raw_effect_site")
    point = point_of(pymc_model, values)
    point[raw.name] = (effect / sds ** (1 - share)).reshape(values["effect_site"][0].shape)

    found = float(pymc_model.compile_logp(vars=[raw], jacobian=False, mode="FAST_COMPILE")(point))

    covariance = (sds[:, None] * root) @ (sds[:, None] * root).T
    wanted = stats.multivariate_normal.logpdf(effect, np.zeros(sds.size), covariance).sum()
    assert found == pytest.approx(wanted + 15 * ((1 - share) * np.log(sds)).sum(), abs=1e-8)
    likelihood = float(pymc_model.compile_logp(vars=pymc_model.observed_RVs, mode="FAST_COMPILE")(point))
    assert likelihood == pytest.approx(model.log_likelihood(values).sum(), abs=1e-8)


def test_the_reliability_of_balanced_groups_comes_from_f():
    """Method of moments of a one-way layout: 1 - q/F, F the ratio of the mean squares, q = 29.1412 / 14 by table."""
    model, _ = large_groups(slopes=False)
    y, site = model.rows.y, model.rows.groups[0].member
    shifted = y - np.array([y[model.rows.cell == k].mean() for k in (0, 1)])[model.rows.cell]

    f = stats.f_oneway(*[shifted[site == g] for g in range(15)]).statistic

    assert reliability(model.rows, model.rows.groups[0]) == pytest.approx([1 - 29.141237741 / 14 / f], rel=1e-7)


def test_the_reliability_of_slopes_is_that_of_regressions_within_groups():
    model, x = large_groups(slopes=True)
    rows, group = model.rows, model.rows.groups[0]
    shifted = rows.y - np.array([rows.y[rows.cell == k].mean() for k in (0, 1)])[rows.cell]
    fits, products, squares = [], [], 0.0
    for g in range(15):
        design = np.column_stack([np.ones(60), x[group.member == g]])
        fit, left, *_ = np.linalg.lstsq(design, shifted[group.member == g])
        fits.append(fit)
        products.append(np.diag(np.linalg.inv(design.T @ design)))
        squares += left[0]
    noise = 29.141237741 / 14 * np.mean(products, axis=0) * squares / (900 - 30)

    assert reliability(rows, group) == pytest.approx(1 - noise / np.var(fits, axis=0, ddof=1), rel=1e-7)


def test_groups_that_do_not_differ_or_cannot_be_estimated_are_not_centred_at_all():
    rows = np.arange(900)
    same = stated(Normals(prior=RATING), rows % 3.0, rows % 2, 2, groups={"site": rows // 60})
    flat = stated(Normals(prior=RATING), rows % 7.0, rows % 2, 2, groups={"site": rows // 60},
                  slopes={"site": 1.0 * (rows // 60 > 3)})  # fmt: skip

    assert same.centring["site"].tolist() == [0.0]
    assert flat.centring["site"].tolist() == [0.0, 0.0]


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
