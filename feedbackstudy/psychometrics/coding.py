"""Codes that several coders gave to the same units, and the record of their agreement."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.showing import with_notices
from feedbackstudy.render import Page, Rendered, Table, interval, number, table_of

__all__ = ["Coded", "CoderAgreement", "Codes", "agreement_record", "complete_units", "read_codes"]

type Floats = NDArray[np.float64]
type Codes = pd.DataFrame | ArrayLike


@dataclass(frozen=True, slots=True, kw_only=True)
class CoderAgreement(Rendered):
    """Chance-corrected agreement of coders.

    Attributes
    ----------
    coefficient : str
        Name.
    value, se, low, high, level : float
        Estimate, standard error (NaN for a bootstrap), interval and its coverage.
    interval : str
        Kind of interval.
    observed, expected : float
        Observed and chance agreement (for alpha: disagreement).
    categories : tuple of str
        Codes in use.
    n_units, n_coders : int
        Size of the table.
    issues : tuple of Issue
        Named conditions.
    provenance : Provenance
        How the number was made.
    """

    coefficient: str
    value: float
    se: float
    low: float
    high: float
    level: float
    interval: str
    observed: float
    expected: float
    categories: tuple[str, ...]
    n_units: int
    n_coders: int
    issues: tuple[Issue, ...]
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return one row."""
        names = (
            "coefficient",
            "value",
            "se",
            "low",
            "high",
            "level",
            "interval",
            "observed",
            "expected",
            "n_units",
            "n_coders",
        )
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def table(self) -> Table:
        """Return one row as a table."""
        row = {
            "coefficient": self.coefficient,
            "estimate": self.value,
            f"{self.level:.0%} interval": interval(self.low, self.high),
            "observed": self.observed,
            "by chance": self.expected,
        }
        return table_of([row])

    def page(self) -> Page:
        """Return the coefficient as a page."""
        note = f"{self.n_units} units, {self.n_coders} coders, categories {', '.join(self.categories[:8])}"
        blocks = with_notices(self.issues, self.table(), self.provenance.facts())
        return Page(f"{self.coefficient} = {number(self.value)}", note, blocks)


@dataclass(frozen=True, slots=True)
class Coded:
    """Codes as positions, -1 where missing, units by coders."""

    positions: NDArray[np.intp]
    categories: tuple[object, ...]
    issues: tuple[Issue, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The codes as text."""
        return tuple(str(code) for code in self.categories)


def read_codes(codes: Codes, order: tuple[object, ...] | None) -> Coded:
    """Read a table of codes.

    Parameters
    ----------
    codes : DataFrame or array of shape (n_units, n_coders)
        Text or numbers; missing where a coder did not code a unit.
    order : tuple or None
        All categories in order; those in use, sorted, where None.

    Returns
    -------
    Coded
        Positions in the order of the categories.

    Raises
    ------
    DataError
        For fewer than two coders, a single code, or a code outside `order`.
    """
    frame = codes if isinstance(codes, pd.DataFrame) else pd.DataFrame(np.asarray(codes))
    if frame.shape[1] < 2:
        raise DataError(f"{frame.shape[1]} coder(s) given; give one column a coder, two or more.")
    values = frame.to_numpy(dtype=object)
    missing = pd.isna(frame).to_numpy()
    used = sorted(set(values[~missing]), key=lambda value: (isinstance(value, str), value))
    categories = tuple(used) if order is None else tuple(order)
    unknown = [value for value in used if value not in categories]
    if unknown:
        raise DataError(f"Code {unknown[0]!r} occurs but is not among the categories {list(categories)!r}.")
    if len(used) < 2:
        raise DataError(f"Only the code {used!r} occurs; agreement beyond chance does not exist without differences.")
    place = {code: at for at, code in enumerate(categories)}
    positions = np.array(
        [
            [-1 if gone else place[v] for v, gone in zip(row, m, strict=True)]
            for row, m in zip(values, missing, strict=True)
        ]
    )
    return Coded(positions, categories)


def complete_units(coded: Coded) -> Coded:
    """Set aside units that not every coder coded, and say so.

    Parameters
    ----------
    coded : Coded
        Codes.

    Returns
    -------
    Coded
        Complete units.

    Raises
    ------
    DataError
        Where fewer than two are left.
    """
    keep = (coded.positions >= 0).all(axis=1)
    dropped = int((~keep).sum())
    if keep.sum() < 2:
        raise DataError(f"{int(keep.sum())} units were coded by every coder; two or more are needed.")
    issue = Issue(
        code="psychometrics.units_set_aside",
        severity=Severity.NOTE,
        where=f"{dropped} units",
        what=f"{dropped} of {len(keep)} units lack a code and were set aside.",
        why="Kappa needs every coder's code for every unit.",
        fix="Use krippendorff_alpha, which uses all codes there are.",
    )
    return Coded(coded.positions[keep], coded.categories, (issue,) if dropped else ())


def agreement_record(
    name: str, value: float, coded: Coded, *, se: float, limits: tuple[float, float], level: float, kind: str,
    observed: float, expected: float, made: str, seed: int | None = None,
) -> CoderAgreement:  # fmt: skip
    """Put a coefficient and what it rests on into its record.

    Parameters
    ----------
    name : str
        Coefficient.
    value : float
        Estimate.
    coded : Coded
        The codes used.
    se : float
        Standard error; NaN for a bootstrap.
    limits : tuple of float
        Interval.
    level : float
        Its coverage.
    kind : str
        Kind of interval.
    observed, expected : float
        Observed and chance agreement (for alpha: disagreement).
    made : str
        Public function.
    seed : int, optional
        Seed of a bootstrap.

    Returns
    -------
    CoderAgreement
        The record.
    """
    n, m = coded.positions.shape
    return CoderAgreement(
        coefficient=name,
        value=value,
        se=se,
        low=limits[0],
        high=limits[1],
        level=level,
        interval=kind,
        observed=observed,
        expected=expected,
        categories=coded.names,
        n_units=n,
        n_coders=m,
        issues=coded.issues,
        provenance=origin(made, kind, seed=seed),
    )
