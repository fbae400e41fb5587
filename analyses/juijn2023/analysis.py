"""Fairness of a hiring decision under three amounts of explanation: rank tests from counts alone."""

from collections.abc import Mapping

import pandas as pd
from pandas import DataFrame

from feedbackstudy.analysis.bayesian import ranks as bayesian
from feedbackstudy.analysis.bayesian.densities import from_draws
from feedbackstudy.analysis.compile import Question, question
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.frequentist.means import figures_of_counts
from feedbackstudy.analysis.frequentist.ranks import KruskalWallis, brunner_munzel, kruskal_wallis, signed_rank
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.rows import bayesian_row, frequentist_row
from feedbackstudy.literature.reproduction import Findings, Value
from feedbackstudy.study import Study

SEED = 2023
GROUPS = ("outcome_only", "outcome_and_process_sensitive", "outcome_and_process_no_sensitive")
TOLD = {
    GROUPS[0]: "outcome only",
    GROUPS[1]: "process, sensitive attributes used",
    GROUPS[2]: "process, sensitive attributes left out",
}
OUTCOMES = {"original": "h1", "dp": "h2", "eqo": "h3"}
ALGORITHMS = {"original": "original algorithm", "dp": "demographic parity", "eqo": "equal opportunity"}
PAIRED = {1: "h6", 2: "h7", 3: "h8"}
DROPPED = {"original": 1.0, "dp": 6.0, "eqo": 2.5}
CHOICE = "drop_one_of_group_3"
ALL, PUBLISHED = "all 226 people", "the 225 people of the source"


def analyse(data: Mapping[str, DataFrame], study: Study) -> Findings:
    """Test both sets of people, with and without the one whom the source left out."""
    fairness, differences = data["juijn2023_fairness_counts"], data["juijn2023_difference_counts"]
    values: dict[str, Value] = {}
    rows: list[Estimate] = []
    shows: list[object] = []
    for outcome, hypothesis in OUTCOMES.items():
        everyone = _table(fairness, outcome)
        kept = _without(everyone, DROPPED[outcome])
        tests = {ALL: kruskal_wallis(everyone.to_numpy()), PUBLISHED: kruskal_wallis(kept.to_numpy())}
        values |= _kruskal_values(outcome, tests) | _figure_values(outcome, kept, everyone)
        rows += [_omnibus(question(study, hypothesis), outcome, people, test) for people, test in tests.items()]
        if outcome == "original":
            pairs, posteriors = _pairs(study, {ALL: everyone, PUBLISHED: kept})
            rows += pairs
            shows += [*posteriors, _frequencies(everyone)]
    for group, hypothesis in PAIRED.items():
        paired, found = _paired(question(study, hypothesis), differences[differences["group"] == group], group)
        rows += paired
        values |= found
    return Findings(
        values=values,
        estimates=Estimates(rows=tuple(rows), title="Fairness of a hiring decision by amount of explanation"),
        shows=tuple(shows),
        choices=(CHOICE,),
        claims=(
            "C10 (analogue: an algorithm decides, panel members imagine it): where the process is explained, the same "
            "decision is rated fairer. Leaving one undocumented person in or out moves H but no decision."
        ),
        seed=SEED,
    )


def _table(fairness: DataFrame, outcome: str) -> DataFrame:
    """Return groups by ratings, all 226 people."""
    wide = fairness[fairness["outcome"] == outcome].pivot_table(
        index="information", columns="fairness", values="n", aggfunc="sum", fill_value=0
    )
    return wide.loc[list(GROUPS)].astype("int64")


def _without(table: DataFrame, rating: float) -> DataFrame:
    """Leave out the one person of the third group whom the source does not count."""
    kept = table.copy()
    kept.loc[GROUPS[2], rating] -= 1
    return kept


def _kruskal_values(outcome: str, tests: Mapping[str, KruskalWallis]) -> dict[str, Value]:
    used, everyone = tests[PUBLISHED], tests[ALL]
    statistic = Value(value=used.statistic, p=used.p, other_choice={ALL: everyone.statistic})
    values = {f"kw_{outcome}": statistic}
    if outcome == "original":
        values["kw_original_p"] = Value(value=used.p, other_choice={ALL: everyone.p})
    return values


def _figure_values(outcome: str, kept: DataFrame, everyone: DataFrame) -> dict[str, Value]:
    _, means, sds = figures_of_counts(kept.columns, kept.to_numpy())
    _, all_means, all_sds = figures_of_counts(everyone.columns, everyone.to_numpy())
    values = {}
    for i in range(len(GROUPS)):
        others = ({ALL: float(all_means[i])}, {ALL: float(all_sds[i])}) if i == 2 else ({}, {})
        values[f"mean_{outcome}_{i + 1}"] = Value(value=float(means[i]), other_choice=others[0])
        values[f"sd_{outcome}_{i + 1}"] = Value(value=float(sds[i]), other_choice=others[1])
    return values


