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
# # Did the manipulation work?
#
# A message that was meant to be specific must be noticed as specific, and not as friendlier, longer or later. Manipulation checks ask for that. They
# describe how the manipulation worked; who notices it depends on the condition, so they never take anybody out.
#
# The data are invented. In this world people notice what was varied, timing most and framing least, and specific messages are taken for a little kinder as well: an effect that
# nobody intended.

# %% tags=["parameters"]
template = "second-chance"
noticed = {"noticed_timing": 0.6, "noticed_framing": 0.25, "noticed_specificity": 0.5}
spill = 0.25
seed = 20260103

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import analysis

declared = fs.Study.load(fs.template_folder(template)).to_data()
study = fs.Study.from_data(
    {**declared, "plan": {**declared["plan"], "missing": "listwise"}}
)  # complete cases, to be quick
assumed = fs.World.assumed(study).to_data()
reference = {factor.name: factor.reference for factor in study.factors}
signs = {
    cell.key: {name: 1 if code != reference[name] else -1 for name, code in cell.levels}
    for cell in study.crossing.cells()
    if cell.levels
}
checks = [
    {
        "outcome": check,
        "occasion": "t1",
        "cells": {
            key: size * sign[check.removeprefix("noticed_")]
            + (spill * sign["specificity"] if check == "noticed_framing" else 0.0)
            for key, sign in signs.items()
        },
    }
    for check, size in noticed.items()
]
kept = [each for each in assumed["means"] if each["outcome"] not in noticed]
world = fs.World.from_data({**assumed, "means": [*kept, *checks]})
scores = fs.score(fs.simulate(study, world, seed=seed), study.measures)

# %% [markdown]
# ## Factor by check
#
# Every factor on every check, not only the one it was made for; and the interactions of that factor with the others. Both engines, in standard deviations.

# %%
found = analysis.manipulation(scores, study)
axes = fs.report.figure(found)

# %%
table = found.frame()
intended = table[table["intended"]].set_index("effect")
others = table[~table["intended"]]
strayed = others[(others["std_low"] > 0) | (others["std_high"] < 0)]
listed = "; ".join(
    f"{row.effect.replace('_', ' ')} on *{row.check}* (d = {row.std_estimate:.2f})" for row in strayed.itertuples()
)
sizes = "; ".join(f"{name} {value:.2f}" for name, value in intended["std_estimate"].items())
Markdown(
    f"Intended effects (d): **{sizes}**. Effects that nobody intended and whose interval leaves 0 out: **{len(strayed)} of {len(others)}** ({listed or 'none'}). With "
    f"that many looks about {0.05 * len(others):.1f} would by chance alone."
)

# %% [markdown]
# A weak check on a strong manipulation and a strong check on a weak one look alike from outside. An unintended effect as large as the intended one means that the
# conditions differ in more than their names: the hypothesis about framing would then be about kindness too.
#
# ## What asking does
#
# A check asked early tells people what the study is about. Here a random half is asked, so what asking does to later answers can be estimated like any other
# effect. Attention checks were asked before the treatment and may exclude; awareness of the hypothesis is measured last, and whether it moderates the effects is
# shown for every confirmatory hypothesis that is a contrast of cells. It may itself be an effect of the treatment.

# %%
found

# %% [markdown]
# ## Nobody is taken out
#
# What would happen if people who "failed" were? Those who did not notice that their message was specific differ between conditions by construction. Leaving them out
# compares attentive people in one cell with everybody in the other.

# %%
rows = scores.frame.query("occasion == 't1' and arm == 'feedback'").dropna(subset=["noticed_specificity", "usefulness"])
failed = (rows["specificity"] == "behavioural_next_step") & (rows["noticed_specificity"] < 4)
both = {"everybody asked": rows, "without those who 'failed'": rows[~failed]}
compared = pd.concat(
    {
        name: analysis.regression(each, "usefulness", ["specificity"], vcov="HC3").frame().iloc[1:]
        for name, each in both.items()
    }
).droplevel(1)
fs.report.styled(compared[["name", "estimate", "low", "high", "p"]])

# %% [markdown]
# The treatment and the answers are the same; only the people are others, and chosen after the treatment. Whatever goes with noticing (interest, sympathy, patience) now differs
# between the conditions. That is why a plan may not exclude by a manipulation check, and why `fs.screen` and `fs.analyse` refuse it.
#
# ## Tasks
#
# 1. Set `spill = 0.0` and run again: how many unintended effects remain, and is that what chance would make?
# 2. Set `noticed["noticed_framing"] = 0.0`. What would you write about the hypothesis on framing, if its own effect was significant all the same?
# 3. Move the checks to a pilot: in the study file, `placement: pilot`. What can the main study no longer say, and what does it gain?

# %%
pd.Series(fs.versions(), name="version").to_frame()
