"""Power of factorial, repeated-measures and mixed analyses of variance, from the cell means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import AnovaPower, EffectPower, made
from feedbackstudy.power.effects import Population, Term, effect_power, own_terms, terms
from feedbackstudy.power.shorthand import FactorialDesign, covariance, parse
from feedbackstudy.power.solving import Range, above_alpha, one_open, positive, probability, solve

__all__ = ["Correction", "anova"]

type Floats = NDArray[np.float64]
type Correction = Literal["none", "box"]

_CONVENTIONS = (
    "n counts participants in each between-participants cell; all occasions of a participant are used",
    "means in the order of the shorthand, the last factor changing fastest",
    "lambda = SS / MSE with population values; f = sqrt(lambda / denominator df), as partial eta squared in SPSS",
    "no adjustment for several effects; univariate tests within participants",
    "effects are of unweighted means (type III) where group sizes differ",
)


@dataclass(frozen=True, slots=True)
class _Powers:
    """Powers of all effects as a function of sizes, scale and level."""

    plan: FactorialDesign
    truth: Population
    terms: tuple[Term, ...]
    correct: bool

    def at(self, n: Floats, scale: float, alpha: float) -> tuple[EffectPower, ...]:
        truth = Population(scale * self.truth.means, self.truth.sigma)
        return tuple(effect_power(term, truth, n, alpha=alpha, correct=self.correct) for term in self.terms)

    def solved(self, opened: str, target: float, *, effect: str, known: Mapping[str, Floats | float | None]) -> float:
        """Return the open argument at which the effect reaches the target."""
        term = _chosen(self.terms, effect)
        ones = np.ones(self.plan.groups)

        def power_at(x: float) -> float:
            n = x * ones if opened == "n" else np.asarray(known["n"], dtype=np.float64)
            scale = x if opened == "scale" else float(np.asarray(known["scale"]))
            alpha = x if opened == "alpha" else float(np.asarray(known["alpha"]))
            truth = Population(scale * self.truth.means, self.truth.sigma)
            return effect_power(term, truth, n, alpha=alpha, correct=self.correct).power

        ranges = {
            "n": Range(1 + 1 / self.plan.groups, 1e7, "participants in each between cell"),
            "scale": Range(1e-6, 1e4),
            "alpha": Range(1e-12, 1 - 1e-9),
        }
        return solve(power_at, target, name=f"{opened} for the effect {term.name!r}", within=ranges[opened])


def anova(
    design: str,
    n: float | Sequence[float] | None = None,
    *,
    mu: ArrayLike,
    sd: ArrayLike = 1.0,
    r: ArrayLike = 0.0,
    scale: float | None = 1.0,
    power: float | None = None,
    alpha: float | None = 0.05,
    effect: str = "",
    factors: Sequence[str] = (),
    contrasts: Mapping[str, ArrayLike] | None = None,
    correction: Correction = "none",
) -> AnovaPower:
    r"""Solve an analysis of variance for its power, sample size, size of the means' differences, or level.

    Parameters
    ----------
    design : str
        Shorthand: ``"2b*4w"``.
    n : float, sequence of float or None
        Participants in each between-participants cell; one number, or one for each cell.
    mu : array_like
        Cell means, the last factor changing fastest.
    sd : array_like, default 1
        One standard deviation, one for each occasion, or one for each cell.
    r : array_like, default 0
        Correlations of the occasions: one, the upper triangle, or the matrix.
    scale : float or None, default 1
        Factor on the means; None solves for the smallest multiple of this pattern that reaches the power.
    power : float or None
        Wanted power of `effect`; leave None (and give n, scale and alpha) for the powers of all effects.
    alpha : float or None, default 0.05
        Significance level of each test.
    effect : str
        The effect to solve for, such as ``"a:b"``; may be left out where there is one only.
    factors : sequence of str
        Names of the factors; ``a``, ``b``, ``c`` ... by default.
    contrasts : mapping of str to array_like, optional
        Weights over all cells, in the order of the means; each is tested with one numerator degree of freedom.
    correction : {"none", "box"}
        Multiply degrees of freedom and noncentrality by Box's epsilon of the declared covariance.

    Returns
    -------
    AnovaPower
        One row for each effect, then one for each contrast.

    Raises
    ------
    InputError
        For means of the wrong length, impossible numbers, an unknown effect, or a target out of reach.

    Notes
    -----
    With orthonormal contrasts :math:`C` over groups and :math:`W` over occasions, :math:`E = C' M W`:
    :math:`\lambda = \mathrm{tr}[E' (C' D^{-1} C)^{-1} E] / MSE`, :math:`MSE = \mathrm{tr}(W' \Sigma W) / q`,
    :math:`df = (\mathrm{cols}\,C \cdot q, (N - G) q)`, D the group sizes; for equal n this is SS / MSE. Muller & Barton
    (1989) for the correction.
    """
    plan = parse(design, factors)
    if correction not in ("none", "box"):
        raise InputError(choices("The correction", correction, ("none", "box")))
    means = _means(plan, mu)
    every = tuple(terms(plan) + own_terms(plan, contrasts or {}))
    powers = _Powers(plan, Population(means, covariance(plan, sd, r)), every, correction == "box")
    _check(alpha, power=power, scale=scale)
    sizes = None if n is None else _sizes(plan, n)
    known: dict[str, Floats | float | None] = {"n": sizes, "scale": scale, "alpha": alpha}
    opened = one_open("anova", {"n": None if n is None else 1.0, "scale": scale, "power": power, "alpha": alpha})
    if power is not None:
        root = powers.solved(opened, power, effect=effect, known=known)
        known[opened] = np.full(plan.groups, root) if opened == "n" else root
    n_each = np.asarray(known["n"], dtype=np.float64)
    multiple, level = float(np.asarray(known["scale"])), float(np.asarray(known["alpha"]))
    rows = powers.at(n_each, multiple, level)
    shown = (multiple * np.asarray(mu, dtype=np.float64).ravel()).tolist()
    return AnovaPower(
        design=design,
        solved=opened,
        n=tuple(n_each.tolist()),
        scale=multiple,
        alpha=level,
        effects=rows,
        means=dict(zip(plan.cell_names(), shown, strict=True)),
        engine="exact: noncentral F of orthonormal contrasts" + ("; Box's epsilon" if powers.correct else ""),
        notes=_notes(rows, powers),
        provenance=made("anova", _CONVENTIONS),
    )


def _check(alpha: float | None, *, power: float | None, scale: float | None) -> None:
    probability("alpha", alpha)
    probability("power", power)
    positive("scale", scale)
    if power is not None:
        above_alpha(power, alpha)


def _chosen(every: Sequence[Term], effect: str) -> Term:
    named = {term.name: term for term in every}
    if not effect and len(every) == 1:
        return every[0]
    if not effect:
        raise InputError(
            f"The effects of this design are {', '.join(named)}: say which the power is for, effect={every[-1].name!r}."
        )
    if effect not in named:
        raise InputError(choices("The effect", effect, named))
    return named[effect]


def _notes(rows: Sequence[EffectPower], powers: _Powers) -> tuple[str, ...]:
    notes = []
    sigma = powers.truth.sigma
    if not np.allclose(sigma, sigma[:1]):
        notes.append("Standard deviations differ between groups: F pools them, so level and power are approximate.")
    least = min(row.epsilon for row in rows)
    if least < 1 - 1e-6 and not powers.correct:
        notes.append(
            f"The declared covariance is not spherical (smallest Box epsilon {least:.3f}): the uncorrected F test "
            "rejects too often. correction='box' gives the power of the corrected test."
        )
    return tuple(notes)


def _means(plan: FactorialDesign, mu: ArrayLike) -> Floats:
    given = np.asarray(mu, dtype=np.float64).ravel()
    cells = plan.groups * plan.occasions
    if given.size != cells or not np.isfinite(given).all():
        raise InputError(
            f"mu has {given.size} values; the design {plan.text!r} has {cells} cells, in the order "
            f"{', '.join(plan.cell_names()[:6])}{' ...' if cells > 6 else ''}: give one finite mean for each."
        )
    return plan.grid(given)


def _sizes(plan: FactorialDesign, n: float | Sequence[float]) -> Floats:
    given = np.atleast_1d(np.asarray(n, dtype=np.float64))
    if given.size not in {1, plan.groups}:
        raise InputError(f"n has {given.size} values; give one, or one for each of the {plan.groups} between cells.")
    for value in given:
        positive("n", float(value), unit="participants in each between cell")
    sizes = np.broadcast_to(given, plan.groups).astype(np.float64)
    if sizes.sum() <= plan.groups:
        raise InputError(
            f"n = {n} leaves no degrees of freedom for error: {sizes.sum():g} participants in {plan.groups} between "
            "cells; give more than one for each cell."
        )
    return sizes
