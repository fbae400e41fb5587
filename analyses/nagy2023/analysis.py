"""Effort after negative feedback: zero-inflated counts and an analysis of variance, from tables alone."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.counts import Part, ZeroInflatedPosterior, zero_inflated_posterior
from feedbackstudy.analysis.bayesian.densities import exponentiated, from_density, savage_dickey
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.counts import ZeroInflated, expected_law, zero_inflated
from feedbackstudy.analysis.frequentist.effect_sizes import eta_squared
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.frequentist.means import figures_of_counts
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

CELLS = ("growth:mindfulness", "growth:control", "fixed:mindfulness", "fixed:control")
PREDICTORS = ("intercept", "growth", "mindfulness", "product")
DESIGN = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]], dtype=np.float64)
CONTRASTS = {
    "h1": "growth / fixed mindset, control exercise",
    "h2": "mindfulness / control exercise, fixed mindset",
    "h3": "growth / fixed mindset, mindfulness / control exercise (interaction)",
    "h4": "growth minus fixed mindset",
    "h5": "mindfulness minus control exercise",
    "h6": "growth minus fixed mindset, mindfulness minus control exercise (interaction)",
}
# In tasks, and not from these data: a cell lies about one task from what all have in common, people about five.
PRIOR = CellPrior(middle=5.0, middle_sd=5.0, effect_sd=1.0, residual_sd=5.0, group_sd=1.0, slope_sd=1.0)
NEEDS_ROWS = (
    "needs the participants' rows (stress, boredom and test scores), whose repository names no licence; "
    "'feedbackstudy datasets get nagy2023_negative_feedback' says how to obtain them"
)


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Fit the count model both ways, and the means of the cells both ways, all from the frequency table."""
    table = _table(data["nagy2023_effort_frequencies"])
    fit = _fit(table)
    posterior = zero_inflated_posterior(table.columns, table.to_numpy())
    rows: list[Estimate] = []
    shows: list[Posterior] = []
    for name in ("h1", "h2", "h3"):
        for part in ("count", "zero"):
            pair, drawn = _both_ways(question(study, name), part, fit, posterior)
            rows += pair
            shows += [drawn] if (name, part) == ("h1", "count") else []
    tasks, cell = _rows(table)
    classical = fit_cells(tasks, cell, len(CELLS))
    bayesian = gaussian_cells(tasks, cell, len(CELLS), prior=PRIOR).posterior()
    rows += [row for name in ("h4", "h5", "h6") for row in _means_both_ways(question(study, name), classical, bayesian)]
    return Findings(
        values=_coefficient_values(fit) | _cell_values(table) | _not_computable(),
        estimates=Estimates(rows=tuple(rows), title="Effort after negative feedback"),
        shows=(*shows, _frequencies(table, fit)),
        claims=(
            "No effect was found (a null result) for C26, that feedback does more with a growth mindset: a "
            "growth-mindset text did not detectably raise effort after negative feedback. That is no proof of no "
            "effect, as the interval leaves room for a sizeable one. Students after one test, not candidates after an "
            "interview."
        ),
    )


def _table(frequencies: DataFrame) -> DataFrame:
    """Return cells by number of tasks."""
    keyed = frequencies.assign(cell=frequencies["mindset"] + ":" + frequencies["intervention"])
    wide = keyed.pivot_table(index="cell", columns="extra_tasks", values="n", aggfunc="sum", fill_value=0)
    return wide.loc[list(CELLS)].astype("int64")


