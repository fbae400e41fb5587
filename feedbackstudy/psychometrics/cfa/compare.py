"""Compare nested fits: one row a model, with difference tests."""

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.cfa.difference import Difference, difference
from feedbackstudy.psychometrics.cfa.result import CFA, records_of
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Page, Rendered, Table, Text, table_of

__all__ = ["Comparison", "compare", "index_kind"]


def index_kind(fit: CFA) -> str:
    """Return which CFI and RMSEA to compare: robust where they exist, else of the scaled test, else plain.

    Parameters
    ----------
    fit : CFA
        A fitted model.

    Returns
    -------
    str
        ``".robust"``, ``".scaled"`` or ``""``: what follows ``cfi`` in the names of its fit measures.
    """
    for suffix in (".robust", ".scaled", ""):
        if f"cfi{suffix}" in fit.fit and fit.fit[f"cfi{suffix}"] == fit.fit[f"cfi{suffix}"]:
            return suffix
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Rendered):
    """Nested models, freest first.

    Attributes
    ----------
    names : tuple of str
        The models.
    fits : tuple of CFA
        Their fits.
    tests : tuple of Difference
        Each model against the one before it.
    """

    names: tuple[str, ...]
    fits: tuple[CFA, ...]
    tests: tuple[Difference, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a model.

        Returns
        -------
        DataFrame
            model, df, chisq (scaled where it is), cfi, rmsea, srmr, aic, bic, and differences to the row above.
        """
        rows: list[dict[str, object]] = []
        suffixes = [index_kind(fit) for fit in self.fits]
        suffix = suffixes[0] if len(set(suffixes)) == 1 else ""
        for k, (name, fit) in enumerate(zip(self.names, self.fits, strict=True)):
            f = fit.fit
            row: dict[str, object] = {"model": name, "df": f["df"], "chisq": f.get("chisq.scaled", f["chisq"])}
            row |= {"cfi": f[f"cfi{suffix}"], "rmsea": f[f"rmsea{suffix}"], "srmr": f["srmr"]}
            row |= {"aic": f.get("aic", float("nan")), "bic": f.get("bic", float("nan"))}
            nan = float("nan")
            test = self.tests[k - 1] if k else None
            row |= {"delta_chisq": test.chisq if test else nan, "delta_df": test.df if test else nan}
            row |= {"p": test.p if test else nan}
            previous = rows[-1] if rows else None
            for index in ("cfi", "rmsea", "srmr"):
                row[f"delta_{index}"] = float(row[index]) - float(previous[index]) if previous else nan  # type: ignore[arg-type]
            rows.append(row)
        return pd.DataFrame(rows)

    def table(self) -> Table:
        """Return the comparison as a table."""
        return table_of(records_of(self.frame()))

    def page(self) -> Page:
        """Return the comparison as a page."""
        said = "; ".join(dict.fromkeys(t.method.replace("_", " ") for t in self.tests))
        notes = tuple(Text(t.note) for t in self.tests if t.note)
        kind = index_kind(self.fits[0]).lstrip(".") or "uncorrected"
        facts = origin("compare", f"difference test: {said}", f"CFI and RMSEA: {kind}").facts()
        return Page("Comparison of nested models", "freest first", (self.table(), *notes, facts))


@one_thread()
def compare(*fits: CFA, names: tuple[str, ...] | None = None, method: str = "auto") -> Comparison:
    """Compare nested fits of the same people by the same estimator.

    Parameters
    ----------
    *fits : CFA
        Two or more, in any order.
    names : tuple of str, optional
        What to call them, in the order given.
    method : str, default "auto"
        ``standard``, ``satorra_bentler_2001``, ``satorra_bentler_2010``, ``satorra_2000``, or the one the estimator
        calls for.

    Returns
    -------
    Comparison
        Freest first.

    Raises
    ------
    DataError
        If fewer than two are given, one did not converge, or they cannot be compared.
    """
    if len(fits) < 2:
        raise DataError(f"{len(fits)} fit(s) given; a comparison needs at least two.")
    named = names or tuple(f"model {k + 1}" for k in range(len(fits)))
    if len(named) != len(fits):
        raise DataError(f"{len(named)} names for {len(fits)} fits; give each one a name.")
    for name, fit in zip(named, fits, strict=True):
        if not (fit.converged and fit.identified):
            raise DataError(f"{name!r} did not converge or is not identified, so it has no chi-square to compare.")
    order = sorted(range(len(fits)), key=lambda k: fits[k].fit["df"])
    chosen = [fits[k] for k in order]
    tests = tuple(difference(null.fitted, free.fitted, method=method) for free, null in pairwise(chosen))
    return Comparison(names=tuple(named[k] for k in order), fits=tuple(chosen), tests=tests)
