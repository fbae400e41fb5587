"""Exact power: what one test says another must say too, and each argument is found again from the others."""

import itertools
import math
import time

import numpy as np
import pytest
from scipy import stats

from feedbackstudy import power
from feedbackstudy.power.equivalence import equivalence_power
from feedbackstudy.power.wedge import wedge_variance

ROUND_TRIP = 1e-7  # of the root finder
SIZES = itertools.count(100)  # critical Bayes factors are remembered, so each timed call asks a new one

SOLVABLE = [
    (power.t_test, {"d": 0.4, "n": 80.0, "alpha": 0.05}, {}),
    (power.t_test, {"d": -0.4, "n": 80.0, "alpha": 0.05}, {"alternative": "less"}),
    (power.t_test, {"d": 0.4, "n": 40.0, "alpha": 0.01}, {"samples": "one"}),
    (power.correlation, {"r": 0.3, "n": 90.0, "alpha": 0.05}, {}),
    (power.correlation, {"r": -0.3, "n": 90.0, "alpha": 0.05}, {"alternative": "less"}),
    (power.regression, {"f2": 0.1, "n": 90.0, "alpha": 0.05}, {"predictors": 5, "tested": 2}),
    (power.proportions, {"p1": 0.6, "n": 90.0, "alpha": 0.05}, {"p2": 0.4}),
    (power.proportions, {"p1": 0.6, "n": 90.0, "alpha": 0.05}, {"p2": 0.4, "test": "pooled"}),
    (power.proportions, {"h": 0.4, "n": 90.0, "alpha": 0.05}, {}),
    (power.chi2, {"w": 0.2, "n": 200.0, "alpha": 0.05}, {"df": 3}),
    (power.f_test, {"f": 0.25, "n": 30.0, "alpha": 0.05}, {"groups": 6, "df": 2}),
    (power.cluster, {"d": 0.4, "clusters": 14.0, "size": 20.0, "icc": 0.05, "alpha": 0.05}, {}),
    (power.cluster, {"d": 0.2, "clusters": 40.0, "size": 20.0, "icc": 0.05, "alpha": 0.05}, {"level": "person"}),
    (power.stepped_wedge, {"effect": 0.3, "clusters": 16.0, "n": 10.0, "alpha": 0.05}, {"steps": 4, "icc": 0.05}),
    (power.tost, {"bound": 0.4, "n": 120.0, "alpha": 0.05}, {"d": 0.05}),
    (power.bayes_factor_t, {"d": 0.5, "n": 90.0}, {"threshold": 6}),
    (power.group_sequential, {"d": 0.5, "n": 70.0}, {"looks": 3, "kind": "pocock"}),
    (power.ordinal, {"odds_ratio": 2.0, "n": 90.0, "alpha": 0.05}, {"control": (0.1, 0.3, 0.4, 0.2)}),
    (power.logistic, {"odds_ratio": 1.6, "n": 200.0, "alpha": 0.05}, {"p": 0.3}),
]


@pytest.mark.parametrize(
    ("test", "given", "more", "opened"),
    [(test, given, more, name) for test, given, more in SOLVABLE for name in given],
    ids=lambda value: getattr(value, "__name__", None) or (value if isinstance(value, str) else ""),
)
def test_each_argument_is_found_again_from_the_power(test, given, more, opened):
    reached = test(**given, **more).power

    answer = test(**{**given, opened: None}, power=reached, **more)

    assert answer.solved == opened
    assert answer.value == pytest.approx(given[opened], rel=ROUND_TRIP)
    assert answer.power == pytest.approx(reached, abs=1e-9)


def test_a_two_group_anova_is_the_t_test():
    anova = power.anova("2b", 30, mu=[0, 0.5])["a"].power

    assert anova == pytest.approx(power.t_test(0.5, 30).power, abs=1e-10)


def test_a_within_anova_of_two_is_the_paired_t_test():
    dz = 0.5 / math.sqrt(2 * (1 - 0.6))

    assert power.anova("2w", 30, mu=[0, 0.5], r=0.6)["a"].power == pytest.approx(
        power.t_test(dz, 30, samples="paired").power, abs=1e-10
    )


def test_the_order_of_factors_is_free_where_means_move_along():
    mu = np.array([[0, 0.1, 0.5], [0.2, 0.6, 0.1]])

    first = power.anova("2b*3w", 20, mu=mu, r=0.5)["a:b"].power
    second = power.anova("3w*2b", 20, mu=mu.T, r=0.5)["a:b"].power

    assert first == pytest.approx(second, abs=1e-12)


def test_an_anova_is_solved_for_n_scale_and_alpha():
    mu = [0, 0.1, 0.3, 0.6]
    solved = power.anova("2b*2b", mu=mu, power=0.9, effect="a:b")
    again = power.anova("2b*2b", solved.value, mu=mu, scale=None, power=0.9, effect="a:b")
    level = power.anova("2b*2b", solved.value, mu=mu, alpha=None, power=0.9, effect="a:b")

    assert solved["a:b"].power == pytest.approx(0.9, abs=1e-9)
    assert again.scale == pytest.approx(1.0, abs=1e-6)
    assert level.alpha == pytest.approx(0.05, abs=1e-8)


def test_unequal_groups_lose_power_as_the_regression_on_contrasts_says():
    sizes, mu = np.array([10, 20, 40]), np.array([0.0, 0.3, 0.7])
    mean = sizes @ mu / sizes.sum()
    ncp = float(sizes @ (mu - mean) ** 2)

    assert power.anova("3b", sizes, mu=mu)["a"].ncp == pytest.approx(ncp, rel=1e-12)


