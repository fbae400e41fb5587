"""The linear predictor that every sampled model of cells shares: cells, covariates, random intercepts and slopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_rows import CellRows, Grouping
from feedbackstudy.analysis.bayesian.prior_laws import Correlations, HalfNormal, Normal, Parameter
from feedbackstudy.analysis.bayesian.sampling import load_tensors

__all__ = ["PredictorPrior", "cell_basis", "cells_of", "parameters", "predictor", "random_columns"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorPrior:
    """Prior of the linear predictor, exchangeable over cells, on the scale of the predictor.

    Attributes
    ----------
    level, level_sd : float
        Mean and standard deviation of the level that all cells share; where thresholds hold the level there is none.
    cell_sd : float
        Standard deviation of a cell's deviation from it; a contrast with weights 1 and -1 has 1.41 times that.
    covariate_sd : float
        Standard deviation of a coefficient of a covariate, around 0.
    group_sd : float
        Scale of the half-normal prior of the standard deviation between groups, of intercepts.
    slope_sd : float
        The same for slopes.
    correlation : float
        LKJ concentration of the correlations of intercepts and slopes.
    """

    level: float = 0.0
    level_sd: float = 1.5
    cell_sd: float = 0.5
    covariate_sd: float = 0.5
    group_sd: float = 0.5
    slope_sd: float = 0.5
    correlation: float = 2.0

    def words(self, rows: CellRows, *, level: bool) -> str:
        """Return the prior in words, naming only what the rows need.

        Parameters
        ----------
        rows : CellRows
            The rows.
        level : bool
            Whether the predictor has a level of its own.

        Returns
        -------
        str
            The prior.
        """
        around = f"a level N({self.level:g}, {self.level_sd:g})" if level else "their mean"
        parts = [f"cells N(level, {self.cell_sd:g}) around {around}"]
        parts += (
            [f"coefficients of covariates N(0, {self.covariate_sd:g}) for one of their units"]
            if rows.covariates.shape[1]
            else []
        )
        parts += [f"sd between levels of {group.name} half-normal({self.group_sd:g})" for group in rows.groups]
        sloped = [group.name for group in rows.groups if group.size > 1]
        parts += [f"sd of slopes half-normal({self.slope_sd:g}), correlations LKJ({self.correlation:g})"] * bool(sloped)
        return "; ".join(parts)


def cell_basis(n_cells: int) -> Floats:
    """Return orthonormal columns that each sum to zero over the cells.

    Parameters
    ----------
    n_cells : int
        Cells.

    Returns
    -------
    ndarray, shape (n_cells, n_cells - 1)
        Helmert columns. Standard normal coordinates give exchangeable cells, whatever the order of the cells.
    """
    columns = np.zeros((n_cells, n_cells - 1))
    for k in range(1, n_cells):
        columns[:k, k - 1], columns[k, k - 1] = 1.0, -float(k)
        columns[:, k - 1] /= np.sqrt(k * (k + 1))
    return columns


def parameters(rows: CellRows, prior: PredictorPrior, *, level: bool, prefix: str = "") -> tuple[Parameter, ...]:
    r"""Return the parameters of the predictor that have a law of their own.

    Parameters
    ----------
    rows : CellRows
        The rows.
    prior : PredictorPrior
        Their priors.
    level : bool
        Whether the predictor has a level of its own.
    prefix : str, default ""
        Put before the names, where a model has two predictors.

    Returns
    -------
    tuple of Parameter
        Level, deviations of the cells, coefficients, standard deviations and partial correlations.

    Notes
    -----
    Cells :math:`\mu_j = L + d_j` with independent :math:`d_j \sim N(0, s)` are written as mean
    :math:`N(m, L_s^2 + s^2/J)` plus deviations that sum to zero: the same distribution, without the ridge between
    level and deviations.
    """
    found: list[Parameter] = []
    if level:
        sd = float(np.sqrt(prior.level_sd**2 + prior.cell_sd**2 / rows.n_cells))
        found.append(Parameter(name=f"{prefix}level", law=Normal(prior.level, sd)))
    if rows.n_cells > 1:
        law = Normal(0.0, prior.cell_sd)
        found.append(Parameter(name=f"{prefix}deviation", law=law, shape=(rows.n_cells - 1,)))
    if prefix:
        return tuple(found)
    if q := rows.covariates.shape[1]:
        found.append(Parameter(name="coefficient", law=Normal(0.0, prior.covariate_sd), shape=(q,)))
    for group in rows.groups:
        found.append(Parameter(name=f"sd_{group.name}", law=HalfNormal(prior.group_sd)))
        if group.size > 1:
            pairs = group.size * (group.size - 1) // 2
            found += [
                Parameter(name=f"slope_sd_{group.name}", law=HalfNormal(prior.slope_sd), shape=(group.size - 1,)),
                Parameter(
                    name=f"partial_{group.name}", law=Correlations(group.size, prior.correlation), shape=(pairs,)
                ),
            ]
    return tuple(found)


def predictor(pm: Any, rows: CellRows, variables: Mapping[str, Any], *, centring: Mapping[str, Floats]) -> Any:  # noqa: ANN401
    """Build the predictor of every row in the model that is open.

    Parameters
    ----------
    pm : module
        PyMC.
    rows : CellRows
        The rows.
    variables : mapping of str to tensor
        The free variables by name.
    centring : mapping of str to ndarray, shape (size,)
        Grouping factors whose effects are sampled partly centred, and how far each coefficient is: 0 is in standard
        units, 1 as such. Effects of the factors that are not named are sampled in standard units.

    Returns
    -------
    tensor, shape (n,)
        The predictor. `cells` and `effect_<factor>` are kept as named quantities.
    """
    pt = load_tensors()
    cells = pm.Deterministic("cells", cells_of(pm, rows, variables))
    found = cells[pm.Data("cell", rows.cell)]
    if rows.covariates.shape[1]:
        found += pt.matmul(pm.Data("covariates", rows.covariates), variables["coefficient"])
    for group in rows.groups:
        effect = _effect(pm, group, variables, centring.get(group.name))
        member = pm.Data(f"member_{group.name}", group.member)
        if group.size == 1:
            found += effect[member] if group.whole else effect[member] * pm.Data(f"held_{group.name}", 1.0 * group.held)
        else:
            columns = pm.Data(f"columns_{group.name}", random_columns(group))
            found += (effect[member] * columns).sum(axis=1)
    return found


def cells_of(pm: Any, rows: CellRows, variables: Mapping[str, Any], *, prefix: str = "") -> Any:  # noqa: ANN401
    """Return the cells of the model that is open, from level and deviations.

    Parameters
    ----------
    pm : module
        PyMC.
    rows : CellRows
        The rows.
    variables : mapping of str to tensor
        The free variables by name.
    prefix : str, default ""
        Put before the names.

    Returns
    -------
    tensor, shape (cells,)
        The cells on the scale of the predictor.
    """
    level = variables.get(f"{prefix}level", 0.0)
    if rows.n_cells == 1:
        return level + np.zeros(1)
    return level + pm.math.dot(cell_basis(rows.n_cells), variables[f"{prefix}deviation"])


def _effect(pm: Any, group: Grouping, variables: Mapping[str, Any], centring: Floats | None) -> Any:  # noqa: ANN401
    pt = load_tensors()
    name, sd = f"effect_{group.name}", variables[f"sd_{group.name}"]
    share = None if centring is None else pm.Data(f"centring_{group.name}", centring)
    if group.size == 1:
        if share is not None:
            raw = pm.Normal(f"raw_{name}", 0.0, sd ** share[0], shape=group.count)
            return pm.Deterministic(name, sd ** (1 - share[0]) * raw)
        return pm.Deterministic(name, sd * pm.Normal(f"raw_{name}", 0.0, 1.0, shape=group.count))
    sds = pt.concatenate([pt.atleast_1d(sd), variables[f"slope_sd_{group.name}"]])
    partial = variables[f"partial_{group.name}"]
    rows, at = [], 0
    for i in range(group.size):
        left, row = pt.constant(1.0), []
        for _ in range(i):
            row.append(partial[at] * pt.sqrt(left))
            left *= 1 - partial[at] ** 2
            at += 1
        rows.append(pt.stack([*row, pt.sqrt(left), *[pt.constant(0.0)] * (group.size - i - 1)]))
    root, shape = pt.stack(rows), (group.count, group.size)
    if share is not None:
        factor = (sds**share)[:, None] * root
        raw = pm.MvNormal(f"raw_{name}", pt.zeros(group.size), chol=factor, shape=shape)
        return pm.Deterministic(name, sds ** (1 - share) * raw)
    return pm.Deterministic(name, pt.matmul(pm.Normal(f"raw_{name}", 0.0, 1.0, shape=shape), (sds[:, None] * root).T))


def random_columns(group: Grouping) -> Floats:
    """Return the columns whose coefficients vary over the groups: the intercept and the slopes.

    Parameters
    ----------
    group : Grouping
        The factor.

    Returns
    -------
    ndarray, shape (n, size)
        Ones, then the slopes; zeros in rows of no group.
    """
    return np.asarray(np.column_stack([np.ones(group.member.size), group.slopes]) * group.held[:, None])
