"""From the answers of many replicates to power, bias, coverage and the rest; multiplicity; decisions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.scaled_weights import unit_of
from feedbackstudy.analysis.thresholds import Thresholds
from feedbackstudy.design.plan import ByBayesFactor, ByEquivalence, ByP, ByRope, Criterion, Family, Plan
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.bayes_factor import log_jzs
from feedbackstudy.power.criteria import deciding_p, limits_of
from feedbackstudy.power.diagnosed import HypothesisDiagnosis

__all__ = ["Judged", "adjust", "adjusted", "judged", "summarised", "undecided"]

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]

_ROPE_MASS = 0.95


def adjust(p: Floats, method: str) -> Floats:
    """Adjust p values for multiplicity in every replicate.

    Parameters
    ----------
    p : ndarray of shape (replicates, m)
        Unadjusted; NaN counts as 1.
    method : {"none", "bonferroni", "holm", "hochberg", "fdr_bh"}
        The correction.

    Returns
    -------
    ndarray of shape (replicates, m)
        Adjusted.
    """
    filled = np.where(np.isnan(p), 1.0, p)
    m = filled.shape[1]
    if method == "none":
        return np.asarray(filled)
    if method == "bonferroni":
        return np.asarray(np.minimum(filled * m, 1.0))
    order = filled.argsort(axis=1)
    sorted_p = np.take_along_axis(filled, order, axis=1)
    rank = np.arange(1, m + 1)
    if method == "holm":
        stepped = np.maximum.accumulate(sorted_p * (m + 1 - rank), axis=1)
    else:
        factor = m / rank if method == "fdr_bh" else m + 1 - rank
        stepped = np.minimum.accumulate((sorted_p * factor)[:, ::-1], axis=1)[:, ::-1]
    result = np.empty_like(stepped)
    np.put_along_axis(result, order, np.minimum(stepped, 1.0), axis=1)
    return result


def adjusted(families: Sequence[Family], p: Mapping[str, Floats]) -> tuple[dict[str, Floats], list[str]]:
    """Adjust within the plan's families.

    Parameters
    ----------
    families : sequence of Family
        The families.
    p : mapping of str to ndarray
        Hypothesis -> p values.

    Returns
    -------
    dict, list of str
        Hypothesis -> adjusted p values, for members of families; notes on corrections that were replaced.
    """
    found: dict[str, Floats] = {}
    notes = []
    for family in families:
        members = [name for name in family.hypotheses if name in p]
        method: str = family.method
        if method in {"tukey", "dunnett", "mvt"}:
            notes.append(
                f"Family {family.name!r} declares {method}; its power is computed with Holm, which is no larger."
            )
            method = "holm"
        if members:
            done = adjust(np.column_stack([p[name] for name in members]), method)
            found |= {name: done[:, i] for i, name in enumerate(members)}
    return found, notes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What every replicate says to one hypothesis, judged by the plan.

    Attributes
    ----------
    ok : ndarray of bool
        Where the fit did not fail.
    hit, after : ndarray of bool
        Where the result is significant, before and after the correction for multiplicity.
    equivalent : ndarray of bool or None
        Where it lies within the smallest effect of interest; None where none is declared.
    mass : ndarray or None
        Posterior mass inside the region of practical equivalence; None where there is no region.
    verdict : ndarray of bool
        Where the plan's criterion says what was expected.
    width : ndarray
        Of the interval; NaN where the fit failed.
    decides : bool
        Whether the criterion can say anything about it.
    """

    ok: Flags
    hit: Flags
    after: Flags
    equivalent: Flags | None
    mass: Floats | None
    verdict: Flags
    width: Floats
    decides: bool = True

    def figure(self, name: str) -> Floats:
        """Return a figure of every replicate, whose mean over replicates is that of `HypothesisDiagnosis`.

        Parameters
        ----------
        name : {"power", "power_adjusted", "decided", "equivalence", "width"}
            The figure.

        Returns
        -------
        ndarray
            NaN in replicates that do not count.
        """
        if name == "decided":
            return self.verdict.astype(np.float64) if self.decides else np.full(len(self.ok), np.nan)
        if name == "width":
            return self.width
        found = {"power": self.hit, "power_adjusted": self.after, "equivalence": self.equivalent}[name]
        return np.where(self.ok, found, np.nan) if found is not None else np.full(len(self.ok), np.nan)


