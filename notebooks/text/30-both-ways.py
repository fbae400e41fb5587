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
# # What do both analyses say, and when do they differ?
#
# One hypothesis, one set of weights over the cells of the study, the same rows; then a frequentist and a Bayesian model of the same likelihood. Here
# both answers stand side by side for `second-chance`, the running study, with the pictures a reviewer asks for, and with two other packages looking over
# our shoulder.
#
# The data are invented. Each confirmatory hypothesis is true by the smallest effect that matters, because we assumed it.

# %% tags=["parameters"]
template = "second-chance"
shown = ["h1", "h2", "h3", "h4", "h6", "h7"]
main, interaction, arms, equivalent = "h1", "h3", "h6", "h7"
seed = 20260103

# %%
import pandas as pd
import pingouin
import statsmodels.formula.api as smf
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy import analysis

declared = fs.Study.load(fs.template_folder(template)).to_data()
plan = declared["plan"]
families = [family for family in plan["families"] if set(family["hypotheses"]) <= set(shown)]
decides = {name: criterion for name, criterion in plan["decides"].items() if name in shown}
study = fs.Study.from_data(
    {
        **declared,
        "hypotheses": [each for each in declared["hypotheses"] if each["name"] in shown],
        "plan": {**plan, "families": families, "decides": decides, "missing": "listwise"},
    }
)
responses = fs.simulate(study, fs.World.assumed(study), seed=seed)
scores = fs.score(responses, study.measures)
estimates = fs.analyse(scores, study)
estimates[main]

# %% [markdown]
# To see the two engines and nothing else, this notebook plans complete cases; the study itself plans multiple imputation, which is the subject of
# notebook 34. The path hypothesis has a notebook of its own (31).
#
# ## All hypotheses on one page
#
# Blue is the estimate with its confidence interval, orange the posterior median with its highest-density interval; the band holds effects smaller than
# the smallest that matters. One criterion decides, the one declared; the other answer is a second look.

# %%
axes = fs.report.figure(estimates)

# %%
pd.DataFrame(
    {
        "criterion": {row.hypothesis: row.decides for row in estimates if row.decides},
        "decision": {row.hypothesis: row.decision for row in estimates if row.decides},
        "do the engines agree?": {row.hypothesis: row.agreement for row in estimates if row.decides},
    }
).style.set_properties(**{"text-align": "left"})

# %% [markdown]
# ## Means over raw points
#
# An interaction is about four means. Both intervals are drawn for each; they are intervals of means and not of the difference, so whether they
# overlap decides nothing.

# %%
axes = fs.report.figure(analysis.marginal_means(estimates.answer(interaction), study))

# %% [markdown]
# Arms outside the crossing stand beside the feedback cells, pooled as the hypothesis says. The interval of all feedback is wide for the number of people
# in it: three exemplars of the message are a random factor, and three is few.

# %%
axes = fs.report.figure(analysis.marginal_means(estimates.answer(arms), study))

# %% [markdown]
# ## Where the Bayes factor comes from
#
# At "no effect" the prior has one height and the posterior another. Their ratio is the Bayes factor. Where the data are against the hypothesis of no
# effect the posterior leaves that point; where they are for it, the posterior rises above the prior.

# %%
axes = fs.report.figure(analysis.prior_posterior(estimates.answer(main)))

# %%
axes = fs.report.figure(analysis.prior_posterior(estimates.answer(equivalent)))

# %% [markdown]
# The width of the prior matters, and a reader is owed the whole curve. The declared width is the one that counts.

# %%
curve = estimates.answer(main).robustness()
axes = fs.report.figure(curve)
Markdown(
    f"Over all widths drawn, the evidence at a threshold of 3 reads: **{', '.join(curve.verdicts(3.0))}**. Without a width fixed "
    "before the data, any of these numbers could have been picked."
)

# %% [markdown]
# ## Another package on the same rows
#
# Two cross-checks in sight. The factorial analysis of variance by *pingouin*, and a random intercept for classes by *statsmodels*. The first column of
# each pair is ours.

# %%
rows = scores.frame.query("occasion == 't1' and arm == 'feedback'").dropna(subset=["usefulness"])
factors = ["timing", "framing", "specificity"]
ours = analysis.anova(rows, "usefulness", between=factors).frame().set_index("term")
theirs = pingouin.anova(rows, dv="usefulness", between=factors, ss_type=3)
theirs = theirs.assign(term=theirs["Source"].str.replace(" * ", ":", regex=False)).set_index("term")
both = pd.DataFrame(
    {
        "F": ours["f"],
        "F, pingouin": theirs["F"],
        "p": ours["p"],
        "p, pingouin": theirs["p_unc"],
        "partial eta squared": ours["eta_p2"],
        "pingouin": theirs["np2"],
    }
).loc[ours.index]
display(Markdown(f"Largest difference in F: **{(both['F'] - both['F, pingouin']).abs().max():.1e}**."))
both.style.format(precision=4)

# %%
terms = ["specificity", "timing", "framing", "interviews_so_far"]
mixed = analysis.lmm(rows, "usefulness", terms, random={"class": ["1"]}).frame()
other = smf.mixedlm(
    "usefulness ~ " + " + ".join(terms), rows.astype(dict.fromkeys(factors, object)), groups="class"
).fit()
pd.DataFrame(
    {
        "estimate": mixed["estimate"].to_numpy(),
        "estimate, statsmodels": other.fe_params.to_numpy(),
        "SE": mixed["se"].to_numpy(),
        "SE, statsmodels": other.bse_fe.to_numpy(),
        "df (Satterthwaite)": mixed["df"].to_numpy(),
    },
    index=mixed["effect"],
).style.format(precision=4)

# %% [markdown]
# The estimates agree; *statsmodels* tests with z, which takes degrees of freedom as infinite. The same analysis for R is one call:
# `estimates.answer("h1").r_script().save(folder)` writes data and code, and `.pymc_model()` returns the Bayesian model to inspect or extend.
#
# ## Words
#
# Sentences are made from the results. A number typed by hand is a number that can be wrong.

# %%
Markdown("\n\n".join(fs.report.sentence(estimates[name], study=study) for name in (main, equivalent)))

# %% [markdown]
# ## Tasks
#
# 1. Which hypothesis is on the edge for one engine and not for the other? Read its *agreement*, then look at its prior.
# 2. Set another `seed` three times. How often do the engines disagree, and on which hypotheses?
# 3. Set `main = "h4"`. Is the curve flat where it matters? What would you write if only widths below 0.3 supported the effect?
# 4. `plan["decides"]` says that `h3` is decided by a Bayes factor of 10. What does that ask of the sample (notebook 11)?

# %%
pd.Series(fs.versions(), name="version").to_frame()
