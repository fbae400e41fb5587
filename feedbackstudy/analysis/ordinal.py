"""Cumulative models of ordered categories of a data frame, with the check of proportional odds in sight."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit, fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_cells import CumulativeScale, cumulative_quantities, spread_of
from feedbackstudy.analysis.frequentist.cumulative_clusters import clustered_cumulative
from feedbackstudy.analysis.frequentist.cumulative_mixed import CumulativeMixedFit, fit_cumulative_mixed
from feedbackstudy.analysis.frequentist.cumulative_tests import LikelihoodRatio, nominal_test, scale_test
from feedbackstudy.analysis.frequentist.links import link_of
from feedbackstudy.analysis.model_formula import emmeans_code, model_script, random_formula
from feedbackstudy.analysis.model_parts import Random, fitted_cells, intercepts, read_model, wald_terms
from feedbackstudy.analysis.model_result import ModelResult
from feedbackstudy.analysis.model_rows import effect_rows
from feedbackstudy.analysis.model_terms import TermDesign
from feedbackstudy.analysis.ordinal_words import conventions, fit_facts, fit_notes, model_words
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_string
from feedbackstudy.render import Block, Table, number, p_value
from feedbackstudy.threads import one_thread

__all__ = ["OrdinalModel", "ordinal"]

type Floats = NDArray[np.float64]

_SCALES: tuple[CumulativeScale, ...] = ("latent", "response")


@dataclass(frozen=True, kw_only=True, eq=False)
class OrdinalModel(ModelResult):
    """A cumulative model of ordered categories. Make it with `ordinal`.

    Attributes
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        Everything that was estimated, unrounded.
    design : TermDesign
        Its fixed part.
    categories : tuple of str
        In order.
    """

    fit: CumulativeFit | CumulativeMixedFit
    design: TermDesign
    categories: tuple[str, ...]

    def thresholds_frame(self) -> pd.DataFrame:
        """Return the thresholds between categories.

        Returns
        -------
        DataFrame
            One row each: threshold, estimate, se.
        """
        size = self.fit.thresholds.size
        return pd.DataFrame(
            {
                "threshold": [f"{a}|{b}" for a, b in zip(self.categories, self.categories[1:], strict=False)],
                "estimate": self.fit.thresholds,
                "se": np.sqrt(np.diag(self.fit.covariance))[:size],
            }
        )

    @one_thread()
    def proportional_odds(self) -> tuple[LikelihoodRatio, ...]:
        """Test for each term whether its effect differs between thresholds.

        Returns
        -------
        tuple of LikelihoodRatio
            Nominal tests as in R's ordinal, without random effects and as if rows of a cluster were independent.
        """
        return self._against(nominal_test)

    @one_thread()
    def scale_tests(self) -> tuple[LikelihoodRatio, ...]:
        """Test for each term whether the spread of the latent answer differs.

        Returns
        -------
        tuple of LikelihoodRatio
            Scale tests as in R's ordinal, without random effects and as if rows of a cluster were independent.
        """
        return self._against(scale_test)

    def _against(self, test: Callable[..., LikelihoodRatio]) -> tuple[LikelihoodRatio, ...]:
        codes, built = self.design.read.y.astype(np.int64), self.design.built
        return tuple(
            test(
                codes,
                built.matrix[:, 1:],
                len(self.categories),
                slice(span.start - 1, span.stop - 1),
                term=term,
                link=self.fit.link,
            )
            for term, span in built.spans.items()
        )

    def more(self) -> Sequence[Block]:
        """Return thresholds and the check of proportional odds.

        Returns
        -------
        sequence of Block
            Two tables.
        """
        cuts = [
            (str(row["threshold"]), number(row["estimate"]), number(row["se"]))
            for row in self.thresholds_frame().to_dict("records")
        ]
        checks = []
        for one in self.proportional_odds():
            p = one.note or p_value(one.p).removeprefix("p ").removeprefix("= ")
            checks.append((one.term, number(one.statistic, 2), number(one.df), p))
        same = "Do effects differ between thresholds (check of proportional odds, rows as if independent)?"
        return (
            Table(("threshold", "estimate", "SE"), tuple(cuts), "Thresholds"),
            Table(("term", "\N{GREEK SMALL LETTER CHI}²", "df", "p"), tuple(checks), same),
        )


@one_thread()
def ordinal(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    link: Literal["logit", "probit"] = "logit",
    random: Random | None = None,
    cluster: str | None = None,
    nodes: int = 1,
    categorical: Sequence[str] = (),
    level: float = 0.95,
) -> OrdinalModel:
    r"""Fit a cumulative model of ordered categories to a data frame.

    Parameters
    ----------
    data : DataFrame
        One row for each answer. It is not changed; rows with a missing value are left out and counted.
    outcome : str
        Column of ratings: numbers, or an ordered categorical column.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``.
    link : {"logit", "probit"}, default "logit"
        Proportional odds, or a normal latent answer.
    random : mapping of str to sequence of str, optional
        Grouping factors with ``["1"]``: random intercepts, crossed or (named with ``:``) nested.
    cluster : str, optional
        Column of clusters of a sandwich covariance (CR1, t on clusters - 1), instead of random effects. CR2 and CR3 are
        not offered: thresholds and slopes together have no working linear model whose leverages would correct it.
        `analyse` gives declared clusters random intercepts.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor; 1 is Laplace's approximation.
    categorical : sequence of str
        Columns of numbers that are levels of a factor.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    OrdinalModel
        `frame()`, `terms_frame()`, `thresholds_frame()`, `means(scale="response")` for expected ratings (categories
        that are no numbers count 1, 2, ...), `contrasts()`, `proportional_odds()`, `scale_tests()`, `r_script()`.

    Raises
    ------
    DataError
        For a table or terms that cannot be used, separation, or a single category.
    NotFoundError
        For an unknown column.

    Notes
    -----
    :math:`P(Y\le k) = F(\alpha_k - x'\beta)`: a positive effect moves answers up. Tests of terms are Wald's, type III.
    Expected ratings are averaged over covariates and random effects. See `analysis.frequentist.cumulative`.
    """
    design = read_model(
        data, outcome, terms, kind="ordered", random=random, cluster=cluster, categorical=categorical, level=level
    )
    link_of(link)
    factors, built, read = intercepts(design, random, nodes), design.built, design.read
    codes = read.y.astype(np.int64)
    present, codes = np.unique(codes, return_inverse=True)
    categories = tuple(read.outcome_levels[int(code)] for code in present)
    x, k = built.matrix[:, 1:], present.size
    fit: CumulativeFit | CumulativeMixedFit = (
        fit_cumulative_mixed(codes, x, k, factors, link=link, nodes=nodes)
        if factors
        else _fixed(codes, x, k, link, None if cluster is None else read.groups[cluster].codes)
    )
    cuts, df = fit.thresholds.size, _df(fit)
    covariance = fit.covariance[cuts : cuts + fit.beta.size, cuts : cuts + fit.beta.size]
    sd = spread_of(fit, read.y, np.zeros(read.n, dtype=np.int64), "latent")
    notes, failures = fit_notes(fit, read.outcome_levels, categories)
    ses, dfs = np.sqrt(np.diag(covariance)), [df] * fit.beta.size
    script = _script(design, fit, random)
    return OrdinalModel(
        title="Cumulative model",
        outcome=outcome,
        model=model_words(fit, k),
        effects=effect_rows(built.names[1:], fit.beta, ses, dfs, level, sd=sd, ratios=link == "logit"),
        terms=wald_terms({t: rows[:, 1:] for t, rows in design.hypotheses.items()}, fit.beta, covariance, df=df),
        facts=fit_facts(fit),
        n=read.n,
        level=level,
        notes=(*read.notes, *notes),
        failures=failures,
        scales={scale: partial(_cells, design, fit, codes, categories, scale, notes, failures) for scale in _SCALES},
        script=script,
        cells_in_r={} if cluster is not None else _in_r(design, script, mixed=bool(factors)),
        provenance=Provenance(made_by="analysis.ordinal", conventions=conventions(link, level, df)),
        fit=fit,
        design=design,
        categories=categories,
    )


def _fixed(
    codes: NDArray[np.int64], x: Floats, categories: int, link: str, cluster: NDArray[np.int64] | None
) -> CumulativeFit:
    fit = fit_cumulative(codes, x, categories, link=link)
    return fit if cluster is None else clustered_cumulative(fit, codes, x, cluster)


def _df(fit: CumulativeFit | CumulativeMixedFit) -> float:
    return fit.df if isinstance(fit, CumulativeFit) else float("inf")


def _values(categories: tuple[str, ...]) -> Floats:
    try:
        return np.array([float(one) for one in categories])
    except ValueError:
        return np.arange(1.0, len(categories) + 1)


def _cells(
    design: TermDesign,
    fit: CumulativeFit | CumulativeMixedFit,
    codes: NDArray[np.int64],
    categories: tuple[str, ...],
    scale: CumulativeScale,
    notes: tuple[str, ...],
    failures: tuple[str, ...],
) -> FittedCells:
    values = _values(categories)
    rows = design.grid[:, 1:] if scale == "latent" else design.standard[:, :, 1:]
    found, covariance = cumulative_quantities(fit, rows, values, scale)
    held = "held at their mean" if scale == "latent" else "averaged over as they are in the rows"
    return fitted_cells(
        design,
        found,
        covariance,
        df=_df(fit),
        scale=scale,
        sd=spread_of(fit, values[codes], design.cells.cell, scale),
        model=f"{'latent means minus the mean threshold' if scale == 'latent' else 'expected ratings'}; "
        + model_words(fit, len(categories)),
        notes=notes + ((f"Covariates ({', '.join(design.covariates)}) are {held}.",) if design.covariates else ()),
        failures=failures,
    )


def _in_r(design: TermDesign, script: RScript, *, mixed: bool) -> dict[str, str]:
    if not design.factors:
        return {}
    made = {"latent": emmeans_code(design, script)}
    if not mixed and not design.covariates:
        made["response"] = emmeans_code(design, script, ', mode = "mean.class"')
    return made


def _script(design: TermDesign, fit: CumulativeFit | CumulativeMixedFit, random: Random | None) -> RScript:
    mixed = isinstance(fit, CumulativeMixedFit)
    nodes = f", nAGQ = {fit.quadrature}" if isinstance(fit, CumulativeMixedFit) else ""
    call = f'{"clmm" if mixed else "clm"}(FORMULA, data = responses, link = "{fit.link}"{nodes})'
    return model_script(
        design,
        "analysis.ordinal",
        random=random_formula(random or {}),
        library="ordinal",
        call=call,
        shown="coefs <- coef(summary(fit))\n"
        'show(paste(rownames(coefs), "estimate"), coefs[, 1])\nshow(paste(rownames(coefs), "se"), coefs[, 2])\n'
        'show("logLik", logLik(fit))\n'
        + ("" if mixed else "print(nominal_test(fit))\nprint(scale_test(fit))\n")
        + _sandwich_in_r(design, fit),
        ordered=True,
    )


def _sandwich_in_r(design: TermDesign, fit: CumulativeFit | CumulativeMixedFit) -> str:
    if isinstance(fit, CumulativeMixedFit) or fit.clusters is None:
        return ""
    cluster = r_string(next(iter(design.read.groups)))
    return (
        "X <- model.matrix(delete.response(fit$terms), responses)[, -1, drop = FALSE]; y <- as.integer(fit$y)\n"
        'cdf <- if (fit$link == "logit") plogis else pnorm; k <- length(fit$alpha)\n'
        "each <- function(p) { cut <- c(-Inf, p[1:k], Inf); eta <- as.vector(X %*% p[-(1:k)])\n"
        "  log(cdf(cut[y + 1] - eta) - cdf(cut[y] - eta)) }\n"
        f"S <- rowsum(numDeriv::jacobian(each, coef(fit)), responses[[{cluster}]]); G <- nrow(S); n <- length(y)\n"
        "V <- vcov(fit) %*% crossprod(S) %*% vcov(fit) * G / (G - 1) * (n - 1) / (n - length(coef(fit)))\n"
        'show(paste(names(coef(fit)), "clustered se"), sqrt(diag(V)))\n'
    )
