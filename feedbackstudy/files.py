"""Files that are never half-written, never outside their folder, written by one at a time, and known by their hash."""

import hashlib
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from feedbackstudy.errors import FileFormatError, UnsafePathError

__all__ = ["inside", "locked", "read_bounded", "sha256_file", "staged_file", "write_atomic"]

_PAUSE = 0.005


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
def staged_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its name only if the block ends well.

    Parameters
    ----------
    path : Path
        The final name. Its folder is made if absent.
    private : bool, default False
        Whether the file stays readable by its owner alone, as tables with a row for each person do.

    Yields
    ------
    Path
        The temporary file to write; flushed to disk and moved over `path` in one step afterwards.

    Raises
    ------
    FileFormatError
        Where the folder cannot be made or written; nothing is left behind.

    Notes
    -----
    While it is written the file can be read by its owner alone (mode 0600); a file that is not private then gets the
    mode of any new file. It lies beside `path`, because only within one file system is a file moved in one step.
    Windows knows no such modes: there the permissions of the folder hold.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.parent / f".{path.name}.{secrets.token_hex(6)}.part"
        handle = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        usual = os.fstat(handle).st_mode & 0o777
        os.close(handle)
    except OSError as fault:
        raise FileFormatError(
            f"{path} cannot be written: {fault.strerror or fault}. Choose a folder you may write to."
        ) from fault
    try:
        staged.chmod(0o600)
        yield staged
        with staged.open("rb+") as stream:
            os.fsync(stream.fileno())
        staged.chmod(0o600 if private else usual)
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


def write_atomic(path: Path, content: str | bytes, *, private: bool = False) -> Path:
    """Write a whole file or nothing.

    Parameters
    ----------
    path : Path
        The final name.
    content : str or bytes
        What it will hold; text is written as UTF-8 with its line ends as they are.
    private : bool, default False
        Whether it can be read by its owner alone (mode 0600; not on Windows).

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
        with staged_file(path, private=private) as staged:
            staged.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    except OSError as fault:
        raise FileFormatError(
            f"{path} cannot be written: {fault.strerror or fault}. What was there before is untouched."
        ) from fault
    return path


@contextmanager
def locked(path: Path, *, wait: float = 30.0) -> Iterator[None]:
    """Hold a lock while the block runs; the system takes it back when its holder dies.

    Parameters
    ----------
    path : Path
        The lock's file; it stays, and holds nothing.
    wait : float, default 30
        Seconds to wait for another holder.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    FileFormatError
        Where the file cannot be made, or another process still holds the lock.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise FileFormatError(f"{path} cannot be opened: {fault.strerror or fault}.") from fault
    try:
        end = time.monotonic() + wait
        while not _take(handle):
            if time.monotonic() >= end:
                raise FileFormatError(
                    f"{path}: another process has been at work here for {wait:g} seconds; nothing was written. Wait "
                    "for it to end and try again."
                )
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
