"""Vignette decks: which stories are told, who reads which of them, in which order. `Vignettes`, a part of the study."""

from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.design.aliasing import alias_matrix
from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.chance import ALGORITHM, Stream, shuffled
from feedbackstudy.design.coding import ModelMatrix, Term, all_terms, model_matrix
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.design.deck import Deck
from feedbackstudy.design.fraction import Efficiency, best_blocks, d_optimal, efficiency
from feedbackstudy.design.squares import orders
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.named import Name
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import counted

__all__ = ["Vignettes", "make_deck"]

RANDOM_ORDERS = 24


class Vignettes(Declaration):
    """How the combinations of factors that vary within people become a deck of stories.

    Attributes
    ----------
    per_person : int
        Stories each person reads: the size of a block.
    size : int or None
        Stories in all, a multiple of `per_person`; all that can occur by default.
    model : {"main_effects", "two_way"}
        What must be estimable: the fraction and the blocks are chosen for it.
    interactions : tuple of tuple of str
        Two-way interactions to be estimable besides.
    restarts : int
        Random starts of the search for the fraction.
    """

    per_person: int
    size: int | None = None
    model: Literal["main_effects", "two_way"] = "main_effects"
    interactions: Many[Many[Name]] = ()
    restarts: int = 100

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.per_person < 1 or self.restarts < 1:
            raise ValueError(f"per_person is {self.per_person}, restarts {self.restarts}; both are at least 1.")
        if self.size is not None and (self.size < self.per_person or self.size % self.per_person):
            raise ValueError(
                f"a deck of {self.size} cannot be dealt in hands of {self.per_person}; choose a multiple of it."
            )
        wrong = [list(pair) for pair in self.interactions if len(set(pair)) != 2]
        if wrong:
            raise ValueError(f"interactions: {wrong[0]} must name two different factors.")
        return self

    def terms(self, factors: tuple[str, ...]) -> tuple[Term, ...]:
        """Return the model as terms.

        Parameters
        ----------
        factors : tuple of str
            The factors that vary within.

        Returns
        -------
        tuple of tuple of str
            Main effects and the interactions that are stated.
        """
        terms = all_terms(factors, 2 if self.model == "two_way" else 1)
        known = {frozenset(term) for term in terms}
        for pair in self.interactions:
            for name in pair:
                if name not in factors:
                    raise DeclarationError(choices("Factor that varies within", name, factors))
        extra = tuple(tuple(pair) for pair in self.interactions if frozenset(pair) not in known)
        return terms + extra


def make_deck(
    crossing: Crossing, vignettes: Vignettes, *, seed: int, order: Literal["williams", "latin", "random"] = "williams"
) -> Deck:
    """Make the deck of a study.

    Parameters
    ----------
    crossing : Crossing
        The factors that vary within people, and what cannot occur.
    vignettes : Vignettes
        Sizes and the model.
    seed : int
        Fixes the search and the blocks.
    order : {"williams", "latin", "random"}
        Orders within a block.

    Returns
    -------
    Deck
        Stories, blocks, orders, and how much they can tell.

    Raises
    ------
    InputError
        Where nothing varies within, the deck cannot be dealt, or the model cannot be estimated.

    Notes
    -----
    A deck has the version of the assignment that deals it (`Allocation.algorithm`), which its conventions name. The
    same crossing, vignettes and seed give the same deck in every release of that version; a search that found others
    would be version 2 of both, beside this one. Decks of checkouts before the first release carry no promise.
    """
    factors = crossing.factors.names
    if not factors:
        raise DeclarationError(
            "No factor varies within people, so there is no deck; set varies: within for those read."
        )
    cells = tuple(cell for cell in crossing.cells() if cell.arm == FEEDBACK)
    terms = vignettes.terms(factors)
    model = model_matrix(crossing, terms, scheme="orthonormal", cells=cells)
    rows = _choose(model.matrix, vignettes, seed)
    chosen = model.matrix[rows]
    blocks = best_blocks(chosen[:, 1:], vignettes.per_person, seed=seed)
    reached = efficiency(model.matrix, rows)
    picked = tuple(cells[i] for i in rows)
    how = (
        f"Fedorov exchange, {vignettes.restarts} starts"
        if len(rows) < len(cells)
        else "all combinations that can occur"
    )
    return Deck(
        cells=picked,
        blocks=blocks,
        orders=_orders(vignettes.per_person, order, seed),
        efficiency=reached,
        left_after_blocks=_left(chosen[:, 1:], blocks),
        alias=_alias(crossing, model, chosen, picked),
        issues=Issues(_findings(crossing, reached, picked)),
        provenance=Provenance(
            made_by="design.make_deck",
            seed=seed,
            conventions=(
                "D = det(X'X/n)^(1/p) in orthonormal coding: 1 for a full factorial",
                f"model: {', '.join(':'.join(term) for term in terms)}",
                f"stories: {how}; blocks: most information left when each block has a mean of its own",
                f"search of stories, blocks and orders: algorithm version {ALGORITHM}",
            ),
        ),
    )


