"""Looking only as often as was planned: levels, alpha that was spent, and what is fixed at the first look."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy import special

from feedbackstudy.errors import InputError
from feedbackstudy.named import Fixed
from feedbackstudy.policy.always_valid import tuning
from feedbackstudy.policy.data_print import print_of, same_data
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.look_ledger import LookLedger, add_lines, open_ledger, read_ledger
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.power.sequential import Spending, boundaries

__all__ = ["Look", "allowed_level", "plan_look", "take_look"]

_SPENDING: Spending = "lan-demets-obrien-fleming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look.

    Attributes
    ----------
    number : int
        Counted from 1.
    planned : int or None
        Looks that were planned; None where the interval is always valid.
    level : float
        Level of every interval at this look; the p value that decides is 1 - level.
    repeated : bool
        Whether the same data were looked at before: nothing was spent.
    amended : tuple of str
        Reasons for changes of the plan, each with its day and whether there were data; and what they cost.
    registered : bool
        Whether the plan was registered before it met data.
    tuned : mapping of str to float
        With always-valid intervals: metric -> standard error at which its interval is shortest, the same at each look.
    """

    number: int
    planned: int | None
    level: float
    repeated: bool
    amended: tuple[str, ...]
    registered: bool = False
    tuned: Mapping[str, float] = field(default_factory=dict)

    def of(self, stats: SufficientStats) -> SufficientStats:
        """Return the statistics with the plan's level and tuning replaced by those of this look.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.

        Returns
        -------
        SufficientStats
            For the estimators.
        """
        looks = stats.plan.looks
        if self.tuned:
            looks = looks.model_copy(update={"tuned_se": Fixed(self.tuned)})
        return replace(stats, plan=stats.plan.model_copy(update={"interval_level": self.level, "looks": looks}))


def allowed_level(plan: PolicyPlan, look: int) -> float:
    r"""Return the level that intervals have at a look.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.
    look : int
        Number of the look.

    Returns
    -------
    float
        The plan's own level with always-valid intervals or a single look.

    Raises
    ------
    InputError
        For a look that was not planned.

    Notes
    -----
    Alpha is spent after Lan and DeMets (1983) with :math:`2 - 2\Phi(z_{1-\alpha/2}/\sqrt t)` (as O'Brien and Fleming),
    t the planned share of the looks. The level is that of a repeated confidence interval, :math:`2\Phi(z_k) - 1`.
    """
    if look < 1:
        raise InputError(f"Look {look} is none; looks are counted from 1.")
    if plan.looks.kind == "always_valid":
        return plan.interval_level
    planned = plan.looks.planned
    if look > planned:
        raise InputError(
            f"Look {look} was not planned: the plan has {planned}. An interval at a look too many does not keep its "
            "level. Plan looks of kind 'always_valid' beforehand; or raise looks.planned in the plan to "
            f"{look} and say why with --amend (amend=): the reason is written down and printed with every result."
        )
    if planned == 1:
        return plan.interval_level
    times = np.arange(1, planned + 1) / planned
    bounds = boundaries(times, kind=_SPENDING, alpha=1 - plan.interval_level, sides=2)
    return float(2 * special.ndtr(bounds[look - 1]) - 1)


def plan_look(
    path: str | Path, stats: SufficientStats, look: int, *, amend: str | None = None, today: dt.date | None = None
) -> Look:
    """Say what a look would be, without taking it: for estimating first, so that a failure spends nothing.

    Parameters
    ----------
    path : str or Path
        The ledger; it is read only.
    stats : SufficientStats
        What is to be looked at.
    look : int
        Its number.
    amend : str, optional
        As in `take_look`.
    today : date, optional
        As in `take_look`.

    Returns
    -------
    Look
        For the estimators, and then for `take_look`, before anything is shown.

    Raises
    ------
    InputError
        As `take_look`.
    FileFormatError
        As `take_look`.
    """
    return _judged(read_ledger(path), stats, look, amend, _day(today))[0]


def take_look(
    path: str | Path,
    stats: SufficientStats,
    look: int | Look,
    *,
    amend: str | None = None,
    today: dt.date | None = None,
) -> Look:
    """Write a look into the ledger, before anything is shown.

    Parameters
    ----------
    path : str or Path
        The ledger.
    stats : SufficientStats
        What is looked at.
    look : int or Look
        Its number: one more than the last, or the last again for the same data. Or what `plan_look` gave.
    amend : str, optional
        Why the plan differs from the one that was registered or looked by before; it is written down, and every later
        page says it.
    today : date, optional
        Day of the look; today by default.

    Returns
    -------
    Look
        The level that its intervals have.

    Raises
    ------
    InputError
        For an unplanned look, one out of order, other data at a look that was taken, or a plan that was changed and not
        said to be.
    FileFormatError
        Where the ledger does not hold or cannot be written.
    """
    number = look.number if isinstance(look, Look) else look
    with open_ledger(path) as ledger:
        given = look.tuned if isinstance(look, Look) else {}
        found, new = _judged(ledger, stats, number, amend, _day(today), given)
        add_lines(path, ledger, new)
    return found


type _Lines = list[dict[str, object]]


