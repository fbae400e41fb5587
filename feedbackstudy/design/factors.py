"""What varies (`Factor`) and what is known of people beforehand (`Covariate`)."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.named import Code, Fixed, Line, Name, Real

__all__ = ["Covariate", "Factor"]


class Factor(Declaration):
    """Something whose levels are compared.

    Attributes
    ----------
    name : str
        Column name.
    levels : mapping of str to str
        Code in the data -> label that people read; at least two. The order in which they are written has no meaning.
    mode : {"described", "enacted", "measured"}
        Whether people read about a level (vignette), live through it, or already differ in it. Only described and
        enacted levels can be assigned.
    varies : {"between", "within"}
        Between participants, or within each.
    label : str
        Title that people read.
    definition : str
        What makes the factor differ, and what stays the same, so that somebody else could do it again.
    definitions : mapping of str to str
        Code -> what exactly happens at that level.
    reference : str or None
        The level that "compared with" means where a contrast names none.
    order : tuple of str
        All codes from least to most, where the levels have an order.
    scores : mapping of str to float
        Code -> a number for trend contrasts.
    unit : str
        Unit of the scores.
    delay_from : {"interview", "decision"} or None
        Given where the levels set *when* feedback comes: the scores are then days after that event.
    assigned_to : str or None
        The unit that is assigned as a whole (cluster trial); participants by default.
    concept : str or None
        The ready-made factor of `feedbackstudy.design.feedback` that this one realises, such as ``"timing"``.
    """

    name: Name
    label: Line | None = None
    definition: str = ""
    levels: Fixed[Code, Line]
    definitions: Fixed[Code, str] = Fixed()
    varies: Literal["between", "within"] = "between"
    mode: Literal["described", "enacted", "measured"]
    reference: Code | None = None
    order: Many[Code] = ()
    scores: Fixed[Code, Real] = Fixed()
    unit: str = ""
    delay_from: Literal["interview", "decision"] | None = None
    assigned_to: Name | None = None
    concept: Name | None = None

    @model_validator(mode="after")
    def _varies_at_all(self) -> Self:
        if len(self.levels) < 2:
            raise ValueError(
                f"factor {self.name!r} has the levels {list(self.levels)}; a factor varies, so give at least two."
            )
        labels = [label.strip().casefold() for label in self.levels.values()]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(
                f"factor {self.name!r} gives the label {twice[0]!r} to more than one level; a reader must be able to "
                "tell levels apart."
            )
        return self

    @model_validator(mode="after")
    def _names_its_own_levels(self) -> Self:
        named = {"reference": (self.reference,) if self.reference else (), "order": self.order}
        named |= {"scores": tuple(self.scores), "definitions": tuple(self.definitions)}
        for key, codes in named.items():
            for code in codes:
                if code not in self.levels:
                    raise ValueError(f"factor {self.name!r}, {key}: {choices('Level', code, self.levels)}")
        if self.order and sorted(self.order) != sorted(self.levels):
            raise ValueError(
                f"factor {self.name!r}: order must hold each of the levels {sorted(self.levels)} once, "
                f"found {list(self.order)}."
            )
        if self.scores and set(self.scores) != set(self.levels):
            missing = sorted(set(self.levels) - set(self.scores))
            raise ValueError(f"factor {self.name!r}: scores lack the levels {missing}; give every level a number.")
        return self

    @model_validator(mode="after")
    def _scores_follow_the_order(self) -> Self:
        values = [self.scores[code] for code in self.order] if self.scores else []
        if any(later <= earlier for earlier, later in pairwise(values)):
            raise ValueError(f"factor {self.name!r}: scores {values} do not rise along the order {list(self.order)}.")
        if len(set(self.scores.values())) < len(self.scores):
            raise ValueError(f"factor {self.name!r}: two levels share a score; a trend needs different numbers.")
        if self.delay_from and not self.scores:
            raise ValueError(
                f"factor {self.name!r} sets when feedback comes (delay_from: {self.delay_from}); give each level its "
                "days under 'scores'."
            )
        if self.delay_from and min(self.scores.values()) < 0:
            raise ValueError(f"factor {self.name!r}: feedback cannot come before the {self.delay_from} (days < 0).")
        return self

    @property
    def title(self) -> str:
        """The label, or the name made readable."""
        return self.label or self.name.replace("_", " ")

    def codes(self) -> tuple[str, ...]:
        """Return the levels from least to most where they have an order, as written otherwise.

        Returns
        -------
        tuple of str
            Level codes.
        """
        return tuple(self.order) or tuple(self.levels)

    def level(self, code: str) -> str:
        """Return the label of a level.

        Parameters
        ----------
        code : str
            The level's code.

        Returns
        -------
        str
            Its label.

        Raises
        ------
        DeclarationError
            For a code that the factor does not have; the message lists those it has.
        """
        if code not in self.levels:
            raise DeclarationError(f"Factor {self.name!r}: {choices('Level', code, self.levels)}")
        return self.levels[code]

    def only(self, *codes: str) -> "Factor":
        """Return the factor with some of its levels, as when a study needs two of a ready-made factor's five.

        Parameters
        ----------
        *codes : str
            The levels to keep.

        Returns
        -------
        Factor
            A new factor; order, scores and definitions are cut to the same levels.
        """
        kept = {code: self.level(code) for code in codes}
        return self.replace(
            levels=kept,
            order=tuple(code for code in self.order if code in kept),
            scores={code: self.scores[code] for code in kept if code in self.scores},
            definitions={code: self.definitions[code] for code in kept if code in self.definitions},
            reference=self.reference if self.reference in kept else None,
        )

    def replace(self, **changes: object) -> "Factor":
        """Return a checked copy with some fields changed.

        Parameters
        ----------
        **changes : object
            Field -> new value.

        Returns
        -------
        Factor
            A new factor.
        """
        return Factor.model_validate({**dict(self), **changes})


class Covariate(Declaration):
    """Something known or asked of people that is not compared but adjusted for or described.

    Attributes
    ----------
    name : str
        Column name.
    label : str
        Title that people read.
    kind : {"continuous", "count", "binary", "ordinal", "nominal"}
        How its values behave.
    levels : mapping of str to str
        Code -> label for ordinal, nominal and binary covariates. An analysis takes a binary or ordinal covariate as the
        number that its code is, or as its place where codes are words (from 0 if binary, else from 1); a nominal one as
        indicators of its levels but the first.
    known_from : str
        ``"roster"`` for what is known before the study, or the name of the wave that asks it.
    unit : str
        Unit of the values.
    sensitive : bool
        Whether the law treats it as special (health, origin, belief ...).
    """

    name: Name
    label: Line | None = None
    kind: Literal["continuous", "count", "binary", "ordinal", "nominal"]
    levels: Fixed[Code, Line] = Fixed()
    known_from: Name = "roster"
    unit: str = ""
    sensitive: bool = False

    @model_validator(mode="after")
    def _levels_suit_the_kind(self) -> Self:
        if self.kind in {"ordinal", "nominal"} and len(self.levels) < 2:
            raise ValueError(f"covariate {self.name!r} is {self.kind}; give its levels (code -> label), at least two.")
        if self.kind in {"continuous", "count"} and self.levels:
            raise ValueError(f"covariate {self.name!r} is {self.kind}; it has no levels, found {list(self.levels)}.")
        return self
