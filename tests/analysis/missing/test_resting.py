"""Checks of a model use the rows that its posterior rests on; where these are several completed tables, they say so."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.bayesian.one_table import of_one_table
from feedbackstudy.errors import DataError


@pytest.fixture
def answers(declared, feedback):
    def run(missing, column="reaction"):
        study = declared(plan={"missing": missing, "covariates": ["baseline"]})
        whole = feedback(study, "feedback_unbalanced", clusters=False)
        frame = whole.frame.copy()
        frame.loc[np.random.default_rng(1).random(len(frame)) < 0.2, column] = np.nan
        return analyse(replace(whole, _frame=frame), study).answer("h3")

    return run


def test_where_only_outcomes_are_missing_every_check_is_that_of_the_rows_with_an_outcome(answers):
    imputed, complete = answers("multiple_imputation"), answers("listwise")
    assert imputed.problem.n > complete.problem.n == imputed.bayesian.n

    ours, theirs = (answer.prior_sensitivity().rows for answer in (imputed, complete))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.median, a.log_bayes_factor) == pytest.approx((b.median, b.log_bayes_factor), rel=1e-9)
    declared_width = next(row for row in ours if row.fold == 1.0)
    assert declared_width.median == pytest.approx(imputed.rows[1].estimate, rel=1e-3)
    seen = [
        [(one.name, one.seen) for one in answer.predictive_check(studies=100).statistics]
        for answer in (imputed, complete)
    ]
    assert [name for name, _ in seen[0]] == [name for name, _ in seen[1]]
    assert [value for _, value in seen[0]] == pytest.approx([value for _, value in seen[1]], rel=1e-12)


def test_what_needs_one_table_is_refused_where_several_were_completed(answers, tmp_path):
    pooled = answers("multiple_imputation", column="baseline")

    for asked in (
        pooled.predictive_check,
        pooled.prior_sensitivity,
        pooled.loo,
        pooled.student_t,
        lambda: pooled.save_draws(tmp_path, "draws"),
    ):
        with pytest.raises(DataError, match="one table; this posterior averages those of completed tables"):
            asked()
    assert not (tmp_path / "draws").exists()


def test_the_model_of_one_completed_table_is_chosen_by_its_number(answers):
    pooled = answers("multiple_imputation", column="baseline")

    with pytest.raises(DataError, match=r"20 completed tables.*pymc_model\(table=1\) to pymc_model\(table=20\)"):
        pooled.pymc_model()
    with pytest.raises(DataError, match="no table 21"):
        pooled.pymc_model(21)
    with pytest.raises(DataError, match="numbered from 1 to 1"):
        of_one_table([object], 2)
    first, last = ([data.get_value() for data in pooled.pymc_model(table).data_vars] for table in (1, 20))
    assert any(a.shape == b.shape and not np.array_equal(a, b) for a, b in zip(first, last, strict=True))
