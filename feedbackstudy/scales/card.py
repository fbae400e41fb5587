"""The card of a scale: structure, key, evidence, use terms, each with its status."""

from collections.abc import Iterable

from feedbackstudy.render import Block, Facts, Notice, Page, Table, Text, number
from feedbackstudy.scales.evidence import Evidence, Norm, Reliability
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.origin import Origin
from feedbackstudy.scales.scale import Scale

__all__ = ["card", "key_line"]


class _Sources:
    """Numbers each source once, so that a card names it in full once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def mark(self, source: str) -> str:
        """Return the source's number in brackets; empty for no source."""
        if not source:
            return ""
        return f"[{self._places.setdefault(source, len(self._places) + 1)}]"

    def status(self, origin: Origin) -> str:
        """Return a status with its source's number, and who completed the field from which page."""
        if origin.status == "completed":
            return f"completed by {origin.who} ({origin.page})"
        return f"{origin.status.replace('_', ' ')} {self.mark(origin.source)}".strip()

    def behind(self, origin: Origin) -> str:
        """Return the status in brackets; nothing for what is ours, which the top of the card says once."""
        self.mark(origin.source)
        return "" if origin.status == "study_built" else f" ({self.status(origin)})"

    def blocks(self) -> list[Block]:
        """Return the list of sources."""
        rows = tuple((f"[{place}]", source) for source, place in self._places.items())
        return [Facts(rows)] if rows else []


def card(scale: Scale) -> Page:
    """Lay a scale out as a card.

    Parameters
    ----------
    scale : Scale
        The scale.

    Returns
    -------
    Page
        Ready to render.
    """
    seen = _Sources()
    blocks: list[Block] = [_readiness(scale), _facts(scale, seen)]
    for form in scale.forms:
        blocks += _form(scale, form, seen)
    blocks += _composites(scale)
    blocks += _evidence(scale.evidence, seen)
    if scale.pitfalls:
        blocks.append(Table(("what goes wrong with it",), tuple((text,) for text in scale.pitfalls)))
    blocks.append(_terms(scale, seen))
    blocks += [Text("Sources of the facts on this card:"), *seen.blocks()]
    short = f" ({scale.abbreviation})" if scale.abbreviation else ""
    return Page(title=f"{scale.name}{short}", subtitle=scale.construct_measured, blocks=tuple(blocks))


def key_line(form: Form) -> str:
    """Return the reversed items of a form in words.

    Parameters
    ----------
    form : Form
        The form.

    Returns
    -------
    str
        ``"none"``, ``"unknown"`` or the positions.
    """
    if form.reversed is None:
        return "unknown"
    words = ", ".join(map(str, form.reversed)) or "none"
    printed = f"; printed reversed already: {', '.join(map(str, form.precoded))}" if form.precoded else ""
    return words + printed


def _readiness(scale: Scale) -> Block:
    if scale.study_built:
        return Notice("Study-built, unvalidated: our own items and words (CC0). Report the evidence from your data.")
    ready = [form.id for form in scale.forms if not scale.gaps(form.id)]
    if len(ready) == len(scale.forms):
        return Notice("Every form can be scored; key and range were seen at a source.", tone="good")
    closed = {form.id: "; ".join(scale.gaps(form.id)) for form in scale.forms if form.id not in ready}
    detail = ". ".join(f"Form {name}: {gaps}" for name, gaps in closed.items())
    return Notice(f"Refuses to score until completed from the source. {detail}. Consult: {scale.citation}")


def _facts(scale: Scale, seen: _Sources) -> Facts:
    doi = f"{scale.doi}{seen.behind(scale.origin('doi'))}" if scale.doi else "none recorded"
    pairs = [
        ("code", scale.code),
        ("roles", ", ".join(role.replace("_", " ") for role in scale.roles)),
        ("asks for", scale.state_or_trait),
        ("use", scale.typical_use),
        ("citation", scale.citation),
        ("doi", doi),
        ("scoring", _scoring(scale, seen)),
        ("translations", scale.translations),
        ("confidence", scale.confidence),
    ]
    return Facts(tuple((label, text) for label, text in pairs if text))


def _scoring(scale: Scale, seen: _Sources) -> str:
    rule = scale.scoring.missing
    kept = f"at least {number(100 * rule.minimum_answered, 0)} % of the asked items answered"
    also = f", also {', '.join(scale.scoring.also)}" if scale.scoring.also else ""
    prorated = ", incomplete scores prorated and flagged" if rule.prorate else ""
    how, missing = seen.behind(scale.origin("scoring")), seen.behind(scale.origin("missing"))
    return f"{scale.scoring.method}{also}{how}; {kept}{prorated}{missing}"


def _form(scale: Scale, form: Form, seen: _Sources) -> list[Block]:
    answers = form.likert_options
    span = f"{number(answers.min, 0)} to {number(answers.max, 0)}" if answers else "unknown"
    said = f", {' ... '.join(answers.labels)}{seen.behind(form.origin('labels'))}" if answers and answers.labels else ""
    size = f"{form.size}" if form.size is not None else "unknown"
    facts = Facts(
        (
            (f"form {form.id}", " ".join(filter(None, [form.language and f"[{form.language}]", form.note])) or "-"),
            ("items", f"{size}{seen.behind(form.origin('n_items'))}"),
            ("answers", f"{span}{seen.behind(form.origin('likert_options'))}{said}"),
            ("reversed", f"{key_line(form)}{seen.behind(form.origin('reversed'))}"),
        )
    )
    rows = tuple(
        (
            subscale.name,
            ", ".join(map(str, subscale.items)) if subscale.items else "positions unknown",
            str(subscale.count if subscale.count is not None else "unknown"),
            subscale.high_score_means or "not stated",
        )
        for subscale in form.subscales
    )
    head = ("subscale", "items", "count", "high score means")
    blocks: list[Block] = [facts, Table(head, rows, f"Subscales{seen.behind(form.origin('subscales'))}")]
    if scale.study_built:
        worded = tuple((str(item.position), item.text, item.tag) for item in form.items)
        blocks.append(Table(("item", "our words", "tag"), worded, "Items (CC0)"))
    return blocks


