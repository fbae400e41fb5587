"""The record of a fitted factor model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.cfa.expression import Dual, evaluate
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.lavaan_script import lavaan_script
from feedbackstudy.psychometrics.cfa.modification import equality_scores, modification_frame
from feedbackstudy.psychometrics.cfa.residuals import residual_frames
from feedbackstudy.psychometrics.cfa.standard import Standardised, residual_variances
from feedbackstudy.psychometrics.cfa.structure import label_duals
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.render import Block, Facts, Page, Rendered, Table, interval, number, p_value, table_of

__all__ = ["CFA", "records_of"]

type Floats = NDArray[np.float64]


def records_of(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a frame as mappings by column name.

    Parameters
    ----------
    frame : DataFrame
        Any frame.
    """
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _z(level: float) -> float:
    return float(ndtri(0.5 + level / 2.0))


def _tests(est: Floats, se: Floats, level: float) -> dict[str, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(se > 0, est / se, np.nan)
    half = _z(level) * se
    return {"est": est, "se": se, "z": z, "p": 2.0 * ndtr(-np.abs(z)), "low": est - half, "high": est + half}


@dataclass(frozen=True, kw_only=True, eq=False)
class CFA(Rendered):
    """A fitted confirmatory factor model.

    Attributes
    ----------
    fitted : Fitted
        The model at its estimates, with its data: the source of further inference.
    covariance : ndarray of shape (n_free, n_free)
        Covariance of the free parameters; NaN where it does not exist.
    standard : Standardised
        Standardised values of every parameter.
    fit : mapping of str to float
        Fit measures by lavaan's names; NaN where the model did not converge or is not identified.
    converged, identified : bool
        Whether the search settled, and whether the data determine the parameters.
    iterations : int
        Steps of the search.
    issues : tuple of Issue
        Conditions found in the data and the solution.
    missing, likelihood : str
        How the rows were used.
    level : float
        Level of the intervals.
    provenance : Provenance
        How the numbers were made.
    """

    fitted: Fitted = field(repr=False)
    covariance: Floats = field(repr=False)
    standard: Standardised = field(repr=False)
    fit: Mapping[str, float]
    converged: bool
    identified: bool
    iterations: int
    issues: tuple[Issue, ...]
    missing: str
    likelihood: str
    level: float
    provenance: Provenance

    @property
    def n(self) -> int:
        """People used."""
        return self.fitted.sample.n

    @property
    def items(self) -> tuple[str, ...]:
        """Observed variables."""
        return self.fitted.structure.table.items

    @property
    def factors(self) -> tuple[str, ...]:
        """Latent variables."""
        return self.fitted.structure.table.factors

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups; one empty name where there is none."""
        return self.fitted.sample.names

    @property
    def conditions(self) -> Issues:
        """Everything found in the data and the solution, worst first."""
        return Issues(self.issues)

    @property
    def fit_to_report(self) -> bool:
        """Whether no condition is an error."""
        return conditions.fit_to_report(self.issues)

    def _names(self) -> dict[str, list[object]]:
        rows = self.fitted.structure.table.rows
        return {
            "lhs": [r.lhs for r in rows],
            "op": [r.op for r in rows],
            "rhs": [r.rhs for r in rows],
            "group": [self.groups[r.group] for r in rows],
            "label": [r.label if not r.label.startswith(".") else "equal" for r in rows],
            "free": [r.free for r in rows],
        }

    @property
    def estimates(self) -> pd.DataFrame:
        """Every parameter: lhs, op, rhs, group, label, free, est, se, z, p, low, high, std_lv, std, std_se.

        ``std`` standardises all variables, ``std_lv`` the factors only. Defined quantities (``:=``) stand last.
        """
        return self._estimates.copy()

    @cached_property
    def _estimates(self) -> pd.DataFrame:
        K = self.fitted.structure.K
        with np.errstate(invalid="ignore"):
            se = np.sqrt(np.einsum("ij,jk,ik->i", K, self.covariance, K))
        frame = pd.DataFrame({**self._names(), **_tests(self._shown(), se, self.level)})
        frame["std_lv"], frame["std"], frame["std_se"] = self.standard.factor, self.standard.full, self.standard.se
        defined = self._defined()
        return frame if defined.empty else pd.concat([frame, defined], ignore_index=True)

    def _shown(self) -> Floats:
        """Return all parameters; what an ordinal item's scaling leaves over is computed, not estimated."""
        x = self.fitted.x.copy()
        table = self.fitted.structure.table
        if table.ordinal and table.options.parameterization == "delta":
            left = self.left_over
            at = {name: k for k, name in enumerate(table.items)}
            for k, row in enumerate(table.rows):
                if row.op == "~~" and row.lhs == row.rhs and row.lhs in at:
                    x[k] = left[row.group][at[row.lhs]]
        for k, row in enumerate(table.rows):
            if row.op == "~*~" and table.options.parameterization == "theta":
                item = table.items.index(row.lhs)
                x[k] = 1.0 / np.sqrt(self.fitted.states[row.group].state.sigma[item, item])
        return x

    @cached_property
    def left_over(self) -> list[Floats]:
        """Residual variances of the items by group."""
        p = self.fitted.structure.n_items
        return [residual_variances(self.fitted, g)[0][:p] for g in range(len(self.groups))]

    def _defined(self) -> pd.DataFrame:
        model, structure = self.fitted.structure.table.model, self.fitted.structure
        if not model.defined:
            return pd.DataFrame()
        known: dict[str, Dual] = label_duals(structure.table.rows, self.fitted.x, structure.K)
        records = []
        for item in model.defined:
            value = evaluate(item.expression, known, structure.n_free)
            known[item.name] = value
            se = np.sqrt(value.gradient @ self.covariance @ value.gradient)
            tests = _tests(np.array([value.value]), np.array([se]), self.level)
            records.append(
                {"lhs": item.name, "op": ":=", "rhs": "", "group": "", "label": item.name, "free": False}
                | {name: float(v[0]) for name, v in tests.items()}
            )
        return pd.DataFrame(records)

    @property
    def standardised(self) -> pd.DataFrame:
        """The completely standardised solution: lhs, op, rhs, group, est, se, z, p, low, high."""
        names = self._names()
        keep = {name: names[name] for name in ("lhs", "op", "rhs", "group")}
        return pd.DataFrame({**keep, **_tests(self.standard.full, self.standard.se, self.level)})

    def frame(self) -> pd.DataFrame:
        """Return the estimates.

        Returns
        -------
        DataFrame
            The same as `estimates`.
        """
        return self.estimates

    def _refuse_unusable(self, what: str) -> None:
        if not (self.converged and self.identified):
            raise DataError(f"{what} do not exist: the model did not converge or is not identified. See .conditions.")

    def modification_indices(self, *, least: float = 0.0) -> pd.DataFrame:
        """Return by how much chi-square would fall if a fixed parameter were freed, largest first.

        Parameters
        ----------
        least : float, default 0
            Leave smaller indices out.

        Returns
        -------
        DataFrame
            lhs, op, rhs, group, mi, p, epc (expected change), sepc_lv, sepc_all (standardised).

        Raises
        ------
        DataError
            If the model did not converge or is not identified.

        Notes
        -----
        Score test ``s^2 / (I_ss - I_st I_tt^-1 I_ts)`` (Sorbom, 1989), from expected information.
        """
        self._refuse_unusable("Modification indices")
        with one_thread():
            frame = modification_frame(self.fitted)
        return frame[frame["mi"] >= least]

    def equality_scores(self) -> pd.DataFrame:
        """Return by how much chi-square would fall if an equality were released, largest first.

        Returns
        -------
        DataFrame
            parameter, lhs, op, rhs, group, x2, p, epc.

        Raises
        ------
        DataError
            If the model did not converge or is not identified.
        """
        self._refuse_unusable("Score tests")
        with one_thread():
            return equality_scores(self.fitted)[0]

    def residuals(self, kind: str = "cor") -> pd.DataFrame:
        """Return what the model leaves unexplained of the covariances or correlations.

        Parameters
        ----------
        kind : {"cor", "raw", "normalized", "standardized"}
            Differences of correlations, of covariances, or in standard errors of the sample moments, or of the
            residuals.

        Returns
        -------
        DataFrame
            Items by items; with several groups, the group is the first level of the index.
        """
        self._refuse_unusable("Residuals")
        return residual_frames(self.fitted, kind)

    def r_script(self) -> RScript:
        """Return the data and a lavaan script that recomputes the same numbers.

        Returns
        -------
        RScript
            Every parameter of this fit written out.
        """
        return lavaan_script(self.fitted, self.fitted.sample.frame, likelihood=self.likelihood, missing=self.missing)

    def table(self) -> Table:
        """Return the loadings as a table.

        Returns
        -------
        Table
            One row a loading and group.
        """
        frame = self.estimates
        loadings = frame[frame["op"] == "=~"]
        titles = {
            "lhs": "factor",
            "rhs": "indicator",
            "group": "group",
            "est": "loading",
            "se": "SE",
            "p": "p",
            "std": "std",
        }
        titles |= {"std_se": "SE(std)"}
        if len(self.groups) == 1:
            del titles["group"]
        return table_of(records_of(loadings), titles, caption="Loadings")

    def _facts(self) -> Facts:
        f = self.fit
        scaled = ".scaled" if "chisq.scaled" in f else ""
        best = ".robust" if not np.isnan(f.get("cfi.robust", np.nan)) else scaled
        test = f"{number(f[f'chisq{scaled}'])} ({number(f[f'df{scaled}'], 2)}), {p_value(f[f'pvalue{scaled}'])}"
        rows = [("chi-square (df)", test)]
        rows += [("scaling factor", number(f["chisq.scaling.factor"]))] if scaled else []
        if scaled:
            rows.append(("CFI / TLI, scaled test", f"{number(f['cfi.scaled'])} / {number(f['tli.scaled'])}"))
        kind = {".robust": "robust", ".scaled": "scaled test", "": ""}[best]
        rows.append((f"CFI / TLI {kind}".strip(), f"{number(f[f'cfi{best}'])} / {number(f[f'tli{best}'])}"))
        span = interval(f[f"rmsea.ci.lower{best}"], f[f"rmsea.ci.upper{best}"])
        close = p_value(f[f"rmsea.pvalue{best}"])
        rows.append((f"RMSEA {kind}".strip(), f"{number(f[f'rmsea{best}'])}, 90% {span}, close fit {close}"))
        rows.append(("SRMR", number(f["srmr"])))
        if "aic" in f:
            rows.append(("AIC / BIC", f"{number(f['aic'], 1)} / {number(f['bic'], 1)}"))
        return Facts(tuple(rows))

    def page(self) -> Page:
        """Return the fit as a page.

        Returns
        -------
        Page
            Conditions, fit, loadings, origin.
        """
        groups = f", {len(self.groups)} groups" if len(self.groups) > 1 else ""
        subtitle = (
            f"{self.fitted.estimator.name}, {self.n} people{groups}, {len(self.items)} items, "
            f"{len(self.factors)} factors, {self.fitted.structure.n_free} free parameters"
        )
        blocks: tuple[Block, ...] = (
            *conditions.notices(self.issues),
            self._facts(),
            self.table(),
            self.provenance.facts(),
        )
        return Page("Confirmatory factor analysis", subtitle, blocks)
