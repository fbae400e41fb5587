"""How a command ends: the exit codes, and an error in words that never quote a user's data."""

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import TracebackType

from feedbackstudy.cli.session import Session
from feedbackstudy.errors import FeedbackstudyError
from feedbackstudy.provenance import versions

__all__ = ["Exit", "guarded"]

TRACE_FILE = "feedbackstudy-fault.txt"


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    FINE = 0
    FINDINGS = 1
    BAD_INPUT = 2
    OUR_FAULT = 3
    INTERRUPTED = 130


def guarded(command: Callable[[Session], int], session: Session, *, debug: bool = False) -> int:
    """Run a command and turn whatever happens into words and an exit code.

    Parameters
    ----------
    command : callable
        Takes the session, returns an exit code.
    session : Session
        Where it may speak.
    debug : bool, default False
        On a fault of ours, write where it happened to a file.

    Returns
    -------
    int
        An `Exit` code.
    """
    try:
        with session.listening():
            code = command(session)
            session.stop_if_interrupted()
            return code
    except KeyboardInterrupt:
        return _interrupted(session)
    except BrokenPipeError:
        # The reader of our output (such as `head`) has left; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except Exception as fault:
        if session.interrupted:  # a library turned Ctrl-C into an error of its own
            return _interrupted(session)
        if isinstance(fault, FeedbackstudyError):
            return _refused(fault, session)
        return _ours(fault, session, debug=debug)


def _interrupted(session: Session) -> int:
    session.say("Interrupted. Files that were finished before are whole; nothing is half-written.")
    return Exit.INTERRUPTED


def _refused(fault: FeedbackstudyError, session: Session) -> int:
    if session.as_json:
        session.give({"error": str(fault), "kind": type(fault).__name__, "exit": int(Exit.BAD_INPUT)})
    session.say(f"feedbackstudy: {fault}")
    return Exit.BAD_INPUT


def _ours(fault: Exception, session: Session, *, debug: bool) -> int:
    # The message of a foreign exception may quote a cell of the user's data, so only its kind and place are shown.
    places = _places(fault.__traceback__)
    kind = type(fault).__name__
    if session.as_json:
        session.give({"error": f"internal fault: {kind}", "kind": kind, "exit": int(Exit.OUR_FAULT)})
    session.say(f"feedbackstudy: a fault of ours, not of your input: {kind} at {places[-1]}.")
    if debug:
        path = Path(TRACE_FILE).resolve()
        path.write_text(_report(fault), encoding="utf-8")
        session.say(f"Where it happened is in {path}; it holds no data. Please send it with your report.")
    else:
        session.say("Please report it: run the command again with --debug and send the file that it writes.")
    return Exit.OUR_FAULT


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(trace)] or ["nowhere"]


def _report(fault: BaseException | None) -> str:
    lines = ["feedbackstudy fault report: kinds and places only, no messages, no values", ""]
    lines += [f"{name} {version}" for name, version in versions().items()]
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        lines += ["", type(fault).__name__, *(f"  {place}" for place in _places(fault.__traceback__))]
        fault = fault.__cause__ or fault.__context__
    return "\n".join(lines) + "\n"
