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
# # What is claimed about feedback after interviews, and what is known?
#
# Practitioners say a great deal about post-interview feedback, mostly without figures. Here each statement is a *claim*: what would have to
# vary, through what it is said to work, on what, and for whom. Beside it stands what is known, and whom that is about. What only resembles the
# claim is called an analogue and never counted as evidence.

# %% tags=["parameters"]
claim_id = "C01"
analysis = "manyclasses1"

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs

register = fs.claims.list()

# %% [markdown]
# ## The register

# %%
fs.report.table(register)

# %% [markdown]
# ## How much is known?
#
# Counted from the register itself.

# %%
bearing = [
    {
        "claim": claim.id,
        "evidence": sum(each.bearing == "evidence" for each in claim.evidence),
        "analogues": sum(each.bearing == "analogue" for each in claim.evidence),
        "in tension with": ", ".join(claim.tension),
    }
    for claim in register.claims
]
known = pd.DataFrame(bearing).set_index("claim")
Markdown(
    f"Of **{len(known)}** claims, **{(known['evidence'] > 0).sum()}** have some evidence, "
    f"**{((known['evidence'] == 0) & (known['analogues'] > 0)).sum()}** only an analogue, and for "
    f"**{((known['evidence'] == 0) & (known['analogues'] == 0)).sum()}** nothing was found."
)

# %% [markdown]
# Some claims pull against each other: a pause before answering is said to help, and so is feedback at once. A study that varies only one of the two
# cannot settle which.

# %%
known.loc[known["in tension with"] != "", ["in tension with"]]

# %% [markdown]
# ## One claim, closely

# %%
fs.claims.get(claim_id)

# %% [markdown]
# ## What the largest experiment on timing found
#
# College classes gave feedback at once on some tasks and days later on others. These are students and exams, not candidates and
# interviews; still, it is the largest experiment on the timing of feedback with open data.

# %%
timing = fs.literature.reproduce(analysis)
Markdown(timing.findings.claims)

# %%
fs.report.table(timing.findings.estimates)

# %%
axes = fs.report.figure(timing.findings.shows[0])

# %% [markdown]
# ## Published reviews, as they were read
#
# Most were seen as an abstract only. They can anchor a prior or a power analysis; they cannot be reproduced, as no rows or study-level
# figures were reachable.

# %%
reviews = fs.datasets.load("meta_benchmarks").frame
reviews.loc[
    reviews["relation"].str.contains("feedback"), ["source", "relation", "metric", "estimate", "k", "n", "seen_in"]
]

# %% [markdown]
# ## From a claim to a hypothesis
#
# A claim becomes a hypothesis when the study that is to test it has the factor, the measure and the people. Without a study, the skeleton says what
# is still needed.

# %%
study = fs.Study.load(fs.template_folder("second-chance"))
skeletons = study.from_claim(claim_id)
skeletons[0]

# %% [markdown]
# Which claims could the running study of this course, `second-chance`, speak to?

# %%
pd.DataFrame(
    [
        {"claim": claim.id, "outcomes": len(found), "ready": sum(each.hypothesis is not None for each in found)}
        for claim in register.claims
        if (found := study.from_claim(claim.id))
    ]
)

# %% [markdown]
# ## Tasks
#
# 1. Choose a claim with no evidence at all. Which of its parts would you have to measure yourself?
# 2. Set `claim_id = "C08"`. Why does the register hold a hypothesis path for it rather than one contrast?
# 3. Read the row of Kluger and DeNisi above. What does its note say about the share of negative effects, and what does that mean for a claim
#    that begins with "feedback improves"?

# %%
pd.Series(fs.versions(), name="version").to_frame()
