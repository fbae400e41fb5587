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
# # May I average a single rating?
#
# "How fair was this message?", one question, five answers. The answers have an order, and nobody promised that the steps between them are equal. Means of such
# ratings can miss differences, or invent them. The cumulative model takes the order and nothing more: a latent judgement and four thresholds.
#
# The running study has scales of several items. Here it gets one such question more, and fewer people and no classes, to be quick. The data are invented.

# %% tags=["parameters"]
template = "second-chance"
people = 480
smallest = 0.3
seed = 20260103

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import analysis

declared = fs.Study.load(fs.template_folder(template)).to_data()
words = ["very unfair", "rather unfair", "neither", "rather fair", "very fair"]
rating = {
    "name": "fairness_rating",
    "label": "How fair was this message?",
    "kind": "ordinal",
    "levels": {str(k + 1): word for k, word in enumerate(words)},
    "asked_of": ["feedback"],
    "waves": ["t1"],
}
hypothesis = {
    "name": "fair",
    "text": "A message that opens with strengths is rated as fairer.",
    "outcome": "fairness_rating",
    "contrast": {"kind": "main_effect", "factor": "framing", "level": "strengths_first", "against": "deficits_first"},
    "direction": "positive",
    "sesoi": {
        "value": smallest,
        "unit": "raw",
        "because": "A third of a step is what a committee would change its letters for.",
    },
    "role": "confirmatory",
}
study = fs.Study.from_data(
    {
        **{key: value for key, value in declared.items() if key != "messages"},
        "units": [{"name": "student", "n": people}],
        "measures": [*declared["measures"], rating],
        "hypotheses": [hypothesis],
        "plan": {**declared["plan"], "families": [], "decides": {"fair": {"by": "p"}}, "missing": "listwise"},
    }
)
scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=seed), study.measures)

# %% [markdown]
# ## The answer, both ways
#
# The smallest effect was stated in steps of the rating, so both engines answer with the difference of *expected ratings*: what the latent model expects on the
# rating scale, averaged over the cells. Maximum likelihood on one side, on the other a posterior drawn by NUTS from a prior that favours no category.

# %%
estimates = fs.analyse(scores, study)
axes = fs.report.figure(estimates)
Markdown(fs.report.sentence(estimates["fair"], study=study))

# %% [markdown]
# ## Ratings, and what the model expects
#
# Each bar is a cell. The orange lines hold the middle 95 % of where each border between categories lies in studies drawn from the posterior; the tick is where it was
# seen. A model whose predictions miss the borders describes other people than these.

# %%
answer = estimates.answer("fair")
shares = analysis.rating_shares(answer, seed=seed)
axes = fs.report.figure(shares)
Markdown(
    f"**{shares.outside}** of {shares.counts.size} shares lie outside the middle 95 % of their prediction; about one in twenty would by chance. "
    f"{len(shares.check.suspect)} of {len(shares.check.statistics)} statistics of the predictive check are suspect."
)

# %% [markdown]
# Did the chains converge? Draws that fail a gate are not fit to report, and no sentence is made of them.

# %%
answer.bayesian.gates

# %% [markdown]
# ## Prior and posterior

# %%
axes = fs.report.figure(analysis.prior_posterior(answer))

# %% [markdown]
# ## The same from a table, and the check of its assumption
#
# The model has one shift of the latent judgement for all thresholds. Where a factor moves some thresholds and not others, that is wrong, and a test
# says so for each term.

# %%
rows = scores.frame.query("occasion == 't1' and arm == 'feedback'").dropna(subset=["fairness_rating"])
model = analysis.ordinal(rows, "fairness_rating", ["framing", "specificity", "timing"], link="probit")
model

# %% [markdown]
# ## And if the rating is averaged all the same?

# %%
metric = (
    analysis.regression(rows, "fairness_rating", ["framing", "specificity", "timing"], vcov="HC3")
    .frame()
    .set_index("name")
)
latent = model.frame().set_index("effect")
shared = [name for name in latent.index if name in metric.index]
side_by_side = pd.DataFrame(
    {
        "latent shift (sd)": latent.loc[shared, "estimate"],
        "p": latent.loc[shared, "p"],
        "difference of means": metric.loc[shared, "estimate"],
        "p_means": metric.loc[shared, "p"],
    }
)
fs.report.styled(side_by_side)

# %% [markdown]
# Here both agree: five categories, none of them crowded. They part where most people choose the highest category, where groups differ in spread, and for
# interactions (Liddell & Kruschke, 2018, Journal of Experimental Social Psychology 79, 328-348). The expected rating gives the readable number without the assumption.
#
# ## Tasks
#
# 1. Set `people = 120`. Which of the two answers changes more, and what does the prior do?
# 2. Invent a ceiling: `rows.assign(fairness_rating=(rows["fairness_rating"] + 1).clip(upper=5))`, and compare the last table again.
# 3. State the smallest effect in latent standard deviations (`unit: sd`). Which number in the answer changes its scale, and which test stays the same?

# %%
pd.Series(fs.versions(), name="version").to_frame()
