"""How the Bayes factor of one contrast moves with the width of the prior."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, bayes_factor, number, table_of

__all__ = ["Evidence", "Family", "Robustness", "curve", "widths_around"]

type Floats = NDArray[np.float64]
type Family = Literal["cauchy", "normal", "stretched beta"]


_UNITS: dict[str, str] = {
    "cauchy": "standardised effect",
    "normal": "effect in its own units",
    "stretched beta": "correlation",
}


class Evidence(Protocol):
    """What gives a log Bayes factor for any width of the prior."""

    def cauchy(self, scale: float, alternative: Alternative = "two-sided") -> float:
        """Return the log Bayes factor under a Cauchy prior of the standardised effect.

        Parameters
        ----------
        scale : float
            Its scale.
        alternative : {"two-sided", "greater", "less"}
            The whole prior, or one half of it.

        Returns
        -------
        float
            Natural logarithm.
        """
        ...

    def normal(self, sd: float, alternative: Alternative = "two-sided") -> float:
        """Return the log Bayes factor under a normal prior of the effect.

        Parameters
        ----------
        sd : float
            Its standard deviation.
        alternative : {"two-sided", "greater", "less"}
            The whole prior, or one half of it.

        Returns
        -------
        float
            Natural logarithm.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Robustness(Rendered):
    """The Bayes factor of one contrast over a range of prior widths.

    Attributes
    ----------
    quantity : str
        What the contrast is.
    family : {"cauchy", "normal", "stretched beta"}
        Cauchy prior of the standardised effect, normal prior of the effect in its own units, or stretched beta prior of
        a correlation.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or one half of it.
    scales : ndarray, shape (m,)
        Widths of the prior, increasing.
    log_bayes_factors : ndarray, shape (m,)
        Natural logarithm of the Bayes factor for an effect against none at each width.
    declared : float
        The width that decides.
    log_declared : float
        Logarithm of the Bayes factor there.
    note : str
        How it was computed.
    script : RScript or callable or None
        The way out to R; None where the curve was made apart from an analysis of rows.
    """

    quantity: str
    family: Family
    alternative: Alternative
    scales: Floats
    log_bayes_factors: Floats
    declared: float
    log_declared: float
    note: str = ""
    script: Way = None

    def r_script(self) -> RScript:
        """Return the Bayes factor over prior widths for R.

        Returns
        -------
        RScript
            Integrated anew at every width for scores, by BayesFactor for its priors. For a sampled model and for a
            table of models the script is that of the analysis at its one width.

        Raises
        ------
        DataError
            Where the curve was made apart from an analysis of rows.
        """
        return carried(self.script, f"The curve of {self.quantity!r}")

    def __post_init__(self) -> None:
        if (
            self.scales.shape != self.log_bayes_factors.shape
            or self.scales.size < 2
            or (np.diff(self.scales) <= 0).any()
        ):
            raise DataError("A robustness curve needs two widths at least, increasing, and a Bayes factor for each.")

    @property
    def bayes_factors(self) -> Floats:
        """Bayes factors at `scales`; infinite beyond what a float holds."""
        return np.array([exponential(float(value)) for value in self.log_bayes_factors])

    @property
    def bayes_factor(self) -> float:
        """Bayes factor at the declared width."""
        return exponential(self.log_declared)

    @property
    def largest(self) -> tuple[float, float]:
        """Width at which the evidence for an effect is largest, and the Bayes factor there."""
        best = int(np.argmax(self.log_bayes_factors))
        return float(self.scales[best]), float(self.bayes_factors[best])

    def verdicts(self, threshold: float) -> tuple[str, ...]:
        """Return the verdicts that occur over the widths.

        Parameters
        ----------
        threshold : float
            Bayes factor that counts as support, above 1.

        Returns
        -------
        tuple of str
            Those of ``"for an effect"``, ``"undecided"`` and ``"against an effect"`` that occur; one where the width
            does not matter.

        Raises
        ------
        DataError
            For a threshold that is not above 1.
        """
        if not threshold > 1:
            raise DataError(f"A threshold must exceed 1; given {threshold}.")
        bar = np.log(threshold)
        for_it, against = self.log_bayes_factors >= bar, self.log_bayes_factors <= -bar
        named = (("for an effect", for_it), ("undecided", ~for_it & ~against), ("against an effect", against))
        return tuple(words for words, found in named if found.any())

    def frame(self) -> pd.DataFrame:
        """Return the curve as a table.

        Returns
        -------
        DataFrame
            Columns ``prior_scale`` and ``log_bayes_factor`` and ``bayes_factor``.
        """
        return pd.DataFrame(
            {
                "prior_scale": self.scales,
                "log_bayes_factor": self.log_bayes_factors,
                "bayes_factor": self.bayes_factors,
            }
        )

    def page(self) -> Page:
        """Return the curve as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        unit = _UNITS[self.family]
        width, top = self.largest
        facts = Facts(
            (
                ("prior", f"{self.family.capitalize()} of the {unit}, {self.alternative}"),
                (f"at the declared width {number(self.declared)}", bayes_factor(self.bayes_factor)),
                ("largest", f"{bayes_factor(top)} at width {number(width)}"),
                ("over all widths", f"{bayes_factor(self.bayes_factors.min())} to {bayes_factor(top)}"),
            )
        )
        step = max(1, self.scales.size // 8)
        rows = [
            {"width": number(float(scale)), "factor": bayes_factor(float(value))}
            for scale, value in list(zip(self.scales, self.bayes_factors, strict=True))[::step]
        ]
        blocks: list[Block] = [facts, table_of(rows, {"width": "prior width", "factor": "Bayes factor"})]
        verdicts = self.verdicts(3.0)
        if len(verdicts) > 1:
            words = " to ".join(verdicts)
            blocks.append(Notice(f"The width of the prior matters: with a bar of 3, from {words}.", tone="warning"))
        return Page(title=f"Bayes factor and prior width: {self.quantity}", subtitle=self.note, blocks=tuple(blocks))


def curve(
    evidence: Evidence,
    *,
    declared: float,
    family: Family,
    alternative: Alternative,
    scales: ArrayLike | None,
    quantity: str,
    note: str,
) -> Robustness:
    """Compute the curve of one contrast.

    Parameters
    ----------
    evidence : Evidence
        What the posterior says of the contrast.
    declared : float
        The width that decides.
    family : {"cauchy", "normal"}
        Kind of the prior.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or one half of it.
    scales : array_like or None
        The widths; a fifth to five times the declared one where left out.
    quantity : str
        What the contrast is.
    note : str
        How it is computed.

    Returns
    -------
    Robustness
        The curve.

    Raises
    ------
    DataError
        For a prior that is neither Cauchy nor normal.
    """
    if family not in {"cauchy", "normal"}:
        raise DataError(choices("Kind of prior", family, ("cauchy", "normal")))
    at = evidence.cauchy if family == "cauchy" else evidence.normal
    widths = widths_around(declared) if scales is None else np.sort(np.asarray(scales, dtype=np.float64))
    return Robustness(
        quantity=quantity,
        family=family,
        alternative=alternative,
        scales=widths,
        log_bayes_factors=np.array([at(float(width), alternative) for width in widths]),
        declared=declared,
        log_declared=at(declared, alternative),
        note=note,
    )


def widths_around(declared: float, *, fold: float = 5.0, points: int = 41) -> Floats:
    """Return widths around the declared one.

    Parameters
    ----------
    declared : float
        The width that decides.
    fold : float, default 5
        From declared / fold to declared x fold.
    points : int, default 41
        Number of widths; odd, so that the declared one is among them.

    Returns
    -------
    ndarray, shape (points,)
        Evenly spaced in logarithm.

    Raises
    ------
    DataError
        For a width that is not positive.
    """
    if not (np.isfinite(declared) and declared > 0 and fold > 1 and points > 1):
        raise DataError(f"Widths need a positive declared width and a fold above 1; given {declared} and {fold}.")
    return np.asarray(declared * np.exp(np.linspace(-np.log(fold), np.log(fold), points)), dtype=np.float64)
