"""Convergence gates: draws that have not converged are not fit to report, and say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.bayesian.r_draws import gates_script
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number

__all__ = ["Convergence", "Gates", "converged", "gates", "mcse_of_hdi", "unjudged"]

RHAT_AT_MOST, ESS_AT_LEAST, EBFMI_AT_LEAST, PARETO_K_AT_MOST = 1.01, 400.0, 0.3, 0.7

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How well one quantity was sampled.

    Attributes
    ----------
    rhat : float
        Rank-normalised split R-hat.
    ess_bulk, ess_tail : float
        Effective sample sizes of the centre and of the tails.
    mcse_median : float
        Monte-Carlo standard error of the median.
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    mcse_median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates(Rendered):
    """The worst case over all sampled quantities, and whether it is good enough.

    Attributes
    ----------
    rhat : float
        Largest R-hat; must not exceed 1.01.
    ess_bulk, ess_tail : float
        Smallest effective sample sizes; must reach 400.
    divergences : int
        Divergent transitions; there must be none.
    ebfmi : float
        Smallest energy fraction over the chains; must reach 0.3.
    pareto_k : float or None
        Largest Pareto shape of leaving one row out; must not exceed 0.7. None where rows were not left out.
    script : RScript or callable or None
        The way out to R; None where no draws were kept. No part of what two gates are compared by.
    """

    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    ebfmi: float
    pareto_k: float | None = None
    script: Way = field(default=None, compare=False, repr=False)

    def r_script(self) -> RScript:
        """Return the draws for R, judged anew.

        Returns
        -------
        RScript
            Shows ``rhat``, ``ess_bulk``, ``ess_tail``, ``divergences`` and ``ebfmi``, computed in base R by the same
            definitions, and the first three again by rstan. Gates of `Loo` show ``pareto_k`` too, by the package loo.

        Raises
        ------
        DataError
            Where no draws were kept, as in a simulation of thousands of studies.
        """
        return carried(self.script, "A summary of convergence")

    @property
    def failures(self) -> tuple[str, ...]:
        """Each gate that failed, in words; empty where all hold."""
        k = self.pareto_k
        longer, calmer = "draw longer (draws=, tune=)", "take smaller steps (target_accept=0.99)"
        checks = (
            (self.rhat <= RHAT_AT_MOST, f"R-hat {number(self.rhat, 4)} exceeds {RHAT_AT_MOST}: {longer}"),
            (self.ess_bulk >= ESS_AT_LEAST, f"bulk ESS {self.ess_bulk:.0f} is below {ESS_AT_LEAST:.0f}: {longer}"),
            (self.ess_tail >= ESS_AT_LEAST, f"tail ESS {self.ess_tail:.0f} is below {ESS_AT_LEAST:.0f}: {longer}"),
            (self.divergences == 0, f"{self.divergences} divergent transitions: {calmer}"),
            (self.ebfmi >= EBFMI_AT_LEAST, f"E-BFMI {number(self.ebfmi, 2)} is below {EBFMI_AT_LEAST}: {longer}"),
            (
                k is None or k <= PARETO_K_AT_MOST,
                f"Pareto k {number(k, 2)} exceeds {PARETO_K_AT_MOST}: rows that sway the fit alone; see them in "
                "`Loo.swaying`, or take a likelihood with heavier tails",
            ),
        )
        return tuple(words for holds, words in checks if not holds)

    @property
    def hold(self) -> bool:
        """Whether every gate holds (a gate that is not a number does not)."""
        return not self.failures

    def page(self) -> Page:
        """Return the gates as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        pairs = [
            ("largest R-hat", number(self.rhat, 4)),
            ("smallest bulk ESS", f"{self.ess_bulk:.0f}"),
            ("smallest tail ESS", f"{self.ess_tail:.0f}"),
            ("divergent transitions", str(self.divergences)),
            ("smallest E-BFMI", number(self.ebfmi, 2)),
        ]
        pairs += [("largest Pareto k", number(self.pareto_k, 2))] if self.pareto_k is not None else []
        facts = Facts(tuple(pairs))
        verdict = (
            Notice("All convergence gates hold.", tone="good")
            if self.hold
            else Notice(f"Not fit to report: {'; '.join(self.failures)}.", tone="error")
        )
        blocks: tuple[Block, ...] = (facts, verdict)
        return Page(title="Convergence", blocks=blocks)