def _rows(table: DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return tasks and cell of everybody: the table counts equal people and hides nothing else."""
    counts = table.to_numpy()
    tasks = np.tile(table.columns.to_numpy(dtype=np.float64), len(CELLS)).repeat(counts.ravel())
    return tasks, np.arange(len(CELLS)).repeat(counts.sum(axis=1))


def _fit(table: DataFrame) -> ZeroInflated:
    """Fit the likelihood of all people from the distinct rows, weighted by their counts."""
    counts = table.to_numpy()
    design = np.repeat(DESIGN, counts.shape[1], axis=0)
    values = np.tile(table.columns.to_numpy(dtype=np.float64), len(CELLS))
    return zero_inflated(values, counts.ravel(), count_design=design, zero_design=design)


def _coefficient_values(fit: ZeroInflated) -> dict[str, Value]:
    estimate, low, high, p = fit.wald()
    values = {
        "log_likelihood": Value(value=fit.log_likelihood),
        "aic": Value(value=fit.aic, note="nine parameters, the size among them"),
    }
    for start, prefix in ((0, "irr"), (4, "or")):
        for i, name in enumerate(PREDICTORS, start):
            ratio, lower, upper = (float(np.exp(numbers[i])) for numbers in (estimate, low, high))
            values[f"{prefix}_{name}"] = Value(value=ratio, low=lower, high=upper, p=float(p[i]))
            if prefix == "irr" or name == "intercept":
                values |= {f"{prefix}_{name}_low": Value(value=lower), f"{prefix}_{name}_high": Value(value=upper)}
            if prefix == "irr" and name != "intercept":
                values[f"irr_{name}_p"] = Value(value=float(p[i]))
    return values


def _cell_values(table: DataFrame) -> dict[str, Value]:
    """Recompute the printed cell means and standard deviations from the frequency table."""
    _, mean, sd = figures_of_counts(table.columns, table.to_numpy())
    values: dict[str, Value] = {}
    for cell, m, s in zip(CELLS, mean, sd, strict=True):
        name = cell.replace(":", "_")
        values |= {f"mean_{name}": Value(value=float(m)), f"sd_{name}": Value(value=float(s))}
    return values


def _not_computable() -> dict[str, Value]:
    names = ("stress_growth", "stress_mindfulness", "stress_product", "iq_growth", "boredom_growth")
    return {name: Value(value=None, note=NEEDS_ROWS) for name in names}


def _both_ways(
    asked: Question, part: Part, fit: ZeroInflated, posterior: ZeroInflatedPosterior
) -> tuple[list[Estimate], Posterior]:
    """Apply one row of weights to the cells of both fits."""
    what = "rate ratio of tasks" if part == "count" else "odds ratio of a structural zero"
    contrast = f"{what}: {CONTRASTS[asked.hypothesis.name]}"
    weights = dict(zip(asked.cells, asked.contrast, strict=True))
    over_cells = np.array([weights[cell] for cell in CELLS])
    found = fit.contrast(over_cells @ DESIGN, part=part)
    density = posterior.contrast(over_cells, part=part)
    drawn = exponentiated(from_density(density, quantity=contrast, interval="equal-tailed"), quantity=contrast)
    classical = frequentist_row(
        asked,
        contrast=contrast,
        model="zero-inflated negative binomial, maximum likelihood, Wald",
        estimate=float(np.exp(found.estimate)),
        null=1.0,
        low=float(np.exp(found.low)),
        high=float(np.exp(found.high)),
        level=found.level,
        statistic=found.z,
        p=found.p,
        n=fit.n,
        robustness=part == "zero",
        note="statistic is z on the log scale",
    )
    bayesian = bayesian_row(
        asked,
        drawn,
        contrast=contrast,
        model=f"zero-inflated negative binomial, quadrature; {posterior.prior}",
        bayes_factor=savage_dickey(density),
        n=posterior.n,
        note="Bayes factor by Savage-Dickey",
    )
    return [classical, bayesian], drawn


def _means_both_ways(asked: Question, fit: CellFit, posterior: CellMixture) -> list[Estimate]:
    """Put one effect on the mean number of tasks to the two models of the cells."""
    weights = dict(zip(asked.cells, asked.contrast, strict=True))
    over_cells = np.array([weights[cell] for cell in CELLS])
    contrast = f"difference of mean tasks: {CONTRASTS[asked.hypothesis.name]}"
    level = asked.plan.interval_level
    test, f = fit.contrast(over_cells), fit.joint(over_cells)
    low, high = test.interval(level)
    classical = frequentist_row(
        asked,
        contrast=contrast,
        model="2 x 2 analysis of variance, type III, from the frequency table",
        estimate=test.estimate,
        se=test.se,
        low=low,
        high=high,
        level=level,
        df=f.df,
        df2=f.df2,
        statistic=f.f,
        p=f.p,
        std_estimate=eta_squared(f.f, f.df, f.df2).estimate,
        std_kind="partial eta squared",
        n=fit.n,
        note="statistic is F",
    )
    found = posterior.contrast(over_cells, quantity=contrast, level=level, interval="equal-tailed")
    bayesian = bayesian_row(
        asked,
        found.posterior,
        contrast=contrast,
        model=f"{posterior.model}; prior: {posterior.prior}",
        se=found.sd,
        bayes_factor=found.bayes_factor,
        n=posterior.n,
        note=f"Bayes factor: {found.bayes_factor_note}",
    )
    return [classical, bayesian]


def _frequencies(table: DataFrame, fit: ZeroInflated) -> Frequencies:
    return Frequencies(
        title="Practice tasks chosen after negative feedback",
        category_label="practice tasks chosen",
        categories=tuple(int(value) for value in table.columns),
        groups=tuple(cell.replace(":", " mindset, ") for cell in CELLS),
        counts=table.to_numpy(),
        law=expected_law(fit, count_design=DESIGN, zero_design=DESIGN),
    )
