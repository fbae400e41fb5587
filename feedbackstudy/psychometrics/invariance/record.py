"""The record of a comparison of levels of invariance."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.cfa.compare import index_kind
from feedbackstudy.psychometrics.cfa.difference import Difference
from feedbackstudy.psychometrics.cfa.levels import Place
from feedbackstudy.psychometrics.cfa.model import FactorModel
from feedbackstudy.psychometrics.cfa.result import CFA, records_of
from feedbackstudy.psychometrics.invariance.rules import Rule
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, table_of

__all__ = ["Invariance", "Level", "common_index"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of invariance.

    Attributes
    ----------
    name : str
        ``configural``, ``thresholds``, ``metric``, ``scalar``, ``strict`` or ``means``.
    fit : CFA
        The model.
    freed : tuple of str
        Parameters exempt from equality.
    against : str
        The level it was compared with; empty for the first.
    test : Difference or None
        The difference test; None for the first level, or where the level restricts nothing.
    delta_cfi, delta_rmsea, delta_srmr : float
        Change against that level.
    holds : bool or None
        Decision; None where there is nothing to decide.
    why : str
        The decision in words.
    """

    name: str
    fit: CFA
    freed: tuple[str, ...] = ()
    against: str = ""
    test: Difference | None = None
    delta_cfi: float = float("nan")
    delta_rmsea: float = float("nan")
    delta_srmr: float = float("nan")
    holds: bool | None = None
    why: str = ""

    @property
    def title(self) -> str:
        """The level, said to be partial where parameters are exempt."""
        return f"{self.name} (partial)" if self.freed else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance(Rendered):
    """Levels of invariance with a decision for each.

    Attributes
    ----------
    levels : tuple of Level
        In the order they were fitted; a failed full level stands before its partial form.
    places : tuple of Place
        Groups or waves.
    kind : {"group", "wave"}
        What is compared.
    rule : Rule
        How decisions are made.
    issues : tuple of Issue
        What was found in the data.
    provenance : Provenance
        How the numbers were made.
    """

    levels: tuple[Level, ...]
    places: tuple[Place, ...]
    kind: str
    rule: Rule
    issues: tuple[Issue, ...]
    provenance: Provenance
    model: FactorModel = field(repr=False)

    def __getitem__(self, name: str) -> Level:
        """Return a level; its last, partial form where there are two."""
        found = [level for level in self.levels if level.name == name]
        if not found:
            raise DataError(choices("Level", name, [level.name for level in self.levels]))
        return found[-1]

    @property
    def reached(self) -> str:
        """The highest level that holds, every level below it holding too; empty where not even the first does."""
        held = ""
        for name in dict.fromkeys(level.name for level in self.levels):
            if name == "means":
                break
            if self[name].holds is False:
                break
            held = self[name].title
        return held

    @property
    def freed(self) -> tuple[str, ...]:
        """Parameters that the search, or the user, exempted in the end."""
        return tuple(dict.fromkeys(name for level in self.levels for name in level.freed))

    @property
    def conditions(self) -> Issues:
        """Everything found in the data and the fits, worst first."""
        found = [issue for level in self.levels for issue in level.fit.issues]
        return Issues(dict.fromkeys((*self.issues, *found)))

    def frame(self) -> pd.DataFrame:
        """Return one row a level.

        Returns
        -------
        DataFrame
            level, against, df, chisq (scaled where it is), cfi, rmsea, srmr, delta_chisq, delta_df, p, delta_cfi,
            delta_rmsea, delta_srmr, holds, freed.
        """
        suffix = common_index([level.fit for level in self.levels])
        rows = []
        for level in self.levels:
            f, test = level.fit.fit, level.test
            nan = float("nan")
            row: dict[str, object] = {"level": level.title, "against": level.against, "df": f["df"]}
            row |= {"chisq": f.get("chisq.scaled", f["chisq"]), "cfi": f[f"cfi{suffix}"], "rmsea": f[f"rmsea{suffix}"]}
            row |= {"srmr": f["srmr"], "delta_chisq": test.chisq if test else nan, "delta_df": test.df if test else nan}
            row |= {"p": test.p if test else nan, "delta_cfi": level.delta_cfi, "delta_rmsea": level.delta_rmsea}
            row |= {"delta_srmr": level.delta_srmr, "holds": level.holds, "freed": ", ".join(level.freed)}
            rows.append(row)
        return pd.DataFrame(rows)

    def table(self) -> Table:
        """Return the levels as a table.

        Returns
        -------
        Table
            One row a level, with the decision in words.
        """
        word = {True: "holds", False: "does not hold", None: "-"}
        records = [row | {"holds": word[x.holds]} for row, x in zip(records_of(self.frame()), self.levels, strict=True)]
        return table_of(records)

    def page(self) -> Page:
        """Return the levels as a page.

        Returns
        -------
        Page
            Conditions, decision, table, reasons, origin.
        """
        names = ", ".join(place.name for place in self.places)
        reasons = tuple(Notice(f"{x.title}: {x.why}", "good" if x.holds else "warning") for x in self.levels if x.why)
        verdict = (
            f"Invariance reached: {self.reached or 'none'}. {_MEANING.get(self.reached.split(' ')[0], '')}".strip()
        )
        notice = Notice(verdict, "good" if self.reached.split(" ")[0] in {"scalar", "strict"} else "warning")
        blocks: tuple[Block, ...] = (
            *conditions.notices(self.conditions),
            notice,
            self.table(),
            *reasons,
            self.provenance.facts(),
        )
        return Page("Measurement invariance", f"between {self.kind}s {names}; {self.rule.says}", blocks)


_MEANING = {
    "": "The same items do not form the same factors; scores cannot be compared.",
    "configural": "The same items form the same factors, but units differ: compare neither means nor relations.",
    "thresholds": "Answers use the same thresholds, but units differ: compare neither means nor relations.",
    "metric": "Units agree: relations with other variables can be compared, means cannot.",
    "scalar": "Origins agree too: means of the factor can be compared.",
    "strict": "Error agrees too: means and variances of the observed score can be compared.",
}


def common_index(fits: Sequence[CFA]) -> str:
    """Return the kind of CFI and RMSEA that every fit has.

    Parameters
    ----------
    fits : sequence of CFA
        Fits to compare; those not converged or not identified are passed over.

    Returns
    -------
    str
        ``".robust"``, ``".scaled"`` or ``""``, as from `index_kind`.
    """
    kinds = [index_kind(fit) for fit in fits if fit.converged and fit.identified]
    for suffix in (".robust", ".scaled"):
        if kinds and all(not np.isnan(f.fit.get(f"cfi{suffix}", np.nan)) for f in fits if f.converged and f.identified):
            return suffix
    return ""
