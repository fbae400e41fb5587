"""The lavaan script of a mediation between latent variables: the same equations by maximum likelihood."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.latent_model import LatentModel
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["effect_codes", "latent_lavaan"]


def latent_lavaan(model: LatentModel) -> RScript:
    """Return data and script of the same measurement and path equations, without priors.

    Parameters
    ----------
    model : LatentModel
        The model.

    Returns
    -------
    RScript
        Shows ``est.e1``, ``se.e1`` for the first effect and so on, which comments name: maximum likelihood, standard
        errors of products by the delta method. A posterior under these priors lies close to it where data are many.
    """
    names = [f"f{k}" for k in range(len(model.factors))]
    items = [[f"{name}_{i + 1}" for i in range(factor.size)] for name, factor in zip(names, model.factors, strict=True)]
    adjusted = [f"z{j + 1}" for j in range(model.covariates.shape[1])]
    lines = [f"{name} =~ {' + '.join(own)}" for name, own in zip(names, items, strict=True)]
    lines += [_equation(k, names, adjusted) for k in range(len(names))]
    effects = effect_codes(model)
    lines += [f"e{i} := {code}" for i, (_, code) in enumerate(effects, start=1)]
    told = [f"# {name} stands for {_told(factor.name)}" for name, factor in zip(names, model.factors, strict=True)]
    told += [f"# e{i} is {_told(name)}" for i, (name, _) in enumerate(effects, start=1)]
    body = (
        "# Priors and posterior are not in lavaan: this is the maximum of the same likelihood.\n"
        "library(lavaan)\n" + "\n".join(told) + "\nmodel <- '\n" + "\n".join(lines) + "\n'\n"
        "fit <- sem(model, data = responses, meanstructure = TRUE, fixed.x = TRUE)\n"
        'rows <- parameterEstimates(fit)\nrows <- rows[rows$op == ":=", ]\nfor (k in seq_len(nrow(rows))) {\n'
        '  show(paste0("est.", rows$lhs[k]), rows$est[k])\n  show(paste0("se.", rows$lhs[k]), rows$se[k])\n}\n'
    )
    columns = {"x": model.treatment} | {name: model.covariates[:, j] for j, name in enumerate(adjusted)}
    for own, factor in zip(items, model.factors, strict=True):
        columns |= {name: np.asarray(factor.items)[:, i] for i, name in enumerate(own)}
    return RScript(made_by="analysis.latent_mediation", body=body, data=pd.DataFrame(columns), name="latent_mediation")


def _equation(k: int, names: Sequence[str], adjusted: Sequence[str]) -> str:
    before = [f"b{j}_{k}*{names[j]}" for j in range(k)]
    return f"{names[k]} ~ " + " + ".join([f"a{k}*x", *before, *adjusted])


def effect_codes(model: LatentModel) -> list[tuple[str, str]]:
    """Return every effect in words and as code.

    Parameters
    ----------
    model : LatentModel
        The model.

    Returns
    -------
    list of (str, str)
        Sums of products of ``a<k>`` (treatment on factor k) and ``b<j>_<k>`` (factor j on factor k), in the order of
        `LatentMediation.effects`.
    """
    place = {factor.name: k for k, factor in enumerate(model.factors)}
    last = len(model.factors) - 1
    found = [(f"treatment -> {factor.name}", f"a{k}") for k, factor in enumerate(model.factors[:-1])]
    found += [
        (f"{model.factors[j].name} -> {model.factors[k].name}", f"b{j}_{k}")
        for k in range(len(model.factors))
        for j in range(k)
    ]
    found.append(("direct", f"a{last}"))
    ways = []
    for chain in model.chains():
        steps = [place[name] for name in chain]
        code = "*".join([f"a{steps[0]}", *(f"b{i}_{j}" for i, j in pairwise(steps))])
        ways.append((" -> ".join(("treatment", *chain)), code))
    total = " + ".join(code for _, code in ways)
    return [*found, *ways, ("indirect", total), ("total", f"a{last} + {total}")]


def _told(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
