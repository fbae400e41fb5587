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
# # Can I reproduce a published finding?
#
# You take a number as it stands in print, compute it again from the figures it rests on, and say what the difference means.
# Three analyses, from a student's first to one with a puzzle in it. Nothing is downloaded: the figures are shipped.
#
# Below, every sentence with a number in it is written by the result itself. Change something, run again, and the sentences follow.

# %% tags=["parameters"]
first = "bertrand2004"
many_sites = "manylabs1-framing"
puzzle = "juijn2023"
people = 28
means = ["5.18", "5.19"]

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs

# %% [markdown]
# ## A first one, by hand
#
# The same resume is sent out under different names. The abstract of the paper says how many more callbacks white names received, in percent.
# A handful of counts is enough to check that.

# %%
callbacks = fs.datasets.load("bertrand_mullainathan2004_callbacks")
callbacks

# %%
counts = callbacks.frame.groupby("ethnicity")[["called_back", "n"]].sum()
counts["rate"] = counts["called_back"] / counts["n"]
counts

# %%
ratio = counts.loc["cauc", "rate"] / counts.loc["afam", "rate"]
Markdown(f"The ratio of the two rates is **{ratio:.4f}**: {ratio - 1:.1%} more callbacks.")

# %% [markdown]
# ## The same, with a report card
#
# A reproduction has rules, and they are fixed *before* anything is computed: which value, where it was printed and with how many decimals,
# which difference counts as none. The first rule that applies gives the class. Whether a reader would *decide* differently (another sign,
# the other side of alpha) is a separate flag, because a small error with a flipped decision matters more than a large one without.

# %%
fs.literature.reproduce(first)

# %% [markdown]
# ## One data set, three right answers
#
# Many sites repeated a classic experiment on gain and loss framing, and one *d* was printed for all of them. From the very same counts one can
# also obtain other values of *d*, depending on the conversion. None is wrong; a reader has to be told which one it is.
#
# This is the framing of a *risky choice*. For the framing of feedback it is an analogue, and it is not counted as evidence.

# %%
card = fs.literature.reproduce(many_sites)
card

# %%
printed = card.grade("d_overall")
others = "; ".join(f"{name}: **{value:.3f}**" for name, value in printed.value.other_definitions.items())
Markdown(
    f"Printed **{printed.published.published}**, reproduced **{printed.value.value:.4f}**. Other definitions: {others or printed.value.note}."
)

# %% [markdown]
# The forest plot shows each site, the summary, and the interval in which a new site would be expected.

# %%
axes = fs.report.figure(card.findings.shows[0])

# %% [markdown]
# The question behind it, answered in both ways. Both engines answer the same contrast; they differ in what they assume and in what they allow you to say.

# %%
fs.report.table(card.findings.estimates)

# %%
axes = fs.report.figure(card.findings.estimates)

# %% [markdown]
# ## A discrepancy, and its cause
#
# Groups of people rated the fairness of a hiring decision: told the outcome only, or also how it was reached. The printed statistics come out only
# when one person of the study's repository is left out, and nothing there says so. The card shows the choice that had to
# be made to match, and marks every value that rests on it as *conditional*.

# %%
fairness = fs.literature.reproduce(puzzle)
fairness

# %% [markdown]
# Both results side by side. Does the decision depend on that one person?

# %%
both = fairness.findings.estimates.frame()
tests = both.loc[both["statistic"].notna(), ["contrast", "engine", "statistic", "p", "n"]]
tests.round({"statistic": 4, "p": 4})

# %% [markdown]
# ## Was the printed mean possible at all?
#
# A mean of whole numbers cannot take every value (GRIM). Of the two means below, both printed with two decimals, one can be the mean of so few whole
# numbers, the other cannot.

# %%
verdicts = [fs.literature.grim(mean, fs.literature.Grim(n=people)) for mean in means]
pd.DataFrame([{"printed mean": verdict.mean, "people": people, "possible": verdict.consistent} for verdict in verdicts])

# %% [markdown]
# ## Three tasks
#
# 1. **Change the data.** In the first part, keep only the resumes of high quality (`callbacks.frame[callbacks.frame["quality"] == "high"]`) and compute
#    the ratio again. Did good resumes protect against the difference?
# 2. **Change the card.** Set `first = "rivera2016"` in the cell of parameters and run all. How many values are reproduced, where were they printed,
#    and why is their anchor grade not A?
# 3. **Bring your own.** In a terminal, `feedbackstudy reproduce --new my-paper` writes a commented folder. Enter one printed value and the function that
#    computes it, then pass the folder's path to `fs.literature.reproduce`.

# %%
pd.Series(fs.versions(), name="version").to_frame()
