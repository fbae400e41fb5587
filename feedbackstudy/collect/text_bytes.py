"""The bytes of a data file: bounded, out of an archive where they lie in one, and proved not to change meanwhile."""

import gzip
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath, PureWindowsPath

from feedbackstudy.errors import FileFormatError, UnsafePathError
from feedbackstudy.files import read_bounded, sha256_file
from feedbackstudy.render import counted

__all__ = ["MAX_MEGABYTES", "Content", "read_content"]

MAX_MEGABYTES = 200
"""Largest file, and largest unpacked content, that is read unless a larger limit is given."""

_MAX_RATIO = 100
_MAX_MEMBERS = 10_000
_SMALL = 1_000_000
# What the standard library raises for archives that are cut, damaged, locked, or packed in a way it does not know.
_DAMAGED = (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, struct.error, zlib.error)
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_TABLES = (".csv", ".tsv", ".txt", ".sav", ".zsav", ".xlsx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a data file holds.

    Attributes
    ----------
    name : str
        Name of the file, with the member of an archive behind ``"!"``.
    kind : {"text", "xlsx", "sav", "pickle", "numpy"}
        What its first bytes say it is.
    data : bytes
        The content, unpacked.
    sha256 : str
        Hash of the file as it lies on the disk.
    """

    name: str
    kind: str
    data: bytes
    sha256: str


def read_content(path: Path, *, max_megabytes: float = MAX_MEGABYTES) -> Content:
    """Read a data file whole.

    Parameters
    ----------
    path : Path
        A text table, a workbook, an SPSS file, or a .gz or .zip with one of these inside.
    max_megabytes : float, default 200
        Largest size, packed and unpacked.

    Returns
    -------
    Content
        Never empty.

    Raises
    ------
    FileFormatError
        Where the file is empty, too large, packed beyond reason, an archive of several tables, no data at all, or
        changed while it was read.
    UnsafePathError
        Where an archive holds a path that leaves its folder.
    """
    limit = int(max_megabytes * 1_000_000)
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder; give the file that the platform exported.")
    try:
        packed = read_bounded(path, limit)
    except FileFormatError as fault:
        if path.is_file() and path.stat().st_size > limit:
            size = path.stat().st_size / 1e6
            raise FileFormatError(
                f"{path} has {size:,.0f} MB; at most {max_megabytes:g} MB are read. Give max_megabytes={size + 1:.0f} "
                "where that is meant."
            ) from fault
        raise
    digest = sha256(packed).hexdigest()
    name, data = _unpacked(path, packed, limit)
    if sha256_file(path) != digest:
        raise FileFormatError(
            f"{path} changed while it was read; wait until the export is complete, and read it again."
        )
    if not data:
        raise FileFormatError(f"{name}: the file is empty (0 bytes). Export it again.")
    return Content(name=name, kind=_kind(data), data=data, sha256=digest)


def _kind(data: bytes) -> str:
    if data.startswith(_ZIP):
        return "xlsx"
    if data.startswith((b"$FL2", b"$FL3")):
        return "sav"
    if data.startswith(b"\x93NUMPY"):
        return "numpy"
    return "pickle" if data[:1] == b"\x80" and data[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"} else "text"


def _unpacked(path: Path, packed: bytes, limit: int) -> tuple[str, bytes]:
    if packed.startswith(_GZIP):
        return path.name, _gunzip(path, packed, limit)
    if packed.startswith(_ZIP) and not _is_workbook(path, packed, limit):
        return _member(path, packed, limit)
    return path.name, packed


def _too_large(path: Path, n: int, packed: int, limit: int) -> None:
    if n > limit or (n > _SMALL and n > _MAX_RATIO * packed):
        raise FileFormatError(
            f"{path} unpacks to more than {limit / 1e6:,.0f} MB or {_MAX_RATIO} times its size, which no survey export "
            "does. Unpack it yourself, look at it, and give the table; or raise max_megabytes."
        )


def _gunzip(path: Path, packed: bytes, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            data = stream.read(min(limit, max(_SMALL, _MAX_RATIO * len(packed))) + 1)
    except _DAMAGED as fault:
        raise FileFormatError(f"{path} is no whole gzip file; download it again.") from fault
    _too_large(path, len(data), len(packed), limit)
    return data


def _archive(path: Path, packed: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(packed))
    except _DAMAGED as fault:
        raise FileFormatError(
            f"{path} begins like a zip archive but is none that is whole; download it again."
        ) from fault


def _is_workbook(path: Path, packed: bytes, limit: int) -> bool:
    with _archive(path, packed) as archive:
        found = "[Content_Types].xml" in archive.namelist()
        size = sum(member.file_size for member in archive.infolist())
    if found and size > 5 * limit:
        raise FileFormatError(
            f"{path} unpacks to {size / 1e6:,.0f} MB of sheets; at most {5 * limit / 1e6:,.0f} MB are read. Save the "
            "one sheet that is needed, or raise max_megabytes."
        )
    return found


def _member(path: Path, packed: bytes, limit: int) -> tuple[str, bytes]:
    """Return the one table of an archive; every name is looked at before anything is unpacked."""
    with _archive(path, packed) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise FileFormatError(
                f"{path} holds {counted(len(members), 'file')}; at most {_MAX_MEMBERS} are looked at."
            )
        for member in members:
            _stays_inside(path, member.filename)
        _too_large(path, sum(member.file_size for member in members), len(packed), limit)
        tables = [m for m in members if m.filename.lower().endswith(_TABLES) and not m.filename.startswith("__MACOSX")]
        if len(tables) != 1:
            raise FileFormatError(
                f"{path} holds {len(tables)} tables ({', '.join(m.filename for m in tables[:5]) or 'none'}); one is "
                "needed. Unpack it and give the file."
            )
        try:
            with archive.open(tables[0]) as stream:
                data = stream.read(limit + 1)
        except _DAMAGED as fault:
            raise FileFormatError(f"{path}: {tables[0].filename} cannot be unpacked (damaged or locked).") from fault
    _too_large(path, len(data), len(packed), limit)
    return f"{path.name}!{tables[0].filename}", data


def _stays_inside(path: Path, name: str) -> None:
    windows = PureWindowsPath(name)
    if ".." in PurePosixPath(name).parts or ".." in windows.parts or name.startswith("/") or windows.anchor:
        raise UnsafePathError(
            f"{path} holds a file whose path leaves the archive's folder ({name[:60]!r}). Nothing was unpacked; ask "
            "where the archive comes from."
        )
