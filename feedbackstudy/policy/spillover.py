"""Does the policy reach those who are not under it: interviewers who move, candidates who apply in several places."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.inference.cell_regression import fit_cells
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.two_way import fixed_effects, row_of
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Notice, Page, Rendered, number

__all__ = ["Movers", "movers", "neighbour_exposure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movers(Rendered):
    """Who is seen on both sides of the policy at once.

    Attributes
    ----------
    who : str
        The column: interviewers, or candidates.
    people : int
        How many there are.
    several_units : int
        How many are seen in more than one unit.
    contaminated : int
        How many are seen under the policy in one unit and later or at the same time without it in another.
    rows_contaminated : float
        Applications without the policy of those, after they had met it elsewhere.
    rows_untreated : float
        All applications without the policy.
    provenance : Provenance
        What made it.
    """

    who: str
    people: int
    several_units: int
    contaminated: int
    rows_contaminated: float
    rows_untreated: float
    provenance: Provenance

    @classmethod
    def kept_in(cls, stats: SufficientStats) -> "tuple[Movers, ...]":
        """Return what was counted from the table when the statistics were made.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.

        Returns
        -------
        tuple of Movers
            One for each kind of people.
        """
        return tuple(
            cls(
                who=who,
                people=int(counts["people"]),
                several_units=int(counts["several_units"]),
                contaminated=int(counts["contaminated"]),
                rows_contaminated=float(counts["rows_contaminated"]),
                rows_untreated=float(counts["rows_untreated"]),
                provenance=stats.provenance,
            )
            for who, counts in stats.contacts.items()
        )

    @property
    def counts(self) -> dict[str, float]:
        """The counts alone, to be kept beside sufficient statistics."""
        names = ("people", "several_units", "contaminated", "rows_contaminated", "rows_untreated")
        return {name: float(getattr(self, name)) for name in names}

    @property
    def share(self) -> float:
        """Share of untreated applications that the policy may have reached."""
        return self.rows_contaminated / self.rows_untreated if self.rows_untreated else 0.0

    def page(self) -> Page:
        """Return how far the two sides mix.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        facts = Facts(
            (
                (f"levels of {self.who}", number(self.people)),
                ("seen in several units", number(self.several_units)),
                ("without the policy after having met it elsewhere", number(self.contaminated)),
                ("share of untreated applications", f"{100 * self.share:.1f} %"),
            )
        )
        tone = (
            Notice("Comparisons may have been reached by the policy: the effect is then understated where it spreads.")
            if self.contaminated
            else Notice("Nobody is seen without the policy after having met it.", tone="good")
        )
        return Page(
            title=f"Spillover through {self.who}",
            blocks=(facts, tone),
        )


