"""Randomisation inference from an allocation: the assignment that was drawn against those that could have been."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.allocated import refuse_contradiction
from feedbackstudy.analysis.columns import read_columns
from feedbackstudy.analysis.frequentist.randomisation import Randomised, randomisation_test
from feedbackstudy.assign import Allocation
from feedbackstudy.assign.conditioning import among
from feedbackstudy.assign.permuting import count_assignments, permute
from feedbackstudy.assign.schemes import Scheme
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Page, Rendered, Text, counted, interval, number, p_value, table_of
from feedbackstudy.threads import one_thread

__all__ = ["RandomisationTest", "randomisation"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomisationTest(Rendered):
    """A contrast tested by its randomisation. Make it with `randomisation`.

    Attributes
    ----------
    outcome, contrast : str
        What was measured, and the contrast in words.
    found : Randomised
        Estimate, statistic and p.
    possible : int or None
        Assignments that could have been drawn; None where they cannot be counted at once.
    n : int
        Participants that entered.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        Conventions, design and versions.
    script : RScript
        The same in R.
    """

    outcome: str
    contrast: str
    found: Randomised
    possible: int | None
    n: int
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript

    @property
    def p(self) -> float:
        """The p value."""
        return self.found.p

    def frame(self) -> pd.DataFrame:
        """Return one row, unrounded.

        Returns
        -------
        DataFrame
            Estimate, statistic, p and its Monte Carlo interval.
        """
        names = ("estimate", "statistic", "p", "p_low", "p_high", "exact", "draws")
        row = {name: getattr(self.found, name) for name in names}
        return pd.DataFrame([{"outcome": self.outcome, "contrast": self.contrast} | row | {"n": self.n}])

    def r_script(self) -> RScript:
        """Return base R code that computes the statistic under each assignment anew.

        Returns
        -------
        RScript
            With outcomes and assignments as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return test, notes and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        found = self.found
        error = "exact" if found.exact else f"99% Monte Carlo interval {interval(found.p_low, found.p_high, 4)}"
        shown = {
            "contrast": self.contrast,
            "estimate": number(found.estimate),
            "studentised": number(found.statistic, 2),
            "p": p_value(found.p),
            "error of p": error,
            "assignments": f"{found.draws:,}{_of(self.possible)}",
        }
        notes = tuple(Text(text) for text in self.notes)
        title = f"Randomisation test of {self.outcome}"
        return Page(title, f"{self.n} participants", (table_of([shown]), *notes, self.provenance.facts()))


