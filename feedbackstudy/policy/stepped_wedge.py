"""Stepped wedges: estimating equations and mixed models on cluster-period means, for few clusters."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.clustered import cluster_robust
from feedbackstudy.errors import DataError, InputError, NotFoundError, choices
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.inference.cell_regression import Effect
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.rollouts.two_way import row_of
from feedbackstudy.policy.stepped_components import CellMeans, Components, fit_components
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["SmallSample", "Working", "stepped_wedge"]

type Floats = NDArray[np.float64]
type Working = Literal["nested", "exchangeable", "independence"]
type SmallSample = Literal["kauermann-carroll", "mancl-derouen", "fay-graubard", "model"]

_ROBUST: dict[str, Literal["CR2", "CR3"]] = {"kauermann-carroll": "CR2", "mancl-derouen": "CR3"}
_CORRECTIONS = (*_ROBUST, "fay-graubard", "model")
_WORKING = ("nested", "exchangeable", "independence")
_BOUND = 0.75
_PERIODS = "periods have the same effect on every unit"


def stepped_wedge(
    stats: SufficientStats,
    metric: str | None = None,
    *,
    effect: Literal["immediate", "exposure"] = "immediate",
    working: Working = "nested",
    correction: SmallSample = "kauermann-carroll",
) -> Effects:
    r"""Estimate a stepped wedge from its cluster-period means.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.
    effect : {"immediate", "exposure"}, default "immediate"
        One effect from the start on, or one for each period since the start, and their average.
    working : {"nested", "exchangeable", "independence"}, default "nested"
        Working correlation of applications within a unit: smaller between periods than within, the same, or none.
    correction : {"kauermann-carroll", "mancl-derouen", "fay-graubard", "model"}, default "kauermann-carroll"
        Correction of the sandwich for few units; "model" takes the mixed model's own standard error.

    Returns
    -------
    Effects
        The effect; with exposure first the average over the periods since the start, then each of them.

    Raises
    ------
    NotFoundError
        For an unknown effect, working correlation or correction.
    InputError
        For a ratio, whose cells have no variance of their own.
    DataError
        Where periods already say who is treated, or fewer than three units are left.

    Notes
    -----
    Hussey & Hughes (2007); Hooper et al. (2016) for the nested working correlation; exposure time: Kenny et al. (2022),
    Statistics in Medicine 41, 4311-4339. Components by REML of the rows (`fit_components`); the coefficients are
    generalised least squares, which for an identity link is the cluster-period estimating equation. KC and MD are CR2
    and CR3 of whitened cells with Satterthwaite's degrees of freedom (KC as published: the principal root of I - H,
    which clubSandwich's CR2 shares only where the working covariance is diagonal); FG bounds its leverage by .75 and
    takes t on units - 2; "model" takes Satterthwaite's of the mixed model.
    """
    for what, given, known in (
        ("Effect", effect, ("immediate", "exposure")),
        ("Working correlation", working, _WORKING),
        ("Correction", correction, _CORRECTIONS),
    ):
        if given not in known:
            raise NotFoundError(choices(what, given, known))
    panel = panel_of(stats, metric)
    if panel.metric.per is not None:
        raise InputError(
            f"{panel.metric.label} is a ratio; a stepped wedge of means needs a share, a mean or a rating."
        )
    cells, lengths = _cells(panel, exposure=effect == "exposure")
    parts = _components(cells, working)
    weights, names = _contrasts(lengths, cells.design.shape[1])
    fitted = _Fit(cells, parts, correction)
    method = _method(effect, working, parts)
    rows = []
    for i, (w, name) in enumerate(zip(weights, names, strict=True)):
        own = fitted.effect(w)
        row = row_of(panel, own, level=stats.plan.interval_level, method=method, covariance=fitted.words)
        rows.append(_named(row, name, first=not i))
    made = stats.provenance.derived(
        "policy.stepped_wedge", conventions=(f"working correlation: {working}", f"standard errors: {correction}")
    )
    return Effects(rows=tuple(rows), title=f"Stepped wedge: {stats.plan.title}", provenance=made)


def _named(row: EffectEstimate, name: str, *, first: bool) -> EffectEstimate:
    contrast = f"{row.contrast}{name}"
    return replace(
        row, contrast=contrast, assumptions=(*row.assumptions, _PERIODS), warnings=row.warnings if first else ()
    )


def _method(effect: str, working: str, parts: Components) -> str:
    words = "one immediate effect" if effect == "immediate" else "an effect for each period since the start"
    return f"cluster-period means, {words}, {working} working correlation (ICC {parts.icc:.3f})"


def _cells(panel: Panel, *, exposure: bool) -> tuple[CellMeans, tuple[int, ...]]:
    u, t = np.nonzero(panel.used)
    units = np.unique(u, return_inverse=True)[1]
    if units.max() < 2:
        raise DataError(f"{units.max() + 1} units are left; a stepped wedge needs at least three.")
    n, total = panel.n[u, t], panel.total[u, t]
    treated = panel.treated[u, t]
    lengths: tuple[int, ...] = ()
    own = treated[:, None].astype(np.float64)
    if exposure:
        since = np.where(treated, panel.event_time[u, t], -1).astype(np.int64)
        lengths = tuple(int(k) for k in np.unique(since[treated]))
        own = (since[:, None] == np.array(lengths)[None, :]).astype(np.float64)
    periods = np.unique(t)
    design = np.hstack([own, np.ones((u.size, 1)), (t[:, None] == periods[None, 1:]).astype(np.float64)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError(
            "Periods already say who is treated, or how long: all units start at once, or none is left to compare with."
        )
    within = float((panel.squares[u, t] - total**2 / n).sum())
    return CellMeans(mean=total / n, n=n, within=within, cluster=units, design=design), lengths


def _components(cells: CellMeans, working: str) -> Components:
    if working != "independence":
        return fit_components(cells, nested=working == "nested")
    inside = float((cells.n - 1).sum())
    if inside <= 0 or cells.within <= 0:
        raise DataError("No cell holds two applications that differ: nothing says how much applications vary.")
    residual = float(np.sqrt(cells.within / inside))
    return Components(
        cluster_sd=0.0, period_sd=0.0, residual_sd=residual, cells=cells, free=(2,), criterion=float("nan")
    )


def _contrasts(lengths: tuple[int, ...], p: int) -> tuple[list[Floats], list[str]]:
    if not lengths:
        return [np.eye(p)[0]], [""]
    average = np.zeros(p)
    average[: len(lengths)] = 1 / len(lengths)
    rows = [average, *np.eye(p)[: len(lengths)]]
    return rows, [", average over periods since the start", *(f", {k} periods after the start" for k in lengths)]


class _Fit:
    """Generalised least squares with the standard errors that were asked for."""

    def __init__(self, cells: CellMeans, parts: Components, correction: str) -> None:
        self.x, y, _ = cells.whitened(*parts.sds)
        self.parts, self.correction, self.units = parts, correction, int(cells.cluster.max()) + 1
        self.inverse = np.linalg.inv(self.x.T @ self.x)
        self.beta = self.inverse @ (self.x.T @ y)
        self.left, self.cluster = y - self.x @ self.beta, cells.cluster

    @property
    def words(self) -> str:
        """How the standard error was made."""
        df = (
            f"t on {self.units - 2} (units - 2)"
            if self.correction == "fay-graubard"
            else "Satterthwaite's degrees of freedom"
        )
        if self.correction == "model":
            return f"of the mixed model over {self.units} units, {df}"
        return f"{self.correction} over {self.units} units, {df}"

    def effect(self, weights: Floats) -> Effect:
        """Return one linear combination."""
        estimate = float(weights @ self.beta)
        if self.correction == "model":
            se = float(np.sqrt(weights @ self.inverse @ weights))
            return Effect(estimate=estimate, se=se, df=self.parts.satterthwaite(weights))
        if self.correction == "fay-graubard":
            covariance = self._fay_graubard()
            return Effect(estimate=estimate, se=float(np.sqrt(weights @ covariance @ weights)), df=self.units - 2.0)
        robust = cluster_robust(self.x, self.left, self.cluster.astype(np.int64), _ROBUST[self.correction])
        return Effect(
            estimate=estimate, se=float(np.sqrt(weights @ robust.covariance @ weights)), df=robust.df(weights)
        )

    def _fay_graubard(self) -> Floats:
        """Scale each cluster's score by 1 over the root of 1 minus its own share of the information (bounded)."""
        meat = np.zeros_like(self.inverse)
        for g in range(self.units):
            here = self.cluster == g
            share = np.diag(self.x[here].T @ self.x[here] @ self.inverse)
            score = (self.x[here].T @ self.left[here]) / np.sqrt(1 - np.minimum(_BOUND, share))
            meat += np.outer(score, score)
        return np.asarray(self.inverse @ meat @ self.inverse, dtype=np.float64)
