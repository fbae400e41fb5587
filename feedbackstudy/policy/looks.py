"""Looking only as often as was planned: an append-only ledger of looks, each line holding the one before."""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import special

from feedbackstudy.assign.chain import START, Line, chained, read_chain, text_of
from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.files import locked, read_bounded
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.policy.sufficient_saving import content_digest
from feedbackstudy.power.sequential import Spending, boundaries
from feedbackstudy.render import Facts, Notice, Page, Rendered, Table, number, p_value

__all__ = ["Look", "LookLedger", "allowed_level", "read_ledger", "take_look"]

_LIMIT = 10_000_000
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
        Reasons for changes of the plan since the first look.
    """

    number: int
    planned: int | None
    level: float
    repeated: bool
    amended: tuple[str, ...]

    def of(self, stats: SufficientStats) -> SufficientStats:
        """Return the statistics with the plan's level replaced by the level of this look.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.

        Returns
        -------
        SufficientStats
            For the estimators.
        """
        return replace(stats, plan=stats.plan.model_copy(update={"interval_level": self.level}))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookLedger(Rendered):
    """All looks so far.

    Attributes
    ----------
    lines : tuple of mapping
        As they stand in the file, each proved.
    """

    lines: tuple[Mapping[str, object], ...]

    @property
    def looks(self) -> tuple[Mapping[str, object], ...]:
        """Lines that are looks."""
        return tuple(line for line in self.lines if line["kind"] == "look")

    @property
    def amendments(self) -> tuple[Mapping[str, object], ...]:
        """Lines that are changes of the plan."""
        return tuple(line for line in self.lines if line["kind"] == "amendment")

    def page(self) -> Page:
        """Return the looks as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (str(line["look"]), str(line["taken"]), number(line["level"], 4), p_value(1 - float(str(line["level"]))),
             str(line["plan"])[:16])
            for line in self.looks
        )  # fmt: skip
        notes = [Notice(f"Amended on {line['taken']}: {line['reason']}") for line in self.amendments]
        head = ("look", "taken", "level of intervals", "p that decides", "plan")
        last = str(self.lines[-1]["hash"])[:16] if self.lines else "-"
        return Page(title="Looks", blocks=(Table(head, rows), *notes, Facts((("last line", last),))))


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
            "level. Plan looks of kind 'always_valid' beforehand, or amend the plan with a reason that is printed."
        )
    if planned == 1:
        return plan.interval_level
    times = np.arange(1, planned + 1) / planned
    bounds = boundaries(times, kind=_SPENDING, alpha=1 - plan.interval_level, sides=2)
    return float(2 * special.ndtr(bounds[look - 1]) - 1)


def read_ledger(path: str | Path) -> LookLedger:
    """Read and prove a ledger of looks.

    Parameters
    ----------
    path : str or Path
        The file; one that does not exist yet is an empty ledger.

    Returns
    -------
    LookLedger
        Its lines.

    Raises
    ------
    FileFormatError
        Where a line was changed, moved, added or taken out.
    """
    place = Path(path)
    if not place.exists():
        return LookLedger(lines=())
    lines, fault = read_chain(read_bounded(place, _LIMIT))
    if fault is not None:
        raise FileFormatError(
            f"{place}, line {fault.line}: {fault.what}. No look is taken on a ledger that does not hold; restore it "
            "from a copy."
        )
    return LookLedger(lines=tuple(lines))


def take_look(
    path: str | Path, stats: SufficientStats, look: int, *, amend: str | None = None, today: dt.date | None = None
) -> Look:
    """Write a look into the ledger, before anything is estimated.

    Parameters
    ----------
    path : str or Path
        The ledger.
    stats : SufficientStats
        What is looked at.
    look : int
        Its number: one more than the last, or the last again for the same data.
    amend : str, optional
        Why the plan differs from that of the looks before; it is written down, and every later page says it.
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
    plan, place = stats.plan, Path(path)
    level = allowed_level(plan, look)
    day = (today or dt.datetime.now(tz=dt.UTC).date()).isoformat()
    place.parent.mkdir(parents=True, exist_ok=True)
    with locked(place.with_name(place.name + ".lock")):
        ledger = read_ledger(place)
        new = _amendment(ledger, plan, amend, day)
        data = content_digest(stats)
        repeated = _in_order(ledger, look, data, new)
        if not repeated:
            new.append(
                {"kind": "look", "look": look, "taken": day, "plan": plan.digest(), "data": data, "level": level}
            )
        _append(place, ledger, new)
    reasons = [str(line["reason"]) for line in (*ledger.amendments, *(n for n in new if n["kind"] == "amendment"))]
    planned = None if plan.looks.kind == "always_valid" else plan.looks.planned
    return Look(number=look, planned=planned, level=level, repeated=repeated, amended=tuple(reasons))


def _amendment(ledger: LookLedger, plan: PolicyPlan, reason: str | None, day: str) -> list[dict[str, object]]:
    """Return the line of an amendment, where the plan is not the one of the last line."""
    if not ledger.lines or ledger.lines[-1]["plan"] == plan.digest():
        return []
    if reason is None or not reason.strip():
        raise InputError(
            f"The plan is not the one of the last look ({str(ledger.lines[-1]['plan'])[:16]}, now {plan.digest()[:16]}"
            "). Restore it, or say why it was amended; the reason is written down and shown with every result."
        )
    return [{"kind": "amendment", "taken": day, "plan": plan.digest(), "reason": reason.strip()}]


def _in_order(ledger: LookLedger, look: int, data: str, new: list[dict[str, object]]) -> bool:
    """Say whether this look was taken before with the same data; refuse one that is out of order."""
    last = ledger.looks[-1] if ledger.looks else None
    count = 0 if last is None else int(str(last["look"]))
    if last is not None and look == count and not new:
        if last["data"] == data:
            return True
        raise InputError(
            f"Look {look} was taken on {last['taken']} with other data. Looking again at more data is look {look + 1}."
        )
    if look != count + 1:
        raise InputError(f"Look {look} is out of order: {count} were taken, so the next is {count + 1}.")
    return False


def _append(place: Path, ledger: LookLedger, new: list[dict[str, object]]) -> None:
    previous = str(ledger.lines[-1]["hash"]) if ledger.lines else START
    text, count = "", len(ledger.lines)
    for content in new:
        count += 1
        line: Line = chained(content, count, previous)
        text, previous = text + text_of(line), str(line["hash"])
    if not text:
        return
    try:
        with place.open("ab") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as fault:
        raise FileFormatError(f"{place} cannot be written: {fault.strerror or fault}; no look was taken.") from fault
