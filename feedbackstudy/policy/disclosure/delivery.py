"""Shares by arm, and sizes of arms, as they may be shown: linked tables hide the same levels."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.disclosed import Disclosed
from feedbackstudy.policy.disclosure.levels import hidden_levels
from feedbackstudy.policy.disclosure.linking import hides, of_people
from feedbackstudy.policy.disclosure.rounding import coarse_p
from feedbackstudy.policy.sample_ratio import SampleRatios
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance

__all__ = ["disclosed_arms", "disclosed_shares", "disclosed_sizes"]


def disclosed_arms(
    stats: SufficientStats,
    metrics: Sequence[str],
    sizes: SampleRatios | None,
    rule: DisclosureRule,
    words: str,
    *,
    linked: Collection[str] = (),
) -> tuple[Disclosed, ...]:
    """Return shares by arm and the sizes of arms, protected together.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    metrics : sequence of str
        Metrics of kind proportion.
    sizes : SampleRatios or None
        Tests of the sizes of arms.
    rule : DisclosureRule
        The rule.
    words : str
        The rule in words.
    linked : collection of str, optional
        Arms that are hidden wherever any arm is.

    Returns
    -------
    tuple of Disclosed
        One for each metric, then the sizes.

    Raises
    ------
    InputError
        For a metric of another kind.
    """
    strange = [name for name in metrics if stats.plan.metrics[name].kind != "proportion"]
    if strange:
        raise InputError(f"{strange} are no proportions; a share is shown of proportions only.")
    sums = {name: stats.of(name).groupby("arm")[["sum", "n"]].sum().round().reset_index() for name in metrics}
    tables = [_counts(frame, ["arm"]) for frame in sums.values()]
    people = [test for test in (sizes.tests if sizes is not None else ()) if of_people(test.of)]
    tables += [pd.DataFrame({"n": pd.Series(dict(test.counts), dtype=np.float64)}) for test in people]
    beside = linked if tables and hides(tables, rule) else ()
    also = (
        hidden_levels(tables, min_cell=rule.min_cell, complementary=rule.complementary, also=beside)
        if tables
        else frozenset()
    )
    parts = [
        disclosed_shares(frame, ["arm"], rule, title=stats.plan.metrics[name].label, words=words, also=also,
                         provenance=stats.provenance)
        for name, frame in sums.items()
    ]  # fmt: skip
    more = [disclosed_sizes(sizes, rule, words=words, also=also)] if sizes is not None else []
    return (*parts, *more)


def disclosed_shares(
    sums: pd.DataFrame,
    keys: list[str],
    rule: DisclosureRule,
    *,
    title: str,
    words: str,
    also: Collection[str],
    provenance: Provenance | None,
) -> Disclosed:
    """Return counts and shares as they may be shown.

    Parameters
    ----------
    sums : DataFrame
        The keys, ``sum`` and ``n``.
    keys : list of str
        The first names the levels that are hidden whole.
    rule : DisclosureRule
        The rule.
    title, words : str
        Title, and the rule in words.
    also : collection of str
        Levels that are hidden in a linked table.
    provenance : Provenance or None
        What made the numbers.

    Returns
    -------
    Disclosed
        Shares are those of the rounded counts.
    """
    hidden = hidden_levels([_counts(sums, keys)], min_cell=rule.min_cell, complementary=rule.complementary)
    gone = sums[keys[0]].astype(str).isin([*hidden, *also]).to_numpy()
    near = (sums[["sum", "n"]] / rule.round_to).round() * rule.round_to
    shown = sums[keys].copy()
    shown["n"] = pd.array([None if out else round(n) for n, out in zip(near["n"], gone, strict=True)], "Int64")
    counted = near["n"].to_numpy(dtype=np.float64)
    share = np.divide(near["sum"], counted, out=np.full(len(near), np.nan), where=counted > 0)
    shown["share"] = np.where(gone, np.nan, np.round(share, 4))
    out = pd.DataFrame({name: gone if name in {"n", "share"} else False for name in shown.columns})
    said = ("Shares are those of the rounded counts.",) if rule.round_to > 1 else ()
    return Disclosed(title=title, table=shown, out=out, words=words, provenance=provenance, notes=said)


def disclosed_sizes(found: SampleRatios, rule: DisclosureRule, *, words: str, also: Collection[str]) -> Disclosed:
    """Return tests of the sizes of arms as they may be shown.

    Parameters
    ----------
    found : SampleRatios
        The tests.
    rule : DisclosureRule
        The rule.
    words : str
        The rule in words.
    also : collection of str
        Arms that are hidden in a linked table.

    Returns
    -------
    Disclosed
        One row for each test and arm; the test of people has no p where an arm is hidden.
    """
    rows: list[dict[str, object]] = []
    out: list[dict[str, bool]] = []
    for test in found.tests:
        people = of_people(test.of)
        sizes = pd.DataFrame({"n": pd.Series(dict(test.counts), dtype=np.float64)})
        own = hidden_levels([sizes], min_cell=rule.min_cell, complementary=rule.complementary)
        gone = (set(own) | set(also)) & set(test.counts) if people else set()
        for arm, n in test.counts.items():
            size = round(n / rule.round_to) * rule.round_to if people else n
            p = coarse_p(test.p) if people and rule.round_to > 1 else test.p
            rows.append({"counted": test.of, "arm": arm, "count": None if arm in gone else size,
                         "p": None if gone else p, "test": test.method})  # fmt: skip
            out.append({"counted": False, "arm": False, "count": arm in gone, "p": bool(gone), "test": False})
    table = pd.DataFrame(rows).astype({"count": "Int64", "p": np.float64})
    mismatch = ("Sizes are further from the plan than chance explains: find the cause first.",)
    return Disclosed(title="Sample ratio", table=table, out=pd.DataFrame(out, dtype=bool), words=words,
                     notes=mismatch if found.mismatch else ())  # fmt: skip


def _counts(sums: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the counts of each level in one row: with and without what is counted, in every arm."""
    both = sums.assign(yes=sums["sum"], no=sums["n"] - sums["sum"])
    if len(keys) == 1:
        return both.set_index(keys[0])[["yes", "no", "n"]]
    wide = both.pivot_table(index=keys[0], columns=keys[1], values=["yes", "no"], aggfunc="sum", fill_value=0.0,
                            observed=True)  # fmt: skip
    return wide.set_axis([":".join(map(str, pair)) for pair in wide.columns.to_flat_index()], axis=1)
