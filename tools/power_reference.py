"""Reference values of power: the table the tests check, and its page (``python -m tools.power_reference``)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from feedbackstudy import power
from feedbackstudy.files import write_atomic
from feedbackstudy.power.sequential import Spending, boundaries

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "power-reference.md"

R_PNBETA = 1e-9  # R's noncentral beta series stops at this error; ours agrees with the full series to 1e-13
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
        case(
            "f2 = .1/.9, u = 5, v = 89: power",
            "0.6735857709",
            lambda: reg(0.1 / 0.9, 95, predictors=5).value,
            tol=R_PNBETA,
        ),
        case(
            "f2 = .01, u = 5, v = 199, alpha .01: power",
            "0.0494137732920332",
            lambda: reg(0.01, 205, predictors=5, alpha=0.01).value,
            stored,
            R_PNBETA,
        ),
        case(
            "f2 = .09, u = 5, v = 199, alpha .01: power",
            "0.7967191006290872",
            lambda: reg(0.09, 205, predictors=5, alpha=0.01).value,
            stored,
            R_PNBETA,
        ),
        case(
            "f2 = .09, u = 5, v = 19, alpha .1: power",
            "0.235454222377575",
            lambda: reg(0.09, 25, predictors=5, alpha=0.1).value,
            stored,
            R_PNBETA,
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
                f"2b, n = {n}, means 24 26.2, sd 6.4", printed, partial(a, "2b", n, mu=(24, 26.2), sd=6.4), source=exact
            )
            for n, printed in ((100, "67.69"), (150, "84.31"), (175, "89.37"), (180, "90.19"))
        ),
    ]


def _conventions() -> list[Case]:
    def case(what: str, printed: str, ours: Callable[[], float], source: str, tol: float | None = None) -> Case:
        return Case(
            section="Cohen's f and G*Power's screens",
            what=what,
            printed=printed,
            source=source,
            ours=ours,
            tolerance=tol,
        )

    f, g = power.f_test, power.compare_gpower
    within = partial(g, "within", 0.1, n=199, measurements=2, r=0.5)
    mixed = partial(g, "within-between", 0.1481313, n=150, groups=2, measurements=2, r=0.5)
    manual, issue51, issue9 = (
        "G*Power manual's example",
        "G*Power, in Superpower issue 51",
        "G*Power, in Superpower issue 9",
    )
    eta = (0.1 / 0.9) ** 0.5
    return [
        *(
            case(
                f"one-way, {k} groups, f = .25: n each for power .8",
                printed,
                lambda k=k: f(0.25, groups=k, power=0.8).value,  # type: ignore[misc]
                "R pwr",
                ROOT_FINDER,
            )
            for k, printed in ((3, "52.3966016"), (4, "44.5992743"), (5, "39.1533992"))
        ),
        case(
            "10 groups, f = .25, n = 39 each: power",
            "0.9523634099",
            lambda: f(0.25, 39, groups=10).value,
            manual,
            R_PNBETA,
        ),
        case(
            "10 groups, f = .25, n = 20 each, alpha .159194: power",
            "0.8408054117",
            lambda: f(0.25, 20, groups=10, alpha=0.159194).value,
            manual,
            R_PNBETA,
        ),
        case(
            "2x2 effect, f = .25, N = 128: power",
            "0.8013620716",
            lambda: f(0.25, 32, groups=4, df=1).value,
            "R",
            R_PNBETA,
        ),
        case(
            "3x2 interaction, f = .25, N = 158: power",
            "0.8020389852",
            lambda: f(0.25, 158 / 6, groups=6, df=2).value,
            "R",
            R_PNBETA,
        ),
        case(
            "3 groups, eta2 = .1, n = 20 each: power",
            "0.6082",
            lambda: f(eta, 20, groups=3).value,
            "pingouin's documentation",
        ),
        case(
            "within, 3 measurements, eta2 = .1, n = 20, r = .5: power",
            "0.8913",
            lambda: g("within", eta, n=20, measurements=3)["default"].power,
            "pingouin's documentation",
        ),
        case(
            "within, 3 measurements, n = 20, f = .25, r = .8: power",
            "0.9691633566",
            lambda: g("within", 0.25, n=20, measurements=3, r=0.8)["default"].power,
            "R, formula of Superpower's test",
            R_PNBETA,
        ),
        case("within, 2 measurements, N = 199, f = .1: lambda", "7.96", lambda: within()["default"].ncp, issue51),
        case("the same: critical F", "3.8888529", lambda: within()["default"].critical, issue51),
        case("the same: power", "0.8016910", lambda: within()["default"].power, issue51),
        case(
            "within-between, 2x2, N = 150, f = .1481313: lambda",
            "13.1657351",
            lambda: mixed()["default"].ncp,
            issue9 + "; f is printed with 7 digits",
            1e-5,
        ),
        case("the same: critical F", "3.9050601", lambda: mixed()["default"].critical, issue9),
        case("the same: power", "0.95", lambda: mixed()["default"].power, issue9, 1e-6),
    ]


def _clusters() -> list[Case]:
    def case(what: str, printed: str, ours: Callable[[], float], source: str, tol: float | None = None) -> Case:
        return Case(
            section="Clusters and stepped wedge", what=what, printed=printed, source=source, ours=ours, tolerance=tol
        )

    c = power.cluster
    wedge = partial(power.stepped_wedge, 0.3, 12, steps=4, n=10, icc=0.05)
    return [
        case(
            "15 clusters of 20 each arm, ICC .05, d = .3: power",
            "0.7190815295",
            lambda: c(0.3, 15, size=20, icc=0.05).value,
            "R",
        ),
        case("the same, ICC .1, d = .5: power", "0.9344991242", lambda: c(0.5, 15, size=20, icc=0.1).value, "R"),
        case(
            "the same, d in residual standard deviations: power",
            "0.9086242",
            lambda: c(0.5, 15, size=20, icc=0.1, convention="residual").value,
            "R",
        ),
        case(
            "wedge, 12 clusters, 4 steps, n = 10, ICC .05, effect .3: variance",
            "0.01783673469",
            lambda: wedge()["variance"],
            "R, two methods",
        ),
        case("the same: power", "0.6126813358", lambda: wedge().value, "R, two methods"),
        case(
            "60 people, 16 exemplars, counterbalanced, d = .5, shares .2 .2 .1 .1 .1: power",
            "0.7434225484",
            lambda: power.exemplars(0.5, 60, exemplars=16, design="counterbalanced").value,
            "Westfall, Kenny & Judd (2014), formulae in R",
        ),
        case(
            "300 people, one of 10 exemplars each, 2 % of variance between their effects, d = .5: power",
            "0.8645167926",
            lambda: power.exemplars(0.5, 300, exemplars=10, shares={"exemplar_by_condition": 0.02}).value,
            "noncentral t on 9 df in R",
        ),
        case(
            "30 people, 4 rows at each of two levels, effect .4, slopes' sd .5, residual sd 1: power",
            "0.6863084243",
            lambda: power.random_slope(0.4, 30, rows=4, slope_sd=0.5).value,
            'R power.t.test(n = 30, delta = .4, sd = sqrt(.5^2 + 2/4), type = "paired", strict = TRUE)',
        ),
    ]


def _bayes() -> list[Case]:
    def case(
        what: str, printed: str, ours: Callable[[], float], source: str = "R BayesFactor and own quadrature"
    ) -> Case:
        return Case(section="Bayes factors", what=what, printed=printed, source=source, ours=ours)

    b = power.bayes_factor_t
    one = partial(b, 0.5, threshold=6, alternative="greater")
    no_effect = "P(BF > threshold) without effect"
    rows = (
        (3, "0.84104", "2.53195", "0.01212"),
        (6, "0.76308", "2.81573", "0.00536"),
        (10, "0.70011", "3.00869", "0.00296"),
    )
    found = []
    for k, rate, critical, null in rows:
        at = partial(b, 0.5, 100, threshold=k)
        found += [
            case(f"JZS, n = 100 each, d = .5: P(BF10 > {k})", rate, lambda at=at: at().value),  # type: ignore[misc]
            case(f"the same: critical t for BF10 = {k}", critical, lambda at=at: at()["critical t"]),  # type: ignore[misc]
            case(f"the same without effect: P(BF10 > {k})", null, lambda at=at: at()[no_effect]),  # type: ignore[misc]
        ]
    return [
        *found,
        case(
            "JZS, n = 100 each, no effect: P(BF10 < 1/3)",
            "0.80019",
            lambda: b(0.5, 100, threshold=3)["P(BF < 1/threshold) without effect"],
        ),
        case(
            "smallest n each for P(BF10 > 6) of .8, d = .5", "108", lambda: b(0.5, threshold=6, power=0.8)["n, whole"]
        ),
        case("its probability", "0.80157", lambda: b(0.5, 108, threshold=6).value),
        case(
            "smallest n each for P(BF10 > 10) of .8, d = .5", "120", lambda: b(0.5, threshold=10, power=0.8)["n, whole"]
        ),
        case("its probability", "0.80136", lambda: b(0.5, 120, threshold=10).value),
        case("one-sided, n = 146 each, d = .5: P(BF+0 > 6)", "0.953781", lambda: one(146).value),
        case("the same: critical t", "2.581897", lambda: one(146)["critical t"]),
        case("the same without effect", "0.005158", lambda: one(146)[no_effect]),
        case("one-sided, n = 143 each", "0.949641", lambda: one(143).value),
        case("one-sided, n = 144 each", "0.951057", lambda: one(144).value),
    ]


def _sequential() -> list[Case]:
    def case(what: str, printed: str, ours: Callable[[], float], source: str, tol: float | None = None) -> Case:
        return Case(
            section="Group-sequential bounds", what=what, printed=printed, source=source, ours=ours, tolerance=tol
        )

    def bound(kind: Spending, looks: int, look: int, sides: int = 2) -> float:
        times = np.arange(1, looks + 1) / looks
        return float(boundaries(times, kind=kind, alpha=0.05, sides=sides)[look - 1])

    table = "R and Jennison & Turnbull's tables"
    single: tuple[tuple[Spending, int, str], ...] = (
        ("pocock", 2, "2.1783"),
        ("pocock", 3, "2.2895"),
        ("pocock", 5, "2.4132"),
        ("obrien-fleming", 2, "1.9774"),
        ("obrien-fleming", 3, "2.0040"),
    )
    rows: tuple[tuple[Spending, int, tuple[str, ...], int, str, float | None], ...] = (
        ("obrien-fleming", 2, ("4.5617", "3.2256", "2.6337", "2.2809", "2.0401"), 5, table, None),
        ("lan-demets-obrien-fleming", 2, ("2.9626", "1.9686"), 2, "R", None),
        ("lan-demets-obrien-fleming", 2, ("3.7103", "2.5114", "1.9930"), 3, "R", None),
        ("lan-demets-obrien-fleming", 2, ("4.3326", "2.9631", "2.3590", "2.0141"), 4, "R", None),
        (
            "lan-demets-obrien-fleming",
            1,
            ("3.74955", "2.53993", "2.01604", "1.72014"),
            4,
            "SeqBounds.jl, on its own grid",
            5e-5,
        ),
    )
    found = [
        case(f"{kind}, two-sided .05, {k} looks: last bound", printed, partial(bound, kind, k, k), table)
        for kind, k, printed in single
    ]
    for kind, sides, bounds, looks, source, tol in rows:
        found += [
            case(
                f"{kind}, {sides}-sided .05, look {i + 1} of {looks}",
                printed,
                partial(bound, kind, looks, i + 1, sides),
                source,
                tol,
            )
            for i, printed in enumerate(bounds)
        ]
    return found


def _other() -> list[Case]:
    def case(what: str, printed: str, ours: Callable[[], float], source: str = "R", tol: float | None = None) -> Case:
        return Case(
            section="Type S and M, equivalence, ordinal, precision, joint",
            what=what,
            printed=printed,
            source=source,
            ours=ours,
            tolerance=tol,
        )

    s, e = power.type_s_m, power.tost
    small, fair = partial(s, 2.0, 8.1), partial(s, 2.8, 1.0)
    return [
        case("effect 2, SE 8.1: power", "0.0570129", lambda: small().power, "R, Gelman & Carlin's example"),
        case("the same: type S", "0.239618", lambda: small()["type S"], "R, Gelman & Carlin's example"),
        case("the same: type M", "9.53663", lambda: small()["type M"], "R, Gelman & Carlin's example"),
        case("z = 2.8: power", "0.7995569", lambda: fair().power),
        case("z = 2.8: type S", "0.0000012", lambda: fair()["type S"]),
        case("z = 2.8: type M", "1.12522", lambda: fair()["type M"]),
        case("power .8: type S", "0.0000012007", lambda: s(1.0, power=0.8)["type S"], "cjpowR issue 1"),
        case("TOST, n = 100 each, bounds .4: power", "0.7595605", lambda: e(0.4, 100).value),
        case("the same, d = .1", "0.6503883", lambda: e(0.4, 100, d=0.1).value),
        case("TOST, n = 70 each, bounds .5: power", "0.8059312", lambda: e(0.5, 70).value),
        case(
            "4 ordered categories .2 .5 .2 .1, OR 2.5 towards the lower, 65 each: power",
            "0.791409",
            lambda: power.ordinal(1 / 2.5, 65, control=(0.2, 0.5, 0.2, 0.1)).value,
        ),
        case(
            "n each for a 95 % interval of width .4 around d = .5",
            "199",
            lambda: power.precision(0.5, width=0.4)["n, whole"],
        ),
        case(
            "two independent tests of power .8: any",
            "0.96",
            lambda: power.joint([0.8, 0.8])["any"],
            "closed form",
            1e-12,
        ),
        case(
            "two independent tests of power .8: all",
            "0.64",
            lambda: power.joint([0.8, 0.8]).power,
            "closed form",
            1e-12,
        ),
    ]


CASES: tuple[Case, ...] = (
    *_means(),
    *_associations(),
    *_anova(),
    *_conventions(),
    *_clusters(),
    *_bayes(),
    *_sequential(),
    *_other(),
)


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
