"""Streams of chance with stable keys: the same seed gives the same data whatever the workers or their order."""

import zlib

import numpy as np

from feedbackstudy.design.chance import whole_seed

__all__ = ["stream"]


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """Return the stream of a purpose, which has nothing in common with that of any other.

    Parameters
    ----------
    seed : int
        The seed, from 0.
    *keys : str or int
        What the stream is for: names, and the number of the replicate.

    Returns
    -------
    Generator
        PCG64 on ``SeedSequence(seed, spawn_key=keys)``; a name stands as its CRC-32.
    """
    numbers = tuple(zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in keys)
    return np.random.default_rng(np.random.SeedSequence(whole_seed(seed), spawn_key=numbers))
