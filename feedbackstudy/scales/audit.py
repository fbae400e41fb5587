"""The key audit: do the data contradict the key? Items, evidence, proposal; never a silent flip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.frames import MissingReason, Responses
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, number, table_of
from feedbackstudy.scales.cells import Cells, read_cells
from feedbackstudy.scales.findings import column_findings, shift_finding
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.jobs import Job, jobs_of
from feedbackstudy.scales.key_patterns import Finding, Pattern, explained, read_pattern, sign_findings
from feedbackstudy.scales.keyings import Keying, Printed, try_keyings
from feedbackstudy.scales.libraries import Library
from feedbackstudy.scales.measure import Measure
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.signs import MIN_ROWS

__all__ = ["FormFit", "KeyAudit", "key_audit"]

_CONVENTIONS = (
    "rows with a plausible answer to every item of a score; cells that were not asked are left out",
    "item-rest r: correlation of the keyed item with the sum of the other keyed items",
    "mean, SD (n - 1) and alpha of each keying over the same complete rows; nothing was flipped",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormFit:
    """How many items run with their own score, and with no other more, under the key of a form.

    Attributes
    ----------
    form : str
        The form.
    explained, items : int
        Items that fit, of all.
    """

    form: str
    explained: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyAudit(Rendered):
    """What the data say about the key.

    Attributes
    ----------
    scale, form : str
        What was audited.
    n : int
        Rows asked.
    not_asked : int
        Rows left out because they were not asked.
    findings : tuple of Finding
        Contradictions; empty where the data agree with the key.
    patterns : tuple of Pattern
        Directions by score.
    keyings : mapping of str to tuple of Keying
        Score -> other keyings, best first.
    forms : tuple of FormFit
        Where the scale has several forms, how well each key fits.
    printed : Printed
        The published figures looked for.
    provenance : Provenance
        What made the audit.
    """

    scale: str
    form: str
    n: int
    not_asked: int
    findings: tuple[Finding, ...]
    patterns: tuple[Pattern, ...]
    keyings: Mapping[str, tuple[Keying, ...]]
    forms: tuple[FormFit, ...]
    printed: Printed
    provenance: Provenance

    @property
    def agrees(self) -> bool:
        """Whether nothing contradicts the key."""
        return not self.findings

    def reproducing(self) -> tuple[Keying, ...]:
        """Return the keyings that meet every printed figure.

        Returns
        -------
        tuple of Keying
            Empty where no figure was given, or none is met.
        """
        wanted = len(self.printed.given())
        return tuple(k for rows in self.keyings.values() for k in rows if wanted and len(k.reproduces) == wanted)

    def page(self) -> Page:
        """Return findings, directions and other keyings.

        Returns
        -------
        Page
            Ready to render.
        """
        left_out = (
            f"{self.not_asked:,} rows were not asked and are left out" if self.not_asked else "all rows were asked"
        )
        blocks: list[Block] = [Facts((("rows asked", number(self.n)), ("not asked", left_out)))]
        blocks += [
            Notice(f"{f.kind.replace('_', ' ')}: {', '.join(f.items)}. {f.evidence}. Proposal: {f.fix}", tone="error")
            for f in self.findings
        ]
        if self.agrees:
            blocks.append(Notice("Nothing contradicts the key.", tone="good"))
        for pattern in self.patterns:
            blocks.append(table_of(_item_rows(pattern), caption=f"Directions: {pattern.part}", decimals=2))
        if self.forms:
            fits = [{"form": f.form, "items explained": f"{f.explained} of {f.items}"} for f in self.forms]
            blocks.append(table_of(fits, caption="Which form's key fits"))
        for part, rows in self.keyings.items():
            shown = [_keying_row(k, printed=bool(self.printed.given())) for k in rows]
            blocks.append(table_of(shown, caption=f"Other keyings: {part}"))
        met = self.reproducing()
        if self.printed.given():
            words = ", ".join(f"{k.name!r}" for k in met) or "none of those tried"
            blocks.append(Text(f"Printed figures {self.printed.given()} are reproduced by: {words}."))
        blocks.append(self.provenance.facts())
        return Page(title=f"Key audit: {self.scale} ({self.form})", blocks=tuple(blocks))


def _item_rows(pattern: Pattern) -> list[dict[str, object]]:
    words = {1: "with", -1: "against", 0: "unclear"}
    return [
        {
            "item": item,
            "key": "reversed" if pattern.expected[i] < 0 else "as given",
            "expected": words[int(pattern.expected[i])],
            "observed": words[int(pattern.observed[i])],
            "loading": float(pattern.loadings[i]),
            "item-rest r, keyed": float(pattern.rest[i]),
        }
        for i, item in enumerate(pattern.items)
    ]


def _keying_row(k: Keying, *, printed: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "keying": k.name,
        "reverses": ", ".join(k.reverses) or "none",
        "n": k.n,
        "mean": k.mean,
        "sd": k.sd,
        "alpha": k.alpha,
    }
    return row | ({"reproduces": ", ".join(k.reproduces) or "none"} if printed else {})


def key_audit(
    responses: Responses,
    measure: Measure | Scale | str,
    *,
    form: str | None = None,
    printed: Printed | None = None,
    library: Library | None = None,
) -> KeyAudit:
    """Hold the data against the key of a scale.

    Parameters
    ----------
    responses : Responses
        Answers; cells that were not asked are left out.
    measure : Measure, Scale or str
        What to audit.
    form : str, optional
        The form; needed where the scale has several.
    printed : Printed, optional
        Mean, SD and alpha of the score as a paper prints them: the audit says which keying reproduces them.
    library : Library, optional
        Where codes are looked up.

    Returns
    -------
    KeyAudit
        Findings with evidence and proposals. Nothing is flipped.

    Raises
    ------
    DataError
        Where item columns are absent.
    IncompleteScaleError
        For a scale without an established key.
    """
    jobs, _ = jobs_of(measure, library)
    if not jobs:
        raise DataError(f"{measure!r} is a single column; it has no key to audit.")
    job = jobs[0]
    chosen = job.scale.require_scorable(form or job.form)
    return _Audit(responses, job, chosen, printed or Printed()).result()


class _Audit:
    """Reads the items once and asks them every question."""

    def __init__(self, responses: Responses, job: Job, form: Form, printed: Printed) -> None:
        names = job.columns(form)
        put = job.asked(form)
        self.items = {p: names[p - 1] for p in form.positions if p in put}
        absent = [item for item in self.items.values() if item not in responses.items]
        if absent or form.likert_options is None:
            raise DataError(f"Scale {job.scale.code!r} needs the item columns {', '.join(absent)}, which are absent.")
        self.responses, self.scale, self.form, self.printed = responses, job.scale, form, printed
        self.job, self.answers = job, form.likert_options
        cells = [read_cells(responses, item, self.answers, None, imputed=True) for item in self.items.values()]
        self.cells = dict(zip(self.items, cells, strict=True))
        self.stated = responses.already_reversed or frozenset()
        self.turned = {p: p in form.to_reverse and item not in self.stated for p, item in self.items.items()}

    def result(self) -> KeyAudit:
        """Return everything found."""
        asked = np.any([c.codes != MissingReason.NOT_ASKED for c in self.cells.values()], axis=0)
        findings = self._format()
        patterns: list[Pattern] = []
        keyings: dict[str, tuple[Keying, ...]] = {}
        for part, positions in self._scores().items():
            values = self._complete(positions)
            if len(values) < MIN_ROWS or len(positions) < 2:
                continue
            pattern = self._pattern(part, positions, values)
            patterns.append(pattern)
            findings += self._signs(pattern, positions)
            keyings[part] = self._keyings(pattern, positions, values)
        return KeyAudit(
            scale=self.scale.code,
            form=self.form.id,
            n=int(asked.sum()),
            not_asked=int((~asked).sum()),
            findings=tuple(findings),
            patterns=tuple(patterns),
            keyings=keyings,
            forms=self._forms(),
            printed=self.printed,
            provenance=replace(self.responses.provenance, made_by="scales.key_audit", conventions=_CONVENTIONS),
        )

    def _scores(self) -> dict[str, tuple[int, ...]]:
        made = {s.name: tuple(p for p in s.items or () if p in self.items) for s in self.form.subscales}
        return {name: positions for name, positions in made.items() if positions}

    def _complete(self, positions: Sequence[int]) -> NDArray[np.float64]:
        """Rows with a plausible answer to every item; codes such as 99 would drown the correlations."""
        table = np.column_stack([self.cells[p].values for p in positions])
        step = self.answers.step or 0.0
        plausible = (table >= self.answers.min - step) & (table <= self.answers.max + step)
        return table[plausible.all(axis=1)]

    def _pattern(self, part: str, positions: Sequence[int], values: NDArray[np.float64]) -> Pattern:
        return read_pattern(values, [self.items[p] for p in positions], [self.turned[p] for p in positions], part)

    def _signs(self, pattern: Pattern, positions: Sequence[int]) -> list[Finding]:
        reversed_by_form = set(self.form.reversed or ())
        turned = [self.items[p] for p in positions if self.turned[p]]
        stamped = [self.items[p] for p in positions if p in reversed_by_form and not self.turned[p]]
        return sign_findings(pattern, turned, stamped)

    def _format(self) -> list[Finding]:
        cells = list(self.cells.values())
        issues = [issue for cell in cells for issue in cell.issues]
        issues += shift_finding(cells, self.answers, self.scale.code) + column_findings(cells, self.scale.code)
        found = [
            Finding(kind=i.code.removeprefix("scales."), items=_items_in(i.where), evidence=i.what, fix=i.fix)
            for i in issues
        ]
        return found + self._wrong_constant(cells)

    def _wrong_constant(self, cells: Sequence[Cells]) -> list[Finding]:
        """Find items turned with the constant of another format: 6 - x on answers from 0 to 4 gives 2 to 6."""
        step, spans = self.answers.step or 1.0, {}
        for cell in cells:
            if cell.low <= cell.high:
                spans[cell.item] = (cell.low, cell.high)
        up = [item for item, (low, high) in spans.items() if high == self.answers.max + step and low > self.answers.min]
        if not up or len(up) == len(spans):
            return []
        evidence = "; ".join(f"{item} runs from {spans[item][0]:g} to {spans[item][1]:g}" for item in up)
        fix = (
            "They look reversed upstream with the constant of another format. Go back to the answers as given, or take "
            f"{step:g} off with scales.shift_codes and state them as already reversed."
        )
        return [Finding(kind="wrong_constant", items=tuple(up), evidence=evidence, fix=fix)]

    def _keyings(self, pattern: Pattern, positions: Sequence[int], values: NDArray[np.float64]) -> tuple[Keying, ...]:
        keys = {"as scored now": [self.turned[p] for p in positions]}
        keys["the form's key on answers as given"] = [p in self.form.to_reverse for p in positions]
        keys["nothing reversed"] = [False] * len(positions)
        keys["as the data run"] = [bool(sign < 0) for sign in pattern.observed]
        for other in self.scale.forms:
            same = other.id != self.form.id and other.reversed is not None and set(positions) <= set(other.positions)
            if same:
                keys[f"form {other.id}"] = [p in other.to_reverse for p in positions]
        low, high = float(values.min()), float(values.max())
        step = self.answers.step or 1.0
        shifts = [0.0]
        shifts += [step] if low < self.answers.min else []
        shifts += [-step] if high > self.answers.max else []
        return try_keyings(
            values,
            [self.items[p] for p in positions],
            keys,
            low=self.answers.min,
            high=self.answers.max,
            shifts=shifts,
            summed=self.scale.scoring.method == "sum",
            printed=self.printed,
        )

    def _forms(self) -> tuple[FormFit, ...]:
        """Compare the keys of all forms of this length, on answers as they came."""
        positions = list(self.items)
        values = self._complete(positions)
        rivals = [f for f in self.scale.forms if not self.scale.gaps(f.id) and list(f.positions) == positions]
        if len(rivals) < 2 or len(values) < MIN_ROWS:
            return ()
        fits = []
        for form in rivals:
            homes = [[positions.index(p) for p in subscale.items or ()] for subscale in form.subscales]
            key = [p in form.to_reverse and item not in self.stated for p, item in self.items.items()]
            fits.append(FormFit(form=form.id, explained=explained(values, homes, key), items=len(positions)))
        return tuple(sorted(fits, key=lambda fit: -fit.explained))


def _items_in(where: str) -> tuple[str, ...]:
    """Item names in the 'where' of an issue: ``item a`` or ``items a and b``."""
    kind, _, names = where.partition(" ")
    return tuple(names.split(" and ")) if kind in {"item", "items"} else ()
