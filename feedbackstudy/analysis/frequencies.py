"""Counts of ordered categories by group, with the counts a model expects."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript, r_numbers
from feedbackstudy.render import Page, Rendered, Table, number

__all__ = ["Frequencies", "InflatedLaw"]

_SEEN = """\
observed <- xtabs(seen ~ group + category, data = responses)  # groups and categories by their position
show("seen", t(observed)); show("all", rowSums(observed))
"""

_LAW = """\
values <- responses$`category label`[responses$group == 1]
expected <- outer(seq_along(mean), values, function(g, y) {
  counted <- if (is.na(size)) dpois(y, mean[g]) else dnbinom(y, size = size, mu = mean[g])
  rowSums(observed)[g] * ((1 - zero[g]) * counted + zero[g] * (y == 0))
})
"""

_GIVEN = """\
expected <- xtabs(expected ~ group + category, data = responses)  # as they were given: their model is another script
"""

_EXPECTED = """\
show("expected", t(expected)); show("distance", sum((observed - expected)^2 / expected))
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InflatedLaw:
    """A law of counts in each group, with a share of structural zeros.

    Attributes
    ----------
    mean : ndarray, shape (n_groups,)
        Expected count of those who are no structural zero.
    zero : ndarray, shape (n_groups,)
        Share of structural zeros; 0 for a law without.
    size : float or None
        Size of the negative binomial, whose variance is mean + mean squared / size; None for a Poisson.
    """

    mean: NDArray[np.float64]
    zero: NDArray[np.float64]
    size: float | None

    def shares(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the share of people at each count.

        Parameters
        ----------
        values : array_like of int, shape (values,)
            Counts.

        Returns
        -------
        ndarray, shape (n_groups, values)
            Shares.
        """
        y, mean, zero = np.asarray(values), np.asarray(self.mean)[:, None], np.asarray(self.zero)[:, None]
        if self.size is None:
            counted = stats.poisson.pmf(y, mean)
        else:
            counted = stats.nbinom.pmf(y, self.size, self.size / (self.size + mean))
        return np.asarray((1 - zero) * counted + zero * (y == 0), dtype=np.float64)

    def in_r(self) -> str:
        """Return R code that states the law as `mean`, `zero` and `size`.

        Returns
        -------
        str
            One line.
        """
        mean, zero = r_numbers(self.mean), r_numbers(self.zero)
        return f"mean <- {mean}; zero <- {zero}; size <- {'NA' if self.size is None else f'{self.size:.17g}'}\n"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frequencies(Rendered):
    """How often each category was seen in each group.

    Attributes
    ----------
    title : str
        What was counted.
    category_label : str
        What the categories are: ``"practice tasks chosen"``.
    categories : tuple of (str or int or float)
        In order.
    groups : tuple of str
        One for each row of `counts`.
    counts : ndarray of int, shape (n_groups, n_categories)
        Observed counts.
    fitted : ndarray of float, shape (n_groups, n_categories), or None
        Counts that a model expects; where a law is given, those of the law.
    law : InflatedLaw or None
        What the model says of counts, in place of `fitted`.
    """

    title: str
    category_label: str
    categories: tuple[str | float, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    fitted: NDArray[np.float64] | None = None
    law: InflatedLaw | None = None

    def __post_init__(self) -> None:
        shape = (len(self.groups), len(self.categories))
        counts = np.asarray(self.counts)
        if counts.shape != shape or not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any():
            raise DataError(
                f"Frequencies {self.title!r}: counts must be whole numbers of at least 0, {shape[0]} groups by "
                f"{shape[1]} categories; given {counts.dtype} of shape {counts.shape}."
            )
        self._freeze("counts", counts.astype(np.int64))
        if self.law is not None:
            object.__setattr__(self, "fitted", self._by_law(self.law))
        if self.fitted is not None:
            fitted = np.array(self.fitted, dtype=np.float64)
            if fitted.shape != shape or not np.isfinite(fitted).all() or (fitted < 0).any():
                raise DataError(
                    f"Frequencies {self.title!r}: fitted counts must be finite, of at least 0 and of shape {shape}; "
                    f"given shape {fitted.shape}."
                )
            self._freeze("fitted", fitted)

    def _by_law(self, law: InflatedLaw) -> NDArray[np.float64]:
        numbers = [value for value in self.categories if not isinstance(value, str)]
        whole = len(numbers) == len(self.categories) and all(value == round(value) >= 0 for value in numbers)
        if self.fitted is not None or not whole or np.shape(law.mean) != (len(self.groups),):
            raise DataError(
                f"Frequencies {self.title!r}: a law of counts stands in place of fitted counts, needs whole categories "
                f"of at least 0 and one mean for each of {len(self.groups)} groups; given categories "
                f"{self.categories} and means of shape {np.shape(law.mean)}."
            )
        return np.asarray(self.counts.sum(axis=1, keepdims=True) * law.shares(numbers), dtype=np.float64)

    def r_script(self) -> RScript:
        """Return the table for R.

        Returns
        -------
        RScript
            Counts anew, row by row (``seen``, ``all``). Where a model says what to expect: ``expected``, computed from
            its law where that is known, and the chi-square ``distance`` between both.
        """
        shape = self.counts.shape
        data = pd.DataFrame(
            {
                "group": np.repeat(np.arange(1, shape[0] + 1), shape[1]),
                "category": np.tile(np.arange(1, shape[1] + 1), shape[0]),
                "group label": np.repeat(np.array(self.groups, dtype=object), shape[1]),
                "category label": np.tile(np.array(self.categories, dtype=object), shape[0]),
                "seen": self.counts.ravel(),
            }
        )
        body = _SEEN
        if self.law is not None:
            body += self.law.in_r() + _LAW + _EXPECTED
        elif self.fitted is not None:
            data["expected"] = self.fitted.ravel()
            body += _GIVEN + _EXPECTED
        return RScript(made_by=f"Frequencies, {self.title}", body=body, data=data, name="frequencies")

    def _freeze(self, name: str, values: NDArray[np.generic]) -> None:
        values.setflags(write=False)
        object.__setattr__(self, name, values)

    def page(self) -> Page:
        """Return the counts as a page: one row for each group, the expected counts under the observed.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = []
        for i, group in enumerate(self.groups):
            rows.append((group, *(number(int(n)) for n in self.counts[i]), number(int(self.counts[i].sum()))))
            if self.fitted is not None:
                expected = self.fitted[i]
                rows.append(
                    (f"{group}, expected", *(number(float(x), 1) for x in expected), number(float(expected.sum()), 1))
                )
        head = ("group", *(number(c, 1) for c in self.categories), "all")
        return Page(title=self.title, subtitle=self.category_label, blocks=(Table(head, tuple(rows)),))
