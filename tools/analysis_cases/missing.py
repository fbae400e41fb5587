"""Reference values of missing data and of waves: lavaan's full information, gls of nlme.

Values: ``tests/reference/missing.json``, made by ``missing.R`` beside it, which names the calls and versions.
"""

import json
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.constrained_waves import WavesFit, constrained_waves
from feedbackstudy.analysis.frequentist.fiml_cells import fiml_cells
from tools.psychometrics_reference import REFERENCE, Case

SEARCH = 2e-5  # lavaan and gls stop a search
COVARIANCE = 1e-4  # gls searches a square root and correlations; their product carries its tolerance


@cache
def reference() -> dict[str, Any]:
    """Return the values of R."""
    found: dict[str, Any] = json.loads((REFERENCE / "missing.json").read_text(encoding="utf-8"))
    return found


@cache
def cells(which: str) -> CellFit:
    """Return our cell means by full information, adjusted for a covariate or helped by another score."""
    data = pd.read_csv(REFERENCE / "feedback_missing.csv")
    key = data["timing"] + ":" + data["framing"] + ":" + data["specificity"]
    cell = pd.Categorical(key, categories=reference()["fiml"]["cells"]).codes
    if which == "adjusted":
        return fiml_cells(data["outcome"], cell, 8, covariates=data[["challenge"]])
    return fiml_cells(data["outcome"], cell, 8, auxiliary=data[["selfeff"]])


@cache
def waves() -> tuple[WavesFit, CellFit]:
    """Return our constrained longitudinal model; arms are decision only, feedback and silence."""
    data = pd.read_csv(REFERENCE / "feedback_waves.csv")
    return constrained_waves(data[["t0", "t1", "t2"]], pd.Categorical(data["arm"]).codes, 3)


def differences() -> tuple[np.ndarray, np.ndarray]:
    """Return feedback and silence minus decision only at both later waves, with errors at a known covariance."""
    fit, means = waves()
    rows = np.zeros((4, 7))
    for i, (base, other) in enumerate(((1, 2), (4, 5), (1, 3), (4, 6))):
        rows[i, [base, other]] = -1.0, 1.0
    return rows @ means.means, np.sqrt(np.einsum("ij,jk,ik->i", rows, fit.covariance, rows))


def contrast(which: str, part: str) -> float:
    """Return estimate or standard error of our contrast of the two times."""
    return float(getattr(cells(which).contrast(reference()["fiml"]["weights"]), part))


def cases() -> tuple[Case, ...]:
    """Return the reference values of this topic."""
    known = reference()
    lavaan = "lavaan::sem(missing = 'fiml', information = 'observed')"
    found = []
    for which, words in (("adjusted", "covariate with gaps"), ("helped", "auxiliary score")):
        for part in ("estimate", "se"):
            found.append(
                Case(
                    section="Cell means by full information",
                    what=f"contrast, {words}: {part}",
                    reference=known["fiml"][which][part],
                    source=lavaan,
                    ours=partial(contrast, which, part),
                    tolerance=SEARCH,
                )
            )
    gls, clda = "nlme::gls(corSymm, varIdent, method = 'REML')", known["clda"]
    parts = {
        "differences at both waves": (clda["estimates"][3:], lambda: differences()[0], SEARCH),
        "standard errors at a known covariance": (clda["se"][3:], lambda: differences()[1], SEARCH),
        "covariance of the waves": (clda["covariance"], lambda: waves()[0].sigma.ravel(), COVARIANCE),
        "restricted log-likelihood": (clda["loglik"], lambda: waves()[0].log_likelihood, SEARCH),
    }
    found += [
        Case(section="Constrained longitudinal model", what=what, reference=value, source=gls, ours=ours, tolerance=tol)
        for what, (value, ours, tol) in parts.items()
    ]
    return tuple(found)
