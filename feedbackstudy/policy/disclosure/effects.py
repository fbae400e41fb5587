"""Effects as they may be shown: judged by the people of every arm, and rounded by them."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.arms import judged_by_arm
from feedbackstudy.policy.disclosure.disclosed import DisclosedEffects
from feedbackstudy.policy.disclosure.rounding import coarse_p, levelled, significant, step_of, to_step
from feedbackstudy.policy.effect import EffectEstimate, Effects

__all__ = ["COUNTS_BEHIND", "Guarded", "disclosed_effects", "guarded", "table_of"]

COUNTS_BEHIND = ("smallest_arm", "fewest", "arms", "compared")
"""Columns of answers that the rule judges by; they are never shown."""

_MAIN = (
    *("label", "contrast", "scale", "estimate", "low", "high", "p", "p_adjusted"),
    *("baseline", "n", "n_clusters", "method", "verdict", "decides"),
)
_ONCE = {"label": "Metric", "contrast": "Contrast", "scale": "Scale", "n_clusters": "Clusters"}
"""Columns that are said once below the table where all rows have one value, and the word for each."""
_FEW_CLUSTERS = 12
_NUMBERS = ("estimate", "se", "df", "low", "high", "p", "p_adjusted", "baseline", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Answers as they may be shown.

    Attributes
    ----------
    rows : tuple of EffectEstimate
        Rounded; a hidden answer has no numbers.
    hidden : tuple of frozenset of str
        For each row the columns that are hidden.
    notes : tuple of str
        What is hidden and why.
    """

    rows: tuple[EffectEstimate, ...]
    hidden: tuple[frozenset[str], ...]
    notes: tuple[str, ...]


def guarded(
    rows: Sequence[EffectEstimate], rule: DisclosureRule, words: Callable[[str], str], *, also: Collection[str] = ()
) -> Guarded:
    """Hide the answers that rest on too few people in any arm, and round the others.

    Parameters
    ----------
    rows : sequence of EffectEstimate
        The answers.
    rule : DisclosureRule
        The rule.
    words : callable
        Takes the counts out of a sentence.
    also : collection of str, optional
        Arms that are hidden wherever any arm is.

    Returns
    -------
    Guarded
        One row for each, in the same order.

    Notes
    -----
    The arms of an experiment are protected together: an arm with few people is hidden in every comparison, with others
    until its counts do not follow from the totals; the control is the last of them. Metrics that hide any arm hide the
    same ones, because they count the same people; the others show all.
    An answer is hidden whole, on every scale: absolute and relative difference give the baseline, and an absolute
    difference with its error gives both shares. The size of the metric's other answers is hidden with it, because it
    would follow from theirs.
    """
    rows, why = judged_by_arm(rows, rule, also=also)
    small = {row.metric for row, reason in zip(rows, why, strict=True) if reason}
    sizes = levelled([row.n for row, reason in zip(rows, why, strict=True) if not reason], rule.min_cell)
    found, hidden, notes = [], [], dict[str, None]()
    for row, reason in zip(rows, why, strict=True):
        if reason:
            gone = frozenset(name for name in _NUMBERS if _is_number(getattr(row, name)))
            shown = _without_numbers(row, reason)
            notes[f"{row.label}, {row.contrast}: {reason}."] = None
        else:
            near = round(sizes[row.n] / rule.round_to) * rule.round_to
            shown, gone = _rounded(row, rule, n=near, words=words)
            if row.metric in small:
                shown, gone = replace(shown, n=0), gone | {"n"}
        found.append(shown)
        hidden.append(gone)
    return Guarded(rows=tuple(found), hidden=tuple(hidden), notes=tuple(notes))


