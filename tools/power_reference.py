"""Reference values of power: the table the tests check, and its page (``python -m tools.power_reference``)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy import power
from feedbackstudy.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "power-reference.md"

ROUNDING = 1.0  # times half a unit in the last printed digit
ROOT_FINDER = 3e-5  # R's uniroot stops within .Machine$double.eps^0.25 = 1.2e-4 of a root


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One number and where it was printed.

    Attributes
    ----------
    section : str
        Heading on the page.
    what : str
        The question in words.
    printed : str
        The reference value with its digits.
    source : str
        What printed it.
    ours : callable
        The call that answers it.
    tolerance : float or None
        Allowed difference; half a unit in the last printed digit by default.
    """

    section: str
    what: str
    printed: str
    source: str
    ours: Callable[[], float]
    tolerance: float | None = None

    @property
    def allowed(self) -> float:
        """Half a unit in the last printed digit, unless a tolerance is stated."""
        decimals = len(self.printed.partition(".")[2])
        return 0.500001 * 10.0**-decimals if self.tolerance is None else self.tolerance


def _means() -> list[Case]:
    def case(
        what: str, printed: str, ours: Callable[[], float], source: str = "R pwr", tol: float | None = None
    ) -> Case:
        return Case(section="t tests", what=what, printed=printed, source=source, ours=ours, tolerance=tol)

    t = power.t_test
    stored = "statsmodels' tests, from R pwr"
    return [
        case("two samples, d = .5, n = 64 each: power", "0.8014595579", lambda: t(0.5, 64).value),
        case("n each for power .8, d = .2", "393.4056960", lambda: t(0.2, power=0.8).value, tol=ROOT_FINDER),
        case("n each for power .8, d = .5", "63.7656104", lambda: t(0.5, power=0.8).value, tol=ROOT_FINDER),
        case("n each for power .8, d = .8", "25.5245816", lambda: t(0.8, power=0.8).value, tol=ROOT_FINDER),
        case("n each for power .95, d = .5", "104.9279433", lambda: t(0.5, power=0.95).value, tol=ROOT_FINDER),
        case(
            "n each for power .8, d = .5, one-sided",
            "50.1507972",
            lambda: t(0.5, power=0.8, alternative="greater").value,
            tol=ROOT_FINDER,
        ),
        case(
            "pairs for power .8, dz = .5",
            "33.3671291",
            lambda: t(0.5, power=0.8, samples="paired").value,
            tol=ROOT_FINDER,
        ),
        case("d = .1, n = 20 each: power", "0.06095912465", lambda: t(0.1, 20).value, stored),
        case("d = 1, n = 30 each: power", "0.967708258242517", lambda: t(1.0, 30).value, stored, 1e-12),
        case("d = .1, n = 20 and 30: power", "0.0633081832564667", lambda: t(0.1, 20, ratio=1.5).value, stored, 2e-11),
        case(
            "d = .1, n = 20 and 30, one-sided: power",
            "0.09623589080917805",
            lambda: t(0.1, 20, ratio=1.5, alternative="greater").value,
            stored,
            1e-12,
        ),
        case("smallest d, power .8, n = 100 each", "0.3981407333", lambda: t(n=100, power=0.8).value, tol=ROOT_FINDER),
        case("smallest d, power .8, n = 50 each", "0.5658579528", lambda: t(n=50, power=0.8).value, tol=ROOT_FINDER),
        case(
            "observed d at reliability .8, d = .5",
            "0.4472136",
            lambda: 0.5 * t(0.5, 64, reliability=0.8)["ncp"] / t(0.5, 64)["ncp"],
            "closed form",
        ),
        case("n each, d = .5, reliability .8", "79.46", lambda: t(0.5, power=0.8, reliability=0.8).value, "R"),
        case("n each, d = .5, reliability .7", "90.67", lambda: t(0.5, power=0.8, reliability=0.7).value, "R", 0.0051),
        case("n each, d = .4, covariate r = .5", "74.56", lambda: t(0.4, power=0.8, r=0.5).value, "R", 0.0051),
        case("n each, d = .4, no covariate", "99.08", lambda: t(0.4, power=0.8).value, "R"),
        case("d = .5, n = 64, Bonferroni for 3 tests: power", "0.6562471", lambda: t(0.5, 64, tests=3).value, "R"),
    ]


def _associations() -> list[Case]:
    def case(
        what: str, printed: str, ours: Callable[[], float], source: str = "R pwr", tol: float | None = None
    ) -> Case:
        return Case(
            section="Correlation, regression, frequencies",
            what=what,
            printed=printed,
            source=source,
            ours=ours,
            tolerance=tol,
        )

    reg, stored = power.regression, "statsmodels' tests, from R pwr"
    return [
        case("r = .3, n = 50: power", "0.5715558419", lambda: power.correlation(0.3, 50).value),
        case("n for power .8, r = .3", "84.0736398", lambda: power.correlation(0.3, power=0.8).value, tol=ROOT_FINDER),
        case("r = .5, n = 20: power", "0.6379", lambda: power.correlation(0.5, 20).value, "pingouin's documentation"),
        case("f2 = .1/.9, u = 5, v = 89: power", "0.6735857709", lambda: reg(0.1 / 0.9, 95, predictors=5).value),
        case(
            "f2 = .01, u = 5, v = 199, alpha .01: power",
            "0.0494137732920332",
            lambda: reg(0.01, 205, predictors=5, alpha=0.01).value,
            stored,
            1e-12,
        ),
        case(
            "f2 = .09, u = 5, v = 199, alpha .01: power",
            "0.7967191006290872",
            lambda: reg(0.09, 205, predictors=5, alpha=0.01).value,
            stored,
            1e-12,
        ),
        case(
            "f2 = .09, u = 5, v = 19, alpha .1: power",
            "0.235454222377575",
            lambda: reg(0.09, 25, predictors=5, alpha=0.1).value,
            stored,
            1e-12,
        ),
        case(
            "two proportions, h = .3, n = 80 each: power", "0.4751008706", lambda: power.proportions(h=0.3, n=80).value
        ),
        case(
            "chi2, w = .3, df 1, n for power .8",
            "87.2095379",
            lambda: power.chi2(0.3, df=1, power=0.8).value,
            tol=ROOT_FINDER,
        ),
        case(
            "chi2, w = .3, df 1, n = 20: power",
            "0.2687",
            lambda: power.chi2(0.3, 20, df=1).value,
            "pingouin's documentation",
        ),
    ]


