"""Before and after: the same form and wording or no comparison; the baseline as covariate, the change beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames import ScoreInfo, Scores
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Facts, Page, Rendered, Text, number, table_of
from feedbackstudy.scales.evidence import Norm, Reliability

__all__ = ["Change", "ReliableChange", "change", "reliable_change", "smallest_reliable"]

_ADJUSTED = "Compare arms on 'after' with 'before' as covariate; the change score stands beside it, not instead of it."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReliableChange(Rendered):
    """Change measured against the measurement error.

    Attributes
    ----------
    index : ndarray of float
        Change divided by the standard error of a difference.
    verdict : ndarray of object
        ``"higher"``, ``"no reliable change"``, ``"lower"``; None where a score is missing.
    threshold : float
        Smallest difference in score points that is reliable at the level.
    sem : float
        Standard error of measurement.
    level : float
        Level of the verdict.
    sd, reliability : float
        What it rests on.
    sources : tuple of str
        Where these two come from.
    """

    index: NDArray[np.float64]
    verdict: NDArray[np.object_]
    threshold: float
    sem: float
    level: float
    sd: float
    reliability: float
    sources: tuple[str, ...] = ()

    def counts(self) -> Mapping[str, int]:
        """Count the verdicts.

        Returns
        -------
        mapping
            Verdict -> people.
        """
        kinds = ("higher", "no reliable change", "lower")
        return {kind: int((self.verdict == kind).sum()) for kind in kinds}

    def page(self) -> Page:
        """Return the counts with what they rest on.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                *((kind, number(n)) for kind, n in self.counts().items()),
                ("reliable from", f"{number(self.threshold, 2)} points ({number(100 * self.level, 0)} % level)"),
                ("standard error of measurement", number(self.sem, 2)),
                ("standard deviation, reliability", f"{number(self.sd, 2)}, {number(self.reliability, 3)}"),
                *(("source", source) for source in self.sources),
            )
        )
        return Page(title="Reliable change", blocks=(facts,))


def smallest_reliable(reliability: float, *, sd: float = 1.0, level: float = 0.95) -> float:
    r"""Return the smallest change of one person that is more than measurement error.

    Parameters
    ----------
    reliability, sd, level : float
        As of `reliable_change`; with an sd of 1 the change is in standard deviations.

    Returns
    -------
    float
        :math:`z \sqrt{2}\, s \sqrt{1 - r}` (Jacobson and Truax 1991, see `reliable_change`).
    """
    return float(stats.norm.ppf(0.5 + level / 2.0)) * sd * float(np.sqrt(2.0 * (1.0 - reliability)))


