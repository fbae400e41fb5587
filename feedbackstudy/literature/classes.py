"""The report card's rules: one class for each printed value, the first that applies, and the decision flag apart.

The rules look at the printed value and the recomputed one only; every threshold stands here, before any computing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite

from feedbackstudy.literature.findings import Value
from feedbackstudy.literature.flags import decision_flags
from feedbackstudy.literature.grim import grim
from feedbackstudy.literature.printed import number_of, rounds_to, unit_of
from feedbackstudy.literature.published import Anchor, Published, PublishedValue
from feedbackstudy.literature.statcheck import check_test

__all__ = ["Grade", "ReportClass", "grade_all"]

type Rule = Callable[[PublishedValue, Value | None, Published], str | None]

MINOR, MAJOR = 0.02, 0.10
"""Relative error from which a difference is minor, and major."""
NEAR_ZERO_UNITS = 5
"""A printed value below so many units of its last place is judged on the scale of its standard error."""
RHAT_BELOW, ESS_ABOVE, MCSE_WITHIN = 1.01, 400, 3


class ReportClass(StrEnum):
    """The classes of the report card, in the order in which they are tried."""

    NOT_COMPUTABLE = "not computable"
    SOURCE_ERROR = "source error"
    REPRODUCED = "reproduced"
    WITHIN_ROUNDING = "within rounding of inputs"
    WITHIN_MONTE_CARLO = "within Monte-Carlo error"
    OTHER_DEFINITION = "other definition"
    NEGLIGIBLE = "negligible"
    MINOR = "minor"
    MAJOR = "major"
    DIRECTION_ONLY = "direction only"
    NOT_SCORED = "not scored"

    @property
    def meaning(self) -> str:
        """The rule in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ReportClass.NOT_COMPUTABLE: "inputs or method are missing and the note names what; neither a success nor a failure",
    ReportClass.SOURCE_ERROR: "the source contradicts itself (GRIM, recomputed p, parts that do not add up)",
    ReportClass.REPRODUCED: "the recomputed value rounds to the printed one at the printed decimals",
    ReportClass.WITHIN_ROUNDING: "the printed value lies where the result lies when rounded inputs move by half a unit",
    ReportClass.WITHIN_MONTE_CARLO: f"from simulation: R-hat < {RHAT_BELOW}, ESS > {ESS_ABOVE}, and the difference is "
    f"below {MCSE_WITHIN} Monte-Carlo standard errors, that is, what another seed would change",
    ReportClass.OTHER_DEFINITION: "another documented formula gives the printed value; both are shown",
    ReportClass.NEGLIGIBLE: f"off by less than {MINOR:.0%}",
    ReportClass.MINOR: f"off by {MINOR:.0%} to less than {MAJOR:.0%}",
    ReportClass.MAJOR: f"off by {MAJOR:.0%} or more",
    ReportClass.DIRECTION_ONLY: "the source prints a sign or an order and no number",
    ReportClass.NOT_SCORED: "the printed value was never seen by us, so it is neither shown nor scored",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """One row of the report card.

    Attributes
    ----------
    published : PublishedValue
        What was printed.
    value : Value or None
        What was recomputed; None where the analysis returned nothing for this id.
    report_class : ReportClass
        The first class that applies.
    reason : str
        Why this class, with the numbers that decided.
    difference : float or None
        Recomputed minus printed.
    relative_error : float or None
        Absolute difference as a share of the printed value; None where the printed value is zero.
    flags : tuple of str
        Which decisions differ: sign, p vs alpha, interval vs null, ranking, Bayes-factor band.
    """

    published: PublishedValue
    value: Value | None
    report_class: ReportClass
    reason: str
    difference: float | None = None
    relative_error: float | None = None
    flags: tuple[str, ...] = ()

    @property
    def explained(self) -> bool:
        """Every decision flag carries an explanation (true where there is no flag)."""
        return not self.flags or bool(self.value and self.value.flag_explained)

    @property
    def conditional(self) -> bool:
        """The value needs a choice made to match."""
        return bool(self.published.conditional_on)


def grade_all(published: Published, values: Mapping[str, Value]) -> tuple[Grade, ...]:
    """Grade every printed value of a publication.

    Parameters
    ----------
    published : Published
        The printed values and the terms of their reproduction.
    values : mapping of str to Value
        Id -> recomputed value.

    Returns
    -------
    tuple of Grade
        One grade for each printed value, in the order of ``published.yaml``.
    """
    flags = decision_flags(published, values)
    return tuple(_grade(value, values.get(value.id), published, flags.get(value.id, ())) for value in published.values)


def _grade(printed: PublishedValue, value: Value | None, published: Published, flags: tuple[str, ...]) -> Grade:
    if printed.anchor is Anchor.M:
        return Grade(
            published=printed,
            value=None,
            report_class=ReportClass.NOT_SCORED,
            reason="the printed value was never seen (anchor grade M), so it is neither shown nor scored",
        )
    difference, relative = _errors(printed, value)
    found = ((report_class, rule(printed, value, published)) for report_class, rule in _RULES)
    report_class, reason = next((name, why) for name, why in found if why is not None)
    return Grade(
        published=printed,
        value=value,
        report_class=report_class,
        reason=reason,
        difference=difference,
        relative_error=relative,
        flags=flags,
    )


