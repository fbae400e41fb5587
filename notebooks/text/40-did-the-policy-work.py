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
# # Did the policy work?
#
# Thirty sites change over, one after the other and in an order drawn by chance, to a new rule: every rejected candidate gets specific feedback within 48
# hours. What is to be judged, by what, and what will be done with the answer stands in a plan before anybody looks. The applications are invented, with
# a truth that is shown at the end: so you can see how far each number is from it.

# %% tags=["parameters"]
n_applications = 200_000
sites = 30
seed = 20260103
draws = 5_000
icc = 0.01
wanted = 0.8

# %%
import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy import policy, power

invented = policy.synthetic_applications(n_applications, seed=seed, sites=sites)
plan = invented.plan
primary = plan.primary
pd.DataFrame(
    [
        {
            "metric": m.label,
            "role": m.role.replace("_", " "),
            "kind": m.kind,
            "of": m.of,
            "margin": m.margin,
            "better": m.direction,
        }
        for m in plan.metrics
    ]
).set_index("metric").style.format(precision=3, na_rep="")

# %%
rule = plan.decision
Markdown(
    f"**{plan.question}** Decided by: *{primary.label.lower()}*. The policy is kept if the interval lies above 0 and every guardrail is within "
    f"its margin; effects within ±{rule.rope:g} count as none. A message costs {rule.utility.cost_per_message:g} {rule.utility.currency}, one more "
    f"person who applies again is worth {rule.utility.value_per_success:g} {rule.utility.currency}. Plan `{plan.digest()[:12]}`."
)

# %% [markdown]
# ## Can thirty sites show it?
#
# Before the data: the smallest effect that such a roll-out finds. All decided applications count, so that it cannot matter whom the policy makes
# recruiters reject; a guardrail watches the share of rejections. People are many, sites are few, and it is the sites that count. The base rate is
# that of the months before any site changed, which may be looked up without seeing an effect.

# %%
decided_per_site_month = round(n_applications * 0.9 / (sites * 12))
base = 0.12
smallest = power.stepped_wedge(
    None,
    sites,
    steps=6,
    n=decided_per_site_month,
    icc=icc,
    sd=(base * (1 - base)) ** 0.5,
    power=wanted,
    baseline=3,
    test="t",
)
display(smallest)
Markdown(
    f"With about {decided_per_site_month:,} decided applications a site and month, an effect of **{1000 * smallest.value:.1f} per 1,000** of them is "
    f"found with a power of {wanted:g}; the plan calls {1000 * primary.mde:.0f} per 1,000 the smallest that would matter."
)

# %% [markdown]
# ## What is in the table
#
# Every problem is a finding with what to do about it; every row that does not count is counted.

# %%
invented.table.check(plan)

# %% [markdown]
# The table is reduced once to sums by site, month and arm. Every answer below is computed from these; the rows are not needed again. The sums are
# personal data all the same, and stay where the applications are.

# %%
stats = policy.compress(invented.table, plan)
stats

# %%
panel = policy.panel_of(stats)
axes = fs.report.figure(panel)

# %% [markdown]
# ## Was it delivered?
#
# The policy is a promise; fidelity says how far it was kept. Assigned and delivered stand side by side: the first is what a decision about the policy
# needs, the second what feedback in time does to those who get it because their site was assigned. Delivery is counted among the same decided
# applications as the outcome; the hired, who get no such message, dilute both.

# %%
policy.compliance(stats)

# %% [markdown]
# ## The primary metric
#
# Sites and months have their own level (two-way fixed effects), standard errors count sites and correct for their small number (CR2). Since chance
# decided the order, the order itself can be drawn again: that test needs no model of how sites differ.

# %%
effect = policy.two_way(stats)
shuffled = policy.randomisation(stats, draws=draws)
display(effect, shuffled)
axes = fs.report.figure(effect)
one, again = effect.one(primary.name), shuffled.one(primary.name)
Markdown(
    f"Under the policy **{1000 * one.estimate:.0f} more of 1,000** decided candidates apply again within {primary.within_days} days "
    f"(95 % CI {1000 * one.low:.0f} to {1000 * one.high:.0f}; by other draws of the order {1000 * again.low:.0f} to {1000 * again.high:.0f}). "
    f"Relative to {one.baseline:.1%} without it that is {one.estimate / one.baseline:+.0%}. Simulated data."
)

# %% [markdown]
# ## Guardrails
#
# What must not get worse by more than its margin.

# %%
read = policy.read_rollout(stats, leading="two-way")
guardrails = [m for m in plan.metrics if m.role == "guardrail"]
rows = {m.name: read.one(m.name) for m in guardrails}
pd.DataFrame(
    [
        {
            "guardrail": m.label,
            "effect": rows[m.name].estimate,
            "low": rows[m.name].low,
            "high": rows[m.name].high,
            "margin": m.margin,
            "verdict": rows[m.name].verdict,
        }
        for m in guardrails
    ]
).set_index("guardrail").style.format(precision=4)

# %% [markdown]
# ## What responders cannot tell
#
# The net promoter score is known of those who answered the survey, and the policy changes who answers. Bounds say what may be hidden.

# %%
display(policy.two_way(stats, "answered"), policy.response_bounds(stats, metric="cnps", response="answered"))

# %% [markdown]
# ## The truth

# %%
truth = invented.truth["reapply_assigned"]
inside = one.low <= truth <= one.high
Markdown(
    f"In the invented world being under the policy changes re-application by **{1000 * truth:.0f}** per 1,000 decided applications. The interval "
    f"{'holds' if inside else 'misses'} it; nineteen of twenty such intervals do. The naive comparison of responders' scores is another matter: "
    f"everybody's score changes by {invented.truth['cnps_assigned']:.1f} points."
)
