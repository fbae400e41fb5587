"""The grammar of ``published.yaml``: numbers as they were printed, where, and how far the source can be trusted.

Numbers are written as text in quotes, exactly as printed: ``"0.60"`` says two decimals, ``0.6`` would lose one. The
criteria of the report card follow from this file alone, so they are fixed before anything is computed.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.errors import choices
from feedbackstudy.literature.grim import Grim
from feedbackstudy.literature.printed import Printed, PrintedP
from feedbackstudy.literature.statcheck import PrintedTest

__all__ = ["Anchor", "Choice", "Independence", "OwnFile", "Published", "PublishedValue"]


class Anchor(StrEnum):
    """Where the printed value was seen, best first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    M = "M"

    @property
    def meaning(self) -> str:
        """The grade in words."""
        return _ANCHORS[self]


_ANCHORS = {
    Anchor.A: "article or table seen",
    Anchor.B: "output in the authors' repository",
    Anchor.C: "software documentation or test",
    Anchor.D: "abstract",
    Anchor.E: "secondary page",
    Anchor.M: "memory (never scored)",
}


class Independence(StrEnum):
    """What the recomputation shares with the software behind the printed value."""

    SAME_CODE = "same code"
    SAME_SOFTWARE = "same software"
    OTHER_SOFTWARE = "other software"
    OTHER_AUTHOR = "other author's code"


def _anchor(given: object) -> object:
    if given in set(Anchor):
        return Anchor(str(given))
    raise ValueError(choices("Anchor grade", given, [f"{a} ({a.meaning})" for a in Anchor]))


def _independence(given: object) -> object:
    if given in set(Independence):
        return Independence(str(given))
    raise ValueError(choices("Independence", given, Independence))


