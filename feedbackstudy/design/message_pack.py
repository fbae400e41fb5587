"""Packs of feedback texts: ours, put together from sentences, and the researcher's own, written out."""

from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.design.feedback import FACTORS
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.named import Code, Fixed, Line, Name, Named

__all__ = [
    "TEXT_FACTORS",
    "Exemplar",
    "Family",
    "MessagePack",
    "OwnMessage",
    "OwnPack",
    "Point",
    "family_exemplars",
    "pack",
]

FILE = Path(__file__).with_name("message_packs") / "interview_feedback.yaml"

TEXT_FACTORS = (
    "framing",
    "specificity",
    "valence",
    "decision",
    "process_information",
    "sender",
    "credibility",
    "dialogue",
)
"""The ready-made factors that change a message's words; time, place and prompts do not."""

USUAL = {"framing": "strengths_first", "specificity": "behavioural", "valence": "mixed"}
"""Levels of a message where the study neither varies nor fixes them."""

_STRENGTHS = {"positive": 3, "mixed": 2, "negative": 1}


class Point(Declaration):
    """One strength or shortcoming, said in several ways.

    Attributes
    ----------
    point : str
        What is judged.
    general : str
        The judgement without anything the person said or did.
    behavioural : str
        The same judgement tied to the interview.
    next_step : str
        One thing to do differently; for shortcomings.
    echo : str
        The point in a few words, for the emphasis at the end.
    """

    point: Name
    general: Line
    behavioural: Line
    next_step: str = ""
    echo: Line

    def said(self, specificity: str) -> str:
        """Return the point's sentences at a level of specificity.

        Parameters
        ----------
        specificity : {"general", "behavioural", "behavioural_next_step"}
            The level.

        Returns
        -------
        str
            One or two sentences.
        """
        if specificity == "general":
            return self.general
        step = self.next_step if specificity == "behavioural_next_step" else ""
        return f"{self.behavioural} {step}".strip()


class Exemplar(Declaration):
    """One invented candidate: what is praised and criticised.

    Attributes
    ----------
    name : str
        Value in the column ``exemplar``.
    family : str
        The job family.
    strengths, deficits : tuple of Point
        Three each.
    """

    name: Name
    family: Name
    strengths: Many[Point]
    deficits: Many[Point]

    @model_validator(mode="after")
    def _three_of_each(self) -> Self:
        points = [point.point for point in (*self.strengths, *self.deficits)]
        if len(self.strengths) != 3 or len(self.deficits) != 3 or len(set(points)) != 6:
            raise ValueError(f"exemplar {self.name!r}: give three strengths and three shortcomings, all different.")
        silent = [point.point for point in self.deficits if not point.next_step]
        if silent:
            raise ValueError(f"exemplar {self.name!r}: the shortcoming {silent[0]!r} has no next step.")
        return self


class Family(Declaration):
    """A job family.

    Attributes
    ----------
    name : str
        Its name.
    label : str
        In words.
    """

    name: Name
    label: Line


class MessagePack(Declaration):
    """Sentences from which messages are put together.

    Attributes
    ----------
    title, licence : str
        What it is, and who may use it.
    greeting, emphasis : str
        First sentence, and the one that repeats the first point at the end.
    lines : mapping of str to mapping
        Factor -> level -> what the message says for it.
    families : Named of Family
        Job families.
    exemplars : Named of Exemplar
        Invented candidates.
    """

    title: Line
    licence: Line
    greeting: Line
    emphasis: Line
    lines: Fixed[Name, Fixed[Code, str]]
    families: Named[Family]
    exemplars: Named[Exemplar]

    @model_validator(mode="after")
    def _speaks_for_every_level(self) -> Self:
        for name, levels in self.lines.items():
            if name not in TEXT_FACTORS or set(levels) != set(FACTORS[name].levels):
                raise ValueError(f"lines of {name!r}: give each level of the ready-made factor {name!r} its words.")
        strange = [each.name for each in self.exemplars if each.family not in self.families.names]
        if strange:
            raise ValueError(f"exemplar {strange[0]!r} belongs to no family; families: {self.families.names}.")
        return self

    def points(self, exemplar: str, valence: str) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
        """Return the strengths and shortcomings that a message names: four in all.

        Parameters
        ----------
        exemplar : str
            The candidate.
        valence : {"positive", "mixed", "negative"}
            How favourable the content is.

        Returns
        -------
        tuple of tuple of Point
            Strengths, shortcomings.
        """
        who = self.exemplars[exemplar]
        n = _STRENGTHS[valence]
        return who.strengths[:n], who.deficits[: 4 - n]

    def text(self, exemplar: str, levels: dict[str, str]) -> str:
        """Put a message together.

        Parameters
        ----------
        exemplar : str
            The candidate.
        levels : mapping of str to str
            Ready-made factor -> level; usual levels where left out, and no line for factors that have none.

        Returns
        -------
        str
            The message, one paragraph for each part.
        """
        for name, level in levels.items():
            if name not in TEXT_FACTORS or level not in FACTORS[name].levels:
                allowed = FACTORS[name].levels if name in TEXT_FACTORS else TEXT_FACTORS
                raise DeclarationError(
                    choices("Level" if name in TEXT_FACTORS else "Factor of a message", level, allowed)
                )
        at = USUAL | levels
        strengths, deficits = self.points(exemplar, at["valence"])
        first, second = (strengths, deficits) if at["framing"] == "strengths_first" else (deficits, strengths)
        parts = [" ".join(point.said(at["specificity"]) for point in points) for points in (first, second)]
        closing = self.emphasis.replace("{echo}", first[0].echo)
        opening = [self.greeting, self._line("decision", at)]
        after = [self._line(name, at) for name in ("process_information", "sender", "dialogue", "credibility")]
        paragraphs = [" ".join(filter(None, opening)), *parts, closing, *after]
        return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)

    def _line(self, factor: str, levels: dict[str, str]) -> str:
        return self.lines[factor][levels[factor]].strip() if factor in levels and factor in self.lines else ""


class OwnMessage(Declaration):
    """One message of the researcher's own.

    Attributes
    ----------
    exemplar : str
        Which candidate or version it belongs to.
    cell : mapping of str to str
        Factor of the study -> level; the factors that change the text.
    text : str
        The message.
    strengths, deficits : tuple of str
        Points it names, so that they can be compared between cells.
    """

    exemplar: Name
    cell: Fixed[Name, Code]
    text: str
    strengths: Many[Name] = ()
    deficits: Many[Name] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text.strip():
            raise ValueError(f"the message of {self.exemplar!r} in {dict(self.cell)} is empty; write its text.")
        return self


class OwnPack(Declaration):
    """The researcher's own messages, kept in a file of the study folder.

    Attributes
    ----------
    title : str
        What they are.
    permission : str
        Who wrote them, and who may use them.
    language : str
        Language of the texts; reading ease is for English.
    messages : tuple of OwnMessage
        One for each cell and exemplar.
    """

    title: Line
    permission: Line
    language: Literal["en", "other"] = "en"
    messages: Many[OwnMessage]


@cache
def pack() -> MessagePack:
    """Return our own texts.

    Returns
    -------
    MessagePack
        Licence CC0: free for any use.
    """
    return from_document(MessagePack, FILE)


def family_exemplars(family: str) -> tuple[str, ...]:
    """Return the exemplars of a job family.

    Parameters
    ----------
    family : str
        The family.

    Returns
    -------
    tuple of str
        Names.
    """
    return tuple(each.name for each in pack().exemplars if each.family == family)
