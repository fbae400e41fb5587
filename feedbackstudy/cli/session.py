"""One run of the command line: results on stdout, everything else on stderr, and Ctrl-C that nobody can swallow."""

import _thread
import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TextIO

from feedbackstudy.render import Rendered, clean

__all__ = ["Session", "sentence"]

type Hook = Callable[["sys.UnraisableHookArgs"], object]

_AGAIN_SECONDS = 0.05


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
        """Note every Ctrl-C inside the block, and raise it again where a compiler's callback has swallowed it.

        Yields
        ------
        None
            Nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set a handler
            return
        before, hook = signal.signal(signal.SIGINT, self._note), sys.unraisablehook
        sys.unraisablehook = partial(self._again, hook)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            sys.unraisablehook = hook

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        raise KeyboardInterrupt

    def _again(self, hook: Hook, lost: "sys.UnraisableHookArgs") -> None:
        # A callback from C cannot pass an exception on; without this the work would go on to its end.
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN_SECONDS, _thread.interrupt_main).start()
        else:
            hook(lost)


def sentence(words: str) -> str:
    """Return a phrase of help as a sentence; names in it keep their capitals.

    Parameters
    ----------
    words : str
        Such as ``"write a Psych-DS folder"``.

    Returns
    -------
    str
        With a capital at its beginning and a stop at its end.
    """
    return f"{words[:1].upper()}{words[1:]}."


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
