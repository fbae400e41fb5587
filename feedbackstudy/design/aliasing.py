"""What a design can estimate: which columns of a model alias each other, which comparisons are lost, by which cells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.coding import CodingScheme, ModelMatrix, Term, all_terms, model_matrix
from feedbackstudy.design.comparisons import Comparison
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Table, number

__all__ = ["Aliasing", "alias_matrix", "aliasing", "estimability"]

TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliasing(Rendered):
    """Which columns of a model the cells of a design cannot tell apart.

    Attributes
    ----------
    columns : tuple of str
        Columns of the model.
    rank : int
        How many of them can be estimated together.
    aliases : tuple of str
        Each relation that the cells impose, such as ``"a:b = a + b"``; empty where all can be estimated.
    terms : tuple of str
        Terms that are touched.
    offending : tuple of str
        Cells whose absence causes it.
    """

    columns: tuple[str, ...]
    rank: int
    aliases: tuple[str, ...]
    terms: tuple[str, ...]
    offending: tuple[str, ...]

    def page(self) -> Page:
        """Return rank, relations and the cells that cause them.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts((("columns", number(len(self.columns))), ("rank", number(self.rank))))
        if not self.aliases:
            return Page(title="Aliasing", blocks=(facts, Notice("Every column can be estimated.", "good")))
        table = Table(("relation",), tuple((each,) for each in self.aliases), "What cannot be told apart")
        cause = f"Absent cells that cause it: {', '.join(self.offending)}."
        blocks: tuple[Block, ...] = (facts, Notice(cause), table)
        return Page(title="Aliasing", blocks=blocks)


def aliasing(
    crossing: Crossing, terms: Sequence[Term] | None = None, *, scheme: CodingScheme = "sum", empty: Sequence[str] = ()
) -> Aliasing:
    """Say which columns of a model the cells of a design cannot tell apart, and which absent cells cause it.

    Parameters
    ----------
    crossing : Crossing
        The design; forbidden cells are absent.
    terms : sequence of tuple of str, optional
        The model; every interaction by default.
    scheme : str, default "sum"
        The coding; the rank does not depend on it, single relations do.
    empty : sequence of str
        Keys of cells that can occur but hold nobody.

    Returns
    -------
    Aliasing
        Rank, relations, terms and cells.

    Raises
    ------
    DeclarationError
        For an empty cell that does not exist.
    """
    model = _whole(crossing, terms, scheme)
    present = _present(crossing, model.cells, empty)
    x = model.matrix[present]
    rank = _rank(x)
    relations = _relations(x, model) if rank < len(model.columns) else []
    touched = dict.fromkeys(name for _, names in relations for name in names)
    return Aliasing(
        columns=model.columns,
        rank=rank,
        aliases=tuple(text for text, _ in relations),
        terms=tuple(touched),
        offending=_cause(model, present, lambda rows: _rank(model.matrix[rows]), _rank(model.matrix)),
    )


def _whole(crossing: Crossing, terms: Sequence[Term] | None, scheme: CodingScheme) -> ModelMatrix:
    every = replace(crossing, forbidden=())
    chosen = all_terms(crossing.factors.names, len(crossing.factors)) if terms is None else terms
    return model_matrix(every, chosen, scheme=scheme)


def _present(crossing: Crossing, cells: Sequence[Cell], empty: Sequence[str]) -> NDArray[np.bool_]:
    keys = [cell.key for cell in cells]
    for key in empty:
        if key not in keys:
            raise DeclarationError(choices("Cell", key, keys))
    return np.array([cell.key not in empty and not crossing.is_forbidden(cell) for cell in cells])


def _rank(x: NDArray[np.float64]) -> int:
    return int(np.linalg.matrix_rank(x)) if x.size else 0


def _relations(x: NDArray[np.float64], model: ModelMatrix) -> list[tuple[str, tuple[str, ...]]]:
    """Express each column that adds nothing by the columns before it."""
    kept: list[int] = []
    found = []
    for column in range(x.shape[1]):
        basis = x[:, kept]
        weights_of = np.linalg.lstsq(basis, x[:, column], rcond=None)[0] if kept else np.zeros(0)
        if kept and np.allclose(basis @ weights_of, x[:, column], atol=TOLERANCE):
            parts = [(kept[i], w) for i, w in enumerate(weights_of) if abs(w) > TOLERANCE]
            right = " ".join(f"{w:+.3g} {model.columns[i]}" for i, w in parts) or "0 (no cell shows it)"
            owners = dict.fromkeys(
                [":".join(model.terms[i]) for i in (column, *(i for i, _ in parts)) if model.terms[i]]
            )
            found.append((f"{model.columns[column]} = {right}", tuple(owners)))
        elif not kept and not x[:, column].any():
            found.append((f"{model.columns[column]} = 0", ()))
        else:
            kept.append(column)
    return found


