"""Anchors for a smallest effect of interest: what was published, what one person's score can tell, one category."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feedbackstudy.design import claims
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.render import Notice, Page, Rendered, Table, number
from feedbackstudy.scales.changes import smallest_reliable
from feedbackstudy.scales.evidence import Norm, Reliability
from feedbackstudy.scales.jobs import jobs_of, score_names
from feedbackstudy.scales.libraries import library
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.traits import read_traits
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["SesoiAnchor", "SesoiAnchors", "suggest_sesoi"]

_NO_DEFAULT = (
    "None of these is a default. A smallest effect of interest is a judgement: whose decision would change, and from "
    "which size on? Write the reason under 'because'."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SesoiAnchor:
    """One size to think about.

    Attributes
    ----------
    kind : {"published", "reliable change", "one category"}
        Where it comes from.
    what : str
        What has this size.
    value : float
        The size; NaN where the source gives words only.
    low, high : float
        Its interval as published; NaN where there is none.
    unit : str
        ``"points"`` of the score, ``"sd"``, or the metric of the source (``"d"``, ``"r"``, ``"rho"`` ...).
    source : str
        Where it was read, or how it is computed.
    caveat : str
        Why it may not fit.
    """

    kind: str
    what: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    unit: str
    source: str
    caveat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SesoiAnchors(Rendered):
    """Sizes to think about before a smallest effect of interest is declared; none is a default.

    Attributes
    ----------
    hypothesis : str
        Whose.
    anchors : tuple of SesoiAnchor
        Published ones first.
    notes : tuple of str
        What there is no anchor for, and why.
    """

    hypothesis: str
    anchors: tuple[SesoiAnchor, ...]
    notes: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return the anchors as a table.

        Returns
        -------
        DataFrame
            One row each.
        """
        names = tuple(SesoiAnchor.__dataclass_fields__)
        return pd.DataFrame([{name: getattr(a, name) for name in names} for a in self.anchors], columns=list(names))

    def page(self) -> Page:
        """Return the anchors as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple((a.kind, a.what, _size(a), a.source, a.caveat) for a in self.anchors)
        table = Table(("anchor", "what has this size", "size", "source", "caveat"), rows)
        notices = [Notice(text) for text in (_NO_DEFAULT, *self.notes)]
        return Page(title=f"Anchors for the smallest effect of {self.hypothesis}", blocks=(table, *notices))


def _size(anchor: SesoiAnchor) -> str:
    if np.isnan(anchor.value):
        return "in words only"
    span = "" if np.isnan(anchor.low) else f" [{number(anchor.low, 2)}, {number(anchor.high, 2)}]"
    return f"{number(anchor.value, 2)} {anchor.unit}{span}"


def suggest_sesoi(hypothesis: Hypothesis, study: Study | None = None) -> SesoiAnchors:
    r"""List anchors for the smallest effect of interest of a hypothesis.

    Parameters
    ----------
    hypothesis : Hypothesis
        Its claim gives published effects, its outcome the scale.
    study : Study, optional
        The study that measures the outcome; without it only published effects are listed.

    Returns
    -------
    SesoiAnchors
        Published effects with source and caveat, the scale's reliable change, one response category. None is a default.

    Raises
    ------
    NotFoundError
        For an outcome that the study does not measure, or an unknown claim.

    Notes
    -----
    Reliable change: :math:`1.96 \sqrt{2} \sqrt{1 - r}` standard deviations, in points times the standard deviation of
    a norm of the same sample (Jacobson and Truax 1991, Journal of Consulting and Clinical Psychology 59, 12-19).
    """
    notes: list[str] = []
    if hypothesis.claim is None:
        notes.append("The hypothesis names no claim, so no published effect is listed; add 'claim', such as C03.")
        found = []
    else:
        found = list(_published(hypothesis.claim))
        if not found:
            notes.append(f"Nothing published is recorded for claim {hypothesis.claim}.")
    if study is None:
        notes.append("Without the study the scale is not known; give it as 'study' for its reliable change.")
    else:
        scores = [column for measure in study.measures for column in measure.columns]
        if hypothesis.outcome not in scores:
            raise NotFoundError(choices("Outcome", hypothesis.outcome, scores))
        reliable = list(_reliable(hypothesis.outcome, study))
        if not reliable:
            notes.append(f"No reliability of {hypothesis.outcome!r} is recorded, so there is no reliable change.")
        found += reliable
        try:
            found += list(_category(hypothesis.outcome, study))
        except InputError as fault:
            notes.append(f"One answer category cannot be given in points: {fault}")
    return SesoiAnchors(hypothesis=hypothesis.name, anchors=tuple(found), notes=tuple(notes))


def _published(claim: str) -> Iterator[SesoiAnchor]:
    from feedbackstudy import datasets

    rows = {str(row["key"]): row for row in datasets.load("meta_benchmarks").frame.to_dict(orient="records")}
    for evidence in claims.get(claim).evidence:
        row = rows.get(evidence.key) if evidence.source == "meta_benchmarks" and evidence.has_figure else None
        people = f", {evidence.people}" if evidence.people else ""
        only = (
            "resembles the claim and is no evidence for it" if evidence.bearing == "analogue" else "bears on the claim"
        )
        note = "" if row is None or row["note"] != row["note"] else f"; {row['note']}"
        size = {} if row is None else {name: float(row[f"ci_{name}"]) for name in ("low", "high")}
        yield SesoiAnchor(
            kind="published",
            what=evidence.says + people,
            value=float("nan") if row is None else float(row["estimate"]),
            unit="" if row is None else str(row["metric"]),
            source=f"{evidence.source} {evidence.key}" if row is None else str(row["source"]),
            caveat=f"{only}; what was found, not what matters{note}",
            **size,
        )


def _reliable(score: str, study: Study) -> Iterator[SesoiAnchor]:
    measure, home = study.measure_of(score), library(study.folder)
    for job in jobs_of(measure, home)[0][:1]:
        scale, form = job.scale, job.scale.form(job.form)
        part = score_names(scale, form, job.name, job.parts).get(score, "")
        own = part if part in form.subscales.names and len(form.subscales.names) > 1 else ""
        norms = [n for n in scale.evidence.norms if n.sd is not None and n.subscale == own]
        norms = [n for n in norms if n.metric == scale.scoring.method]
        for known in scale.evidence.reliability:
            if known.value is not None and known.subscale == own and known.value < 1:
                yield from _changes(known, norms)


def _changes(known: Reliability, norms: list[Norm]) -> Iterator[SesoiAnchor]:
    share = smallest_reliable(float(known.value or 0.0))
    caveat = "from what one person's change is more than measurement error; groups can differ by less and matter"
    what = f"reliable change of one person (95 %), {known.statistic} = {number(known.value, 2)}"
    seen = f"{known.statistic} {known.cite()}"
    yield SesoiAnchor(kind="reliable change", what=what, value=share, unit="sd", source=seen, caveat=caveat)
    for norm in (norm for norm in norms if norm.sample == known.sample):
        points = share * float(norm.sd or 0.0)
        yield SesoiAnchor(
            kind="reliable change", what=what, value=points, unit="points", source=f"{seen}; SD {norm.cite()}",
            caveat=caveat,
        )  # fmt: skip


def _category(score: str, study: Study) -> Iterator[SesoiAnchor]:
    traits, derived = read_traits(study, World())
    parts = next((d.parts for d in derived if d.name == score), {score: 1.0})
    mine = [(trait, parts[trait.name]) for trait in traits if trait.name in parts]
    every, items = 0.0, 0
    if not mine:
        return
    for trait, weight in mine:
        made = trait.measurement
        if not isinstance(made, Graded) or study.measure_of(score).scale is None:
            return
        every += abs(weight) * float(np.diff(made.values).min()) * made.unit
        items += len(trait.columns)
    caveat = "a change of wording that people can name; says nothing about who would act on it"
    source = "the scale's answers and scoring"
    yield SesoiAnchor(
        kind="one category", what=f"one answer category on every item ({items})", value=every, unit="points",
        source=source, caveat=caveat,
    )  # fmt: skip
    if items > 1:
        yield SesoiAnchor(
            kind="one category", what="one answer category on one item", value=every / items, unit="points",
            source=source, caveat="the smallest difference that one person's answers can show",
        )  # fmt: skip
