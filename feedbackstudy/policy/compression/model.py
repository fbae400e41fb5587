"""An additive linear model over columns of a table, as names and never as a formula."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

from feedbackstudy.errors import InputError

__all__ = ["Column", "Level", "LinearModel", "Need", "Product", "Term", "summed"]

type Level = str | int | bool | float
type Product = tuple[str, ...]
"""Names of numeric columns that are multiplied; empty for a count."""


def summed(product: Product) -> str:
    """Return the name under which the sum of a product stands.

    Parameters
    ----------
    product : tuple of str
        Names of columns, made safe by `LinearModel.aliased`.

    Returns
    -------
    str
        Such as ``"v1*v3"``; ``"n"`` for the count.
    """
    return "*".join(product) or "n"


@dataclass(frozen=True, slots=True)
class Term:
    """A block of columns: one for each combination of levels of its factors, times the product of its numerics.

    Attributes
    ----------
    factors : tuple of str
        Factor columns; empty for a plain slope.
    numerics : tuple of str
        Numeric columns; empty for plain indicators. A name that stands twice is a square.
    """

    factors: tuple[str, ...] = ()
    numerics: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The term in words: ``"site"``, ``"policy:site"``; ``"(Intercept)"`` where it is empty."""
        return ":".join((*self.numerics, *self.factors)) or "(Intercept)"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design matrix.

    Attributes
    ----------
    term : Term
        The term it belongs to.
    levels : tuple
        The level of each of the term's factors.
    """

    term: Term
    levels: tuple[Level, ...] = ()

    @property
    def label(self) -> str:
        """The column in words: ``"policy"``, ``"site[7]"``."""
        parts = [f"{name}[{level}]" for name, level in zip(self.term.factors, self.levels, strict=True)]
        return ":".join((*self.term.numerics, *parts)) or "(Intercept)"


@dataclass(frozen=True, slots=True)
class Need:
    """Sums that the fit needs: the products, summed within groups.

    Attributes
    ----------
    keys : frozenset of str
        Columns that are grouped by.
    products : frozenset of tuple
        Products to sum.
    """

    keys: frozenset[str]
    products: frozenset[Product]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Outcome, terms and clusters.

    Attributes
    ----------
    outcome : str
        A numeric column.
    terms : tuple of Term
        The terms beside the intercept.
    clusters : tuple of str
        Columns whose groups are the independent units; several give a score matrix each.
    weight : str or None
        A column of weights; every row counts once where left out.
    references : mapping of str to level
        Reference level of a factor; the first in order where left out.
    """

    outcome: str
    terms: tuple[Term, ...]
    clusters: tuple[str, ...] = ()
    weight: str | None = None
    references: Mapping[str, Level] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = sorted(set(self.factors) & {*self.numerics, self.outcome})
        if both:
            raise InputError(f"{both[0]!r} stands as a factor and as a number in one model; decide which it is.")
        labels = [term.label for term in self.terms]
        if len(set(labels)) < len(labels) or "(Intercept)" in labels:
            raise InputError(f"Give each term once, and not the intercept, which is always there; given: {labels}.")
        if self.outcome in self.numerics:
            raise InputError(f"{self.outcome!r} is the outcome and cannot explain itself.")
        unknown = sorted(set(self.references) - set(self.factors))
        if unknown:
            raise InputError(f"A reference level is given for {unknown[0]!r}, which is no factor: {self.factors}.")

    @property
    def factors(self) -> tuple[str, ...]:
        """Factor columns, each once, in the order of the terms."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.factors))

    @property
    def numerics(self) -> tuple[str, ...]:
        """Numeric columns on the right side, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.numerics))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table that the model reads."""
        extra = (self.weight,) if self.weight is not None else ()
        return tuple(dict.fromkeys((self.outcome, *self.numerics, *self.factors, *self.clusters, *extra)))

    def aliased(self) -> "tuple[LinearModel, dict[str, str]]":
        """Return the model over safe names, so that no text of a header ever stands in a query.

        Returns
        -------
        tuple of (LinearModel, dict)
            The model over ``v0, v1 ...``, and column -> safe name.
        """
        names = {name: f"v{i}" for i, name in enumerate(self.columns)}
        terms = tuple(
            Term(tuple(names[f] for f in term.factors), tuple(names[z] for z in term.numerics)) for term in self.terms
        )
        safe = replace(
            self,
            outcome=names[self.outcome],
            terms=terms,
            clusters=tuple(names[c] for c in self.clusters),
            weight=None if self.weight is None else names[self.weight],
            references={names[f]: level for f, level in self.references.items()},
        )
        return safe, names

    def blocks(self) -> Iterator[tuple[Term, Term]]:
        """Yield the pairs of terms of the cross-product matrix, the intercept among them.

        Yields
        ------
        tuple of Term
            Upper triangle with diagonal.
        """
        yield from combinations_with_replacement((Term(), *self.terms), 2)

    def needs(self) -> tuple[Need, ...]:
        """Return what the first pass must sum.

        Returns
        -------
        tuple of Need
            One for each set of keys: cross-products of terms, terms with the outcome, the outcome's square.
        """
        found: dict[frozenset[str], set[Product]] = {}

        def want(keys: tuple[str, ...], product: Product) -> None:
            found.setdefault(frozenset(keys), set()).add(tuple(sorted(product)))

        for first, second in self.blocks():
            want((*first.factors, *second.factors), (*first.numerics, *second.numerics))
        for term in (Term(), *self.terms):
            want(term.factors, (*term.numerics, self.outcome))
        want((), (self.outcome, self.outcome))
        return tuple(Need(keys, frozenset(products)) for keys, products in found.items())