def movers(
    stats: SufficientStats | None, who: str, metric: str | None = None, *, counts: pd.DataFrame | None = None
) -> Movers:
    """Count people who meet the policy in one unit and are without it in another.

    Parameters
    ----------
    stats : SufficientStats or None
        With `who` among the clusters of the plan; None where `counts` is given.
    who : str
        Column of the people: interviewers, or candidates.
    metric : str, optional
        The metric whose cells are counted; the primary one by default.
    counts : DataFrame, optional
        One row for each person, unit and period with ``unit, period, treated, n`` and the column `who`: the answer to
        one GROUP BY, for people who are too many to be clusters, such as candidates.

    Returns
    -------
    Movers
        Counts; no person is named.

    Raises
    ------
    InputError
        Where the cells do not hold the people.
    DataError
        For a table without one of the columns.
    """
    if counts is None:
        if stats is None:
            raise InputError("Give the sufficient statistics, or the counts by person, unit and period.")
        cells, unit = stats.of(metric or stats.plan.primary.name), stats.plan.unit
        if unit is None or who not in cells.columns or who == unit:
            raise InputError(
                f"The cells do not hold {who!r} within units; name it among the plan's clusters, or give counts= from "
                f"one GROUP BY of {who}, unit, period and treated."
            )
        counts = cells.rename(columns={unit: "unit"})
    absent = [name for name in (who, "unit", "period", "treated", "n") if name not in counts.columns]
    if absent:
        raise DataError(f"The counts lack {', '.join(absent)}; they need {who}, unit, period, treated and n.")
    frame = counts.loc[counts["n"] > 0, [who, "unit", "period", "treated", "n"]]
    met = frame[frame["treated"] > 0].groupby([who, "unit"])["period"].min().reset_index(name="met")
    free = frame[frame["treated"] <= 0]
    pairs = free.merge(met, on=who, suffixes=("", "_met"))
    reached = pairs[(pairs["unit"] != pairs["unit_met"]) & (pairs["period"] >= pairs["met"])]
    reached = reached.drop_duplicates([who, "unit", "period"])
    made = stats.provenance.derived("policy.movers") if stats is not None else Provenance(made_by="policy.movers")
    return Movers(
        who=who,
        people=int(frame[who].nunique()),
        several_units=int((frame.drop_duplicates([who, "unit"])[who].value_counts() > 1).sum()),
        contaminated=int(reached[who].nunique()),
        rows_contaminated=float(reached["n"].sum()),
        rows_untreated=float(free["n"].sum()),
        provenance=made,
    )


def neighbour_exposure(
    stats: SufficientStats, neighbours: Mapping[str, Mapping[str, float]], metric: str | None = None
) -> Effects:
    r"""Estimate the effect together with that of the policy among a unit's neighbours.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    neighbours : mapping of str to mapping of str to float
        Unit -> its neighbours and their weights (shared interviewers, shared candidates, distance); weights are scaled
        to sum to 1.
    metric : str, optional
        Name of the metric; the primary one by default.

    Returns
    -------
    Effects
        Direct effect, and the effect of all neighbours being under the policy while the unit itself is not
        (two-way fixed effects, CR2 by unit).

    Raises
    ------
    DataError
        For a unit without neighbours, a neighbour that is no unit, or exposures that cannot be told apart.

    Notes
    -----
    :math:`y_{it} = \alpha_i + \gamma_t + \delta D_{it} + \theta\,(1 - D_{it}) \sum_j w_{ij} D_{jt}`.
    """
    panel = panel_of(stats, metric)
    weights = np.zeros((len(panel.units), len(panel.units)))
    for i, unit in enumerate(panel.units):
        own = {name: w for name, w in neighbours.get(unit, {}).items() if name != unit and w > 0}
        strange = sorted(set(own) - set(panel.units))
        if strange or not own:
            raise DataError(
                f"Unit {unit!r} has the neighbours {strange or 'none'}, which are no units of the roll-out."
            )
        for name, w in own.items():
            weights[i, panel.units.index(name)] = w / sum(own.values())
    treated = panel.treated.astype(np.float64)
    exposed = (weights @ treated) * (1 - treated)
    u, t = np.nonzero(panel.used)
    design = np.hstack([treated[u, t][:, None], exposed[u, t][:, None], fixed_effects(panel)])
    fit = fit_cells(design, panel.n[u, t], panel.total[u, t], u.tolist(), correction="CR2")
    covariance = f"CR2 over {fit.clusters} units, Satterthwaite's degrees of freedom"
    rows: list[EffectEstimate] = []
    for i, words in enumerate(
        ("under the policy, neighbours held", "all neighbours under the policy, the unit without it")
    ):
        row = row_of(
            panel,
            fit.effect(np.eye(fit.beta.size)[i]),
            level=stats.plan.interval_level,
            method="two-way fixed effects with exposure of neighbours",
            covariance=covariance,
        )
        rows.append(replace(row, contrast=words, assumptions=(*row.assumptions, "neighbours act as the weights say")))
    made = stats.provenance.derived("policy.neighbour_exposure")
    return Effects(rows=tuple(rows), title=f"Spillover between units: {stats.plan.title}", provenance=made)
