"""Invented roll-outs of which the truth is known."""

import datetime as dt

import numpy as np
import pandas as pd

from feedbackstudy.policy.declared import ApplicationColumns, Metric, PolicyPlan, Rollout, Window
from feedbackstudy.policy.sufficient import Prepared, compress_prepared
from feedbackstudy.provenance import Provenance

COLUMNS = ApplicationColumns(
    application="id", applied_at="a", decided_at="d", status="s", statuses={"R": "rejected"}, site="site"
)
FIRST = 2025 * 12  # January 2025
METRICS = (
    Metric(name="again", label="Again", kind="proportion", column="x", role="primary"),
    Metric(name="rating", label="Rating", kind="ordinal", column="r", categories=(1.0, 2.0, 3.0)),
    Metric(name="per_hour", label="Per hour", kind="ratio", column="m", per="h"),
)


def starts_of(rng, sites, periods, never, *, early):
    """Return the first treated period of each site; the last `never` sites have none."""
    low, high = (1, max(3, periods // 3)) if early else (2, periods - 2)
    found = low + np.arange(sites - never) % (high - low + 1)
    return np.concatenate([rng.permutation(found), np.full(never, periods + 99)])


def rows_of(seed, *, sites=12, periods=8, per_cell=30, never=2, early=False, effect=0.08, growth=0.0, spread=0.05):
    """Return one row per application; sites and their starts, an effect that may grow with exposure."""
    rng = np.random.default_rng(seed)
    start = starts_of(rng, sites, periods, never, early=early)
    cells = pd.DataFrame([(s, p) for s in range(sites) for p in range(periods)], columns=["s", "p"])
    cells["start"] = start[cells["s"]]
    frame = cells.loc[cells.index.repeat(rng.integers(per_cell // 2, per_cell * 3 // 2 + 1, len(cells)))]
    frame = frame.reset_index(drop=True)
    n = len(frame)
    since = frame["p"] - frame["start"]
    frame["treated"] = (since >= 0).astype(float)
    site, time = rng.normal(0, spread, sites), np.linspace(0, 0.1, periods)
    job = rng.choice(["a", "b"], n)
    share = (
        0.35 + site[frame["s"]] + time[frame["p"]] + frame["treated"] * (effect + growth * since) + 0.05 * (job == "a")
    )
    frame["m_again"] = (rng.random(n) < share).astype(float)
    frame["m_rating"] = 1.0 + rng.binomial(2, np.clip(share, 0, 1))
    frame["m_per_hour"], frame["m_per_hour_per"] = rng.gamma(2, 1, n), rng.gamma(3, 1, n)
    frame["job"], frame["arm"] = job, np.where(frame["treated"] == 1, "policy", "before")
    frame["site"] = frame["s"].map("{:02d}".format)
    frame["period"] = FIRST + frame["p"]
    return frame.drop(columns=["s", "p", "start"])


def day_of(period):
    return dt.date(int(period) // 12, int(period) % 12 + 1, 1).isoformat()


def plan_of(rows, *, mechanism="observational", strata=None, metrics=METRICS, adjust=(), subgroups=(), **options):
    """Return a plan whose starts are those of the rows."""
    extra = {key: options.pop(key) for key in ("decision", "looks", "clusters") if key in options}
    first = rows[rows["treated"] == 1].groupby("site")["period"].min()
    start = {site: day_of(first[site]) if site in first else "never" for site in sorted(set(rows["site"]))}
    return PolicyPlan(
        title="48 hours",
        columns=COLUMNS,
        window=Window(first="2025-01-01", last="2026-12-31", data_end="2027-06-30"),
        treatment=Rollout(unit="site", start=start, mechanism=mechanism, strata=strata or {}, **options),
        metrics=metrics,
        adjust=adjust,
        subgroups=subgroups,
        **extra,
    )


def stats_of(rows, plan):
    return compress_prepared(Prepared(table=rows, provenance=Provenance(made_by="test", simulated=True)), plan)
