"""Moments a model implies, and their first and second derivatives, for one group at a time.

Notation (reticular action model): v = A v + e, Cov(e) = S, intercepts m. With E = (I - A)^-1, V = E S E', eta = E m and
G the observed rows of E, the implied covariance is Sigma = G S G' and the mean mu = G m. The derivative of Sigma in any
parameter is a b' + b a': for a path (i, j) a = G_i, b = V_j; for a covariance (i, j) a = G_i, b = G_j (half of it where
i = j). Sums over moments therefore reduce to products of small matrices of parameters by parameters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.structure import GroupStructure, Structure

__all__ = ["Implied", "Pairs", "curvature", "implied", "pairs"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Implied:
    """Model-implied moments of one group.

    Attributes
    ----------
    E : ndarray of shape (v, v)
        (I - A)^-1.
    V : ndarray of shape (v, v)
        Covariances of all variables.
    eta : ndarray of shape (v,)
        Means of all variables.
    p : int
        Number of observed variables, which stand first.
    """

    E: Floats
    V: Floats
    eta: Floats
    p: int

    @property
    def sigma(self) -> Floats:
        """Covariances of the observed variables."""
        return self.V[: self.p, : self.p]

    @property
    def mu(self) -> Floats:
        """Means of the observed variables."""
        return self.eta[: self.p]


@dataclass(frozen=True, slots=True)
class Pairs:
    """First derivatives of one group's moments.

    Attributes
    ----------
    a, b : ndarray of shape (p, n_moment)
        The derivative of Sigma in parameter k is ``a_k b_k' + b_k a_k'``.
    m : ndarray of shape (p, n_moment)
        The derivative of mu.
    """

    a: Floats
    b: Floats
    m: Floats


def implied(structure: Structure, group: GroupStructure, x: Floats) -> Implied:
    """Return the moments a group's parameters imply.

    Parameters
    ----------
    structure : Structure
        The model.
    group : GroupStructure
        The group.
    x : ndarray
        All parameters.

    Returns
    -------
    Implied
        Moments of all variables.
    """
    v = structure.n_variables
    A, S, m = np.zeros((v, v)), np.zeros((v, v)), np.zeros(v)
    a, s, c = group.all["A"], group.all["S"], group.all["M"]
    A[a.i, a.j] = x[a.rows]
    S[s.i, s.j] = S[s.j, s.i] = x[s.rows]
    m[c.i] = x[c.rows]
    E = np.linalg.inv(np.eye(v) - A)
    return Implied(E, E @ S @ E.T, E @ m, structure.n_items)


def pairs(state: Implied, group: GroupStructure) -> Pairs:
    """Return the first derivatives of a group's moments.

    Parameters
    ----------
    state : Implied
        The group's moments.
    group : GroupStructure
        Its cells.

    Returns
    -------
    Pairs
        Derivatives in the active parameters, in the order A, S, M.
    """
    p, G = state.p, state.E[: state.p]
    A, S, M = group.active["A"], group.active["S"], group.active["M"]
    n_a, n_s, n_m = len(A), len(S), len(M)
    a, b, m = np.zeros((3, p, n_a + n_s + n_m))
    a[:, :n_a] = G[:, A.i]
    a[:, n_a : n_a + n_s] = G[:, S.i]
    b[:, :n_a] = state.V[:p, A.j]
    b[:, n_a : n_a + n_s] = G[:, S.j] * np.where(S.i == S.j, 0.5, 1.0)
    m[:, :n_a] = a[:, :n_a] * state.eta[A.j]
    m[:, n_a + n_s :] = G[:, M.i]
    return Pairs(a, b, m)


def curvature(state: Implied, group: GroupStructure, R: Floats, u: Floats, d: Pairs) -> Floats:
    """Return ``tr(R d2 Sigma) / 2 + u' d2 mu`` for every two active parameters.

    Parameters
    ----------
    state : Implied
        The group's moments.
    group : GroupStructure
        Its cells.
    R : ndarray of shape (p, p)
        Symmetric weights of the covariances.
    u : ndarray of shape (p,)
        Weights of the means.
    d : Pairs
        First derivatives.

    Returns
    -------
    ndarray of shape (n_moment, n_moment)
        Symmetric.
    """
    A, S, M = group.active["A"], group.active["S"], group.active["M"]
    n_a, n_s = len(A), len(S)
    out = np.zeros((d.a.shape[1], d.a.shape[1]))
    if not n_a:
        return out
    Ra = R @ d.a[:, :n_a]
    AA, ZA = Ra.T @ d.a[:, :n_a], Ra.T @ d.b[:, : n_a + n_s]
    to = state.E[np.ix_(A.j, A.i)]
    h = u @ d.a[:, :n_a]
    block = to * (ZA[:, :n_a] + np.outer(h, state.eta[A.j]))
    out[:n_a, :n_a] = block + block.T + state.V[np.ix_(A.j, A.j)] * AA
    if n_s:
        AS = Ra.T @ d.a[:, n_a : n_a + n_s]
        w = np.where(S.i == S.j, 0.5, 1.0)
        cross = w * state.E[np.ix_(A.j, S.j)] * AS + state.E[np.ix_(A.j, S.i)] * ZA[:, n_a:]
        out[:n_a, n_a : n_a + n_s] = cross
        out[n_a : n_a + n_s, :n_a] = cross.T
    if len(M):
        cross = h[:, None] * state.E[np.ix_(A.j, M.i)]
        out[:n_a, n_a + n_s :] = cross
        out[n_a + n_s :, :n_a] = cross.T
    return out
