"""Whether scales that should differ do: heterotrait-monotrait ratios and average variance extracted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.efa import correlations_for
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.reliability.resampling import bootstrap_covariances, percentile_limits
from feedbackstudy.psychometrics.rscript import RScript, r_string
from feedbackstudy.psychometrics.showing import rows_of, with_notices
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, interval, table_of

__all__ = ["Htmt", "average_variance_extracted", "htmt"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Htmt(Rendered):
    """Ratios of every pair of scales.

    Attributes
    ----------
    scales : tuple of str
        Names.
    ratios, low, high : ndarray of shape (n_scales, n_scales)
        Ratios and their intervals; one on the diagonal, NaN where no interval was asked for.
    level : float
        Coverage.
    version : int
        1: arithmetic means (HTMT); 2: geometric means (HTMT2).
    n : int
        People used.
    issues : tuple of Issue
        Named conditions.
    matrix : Matrix
        The answers used.
    model : Mapping of str to tuple of str
        Scale -> its items.
    provenance : Provenance
        How the numbers were made.
    """

    scales: tuple[str, ...]
    ratios: Floats
    low: Floats
    high: Floats
    level: float
    version: int
    n: int
    issues: tuple[Issue, ...]
    matrix: Matrix = field(repr=False)
    model: Mapping[str, tuple[str, ...]]
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row a pair of scales."""
        first, second = np.triu_indices(len(self.scales), 1)
        return pd.DataFrame(
            {
                "first": [self.scales[i] for i in first],
                "second": [self.scales[j] for j in second],
                "htmt": self.ratios[first, second],
                "low": self.low[first, second],
                "high": self.high[first, second],
            }
        )

    def table(self) -> Table:
        """Return one row a pair of scales as a table."""
        frame = self.frame()
        limits = [interval(low, high) for low, high in frame[["low", "high"]].to_numpy().tolist()]
        shown = frame[["first", "second", "htmt"]].rename(columns={"htmt": "ratio"})
        rows = rows_of(shown.assign(**{f"{self.level:.0%} interval": limits}))
        return table_of(rows)

    def page(self) -> Page:
        """Return the ratios as a page."""
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        name = "HTMT" if self.version == 1 else "HTMT2"
        return Page(f"{name} of {len(self.scales)} scales", f"{self.n} people", blocks)

    def r_script(self) -> RScript:
        """Return a semTools script that recomputes the ratios.

        Returns
        -------
        RScript
            With the answers used as its data.
        """
        lines = "\\n".join(f"{name} =~ {' + '.join(items)}" for name, items in self.model.items())
        body = (
            f"library(semTools)\nfit <- htmt({r_string(lines).replace(chr(92) * 2, chr(92))}, data = responses, "
            f"htmt2 = {'TRUE' if self.version == 2 else 'FALSE'})\n"
            "for (i in rownames(fit)) for (j in rownames(fit)) if (i < j) show(paste(i, j), fit[i, j])\n"
        )
        return RScript(made_by="psychometrics.htmt", body=body, data=self.matrix.frame(), name="htmt")


@one_thread()
def htmt(
    data: Items | Matrix,
    model: Mapping[str, Sequence[str]],
    *,
    version: int = 1,
    correlations: str = "pearson",
    missing: str = "listwise",
    draws: int = 0,
    level: float = 0.95,
    seed: int = 1,
) -> Htmt:
    r"""Compute heterotrait-monotrait ratios of correlations.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Answers, people by items.
    model : Mapping of str to sequence of str
        Scale -> its items, at least two each.
    version : {1, 2}
        Arithmetic means (Henseler, Ringle & Sarstedt 2015), or geometric ones (HTMT2; Roemer, Schuberth & Henseler
        2021), which do not assume equal loadings.
    correlations : {"pearson", "polychoric"}
        Which correlations; a bootstrap offers Pearson only.
    missing : {"listwise", "pairwise"}
        Rows used.
    draws : int, default 0
        Bootstrap samples of people for an interval; none by default.
    level : float, default 0.95
        Coverage.
    seed : int, default 1
        Seed of the bootstrap.

    Returns
    -------
    Htmt
        One ratio a pair of scales.

    Raises
    ------
    DataError
        For a scale that names unknown or fewer than two items, or an option out of range.

    Notes
    -----
    Absolute correlations are averaged, so that items keyed the other way do not cancel.
    """
    if version not in {1, 2}:
        raise DataError(f"HTMT version {version} is unknown; give 1 or 2.")
    if draws and correlations == "polychoric":
        raise DataError('A bootstrap interval needs correlations="pearson"; set draws=0 with polychoric ones.')
    scales = {str(name): tuple(items) for name, items in model.items()}
    wanted = list(dict.fromkeys(item for items in scales.values() for item in items))
    given = item_matrix(data) if isinstance(data, Matrix) else item_matrix(data, items=wanted)
    R, used, issues = correlations_for(given, correlations=correlations, missing=missing)
    places = _places(scales, used.items)
    ratios = _ratios(np.abs(R)[None], places, version)[0]
    blank = np.full_like(ratios, np.nan)
    low, high = _bootstrap(used, places, version, draws, level, seed) if draws else (blank, blank)
    return Htmt(
        scales=tuple(scales),
        ratios=ratios,
        low=low,
        high=high,
        level=level,
        version=version,
        n=used.n_people,
        issues=(*issues, *_overlaps(scales)),
        matrix=used,
        model=scales,
        provenance=origin(
            "htmt",
            f"{'arithmetic' if version == 1 else 'geometric'} means of absolute {correlations} correlations",
            *([f"bootstrap percentile interval, {draws} draws"] if draws else []),
            seed=seed if draws else None,
        ),
    )


