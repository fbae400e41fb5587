"""Files that are never half-written, never outside their folder, and known by their hash."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from feedbackstudy.errors import FileFormatError, UnsafePathError

__all__ = ["inside", "read_bounded", "sha256_file", "staged_file", "write_atomic"]


def inside(folder: Path, name: str) -> Path:
    """Resolve `name` below `folder`, refusing every way out.

    Parameters
    ----------
    folder : Path
        The folder that the file must stay in.
    name : str
        A relative path as written in a study file, with ``/`` between its parts.

    Returns
    -------
    Path
        The absolute path, symbolic links followed.

    Raises
    ------
    UnsafePathError
        For an absolute path, a drive or network path, a NUL, or a path (or link) that leaves `folder`.
    """
    windows = PureWindowsPath(name)
    if not name.strip() or "\x00" in name or windows.drive or windows.root or "\\" in name:
        raise UnsafePathError(
            f"Path {name!r} is not a plain relative path; give one below {folder} with '/' between its parts."
        )
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise UnsafePathError(f"Path {name!r} leaves the folder {root}; move the file inside it and name it there.")
    return path


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes.

    Parameters
    ----------
    path : Path
        The file.
    limit : int
        The largest size accepted, in bytes.

    Returns
    -------
    bytes
        The file's content.

    Raises
    ------
    FileFormatError
        Where the file is missing, unreadable or larger than `limit`.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as fault:
        raise FileFormatError(f"{path} cannot be read: {fault.strerror or fault}.") from fault
    if len(content) > limit:
        raise FileFormatError(f"{path} is larger than the {limit:,} bytes accepted for this kind of file.")
    return content


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Hexadecimal digest.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def staged_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its name only if the block ends well.

    Parameters
    ----------
    path : Path
        The final name. Its folder is made if absent.

    Yields
    ------
    Path
        The temporary file to write; flushed to disk and moved over `path` in one step afterwards.

    Raises
    ------
    FileFormatError
        Where the folder cannot be made or written; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not tempfile: its files can be read by their owner alone, and a report is there to be passed on.
        staged = path.parent / f".{path.name}.{secrets.token_hex(6)}.part"
        os.close(os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as fault:
        raise FileFormatError(
            f"{path} cannot be written: {fault.strerror or fault}. Choose a folder you may write to."
        ) from fault
    try:
        yield staged
        with staged.open("rb+") as stream:
            os.fsync(stream.fileno())
        staged.replace(path)
        _sync_folder(path.parent)
    finally:
        staged.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets a folder be opened (not on Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_atomic(path: Path, content: str | bytes) -> Path:
    """Write a whole file or nothing.

    Parameters
    ----------
    path : Path
        The final name.
    content : str or bytes
        What it will hold; text is written as UTF-8 with its line ends as they are.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    FileFormatError
        Where the file cannot be written; what was there before is untouched.
    """
    try:
        with staged_file(path) as staged:
            staged.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    except OSError as fault:
        raise FileFormatError(
            f"{path} cannot be written: {fault.strerror or fault}. What was there before is untouched."
        ) from fault
    return path
