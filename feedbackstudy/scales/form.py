"""The printed form of a scale: which items, in which order and language, with which answers and which key."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.named import Code, Fixed, Name, Named, Real
from feedbackstudy.scales.origin import Origin, missing_origin

__all__ = ["Form", "Item", "ResponseFormat", "Subscale", "Tag"]

_SENTENCE = re.compile(r"[.!?;]")


def _tag(text: str) -> str:
    if text and (not 1 <= len(text.split()) <= 4 or _SENTENCE.search(text)):
        raise ValueError(f"the content tag {text!r} must be one to four words of our own, never a sentence.")
    return text


type Tag = Annotated[str, AfterValidator(_tag)]
"""One to four words that name an item's content; never shown to participants."""


class ResponseFormat(Declaration):
    """The answers that an item allows.

    Attributes
    ----------
    kind : {"likert", "semantic_differential"}
        Graded agreement, frequency or amount; or pairs of opposite words.
    min, max : float
        Lowest and highest code.
    step : float or None
        Distance between codes; None for a continuous line.
    labels : tuple of str
        What the ends, or all steps, say; for published scales in our own words.
    """

    kind: Literal["likert", "semantic_differential"] = "likert"
    min: Real
    max: Real
    step: Real | None = 1.0
    labels: Many[str] = ()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"the response format runs from {self.min} to {self.max}; min must be below max.")
        if self.step is not None and (self.step <= 0 or ((self.max - self.min) / self.step) % 1):
            raise ValueError(f"steps of {self.step} do not lead from {self.min} to {self.max}.")
        return self

    @property
    def points(self) -> int | None:
        """Number of answers, None for a continuous line."""
        return None if self.step is None else round((self.max - self.min) / self.step) + 1


class Item(Declaration):
    """One item of a form.

    Attributes
    ----------
    position : int
        Its place in the form, from 1.
    tag : str
        One to four words naming its content.
    text : str
        Its wording; for our own items only.
    scored : bool
        Whether it belongs to a score; an open question does not.
    kind : {"graded", "open"}
        A graded answer, or free text.
    """

    position: int
    tag: Tag = ""
    text: str = ""
    scored: bool = True
    kind: Literal["graded", "open"] = "graded"


class Subscale(Declaration):
    """Items that make one score.

    Attributes
    ----------
    name : str
        Its name, which can stand as a column.
    items : tuple of int or None
        Positions in the form; None where they are not known.
    n_items : int or None
        How many items it has, where only that is known.
    high_score_means : str
        What a high score says; required before scoring.
    tag : str
        One to four words naming the content.
    """

    name: Name
    items: Many[int] | None = None
    n_items: int | None = None
    high_score_means: str = ""
    tag: Tag = ""

    @model_validator(mode="after")
    def _counted_once(self) -> Self:
        if self.items is not None:
            if not self.items or len(set(self.items)) < len(self.items):
                raise ValueError(f"subscale {self.name!r}: items {list(self.items)}; name at least one, each once.")
            if self.n_items is not None:
                raise ValueError(f"subscale {self.name!r} lists its items; leave out n_items.")
        return self

    @property
    def count(self) -> int | None:
        """Number of items, where known."""
        return len(self.items) if self.items is not None else self.n_items


