"""Stochastic superiority from counts: exact moments, the frequentist estimate, and refusals."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.ranks import signed_superiority, superiority
from feedbackstudy.analysis.frequentist.ranks import brunner_munzel, signed_rank
from feedbackstudy.errors import DataError

FIRST, SECOND = np.array([2, 5, 9, 4]), np.array([6, 7, 4, 1])


def test_the_draws_have_the_exact_mean_and_standard_deviation():
    found = superiority(FIRST, SECOND, seed=1)
    error = found.sd / np.sqrt(found.draws.size)

    assert found.draws.mean() == pytest.approx(found.mean, abs=5 * error)
    assert found.draws.std() == pytest.approx(found.sd, rel=0.02)


def test_with_little_prior_it_is_the_frequentist_estimate_and_standard_error():
    classical = brunner_munzel(FIRST * 20, SECOND * 20)
    found = superiority(FIRST * 20, SECOND * 20, seed=1, prior_people=1e-3)

    assert found.mean == pytest.approx(classical.estimate, abs=1e-4)
    assert found.sd == pytest.approx(classical.se, rel=0.02)


def test_superiority_of_differences_follows_the_plug_in_estimate():
    values, counts = [-1.0, -0.5, 0.0, 1.0], np.array([8, 5, 4, 6]) * 30
    found = signed_superiority(values, counts, seed=1, prior_people=1e-3)

    assert found.mean == pytest.approx(signed_rank(values, counts).superiority, abs=4 * found.sd / 200 + 2e-3)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    one, same, other = (superiority(FIRST, SECOND, seed=s).draws for s in (1, 1, 2))

    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: superiority([0, 0], [1, 2], seed=1), "Both groups need people"),
        (lambda: superiority([1, 2], [1, 2, 3], seed=1), "at least two values"),
        (lambda: superiority([1, -2], [1, 2], seed=1), "holds -2"),
        (lambda: superiority([1, 2], [1, 2], seed=1, prior_people=0), "positive weight"),
        (lambda: signed_superiority([1.0, 1.0], [1, 2], seed=1), "distinct"),
        (lambda: signed_superiority([1.0, 2.0], [0, 0], seed=1), "must be positive"),
    ],
)
def test_what_has_no_answer_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
