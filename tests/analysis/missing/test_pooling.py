"""Rubin's rules against their closed forms, and against themselves where nothing is missing."""

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.imputed_cells import pooled_cells
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.missing.pooling import joint_of, pooled
from feedbackstudy.errors import DataError


def test_pooling_follows_rubin_and_barnard_and_rubin():
    q, u = [1.0, 1.2, 0.8, 1.1, 0.9], [0.04, 0.05, 0.045, 0.04, 0.05]

    found = pooled(q, u, df=60)

    w, b, m = np.mean(u), np.var(q, ddof=1), 5
    total = w + (1 + 1 / m) * b
    share = (1 + 1 / m) * b / total
    old, seen = (m - 1) / share**2, 61 / 63 * 60 * (1 - share)
    assert (found.estimate, found.se) == pytest.approx((1.0, np.sqrt(total)))
    assert found.df == pytest.approx(old * seen / (old + seen))
    assert found.fmi == pytest.approx((found.riv + 2 / (found.df + 3)) / (1 + found.riv))
    assert found.riv == pytest.approx((1 + 1 / m) * b / w)


def test_tables_that_agree_keep_the_complete_degrees_of_freedom():
    found = pooled([1.0, 1.0, 1.0], [0.04, 0.04, 0.04], df=60)

    assert (found.df, found.fmi, found.se) == (60, 0.0, pytest.approx(0.2))


def test_a_joint_test_of_one_contrast_is_the_square_of_t():
    q, u = np.array([1.0, 1.2, 0.8, 1.1, 0.9]), np.array([0.04, 0.05, 0.045, 0.04, 0.05])

    f, _, k = joint_of(q[:, None], u[:, None, None], df=60)

    single = pooled(q, u, df=60)
    assert k == 1
    assert f == pytest.approx((single.estimate / single.se) ** 2)


def test_pooled_fits_of_one_table_are_that_fit():
    rng = np.random.default_rng(1)
    cell = np.repeat([0, 1, 2], 20)
    fit = fit_cells(rng.normal(size=60) + cell, cell, 3, covariates=np.empty((60, 0)))
    rows = np.array([[1.0, -1, 0], [0, 1, -1]])

    found = pooled_cells([fit, fit, fit])

    assert found.contrast(rows[0]).p == pytest.approx(fit.contrast(rows[0]).p)
    assert found.joint(rows).p == pytest.approx(fit.joint(rows).p)
    assert found.pooled(rows[0]).fmi == 0.0


@pytest.mark.parametrize(("q", "u"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, np.nan], [1.0, 1.0])])
def test_what_cannot_be_pooled_is_refused(q, u):
    with pytest.raises(DataError):
        pooled(q, u)