class Form(Declaration):
    """A printed order of a scale with its key. Keys hang here: another order or language has another key.

    Attributes
    ----------
    id : str
        Name of the form.
    language : str
        Language tag; empty where not recorded.
    note : str
        How to recognise the form.
    n_items : int or None
        Number of items.
    likert_options : ResponseFormat or None
        The answers; None where unknown.
    subscales : Named of Subscale
        Which items make which score.
    reversed : tuple of int or None
        Items whose codes run against the score; None where unknown.
    precoded : tuple of int
        Of these, the items whose printed codes already run the other way round; scoring leaves them alone.
    poles : mapping of int to str
        For a semantic differential, the side of each pair that counts high.
    item_ids : tuple of str
        Names of the item columns, in order; ``<code>_<position>`` where none are given.
    items : tuple of Item
        Tags, and the wordings of our own items.
    instruction : str
        What stands above the items; for our own items only.
    modified : str
        For an adapted form, what was changed; norms are off.
    origins : mapping of str to Origin
        Status and source of ``n_items``, ``likert_options``, ``labels``, ``subscales`` and ``reversed``.
    """

    id: Code
    language: str = ""
    note: str = ""
    n_items: int | None = None
    likert_options: ResponseFormat | None = None
    subscales: Named[Subscale]
    reversed: Many[int] | None = None
    precoded: Many[int] = ()
    poles: Fixed[str, Literal["high_left", "high_right"]] = Fixed()
    item_ids: Many[str] = ()
    items: Many[Item] = ()
    instruction: str = ""
    modified: str = ""
    origins: Fixed[str, Origin] = Fixed()

    @model_validator(mode="after")
    def _key_lies_in_the_form(self) -> Self:
        last = self.n_items
        lists = {f"subscale {s.name!r}": s.items or () for s in self.subscales}
        lists |= {"reversed": self.reversed or (), "precoded": self.precoded}
        lists |= {"items": tuple(item.position for item in self.items)}
        for what, positions in lists.items():
            outside = [p for p in positions if p < 1 or (last is not None and p > last)]
            if outside:
                raise ValueError(
                    f"form {self.id!r}: {what} names item {outside[0]}, but the items run from 1 to {last}."
                )
            if len(set(positions)) < len(positions):
                raise ValueError(f"form {self.id!r}: {what} names an item twice: {list(positions)}.")
        if set(self.precoded) - set(self.reversed or ()):
            raise ValueError(f"form {self.id!r}: precoded items {list(self.precoded)} must be among the reversed ones.")
        return self

    @model_validator(mode="after")
    def _subscales_do_not_overlap(self) -> Self:
        owner: dict[int, str] = {}
        for subscale in self.subscales:
            for position in subscale.items or ():
                if position in owner:
                    raise ValueError(
                        f"form {self.id!r}: item {position} belongs to the subscales {owner[position]!r} and "
                        f"{subscale.name!r}; an item counts once. Declare a sum of both under 'total' or 'composites'."
                    )
                owner[position] = subscale.name
        return self

    @model_validator(mode="after")
    def _ids_and_poles_are_complete(self) -> Self:
        if self.item_ids and (len(self.item_ids) != self.n_items or len(set(self.item_ids)) < len(self.item_ids)):
            raise ValueError(
                f"form {self.id!r}: {len(self.item_ids)} item_ids for {self.n_items} items; give each one id."
            )
        bipolar = self.likert_options is not None and self.likert_options.kind == "semantic_differential"
        if self.poles and not bipolar:
            raise ValueError(f"form {self.id!r}: poles belong to a semantic differential.")
        if bipolar and self.reversed is not None and set(self.poles) != {str(p) for p in self.positions}:
            raise ValueError(
                f"form {self.id!r} is a semantic differential: say for each pair which side counts high "
                f"(poles: '1': high_left ...); {len(self.poles)} of {len(self.positions)} are given."
            )
        return self

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of all scored items, in the order of the form."""
        return tuple(sorted(p for subscale in self.subscales for p in subscale.items or ()))

    @property
    def size(self) -> int | None:
        """Number of items, from the form or from the counts of its subscales, where known."""
        counts = [subscale.count for subscale in self.subscales]
        if self.n_items is not None or None in counts or not counts:
            return self.n_items
        return sum(count for count in counts if count is not None)

    @property
    def to_reverse(self) -> frozenset[int]:
        """Items that scoring must reverse: those that run against the score and are not printed reversed."""
        return frozenset(self.reversed or ()) - frozenset(self.precoded)

    def origin(self, field: str) -> Origin:
        """Return the status and source of a field.

        Parameters
        ----------
        field : str
            Field name.

        Returns
        -------
        Origin
            Unknown where nothing is recorded.
        """
        return self.origins.get(field, missing_origin())

    def subscale(self, name: str) -> Subscale:
        """Return one subscale.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Subscale
            The subscale.

        Raises
        ------
        NotFoundError
            With the names that exist.
        """
        found = self.subscales.get(name)
        if found is None:
            raise NotFoundError(choices(f"Subscale of form {self.id!r}", name, self.subscales.names))
        return found

    def columns(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the item columns, in the order of the form.

        Parameters
        ----------
        prefix : str
            Scale code or measure name.

        Returns
        -------
        tuple of str
            ``item_ids`` where given, else ``<prefix>_<position>``.
        """
        return self.item_ids or tuple(f"{prefix}_{position}" for position in range(1, (self.size or 0) + 1))

    def tag(self, position: int) -> str:
        """Return the content tag of an item: its own, or its subscale's.

        Parameters
        ----------
        position : int
            Place in the form.

        Returns
        -------
        str
            One to four words; empty where none is recorded.
        """
        own = next((item.tag for item in self.items if item.position == position and item.tag), "")
        home = next((s for s in self.subscales if position in (s.items or ())), None)
        return own or (home.tag or home.name.replace("_", " ") if home else "")
