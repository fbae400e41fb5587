"""The best few of many combinations: D-optimal fractions by exchange, and blocks that confound least."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.chance import Stream, shuffled
from feedbackstudy.errors import DeclarationError
from feedbackstudy.render import counted

__all__ = ["Efficiency", "best_blocks", "d_optimal", "efficiency"]

type Matrix = NDArray[np.float64]

SMALLEST_GAIN = 1e-6
TIED = 1e-7
"""Gains this near to each other are taken as equal, and the first of them counts: the last digits differ between
machines, and a deck must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """How much a fraction knows.

    Attributes
    ----------
    d : float
        det(X'X / n) ** (1 / p); 1 for a full factorial in orthonormal coding.
    a : float
        Mean variance of the coefficients, trace((X'X / n)^-1) / p.
    g : float
        p over the largest variance of a prediction among all candidates: 1 is the best there can be.
    d_bound : float
        exp(1 - 1/g): a lower bound for D relative to the best design with weights.
    """

    d: float
    a: float
    g: float
    d_bound: float


def efficiency(candidates: Matrix, rows: NDArray[np.int64]) -> Efficiency:
    """Return the efficiencies of a fraction.

    Parameters
    ----------
    candidates : ndarray of shape (N, p)
        Model rows of all combinations.
    rows : ndarray of int
        Those chosen.

    Returns
    -------
    Efficiency
        As AlgDesign's ``eval.design`` names them: D, A, Ge, Dea.
    """
    x = candidates[rows]
    n, p = x.shape
    information = x.T @ x / n
    sign, logdet = np.linalg.slogdet(information)
    if sign <= 0 or np.linalg.matrix_rank(x) < p:
        return Efficiency(d=0.0, a=float("inf"), g=0.0, d_bound=0.0)
    inverse = np.linalg.inv(information)
    spread = np.einsum("ij,jk,ik->i", candidates, inverse, candidates)
    g = float(p / spread.max())
    return Efficiency(
        d=float(np.exp(logdet / p)), a=float(np.trace(inverse) / p), g=g, d_bound=float(np.exp(1 - 1 / g))
    )


def d_optimal(candidates: Matrix, n: int, *, seed: int, restarts: int = 100) -> NDArray[np.int64]:
    """Choose the combinations from which a model is known best, by Fedorov's exchange.

    Parameters
    ----------
    candidates : ndarray of shape (N, p)
        Model rows of all combinations that can occur.
    n : int
        How many to choose; each at most once.
    seed : int
        Fixes the random starts.
    restarts : int, default 100
        Number of random starts; the best result is returned.

    Returns
    -------
    ndarray of int
        Sorted rows of `candidates`.

    Raises
    ------
    DeclarationError
        Where n is smaller than the model, or larger than the list, or the list itself cannot estimate the model.

    Notes
    -----
    Fedorov (1972): the pair (in, out) with the largest gain of the determinant,
    delta = d(in) - [d(in) d(out) - d(in, out)^2] - d(out), is exchanged until none gains. A lower bound of what is
    possible: more restarts may find more.
    """
    total, p = candidates.shape
    if not p <= n <= total:
        raise DeclarationError(
            f"{counted(n, 'combination')}: the model has {counted(p, 'coefficient')} and "
            f"{counted(total, 'combination')} can occur; choose a size "
            f"from {p} to {total}, or a smaller model."
        )
    if np.linalg.matrix_rank(candidates) < p:
        raise DeclarationError(
            f"The {total} combinations that can occur cannot estimate the model's {p} coefficients; `aliasing` says "
            "which terms are lost and by which forbidden combinations. State a smaller model."
        )
    stream = Stream(seed, "fraction")
    best, best_value = np.arange(0), -np.inf
    for _ in range(restarts):
        start = _start(candidates, n, stream)
        rows, value = _exchange(candidates, start)
        if value > best_value + SMALLEST_GAIN:
            best, best_value = rows, value
    return np.sort(best)


def _start(candidates: Matrix, n: int, stream: Stream) -> NDArray[np.int64]:
    """Return a random choice that can estimate the model: independent rows first, in random order, then any."""
    order = np.array(shuffled(range(len(candidates)), stream))
    residual = candidates[order].copy()
    kept: list[int] = []
    for i in range(len(order)):
        norm = float(residual[i] @ residual[i])
        if norm > 1e-8:
            kept.append(i)
            direction = residual[i] / np.sqrt(norm)
            residual -= np.outer(residual @ direction, direction)
        if len(kept) == candidates.shape[1]:
            break
    rest = [i for i in range(len(order)) if i not in set(kept)]
    return np.asarray(order[[*kept, *rest[: n - len(kept)]]], dtype=np.int64)


