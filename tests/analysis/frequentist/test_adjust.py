"""Adjusted p values are those of statsmodels, for every method and in any order."""

import numpy as np
import pytest

from feedbackstudy.adapters.statsmodels import adjusted_p
from feedbackstudy.analysis.frequentist.adjust import adjust, adjusted_for_number
from feedbackstudy.errors import DataError, NotFoundError


@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel", "fdr_bh", "fdr_by"])
def test_adjustments_are_those_of_statsmodels(method):
    rng = np.random.default_rng(17)
    for m in (1, 2, 3, 7, 20):
        for p in (rng.random(m), rng.beta(0.2, 3, m), np.round(rng.random(m), 1)):
            assert adjusted_for_number(p, method) == pytest.approx(adjusted_p(p, method=method), rel=1e-12)


@pytest.mark.parametrize("p", [[], [0.5, 1.2], [-0.1], [[0.1, 0.2]], [np.nan]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(DataError, match="each between 0 and 1"):
        adjusted_for_number(p, "holm")


def test_an_unknown_adjustment_is_refused():
    with pytest.raises(NotFoundError, match="Adjustment 'sidak'"):
        adjusted_for_number([0.1, 0.2], "sidak")


def test_one_contrast_needs_no_adjustment():
    found = adjust(np.array([2.0]), np.array([0.05]), 30, "tukey", covariance=np.eye(1), means=2, level=0.95)
    assert found.p.tolist() == [0.05]
    assert found.quantile is None