def _composites(scale: Scale) -> list[Block]:
    rows = [
        (c.name, " + ".join(f"{number(w, 2)} x {part}" for part, w in c.weights.items()), c.high_score_means, c.note)
        for c in scale.composites
    ]
    rows += [(scale.total.name, "all items", scale.total.high_score_means, "")] if scale.total else []
    blocks: list[Block] = []
    if rows:
        blocks.append(Table(("score", "made of", "high score means", "note"), tuple(rows), "Composite scores"))
    blocks += [Notice(f"Refuses the score {name!r}: {why}") for name, why in scale.refused_scores.items()]
    return blocks


def _evidence(evidence: Evidence, seen: _Sources) -> list[Block]:
    blocks: list[Block] = []
    if evidence.reliability:
        rows = tuple(_reliability_row(entry, seen) for entry in evidence.reliability)
        blocks.append(
            Table(("statistic", "value", "sample", "n", "source"), rows, "Reliability, as seen at the source")
        )
    if evidence.norms:
        norms = tuple(_norm_row(norm, seen) for norm in evidence.norms)
        blocks.append(
            Table(("population", "score", "mean", "sd", "n", "source"), norms, "Norms, as seen at the source")
        )
    blocks += [_percentiles(norm) for norm in evidence.norms if norm.percentiles]
    blocks += _structure(evidence, seen)
    bands = tuple((b.label, f"{number(b.low, 2)} to {number(b.high, 2)}", seen.mark(b.source)) for b in evidence.bands)
    blocks += [Table(("band", f"{evidence.bands[0].metric} score", "source"), bands, "Author's bands")] if bands else []
    blocks += [Text(note) for note in evidence.notes]
    if evidence.is_empty:
        blocks.append(Text("No evidence was seen at a source."))
    return blocks + _recalled(evidence, seen)


def _percentiles(norm: Norm) -> Table:
    head, row = ("percentile", *norm.percentiles), ("score", *(number(v, 2) for v in norm.percentiles.values()))
    return Table(head, (row,), f"Percentiles: {norm.sample}")


def _reliability_row(entry: Reliability, seen: _Sources) -> tuple[str, str, str, str, str]:
    if entry.value is not None:
        value = _as_recorded(entry.value)
    else:
        value = f"{_as_recorded(entry.low)} to {_as_recorded(entry.high)}"
    name = f"{entry.statistic} {entry.subscale}".strip().replace("_", " ")
    return name, value, entry.sample, number(entry.n), seen.mark(entry.source)


def _as_recorded(value: float | None) -> str:
    """Write a coefficient with the decimals it was recorded with, at least two: .54 is not known to be .540."""
    decimals = max(2, len(str(value).partition(".")[2]))
    return number(value, decimals, unit_interval=True)


def _norm_row(norm: Norm, seen: _Sources) -> tuple[str, str, str, str, str, str]:
    score = f"{norm.metric} {norm.subscale}".strip()
    return norm.sample, score, number(norm.mean, 2), number(norm.sd, 2), number(norm.n), seen.mark(norm.source)


def _structure(evidence: Evidence, seen: _Sources) -> list[Block]:
    found = evidence.structure
    if found is None:
        return []
    blocks: list[Block] = [Text(f"Structure: {found.model} {seen.mark(found.source)}")]
    if found.fits:
        rows = tuple((f.model, f.sample, number(f.n), f.estimator, _indices(f.indices.items())) for f in found.fits)
        blocks.append(Table(("model", "sample", "n", "estimator", "fit"), rows, "Fit"))
    columns = {
        "loading": found.loadings,
        "item-rest r": found.item_rest,
        "mean": found.item_means,
        "sd": found.item_sds,
    }
    shown = {title: values for title, values in columns.items() if values}
    if shown:
        n = max(map(len, shown.values()))
        cells = tuple((str(i + 1), *(number(values[i], 3) for values in shown.values())) for i in range(n))
        blocks.append(Table(("item", *shown), cells, "Items, as published or recomputed"))
    return blocks + [Text(note) for note in found.notes]


def _recalled(evidence: Evidence, seen: _Sources) -> list[Block]:
    if not evidence.from_memory:
        return []
    rows = tuple(("from memory, never cite", entry.what, seen.mark(entry.consult)) for entry in evidence.from_memory)
    return [Table(("status", "recalled", "consult"), rows, "No evidence: recalled, not seen at a source")]


def _indices(pairs: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number(value, 3)}" for name, value in pairs)


def _terms(scale: Scale, seen: _Sources) -> Facts:
    terms = scale.use_terms
    return Facts(
        (
            ("licence", scale.license),
            ("academic use", terms.academic.replace("_", " ")),
            ("commercial use", terms.commercial.replace("_", " ")),
            ("redistribution of wording", terms.redistribution.replace("_", " ")),
            ("modification", terms.modification),
            ("terms", f"{scale.license_explanation or '-'}{seen.behind(scale.origin('use_terms'))}"),
        )
    )