def converged(draws: NDArray[np.float64]) -> Convergence:
    """Return how well one quantity was sampled.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws)
        Draws of one quantity.

    Returns
    -------
    Convergence
        From ArviZ: rank-normalised split R-hat, bulk and tail ESS (Vehtari et al., 2021, Bayesian Analysis 16,
        667-718).

    Raises
    ------
    DataError
        For fewer than two chains or four draws, or draws that are not finite.
    """
    import arviz as az  # type: ignore[import-untyped, unused-ignore]

    values = np.asarray(draws, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 4 or not np.isfinite(values).all():
        raise DataError(f"Convergence needs finite draws of at least two chains; given shape {values.shape}.")
    return Convergence(
        rhat=float(az.rhat(values)),
        ess_bulk=float(az.ess(values, method="bulk")),
        ess_tail=float(az.ess(values, method="tail", prob=(0.05, 0.95))),
        mcse_median=float(az.mcse(values, method="median")),
    )


def mcse_of_hdi(draws: _Floats, level: float, *, batches: int = 20) -> tuple[float, float]:
    """Return the Monte-Carlo standard errors of the limits of the shortest interval.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws)
        Draws of one quantity.
    level : float
        Probability inside the interval.
    batches : int, default 20
        Consecutive batches that each chain is cut into.

    Returns
    -------
    tuple of float
        Standard errors of the lower and upper limit.

    Raises
    ------
    DataError
        Where a batch would hold fewer than 100 draws, too few for an interval of its own.

    Notes
    -----
    The standard deviation of the limits over all batches, over the cube root of their number: the place of a shortest
    interval settles with the cube root of the draws only (Kim and Pollard, 1990, Annals of Statistics 18, 191-219).
    """
    length = draws.shape[1] // batches
    if length < 100:
        raise DataError(f"{draws.shape[1]} draws a chain give batches of {length}; draw at least {100 * batches}.")
    cut = draws[:, : length * batches].reshape(-1, length)
    limits = np.array([hdi_of_draws(batch, level) for batch in cut])
    low, high = limits.std(axis=0, ddof=1) / np.cbrt(len(cut))
    return float(low), float(high)


def gates(variables: Mapping[str, _Floats], *, divergent: _Floats, energy: _Floats) -> Gates:
    """Return the gates over every element of every sampled variable.

    Parameters
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Draws by variable.
    divergent : ndarray, shape (chains, draws)
        1 for a transition after warm-up that diverged, else 0.
    energy : ndarray, shape (chains, draws)
        Energy of each transition.

    Returns
    -------
    Gates
        Worst cases. An element that is the same number in every draw has nothing to converge and is left aside; where
        no element moves, nothing is judged.

    Raises
    ------
    DataError
        For fewer than two chains or four draws, or draws that are not finite.

    Notes
    -----
    E-BFMI of a chain: sum of squared changes of energy over sum of squared deviations from its mean (Betancourt, 2016,
    arXiv 1604.00695).
    """
    columns = [
        block.reshape(*block.shape[:2], -1)[:, :, i]
        for block in variables.values()
        for i in range(int(np.prod(block.shape[2:], dtype=int)))
    ]
    each = [converged(column) for column in columns if not (column == column.flat[0]).all()]
    if not each:
        return unjudged(divergences=int(divergent.sum()), energy=energy)
    return Gates(
        rhat=max(one.rhat for one in each),
        ess_bulk=min(one.ess_bulk for one in each),
        ess_tail=min(one.ess_tail for one in each),
        divergences=int(divergent.sum()),
        ebfmi=_ebfmi(energy),
        script=partial(gates_script, variables, divergent, energy),
    )


def unjudged(*, divergences: int, energy: _Floats) -> Gates:
    """Return gates of draws whose convergence nobody has looked at; they do not hold.

    Parameters
    ----------
    divergences : int
        Divergent transitions after warm-up.
    energy : ndarray, shape (chains, draws)
        Energy of each transition.

    Returns
    -------
    Gates
        R-hat and effective sizes are not a number.
    """
    unknown = float("nan")
    return Gates(rhat=unknown, ess_bulk=unknown, ess_tail=unknown, divergences=divergences, ebfmi=_ebfmi(energy))


def _ebfmi(energy: _Floats) -> float:
    deviations = energy - energy.mean(axis=1, keepdims=True)
    return float(((np.diff(energy, axis=1) ** 2).sum(axis=1) / (deviations**2).sum(axis=1)).min())