def test_box_correction_says_so_and_costs_power():
    mu, r = [0, 0.1, 0.3, 0.5], [0.9, 0.5, 0.1, 0.5, 0.3, 0.7]
    plain = power.anova("4w", 20, mu=mu, r=r)
    corrected = power.anova("4w", 20, mu=mu, r=r, correction="box")

    assert any("not spherical" in note for note in plain.notes)
    assert corrected["a"].df < 3
    assert corrected["a"].power < plain["a"].power


def test_a_whole_number_of_people_reaches_the_power():
    answer = power.t_test(0.5, power=0.8)

    assert answer["n, whole"] == 64
    assert answer["power at whole n"] == pytest.approx(power.t_test(0.5, 64).power, abs=1e-12)


def test_a_power_below_the_smallest_sample_gives_the_smallest_sample():
    assert power.t_test(40.0, power=0.5).value == 1.5


def test_a_normal_tost_is_the_limit_of_the_t_tost():
    normal = 2 * stats.norm.cdf(0.1 * math.sqrt(5000 / 2) - stats.norm.isf(0.05)) - 1

    assert equivalence_power(0.0, (-0.1, 0.1), se=math.sqrt(2 / 5000), df=1e7, alpha=0.05) == pytest.approx(
        normal, abs=1e-6
    )


def test_a_wedge_has_the_closed_form_of_hussey_and_hughes():
    steps, n, tau2, sigma2 = 5, 8, 0.1, 0.9
    treated = np.arange(steps + 1) >= 1 + np.arange(steps)[:, None]
    clusters, periods, s2 = steps, steps + 1, sigma2 / n
    u, w, v = treated.sum(), (treated.sum(axis=0) ** 2).sum(), (treated.sum(axis=1) ** 2).sum()
    top = clusters * s2 * (s2 + periods * tau2)
    bottom = (clusters * u - w) * s2 + (u**2 + clusters * periods * u - periods * w - clusters * v) * tau2
    covariance = tau2 + s2 * np.eye(periods)

    assert wedge_variance(treated, covariance, "immediate") == pytest.approx(top / bottom, rel=1e-12)


def test_effects_by_exposure_time_need_more_clusters():
    ask = {"steps": 4, "n": 10, "icc": 0.05, "power": 0.8}
    simple = power.stepped_wedge(0.3, **ask).value

    assert power.stepped_wedge(0.3, estimand="average", **ask).value > 1.5 * simple
    assert any("mislead" in note for note in power.stepped_wedge(0.3, **ask).notes)


def test_bounds_of_any_kind_spend_alpha_exactly():
    from feedbackstudy.power.sequential import boundaries, stopping

    times = np.array([0.2, 0.5, 0.7, 1.0])
    for kind in ("pocock", "obrien-fleming", "lan-demets-obrien-fleming", "lan-demets-pocock"):
        for sides in (1, 2):
            bounds = boundaries(times, kind=kind, alpha=0.05, sides=sides)
            assert stopping(bounds, times, drift=0.0, sides=sides).sum() == pytest.approx(0.05, abs=1e-8)


def test_assurance_of_a_normal_test_is_the_closed_form():
    mean, sd, n = 0.3, 0.2, 5000
    root = math.sqrt(n / 2)
    closed = stats.norm.cdf((root * mean - stats.norm.isf(0.025)) / math.sqrt(1 + n * sd**2 / 2))

    assert power.assurance(power.t_test, mean, sd, n=n).power == pytest.approx(closed, abs=2e-4)


def test_type_s_and_m_of_a_t_test_agree_with_draws():
    rng = np.random.default_rng(5)
    estimate, s = rng.normal(2, 8.1, 400_000), 8.1 * np.sqrt(rng.chisquare(20, 400_000) / 20)
    found = np.abs(estimate / s) > stats.t.isf(0.025, 20)
    answer = power.type_s_m(2.0, 8.1, df=20)

    assert answer.power == pytest.approx(found.mean(), abs=4 * math.sqrt(0.056 * 0.944 / 400_000))
    assert answer["type S"] == pytest.approx((estimate[found] < 0).mean(), abs=0.012)
    assert answer["type M"] == pytest.approx(np.abs(estimate[found]).mean() / 2, rel=0.01)


def test_an_answer_names_its_engine_and_conventions():
    answer = power.cluster(0.3, 15, size=20, icc=0.05)

    assert "noncentral t" in answer.engine
    assert any("total standard deviation" in text for text in answer.conventions)
    assert "clusters counts clusters in each arm" in str(answer)
    assert answer.frame().loc[0, "power"] == answer.power


def test_one_f_is_three_effects_under_three_conventions():
    found = power.compare_gpower("within", 0.25, n=20, measurements=3, r=0.8)

    assert found["cohen"].power < found["spss"].power < found["default"].power
    again = power.compare_gpower("within", found.same_effect["spss"], n=20, measurements=3, r=0.8)
    assert again["spss"].ncp == pytest.approx(found["default"].ncp, rel=1e-12)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: power.stepped_wedge(0.3, 12, steps=4, n=10, icc=0.05),
        lambda: power.stepped_wedge(0.3, steps=4, n=10, icc=0.05, power=0.8),
        lambda: power.t_test(0.5, power=0.8),
        lambda: power.anova("2b*4w", 9, mu=range(8), r=0.5),
        lambda: power.tost(0.4, 100),
        lambda: power.bayes_factor_t(0.5, next(SIZES)),
    ],
    ids=["wedge", "wedge solved", "t solved", "anova", "tost", "bayes factor"],
)
def test_an_exact_answer_takes_ten_milliseconds(ask):
    ask()
    times = []
    for _ in range(5):
        start = time.process_time()
        ask()
        times.append(time.process_time() - start)

    assert min(times) < 0.01
