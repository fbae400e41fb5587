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
# # Is it the analysis, or the data?
#
# Whoever analyses a study decides many things that could as well have been decided otherwise: whom to leave out, what to adjust for, which score stands
# for the construct, which likelihood, what to do about classes. A multiverse declares the alternatives, crosses them, and shows all answers at once.
#
# It is no second chance for a hypothesis: the plan's own criterion decides (notebook 30). It shows how much of the answer hangs on the choices. The data
# are invented, from a world in which the hypothesis is true by the smallest effect that matters.

# %% tags=["parameters"]
template = "second-chance"
hypothesis = "h1"
seed = 20260103
flips = 1999

# %%
import time

import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import analysis

study = fs.Study.load(fs.template_folder(template))
scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=seed), study.measures)
asked = study.hypotheses[hypothesis]
Markdown(
    f"**{asked.name}**: {asked.text} The smallest effect that matters is {asked.sesoi.value:g} {asked.sesoi.unit}."
)

# %% [markdown]
# ## Declare the alternatives
#
# By name, before looking. Exclusions are rules of the plan; a score named among the covariates means its last measurement before the treatment (one measured
# after it is refused). Whether two scores measure the same is a judgement: here the question is whether the message was *received* well, and the
# acceptance of feedback could stand for that as well as its usefulness. An alternative that nobody would defend does not belong in the list.

# %%
alternatives = analysis.Alternatives(
    outcomes=["usefulness", "acceptance"],
    exclusions=[[], ["inattentive"], ["too_fast"], ["inattentive", "too_fast"]],
    covariates=[
        [],
        ["interviews_so_far"],
        ["interview_self_efficacy"],
        ["interview_self_efficacy", "interviews_so_far"],
    ],
    models=["gaussian", "robust"],
    clusters=["ignored", "robust", "random"],
)

# %%
started = time.perf_counter()
found = analysis.multiverse(scores, study, hypothesis, alternatives)
took = time.perf_counter() - started
found

# %% [markdown]
# ## The specification curve
#
# Each column is one analysis: above, its effect both ways; below, the choices that made it. Look for rows of the panel that gather on one side.

# %%
axes = fs.report.figure(found)

# %%
by_choice = found.by_choice()
spread = by_choice.groupby("choice")["median_d"].agg(lambda each: each.max() - each.min())
Markdown(
    f"{len(found)} analyses, each answered both ways, took **{took:.1f} s**. Effects run from **{found.effects.min():.2f}** to "
    f"**{found.effects.max():.2f}** standard deviations, and **{found.share_significant():.0%}** of the analyses are significant in the direction of the "
    f"median. The choice that moves the median effect most is **{spread.idxmax()}** ({spread.max():.2f} between its alternatives); the one that moves it "
    f"least is **{spread.idxmin()}** ({spread.min():.2f})."
)

# %% [markdown]
# In this invented world the effect is on usefulness; nothing was assumed about acceptance, so it has none. The multiverse cannot know that. It shows that the two scores
# give different answers, and the argument whether they measure the same has to be made elsewhere (notebook 22).
#
# ## One test for all of them
#
# Many analyses of the same people are no independent evidence, so counting significant ones says little by itself. The joint test asks what the whole curve would look
# like without any effect, for the estimates as for the posteriors: the shares that people (here, whole classes) have in the effects get random signs, the same in all analyses.

# %%
test = found.joint_test(seed=seed, draws=flips)
axes = fs.report.figure(test)
test

# %% [markdown]
# The Bayesian counterpart averages the posteriors with equal weight for each analysis. That is a summary over choices and adds up no evidence: its
# interval is as wide as one analysis plus what the choices add.

# %%
post = found.posterior()
single = found.frame()[["lower", "upper"]].mean()
Markdown(
    f"Averaged over all analyses the effect has the posterior median **{post.median:.2f}** [{post.lower:.2f}, {post.upper:.2f}], "
    f"P(direction) = {post.prob_direction:.3f}, and exceeds the smallest effect that matters with probability **{post.prob_sesoi:.2f}**. "
    f"A single analysis has on average [{single['lower']:.2f}, {single['upper']:.2f}]."
)

# %% [markdown]
# ## The same from a table
#
# Without a study, `multiverse_of_frame` takes a data frame: names of columns only, nothing is evaluated. Exclusions are columns of true and false, and the ends of each
# scale must be given, because priors are stated on the scale.

# %%
table = scores.frame.query("occasion == 't1' and arm == 'feedback'").dropna(subset=["usefulness"])
small = analysis.multiverse_of_frame(
    table.assign(many_interviews=table["interviews_so_far"] > 5),
    analysis.Alternatives(
        outcomes=["usefulness"],
        exclusions=[[], ["many_interviews"]],
        covariates=[[], ["interviews_so_far"]],
        clusters=["ignored", "random"],
    ),
    factor="specificity",
    level="behavioural_next_step",
    against="general",
    crossed=["timing", "framing"],
    limits={"usefulness": (1, 7)},
    clusters=["class"],
)
fs.report.styled(small.frame()[["exclusions", "covariates", "clusters", "n", "d", "p", "median", "prob_direction"]])

# %% [markdown]
# ## Tasks
#
# 1. Set `hypothesis = "h7"`, which says that there is no difference. What should its curve look like, and what may a joint test not show?
# 2. Add an alternative you would defend and one you would not. Which of them moves the curve?
# 3. Random intercepts and robust errors answer the same worry. Why do they differ here, and which has more assumptions?

# %%
pd.Series(fs.versions(), name="version").to_frame()
