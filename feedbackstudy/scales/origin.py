"""Where a fact of a scale comes from, and whether it may be relied upon."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration

__all__ = ["ESTABLISHED", "Origin", "Status", "missing_origin"]

type Status = Literal["verified", "completed", "study_built", "convention", "from_memory", "unknown"]
"""Verified: seen at the named source. Completed: read off the source by the researcher, who is named. Study-built: our
own words and key. Convention: our choice where the source's own is not recorded. From memory, unknown: not usable."""

ESTABLISHED = frozenset({"verified", "completed", "study_built", "convention"})


class Origin(Declaration):
    """The status and source of one field.

    Attributes
    ----------
    status : str
        ``verified``, ``completed``, ``study_built``, ``convention``, ``from_memory`` or ``unknown``.
    source : str
        Where it was seen.
    page : str
        Page or table, for what a researcher completed.
    who : str
        The researcher who completed it.
    """

    status: Status
    source: str = ""
    page: str = ""
    who: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.status == "verified" and not self.source.strip():
            raise ValueError("a verified field names the source it was seen at; give 'source', or another status.")
        if self.status == "completed" and not (self.page.strip() and self.who.strip()):
            raise ValueError(
                "a completed field names the page it was read from and who read it: give 'page' and 'who'."
            )
        return self

    @property
    def established(self) -> bool:
        """Whether the field may be relied upon."""
        return self.status in ESTABLISHED

    def __str__(self) -> str:
        """Return the status and where it was seen, for a card."""
        words = self.status.replace("_", " ")
        seen = ", ".join(part for part in (self.source, self.page, self.who and f"completed by {self.who}") if part)
        return f"{words} ({seen})" if seen else words


def missing_origin() -> Origin:
    """Return the origin of a field about which nothing is recorded.

    Returns
    -------
    Origin
        With status ``unknown``.
    """
    return Origin(status="unknown")
