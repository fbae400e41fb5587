"""How the study treats people: population, realism, consent, deception, debriefing, aftercare."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration
from feedbackstudy.named import Line, Real

__all__ = ["Conduct", "Passage", "WithheldFeedback"]


class Passage(Declaration):
    """A text shown to participants: written here, or kept in a file of the study folder.

    Attributes
    ----------
    text : str or None
        The text itself.
    file : str or None
        A path inside the study folder.
    sha256 : str or None
        The file's hash; where given, a changed file is refused.
    """

    text: str | None = None
    file: str | None = None
    sha256: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.file is None):
            raise ValueError("give either 'text' or 'file', and not both.")
        if self.text is not None and (not self.text.strip() or self.sha256):
            raise ValueError("the text is empty." if not self.text.strip() else "'sha256' belongs to 'file' only.")
        return self


class WithheldFeedback(Declaration):
    """What becomes of the feedback that some arms did not get.

    Attributes
    ----------
    given_afterwards : bool
        Whether they get it once their last wave is over.
    after_days : float or None
        How many days after their last wave at most.
    reason : str or None
        Why not, where they never get it.
    """

    given_afterwards: bool
    after_days: Real | None = None
    reason: str | None = None


class Conduct(Declaration):
    """How the study treats people, and therefore whom it can speak about.

    Attributes
    ----------
    population : {"candidates", "employees", "students", "panel", "recruiters", "mixed"}
        Who takes part: candidates of a real selection, employees, students, members of an online panel, recruiters
        (or employers), or several of these.
    realism : {"hypothetical", "enacted", "field"}
        Whether the situation is imagined, acted out, or real.
    deception : {"none", "omission", "active"}
        Nothing, something held back, or something untrue.
    deception_detail : str
        What is held back or untrue.
    consent, debriefing, re_consent : Passage or None
        Texts; re-consent asks, after debriefing, whether the data may still be used.
    ethics_approval : str or None
        Committee and number; ``"pending"`` before the decision.
    withheld_feedback : WithheldFeedback or None
        What becomes of the feedback that some arms did not get.
    support_contact : str or None
        Whom participants can turn to.
    retention_months : float or None
        How long personal data are kept after the last wave.
    published : str or None
        For the re-analysis of a published study: its citation. The other fields then describe that study as far as it
        is reported, and `check` asks for no consent, debriefing or retention of ours.
    """

    population: Literal["candidates", "employees", "students", "panel", "recruiters", "mixed"]
    realism: Literal["hypothetical", "enacted", "field"]
    deception: Literal["none", "omission", "active"] = "none"
    deception_detail: str = ""
    consent: Passage | None = None
    debriefing: Passage | None = None
    re_consent: Passage | None = None
    ethics_approval: Line | None = None
    withheld_feedback: WithheldFeedback | None = None
    support_contact: Line | None = None
    retention_months: Real | None = None
    published: Line | None = None

    @model_validator(mode="after")
    def _retention_is_a_time(self) -> Self:
        if self.retention_months is not None and self.retention_months <= 0:
            raise ValueError(f"retention_months is {self.retention_months:g}; give the months that data are kept.")
        return self

    def passages(self) -> tuple[tuple[str, Passage], ...]:
        """Return the texts that are declared.

        Returns
        -------
        tuple of (str, Passage)
            Field name and text, in order of use.
        """
        texts = (("consent", self.consent), ("debriefing", self.debriefing), ("re_consent", self.re_consent))
        return tuple((name, text) for name, text in texts if text is not None)
