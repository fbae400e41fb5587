"""The way out to R of what is shown of a posterior: prior widths, prior beside posterior, robustness."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_bayes import CONTRAST, FACTOR, exact_model, is_exact
from feedbackstudy.analysis.r_columns import head_of
from feedbackstudy.analysis.r_script import analysis_script, question_rows
from feedbackstudy.analysis.r_stan_answer import sampled_code
from feedbackstudy.psychometrics.rscript import RScript, r_numbers

__all__ = ["density_script", "led_out", "prior_widths_script", "robustness_script"]

type Floats = NDArray[np.float64]

_WIDTHS = """\
  for (r in WIDTHS) {
    show("width", r)
FACTOR  }
}
"""

# `none` weighs the components at no effect, where the likelihood of an effect is 1.
_DENSITIES = """\
  log_factor <- max(parts) + log(sum(exp(parts - max(parts))))
  show("prior at 0", dcauchy(0, 0, r)); show("posterior at 0", dcauchy(0, 0, r) * exp(-log_factor))
  for (at in POINTS) {
    terms <- log(none) + h * at * sds - lambda * (at * sds)^2 / 2
    ratio <- max(terms) + log(sum(exp(terms - max(terms))))
    show("effect", at); show("prior density", dcauchy(at, 0, r))
    show("posterior density", dcauchy(at, 0, r) * exp(ratio - log_factor))
  }
}
"""

_OWN = """\
  before <- sqrt(drop(W[i, ] %*% prior_target %*% W[i, ])); p0 <- centre * sum(W[i, ]) - value
  after <- log(weight) + dnorm(0, m, s, log = TRUE)
  show("P(above 0)", 1 - below(0))
  show("log_bayes_factor", dnorm(0, p0, before, log = TRUE) - max(after) - log(sum(exp(after - max(after)))))
  show("log_marginal", max(log_weight) + log(sum(exp(log_weight - max(log_weight)))))
}
"""


def _one(problem: Problem, row: Floats) -> Problem:
    return replace(problem, weights=np.atleast_2d(np.asarray(row, dtype=np.float64)))


def _script(problem: Problem, code: str, made_by: str, stem: str) -> RScript:
    name = problem.question.hypothesis.name
    return RScript(
        made_by=f"{made_by}, hypothesis {name}",
        body=head_of(problem) + code,
        data=question_rows(problem),
        name=f"{name}_{stem}",
    )


def led_out(
    problem: Problem, posteriors: Mapping[str, Posterior], fit: CellPosterior | None
) -> Mapping[str, Posterior]:
    """Give every posterior of a question's contrasts the script of that contrast.

    Parameters
    ----------
    problem : Problem
        The arrays.
    posteriors : mapping of str to Posterior
        One for each row of the weights, in their order.
    fit : CellMixture, CellDraws or None
        The model they are of; None for a path, whose posteriors are left as they are.

    Returns
    -------
    mapping of str to Posterior
        The same.
    """
    if fit is None:
        return posteriors
    return {
        name: replace(one, script=partial(analysis_script, _one(problem, row), fit))
        for (name, one), row in zip(posteriors.items(), problem.weights, strict=True)
    }


def robustness_script(problem: Problem, posterior: CellPosterior, row: Floats, widths: Floats) -> RScript:
    """Return the Bayes factor over prior widths for R.

    Parameters
    ----------
    problem : Problem
        The arrays.
    posterior : CellMixture or CellDraws
        The Bayesian model that answered.
    row : ndarray, shape (cells,)
        The contrast.
    widths : ndarray, shape (m,)
        Scales of the Cauchy prior.

    Returns
    -------
    RScript
        Shows ``width`` and ``log_bayes_factor`` in turn; of a sampled model from one set of draws by Stan, with errors.
        The script of the answer itself where the posterior came without its model or rests on other rows.
    """
    asked = _one(problem, row)
    if isinstance(posterior, CellDraws) and (code := sampled_code(asked, posterior, scales=widths.tolist())):
        return _script(asked, code, "Answer.robustness", "robustness")
    if not is_exact(problem, posterior):
        return analysis_script(asked, posterior)
    loop = _WIDTHS.replace("WIDTHS", r_numbers(widths)).replace("FACTOR", FACTOR)
    return _script(asked, exact_model(asked, posterior) + CONTRAST + loop, "Answer.robustness", "robustness")


def density_script(problem: Problem, posterior: CellPosterior, row: Floats, points: Sequence[float]) -> RScript:
    """Return prior and posterior of a standardised contrast for R.

    Parameters
    ----------
    problem : Problem
        The arrays.
    posterior : CellMixture or CellDraws
        The Bayesian model that answered.
    row : ndarray, shape (cells,)
        The contrast.
    points : sequence of float
        Standardised effects at which both densities are shown.

    Returns
    -------
    RScript
        Shows the Bayes factor, both densities at 0 and at the points. The script of the answer itself where the model
        was sampled.
    """
    asked = _one(problem, row)
    if not is_exact(problem, posterior):
        return analysis_script(asked, posterior)
    shown = _DENSITIES.replace("POINTS", r_numbers(points))
    return _script(asked, exact_model(asked, posterior) + CONTRAST + FACTOR + shown, "prior_posterior", "densities")


def prior_widths_script(problem: Problem, row: Floats, priors: Sequence[tuple[float, CellPrior]]) -> RScript:
    """Return the answers under wider and narrower priors for R.

    Parameters
    ----------
    problem : Problem
        The arrays of a question about scores of cells.
    row : ndarray, shape (cells,)
        The contrast.
    priors : sequence of (float, CellPrior)
        What the scales were multiplied by, and the prior that this makes.

    Returns
    -------
    RScript
        Shows for each: ``fold``, the posterior, its Bayes factor under that prior and the log marginal likelihood.
    """
    asked = _one(problem, row)
    code = "".join(
        f'\nshow("fold", {fold:.17g})\n' + exact_model(asked, prior=prior) + CONTRAST + _OWN for fold, prior in priors
    )
    return _script(asked, code, "Answer.prior_sensitivity", "prior_widths")
