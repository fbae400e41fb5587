"""The posterior with missing values: equal shares of the posteriors of several completed tables."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.r_draws import pooled_gates
from feedbackstudy.errors import DataError

__all__ = ["mixed_over_tables"]

type Floats = NDArray[np.float64]

_LEFT_OUT = 1e-9


def mixed_over_tables(posteriors: Sequence[CellMixture | CellDraws]) -> CellMixture | CellDraws:
    r"""Mix the posteriors of completed tables in equal shares.

    Parameters
    ----------
    posteriors : sequence of CellMixture or CellDraws
        The same model on each completed table.

    Returns
    -------
    CellMixture or CellDraws
        Of the kind of the first.

    Raises
    ------
    DataError
        For fewer than two posteriors.

    Notes
    -----
    :math:`p(\theta \mid y_{obs}) = \int p(\theta \mid y_{obs}, y_{mis})\, p(y_{mis} \mid y_{obs})\, dy_{mis}`, the
    integral by the imputations (Gelman et al., 2013, chapter 18; Zhou and Reiter, 2010). Bayes factors stay ratios of
    densities at 0, now of this mixture.
    """
    if len(posteriors) < 2:
        raise DataError(f"Mixing needs the posteriors of at least two completed tables; given {len(posteriors)}.")
    mixtures = [one for one in posteriors if isinstance(one, CellMixture)]
    if len(mixtures) == len(posteriors):
        return _of_mixtures(mixtures)
    draws = [one for one in posteriors if isinstance(one, CellDraws)]
    if len(draws) != len(posteriors):
        raise DataError("Posteriors of one kind can be mixed; given exact ones and draws.")
    return _of_draws(draws)


def _of_mixtures(parts: Sequence[CellMixture]) -> CellMixture:
    kept = [_heavy(part.cells.weights) for part in parts]
    chosen = list(zip(parts, kept, strict=True))
    weights = [part.cells.weights[at] / part.cells.weights[at].sum() / len(parts) for part, at in chosen]
    names = parts[0].variances
    return replace(
        parts[0],
        cells=NormalCells(
            weights=np.concatenate(weights),
            means=np.concatenate([part.cells.means[at] for part, at in chosen]),
            covariances=np.concatenate([part.cells.covariances[at] for part, at in chosen]),
        ),
        sds=np.concatenate([part.sds[at] for part, at in chosen]),
        variances={name: np.concatenate([part.variances[name][at] for part, at in chosen]) for name in names},
        log_marginal=float("nan"),
        twins=tuple(part.twin for part in parts if part.twin is not None),
        model=_words(parts[0].model, len(parts)),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _heavy(weights: Floats) -> NDArray[np.int64]:
    """Return the positions of the components that hold all but a billionth of the weight."""
    order = np.argsort(weights)
    return np.sort(order[np.searchsorted(np.cumsum(weights[order]), _LEFT_OUT) :]).astype(np.int64)


def _of_draws(parts: Sequence[CellDraws]) -> CellDraws:
    sds = [part.sds for part in parts if part.sds is not None]
    return replace(
        parts[0],
        draws=np.concatenate([part.draws for part in parts]),
        chains=sum(part.chains for part in parts),
        tables=len(parts),
        models=tuple(part.sampled.model.pymc_model for part in parts if part.sampled is not None),
        sds=np.concatenate(sds) if len(sds) == len(parts) else None,
        gates=_worst([part.gates for part in parts]),
        model=_words(parts[0].model, len(parts)),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _worst(parts: Sequence[Gates]) -> Gates:
    """Return the worst of every gate: each table's chains are judged by themselves, as tables differ on purpose."""
    ways = [part.script for part in parts if part.script is not None]
    ks = [part.pareto_k for part in parts if part.pareto_k is not None]
    return Gates(
        rhat=max(part.rhat for part in parts),
        ess_bulk=min(part.ess_bulk for part in parts),
        ess_tail=min(part.ess_tail for part in parts),
        divergences=sum(part.divergences for part in parts),
        ebfmi=min(part.ebfmi for part in parts),
        pareto_k=max(ks) if ks else None,
        script=partial(pooled_gates, ways) if len(ways) == len(parts) else None,
    )


def _words(model: str, m: int) -> str:
    return f"{model}; equal shares of the posteriors of {m} completed tables"
