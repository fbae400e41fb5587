"""Pseudonyms: the same person gets the same code in every wave, and nobody without the key can find out whose it is."""

import hmac
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from feedbackstudy.errors import DataError, FileFormatError, InputError, UnsafePathError

__all__ = ["KEY_VARIABLE", "PseudonymKey", "make_key", "pseudonym_key"]

KEY_VARIABLE = "FEEDBACKSTUDY_PSEUDONYM_KEY"
"""Environment variable that names the key file; it goes before the default place."""

_BYTES, _CHARACTERS = 32, 20  # 20 hexadecimal digits carry 80 bits
_ALPHABET = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A secret that turns identifiers into codes. Make it with `make_key`, read it with `pseudonym_key`.

    Attributes
    ----------
    path : Path
        Where it is kept. The key itself is neither shown nor written anywhere else.
    """

    path: Path
    _secret: bytes = field(repr=False)

    def code(self, identifier: str) -> str:
        """Return the pseudonym of one identifier.

        Parameters
        ----------
        identifier : str
            A name, address, or id.

        Returns
        -------
        str
            20 hexadecimal digits (80 bits) after a ``p``.

        Raises
        ------
        DataError
            For an empty identifier: all who have none would become one person.

        Notes
        -----
        HMAC-SHA256 (RFC 2104) over the identifier without outer blanks, in Unicode form NFC and case-folded. Data under
        pseudonyms remain personal data for whoever holds the key, and may be recognised by what else they hold.
        """
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(identifier)).strip().casefold())
        if not folded:
            raise DataError("An identifier is empty; everybody without one would get the same pseudonym.")
        return "p" + hmac.new(self._secret, folded.encode("utf-8"), sha256).hexdigest()[:_CHARACTERS]

    def codes(self, identifiers: Iterable[str]) -> dict[str, str]:
        """Return the pseudonyms of many identifiers.

        Parameters
        ----------
        identifiers : iterable of str
            Names, addresses, ids.

        Returns
        -------
        dict of str to str
            Identifier -> pseudonym; spellings of one identifier share theirs.
        """
        return {str(one): self.code(one) for one in identifiers}


def _default() -> Path:
    return Path.home() / ".feedbackstudy" / "pseudonym.key"


def _place(path: str | Path | None) -> Path:
    if path is not None:
        return Path(path).expanduser()
    named = os.environ.get(KEY_VARIABLE)
    return Path(named).expanduser() if named else _default()


def make_key(path: str | Path | None = None, *, study_folder: str | Path) -> PseudonymKey:
    """Draw a key and keep it outside the study folder, readable by its owner alone.

    Parameters
    ----------
    path : str or Path, optional
        The key file; by default what the environment names, else ``.feedbackstudy/pseudonym.key`` in the home folder.
    study_folder : str or Path
        The study, outside of which the key must lie.

    Returns
    -------
    PseudonymKey
        The key.

    Raises
    ------
    InputError
        Where a key is there already (it is never replaced: all codes would change), or the file cannot be written.
    UnsafePathError
        For a place inside the study folder, from where it would be shared with the data.

    Notes
    -----
    The file's mode is 0600. Windows knows no such mode: there the folder's own permissions protect the key.
    """
    place = _place(path)
    _outside(place, Path(study_folder))
    if place.exists():
        raise InputError(f"{place} holds a key already; it is never replaced, because every pseudonym would change.")
    secret = secrets.token_bytes(_BYTES)
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secret.hex() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as fault:
        raise FileFormatError(f"{place} cannot be written: {fault.strerror or fault}.") from fault
    return PseudonymKey(place, secret)


def pseudonym_key(path: str | Path | None = None, *, study_folder: str | Path) -> PseudonymKey:
    """Read the key.

    Parameters
    ----------
    path : str or Path, optional
        The key file; by default what the environment names, else ``.feedbackstudy/pseudonym.key`` in the home folder.
    study_folder : str or Path
        The study, outside of which the key must lie.

    Returns
    -------
    PseudonymKey
        The key.

    Raises
    ------
    InputError
        Where there is no key (a code without a key can be undone by hashing every likely address), it is damaged, or
        others may read it.
    """
    place = _place(path)
    _outside(place, Path(study_folder))
    try:
        text = place.read_bytes()[: 4 * _BYTES].decode("ascii", "replace").strip()
        mode = place.stat().st_mode
    except OSError as fault:
        raise FileFormatError(
            f"There is no pseudonym key at {place} ({fault.strerror or fault}). Draw one with collect.make_key; codes "
            "without a key are refused, because whoever tries all likely addresses finds out whose they are."
        ) from fault
    if len(text) != 2 * _BYTES or not set(text) <= _ALPHABET:
        raise FileFormatError(f"{place} is no key of feedbackstudy: {2 * _BYTES} hexadecimal digits are needed.")
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{place} can be read by others (mode {stat.S_IMODE(mode):o}); run: chmod 600 {place}")
    return PseudonymKey(place, bytes.fromhex(text))


def _outside(place: Path, study: Path) -> None:
    if place.resolve().is_relative_to(study.resolve()):
        raise UnsafePathError(
            f"The key {place} lies inside the study folder {study}; whoever gets the data would get the key. Keep it "
            f"elsewhere, and name it in {KEY_VARIABLE}."
        )