def _omnibus(asked: Question, outcome: str, people: str, test: KruskalWallis) -> Estimate:
    return frequentist_row(
        asked,
        contrast=f"{ALGORITHMS[outcome]}: three amounts of information, {people} (epsilon squared)",
        model="Kruskal-Wallis, corrected for ties",
        estimate=test.epsilon_squared,
        df=float(test.df),
        statistic=test.statistic,
        p=test.p,
        std_estimate=test.epsilon_squared,
        std_kind="epsilon squared",
        n=test.n,
        robustness=people == PUBLISHED,
        note="statistic is H; three groups at once have no single posterior, see the pairs",
    )


def _pairs(study: Study, tables: Mapping[str, DataFrame]) -> tuple[list[Estimate], list[Posterior]]:
    """Compare each explained group with the outcome alone, in both ways."""
    rows: list[Estimate] = []
    posteriors: list[Posterior] = []
    for hypothesis, group in (("h4", GROUPS[1]), ("h5", GROUPS[2])):
        for people, table in tables.items():
            if people == PUBLISHED and group == GROUPS[1]:
                continue
            pair, posterior = _pair(question(study, hypothesis), table, group, people)
            rows += pair
            posteriors += [posterior] if people == ALL else []
    return rows, posteriors


def _pair(asked: Question, table: DataFrame, group: str, people: str) -> tuple[list[Estimate], Posterior]:
    who = f", {people}" if group == GROUPS[2] else ""
    contrast = f"P(rated fairer: told {TOLD[group]}, over {TOLD[GROUPS[0]]}), original algorithm{who}"
    classical = brunner_munzel(table.loc[group], table.loc[GROUPS[0]])
    drawn = bayesian.superiority(table.loc[group], table.loc[GROUPS[0]], seed=SEED)
    posterior = from_draws(
        drawn.draws, quantity=contrast, null=0.5, engine="independent Dirichlet draws", lower_bound=0.0
    )
    row = frequentist_row(
        asked,
        contrast=contrast,
        model="Brunner-Munzel",
        estimate=classical.estimate,
        null=0.5,
        se=classical.se,
        low=classical.low,
        high=classical.high,
        level=classical.level,
        df=classical.df,
        statistic=classical.statistic,
        p=classical.p,
        n=classical.n,
        note="one half means no difference; ties count half",
    )
    model = "Dirichlet shares of the ratings, prior worth one person in each group"
    return [row, bayesian_row(asked, posterior, contrast=contrast, model=model, se=drawn.sd, n=drawn.n)], posterior


def _paired(asked: Question, counts: DataFrame, group: int) -> tuple[list[Estimate], dict[str, Value]]:
    """Compare the two mitigated algorithms within people, in both ways."""
    table = counts.set_index("difference")["n"].astype("int64")
    sets = {ALL: table}
    if group == 3:
        sets = {ALL: table, PUBLISHED: table - (table.index == DROPPED["dp"] - DROPPED["eqo"])}
    rows = [row for people, chosen in sets.items() for row in _signed(asked, chosen, group, people)]
    used, everyone = (signed_rank(sets[name].index, sets[name]) for name in (list(sets)[-1], ALL))
    others = ({ALL: everyone.statistic}, {ALL: everyone.p}) if group == 3 else ({}, {})
    return rows, {
        f"wilcoxon_{group}": Value(value=used.statistic, p=used.p, other_choice=others[0]),
        f"wilcoxon_{group}_p": Value(value=used.p, other_choice=others[1]),
    }


def _signed(asked: Question, table: "pd.Series[int]", group: int, people: str) -> list[Estimate]:
    told = TOLD[GROUPS[group - 1]] + (f", {people}" if group == 3 else "")
    contrast = f"P(demographic parity rated above equal opportunity, over pairs of people), told {told}"
    classical = signed_rank(table.index, table)
    drawn = bayesian.signed_superiority(table.index, table, seed=SEED)
    posterior = from_draws(drawn.draws, quantity=contrast, null=0.5, engine="independent Dirichlet draws")
    row = frequentist_row(
        asked,
        contrast=contrast,
        model="Wilcoxon signed rank, zeros dropped, tie correction, normal approximation",
        estimate=classical.superiority,
        null=0.5,
        statistic=classical.statistic,
        p=classical.p,
        std_estimate=classical.rank_biserial,
        std_kind="rank biserial",
        n=int(table.sum()),
        robustness=people == PUBLISHED,
        note=f"statistic is W; {classical.n_zero} differences of zero dropped from the test, kept in the estimate",
    )
    model = "Dirichlet shares of the differences, prior worth one person"
    return [row, bayesian_row(asked, posterior, contrast=contrast, model=model, se=drawn.sd, n=drawn.n)]


def _frequencies(table: DataFrame) -> Frequencies:
    return Frequencies(
        title="Fairness of the original algorithm's decision",
        category_label="perceived fairness, 1 to 7",
        categories=tuple(float(value) for value in table.columns),
        groups=tuple(TOLD.values()),
        counts=table.to_numpy(),
    )