def _choose(model: NDArray[np.float64], vignettes: Vignettes, seed: int) -> NDArray[np.int64]:
    total, hand = len(model), vignettes.per_person
    size = vignettes.size or total
    if size % hand:
        raise DeclarationError(
            f"{counted(size, 'story', 'stories')} cannot be dealt in hands of {hand}; state a 'size' that is a "
            f"multiple of it."
        )
    if size > total:
        raise DeclarationError(
            f"{counted(size, 'story is', 'stories are')} asked for, but only {counted(total, 'combination')} can occur."
        )
    return d_optimal(model, size, seed=seed, restarts=vignettes.restarts if size < total else 1)


def _orders(k: int, kind: Literal["williams", "latin", "random"], seed: int) -> NDArray[np.int64]:
    if kind == "random":
        stream = Stream(seed, "orders")
        return np.array([shuffled(range(k), stream) for _ in range(RANDOM_ORDERS)])
    return orders(k, kind)


def _left(x: NDArray[np.float64], blocks: NDArray[np.int64]) -> float:
    """Return (det of the information within blocks / det about the grand mean) ** (1 / p)."""
    centred = x - x.mean(axis=0)
    means = np.array([x[blocks == b].mean(axis=0) for b in range(int(blocks.max()) + 1)])
    within = x - means[blocks]
    (sign, part), (_, whole) = np.linalg.slogdet(within.T @ within), np.linalg.slogdet(centred.T @ centred)
    lost = sign <= 0 or np.linalg.matrix_rank(within) < x.shape[1]
    return 0.0 if lost else float(np.exp((part - whole) / x.shape[1]))


def _alias(crossing: Crossing, model: ModelMatrix, x: NDArray[np.float64], cells: tuple[Cell, ...]) -> pd.DataFrame:
    left = [
        term for term in all_terms(crossing.factors.names, 2) if frozenset(term) not in set(map(frozenset, model.terms))
    ]
    other = model_matrix(crossing, left, scheme="orthonormal", cells=cells)
    values = alias_matrix(x, other.matrix[:, 1:])
    return pd.DataFrame(values, index=pd.Index(model.columns), columns=pd.Index(other.columns[1:]))


def _findings(crossing: Crossing, reached: Efficiency, cells: tuple[Cell, ...]) -> list[Issue]:
    found: list[Issue] = []
    shown = {factor.name: {dict(cell.levels)[factor.name] for cell in cells} for factor in crossing.factors}
    for factor in crossing.factors:
        for level in sorted(set(factor.codes()) - shown[factor.name]):
            found.append(
                Issue(
                    "design.level_never_shown",
                    Severity.ERROR,
                    f"deck: {factor.name}",
                    f"No story shows {level!r}.",
                    "Nothing can be said about a level that nobody reads.",
                    "Enlarge the deck, or forbid fewer combinations.",
                )
            )
    if reached.d < 0.8:
        found.append(
            Issue(
                "design.low_efficiency",
                Severity.WARNING,
                "deck",
                f"D-efficiency is {reached.d:.3f} (1: a full factorial).",
                "Coefficients are estimated with more error than so many stories could give.",
                "Enlarge the deck, forbid fewer combinations, or raise 'restarts'.",
            )
        )
    return found
