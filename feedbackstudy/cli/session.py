"""One run of the command line: results on stdout, everything else on stderr, and Ctrl-C that nobody can swallow."""

import json
import math
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from feedbackstudy.render import Rendered, clean

__all__ = ["Session"]


class Session:
    """What a command may say, and whether it was interrupted.

    Parameters
    ----------
    as_json : bool
        Results as one JSON document on stdout.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.interrupted = False
        for stream in (sys.stdout, sys.stderr):
            _never_fails_to_encode(stream)

    def say(self, text: object) -> None:
        """Write a line of progress or warning to stderr.

        Parameters
        ----------
        text : object
            Cleaned of control characters.
        """
        sys.stderr.write(f"{clean(text)}\n")
        sys.stderr.flush()

    def show(self, result: Rendered | str) -> None:
        """Write a result as text to stdout.

        Parameters
        ----------
        result : Rendered or str
            Cleaned of control characters.
        """
        sys.stdout.write(f"{clean(str(result))}\n")
        sys.stdout.flush()

    def give(self, data: object) -> None:
        """Write a result as JSON to stdout.

        Parameters
        ----------
        data : object
            Mappings, sequences, text and numbers; a number that is not finite becomes null.
        """
        sys.stdout.write(json.dumps(_plain(data), indent=2, allow_nan=False) + "\n")
        sys.stdout.flush()

    def stop_if_interrupted(self) -> None:
        """Raise the interrupt that a library in between has swallowed.

        Samplers answer Ctrl-C by returning the draws made so far; nothing is computed or written from those.

        Raises
        ------
        KeyboardInterrupt
            Where Ctrl-C was pressed since the command began.
        """
        if self.interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note every Ctrl-C inside the block.

        Yields
        ------
        None
            Nothing.
        """

        def note(_number: int, _frame: FrameType | None) -> None:
            self.interrupted = True
            raise KeyboardInterrupt

        try:
            before = signal.signal(signal.SIGINT, note)
        except ValueError:  # only the main thread may set a handler
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def _never_fails_to_encode(stream: TextIO) -> None:
    """Let a terminal that lacks a minus sign show a question mark instead of failing."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _plain(data: object) -> object:
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple | set | frozenset):
        return [_plain(value) for value in data]
    if hasattr(data, "item") and not isinstance(data, str):
        return _plain(data.item())
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, str | Path):
        return str(data)
    return data if data is None or isinstance(data, bool | int) else str(data)