def _key(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*", text):
        raise ValueError(f"{text!r} is not a key; use small letters, digits, '_' and '-', beginning with a letter.")
    return text


type Key = Annotated[str, AfterValidator(_key)]
type AnchorGrade = Annotated[Anchor, BeforeValidator(_anchor)]
type IndependenceGrade = Annotated[Independence, BeforeValidator(_independence)]


class Choice(Declaration):
    """A choice made to match: an undocumented step without which the printed values do not come out.

    Attributes
    ----------
    id : str
        Short name, used by ``conditional_on`` and by `Findings.choices`.
    text : str
        What was done, and how it was found.
    """

    id: Key
    text: str


class PublishedValue(Declaration):
    """One value as printed.

    Attributes
    ----------
    id : str
        The key under which ``analyse`` returns the recomputed value.
    quantity : str
        What the number is.
    published : str or None
        The number as printed; None where the source prints a direction only.
    direction : {"positive", "negative"} or None
        The side of `no_effect` that a source without a number states.
    seen_in : str
        Page, table or file where the value was read.
    anchor : Anchor
        Grade of that place.
    unit : str
        Unit of the quantity.
    no_effect : str
        The value that stands for "no effect" (0; 1 for ratios), for the decision flag.
    low, high : str or None
        Printed interval.
    se, mcse : str or None
        Printed standard error and Monte-Carlo standard error.
    p : str or None
        Printed p value, ``".051"`` or ``"<.001"``.
    bayes_factor : str or None
        Printed Bayes factor.
    conditional_on : tuple of str
        Ids of the choices made to match that this value needs.
    grim : Grim or None
        Makes the value answer to GRIM: a mean of `n` integers.
    test : PrintedTest or None
        A printed test statistic with df and p that must agree with itself.
    sum_of : tuple of str
        Ids whose printed values must add up to this one.
    note : str
        What a reader must know.
    """

    id: Key
    quantity: str
    published: Printed | None = None
    direction: Literal["positive", "negative"] | None = None
    seen_in: str
    anchor: AnchorGrade
    unit: str = ""
    no_effect: Printed = "0"
    low: Printed | None = None
    high: Printed | None = None
    se: Printed | None = None
    mcse: Printed | None = None
    p: PrintedP | None = None
    bayes_factor: Printed | None = None
    conditional_on: Many[Key] = ()
    grim: Grim | None = None
    test: PrintedTest | None = None
    sum_of: Many[Key] = ()
    note: str = ""

    @model_validator(mode="after")
    def _number_or_direction(self) -> Self:
        if (self.published is None) == (self.direction is None):
            raise ValueError(
                f"value {self.id!r} needs either 'published' (a number as printed) or 'direction' "
                "(positive or negative, where the source prints no number), and not both."
            )
        if (self.low is None) != (self.high is None):
            raise ValueError(f"value {self.id!r} has one limit of an interval; give both 'low' and 'high'.")
        if self.published is None and (self.grim or self.sum_of):
            raise ValueError(f"value {self.id!r} has no number, so 'grim' and 'sum_of' cannot check it.")
        return self


class OwnFile(Declaration):
    """A CSV file that lies in the analysis folder itself, for papers of your own.

    Attributes
    ----------
    name : str
        The name under which ``analyse`` gets the table.
    path : str
        Its path below the folder.
    sha256 : str or None
        Its hash; recorded, a changed byte is refused.
    """

    name: Key
    path: str
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Published(Declaration):
    """What a publication printed, and the terms on which it is reproduced.

    Attributes
    ----------
    key : str
        The folder's name under ``analyses/``.
    title, citation, doi : str
        The publication.
    kind : str
        One line that says what the study is an example or analogue of.
    claims : tuple of str
        Ids in the claim register that the result speaks to.
    datasets : tuple of str
        Keys of the datasets that `analyse` needs.
    rows : tuple of str
        Keys of external datasets that are used as a further check where they are present.
    files : tuple of OwnFile
        CSV files in the folder itself.
    independence : Independence
        What the recomputation shares with the software of the source.
    method : str
        The model or formula that is recomputed.
    alpha : str
        Level of the decision flag.
    seconds : int
        About how long the analysis takes; reproductions run in this order.
    choices : tuple of Choice
        Choices made to match.
    rankings : tuple of tuple of str
        Orders that the source states: ids from largest to smallest.
    values : tuple of PublishedValue
        The values, in the order of the card.
    source_commit : str
        Commit or edition of the source that was read.
    author_contact : str
        Whether the authors were asked, and what they said.
    ssrp_level : int or None
        Level 1 to 10 of the Social Science Reproduction Platform, where one was assigned.
    minutes_spent : int or None
        Working time of the person who reproduced it.
    """

    key: Key
    title: str
    citation: str
    doi: str = ""
    kind: str = ""
    claims: Many[str] = ()
    datasets: Many[Key] = ()
    rows: Many[Key] = ()
    files: Many[OwnFile] = ()
    independence: IndependenceGrade
    method: str
    alpha: Printed = "0.05"
    seconds: int = Field(default=1, ge=0)
    choices: Many[Choice] = ()
    rankings: Many[Many[Key]] = ()
    values: Many[PublishedValue] = Field(min_length=1)
    source_commit: str = ""
    author_contact: str = "not contacted"
    ssrp_level: int | None = Field(default=None, ge=1, le=10)
    minutes_spent: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        ids = [value.id for value in self.values]
        _unique("value", ids)
        _unique("table", [*self.datasets, *self.rows, *(file.name for file in self.files)])
        _unique("choice", [choice.id for choice in self.choices])
        numbers = {value.id for value in self.values if value.published is not None}
        for value in self.values:
            _known("Choice", value.conditional_on, [choice.id for choice in self.choices], value.id)
            _known("Value with a number", value.sum_of, numbers, value.id)
        for ranking in self.rankings:
            _known("Value", ranking, ids, "rankings")
            if len(set(ranking)) < 2:
                raise ValueError(f"ranking {list(ranking)} names fewer than two different values; an order needs two.")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a ``published.yaml``.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        Published
            The validated content.

        Raises
        ------
        DeclarationError
            With file, line and the way to mend it.
        """
        return from_document(cls, path)


def _unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} id {twice[0]!r} is given more than once; every id must be its own.")


def _known(what: str, given: tuple[str, ...], allowed: list[str] | set[str], where: str) -> None:
    for name in given:
        if name not in allowed:
            raise ValueError(f"in {where}: {choices(what, name, allowed)}")
