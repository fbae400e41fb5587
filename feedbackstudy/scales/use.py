"""What a scale may be used for, and by whom."""

from typing import Literal

from feedbackstudy.declaration import Declaration
from feedbackstudy.issues import Issue, Severity

__all__ = ["USES", "Use", "UseTerms"]

type Use = Literal["academic", "commercial", "redistribute", "modify", "employer_to_candidates"]

USES: tuple[str, ...] = ("academic", "commercial", "redistribute", "modify", "employer_to_candidates")

_FIELD = {
    "academic": "academic",
    "commercial": "commercial",
    "redistribute": "redistribution",
    "modify": "modification",
    "employer_to_candidates": "commercial",
}


class UseTerms(Declaration):
    """The four permissions that matter, each on its own.

    Attributes
    ----------
    academic : str
        ``yes``, ``likely``, ``ask``, ``paid``, ``no`` or ``unknown``.
    commercial : str
        ``yes``, ``ask``, ``licence``, ``not_granted``, ``no`` or ``unknown``.
    redistribution : str
        Of the wording: ``yes``, ``no``, ``see_note`` or ``unknown``.
    modification : str
        ``yes``, ``ask``, ``no`` or ``unknown``.
    holder : str
        Whom to ask.
    """

    academic: Literal["yes", "likely", "ask", "paid", "no", "unknown"] = "unknown"
    commercial: Literal["yes", "ask", "licence", "not_granted", "no", "unknown"] = "unknown"
    redistribution: Literal["yes", "no", "see_note", "unknown"] = "unknown"
    modification: Literal["yes", "ask", "no", "unknown"] = "unknown"
    holder: str = ""

    def answer(self, use: str) -> str:
        """Return what the terms say about a use.

        Parameters
        ----------
        use : str
            One of `USES`.

        Returns
        -------
        str
            The term.
        """
        return str(getattr(self, _FIELD[use]))

    def blocker(self, use: str, *, scale: str, seen: bool, note: str) -> Issue | None:
        """Return what stands in the way of a use.

        Parameters
        ----------
        use : str
            One of `USES`.
        scale : str
            The scale's name, for the message.
        seen : bool
            Whether the terms were seen at a source.
        note : str
            The licence in words.

        Returns
        -------
        Issue or None
            None where the terms allow the use and were seen at a source.
        """
        term = self.answer(use)
        if term == "yes" and seen:
            return None
        what = f"{_FIELD[use]}: {term.replace('_', ' ')}" + ("" if seen else " (from memory, not seen at a source)")
        return Issue(
            code=f"scales.use_{use}",
            severity=Severity.WARNING if term == "likely" else Severity.ERROR,
            where=scale,
            what=what,
            why=note or "No terms are recorded.",
            fix=f"Ask {self.holder or 'the holder'} and keep the answer with the study, or leave the scale out.",
        )
