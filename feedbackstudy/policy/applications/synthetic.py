"""An invented applicant-tracking table with known truth: a 48-hour feedback policy that reaches sites one by one."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.policy.applications.synthetic_plan import synthetic_plan
from feedbackstudy.policy.applications.table import ApplicationTable
from feedbackstudy.policy.declared import PolicyPlan

__all__ = ["TRUTH", "SyntheticApplications", "synthetic_applications"]

type Floats = NDArray[np.float64]

TRUTH: Mapping[str, float] = {
    "in_time_before": 0.10,
    "in_time_policy": 0.80,
    "reapply_delivered": 0.06,
    "reapply_assigned_rejected": 0.042,
    "minutes_assigned": 6.0,
    "complaint_assigned": -0.010,
    "response_assigned_rejected": 0.07,
    "rejected_assigned": 0.0,
    "impact_ratio_factor": 1.0,
    "in_time_ratio_women": 0.92,
}
"""What the policy does in the invented world: effects of feedback in 48 hours, and of being assigned to it among
rejected applications; among all decided ones they are as much smaller as fewer are rejected."""

_FIRST, _LAST, _END = dt.date(2025, 1, 1), dt.date(2025, 12, 31), dt.date(2026, 6, 30)
_CHUNK = 50_000
_JOBS = ("care", "engineering", "logistics", "sales", "service")
_WOMEN = 0.44


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntheticApplications:
    """Invented applications.

    Attributes
    ----------
    table : ApplicationTable
        The rows, marked as simulated.
    plan : PolicyPlan
        A plan that reads them: roll-out by site and month, metrics, guardrails, groups.
    truth : mapping of str to float
        `TRUTH`, and ``cnps_assigned``: the mean effect on cNPS of everybody under the policy, not of responders.
    seed : int
        Seed.
    """

    table: ApplicationTable
    plan: PolicyPlan
    truth: Mapping[str, float]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _World:
    """What all chunks share: sites with their sizes, levels, interviewers and starts."""

    names: NDArray[np.str_]
    size: Floats
    level: Floats
    pace: Floats
    interviewers: NDArray[np.int64]
    start: NDArray[np.int64]  # month of 2025 (1 to 12) of the change-over; 99 for never


def synthetic_applications(
    n: int = 200_000,
    *,
    seed: int,
    sites: int = 30,
    engine: Literal["pandas", "duckdb"] = "pandas",
    folder: str | Path | None = None,
) -> SyntheticApplications:
    """Invent a table of applications.

    Parameters
    ----------
    n : int, default 200000
        Rows; any number with ``engine="duckdb"``, which never holds more than a chunk in memory.
    seed : int
        Seed; the rows are the same for both engines.
    sites : int, default 30
        Sites; four fifths change over in random order between April and September 2025, the others never.
    engine : {"pandas", "duckdb"}, default "pandas"
        A frame in memory, or Parquet files in `folder` that DuckDB reads.
    folder : str or Path, optional
        New or empty folder for the files.

    Returns
    -------
    SyntheticApplications
        Table, plan and truth.

    Raises
    ------
    InputError
        For too few rows or sites, or a folder that is missing or holds something.

    Notes
    -----
    Candidates apply, are decided on after days, are rejected (four of five) or hired; feedback is in time with .10
    before and .80 under the policy, a little less often for women; the hired get none. Rejected candidates apply again
    within 180 days with a probability that rises by .06 where feedback came in time, and a re-application is a row that
    can be followed by another. A survey asks for a 0 to 10 recommendation: those who are content and those who got
    feedback answer more often, so responders mislead. Sites differ (ICC about .01), months drift, interviewers belong
    to sites. Truths named ``_assigned`` without more are those of all decided applications under the policy: those of
    the rejected, times the share that is rejected.
    """
    if n < 1000 or sites < 5:
        raise InputError(f"{n} rows at {sites} sites are too few for a roll-out; give at least 1,000 and 5.")
    world = _world(seed, sites)
    if engine == "duckdb":
        place = _empty(folder)
        told = _written(world, n, seed, place)
        source: object = place
    else:
        parts, gaps = zip(*_chunks(world, n, seed), strict=True)
        source, told = pd.concat(parts, ignore_index=True), np.concatenate(gaps).mean(axis=0)
    starts = {
        str(name): "never" if month == 99 else dt.date(2025, int(month), 1).isoformat()
        for name, month in zip(world.names, world.start, strict=True)
    }
    plan = synthetic_plan(starts, first=_FIRST, last=_LAST, data_end=_END, seed=seed)
    return SyntheticApplications(
        table=ApplicationTable(source, simulated=True),
        plan=plan,
        truth={
            **TRUTH,
            "reapply_assigned": TRUTH["reapply_assigned_rejected"] * float(told[1]),
            "response_assigned": TRUTH["response_assigned_rejected"] * float(told[1]),
            "cnps_assigned": float(told[0]),
        },
        seed=seed,
    )


def _empty(folder: str | Path | None) -> Path:
    if folder is None:
        raise InputError("With engine='duckdb' say in which 'folder' the Parquet files are to lie.")
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"{place} exists and is not an empty folder; nothing is overwritten. Name another.")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _written(world: _World, n: int, seed: int, place: Path) -> Floats:
    total, count = np.zeros(2), 0
    for number, (part, gap) in enumerate(_chunks(world, n, seed)):
        part.to_parquet(place / f"part-{number:05d}.parquet", index=False)
        total, count = total + gap.sum(axis=0), count + len(gap)
    return total / max(count, 1)


def _world(seed: int, sites: int) -> _World:
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(sites)
    start = np.full(sites, 99)
    changing = sites - sites // 5
    start[order[:changing]] = 4 + np.arange(changing) * 6 // changing
    size = rng.gamma(4.0, 1.0, sites)
    return _World(
        names=np.array([f"site-{i + 1:02d}" for i in range(sites)]),
        size=size / size.sum(),
        level=rng.normal(0.0, 0.025, sites),
        pace=rng.normal(0.0, 0.15, sites),
        interviewers=rng.integers(4, 13, sites),
        start=start,
    )


def _chunks(world: _World, n: int, seed: int) -> Iterator[tuple[pd.DataFrame, Floats]]:
    """Yield rows and, of those under the policy, the effect on their recommendation, and whether rejected."""
    made = number = 0
    while made < n:
        part, gap = _chunk(world, seed, number)
        part, gap = part.iloc[: n - made], gap[: n - made]
        part = part.assign(application_id=[f"a{made + i:08d}" for i in range(len(part))])
        told = np.column_stack([gap, part["status"] == "rejected"])
        yield part.reset_index(drop=True), told[~np.isnan(gap)]
        made, number = made + len(part), number + 1


def _chunk(world: _World, seed: int, number: int) -> tuple[pd.DataFrame, Floats]:
    rng = np.random.default_rng([seed, 1, number])
    people = pd.DataFrame({
        "candidate_id": [f"p{number:04d}-{i:05d}" for i in range(_CHUNK)],
        "site_number": rng.choice(len(world.names), _CHUNK, p=world.size),
        "gender": rng.choice(["women", "men", None], _CHUNK, p=[_WOMEN, 0.46, 0.10]),
        "ethnicity": rng.choice(["group A", "group B", "group C", None], _CHUNK, p=[0.55, 0.22, 0.08, 0.15]),
        "ability": rng.normal(size=_CHUNK),
        "job_family": rng.choice(_JOBS, _CHUNK, p=[0.3, 0.1, 0.25, 0.15, 0.2]),
        "data_protection": rng.choice(["yes", "no"], _CHUNK, p=[0.985, 0.015]),
    })  # fmt: skip
    span = ((_LAST - _FIRST).days + 20) * 24 * 60
    applied = (
        np.datetime64(_FIRST, "s") - np.timedelta64(20, "D") + rng.integers(0, span, _CHUNK) * np.timedelta64(60, "s")
    )
    waves = []
    while len(people):
        rows = _decided(people.assign(applied_at=applied), world, rng)
        waves.append(rows)
        again = rows["next_at"].notna() & (rows["next_at"] < np.datetime64(_END, "s") + np.timedelta64(1, "D"))
        applied = rows.loc[again, "next_at"].to_numpy()
        people = people[again.to_numpy()].reset_index(drop=True)
        moves = rng.random(len(people)) < 0.1
        people["site_number"] = np.where(moves, rng.integers(0, len(world.names), len(people)), people["site_number"])
    rows = pd.concat(waves, ignore_index=True).sort_values(["candidate_id", "applied_at"], ignore_index=True)
    rows = _until_the_end(rows)
    gap = rows.pop("gap").to_numpy()
    return rows.drop(columns=["ability", "site_number", "next_at"]), gap


def _until_the_end(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave open what was not decided by the last day of the data, and unsent what was not sent."""
    end = np.datetime64(_END, "s") + np.timedelta64(1, "D")
    late = rows["decided_at"] >= end
    known = [
        "decided_at",
        "feedback_sent_at",
        "feedback_specific",
        "interviewer_minutes",
        "complaint",
        "recommend",
        "gap",
    ]
    rows[known] = rows[known].where(~late)
    rows["status"] = rows["status"].where(~late, "active")
    rows["feedback_sent_at"] = rows["feedback_sent_at"].where(rows["feedback_sent_at"] < end)
    return rows


