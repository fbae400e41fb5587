"""Our chained equations against statsmodels' MICE: the same pooled regression of the same table with gaps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.imputation.mice import MICE, MICEData
from statsmodels.regression.linear_model import OLS

from feedbackstudy.analysis import impute, pool, regression

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
COLUMNS = ["challenge", "selfeff", "outcome", "baseline"]
PREDICTORS = ["challenge", "selfeff", "baseline"]


@pytest.mark.slow
def test_the_pooled_coefficients_are_those_of_mice():
    table = pd.read_csv(REFERENCE / "feedback_missing.csv")[COLUMNS]
    before = np.random.get_state()  # noqa: NPY002 - statsmodels draws from numpy's global generator
    np.random.seed(3)  # noqa: NPY002
    theirs = MICE("outcome ~ challenge + selfeff + baseline", OLS, MICEData(table)).fit(5, 60)
    np.random.set_state(before)  # noqa: NPY002
    done = impute(table, COLUMNS, m=60, seed=4)
    fits = [regression(one, "outcome", PREDICTORS, vcov="classical") for one in done]

    for name in PREDICTORS:
        rows = [next(c for c in fit.coefficients if c.name == name) for fit in fits]
        ours = pool([row.estimate for row in rows], [row.se for row in rows], df=rows[0].df).pooled
        at = theirs.exog_names.index(name)
        # 60 tables each: the Monte-Carlo error of a pooled estimate is its se times the root of (fmi / 60), twice over.
        tolerance = 4 * ours.se * np.sqrt(2 * max(ours.fmi, 0.05) / 60)
        assert ours.estimate == pytest.approx(theirs.params[at], abs=tolerance)
        assert ours.se == pytest.approx(theirs.bse[at], rel=0.15)
