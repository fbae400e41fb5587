"""What is measured of an application: `Metric`."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Line, Name, Real

__all__ = ["Metric"]

KINDS = {
    "proportion": "share of applications",
    "mean": "mean",
    "ratio": "ratio of two sums",
    "ordinal": "ordered rating",
    "nps": "net promoter score of a 0 to 10 rating",
    "time_to_event": "days until an event",
}


class Metric(Declaration):
    """One number by which the policy is judged.

    Attributes
    ----------
    name : str
        Short name, such as ``reapply_180``.
    label : str
        What it is called in tables.
    kind : {"proportion", "mean", "ratio", "ordinal", "nps", "time_to_event"}
        What is computed.
    column : str
        Column of the applications table; the numerator of a ratio.
    per : str or None
        Denominator column of a ratio.
    categories : tuple of float
        The codes of an ordered rating, lowest first.
    role : {"primary", "co_primary", "secondary", "guardrail", "fidelity"}
        What it is for: a guardrail must not get worse by more than its margin; fidelity says what was delivered.
    direction : {"increase", "decrease"}
        Which way is better.
    margin : float or None
        Largest worsening that is still acceptable, in the metric's unit; needed by a guardrail.
    mde : float or None
        Smallest effect that would matter, in the metric's unit.
    covariate : str or None
        A column known before the decision that reduces variance (CUPED).
    within_days : int or None
        Length of the outcome window from the decision; rows whose window reaches past the data's end are censored.
    of : {"decided", "rejected", "hired", "applied"}
        The applications that count: the policy may change who is rejected, so the default is all decided ones.
    responders_only : bool
        Whether it is known of those alone who answered a survey; their share is then judged beside it.
    may_be_negative : bool
        Whether values below 0 make sense, as of a change or a balance; a negative cost or duration is an error.
    unit : str
        Unit in words, such as ``"days"``.
    """

    name: Name
    label: Line
    kind: Literal["proportion", "mean", "ratio", "ordinal", "nps", "time_to_event"]
    column: Line
    per: Line | None = None
    categories: Many[Real] = ()
    role: Literal["primary", "co_primary", "secondary", "guardrail", "fidelity"] = "secondary"
    direction: Literal["increase", "decrease"] = "increase"
    margin: Real | None = None
    mde: Real | None = None
    covariate: Line | None = None
    within_days: int | None = None
    of: Literal["decided", "rejected", "hired", "applied"] = "decided"
    responders_only: bool = False
    may_be_negative: bool = False
    unit: str = ""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if (self.per is not None) != (self.kind == "ratio"):
            raise ValueError(f"metric {self.name!r}: 'per' names the denominator of a ratio, and only of a ratio.")
        if bool(self.categories) != (self.kind == "ordinal"):
            raise ValueError(
                f"metric {self.name!r}: 'categories' lists the codes of an ordered rating, and only there."
            )
        if len(set(self.categories)) < len(self.categories) or list(self.categories) != sorted(self.categories):
            raise ValueError(f"metric {self.name!r}: categories {list(self.categories)} must rise, each once.")
        if self.covariate is not None and self.kind not in {"proportion", "mean"}:
            raise ValueError(f"metric {self.name!r}: a covariate adjusts a proportion or a mean, not a {self.kind}.")
        if self.may_be_negative and self.kind not in {"mean", "ratio"}:
            raise ValueError(
                f"metric {self.name!r}: 'may_be_negative' belongs to a mean or a ratio, not a {self.kind}."
            )
        return self

    @model_validator(mode="after")
    def _sizes_are_sizes(self) -> Self:
        if (self.margin is None) == (self.role == "guardrail"):
            raise ValueError(
                f"metric {self.name!r}: a guardrail needs a 'margin', the worsening that is still acceptable, and "
                "nothing else has one."
            )
        for key in ("margin", "mde"):
            value = getattr(self, key)
            if value is not None and value <= 0:
                raise ValueError(f"metric {self.name!r}: {key} is {value:g}; give its size, above 0.")
        if self.within_days is not None and self.within_days < 1:
            raise ValueError(f"metric {self.name!r}: a window of {self.within_days} days is none.")
        return self

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is better."""
        return 1.0 if self.direction == "increase" else -1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that it reads."""
        return tuple(name for name in (self.column, self.per, self.covariate) if name is not None)
