"""Zero-inflated count models of a data frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.frequentist.cell_fit import Scale
from feedbackstudy.analysis.frequentist.counts import POISSON_LIMIT, ZeroInflated, zero_inflated
from feedbackstudy.analysis.frequentist.links import LINKS, Array
from feedbackstudy.analysis.frequentist.response_means import delta
from feedbackstudy.analysis.model_formula import model_script
from feedbackstudy.analysis.model_parts import fitted_cells, wald_terms
from feedbackstudy.analysis.model_result import ModelResult
from feedbackstudy.analysis.model_rows import effect_rows
from feedbackstudy.analysis.model_terms import TermDesign
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import number

__all__ = ["ZeroInflatedModel", "zero_inflated_model"]

type Floats = NDArray[np.float64]
type Law = Literal["negative binomial", "poisson"]
type Integers = NDArray[np.int64]

_SIZE = "theta (variance = mean + mean²/theta)"


@dataclass(frozen=True, kw_only=True, eq=False)
class ZeroInflatedModel(ModelResult):
    """A zero-inflated negative binomial or Poisson. Make it with `count`.

    Attributes
    ----------
    fit : ZeroInflated
        Everything that was estimated, unrounded.
    design : TermDesign
        Its terms.
    """

    fit: ZeroInflated
    design: TermDesign


def zero_inflated_model(
    design: TermDesign, zero_terms: Sequence[str], *, title: str, level: float, law: Law = "negative binomial"
) -> ZeroInflatedModel:
    """Fit a zero-inflated count model to columns that were read.

    Parameters
    ----------
    design : TermDesign
        Terms and rows.
    zero_terms : sequence of str
        Terms, among those of the design, that move the odds of a structural zero.
    title : str
        What the result is called.
    level : float
        Level of the intervals.
    law : {"negative binomial", "poisson"}, default "negative binomial"
        Law of the counts that are no structural zeros.

    Returns
    -------
    ZeroInflatedModel
        Effects of the count part, then of the zero part (named ``zero: ...``).

    Raises
    ------
    DataError
        For a zero term that is not among the terms, or a likelihood without maximum.
    """
    built, read = design.built, design.read
    columns = _zero_columns(design, zero_terms)
    of_zero = [built.names[int(j)] for j in columns]
    fit = _fit(design, columns, of_zero, law)
    limit = (POISSON_LIMIT,) if fit.log_theta is None and law != "poisson" else ()
    size_said = () if fit.log_theta is None else ((_SIZE, number(float(np.exp(fit.log_theta)))),)
    p, size = fit.count.size, fit.count.size + fit.zero.size
    names = [*built.names, *(f"zero: {name}" for name in of_zero)]
    return ZeroInflatedModel(
        title=title,
        outcome=read.outcome,
        model=f"{title} (maximum likelihood)",
        effects=effect_rows(
            names,
            np.concatenate([fit.count, fit.zero]),
            fit.se[:size],
            [float("inf")] * size,
            level,
            ratios=True,
        ),
        terms=wald_terms(design.hypotheses, fit.count, fit.covariance[:p, :p]),
        facts=(
            ("log likelihood, AIC", f"{number(fit.log_likelihood)}, {number(fit.aic, 1)}"),
            *size_said,
        ),
        n=read.n,
        level=level,
        notes=(*read.notes, *limit),
        failures=(),
        scales={
            "log rate": lambda: _cells(design, fit, columns, "log rate", limit),
            "response": lambda: _cells(design, fit, columns, "response", limit),
        },
        script=_script(design, zero_terms, fit),
        cells_in_r={},
        provenance=Provenance(made_by="analysis.count", conventions=_conventions(level)),
        fit=fit,
        design=design,
    )


def _fit(design: TermDesign, columns: Integers, of_zero: Sequence[str], law: Law) -> ZeroInflated:
    y, X = design.read.y, design.built.matrix
    return zero_inflated(y, np.ones(y.size), count_design=X, zero_design=X[:, columns], law=law, zero_names=of_zero)


def _zero_columns(design: TermDesign, zero_terms: Sequence[str]) -> Integers:
    columns = [0]
    for term in zero_terms:
        if term not in design.built.spans:
            raise DataError(choices("zero term", term, design.built.spans))
        span = design.built.spans[term]
        columns += list(range(span.start, span.stop))
    return np.array(columns, dtype=np.int64)


def _script(design: TermDesign, zero_terms: Sequence[str], fit: ZeroInflated) -> RScript:
    law = "poisson" if fit.log_theta is None else "negbin"
    return model_script(
        design,
        "analysis.count",
        library="pscl",
        call=f'zeroinfl(FORMULA | {_r_zero(design, zero_terms)}, data = responses, dist = "{law}")',
        shown='show(names(coef(fit)), coef(fit))\nshow("logLik", logLik(fit))\n'
        'show(paste("se of", names(coef(fit))), sqrt(diag(vcov(fit))))\n',
    )


def _conventions(level: float) -> tuple[str, ...]:
    return (
        "ratio: rate ratio among those who are no structural zeros; after 'zero:' odds ratio of being one",
        f"{level:.0%} Wald intervals by the observed information; terms of the count part, type III",
        "expected counts: probability of no structural zero times mean, averaged over covariates",
    )


def _r_zero(design: TermDesign, zero_terms: Sequence[str]) -> str:
    quoted = [":".join(f"`{part}`" for part in design.terms[term]) for term in zero_terms]
    return " + ".join(quoted) or "1"


def _cells(
    design: TermDesign, fit: ZeroInflated, columns: Integers, scale: Scale, notes: tuple[str, ...]
) -> FittedCells:
    p, q = fit.count.size, fit.zero.size
    rows = design.standard

    def expected(at: Array) -> Array:
        free = LINKS["logit"].cdf(-(rows[:, :, columns] @ at[p : p + q]))
        return np.asarray((free * np.exp(rows @ at[:p])).mean(axis=1))

    if scale == "response":
        values, covariance = delta(expected, np.concatenate([fit.count, fit.zero]), fit.covariance[: p + q, : p + q])
    else:
        values, covariance = design.grid @ fit.count, design.grid @ fit.covariance[:p, :p] @ design.grid.T
    counted = "expected counts, structural zeros included" if scale == "response" else "log rates of the count part"
    law = "Poisson" if fit.log_theta is None else "negative binomial"
    return fitted_cells(
        design,
        values,
        covariance,
        df=float("inf"),
        scale=scale,
        sd=None,
        model=f"{counted}; zero-inflated {law} model (maximum likelihood)",
        notes=notes,
        failures=(),
    )
