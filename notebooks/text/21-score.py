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
# # What do the answers add up to, and is the key right?
#
# From a construct to scored data: which scale measures it and with what evidence, how its items become a score, what happens to people who were not
# asked, and how an item that was keyed the wrong way betrays itself. The answers are **invented** for the running study of this course,
# `second-chance`, so the truth is known; the way is the same with a survey export.

# %% tags=["parameters"]
seed = 21
scale = "gse"
audited = "appraisal"
planted = 2  # position of the item that somebody reversed before the data came to us

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy.frames import score_groups

# %% [markdown]
# ## From a construct to a scale
#
# The library holds structure, key, evidence and terms of use, each with its source; the wording of published scales is yours to bring.
# What is unknown stays unknown: a scale whose key was not seen at a source can be listed, but it refuses to score.

# %%
fs.scales.find("self-efficacy")

# %%
fs.scales.get(scale)

# %% [markdown]
# ## What the running study asks, of whom and when
#
# An arm that gets no message cannot rate one. What is not asked is declared in the study, and is never a missing answer.

# %%
study = fs.Study.load(fs.template_folder("second-chance"))
pd.DataFrame(
    [
        {
            "measure": measure.name,
            "scale": measure.scale or measure.kind,
            "asked of": ", ".join(measure.asked_of) or "everyone",
            "waves": ", ".join(measure.waves),
        }
        for measure in study.measures
    ]
).set_index("measure")

# %% [markdown]
# ## Answers

# %%
responses = fs.simulate(study, fs.World.assumed(study), seed=seed)
responses

# %% [markdown]
# ## Scores
#
# Each score comes with its rule, its range, and the number of people not asked, missing, prorated and complete. Nobody's score depends on anybody else.

# %%
scores = fs.score(responses, study.measures)
scores

# %% [markdown]
# ## Distributions by arm
#
# The same referent, the message just received, in every arm that received one. Silence received none, so there is nothing to score there.

# %%
challenge = score_groups(scores, "challenge", by=("arm", "specificity"))
challenge

# %%
axes = fs.report.figure(challenge)

# %% [markdown]
# Usefulness can only be rated by those who got feedback.

# %%
usefulness = score_groups(scores, "usefulness", by=("arm", "specificity"))
axes = fs.report.figure(usefulness)

# %% [markdown]
# ## Is the key right?
#
# With the answers as they were given, the data agree with the key.

# %%
measure = study.measures[audited]
fs.scales.key_audit(responses, measure)

# %% [markdown]
# Now somebody reverses one item before handing over the file, and says nothing. A total would simply come out wrong. The audit reads the signs of the
# correlations between items, names the item, shows the evidence and proposes the fix; it never flips anything by itself.

# %%
item = fs.scales.item_columns(measure)[planted - 1]
form = fs.scales.get(measure.scale).forms[0]
low, high = form.likert_options.min, form.likert_options.max
tampered = responses.frame
tampered[item] = low + high - tampered[item]
columns = {kind: getattr(responses, kind) for kind in ("items", "factors", "clusters", "covariates")}
handed_over = fs.Responses.from_frame(tampered, **columns, reasons=responses.reasons)
audit = fs.scales.key_audit(handed_over, measure)
audit

# %%
named = item in str(audit)
verdict = "agrees" if audit.agrees else "contradicts the key"
Markdown(f"The planted item was `{item}`; the audit says that the data {verdict}, and it names the item: **{named}**.")

# %% [markdown]
# ## Tasks
#
# 1. Set `planted = 6` in the cell of parameters and run all. Does the audit name the right item, and what would have happened to the threat score?
# 2. Set `scale = "ngse"`. What is known of it, what is only from memory, and what does the library refuse to do because of that?
# 3. Compare challenge between the arms above. Which difference could a study report, and which comparison does the declared study forbid?

# %%
pd.Series(fs.versions(), name="version").to_frame()
