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
# # Is it fair? Selection, and who gets feedback in time
#
# A policy about feedback may change who is selected next time, and its promise may be kept more often for some than for others. Both are compared
# between groups. The conclusion can flip with the method, so one is declared beforehand and all are shown.

# %% tags=["parameters"]
n_applications = 200_000
sites = 30
seed = 20260103
declared_test = "mid_p"
few = {"women": (2, 10), "men": (15, 25)}

# %%
from IPython.display import Markdown, display

from feedbackstudy import policy

invented = policy.synthetic_applications(n_applications, seed=seed, sites=sites)
plan = invented.plan
stats = policy.compress(invented.table, plan)

# %% [markdown]
# ## A small case first
#
# Two of ten women and fifteen of twenty-five men are selected. Six tests of the same counts, and what one more person would do.

# %%
small = policy.adverse_impact(
    selected={group: counts[0] for group, counts in few.items()},
    total={group: counts[1] for group, counts in few.items()},
    test=declared_test,
)
display(small)
women = small["women"]
Markdown(
    f"The impact ratio is **{women.compared.ratio:.3f}**, below four fifths. p runs from {min(women.compared.p.values()):.3f} to "
    f"{max(women.compared.p.values()):.3f} over the tests; with one more woman selected instead of a man the ratio would be "
    f"{women.compared.one_person:.2f}. Small numbers decide little."
)

# %% [markdown]
# ## Selection in the roll-out
#
# Who is hired, by group, and whether the ratio of rates changed with the policy. Groups enter no model of the effect.

# %%
policy.adverse_impact(stats, column=plan.equity_groups[0], metric="hired", test=declared_test)

# %%
policy.adverse_impact(stats, column=plan.equity_groups[1], metric="hired", test=declared_test)

# %% [markdown]
# ## Delivery
#
# Feedback within 48 hours is a promise to everybody. Is it kept for everybody?

# %%
delivered = policy.adverse_impact(
    stats, column=plan.equity_groups[0], metric="in_time", arm="policy", test=declared_test
)
display(delivered)
lowest = min(
    (each for each in delivered.groups if each.group != delivered.reference), key=lambda each: each.compared.ratio
)
Markdown(
    f"Under the policy feedback is in time for {lowest.rate:.1%} of {lowest.group} and {delivered[delivered.reference].rate:.1%} of "
    f"{delivered.reference}: a ratio of **{lowest.compared.ratio:.3f}** (the invented world has {invented.truth['in_time_ratio_women']:.2f}). Four fifths would "
    "not see it; people who wait do."
)

# %% [markdown]
# ## What may be shown
#
# Before any of this leaves the house it passes the plan's disclosure rule: small cells are hidden, with as many others as it takes that none can be
# worked out from the margins, and counts are rounded.

# %%
rule = policy.DisclosurePolicy.of(plan)
cells = stats.subgroups["hired", plan.equity_groups[1]]
counts = cells.groupby([plan.equity_groups[1], "arm"])["n"].sum().unstack(fill_value=0)
display(Markdown(rule.words))
rule.suppressed(counts.fillna(0).to_numpy())
