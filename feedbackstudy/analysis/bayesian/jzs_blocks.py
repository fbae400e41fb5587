"""Evidence of linear models whose blocks of effects have multivariate Cauchy priors (JZS), given each block's g."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.predictor import cell_basis
from feedbackstudy.errors import DataError

__all__ = ["Block", "BlockModel", "block_model", "effect_columns", "log_prior_of", "whitened"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

_CHUNK = 1 << 21
"""Numbers held at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Effects that share one g.

    Attributes
    ----------
    name : str
        Name of the term.
    columns : ndarray, shape (n, p)
        Its columns.
    scale : float
        Scale of the multivariate Cauchy prior of its standardised effects.
    """

    name: str
    columns: Floats
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockModel:
    """What the rows say of a model, in cross-products.

    Attributes
    ----------
    scales : ndarray, shape (m,)
        Prior scale of each block; the random factor is the last where there is one.
    whole : ndarray, shape (1 + p + 1, 1 + p + 1)
        Cross-products of intercept, columns of all fixed blocks, and centred outcome; within groups, where there is a
        random factor.
    member : ndarray of int, shape (p,)
        Block of each column.
    sizes, counts : ndarray, shape (u,)
        Sizes that groups of the random factor have, and how many groups have each; empty without one.
    by_size : ndarray, shape (u, 1 + p + 1, 1 + p + 1)
        Cross-products of group sums over that size, summed over the groups of each size.
    total : float
        Sum of squares of the outcome around its mean.
    n : int
        Rows.
    """

    scales: Floats
    whole: Floats
    member: Integers
    sizes: Floats
    counts: Floats
    by_size: Floats
    total: float
    n: int

    @property
    def blocks(self) -> int:
        """Number of g."""
        return int(self.scales.size)

    @property
    def random(self) -> bool:
        """Whether the last block is a random factor."""
        return bool(self.sizes.size)

    def log_evidence(self, log_g: Floats) -> Floats:
        r"""Return the log evidence given g over that of the intercept alone.

        Parameters
        ----------
        log_g : ndarray, shape (k, m)
            Logarithms of g, where :math:`\theta_b \sim N(0, g_b \sigma^2 I)`.

        Returns
        -------
        ndarray, shape (k,)
            Intercept (flat prior), effects and :math:`\sigma` (:math:`1/\sigma`) integrated in closed form (Rouder et
            al., 2012, Journal of Mathematical Psychology 56, 356-374, equation 10).
        """
        step = max(1, _CHUNK // self.whole.size)
        parts = [self._log_evidence(log_g[i : i + step]) for i in range(0, log_g.shape[0], step)]
        return np.concatenate(parts)

    def _log_evidence(self, log_g: Floats) -> Floats:
        fixed = log_g[:, : self.blocks - self.random]
        moments = np.broadcast_to(self.whole, (log_g.shape[0], *self.whole.shape))
        log_det = np.zeros(log_g.shape[0])
        if self.random:
            grown = self.sizes * np.exp(log_g[:, -1, None])
            moments = moments + np.tensordot(1 / (1 + grown), self.by_size, 1)
            log_det = np.log1p(grown) @ self.counts
        # columns in units of their prior: precision I instead of 1/g, so that neither end of g is ill-conditioned
        unit = np.ones((log_g.shape[0], self.whole.shape[0]))
        unit[:, 1:-1] = np.exp(fixed[:, self.member] / 2)
        moments = moments * unit[:, :, None] * unit[:, None, :]
        matrix = moments[:, :-1, :-1].copy()
        at = np.arange(1, matrix.shape[1])
        matrix[:, at, at] += 1.0
        root = np.linalg.cholesky(matrix)
        solved = np.linalg.solve(root, moments[:, :-1, -1, None])[..., 0]
        log_det = log_det + 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) - np.log(self.n)
        left = (moments[:, -1, -1] - (solved**2).sum(axis=1)) / self.total
        return np.asarray(-0.5 * log_det - 0.5 * (self.n - 1) * np.log(np.maximum(left, 1e-300)))

    def log_prior(self, log_g: Floats) -> Floats:
        r"""Return the log prior density of :math:`\log g`, summed over the blocks.

        Parameters
        ----------
        log_g : ndarray, shape (k, m)
            Logarithms of g.

        Returns
        -------
        ndarray, shape (k,)
            :math:`g_b \sim` inverse gamma(1/2, r_b^2/2).
        """
        return np.asarray(log_prior_of(log_g, self.scales).sum(axis=1), dtype=np.float64)


def log_prior_of(log_g: Floats, scales: Floats) -> Floats:
    r"""Return the log prior density of :math:`\log g` of each block.

    Parameters
    ----------
    log_g : ndarray, shape (k, m)
        Logarithms of g.
    scales : ndarray, shape (m,)
        Prior scales.

    Returns
    -------
    ndarray, shape (k, m)
        Log densities.
    """
    half = scales**2 / 2
    return np.asarray(0.5 * np.log(half) - 0.5 * np.log(np.pi) - 0.5 * log_g - half * np.exp(-log_g))


def block_model(y: Floats, blocks: Sequence[Block], *, random: tuple[Integers, float] | None = None) -> BlockModel:
    """Reduce rows and blocks to cross-products.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    blocks : sequence of Block
        The fixed terms.
    random : tuple of (ndarray of int, float), optional
        Position of each row's group in a random factor, and the scale of its prior.

    Returns
    -------
    BlockModel
        Ready to be integrated.

    Raises
    ------
    DataError
        For a model without any effect, or an outcome that does not vary.
    """
    if not blocks and random is None:
        raise DataError("A model without any effect is the null model; name at least one term.")
    outcome = y - y.mean()
    if not (outcome**2).sum() > 0:
        raise DataError("The outcome does not vary; nothing can be compared.")
    columns = [block.columns - block.columns.mean(axis=0) for block in blocks]
    design = np.column_stack([np.ones(y.size), *columns, outcome])
    scales = [block.scale for block in blocks]
    whole = design.T @ design
    total = float(whole[-1, -1])
    sizes, counts, by_size = np.zeros(0), np.zeros(0), np.zeros((0, *whole.shape))
    if random is not None:
        group, scale = random
        scales.append(scale)
        members = np.bincount(group)
        sums = np.zeros((members.size, design.shape[1]))
        np.add.at(sums, group, design)
        sizes, at = np.unique(members[members > 0], return_inverse=True)
        counts = np.bincount(at).astype(np.float64)
        kept = sums[members > 0]
        by_size = np.stack([kept[at == k].T @ kept[at == k] / sizes[k] for k in range(sizes.size)])
        whole = whole - by_size.sum(axis=0)
        whole[0], whole[:, 0] = 0.0, 0.0
    return BlockModel(
        scales=np.array(scales, dtype=np.float64),
        whole=whole,
        member=np.repeat(np.arange(len(blocks)), [block.columns.shape[1] for block in blocks]).astype(np.int64),
        sizes=sizes.astype(np.float64),
        counts=counts,
        by_size=by_size,
        total=total,
        n=y.size,
    )


def effect_columns(codes: Sequence[Integers], levels: Sequence[int]) -> Floats:
    """Return the columns of a main effect or an interaction.

    Parameters
    ----------
    codes : sequence of ndarray of int, shape (n,)
        Level of each row, for each factor of the term.
    levels : sequence of int
        Number of levels of each factor.

    Returns
    -------
    ndarray, shape (n, product of (levels - 1))
        Orthonormal over the levels, so that neither coding nor order of levels matters; products for interactions.
    """
    columns = np.ones((codes[0].size, 1))
    for code, count in zip(codes, levels, strict=True):
        mine = cell_basis(count)[code]
        columns = (columns[:, :, None] * mine[:, None, :]).reshape(code.size, -1)
    return columns


def whitened(centred: Floats) -> Floats:
    """Return predictors rotated to unit variance without correlation: the prior then follows Zellner and Siow.

    Parameters
    ----------
    centred : ndarray, shape (n, p)
        Predictors minus their means.

    Returns
    -------
    ndarray, shape (n, p)
        The same space; cross-products n times the identity.

    Raises
    ------
    DataError
        Where a column is a combination of the others.
    """
    roots, vectors = np.linalg.eigh(centred.T @ centred / centred.shape[0])
    if roots.min() < 1e-10 * roots.max():
        raise DataError("A covariate is a combination of the others (perfect collinearity); leave one of them out.")
    return np.asarray(centred @ (vectors / np.sqrt(roots)), dtype=np.float64)
