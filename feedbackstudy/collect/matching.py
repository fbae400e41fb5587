"""Waves of the same people: what is known at one wave holds at all, and who appears out of nowhere is named."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity

__all__ = ["carried", "unmatched"]

type Texts = NDArray[np.object_]

_SHOWN = 10


def carried(values: Texts, people: NDArray[np.int64], keep: NDArray[np.bool_]) -> tuple[Texts, NDArray[np.int64]]:
    """Carry what is known of a person to all of their rows.

    Parameters
    ----------
    values : ndarray of object
        One value a row, None where it is not known.
    people : ndarray of int
        Number of the person, row by row.
    keep : ndarray of bool
        Rows that count.

    Returns
    -------
    tuple
        The values carried, and the numbers of people with two different ones (who keep what their rows say).
    """
    codes, different = pd.factorize(values)
    codes = codes.astype(np.int64)
    n = int(people.max()) + 1 if people.size else 0
    known = keep & (codes >= 0)
    low = np.full(n, np.iinfo(np.int64).max)
    high = np.full(n, -1, dtype=np.int64)
    np.minimum.at(low, people[known], codes[known])
    np.maximum.at(high, people[known], codes[known])
    torn = (high >= 0) & (low != high)
    filled = np.where(torn[people], codes, high[people])
    told = np.array([*different, None], dtype=object)
    return told[filled], np.flatnonzero(torn)


def unmatched(participant: Texts, occasion: Texts, waves: Sequence[str], keep: NDArray[np.bool_]) -> Iterator[Issue]:
    """Say who answers a later wave without the first, and how many of the first come back.

    Parameters
    ----------
    participant, occasion : ndarray of object
        Who and when.
    waves : sequence of str
        The waves in order, as far as they were read.
    keep : ndarray of bool
        Rows that count.

    Yields
    ------
    Issue
        A warning that names people without a match, and a note of numbers.
    """
    base = np.array([str(text).partition(".")[0] for text in occasion], dtype=object)
    by_wave = {wave: {str(who) for who in participant[keep & (base == wave)]} for wave in waves}
    present = [wave for wave in waves if by_wave[wave]]
    if len(present) < 2:
        return
    first = by_wave[present[0]]
    for wave in present[1:]:
        alone = sorted(by_wave[wave] - first)
        if alone:
            near = _near(alone, first)
            yield Issue(
                "collect.wave_unmatched",
                Severity.WARNING,
                wave,
                f"{len(alone)} people answered {wave} but not {present[0]}.{near}",
                "Without the first wave they have no baseline; a mistyped id makes two people of one.",
                "Look for typing errors in their ids; same_case=True merges ids that differ in case.",
                tuple(alone[:_SHOWN]),
            )
    counts = ", ".join(f"{wave}: {len(by_wave[wave] & first)}" for wave in present[1:])
    what = f"of {len(first)} people at {present[0]} there came back: {counts}."
    why = "Who stays away may differ from who stays."
    yield Issue("collect.waves_matched", Severity.NOTE, present[0], what, why, "Nothing to do.")


def _near(alone: Sequence[str], first: set[str]) -> str:
    folded = {name.casefold() for name in first}
    n = sum(name.casefold() in folded for name in alone)
    return f" {n} of them match when case is ignored." if n else ""