@one_thread()
def randomisation(
    data: pd.DataFrame,
    outcome: str,
    allocation: Allocation,
    contrast: Mapping[str, float],
    *,
    participant: str = "participant",
    covariates: Sequence[str] = (),
    draws: int | None = 5000,
    seed: int = 1,
) -> RandomisationTest:
    r"""Test a contrast by the assignments that the same scheme could have drawn.

    Parameters
    ----------
    data : DataFrame
        One row for each participant; arm, factors and exemplar in it are held against the allocation.
    outcome : str
        Column of the outcome.
    allocation : Allocation
        Who got what, by which scheme.
    contrast : mapping of str to float
        Condition (key of its cell) -> weight.
    participant : str, default "participant"
        Column of names as in the allocation.
    covariates : sequence of str
        Columns measured before the assignment.
    draws : int or None, default 5000
        Assignments to draw; None lists all there are, for an exact p.
    seed : int, default 1
        Fixes the draws.

    Returns
    -------
    RandomisationTest
        p with the interval of its Monte Carlo error; exact where all assignments are listed.

    Raises
    ------
    DataError
        For a table that cannot be used, participants whom the allocation does not know, who stand in another condition
        than it gave them or whom the table has twice, and schemes that cannot be conditioned on who was in some of the
        conditions where one has no outcome.
    NotFoundError
        For an unknown column or condition.

    Notes
    -----
    Fisher's sharp null: no outcome depends on the assignment. Participants without an outcome are left out of every
    assignment, which assumes that leaving does not depend on it. Where a condition has no outcome at all, such as an
    arm that is not asked, the test is conditional on who was assigned to the others: their conditions are shuffled
    within the blocks of the scheme, as many of each as were drawn, which is what chance decided once it is known who
    was in them (`feedbackstudy.assign.conditioning.among`). Conditions with probabilities that differ between
    participants are weighted by their inverse. Blocks, clusters and rounding are those of the scheme.
    """
    weights = _weights(contrast, [cell.key for cell in allocation.conditions])
    read = read_columns(data, outcome, covariates=covariates, groups=[participant])
    who = read.groups[participant]
    people = [who.levels[code] for code in who.codes]
    table = data.assign(participant=data[participant].astype("str"))
    refuse_contradiction(table[table["participant"].isin(people)], allocation)
    places = _places(people, allocation)
    redrawn = _redrawn(allocation, places)
    drawn = permute(redrawn.scheme, draws, seed=seed)
    inverse = _inverse(allocation, places)
    own = np.asarray(allocation.drawn, dtype=np.int64)[places]
    others = drawn.conditions[:, np.searchsorted(redrawn.units, places)]
    found = randomisation_test(
        read.y,
        own,
        weights,
        others,
        probability=drawn.weights,
        exact=drawn.exact,
        covariates=read.covariate_matrix if covariates else None,
        inverse=inverse,
    )
    missing = len(redrawn.units) - read.n
    left = (f"{missing} assigned participants have no outcome here and are left out.",) if missing else ()
    return RandomisationTest(
        outcome=outcome,
        contrast=" ".join(f"{weight:+g} {key}" for key, weight in contrast.items()),
        found=found,
        possible=len(drawn.conditions) if drawn.exact else count_assignments(redrawn.scheme),
        n=read.n,
        notes=read.notes + redrawn.notes + left,
        provenance=Provenance(
            made_by="analysis.randomisation",
            conventions=(*redrawn.conventions, *_conventions(allocation, covariates, weighted=inverse is not None)),
            design_hash=allocation.design_hash,
            seed=None if drawn.exact else seed,
        ),
        script=_script(read.y, read.covariate_matrix, own, others, weights, drawn.weights, inverse, exact=drawn.exact),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Redrawn:
    """Whose conditions are drawn anew, and by which scheme."""

    units: NDArray[np.int64]
    scheme: Scheme
    notes: tuple[str, ...] = ()
    conventions: tuple[str, ...] = ()


def _redrawn(allocation: Allocation, places: NDArray[np.int64]) -> _Redrawn:
    """Return everybody and the scheme, or where conditions have no outcome those of the others, given who they are."""
    drawn = np.asarray(allocation.drawn, dtype=np.int64)
    held = {int(i) for i in np.unique(drawn[places])}
    aside = sorted({int(i) for i in np.unique(drawn)} - held)
    if not aside:
        return _Redrawn(units=np.arange(len(drawn)), scheme=allocation.scheme)
    units, scheme = among(allocation.scheme, allocation.drawn, held)
    cells = allocation.conditions
    fed = {i for i, cell in enumerate(cells) if cell.arm == FEEDBACK}
    in_words = (
        "received feedback" if held == fed else f"was assigned to {', '.join(cells[i].key for i in sorted(held))}"
    )
    return _Redrawn(
        units=units,
        scheme=scheme,
        notes=(
            f"{counted(len(drawn) - len(units), 'participant', 'participants')} assigned to "
            f"{', '.join(cells[i].key for i in aside)}, of whom there is no outcome, are no part of it.",
        ),
        conventions=(
            f"conditional on who {in_words}: their conditions are drawn anew within the blocks of the scheme",
        ),
    )


def _of(possible: int | None) -> str:
    if possible is None:
        return ""
    return f" of {possible:,}" if possible < 10**15 else f" of about 10^{round(math.log10(possible))}"


def _weights(contrast: Mapping[str, float], keys: Sequence[str]) -> Floats:
    for name in contrast:
        if name not in keys:
            raise NotFoundError(choices("Condition", name, keys))
    weights = np.array([float(contrast.get(key, 0.0)) for key in keys])
    if not weights.any() or abs(weights.sum()) > 1e-9:
        raise DataError(f"The weights of a comparison are not all zero and sum to zero; given {dict(contrast)}.")
    return weights


def _inverse(allocation: Allocation, places: NDArray[np.int64]) -> Floats | None:
    """Return inverse probabilities of the conditions, None where all participants have the same."""
    chance = allocation.probabilities.to_numpy(dtype=np.float64)
    if np.ptp(chance, axis=0).max() <= 1e-12:
        return None
    return np.asarray(np.where(chance > 0, 1 / np.where(chance > 0, chance, 1.0), 0.0)[places], dtype=np.float64)


def _conventions(allocation: Allocation, covariates: Sequence[str], *, weighted: bool) -> tuple[str, ...]:
    return (
        f"assignments by the scheme: {allocation.method}",
        "contrast of means over its Welch standard error, two-sided",
        *(("means weighted by inverse probabilities of assignment",) if weighted else ()),
        *((f"outcome adjusted for {', '.join(covariates)} before",) if covariates else ()),
    )


_BODY = """\
before <- as.matrix(responses[grep("^x", names(responses))])
y <- if (ncol(before)) resid(lm(responses$y ~ before)) else responses$y
statistic <- function(cell) { e <- 0; v <- 0
  for (k in which(w != 0)) {
    i <- cell == k - 1; h <- if (weighted) responses[[paste0("h", k - 1)]][i] else rep(1, sum(i))
    m <- sum(h * y[i]) / sum(h); e <- e + w[k] * m
    v <- v + w[k]^2 * sum(h^2 * (y[i] - m)^2) / sum(h)^2 * sum(i) / (sum(i) - 1) }
  e / sqrt(v) }
others <- sapply(responses[grep("^s", names(responses))], statistic); real <- statistic(responses$own)
beyond <- is.na(others) | abs(others) >= abs(real) * (1 - 1e-9)
show("statistic", real); show("p", if (exact) sum(chance * beyond) else (1 + sum(beyond)) / (1 + length(beyond)))
"""


def _script(
    y: Floats,
    covariates: Floats,
    own: NDArray[np.int64],
    others: NDArray[np.int16],
    weights: Floats,
    chance: Floats,
    inverse: Floats | None,
    *,
    exact: bool,
) -> RScript:
    columns: dict[str, object] = {"y": y, "own": own}
    columns |= {f"x{j}": x for j, x in enumerate(covariates.T)}
    columns |= {f"h{j}": h for j, h in enumerate(inverse.T)} if inverse is not None else {}
    columns |= {f"s{j}": row for j, row in enumerate(others)}
    head = f"w <- c({', '.join(map(repr, weights.tolist()))}); exact <- {'TRUE' if exact else 'FALSE'}\n"
    head += f"weighted <- {'TRUE' if inverse is not None else 'FALSE'}\n"
    head += f"chance <- c({', '.join(map(repr, chance.tolist()))})\n" if exact else ""
    return RScript(
        made_by="analysis.randomisation", body=head + _BODY, data=pd.DataFrame(columns), name="randomisation"
    )


def _places(people: Sequence[str], allocation: Allocation) -> NDArray[np.int64]:
    known = {name: i for i, name in enumerate(allocation.participants)}
    if len(set(people)) < len(people):
        twice = sorted({name for name in people if people.count(name) > 1})
        raise DataError(f"Participants stand twice in the table, such as {', '.join(twice[:3])}; give one row each.")
    return np.array([known[name] for name in people], dtype=np.int64)
