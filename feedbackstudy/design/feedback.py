"""Ready-made factors of feedback, each with an operational definition: what differs between levels, and what must not.

They are declared as vignettes (``mode: described``); ``timing.replace(mode="enacted")`` makes one that people live
through, ``timing.only("same_day", "two_weeks")`` one with fewer levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from feedbackstudy.design.factors import Factor
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.named import Fixed, Named
from feedbackstudy.render import Page, Rendered, Table

__all__ = ["FACTORS", "FactorCatalogue", "get", "list", "list_factors"]


def _factor(
    name: str,
    label: str,
    definition: str,
    levels: Mapping[str, tuple[str, str]],
    *,
    reference: str,
    order: tuple[str, ...] = (),
    days: tuple[float, ...] = (),
) -> Factor:
    return Factor(
        name=name,
        label=label,
        definition=definition,
        levels=Fixed({code: title for code, (title, _) in levels.items()}),
        definitions=Fixed({code: what for code, (_, what) in levels.items()}),
        mode="described",
        reference=reference,
        order=order,
        scores=Fixed(dict(zip(order, days, strict=True))) if days else Fixed(),
        unit="days" if days else "",
        delay_from="decision" if days else None,
        concept=name,
    )


TIMING = _factor(
    "timing",
    "Timing",
    "How long after the decision the feedback arrives. Wording, sender and channel stay the same, and the decision "
    "itself is told at the same time in all levels.",
    {
        "same_day": ("On the same day", "Feedback arrives within hours of the decision."),
        "two_days": ("After two days", "Feedback arrives 48 hours after the decision."),
        "one_week": ("After one week", "Feedback arrives seven days after the decision."),
        "two_weeks": ("After two weeks", "Feedback arrives fourteen days after the decision."),
        "one_month": ("After one month", "Feedback arrives thirty days after the decision."),
    },
    reference="two_weeks",
    order=("same_day", "two_days", "one_week", "two_weeks", "one_month"),
    days=(0.0, 2.0, 7.0, 14.0, 30.0),
)
FRAMING = _factor(
    "framing",
    "Framing",
    "Which part of the same content comes first and is stressed. Every strength and every shortcoming is named in all "
    "levels, in the same number of words.",
    {
        "strengths_first": ("Strengths first", "Strengths open and close the message; shortcomings stand between."),
        "deficits_first": ("Shortcomings first", "Shortcomings open and close the message; strengths stand between."),
    },
    reference="deficits_first",
)
SPECIFICITY = _factor(
    "specificity",
    "Specificity",
    "How closely the message is tied to what the person did. The verdict and its tone stay the same; length is "
    "balanced or reported.",
    {
        "general": ("General", "Qualities are judged without naming anything the person said or did."),
        "behavioural": ("Behavioural", "Each judgement is tied to an answer or action in the interview."),
        "behavioural_next_step": (
            "Behavioural with a next step",
            "As behavioural; each shortcoming also gets one thing to do differently next time.",
        ),
    },
    reference="general",
    order=("general", "behavioural", "behavioural_next_step"),
)
CREDIBILITY = _factor(
    "credibility",
    "Credibility of the sender",
    "What the message says about the sender's knowledge of the job and presence at the interview. The feedback itself "
    "stays the same.",
    {
        "expert": ("Expert who was there", "Signed by somebody who knows the job and took part in the interview."),
        "unknown": ("Unknown sender", "Signed by a department, without a word about who judged and on what grounds."),
    },
    reference="unknown",
)
SETTING = _factor(
    "setting",
    "Setting",
    "Who is present when the feedback is given. Words and sender stay the same.",
    {
        "private": ("In private", "Only sender and candidate are present or can read it."),
        "public": ("Before others", "Other candidates or staff are present or can read it."),
    },
    reference="public",
)
VALENCE = _factor(
    "valence",
    "Valence",
    "How favourable the content is. Number of points, specificity and length stay the same; the decision is held "
    "constant or crossed.",
    {
        "positive": ("Mostly positive", "Three strengths and one shortcoming."),
        "mixed": ("Mixed", "Two strengths and two shortcomings."),
        "negative": ("Mostly negative", "One strength and three shortcomings."),
    },
    reference="mixed",
    order=("negative", "mixed", "positive"),
)
DECISION = _factor(
    "decision",
    "Decision",
    "The outcome of the selection that the feedback goes with. The feedback's content stays the same.",
    {
        "rejected": ("Rejected", "The candidate is not hired."),
        "reserve": ("On the reserve list", "The candidate may be hired if somebody else declines."),
        "offered": ("Offered", "The candidate is offered the job."),
    },
    reference="rejected",
    order=("rejected", "reserve", "offered"),
)
SENDER = _factor(
    "sender",
    "Sender",
    "Who is said to have written the feedback. The text stays the same, and the claim must be true or debriefed.",
    {
        "human": ("A person", "Said to be written by an interviewer."),
        "ai": ("An AI system", "Said to be written by a computer system without human review."),
        "both": ("AI with a person", "Said to be drafted by a computer system and reviewed by an interviewer."),
    },
    reference="human",
)
DIALOGUE = _factor(
    "dialogue",
    "Dialogue",
    "Whether the candidate is asked to respond. The feedback stays the same, and whoever accepts gets an answer.",
    {
        "invited": ("Invited to ask", "The message names a person and a time for questions and suggests asking some."),
        "not_invited": ("Not invited", "The message ends without a way to respond."),
    },
    reference="not_invited",
)
PROCESS_INFORMATION = _factor(
    "process_information",
    "Process information",
    "Whether the message says what the feedback is for and how the judgement came about. The judgement stays the same.",
    {
        "given": ("Given", "Purpose, criteria, who judged and what happens with the record are stated."),
        "not_given": ("Not given", "The judgement stands alone."),
    },
    reference="not_given",
)
PROMPT = _factor(
    "prompt",
    "Prompt",
    "What people are asked to do with the feedback once they have read it. The feedback stays the same, and time on "
    "the page is balanced or reported.",
    {
        "none": ("No prompt", "People go on as they like."),
        "pause": ("A pause", "People are asked to wait, with a fixed minimum time, before they respond."),
        "journal": ("A feedback journal", "People write what they heard, what pattern they see and what it means."),
        "goals": ("Goals and steps", "People set one goal, the steps towards it and a date to look back."),
        "strengths_goals": ("Strengths and small goals", "People name two strengths and set one small goal."),
    },
    reference="none",
)

FACTORS: Named[Factor] = Named(
    (
        TIMING,
        FRAMING,
        SPECIFICITY,
        CREDIBILITY,
        SETTING,
        VALENCE,
        DECISION,
        SENDER,
        DIALOGUE,
        PROCESS_INFORMATION,
        PROMPT,
    )
)
"""All ready-made factors."""


@dataclass(frozen=True, slots=True)
class FactorCatalogue(Rendered):
    """The ready-made factors as a page.

    Attributes
    ----------
    factors : tuple of Factor
        What is listed.
    """

    factors: tuple[Factor, ...]

    def page(self) -> Page:
        """Return one row for each level.

        Returns
        -------
        Page
            Factors with their operational definitions.
        """
        rows = tuple(
            (factor.title if first else "", factor.definition if first else "", code, factor.definitions[code])
            for factor in self.factors
            for first, code in ((i == 0, code) for i, code in enumerate(factor.codes()))
        )
        head = ("factor", "what differs, what must not", "level", "what happens")
        return Page(title="Ready-made factors", blocks=(Table(head, rows),))


def get(name: str) -> Factor:
    """Return a ready-made factor.

    Parameters
    ----------
    name : str
        Such as ``"timing"``.

    Returns
    -------
    Factor
        The factor, declared as a vignette.

    Raises
    ------
    NotFoundError
        With the nearest names.
    """
    found = FACTORS.get(name)
    if found is None:
        raise NotFoundError(choices("Ready-made factor", name, FACTORS.names))
    return found


def list_factors() -> FactorCatalogue:
    """Return the ready-made factors as a page.

    Returns
    -------
    FactorCatalogue
        All of them.
    """
    return FactorCatalogue(tuple(FACTORS))


list = list_factors
