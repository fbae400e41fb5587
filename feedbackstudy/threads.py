"""One BLAS thread inside numerical work: small matrices lose more to thread hand-over than they gain."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

__all__ = ["one_thread"]


@cache
def _controller() -> ThreadpoolController:
    # Libraries are looked up once, after numpy has loaded its BLAS; a look-up at each call costs a millisecond.
    np.linalg.inv(np.eye(2))
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit every loaded BLAS and OpenMP library to one thread within the block.

    Yields
    ------
    None
        The former limits return at the end of the block. Usable as a decorator too.
    """
    with _controller().limit(limits=1):
        yield
