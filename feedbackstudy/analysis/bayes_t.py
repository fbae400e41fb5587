"""The Bayes factor of a t test of a data frame: one sample, two groups, or pairs."""

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayes_effect import EffectBayesFactor, IntervalFactors
from feedbackstudy.analysis.bayesian.densities import from_density
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.bayesian.jzs import effect_density, log_jzs_t, log_jzs_t_interval
from feedbackstudy.analysis.bayesian.jzs_model import effect_model
from feedbackstudy.analysis.bayesian.robustness import Robustness, widths_around
from feedbackstudy.analysis.columns import Columns, read_columns
from feedbackstudy.analysis.crossed import cells_of, one_row_each
from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.r_effect import t_posterior, widths_code
from feedbackstudy.analysis.tables import numbers, one_number
from feedbackstudy.errors import DataError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript, r_number

__all__ = ["bayes_factor_t"]

type Floats = NDArray[np.float64]

WIDTHS = {"medium": math.sqrt(0.5), "wide": 1.0, "ultrawide": math.sqrt(2.0)}
_HALVES = {"two-sided": "Cauchy", "greater": "half-Cauchy above 0", "less": "half-Cauchy below 0"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Test:
    """What a t test says, and the rows behind it."""

    t: float
    df: float
    n_effective: float
    n: tuple[int, ...]
    title: str
    rows: pd.DataFrame
    call: str
    notes: tuple[str, ...]
    outcome: Floats
    first: NDArray[np.int64] | None = None


def bayes_factor_t(
    data: pd.DataFrame,
    outcome: str,
    by: str | None = None,
    *,
    participant: str | None = None,
    value: float = 0.0,
    prior_scale: float | str = "medium",
    alternative: Alternative = "two-sided",
    null_interval: tuple[float, float] | None = None,
    level: float = 0.95,
) -> EffectBayesFactor:
    r"""Return the Bayes factor of a t test.

    Parameters
    ----------
    data : DataFrame
        One row for each participant, or for each participant and occasion. It is not changed.
    outcome : str
        Column of the outcome.
    by : str, optional
        Factor of two levels: groups, or with `participant` the two occasions of each pair. Without it one sample is
        compared with `value`.
    participant : str, optional
        Column that names participants; with `by` it makes the test a paired one.
    value : float, default 0
        What one mean, or a difference, is compared with.
    prior_scale : float or {"medium", "wide", "ultrawide"}, default "medium"
        Scale of the Cauchy prior of the standardised effect; the words stand for :math:`\sqrt{1/2}`, 1 and
        :math:`\sqrt 2`.
    alternative : {"two-sided", "greater", "less"}
        Cauchy prior, or its half on one side of 0.
    null_interval : tuple of float, optional
        Interval of negligible standardised effects; the Bayes factors of an effect inside and outside it are added.
    level : float, default 0.95
        Probability inside the credible interval.

    Returns
    -------
    EffectBayesFactor
        Bayes factor, posterior of the standardised effect, robustness curve, `r_script()`.

    Raises
    ------
    DataError
        For a table that `read_columns` refuses, a factor without exactly two levels, duplicate rows of a participant,
        groups of one person or without spread, an impossible prior, or a level that is none.

    Notes
    -----
    Jeffreys-Zellner-Siow prior: :math:`\delta = (\mu - \mu_0)/\sigma \sim` Cauchy(0, r), :math:`p(\mu, \sigma) \propto
    1/\sigma` (Rouder et al., 2009), by quadrature: the same number on every run. Two groups share one variance.
    """
    check_level(level)
    scale, null_interval = _width(prior_scale), _ends(null_interval)
    if alternative not in _HALVES:
        raise DataError(choices("Alternative", alternative, _HALVES))
    test = _tested(data, outcome, by, participant, one_number("The value that is tested", value))

    def log_factor(width: float) -> float:
        return float(log_jzs_t(test.t, test.n_effective, scale=width, df=test.df, alternative=alternative))

    density = effect_density(test.t, test.n_effective, df=test.df, scale=scale, alternative=alternative)
    widths = widths_around(scale)
    curve = Robustness(
        quantity=test.title,
        family="cauchy",
        alternative=alternative,
        scales=widths,
        log_bayes_factors=np.array([log_factor(float(width)) for width in widths]),
        declared=scale,
        log_declared=log_factor(scale),
        note="exact but for quadrature",
        script=_curve_script(test, widths, alternative),
    )
    script = _script(test, scale, alternative, null_interval, level)
    return EffectBayesFactor(
        title=test.title,
        statistic="t",
        value=test.t,
        df=test.df,
        n=test.n,
        log_bayes_factor=log_factor(scale),
        prior=f"standardised effect {_HALVES[alternative]}, scale {scale:.4g} (JZS)",
        posterior=replace(from_density(density, quantity="standardised effect", level=level), script=script),
        curve=curve,
        within=_inside(test, scale, null_interval),
        notes=test.notes,
        provenance=Provenance(
            made_by="analysis.bayes_factor_t",
            conventions=("p(mu, sigma) proportional to 1 / sigma", "two groups share one variance"),
        ),
        script=script,
        model=partial(effect_model, test.outcome, test.first, scale=scale, alternative=alternative),
    )


def _width(given: float | str) -> float:
    if isinstance(given, str):
        if given not in WIDTHS:
            raise DataError(choices("Width of the prior", given, WIDTHS))
        return WIDTHS[given]
    scale = one_number("The scale of the prior", given)
    if not (math.isfinite(scale) and scale > 0):
        raise DataError(f"The scale of the prior must be positive and finite; given {given}.")
    return scale


def _ends(given: tuple[float, float] | None) -> tuple[float, float] | None:
    if given is None:
        return None
    ends = numbers("Ends of the null interval", given)
    if ends.shape != (2,):
        raise DataError(f"A null interval has a lower and a higher end; given {given!r}.")
    return float(ends[0]), float(ends[1])


def _tested(data: pd.DataFrame, outcome: str, by: str | None, participant: str | None, value: float) -> _Test:
    read = read_columns(
        data,
        outcome,
        factors=[by] if by is not None else [],
        groups=[participant] if participant is not None else [],
    )
    if by is None:
        if participant is not None:
            one_row_each(read.groups[participant], cells_of([read.groups[participant]]))
        call = f"ttestBF(responses$x, mu = {r_number(value)}"
        return _one_sample(read.y, value, f"{outcome} against {value:g}", pd.DataFrame({"x": read.y}), call, read.notes)
    factor = read.factors[by]
    if len(factor.levels) != 2:
        raise DataError(
            f"A t test compares two levels; {by!r} has {len(factor.levels)} ({', '.join(factor.levels)}). Use "
            "bayes_factor_anova, or keep the rows of two levels."
        )
    title = f"{outcome}: {factor.levels[0]} minus {factor.levels[1]}"
    if participant is not None:
        return _paired(read, by, participant, value, title)
    return _two_groups(read, by, value, title)


def _one_sample(x: Floats, value: float, title: str, rows: pd.DataFrame, call: str, notes: tuple[str, ...]) -> _Test:
    sd = float(x.std(ddof=1)) if x.size > 1 else 0.0
    if not sd > 0:
        raise DataError(f"{title}: {x.size} value(s) without any spread; a t test needs two that differ.")
    t = (float(x.mean()) - value) / sd * math.sqrt(x.size)
    return _Test(
        t=t,
        df=float(x.size - 1),
        n_effective=float(x.size),
        n=(x.size,),
        title=title,
        rows=rows,
        call=call,
        notes=notes,
        outcome=x - value,
    )


def _paired(read: Columns, by: str, participant: str, value: float, title: str) -> _Test:
    who, factor = read.groups[participant], read.factors[by]
    one_row_each(who, cells_of([factor]))
    table = np.full((len(who.levels), 2), np.nan)
    table[who.codes, factor.codes] = read.y
    whole = ~np.isnan(table).any(axis=1)
    notes = read.notes
    if not whole.all():
        lone = [who.levels[i] for i in np.flatnonzero(~whole)[:5]]
        notes += (f"{int((~whole).sum())} participant(s) without a pair left out: {', '.join(lone)}.",)
    pairs = table[whole]
    rows = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1]})
    call = f"ttestBF(responses$first, responses$second, paired = TRUE, mu = {r_number(value)}"
    return _one_sample(pairs[:, 0] - pairs[:, 1], value, title, rows, call, notes)


