"""Pools of sealed links for people who are not known yet: each link is one place of a sealed list."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feedbackstudy.assign.exchange import TOKEN, TOKEN_CHARACTERS, check_link, csv_rows, csv_text
from feedbackstudy.assign.ledger import Ledger
from feedbackstudy.assign.reveal import Reveal
from feedbackstudy.assign.roster import plain_id
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.render import Facts, Page, Rendered, counted, number

__all__ = ["LinkPool", "link_pool", "read_pool", "tokens"]

LINKS, PLATFORM = "links.csv", "platform.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPool(Rendered):
    """A pool of links, each for one person who is not known yet.

    Attributes
    ----------
    links : Path
        The file to hand out: number and link, nothing else.
    platform : Path
        The file for the platform: token and what it must show.
    n : int
        Number of links.
    commitment : str
        Of the sealed list behind them.
    """

    links: Path
    platform: Path
    n: int
    commitment: str

    def claim(self, ledger: Ledger, token: str) -> Reveal:
        """Record that the holder of a link arrived.

        Parameters
        ----------
        ledger : Ledger
            The ledger whose list the pool was made from.
        token : str
            As the platform reports it.

        Returns
        -------
        Reveal
            The place of that link, the same each time.

        Raises
        ------
        DataError
            For a token that is not in the pool, or a ledger of another list.
        """
        if ledger.commitment != self.commitment:
            raise DataError("The pool was made from another sealed list; open the ledger that it belongs to.")
        known = {row["token"] for row in csv_rows(self.platform, ("token", "slot", "arm"))}
        if token not in known:
            raise DataError(f"The token {token[:40]!r} is in no link of the pool; somebody typed it or it was cut.")
        return ledger.reveal(token)

    def page(self) -> Page:
        """Return where the files are and what may be done with each.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = (
            ("links", number(self.n)),
            ("to hand out, each to one person", f"{self.links.parent.name}/{self.links.name}"),
            ("for the platform alone: it tells conditions", f"{self.platform.parent.name}/{self.platform.name}"),
            ("commitment", self.commitment),
        )
        return Page(title="Pool of sealed links", blocks=(Facts(facts),))


def link_pool(ledger: Ledger, folder: str | Path, *, link: str, stratum: Mapping[str, str] | None = None) -> LinkPool:
    """Turn the free places of a sealed list into links.

    Parameters
    ----------
    ledger : Ledger
        A ledger made for a roster of tokens by `tokens`.
    folder : str or Path
        Where both files go.
    link : str
        Address of the survey with ``{token}``; https only.
    stratum : mapping of str to str, optional
        Links for one stratum only, where the ledger has several.

    Returns
    -------
    LinkPool
        Both files.

    Raises
    ------
    InputError
        For an unusable link, a ledger without named places, or files that cannot be written.

    Notes
    -----
    The link names its place in the sealed list by a random token, so it tells nothing about the condition, and two
    links can never share a place.
    """
    check_link(link)
    wanted = dict(stratum or {})
    slots = [slot for slot in ledger.sealed.slots if wanted.items() <= dict(slot.stratum).items()]
    if ledger.sealed.kind != "roster" or not slots:
        raise InputError(
            "A pool needs a ledger whose places have names: make it with Ledger.create(folder, study, "
            "roster=tokens(n)), one token for each link."
        )
    rows = [(slot.slot, plain_id(slot.participant), dict(slot.assigned)) for slot in slots]
    columns = list(dict.fromkeys(name for *_, assigned in rows for name in assigned))
    home = Path(folder)
    links = [{"number": str(i), "link": link.replace(TOKEN, token)} for i, (_, token, _) in enumerate(rows, start=1)]
    shown = [
        {"token": token, "slot": str(slot), **{name: assigned.get(name, "") for name in columns}}
        for slot, token, assigned in rows
    ]
    return LinkPool(
        links=write_atomic(home / LINKS, csv_text(links), private=True),
        platform=write_atomic(home / PLATFORM, csv_text(shown), private=True),
        n=len(rows),
        commitment=ledger.commitment,
    )


def read_pool(folder: str | Path, ledger: Ledger) -> LinkPool:
    """Find a pool again.

    Parameters
    ----------
    folder : str or Path
        Where `link_pool` wrote both files.
    ledger : Ledger
        The ledger that the pool was made from.

    Returns
    -------
    LinkPool
        The pool.

    Raises
    ------
    InputError
        Where a file is absent, or a token is no place of the ledger's list.
    """
    home = Path(folder)
    names = {row["token"] for row in csv_rows(home / PLATFORM, ("token", "slot", "arm"))}
    csv_rows(home / LINKS, ("number", "link"))
    strange = names - {slot.participant for slot in ledger.sealed.slots}
    if strange:
        raise DataError(
            f"{len(strange)} of {counted(len(names), 'token')} of the pool {'is' if len(strange) == 1 else 'are'} in "
            f"no place of this ledger; the pool was made from "
            "another sealed list. Open the ledger that it belongs to."
        )
    return LinkPool(links=home / LINKS, platform=home / PLATFORM, n=len(names), commitment=ledger.commitment)


def tokens(n: int, strata: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return a roster of random tokens, for people who are not known yet.

    Parameters
    ----------
    n : int
        How many.
    strata : mapping of str to str, optional
        Stratum of all of them.

    Returns
    -------
    DataFrame
        ``participant`` and the strata.

    Raises
    ------
    InputError
        Where n is below 1.
    """
    if n < 1:
        raise InputError(f"{n} tokens are asked for; give the number of links to hand out, at least 1.")
    names = [secrets.token_hex(TOKEN_CHARACTERS // 2) for _ in range(n)]
    return pd.DataFrame({"participant": names}).assign(**dict(strata or {}))
