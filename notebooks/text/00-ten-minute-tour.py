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
# # From a claim to an answer, in ten minutes?
#
# A claim, a study that could test it, data invented before anybody is asked, an answer, a report. Most steps are one verb, and each result
# says how it was made. The other notebooks of the course take one step each and go slowly.
#
# The data are invented. Nothing here says anything about real candidates.

# %% tags=["parameters"]
template = "second-chance"
claim_id = "C03"
hypothesis = "h1"
seed = 20260103
prior_sd = 0.5
n_simulations = 200

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy.analysis.bayesian import means as bayesian_means
from feedbackstudy.analysis.bayesian.densities import from_density, savage_dickey
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.frequentist import means

# %% [markdown]
# ## The claim
#
# What is said about feedback is kept in a register, beside what is known, and about whom.

# %%
fs.claims.get(claim_id)

# %% [markdown]
# ## The study
#
# A study is declared once, in one file. This one ships as a template: `feedbackstudy new my-study --template second-chance` gives you a copy to edit.

# %%
study = fs.Study.load(fs.template_folder(template))
asked = study.hypotheses[hypothesis]
Markdown(
    f"**{study.title}**\n\n{asked.name}: {asked.text} It looks at *{asked.outcome}*, expects a {asked.direction} "
    f"effect, and the smallest that matters is {asked.sesoi.value:g} {asked.sesoi.unit}: {asked.sesoi.because}"
)

# %% [markdown]
# Does it fit together, and what will it be able to say?

# %%
study.check()

# %% [markdown]
# ## Who gets what
#
# The draw has exactly the probabilities declared, and anyone can repeat it from the seed.

# %%
allocation = fs.assign(study, seed=seed)
allocation.counts().style.format(precision=1)

# %% [markdown]
# ## Would it answer?
#
# A `World` states what is assumed true. Here each hypothesis is true by the smallest effect that matters; that is an assumption and no evidence.

# %%
world = fs.World.assumed(study)
diagnosis = fs.power.diagnose(study, world, seed=seed, n_simulations=n_simulations)
found = diagnosis[hypothesis]
Markdown(
    f"In **{found.decided:.0%}** of {diagnosis.n_simulations} invented studies the plan's criterion supports {hypothesis} "
    f"(Monte-Carlo error {found.decided_mcse:.1%})."
)

# %% [markdown]
# ## Invented data
#
# One such study, with the columns of a survey export: items and not scores, people who stayed away, questions that some groups are never asked.
# Its people are invented with it, so they have a draw of their own.

# %%
responses = fs.simulate(study, world, seed=seed)
responses

# %% [markdown]
# ## Scores
#
# Each scale is scored by its key, and for each score it is told how many answers are missing and how many were never asked for.

# %%
scores = fs.score(responses, study.measures)
scores

# %% [markdown]
# ## The answer, both ways
#
# The hypothesis is compiled once to weights over the cells' means, and both engines apply the same weights to the same figures. Here this is done by
# hand for one hypothesis. The verb that answers all of them, with exclusions, imputation and the adjustment for several tests, is still being built; so
# nothing is *decided* here.

# %%
compiled = question(study, hypothesis)
everyone = scores.frame
rows = everyone[(everyone["occasion"] == study.occasion_of(asked)) & (everyone["arm"] == "feedback")]
cells = rows[list(study.factors.names)].astype("str").agg(":".join, axis=1)
figures = rows.groupby(cells)[asked.outcome].agg(["count", "mean", "std"])
weights = pd.Series(compiled.contrast, index=compiled.cells)[figures.index]
n, mean, sd = figures.to_numpy().T
figures.assign(weight=weights).style.format(precision=2).format("{:.0f}", subset="count")

# %%
level = study.plan.interval_level
test = means.contrast(n, mean, sd, weights=weights, level=level)
bayes = bayesian_means.contrast(n, mean, sd, weights=weights, prior_sd=prior_sd)
name = f"{asked.outcome}, {compiled.labels[0]}"
posterior = from_density(bayes.density, quantity=name, unit="scale points", level=level)
display(
    Markdown(
        f"Invented data, {test.n} people. Difference **{test.estimate:.3f}**, {level:.0%} CI [{test.low:.3f}, {test.high:.3f}], "
        f"t({test.df:.0f}) = {test.statistic:.2f}, p = {test.p:.3f}, d = {test.standardised:.2f}.\n\n"
        f"{fs.report.sentence(posterior)} Prior N(0, {prior_sd:g}); BF10 = {savage_dickey(bayes.density):.2f}.\n\n"
        f"What is true in this world is **{found.truth:.3f}**: here, and only here, an answer can be held against it."
    )
)
axes = fs.report.figure(posterior)

# %% [markdown]
# ## The report
#
# One file that opens in any browser, without network: the study, the accounting of rows and scores, the answer.

# %%
with tempfile.TemporaryDirectory() as desk:
    report = Path(fs.report.document(study, responses, scores, posterior, to=Path(desk) / "report.html"))
    size = report.stat().st_size
Markdown(f"`{report.name}`: {size / 1000:,.0f} kB.")

# %% [markdown]
# ## Tasks
#
# 1. Set another `seed`. How far do answers wander around the same truth?
# 2. Set `prior_sd` to a tenth of its value. What happens to the posterior, and is that honest?
# 3. Make a study of your own: `feedbackstudy new my-study`, edit its factors, `feedbackstudy study check my-study`, and load it here.

# %%
pd.Series(fs.versions(), name="version").to_frame()