def _judged(
    ledger: LookLedger, stats: SufficientStats, look: int, amend: str | None, day: str, given: Mapping[str, float] = {}
) -> tuple[Look, _Lines]:
    """Return the look and the lines that it adds to the ledger."""
    plan = stats.plan
    level = allowed_level(plan, look)
    new = _amendment(ledger, plan, amend, day)
    repeated = _in_order(ledger, plan, stats, look, amended=bool(new))
    tuned = _tuned(ledger, stats, given)
    if not repeated:
        line: dict[str, object] = {"kind": "look", "look": look, "taken": day, "plan": plan.design_hash, "level": level}
        new.append(line | {"data": print_of(stats)} | ({"tuned": dict(tuned)} if tuned else {}))
    changes = (*ledger.amendments, *(line for line in new if line["kind"] == "amendment"))
    reasons = [f"{line['reason']} ({line['taken']}, {line['when']})" for line in changes]
    reasons += _overspent(ledger, plan, look, level)
    made = Look(
        number=look,
        planned=None if plan.looks.kind == "always_valid" else plan.looks.planned,
        level=level,
        repeated=repeated,
        amended=tuple(reasons),
        registered=ledger.registered is not None,
        tuned=tuned,
    )
    return made, new


def _amendment(ledger: LookLedger, plan: PolicyPlan, reason: str | None, day: str) -> _Lines:
    """Return the line of an amendment, where the plan is not the one that holds."""
    if ledger.plan in (None, plan.design_hash):
        return []
    if reason is None or not reason.strip():
        what = "last look" if ledger.looks else "registration"
        raise InputError(
            f"The plan is not the one of the {what} ({str(ledger.plan)[:16]}, now {plan.design_hash[:16]}). Restore "
            "it, or say why it was amended; the reason is written down and shown with every result."
        )
    when = "after data" if ledger.has_data else "before data"
    line = {"kind": "amendment", "taken": day, "plan": plan.design_hash, "reason": reason.strip(), "when": when}
    return [dict(line)]


def _in_order(ledger: LookLedger, plan: PolicyPlan, stats: SufficientStats, look: int, *, amended: bool) -> bool:
    """Say whether this look was taken before with the same data; refuse one that is out of order."""
    last = ledger.looks[-1] if ledger.looks else None
    count = 0 if last is None else int(str(last["look"]))
    if last is not None and look == count and amended:
        raise InputError(
            f"Look {look} was taken on {last['taken']} under the plan as it was. A look under the amended plan is look "
            f"{count + 1}{_must_rise(plan, count + 1)}."
        )
    if last is not None and look == count:
        if same_data(last["data"], stats):
            return True
        raise InputError(
            f"Look {look} was taken on {last['taken']} with other data. Looking again at more data is look {look + 1}"
            f"{_must_rise(plan, look + 1)}."
        )
    if look != count + 1:
        raise InputError(f"Look {look} is out of order: {count} were taken, so the next is {count + 1}.")
    return False


def _must_rise(plan: PolicyPlan, needed: int) -> str:
    if plan.looks.kind == "always_valid" or plan.looks.planned >= needed:
        return ""
    return f", and looks.planned in the plan must rise from {plan.looks.planned} to {needed} for it, with a reason"


def _tuned(ledger: LookLedger, stats: SufficientStats, given: Mapping[str, float]) -> dict[str, float]:
    """Return the tuning of each metric: that of the looks before, else the plan's, else that of the data now."""
    plan = stats.plan
    if plan.looks.kind != "always_valid":
        return {}
    known: dict[str, float] = {}
    for line in ledger.looks:
        earlier = line.get("tuned")
        known |= {str(k): float(str(v)) for k, v in earlier.items()} if isinstance(earlier, Mapping) else {}
    for name, value in plan.looks.tuned_se.items():
        if known.setdefault(name, value) != value:
            raise InputError(
                f"The plan tunes {name!r} to a standard error of {value:g}, and the looks before to {known[name]:g}. A "
                "sequence holds with one tuning only; write that number into looks.tuned_se, or take the entry out."
            )
    missing = {metric.name for metric in plan.metrics} - set(known)
    if missing:
        fresh = given if missing <= set(given) else tuning(stats)
        known |= {name: value for name, value in fresh.items() if name in missing}
    return known


def _overspent(ledger: LookLedger, plan: PolicyPlan, look: int, level: float) -> list[str]:
    """Say what it costs where earlier looks spent more of alpha than the plan of now gives them."""
    if plan.looks.kind == "always_valid":
        fixed = [line for line in ledger.looks if "tuned" not in line]
        if not fixed:
            return []
        return [f"{len(fixed)} looks before were not always valid; the error rate over all looks is above alpha"]
    earlier = [(int(str(line["look"])), float(str(line["level"]))) for line in ledger.looks]
    earlier = [(k, own) for k, own in earlier if k < look]
    if all(k <= plan.looks.planned and own >= allowed_level(plan, k) - 1e-9 for k, own in earlier):
        return []
    spent = sum(1 - own for _, own in earlier)
    most = spent + 1 - level
    return [
        f"the looks before spent {spent:.4f}, more than the amended plan gives them; over all looks the error rate is "
        f"up to {most:.4f}, not {1 - plan.interval_level:.4f}"
    ]


def _day(today: dt.date | None) -> str:
    return (today or dt.datetime.now(tz=dt.UTC).date()).isoformat()
