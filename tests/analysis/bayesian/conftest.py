"""Two small fits that several files look at: one graph each."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import binary
from feedbackstudy.analysis.bayesian.cumulative import cumulative

YES = np.array([[12, 28], [27, 13]])
RATINGS = np.array([[14, 16, 10], [6, 12, 22]])


@pytest.fixture(scope="session")
def binary_fit():
    """Two cells of 40: 28 and 13 said yes."""
    y = np.concatenate([np.repeat([0, 1], counts) for counts in YES])
    return binary(y, np.repeat([0, 1], 40), 2, seed=11)


@pytest.fixture(scope="session")
def rating_fit():
    """Two cells of 40 with three categories, probit."""
    y = np.concatenate([np.repeat([0, 1, 2], counts) for counts in RATINGS])
    return cumulative(y, np.repeat([0, 1], 40), 2, categories=3, seed=12)
