"""Interview invitations by class and gender: sparse counts, an interaction, both statistics."""

from collections.abc import Mapping

import numpy as np
from pandas import DataFrame

from feedbackstudy.analysis.bayesian import proportions as bayesian
from feedbackstudy.analysis.bayesian.densities import exponentiated, from_density, savage_dickey
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequentist.proportions import log_odds_contrast
from feedbackstudy.analysis.frequentist.two_by_two import fisher_exact, two_by_two
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

KEY = "rivera_tilcsik2016_interview_invites"
CONTRASTS = {
    "h1": "ratio of odds ratios: higher / lower class, men / women",
    "h2": "odds ratio among men, higher / lower class",
    "h3": "odds ratio among women, higher / lower class",
}


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Answer the interaction and both simple effects, each in two ways."""
    cells = data[KEY].assign(cell=lambda d: d["social_class"] + ":" + d["gender"]).set_index("cell")
    invited, sent = cells["invited"].to_dict(), cells["n"].to_dict()
    answers = [_both(question(study, name), contrast, invited, sent) for name, contrast in CONTRASTS.items()]
    rows = tuple(row for pair, _ in answers for row in pair)
    return Findings(
        values={
            "applications": Value(value=float(cells["n"].sum()), note="sum of the four cells"),
            "invitations": Value(value=float(cells["invited"].sum()), note="sum of the four cells"),
            "to_higher_class_men": Value(value=float(invited["high:male"]), note=f"of {sent['high:male']} sent"),
        },
        estimates=Estimates(rows=rows, title="Interview invitations by class and gender"),
        shows=tuple(posterior for _, posterior in answers[:1]),
        claims="Speaks to no claim about feedback: the invitation comes before any feedback is given.",
    )


def _both(
    asked: Question, contrast: str, invited: Mapping[str, int], sent: Mapping[str, int]
) -> tuple[tuple[Estimate, Estimate], Posterior]:
    """Answer one contrast of log odds with the same weights in both engines."""
    x, n, w = asked.ordered(invited), asked.ordered(sent), asked.contrast
    used = w != 0
    classical = log_odds_contrast(x[used], n[used], weights=w[used])
    density = bayesian.log_odds_contrast(x, n, weights=w)
    log_posterior = from_density(density, quantity=f"log {contrast}", interval="equal-tailed")
    posterior = exponentiated(log_posterior, quantity=contrast)
    exact = fisher_exact(two_by_two(x[w > 0], n[w > 0], x[w < 0], n[w < 0])) if used.sum() == 2 else None
    rows = (
        frequentist_row(
            asked,
            contrast=contrast,
            model="contrast of log odds, Wald interval; p from the likelihood ratio",
            estimate=float(np.exp(classical.estimate)),
            null=1.0,
            low=float(np.exp(classical.low)),
            high=float(np.exp(classical.high)),
            level=classical.level,
            df=1.0,
            statistic=classical.lr_statistic,
            p=classical.lr_p,
            n=int(n[used].sum()),
            note=f"statistic is the likelihood-ratio chi square; Wald p = {classical.p:.3f}"
            + (f"; Fisher's exact p = {exact:.4f}" if exact is not None else ""),
        ),
        bayesian_row(
            asked,
            posterior,
            contrast=contrast,
            model=f"independent proportions, {bayesian.BetaPrior()}, exact inversion",
            bayes_factor=savage_dickey(density),
            n=int(n[used].sum()),
            note="Bayes factor by Savage-Dickey; the prior of a log odds contrast is wide, which favours no effect",
        ),
    )
    return rows, posterior
