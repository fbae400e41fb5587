"""Callbacks by the name on the resume: one two-by-two table, both statistics."""

from collections.abc import Mapping

from pandas import DataFrame

from feedbackstudy.analysis.bayesian import proportions as bayesian
from feedbackstudy.analysis.bayesian.densities import exponentiated, from_density
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequentist import proportions as frequentist
from feedbackstudy.analysis.frequentist.two_by_two import TwoByTwo, fisher_exact, two_by_two
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

KEY = "bertrand_mullainathan2004_callbacks"


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Compare the callback rates of the two groups of names."""
    counts = data[KEY].groupby("ethnicity")[["called_back", "n"]].sum()
    events, people = counts.loc[["cauc", "afam"], "called_back"], counts.loc[["cauc", "afam"], "n"]
    table = two_by_two(events["cauc"], people["cauc"], events["afam"], people["afam"])
    asked = question(study, "h1")
    ratio = frequentist.risk_ratio(table)

    density = bayesian.log_ratio(events, people)
    log_ratio = from_density(density, quantity="log callback ratio", interval="equal-tailed")
    posterior = exponentiated(log_ratio, quantity="callback ratio, white over African-American names")
    bayes_factor = bayesian.equal_proportions_bayes_factor(events, people)
    n = int(people.sum())
    rows = (
        frequentist_row(
            asked,
            contrast="callback ratio, white / African-American names",
            model="ratio of two proportions, Wald interval on the log scale (Katz)",
            estimate=float(ratio.estimate[0]),
            null=1.0,
            low=float(ratio.low[0]),
            high=float(ratio.high[0]),
            level=ratio.level,
            statistic=float(ratio.z[0]),
            p=float(ratio.p[0]),
            n=n,
            note=f"statistic is z; Fisher's exact test gives p = {fisher_exact(table):.2g}",
        ),
        bayesian_row(
            asked,
            posterior,
            contrast="callback ratio, white / African-American names",
            model=f"independent proportions, {bayesian.BetaPrior()}, quadrature",
            bayes_factor=bayes_factor,
            n=n,
            note="Bayes factor: two proportions against one common proportion, same prior",
        ),
        *_differences(asked, table, n),
        *_odds(asked, table, n),
    )
    return Findings(
        values={
            "ratio": Value(
                value=float(ratio.estimate[0]),
                low=float(ratio.low[0]),
                high=float(ratio.high[0]),
                p=float(ratio.p[0]),
                note=f"{events['cauc']}/{people['cauc']} against {events['afam']}/{people['afam']}",
            )
        },
        estimates=Estimates(rows=rows, title="Callbacks by the name on the resume"),
        shows=(posterior,),
        claims="Speaks to no claim about feedback: the employer's callback comes before any feedback is given.",
    )


def _differences(asked: Question, table: TwoByTwo, n: int) -> tuple[Estimate, Estimate]:
    """Compare the rates by their difference, in both ways."""
    found = frequentist.proportion_difference(table)
    density = bayesian.difference([table.event1[0], table.event2[0]], [table.n1[0], table.n2[0]])
    posterior = from_density(density, quantity="difference of callback rates", interval="equal-tailed")
    contrast = "difference of callback rates, white - African-American names"
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
    model = f"independent proportions, {bayesian.BetaPrior()}, quadrature"
    return classical, bayesian_row(asked, posterior, contrast=contrast, model=model, n=n)


def _odds(asked: Question, table: TwoByTwo, n: int) -> tuple[Estimate, Estimate]:
    """Compare the odds, in both ways."""
    found = frequentist.odds_ratio(table)
    density = bayesian.log_odds_contrast(
        [table.event1[0], table.event2[0]], [table.n1[0], table.n2[0]], weights=[1, -1]
    )
    log_odds = from_density(density, quantity="log odds ratio", interval="equal-tailed")
    posterior = exponentiated(log_odds, quantity="odds ratio of a callback")
    contrast = "odds ratio of a callback, white / African-American names"
    classical = frequentist_row(
        asked,
        contrast=contrast,
        model="odds ratio, Wald interval on the log scale (Woolf)",
        estimate=float(found.estimate[0]),
        null=1.0,
        low=float(found.low[0]),
        high=float(found.high[0]),
        level=found.level,
        statistic=float(found.z[0]),
        p=float(found.p[0]),
        n=n,
        robustness=True,
        note="statistic is z",
    )
    model = f"independent proportions, {bayesian.BetaPrior()}, exact inversion"
    return classical, bayesian_row(asked, posterior, contrast=contrast, model=model, n=n)
