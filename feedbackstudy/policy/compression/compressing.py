"""From a table to a fitted model in two passes of grouped sums."""

from collections.abc import Mapping, Sequence
from itertools import product as crossed
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.policy.compression.centring import centred, full_factors, way_back
from feedbackstudy.policy.compression.covering import Sums, cover
from feedbackstudy.policy.compression.engine import Counted, Effects, Engine
from feedbackstudy.policy.compression.fitting import Gram, MarginFit, Solved, solved
from feedbackstudy.policy.compression.margins import (
    Levels,
    Margin,
    coded,
    design_places,
    levels_of,
    refuse_change,
    serving,
)
from feedbackstudy.policy.compression.model import Column, Level, LinearModel, Need, Term

__all__ = ["compress_linear", "engine_for"]

type Floats = NDArray[np.float64]

_MOST_GROUPS, _MOST_SCORES = 60_000, 200_000


def engine_for(
    table: object, names: Mapping[str, str], *, threads: int | None = None, memory: str | None = None
) -> Engine:
    """Choose the engine for a table.

    Parameters
    ----------
    table : Path, str, DuckDB relation or data frame
        Parquet, CSV or TSV files and DuckDB relations are grouped by DuckDB, data frames by their own library.
    names : mapping of str to str
        Column -> safe name.
    threads, memory : optional
        Limits for files.

    Returns
    -------
    Engine
        The engine.
    """
    if isinstance(table, str | Path):
        from feedbackstudy.policy.compression.duckdb_engine import DuckdbEngine

        return DuckdbEngine.of_files(table, names, threads=threads, memory=memory)
    if type(table).__module__.partition(".")[0] in {"duckdb", "_duckdb"}:
        from feedbackstudy.policy.compression.duckdb_engine import DuckdbEngine

        return DuckdbEngine(table, names)  # type: ignore[arg-type]
    from feedbackstudy.policy.compression.narwhals_engine import NarwhalsEngine

    return NarwhalsEngine(table, names)


def compress_linear(
    table: object, model: LinearModel, *, threads: int | None = None, memory: str | None = None
) -> MarginFit:
    r"""Fit a linear model to a table of any size, exactly, from sums within groups.

    Parameters
    ----------
    table : Path, str, DuckDB relation or data frame
        As for `engine_for`.
    model : LinearModel
        Outcome, terms, clusters.
    threads, memory : optional
        Limits for files.

    Returns
    -------
    MarginFit
        Coefficients, inverse cross-products and the score matrix of each clustering.

    Raises
    ------
    DataError
        For an absent column, text where a number is needed, no complete row, or a constant outcome.

    Notes
    -----
    First pass: counts and sums by every factor and pair of factors give :math:`X'X` and :math:`X'y`. Second pass:
    residuals summed by cluster and factor level give the scores S, and :math:`V = A S'S A`. Both passes are GROUP BYs,
    so memory follows levels and clusters, not rows. Numerics are centred before they are multiplied.
    """
    safe, names = model.aliased()
    engine = engine_for(table, names, threads=threads, memory=memory)
    counted = engine.count(safe)
    notes = _looked_over(counted, model)
    centres = centred(safe, counted.centres)
    sums = engine.sums(safe, centres, cover(safe.needs(), counted.cardinality, most=_MOST_GROUPS))
    levels = {factor: _levels(sums, factor, safe) for factor in safe.factors}
    margins = coded(sums, levels)
    if safe.weight is None:
        refuse_change(float(serving(margins, (), ())[1].sum()), counted.complete)
    gram = _gram(safe, margins, levels, counted.complete)
    if gram.yy - gram.xy[0] ** 2 / gram.xx[0, 0] <= 1e-12 * max(gram.yy, 1e-300):
        raise DataError(f"The outcome {model.outcome!r} is constant over all {counted.complete:,} rows.")
    found = solved(gram)
    effects = _effects(safe, gram.columns, found.beta, levels)
    terms = (Term(), *safe.terms)
    needs = [
        Need(frozenset((cluster, *term.factors)), frozenset({tuple(sorted(term.numerics))}))
        for cluster in safe.clusters
        for term in terms
    ]
    scored = engine.residual_sums(safe, centres, effects, cover(needs, counted.cardinality, most=_MOST_SCORES))
    groups = {cluster: tuple(levels_of(scored, cluster)) for cluster in safe.clusters}
    margins = coded(scored, {**levels, **groups})
    places = design_places(terms, gram.columns, levels)
    scores = {c: (groups[c], _scores(c, len(groups[c]), places, margins, len(gram.columns))) for c in safe.clusters}
    back = {alias: name for name, alias in names.items()}
    notes += _aliased(gram.columns, found, levels, back)
    return _finished(
        gram, found, scores, counted, centres=centres, model=safe, back=back, engine=engine.words, notes=notes
    )


def _looked_over(counted: Counted, model: LinearModel) -> tuple[str, ...]:
    bad = {name: n for name, n in counted.unusable.items() if n}
    if bad:
        name, n = next(iter(bad.items()))
        raise DataError(
            f"Column {name!r} holds {n:,} values that are no finite number; correct them, or set them to missing "
            "before the analysis so that they are counted."
        )
    if counted.complete == 0:
        raise DataError(
            f"None of the {counted.rows:,} rows has a value in every column of the model ({', '.join(model.columns)})."
        )
    left = counted.rows - counted.complete
    if not left:
        return ()
    by = ", ".join(f"{name} {n:,}" for name, n in counted.nulls.items() if n)
    return (f"{left:,} of {counted.rows:,} rows left out for want of a value ({by})",)


