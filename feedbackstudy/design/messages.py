"""The messages of a study: which text each cell gets from each exemplar. `Messages` declares it.

An exemplar is one version of the content (one invented candidate). People in a cell are spread evenly over exemplars,
and exemplars are a random factor: a result is about messages of this kind, not about one lucky text.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many, from_document
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.message_pack import TEXT_FACTORS, OwnPack, family_exemplars, pack
from feedbackstudy.design.message_set import Message, MessageSet
from feedbackstudy.errors import DeclarationError, FileFormatError, choices
from feedbackstudy.files import inside
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.named import Code, Fixed, Name
from feedbackstudy.render import counted

__all__ = ["FEWEST_EXEMPLARS", "Messages", "make_messages"]

FEWEST_EXEMPLARS = 3


class Messages(Declaration):
    """Which texts a study shows.

    Attributes
    ----------
    family : str or None
        A job family of our own texts.
    exemplars : tuple of str
        Some of that family's exemplars; all by default.
    own : str or None
        A file of the study folder with the researcher's own messages, beside ours or instead.
    levels : mapping of str to str
        Ready-made factor -> level for what the texts say but the study does not vary, such as ``decision: rejected``.
    fingerprint : str or None
        Digest of all texts; where given, changed texts are refused.
    """

    family: Name | None = None
    exemplars: Many[Name] = ()
    own: str | None = None
    levels: Fixed[Name, Code] = Fixed()
    fingerprint: str | None = None

    @model_validator(mode="after")
    def _has_texts(self) -> Self:
        if not (self.family or self.own):
            raise ValueError(
                "name a job 'family' of our texts, or a file of your 'own'; without either nobody reads any."
            )
        if self.exemplars and not self.family:
            raise ValueError("'exemplars' chooses among our texts and needs 'family'.")
        if self.family is None:
            return self
        if self.family not in pack().families.names:
            raise ValueError(choices("Job family", self.family, pack().families.names))
        for name in self.exemplars:
            if name not in family_exemplars(self.family):
                raise ValueError(choices("Exemplar", name, family_exemplars(self.family)))
        return self


def make_messages(crossing: Crossing, messages: Messages, *, folder: Path | None = None) -> MessageSet:
    """Put the messages of a study together.

    Parameters
    ----------
    crossing : Crossing
        The design; ready-made factors are recognised by their `concept`.
    messages : Messages
        Which texts.
    folder : Path, optional
        The study folder, for the researcher's own file.

    Returns
    -------
    MessageSet
        One text for each exemplar and each cell that can occur.

    Raises
    ------
    InputError
        For a level that our texts do not know, a file that is absent, or texts that are not those declared.
    """
    concepts = {f.name: f.concept for f in crossing.factors if f.concept in TEXT_FACTORS and f.concept is not None}
    twice = [name for name, concept in concepts.items() if concept in messages.levels]
    if twice:
        raise DeclarationError(f"messages: the study varies {twice[0]!r}, so 'levels' cannot fix it; remove it there.")
    own = _read_own(messages, folder)
    extra = {name for message in (own.messages if own else ()) for name in message.cell}
    for name in sorted(extra):
        crossing.factors[name]
    factors = tuple(name for name in crossing.factors.names if name in concepts or name in extra)
    cells = _text_cells(crossing, factors)
    ours = _ours(cells, messages, concepts) if messages.family else ()
    mine, absent = _own(cells, own) if own else ((), [])
    exemplars = tuple(dict.fromkeys(message.exemplar for message in (*ours, *mine)))
    made = MessageSet(
        messages=(*ours, *mine),
        exemplars=exemplars,
        factors=factors,
        valence=next((name for name, concept in concepts.items() if concept == "valence"), None),
        issues=Issues([*absent, *_too_few(exemplars)]),
    )
    if messages.fingerprint is not None and made.fingerprint != messages.fingerprint:
        raise FileFormatError(
            f"messages: the texts are not those declared: their fingerprint is {made.fingerprint}, declared is "
            f"{messages.fingerprint}. Restore the texts (`check_messages` with a lock names those that changed), or "
            "declare the new fingerprint."
        )
    return made


def _text_cells(crossing: Crossing, factors: tuple[str, ...]) -> list[tuple[tuple[str, str], ...]]:
    kept = (
        tuple((name, level) for name, level in cell.levels if name in factors)
        for cell in crossing.cells()
        if cell.arm == FEEDBACK
    )
    return list(dict.fromkeys(kept))


def _name(exemplar: str, levels: tuple[tuple[str, str], ...]) -> str:
    return ":".join([exemplar, *(level for _, level in levels)])


def _ours(
    cells: list[tuple[tuple[str, str], ...]], messages: Messages, concepts: Mapping[str, str]
) -> tuple[Message, ...]:
    source = pack()
    made = []
    for exemplar in messages.exemplars or family_exemplars(messages.family or ""):
        for levels in cells:
            at = dict(messages.levels) | {concepts[name]: level for name, level in levels if name in concepts}
            text = source.text(exemplar, at)  # refuses a level that the texts do not know
            strengths, deficits = source.points(exemplar, at.get("valence", "mixed"))
            made.append(
                Message(
                    name=_name(exemplar, levels),
                    exemplar=exemplar,
                    levels=levels,
                    text=text,
                    strengths=tuple(point.point for point in strengths),
                    deficits=tuple(point.point for point in deficits),
                )
            )
    return tuple(made)


def _read_own(messages: Messages, folder: Path | None) -> OwnPack | None:
    if messages.own is None:
        return None
    if folder is None:
        raise FileFormatError(f"messages: {messages.own!r} lies in the study folder; save the study there first.")
    path = inside(folder, messages.own)
    if not path.is_file():
        raise FileFormatError(
            f"messages: the file {messages.own!r} does not exist in {folder}; write it or leave it out."
        )
    return from_document(OwnPack, path)


def _own(cells: list[tuple[tuple[str, str], ...]], own: OwnPack) -> tuple[tuple[Message, ...], list[Issue]]:
    texts = {}
    for each in own.messages:
        key = (each.exemplar, frozenset(each.cell.items()))
        if key in texts:
            raise DeclarationError(f"own messages: {each.exemplar!r} has two texts for {dict(each.cell)}; keep one.")
        texts[key] = each
    exemplars = tuple(dict.fromkeys(each.exemplar for each in own.messages))
    made, absent = [], []
    for exemplar in exemplars:
        for levels in cells:
            found = texts.pop((exemplar, frozenset(levels)), None)
            if found is None:
                absent.append(_absent(exemplar, levels))
                continue
            made.append(
                Message(
                    name=_name(exemplar, levels),
                    exemplar=exemplar,
                    levels=levels,
                    text=found.text,
                    strengths=found.strengths,
                    deficits=found.deficits,
                    own=True,
                )
            )
    for exemplar, cell in texts:
        raise DeclarationError(
            f"own messages: {exemplar!r} has a text for {dict(cell)}, which is no cell of the study."
        )
    return tuple(made), absent


def _absent(exemplar: str, levels: tuple[tuple[str, str], ...]) -> Issue:
    cell = ":".join(level for _, level in levels)
    return Issue(
        "design.message_absent",
        Severity.ERROR,
        f"messages: {exemplar}",
        f"There is no text of {exemplar!r} for {cell!r}.",
        "Its people would read nothing, and the exemplar would be confounded with the cells it has.",
        "Write the text, or leave this exemplar out everywhere.",
    )


def _too_few(exemplars: tuple[str, ...]) -> list[Issue]:
    if len(exemplars) >= FEWEST_EXEMPLARS:
        return []
    return [
        Issue(
            "design.few_exemplars",
            Severity.WARNING,
            "messages",
            f"There {'is' if len(exemplars) == 1 else 'are'} {counted(len(exemplars), 'exemplar')}; "
            f"{FEWEST_EXEMPLARS} are the least that can vary.",
            "A result might be about these words and not about the kind of feedback.",
            "Add exemplars, ours or your own.",
        )
    ]
