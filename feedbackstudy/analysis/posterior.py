"""A posterior distribution of one quantity, ready to be read or drawn."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered, interval, number

__all__ = ["Posterior"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior(Rendered):
    """The posterior of one quantity on a grid, with its interval and its mass near zero.

    Attributes
    ----------
    quantity : str
        What it is the posterior of.
    unit : str
        Its unit; empty for a pure number.
    grid : ndarray, shape (m,)
        Increasing values of the quantity.
    density : ndarray, shape (m,)
        Posterior density there.
    median : float
        Posterior median.
    low, high : float
        Limits of the interval.
    level : float
        Probability inside the interval.
    interval_kind : {"HDI", "equal-tailed"}
        Highest density, or equal tails.
    null : float
        The value that means "no effect", such as 0 for a difference and 1 for a ratio.
    rope : tuple of (float, float) or None
        Region of practical equivalence.
    prob_rope : float or None
        Posterior probability inside it.
    prob_direction : float or None
        Posterior probability on the median's side of `null`.
    prior_density : ndarray, shape (m,), or None
        Prior density on the same grid.
    rhat, ess : float or None
        Convergence of the draws behind it; None where no draws were made.
    engine : str
        How it was computed: ``"quadrature"``, ``"closed form"``, ``"PyMC + nutpie"``.
    provenance : Provenance or None
        What made it.
    """

    quantity: str
    unit: str
    grid: NDArray[np.float64]
    density: NDArray[np.float64]
    median: float
    low: float
    high: float
    level: float
    interval_kind: Literal["HDI", "equal-tailed"]
    null: float = 0.0
    rope: tuple[float, float] | None = None
    prob_rope: float | None = None
    prob_direction: float | None = None
    prior_density: NDArray[np.float64] | None = None
    rhat: float | None = None
    ess: float | None = None
    engine: str = ""
    provenance: Provenance | None = None
    script: Way = None

    def r_script(self) -> RScript:
        """Return the analysis behind the posterior for R.

        Returns
        -------
        RScript
            It shows median, limits and probabilities of this quantity: integrated anew, or sampled anew in Stan.

        Raises
        ------
        DataError
            Where the posterior was made apart from an analysis of rows.
        """
        return carried(self.script, f"The posterior of {self.quantity!r}")

    def __post_init__(self) -> None:
        for name in ("grid", "density", "prior_density"):
            value = getattr(self, name)
            if value is None:
                continue
            frozen = np.array(value, dtype=np.float64)
            if frozen.ndim != 1 or frozen.shape != np.shape(self.grid) or not np.isfinite(frozen).all():
                raise DataError(
                    f"Posterior of {self.quantity!r}: {name} must hold finite values, one for each of the "
                    f"{np.size(self.grid)} grid points, given shape {frozen.shape}."
                )
            frozen.setflags(write=False)
            object.__setattr__(self, name, frozen)
        if self.grid.size < 2 or (np.diff(self.grid) <= 0).any():
            raise DataError(f"Posterior of {self.quantity!r}: the grid must increase and have at least two points.")
        if not self.low <= self.high:
            raise DataError(f"Posterior of {self.quantity!r}: the interval [{self.low}, {self.high}] is upside down.")

    def page(self) -> Page:
        """Return the summary of the posterior as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        unit = f" {self.unit}" if self.unit else ""
        pairs = [
            ("median", f"{number(self.median)}{unit}"),
            (f"{self.level:.0%} {self.interval_kind}", f"{interval(self.low, self.high)}{unit}"),
        ]
        if self.prob_direction is not None:
            side = "above" if self.median >= self.null else "below"
            pairs.append((f"P({side} {self.null:g})", number(self.prob_direction, unit_interval=True)))
        if self.rope is not None and self.prob_rope is not None:
            pairs.append((f"P(in {interval(*self.rope)})", number(self.prob_rope, unit_interval=True)))
        pairs += [("R-hat", number(self.rhat, 4))] if self.rhat is not None else []
        pairs += [("effective sample size", number(self.ess, 0))] if self.ess is not None else []
        blocks: list[Block] = [Facts(tuple(pairs))]
        blocks += [self.provenance.facts()] if self.provenance is not None else []
        return Page(title=f"Posterior of {self.quantity}", subtitle=self.engine, blocks=tuple(blocks))
