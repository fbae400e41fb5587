"""GRIM and the recompute step of statcheck: known cases, brute force, and properties."""

from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from feedbackstudy import datasets
from feedbackstudy.errors import DeclarationError
from feedbackstudy.literature.grim import Grim, grim, grim_all
from feedbackstudy.literature.printed import rounds_to
from feedbackstudy.literature.statcheck import PrintedTest, check_test, check_tests

RULES = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "half-down": ROUND_HALF_DOWN}


def printed(total, cells, decimals, rule):
    exact = Decimal(total) / Decimal(cells)
    return str(exact.quantize(Decimal(1).scaleb(-decimals), rounding=RULES[rule]))


@pytest.mark.parametrize(
    ("mean", "terms", "consistent"),
    [
        ("5.19", Grim(n=28), False),  # 145/28 = 5.18, 146/28 = 5.21 (the example of Brown & Heathers 2017)
        ("5.18", Grim(n=28), True),
        ("5.21", Grim(n=28), True),
        ("3.45", Grim(n=20), True),
        ("3.46", Grim(n=20), False),
        ("3.46", Grim(n=20, items=2), False),  # 69/20 = 3.45, 139/40 = 3.475
        ("3.48", Grim(n=20, items=2), True),  # 139/40 = 3.475, rounded up
        ("3.475", Grim(n=20, items=2), True),
        ("72", Grim(n=152, percent=True), True),  # 109/152 = 71.7%, 110/152 = 72.4%
        ("71.9", Grim(n=152, percent=True), False),
        ("-1.5", Grim(n=2), True),
        ("-1.4", Grim(n=2), False),
    ],
)
def test_known_means_pass_or_fail(mean, terms, consistent):
    assert grim(mean, terms).consistent is consistent


def test_the_totals_behind_a_percentage_are_named():
    assert grim("72", Grim(n=152, percent=True)).totals == (109, 110)
    assert grim("22", Grim(n=155, percent=True)).totals == (34,)


@pytest.mark.parametrize(("rule", "consistent"), [("half-up", True), ("half-down", False), ("half-even", True)])
def test_a_tie_passes_only_under_the_rule_that_gives_it(rule, consistent):
    assert grim("0.38", Grim(n=8, rounding=rule)).consistent is consistent  # 3/8 = .375


@given(
    st.integers(1, 400), st.integers(1, 6), st.integers(-3000, 3000), st.integers(0, 4), st.sampled_from(sorted(RULES))
)
def test_every_mean_of_whole_numbers_passes(n, items, total, decimals, rule):
    mean = printed(total, n * items, decimals, rule)
    assert grim(mean, Grim(n=n, items=items, rounding=rule)).consistent
    assert grim(mean, Grim(n=n, items=items)).consistent


@given(st.integers(1, 60), st.integers(0, 700), st.sampled_from(sorted(RULES)))
def test_a_mean_passes_exactly_when_enumeration_finds_it(n, hundredths, rule):
    mean = f"{hundredths / 100:.2f}"
    possible = any(Decimal(printed(total, n, 2, rule)) == Decimal(mean) for total in range(7 * n + 2))
    assert grim(mean, Grim(n=n, rounding=rule)).consistent is possible


def test_power_is_the_share_of_impossible_means():
    assert grim("5.19", Grim(n=28)).power == pytest.approx(0.72)
    assert grim("5.19", Grim(n=100)).power == 0
    failing = sum(not grim(f"5.{i:02d}", Grim(n=28)).consistent for i in range(100))
    assert failing == 72


def test_printed_means_of_the_fairness_study_are_possible():
    """Nine means of 75 people: one whole-number item for the original, the mean of two items for dp and eqo."""
    frame = datasets.load("juijn2023_group_summary").frame
    means = [
        (f"{row['mean']:.4f}", Grim(n=75, items=1 if row["outcome"] == "original" else 2))
        for _, row in frame.iterrows()
    ]
    report = grim_all(means)
    assert report.inconsistent == ()
    assert all(result.power > 0.98 for result in report.results)
    assert "0 of 9" in str(report)


@pytest.mark.parametrize("bad", [{"n": 0}, {"n": 10, "items": 0}, {"n": 10, "rounding": "up"}])
def test_impossible_terms_are_refused(bad):
    with pytest.raises(DeclarationError):
        Grim(**bad)


def case(kind, statistic, df, p, **more):
    return PrintedTest(kind=kind, statistic=statistic, df=df, p=p, **more)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (case("t", "2.20", ["28"], ".036"), 2 * stats.t.sf(2.20, 28)),
        (case("t", "-2.20", ["28"], ".036"), 2 * stats.t.sf(2.20, 28)),
        (case("t", "2.20", ["28"], ".018", tails=1), stats.t.sf(2.20, 28)),
        (case("F", "3.90", ["1", "30"], ".058"), stats.f.sf(3.90, 1, 30)),
        (case("chi2", "6.53", ["2"], ".038"), stats.chi2.sf(6.53, 2)),
        (case("Q", "35.83", ["18"], ".007"), stats.chi2.sf(35.83, 18)),
        (case("z", "1.96", [], ".050"), 2 * stats.norm.sf(1.96)),
        (case("r", "-.30", ["48"], ".034"), 2 * stats.t.sf(0.3 * (48 / (1 - 0.09)) ** 0.5, 48)),
        (case("t", "2.45", ["16.73"], ".026"), 2 * stats.t.sf(2.45, 16.73)),
    ],
)
def test_p_is_recomputed_and_the_print_consistent(test, expected):
    verdict = check_test(test)
    assert verdict.p == pytest.approx(expected, rel=1e-12)
    assert not verdict.error