def _decided(rows: pd.DataFrame, world: _World, rng: np.random.Generator) -> pd.DataFrame:
    """Decide on applications, send feedback, ask, and let candidates apply again."""
    n, site = len(rows), rows["site_number"].to_numpy()
    applied = rows["applied_at"].to_numpy().astype("datetime64[s]")
    hours = 24 * np.exp(1.9 + world.pace[site] + 0.5 * rng.normal(size=n))
    decided = applied + (hours * 3600).astype("timedelta64[s]")
    month = (decided.astype("datetime64[M]") - np.datetime64("2024-12", "M")).astype(int)  # 1 is January 2025
    policy = month >= world.start[site]
    women, interview = (rows["gender"] == "women").to_numpy(), rows["ability"].to_numpy() + rng.normal(0, 0.7, n)
    rejected = rng.random(n) > np.clip(0.20 + 0.06 * interview, 0.01, 0.95)
    chance = np.where(policy, TRUTH["in_time_policy"], TRUTH["in_time_before"])
    # Among the 44 % women less, among the others so much more that the share of all stays what the truth says.
    ratio = TRUTH["in_time_ratio_women"]
    chance = chance * np.where(women, ratio, 1.0) / (1 - _WOMEN * (1 - ratio))
    in_time = rejected & (rng.random(n) < chance)  # the hired get no rejection to explain
    return _answered(
        rows.assign(site=world.names[site], applied_at=applied, decided_at=decided), world, rng,
        policy=policy, rejected=rejected, in_time=in_time, interview=interview, month=month,
    )  # fmt: skip


