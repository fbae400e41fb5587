"""What a model says the outcomes look like, from its prior or from its posterior, beside those that were seen."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.analysis.bayesian.predictive_bars import BINS, MOST_VALUES, Bars, bar_edges, bars_of
from feedbackstudy.analysis.bayesian.r_predictive import predictive_script
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, interval, number

__all__ = ["PredictedStatistic", "PredictiveCheck", "checked", "posterior_predictive"]

type Floats = NDArray[np.float64]

_SUSPECT = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedStatistic:
    """A statistic that was seen, beside drawn studies.

    Attributes
    ----------
    name : str
        What it is.
    seen : float
        Its value in the data.
    lower, upper : float
        95 % interval in drawn studies.
    p : float
        Share of drawn studies with a larger value, ties counted half.
    """

    name: str
    seen: float
    lower: float
    upper: float
    p: float

    @property
    def suspect(self) -> bool:
        """Whether the value seen lies outside the middle 95 % of the drawn ones."""
        return not _SUSPECT <= self.p <= 1 - _SUSPECT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictiveCheck(Rendered):
    """Outcomes that were seen, beside studies drawn from the posterior.

    Attributes
    ----------
    model : str
        The model in words.
    studies : int
        Drawn studies.
    bars : Bars
        Shares over all rows.
    cells : tuple of Bars
        Shares within each cell that holds data.
    statistics : tuple of PredictedStatistic
        Means and standard deviations of cells, extremes, spread of the means of groups.
    script : RScript or callable or None
        The way out to R.
    """

    model: str
    studies: int
    bars: Bars
    cells: tuple[Bars, ...]
    statistics: tuple[PredictedStatistic, ...]
    script: Way = None

    def r_script(self) -> RScript:
        """Return the drawn studies and what was seen for R.

        Returns
        -------
        RScript
            Counts the shares of values anew (``share seen``, ``share mean``, ``share lower``, ``share upper``, and the
            same within each cell) and shows every statistic by its name: seen, 95 % interval, p.

        Raises
        ------
        DataError
            Where the numbers were laid together without drawn studies.
        """
        return carried(self.script, "The predictive check")

    @property
    def suspect(self) -> tuple[PredictedStatistic, ...]:
        """Statistics that the model does not reproduce."""
        return tuple(one for one in self.statistics if one.suspect)

    def page(self) -> Page:
        """Return bars and statistics as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        seen = self.bars.seen if self.bars.seen is not None else np.full(self.bars.mean.size, np.nan)
        shares = tuple(
            (_label(low, high), number(float(s), 3), number(float(m), 3), interval(float(a), float(b)))
            for low, high, s, m, a, b in zip(
                self.bars.low, self.bars.high, seen, self.bars.mean, self.bars.lower, self.bars.upper, strict=True
            )
        )
        statistics = tuple(
            (one.name, number(one.seen), interval(one.lower, one.upper), number(one.p, 3, unit_interval=True))
            for one in self.statistics
        )
        names = ", ".join(one.name for one in self.suspect)
        count = len(self.statistics)
        verdict = (
            Notice(
                f"Outside the middle 95 % of drawn studies: {names} ({len(self.suspect)} of {count}).", tone="warning"
            )
            if self.suspect
            else Notice(f"All {count} statistics lie within the middle 95 % of drawn studies.", tone="good")
        )
        blocks: tuple[Block, ...] = (
            Facts((("model", self.model), ("drawn studies", str(self.studies)))),
            Table(("value", "seen", "predicted", "95% interval"), shares, "Shares of values"),
            Table(("statistic", "seen", "95% interval of drawn studies", "p"), statistics, "Statistics"),
            verdict,
        )
        return Page(title="Posterior predictive check", blocks=blocks)


