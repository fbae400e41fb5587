"""One at a time: a lock on a file that the system takes back when its holder dies."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedbackstudy.errors import FileFormatError

__all__ = ["locked"]

PAUSE = 0.005


@contextmanager
def locked(path: Path, *, wait: float = 30.0) -> Iterator[None]:
    """Hold a lock while the block runs.

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
                    f"{path}: another process has been assigning for {wait:g} seconds; nothing was revealed. Wait for "
                    "it to end and try again."
                )
            time.sleep(PAUSE)
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
