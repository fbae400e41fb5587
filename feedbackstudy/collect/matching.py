"""Waves of the same people: what is known at one wave holds at all, and who appears out of nowhere is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["WaveMatch", "carried", "match_waves", "unmatched"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveMatch:
    """A later wave held against the first that was read.

    Attributes
    ----------
    wave, first : str
        The wave, and the one that people are looked up in.
    matched : int
        People in both.
    unmatched : tuple of str
        Everybody who answered this wave but not the first, in order.
    stayed_away : tuple of str
        Everybody of the first wave who did not answer this one, in order.
    """

    wave: str
    first: str
    matched: int
    unmatched: tuple[str, ...]
    stayed_away: tuple[str, ...]


def match_waves(
    participant: Texts, occasion: Texts, waves: Sequence[str], keep: NDArray[np.bool_]
) -> tuple[WaveMatch, ...]:
    """Look everybody of the later waves up in the first.

    Parameters
    ----------
    participant, occasion : ndarray of object
        Who and when.
    waves : sequence of str
        The waves in order, as far as they were read.
    keep : ndarray of bool
        Rows that count.

    Returns
    -------
    tuple of WaveMatch
        One for each wave after the first that holds anybody.
    """
    codes, different = pd.factorize(occasion)
    base = np.array([str(text).partition(".")[0] for text in different], dtype=object)[codes]
    by_wave = {wave: {str(who) for who in participant[keep & (base == wave)]} for wave in waves}
    present = [wave for wave in waves if by_wave[wave]]
    first = by_wave[present[0]] if present else set()
    return tuple(
        WaveMatch(
            wave=wave,
            first=present[0],
            matched=len(by_wave[wave] & first),
            unmatched=tuple(sorted(by_wave[wave] - first)),
            stayed_away=tuple(sorted(first - by_wave[wave])),
        )
        for wave in present[1:]
    )


def unmatched(matches: Sequence[WaveMatch]) -> Iterator[Issue]:
    """Say who answers a later wave without the first, and how many of the first come back.

    Parameters
    ----------
    matches : sequence of WaveMatch
        The later waves.

    Yields
    ------
    Issue
        A warning that names people without a match (`Import.waves` names all), and a note of numbers.
    """
    for match in matches:
        if match.unmatched:
            more = " Import.waves lists them all." if len(match.unmatched) > _SHOWN else ""
            yield Issue(
                "collect.wave_unmatched",
                Severity.WARNING,
                match.wave,
                f"{counted(len(match.unmatched), 'person', 'people')} answered {match.wave} but not {match.first}."
                f"{_near(match)}",
                "Without the first wave they have no baseline; a mistyped id makes two people of one.",
                f"Look for typing errors in their ids; same_case=True merges ids that differ in case.{more}",
                match.unmatched[:_SHOWN],
            )
    if matches:
        n = matches[0].matched + len(matches[0].stayed_away)
        what = f"Of {counted(n, 'person', 'people')} at {matches[0].first} there came back: "
        what += ", ".join(f"{match.matched:,} at {match.wave}" for match in matches)
        what += ". Import.waves lists who stayed away."
        why = "Who stays away may differ from who stays."
        yield Issue("collect.waves_matched", Severity.NOTE, matches[0].first, what, why, "Nothing to do.")


def _near(match: WaveMatch) -> str:
    folded = {name.casefold() for name in match.stayed_away}
    n = sum(name.casefold() in folded for name in match.unmatched)
    return f" {n:,} of them {'matches' if n == 1 else 'match'} when case is ignored." if n else ""
