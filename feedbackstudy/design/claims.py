"""The claim register: what is claimed about post-interview feedback, what is known, and a hypothesis for each claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, from_document
from feedbackstudy.design.claim import Claim, Construct
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.named import Fixed, Named
from feedbackstudy.render import Page, Rendered, Table, Text

__all__ = ["ClaimRegister", "claim_ids", "get", "list", "list_claims", "register"]

FILE = Path(__file__).with_name("claims.yaml")


class _RegisterFile(Declaration):
    constructs: Named[Construct]
    claims: Named[Claim]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        constructs = self.constructs.names
        for claim in self.claims:
            for name in (*claim.outcomes, *claim.through):
                if name not in constructs:
                    raise ValueError(f"{claim.id}: {choices('Construct', name, constructs)}")
            for other in claim.tension:
                if other not in self.claims.names:
                    raise ValueError(f"{claim.id}: {choices('Claim', other, self.claims.names)}")
        return self


@dataclass(frozen=True, slots=True)
class ClaimRegister(Rendered):
    """The register as a page: what is claimed, what is known.

    Attributes
    ----------
    claims : Named of Claim
        The claims.
    constructs : Named of Construct
        Their outcomes and mediators.
    figures : mapping of str to str
        Evidence key -> figure to print beside it, from whoever holds the numbers.
    """

    claims: Named[Claim]
    constructs: Named[Construct]
    figures: Mapping[str, str]

    def with_figures(self, figures: Mapping[str, str]) -> "ClaimRegister":
        """Return the register with figures beside its evidence.

        Parameters
        ----------
        figures : mapping of str to str
            Evidence key -> figure, such as ``"d = 0.41"``; keys without evidence are refused.

        Returns
        -------
        ClaimRegister
            A new register.

        Raises
        ------
        NotFoundError
            For a figure that no claim refers to.
        """
        known = {evidence.key for claim in self.claims for evidence in claim.evidence}
        for key in figures:
            if key not in known:
                raise NotFoundError(choices("Evidence", key, known))
        return ClaimRegister(self.claims, self.constructs, figures)

    def page(self) -> Page:
        """Return one row for each claim; analogues stand in a column of their own.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (
                claim.id,
                claim.text + (f" (added by us: {', '.join(claim.by_us)})" if claim.by_us else ""),
                ", ".join(claim.outcomes),
                claim.told("evidence", self.figures) or "nothing found",
                claim.told("analogue", self.figures),
                ", ".join(claim.tension),
            )
            for claim in self.claims
        )
        head = (
            "id",
            "what is claimed",
            "about",
            "what is known",
            "what only resembles it (no evidence)",
            "tension with",
        )
        lead = Text(
            "The claims come from a practitioner article that gives almost no figures. No open data of real "
            "post-interview feedback were found: what is known is about the people named."
        )
        return Page(title="What is claimed, what is known", blocks=(lead, Table(head, rows)))


@cache
def register() -> ClaimRegister:
    """Return the claim register that comes with the package.

    Returns
    -------
    ClaimRegister
        All claims, in order of their ids.
    """
    content = from_document(_RegisterFile, FILE)
    return ClaimRegister(content.claims, content.constructs, Fixed())


def claim_ids() -> tuple[str, ...]:
    """Return the ids of all claims.

    Returns
    -------
    tuple of str
        Such as ``"C01"``.
    """
    return register().claims.names


def get(id: str) -> Claim:
    """Return a claim.

    Parameters
    ----------
    id : str
        Such as ``"C03"``.

    Returns
    -------
    Claim
        The claim.

    Raises
    ------
    NotFoundError
        With the nearest ids.
    """
    found = register().claims.get(id)
    if found is None:
        raise NotFoundError(choices("Claim", id, claim_ids()))
    return found


def list_claims() -> ClaimRegister:
    """Return all claims as a page: what is claimed, what is known.

    Returns
    -------
    ClaimRegister
        The register.
    """
    return register()


list = list_claims
