"""Analysis of variance of a data frame: factorial, repeated-measures and mixed, with covariates and control arms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from feedbackstudy.analysis import anova_scripts
from feedbackstudy.analysis.anova_means import by_means
from feedbackstudy.analysis.anova_result import Anova
from feedbackstudy.analysis.anova_rows import (
    TYPES,
    control_hint,
    covariate_note,
    interactions,
    single_rows,
    sizes,
    squares_row,
)
from feedbackstudy.analysis.columns import read_columns
from feedbackstudy.analysis.crossed import cells_of, listed, term_columns
from feedbackstudy.analysis.frequentist.anova import Correction, SquaresType, Stratum, strata
from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.frequentist.linear import Covariance
from feedbackstudy.analysis.occasions import repeated
from feedbackstudy.analysis.outside import Control
from feedbackstudy.analysis.two_valued import two_valued_note
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.threads import one_thread

__all__ = ["anova"]

type Chosen = Covariance | Clustered

_CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
_CORRECTIONS: Mapping[str, str] = {
    "gg": "degrees of freedom corrected by Greenhouse and Geisser's epsilon",
    "hf": "degrees of freedom corrected by Huynh and Feldt's epsilon (Lecoutre's form, at most 1)",
    "none": "no correction for departure from sphericity",
}


@one_thread()
def anova(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None = None,
    *,
    between: Sequence[str] = (),
    within: Sequence[str] = (),
    covariates: Sequence[str] = (),
    ss_type: SquaresType = 3,
    correction: Correction = "gg",
    vcov: Chosen = "classical",
    cluster: str | None = None,
    control: Control | None = None,
    observed: Sequence[str] = (),
    level: float = 0.9,
) -> Anova:
    r"""Test main effects and interactions.

    Parameters
    ----------
    data : DataFrame
        One row for each participant, or for each participant and occasion. It is not changed.
    outcome : str
        Column of the outcome.
    participant : str, optional
        Column that names participants; needed with `within`.
    between, within : sequence of str
        Factors that differ between participants, and that each participant passes through; any number of each.
    covariates : sequence of str
        Columns of numbers, one value for each participant; centred at their mean, with one slope each.
    ss_type : {1, 2, 3}, default 3
        Type of the sums of squares.
    correction : {"gg", "hf", "none"}, default "gg"
        What to do about departure from sphericity.
    vcov : {"classical", "welch", "HC0" to "HC4", "CR0" to "CR3"}, default "classical"
        Covariance of the means; all but the first need a design between participants and type III. With `cluster` it
        is CR2 unless another CR is named.
    cluster : str, optional
        Column that names clusters (classes, interviewers); makes the tests cluster-robust (HTZ).
    control : mapping of str to str or sequence of str, optional
        Column -> level or levels that mark comparison arms outside the crossing, such as ``{"arm": "silence"}``. Terms
        use the crossed arms only; the arms add to the pooled error and are compared with the crossed cells.
    observed : sequence of str
        Factors that were measured, not manipulated; they enter the denominator of generalised eta squared.
    level : float, default 0.9
        Level of the intervals of effect sizes; 90 % excludes zero where p < .05.

    Returns
    -------
    Anova
        Table of tests, `frame()`, `r_script()`.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, an empty cell, a participant in two between levels or twice at one
        occasion, or options that contradict each other.
    NotFoundError
        For a column or option that does not exist.

    Notes
    -----
    Types as in Speed, Hocking & Hackney (1978), Journal of the American Statistical Association 73, 105-112.
    Generalised eta squared: Olejnik & Algina (2003), Psychological Methods 8, 434-447. Values as those of R's afex
    and car (docs/analysis-reference.md).
    """
    listed(between=between, within=within, covariates=covariates, observed=observed)
    _options(between, within, ss_type, correction, vcov, cluster, control, observed, level)
    if vcov == "classical" and cluster is None and not control:
        return _by_squares(
            data, outcome, participant, between, within, covariates, ss_type, correction, observed, level
        )
    return by_means(data, outcome, participant, between, covariates, vcov, cluster, control, level)


def _options(
    between: Sequence[str],
    within: Sequence[str],
    ss_type: int,
    correction: str,
    vcov: str,
    cluster: str | None,
    control: Control | None,
    observed: Sequence[str],
    level: float,
) -> None:
    if not between and not within:
        raise DataError("Name at least one factor in 'between' or 'within'.")
    if correction not in _CORRECTIONS:
        raise DataError(choices("Correction", correction, _CORRECTIONS))
    if ss_type not in TYPES:
        raise DataError(f"ss_type is 1, 2 or 3; given {ss_type!r}.")
    check_level(level)
    unknown = [name for name in observed if name not in (*between, *within)]
    if unknown:
        raise DataError(choices("Observed factor", unknown[0], (*between, *within)))
    _special(within, ss_type, vcov, cluster, control)


def _special(within: Sequence[str], ss_type: int, vcov: str, cluster: str | None, control: Control | None) -> None:
    special = vcov != "classical" or cluster is not None or bool(control)
    if special and (within or ss_type != 3):
        raise DataError(
            "Robust covariances, clusters and control arms need a design between participants and ss_type=3; for "
            "repeated measures use analysis.lmm, or analysis.contrasts with within factors."
        )
    if vcov in _CLUSTERED and cluster is None:
        raise DataError(f"{vcov} needs cluster=, the column that names the clusters.")
    if cluster is not None and vcov not in (*_CLUSTERED, "classical"):
        raise DataError(f"With clusters the covariance is CR0 to CR3; given {vcov!r}.")


def _by_squares(
    data: pd.DataFrame,
    outcome: str,
    participant: str | None,
    between: Sequence[str],
    within: Sequence[str],
    covariates: Sequence[str],
    ss_type: SquaresType,
    correction: Correction,
    observed: Sequence[str],
    level: float,
) -> Anova:
    groups = [participant] if participant is not None else []
    read = read_columns(data, outcome, factors=[*between, *within], covariates=covariates, groups=groups)
    wide = repeated(read, participant, between, within)
    people = wide.people
    cells = cells_of([people.factors[name] for name in between]) if between else None
    if cells is not None:
        cells.require()
    centred = replace(people, covariates={name: x - x.mean() for name, x in people.covariates.items()})
    terms = [":".join(parts) for parts in interactions(between)]
    design = term_columns(centred, [*covariates, *terms], coding="sum")
    spans = {tuple(term.split(":")): span for term, span in design.spans.items()}
    levels = {name: len(read.factors[name].levels) for name in within}
    found = strata(wide.Y, design.matrix, spans, levels, ss_type=ss_type)
    total = _squares_of_observed(found, observed)
    rows = [
        squares_row(term, stratum, correction, total, observed, level, n=None if within else people.n)
        for stratum in found
        for term in stratum.terms
    ]
    conventions = [TYPES[ss_type], *([_CORRECTIONS[correction]] if within else []), *sizes(level, within, observed)]
    return Anova(
        outcome=outcome,
        rows=tuple(rows),
        sphericity=tuple((":".join(s.within), s.sphericity) for s in found if s.sphericity is not None),
        n=people.n,
        n_rows=int(wide.Y.size),
        level=level,
        notes=(
            *read.notes,
            *control_hint(data, outcome, between),
            *wide.notes,
            *covariate_note(covariates),
            *two_valued_note(outcome, read.y, robust="" if within else "vcov='HC3'", within=bool(within)),
        ),
        failures=single_rows(cells),
        provenance=Provenance(made_by="analysis.anova", conventions=tuple(conventions)),
        script=anova_scripts.by_squares(
            wide, outcome, between, within, covariates, ss_type=ss_type, correction=correction, observed=observed
        ),
    )


def _squares_of_observed(found: Sequence[Stratum], observed: Sequence[str]) -> float:
    """Return what stands in every denominator of generalised eta squared: all errors and all measured effects."""
    errors = sum(stratum.ss_error for stratum in found)
    return errors + sum(t.ss for s in found for t in s.terms if set(t.parts) & set(observed))
