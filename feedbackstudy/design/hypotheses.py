"""What is claimed before there are numbers: outcome, comparison or mediation path, direction, smallest effect."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.design.comparisons import Comparison
from feedbackstudy.named import Line, Name, Real
from feedbackstudy.render import counted

__all__ = ["Hypothesis", "Mediator", "Path", "PathModerator", "SmallestEffect"]

RATIOS = frozenset({"odds_ratio", "rate_ratio", "hazard_ratio"})


class SmallestEffect(Declaration):
    """The smallest effect that would matter to somebody.

    Attributes
    ----------
    value : float
        Its size, without sign; for ratios the ratio itself (1.5, or below 1 for a decrease).
    unit : str
        ``"sd"`` (pooled standard deviations), ``"raw"`` (the measure's units), ``"percentage_points"``, ``"r"``,
        ``"odds_ratio"``, ``"rate_ratio"``, ``"hazard_ratio"`` or ``"standardised_path"`` (for indirect effects).
    because : str
        Why this size: whose decision would change.
    """

    value: Real
    unit: Literal[
        "sd", "raw", "percentage_points", "r", "odds_ratio", "rate_ratio", "hazard_ratio", "standardised_path"
    ]
    because: str = ""

    @model_validator(mode="after")
    def _is_a_size(self) -> Self:
        if self.value <= 0 or (self.unit in RATIOS and self.value == 1):
            raise ValueError(
                f"a smallest effect of {self.value:g} ({self.unit}) is no effect; give its size without sign, and for "
                "ratios one that differs from 1."
            )
        if self.unit == "r" and self.value >= 1:
            raise ValueError(f"a correlation of {self.value:g} is impossible.")
        return self


class Mediator(Declaration):
    """One step of a mediation path.

    Attributes
    ----------
    score : str
        A score column.
    occasion : str or None
        The wave that asks it; the outcome's where left out.
    """

    score: Name
    occasion: Name | None = None


class PathModerator(Declaration):
    """What a mediation path may depend on.

    Attributes
    ----------
    by : str
        A factor, covariate or score.
    on : tuple of {"first", "second", "direct"}
        The parts of the path it changes: cause to mediator, mediator to outcome, cause to outcome.
    """

    by: Name
    on: Many[Literal["first", "second", "direct"]]


class Path(Declaration):
    """How an effect is thought to travel from the comparison to the outcome.

    Attributes
    ----------
    through : tuple of Mediator
        The mediators; for ``structure: serial`` in causal order.
    structure : {"simple", "parallel", "serial"}
        One mediator, several side by side, or one after the other.
    effect : {"indirect", "direct", "total", "difference"}
        What the hypothesis is about; ``"difference"`` compares the first two indirect effects of a parallel path.
    moderator : PathModerator or None
        For moderated mediation.
    """

    through: Many[Mediator]
    structure: Literal["simple", "parallel", "serial"] = "simple"
    effect: Literal["indirect", "direct", "total", "difference"] = "indirect"
    moderator: PathModerator | None = None

    @model_validator(mode="after")
    def _mediators_suit_the_structure(self) -> Self:
        scores = [step.score for step in self.through]
        if len(set(scores)) < len(scores):
            raise ValueError(f"the path names a mediator twice: {scores}.")
        if (len(scores) == 1) != (self.structure == "simple") or not scores:
            raise ValueError(
                f"the path has {counted(len(scores), 'mediator')} and structure: {self.structure}; simple has one, "
                f"parallel and "
                "serial have at least two."
            )
        if self.effect == "difference" and self.structure != "parallel":
            raise ValueError("only a parallel path has two indirect effects to compare (effect: difference).")
        return self


class Hypothesis(Declaration):
    """One question with its answer-to-be.

    Attributes
    ----------
    name : str
        Short name, such as ``h1``.
    text : str
        The hypothesis in a sentence.
    outcome : str
        A score column.
    occasion : str or None
        The wave that asks it; may be left out where the outcome is asked once.
    contrast : Comparison
        What is compared.
    path : Path or None
        Mediators between the comparison and the outcome.
    direction : {"positive", "negative", "either", "negligible"}
        Expected sign of the contrast as written; ``"negligible"`` expects less than the smallest effect.
    sesoi : SmallestEffect or None
        The smallest effect of interest.
    role : {"confirmatory", "exploratory"}
        Whether it is a test or a look.
    baseline : str or None
        The wave whose score of the same outcome is adjusted for.
    change_since : str or None
        The hypothesis is about the contrast's change from this wave to `occasion`.
    claim : str or None
        Id in the claim register, such as ``C01``.
    bearing : {"direct", "analogue"}
        Whether the result bears on that claim, or only resembles it; an analogue is never printed as evidence.
    evidence : {"experimental", "quasi_experimental", "observational"}
        What kind of evidence the contrast gives: assigned at random, assigned otherwise, or merely found.
    """

    name: Name
    text: Line
    outcome: Name
    occasion: Name | None = None
    contrast: Comparison
    path: Path | None = None
    direction: Literal["positive", "negative", "either", "negligible"]
    sesoi: SmallestEffect | None = None
    role: Literal["confirmatory", "exploratory"]
    baseline: Name | None = None
    change_since: Name | None = None
    claim: str | None = None
    bearing: Literal["direct", "analogue"] = "direct"
    evidence: Literal["experimental", "quasi_experimental", "observational"] = "experimental"

    @model_validator(mode="after")
    def _is_one_question(self) -> Self:
        if self.path and self.outcome in {step.score for step in self.path.through}:
            raise ValueError(f"hypothesis {self.name!r}: {self.outcome!r} is both outcome and mediator.")
        if self.baseline and self.change_since:
            raise ValueError(
                f"hypothesis {self.name!r}: 'baseline' (adjust for it) and 'change_since' (subtract it) answer "
                "different questions; keep one."
            )
        if self.occasion and self.occasion in {self.baseline, self.change_since}:
            raise ValueError(f"hypothesis {self.name!r}: occasion {self.occasion!r} is compared with itself.")
        if self.bearing == "analogue" and not self.claim:
            raise ValueError(f"hypothesis {self.name!r}: an analogue is one of some claim; name the claim.")
        return self

    @property
    def confirmatory(self) -> bool:
        """Whether this is a test."""
        return self.role == "confirmatory"
