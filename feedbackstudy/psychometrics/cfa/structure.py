"""From a parameter table to arrays: which parameter stands in which cell of which matrix, and which are free."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa.expression import Dual, evaluate
from feedbackstudy.psychometrics.cfa.table import ParameterTable, Row

__all__ = ["Cells", "GroupStructure", "Structure", "label_duals", "structure_of"]

type Ints = NDArray[np.intp]
type Floats = NDArray[np.float64]

_MATRIX = {"=~": "A", "~": "A", "~~": "S", "~1": "M", "|": "T", "~*~": "D"}
_LINEAR = 1e-9  # a constraint whose gradient moves more than this between two points is not linear


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the parameters of one matrix stand.

    Attributes
    ----------
    rows : ndarray of int
        Position in the vector of all parameters.
    i, j : ndarray of int
        Row and column in the matrix.
    """

    rows: Ints
    i: Ints
    j: Ints

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStructure:
    """The cells of one group.

    Attributes
    ----------
    all : mapping of str to Cells
        All parameters: ``A`` paths, ``S`` covariances, ``M`` intercepts, ``T`` thresholds, ``D`` scales.
    active : mapping of str to Cells
        Those whose derivative is wanted.
    rows : ndarray of int
        Positions of the active parameters, in the order A, S, M, T, D.
    K : ndarray of shape (n_active, n_free)
        Derivative of the active parameters in the free ones.
    """

    all: Mapping[str, Cells]
    active: Mapping[str, Cells]
    rows: Ints
    K: Floats

    @property
    def n_moment(self) -> int:
        """Number of active parameters of the implied covariances and means."""
        return len(self.active["A"]) + len(self.active["S"]) + len(self.active["M"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A model ready to be evaluated: all parameters are ``c + K @ theta``.

    Attributes
    ----------
    table : ParameterTable
        Names of the parameters.
    groups : tuple of GroupStructure
        Cells by group.
    K : ndarray of shape (n_rows, n_free)
        All parameters in the free ones; equalities and linear constraints are built in.
    c : ndarray of shape (n_rows,)
        Fixed values.
    """

    table: ParameterTable
    groups: tuple[GroupStructure, ...]
    K: Floats
    c: Floats

    @property
    def n_free(self) -> int:
        """Number of free parameters, constraints taken off."""
        return int(self.K.shape[1])

    @property
    def n_items(self) -> int:
        """Number of observed variables."""
        return len(self.table.items)

    @property
    def n_variables(self) -> int:
        """Number of observed and latent variables."""
        return len(self.table.items) + len(self.table.factors)

    def parameters(self, theta: Floats) -> Floats:
        """Return all parameters, fixed ones included.

        Parameters
        ----------
        theta : ndarray of shape (n_free,)
            Free parameters.

        Returns
        -------
        ndarray of shape (n_rows,)
            In the order of the table's rows.
        """
        return self.c + self.K @ theta


def _columns(rows: tuple[Row, ...]) -> tuple[Floats, Floats]:
    """Give every free parameter a column; equal labels share one."""
    labels: dict[str, int] = {}
    at = np.full(len(rows), -1)
    width = 0
    for k, row in enumerate(rows):
        if not row.free:
            continue
        if row.label and row.label in labels:
            at[k] = labels[row.label]
            continue
        at[k] = width
        if row.label:
            labels[row.label] = width
        width += 1
    K = np.zeros((len(rows), width))
    free = np.flatnonzero(at >= 0)
    K[free, at[free]] = 1.0
    return K, np.array([0.0 if row.free else row.value for row in rows])


def label_duals(rows: tuple[Row, ...], x: Floats, K: Floats) -> dict[str, Dual]:
    """Return value and gradient of every labelled parameter.

    Parameters
    ----------
    rows : tuple of Row
        Rows of the parameter table.
    x : ndarray of shape (n_rows,)
        Their values.
    K : ndarray of shape (n_rows, n_free)
        Their derivatives in the free parameters.

    Returns
    -------
    dict of str to Dual
        By label; rows without a label are left out.
    """
    return {row.label: Dual(float(x[k]), K[k]) for k, row in enumerate(rows) if row.label}


def _constrained(table: ParameterTable, K: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Build linear constraints in: theta = particular solution + null space @ fewer parameters."""
    constraints = table.model.constraints
    if not constraints:
        return K, c
    width = K.shape[1]

    def gaps(theta: Floats) -> list[Dual]:
        known = label_duals(table.rows, c + K @ theta, K)
        sides = [(evaluate(s.left, known, width), evaluate(s.right, known, width)) for s in constraints]
        return [Dual(a.value - b.value, a.gradient - b.gradient) for a, b in sides]

    first, second = gaps(np.full(width, 0.37)), gaps(np.linspace(0.5, 1.9, width))
    C = np.array([gap.gradient for gap in first])
    if np.max(np.abs(C - np.array([gap.gradient for gap in second]))) > _LINEAR:
        raise DeclarationError("A constraint (==) is not linear in the labels; only linear constraints are supported.")
    d = C @ np.full(width, 0.37) - np.array([gap.value for gap in first])
    particular, *_ = np.linalg.lstsq(C, d, rcond=None)
    if np.max(np.abs(C @ particular - d), initial=0.0) > _LINEAR:
        raise DeclarationError("The constraints (==) contradict each other; no value of the labels meets them all.")
    return K @ null_space(C), c + K @ particular


def _cells(rows: tuple[Row, ...], group: int, wanted: NDArray[np.bool_], at: Mapping[str, int]) -> dict[str, Cells]:
    found: dict[str, list[tuple[int, int, int]]] = {name: [] for name in "ASMTD"}
    for k, row in enumerate(rows):
        if row.group != group or not wanted[k]:
            continue
        i, j = at[row.lhs], 0
        if row.op == "=~":
            i, j = at[row.rhs], at[row.lhs]
        elif row.op in {"~", "~~"}:
            j = at[row.rhs]
        elif row.op == "|":
            j = int(row.rhs[1:]) - 1
        found[_MATRIX[row.op]].append((k, i, j))
    arrays = {name: np.array(cells, dtype=np.intp).reshape(-1, 3) for name, cells in found.items()}
    return {name: Cells(a[:, 0], a[:, 1], a[:, 2]) for name, a in arrays.items()}


def structure_of(table: ParameterTable, *, also: NDArray[np.bool_] | None = None) -> Structure:
    """Turn a parameter table into arrays.

    Parameters
    ----------
    table : ParameterTable
        The model.
    also : ndarray of bool, optional
        Fixed rows whose derivatives are wanted too, for modification indices.

    Returns
    -------
    Structure
        Ready to be evaluated.

    Raises
    ------
    DeclarationError
        If a constraint is not linear or the constraints contradict each other.
    """
    K, c = _constrained(table, *_columns(table.rows))
    at = {name: k for k, name in enumerate((*table.items, *table.factors))}
    wanted = np.any(K != 0, axis=1)
    if also is not None:
        wanted = wanted | also
    groups = []
    everything = np.ones(len(table.rows), dtype=np.bool_)
    for g in range(table.n_groups):
        active = _cells(table.rows, g, wanted, at)
        order = np.concatenate([active[name].rows for name in "ASMTD"])
        groups.append(GroupStructure(all=_cells(table.rows, g, everything, at), active=active, rows=order, K=K[order]))
    return Structure(table=table, groups=tuple(groups), K=K, c=c)
