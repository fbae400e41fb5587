"""Effect sizes of two groups of a data frame, or from a printed F, with intervals."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from feedbackstudy.analysis.frequentist.differences import (
    KINDS,
    common_language,
    paired_difference,
    rank_biserial,
    standardised,
)
from feedbackstudy.analysis.frequentist.effect_sizes import Sized, eta_squared, omega_squared
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.reported import Reported, without_numbers
from feedbackstudy.analysis.tables import one_number
from feedbackstudy.analysis.two_groups import TwoGroups, two_groups
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number
from feedbackstudy.render import Page, Text, interval, number, table_of

__all__ = ["EffectSize", "effect_size", "effect_size_from_f"]

type Kind = Literal["d", "g", "glass", "unpooled", "dz", "dav", "rank_biserial", "cles"]

_PAIRED = ("dz", "dav")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectSize(Reported):
    """An effect size. Make it with `effect_size` or `effect_size_from_f`.

    Attributes
    ----------
    kind : str
        Which one.
    comparison : str
        What was compared.
    estimate, low, high, level : float
        Estimate and interval.
    n : tuple of int
        People in each group, or pairs; empty where made from F.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    """

    kind: str
    comparison: str
    estimate: float
    low: float
    high: float
    level: float
    n: tuple[int, ...]
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""
        return without_numbers({"estimate": self.estimate, "lower limit": self.low, "upper limit": self.high})

    def frame(self) -> pd.DataFrame:
        """Return one row, unrounded.

        Returns
        -------
        DataFrame
            ``kind, comparison, estimate, low, high, level``.
        """
        names = ("kind", "comparison", "estimate", "low", "high", "level")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def r_script(self) -> RScript:
        """Return base R code that recomputes the estimate and its limits.

        Returns
        -------
        RScript
            With the rows used as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return estimate, interval, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        shown = {
            "comparison": self.comparison,
            self.kind: number(self.estimate),
            f"{self.level:.0%} CI": interval(self.low, self.high),
            "n": " and ".join(map(str, self.n)) or None,
        }
        notes = tuple(Text(text) for text in self.notes)
        return Page("Effect size", "", (*self.stops(), table_of([shown]), *notes, self.provenance.facts()))


def effect_size(
    data: pd.DataFrame,
    outcome: str,
    group: str,
    *,
    participant: str | None = None,
    kind: Kind | None = None,
    groups: tuple[str, str] | None = None,
    level: float = 0.95,
) -> EffectSize:
    """Compare two groups, or two occasions of the same people, by an effect size.

    Parameters
    ----------
    data : DataFrame
        One row for each person (and occasion). It is not changed.
    outcome, group : str
        Columns of the outcome and of the groups.
    participant : str, optional
        Column that names people who were measured twice.
    kind : {"d", "g", "glass", "unpooled", "dz", "dav", "rank_biserial", "cles"}, optional
        Which effect size: g by default, dz with `participant`. "glass" divides by the second group's spread.
    groups : tuple of (str, str), optional
        The two levels in the order of subtraction; by default the order of the column.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    EffectSize
        Estimate with interval.

    Raises
    ------
    DataError
        For a table that cannot be used, or a kind that does not fit paired or independent groups.
    NotFoundError
        For an unknown column, level or kind.
    """
    check_level(level)
    chosen = kind or ("dz" if participant is not None else "g")
    if chosen not in KINDS:
        raise NotFoundError(choices("Effect size", chosen, KINDS))
    if (chosen in _PAIRED) != (participant is not None):
        wants = "needs 'participant', as it is for pairs" if chosen in _PAIRED else "is for independent groups"
        raise DataError(f"Effect size {chosen!r} {wants}.")
    two = two_groups(data, outcome, group, participant=participant, groups=groups)
    found = _computed(two, chosen, level)
    return EffectSize(
        kind=chosen,
        comparison=two.comparison,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        level=level,
        n=(two.first.size,) if two.paired else (two.first.size, two.second.size),
        notes=two.notes,
        provenance=Provenance(made_by="analysis.effect_size", conventions=(KINDS[chosen], _interval_words(chosen))),
        script=_script(two, chosen, level),
    )


def _computed(two: TwoGroups, kind: Kind, level: float) -> Sized:
    if two.paired:
        return paired_difference(two.first, two.second, kind=kind, level=level)
    if kind == "rank_biserial":
        return rank_biserial(two.first, two.second, level=level)
    if kind == "cles":
        return common_language(two.first, two.second, level=level)
    return standardised(two.first, two.second, kind=kind, level=level)


def _interval_words(kind: str) -> str:
    if kind == "rank_biserial":
        return "interval by Fisher's transformation"
    return "interval by inverting the noncentral t"


