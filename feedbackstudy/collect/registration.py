"""The record of a registration: which study was registered, and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.files import read_bounded
from feedbackstudy.study import Study

__all__ = ["RECORD_VERSION", "Registration", "moment", "read_registration"]

RECORD_VERSION = 1
_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What was registered.

    Attributes
    ----------
    study : Study
        The study as it was.
    at : datetime or None
        When it was registered, in UTC; None where that is not recorded.
    begun : bool
        Whether the registration began the history that is kept beside the study.
    """

    study: Study
    at: datetime | None
    begun: bool = False

    @property
    def design_hash(self) -> str:
        """The design hash that was registered."""
        return self.study.design_hash


def read_registration(path: str | Path) -> Registration:
    """Read the record of a registration.

    Parameters
    ----------
    path : str or Path
        The ``.registered.json`` that was written with it.

    Returns
    -------
    Registration
        What was registered. The moment is that of the computer's clock; the stamp of the registry is the one that
        convinces others.

    Raises
    ------
    FileFormatError
        Where the file is no such record, or was changed since.
    """
    file = Path(path)
    try:
        record = json.loads(read_bounded(file, _LIMIT).decode("utf-8"))
        version, study = int(record["schema_version"]), Study.model_validate(record["study"])
        at = moment(record)
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        if isinstance(fault, InputError):
            raise
        raise FileFormatError(f"{file} is no record of a registration: {type(fault).__name__}.") from fault
    if version > RECORD_VERSION:
        raise FileFormatError(f"{file} was written by a newer version (schema {version}); update feedbackstudy.")
    if study.design_hash != record.get("design_hash"):
        raise FileFormatError(f"{file} was changed after it was written: its design hash is not that of its study.")
    return Registration(study=study, at=at, begun=record.get("history") is True)


def moment(record: Mapping[str, object], name: str = "registered_at") -> datetime | None:
    """Return a moment of a record.

    Parameters
    ----------
    record : mapping
        Plain data.
    name : str, default "registered_at"
        The key.

    Returns
    -------
    datetime or None
        In UTC; None where there is none.

    Raises
    ------
    ValueError
        Where it is no moment with its offset from UTC.
    """
    told = record.get(name)
    if not told:
        return None
    found = datetime.fromisoformat(str(told))
    if found.tzinfo is None:
        raise ValueError(f"{name} has no offset from UTC")
    return found.astimezone(UTC)
