"""What has left the house: two exports whose difference is a few people give these people away."""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import locked, read_bounded, write_atomic
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import counted

__all__ = ["Export", "ExportLedger"]

_LIMIT = 200_000_000
_NAME, _LOCK = "exports.json", "exports.lock"
_FOLDER = ".feedbackstudy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One table that left.

    Attributes
    ----------
    name : str
        What it was called.
    when : str
        Time in UTC, ISO 8601.
    columns : tuple of str
        Its columns.
    people : frozenset of str
        Salted digests of the people in it.
    """

    name: str
    when: str
    columns: tuple[str, ...]
    people: frozenset[str]


class ExportLedger:
    """The exports of a study, kept in ``.feedbackstudy/exports.json`` of its folder (mode 0600).

    Parameters
    ----------
    folder : str or Path
        The study's folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / _FOLDER / _NAME

    def _read(self) -> tuple[str, list[Export]]:
        if not self.path.exists():
            return secrets.token_hex(16), []
        try:
            data = json.loads(read_bounded(self.path, _LIMIT).decode("utf-8"))
            exports = [
                Export(
                    name=str(e["name"]), when=str(e["when"]), columns=tuple(e["columns"]), people=frozenset(e["people"])
                )
                for e in data["exports"]
            ]
            return str(data["salt"]), exports
        except (ValueError, KeyError, TypeError) as fault:
            raise FileFormatError(
                f"{self.path} is damaged; restore it from a copy before anything else leaves."
            ) from fault

    @property
    def exports(self) -> tuple[Export, ...]:
        """What has left, first export first."""
        return tuple(self._read()[1])

    def compare(self, participants: Collection[str], *, k: int = 5) -> Issues:
        """Warn where a table differs from an earlier one by a few people.

        Parameters
        ----------
        participants : collection of str
            The people in the table that is to leave.
        k : int, default 5
            Fewer people than this make a difference that gives them away.

        Returns
        -------
        Issues
            A warning for each earlier export that differs by 1 to k - 1 people, in either direction.
        """
        salt, exports = self._read()
        mine = _digests(participants, salt)
        found = []
        for earlier in exports:
            more, fewer = len(mine - earlier.people), len(earlier.people - mine)
            if 0 < more < k or 0 < fewer < k:
                found.append(_differs(earlier, more, fewer, k))
        return Issues(found)

    def add(self, name: str, participants: Collection[str], columns: Collection[str]) -> Export:
        """Note that a table has left.

        Parameters
        ----------
        name : str
            What it is called.
        participants : collection of str
            The people in it.
        columns : collection of str
            Its columns.

        Returns
        -------
        Export
            The entry, on disk.

        Raises
        ------
        FileFormatError
            Where the ledger is damaged or cannot be written, or another process holds it for half a minute.

        Notes
        -----
        Any number of processes may add at once: each reads what the others wrote before it writes.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.path.with_name(_LOCK)):
            for left in self.path.parent.glob(f".{_NAME}.*.part"):  # of a writer that was killed: none is at work now
                left.unlink(missing_ok=True)
            salt, exports = self._read()
            entry = Export(
                name=name,
                when=datetime.now(UTC).isoformat(timespec="seconds"),
                columns=tuple(columns),
                people=_digests(participants, salt),
            )
            data: Mapping[str, object] = {
                "schema_version": 1,
                "salt": salt,
                "exports": [
                    {"name": e.name, "when": e.when, "columns": list(e.columns), "people": sorted(e.people)}
                    for e in (*exports, entry)
                ],
            }
            write_atomic(self.path, json.dumps(data) + "\n", private=True)
        return entry


def _digests(participants: Collection[str], salt: str) -> frozenset[str]:
    return frozenset(sha256(f"{salt}:{who}".encode()).hexdigest()[:24] for who in participants)


def _differs(earlier: Export, more: int, fewer: int, k: int) -> Issue:
    return Issue(
        code="collect.differencing",
        severity=Severity.WARNING,
        where=f"export {earlier.name} of {earlier.when}",
        what=f"This table holds {counted(more, 'person', 'people')} whom that one lacks, and lacks {fewer} whom it "
        f"holds; fewer than {k} "
        "people are told apart by comparing the two.",
        why="Sums and means of both tables together give the answers of these few people away.",
        fix="Share the same people again, or wait until more have come or gone.",
    )