def judged(asked: Asked, found: Answers, plan: Plan, corrected: Floats | None) -> Judged:
    """Judge the answers to one hypothesis by the plan.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    found : Answers
        Its answers.
    plan : Plan
        Alpha, criterion, region of practical equivalence.
    corrected : ndarray or None
        Adjusted p values, where it is in a family.

    Returns
    -------
    Judged
        One value for each replicate.
    """
    ok, criterion = np.isfinite(found.p), plan.decides.get(asked.hypothesis.name)
    hit = ok & (np.nan_to_num(found.p, nan=1.0) < plan.alpha)
    own = deciding_p(asked, found, criterion)
    shown = ok & (np.nan_to_num(own if corrected is None else corrected, nan=1.0) < plan.alpha)
    of_effect = own is found.p
    after = shown if of_effect else hit
    limits = limits_of(asked)
    inside = _equivalent(found, limits.sesoi, plan.alpha) if limits.sesoi is not None else None
    mass = _rope_mass(asked, found, plan, limits)
    verdict = _decided(asked, found, criterion, hit=after, equivalent=inside if of_effect else shown, mass=mass)
    width = np.where(ok & np.isfinite(found.estimate), found.high - found.low, np.nan)
    decides = not undecided(asked, criterion)
    return Judged(
        ok=ok, hit=hit, after=after, equivalent=inside, mass=mass, verdict=verdict, width=width, decides=decides
    )


def summarised(
    asked: Asked, found: Answers, plan: Plan, *, each: Judged, exact: float, words: str
) -> HypothesisDiagnosis:
    """Summarise one hypothesis.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    found : Answers
        Its answers.
    plan : Plan
        Its criterion.
    each : Judged
        Its answers, judged.
    exact : float
        Exact power, NaN where there is none.
    words : str
        The model in words.

    Returns
    -------
    HypothesisDiagnosis
        The row.
    """
    ok, truth = each.ok, float(np.mean(found.truth))
    known = ok & np.isfinite(found.estimate) & np.isfinite(found.truth)
    true = found.truth[known]
    error = found.estimate[known] - true
    sig, behind = _significant(asked, found, each.hit & known)
    criterion = plan.decides.get(asked.hypothesis.name)
    inside, mass = each.equivalent, each.mass
    return HypothesisDiagnosis(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        occasion=asked.occasion,
        contrast=asked.label,
        model=words,
        truth=truth,
        truth_sd=truth / asked.sd,
        **_share("power", each.hit[ok]),
        power_low=float(each.hit.mean()),
        power_high=float((each.hit | ~ok).mean()),
        power_exact=exact,
        **_share("power_adjusted", each.after[ok]),
        **_share("decided", each.verdict if each.decides else ok[:0]),
        criterion=criterion.by if criterion is not None else "p",
        **_mean("bias", error),
        **_root(error),
        **_share("coverage", (found.low[known] <= true) & (true <= found.high[known])),
        **_mean("width", each.width[np.isfinite(each.width)]),
        **_share("type_s", np.sign(sig) != np.sign(behind)),
        **_mean("type_m", np.abs(sig / behind)),
        **_share("equivalence", inside[ok] if inside is not None else ok[:0]),
        **_share("in_rope", (mass > _mass(criterion))[ok] if mass is not None else ok[:0]),
        **_share("failed", ~ok),
        n_mean=float(np.nanmean(found.n)) if np.isfinite(found.n).any() else math.nan,
    )


def undecided(asked: Asked, criterion: Criterion | None) -> bool:
    """Say whether a criterion reads what a joint test of several contrasts, or an answer without weights, has not.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    criterion : Criterion or None
        What decides it.

    Returns
    -------
    bool
        Never where p decides, unless the answer lacks the weights that the allocation calls for.
    """
    return asked.unweighted or (asked.kind == "omnibus" and criterion is not None and not isinstance(criterion, ByP))


