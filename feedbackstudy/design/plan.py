"""What will be done with the numbers, fixed before there are any: `Plan`."""

from typing import Annotated, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Fixed, Line, Name, Named, Real

__all__ = [
    "ByBayesFactor",
    "ByEquivalence",
    "ByP",
    "ByRope",
    "Criterion",
    "Exclusion",
    "Family",
    "Plan",
    "Rope",
]

PARADATA = frozenset({"duration_seconds", "longstring", "irv", "mahalanobis_p", "even_odd", "missing_share"})
"""What every wave knows of an answer besides the answers."""


class _By(Declaration):
    """A criterion that always writes what it decides by."""

    by: str

    @model_serializer(mode="wrap")
    def _with_by(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {"by": self.by, **inner(self)}


class Rope(Declaration):
    """A region of practical equivalence.

    Attributes
    ----------
    low, high : float
        Its limits.
    unit : {"sd", "raw", "percentage_points", "r", "log_ratio"}
        Their unit.
    """

    low: Real
    high: Real
    unit: Literal["sd", "raw", "percentage_points", "r", "log_ratio"] = "sd"

    @model_validator(mode="after")
    def _holds_zero(self) -> Self:
        if not self.low < 0 < self.high:
            raise ValueError(f"the region [{self.low:g}, {self.high:g}] must have 0 inside.")
        return self


class ByP(_By):
    """Decide by the p value against the plan's alpha, adjusted within its family."""

    by: Literal["p"] = "p"


class ByEquivalence(_By):
    """Decide by two one-sided tests against the smallest effect of interest.

    Attributes
    ----------
    kind : {"equivalence", "non_inferiority"}
        Both sides, or only the worse side.
    """

    by: Literal["equivalence"] = "equivalence"
    kind: Literal["equivalence", "non_inferiority"] = "equivalence"


class ByRope(_By):
    """Decide by the posterior mass inside or outside a region of practical equivalence.

    Attributes
    ----------
    mass : float
        The posterior probability that decides.
    rope : Rope or None
        The region; the plan's where left out, else plus and minus the smallest effect of interest.
    """

    by: Literal["rope"] = "rope"
    mass: Real = 0.95
    rope: Rope | None = None

    @model_validator(mode="after")
    def _is_a_large_probability(self) -> Self:
        if not 0.5 < self.mass < 1:
            raise ValueError(f"mass is {self.mass:g}; give a probability between .5 and 1.")
        return self


class ByBayesFactor(_By):
    """Decide by the Bayes factor.

    Attributes
    ----------
    threshold : float
        The factor in favour at which the hypothesis counts as supported, and its inverse against it.
    prior_scale : float
        Scale of the prior on the standardised effect (Cauchy), stated because the factor depends on it; for a trend on
        the difference between the averages above and below its middle, whatever the unit of its scores.
    """

    by: Literal["bayes_factor"] = "bayes_factor"
    threshold: Real = 10.0
    prior_scale: Real = 0.5

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        if self.threshold <= 1 or self.prior_scale <= 0:
            raise ValueError(
                f"threshold is {self.threshold:g} and prior_scale {self.prior_scale:g}; the first must exceed 1, the "
                "second 0."
            )
        return self


type Criterion = Annotated[ByP | ByEquivalence | ByRope | ByBayesFactor, Field(discriminator="by")]
"""The one criterion that decides a confirmatory hypothesis."""


class Family(Declaration):
    """Hypotheses that are corrected together for multiplicity.

    Attributes
    ----------
    name : str
        The family's name.
    hypotheses : tuple of str
        Its members.
    method : {"holm", "bonferroni", "hochberg", "fdr_bh", "tukey", "dunnett", "mvt", "none"}
        The correction.
    """

    name: Name
    hypotheses: Many[Name]
    method: Literal["holm", "bonferroni", "hochberg", "fdr_bh", "tukey", "dunnett", "mvt", "none"] = "holm"

    @model_validator(mode="after")
    def _has_members(self) -> Self:
        if not self.hypotheses or len(set(self.hypotheses)) < len(self.hypotheses):
            raise ValueError(f"family {self.name!r} holds {list(self.hypotheses)}; name each member once.")
        return self


class Exclusion(Declaration):
    """A rule that takes people out of the analysis, as structure and never as a formula.

    Attributes
    ----------
    name : str
        The rule's name in the ledger.
    variable : str
        A measure, score, covariate, or one of the paradata: ``duration_seconds``, ``longstring``, ``irv``,
        ``mahalanobis_p``, ``even_odd``, ``missing_share``.
    exclude_if : {"below", "above", "equal", "not_equal", "missing", "fails"}
        The comparison; ``"fails"`` is for attention checks.
    value : float, str or None
        What is compared with.
    occasion : str or None
        The wave looked at.
    because : str
        Why such answers do not count.
    """

    name: Name
    variable: Name
    exclude_if: Literal["below", "above", "equal", "not_equal", "missing", "fails"]
    value: Real | str | None = None
    occasion: Name | None = None
    because: Line

    @model_validator(mode="after")
    def _comparison_has_its_value(self) -> Self:
        needs_value = self.exclude_if not in {"missing", "fails"}
        if needs_value == (self.value is None):
            raise ValueError(
                f"exclusion {self.name!r}: exclude_if {self.exclude_if} {'needs' if needs_value else 'takes no'} value."
            )
        if self.exclude_if in {"below", "above"} and isinstance(self.value, str):
            raise ValueError(f"exclusion {self.name!r}: {self.value!r} is text; 'below' and 'above' compare numbers.")
        return self


class Plan(Declaration):
    """What will be done with the numbers.

    Attributes
    ----------
    engines : tuple of {"frequentist", "bayesian"}
        The engines that answer every hypothesis.
    alpha : float
        Error rate of tests.
    interval_level : float
        Level of confidence and credible intervals.
    interval_kind : {"hdi", "equal_tailed"}
        Kind of the credible interval.
    families : tuple of Family
        Hypotheses corrected together.
    rope : Rope or None
        Region of practical equivalence shown for every hypothesis.
    decides : mapping of str to Criterion
        Confirmatory hypothesis -> the one criterion that decides it; everything else is robustness.
    exclusions : tuple of Exclusion
        Who is taken out.
    missing : {"listwise", "fiml", "multiple_imputation"}
        What is done about missing answers.
    covariates : tuple of str
        Covariates and baseline scores adjusted for in every model.
    duplicates : {"first", "last", "most_complete"} or None
        Which answer counts where somebody answered an occasion more than once; None where that is an error.
    """

    engines: Many[Literal["frequentist", "bayesian"]] = ("frequentist", "bayesian")
    alpha: Real = 0.05
    interval_level: Real = 0.95
    interval_kind: Literal["hdi", "equal_tailed"] = "hdi"
    families: Named[Family] = Named()
    rope: Rope | None = None
    decides: Fixed[Name, Criterion] = Fixed()
    exclusions: Named[Exclusion] = Named()
    missing: Literal["listwise", "fiml", "multiple_imputation"] = "listwise"
    covariates: Many[Name] = ()
    duplicates: Literal["first", "last", "most_complete"] | None = None

    @property
    def duplicates_in_words(self) -> str:
        """Which of several answers counts, in words; empty where no rule is declared."""
        words = {"first": "the first counts", "last": "the last counts", "most_complete": "the most complete counts"}
        return words.get(self.duplicates or "", "")

    @model_validator(mode="after")
    def _probabilities_are_probabilities(self) -> Self:
        for key, value in (("alpha", self.alpha), ("interval_level", self.interval_level)):
            if not 0 < value < 1:
                raise ValueError(f"{key} is {value:g}; give a probability between 0 and 1.")
        if not self.engines or len(set(self.engines)) < len(self.engines):
            raise ValueError(f"engines are {list(self.engines)}; name at least one, each once.")
        return self

    @model_validator(mode="after")
    def _corrects_each_hypothesis_once(self) -> Self:
        members = [member for family in self.families for member in family.hypotheses]
        twice = sorted({member for member in members if members.count(member) > 1})
        if twice:
            raise ValueError(f"hypothesis {twice[0]!r} belongs to two families; it can be corrected only once.")
        return self
