# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Who is missing, and does it matter?
#
# People are asked after the interview, after the message, and four weeks later. Some do not come back, and those who were discouraged are the likeliest to stay away:
# whoever is left then looks better than the group that was treated. This notebook compares self-efficacy in `second-chance`, the running study, at every wave, counts who is
# missing, uses what the missing said before, and asks how wrong that may be before the conclusion changes.
#
# The data are invented: people low in self-efficacy leave more often, and more of them do where feedback is late. The true difference at the last wave is the smallest
# that was declared to matter.

# %% tags=["parameters"]
template = "second-chance"
hypothesis = "h2"
factor = "timing"
leaves_more = "two_weeks"
share, share_more, strength = 0.12, 0.25, -0.5
seed = 20260103
imputations = 50
draws = 1500

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import analysis

whole = fs.Study.load(fs.template_folder(template))
declared = whole.to_data()
asked = whole.hypotheses[hypothesis]
cells = [cell.key for cell in whole.crossing.cells() if dict(cell.levels).get(factor) == leaves_more]
world = fs.World.assumed(whole).vary(
    {
        "attrition": {
            "share": share,
            "by_cell": dict.fromkeys(cells, share_more),
            "because_of": asked.outcome,
            "strength": strength,
        }
    }
)
scores = fs.score(fs.simulate(whole, world, seed=seed), whole.measures)
Markdown(f"**{asked.name}**: {asked.text}")

# %% [markdown]
# ## Who is missing
#
# The first thing a reviewer asks. Shares differ between the levels, and so do the first scores of those who left: both are reasons to look further, and neither proves bias.

# %%
found = analysis.longitudinal(scores, whole, asked.outcome, by=factor, imputations=imputations, draws=draws)
dropout = found.dropout_frame().set_index(["wave", "arm"])
dropout[
    ["n", "lost", "share", "difference", "low", "high", "before_stayed", "before_lost", "before_difference"]
].style.format(precision=2, na_rep="-")

# %%
first, last = found.data.waves[0], found.data.waves[-1]
level = next(arm for arm in found.data.arms if arm != leaves_more)
late = dropout.loc[(last, leaves_more)]
soon = dropout.loc[(last, level)]
Markdown(
    f"At {last}, **{late['lost']:.0f} of {late['n']:.0f}** are missing after {leaves_more.replace('_', ' ')} and **{soon['lost']:.0f} of {soon['n']:.0f}** on the "
    f"{level.replace('_', ' ')}. Those missing after {leaves_more.replace('_', ' ')} had scored "
    f"**{late['before_lost']:.2f}** at {first}, those who stayed {late['before_stayed']:.2f}."
)

# %% [markdown]
# ## Wave by wave
#
# Two analyses of the same waves. The first compares those who answered, adjusted for their first score. The second is the *constrained longitudinal model*: all waves at once,
# one common mean before treatment (nobody had been treated yet), any covariance of the waves. Everybody with at least one answer enters, and the scores that are missing
# may depend on those that are not. Blue: REML; orange: the same model with priors on the scale.

# %%
axes = fs.report.figure(found)

# %%
columns = ["approach", "term", "engine", "estimate", "se", "low", "high", "df", "p", "prob_direction", "n"]
fs.report.styled(found.frame()[columns].set_index(["approach", "term", "engine"]))

# %%
pairs = found.row(last, level, model="adjusted")
everybody = found.row(last, level)
twin = found.row(last, level, engine="bayesian")
Markdown(
    f"At {last} the {pairs.n} people with both scores differ by **{pairs.estimate:.2f}** points [{pairs.low:.2f}, {pairs.high:.2f}]; with all {everybody.n} in the "
    f"model the difference is **{everybody.estimate:.2f}** [{everybody.low:.2f}, {everybody.high:.2f}], and its posterior median {twin.estimate:.2f} "
    f"[{twin.low:.2f}, {twin.high:.2f}]. Where the two differ, the scores at the wave in between have told of people who came to it and no further."
)

# %% [markdown]
# ## What the plan declared
#
# The plan of `second-chance` names multiple imputation, so that `analyse` carries it out: chained equations within conditions, classes as random intercepts, the other waves
# as helpers, every completed table analysed by the same engines, and the answers pooled. Beside it the other declared treatment would have given this:

# %%
answers = {
    method: fs.analyse(
        scores,
        fs.Study.from_data(
            {
                **declared,
                "hypotheses": [each for each in declared["hypotheses"] if each["name"] == hypothesis],
                "plan": {
                    **declared["plan"],
                    "families": [],
                    "exclusions": [],
                    "decides": {hypothesis: declared["plan"]["decides"][hypothesis]},
                    "missing": method,
                },
            }
        ),
    )
    for method in ("multiple_imputation", "listwise")
}
side = pd.concat({method: answer.frame() for method, answer in answers.items()}, names=["missing"]).reset_index(
    "missing"
)
fs.report.styled(
    side.set_index(["missing", "engine"])[
        ["estimate", "se", "low", "high", "p", "p_adjusted", "bayes_factor", "n", "decision"]
    ]
)

# %%
imputed = next(row for row in answers["multiple_imputation"] if row.engine == "frequentist")
said = next(words for words in imputed.note.split("; ") if words.startswith("fraction of missing information"))
Markdown(
    f"Imputed: **{imputed.estimate:.2f}** [{imputed.low:.2f}, {imputed.high:.2f}], {said}. The same study under the other treatment is a robustness check, "
    "not a choice: the study that decides is the one that was declared before there were data."
)

# %% [markdown]
# ## How wrong may it be?
#
# All of this takes for granted that people who left are like people who stayed *and said the same before*. Nobody can check that. What can be done: shift the imputed scores of
# those who left by delta, and see where the conclusion tips over.

# %%
curve = found.delta(level)
axes = fs.report.figure(curve)

# %%
points = [f"{value:.2f}" for value in curve.tipping if value is not None]
tips = f"tips over at a shift of **{' or '.join(points)}** points" if points else "does not tip over in this range"
sd = found.model.cells.sd
p = curve.p[curve.at_zero]
Markdown(
    f"Without a shift the difference is {'significant' if curve.significant else 'not significant'} "
    f"(*p* {'< .001' if p < 0.001 else f'= {p:.3f}'}). With the {curve.imputed} imputed scores of the {level.replace('_', ' ')} group shifted, it {tips}; a standard deviation is {sd:.2f}. "
    "Whether people who left can differ that much from like people who stayed is a question about people, and belongs in the discussion."
)

# %% [markdown]
# ## From a table
#
# Without a study, the same from a data frame with a column for each wave; `found.r_script().save("folder")` writes the constrained model for R's `nlme`.

# %%
wide = pd.DataFrame(found.data.Y, columns=list(found.data.waves)).assign(
    timing=[found.data.arms[a] for a in found.data.arm]
)
again = analysis.longitudinal_wide(
    wide, list(found.data.waves), factor, reference=leaves_more, limits=(0, 10), imputations=imputations, draws=draws
)
fs.report.styled(
    again.constrained.frame()[["contrast", "engine", "estimate", "low", "high"]].set_index(["contrast", "engine"])
)
