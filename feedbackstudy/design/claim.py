"""One claim about post-interview feedback: what varies, through what, on what, for whom, and what is known."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.design.comparisons import Comparison
from feedbackstudy.named import Code, Fixed, Line, Name
from feedbackstudy.render import Facts, Page, Rendered

__all__ = ["Claim", "ClaimEvidence", "Construct"]


class Construct(Declaration):
    """Something that claims speak of as an outcome or mediator.

    Attributes
    ----------
    name : str
        Short name, also looked for among a study's score columns.
    label : str
        In words.
    measure : str or None
        Key of the library's scale that measures it; None while there is no measure.
    subscale : str or None
        Which of the scale's subscales.
    reversed : bool
        Whether high scores mean little of the construct.
    """

    name: Name
    label: Line
    measure: str | None = None
    subscale: Name | None = None
    reversed: bool = False


class ClaimEvidence(Declaration):
    """What is known, by reference: the figures stay where they were published or computed.

    Attributes
    ----------
    source : {"meta_benchmarks", "dataset", "analysis"}
        Where the figures are.
    key : str
        Row of `meta_benchmarks`, dataset or analysis.
    says : str
        What it says, in words.
    bearing : {"evidence", "analogue"}
        Whether it speaks to the claim or only resembles it.
    people : str or None
        Whom it is about.
    has_figure : bool
        Whether the figure under `key` measures what is said here; false where the source says it in words only.
    """

    source: Literal["meta_benchmarks", "dataset", "analysis"]
    key: str
    says: Line
    bearing: Literal["evidence", "analogue"] = "evidence"
    people: Line | None = None
    has_figure: bool = True

    @model_validator(mode="after")
    def _evidence_names_its_people(self) -> Self:
        if self.bearing == "evidence" and not self.people:
            raise ValueError(f"{self.key}: say whom the evidence is about ('people'), or mark it as an analogue.")
        return self

    def figure(self, figures: Mapping[str, str]) -> str:
        """Return the figure to print beside the words.

        Parameters
        ----------
        figures : mapping of str to str
            Evidence key -> figure.

        Returns
        -------
        str
            Empty where there is none, or where it measures something else.
        """
        return figures.get(self.key, "") if self.has_figure else ""


def _claim_id(text: str) -> str:
    if len(text) not in {3, 4} or text[0] != "C" or not text[1:3].isdigit() or text[3:] not in {"", "a", "b"}:
        raise ValueError(f"{text!r} is no claim id; they look like 'C01' or 'C14a'.")
    return text


class Claim(Declaration, Rendered):
    """One claim in testable form.

    Attributes
    ----------
    id : str
        Stable id, such as ``"C03"``.
    text : str
        The claim in our words.
    factor : str or None
        The factor or predictor that varies.
    levels : tuple of str
        The levels that are compared.
    how : {"assigned", "measured"}
        Whether the factor is assigned, or people differ in it.
    any_factor : bool
        Whether the claim is about any feedback factor.
    arm : str or None
        The arm outside the crossing that feedback is compared with.
    also_varies : tuple of str
        What the claim mentions as varying besides.
    clusters : str or None
        The unit to which the factor is assigned.
    contrast : Comparison or None
        The comparison.
    through : tuple of str
        Mediators.
    outcomes : tuple of str
        Outcomes.
    expects : mapping of str to str
        Outcome -> expected direction of the contrast, where it is not positive.
    baseline : bool
        Whether the outcome is a change from a baseline.
    population : tuple of str
        Whom the claim is about.
    by_us : tuple of str
        What the article does not say itself.
    evidence : tuple of ClaimEvidence
        What is known.
    tension : tuple of str
        Claims that pull the other way.
    note : str
        What must be known about the claim.
    """

    id: Annotated[str, AfterValidator(_claim_id)]
    text: Line
    factor: Name | None = None
    levels: Many[Code] = ()
    how: Literal["assigned", "measured"] = "assigned"
    any_factor: bool = False
    arm: Name | None = None
    also_varies: Many[Line] = ()
    clusters: Name | None = None
    contrast: Comparison | None = None
    through: Many[Name] = ()
    outcomes: Many[Name]
    expects: Fixed[Name, Literal["positive", "negative", "either"]] = Fixed()
    baseline: bool = False
    population: Many[Name]
    by_us: Many[Line] = ()
    evidence: Many[ClaimEvidence] = ()
    tension: Many[str] = ()
    note: str = ""

    @model_validator(mode="after")
    def _varies_something(self) -> Self:
        if not (self.factor or self.any_factor or self.arm):
            raise ValueError(f"{self.id}: name the factor or arm that varies, or set any_factor.")
        if self.any_factor == (self.contrast is not None):
            raise ValueError(f"{self.id}: give a contrast, or any_factor, and not both.")
        unknown = [name for name in self.expects if name not in self.outcomes]
        if unknown:
            raise ValueError(f"{self.id}: 'expects' speaks of {unknown[0]!r}, which is no outcome of the claim.")
        return self

    @property
    def name(self) -> str:
        """The id."""
        return self.id

    def page(self) -> Page:
        """Return the claim with what is known.

        Returns
        -------
        Page
            Ready to render.
        """
        pairs = [("claim", self.text), ("varies", _varies(self)), ("through", ", ".join(self.through))]
        pairs += [("outcomes", ", ".join(self.outcomes)), ("about", ", ".join(self.population))]
        pairs += [("added by us", ", ".join(self.by_us)), ("known", self.told("evidence") or "nothing found")]
        pairs += [("analogues, no evidence", self.told("analogue")), ("tension with", ", ".join(self.tension))]
        pairs += [("note", self.note)]
        return Page(title=f"Claim {self.id}", blocks=(Facts(tuple((key, text) for key, text in pairs if text)),))

    def told(self, bearing: str, figures: Mapping[str, str] | None = None) -> str:
        """Say what is known in one line.

        Parameters
        ----------
        bearing : {"evidence", "analogue"}
            Which of both.
        figures : mapping of str to str, optional
            Evidence key -> figure to print beside it.

        Returns
        -------
        str
            Empty where nothing was found.
        """
        numbers = figures or {}
        return "; ".join(
            _known(each) + (f": {figure}" if (figure := each.figure(numbers)) else "")
            for each in self.evidence
            if each.bearing == bearing
        )

    def __str__(self) -> str:
        return Rendered.__str__(self)


def _varies(claim: Claim) -> str:
    if claim.any_factor:
        return "any feedback factor"
    levels = f": {', '.join(claim.levels)}" if claim.levels else ""
    factor = f"{claim.factor} ({claim.how}){levels}" if claim.factor else ""
    against = f"feedback against {claim.arm}" if claim.arm else ""
    return "; ".join(part for part in (factor, against, *claim.also_varies) if part)


def _known(evidence: ClaimEvidence) -> str:
    people = f" ({evidence.people})" if evidence.people else ""
    return f"{evidence.says}{people} [{evidence.source} {evidence.key}]"