def _errors(printed: PublishedValue, value: Value | None) -> tuple[float | None, float | None]:
    if printed.published is None or value is None or value.value is None:
        return None, None
    target = number_of(printed.published)
    difference = value.value - target
    return difference, abs(difference / target) if target else None


def _not_computable(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if value is None:
        return f"the analysis returned no value with the id {printed.id!r}"
    if value.value is None:
        return value.note
    if not isfinite(value.value):
        return f"the analysis returned {value.value} for {printed.id!r}, which is not a number to compare"
    return None


def _source_error(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    findings = []
    if printed.grim is not None and printed.published is not None:
        result = grim(printed.published, printed.grim)
        if not result.consistent:
            low, high = result.nearest
            findings.append(f"GRIM: no {printed.grim.n} x {printed.grim.items} whole numbers have this mean "
                            f"(nearest {low:.6g} and {high:.6g})")  # fmt: skip
    if printed.test is not None:
        verdict = check_test(printed.test)
        if verdict.error:
            findings.append(f"statcheck: p printed as {printed.test.p}, but statistic and df give {verdict.p:.4g}")
    if printed.sum_of and printed.published is not None:
        printed_by_id = {other.id: other.published for other in published.values}
        parts = [printed_by_id[name] or "0" for name in printed.sum_of]
        total = sum(number_of(part) for part in parts)
        slack = float(unit_of(printed.published) + sum(unit_of(part) for part in parts)) / 2
        whole = all("." not in text for text in (printed.published, *parts))
        if abs(total - number_of(printed.published)) > (0 if whole else slack):
            findings.append(f"the parts {', '.join(printed.sum_of)} add up to {total:.6g}, not {printed.published}")
    return "; ".join(findings) or None


def _reproduced(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if printed.published is None or value is None or value.value is None:
        return None
    fits = rounds_to(value.value, printed.published)
    return f"{value.value:.6g} rounds to {printed.published}" if fits else None


def _within_rounding(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if printed.published is None or value is None or value.input_interval is None:
        return None
    low, high = value.input_interval
    fits = low <= number_of(printed.published) <= high
    return f"inputs moved by half a unit give {low:.6g} to {high:.6g}" if fits else None


def _within_monte_carlo(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if printed.published is None or value is None or value.value is None or value.mcse is None:
        return None
    converged = value.rhat is not None and value.rhat < RHAT_BELOW and value.ess is not None and value.ess > ESS_ABOVE
    theirs = number_of(printed.mcse) if printed.mcse else 0.0
    distance = abs(value.value - number_of(printed.published))
    if not converged or distance >= MCSE_WITHIN * (theirs + value.mcse):
        return None
    source = f"theirs {theirs:.2g}" if printed.mcse else "theirs unknown, counted as 0"
    return (
        f"difference {distance:.2g} < {MCSE_WITHIN} x MCSE (mine {value.mcse:.2g}, {source}); "
        f"R-hat {value.rhat:.3f}, ESS {value.ess:.0f}"
    )


def _other_definition(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if printed.published is None or value is None or value.value is None:
        return None
    for name, number in value.other_definitions.items():
        if rounds_to(number, printed.published):
            return f"{name} gives {number:.6g}; the definition used here gives {value.value:.6g}"
    return None


def _by_size(low: float, high: float, label: str) -> Rule:
    def rule(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
        if printed.published is None or value is None or value.value is None:
            return None
        error, scale = _scaled_error(printed, printed.published, value, value.value)
        return f"{label}: off by {error:.2%} of {scale}" if low <= error < high or error == high == inf else None

    return rule


def _scaled_error(printed: PublishedValue, text: str, value: Value, number: float) -> tuple[float, str]:
    """Return the error relative to the printed value, or to the standard error where that value is near zero."""
    target = number_of(text)
    distance = abs(number - target)
    near_zero = abs(target) < NEAR_ZERO_UNITS * float(unit_of(text))
    se = number_of(printed.se) if printed.se else value.se
    if near_zero and se:
        return distance / se, "the standard error (the printed value is near zero)"
    if target:
        return distance / abs(target), "the printed value"
    return inf, "a printed zero (no standard error to judge it by)"


def _direction(printed: PublishedValue, value: Value | None, published: Published) -> str | None:  # noqa: ARG001
    if printed.direction is None or value is None or value.value is None:
        return None
    null = number_of(printed.no_effect)
    holds = (value.value > null) == (printed.direction == "positive") and value.value != null
    return f"{printed.direction} is {'reproduced' if holds else 'NOT reproduced'}: {value.value:.6g} (null {null:g})"


_RULES: tuple[tuple[ReportClass, Rule], ...] = (
    (ReportClass.NOT_COMPUTABLE, _not_computable),
    (ReportClass.SOURCE_ERROR, _source_error),
    (ReportClass.REPRODUCED, _reproduced),
    (ReportClass.WITHIN_ROUNDING, _within_rounding),
    (ReportClass.WITHIN_MONTE_CARLO, _within_monte_carlo),
    (ReportClass.OTHER_DEFINITION, _other_definition),
    (ReportClass.NEGLIGIBLE, _by_size(0.0, MINOR, "negligible")),
    (ReportClass.MINOR, _by_size(MINOR, MAJOR, "minor")),
    (ReportClass.MAJOR, _by_size(MAJOR, inf, "major")),
    (ReportClass.DIRECTION_ONLY, _direction),
)