def _cause(
    model: ModelMatrix, present: NDArray[np.bool_], score: Callable[[NDArray[np.bool_]], float], target: float
) -> tuple[str, ...]:
    """Name every absent cell whose return would mend something, given that those before it are still absent."""
    now = score(present)
    if now >= target:
        return ()
    absent = np.flatnonzero(~present)
    alone = [int(i) for i in absent if score(_with(present, int(i))) > now]
    if alone:
        return tuple(model.cells[i].key for i in alone)
    return tuple(model.cells[i].key for i in absent)


def _with(present: NDArray[np.bool_], cell: int) -> NDArray[np.bool_]:
    more = present.copy()
    more[cell] = True
    return more


def estimability(
    comparisons: Mapping[str, Comparison],
    crossing: Crossing,
    *,
    terms: Sequence[Term] | None = None,
    empty: Sequence[str] = (),
) -> Issues:
    """Say which comparisons the cells of a design cannot answer, and which cells are missing for it.

    Parameters
    ----------
    comparisons : mapping of str to Comparison
        Name -> comparison over cell means, such as the contrasts of hypotheses.
    crossing : Crossing
        The design; forbidden cells are absent.
    terms : sequence of tuple of str, optional
        The model that is believed; every interaction by default, so that each cell needs its own people. A model with
        fewer terms fills absent cells by what it assumes.
    empty : sequence of str
        Keys of cells that can occur but hold nobody.

    Returns
    -------
    Issues
        One error for each row of a comparison that is lost, and one note where only the model's assumption saves it.

    Notes
    -----
    A contrast w'mu with mu = X b is estimable where X'w lies in the row space of the rows of X that hold people.
    """
    model = _whole(crossing, terms, "sum")
    present = _present(crossing, model.cells, empty)
    every = replace(crossing, forbidden=())
    found: list[Issue] = []
    for name, comparison in comparisons.items():
        compiled = weights(comparison, every)
        for row, label in zip(compiled.matrix, compiled.labels, strict=True):
            found += _judge(name, label, row, (model, present))
    return Issues(found)


def _judge(
    name: str, label: str, row: NDArray[np.float64], where: tuple[ModelMatrix, NDArray[np.bool_]]
) -> list[Issue]:
    model, present = where
    needed = [
        cell.key for cell, w, there in zip(model.cells, row, present, strict=True) if abs(w) > 1e-12 and not there
    ]
    target = model.matrix.T @ row
    if not needed:
        return []
    if _reaches(model.matrix[present], target):
        return [
            Issue(
                "design.rests_on_model",
                Severity.NOTE,
                f"{name}: {label}",
                f"Nobody is in {', '.join(needed)}; the model without the left-out interactions stands in for them.",
                "If the interactions that are left out exist, the estimate is biased and nothing in the data shows it.",
                "Fill these cells, or say in the report that the comparison assumes no such interaction.",
            )
        ]
    cause = _cause(model, present, lambda rows: float(_reaches(model.matrix[rows], target)), 1.0)
    return [
        Issue(
            "design.not_estimable",
            Severity.ERROR,
            f"{name}: {label}",
            f"The comparison cannot be estimated: it needs {', '.join(cause or needed)}, where nobody is.",
            "Any number given for it would come from the model's coding, not from people.",
            "Fill these cells, compare within levels where all cells are filled, or drop the comparison.",
        )
    ]


def _reaches(x: NDArray[np.float64], target: NDArray[np.float64]) -> bool:
    if not x.size:
        return False
    solution = np.linalg.lstsq(x.T, target, rcond=None)[0]
    return bool(np.allclose(x.T @ solution, target, atol=TOLERANCE))


def alias_matrix(x: NDArray[np.float64], left_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of each left-out column leaks into each estimated coefficient.

    Parameters
    ----------
    x : ndarray of shape (n, p)
        Columns of the model.
    left_out : ndarray of shape (n, q)
        Columns that the model leaves out.

    Returns
    -------
    ndarray of shape (p, q)
        (X'X)^-1 X'Z: the bias of each coefficient for each unit of a left-out effect (Box and Hunter's alias matrix).
    """
    return np.asarray(np.linalg.solve(x.T @ x, x.T @ left_out), dtype=np.float64)