def _two_groups(read: Columns, by: str, value: float, title: str) -> _Test:
    factor = read.factors[by]
    parts = [read.y[factor.codes == k] for k in range(2)]
    n1, n2 = parts[0].size, parts[1].size
    if min(n1, n2) < 2:
        raise DataError(f"Each group needs two people; {factor.levels[0]} has {n1}, {factor.levels[1]} has {n2}.")
    df = n1 + n2 - 2
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    if not squares > 0:
        raise DataError(f"{title}: groups of {n1} and {n2} without any spread within them; nothing can be tested.")
    effective = n1 * n2 / (n1 + n2)
    t = (float(parts[0].mean() - parts[1].mean()) - value) / math.sqrt(squares / df / effective)
    rows = pd.DataFrame({"y": read.y, "first": (factor.codes == 0).astype(int)})
    shifted = "" if value == 0 else f" - {r_number(value)}"
    call = f"ttestBF(responses$y[responses$first == 1]{shifted}, responses$y[responses$first == 0]"
    in_first = (factor.codes == 0).astype(np.int64)
    return _Test(
        t=t, df=float(df), n_effective=effective, n=(n1, n2), title=title, rows=rows, call=call, notes=read.notes,
        outcome=read.y - value * in_first, first=in_first,
    )  # fmt: skip


def _inside(test: _Test, scale: float, asked: tuple[float, float] | None) -> IntervalFactors | None:
    if asked is None:
        return None
    low, high = asked
    inside, outside = log_jzs_t_interval(test.t, test.n_effective, df=test.df, scale=scale, low=low, high=high)
    return IntervalFactors(low=low, high=high, log_inside=inside, log_outside=outside)


_HALF = {"two-sided": "", "greater": ", nullInterval = c(0, Inf)", "less": ", nullInterval = c(-Inf, 0)"}


def _curve_script(test: _Test, widths: Floats, alternative: str) -> RScript:
    body = widths_code(f"{test.call}, rscale = width{_HALF[alternative]})", widths)
    return RScript(made_by="analysis.bayes_factor_t", body=body, data=test.rows, name="bayes_factor_t_widths")


def _script(test: _Test, scale: float, alternative: str, asked: tuple[float, float] | None, level: float) -> RScript:
    half = _HALF[alternative]
    lines = [
        "suppressMessages(library(BayesFactor))",
        f"found <- {test.call}, rscale = {r_number(scale)}{half})",
        'show("log_bayes_factor", found@bayesFactor$bf[1])',
    ]
    if asked is not None:
        low, high = map(r_number, asked)
        lines += [
            f"parts <- {test.call}, rscale = {r_number(scale)}, nullInterval = c({low}, {high}))",
            'show("log_inside", parts@bayesFactor$bf[1])',
            'show("log_outside", parts@bayesFactor$bf[2])',
        ]
    body = "\n".join(lines) + t_posterior(
        test.t, test.df, test.n_effective, scale=scale, alternative=alternative, level=level
    )
    return RScript(made_by="analysis.bayes_factor_t", body=body, data=test.rows, name="bayes_factor_t")
