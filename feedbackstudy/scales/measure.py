"""What is asked, of whom and when: `Measure` names a scale by its key, or declares a single column."""

from pathlib import Path
from typing import Literal, Self

from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.named import Code, Fixed, Line, Name, Pair

__all__ = ["Measure"]


class Measure(Declaration):
    """A scale, or a single column such as a count, asked at some waves of some arms.

    Attributes
    ----------
    name : str
        The measure's name; also the score's column, unless `scores` names several.
    waves : tuple of str
        The waves that ask it.
    kind : {"scale", "continuous", "count", "binary", "ordinal", "nominal", "rating", "proportion", "time_to_event"}
        How its values behave; ``"scale"`` for several items that are scored.
    scale : str or None
        Key of the scale in the library, such as ``"gse"``; for `kind` ``"scale"`` only.
    form : str or None
        The form of that scale; its default form where left out.
    scores : mapping of str to str
        Score column -> subscale, where the measure yields subscale scores; subscales that are not named are not asked.
    role : str
        What the measure is for: ``"outcome"``, ``"mediator"``, ``"moderator"``, ``"covariate"``,
        ``"manipulation_check"``, ``"attention_check"``, ``"awareness"``, ``"fidelity"`` or ``"description"``.
    checks : tuple of str
        The factors whose levels a manipulation check should tell apart.
    placement : {"in_order", "first", "last", "half_sample", "pilot"}
        Where in the wave it stands; manipulation checks in a pilot or half the sample cannot prime the rest.
    referent : str or None
        What the items speak about: ``"message"``, ``"decision"``, ``"interview"``, ``"organisation"`` ...
    asked_of : tuple of str
        The arms that are asked (``"feedback"`` is everyone inside the crossing); empty for all. An arm that is not
        asked gives the code ``not_asked``, never a missing value.
    label : str
        Title that people read.
    unit : str
        Unit of the values.
    range : tuple of float or None
        Lowest and highest possible value of a single column; a proportion without one lies between 0 and 1.
    levels : mapping of str to str
        Code -> label for ordinal, nominal and binary columns.
    passes : str or None
        The answer that passes an attention check.
    distribution : {"poisson", "negative binomial", "zero-inflated"} or None
        Law of a count, for both engines; None is the negative binomial, which becomes a Poisson where the counts vary
        no more than that. The last mixes structural zeros, their share by cell, with a negative binomial.

    Notes
    -----
    A measure of a study that was loaded knows the study's folder, so that every verb that takes it, such as
    ``fs.score(responses, study.measures)``, applies what ``scales/complete.yaml`` there completes.
    """

    name: Name
    label: Line | None = None
    kind: Literal[
        "scale", "continuous", "count", "binary", "ordinal", "nominal", "rating", "proportion", "time_to_event"
    ] = "scale"
    scale: str | None = None
    form: str | None = None
    scores: Fixed[Name, Name] = Fixed()
    waves: Many[Name]
    role: Literal[
        "outcome",
        "mediator",
        "moderator",
        "covariate",
        "manipulation_check",
        "attention_check",
        "awareness",
        "fidelity",
        "description",
    ] = "outcome"
    checks: Many[Name] = ()
    placement: Literal["in_order", "first", "last", "half_sample", "pilot"] = "in_order"
    referent: Line | None = None
    asked_of: Many[Name] = ()
    unit: str = ""
    range: Pair | None = None
    levels: Fixed[Code, Line] = Fixed()
    passes: str | None = None
    distribution: Literal["poisson", "negative binomial", "zero-inflated"] | None = None

    _folder: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _scale_or_column(self) -> Self:
        if self.kind == "scale" and not self.scale:
            raise ValueError(
                f"measure {self.name!r}: name its scale (scale: key), or say what kind of single column it is "
                "(kind: count, binary, rating ...)."
            )
        if self.kind != "scale" and (self.scale or self.form or self.scores):
            raise ValueError(
                f"measure {self.name!r} is a single column (kind: {self.kind}); scale, form and scores are for "
                "kind: scale."
            )
        if self.kind == "scale" and (self.range or self.levels):
            raise ValueError(f"measure {self.name!r}: range and levels of a scale are declared by the scale itself.")
        return self

    @model_serializer(mode="wrap")
    def _without_undeclared_distribution(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        # Studies were registered before counts could declare theirs: their hash must stay.
        made: dict[str, object] = handler(self)
        if self.distribution is None:
            made.pop("distribution", None)
        return made

    @model_validator(mode="after")
    def _column_is_described(self) -> Self:
        if self.distribution is not None and self.kind != "count":
            raise ValueError(f"measure {self.name!r} is no count (kind: {self.kind}); only a count has a distribution.")
        if self.kind == "rating" and self.range is None:
            raise ValueError(f"measure {self.name!r} is a rating; give its range, such as [1, 7].")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError(f"measure {self.name!r}: the range {list(self.range)} must rise.")
        if self.kind in {"ordinal", "nominal"} and len(self.levels) < 2:
            raise ValueError(f"measure {self.name!r} is {self.kind}; give its levels (code -> label), at least two.")
        if self.kind == "binary" and self.levels and len(self.levels) != 2:
            raise ValueError(f"measure {self.name!r} is binary but has {len(self.levels)} levels.")
        return self

    @model_validator(mode="after")
    def _role_is_complete(self) -> Self:
        if not self.waves or len(set(self.waves)) < len(self.waves):
            raise ValueError(f"measure {self.name!r}: waves {list(self.waves)}; name at least one, each once.")
        if len(set(self.asked_of)) < len(self.asked_of):
            raise ValueError(f"measure {self.name!r}: asked_of {list(self.asked_of)} names an arm twice.")
        if self.checks and self.role != "manipulation_check":
            raise ValueError(f"measure {self.name!r} has the role {self.role}; only a manipulation_check has 'checks'.")
        if (self.passes is not None) != (self.role == "attention_check"):
            raise ValueError(
                f"measure {self.name!r} (role {self.role}): 'passes' is the answer that passes an attention check; "
                "every attention check has it, nothing else does."
            )
        return self

    @property
    def title(self) -> str:
        """The label, or the name made readable."""
        return self.label or self.name.replace("_", " ")

    @property
    def columns(self) -> tuple[str, ...]:
        """The score columns that the measure yields: those of `scores`, or its own name."""
        return tuple(self.scores) or (self.name,)

    @property
    def limits(self) -> tuple[float, float] | None:
        """The lowest and highest possible value of a single column: its range, or 0 and 1 for a proportion."""
        return (0.0, 1.0) if self.range is None and self.kind == "proportion" else self.range

    @property
    def folder(self) -> Path | None:
        """The study folder it was read from; None for a measure made in memory."""
        return self._folder

    def keep_folder(self, folder: Path) -> None:
        """Remember the study folder, whose completions belong to this measure.

        Parameters
        ----------
        folder : Path
            The folder of the study.
        """
        self._folder = folder

    def asks(self, arm: str) -> bool:
        """Say whether people of an arm are asked.

        Parameters
        ----------
        arm : str
            An arm's name, or ``"feedback"`` for everyone inside the crossing.

        Returns
        -------
        bool
            Whether they are.
        """
        return not self.asked_of or arm in self.asked_of
