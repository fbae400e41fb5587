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
# # Does the message work through appraisal?
#
# The theory behind `second-chance` is a chain: specific feedback is read as a challenge, which keeps self-efficacy up, which makes people want to apply
# again. This notebook takes that declared path to both engines, draws it, and asks what an unmeasured common cause would have to be to explain it away.
#
# Only the feedback was assigned at random. Mediators were measured; so nothing here *shows* mediation. The most that numbers can be is consistent with it.
# The data are invented, from a world in which the product of the three steps is as large as declared, and nothing else.

# %% tags=["parameters"]
template = "second-chance"
hypothesis = "h5"
seed = 20260103

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import analysis

declared = fs.Study.load(fs.template_folder(template)).to_data()
plan = declared["plan"]
study = fs.Study.from_data(
    {
        **declared,
        "hypotheses": [each for each in declared["hypotheses"] if each["name"] == hypothesis],
        "plan": {
            **plan,
            "families": [family for family in plan["families"] if family["hypotheses"] == [hypothesis]],
            "decides": {hypothesis: plan["decides"][hypothesis]},
            "missing": "listwise",
        },
    }
)
asked = study.hypotheses[hypothesis]
Markdown(f"**{asked.name}**: {asked.text}")

# %% [markdown]
# ## The answer, both ways
#
# The contrast travels through the mediators in the declared order, with the plan's covariates in every equation. The frequentist interval is a percentile bootstrap of
# whole classes, and its *p* inverts the same interval, so that the two cannot contradict each other. The Bayesian twin has the same equations, priors on the scales, and
# exact draws. (Complete cases, to see the engines alone; notebook 34 is about what is missing.)

# %%
scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=seed), study.measures)
estimates = fs.analyse(scores, study)
axes = fs.report.figure(estimates)
Markdown(fs.report.sentence(estimates[hypothesis], study=study))

# %% [markdown]
# ## The path diagram
#
# Both estimates on every arrow: least squares in blue, posterior median in orange. An arrow is grey where both intervals hold 0.

# %%
answer = estimates.answer(hypothesis)
path = answer.path.mediation(estimates.provenance)
axes = fs.report.figure(path)

# %%
effects = path.frame().query("kind in ['a', 'd', 'b', 'indirect', 'total indirect', 'direct', 'total']")
fs.report.styled(
    effects.set_index("effect")[
        ["estimate", "low", "high", "p", "median", "hdi_low", "hdi_high", "prob_direction", "bayes_factor"]
    ]
)

# %% [markdown]
# ## Bootstrap and posterior
#
# A product of slopes is skewed where one of them is near zero; a normal interval would be wrong. Compare the two shapes: the prior draws the Bayesian
# legs a little towards no effect, and a product of three feels that three times.

# %%
axes = fs.report.figure(path.density())

# %% [markdown]
# ## What would explain it away?
#
# Suppose something that nobody measured moves a mediator and the outcome alike, general optimism for instance. How strong must the correlation be that it
# makes, for the indirect effect to vanish?

# %%
sensitivity = path.sensitivity()
axes = fs.report.figure(sensitivity)
Markdown(
    f"At a residual correlation of **{sensitivity.rho_zero:.2f}** between {sensitivity.leg} the estimate is zero; the confidence interval reaches zero at "
    f"**{sensitivity.rho_interval:.2f}** already, the highest-density interval at **{sensitivity.rho_hdi:.2f}**. Between answers of the same people to "
    "the same questionnaire, correlations of this size are common. Another design (an assigned mediator, a measurement in between) says more than any statistic."
)

# %% [markdown]
# ## From a table
#
# Without a study, the same from a data frame. Only names are given. Without limits of the scales there is no prior on them, so the twin says that its prior is flat, and gives
# no Bayes factor. The contrast, the rows and the covariates differ from those above, and so do the numbers.

# %%
first = scores.frame.query("occasion == 't1' and arm == 'feedback'").set_index("participant")
later = scores.frame.query("occasion == 't2'").set_index("participant")["reapply"]
rows = first[["specificity", "challenge", "interview_self_efficacy", "class"]].assign(reapply=later).dropna()
from_table = analysis.mediation(
    rows.reset_index(),
    "specificity",
    ["challenge", "interview_self_efficacy"],
    "reapply",
    structure="serial",
    cluster="class",
    seed=seed,
)
Markdown(f"{len(rows)} people. {from_table.sentence()}")

# %% [markdown]
# ## Tasks
#
# 1. In the table of effects, find the step with the widest interval. What would you measure or change to make it narrower?
# 2. Swap the two mediators in the call on the table. Both orders fit equally well; why can the data not choose?
# 3. Set another `seed` a few times. How often do bootstrap and posterior fall on different sides of zero, and which step is to blame?

# %%
pd.Series(fs.versions(), name="version").to_frame()
