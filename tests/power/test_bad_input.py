"""What power is asked and cannot answer: each mistake is named, with the value given and what would be right."""

import numpy as np
import pytest

from feedbackstudy import power
from feedbackstudy.errors import InputError

MISTAKES = [
    (lambda: power.t_test(0.5, 0), r"n = 0 .*larger than 1 \(participants in the first group\)"),
    (lambda: power.t_test(0.5, float("nan")), r"n = nan .*finite"),
    (lambda: power.t_test(), r"leave exactly one of d, n, power, alpha as None; d and n and power are all open"),
    (lambda: power.t_test(n=30), r"d and power are all open"),
    (lambda: power.t_test(0.5, 30, power=0.8), r"all of them are given"),
    (lambda: power.t_test(0.5, power=0.04), r"0\.04 is not above alpha = 0\.05"),
    (lambda: power.t_test(0.5, power=1.0), r"power = 1\.0 .*between 0 and 1"),
    (lambda: power.t_test(0.5, 30, alpha=0), r"alpha = 0\.0 .*between 0 and 1"),
    (lambda: power.t_test(0.5, 30, alternative="bigger"), r"'bigger' is unknown.*greater"),
    (lambda: power.t_test(0.5, 30, samples="pair"), r"Did you mean 'paired'"),
    (lambda: power.t_test(0.0, power=0.8), r"No n between .* gets to 0\.05"),
    (lambda: power.t_test(0.5, 30, reliability=1.2), r"reliability = 1\.2"),
    (lambda: power.t_test(0.5, 30, samples="paired", r=0.4), r"two samples only"),
    (lambda: power.correlation(1.0, 30), r"r = 1\.0 .*between -1 and 1"),
    (lambda: power.correlation(0.3, 3), r"n = 3 .*larger than 3"),
    (lambda: power.regression(0.1, 4, predictors=5), r"n = 4 .*larger than 6"),
    (lambda: power.regression(0.1, 40, predictors=2, tested=3), r"tested = 3 .*the 2 in the model"),
    (lambda: power.regression(-0.1, 40, predictors=2), r"f2 = -0\.1"),
    (lambda: power.proportions(0.2, 1.0, 30), r"p2 = 1\.0"),
    (lambda: power.proportions(0.2, 0.4, 30, h=0.1), r"say the effect twice"),
    (lambda: power.chi2(0.3, 0, df=1), r"n = 0"),
    (lambda: power.chi2(0.3, 50, df=0), r"df = 0 .*at least 1"),
    (lambda: power.anova("2b*4w", 0, mu=range(8)), r"n = 0"),
    (lambda: power.anova("2b", 1, mu=[0, 1]), r"leaves no degrees of freedom"),
    (lambda: power.anova("2b*4w", 9, mu=[0, 1, 2]), r"mu has 3 values; .* has 8 cells, in the order a1_b1, a1_b2"),
    (lambda: power.anova("2b", 9, mu=[0, 1], sd=-1), r"sd = \[-1\.0\]"),
    (lambda: power.anova("2b", 9, mu=[0, 1], sd=[1, 1, 1]), r"sd has 3 values"),
    (lambda: power.anova("3w", 9, mu=[0, 1, 2], r=1.0), r"no correlation matrix.*positive definite"),
    (lambda: power.anova("3w", 9, mu=[0, 1, 2], r=[0.9, 0.9, -0.9]), r"no correlation matrix"),
    (lambda: power.anova("3w", 9, mu=[0, 1, 2], r=[0.1, 0.2]), r"r has 2 values"),
    (lambda: power.anova("2x*3w", 9, mu=range(6)), r"cannot be read at '2x'"),
    (lambda: power.anova("1b", 9, mu=[1]), r"cannot be read at '1b'"),
    (lambda: power.anova("2b*2b", mu=[0, 0, 0, 1], power=0.8), r"say which the power is for"),
    (lambda: power.anova("2b*2b", mu=[0, 0, 0, 1], power=0.8, effect="a:c"), r"'a:c' is unknown.*a:b"),
    (lambda: power.anova("2b*2b", 9, mu=[0, 0, 0, 1], factors=["x"]), r"2 different factor names"),
    (lambda: power.anova("2b*2b", 9, mu=[0, 0, 0, 1], contrasts={"c": [1, 0, 0, 0]}), r"summing to 0"),
    (lambda: power.anova("2b*2w", 9, mu=[0, 0, 0, 1], contrasts={"c": [1, 0, 0, -1]}), r"no single error term"),
    (lambda: power.anova("2b", mu=[0, 0], power=0.8), r"No n for the effect 'a'"),
    (lambda: power.anova("2b", 9, mu=[0, 1], alpha=None), r"power and alpha are all open"),
    (lambda: power.f_test(0.25, 10, groups=3, df=4), r"df = 4 .*at most 2"),
    (lambda: power.cluster(0.3, 10, size=1, icc=0.05), r"size = 1 .*clusters of one person"),
    (lambda: power.cluster(0.3, 10, size=20, icc=1.0), r"icc = 1\.0 .*below 1"),
    (lambda: power.cluster(0.3, 10, size=20, icc=-0.1), r"icc = -0\.1"),
    (lambda: power.cluster(0.3, 1, size=20, icc=0.1), r"clusters = 1"),
    (lambda: power.cluster(0.3, 15, size=None, icc=0.2, power=0.9), r"No size between .* gets to"),
    (lambda: power.cluster(0.3, 10, size=20, icc=0.1, convention="totl"), r"Did you mean 'total'"),
    (lambda: power.stepped_wedge(0.3, 12, steps=1, n=10, icc=0.05), r"steps = 1 .*at least 2"),
    (lambda: power.stepped_wedge(0.3, 12, steps=4, n=0, icc=0.05), r"n = 0"),
    (lambda: power.stepped_wedge(0.3, 12, steps=4, n=10, icc=1.0), r"icc = 1\.0"),
    (lambda: power.stepped_wedge(0.3, 3, steps=4, n=10, icc=0.1), r"fewer than the 4 steps"),
    (lambda: power.stepped_wedge(0.3, 12, steps=4, n=10, icc=0.05, sd=-1), r"sd = -1"),
    (lambda: power.stepped_wedge(0.3, 12, steps=4, n=10, icc=0.05, cac=1.5), r"cac = 1\.5"),
    (lambda: power.stepped_wedge(0.3, 12, steps=4, n=10, icc=0.05, estimand="mean"), r"'mean' is unknown"),
    (lambda: power.tost(0.4, 100, d=0.5), r"not inside the bounds"),
    (lambda: power.tost(-0.4, 100), r"bound = -0\.4"),
    (lambda: power.tost(0.4, 100, lower=0.1), r"lower bound negative"),
    (lambda: power.bayes_factor_t(0.5, 100, threshold=0.5), r"threshold = 0\.5 .*larger than 1"),
    (lambda: power.bayes_factor_t(0.5, 100, scale=0), r"scale = 0"),
    (lambda: power.group_sequential(0.5, 60, looks=[0.5, 0.4, 1]), r"information fractions rise"),
    (lambda: power.group_sequential(0.5, 60, looks=0), r"looks = 0"),
    (lambda: power.group_sequential(0.5, 60, looks=3, kind="pococ"), r"Did you mean 'pocock'"),
    (lambda: power.group_sequential(0.5, 60, looks=3, sides=3), r"sides = 3"),
    (lambda: power.ordinal(2.0, 50, control=(0.5, 0.6)), r"sum to 1"),
    (lambda: power.ordinal(-2.0, 50, control=(0.5, 0.5)), r"odds_ratio = -2"),
    (lambda: power.logistic(1.5, 100, p=0.0), r"p = 0\.0"),
    (lambda: power.type_s_m(0.0, 1.0), r"no sign or size to be wrong about"),
    (lambda: power.type_s_m(1.0, -1.0), r"se = -1"),
    (lambda: power.type_s_m(1.0, 1.0, power=0.5), r"all of them are given"),
    (lambda: power.type_s_m(1.0, power=0.01), r"not above alpha"),
    (lambda: power.precision(0.5), r"n and width are all open"),
    (lambda: power.joint([0.8]), r"fewer than two tests"),
    (lambda: power.joint([0.8, 0.8, 0.8], r=-0.9), r"not positive definite"),
    (lambda: power.assurance(power.t_test, 0.4, 0.3, target=0.95), r"0\.95 is out of reach"),
    (lambda: power.assurance(power.t_test, 0.4, 0.3, effect="delta", n=50), r"'delta' is unknown"),
    (lambda: power.compare_gpower("withn", 0.2, n=40), r"Did you mean 'within'"),
    (lambda: power.compare_gpower("within", 0.2, n=40, measurements=3, r=-0.6), r"must exceed -0\.500"),
]


@pytest.mark.parametrize(("ask", "says"), MISTAKES, ids=[says for _, says in MISTAKES])
def test_a_question_that_cannot_be_answered_says_why(ask, says):
    with pytest.raises(InputError, match=says):
        ask()


def test_an_answer_has_no_value_of_an_unknown_name():
    with pytest.raises(InputError, match=r"'critical' is unknown.*'critical t'"):
        power.t_test(0.5, 64)["critical"]


def test_an_effect_that_the_design_lacks_is_named():
    with pytest.raises(InputError, match=r"'a:b' is unknown.*Choose one of: a"):
        power.anova("2b", 20, mu=np.array([0, 1]))["a:b"]
