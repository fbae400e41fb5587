"""What somebody got, as a line of the ledger tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from feedbackstudy.assign.chain import Line
from feedbackstudy.render import Facts, Page, Rendered

__all__ = ["Reveal", "plain_mapping", "reveal_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal(Rendered):
    """What somebody got.

    Attributes
    ----------
    participant : str
        Pseudonym.
    slot : int
        Number of the place.
    stratum : mapping of str to str
        Stratum.
    assigned : mapping of str to str
        ``arm``, factor levels, ``exemplar``, deck.
    receipt : str
        ``line:hash``; kept elsewhere, it proves that the ledger once held this line.
    """

    participant: str
    slot: int
    stratum: Mapping[str, str]
    assigned: Mapping[str, str]
    receipt: str

    def page(self) -> Page:
        """Return what somebody got, with the receipt to keep.

        Returns
        -------
        Page
            Ready to render.
        """
        pairs = (*self.stratum.items(), *self.assigned.items(), ("receipt", self.receipt))
        return Page(title=f"{self.participant}: place {self.slot}", blocks=(Facts(pairs),))


def reveal_of(line: Line) -> Reveal:
    """Read a line of the ledger.

    Parameters
    ----------
    line : dict
        A line that holds.

    Returns
    -------
    Reveal
        What it says.
    """
    return Reveal(
        participant=str(line["participant"]),
        slot=int(str(line["slot"])),
        stratum=plain_mapping(line["stratum"]),
        assigned=plain_mapping(line["assigned"]),
        receipt=f"{line['line']}:{line['hash']}",
    )


def plain_mapping(value: object) -> dict[str, str]:
    """Return a value of a line as a mapping of text to text.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    dict of str to str
        Empty where it is no mapping.
    """
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, dict) else {}
