"""The texts of a study as a result: readable, countable, and proved by fingerprints."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from feedbackstudy.declaration import Declaration, digest, from_document, to_document
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell
from feedbackstudy.design.message_text import TextCounts, count_text
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.named import Fixed
from feedbackstudy.render import Facts, Page, Rendered, Table

__all__ = ["Message", "MessageLock", "MessageSet", "check_messages", "lock_messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One text.

    Attributes
    ----------
    name : str
        ``"exemplar:level:level"``.
    exemplar : str
        The version of the content.
    levels : tuple of (str, str)
        The study's factors that change the text, with their levels.
    text : str
        What people read.
    strengths, deficits : tuple of str
        Points it names.
    own : bool
        Whether the researcher wrote it.
    """

    name: str
    exemplar: str
    levels: tuple[tuple[str, str], ...]
    text: str
    strengths: tuple[str, ...]
    deficits: tuple[str, ...]
    own: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the text, blind to line ends and trailing blanks."""
        lines = "\n".join(line.rstrip() for line in self.text.strip().splitlines())
        return sha256(lines.encode("utf-8")).hexdigest()

    @property
    def counts(self) -> TextCounts:
        """Words, sentences, syllables."""
        return count_text(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSet(Rendered):
    """All texts of a study.

    Attributes
    ----------
    messages : tuple of Message
        One for each text cell and exemplar.
    exemplars : tuple of str
        Levels of the random factor ``exemplar``.
    factors : tuple of str
        The study's factors that change the text.
    valence : str or None
        The factor among them that changes what is praised and criticised.
    issues : Issues
        What is missing or too few.
    """

    messages: tuple[Message, ...]
    exemplars: tuple[str, ...]
    factors: tuple[str, ...]
    valence: str | None
    issues: Issues

    @property
    def fingerprint(self) -> str:
        """One digest over all texts."""
        return digest({message.name: message.sha256 for message in self.messages})

    @property
    def frame(self) -> pd.DataFrame:
        """One row per message: ``message, exemplar``, factors, counts, points, ``text``."""
        rows = [
            {
                "message": m.name,
                "exemplar": m.exemplar,
                **dict(m.levels),
                "words": m.counts.words,
                "sentences": m.counts.sentences,
                "reading_ease": m.counts.reading_ease,
                "strengths": len(m.strengths),
                "deficits": len(m.deficits),
                "text": m.text,
            }
            for m in self.messages
        ]
        return pd.DataFrame(rows)

    def of(self, cell: Cell, exemplar: str) -> Message:
        """Return the message that a cell gets from an exemplar.

        Parameters
        ----------
        cell : Cell
            A cell of the crossing.
        exemplar : str
            The version.

        Returns
        -------
        Message
            The text.

        Raises
        ------
        NotFoundError
            Where there is none; arms outside the crossing get no message.
        """
        levels = tuple((name, level) for name, level in cell.levels if name in self.factors)
        for message in self.messages:
            if cell.arm == FEEDBACK and message.exemplar == exemplar and message.levels == levels:
                return message
        if exemplar not in self.exemplars:
            raise NotFoundError(choices("Exemplar", exemplar, self.exemplars))
        raise NotFoundError(
            f"There is no message of {exemplar!r} for {cell.key!r}; write it, or leave the exemplar out."
        )

    def page(self) -> Page:
        """Return all texts.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                ("messages", str(len(self.messages))),
                ("exemplars (random factor)", ", ".join(self.exemplars)),
                ("text changes with", ", ".join(self.factors) or "nothing"),
                ("fingerprint", self.fingerprint),
            )
        )
        rows = tuple((m.name, str(m.counts.words), "own" if m.own else "CC0", m.text) for m in self.messages)
        found = self.issues.page().blocks if self.issues else ()
        return Page(title="Messages", blocks=(facts, *found, Table(("message", "words", "by", "text"), rows)))


class MessageLock(Declaration):
    """Hashes of all texts, without the texts.

    Attributes
    ----------
    hashes : mapping of str to str
        Message -> SHA-256.
    """

    hashes: Fixed[str, str]


def lock_messages(messages: MessageSet, path: Path) -> Path:
    """Write the hashes of all texts.

    Parameters
    ----------
    messages : MessageSet
        The texts.
    path : Path
        The lock file.

    Returns
    -------
    Path
        `path`.
    """
    return to_document(MessageLock(hashes=Fixed({m.name: m.sha256 for m in messages.messages})), path)


def check_messages(messages: MessageSet, path: Path) -> Issues:
    """Hold the texts against a lock.

    Parameters
    ----------
    messages : MessageSet
        The texts in use now.
    path : Path
        The lock of an earlier day or another lab.

    Returns
    -------
    Issues
        One error for each text that changed, came or went.
    """
    then = from_document(MessageLock, path).hashes
    now = {m.name: m.sha256 for m in messages.messages}
    return Issues(
        Issue(
            "design.message_changed",
            Severity.ERROR,
            f"{path.name}: {name}",
            f"The text of {name!r} {'changed' if name in then and name in now else 'is new or gone'}.",
            "People of one cell would have read different things.",
            "Restore the text, or treat the new one as a new exemplar.",
        )
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    )
