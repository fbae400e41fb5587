"""The recompute step of statcheck: whether a printed p follows from the printed statistic and df."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator
from scipy import special

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.literature.printed import Printed, PrintedP, number_of, rounds_to, split_p, unit_of
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Table, Text, counted, number

__all__ = ["PrintedTest", "StatcheckReport", "TestVerdict", "check_test", "check_tests"]

type Kind = Literal["t", "F", "r", "chi2", "z", "Q"]

_DF_NEEDED: Mapping[str, int] = {"t": 1, "F": 2, "r": 1, "chi2": 1, "z": 0, "Q": 1}
_DIRECTIONAL = frozenset({"t", "r", "z"})


class PrintedTest(Declaration):
    """A test result as printed.

    Attributes
    ----------
    kind : {"t", "F", "r", "chi2", "z", "Q"}
        The statistic.
    statistic : str
        Its value as printed.
    df : tuple of str
        Degrees of freedom as printed: none for z, two for F, one otherwise.
    p : str
        The p value as printed: ``".034"``, ``"< .001"``, ``"> .05"``.
    tails : {1, 2}
        One-tailed or two-tailed, as the source states; F, chi2 and Q have one upper tail whatever is given.
    alpha : str
        Level at which the source decides.
    """

    kind: Kind
    statistic: Printed
    df: Many[Printed] = ()
    p: PrintedP
    tails: Literal[1, 2] = 2
    alpha: Printed = "0.05"

    @model_validator(mode="after")
    def _numbers_possible(self) -> Self:
        if len(self.df) != _DF_NEEDED[self.kind]:
            raise ValueError(f"{self.kind} takes {_DF_NEEDED[self.kind]} df; given {list(self.df)}.")
        if any(number_of(df) <= 0 for df in self.df):
            raise ValueError(f"degrees of freedom must be positive; given {list(self.df)}.")
        statistic = number_of(self.statistic)
        if self.kind == "r" and abs(statistic) > 1:
            raise ValueError(f"a correlation lies between -1 and 1; given {self.statistic}.")
        if self.kind in {"F", "chi2", "Q"} and statistic < 0:
            raise ValueError(f"{self.kind} cannot be negative; given {self.statistic}.")
        if not 0 <= number_of(split_p(self.p)[1]) <= 1:
            raise ValueError(f"a p value lies between 0 and 1; given {self.p}.")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class TestVerdict:
    """One printed test, recomputed.

    Attributes
    ----------
    test : PrintedTest
        As printed.
    p : float
        The p value of the printed statistic.
    p_low, p_high : float
        The smallest and largest p that a statistic rounding to the printed one can have.
    error : bool
        The printed p is not among them, or is printed as zero.
    decision_error : bool
        It is an error, and the printed and the recomputed p fall on different sides of alpha.
    zero_p : bool
        A p value was printed as zero (``p = .000``), which no test can give.
    one_tailed_fits : bool
        A two-tailed error that would be none if the test were one-tailed: ask before calling it an error.
    """

    __test__ = False

    test: PrintedTest
    p: float
    p_low: float
    p_high: float
    error: bool
    decision_error: bool
    zero_p: bool
    one_tailed_fits: bool


def _p_of_r(r: float, df: float) -> float:
    if abs(r) >= 1:
        return 0.0
    return _p_of_t(r * (df / (1 - r * r)) ** 0.5, df)


def _p_of_t(t: float, df: float) -> float:
    return 2 * float(special.stdtr(df, -abs(t)))


_P_VALUES: Mapping[str, Callable[..., float]] = {
    "t": _p_of_t,
    "F": lambda f, df1, df2: float(special.fdtrc(df1, df2, f)),
    "r": _p_of_r,
    "chi2": lambda x, df: float(special.chdtrc(df, x)),
    "z": lambda z: 2 * float(special.ndtr(-abs(z))),
    "Q": lambda x, df: float(special.chdtrc(df, x)),
}


def check_test(test: PrintedTest) -> TestVerdict:
    """Recompute the p value of a printed test and compare it with the printed one.

    Parameters
    ----------
    test : PrintedTest
        Statistic, df and p as printed.

    Returns
    -------
    TestVerdict
        The recomputed p with its bounds, whether the print is in error and whether a decision hangs on it.

    Notes
    -----
    The printed statistic x stands for every value in [x - u/2, x + u/2], u being one unit of its last place; so p lies
    between the p values of the largest and the smallest absolute statistic. "p = v" is consistent where v rounds from a
    number of that range, "p < v" where the range reaches below v, "p > v" where it reaches above. The significance
    level itself counts as significant, as in statcheck.

    References
    ----------
    Nuijten, M. B., et al. (2016). The prevalence of statistical reporting errors in psychology. Behavior Research
    Methods, 48, 1205-1226.
    """
    sides = test.tails if test.kind in _DIRECTIONAL else 2
    p, low, high = (value * sides / 2 for value in _p_range(test))
    zero = split_p(test.p)[0] != ">" and number_of(split_p(test.p)[1]) == 0
    error = zero or not _fits(test.p, low, high)
    return TestVerdict(
        test=test,
        p=p,
        p_low=low,
        p_high=high,
        error=error,
        decision_error=error and not zero and _decides_differently(test, p),
        zero_p=zero,
        one_tailed_fits=error and not zero and _could_be_one_tailed(test) and _fits(test.p, low / 2, high / 2),
    )


def _could_be_one_tailed(test: PrintedTest) -> bool:
    return test.tails == 2 and test.kind in _DIRECTIONAL


def _p_range(test: PrintedTest) -> tuple[float, float, float]:
    size, half = abs(number_of(test.statistic)), float(unit_of(test.statistic)) / 2
    df = [number_of(text) for text in test.df]
    p_value = _P_VALUES[test.kind]
    largest = min(size + half, 1.0) if test.kind == "r" else size + half
    return p_value(size, *df), p_value(largest, *df), p_value(max(size - half, 0.0), *df)


def _fits(printed: str, low: float, high: float) -> bool:
    sign, text = split_p(printed)
    value = number_of(text)
    if sign == "<":
        return low < value
    if sign == ">":
        return high > value
    return low <= value <= high or rounds_to(low, text) or rounds_to(high, text)


def _decides_differently(test: PrintedTest, p: float) -> bool:
    sign, text = split_p(test.p)
    value, alpha = number_of(text), number_of(test.alpha)
    if sign == "<" and value > alpha:
        return False
    if sign == ">" and value < alpha:
        return False
    printed_significant = sign != ">" and value <= alpha
    return printed_significant != (p <= alpha)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatcheckReport(Rendered):
    """Many printed tests, recomputed.

    Attributes
    ----------
    verdicts : tuple of TestVerdict
        In the order given.
    provenance : Provenance
        What made it.
    """

    verdicts: tuple[TestVerdict, ...]
    provenance: Provenance

    def page(self) -> Page:
        """Return one row for each test.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                _apa(verdict.test),
                number(verdict.p, 5),
                f"{number(verdict.p_low, 5)} to {number(verdict.p_high, 5)}",
                _word(verdict),
            )
            for verdict in self.verdicts
        )
        errors = sum(verdict.error for verdict in self.verdicts)
        decisions = sum(verdict.decision_error for verdict in self.verdicts)
        head = ("as printed", "recomputed p", "p within rounding", "verdict")
        change = "changes" if decisions == 1 else "change"
        tests = f"{counted(len(rows), 'test')}: {counted(errors, 'error')}"
        subtitle = f"{tests}, {decisions} of them {change} the decision"
        tail = Text("An error says that the printed numbers disagree with each other, not which of them is wrong.")
        return Page("Printed tests, recomputed", subtitle, (Table(head, rows), tail, self.provenance.facts()))


def _apa(test: PrintedTest) -> str:
    df = f"({', '.join(test.df)})" if test.df else ""
    sign, value = split_p(test.p)
    tails = ", one-tailed" if test.tails == 1 else ""
    return f"{test.kind}{df} = {test.statistic}, p {sign} {value}{tails}"


def _word(verdict: TestVerdict) -> str:
    if not verdict.error:
        return "consistent"
    if verdict.zero_p:
        return "error: p printed as zero"
    word = "decision error" if verdict.decision_error else "error"
    return f"{word}; fits a one-tailed test" if verdict.one_tailed_fits else word


def check_tests(tests: Iterable[PrintedTest]) -> StatcheckReport:
    """Recompute many printed tests.

    Parameters
    ----------
    tests : iterable of PrintedTest
        As printed.

    Returns
    -------
    StatcheckReport
        One verdict for each.
    """
    conventions = (
        "p recomputed from statistic and df; the statistic may lie half a unit of its last place on either side",
        "p equal to alpha counts as significant; p printed as zero is an error",
    )
    verdicts = tuple(check_test(test) for test in tests)
    return StatcheckReport(
        verdicts=verdicts, provenance=Provenance(made_by="literature.check_tests", conventions=conventions)
    )
