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
n_simulations = 100

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy.provenance import SIMULATED

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
# To be quick, the tour leaves its exploratory hypotheses out.

# %%
declared = fs.Study.load(fs.template_folder(template)).to_data()
confirmatory = [each for each in declared["hypotheses"] if each["role"] == "confirmatory"]
study = fs.Study.from_data({**declared, "hypotheses": confirmatory})
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
# In the picture the circle is power, the diamond the share decided as expected by the plan's own criterion. How many people would be enough is the
# question of notebook 11.

# %%
world = fs.World.assumed(study)
diagnosis = fs.power.diagnose(study, world, seed=seed, n_simulations=n_simulations)
found = diagnosis[hypothesis]
axes = fs.report.figure(diagnosis)
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
# Every hypothesis is compiled once to weights over the cells' means, and both engines apply the same weights to the same rows. One of the two decides,
# by the criterion that the study declared; where something could not be done as declared, neither does, and the notes say why.

# %%
estimates = fs.analyse(scores, study)
axes = fs.report.figure(estimates[hypothesis])
estimates[hypothesis]

# %% [markdown]
# Nobody types numbers into a text. The sentence is made from the result, names whom the study is about, and says first that nobody answered.

# %%
truth = f"What is true in this world is **{found.truth:.3f}**: here, and only here, an answer can be held against it."
Markdown(f"{fs.report.sentence(estimates[hypothesis], study=study)}\n\n{truth}")

# %% [markdown]
# ## The report
#
# One file that opens in any browser, without network: the study, what it would find, the accounting of rows and scores, every answer. What rests on
# invented data carries that mark wherever it goes.

# %%
with tempfile.TemporaryDirectory() as desk:
    parts = (study, diagnosis, responses, scores, estimates)
    report = Path(fs.report.document(*parts, to=Path(desk) / "report.html", title=study.title))
    size, marks = report.stat().st_size, report.read_text().count(SIMULATED)
Markdown(f"`{report.name}`: {size / 1000:,.0f} kB, marked as simulated in **{marks}** places.")

# %% [markdown]
# ## Tasks
#
# 1. Set another `seed`. How far do answers wander around the same truth?
# 2. Set `hypothesis = "h3"`. What does the plan ask of an interaction, and does this study have enough people for it?
# 3. Make a study of your own: `feedbackstudy new my-study`, edit its factors, `feedbackstudy study check my-study`, `feedbackstudy power diagnose my-study`.

# %%
pd.Series(fs.versions(), name="version").to_frame()