def _exchange(candidates: Matrix, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
    rows = rows.copy()
    while True:
        x = candidates[rows]
        inverse = np.linalg.inv(x.T @ x)
        spread = np.einsum("ij,jk,ik->i", candidates, inverse, candidates)
        shared = candidates @ inverse @ x.T
        gain = spread[:, None] - (np.outer(spread, spread[rows]) - shared**2) - spread[rows]
        gain[rows] = -1.0
        new, old = np.unravel_index(_first_best(gain), gain.shape)
        if gain[new, old] < SMALLEST_GAIN:
            return rows, float(np.linalg.slogdet(x.T @ x)[1])
        rows[old] = new


def _first_best(gains: Matrix) -> int:
    """Return the flat index of the largest gain, the first of those that differ from it in the last digits only."""
    most = float(gains.max())
    return int(np.argmax(gains.ravel() >= most - TIED * max(1.0, abs(most))))


def best_blocks(x: Matrix, size: int, *, seed: int, restarts: int = 20) -> NDArray[np.int64]:
    """Deal combinations to blocks such that differences between blocks disturb the model least.

    Parameters
    ----------
    x : ndarray of shape (n, p)
        Model rows without the intercept.
    size : int
        Combinations in each block; n is a multiple of it.
    seed : int
        Fixes the random starts.
    restarts : int, default 20
        Number of random starts.

    Returns
    -------
    ndarray of int
        The block of each row, numbered in order of first appearance.

    Notes
    -----
    Maximises det(X'X - sum of s_b s_b' / size), s_b being the sum of the rows of block b: the information that is left
    when every block has a mean of its own. Rows are swapped between blocks while that gains.
    """
    n = len(x)
    stream = Stream(seed, "blocks")
    best, best_value = np.zeros(n, dtype=np.int64), -np.inf
    for _ in range(restarts if n > size else 1):
        blocks = np.array(shuffled([i // size for i in range(n)], stream))
        value = _swap(x, blocks, size)
        if value > best_value + SMALLEST_GAIN:
            best, best_value = blocks.copy(), value
    first: dict[int, int] = {}
    return np.array([first.setdefault(int(block), len(first)) for block in best])


def _swap(x: Matrix, blocks: NDArray[np.int64], size: int) -> float:
    """Swap pairs in place while that gains; return the log determinant reached (ridge where blocks eat a term)."""
    ridge = 1e-6 * np.eye(x.shape[1]) * len(x)
    total = x.T @ x + ridge
    while True:
        sums = np.zeros((int(blocks.max()) + 1, x.shape[1]))
        np.add.at(sums, blocks, x)
        left = total - sums.T @ sums / size
        gains = _gains(left, x, sums, blocks)
        i, j = np.unravel_index(_first_best(gains), gains.shape)
        if gains[i, j] < SMALLEST_GAIN:
            return float(np.linalg.slogdet(left)[1])
        blocks[i], blocks[j] = blocks[j], blocks[i]


def _gains(left: Matrix, x: Matrix, sums: Matrix, blocks: NDArray[np.int64]) -> Matrix:
    """Return by which share of itself the swap of each two rows raises the determinant; -1 where none is possible.

    A swap takes (s u' + u s') / size from the information, s being the difference of the rows, d that of their blocks'
    sums, and u = d + s; so its determinant is that of the information times (1 - s'Mu / size)^2 - s'Ms u'Mu / size^2
    with M the inverse (matrix determinant lemma).
    """
    size = len(x) / len(sums)
    turned = np.linalg.solve(left, np.vstack([x, sums]).T)
    rows, met, held = x @ turned[:, : len(x)], x @ turned[:, len(x) :], sums @ turned[:, len(x) :]
    own, crossed = np.diag(rows), met[:, blocks]
    stay = np.diag(crossed)
    sms = own[:, None] + own - 2 * rows
    smd = crossed + crossed.T - stay[:, None] - stay
    apart = np.diag(held)[:, None] + np.diag(held) - 2 * held
    umu = apart[np.ix_(blocks, blocks)] + 2 * smd + sms
    gains = (1 - (smd + sms) / size) ** 2 - sms * umu / size**2 - 1
    gains[(blocks[:, None] == blocks) | (np.arange(len(x))[:, None] < np.arange(len(x)))] = -1.0
    return np.asarray(gains, dtype=np.float64)