def disclosed_effects(
    effects: Effects,
    rule: DisclosureRule,
    words: str,
    strip: Callable[[str], str],
    margins: Mapping[str, float],
    *,
    also: Collection[str] = (),
) -> DisclosedEffects:
    """Return effects as they may be shown.

    Parameters
    ----------
    effects : Effects
        The answers.
    rule : DisclosureRule
        The rule.
    words : str
        The rule in words.
    strip : callable
        Takes the counts out of a sentence.
    margins : mapping of str to float
        Metric -> effect at which a guardrail is breached.
    also : collection of str, optional
        Arms that are hidden wherever any arm is.

    Returns
    -------
    DisclosedEffects
        Columns as `EffectEstimate`, without those that count people behind the answers.
    """
    found = guarded(tuple(effects), rule, strip, also=also)
    table, out = table_of(found.rows, found.hidden)
    alike = [name for name in _ONCE if len(set(table[name])) == 1 and not out[name].any()]
    alike = [name for name in alike if name != "label" or len(table) > 1]
    said = [f"{_ONCE[name]}: {table[name].iloc[0]}." for name in alike]
    empty = bool(table["p_adjusted"].isna().all()) and not out["p_adjusted"].any()
    same = [*alike, *(["p_adjusted"] if empty else []), *(["verdict"] if not table["verdict"].any() else [])]
    shown = [row for row, gone in zip(found.rows, found.hidden, strict=True) if "estimate" not in gone]
    about: dict[str, dict[str, None]] = {}
    for row in shown:
        for note in row.warnings:
            about.setdefault(note, {})[row.label] = None
    warned = [f"{'; '.join(labels)}: {note}." for note, labels in about.items()]
    return DisclosedEffects(
        title=effects.title,
        table=table,
        out=out,
        words=words,
        provenance=effects.provenance,
        notes=(*said, *found.notes, *warned, *_convention(rule)),
        main=tuple(name for name in _MAIN if name not in same),
        margins=dict(margins),
    )


def _convention(rule: DisclosureRule) -> tuple[str, ...]:
    if rule.round_to == 1:
        return ()
    return (
        "Effects, limits, errors and baselines are rounded to steps of 1, 2 or 5 times a power of ten; a step is at "
        f"least {rule.round_to} people as a share of the smallest arm, and twice that where applications are "
        "independent. P values have two decimals, below .01 three, and 0 stands for below .001. Where applications are "
        "independent, or clusters are fewer than 12, errors, p values and limits of ratios are hidden as far as counts "
        "would follow from them. "
        "Verdicts and decisions rest on exact numbers. Sizes that differ by few people are shown as one.",
    )


