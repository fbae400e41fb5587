"""Several scales as one questionnaire: what it asks, how long it takes, and what stands in the way of a use."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.named import Code, Fixed, Line, Named
from feedbackstudy.render import Block as PageBlock
from feedbackstudy.render import Notice, Page, Rendered, Table, Text, number
from feedbackstudy.scales.libraries import Library, library_for
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.use import USES

__all__ = ["Battery", "Block", "ReadyBattery", "battery", "ready_batteries"]

_FILE = Path(__file__).with_name("batteries.yaml")
_MINUTES = (7.0 / 40.0, 8.0 / 40.0)
"""Minutes an item: 40 items take about 7 to 8 minutes."""


class Block(Declaration):
    """A scale, or some of its scores, at one wave.

    Attributes
    ----------
    scale : str
        Its code.
    form : str or None
        Its form; may be left out where there is one.
    parts : tuple of str
        Subscales asked; empty for the whole scale.
    n_items : int or None
        Items asked, where the record does not know them.
    wave : str
        When it is asked.
    role : str
        What it is for.
    note : str
        What to mind.
    """

    scale: Code
    form: Code | None = None
    parts: Many[str] = ()
    n_items: int | None = None
    wave: Code = "after"
    role: Literal["outcome", "mediator", "moderator", "covariate", "manipulation_check", "awareness"] = "outcome"
    note: str = ""

    def size(self, scale: Scale) -> int | None:
        """Return how many items the block asks.

        Parameters
        ----------
        scale : Scale
            The block's scale.

        Returns
        -------
        int or None
            None where the record does not know.
        """
        form = scale.form(self.form) if self.form or len(scale.forms) == 1 else scale.forms[0]
        if self.n_items is not None:
            return self.n_items
        if not self.parts:
            return form.size
        counts = [form.subscale(part).count for part in self.parts]
        return None if None in counts else sum(count for count in counts if count is not None)

    def size_seen(self, scale: Scale) -> bool:
        """Say whether that number was seen at a source; otherwise it is from memory, or unknown.

        Parameters
        ----------
        scale : Scale
            The block's scale.

        Returns
        -------
        bool
            Whether it was.
        """
        form = scale.form(self.form) if self.form or len(scale.forms) == 1 else scale.forms[0]
        return self.n_items is None and form.origin("subscales" if self.parts else "n_items").established


class ReadyBattery(Declaration):
    """A battery that is shipped.

    Attributes
    ----------
    name : str
        Its name.
    title, purpose : str
        What it is for.
    blocks : tuple of Block
        What it asks.
    """

    name: Line
    title: Line
    purpose: Line
    blocks: Many[Block]

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.blocks:
            raise ValueError(f"battery {self.name!r} holds no block.")
        return self


class _Batteries(Declaration):
    batteries: Named[ReadyBattery]


@lru_cache(maxsize=1)
def ready_batteries() -> Named[ReadyBattery]:
    """Return the batteries that are shipped.

    Returns
    -------
    Named of ReadyBattery
        ``open-core``, ``candidate-pulse``, ``no-licence-needed``, ``licensed-core`` and ``extended``.
    """
    return from_document(_Batteries, _FILE).batteries


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery(Rendered):
    """Scales composed into one instrument.

    Attributes
    ----------
    name, title, purpose : str
        What it is.
    blocks : tuple of (Block, Scale)
        What it asks, with the scale behind each block.
    """

    name: str
    title: str
    purpose: str
    blocks: tuple[tuple[Block, Scale], ...]

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The scales, each once."""
        return tuple({scale.code: scale for _, scale in self.blocks}.values())

    @property
    def items(self) -> int:
        """Items asked over all waves, as far as they are known."""
        return sum(block.size(scale) or 0 for block, scale in self.blocks)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Scales whose number of items is not known."""
        return tuple(dict.fromkeys(scale.code for block, scale in self.blocks if block.size(scale) is None))

    @property
    def minutes(self) -> tuple[float, float]:
        """Shortest and longest usual time, at 7 to 8 minutes for 40 items."""
        return self.items * _MINUTES[0], self.items * _MINUTES[1]

    def check_use(self, use: str) -> Issues:
        """List everything that stands in the way of a use.

        Parameters
        ----------
        use : {"academic", "commercial", "redistribute", "modify", "employer_to_candidates"}
            What is planned. ``employer_to_candidates``: an employer asks its own candidates, who depend on it.

        Returns
        -------
        Issues
            One per scale and reason; empty where nothing stands in the way on what was seen.

        Raises
        ------
        InputError
            For another use.
        """
        if use not in USES:
            raise InputError(choices("Use", use, USES))
        found = []
        for scale in self.scales:
            seen = scale.origin("use_terms").established
            blocker = scale.use_terms.blocker(use, scale=scale.code, seen=seen, note=scale.license_explanation)
            found += [blocker] if blocker else []
            found += _personal(scale) if use == "employer_to_candidates" else []
        return Issues(found)

    def measures(self) -> tuple[Measure, ...]:
        """Return the blocks as measures of a study, one for each scale, with all its waves.

        Returns
        -------
        tuple of Measure
            Ready for a study file; a scale asked at several waves has the role of its last block.
        """
        made: dict[str, Measure] = {}
        for block, scale in self.blocks:
            before = made.get(scale.code)
            waves = (*before.waves, block.wave) if before and block.wave not in before.waves else (block.wave,)
            form = block.form or (scale.forms[0].id if len(scale.forms) == 1 else None)
            parts = block.parts or (scale.form(form).subscales.names if form else ())
            scores = {f"{scale.code}_{part}": part for part in parts} if len(parts) > 1 or block.parts else {}
            made[scale.code] = Measure(
                name=scale.code, scale=scale.code, form=block.form, scores=Fixed(scores), waves=waves, role=block.role
            )
        return tuple(made.values())

    def page(self) -> Page:
        """Return the battery as a table, one block a row, with what is missing.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                block.wave,
                scale.name,
                ", ".join(block.parts).replace("_", " ") or "all",
                number(block.size(scale)) + ("" if block.size_seen(scale) else " ?"),
                block.role.replace("_", " "),
                _ready(block, scale),
                block.note,
            )
            for block, scale in self.blocks
        )
        head = ("wave", "scale", "scores", "items", "role", "can score", "note")
        short, long = (number(minutes, 0) for minutes in self.minutes)
        notes: list[PageBlock] = [Text(self.purpose)] if self.purpose else []
        if not all(block.size_seen(scale) for block, scale in self.blocks):
            notes.append(Notice("A number of items with a question mark is from memory; count again at the source."))
        if self.unknown:
            notes.append(Notice(f"Number of items unknown: {', '.join(self.unknown)}. Consult their sources."))
        return Page(
            title=self.title or self.name,
            subtitle=f"{self.name}: {self.items} items, about {short} to {long} minutes",
            blocks=(*notes, Table(head, rows)),
        )