def _answered(
    rows: pd.DataFrame,
    world: _World,
    rng: np.random.Generator,
    *,
    policy: NDArray[np.bool_],
    rejected: NDArray[np.bool_],
    in_time: NDArray[np.bool_],
    interview: Floats,
    month: NDArray[np.int64],
) -> pd.DataFrame:
    n, site, decided = len(rows), rows["site_number"].to_numpy(), rows["decided_at"].to_numpy()
    late = np.where(in_time, rng.uniform(1, 47.5, n), rng.uniform(49, 400, n))
    sent = in_time | (rejected & (rng.random(n) < 0.55))
    specific = sent & (rng.random(n) < np.where(policy, 0.75, 0.25))
    chance = (
        0.14 + world.level[site] + 0.03 * interview + 0.01 * np.sin(month / 2) + TRUTH["reapply_delivered"] * in_time
    )
    end = np.datetime64(_END, "s") + np.timedelta64(1, "D")
    again = rejected & (decided < end) & (rng.random(n) < np.clip(chance, 0.005, 0.9))
    wait = (rng.uniform(3, 179, n) * 86_400).astype("timedelta64[s]")
    mood, mix = rng.normal(0, 2.1, n) - 1.2 * rejected, rng.random(n)
    content = 6.9 + mood + 0.8 * in_time
    respond = np.clip(0.18 + 0.10 * in_time + 0.02 * mood, 0.02, 0.95)
    before, after = (
        _nps(6.9 + mood + 0.8 * (rejected & (mix < TRUTH[key]))) for key in ("in_time_before", "in_time_policy")
    )
    staff = 1 + (rng.random(n) * world.interviewers[site]).astype(int)
    score = np.clip(np.round(content), 0, 10)
    asked = rng.random(n) < respond
    return rows.assign(
        interviewer=np.char.add(np.char.add(rows["site"].to_numpy().astype(str), "/"), staff.astype(str)),
        status=np.where(rejected, "rejected", "hired"),
        interview_score=np.round(interview, 3),
        feedback_sent_at=pd.Series(decided + (late * 3600).astype("timedelta64[s]")).where(sent),
        feedback_specific=specific.astype(float),
        interviewer_minutes=np.round(rng.gamma(6.0, 5.0, n) + TRUTH["minutes_assigned"] * policy, 1),
        complaint=(rng.random(n) < 0.03 + TRUTH["complaint_assigned"] * policy).astype(float),
        recommend=pd.Series(score).where(asked),
        next_at=pd.Series(decided + wait).where(again),
        gap=np.where(policy, after - before, np.nan),
    )


def _nps(content: Floats) -> Floats:
    score = np.clip(np.round(content), 0, 10)
    return np.where(score >= 9, 1.0, np.where(score <= 6, -1.0, 0.0))
