"""Contact lists for known people: who gets which link, and what the questionnaire must show; and back again."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from feedbackstudy.assign.exchange import TOKEN, check_link, csv_rows, csv_text, token_of
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.files import write_atomic

if TYPE_CHECKING:
    from feedbackstudy.assign.allocation import Allocation

__all__ = ["export_contacts", "read_contacts"]


def export_contacts(allocation: "Allocation", path: str | Path, *, link: str, secret: str | None = None) -> Path:
    """Write a contact list: participant, personal link, and what the questionnaire must show.

    Parameters
    ----------
    allocation : Allocation
        Of known people.
    path : str or Path
        A CSV file.
    link : str
        Address of the survey with ``{token}`` where the personal part belongs; https only.
    secret : str, optional
        Fixes the tokens, so that a second export gives the same links; drawn by default.

    Returns
    -------
    Path
        The file. It names conditions: give it to the platform, never to people who must not know them.

    Raises
    ------
    InputError
        For an allocation without people, an unusable link, or a file that cannot be written.
    """
    if allocation.placeholder:
        raise InputError("Nobody is known yet, so there are no contacts; export a pool of links from a sealed ledger.")
    check_link(link)
    key = (secret or secrets.token_hex(32)).encode("utf-8")
    names = ["arm", *dict.fromkeys(name for cell in allocation.conditions for name, _ in cell.levels)]
    extra = [name for name in ("exemplar", "deck_block", "deck_order") if name in allocation.frame.columns]
    rows = []
    for row in allocation.frame.to_dict("records"):
        token = token_of(key, str(row["participant"]))
        shown = {name: "" if pd.isna(row[name]) else str(row[name]) for name in [*names, *extra] if name in row}
        rows.append(
            {"participant": str(row["participant"]), **shown, "token": token, "link": link.replace(TOKEN, token)}
        )
    return write_atomic(Path(path), csv_text(rows), private=True)


def read_contacts(path: str | Path) -> pd.DataFrame:
    """Read a contact list back.

    Parameters
    ----------
    path : str or Path
        A file of `export_contacts`.

    Returns
    -------
    DataFrame
        All text; an empty cell is NA.

    Raises
    ------
    InputError
        Where it is no contact list, or a participant or token stands twice.
    """
    rows = csv_rows(Path(path), ("participant", "arm", "token", "link"))
    frame = pd.DataFrame(rows, dtype="str")
    for name in ("participant", "token"):
        twice = frame.loc[frame[name].duplicated(), name]
        if len(twice):
            raise DataError(f"{path}: the {name} {twice.iloc[0]!r} stands twice; export the list again.")
    return frame.mask(frame == "")