def _ready(block: Block, scale: Scale) -> str:
    form = block.form or (scale.forms[0].id if len(scale.forms) == 1 else None)
    if form is None:
        return "name the form"
    return "not yet" if scale.gaps(form) else "yes"


def _personal(scale: Scale) -> list[Issue]:
    reasons = [str(kind).replace("_", "-") for kind in scale.sensitive] + (["trait"] if scale.is_trait else [])
    return [
        Issue(
            "scales.use_personal",
            Severity.ERROR,
            scale.code,
            f"it is a {reason} scale ({scale.construct_measured}).",
            "Candidates depend on the employer and cannot freely refuse; such data may count as sensitive.",
            "Ask about the message and the process instead (battery 'candidate-pulse').",
        )
        for reason in reasons
    ]


def battery(*scales: str | Scale | Sequence[str | Scale], name: str = "", library: Library | None = None) -> Battery:
    """Compose scales into an instrument, or take a ready one by its name.

    Parameters
    ----------
    *scales : str, Scale or sequence of these
        The name of a ready battery, codes of scales, ``"code:subscale"`` for one score of a scale, or scales.
    name : str, optional
        What to call it.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    Battery
        The instrument; it counts items and minutes and checks uses.

    Raises
    ------
    InputError
        Where nothing is named, or a name is unknown.
    """
    home = library_for(given=library)
    named: list[str | Scale] = []
    for one in scales:
        named += [one] if isinstance(one, str | Scale) else list(one)
    if not named:
        raise InputError(choices("Battery", "(nothing)", ready_batteries().names))
    if len(named) == 1 and isinstance(named[0], str) and (ready := ready_batteries().get(named[0])) is not None:
        blocks = tuple((block, home.get(block.scale)) for block in ready.blocks)
        return Battery(name=ready.name, title=ready.title, purpose=ready.purpose, blocks=blocks)
    return Battery(name=name or "battery", title="", purpose="", blocks=tuple(_block(one, home) for one in named))


def _block(one: str | Scale, home: Library) -> tuple[Block, Scale]:
    if isinstance(one, Scale):
        return Block(scale=one.code), one
    code, _, part = one.partition(":")
    if code not in home.sources:
        raise NotFoundError(choices("Scale or battery", code, (*home.codes, *ready_batteries().names)))
    scale = home.get(code)
    if part:
        scale.forms[0].subscale(part)
    return Block(scale=code, parts=(part,) if part else ()), scale
