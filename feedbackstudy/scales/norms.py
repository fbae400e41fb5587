"""Norms: where a score stands among others, from a source that was seen or from one's own sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores
from feedbackstudy.render import Facts, Page, Rendered, Table, number
from feedbackstudy.scales.evidence import Norm

__all__ = ["LocalNorms", "Normed", "local_norms", "normed"]

_MARKS = (5, 10, 25, 50, 75, 90, 95)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normed(Rendered):
    """Scores held against a norm.

    Attributes
    ----------
    name : str
        The score.
    z, t, percentile : ndarray of float
        Standard score, T score (mean 50, SD 10) and percentile; NaN where there is no score, or where the printed
        percentiles do not reach.
    source : str
        The norm's sample and source.
    convention : str
        How percentiles were found.
    """

    name: str
    z: NDArray[np.float64]
    t: NDArray[np.float64]
    percentile: NDArray[np.float64]
    source: str
    convention: str

    def page(self) -> Page:
        """Return means of z and T with the source.

        Returns
        -------
        Page
            Ready to render.
        """
        kept = self.z[~np.isnan(self.z)]
        mean_z = float(kept.mean()) if kept.size else None
        mean_t = None if mean_z is None else 50 + 10 * mean_z
        facts = (("scores", number(kept.size)), ("mean z", number(mean_z, 2)), ("mean T", number(mean_t, 1)))
        return Page(
            title=f"{self.name} against norms",
            blocks=(Facts((*facts, ("norm", self.source), ("percentiles", self.convention))),),
        )


def normed(scores: Scores, name: str, norm: Norm) -> Normed:
    """Hold a score against a norm that was seen at a source.

    Parameters
    ----------
    scores : Scores
        The scores.
    name : str
        Score column.
    norm : Norm
        One of ``scale.evidence.norms``.

    Returns
    -------
    Normed
        z, T and percentile of each row.

    Raises
    ------
    DataError
        Where the form or wording is not the published one, the metric differs, or the norm lacks mean and SD.
    """
    info = scores.about.get(name)
    if info is None or not info.norms:
        raise DataError(
            f"Norms of {name!r} are off: they hold for the published form and wording only, and must have been seen at "
            "a source."
        )
    if norm.metric != info.method:
        raise DataError(f"The norm is a {norm.metric} score and {name!r} a {info.method}; score with that method.")
    if norm.subscale not in ("", info.subscale):
        raise DataError(f"The norm is for {norm.subscale!r}, the score is {info.subscale!r}.")
    if norm.form not in ("", info.form):
        raise DataError(f"The norm was collected with form {norm.form!r}, the score with {info.form!r}.")
    if norm.mean is None or norm.sd is None:
        raise DataError(f"The norm {norm.sample!r} lacks a mean or a standard deviation at its source.")
    values = scores.frame[name].to_numpy(dtype=np.float64)
    z = (values - norm.mean) / norm.sd
    if norm.percentiles:
        marks = sorted((score, float(mark)) for mark, score in norm.percentiles.items())
        points, ranks = np.array([m[0] for m in marks]), np.array([m[1] for m in marks])
        percentile = np.interp(values, points, ranks, left=np.nan, right=np.nan)
        how = f"interpolated between the printed percentiles {ranks[0]:g} to {ranks[-1]:g}; beyond them none"
    else:
        percentile = 100.0 * stats.norm.cdf(z)
        how = "from mean and SD, as if scores were normally distributed"
    return Normed(name=name, z=z, t=50.0 + 10.0 * z, percentile=percentile, source=norm.cite(), convention=how)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalNorms(Rendered):
    """Percentiles of one's own sample.

    Attributes
    ----------
    n : int
        Scores behind it.
    quantiles : tuple of (int, float)
        Percentile -> score, by linear interpolation (type 7 of R).
    """

    n: int
    quantiles: tuple[tuple[int, float], ...]
    _sorted: NDArray[np.float64]

    def percentile_rank(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the percent below plus half the percent at each value.

        Parameters
        ----------
        values : array-like of float
            Scores.

        Returns
        -------
        ndarray of float
            Mid-percentile ranks, 0 to 100.
        """
        at = np.asarray(values, dtype=np.float64)
        below, upto = (np.searchsorted(self._sorted, at, side=side) for side in ("left", "right"))
        return np.asarray(50.0 * (below + upto) / self.n)

    def page(self) -> Page:
        """Return the percentiles.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple((f"P{mark}", number(score, 2)) for mark, score in self.quantiles)
        return Page(
            title=f"Percentiles of this sample (n = {self.n:,})", blocks=(Table(("percentile", "score"), rows),)
        )


def local_norms(values: ArrayLike, *, marks: Sequence[int] = _MARKS) -> LocalNorms:
    """Make norms from one's own sample.

    Parameters
    ----------
    values : array-like of float
        Scores; NaN are left out.
    marks : sequence of int
        Percentiles wanted.

    Returns
    -------
    LocalNorms
        Quantiles and percentile ranks.

    Raises
    ------
    DataError
        Where there is no score.
    """
    table = np.asarray(values, dtype=np.float64)
    kept = np.sort(table[~np.isnan(table)])
    if not kept.size:
        raise DataError("There is no score to make norms from.")
    found = np.quantile(kept, [mark / 100 for mark in marks])
    return LocalNorms(n=int(kept.size), quantiles=tuple(zip(marks, map(float, found), strict=True)), _sorted=kept)
