"""The numbers on G*Power's screens, under each of its conventions for the effect size f."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import made
from feedbackstudy.power.noncentral import f_critical, f_power
from feedbackstudy.power.solving import correlation, positive, probability, whole
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Text, number, table_of

__all__ = ["Convention", "GPowerComparison", "GPowerScreen", "Test", "compare_gpower"]

type Test = Literal["one-way", "between", "within", "within-between"]
type Convention = Literal["default", "spss", "cohen"]

_MEANING: Mapping[Convention, str] = {
    "default": "as in G*Power 3.0: f from population means; the correlation is given beside it",
    "spss": "as in SPSS: f from partial eta squared of the data, the correlation is in it already",
    "cohen": "as in Cohen (1988): f from partial eta squared of the population, the correlation is in it already",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GPowerScreen:
    """What G*Power prints.

    Attributes
    ----------
    convention : {"default", "spss", "cohen"}
        How f is read.
    f : float
        The effect size in this convention.
    ncp : float
        Noncentrality lambda.
    critical : float
        Critical F.
    df, df2 : float
        Degrees of freedom.
    power : float
        Power.
    """

    convention: Convention
    f: float
    ncp: float
    critical: float
    df: float
    df2: float
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GPowerComparison(Rendered):
    """One number f under three readings.

    Attributes
    ----------
    title : str
        The test.
    screens : tuple of GPowerScreen
        The same f, read in each way.
    same_effect : mapping of str to float
        The f that each reading needs for the noncentrality of the first one.
    provenance : Provenance
        Conventions and versions.
    """

    title: str
    screens: tuple[GPowerScreen, ...]
    same_effect: Mapping[str, float]
    provenance: Provenance

    def __getitem__(self, convention: str) -> GPowerScreen:
        """Return the screen of one convention."""
        for screen in self.screens:
            if screen.convention == convention:
                return screen
        raise InputError(choices("The convention", convention, _MEANING))

    def frame(self) -> pd.DataFrame:
        """Return one row for each convention.

        Returns
        -------
        DataFrame
            Columns as the attributes of `GPowerScreen`.
        """
        return pd.DataFrame([_row(screen) for screen in self.screens])

    def page(self) -> Page:
        """Return the comparison as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = [_row(screen) | {"reading of f": _MEANING[screen.convention]} for screen in self.screens]
        same = tuple((f"f for the same effect, {name}", number(value, 4)) for name, value in self.same_effect.items())
        told = Text("The same number f is another effect under each convention; say which one a paper used.")
        return Page(title=self.title, blocks=(told, table_of(rows, decimals=6), Facts(same), self.provenance.facts()))


def _row(screen: GPowerScreen) -> dict[str, object]:
    return {name: getattr(screen, name) for name in ("convention", "f", "ncp", "critical", "df", "df2", "power")}


def compare_gpower(
    test: Test,
    f: float,
    *,
    n: int,
    groups: int = 1,
    measurements: int = 1,
    r: float = 0.5,
    epsilon: float = 1.0,
    df: int | None = None,
    alpha: float = 0.05,
) -> GPowerComparison:
    r"""Reproduce a G*Power screen for an analysis of variance, under each convention for f.

    Parameters
    ----------
    test : {"one-way", "between", "within", "within-between"}
        One-way or factorial without repeated measures, or the three repeated-measures tests.
    f : float
        Effect size as typed into G*Power.
    n : int
        Total sample size.
    groups : int, default 1
        Groups (cells of the between-participants crossing).
    measurements : int, default 1
        Repeated measurements.
    r : float, default 0.5
        Correlation of the repeated measurements.
    epsilon : float, default 1
        Nonsphericity correction.
    df : int or None
        Numerator degrees of freedom of one effect in a factorial one-way test; groups - 1 by default.
    alpha : float, default 0.05
        Level.

    Returns
    -------
    GPowerComparison
        Noncentrality, critical F, degrees of freedom and power for each reading of f.

    Raises
    ------
    InputError
        For impossible numbers.

    Notes
    -----
    Default: :math:`\lambda = N m f^2 \epsilon / (1 - r)` within, :math:`N m f^2 / [1 + (m - 1) r]` between. SPSS:
    :math:`\lambda = f^2 df_2`, from :math:`f^2 = SS / SS_{error}`. Cohen: :math:`\lambda = N f^2 \epsilon`.
    One-way: :math:`\lambda = N f^2` in all readings but SPSS's.
    """
    _check(test, f, n=n, groups=groups, measurements=measurements, r=r, epsilon=epsilon, alpha=alpha)
    within = test in ("within", "within-between")
    between_df = groups - 1 if df is None else df
    numerator = {"one-way": between_df, "between": between_df, "within": measurements - 1}
    df1 = float(numerator.get(test, (groups - 1) * (measurements - 1))) * (epsilon if within else 1.0)
    df2 = float(n - groups) * ((measurements - 1) * epsilon if within else 1.0)
    if df1 <= 0:
        raise InputError(
            f"The test {test!r} has no degrees of freedom with {groups} groups, {measurements} measurements."
        )
    default = 1.0 if test == "one-way" else measurements / (1 - r if within else 1 + (measurements - 1) * r)
    factor: dict[Convention, float] = {
        "default": n * default * (epsilon if within else 1.0),
        "spss": df2,
        "cohen": n * (epsilon if within else 1.0),
    }
    critical = float(f_critical(df1, df2, alpha))
    screens = tuple(
        GPowerScreen(
            convention=name,
            f=f,
            ncp=by * f**2,
            critical=critical,
            df=df1,
            df2=df2,
            power=float(f_power(by * f**2, df1, df2, alpha=alpha)),
        )
        for name, by in factor.items()
    )
    return GPowerComparison(
        title=f"G*Power, {test} analysis of variance",
        screens=screens,
        same_effect={name: f * (factor["default"] / by) ** 0.5 for name, by in factor.items()},
        provenance=made("compare_gpower", (f"N = {n} in all, alpha {alpha:g}", *_MEANING.values())),
    )


def _check(
    test: str, f: float, *, n: int, groups: int, measurements: int, r: float, epsilon: float, alpha: float
) -> None:
    tests = ("one-way", "between", "within", "within-between")
    if test not in tests:
        raise InputError(choices("The test", test, tests))
    positive("f", f)
    whole("groups", groups)
    whole("measurements", measurements, least=1 if test == "one-way" else 2)
    whole("n", n, least=groups + 1, unit="participants in all; more than groups")
    correlation("r", r)
    probability("alpha", alpha)
    if measurements > 1 and not -1 / (measurements - 1) < r:
        raise InputError(
            f"r = {r} cannot hold among {measurements} measurements: it must exceed {-1 / (measurements - 1):.3f}."
        )
    if not (measurements == 1 or 1 / (measurements - 1) <= epsilon <= 1):
        raise InputError(f"epsilon = {epsilon} must lie between 1/(measurements - 1) and 1.")
