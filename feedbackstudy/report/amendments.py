"""What was changed after a study was registered: every field, as it was and as it is, and whether data came first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy.collect.read_import import Import
from feedbackstudy.collect.registration import Registration, read_registration
from feedbackstudy.collect.standing import AFTER, LATE, UNTOLD, Standing, standing
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, table_of
from feedbackstudy.report.preregistration import Preregistration
from feedbackstudy.study import Study

__all__ = ["Amendments", "amendments", "changed_fields"]

_NOTHING = "(not stated)"
_LOST = {
    AFTER: "Hypotheses of a study that was amended after data are no longer confirmatory.",
    LATE: "Hypotheses of a study that was registered after data are not confirmatory.",
    UNTOLD: "Hypotheses are not confirmatory where it cannot be told whether the plan was changed before the data.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments(Rendered):
    """The differences between what was registered and what is declared now.

    Attributes
    ----------
    changes : tuple of (str, str, str)
        Where, as registered, as it is now.
    registered_hash, design_hash : str
        Of the design then and now.
    standing : Standing
        Where the plan stands towards the registration and the data, and what says so.
    """

    changes: tuple[tuple[str, str, str], ...]
    registered_hash: str
    design_hash: str
    standing: Standing

    @property
    def status(self) -> str:
        """The words for where the plan stands, such as ``"amended after data"``; `standing` says why."""
        return self.standing.status

    def page(self) -> Page:
        """Return the status, what says so, and every change.

        Returns
        -------
        Page
            Ready to render.
        """
        rows: list[dict[str, object]] = [{"where": w, "registered": a, "now": b} for w, a, b in self.changes]
        facts = Facts((("registered design", self.registered_hash), ("design now", self.design_hash)))
        lost = [Notice(_LOST[self.status])] if self.status in _LOST else []
        body: list[Block] = [table_of(rows)] if rows else [Text("Nothing was changed.")]
        return Page(title="Amendments", subtitle=self.status, blocks=(*lost, Text(self.standing.why), *body, facts))


def amendments(
    registered: Preregistration | str | Path, study: Study, *, data: Responses | Scores | Import | None = None
) -> Amendments:
    """Compare a study with what was registered.

    Parameters
    ----------
    registered : Preregistration, str or Path
        The registration, or its ``.registered.json``, which knows when it was made.
    study : Study
        The study as it is now.
    data : Responses, Scores or Import, optional
        The data, read with whichever design.

    Returns
    -------
    Amendments
        Every field that differs, and whether the plan was changed before or after there were data: by the moment of
        the registration, the times in the data, and the history beside the study, which notes every reading from the
        registration on. Where these do not tell, the status says so.

    Raises
    ------
    FileFormatError
        Where the file is no record of a registration, or was changed since.
    """
    if isinstance(registered, Preregistration):
        then = Registration(study=registered.study, at=None)
    else:
        then = read_registration(registered)
    made = None if data is None else data.provenance
    under = data.design_hash if isinstance(data, Responses | Scores) else None
    return Amendments(
        changes=tuple(changed_fields(then.study.model_dump(mode="json"), study.model_dump(mode="json"))),
        registered_hash=then.design_hash,
        design_hash=study.design_hash,
        standing=standing(study, registered=then, data=made, design_hash=under),
    )


def changed_fields(then: object, now: object, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Find every field that differs between two declarations as plain data.

    Parameters
    ----------
    then, now : object
        As registered, and as it is now.
    where : str, optional
        Where both stand.

    Yields
    ------
    tuple of (str, str, str)
        Where, as registered, as it is now; named entries are compared by name.
    """
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from changed_fields(then.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif _named(then) and _named(now):
        yield from changed_fields(_by_name(then), _by_name(now), where)
    elif then != now:
        yield where, _shown(then), _shown(now)


def _named(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) and "name" in v for v in value)


def _by_name(value: object) -> dict[str, object]:
    return {str(entry["name"]): entry for entry in value} if isinstance(value, Sequence) else {}


def _shown(value: object) -> str:
    return _NOTHING if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
