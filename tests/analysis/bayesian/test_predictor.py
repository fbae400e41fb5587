"""Cells are exchangeable, and the predictor is the sum of its parts."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import Binary, BinaryPrior
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.predictor import cell_basis
from feedbackstudy.analysis.bayesian.predictor_draws import predictor_of, spread

ROWS = np.arange(24)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_basis_is_orthonormal_and_sums_to_zero(count):
    basis = cell_basis(count)

    assert basis.T @ basis == pytest.approx(np.eye(count - 1))
    assert basis.sum(axis=0) == pytest.approx(np.zeros(count - 1))


def test_forward_draws_of_cells_are_exchangeable_around_a_common_level():
    prior = BinaryPrior(level=1.0, level_sd=0.8, cell_sd=0.5)
    model = stated(Binary(prior=prior), ROWS % 2, ROWS % 4, 4)

    cells = model.forward(np.random.default_rng(4), 200_000)["cells"]

    assert np.cov(cells.T) == pytest.approx(0.64 + 0.25 * np.eye(4), abs=0.02)
    assert cells.mean(axis=0) == pytest.approx(np.ones(4), abs=0.01)


def test_the_predictor_is_cell_plus_covariate_plus_effects_of_groups():
    x, z = np.sin(ROWS), np.cos(ROWS)
    model = stated(Binary(), ROWS % 2, ROWS % 3, 3, covariates=x, covariate_sd=[1.0],
                   groups={"site": ROWS // 6, "coder": ROWS % 2}, slopes={"site": z})  # fmt: skip
    values = model.forward(np.random.default_rng(5), 3)

    found = predictor_of(model.rows, values)

    for s in range(3):
        for i in ROWS:
            site = values["effect_site"][s, i // 6]
            by_hand = values["cells"][s, i % 3] + values["coefficient"][s, 0] * x[i] + site[0] + site[1] * z[i]
            assert found[s, i] == pytest.approx(by_hand + values["effect_coder"][s, i % 2])
    assert spread(model.rows, values) == pytest.approx(values["sd_site"] ** 2 + values["sd_coder"] ** 2)


def test_rows_of_no_group_carry_no_effect_in_draws_and_count_by_their_share():
    site, coder = np.where(ROWS < 6, -1, ROWS // 6), np.where(ROWS % 4 == 0, -1, ROWS % 2)
    model = stated(Binary(), ROWS % 2, ROWS % 3, 3, groups={"site": site, "coder": coder}, slopes={"site": ROWS - 9.0})
    values = model.forward(np.random.default_rng(6), 2)

    left = predictor_of(model.rows, values) - values["cells"][:, ROWS % 3]

    none = (site < 0) & (coder < 0)
    assert none.any()
    assert left[:, none] == pytest.approx(np.zeros((2, none.sum())), abs=1e-12)
    only = (site < 0) & (coder >= 0)
    assert left[:, only] == pytest.approx(values["effect_coder"][:, coder[only]])
    assert values["effect_site"].shape == (2, 3, 2)
    assert spread(model.rows, values) == pytest.approx(0.75 * (values["sd_site"] ** 2 + values["sd_coder"] ** 2))
