"""When one may look, what is decided by, and what may leave the house."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Fixed, Name, Real

__all__ = ["DecisionRule", "DisclosureRule", "Looks", "Utility"]


class Looks(Declaration):
    """When results may be looked at.

    Attributes
    ----------
    kind : {"fixed", "always_valid"}
        So many looks and no more, or an interval that holds however often one looks.
    planned : int
        Number of looks with ``fixed``; alpha is spent over them.
    tuned_for : int or None
        With ``always_valid``: number of independent units at which the interval is to be shortest.
    tuned_se : mapping of str to float
        With ``always_valid``: metric -> standard error at which its interval is to be shortest, in the metric's unit.
        Where none is given the first look reckons it, and the ledger keeps it for the later ones.
    """

    kind: Literal["fixed", "always_valid"] = "fixed"
    planned: int = 1
    tuned_for: int | None = None
    tuned_se: Fixed[str, Real] = Fixed()

    @model_validator(mode="after")
    def _counts_are_counts(self) -> Self:
        if self.planned < 1:
            raise ValueError(f"{self.planned} planned looks leave nothing to see.")
        if self.tuned_for is not None and (self.kind != "always_valid" or self.tuned_for < 2):
            raise ValueError("'tuned_for' belongs to always_valid looks and is a number of units, at least 2.")
        if self.tuned_se and (self.kind != "always_valid" or min(self.tuned_se.values()) <= 0):
            raise ValueError("'tuned_se' belongs to always_valid looks, and each standard error is above 0.")
        return self


class Utility(Declaration):
    """What effects are worth.

    Attributes
    ----------
    cost_per_message : float
        Cost of one message under the policy (minutes of an interviewer times their wage, in the currency).
    value_per_success : float
        Value of one more success of the primary metric.
    currency : str
        In which both are given.
    applications_per_period : float or None
        Decided applications that the decision will touch.
    """

    cost_per_message: Real
    value_per_success: Real
    currency: str = ""
    applications_per_period: Real | None = None

    @model_validator(mode="after")
    def _is_not_negative(self) -> Self:
        for key in ("cost_per_message", "value_per_success"):
            if getattr(self, key) < 0:
                raise ValueError(f"{key} is {getattr(self, key):g}; give an amount of at least 0.")
        return self


class DecisionRule(Declaration):
    """What will be done with the answer, said beforehand.

    Attributes
    ----------
    metric : str
        The primary metric that decides.
    by : {"interval", "posterior"}
        The confidence interval with its guardrails, or posterior probabilities with expected loss.
    posterior : {"estimate", "cells"}
        With ``posterior``: the t distribution of the estimate that leads, which is a flat prior and no sampler, or the
        hierarchical model of the cells of a roll-out (PyMC) for shares and ordered ratings.
    ship_probability : float
        Posterior probability of benefit from which on the policy is kept.
    stop_probability : float
        Posterior probability of benefit below which it is given up.
    breach_probability : float
        Probability of breaching a guardrail's margin from which on it is held.
    rope : float or None
        Effects within plus and minus this count as none.
    utility : Utility or None
        Costs and values, for expected loss and the value of another wave.
    """

    metric: Name
    by: Literal["interval", "posterior"] = "interval"
    posterior: Literal["estimate", "cells"] = "estimate"
    ship_probability: Real = 0.95
    stop_probability: Real = 0.05
    breach_probability: Real = 0.10
    rope: Real | None = None
    utility: Utility | None = None

    @model_validator(mode="after")
    def _probabilities_are_ordered(self) -> Self:
        if not 0 < self.stop_probability < self.ship_probability < 1 or not 0 < self.breach_probability < 1:
            raise ValueError(
                f"stop below {self.stop_probability:g} and ship above {self.ship_probability:g}: both, and the breach "
                f"probability {self.breach_probability:g}, lie between 0 and 1, the first below the second."
            )
        if self.rope is not None and self.rope <= 0:
            raise ValueError(f"a region of plus and minus {self.rope:g} is empty.")
        if self.posterior == "cells" and self.by != "posterior":
            raise ValueError("the posterior of cells belongs to a rule with by: posterior; an interval decides here.")
        return self


class DisclosureRule(Declaration):
    """What a table, figure or memo may show.

    Attributes
    ----------
    min_cell : int
        Smallest number of people that a shown figure may rest on; your own rules may ask for more.
    complementary : bool
        Whether further cells are hidden so that no hidden one follows from the margins.
    round_to : int
        Shown counts are rounded to this multiple.
    """

    min_cell: int = 10
    complementary: bool = True
    round_to: int = 5

    @model_validator(mode="after")
    def _protects(self) -> Self:
        if self.min_cell < 2 or self.round_to < 1:
            raise ValueError(
                f"min_cell is {self.min_cell} and round_to {self.round_to}; a figure of one person is that person, "
                "and counts are rounded to 1 at least."
            )
        return self