def _anova() -> list[Case]:
    def percent(
        what: str,
        printed: str,
        ours: Callable[[], power.AnovaPower],
        effect: str = "a",
        source: str = "Superpower's tests",
    ) -> Case:
        return Case(
            section="Analysis of variance from means",
            what=f"{what}, effect {effect}: power in %",
            printed=printed,
            source=source,
            ours=lambda: 100 * ours()[effect].power,
        )

    a = power.anova
    tasks = (80, 82, 82, 86)
    poly = {"linear": (-3, -1, 1, 3), "quadratic": (1, -1, -1, 1), "cubic": (-1, 3, -3, 1)}
    two, three = (0.85, 0.85, 0, 0.6), (2, 2, 6, 1, 6, 6, 1, 8)
    mixed = (0, 0, 0, 0, 0, 0.5, 0.5, 0.5)
    exact = "own exact prototype, Superpower's tests to their digits"
    return [
        percent("4b, n = 60, means 80 82 82 86, sd 10", "81.21", lambda: a("4b", 60, mu=tasks, sd=10), source=exact),
        percent("4b, n = 30, the same", "48.09", lambda: a("4b", 30, mu=tasks, sd=10), source=exact),
        *(
            percent(
                f"4b, n = 60, the same, {name} contrast",
                printed,
                lambda: a("4b", 60, mu=tasks, sd=10, contrasts=poly),
                name,
                "Aberson, as in Superpower's tests",
            )
            for name, printed in (("linear", "87.39"), ("quadratic", "12.05"), ("cubic", "17.89"))
        ),
        *(
            percent(
                "2b*2b, n = 100, means .85 .85 0 .6, sd 1.7", printed, lambda: a("2b*2b", 100, mu=two, sd=1.7), e, exact
            )
            for e, printed in (("a", "89.75"), ("b", "42.10"), ("a:b", "42.10"))
        ),
        percent("3w, n = 20, r = .8", "96.92", lambda: a("3w", 20, mu=(-0.3061862, 0, 0.3061862), r=0.8), source=exact),
        percent("2w, n = 21, means 0 .65, r = .55", "84.76", lambda: a("2w", 21, mu=(0, 0.65), r=0.55), source=exact),
        percent("2b, n = 22, means 0 .65", "55.82", lambda: a("2b", 22, mu=(0, 0.65)), source=exact),
        percent(
            "4b, n = 15, means 0 .25 .33 .44", "15.05", lambda: a("4b", 15, mu=(0, 0.25, 0.33, 0.44)), source=exact
        ),
        *(
            percent("2b*4w, n = 9, r = .71, sd 2", printed, lambda: a("2b*4w", 9, mu=mixed, sd=2, r=0.71), e, exact)
            for e, printed in (("a", "7.08"), ("b", "9.26"), ("a:b", "9.26"))
        ),
        percent("2b*2b*2b, n = 50, sd 10", "84.91", lambda: a("2b*2b*2b", 50, mu=three, sd=10), "a:b:c", exact),
        *(
            percent(
                "2b*2b, n = 150, means 20 20 20 25, sd 20",
                "33.33",
                lambda: a("2b*2b", 150, mu=(20, 20, 20, 25), sd=20),
                e,
                exact,
            )
            for e in ("a", "b", "a:b")
        ),
        *(
            percent(
                f"2b, n = {n}, means 24 26.2, sd 6.4",
                printed,
                lambda n=n: a("2b", n, mu=(24, 26.2), sd=6.4),
                source=exact,
            )  # type: ignore[misc]
            for n, printed in ((100, "67.69"), (150, "84.31"), (175, "89.37"), (180, "90.19"))
        ),
    ]


CASES: tuple[Case, ...] = (*_means(), *_associations(), *_anova())


def page() -> str:
    """Return the page: one line for each reference value.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "# Reference values of power",
        "",
        "Written by `python -m tools.power_reference` from the table that the tests check; do not edit by hand.",
        "",
        "*Allowed* is half a unit in the last printed digit, unless the reference itself was found by a root finder",
        "that stops earlier (R's `uniroot`: 1.2e-4) or its digits carry numerical error.",
    ]
    for section in dict.fromkeys(case.section for case in CASES):
        lines += [
            "",
            f"## {section}",
            "",
            "| question | reference | feedbackstudy | allowed | source |",
            "|---|---|---|---|---|",
        ]
        for case in (case for case in CASES if case.section == section):
            digits = max(4, len(case.printed.partition(".")[2]))
            shown = f"{case.ours():.{min(digits, 8)}f}"
            lines.append(f"| {case.what} | {case.printed} | {shown} | {case.allowed:.1e} | {case.source} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_atomic(PAGE, page())
