"""Cell means of zero-inflated counts against R's pscl.

R: ``zeroinfl(y ~ 0 + cell + x | 0 + cell, data, dist = "negbin", EM = FALSE, reltol = 1e-14)``; expected counts are
means of ``predict(type = "response")`` over all rows with the cell set.
"""

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.zero_inflated_cells import zero_inflated_cells
from feedbackstudy.errors import DataError


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    cell, x = np.repeat([0, 1, 2], 80), np.round(rng.normal(size=240), 3)
    x -= x.mean()
    y = rng.negative_binomial(2, 2 / (2 + np.exp(0.8 + 0.3 * cell + 0.2 * x))) * (rng.random(240) > 0.25)
    return y, cell, x[:, None]


def test_cells_are_those_of_pscl(rows):
    y, cell, x = rows
    rates, expected = (zero_inflated_cells(y, cell, 3, x, scale=scale) for scale in ("log rate", "response"))
    assert rates.means == pytest.approx([0.7956965591, 1.1041636379, 1.4927506332], rel=1e-6)
    assert np.sqrt(np.diag(rates.covariance)) == pytest.approx([0.1533033905, 0.1353802368, 0.1102920517], rel=1e-5)
    assert expected.means == pytest.approx([1.5843512913, 2.0643098746, 3.4372134779], rel=1e-6)
    assert rates.contrast([-1, 0, 1]).df == np.inf


def test_an_empty_cell_stays_empty_and_a_cell_without_zeros_is_refused(rows):
    y, cell, _ = rows
    found = zero_inflated_cells(y, np.where(cell == 2, 3, cell), 4, None)
    assert np.isnan(found.means).tolist() == [False, False, True, False]
    with pytest.raises(DataError, match="no maximum"):
        zero_inflated_cells(np.where((cell == 1) & (y == 0), 1, y), cell, 3, None)
