"""Bayes factors of analyses of variance of a data frame: fixed factors, covariates, one random factor."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayes_models import BayesFactors, ModelEvidence
from feedbackstudy.analysis.bayesian.jzs_blocks import Block, block_model, effect_columns, whitened
from feedbackstudy.analysis.bayesian.jzs_integrals import Evidence, log_bayes_factor
from feedbackstudy.analysis.bayesian.jzs_model import blocks_model
from feedbackstudy.analysis.bayesian.jzs_regression import log_bic_factor
from feedbackstudy.analysis.columns import Columns, read_columns
from feedbackstudy.analysis.crossed import term_parts
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number
from feedbackstudy.threads import one_thread

__all__ = ["bayes_factor_anova"]

type Floats = NDArray[np.float64]
type Models = Literal["with_main", "all", "top"]

_MODELS = ("with_main", "all", "top")
_MOST = 300
_COVARIATES = math.sqrt(2) / 4


@one_thread()
def bayes_factor_anova(
    data: pd.DataFrame,
    outcome: str,
    factors: Sequence[str],
    *,
    random: str | None = None,
    covariates: Sequence[str] = (),
    models: Models | Sequence[Sequence[str]] = "with_main",
    prior_scale: float = 0.5,
    random_scale: float = 1.0,
    covariate_scale: float = _COVARIATES,
) -> BayesFactors:
    r"""Return Bayes factors of the models that factors and their interactions make.

    Parameters
    ----------
    data : DataFrame
        One row for each observation. It is not changed.
    outcome : str
        Column of the outcome.
    factors : sequence of str
        Fixed factors.
    random : str, optional
        Column of one random factor (participants of repeated measures, interviewers); it is part of every model, the
        null model too.
    covariates : sequence of str
        Columns of numbers; together one term that is part of every model, the null model too.
    models : {"with_main", "all", "top"} or sequence of sequence of str, default "with_main"
        Models whose interactions come with all effects they hold; every combination of terms; the full model and
        each model that lacks one of its terms; or the terms of each model, such as ``[["timing", "timing:framing"]]``.
    prior_scale : float, default 0.5
        Scale of the multivariate Cauchy prior of the standardised effects of each fixed term.
    random_scale : float, default 1
        The same of the random factor.
    covariate_scale : float, default sqrt(2)/4
        The same of the standardised slopes of covariates.

    Returns
    -------
    BayesFactors
        Every model against the null model (with `models="top"` against the full one); `inclusion()`, `compared_with`,
        `robustness`, `frame()`, `r_script()`.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, models without terms, or more than 300 models.
    NotFoundError
        For a column, term or kind of models that does not exist.

    Notes
    -----
    Prior of Rouder et al. (2012), as in R's BayesFactor: orthonormal effects of term b are
    :math:`N(0, g_b \sigma^2)`, :math:`g_b \sim` inverse gamma(1/2, r^2/2), :math:`p(\mu, \sigma) \propto 1/\sigma`.
    BayesFactor draws over g; here g is integrated by deterministic rules, so that every run gives the same number.
    """
    for name, scale in (("prior", prior_scale), ("random", random_scale), ("covariate", covariate_scale)):
        if not (math.isfinite(scale) and scale > 0):
            raise DataError(f"{name}_scale must be positive and finite; given {scale}.")
    groups = [random] if random is not None else []
    read = read_columns(data, outcome, factors=list(factors), covariates=list(covariates), groups=groups)
    if not factors:
        raise DataError("Name at least one factor; for covariates alone use bayes_factor_regression.")
    asked = _asked(tuple(factors), models)
    engine = _Engine(read=read, random=random, random_scale=random_scale, covariate_scale=covariate_scale)
    engine.refuse_perfect(max(asked, key=len, default=()))
    found = cache(engine.evidence)
    base = found((), prior_scale)

    def against_null(terms: tuple[str, ...], width: float) -> float:
        return found(terms, width).log_bayes_factor - found((), width).log_bayes_factor

    null = _null_name(random, covariates)
    rows = [
        ModelEvidence(name=null, terms=(), log_bayes_factor=0.0, error=0.0, log_bic_factor=0.0 * engine.log_bic(()))
    ]
    rows += [_row(terms, found(terms, prior_scale), base, engine) for terms in asked]
    result = BayesFactors(
        title=f"Bayes factors of models of {outcome}",
        rows=tuple(rows),
        against=null,
        prior=_prior_words(prior_scale, random, random_scale, covariates, covariate_scale),
        prior_scale=prior_scale,
        n=read.n,
        notes=read.notes + _notes(rows, random, covariates),
        provenance=Provenance(
            made_by="analysis.bayes_factor_anova",
            conventions=("multivariate Cauchy prior for each term (JZS)", "deterministic integration over g"),
        ),
        script=_script(read, asked, random, (prior_scale, random_scale, covariate_scale)),
        evidence_at=against_null,
        model_of=lambda terms: engine.model(terms, prior_scale),
    )
    return result.compared_with(" + ".join(_terms(tuple(factors)))) if models == "top" else result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Engine:
    """Evidence of a model from the checked columns."""

    read: Columns
    random: str | None
    random_scale: float
    covariate_scale: float

    def blocks(self, terms: tuple[str, ...], scale: float) -> list[Block]:
        found = []
        for term in terms:
            parts = [self.read.factors[part] for part in term.split(":")]
            columns = effect_columns([part.codes for part in parts], [len(part.levels) for part in parts])
            found.append(Block(name=term, columns=columns, scale=scale))
        if self.read.covariates:
            found.append(
                Block(name="covariates", columns=whitened(self.read.covariate_matrix), scale=self.covariate_scale)
            )
        return found

    def refuse_perfect(self, terms: tuple[str, ...]) -> None:
        """Refuse an outcome that the terms together fit exactly: no error is left, and evidence has no end."""
        blocks = self.blocks(terms, 1.0)
        if not blocks:
            return
        columns = np.hstack([np.ones((self.read.n, 1)), *[block.columns for block in blocks]])
        rest = self.read.y - columns @ np.linalg.lstsq(columns, self.read.y, rcond=None)[0]
        centred = self.read.y - self.read.y.mean()
        if not rest @ rest > 1e-20 * float(centred @ centred):
            raise DataError(
                f"The model {' + '.join(terms) or 'of the covariates'} fits every value exactly; there is no error "
                "left to weigh evidence against."
            )

    def evidence(self, terms: tuple[str, ...], scale: float) -> Evidence:
        if not terms and self.random is None and not self.read.covariates:
            return Evidence(log_bayes_factor=0.0, error=0.0, method="intercept alone")
        random = None if self.random is None else (self.read.groups[self.random].codes, self.random_scale)
        return log_bayes_factor(block_model(self.read.y, self.blocks(terms, scale), random=random))

    def model(self, terms: tuple[str, ...], scale: float) -> Any:  # noqa: ANN401 - a type of PyMC, which only the Bayesian room imports
        name = self.random
        random = None if name is None else (name, self.read.groups[name].codes, self.random_scale)
        return blocks_model(self.read.y, self.blocks(terms, scale), random)

    def log_bic(self, terms: tuple[str, ...]) -> float:
        if self.random is not None:
            return math.nan
        if not terms and not self.read.covariates:
            return 0.0
        columns = np.hstack([block.columns for block in self.blocks(terms, 1.0)])
        columns = columns - columns.mean(axis=0)
        outcome = self.read.y - self.read.y.mean()
        fitted = columns @ np.linalg.lstsq(columns, outcome, rcond=None)[0]
        r2 = float(fitted @ outcome / (outcome @ outcome))
        return float(log_bic_factor(r2, n=self.read.n, predictors=np.linalg.matrix_rank(columns)))


def _row(terms: tuple[str, ...], found: Evidence, base: Evidence, engine: _Engine) -> ModelEvidence:
    return ModelEvidence(
        name=" + ".join(terms),
        terms=terms,
        log_bayes_factor=found.log_bayes_factor - base.log_bayes_factor,
        error=float(np.hypot(found.error, base.error)),
        log_bic_factor=engine.log_bic(terms) - engine.log_bic(()),
    )


def _terms(factors: tuple[str, ...]) -> tuple[str, ...]:
    sizes = range(1, len(factors) + 1)
    return tuple(":".join(parts) for size in sizes for parts in combinations(factors, size))


def _asked(factors: tuple[str, ...], models: Models | Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    if isinstance(models, str):
        if models not in _MODELS:
            raise DataError(choices("Kind of models", models, _MODELS))
        return _BY_KIND[models](_terms(factors))
    known = _terms(factors)
    found = []
    for one in models:
        if isinstance(one, str) or not one:
            raise DataError(f"Give the terms of each model as a list, such as [['timing', 'framing']]; given {one!r}.")
        named = {frozenset(term_parts(term, factors)) for term in one}
        found.append(tuple(term for term in known if frozenset(term.split(":")) in named))
    return tuple(dict.fromkeys(found))


def _all(terms: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if 2 ** len(terms) > _MOST:
        raise DataError(
            f"{len(terms)} terms make {2 ** len(terms) - 1:,} models, more than {_MOST}; use models='with_main' "
            "or 'top', or name the models."
        )
    sizes = range(1, len(terms) + 1)
    return tuple(one for size in sizes for one in combinations(terms, size))


def _with_main(terms: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the models that hold, with every interaction, all effects it is made of."""
    found: list[frozenset[str]] = [frozenset()]
    for term in terms:
        parts = set(term.split(":"))
        below = {other for other in terms if set(other.split(":")) < parts}
        found += [one | {term} for one in found if below <= one]
        if len(found) > _MOST:
            raise DataError(f"These factors make more than {_MOST} models; use models='top', or name the models.")
    ordered = sorted(
        (one for one in found if one), key=lambda one: (len(one), [terms.index(t) for t in terms if t in one])
    )
    return tuple(tuple(term for term in terms if term in one) for one in ordered)


