"""`Import`: what a reading found, besides the answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from feedbackstudy.collect.matching import WaveMatch
from feedbackstudy.frames import Responses
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, counted, number, table_of

__all__ = ["Import", "ImportedFile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """One file that was read.

    Attributes
    ----------
    name : str
        Its name, without its folder.
    sha256 : str
        Its hash, the same before and after reading.
    platform, encoding, delimiter : str
        How it was read.
    rows : int
        Responses in it.
    cells_proved : int
        Cells compared with the bytes of the file; 0 where it is no text table, whose reader is proved by its own tests.
    """

    name: str
    sha256: str
    platform: str
    encoding: str
    delimiter: str
    rows: int
    cells_proved: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Import(Rendered):
    """What a reading found.

    Attributes
    ----------
    responses : Responses or None
        The answers; None where an error made the table impossible.
    issues : Issues
        Everything found, worst first.
    files : tuple of ImportedFile
        What was read.
    mapping : DataFrame
        One row for each column of each file: ``file, column, becomes, question``.
    audit : DataFrame
        One row for each different text of closed questions: ``column, text, value, cells``.
    times : DataFrame
        ``participant, occasion, started, ended, zone`` as the file has them.
    provenance : Provenance
        What made it.
    waves : tuple of WaveMatch
        For each later wave: who answered it without the first, and who of the first stayed away; everybody is listed.
    """

    responses: Responses | None
    issues: Issues
    files: tuple[ImportedFile, ...]
    mapping: pd.DataFrame
    audit: pd.DataFrame
    times: pd.DataFrame
    provenance: Provenance
    waves: tuple[WaveMatch, ...] = ()

    @property
    def fit_to_report(self) -> bool:
        """Whether no error was found."""
        return self.responses is not None and not self.issues.errors

    def to_dict(self) -> dict[str, object]:
        """Return the reading as plain data for ``--json``, without answers.

        Returns
        -------
        dict
            Files, numbers, issues, the ledger's steps, the mapping of columns, and who was in which wave only.
        """
        ledger: list[Mapping[str, object]] = []
        if self.responses is not None:
            ledger = [
                {"step": e.step, "what": e.what, "n_before": e.n_before, "n_after": e.n_after}
                for e in self.responses.ledger
            ]
        return {
            "files": [{name: getattr(file, name) for name in ImportedFile.__slots__} for file in self.files],
            "rows": 0 if self.responses is None else len(self.responses),
            "participants": 0 if self.responses is None else self.responses.n_participants,
            "items": [] if self.responses is None else list(self.responses.items),
            "fit_to_report": self.fit_to_report,
            "ledger": ledger,
            "mapping": self.mapping[["file", "column", "becomes"]].to_dict("records"),
            "waves": [asdict(match) for match in self.waves],
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def page(self) -> Page:
        """Return what was read, how its columns were understood, and what was found.

        Returns
        -------
        Page
            Ready to render.
        """
        files = tuple(
            (f.name, f.platform, f.encoding or "-", number(f.rows), number(f.cells_proved), f"{f.sha256[:16]}...")
            for f in self.files
        )
        head = ("file", "platform", "encoding", "responses", "cells proved equal", "sha256")
        rows = 0 if self.responses is None else len(self.responses)
        facts = Facts(
            (("rows read", number(rows)), ("fit to report", "yes" if self.fit_to_report else "no, see errors"))
        )
        used = self.mapping[self.mapping["becomes"] != ""]
        listed = [{str(k): v for k, v in row.items()} for row in used[["file", "column", "becomes"]].to_dict("records")]
        waves: list[dict[str, object]] = [
            {
                "wave": match.wave,
                f"also at {match.first}": match.matched,
                f"not at {match.first}": len(match.unmatched),
                "stayed away": len(match.stayed_away),
            }
            for match in self.waves
        ]
        steps = () if self.responses is None else self.responses.ledger.page().blocks
        return Page(
            title="Import",
            subtitle=counted(len(self.files), "file"),
            blocks=(
                facts,
                Table(head, files),
                *self.issues.page().blocks,
                *steps,
                *([table_of(waves, caption="Waves")] if waves else []),
                table_of(listed, caption="Columns"),
            ),
        )