def posterior_predictive(fit: SampledCells, *, seed: int, studies: int = 1000) -> PredictiveCheck:
    """Draw whole studies from the posterior and lay them beside the data.

    Parameters
    ----------
    fit : SampledCells
        The fitted model.
    seed : int
        Seed of the draws.
    studies : int, default 1000
        Studies to draw, at most the number of posterior draws; people keep their cells, covariates and groups.

    Returns
    -------
    PredictiveCheck
        Bars and statistics (Gelman et al., 2013, Bayesian Data Analysis, chapter 6).

    Raises
    ------
    DataError
        For fewer than 100 studies.
    """
    rng, model = np.random.default_rng(seed), fit.model
    total = fit.values["cells"].shape[0]
    kept = np.sort(rng.choice(total, size=min(studies, total), replace=False))
    drawn = model.outcome({name: block[kept] for name, block in fit.values.items()}, rng)
    return checked(model.rows, drawn, words=model.words, whole=model.family.whole, asked=studies)


def checked(rows: CellRows, drawn: Floats, *, words: str, whole: bool, asked: int | None = None) -> PredictiveCheck:
    """Lay drawn studies beside the rows that were seen.

    Parameters
    ----------
    rows : CellRows
        The rows.
    drawn : ndarray, shape (studies, n)
        Outcomes of the same rows in drawn studies.
    words : str
        The model in words.
    whole : bool
        Whether outcomes are whole numbers.
    asked : int, optional
        Studies asked for, where the draws gave fewer.

    Returns
    -------
    PredictiveCheck
        Shares of values, and statistics that the model does not reproduce.

    Raises
    ------
    DataError
        For fewer than 100 studies.
    """
    given = drawn.shape[0] if asked is None else asked
    if given < 100:
        raise DataError(f"Intervals of drawn studies need 100 of them at least; given {given}.")
    y, cell = rows.y, rows.cell
    edges = bar_edges(y, drawn, whole=whole)
    return PredictiveCheck(
        model=words,
        studies=drawn.shape[0],
        bars=bars_of(drawn, edges, y, whole=whole),
        cells=tuple(bars_of(drawn[:, cell == j], edges, y[cell == j], whole=whole) for j in range(rows.n_cells)),
        statistics=_statistics(rows, drawn),
        script=partial(predictive_script, rows, drawn, whole=whole, bins=BINS, most=MOST_VALUES),
    )


def _statistics(rows: CellRows, drawn: Floats) -> tuple[PredictedStatistic, ...]:
    y = rows.y
    found = []
    for j in range(rows.n_cells):
        inside = rows.cell == j
        found.append(_statistic(f"mean of cell {j + 1}", y[inside].mean(), drawn[:, inside].mean(axis=1)))
        if inside.sum() > 1:
            spread = drawn[:, inside].std(axis=1, ddof=1)
            found.append(_statistic(f"sd of cell {j + 1}", y[inside].std(ddof=1), spread))
    found.append(_statistic("smallest", y.min(), drawn.min(axis=1)))
    found.append(_statistic("largest", y.max(), drawn.max(axis=1)))
    for group in rows.groups:
        average = group.indicators / group.sizes
        found.append(
            _statistic(f"sd of means of {group.name}", (y @ average).std(ddof=1), (drawn @ average).std(axis=1, ddof=1))
        )
    return tuple(found)


def _statistic(name: str, seen: float, drawn: Floats) -> PredictedStatistic:
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    # The same answers summed in another order differ in the last digits: those are ties too.
    tie = 1e-12 * max(abs(seen), float(np.abs(drawn).max()))
    p = float((drawn > seen + tie).mean() + (np.abs(drawn - seen) <= tie).mean() / 2)
    return PredictedStatistic(name=name, seen=float(seen), lower=float(lower), upper=float(upper), p=p)


def _label(low: float, high: float) -> str:
    if low == high:
        return f"{low:g}"
    if np.isinf(low):
        return f"below {high:.3g}"
    return f"{low:.3g} and above" if np.isinf(high) else f"{low:.3g} to {high:.3g}"
