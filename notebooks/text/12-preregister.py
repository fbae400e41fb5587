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
# # What do I promise before there are data?
#
# A preregistration is only worth something if what was promised can be compared with what was done. Here the text is made from the study itself, so the
# promise and the analysis cannot drift apart; what a study cannot know is marked as a gap for you to fill.
#
# The study is `second-chance`, the running study of the course. The answers below are invented; nobody took part.

# %% tags=["parameters"]
template = "second-chance"
seed = 20260103
outcome_wave = "t2"
another_alpha = 0.10

# %%
import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy.design.plan import Plan

study = fs.Study.load(fs.template_folder(template))
form = fs.report.preregistration(study, "osf")
Markdown(
    f"The study answers **{len(form.items) - len(form.gaps)}** of the **{len(form.items)}** questions of the OSF form by itself. "
    f"What is left: {', '.join(item.title.lower() for item in form.gaps)}."
)

# %% [markdown]
# ## What it says
#
# Three of the answers, as they would stand in the registry. Every number in them comes from the declaration: change the study, and the text changes.

# %%
answers = {item.key: item for item in form.items}
chosen = [answers[key] for key in ("randomisation", "inference", "exclusions")]
lines = [f"**{item.title}**\n\n" + item.text.replace("\n", "\n\n") for item in chosen]
Markdown("\n\n".join(lines))

# %% [markdown]
# ## Fill the gaps
#
# A gap takes your words. What follows from the study does not: try to give other hypotheses here, and you are sent back to the study.

# %%
told = {
    "blinding": "Students and interviewers do not know which message is sent; who analyses sees codes of conditions.",
    "stopping_rule": "Collection ends with the last class of the term, however many students have taken part by then.",
}
filled = fs.report.preregistration(study, "osf", answers=told)
try:
    fs.report.preregistration(study, "osf", answers={"hypotheses": "Feedback helps."})
except ValueError as refusal:
    display(Markdown(f"> {refusal}"))
still = pd.DataFrame([{"still open": item.title, "what to say": item.hint} for item in filled.gaps])
fs.report.styled(still).hide(axis="index")

# %% [markdown]
# ## What is committed to
#
# Two fingerprints go into the text. The design hash changes with any change of the study. The commitment of a sealed allocation list
# (`feedbackstudy assign seal`) proves afterwards that nobody chose who got what; notebook 13 shows it.

# %%
Markdown(f"Design hash: `{filled.design_hash}`")

# %% [markdown]
# ## Then the answers come
#
# Screening applies the registered rules and no others. It names everybody whom a rule takes out.

# %%
came = fs.simulate(study, fs.World.assumed(study), seed=seed)
found = fs.collect.screening(came, study)
flow = fs.collect.account(found.responses, study, came=came, occasion=outcome_wave)
reasons = flow.reasons("excluded")
Markdown(
    f"Of **{flow.count()}** people, **{flow.count('excluded')}** are taken out: "
    + ", ".join(f"{n} by *{reason}*" for reason, n in reasons.items())
    + f". Of those who stay, **{flow.lost()}** did not come to {outcome_wave}."
)

# %% [markdown]
# The picture that a journal asks for is drawn from the same list of people, one fate each. Boxes that contradict each other cannot be drawn.

# %%
axes = fs.report.figure(flow)

# %% [markdown]
# Conditions that lose people at different rates are no longer comparable by chance. Is that so here?

# %%
fs.collect.dropout(flow)

# %% [markdown]
# ## And if the plan changes now?
#
# Say somebody raises the error rate after seeing the answers. The change is found, shown, and the label *confirmatory* is gone.

# %%
later = study.model_copy(update={"plan": Plan.model_validate({**study.plan.to_data(), "alpha": another_alpha})})
changed = fs.report.amendments(filled, later, data=came)
changed

# %%
Markdown(f"Status: **{changed.status}**. The analysis prints the same status beside every hypothesis.")

# %% [markdown]
# ## Tasks
#
# 1. Fill the form of AsPredicted (`"aspredicted"`). What does its length tell you about the number of hypotheses?
# 2. Add a rule: exclude who gives the same answer more than twelve times in a row (`longstring`, wave `t0`). Whom does it take out?
# 3. Make a rule about wave `t1`, after the message. Why does screening warn, and when does it refuse?
# 4. Which of the gaps would you most like to leave open, and what would a reviewer say?

# %%
pd.Series(fs.versions(), name="version").to_frame()