def table_of(rows: Sequence[EffectEstimate], hidden: Sequence[frozenset[str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return guarded answers as a table, and which of its cells are hidden.

    Parameters
    ----------
    rows : sequence of EffectEstimate
        The answers.
    hidden : sequence of frozenset of str
        For each row the columns that are hidden.

    Returns
    -------
    tuple of DataFrame
        The table, without the counts behind the answers, and a table of truth values with the same shape.
    """
    names = [each.name for each in fields(EffectEstimate) if each.name not in COUNTS_BEHIND]
    table = pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)
    table = table.astype(dict.fromkeys((name for name in _NUMBERS if name != "n"), np.float64))
    table["n"] = pd.array([None if "n" in gone else row.n for row, gone in zip(rows, hidden, strict=True)], "Int64")
    out = pd.DataFrame([[name in gone for name in names] for gone in hidden], columns=names, dtype=bool)
    return table, out


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _without_numbers(row: EffectEstimate, reason: str) -> EffectEstimate:
    nothing: Mapping[str, None] = dict.fromkeys(("se", "df", "low", "high", "p", "p_adjusted", "baseline"))
    return replace(row, estimate=math.nan, n=0, smallest_arm=None, fewest=None, warnings=(reason,),
                   fit_to_report=False, **nothing)  # type: ignore[arg-type]  # fmt: skip


def _rounded(
    row: EffectEstimate, rule: DisclosureRule, *, n: int, words: Callable[[str], str]
) -> tuple[EffectEstimate, frozenset[str]]:
    """Round an answer by the people of its smallest arm, and say which of its numbers cannot be shown."""
    if row.smallest_arm is None:
        raise ValueError("an answer whose arms are unknown is hidden, not rounded")
    said = tuple(map(_few_digits, map(words, row.warnings)))
    if rule.round_to == 1:
        return replace(row, n=n, warnings=said, smallest_arm=None, fewest=None), frozenset()
    own = step_of(_share(row, rule)) * (1000 if row.scale == "per_1000" else 1)
    numbers = {name: to_step(getattr(row, name), _step(row, rule, name)) for name in ("estimate", "se", "low", "high")}
    if row.scale == "relative" and (row.fewest is not None or not _independent(row)):
        numbers["estimate"] = _relative_of_shown(row, own)
    numbers |= {"p": coarse_p(row.p), "p_adjusted": coarse_p(row.p_adjusted), "df": significant(row.df, 2)}
    numbers |= dict.fromkeys(_of_four_counts(row, rule), None)
    lost = frozenset(
        name for name, value in numbers.items() if _is_number(getattr(row, name)) and not _is_number(value)
    )
    shown = replace(
        row,
        **numbers,  # type: ignore[arg-type]
        baseline=to_step(row.baseline, own),
        n=n,
        warnings=said,
        smallest_arm=None,
        fewest=None,
    )
    return shown, lost


def _of_four_counts(row: EffectEstimate, rule: DisclosureRule) -> tuple[str, ...]:
    """Return the numbers that would give counts away where a few shares are all there is."""
    if not _independent(row):
        # A ratio's error is a second equation about the same few clusters: two in each arm would follow from both.
        few = row.scale == "relative" and (row.n_clusters or 0) < _FEW_CLUSTERS
        return ("se", "df", "low", "high", "p", "p_adjusted") if few else ()
    if not _seen_often(row):
        return ("se", "df")
    if row.scale == "relative":
        return ("se", "df", "low", "high", "p", "p_adjusted")
    return ("se", "df") if _p_is_blunt(row, rule) else ("se", "df", "p", "p_adjusted")


def _p_is_blunt(row: EffectEstimate, rule: DisclosureRule) -> bool:
    """Say whether moving `round_to` people of the smallest arm leaves a rounded p value about where it is."""
    if row.se is None or row.p is None or row.se <= 0 or row.scale not in {"absolute", "per_1000"}:
        return False
    se, size = row.se / (1000 if row.scale == "per_1000" else 1), abs(row.estimate / row.se)
    density = math.exp(-(size**2) / 2) / math.sqrt(2 * math.pi)
    unit = 0.01 if row.p >= 0.01 or row.p < 0.001 else 0.001
    return 2 * density * rule.round_to / ((row.smallest_arm or 1) * se) <= unit


def _share(row: EffectEstimate, rule: DisclosureRule) -> float:
    """Return the share of the smallest arm that may not be told apart."""
    return (2 if _seen_often(row) else 1) * rule.round_to / max(row.smallest_arm or 1, 1)


def _seen_often(row: EffectEstimate) -> bool:
    """Say whether four counts are all there is: baseline, effect and limits say more about them together than each."""
    return _independent(row) and row.fewest is not None


def _independent(row: EffectEstimate) -> bool:
    """Say whether applications are independent, or in clusters so small that an error is a matter of counts too."""
    return row.n_clusters is None or 2 * row.n_clusters > row.n


def _relative_of_shown(row: EffectEstimate, step: float) -> float:
    """Return a relative difference that follows from the absolute one and the baseline as they are shown."""
    if not row.baseline or not math.isfinite(row.estimate):
        return math.nan
    base, effect = to_step(row.baseline, step), to_step(row.baseline * row.estimate, step)
    return round(effect / base, 3) if base and effect is not None else math.nan


def _step(row: EffectEstimate, rule: DisclosureRule, name: str) -> float:
    """Return what may not be told apart in a number of an answer, on its scale."""
    share = _share(row, rule)
    if row.scale == "per_1000":
        return step_of(share) * 1000
    if row.scale == "relative":
        # A ratio of two shares moves by so much where the share below moves by what `round_to` people make of it.
        # A limit is a ratio as well: far from 1 its last digits would say more about an error than the error does.
        base = abs(row.baseline) if row.baseline else 0.0
        own = getattr(row, name) if name in {"low", "high"} else row.estimate
        size = max(abs(row.estimate), abs(own) if own is not None else 0.0)
        return step_of((1 + size) * share / base) if base and math.isfinite(size) else math.inf
    if row.scale in {"log odds", "ratio"}:
        return step_of(rule.round_to / max(row.fewest or row.smallest_arm or 1, 1))
    return step_of(share)


def _few_digits(text: str) -> str:
    """Leave two digits of every number with three decimals or more: an exact error gives counts away."""
    return re.sub(r"(?<![\w.])\d+\.\d{3,}\b", lambda found: f"{float(found[0]):.2g}", text)
