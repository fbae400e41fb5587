"""Whether people are treated as they must be: consent, deception, withheld feedback, support, data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import error, note, warning

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_ethics"]


def check_ethics(study: "Study") -> Iterator[Issue]:
    """Yield what is missing in the treatment of people; nothing for a re-analysis of a published study.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about conduct.
    """
    yield from _realism(study)
    if study.conduct.published:
        return
    yield from _consent(study)
    yield from _deception(study)
    yield from _assigned_to_people(study)
    yield from _withheld(study)
    yield from _care(study)
    yield from _locks(study)


def _realism(study: "Study") -> Iterator[Issue]:
    enacted = [factor.name for factor in study.factors if factor.mode == "enacted"]
    described = [factor.name for factor in study.factors if factor.mode == "described"]
    realism = study.conduct.realism
    if realism == "hypothetical" and enacted:
        yield warning(
            study,
            ("conduct",),
            "realism_contradicts",
            f"The situation is hypothetical, yet people live through {', '.join(enacted)} (mode: enacted).",
            why="What is imagined and what is lived through give different evidence.",
            fix="Set mode: described, or realism: enacted.",
        )
    if realism == "field" and described:
        yield warning(
            study,
            ("conduct",),
            "realism_contradicts",
            f"The study is in the field, yet people only read about {', '.join(described)} (mode: described).",
            why="What is imagined and what is lived through give different evidence.",
            fix="Set mode: enacted, or realism: hypothetical.",
        )


def _consent(study: "Study") -> Iterator[Issue]:
    if study.conduct.consent is None:
        yield error(
            study,
            ("conduct",),
            "no_consent",
            "The consent text is missing.",
            why="Without informed consent there is no participation, and no data that may be used.",
            fix="Add conduct.consent with 'text', or with 'file' inside the study folder.",
        )
    if not study.conduct.ethics_approval:
        yield warning(
            study,
            ("conduct",),
            "no_ethics_approval",
            "No ethics approval is named.",
            why="Journals ask for committee and number, and participants may.",
            fix="Add conduct.ethics_approval, 'pending' before the decision.",
        )


def _deception(study: "Study") -> Iterator[Issue]:
    conduct = study.conduct
    if conduct.deception == "none":
        return
    for name, passage in (("debriefing", conduct.debriefing), ("re_consent", conduct.re_consent)):
        if passage is None:
            yield error(
                study,
                ("conduct",),
                f"deception_without_{name}",
                f"The study deceives by {conduct.deception}, but has no {name.replace('_', '-')} text.",
                why="People who were deceived must learn the truth and then decide whether their data may be used.",
                fix=f"Add conduct.{name}, or do without the deception.",
            )
    if not conduct.deception_detail:
        yield warning(
            study,
            ("conduct",),
            "deception_undescribed",
            f"The study deceives by {conduct.deception}, but does not say about what.",
            why="A committee and a reader must be able to judge it.",
            fix="Add conduct.deception_detail.",
        )
    if conduct.population in {"candidates", "mixed"} and conduct.deception == "active":
        yield error(
            study,
            ("conduct",),
            "candidates_deceived",
            "Candidates of a real selection are told something untrue.",
            why="They may turn down, seek or lose work because of it; a later debriefing cannot undo that.",
            fix="Hold back at most what they can be given later (deception: omission), or act the selection out.",
        )


def _assigned_to_people(study: "Study") -> Iterator[Issue]:
    conduct = study.conduct
    for i, factor in enumerate(study.factors):
        if factor.mode != "enacted":
            continue
        if factor.concept in {"decision", "valence"} and conduct.population in {"candidates", "mixed"}:
            yield error(
                study,
                ("factors", i),
                "fate_assigned",
                f"Chance decides the {factor.concept} that candidates of a real selection get.",
                why="A decision or praise that does not rest on what people did can cost them real work.",
                fix="Measure it (mode: measured), describe it in a vignette, or act the selection out.",
            )
        if factor.concept in {"sender", "credibility"} and conduct.deception == "none":
            yield note(
                study,
                ("factors", i),
                "sender_must_be_true",
                f"The levels of {factor.name!r} say who wrote the feedback, and the study declares no deception.",
                why="Naming a sender who did not write it would be untrue.",
                fix="Let each sender really write it, or declare the deception with debriefing and re-consent.",
            )


def _withheld(study: "Study") -> Iterator[Issue]:
    conduct = study.conduct
    withheld = conduct.withheld_feedback
    cared_for = withheld is not None and (withheld.given_afterwards or bool(withheld.reason))
    if study.arms and conduct.population in {"candidates", "mixed"} and not cared_for:
        yield error(
            study,
            ("conduct",),
            "feedback_withheld",
            f"Real candidates in {', '.join(study.arms.names)} get no feedback, ever, and no reason is stated.",
            why="They gave their time to the selection and bear the cost of the comparison.",
            fix="Set conduct.withheld_feedback with given_afterwards: true (after their last wave), or a reason.",
        )


def _care(study: "Study") -> Iterator[Issue]:
    conduct = study.conduct
    if not conduct.support_contact:
        yield warning(
            study,
            ("conduct",),
            "no_support_contact",
            "Participants have nobody to turn to.",
            why="A rejection, also an acted one, can weigh on people.",
            fix="Add conduct.support_contact.",
        )
    if conduct.retention_months is None:
        yield warning(
            study,
            ("conduct",),
            "no_retention",
            "It is not said how long personal data are kept.",
            why="Data protection law asks for a period, and consent is given for it.",
            fix="Add conduct.retention_months.",
        )


def _locks(study: "Study") -> Iterator[Issue]:
    loose = [f"{name} ({text.file})" for name, text in study.conduct.passages() if text.file and not text.sha256]
    if loose:
        yield note(
            study,
            ("conduct",),
            "text_not_locked",
            f"The design hash does not cover the content of {', '.join(loose)}.",
            why="The text could change after registration without anyone noticing.",
            fix="Add its 'sha256' before registering.",
        )
