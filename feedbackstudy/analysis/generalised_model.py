"""A logistic or count model of a data frame: what both direct functions put together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.frequentist.cell_fit import Scale
from feedbackstudy.analysis.frequentist.clustered import Clustered
from feedbackstudy.analysis.frequentist.generalised import GeneralisedFit, fit_generalised
from feedbackstudy.analysis.frequentist.generalised_cells import generalised_gradient, reference_of
from feedbackstudy.analysis.frequentist.generalised_mixed import GeneralisedMixedFit, fit_generalised_mixed
from feedbackstudy.analysis.frequentist.generalised_words import family_words, fit_words, generalised_notes
from feedbackstudy.analysis.frequentist.links import LINKS
from feedbackstudy.analysis.frequentist.references import coefficient_errors, nuisance, untested_terms, without_error
from feedbackstudy.analysis.frequentist.separation import refuse_separation
from feedbackstudy.analysis.model_formula import emmeans_code, model_script, random_formula
from feedbackstudy.analysis.model_parts import Random, fitted_cells, intercepts, wald_terms
from feedbackstudy.analysis.model_result import ModelResult
from feedbackstudy.analysis.model_rows import effect_rows
from feedbackstudy.analysis.model_terms import TermDesign
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_string
from feedbackstudy.render import number

__all__ = ["GeneralisedModel", "generalised_model"]

type Floats = NDArray[np.float64]

_SHOWN = (
    "coefs <- coef(summary(fit))\n"
    'show(paste(rownames(coefs), "estimate"), coefs[, 1])\nshow(paste(rownames(coefs), "se"), coefs[, 2])\n'
    'show("logLik", logLik(fit))\n'
)


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneralisedModel(ModelResult):
    """A logistic or count model. Make it with `logistic` or `count`.

    Attributes
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        Everything that was estimated, unrounded.
    design : TermDesign
        Its fixed part.
    """

    fit: GeneralisedFit | GeneralisedMixedFit
    design: TermDesign


def generalised_model(
    design: TermDesign,
    family: str,
    *,
    title: str,
    made_by: str,
    random: Random | None,
    cluster: str | None,
    vcov: Clustered | None,
    firth: bool,
    nodes: int,
    level: float,
) -> GeneralisedModel:
    """Fit a generalised linear model to columns that were read.

    Parameters
    ----------
    design : TermDesign
        Terms and rows.
    family : str
        Distribution.
    title, made_by : str
        What the result is called, and the public function.
    random : mapping of str to sequence of str, or None
        Random intercepts.
    cluster : str or None
        Clusters of a sandwich covariance.
    vcov : {"CR0", "CR1", "CR1S", "CR2", "CR3"} or None
        Its correction; CR2 where None.
    firth : bool
        Firth's penalty.
    nodes : int
        Nodes of quadrature.
    level : float
        Level of the intervals.

    Returns
    -------
    GeneralisedModel
        Ready to show.

    Raises
    ------
    DataError
        For separation, by the names of the columns.
    """
    built, read = design.built, design.read
    if not firth:
        offer = "use firth=True, " if family == "binomial" else ""
        refuse_separation(read.y, built.matrix, built.names, family, offer=offer)
    fit = _fit(design, family, random, cluster, vcov, firth=firth, nodes=nodes)
    size = fit.beta.size
    covariance = fit.covariance[:size, :size]
    reference = reference_of(fit, np.eye(size))
    ses, dfs = coefficient_errors(covariance, reference)
    terms = wald_terms(design.hypotheses, fit.beta, covariance, df=reference)
    notes, failures = generalised_notes(fit)
    singles = [name for name, df in zip(built.names, dfs, strict=True) if np.isnan(df)]
    held, stops = without_error(singles, _aside(design, cluster))
    notes, failures = notes + held, failures + stops
    notes += untested_terms([row.term for row in terms if np.isnan(row.p)])
    scale: Scale = "log odds" if family == "binomial" else "log rate"
    sd = _latent_sd(fit) if family == "binomial" else None
    script = _script(design, fit, made_by, random)
    return GeneralisedModel(
        title="Poisson regression (limit of the negative binomial)" if fit.poisson_limit else title,
        outcome=read.outcome,
        model=f"{'Poisson regression' if fit.poisson_limit else title} ({fit_words(fit)})",
        effects=effect_rows(built.names, fit.beta, ses, dfs, level, sd=sd, ratios=True),
        terms=terms,
        facts=_facts(fit),
        n=read.n,
        level=level,
        notes=(*read.notes, *notes),
        failures=failures,
        scales={
            scale: lambda: _cells(design, fit, scale, sd, failures),
            "response": lambda: _cells(design, fit, "response", None, failures),
        },
        script=script,
        cells_in_r=_in_r(design, script, fit, scale),
        provenance=Provenance(made_by=made_by, conventions=_conventions(family, fit, level)),
        fit=fit,
        design=design,
    )


def _aside(design: TermDesign, cluster: str | None) -> frozenset[str]:
    read, built = design.read, design.built
    codes = {name: factor.codes for name, factor in read.factors.items()}
    return nuisance(built.names, built.spans, codes, None if cluster is None else read.groups[cluster].codes)


def _fit(
    design: TermDesign,
    family: str,
    random: Random | None,
    cluster: str | None,
    vcov: Clustered | None,
    *,
    firth: bool,
    nodes: int,
) -> GeneralisedFit | GeneralisedMixedFit:
    factors = intercepts(design, random, nodes)
    if factors and firth:
        raise DataError("Firth's penalty goes without random effects; choose one.")
    if factors:
        return fit_generalised_mixed(design.read.y, design.built.matrix, family, factors, nodes=nodes)
    codes = None if cluster is None else design.read.groups[cluster].codes
    y, X = design.read.y, design.built.matrix
    return fit_generalised(y, X, family, firth=firth, cluster=codes, clustered=vcov or "CR2")


def _latent_sd(fit: GeneralisedFit | GeneralisedMixedFit) -> float:
    added = float(np.sum(fit.sd**2)) if isinstance(fit, GeneralisedMixedFit) else 0.0
    return float(np.sqrt(LINKS["logit"].sd ** 2 + added))


def _cells(
    design: TermDesign,
    fit: GeneralisedFit | GeneralisedMixedFit,
    scale: Scale,
    sd: float | None,
    failures: tuple[str, ...],
) -> FittedCells:
    rows = design.standard if scale == "response" else design.grid
    values, slopes = generalised_gradient(fit, rows, scale)
    held = "averaged over as they are in the rows" if scale == "response" else "held at their mean"
    counted = "probabilities" if fit.family == "binomial" else "expected counts"
    robust = isinstance(fit, GeneralisedFit) and fit.robust is not None
    how = f"{family_words(fit)} ({fit_words(fit)}{', Satterthwaite degrees of freedom' if robust else ''})"
    return fitted_cells(
        design,
        values,
        slopes @ fit.covariance @ slopes.T,
        df=reference_of(fit, slopes),
        scale=scale,
        sd=sd,
        model=f"{counted if scale == 'response' else scale}; {how}",
        notes=generalised_notes(fit)[0]
        + ((f"Covariates ({', '.join(design.covariates)}) are {held}.",) if design.covariates else ()),
        failures=failures,
    )


_FIRTH = """\
# Firth's modified score by Fisher's scoring: no package that ships with R has it
X <- fit; y <- responses[[OUTCOME]]; b <- rep(0, ncol(X))
for (step in 1:1000) {
  p <- plogis(drop(X %*% b)); w <- p * (1 - p); V <- solve(crossprod(X * sqrt(w)))
  h <- w * rowSums((X %*% V) * X); move <- drop(V %*% crossprod(X, y - p + h * (1 / 2 - p)))
  b <- b + move / max(1, abs(move)); if (max(abs(move)) < 1e-12) break
}
show(paste(colnames(X), "estimate"), b); show(paste(colnames(X), "se"), sqrt(diag(V)))
"""


def _facts(fit: GeneralisedFit | GeneralisedMixedFit) -> tuple[tuple[str, str], ...]:
    facts = [("log likelihood, AIC", f"{number(fit.log_likelihood)}, {number(fit.aic, 1)}")]
    if fit.theta is not None:
        facts.append(("theta (variance = mean + mean²/theta)", number(fit.theta)))
    if isinstance(fit, GeneralisedMixedFit):
        facts += [(f"SD of {name}", number(float(sd))) for name, sd in zip(fit.factors, fit.sd, strict=True)]
    elif fit.family != "binomial":
        facts.append(("Pearson's chi square over df", number(fit.dispersion)))
    return tuple(facts)


def _conventions(family: str, fit: GeneralisedFit | GeneralisedMixedFit, level: float) -> tuple[str, ...]:
    what = "odds" if family == "binomial" else "rate"
    robust = isinstance(fit, GeneralisedFit) and fit.robust is not None
    reference = "t distribution on Satterthwaite's degrees of freedom" if robust else "normal distribution"
    test = "HTZ" if robust else "Wald's test"
    standard = (
        ("in SD: over that of the logistic distribution, random effects included",) if family == "binomial" else ()
    )
    return (
        f"ratio: {what} ratio; factors against their first level",
        f"{level:.0%} Wald intervals by the {reference}; terms by {test}, type III, whatever the coding",
        "means on the response scale are averaged over covariates and random effects",
        *standard,
    )


def _in_r(
    design: TermDesign, script: RScript, fit: GeneralisedFit | GeneralisedMixedFit, scale: Scale
) -> dict[str, str]:
    if not design.factors or (isinstance(fit, GeneralisedFit) and (fit.penalised or fit.clusters is not None)):
        return {}
    made: dict[str, str] = {scale: emmeans_code(design, script)}
    if isinstance(fit, GeneralisedFit) and not design.covariates:
        made["response"] = emmeans_code(design, script, regrid=True)
    return made


def _script(
    design: TermDesign, fit: GeneralisedFit | GeneralisedMixedFit, made_by: str, random: Random | None
) -> RScript:
    negative = fit.family == "negative binomial"
    if isinstance(fit, GeneralisedMixedFit):
        family = "" if negative else f", family = {fit.family}, nAGQ = {fit.quadrature}"
        call, library = f"{'glmer.nb' if negative else 'glmer'}(FORMULA, data = responses{family})", "lme4"
    elif fit.penalised:
        call, library = "model.matrix(FORMULA, data = responses)", "stats"
    else:
        family = "" if negative else f", family = {fit.family}"
        # R stops at a change of deviance of 1e-8, too early for six digits of a sandwich
        stop = ", control = glm.control(epsilon = 1e-14, maxit = 100)" if fit.clusters is not None else ""
        call, library = f"{'glm.nb' if negative else 'glm'}(FORMULA, data = responses{family}{stop})", "MASS"
    shown = _SHOWN
    if isinstance(fit, GeneralisedFit) and fit.clusters is not None:
        cluster = r_string(next(iter(design.read.groups)))
        shown += (
            f'V <- clubSandwich::vcovCR(fit, cluster = responses[[{cluster}]], type = "{fit.clustered}")\n'
            'found <- clubSandwich::coef_test(fit, vcov = V, test = "Satterthwaite")\n'
            'show(paste(rownames(coefs), "clustered se"), found$SE); show(paste(rownames(coefs), "df"), found$df)\n'
            'show(paste(rownames(coefs), "p"), found$p_Satt)\n'
        )
    if isinstance(fit, GeneralisedFit) and fit.penalised:
        shown = _FIRTH.replace("OUTCOME", r_string(design.read.outcome))
    return model_script(design, made_by, random=random_formula(random or {}), library=library, call=call, shown=shown)
