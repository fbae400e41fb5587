"""What a study can and cannot say, whatever its numbers will be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.render import Facts, Page, Rendered

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["Sayings", "sayings"]

PEOPLE = {
    "candidates": "candidates of a real selection",
    "employees": "employees",
    "students": "students",
    "panel": "members of an online panel",
    "recruiters": "recruiters or employers",
    "mixed": "a mixed group of people",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayings(Rendered):
    """What a study can and cannot say.

    Attributes
    ----------
    can : tuple of str
        Sentences that its design allows.
    cannot : tuple of str
        Sentences that no result of it could carry.
    """

    can: tuple[str, ...]
    cannot: tuple[str, ...]

    def page(self) -> Page:
        """Return both lists as a page.

        Returns
        -------
        Page
            One line for each sentence.
        """
        pairs = (*(("can say", text) for text in self.can), *(("cannot say", text) for text in self.cannot))
        blocks = (Facts(pairs),)
        return Page(title="What the study can and cannot say", blocks=blocks)


def sayings(study: "Study") -> Sayings:
    """Derive what a study can and cannot say from its conduct, factors, arms and waves.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Sayings
        Two lists of sentences.
    """
    return Sayings(can=tuple(_can(study)), cannot=tuple(_cannot(study)))


def _can(study: "Study") -> Iterator[str]:
    who = PEOPLE[study.conduct.population]
    how = {
        "hypothetical": f"how {who} respond to a situation they imagine",
        "enacted": f"how {who} respond to a situation acted out with them",
        "field": f"how {who} respond where it really happens",
    }[study.conduct.realism]
    yield f"{how}."
    assigned = [factor.title for factor in study.factors if factor.mode != "measured"]
    if assigned:
        yield f"what difference each of these makes, because its levels are assigned: {', '.join(assigned)}."
    for arm in study.arms:
        yield f"how feedback compares with {arm.title!r}, on what both are asked."
    later = [wave for wave in study.waves if wave.phase == "after" and wave.offset_days > 0]
    if later:
        last = max(later, key=lambda wave: wave.offset_days)
        yield f"how things stand up to {last.offset_days:g} days after the {last.anchor} (wave {last.name})."


def _cannot(study: "Study") -> Iterator[str]:
    yield from _cannot_about_people(study)
    measured = [factor.title for factor in study.factors if factor.mode == "measured"]
    if measured:
        yield f"what {', '.join(measured)} causes: people already differ in it and in other things."
    if any(hypothesis.path for hypothesis in study.hypotheses):
        yield (
            "that an effect travels through a mediator: mediators are not assigned, so a path can only "
            "be consistent with the numbers."
        )
    if not study.arms:
        yield "whether feedback is better than none: every participant gets some."
    for measure in study.measures:
        unasked = [arm for arm in (FEEDBACK, *study.arms.names) if not measure.asks(arm)]
        if unasked and measure.role in {"outcome", "mediator"}:
            yield f"how people of {', '.join(unasked)} fare on {measure.title!r}, which they are not asked."
    if not any(wave.phase == "after" and wave.offset_days > 0 for wave in study.waves):
        yield "how long an effect lasts: nobody is asked again later."
    if not any(measure.kind != "scale" and measure.kind != "rating" for measure in study.measures):
        yield "what people do: it records what they report, not behaviour."


def _cannot_about_people(study: "Study") -> Iterator[str]:
    conduct = study.conduct
    who = PEOPLE[conduct.population]
    if conduct.realism == "hypothetical":
        yield (
            f"how rejected candidates feel or act: {who} who imagine a rejection have lost nothing, so "
            "stakes, memory and mood differ."
        )
    elif conduct.population not in {"candidates", "mixed"}:
        yield f"anything about candidates of a real selection: its people are {who}."
    if conduct.realism == "enacted":
        yield "that the same happens where a job is at stake: the selection was acted out."
    if conduct.deception == "active":
        yield "how people respond who do not believe the story; how many believed it must be reported."