@pytest.mark.parametrize(
    ("test", "error", "decision"),
    [
        (case("t", "2.20", ["28"], ".03"), True, False),  # p = .036
        (case("F", "3.90", ["1", "30"], ".04"), True, True),  # p = .058
        (case("F", "3.90", ["1", "30"], "<.05"), True, True),
        (case("F", "3.90", ["1", "30"], ">.05"), False, False),
        (case("F", "7.10", ["1", "30"], ">.05"), True, True),  # p = .012
        (case("chi2", "6.53", ["2"], "<.05"), False, False),
        (case("chi2", "6.53", ["2"], "<.001"), True, False),
        (case("t", "9.10", ["28"], ".000"), True, False),
        (case("t", "9.10", ["28"], "<.001"), False, False),
        (case("z", "1.96", [], ".05"), False, False),
        (case("t", "0.5", ["28"], "<.10"), True, False),  # no decision at .05 hangs on "< .10"
    ],
)
def test_errors_and_decision_errors_are_told_apart(test, error, decision):
    verdict = check_test(test)
    assert (verdict.error, verdict.decision_error) == (error, decision)


def test_a_p_of_zero_is_an_error_of_its_own():
    assert check_test(case("t", "9.10", ["28"], ".000")).zero_p
    assert not check_test(case("t", "9.10", ["28"], "<.001")).zero_p


def test_a_two_tailed_error_that_fits_one_tail_is_pointed_out():
    verdict = check_test(case("t", "2.20", ["28"], ".018"))
    assert verdict.error
    assert verdict.one_tailed_fits
    assert not check_test(case("F", "4.84", ["1", "28"], ".018")).one_tailed_fits


@given(
    st.sampled_from(["t", "F", "r", "chi2", "z", "Q"]),
    st.floats(0.02, 0.93),
    st.integers(3, 300),
    st.integers(1, 4),
    st.integers(2, 4),
)
def test_a_correctly_rounded_report_is_never_an_error(kind, raw, df, decimals, p_decimals):
    exact = raw if kind == "r" else raw * 6
    dfs = {"z": [], "F": ["2", str(df)]}.get(kind, [str(df)])
    p = {
        "t": lambda: 2 * stats.t.sf(exact, df),
        "F": lambda: stats.f.sf(exact, 2, df),
        "r": lambda: 2 * stats.t.sf(exact * (df / (1 - exact**2)) ** 0.5, df),
        "chi2": lambda: stats.chi2.sf(exact, df),
        "Q": lambda: stats.chi2.sf(exact, df),
        "z": lambda: 2 * stats.norm.sf(exact),
    }[kind]()
    printed_p = f"{p:.{p_decimals}f}"
    text = f"<{10**-p_decimals:.{p_decimals}f}" if float(printed_p) == 0 else printed_p
    if text.startswith("<") and p >= 10**-p_decimals:
        return
    assert not check_test(case(kind, f"{exact:.{decimals}f}", dfs, text)).error


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "t", "statistic": "2.2", "df": ["1", "28"], "p": ".03"},
        {"kind": "r", "statistic": "1.2", "df": ["28"], "p": ".03"},
        {"kind": "F", "statistic": "-2.2", "df": ["1", "28"], "p": ".03"},
        {"kind": "t", "statistic": "2.2", "df": ["0"], "p": ".03"},
        {"kind": "t", "statistic": "2.2", "df": ["28"], "p": "1.3"},
        {"kind": "t", "statistic": 2.2, "df": ["28"], "p": ".03"},
        {"kind": "b", "statistic": "2.2", "df": ["28"], "p": ".03"},
    ],
)
def test_impossible_tests_are_refused(bad):
    with pytest.raises(DeclarationError):
        PrintedTest(**bad)


def test_a_report_of_tests_counts_errors():
    report = check_tests([case("t", "2.20", ["28"], ".03"), case("z", "1.96", [], ".05")])
    assert "2 tests: 1 error, 0 of them change the decision" in str(report)
    assert "t(28) = 2.20, p = .03" in str(report)


@pytest.mark.parametrize(
    ("value", "text", "fits"),
    [
        (0.599, "0.60", True),
        (0.6049999, "0.60", True),
        (0.605, "0.60", True),  # half-even
        (0.605, "0.61", True),  # half-up
        (0.615, "0.61", False),
        (-0.605, "-0.61", True),  # half-up is away from zero
        (1.005, "1.01", True),  # not lost to binary floating point
        (2814.971, "2,814.971", True),
        (1.0284e-05, "1.028e-05", True),
        (0.0044, "0.00440", True),
    ],
)
def test_rounding_to_the_printed_digits(value, text, fits):
    assert rounds_to(value, text) is fits


@given(st.fractions(-100, 100, max_denominator=1000), st.integers(0, 4))
def test_a_number_rounds_to_its_own_print(number, decimals):
    value = Decimal(number.numerator) / Decimal(number.denominator)
    for rule in (ROUND_HALF_UP, ROUND_HALF_EVEN):
        text = str(value.quantize(Decimal(1).scaleb(-decimals), rounding=rule))
        assert rounds_to(float(Fraction(number)), text)