def _places(scales: Mapping[str, tuple[str, ...]], items: tuple[str, ...]) -> list[list[int]]:
    at = {name: j for j, name in enumerate(items)}
    if len(scales) < 2:
        raise DataError(f"{len(scales)} scale(s) given; a ratio needs two or more.")
    out = []
    for scale, names in scales.items():
        unknown = [name for name in names if name not in at]
        if unknown:
            raise DataError(f"Scale {scale!r}: " + choices("Item", unknown[0], items))
        if len(names) < 2:
            raise DataError(
                f"Scale {scale!r} has {len(names)} item(s); a mean correlation within it needs two or more."
            )
        out.append([at[name] for name in names])
    return out


def _ratios(R: Floats, places: list[list[int]], version: int) -> Floats:
    def mean(values: Floats) -> Floats:
        if version == 1:
            return np.asarray(values.mean(axis=1))
        return np.asarray(np.exp(np.log(np.maximum(values, 1e-300)).mean(axis=1)))

    m = len(places)
    own = [mean(R[:, place][:, :, place][:, *np.triu_indices(len(place), 1)]) for place in places]
    out = np.ones((len(R), m, m))
    for i in range(m):
        for j in range(i):
            between = R[:, places[i]][:, :, places[j]].reshape(len(R), -1)
            out[:, i, j] = out[:, j, i] = mean(between) / np.sqrt(own[i] * own[j])
    return out


def _bootstrap(
    used: Matrix, places: list[list[int]], version: int, draws: int, level: float, seed: int
) -> tuple[Floats, Floats]:
    S = bootstrap_covariances(used.complete.answers, draws=draws, seed=seed)
    sd = np.sqrt(np.einsum("bii->bi", S))
    values = _ratios(np.abs(S / sd[:, :, None] / sd[:, None, :]), places, version)
    low, high = np.ones(values.shape[1:]), np.ones(values.shape[1:])
    for i in range(len(low)):
        for j in range(i):
            low[i, j], high[i, j] = percentile_limits(values[:, i, j], level)
            low[j, i], high[j, i] = low[i, j], high[i, j]
    return low, high


def _overlaps(scales: Mapping[str, tuple[str, ...]]) -> list[Issue]:
    owners: dict[str, list[str]] = {}
    for scale, items in scales.items():
        for item in items:
            owners.setdefault(item, []).append(scale)
    shared = {item: names for item, names in owners.items() if len(names) > 1}
    if not shared:
        return []
    item, names = next(iter(shared.items()))
    return [
        Issue(
            code="psychometrics.shared_item",
            severity=Severity.WARNING,
            where=item,
            what=f"{len(shared)} item(s) belong to more than one scale, such as {item!r} to {' and '.join(names)}.",
            why="An item's correlation of one with itself enters between the scales and inflates the ratio.",
            fix="Give each item to one scale.",
        )
    ]


def average_variance_extracted(loadings: ArrayLike, uniquenesses: ArrayLike) -> float:
    r"""Return the share of its items' variance that a factor explains.

    Parameters
    ----------
    loadings : array of shape (n_items,)
        Loadings on a factor of unit variance.
    uniquenesses : array of shape (n_items,)
        Unique variances in the same metric.

    Returns
    -------
    float
        :math:`\sum\lambda^2/(\sum\lambda^2+\sum\psi)` (Fornell & Larcker 1981).
    """
    common = float((np.asarray(loadings, dtype=np.float64) ** 2).sum())
    return common / (common + float(np.asarray(uniquenesses, dtype=np.float64).sum()))
