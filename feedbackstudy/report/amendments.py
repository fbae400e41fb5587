"""What was changed after a study was registered: every field, as it was and as it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.files import read_bounded
from feedbackstudy.frames import Responses, Scores
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, table_of
from feedbackstudy.report.preregistration import RECORD_VERSION, Preregistration
from feedbackstudy.study import Study

__all__ = ["Amendments", "amendments"]

_LIMIT = 5_000_000
_NOTHING = "(not stated)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments(Rendered):
    """The differences between what was registered and what is declared now.

    Attributes
    ----------
    changes : tuple of (str, str, str)
        Where, as registered, as it is now.
    registered_hash, design_hash : str
        Of the design then and now.
    after_data : bool or None
        Whether data had been collected under the registered design when it was changed; None where no data were given.
    """

    changes: tuple[tuple[str, str, str], ...]
    registered_hash: str
    design_hash: str
    after_data: bool | None

    @property
    def status(self) -> str:
        """``"as registered"``, ``"amended after data"``, ``"amended before data"`` or ``"amended"``."""
        if self.registered_hash == self.design_hash:
            return "as registered"
        return {None: "amended", True: "amended after data", False: "amended before data"}[self.after_data]

    def page(self) -> Page:
        """Return the status and every change.

        Returns
        -------
        Page
            Ready to render.
        """
        rows: list[dict[str, object]] = [{"where": w, "registered": a, "now": b} for w, a, b in self.changes]
        facts = Facts((("registered design", self.registered_hash), ("design now", self.design_hash)))
        lost = Notice("Hypotheses of a study that was amended after data are no longer confirmatory.")
        body: list[Block] = [table_of(rows)] if rows else [Text("Nothing was changed.")]
        return Page(
            title="Amendments",
            subtitle=self.status,
            blocks=(*([lost] if self.status == "amended after data" else []), *body, facts),
        )


def amendments(
    registered: Preregistration | str | Path, study: Study, *, data: Responses | Scores | None = None
) -> Amendments:
    """Compare a study with what was registered.

    Parameters
    ----------
    registered : Preregistration, str or Path
        The registration, or its ``.registered.json``.
    study : Study
        The study as it is now.
    data : Responses or Scores, optional
        The data: where they belong to the registered design, it was amended after data.

    Returns
    -------
    Amendments
        Every field that differs.

    Raises
    ------
    FileFormatError
        Where the file is no record of a registration, or was changed since.
    """
    then = registered.study if isinstance(registered, Preregistration) else _read(Path(registered))
    after = None if data is None else data.design_hash != study.design_hash
    return Amendments(
        changes=tuple(_changes(then.model_dump(mode="json"), study.model_dump(mode="json"))),
        registered_hash=then.design_hash,
        design_hash=study.design_hash,
        after_data=after,
    )


def _read(path: Path) -> Study:
    try:
        record = json.loads(read_bounded(path, _LIMIT).decode("utf-8"))
        version, study = int(record["schema_version"]), Study.model_validate(record["study"])
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        if isinstance(fault, DataError | FileFormatError):
            raise
        raise FileFormatError(f"{path} is no record of a registration: {type(fault).__name__}.") from fault
    if version > RECORD_VERSION:
        raise FileFormatError(f"{path} was written by a newer version (schema {version}); update feedbackstudy.")
    if study.design_hash != record["design_hash"]:
        raise FileFormatError(f"{path} was changed after it was written: its design hash is not that of its study.")
    return study


def _changes(then: object, now: object, where: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from _changes(then.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif _named(then) and _named(now):
        yield from _changes(_by_name(then), _by_name(now), where)
    elif then != now:
        yield where, _shown(then), _shown(now)


def _named(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) and "name" in v for v in value)


def _by_name(value: object) -> dict[str, object]:
    return {str(entry["name"]): entry for entry in value} if isinstance(value, Sequence) else {}


def _shown(value: object) -> str:
    return _NOTHING if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
