"""Power for messages at large: exemplars as a random factor beside people (Westfall, Kenny and Judd 2014)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import Alternative, t_critical, t_power
from feedbackstudy.power.solving import Range, one_of, positive, question

__all__ = ["ExemplarDesign", "exemplars"]

type ExemplarDesign = Literal[
    "crossed", "counterbalanced", "people_within", "exemplars_within", "nested", "one_each", "one_each_nested"
]
type Shares = Mapping[str, float]

_RESIDUAL = "residual"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which variances enter which mean square, and on how many degrees of freedom.

    Answers are ``observations`` times people times exemplars, or one a person where that is 0; people (exemplars) lose
    ``lost_people`` (``lost_exemplars``) degrees of freedom.
    """

    title: str
    observations: float
    people: tuple[str, ...]
    exemplars: tuple[str, ...]
    error: tuple[str, ...]
    lost_people: int
    lost_exemplars: int


_EACH = ("person", "person_by_condition")
_LAYOUTS: Mapping[str, _Layout] = {
    "crossed": _Layout(
        title="everybody reads every exemplar in both conditions",
        observations=2.0,
        people=("person_by_condition",),
        exemplars=("exemplar_by_condition",),
        error=(_RESIDUAL,),
        lost_people=1,
        lost_exemplars=1,
    ),
    "counterbalanced": _Layout(
        title="everybody reads every exemplar once, half of them in each condition",
        observations=1.0,
        people=("person_by_condition",),
        exemplars=("exemplar_by_condition",),
        error=(_RESIDUAL, "person_by_exemplar"),
        lost_people=2,
        lost_exemplars=2,
    ),
    "people_within": _Layout(
        title="everybody reads all exemplars in one condition",
        observations=1.0,
        people=_EACH,
        exemplars=("exemplar_by_condition",),
        error=(_RESIDUAL, "person_by_exemplar"),
        lost_people=2,
        lost_exemplars=1,
    ),
    "exemplars_within": _Layout(
        title="everybody reads all exemplars, each of which belongs to one condition",
        observations=1.0,
        people=("person_by_condition",),
        exemplars=("exemplar", "exemplar_by_condition"),
        error=(_RESIDUAL, "person_by_exemplar"),
        lost_people=1,
        lost_exemplars=2,
    ),
    "nested": _Layout(
        title="everybody reads all exemplars of one condition, which has its own",
        observations=0.5,
        people=_EACH,
        exemplars=("exemplar", "exemplar_by_condition"),
        error=(_RESIDUAL, "person_by_exemplar"),
        lost_people=2,
        lost_exemplars=2,
    ),
    "one_each": _Layout(
        title="everybody reads one exemplar in one condition, and each exemplar exists in both",
        observations=0.0,
        people=(),
        exemplars=("exemplar_by_condition",),
        error=(_RESIDUAL, *_EACH, "person_by_exemplar"),
        lost_people=0,
        lost_exemplars=1,
    ),
    "one_each_nested": _Layout(
        title="everybody reads one exemplar in one condition, which has its own",
        observations=0.0,
        people=(),
        exemplars=("exemplar", "exemplar_by_condition"),
        error=(_RESIDUAL, *_EACH, "person_by_exemplar"),
        lost_people=0,
        lost_exemplars=2,
    ),
}


