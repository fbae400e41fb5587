"""Counts of ordered categories by group, with the counts a model expects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.render import Page, Rendered, Table, number

__all__ = ["Frequencies"]


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
        Counts that a model expects.
    """

    title: str
    category_label: str
    categories: tuple[str | float, ...]
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    fitted: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.groups), len(self.categories))
        counts = np.asarray(self.counts)
        if counts.shape != shape or not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any():
            raise DataError(
                f"Frequencies {self.title!r}: counts must be whole numbers of at least 0, {shape[0]} groups by "
                f"{shape[1]} categories; given {counts.dtype} of shape {counts.shape}."
            )
        self._freeze("counts", counts.astype(np.int64))
        if self.fitted is not None:
            fitted = np.array(self.fitted, dtype=np.float64)
            if fitted.shape != shape or not np.isfinite(fitted).all() or (fitted < 0).any():
                raise DataError(
                    f"Frequencies {self.title!r}: fitted counts must be finite, of at least 0 and of shape {shape}; "
                    f"given shape {fitted.shape}."
                )
            self._freeze("fitted", fitted)

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
