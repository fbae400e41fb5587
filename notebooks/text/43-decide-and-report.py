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
# # What do we do, and what do we tell?
#
# The rule was declared before the data. Here it is applied twice: to the interval, and to a posterior with costs and values. Then the same sums are made
# by another engine, from files of any size, and a memo is written that may leave the house.

# %% tags=["parameters"]
n_applications = 200_000
sites = 30
seed = 20260103
draws = 2_500
tune = 1_000
chains = 4
more = 1.0
n_on_files = 200_000

# %%
import tempfile
import time
from pathlib import Path

from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy import policy

invented = policy.synthetic_applications(n_applications, seed=seed, sites=sites)
plan = invented.plan
stats = policy.compress(invented.table, plan)

# %% [markdown]
# ## By the interval

# %%
effects = policy.read_rollout(stats)
policy.decide(plan, effects, more=more)

# %% [markdown]
# ## By the posterior
#
# A hierarchical model of the cells: sites and months vary, so does the effect of the policy, and counts vary more than chance alone would let them.

# %%
posterior = policy.bayes_cells(stats, draws=draws, tune=tune, chains=chains, seed=seed)
posterior

# %%
by_posterior = plan.model_copy(update={"decision": plan.decision.model_copy(update={"by": "posterior"})})
decision = policy.decide(by_posterior, effects, beliefs=[posterior.belief], more=more)
decision

# %% [markdown]
# ## However often one looks
#
# An interval that holds at every look is wider; it lets a team watch the roll-out without spending its error rate. It must be chosen beforehand, so here
# the plan is another one.

# %%
watching = plan.model_copy(update={"looks": policy.Looks(kind="always_valid", tuned_for=sites)})
policy.always_valid(policy.compress(invented.table, watching))

# %% [markdown]
# ## Millions
#
# The same lines on Parquet files: DuckDB groups where the data is, and this notebook gets the sums. Set `n_on_files` to millions; memory does not follow.

# %%
with tempfile.TemporaryDirectory() as folder:
    started = time.perf_counter()
    on_files = policy.synthetic_applications(
        n_on_files, seed=seed, sites=sites, engine="duckdb", folder=Path(folder) / "ats"
    )
    written = time.perf_counter()
    from_files = policy.compress(on_files.table, plan)
    grouped = time.perf_counter()
same = policy.two_way(from_files).one(plan.primary.name).estimate
here = policy.two_way(stats).one(plan.primary.name).estimate
Markdown(
    f"{n_on_files:,} rows were invented in {written - started:.0f} s and reduced in {grouped - written:.0f} s. "
    + (
        f"The estimate differs from that of the data frame by {abs(same - here):.1e}."
        if n_on_files == n_applications
        else ""
    )
)

# %% [markdown]
# ## What may leave the house
#
# The memo holds disclosed numbers only: small cells hidden, counts rounded, every table and figure through the same gate.

# %%
results = policy.assemble(stats)
with tempfile.TemporaryDirectory() as folder:
    report = fs.report.PolicyReport(results=results, issues=invented.table.check(plan))
    page, memo, numbers = (
        report.html(Path(folder) / "memo.html"),
        report.memo(Path(folder) / "memo.docx"),
        report.csv(Path(folder) / "memo.csv"),
    )
    sizes = {path.name: f"{path.stat().st_size / 1024:.0f} kB" for path in (page, memo, numbers)}
display(results)
Markdown("Written and thrown away again: " + ", ".join(f"{name} ({size})" for name, size in sizes.items()) + ".")
