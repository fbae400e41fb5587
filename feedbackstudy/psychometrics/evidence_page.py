"""The one page of a validation: sentences first, then published values, then each part, and what is not there last."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.conditions import notices
from feedbackstudy.psychometrics.evidence_record import EvidenceLine, ScaleEvidence
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.render import Block, Page, Table, Text, interval, number, p_value, table_of, unbroken

__all__ = ["evidence_page", "level_rows", "lines_table"]

_DASH = "\N{EN DASH}"
_LONG = 60
_MOST_MEANS = 6


def evidence_page(evidence: ScaleEvidence) -> Page:
    """Lay a validation out as a page.

    Parameters
    ----------
    evidence : ScaleEvidence
        The record.

    Returns
    -------
    Page
        Ready to render.
    """
    e = evidence
    form = f", form {e.form}" if e.form else ""
    when = f", occasion {e.occasion}" if e.occasion != "all" else ""
    items = sum(len(names) for names in e.factors.values())
    blocks: list[Block] = [*notices(e.issues), *e.verdicts]
    if any(line.sample for line in e.lines):
        blocks.append(lines_table(e))
    for part in (_means, _reliability, _items, _dimensions, _models, _invariance, _effects, _careless, _relations):
        blocks += list(part(e))
    blocks += [*_sources(e), *_omissions(e)]
    blocks.append(e.provenance.facts())
    title = f"Does the scale hold here? {e.title}"
    return Page(title, f"{e.n} people asked{form}{when}, {items} items, {len(e.factors)} subscale(s)", tuple(blocks))


def lines_table(evidence: ScaleEvidence) -> Table:
    """Return the lines beside published values as a table.

    Parameters
    ----------
    evidence : ScaleEvidence
        The record.

    Returns
    -------
    Table
        One row a quantity and published value.
    """
    sources = _numbered(evidence)
    rows = [
        {
            "what": line.what,
            "here": _value(line.here, line.low, line.high),
            "n": line.n,
            "published": _published(line, sources),
            "N": number(line.published_n) if line.published_n is not None else _DASH,
            "difference": _difference(line),
            "verdict": f"{line.verdict}: {line.why}" if line.verdict else _DASH,
        }
        for line in evidence.lines
        if line.part != "score"
    ]
    return table_of(rows, caption="Here beside the published values")


def _means(e: ScaleEvidence) -> Iterator[Block]:
    """Means of the largest published samples: they speak of people, not of the scale, so they stand apart."""
    sources = _numbered(e)
    means = sorted((x for x in e.lines if x.part == "score"), key=lambda x: -(x.published_n or 0))
    rows = [
        {
            "score": line.what,
            "sample": f"{line.sample} [{sources[line.source]}]" if line.source else line.sample,
            "N": number(line.published_n) if line.published_n is not None else _DASH,
            "published": number(line.published, 2),
            "here": number(line.here, 2),
            "here less published": number(line.difference, 2),
            "in words": line.why,
        }
        for line in means[:_MOST_MEANS]
    ]
    more = f"; {len(means) - _MOST_MEANS} smaller samples in .frame()" if len(means) > _MOST_MEANS else ""
    if rows:
        yield table_of(rows, caption=f"Mean scores of published samples: about people, not about the scale{more}")


def _numbered(e: ScaleEvidence) -> dict[str, int]:
    return {source: k for k, source in enumerate(dict.fromkeys(x.source for x in e.lines if x.source), start=1)}


def _sources(e: ScaleEvidence) -> Iterator[Block]:
    known = _numbered(e)
    if known:
        yield Text("Sources. " + " ".join(f"[{k}] {source}" for source, k in known.items()))


def _value(value: float, low: float, high: float) -> str:
    if value != value:
        return _DASH
    span = f" {interval(low, high)}" if low == low and high == high else ""
    return f"{number(value)}{span}"


def _published(line: EvidenceLine, sources: dict[str, int]) -> str:
    if not line.sample:
        return "none seen"
    mark = f" [{sources[line.source]}]" if line.source else ""
    sample = line.sample if len(line.sample) <= _LONG else line.sample[: _LONG - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    if line.published == line.published:
        return f"{number(line.published)} ({sample}){mark}"
    if line.published_low == line.published_low:
        return f"{number(line.published_low)} to {number(line.published_high)} ({sample}){mark}"
    return f"{sample}{mark}"


def _difference(line: EvidenceLine) -> str:
    if line.difference != line.difference or line.verdict in {"equal", "fair", "different"}:
        return _DASH
    span = (
        f" {interval(line.difference_low, line.difference_high)}" if line.difference_low == line.difference_low else ""
    )
    test = f", {p_value(line.p)}" if line.p == line.p else ""
    return f"{number(line.difference)}{span}{test}"


def _reliability(e: ScaleEvidence) -> Iterator[Block]:
    rows = [
        {
            "score": name,
            "coefficient": c.coefficient,
            "value": c.value,
            "interval": f"{interval(c.low, c.high)} {c.interval}",
            "items": c.n_items,
            "people": c.n_people,
            "fit to report": "yes" if c.fit_to_report else "no",
        }
        for name, coefficients in e.reliability.items()
        for c in coefficients
    ]
    if rows:
        yield table_of(rows, caption="Reliability")
    for name, result in e.retest.items():
        yield Table(result.table().head, result.table().rows, f"Retest of {name}, {result.n} people")


def _items(e: ScaleEvidence) -> Iterator[Block]:
    for name, analysis in e.items.items():
        table = analysis.table()
        yield Table(table.head, table.rows, f"Items of {name}")


def _dimensions(e: ScaleEvidence) -> Iterator[Block]:
    d = e.dimensions
    if d is None:
        return
    table = d.efa.table()
    correlations = "" if d.declared < 2 else f"; factor correlations up to {number(_largest(d.efa.phi))}"
    caption = f"Exploratory loadings of {d.declared} factor(s), turned towards the key{correlations}"
    yield Table(table.head, table.rows, caption)
    rows = d.parallel.table()
    yield Table(rows.head, rows.rows, f"Eigenvalues beside random ones; KMO {number(d.factorability.kmo)}")


def _largest(phi: NDArray[np.float64]) -> float:
    values = np.abs(np.asarray(phi, dtype=np.float64))
    return float(np.max(values - np.eye(len(values))))


def _models(e: ScaleEvidence) -> Iterator[Block]:
    names = [("chisq", "chi-square"), ("df", "df"), ("pvalue", "p"), ("cfi", "CFI"), ("tli", "TLI"), ("rmsea", "RMSEA")]
    rows = []
    for kind, model in e.models.items():
        for suffix, said in (("", "plain"), (".scaled", "scaled"), (".robust", "robust")):
            values = {title: model.fit.get(f"{name}{suffix}", float("nan")) for name, title in names}
            if any(value == value for value in values.values()):
                srmr = model.fit.get("srmr", float("nan")) if not suffix else float("nan")
                estimator = f"{kind}, {model.fitted.estimator.name}"
                p = p_value(values.pop("p")) if values["p"] == values["p"] else _DASH
                rows.append({"model": estimator, "test": said, **values, "SRMR": srmr, "p": p, "n": model.n})
    if rows:
        yield table_of(rows, caption="Fit of the model that the key states")
    for model in e.models.values():
        yield from notices(issue for issue in model.issues if issue.severity != "note")
    if e.models:
        yield _loadings(e)


def _loadings(e: ScaleEvidence) -> Table:
    """Standardised loadings of the models side by side."""
    rows = []
    for factor, items in e.factors.items():
        for item in items:
            row: dict[str, object] = {"subscale": factor, "item": item}
            for kind, model in e.models.items():
                frame = model.estimates
                found = frame[(frame["op"] == "=~") & (frame["lhs"] == factor) & (frame["rhs"] == item)]
                said = [f"{number(r.std)} ({number(r.std_se)})" for r in found.itertuples()]
                row[f"{kind} (SE)"] = said[0] if said else _DASH
            rows.append(row)
    return table_of(rows, caption="Standardised loadings")


def _invariance(e: ScaleEvidence) -> Iterator[Block]:
    for kind, result in e.invariance.items():
        places = ", ".join(place.name for place in result.places)
        yield table_of(level_rows(result), caption=f"Invariance between {kind}s: {places}")
        yield from notices(issue for issue in result.conditions if issue.severity != "note")


def level_rows(result: Invariance) -> list[dict[str, object]]:
    """Return the levels of invariance as few columns.

    Parameters
    ----------
    result : Invariance
        The comparison.

    Returns
    -------
    list of dict
        One a level: level, test, CFI, RMSEA, their changes, decision, what was freed.
    """
    word = {True: "holds", False: "does not hold", None: _DASH}
    rows: list[dict[str, object]] = []
    for row, level in zip(result.frame().itertuples(), result.levels, strict=True):
        test = level.test
        step = f"{number(test.chisq, 2)} ({number(test.df, 0)}), {unbroken(p_value(test.p))}" if test else _DASH
        rows.append(
            {
                "level": row.level,
                "chi-square (df)": f"{number(row.chisq, 2)} ({number(row.df, 0)})",
                "CFI": row.cfi,
                "RMSEA": row.rmsea,
                "against": row.against or _DASH,
                "change of chi-square (df)": step,
                "change of CFI": row.delta_cfi,
                "change of RMSEA": row.delta_rmsea,
                "decision": word[level.holds],
                "freed": row.freed or _DASH,
            }
        )
    return rows


def _effects(e: ScaleEvidence) -> Iterator[Block]:
    for kind, result in e.noninvariance.items():
        table = result.table()
        yield Table(table.head, table.rows, f"Differences of mean scores between {kind}s, in parts")


def _careless(e: ScaleEvidence) -> Iterator[Block]:
    if e.careless is not None:
        table = e.careless.table()
        yield Table(table.head, table.rows, "Careless answering: people flagged by each rule")


def _relations(e: ScaleEvidence) -> Iterator[Block]:
    if e.discriminant is not None:
        table = e.discriminant.table()
        yield Table(table.head, table.rows, "Heterotrait-monotrait ratios of the subscales")
    if e.convergence:
        rows = [
            {
                "score": c.score,
                "with": c.other,
                "r": c.r,
                "interval": interval(c.low, c.high),
                "disattenuated": c.disattenuated,
                "n": c.n,
            }
            for c in e.convergence
        ]
        yield table_of(rows, caption="Relations to other scores")


def _omissions(e: ScaleEvidence) -> Iterator[Block]:
    if e.omissions:
        rows = [{"part": o.part, "why": o.why} for o in e.omissions]
        yield table_of(rows, caption="Not here, and why")
