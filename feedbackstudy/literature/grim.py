"""GRIM: whether a mean of so many whole numbers can be printed like this."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from pydantic import Field

from feedbackstudy.declaration import Declaration
from feedbackstudy.literature.printed import decimals_of, unit_of
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Table, Text, number

__all__ = ["Grim", "GrimReport", "GrimResult", "Rounding", "grim", "grim_all"]

type Rounding = Literal["half-up", "half-even", "half-down", "any"]
"""What happens to a tie: away from zero, to the even digit, towards zero, or whichever of them fits."""


class Grim(Declaration):
    """What GRIM needs to know besides the printed mean.

    Attributes
    ----------
    n : int
        People.
    items : int
        Whole-number items averaged for each person.
    percent : bool
        The number is a percentage of people rather than a mean.
    rounding : {"half-up", "half-even", "half-down", "any"}
        How the source rounds ties; "any" where it does not say.
    """

    n: int = Field(ge=1)
    items: int = Field(default=1, ge=1)
    percent: bool = False
    rounding: Rounding = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrimResult:
    """One mean put to the test.

    Attributes
    ----------
    mean : str
        As printed.
    terms : Grim
        Sample size, items and rounding.
    consistent : bool
        Some total of whole numbers gives the printed mean.
    totals : tuple of int
        The totals that do (at most 20 of them).
    nearest : tuple of (float, float)
        The possible means around the printed one.
    power : float
        Share of all printable means of this precision that would fail; 0 where GRIM can say nothing.
    """

    mean: str
    terms: Grim
    consistent: bool
    totals: tuple[int, ...]
    nearest: tuple[float, float]
    power: float


def grim(mean: str, terms: Grim) -> GrimResult:
    r"""Test whether a printed mean (or percentage) can come from whole numbers.

    Parameters
    ----------
    mean : str
        The mean exactly as printed; its decimals matter.
    terms : Grim
        Sample size, number of items, percentage or mean, rounding of ties.

    Returns
    -------
    GrimResult
        The verdict, the totals that fit, and how much the test could see.

    Notes
    -----
    With N = people x items, a mean is T / N for a whole T. The printed mean is possible if such a value lies in the
    interval of numbers that round to it; the arithmetic is exact (fractions). Of the :math:`10^d` means that d decimals
    can print per unit, at most N are possible, so the power is :math:`\max(0, 1 - N / 10^d)`.

    References
    ----------
    Brown, N. J. L., & Heathers, J. A. J. (2017). The GRIM test. Social Psychological and Personality Science, 8(4).

    Examples
    --------
    >>> grim("5.19", Grim(n=28)).consistent
    False
    """
    scale = 100 if terms.percent else 1
    cells = Fraction(terms.n * terms.items, scale)
    printed, half = Fraction(mean.replace(",", "")), unit_of(mean) / 2
    lowest, highest = ceil((printed - half) * cells), floor((printed + half) * cells)
    fitting = (total for total in range(lowest, highest + 1) if _prints(total / cells, mean, terms.rounding))
    totals = tuple(total for total, _ in zip(fitting, range(20), strict=False))
    below = floor(printed * cells)
    return GrimResult(
        mean=mean,
        terms=terms,
        consistent=bool(totals),
        totals=totals,
        nearest=(float(below / cells), float((below + 1) / cells)),
        power=max(0.0, 1 - float(cells / Fraction(10) ** decimals_of(mean))),
    )


def _prints(value: Fraction, mean: str, rounding: Rounding) -> bool:
    """Say whether `value`, known to lie within half a unit, is printed as `mean`; only ties need the rule."""
    unit = unit_of(mean)
    printed = Fraction(mean.replace(",", ""))
    distance = value - printed
    if 2 * abs(distance) < unit:
        return True
    away = (distance < 0) == (value >= 0)
    even = (printed / unit).numerator % 2 == 0
    return {"half-up": away, "half-even": even, "half-down": not away, "any": True}[rounding]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrimReport(Rendered):
    """Many means put to the test.

    Attributes
    ----------
    results : tuple of GrimResult
        In the order given.
    provenance : Provenance
        What made it.
    """

    results: tuple[GrimResult, ...]
    provenance: Provenance

    @property
    def inconsistent(self) -> tuple[GrimResult, ...]:
        """The means that no whole-number data can give."""
        return tuple(result for result in self.results if not result.consistent)

    def page(self) -> Page:
        """Return one row for each mean.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                result.mean,
                str(result.terms.n),
                str(result.terms.items),
                "possible" if result.consistent else "impossible",
                f"{number(result.nearest[0], 5)} and {number(result.nearest[1], 5)}",
                number(result.power, 2),
            )
            for result in self.results
        )
        head = ("printed", "n", "items", "GRIM", "nearest possible", "power")
        counts = f"{len(self.inconsistent)} of {len(self.results)} printed means are impossible"
        blind = sum(result.power == 0 for result in self.results)
        note = f"For {blind} of them the sample is so large that GRIM can see nothing (power 0)."
        return Page("GRIM", counts, (Table(head, rows), *((Text(note),) if blind else ()), self.provenance.facts()))


def grim_all(means: Iterable[tuple[str, Grim]]) -> GrimReport:
    """Put many printed means to the test.

    Parameters
    ----------
    means : iterable of (str, Grim)
        Each mean as printed, with its sample size and items.

    Returns
    -------
    GrimReport
        One verdict for each.
    """
    results = tuple(grim(mean, terms) for mean, terms in means)
    conventions = ("GRIM (Brown & Heathers 2017), exact fractions; the rule for ties is each mean's own",)
    return GrimReport(results=results, provenance=Provenance(made_by="literature.grim_all", conventions=conventions))