def exemplars(
    d: float | None = None,
    n: float | None = None,
    *,
    exemplars: float | None,
    power: float | None = None,
    alpha: float | None = 0.05,
    design: ExemplarDesign = "one_each",
    shares: Shares | None = None,
    alternative: Alternative = "two-sided",
) -> PowerAnswer:
    r"""Solve a comparison of two kinds of message for its power, people, exemplars, effect or level.

    Parameters
    ----------
    d : float or None
        Difference between the conditions, in units of the root of all variances together.
    n : float or None
        People in all.
    exemplars : float or None
        Exemplars in all.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.
    design : str, default "one_each"
        ``"crossed"``, ``"counterbalanced"``, ``"people_within"``, ``"exemplars_within"`` or ``"nested"`` conditions, as
        in the paper, where everybody reads many; ``"one_each"`` and ``"one_each_nested"`` where everybody reads one
        message, whose content exists in both conditions or in one.
    shares : mapping of str to float, optional
        Shares of variance: ``"person"``, ``"exemplar"``, ``"person_by_condition"``, ``"exemplar_by_condition"``,
        ``"person_by_exemplar"``; what is left to 1 is residual. By default .2 for people and for exemplars and .1 for
        the others, which are printed and should be yours.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, none or several left None, or a power that no number of people (or of exemplars) can
        reach while the other stays.

    Notes
    -----
    Conditions are coded -1 and 1, so that a random slope adds its variance to that of the answers. With N answers and
    mean squares :math:`M_P, M_S, M_E` of people, exemplars and their interaction, the effect d/2 has variance
    :math:`(M_P + M_S - M_E)/N`; degrees of freedom by Satterthwaite. Where everybody reads one message,
    :math:`M_S / N` on the degrees of freedom of exemplars, which is exact. In a `World`, texts of their own in two
    cells that take a share :math:`\tau^2` (``exemplar_by_cell``) are an ``exemplar_by_condition`` of
    :math:`\tau^2 / 2`.
    """
    one_of("The design", design, _LAYOUTS)
    layout, variance = _LAYOUTS[design], _variances(shares)
    if d is not None and not math.isfinite(d):
        raise InputError(f"d = {d} cannot be used: give a finite number.")
    positive("n", n, least=2.0, unit="people in all")
    positive(
        "exemplars", exemplars, least=float(layout.lost_exemplars), unit="exemplars in all; none is left for error"
    )

    def parts(d: float, n: float, exemplars: float) -> tuple[float, float]:
        spread, df = _error(layout, variance, n, exemplars)
        return d / (2 * math.sqrt(spread)), df

    def power_at(alpha: float, **at: float) -> float:
        ncp, df = parts(**at)
        return float(t_power(ncp, df, alpha, alternative=alternative))

    def details(alpha: float, **at: float) -> dict[str, float]:
        ncp, df = parts(**at)
        return {"ncp": ncp, "df": df, "critical t": float(t_critical(df, alpha, alternative))}

    least = layout.lost_exemplars + 1e-3
    return question(
        "exemplars",
        power_at,
        given={"d": d, "n": n, "exemplars": exemplars, "power": power, "alpha": alpha},
        ranges={
            "d": Range(-60.0, 0.0) if alternative == "less" else Range(0.0, 60.0),
            "n": Range(4.0, 1e7, "people in all"),
            "exemplars": Range(max(least, 2.0), 1e6, "exemplars in all"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=f"Two conditions of messages: {layout.title}",
        engine="noncentral t, " + ("exact for equal cells" if not layout.people else "Satterthwaite"),
        conventions=_conventions(variance, alternative),
        details=details,
    )


def _variances(shares: Shares | None) -> dict[str, float]:
    known = {"person": 0.2, "exemplar": 0.2} | dict.fromkeys(
        ("person_by_condition", "exemplar_by_condition", "person_by_exemplar"), 0.1
    )
    if shares is not None:
        for name in shares:
            one_of("The share of variance", name, known)
        known = dict.fromkeys(known, 0.0) | {name: float(value) for name, value in shares.items()}
    for name, value in known.items():
        if not 0 <= value < 1:
            raise InputError(f"The share of {name} = {value} cannot be used: give a share from 0 to below 1.")
    rest = 1 - sum(known.values())
    if rest <= 0:
        raise InputError(f"The shares of variance add up to {1 - rest:g}; nothing of 1 is left for the residual.")
    return known | {_RESIDUAL: rest}


def _error(layout: _Layout, variance: Mapping[str, float], n: float, exemplars: float) -> tuple[float, float]:
    """Return the variance of half the difference, and its degrees of freedom."""
    error = sum(variance[name] for name in layout.error)
    of_people, of_exemplars = (sum(variance[name] for name in part) for part in (layout.people, layout.exemplars))
    answers = layout.observations * n * exemplars or n
    by_exemplar = error + answers / exemplars * of_exemplars
    df_exemplars = exemplars - layout.lost_exemplars
    if not layout.people:
        return by_exemplar / answers, df_exemplars
    by_person = error + answers / n * of_people
    df_people = n - layout.lost_people
    # Two separate tables, one in each condition, where both are nested.
    df_error = df_people * df_exemplars / (2 if layout.observations < 1 else 1)
    total = by_person + by_exemplar - error
    weight = by_person**2 / df_people + by_exemplar**2 / df_exemplars + error**2 / df_error
    return total / answers, total**2 / weight


def _conventions(variance: Mapping[str, float], alternative: str) -> tuple[str, ...]:
    said = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in variance.items())
    return (
        "d in units of the root of all variances together",
        f"shares of variance, conditions coded -1 and 1: {said}",
        "n and exemplars count people and exemplars in all, spread evenly",
        f"{alternative} test",
    )
