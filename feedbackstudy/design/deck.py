"""A deck of vignettes: the stories, their blocks and orders, and how much they can tell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.declaration import digest
from feedbackstudy.design.crossing import Cell
from feedbackstudy.design.fraction import Efficiency
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered, Table, number, table_of

__all__ = ["Deck"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck(Rendered):
    """The stories, their blocks and orders, and how much they can tell.

    Attributes
    ----------
    cells : tuple of Cell
        One story each; story i has the name ``v01``, ``v02`` ...
    blocks : ndarray of int
        The block of each story.
    orders : ndarray of shape (k, per_person)
        Orders in which the stories of a block are read.
    efficiency : Efficiency
        Of the stories for the stated model.
    left_after_blocks : float
        Share of the information per coefficient that is left when each block has a mean of its own.
    alias : DataFrame
        Bias of each coefficient for each unit of a two-way interaction that the model leaves out.
    issues : Issues
        What must be known before the deck is used.
    provenance : Provenance
        Seed and conventions.
    """

    cells: tuple[Cell, ...]
    blocks: NDArray[np.int64]
    orders: NDArray[np.int64]
    efficiency: Efficiency
    left_after_blocks: float
    alias: pd.DataFrame
    issues: Issues
    provenance: Provenance

    @property
    def names(self) -> tuple[str, ...]:
        """The stories' names."""
        width = max(2, len(str(len(self.cells))))
        return tuple(f"v{i:0{width}d}" for i in range(1, len(self.cells) + 1))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per story: ``vignette, block`` and the factors."""
        rows = [
            {"vignette": name, "block": int(block) + 1, **dict(cell.levels)}
            for name, block, cell in zip(self.names, self.blocks, self.cells, strict=True)
        ]
        return pd.DataFrame(rows)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of stories, blocks and orders."""
        return digest([[cell.key for cell in self.cells], self.blocks.tolist(), self.orders.tolist()])

    def hand(self, block: int, order: int) -> tuple[str, ...]:
        """Return the stories of a block in one of the orders.

        Parameters
        ----------
        block : int
            Block, counted from 0.
        order : int
            Row of `orders`.

        Returns
        -------
        tuple of str
            Names of stories, first to last.
        """
        held = [name for name, each in zip(self.names, self.blocks, strict=True) if each == block]
        return tuple(held[i] for i in self.orders[order])

    def balance(self) -> pd.DataFrame:
        """Count levels: one row for each level of each factor.

        Returns
        -------
        DataFrame
            ``factor, level, stories`` and the smallest and largest number in a block.
        """
        frame = self.frame
        rows = []
        for factor, _ in self.cells[0].levels:
            for level, held in frame.groupby(factor, sort=True):
                per_block = held.groupby("block").size().reindex(sorted(set(frame["block"])), fill_value=0)
                rows.append(
                    {
                        "factor": factor,
                        "level": level,
                        "stories": len(held),
                        "fewest in a block": int(per_block.min()),
                        "most in a block": int(per_block.max()),
                    }
                )
        return pd.DataFrame(rows)

    def pairs(self) -> pd.DataFrame:
        """Count pairs of levels: one row for each pair of levels of two factors, absent ones with 0.

        Returns
        -------
        DataFrame
            ``factor, level, with_factor, with_level, stories``.
        """
        frame = self.frame
        names = [name for name, _ in self.cells[0].levels]
        rows = []
        for a, b in combinations(names, 2):
            for x, y in product(sorted(set(frame[a])), sorted(set(frame[b]))):
                n = int(((frame[a] == x) & (frame[b] == y)).sum())
                rows.append({"factor": a, "level": x, "with_factor": b, "with_level": y, "stories": n})
        return pd.DataFrame(rows, columns=["factor", "level", "with_factor", "with_level", "stories"])

    def texts(self, template: str, words: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Fill a story's text with the words of its levels.

        Parameters
        ----------
        template : str
            A text with ``{factor}`` where a factor's words belong.
        words : mapping of str to mapping
            Factor -> level -> words.

        Returns
        -------
        dict of str to str
            Story -> text.

        Raises
        ------
        DeclarationError
            Where the template names no such factor, or leaves out one that varies, or a level has no words.
        """
        used = re.findall(r"\{([a-z0-9_]+)\}", template)
        varied = [name for name, _ in self.cells[0].levels]
        for name in used:
            if name not in varied:
                raise DeclarationError(choices("Factor in the template", name, varied))
        silent = [name for name in varied if name not in used]
        if silent:
            raise DeclarationError(f"The template does not show {silent[0]!r}: its levels would read alike. Add it.")
        return {
            name: _fill(template, dict(cell.levels), words) for name, cell in zip(self.names, self.cells, strict=True)
        }

    def page(self) -> Page:
        """Return sizes, efficiencies, balance, aliases and the stories.

        Returns
        -------
        Page
            Ready to render.
        """
        e = self.efficiency
        facts = Facts(
            (
                ("stories, blocks, orders", f"{len(self.cells)}, {int(self.blocks.max()) + 1}, {len(self.orders)}"),
                ("D-efficiency", number(e.d)),
                ("A, G, bound on D", f"{number(e.a)}, {number(e.g)}, {number(e.d_bound)}"),
                ("information left after blocks", number(self.left_after_blocks)),
                ("fingerprint", self.fingerprint[:16]),
            )
        )
        alias = self.alias.reset_index(names="coefficient").to_dict("records")
        found = self.issues.page().blocks if self.issues else ()
        return Page(
            title="Vignette deck",
            blocks=(
                facts,
                *found,
                _table(self.balance(), "Levels"),
                _table(self.pairs(), "Pairs of levels"),
                table_of([{str(k): v for k, v in row.items()} for row in alias], caption="Alias matrix")
                if len(self.alias.columns)
                else Table(("alias matrix",), (("The model leaves no two-way interaction out.",),)),
                _table(self.frame, "Stories"),
                self.provenance.facts(),
            ),
        )


def _table(frame: pd.DataFrame, caption: str) -> Table:
    return table_of([{str(k): v for k, v in row.items()} for row in frame.to_dict("records")], caption=caption)


def _fill(template: str, levels: Mapping[str, str], words: Mapping[str, Mapping[str, str]]) -> str:
    def word(match: re.Match[str]) -> str:
        factor = match.group(1)
        known = words.get(factor, {})
        if levels[factor] not in known:
            raise DeclarationError(f"Factor {factor!r}: {choices('Level with words', levels[factor], known)}")
        return known[levels[factor]]

    return re.sub(r"\{([a-z0-9_]+)\}", word, template)
