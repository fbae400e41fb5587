"""Registration of a policy plan: the same forms as of a study, the same record, and what was changed since."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from feedbackstudy.collect.standing import AFTER, AS_REGISTERED, BEFORE, UNTOLD, Standing
from feedbackstudy.errors import DataError, DeclarationError, FileFormatError, choices
from feedbackstudy.files import read_bounded, write_atomic
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.look_ledger import LookLedger, register_plan
from feedbackstudy.provenance import Provenance, versions
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, counted
from feedbackstudy.report.amendments import Amendments, changed_fields
from feedbackstudy.report.policy_registration_words import said_of_plan
from feedbackstudy.report.preregistration import FORMS, Item, form_text

__all__ = ["PolicyRegistration", "policy_amendments", "policy_registration"]

_VERSION, _LIMIT = 1, 5_000_000
_TOGETHER: Mapping[str, tuple[str, ...]] = {"models": ("inference",), "exclusions": ("missing",)}
"""Questions that AsPredicted asks as one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyRegistration(Rendered):
    """A filled registration form of a policy plan. Make it with `policy_registration`.

    Attributes
    ----------
    form : str
        ``"osf"`` or ``"aspredicted"``.
    items : tuple of Item
        The questions with their answers.
    plan : PolicyPlan
        What is registered.
    provenance : Provenance
        What made the text.
    """

    form: str
    items: tuple[Item, ...]
    plan: PolicyPlan
    provenance: Provenance

    @property
    def gaps(self) -> tuple[Item, ...]:
        """The questions that nobody has answered yet."""
        return tuple(item for item in self.items if item.is_gap)

    def text(self) -> str:
        """Return the form as Markdown, gaps marked.

        Returns
        -------
        str
            Ready to be pasted into the registry.
        """
        return form_text(self.plan.title, self.items, self._committed())

    def _committed(self) -> tuple[tuple[str, str], ...]:
        software = f"feedbackstudy {versions().get('feedbackstudy', '')}"
        return (
            ("design hash (SHA-256 of the plan)", self.plan.design_hash),
            ("seed", str(self.plan.seed)),
            ("software", software),
        )

    def write(self, path: str | Path, *, ledger: str | Path | None = None) -> tuple[Path, Path]:
        """Write the text, beside it the record that `policy_amendments` reads, and a line into the ledger of looks.

        Parameters
        ----------
        path : str or Path
            A Markdown file; must be new.
        ledger : str or Path, optional
            The ledger of looks beside the plan: from this line on a changed plan needs a reason before the next look.

        Returns
        -------
        tuple of Path
            The text, and ``<name>.registered.json``.

        Raises
        ------
        DataError
            Where one of the files is there already.
        InputError
            Where the ledger knows another registration, or data.
        """
        text = Path(path)
        record = text.with_suffix(".registered.json")
        for file in (text, record):
            if file.exists():
                raise DataError(f"{file} is there already; a registration is never overwritten. Choose another name.")
        if ledger is not None:
            register_plan(ledger, self.plan)
        told = {
            "schema_version": _VERSION,
            "form": self.form,
            "design_hash": self.plan.design_hash,
            "registered_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "plan": {"schema_version": self.plan.schema_version, **self.plan.to_data()},
        }
        write_atomic(record, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return write_atomic(text, self.text()), record

    def page(self) -> Page:
        """Return the form, gaps as notices.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = []
        for item in self.items:
            if item.is_gap:
                blocks.append(Notice(f"To fill in: {item.asks}"))
            else:
                blocks += [Text(item.title), *(Text(line) for line in item.text.split("\n") if line)]
        return Page(
            title=f"Preregistration ({'OSF' if self.form == 'osf' else 'AsPredicted'})",
            subtitle=f"{self.plan.title}; {len(self.gaps)} of {counted(len(self.items), 'question')} to fill in",
            blocks=(*blocks, Facts(self._committed())),
        )


def policy_registration(
    plan: PolicyPlan,
    form: Literal["osf", "aspredicted"] = "osf",
    *,
    answers: Mapping[str, str] | None = None,
) -> PolicyRegistration:
    """Fill a registration form from a policy plan.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.
    form : {"osf", "aspredicted"}
        OSF Preregistration, or AsPredicted.
    answers : mapping of str to str, optional
        Key of a gap -> its text. What the plan itself says cannot be said otherwise here.

    Returns
    -------
    PolicyRegistration
        The form; `gaps` are the questions that are still open.

    Raises
    ------
    DataError
        For an unknown form or key, or an answer to something that the plan says already.
    """
    if form not in FORMS:
        raise DataError(choices("Form", form, FORMS))
    given, items = dict(answers or {}), []
    for ask in FORMS[form]:
        keys = (ask.key, *_TOGETHER.get(ask.key, ())) if form == "aspredicted" else (ask.key,)
        own, told = " ".join(said for key in keys if (said := said_of_plan(plan, key))), given.pop(ask.key, "").strip()
        if own and told:
            raise DataError(
                f"{ask.title!r} follows from the plan and cannot be told differently here; change the plan, so that "
                "what is registered is what will be done."
            )
        items.append(Item(key=ask.key, section=ask.section, title=ask.title, text=own or told, hint=ask.hint))
    if given:
        raise DataError(choices("Answer to", next(iter(given)), [ask.key for ask in FORMS[form]]))
    made = Provenance(made_by="policy_registration", design_hash=plan.design_hash, seed=plan.seed)
    return PolicyRegistration(form=form, items=tuple(items), plan=plan, provenance=made)


def policy_amendments(
    registered: PolicyRegistration | str | Path, plan: PolicyPlan, *, ledger: LookLedger | None = None
) -> Amendments:
    """Compare a policy plan with what was registered.

    Parameters
    ----------
    registered : PolicyRegistration, str or Path
        The registration, or its ``.registered.json``.
    plan : PolicyPlan
        The plan as it is now.
    ledger : LookLedger, optional
        The looks so far: it says whether statistics were made or looked at before the change.

    Returns
    -------
    Amendments
        Every field that differs, and whether the plan was changed before or after data.

    Raises
    ------
    FileFormatError
        Where the file is no record of a registration of a policy plan, or was changed since.
    """
    then = registered.plan if isinstance(registered, PolicyRegistration) else _read(Path(registered))
    return Amendments(
        changes=tuple(changed_fields(then.model_dump(mode="json"), plan.model_dump(mode="json"))),
        registered_hash=then.design_hash,
        design_hash=plan.design_hash,
        standing=_standing(then, plan, ledger),
    )


def _standing(then: PolicyPlan, plan: PolicyPlan, ledger: LookLedger | None) -> Standing:
    line = ledger.registered if ledger is not None else None
    known = line is not None and line["plan"] == then.design_hash
    if then.design_hash == plan.design_hash:
        why = f"The ledger of looks holds it since {line['taken']}, before any data." if known and line else (
            "The plan is the registered one; that it was registered before data is not shown by a ledger of looks."
        )  # fmt: skip
        return Standing(status=AS_REGISTERED, why=why, shown=known)
    if ledger is None or not known:
        return Standing(status=UNTOLD, why="No ledger of looks holds this registration.")
    said = [each for each in ledger.amendments if each["plan"] == plan.design_hash]
    after = said[0]["when"] == "after data" if said else ledger.has_data
    first = next((each for each in ledger.lines if each["kind"] in {"statistics", "look"}), None)
    when = f"Statistics or looks are in the ledger since {first['taken']}." if first is not None else (
        "The ledger holds neither statistics nor a look."
    )  # fmt: skip
    reasons = "".join(f" Reason given on {each['taken']}: {each['reason']}" for each in said)
    return Standing(status=AFTER if after else BEFORE, why=when + reasons, shown=True)


def _read(path: Path) -> PolicyPlan:
    try:
        record = json.loads(read_bounded(path, _LIMIT).decode("utf-8"))
        version, data = int(record["schema_version"]), dict(record["plan"])
        if version > _VERSION or int(data.get("schema_version", 1)) > PolicyPlan.schema_version:
            raise FileFormatError(f"{path} was written by a newer version; update feedbackstudy.")
        for step in range(int(data.pop("schema_version", 1)), PolicyPlan.schema_version):
            data = PolicyPlan.migrations[step](data)
        plan = PolicyPlan.from_data(data)
    except (ValueError, KeyError, TypeError, RecursionError, DeclarationError) as fault:
        if isinstance(fault, FileFormatError):
            raise
        raise FileFormatError(f"{path} is no record of a registration of a policy plan: {fault}.") from fault
    if plan.design_hash != record.get("design_hash"):
        raise FileFormatError(f"{path} was changed after it was written: its design hash is not that of its plan.")
    return plan
