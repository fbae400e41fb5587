"""The card of a scale: structure, key, evidence, use terms, each with its status."""

from feedbackstudy.render import Block, Facts, Notice, Page, Table, Text, number
from feedbackstudy.scales.evidence import Evidence, Norm, Reliability
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.scale import Scale

__all__ = ["card", "key_line"]


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
    blocks: list[Block] = [_readiness(scale), _facts(scale)]
    for form in scale.forms:
        blocks += _form(scale, form)
    blocks += _composites(scale)
    blocks += _evidence(scale.evidence)
    blocks += [_terms(scale), *(Notice(text) for text in scale.pitfalls)]
    if scale.sources:
        blocks.append(Text("Seen at: " + "; ".join(scale.sources)))
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


def _facts(scale: Scale) -> Facts:
    doi = f"{scale.doi} [{scale.origin('doi').status.replace('_', ' ')}]" if scale.doi else "none recorded"
    pairs = [
        ("code", scale.code),
        ("roles", ", ".join(role.replace("_", " ") for role in scale.roles)),
        ("asks for", scale.state_or_trait),
        ("use", scale.typical_use),
        ("citation", scale.citation),
        ("doi", doi),
        ("scoring", _scoring(scale)),
        ("translations", scale.translations),
        ("confidence", scale.confidence),
    ]
    return Facts(tuple((label, text) for label, text in pairs if text))


def _scoring(scale: Scale) -> str:
    rule = scale.scoring.missing
    kept = f"at least {number(100 * rule.minimum_answered, 0)} % of the asked items answered"
    also = f" (also {', '.join(scale.scoring.also)})" if scale.scoring.also else ""
    prorated = ", incomplete scores prorated and flagged" if rule.prorate else ""
    return f"{scale.scoring.method}{also} [{scale.origin('scoring')}]; {kept}{prorated} [{scale.origin('missing')}]"


def _form(scale: Scale, form: Form) -> list[Block]:
    answers = form.likert_options
    span = f"{number(answers.min, 0)} to {number(answers.max, 0)}" if answers else "unknown"
    said = f" ({' ... '.join(answers.labels)}; labels {form.origin('labels')})" if answers and answers.labels else ""
    size = f"{form.size}" if form.size is not None else "unknown"
    facts = Facts(
        (
            (f"form {form.id}", " ".join(filter(None, [form.language and f"[{form.language}]", form.note])) or "-"),
            ("items", f"{size} [{form.origin('n_items')}]"),
            ("answers", f"{span}{said} [{form.origin('likert_options')}]"),
            ("reversed", f"{key_line(form)} [{form.origin('reversed')}]"),
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
    blocks: list[Block] = [facts, Table(head, rows, f"Subscales [{form.origin('subscales')}]")]
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


def _evidence(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = []
    if evidence.reliability:
        rows = tuple(_reliability_row(entry) for entry in evidence.reliability)
        blocks.append(
            Table(("statistic", "value", "sample", "n", "source"), rows, "Reliability, as seen at the source")
        )
    if evidence.norms:
        norms = tuple(_norm_row(norm) for norm in evidence.norms)
        blocks.append(
            Table(("population", "score", "mean", "sd", "n", "source"), norms, "Norms, as seen at the source")
        )
    blocks += [
        Table(("percentile", "score"), tuple((m, number(v, 2)) for m, v in norm.percentiles.items()), norm.sample)
        for norm in evidence.norms
        if norm.percentiles
    ]
    blocks += _structure(evidence)
    blocks += [Text(f"Band {b.label}: {number(b.low, 2)} to {number(b.high, 2)} ({b.source})") for b in evidence.bands]
    blocks += [Text(note) for note in evidence.notes]
    if evidence.is_empty:
        blocks.append(Text("No evidence was seen at a source."))
    blocks += [Notice(f"From memory, not evidence, never cite: {entry.what}") for entry in evidence.from_memory]
    return blocks


def _reliability_row(entry: Reliability) -> tuple[str, str, str, str, str]:
    if entry.value is not None:
        value = number(entry.value, 3, unit_interval=True)
    else:
        value = f"{number(entry.low, 3, unit_interval=True)} to {number(entry.high, 3, unit_interval=True)}"
    name = f"{entry.statistic} {entry.subscale}".strip().replace("_", " ")
    return name, value, entry.sample, number(entry.n), entry.source


def _norm_row(norm: Norm) -> tuple[str, str, str, str, str, str]:
    score = f"{norm.metric} {norm.subscale}".strip()
    return norm.sample, score, number(norm.mean, 2), number(norm.sd, 2), number(norm.n), norm.source


def _structure(evidence: Evidence) -> list[Block]:
    found = evidence.structure
    if found is None:
        return []
    blocks: list[Block] = [Text(f"Structure: {found.model} ({found.source})")]
    if found.fits:
        rows = tuple(
            (
                f.model,
                f.sample,
                number(f.n),
                f.estimator,
                ", ".join(f"{k} {number(v, 3)}" for k, v in f.indices.items()),
            )
            for f in found.fits
        )
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


def _terms(scale: Scale) -> Facts:
    terms = scale.use_terms
    return Facts(
        (
            ("licence", scale.license),
            ("academic use", terms.academic.replace("_", " ")),
            ("commercial use", terms.commercial.replace("_", " ")),
            ("redistribution of wording", terms.redistribution.replace("_", " ")),
            ("modification", terms.modification),
            ("terms", f"{scale.license_explanation or '-'} [{scale.origin('use_terms')}]"),
        )
    )
