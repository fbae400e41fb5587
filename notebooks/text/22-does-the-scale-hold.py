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
# # Does the scale hold here?
#
# A published scale was validated on other people, elsewhere. Before a score carries a conclusion, you show that it measures the same thing here:
# that the key is right, that the items form the factors they should, that the score is reliable enough, and that groups you want to compare are
# measured alike. One call gathers all of that, each value beside the published one, and says what could not be shown.
#
# First on **real** answers, a textbook example about mental abilities. Then on **invented** answers to the running study's appraisal items: there
# we know the truth, so we can see whether the evidence finds it. Sentences with numbers in them are written by the results themselves.

# %% tags=["parameters"]
people = 600
shift_of_one_item = 0.5
share_careless = 0.04
seed = 3

# %%
from IPython.display import Markdown

import feedbackstudy as fs

# %% [markdown]
# ## Real answers: nine tests, two schools
#
# Pupils of two schools took three tests of visual, three of textual and three of speeded ability. It is the data set on which programs for factor
# analysis are compared; R's lavaan ships it, and that is where these rows come from.

# %%
tests = fs.datasets.load("holzinger_swineford1939")
abilities = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
real = fs.psychometrics.validate(tests.frame, abilities, group="school", related=["ageyr"])
real

# %% [markdown]
# The factor model as a picture: loadings on the arrows, correlations of the factors on the curves.

# %%
model = real.models["continuous"]
axes = fs.report.figure(model)

# %% [markdown]
# How good is that? The usual marks are conventions, made for other models than yours. What helps more: *where* does the model miss? A modification
# index says by how much chi-square would fall if one fixed path were set free.

# %%
fs.report.styled(model.modification_indices().head(5))

# %% [markdown]
# A reviewer who trusts R can run R. Every fit writes the script and its data:

# %%
print(model.r_script().body)

# %% [markdown]
# ## Are the two schools measured alike?
#
# Mean scores of two groups can be compared where the items have the same loadings *and* the same intercepts (scalar invariance). The levels are fitted
# in turn, each compared with the last that held, by a rule stated beforehand. Where a level fails, the search names the item that causes it.

# %%
schools = real.invariance["group"]
fs.report.table(schools)

# %%
axes = fs.report.figure(schools)

# %%
effect = real.noninvariance["group"].scores.set_index(["factor", "part"])["estimate"].unstack()
Markdown(
    f"**Decision.** Reached: **{schools.reached}**, after {', '.join(schools.freed)} were set free. Mean scores of the schools differ partly because "
    f"{len(schools.freed)} of the tests work differently: in the visual score by **{effect.loc['visual', 'measurement']:.2f}** of "
    f"{effect.loc['visual', 'difference']:.2f}. Compare factor means instead, or say so."
)

# %% [markdown]
# ## Invented answers: the appraisal items of the running study
#
# Nobody answered these. Eight items of our own, challenge and threat, in two groups who got a general or a specific message. The truth we put in:
# specific feedback raises challenge, **one item** drifts upwards in that group on its own, and a few people give one answer throughout.

# %%
study = fs.Study.load(fs.template_folder("second-chance") / "study.yaml")
appraisal = study.measures["appraisal"]
invented = fs.psychometrics.invented_answers(
    appraisal.scale,
    people,
    groups={"general": {}, "specific": {"challenge": 0.4}},
    drift={"specific": {"appraisal_3": shift_of_one_item}},
    careless=share_careless,
    name=appraisal.name,
    seed=seed,
)
evidence = fs.psychometrics.validate(invented, appraisal, group="group")
evidence

# %% [markdown]
# Did the evidence find what was put in? The item that drifts, the people who gave one answer, and the part of the difference that is the item's doing:

# %%
screen = evidence.careless.flagged()
bias = evidence.noninvariance["group"].scores.set_index(["factor", "part"]).loc[("challenge", "measurement")]
Markdown(
    f"Freed: **{', '.join(evidence.invariance['group'].freed)}**. Flagged as careless: **{len(screen)}** people. "
    f"Of the difference in challenge, **{bias['estimate']:.2f}** points "
    f"[{bias['low']:.2f}, {bias['high']:.2f}] come from that item alone."
)

# %%
axes = fs.report.figure(evidence.items["challenge"])

# %%
screen[["longstring_share", "mahalanobis_p", "flags"]].head(5).round(3)

# %% [markdown]
# Nobody is removed. Whether flagged people are left out is a decision of the plan, made before the data are seen.
#
# ## A published scale: beside the published values
#
# The appraisal items are study-built; nothing was published about them. For a published scale each coefficient stands beside those of other samples.
# *Agrees* means that the interval of the difference lies inside a margin, not that a test failed to find a difference. Invented answers again:

# %%
efficacy = fs.psychometrics.validate(fs.psychometrics.invented_answers("gse", people // 2, seed=seed), "gse")
fs.report.table(efficacy)

# %% [markdown]
# ## Three tasks
#
# 1. **Fewer people.** Set `people = 120` and run all. Which verdicts turn from *holds* into *cannot tell*, and is the drifting item still found?
# 2. **No drift.** Set `shift_of_one_item = 0.0`. What does the table of invariance say now, and which line of the evidence is gone?
# 3. **Your own scale.** Read a survey with your data, name its measure and a group, and hand the page of `validate` to somebody who doubts your score.
