"""`cfa`: fit a confirmatory factor model and say how far it can be trusted."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np

from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.psychometrics.cfa.estimators import Estimator, estimator_named
from feedbackstudy.psychometrics.cfa.fit import fit_measures
from feedbackstudy.psychometrics.cfa.model import FactorModel
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.sample import Sample, read_sample
from feedbackstudy.psychometrics.cfa.solve import Solved, solve
from feedbackstudy.psychometrics.cfa.standard import Standardised, standardised
from feedbackstudy.psychometrics.cfa.stated import Stated, stated_model
from feedbackstudy.psychometrics.cfa.table import EQUAL, Options, build
from feedbackstudy.psychometrics.matrix import Items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread

__all__ = ["cfa", "errors_of", "is_ordinal", "record", "thresholds_of"]

_ERRORS = ("default", "expected", "observed", "sandwich")
_KEPT = frozenset({"npar", "df", "ntotal"})


def errors_of(estimator: Estimator, se: str, missing: str) -> str:
    """Return which standard errors are computed.

    Parameters
    ----------
    estimator : Estimator
        How the model is fitted.
    se : {"default", "expected", "observed", "sandwich"}
        What the user asked for; the default is the estimator's own.
    missing : str
        How missing answers are used; with ``"fiml"`` a default of expected becomes observed.

    Returns
    -------
    str
        ``expected``, ``observed``, ``sandwich`` or ``moments``, as in `Fitted`.

    Raises
    ------
    DeclarationError
        If `se` is unknown, or asks least squares for errors that need a likelihood.
    """
    if se not in _ERRORS:
        raise DeclarationError(choices("Standard error", se, _ERRORS))
    if se != "default":
        if not estimator.likelihood:
            raise DeclarationError(f'se={se!r} needs a likelihood; {estimator.name} has se="default" only.')
        return se
    usual = {"standard": "expected", "sandwich": "sandwich", "moments": "moments"}[estimator.errors]
    return "observed" if usual == "expected" and missing == "fiml" else usual


def is_ordinal(estimator: Estimator, ordered: Collection[str] | str | None, items: tuple[str, ...]) -> bool:
    """Say whether the items are fitted as ordinal, and refuse a mixture.

    Parameters
    ----------
    estimator : Estimator
        How the model is fitted.
    ordered : collection of str, "all" or None
        Names of the ordinal items; None leaves it to the estimator.
    items : tuple of str
        Observed variables of the model.

    Returns
    -------
    bool
        Whether every item is ordinal.

    Raises
    ------
    DataError
        If an ordinal item is not in the model, or only some items are ordinal.
    DeclarationError
        If `ordered` is another string, or the estimator takes items as continuous.
    """
    if ordered is None:
        return estimator.ordinal
    if isinstance(ordered, str) and ordered != "all":
        raise DeclarationError(f'ordered={ordered!r}: give the names of the ordinal items as a list, or "all".')
    named = set(items) if ordered == "all" else set(ordered)
    unknown = sorted(named - set(items))
    if unknown:
        raise DataError(choices("Ordinal item", unknown[0], items))
    if named and named != set(items):
        rest = ", ".join(sorted(set(items) - named))
        raise DataError(f"Only some items are ordinal; {rest} would be continuous. Mixed models are not supported.")
    if named and estimator.likelihood:
        raise DeclarationError(f'{estimator.name} takes items as continuous; use estimator="WLSMV" for ordinal ones.')
    return bool(named)


def thresholds_of(sample: Sample) -> dict[str, int]:
    """Return the number of thresholds of every ordinal item.

    Parameters
    ----------
    sample : Sample
        The data.

    Returns
    -------
    dict of str to int
        Ordinal item -> number of thresholds; empty for continuous items.
    """
    if not sample.polychorics:
        return {}
    first = sample.polychorics[0]
    return {item: len(tau) for item, tau in zip(first.items, first.thresholds, strict=True)}


def _refuse_options(
    estimator: Estimator, missing: str, likelihood: str, equal: Collection[str], parameterization: str
) -> None:
    if missing == "fiml" and not estimator.missing:
        raise DeclarationError(f'missing="fiml" needs estimator="ML" or "MLR"; {estimator.name} uses complete rows.')
    if likelihood not in {"normal", "wishart"}:
        raise DeclarationError(choices("Likelihood", likelihood, ("normal", "wishart")))
    if likelihood == "wishart" and (estimator.name != "ML" or missing == "fiml"):
        raise DeclarationError('likelihood="wishart" goes with estimator="ML" and complete rows only.')
    if parameterization not in {"delta", "theta"}:
        raise DeclarationError(choices("Parameterization", parameterization, ("delta", "theta")))
    for name in equal:
        if name not in EQUAL:
            raise DeclarationError(choices("Equality", name, EQUAL))


def record(
    solved: Solved, *, missing: str, likelihood: str = "normal", level: float = 0.95, made_by: str = "cfa"
) -> CFA:
    """Make the record of a solved model; fit and standard errors are withheld where they do not exist.

    Parameters
    ----------
    solved : Solved
        The fit.
    missing, likelihood : str
        How the rows were used.
    level : float
        Level of the intervals.
    made_by : str
        Public function.

    Returns
    -------
    CFA
        The record.
    """
    fitted = solved.fitted
    q, rows = fitted.structure.n_free, len(fitted.structure.c)
    nothing = Standardised(*(np.full(rows, np.nan) for _ in range(3)))
    covariance, standard = np.full((q, q), np.nan), nothing
    fit: dict[str, float] = {"npar": float(q), "df": float(fitted.df), "ntotal": float(fitted.sample.n)}
    if solved.usable:
        covariance = fitted.covariance
        standard = standardised(fitted, covariance)
        fit = fit_measures(fitted)
    else:
        fit = _withheld(fit, fitted.estimator)
    return CFA(
        fitted=fitted,
        covariance=covariance,
        standard=standard,
        fit=MappingProxyType(fit),
        converged=solved.converged,
        identified=solved.identified,
        iterations=solved.iterations,
        issues=(*fitted.sample.issues, *solved.issues),
        missing=missing,
        likelihood=likelihood,
        level=level,
        provenance=origin(made_by, *_conventions(solved, missing, likelihood)),
    )


def _withheld(kept: Mapping[str, float], estimator: Estimator) -> dict[str, float]:
    """Name the usual measures without a value."""
    names = ["chisq", "pvalue", "cfi", "tli", "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "rmsea.pvalue", "srmr"]
    if estimator.scaled:
        names += ["chisq.scaled", "df.scaled", "pvalue.scaled", "chisq.scaling.factor", "cfi.scaled", "tli.scaled"]
        names += ["rmsea.scaled", "rmsea.ci.lower.scaled", "rmsea.ci.upper.scaled", "rmsea.pvalue.scaled"]
    if estimator.likelihood:
        names += ["aic", "bic", "logl"]
    return {**dict.fromkeys(names, float("nan")), **kept}


def _conventions(solved: Solved, missing: str, likelihood: str) -> tuple[str, ...]:
    fitted = solved.fitted
    e, options = fitted.estimator, fitted.structure.table.options
    errors = {
        "expected": "expected information",
        "observed": "observed information",
        "sandwich": "observed information and casewise scores (Huber-White)",
        "moments": "expected information and distribution-free covariance of the moments",
    }[fitted.errors]
    divisor = "n" if e.likelihood and likelihood == "normal" else "n - 1"
    rows = "all rows with an answer (full information)" if missing == "fiml" else "complete rows (listwise)"
    said = [
        f"{e.name}: {e.says}",
        f"standard errors: {errors}",
        f"chi-square and covariances with divisor {divisor}",
        rows,
    ]
    if fitted.sample.polychorics:
        said.append(f"{options.parameterization} parameterization of ordinal items; thresholds from the margins")
        said.append("robust CFI and RMSEA after Savalei (2021); scaled ones beside them")
    said.append("factor variances one" if options.standardised_factors else "first loading of each factor one")
    return tuple(said)


@one_thread()
def cfa(
    data: Items,
    model: Stated,
    *,
    estimator: str = "MLR",
    missing: str = "listwise",
    group: str | None = None,
    ordered: Collection[str] | str | None = None,
    std_lv: bool = False,
    mean_structure: bool | None = None,
    equal: Collection[str] = (),
    partial: Collection[str] = (),
    parameterization: str = "delta",
    se: str = "default",
    likelihood: str = "normal",
    level: float = 0.95,
) -> CFA:
    r"""Fit a confirmatory factor model.

    Parameters
    ----------
    data : DataFrame or array
        One row a person, one column an item (an array's columns are ``item1``, ``item2`` ...).
    model : str, mapping, FactorModel or Scale
        lavaan syntax, ``{factor: [items]}``, a model, or a scale with one form.
    estimator : str, default "MLR"
        ML, MLR, MLM, MLMV, MLMVS, GLS, ULS, ULSM, ULSMV, WLS, DWLS, WLSM or WLSMV.
    missing : {"listwise", "fiml"}
        Complete rows, or every row with an answer (ML and MLR).
    group : str, optional
        Column that parts the groups.
    ordered : collection of str or "all", optional
        Ordinal items. By default all for WLSMV, WLSM and ULSMV and none otherwise; an empty collection for none.
    std_lv : bool, default False
        Fix factor variances to one instead of the first loading of each factor.
    mean_structure : bool, optional
        Model the means; by default with several groups or full information.
    equal : collection of str
        What is held equal between groups: loadings, intercepts, residuals, residual.covariances, thresholds, means,
        lv.variances, lv.covariances, regressions.
    partial : collection of str
        Parameters exempt from `equal`, such as ``"x3~1"`` or ``"visual=~x2"``.
    parameterization : {"delta", "theta"}
        For ordinal items: total or residual variance of the latent response is one.
    se : {"default", "expected", "observed", "sandwich"}
        Standard errors, where the estimator's own are not wanted.
    likelihood : {"normal", "wishart"}
        Divisor n or n - 1 for ML with complete rows.
    level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    CFA
        Estimates, fit by lavaan's names, conditions, modification indices, a lavaan script.

    Raises
    ------
    DataError
        For data that cannot be fitted: absent or constant items, text, a group that is too small, collinear items.
    DeclarationError
        For a model or option that contradicts itself.

    Notes
    -----
    The covariance a model implies is :math:`G S G^\top` with :math:`G` the observed rows of :math:`(I - A)^{-1}`, A
    loadings
    and regressions, S (residual) covariances. ML minimises
    :math:`\log|\Sigma| + \mathrm{tr}(S\Sigma^{-1}) - \log|S| - p` (Jöreskog, 1969), full information the same by
    pattern of
    missing answers (Arbuckle, 1996), least squares :math:`(s-\sigma)^\top W (s-\sigma)` (Browne, 1984; Muthén, 1984).
    All
    derivatives are closed forms; the search is Newton's. A model that did not converge, is not identified or has an
    improper
    solution says so in ``conditions``, and numbers that do not exist are NaN.
    """
    chosen = estimator_named(estimator)
    _refuse_options(chosen, missing, likelihood, equal, parameterization)
    stated = stated_model(model)
    ordinal = is_ordinal(chosen, ordered, stated.items)
    sample = read_sample(data, stated.items, group=group, missing=missing, ordinal=ordinal)
    means = _means(mean_structure, stated, group, missing)
    options = Options(
        n_groups=len(sample.names),
        mean_structure=means,
        standardised_factors=std_lv if stated.standardised_factors is None else stated.standardised_factors,
        thresholds=thresholds_of(sample),
        parameterization=parameterization,
        equal=frozenset(equal),
        partial=frozenset(partial),
    )
    errors = errors_of(chosen, se, missing)
    solved = solve(build(stated, options), sample, chosen, means=means, errors=errors, likelihood=likelihood)
    return record(solved, missing=missing, likelihood=likelihood, level=level)


def _means(wanted: bool | None, model: FactorModel, group: str | None, missing: str) -> bool:
    stated = any(s.op == "~1" for s in model.statements)
    if wanted is None:
        return stated or group is not None or missing == "fiml"
    if not wanted and (stated or missing == "fiml"):
        raise DeclarationError(
            "mean_structure=False contradicts a stated intercept (~1) or missing='fiml'; leave it out."
        )
    return wanted
