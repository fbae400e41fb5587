"""A lavaan script that fits the same equations and computes the same effects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.psychometrics.rscript import RScript

if TYPE_CHECKING:
    from feedbackstudy.analysis.mediation_result import Mediation

__all__ = ["lavaan_paths", "mediation_script", "view_script"]


def lavaan_paths(design: PathDesign, *, interval: str, n_boot: int, seed: int, correlated: bool) -> RScript:
    """Return the data and the lavaan script of a path model.

    Parameters
    ----------
    design : PathDesign
        Equations and effects.
    interval : str
        Kind of interval; every kind but the delta method's is bootstrapped in R too (percentile or bias-corrected).
    n_boot, seed : int
        Bootstrap draws and seed in R.
    correlated : bool
        Whether residuals of parallel mediators may be correlated.

    Returns
    -------
    RScript
        Shows ``est.e1``, ``se.e1`` for the first effect and so on: maximum likelihood with standard errors by the
        delta method, as ``analysis.mediation(..., vcov="ml")``; then the bootstrap intervals.
    """
    system = design.system
    names = [f"v{j}" for j in range(len(system.columns))]
    lines = _equations(system, names)
    if correlated and design.structure == "parallel":
        responses = [names[e.response] for e in system.equations[:-1]]
        lines += [f"{a} ~~ {b}" for i, a in enumerate(responses) for b in responses[i + 1 :]]
    lines += [f"e{i} := {_expression(effect)}" for i, effect in enumerate(design.effects, start=1)]
    said = [f"# {alias} stands for {_told(name)}" for alias, name in zip(names, system.columns, strict=True)]
    said += [f"# e{i} is {_told(effect.name)}" for i, effect in enumerate(design.effects, start=1)]
    model = "\n".join(lines)
    kind = "bca.simple" if interval == "bca" else "perc"
    boot = (
        ""
        if interval == "delta"
        else (
            f"set.seed({seed})\n"
            f'again <- sem(model, data = responses, fixed.x = TRUE, se = "bootstrap", bootstrap = {n_boot})\n'
            f'limits <- parameterEstimates(again, boot.ci.type = "{kind}")\nlimits <- limits[limits$op == ":=", ]\n'
            "for (k in seq_len(nrow(limits))) {\n"
            '  show(paste0("low.", limits$lhs[k]), limits$ci.lower[k])\n'
            '  show(paste0("high.", limits$lhs[k]), limits$ci.upper[k])\n}\n'
        )
    )
    body = (
        "library(lavaan)\n" + "\n".join(said) + f"\nmodel <- '\n{model}\n'\n"
        'fit <- sem(model, data = responses, fixed.x = TRUE, information = "observed")\n'
        "rows <- parameterEstimates(fit)\n"
        'rows <- rows[rows$op == ":=", ]\nfor (k in seq_len(nrow(rows))) {\n'
        '  show(paste0("est.", rows$lhs[k]), rows$est[k])\n  show(paste0("se.", rows$lhs[k]), rows$se[k])\n}\n' + boot
    )
    used = sorted({j for e in system.equations for j in (e.response, *e.predictors)})
    data = pd.DataFrame({names[j]: system.matrix[:, j] for j in used})
    return RScript(made_by="analysis.mediation", body=body, data=data, name="mediation")


def mediation_script(result: "Mediation", effects: Sequence[tuple[str, Effect]]) -> RScript:
    """Return the script of a mediation analysis, both ways.

    Parameters
    ----------
    result : Mediation
        The analysis.
    effects : sequence of (str, Effect)
        Effects whose posterior is shown, each with what is put behind the names of its numbers.

    Returns
    -------
    RScript
        What `lavaan_paths` shows, then ``median``, ``posterior sd``, ``low``, ``high``, ``P(direction)`` and
        ``log_bayes_factor`` of the effects, posteriors without missing values only.
    """
    from feedbackstudy.analysis.r_path_bayes import path_columns, path_posterior_code

    script = lavaan_paths(
        result.design,
        interval=result.interval,
        n_boot=len(result.draws.theta),
        seed=result.provenance.seed or 0,
        correlated=result.correlated,
    )
    system, posterior = result.design.system, result.posterior
    if np.isnan(system.matrix).any() or len(posterior.mixtures) < len(system.equations):
        return script
    code = path_posterior_code(system, posterior, effects, level=result.level)
    return replace(script, body=script.body + code, data=path_columns(system, posterior))


def view_script(result: "Mediation", effects: Sequence[tuple[str, Effect]]) -> RScript:
    """Return a script of single effects of a mediation analysis, such as those over the values of a moderator.

    Parameters
    ----------
    result : Mediation
        The analysis.
    effects : sequence of (str, Effect)
        The effects, each with what is put behind the names of its numbers.

    Returns
    -------
    RScript
        Shows ``estimate``, ``CI low`` and ``CI high`` by least squares and the percentile bootstrap, then the posterior
        as `mediation_script` does. That of the whole analysis where rows are incomplete.
    """
    from feedbackstudy.analysis.r_path_bayes import path_columns, path_estimates_code, path_posterior_code

    system, posterior = result.design.system, result.posterior
    if np.isnan(system.matrix).any() or len(posterior.mixtures) < len(system.equations):
        return result.r_script()
    body = path_estimates_code(
        system,
        effects,
        level=result.level,
        draws=len(result.draws.theta),
        seed=result.provenance.seed or 0,
        clusters=posterior.cluster is not None,
    )
    body += path_posterior_code(system, posterior, effects, level=result.level)
    data = path_columns(system, posterior)
    return RScript(made_by="analysis.mediation, single effects", body=body, data=data, name="effects")


def _told(name: str) -> str:
    return " ".join(name.split())


def _equations(system: PathSystem, names: list[str]) -> list[str]:
    """Write each equation; the constant itself is lavaan's intercept, indicators of cells replace it."""
    lines = []
    own = len(system.constant) == 1
    for k, equation in enumerate(system.equations):
        start = system.offsets[k]
        terms = [
            f"t{start + i}*{'1' if own and j in system.constant else names[j]}"
            for i, j in enumerate(equation.predictors)
        ]
        lines.append(f"{names[equation.response]} ~ " + " + ".join([*([] if own else ["0*1"]), *terms]))
    return lines


def _expression(effect: Effect) -> str:
    parts = []
    for term in effect.terms:
        legs = ["(" + " + ".join(f"({leg[i]!r})*t{i}" for i in leg.nonzero()[0].tolist()) + ")" for leg in term.legs]
        parts.append("*".join([f"({term.weight!r})", *legs]))
    return " + ".join(parts).replace("np.float64", "")
