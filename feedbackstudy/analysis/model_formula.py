"""R code of a model of named terms; columns are written under plain names, so that no name can be code."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from feedbackstudy.analysis.model_terms import TermDesign
from feedbackstudy.psychometrics.rscript import RScript, r_vector

__all__ = ["emmeans_code", "model_script", "random_formula"]


def _quoted(name: str) -> str:
    return "`" + "".join("\\" + char if char in "`\\" else char for char in name) + "`"


def random_formula(random: Mapping[str, Sequence[str]], uncorrelated: Sequence[str] = ()) -> str:
    """Write random effects as R does.

    Parameters
    ----------
    random : mapping of str to sequence of str
        Grouping factor -> its terms.
    uncorrelated : sequence of str
        Grouping factors whose terms do not correlate.

    Returns
    -------
    str
        Such as ``" + (1 + `days` | `participant`)"``.
    """
    parts = []
    for name, terms in random.items():
        group = ":".join(_quoted(part) for part in name.split(":"))
        intercept = "1" if "1" in terms else "0"
        slopes = [_quoted(term) for term in terms if term != "1"]
        if name in uncorrelated:
            parts += ([f"(1 | {group})"] if intercept == "1" else []) + [f"(0 + {slope} | {group})" for slope in slopes]
        else:
            parts.append(f"({' + '.join([intercept, *slopes])} | {group})")
    return "".join(f" + {part}" for part in parts)


def model_script(
    design: TermDesign, made_by: str, *, random: str = "", library: str, call: str, shown: str, ordered: bool = False
) -> RScript:
    """Write a model of named terms for R.

    Parameters
    ----------
    design : TermDesign
        Terms and rows.
    made_by : str
        Public function whose numbers it recomputes.
    random : str
        Random effects as R writes them.
    library : str
        Package that is loaded.
    call : str
        The fit, with ``FORMULA`` in the place of the formula.
    shown : str
        Code that shows the numbers of ``fit``.
    ordered : bool, default False
        Whether the outcome is ordered categories.

    Returns
    -------
    RScript
        With the rows used.
    """
    read = design.read
    frame = pd.DataFrame({read.outcome: read.y})
    head = f"suppressMessages(library({library}))\n"
    if ordered:
        frame[read.outcome] = [read.outcome_levels[int(code)] for code in read.y]
        at = f"responses[[{r_vector((read.outcome,))}]]"
        head += f"{at} <- factor({at}, levels = {r_vector(read.outcome_levels)}, ordered = TRUE)\n"
    for name, factor in (*read.factors.items(), *read.groups.items()):
        frame[name] = np.array(factor.levels, dtype=object)[factor.codes]
        at = f"responses[[{r_vector((name,))}]]"
        head += f"{at} <- factor({at}, levels = {r_vector(factor.levels)})\n" if name in read.factors else ""
    for name, values in read.covariates.items():
        frame[name] = values
    fixed = " + ".join(":".join(_quoted(part) for part in parts) for parts in design.terms.values())
    formula = f"{_quoted(read.outcome)} ~ {fixed}{random}"
    body = f"{head}fit <- {call.replace('FORMULA', formula)}\n{shown}"
    return RScript(made_by=made_by, body=body, data=frame, name=made_by.rpartition(".")[2])


def emmeans_code(design: TermDesign, script: RScript, options: str = "", *, regrid: bool = False) -> str:
    """Write the cell means of a model for R, as contrasts need them.

    Parameters
    ----------
    design : TermDesign
        Its fixed part.
    script : RScript
        The script of the model.
    options : str
        Options of `emmeans`, each behind a comma.
    regrid : bool, default False
        Whether the means are turned to the response scale.

    Returns
    -------
    str
        R code that leaves means in `b`, their covariance in `V` and defines ``df_of(w)``.
    """
    fit = script.body[: script.body.index("\n", script.body.index("\nfit <- ") + 1)]
    # emmeans lets the first factor vary fastest, cells here the last
    grid = " * ".join(_quoted(name) for name in reversed(design.factors))
    made = f"emmeans::emmeans(fit, ~ {grid}{options})"
    made = f"emmeans::regrid({made})" if regrid else made
    return (
        f"{fit}\ncells <- {made}\nb <- as.data.frame(cells)[[length(cells@levels) + 1]]; V <- vcov(cells)\n"
        "df_of <- function(w) as.data.frame(emmeans::contrast(cells, list(w = w[seq_along(b)])))$df\n"
    )