def effect_size_from_f(
    f: float,
    df: float,
    df2: float,
    *,
    kind: Literal["eta_p2", "omega_p2"] = "eta_p2",
    n: int | None = None,
    level: float = 0.9,
) -> EffectSize:
    """Return the share of variance behind a printed F.

    Parameters
    ----------
    f, df, df2 : float
        The statistic and its degrees of freedom.
    kind : {"eta_p2", "omega_p2"}, default "eta_p2"
        Partial eta squared, or partial omega squared.
    n : int, optional
        Observations, for omega squared of a factorial design between participants.
    level : float, default 0.9
        Level of the interval; 90 % excludes zero where p < .05.

    Returns
    -------
    EffectSize
        Estimate with interval.

    Raises
    ------
    DataError
        For an impossible F.
    NotFoundError
        For an unknown kind.
    """
    check_level(level)
    f, df, df2 = (one_number(what, given) for what, given in (("F", f), ("df", df), ("df2", df2)))
    if kind not in ("eta_p2", "omega_p2"):
        raise NotFoundError(choices("Effect size from F", kind, ("eta_p2", "omega_p2")))
    found = eta_squared(f, df, df2, level=level) if kind == "eta_p2" else omega_squared(f, df, df2, n=n, level=level)
    words = "partial eta squared" if kind == "eta_p2" else "partial omega squared"
    tail = (1 - level) / 2
    body = (
        f"f <- {r_number(f)}; df <- {r_number(df)}; df2 <- {r_number(df2)}\n"
        f"{_shrunk(kind, n)}"
        "limit <- function(below) if (pf(f, df, df2) <= below) 0 else\n"
        "  uniroot(function(x) pf(f, df, df2, ncp = x) - below, c(0, 10 * f * df + 10), tol = 1e-12)$root\n"
        f"low <- limit({r_number(1 - tail)}); high <- limit({r_number(tail)})\n"
        'show("estimate", df * f / (df * f + df2)); show("low", low / (low + df2)); show("high", high / (high + df2))\n'
    )
    script = RScript(made_by="analysis.effect_size_from_f", body=body, data=pd.DataFrame({"f": [f]}), name="effect")
    return EffectSize(
        kind=kind,
        comparison=f"F({df:g}, {df2:g}) = {f:g}",
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        level=level,
        n=(),
        notes=(),
        provenance=Provenance(
            made_by="analysis.effect_size_from_f", conventions=(words, "interval by inverting the noncentral F")
        ),
        script=script,
    )


def _shrunk(kind: str, n: int | None) -> str:
    """Return R code that replaces F by the one whose eta squared is omega squared."""
    if kind == "eta_p2":
        return ""
    total = "df + df2 + 1" if n is None else str(n)
    return f"omega <- max(0, df * (f - 1) / (df * (f - 1) + {total})); f <- omega / (1 - omega) * df2 / df\n"


_HEAD = "a <- responses$.y[responses$.group == 1]; b <- responses$.y[responses$.group == 2]\n"
_POOLED = "sd <- sqrt(((length(a) - 1) * var(a) + (length(b) - 1) * var(b)) / (length(a) + length(b) - 2))\n"
_R = {
    "d": _POOLED + "t <- t.test(a, b, var.equal = TRUE); sd_used <- sd; factor <- 1\n",
    "g": _POOLED + "t <- t.test(a, b, var.equal = TRUE); sd_used <- sd; m <- t$parameter\n"
    "factor <- exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2)\n",
    "unpooled": "t <- t.test(a, b); sd_used <- sqrt((var(a) + var(b)) / 2); factor <- 1\n",
    "glass": "t <- t.test(a, b); t$parameter <- length(b) - 1; sd_used <- sd(b); factor <- 1\n",
    "dz": "t <- t.test(a, b, paired = TRUE); sd_used <- sd(a - b); factor <- 1\n",
    "dav": "t <- t.test(a, b, paired = TRUE); sd_used <- sqrt((var(a) + var(b)) / 2); factor <- 1\n",
}
_R["cles"] = _R["d"]
_LIMITS = """\
limit <- function(below) uniroot(function(x) pt(t$statistic, t$parameter, ncp = x) - below,
  t$statistic + c(-1, 1) * (5 + 2 * abs(t$statistic)), tol = 1e-11)$root
scale <- t$stderr / sd_used * factor
shown <- c((mean(a) - mean(b)) / sd_used * factor, limit({upper}) * scale, limit({lower}) * scale)
"""


def _script(two: TwoGroups, kind: str, level: float) -> RScript:
    tail = (1 - level) / 2
    if kind == "rank_biserial":
        body = (
            "u <- suppressWarnings(wilcox.test(a, b))$statistic; r <- 2 * u / (length(a) * length(b)) - 1\n"
            "se <- sqrt((length(a) + length(b) + 1) / (3 * length(a) * length(b)))\n"
            f"reach <- qnorm({r_number(1 - tail)}) * se\n"
            "shown <- c(r, tanh(atanh(r) - reach), tanh(atanh(r) + reach))\n"
        )
    else:
        body = _R[kind] + _LIMITS.format(upper=r_number(1 - tail), lower=r_number(tail))
    body += "shown <- pnorm(shown / sqrt(2))\n" if kind == "cles" else ""
    body += 'show(c("estimate", "low", "high"), shown)\n'
    return RScript(made_by="analysis.effect_size", body=_HEAD + body, data=two.frame, name="effect")
