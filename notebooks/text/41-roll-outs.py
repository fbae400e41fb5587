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
# # Whose comparison is it? Roll-outs read in five ways
#
# Sites change over one after the other. Which sites stand for "without the policy" is a choice, and each estimator makes another one. Where effects
# are alike everywhere all of them agree; where they are not, the differences say why. One set of sums serves them all.

# %% tags=["parameters"]
n_applications = 200_000
sites = 30
seed = 20260103
draws = 5_000

# %%
import pandas as pd
from IPython.display import Markdown

import feedbackstudy as fs
from feedbackstudy import policy

invented = policy.synthetic_applications(n_applications, seed=seed, sites=sites)
plan = invented.plan
stats = policy.compress(invented.table, plan)
panel = policy.panel_of(stats)
axes = fs.report.figure(panel)

# %% [markdown]
# ## What two-way fixed effects compare
#
# The usual regression uses sites that have already changed over as comparisons for later ones. Some of its weights are then negative.

# %%
policy.diagnose_two_way(panel)

# %% [markdown]
# ## Side by side
#
# Callaway and Sant'Anna compare with sites that have not changed over yet; imputation predicts what those would have done; the stepped wedge models
# clusters and periods; other draws of the order need no model at all.

# %%
named = {
    "two-way fixed effects": policy.two_way(stats),
    "staggered": policy.staggered(stats),
    "stepped wedge": policy.stepped_wedge(stats),
    "other draws of the order": policy.randomisation(stats, draws=draws),
}
beside = pd.concat([found.frame().assign(way=name) for name, found in named.items()], ignore_index=True)
per_thousand = beside.assign(**{key: 1000 * beside[key] for key in ("estimate", "low", "high")})
fs.report.styled(per_thousand[["way", "estimate", "low", "high", "p", "method"]], decimals=1).hide(axis="index")

# %%
truth = 1000 * invented.truth["reapply_assigned"]
holding = int(((per_thousand["low"] <= truth) & (truth <= per_thousand["high"])).sum())
Markdown(
    f"The truth is **{truth:.0f}** more re-applications of 1,000 decided applications; {holding} of {len(per_thousand)} intervals hold it. Estimates "
    f"lie between {per_thousand['estimate'].min():.0f} and {per_thousand['estimate'].max():.0f}. Choose the way before you see this table: the plan does."
)

# %%
axes = fs.report.figure(policy.reshuffle(panel, draws, seed=plan.seed))

# %% [markdown]
# ## Before and after the start
#
# Months are counted from each site's own start. Before it nothing should move; the wider band holds for all months together. A test that finds nothing
# does not show that trends are parallel, so the last table says how far they could differ before the answer goes.

# %%
study_of_events = policy.event_study(stats)
axes = fs.report.figure(study_of_events)
study_of_events

# %%
breakdown = study_of_events.breakdown
Markdown(
    "The answer stands as long as trends after the start differ from parallel by "
    + (
        f"less than {breakdown:g} times what they did from month to month before it."
        if breakdown is not None
        else "whatever was tried here."
    )
)

# %% [markdown]
# ## One site alone
#
# A team with a single site has only its own past. The series is short, its months resemble each other, and nothing stands for what would have
# happened: read it as a description.

# %%
site = next(
    name
    for name, start in plan.treatment.start.items()
    if start == max(s for s in plan.treatment.start.values() if s != "never")
)
policy.interrupted(stats, site)

# %% [markdown]
# ## Groups of jobs, named beforehand
#
# Effects within job families, and the same drawn towards their mean by as much as they scatter by chance.

# %%
policy.subgroups(stats, plan.subgroups[0])