def _levels(sums: Sequence[Sums], factor: str, model: LinearModel) -> tuple[Level, ...]:
    """Return the levels of a factor in order, its reference first."""
    found = levels_of(sums, factor)
    reference = model.references.get(factor, found[0])
    if reference not in found:
        raise DataError(f"The reference level {reference!r} does not occur; the levels are: {found[:20]}.")
    return (reference, *(level for level in found if level != reference))


def _columns(term: Term, levels: Levels, terms: Sequence[Term]) -> list[Column]:
    """Return a term's columns, each factor with all its levels or without its reference."""
    full = full_factors(term, terms)
    parts = [levels[factor] if factor in full else levels[factor][1:] for factor in term.factors]
    return [Column(term, combination) for combination in crossed(*parts)]


def _gram(model: LinearModel, margins: Sequence[Margin], levels: Levels, rows: int) -> Gram:
    terms = (Term(), *model.terms)
    columns = [column for term in terms for column in _columns(term, levels, model.terms)]
    places = design_places(terms, columns, levels)
    p = len(columns)
    xx, xy = np.zeros((p, p)), np.zeros(p)
    for first, second in model.blocks():
        keys, what = (*first.factors, *second.factors), tuple(sorted((*first.numerics, *second.numerics)))
        margin, sums = serving(margins, keys, what)
        i, j = margin.places(first, places[first]), margin.places(second, places[second])
        both = (i >= 0) & (j >= 0)
        np.add.at(xx, (i[both], j[both]), sums[both])
    xx = np.triu(xx) + np.triu(xx, 1).T + np.tril(xx, -1) + np.tril(xx, -1).T
    for term in terms:
        margin, sums = serving(margins, term.factors, tuple(sorted((*term.numerics, model.outcome))))
        i = margin.places(term, places[term])
        np.add.at(xy, i[i >= 0], sums[i >= 0])
    yy = float(serving(margins, (), (model.outcome, model.outcome))[1].sum())
    return Gram(columns=tuple(columns), xx=xx, xy=xy, yy=yy, rows=rows)


def _effects(model: LinearModel, columns: Sequence[Column], beta: Floats, levels: Levels) -> tuple[Effects, ...]:
    found = []
    for term in (Term(), *model.terms):
        known = {column.levels: float(beta[i]) for i, column in enumerate(columns) if column.term == term}
        cells = list(crossed(*(levels[factor] for factor in term.factors)))
        frame = pd.DataFrame({factor: [cell[k] for cell in cells] for k, factor in enumerate(term.factors)})
        frame["b"] = [known.get(cell, 0.0) for cell in cells]
        found.append(Effects(term, frame))
    return tuple(found)


def _scores(
    cluster: str, groups: int, places: Mapping[Term, NDArray[np.intp]], margins: Sequence[Margin], columns: int
) -> Floats:
    matrix = np.zeros((groups, columns))
    for term, design in places.items():
        margin, sums = serving(margins, (cluster, *term.factors), tuple(sorted(term.numerics)))
        i, j = margin.codes[cluster], margin.places(term, design)
        np.add.at(matrix, (i[j >= 0], j[j >= 0]), sums[j >= 0])
    return matrix


def _named(column: Column, back: Mapping[str, str]) -> Column:
    term = Term(tuple(back[f] for f in column.term.factors), tuple(back[z] for z in column.term.numerics))
    return Column(term, column.levels)


def _aliased(columns: Sequence[Column], found: Solved, levels: Levels, back: Mapping[str, str]) -> tuple[str, ...]:
    single = [back[factor] for factor, known in levels.items() if len(known) == 1]
    notes = [f"{name} has one level here and takes no part" for name in single]
    lost = [_named(column, back).label for column, kept in zip(columns, found.kept, strict=True) if not kept]
    if lost:
        more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
        notes.append(f"not estimable beside the columns before them: {', '.join(lost[:10])}{more}")
    return tuple(notes)


def _finished(
    gram: Gram,
    found: Solved,
    scores: Mapping[str, tuple[tuple[object, ...], Floats]],
    counted: Counted,
    *,
    centres: Mapping[str, float],
    model: LinearModel,
    back: Mapping[str, str],
    engine: str,
    notes: tuple[str, ...],
) -> MarginFit:
    """Put names and centres back: only the intercept, and terms below a product of centred columns, move."""
    turn = way_back(gram.columns, centres)
    beta = turn @ found.beta
    beta[0] += centres[model.outcome]
    undo = np.linalg.inv(turn)
    return MarginFit(
        columns=tuple(_named(column, back) for column in gram.columns),
        beta=np.where(found.kept, beta, np.nan),
        inverse=turn @ found.inverse @ turn.T,
        rows=gram.rows,
        rank=int(found.kept.sum()),
        rss=found.rss,
        scores={back[cluster]: matrix @ undo for cluster, (_, matrix) in scores.items()},
        groups={back[cluster]: groups for cluster, (groups, _) in scores.items()},
        dropped={name: n for name, n in counted.nulls.items() if n},
        rows_left_out=counted.rows - counted.complete,
        engine=engine,
        notes=notes,
    )