def _top(terms: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    lacking = tuple(tuple(other for other in terms if other != term) for term in terms)
    return (terms, *(one for one in lacking if one))


_BY_KIND: dict[str, Callable[[tuple[str, ...]], tuple[tuple[str, ...], ...]]] = {
    "all": _all,
    "with_main": _with_main,
    "top": _top,
}


def _null_name(random: str | None, covariates: Sequence[str]) -> str:
    held = [*covariates, *([] if random is None else [random])]
    return f"{' + '.join(held)} only" if held else "intercept only"


def _prior_words(
    scale: float, random: str | None, random_scale: float, covariates: Sequence[str], covariate_scale: float
) -> str:
    parts = [f"multivariate Cauchy of the standardised effects of each term, scale {scale:.4g}"]
    parts += [f"{random} {random_scale:.4g}"] if random is not None else []
    parts += [f"covariates {covariate_scale:.4g}"] if covariates else []
    return ", ".join(parts) + " (JZS)"


def _notes(rows: Sequence[ModelEvidence], random: str | None, covariates: Sequence[str]) -> tuple[str, ...]:
    notes = []
    worst = max(row.error for row in rows)
    if worst:
        notes.append(
            f"The design is not balanced: models of three terms or more are integrated on a lattice, largest relative "
            f"error {worst:.1e}."
        )
    held = [f"the random factor {random}"] if random is not None else []
    held += [f"the covariates {', '.join(covariates)}"] if covariates else []
    if held:
        notes.append(f"Every model, the null model too, holds {' and '.join(held)}.")
    return tuple(notes)


def _script(
    read: Columns, asked: tuple[tuple[str, ...], ...], random: str | None, scales: tuple[float, float, float]
) -> RScript:
    """Return lmBF for every model, columns under safe names."""
    safe = {name: f"f{k + 1}" for k, name in enumerate(read.factors)}
    frame = pd.DataFrame({"y": read.y})
    for name, column in read.factors.items():
        frame[safe[name]] = [f"l{code}" for code in column.codes]
    extra = "".join(f" + x{k + 1}" for k in range(len(read.covariates)))
    for k, values in enumerate(read.covariates.values()):
        frame[f"x{k + 1}"] = values
    which, tail = "", ""
    if random is not None:
        frame["g"] = [f"g{code}" for code in read.groups[random].codes]
        which, tail = ', whichRandom = "g"', " + g"
    fixed, drawn, slope = map(r_number, scales)
    options = f"rscaleFixed = {fixed}, rscaleRandom = {drawn}, rscaleCont = {slope}, progress = FALSE{which}"
    factors = [*safe.values(), *(["g"] if random is not None else [])]
    lines = ["suppressMessages(library(BayesFactor))", "set.seed(1)"]
    lines += [f"responses${name} <- factor(responses${name})" for name in factors]
    held = f"{extra}{tail}".removeprefix(" + ")
    if held:
        lines.append(f"null <- lmBF(y ~ {held}, data = responses, {options})@bayesFactor$bf")
    for terms in asked:
        formula = " + ".join(":".join(safe[part] for part in term.split(":")) for term in terms)
        less = " - null" if held else ""
        lines.append(f"# {' + '.join(terms)}")
        lines.append(f"found <- lmBF(y ~ {formula}{extra}{tail}, data = responses, {options})")
        lines.append(f'show("log_bayes_factor", found@bayesFactor$bf{less})')
    return RScript(made_by="analysis.bayes_factor_anova", body="\n".join(lines), data=frame, name="bayes_factor_anova")