def _significant(asked: Asked, found: Answers, hit: Flags) -> tuple[Floats, Floats]:
    """Return the estimates of significant results, and the truths behind them, where these are not 0."""
    unit = asked.sd if asked.sd > 0 else 1.0
    real = hit & (np.abs(np.nan_to_num(found.truth)) > 1e-12 * unit)
    return found.estimate[real], found.truth[real]


def _equivalent(found: Answers, bound: float, alpha: float) -> Flags:
    half = -special.stdtrit(found.df, alpha) * found.se
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(found.estimate) + half < bound)


def _rope_mass(asked: Asked, found: Answers, plan: Plan, limits: Thresholds) -> Floats | None:
    criterion = plan.decides.get(asked.hypothesis.name)
    rope = limits.rope
    declared = plan.rope is not None or isinstance(criterion, ByRope)
    if rope is None or not declared:
        return None
    low, high = rope
    above = special.stdtr(found.df, (high - found.estimate) / found.se)
    return np.asarray(np.nan_to_num(above - special.stdtr(found.df, (low - found.estimate) / found.se)))


def _mass(criterion: Criterion | None) -> float:
    return criterion.mass if isinstance(criterion, ByRope) else _ROPE_MASS


def _decided(
    asked: Asked,
    found: Answers,
    criterion: Criterion | None,
    *,
    hit: Flags,
    equivalent: Flags | None,
    mass: Floats | None,
) -> Flags:
    expected = asked.hypothesis.direction
    none = np.zeros(len(hit), dtype=bool)
    with np.errstate(invalid="ignore"):
        side = {"positive": found.estimate > 0, "negative": found.estimate < 0}.get(expected, ~none)
    if asked.kind == "omnibus":
        side = ~none
    if isinstance(criterion, ByEquivalence):
        return equivalent if equivalent is not None else none
    if isinstance(criterion, ByRope):
        if mass is None:
            return none
        outside = (mass < 1 - criterion.mass) & side & np.isfinite(found.p)
        return np.asarray(mass > criterion.mass if expected == "negligible" else outside, dtype=bool)
    if isinstance(criterion, ByBayesFactor):
        evidence = _evidence(found, criterion.prior_scale * unit_of(asked.question))
        wanted = np.log(criterion.threshold)
        return np.asarray(evidence < -wanted if expected == "negligible" else (evidence > wanted) & side, dtype=bool)
    if expected == "negligible" and not isinstance(criterion, ByP):
        return equivalent if equivalent is not None else none
    return np.asarray(hit & side, dtype=bool)


def _evidence(found: Answers, scale: float) -> Floats:
    """Return the log Bayes factor of each replicate, with the mean effective n of a contrast in standard deviations."""
    ok = np.isfinite(found.p) & np.isfinite(found.sigma) & (found.se > 0)
    result = np.zeros(len(found.p))
    if ok.any():
        effective = float(np.mean((found.sigma[ok] / found.se[ok]) ** 2))
        t = found.estimate[ok] / found.se[ok]
        df = float(np.mean(found.df[ok]))
        result[ok] = log_jzs(t, effective, df=df, scale=scale, alternative="two-sided")
    return result


def _root(error: Floats) -> dict[str, float]:
    rmse = math.sqrt(float((error**2).mean())) if error.size else math.nan
    mcse = float((error**2).std() / (2 * rmse * math.sqrt(error.size))) if error.size and rmse else math.nan
    return {"rmse": rmse, "rmse_mcse": mcse}


def _share(name: str, hits: Flags) -> dict[str, float]:
    if not hits.size:
        return {name: math.nan, f"{name}_mcse": math.nan}
    share = float(hits.mean())
    return {name: share, f"{name}_mcse": math.sqrt(share * (1 - share) / hits.size)}


def _mean(name: str, values: Floats) -> dict[str, float]:
    if values.size < 2:
        return {name: math.nan, f"{name}_mcse": math.nan}
    return {name: float(values.mean()), f"{name}_mcse": float(values.std(ddof=1) / math.sqrt(values.size))}
