"""Linear mixed models of a data frame: random intercepts and slopes, crossed and nested."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.contrasts_fit import FittedCells
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, JointTest
from feedbackstudy.analysis.frequentist.kenward_roger import KenwardRoger, independent_rows
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.frequentist.mixed_cells import METHODS, fit_notes
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.reml import MixedFit, fit_mixed
from feedbackstudy.analysis.frequentist.satterthwaite import Satterthwaite
from feedbackstudy.analysis.lmm_result import MixedModel
from feedbackstudy.analysis.model_formula import emmeans_code, model_script, random_formula
from feedbackstudy.analysis.model_rows import TermRow, effect_rows
from feedbackstudy.analysis.model_terms import TermDesign, design_of
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import number
from feedbackstudy.threads import one_thread

__all__ = ["lmm", "random_factors"]

type Floats = NDArray[np.float64]
type Random = Mapping[str, Sequence[str]]


@one_thread()
def lmm(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    random: Random,
    *,
    df: Literal["satterthwaite", "kenward-roger"] = "satterthwaite",
    estimation: Literal["reml", "ml"] = "reml",
    uncorrelated: Sequence[str] = (),
    categorical: Sequence[str] = (),
    level: float = 0.95,
) -> MixedModel:
    r"""Fit a linear mixed model to a data frame.

    Parameters
    ----------
    data : DataFrame
        One row for each answer. It is not changed; rows with a missing value are left out and counted.
    outcome : str
        Column of the outcome.
    terms : sequence of str
        Fixed terms: columns, and interactions as names joined by ``:``. Text and categories are factors, numbers are
        covariates, used as they are.
    random : mapping of str to sequence of str
        Grouping factor -> what varies between its levels: ``"1"`` for the intercept, columns for slopes. A nested
        factor is named with ``:``, as in ``{"school": ["1"], "school:class": ["1"]}``; others are crossed.
    df : {"satterthwaite", "kenward-roger"}, default "satterthwaite"
        Degrees of freedom; Kenward-Roger also widens standard errors, and needs REML.
    estimation : {"reml", "ml"}, default "reml"
        Restricted likelihood, or the full one to compare fixed effects by AIC.
    uncorrelated : sequence of str
        Grouping factors whose intercept and slopes do not correlate.
    categorical : sequence of str
        Columns of numbers that are levels of a factor.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    MixedModel
        `frame()`, `terms_frame()`, `variances_frame()`, `means()`, `contrasts()`, `icc`, `random_tests()`,
        `variance_intervals()`, `r_script()`.

    Raises
    ------
    DataError
        For a table, terms or random effects that cannot be used: one level, as many levels as rows, collinearity.
    NotFoundError
        For an unknown column.

    Notes
    -----
    See `analysis.frequentist.reml.fit_mixed`. F tests are of type III: each term with the others averaged over, by
    hypotheses that do not depend on coding or on the order of levels. Effects in SD are divided by the root of the sum
    of all variance components (Westfall, Kenny & Judd, 2014, Journal of Experimental Psychology: General 143).

    Examples
    --------
    >>> lmm(
    ...     data,
    ...     "y",
    ...     ["timing", "timing:framing"],
    ...     {"participant": ["1", "day"]},
    ... )  # doctest: +SKIP
    """
    if df not in METHODS:
        raise DataError(choices("degrees of freedom", df, METHODS))
    if estimation not in ("reml", "ml"):
        raise DataError(choices("estimation", estimation, ("reml", "ml")))
    check_level(level)
    design = _design(data, outcome, terms, random, categorical)
    factors = random_factors(design, random, uncorrelated)
    built = design.built
    fit = fit_mixed(design.read.y, built.matrix, factors, reml=estimation == "reml")
    tests = METHODS[df](fit)
    sd = float(np.sqrt(fit.total_variance))
    unit = np.eye(fit.beta.size)
    ses = np.sqrt(np.diag(tests.covariance))
    notes, failures = fit_notes(fit)
    script = _script(design, random, uncorrelated, df=df, reml=fit.reml)
    return MixedModel(
        title="Linear mixed model",
        outcome=outcome,
        model=_words(fit, factors, tests.name),
        effects=effect_rows(built.names, fit.beta, ses, tests.dfs(unit).tolist(), level, sd=sd),
        terms=tuple(map(_term, design.hypotheses, tests.joints(list(design.hypotheses.values())))),
        facts=_facts(fit),
        n=design.read.n,
        level=level,
        notes=(*design.read.notes, *notes, *_uncentred(design)),
        failures=failures,
        scales={"response": lambda: _cells(design, fit, tests, notes, failures)},
        script=script,
        cells_in_r={"response": emmeans_code(design, script, f', lmer.df = "{df}"')} if design.factors else {},
        provenance=Provenance(made_by="analysis.lmm", conventions=_conventions(fit, tests.name, level)),
        fit=fit,
        design=design,
        factors=tuple(factors),
    )


def _design(
    data: pd.DataFrame, outcome: str, terms: Sequence[str], random: Random, categorical: Sequence[str]
) -> TermDesign:
    if not isinstance(random, Mapping) or not random:
        raise DataError(
            "'random' maps each grouping factor to what varies between its levels, such as {'participant': ['1']}; "
            f"given {random!r}. Without random effects use analysis.regression or analysis.anova."
        )
    for name, varying in random.items():
        if isinstance(varying, str) or not list(varying):
            raise DataError(f"Give a list for {name!r}, such as ['1'] or ['1', 'days']; given {varying!r}.")
    groups = [part for name in random for part in name.split(":")]
    slopes = [term for varying in random.values() for term in varying if term != "1"]
    return design_of(data, outcome, terms, groups=groups, slopes=slopes, categorical=categorical)


def random_factors(design: TermDesign, random: Random, uncorrelated: Sequence[str] = ()) -> list[RandomFactor]:
    """Build the random part of a model.

    Parameters
    ----------
    design : TermDesign
        Holds the grouping columns and the slopes' columns.
    random : mapping of str to sequence of str
        Grouping factor -> its terms.
    uncorrelated : sequence of str
        Grouping factors whose terms do not correlate.

    Returns
    -------
    list of RandomFactor
        In the order given.

    Raises
    ------
    DataError
        For an unknown name in `uncorrelated`, or a factor that the rows cannot carry.
    """
    for name in uncorrelated:
        if name not in random:
            raise DataError(choices("Grouping factor in 'uncorrelated'", name, random))
    made = []
    for name, varying in random.items():
        codes = np.zeros(design.read.n, dtype=np.int64)
        for part in name.split(":"):
            column = design.read.groups[part]
            codes = codes * len(column.levels) + column.codes
        slopes = [pair for term in varying if term != "1" for pair in _slope(design, term)]
        made.append(RandomFactor.of(name, codes, slopes, intercept="1" in varying, correlated=name not in uncorrelated))
    return made


def _slope(design: TermDesign, term: str) -> list[tuple[str, Floats]]:
    if term in design.read.covariates:
        return [(term, design.read.covariates[term])]
    factor = design.read.factors[term]
    indicators = np.eye(len(factor.levels))[factor.codes]
    return [(f"{term}[{level}]", indicators[:, k]) for k, level in enumerate(factor.levels) if k]


def _term(term: str, found: JointTest) -> TermRow:
    return TermRow(term=term, statistic=found.f, df=found.df, df2=found.df2, p=found.p)


def _cells(
    design: TermDesign,
    fit: MixedFit,
    tests: Satterthwaite | KenwardRoger,
    notes: tuple[str, ...],
    failures: tuple[str, ...],
) -> FittedCells:
    grid, cells = design.grid, design.cells
    counts = cells.counts if design.saturated else np.maximum(cells.counts, 1)
    found = CellFit(
        means=grid @ fit.beta,
        covariance=grid @ tests.covariance @ grid.T,
        df=lambda row: tests.df(row @ grid),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(fit.total_variance)),
        n=fit.n,
        model=f"marginal means of a linear mixed model, degrees of freedom by {tests.name}",
        joint_df=lambda rows: tests.joint_df(independent_rows(rows) @ grid),
        joint_scale=lambda rows: tests.joint_scale(independent_rows(rows) @ grid),
    )
    held = (f"Covariates ({', '.join(design.covariates)}) are held at their mean.",) if design.covariates else ()
    return FittedCells(
        fit=found,
        cells=cells,
        n=fit.n,
        notes=notes + held,
        failures=failures,
        data=pd.DataFrame(),
        fit_in_r="",
        spread="the root of the sum of all variance components",
    )


def _words(fit: MixedFit, factors: Sequence[RandomFactor], method: str) -> str:
    estimation = "REML" if fit.reml else "maximum likelihood"
    random = "; ".join(f"{one.name} ({', '.join(one.terms)}; {one.levels} levels)" for one in factors)
    return f"Linear mixed model by {estimation}; random: {random}; degrees of freedom by {method}"


def _facts(fit: MixedFit) -> tuple[tuple[str, str], ...]:
    kind = "restricted log likelihood" if fit.reml else "log likelihood"
    shares = [(f"ICC, {name}", number(value)) for name, value in fit.icc.items()]
    return (
        (kind, number(fit.log_likelihood)),
        ("AIC, BIC", f"{number(fit.aic, 1)}, {number(fit.bic, 1)}"),
        *shares,
    )


def _uncentred(design: TermDesign) -> tuple[str, ...]:
    inside = {part for parts in design.terms.values() if len(parts) > 1 for part in parts}
    notes = []
    for name in design.covariates:
        values = design.read.covariates[name]
        if name in inside and abs(float(values.mean())) > 1e-9 * max(float(np.abs(values).max()), 1e-300):
            notes.append(
                f"{name} enters an interaction uncentred: effects and F tests of what it interacts with are those at "
                f"{name} = 0. Centre it to have them at its mean."
            )
    return tuple(notes)


def _conventions(fit: MixedFit, method: str, level: float) -> tuple[str, ...]:
    return (
        f"{'REML' if fit.reml else 'maximum likelihood'}; degrees of freedom by {method}",
        "factors against their first level in the table of effects; tests of terms of type III, whatever the coding",
        f"{level:.0%} intervals by t",
        "in SD: over the root of the sum of all variance components",
        "ICC: share of a factor's variance (mean over rows, with slopes) in the total",
    )


def _script(design: TermDesign, random: Random, uncorrelated: Sequence[str], *, df: str, reml: bool) -> RScript:
    formula = random_formula(random, uncorrelated)
    ddf = "Kenward-Roger" if df == "kenward-roger" else "Satterthwaite"
    return model_script(
        design,
        "analysis.lmm",
        random=formula,
        library="lmerTest",
        call=f"lmer(FORMULA, data = responses, REML = {'TRUE' if reml else 'FALSE'})",
        shown=f'coefs <- coef(summary(fit, ddf = "{ddf}"))\n'
        'show(paste(rownames(coefs), "estimate"), coefs[, "Estimate"])\n'
        'show(paste(rownames(coefs), "se"), coefs[, "Std. Error"])\n'
        'show(paste(rownames(coefs), "df"), coefs[, "df"])\n'
        'show("sigma2", sigma(fit)^2)\nshow("logLik", logLik(fit))\n'
        f'print(anova(fit, type = 3, ddf = "{ddf}"))\nprint(VarCorr(fit))\n',
    )