def reliable_change(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    *,
    sd: float,
    reliability: float,
    level: float = 0.95,
    sources: tuple[str, ...] = (),
) -> ReliableChange:
    r"""Hold each person's change against the measurement error.

    Parameters
    ----------
    before, after : ndarray of float
        Scores, NaN where missing.
    sd : float
        Standard deviation of the score in a reference population, never of the people judged.
    reliability : float
        Reliability of the score in that population.
    level : float, default 0.95
        Two-sided level of the verdict.
    sources : tuple of str
        Where `sd` and `reliability` come from.

    Returns
    -------
    ReliableChange
        Index and verdict for each person.

    Raises
    ------
    DataError
        For a standard deviation, reliability or level that cannot be.

    Notes
    -----
    .. math:: RCI = \frac{x_2 - x_1}{\sqrt{2}\, s \sqrt{1 - r}}

    Jacobson, N. S., & Truax, P. (1991). Clinical significance. Journal of Consulting and Clinical Psychology, 59,
    12-19.
    """
    if sd <= 0 or not 0 <= reliability < 1 or not 0 < level < 1:
        raise DataError(
            f"Reliable change needs a positive standard deviation (given {sd}), a reliability from 0 to below 1 (given "
            f"{reliability}) and a level between 0 and 1 (given {level})."
        )
    sem, critical = sd * np.sqrt(1.0 - reliability), float(stats.norm.ppf(0.5 + level / 2.0))
    index = (np.asarray(after, dtype=np.float64) - before) / (np.sqrt(2.0) * sem)
    words = np.array([None, "lower", "no reliable change", "higher"], dtype=object)
    side = (index > critical).astype(np.intp) - (index < -critical)
    verdict: NDArray[np.object_] = words[np.where(np.isnan(index), 0, side + 2)]
    return ReliableChange(
        index=index,
        verdict=verdict,
        threshold=smallest_reliable(reliability, sd=sd, level=level),
        sem=float(sem),
        level=level,
        sd=sd,
        reliability=reliability,
        sources=sources,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change(Rendered):
    """A score at two occasions, person by person.

    Attributes
    ----------
    info : ScoreInfo
        The score.
    before, after : str
        The two occasions.
    issues : Issues
        What could not be checked.
    """

    info: ScoreInfo
    before: str
    after: str
    issues: Issues
    _frame: pd.DataFrame
    _scores: Scores

    @property
    def frame(self) -> pd.DataFrame:
        """One row a participant: identity columns of the later occasion, then ``before, after, change``."""
        return self._frame.copy(deep=False)

    def scores(self) -> Scores:
        """Return the later scores with the baseline among the covariates, ready to be analysed.

        Returns
        -------
        Scores
            Scores ``<name>`` and ``<name>_change``; covariate ``<name>_baseline``. Participants without the later
            occasion are named in the ledger.
        """
        name, table = self.info.name, self._frame
        source = self._scores
        later = (source.frame["occasion"] == self.after).to_numpy()
        kept = source.select(later, step="scales.change", what=f"Only the occasion {self.after!r} is compared.")
        frame = kept.frame[[c for c in kept.columns if c not in kept.names]].copy()
        frame[f"{name}_baseline"] = table["before"].to_numpy()
        frame[name] = table["after"].to_numpy()
        frame[f"{name}_change"] = table["change"].to_numpy()
        span = self.info.high - self.info.low
        moved = replace(self.info, name=f"{name}_change", method=f"change of {self.info.method}", low=-span, high=span)
        return Scores.from_frame(
            frame,
            scores=[name, f"{name}_change"],
            factors=source.factors,
            clusters=source.clusters,
            covariates=(*source.covariates, f"{name}_baseline"),
            about={name: self.info, f"{name}_change": moved},
            answered={name: kept.answered(name)},
            asked={name: kept.asked(name)},
            issues=Issues([*source.issues, *self.issues]),
            ledger=kept.ledger,
            design_hash=source.design_hash,
            provenance=source.provenance.derived(
                "scales.change", conventions=(*source.provenance.conventions, _ADJUSTED)
            ),
        )

    def reliable(self, norm: Norm, reliability: Reliability, *, level: float = 0.95) -> ReliableChange:
        """Hold each change against the measurement error of a reference population.

        Parameters
        ----------
        norm : Norm
            Gives the standard deviation.
        reliability : Reliability
            Gives the reliability, as one value.
        level : float, default 0.95
            Two-sided level of the verdict.

        Returns
        -------
        ReliableChange
            Index and verdict for each person.

        Raises
        ------
        DataError
            Where norms are off, lack a figure or were made with another metric.
        """
        if not self.info.norms:
            raise DataError(f"Norms of {self.info.name!r} are off: the form or wording is not the published one.")
        if norm.sd is None or reliability.value is None:
            raise DataError("Reliable change needs one standard deviation and one reliability, not a range.")
        if norm.metric != self.info.method:
            raise DataError(
                f"The norm is a {norm.metric} score, {self.info.name!r} a {self.info.method}; use the same."
            )
        return reliable_change(
            self._frame["before"].to_numpy(dtype=np.float64),
            self._frame["after"].to_numpy(dtype=np.float64),
            sd=norm.sd,
            reliability=reliability.value,
            level=level,
            sources=(f"SD {norm.cite()}", f"{reliability.statistic} {reliability.cite()}"),
        )

    def page(self) -> Page:
        """Return means before and after by arm, with the advice how to compare.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = []
        for arm, part in self._frame.groupby("arm", sort=False, observed=True):
            both = part.dropna(subset=["before", "after"])
            means = {name: float(both[name].mean()) if len(both) else np.nan for name in ("before", "after", "change")}
            rows.append({"arm": arm, "people": len(part), "both": len(both), **means})
        found = self.issues.page().blocks if self.issues else ()
        return Page(
            title=f"{self.info.name}: {self.before} and {self.after}",
            blocks=(table_of(rows), Text(_ADJUSTED), *found),
        )


def change(scores: Scores, name: str, *, before: str, after: str) -> Change:
    """Set a score beside itself at two occasions.

    Parameters
    ----------
    scores : Scores
        Scores with both occasions.
    name : str
        Score column.
    before, after : str
        The two occasions.

    Returns
    -------
    Change
        Person by person.

    Raises
    ------
    DataError
        Where an occasion does not exist, or form or wording differ between the two.
    """
    table = scores.frame
    for occasion in (before, after):
        if occasion not in set(table["occasion"]):
            raise DataError(choices("Occasion", occasion, map(str, table["occasion"].unique())))
    if name not in scores.names:
        raise DataError(choices("Score", name, scores.names))
    info = scores.about[name]
    issues = _comparable(info, before, after)
    first = table.loc[table["occasion"] == before, ["participant", name]].set_index("participant")[name]
    later = table.loc[table["occasion"] == after].reset_index(drop=True)
    frame = later[[c for c in table.columns if c not in scores.names and c != "occasion"]].copy()
    frame["before"] = later["participant"].map(first).to_numpy(dtype=np.float64)
    frame["after"] = later[name].to_numpy(dtype=np.float64)
    frame["change"] = frame["after"] - frame["before"]
    return Change(info=info, before=before, after=after, issues=issues, _frame=frame, _scores=scores)


def _comparable(info: ScoreInfo, before: str, after: str) -> Issues:
    """Refuse two forms or wordings; say so where they were not recorded."""
    given = {occasion: (form, wording) for occasion, form, wording in info.forms}
    first, second = (given.get(occasion, given.get("*", (info.form, ""))) for occasion in (before, after))
    if first[0] != second[0]:
        raise DataError(
            f"{info.name!r} was asked in form {first[0]!r} at {before!r} and in form {second[0]!r} at {after!r}; "
            "scores of different forms are not a repeated measure. Analyse each occasion on its own."
        )
    if first[1] != second[1]:
        raise DataError(
            f"The wording of {info.name!r} differs between {before!r} and {after!r} (wording.lock names the items); a "
            "change could come from the words. Analyse each occasion on its own."
        )
    if first[1] or not info.scale:
        return Issues()
    return Issues(
        [
            Issue(
                "scales.wording_not_recorded",
                Severity.NOTE,
                f"score {info.name}",
                f"no wording was recorded for {before} and {after}; they are taken to be the same.",
                "A change of words between waves would look like an effect.",
                "Load a wording pack and record its digest with the responses (Fielded).",
            )
        ]
    )
