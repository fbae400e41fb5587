"""Rows, conventions and warnings that both ways to an analysis of variance share."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from feedbackstudy.analysis.anova_result import AnovaRow
from feedbackstudy.analysis.crossed import Cells
from feedbackstudy.analysis.frequentist.anova import Correction, Stratum, Tested
from feedbackstudy.analysis.frequentist.cell_fit import JointTest
from feedbackstudy.analysis.frequentist.effect_sizes import eta_squared, omega_squared

__all__ = [
    "TYPES",
    "control_hint",
    "covariate_note",
    "interactions",
    "single_rows",
    "sizes",
    "sizes_from_wald",
    "squares_row",
    "wald_row",
]

TYPES = {
    1: "sums of squares of type I: each term after those named before it",
    2: "sums of squares of type II: each term after all that do not contain it",
    3: "sums of squares of type III: unweighted means, each term after all others",
}
"""The types in words."""


def interactions(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return main effects and all interactions of some factors.

    Parameters
    ----------
    names : sequence of str
        The factors.

    Returns
    -------
    list of tuple of str
        Main effects first.
    """
    return [parts for size in range(1, len(names) + 1) for parts in combinations(names, size)]


def squares_row(
    term: Tested,
    stratum: Stratum,
    correction: Correction,
    total: float,
    observed: Sequence[str],
    level: float,
    *,
    n: int | None,
) -> AnovaRow:
    """Return the row of a term tested by sums of squares.

    Parameters
    ----------
    term : Tested
        The term.
    stratum : Stratum
        Where its error comes from.
    correction : {"gg", "hf", "none"}
        Correction for departure from sphericity.
    total : float
        All errors and measured effects, for generalised eta squared.
    observed : sequence of str
        Measured factors.
    level : float
        Level of the intervals.
    n : int or None
        Observations of a design between participants; None with repeated measures.

    Returns
    -------
    AnovaRow
        Test and effect sizes.
    """
    epsilon = stratum.epsilon(correction)
    f, df, df2 = term.f(stratum), term.df * epsilon, stratum.df_error * epsilon
    own = 0.0 if set(term.parts) & set(observed) else term.ss
    eta, omega = eta_squared(f, df, df2, level=level), omega_squared(f, df, df2, n=n, level=level)
    return AnovaRow(
        term=":".join(term.parts),
        df=df,
        df2=df2,
        ss=term.ss,
        ss_error=stratum.ss_error,
        f=f,
        p=term.p(stratum, epsilon),
        epsilon=epsilon if stratum.sphericity is not None else None,
        p_uncorrected=term.p(stratum),
        eta_p2=eta.estimate,
        eta_p2_low=eta.low,
        eta_p2_high=eta.high,
        eta_g2=term.ss / (total + own),
        omega_p2=omega.estimate,
        omega_p2_low=omega.low,
        omega_p2_high=omega.high,
    )


def wald_row(term: str, test: JointTest, level: float, *, n: int) -> AnovaRow:
    """Return the row of a Wald test of cell means.

    Parameters
    ----------
    term : str
        Its name.
    test : JointTest
        The test.
    level : float
        Level of the intervals.
    n : int
        Observations.

    Returns
    -------
    AnovaRow
        Test and effect sizes from F.
    """
    eta = eta_squared(test.f, test.df, test.df2, level=level)
    omega = omega_squared(test.f, test.df, test.df2, n=n, level=level)
    return AnovaRow(
        term=term,
        df=test.df,
        df2=test.df2,
        ss=None,
        ss_error=None,
        f=test.f,
        p=test.p,
        epsilon=None,
        p_uncorrected=test.p,
        eta_p2=eta.estimate,
        eta_p2_low=eta.low,
        eta_p2_high=eta.high,
        eta_g2=None,
        omega_p2=omega.estimate,
        omega_p2_low=omega.low,
        omega_p2_high=omega.high,
    )


def sizes(level: float, within: Sequence[str], observed: Sequence[str]) -> list[str]:
    """Return how effect sizes were computed.

    Parameters
    ----------
    level : float
        Level of their intervals.
    within, observed : sequence of str
        Within factors and measured factors.

    Returns
    -------
    list of str
        Conventions.
    """
    denominators = f"measured factors {', '.join(observed)}" if observed else "all factors manipulated"
    omega = "df + df2 + 1 (repeated measures)" if within else "the number of observations"
    return [
        f"{level:.0%} intervals of effect sizes by inverting the noncentral F",
        f"generalised eta squared (Olejnik & Algina, 2003) with {denominators}",
        f"partial omega squared = df (F - 1) / (df (F - 1) + n), n being {omega}",
    ]


def sizes_from_wald(level: float, vcov: str) -> list[str]:
    """Return how effect sizes were computed from Wald tests of means.

    Parameters
    ----------
    level : float
        Level of their intervals.
    vcov : str
        Covariance of the means.

    Returns
    -------
    list of str
        Conventions.
    """
    made = [
        f"{level:.0%} intervals of effect sizes by inverting the noncentral F",
        "partial eta squared = df F / (df F + df2) and partial omega squared = df (F - 1) / (df (F - 1) + n), n being "
        "the number of observations, both from the F and df2 of this table",
    ]
    if vcov != "classical":
        made.append(
            f"F of {vcov} is no ratio of sums of squares: these effect sizes approximate shares of variance, eta by "
            "df2 and omega by n, and differ from those of the classical table"
        )
    return made


def control_hint(data: pd.DataFrame, outcome: str, between: Sequence[str]) -> tuple[str, ...]:
    """Point to `control` where answered rows have no level of a factor, as those of a comparison arm.

    Parameters
    ----------
    data : DataFrame
        The table.
    outcome : str
        Column of the outcome.
    between : sequence of str
        Factors that are crossed.

    Returns
    -------
    tuple of str
        Empty where every answered row has all levels.
    """
    absent = data[list(between)].isna()
    empty = absent.any(axis=1) & data[outcome].notna()
    if not between or not empty.any():
        return ()
    names = ", ".join(name for name in between if absent[name].any())
    return (
        f"{int(empty.sum())} rows with an outcome have no level of {names} and are left out. Where they are a "
        "comparison arm outside the crossing, such as silence, name it: control={'column': 'level'}.",
    )


def covariate_note(covariates: Sequence[str]) -> tuple[str, ...]:
    """Return what a reader must know of the covariates.

    Parameters
    ----------
    covariates : sequence of str
        Their names.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if not covariates:
        return ()
    return (
        f"Covariates centred at their mean, one slope for all cells: {', '.join(covariates)}. A covariate measured "
        "after treatment would bias the effects.",
    )


def single_rows(cells: Cells | None) -> tuple[str, ...]:
    """Return why cells of one participant stand against reporting.

    Parameters
    ----------
    cells : Cells or None
        Cells between participants.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if cells is None or (cells.counts > 1).all():
        return ()
    alone = [cells.labels[i] for i in np.flatnonzero(cells.counts == 1)]
    return (f"a cell holds one participant only, so nothing is known of its spread: {', '.join(alone)}",)
