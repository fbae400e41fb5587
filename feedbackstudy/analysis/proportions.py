"""Counts of an event in independent groups, answered both ways by one call."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feedbackstudy.analysis.bayesian import proportions as bayesian
from feedbackstudy.analysis.bayesian.densities import GridDensity, exponentiated, from_density, savage_dickey
from feedbackstudy.analysis.compile import Question
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist import proportions as frequentist
from feedbackstudy.analysis.frequentist.two_by_two import TwoByTwo, fisher_exact, two_by_two
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.proportions_script import odds_script, proportions_script
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["BothWays", "compare_odds", "compare_proportions"]

_PRIOR = bayesian.BetaPrior()


@dataclass(frozen=True, slots=True, kw_only=True)
class BothWays:
    """The frequentist and the Bayesian answer to one question, perhaps on several scales.

    Attributes
    ----------
    rows : tuple of Estimate
        The two answers on the leading scale, which may decide; then those on other scales.
    posterior : Posterior
        The posterior on the leading scale.
    script : RScript
        The same in R.
    """

    rows: tuple[Estimate, ...]
    posterior: Posterior
    script: RScript

    def r_script(self) -> RScript:
        """Return base R code that answers from the same counts, both ways.

        Returns
        -------
        RScript
            With the counts as its data.
        """
        return self.script

    @property
    def classical(self) -> Estimate:
        """The frequentist answer on the leading scale."""
        return self.rows[0]


def compare_proportions(
    asked: Question, events: Mapping[str, float], n: Mapping[str, float], *, event: str, groups: tuple[str, str]
) -> BothWays:
    """Compare how often an event happens in two groups: by ratio, difference and odds ratio, both ways.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis; its weights must compare two cells.
    events, n : mapping of str to float
        Cell -> people with the event, and people.
    event : str
        What is counted, such as ``"callback"``.
    groups : tuple of (str, str)
        Words for the group whose weight is positive and for the other.

    Returns
    -------
    BothWays
        Six rows. The ratio leads; difference and odds ratio are the same question on another scale and never decide.

    Raises
    ------
    DataError
        For impossible counts, a group where nobody or everybody has the event, or a hypothesis that compares more or
        less than two cells.

    Notes
    -----
    Ratio: Katz's interval; Bayes factor of two proportions against one. Difference: Newcombe's interval, pooled z
    test. Odds ratio: Woolf's interval. Bayesian: independent proportions, each with Jeffreys's prior, no sampling.
    """
    x, size, w = asked.ordered(events), asked.ordered(n), asked.contrast
    if (w > 0).sum() != 1 or (w < 0).sum() != 1:
        raise DataError(
            f"compare_proportions compares two cells; hypothesis {asked.hypothesis.name!r} puts weight on "
            f"{int((w != 0).sum())}. Use compare_odds for other contrasts."
        )
    table = two_by_two(x[w > 0], size[w > 0], x[w < 0], size[w < 0])
    first, second = groups
    rows, posterior = _ratio(asked, table, f"{event} ratio, {first} / {second}")
    rows += _difference(asked, table, f"difference of {event} rates, {first} minus {second}")
    rows += _odds(asked, table, f"odds ratio of a {event}, {first} / {second}")
    script = proportions_script(np.array([*x[w > 0], *x[w < 0]]), np.array([*size[w > 0], *size[w < 0]]), _PRIOR)
    return BothWays(rows=rows, posterior=posterior, script=script)


def compare_odds(asked: Question, events: Mapping[str, float], n: Mapping[str, float], *, contrast: str) -> BothWays:
    """Apply the weights of a hypothesis to log odds, both ways: an odds ratio, or a ratio of odds ratios.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis; one row of weights over cells.
    events, n : mapping of str to float
        Cell -> people with the event, and people.
    contrast : str
        The comparison in words, such as ``"odds ratio among men, higher / lower class"``.

    Returns
    -------
    BothWays
        Two rows on the scale of the (ratio of) odds ratios.

    Raises
    ------
    DataError
        For impossible counts or a cell where nobody or everybody has the event.

    Notes
    -----
    p comes from the likelihood ratio, which holds better than Wald's in sparse tables; Wald's and, for two cells,
    Fisher's exact p stand in the note. Bayesian: independent proportions, each with Jeffreys's prior, exact.
    """
    x, size, w = asked.ordered(events), asked.ordered(n), asked.contrast
    used = w != 0
    found = frequentist.log_odds_contrast(x[used], size[used], weights=w[used])
    density = bayesian.log_odds_contrast(x, size, weights=w)
    posterior = _on_ratio_scale(density, contrast)
    note = f"statistic is the likelihood-ratio chi square; Wald p = {found.p:.3f}"
    if used.sum() == 2:
        note += f"; Fisher's exact p = {fisher_exact(two_by_two(x[w > 0], size[w > 0], x[w < 0], size[w < 0])):.4f}"
    people = int(size[used].sum())
    classical = frequentist_row(
        asked,
        contrast=contrast,
        model="contrast of log odds, Wald interval; p from the likelihood ratio",
        estimate=float(np.exp(found.estimate)),
        null=1.0,
        low=float(np.exp(found.low)),
        high=float(np.exp(found.high)),
        level=found.level,
        df=1.0,
        statistic=found.lr_statistic,
        p=found.lr_p,
        n=people,
        note=note,
    )
    row = bayesian_row(
        asked,
        posterior,
        contrast=contrast,
        model=f"independent proportions, {_PRIOR}, exact inversion",
        bayes_factor=savage_dickey(density),
        n=people,
        note="Bayes factor by Savage-Dickey; the prior of a log odds contrast is wide, which favours no effect",
    )
    return BothWays(rows=(classical, row), posterior=posterior, script=odds_script(x, size, w, _PRIOR))


def _events_and_people(table: TwoByTwo) -> tuple[tuple[float, float], tuple[float, float], int]:
    events, n = (float(table.event1[0]), float(table.event2[0])), (float(table.n1[0]), float(table.n2[0]))
    return events, n, int(sum(n))


def _on_ratio_scale(density: GridDensity, quantity: str) -> Posterior:
    return exponentiated(from_density(density, quantity=f"log {quantity}", interval="equal-tailed"), quantity=quantity)


def _classical_ratio(
    asked: Question, found: frequentist.Ratio, contrast: str, *, model: str, n: int, note: str, robustness: bool
) -> Estimate:
    return frequentist_row(
        asked,
        contrast=contrast,
        model=model,
        estimate=float(found.estimate[0]),
        null=1.0,
        low=float(found.low[0]),
        high=float(found.high[0]),
        level=found.level,
        statistic=float(found.z[0]),
        p=float(found.p[0]),
        n=n,
        robustness=robustness,
        note=note,
    )


def _ratio(asked: Question, table: TwoByTwo, contrast: str) -> tuple[tuple[Estimate, ...], Posterior]:
    events, sizes, n = _events_and_people(table)
    classical = _classical_ratio(
        asked,
        frequentist.risk_ratio(table),
        contrast,
        model="ratio of two proportions, Wald interval on the log scale (Katz)",
        n=n,
        note=f"statistic is z; Fisher's exact test gives p = {fisher_exact(table):.2g}",
        robustness=False,
    )
    posterior = _on_ratio_scale(bayesian.log_ratio(events, sizes), contrast)
    row = bayesian_row(
        asked,
        posterior,
        contrast=contrast,
        model=f"independent proportions, {_PRIOR}, quadrature",
        bayes_factor=bayesian.equal_proportions_bayes_factor(events, sizes),
        n=n,
        note="Bayes factor: two proportions against one common proportion, same prior",
    )
    return (classical, row), posterior


def _difference(asked: Question, table: TwoByTwo, contrast: str) -> tuple[Estimate, ...]:
    events, sizes, n = _events_and_people(table)
    found = frequentist.proportion_difference(table)
    posterior = from_density(bayesian.difference(events, sizes), quantity=contrast, interval="equal-tailed")
    classical = frequentist_row(
        asked,
        contrast=contrast,
        model="two-proportion z test (pooled), Newcombe's interval",
        estimate=found.estimate,
        se=found.se,
        low=found.low,
        high=found.high,
        level=found.level,
        statistic=found.z,
        p=found.p,
        n=n,
        robustness=True,
        note="statistic is z",
    )
    model = f"independent proportions, {_PRIOR}, quadrature"
    return classical, bayesian_row(asked, posterior, contrast=contrast, model=model, n=n, robustness=True)


def _odds(asked: Question, table: TwoByTwo, contrast: str) -> tuple[Estimate, ...]:
    events, sizes, n = _events_and_people(table)
    classical = _classical_ratio(
        asked,
        frequentist.odds_ratio(table),
        contrast,
        model="odds ratio, Wald interval on the log scale (Woolf)",
        n=n,
        note="statistic is z",
        robustness=True,
    )
    posterior = _on_ratio_scale(bayesian.log_odds_contrast(events, sizes, weights=[1, -1]), contrast)
    model = f"independent proportions, {_PRIOR}, exact inversion"
    return classical, bayesian_row(asked, posterior, contrast=contrast, model=model, n=n, robustness=True)
