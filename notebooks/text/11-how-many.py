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
# # How many people do I need?
#
# It depends on what they are to answer. A main effect, an interaction and an indirect effect need very different numbers, and the last two are
# what a theory of feedback is usually about. The answers below are exact where there is a formula, and simulated where there is none; each says which.
#
# Effects are the smallest that would matter in `second-chance`, the running study. None of them is evidence, and nothing published is used here as if it were.

# %% tags=["parameters"]
template = "second-chance"
main, interaction, indirect, equivalent = "h2", "h3", "h5", "h7"
wanted = 0.8
seed = 20260103
n_simulations = 200
per_path = 10_000
sizes = [300, 600, 1200, 2400]
effects = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5]
f_in_print = 0.1
correlation_of_waves = 0.5

# %%
import math

import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy import power
from feedbackstudy.study.texts import study_exemplars

study = fs.Study.load(fs.template_folder(template))
planned = study.units.names[-1]
claims = pd.DataFrame(
    [
        {"hypothesis": name, "claim": h.text, "smallest effect": h.sesoi.value, "unit": h.sesoi.unit}
        for name, h in ((name, study.hypotheses[name]) for name in (main, interaction, indirect))
    ]
)
left = [{"selector": "th, td", "props": "text-align: left; vertical-align: top"}]
claims.set_index("hypothesis").style.format(precision=2).set_table_styles(left)

# %% [markdown]
# ## A main effect
#
# Leave out the argument you want to know.

# %%
d = study.hypotheses[main].sesoi.value
power.t_test(d=d, power=wanted)

# %% [markdown]
# One number hides how steep the hill is. Lines join what has the same power: a little less effect than hoped costs many people. Then move the
# sliders; `n` counts people in each group. (Without a kernel you see the picture as it stands.)

# %%
hill = power.grid(power.t_test, {"n": range(20, 801, 20), "d": effects}, target=wanted)
axes = fs.report.figure(hill)
fs.report.explorer(hill, x="n", start={"n": 260, "d": d})

# %% [markdown]
# ## An interaction
#
# Now the same difference *d*, in a crossing of timing and specificity. In the first row feedback on the same day helps by *d* everywhere. In the second
# it helps by *d* in one kind of message and not at all in the other: the difference of differences is *d*. In the third, it is half of that.

# %%
designs = {
    "main effect of d": ([d, d, 0, 0], "timing"),
    "interaction of d": ([d, 0, 0, 0], "timing:specificity"),
    "interaction of d / 2": ([d / 2, 0, 0, 0], "timing:specificity"),
}
solved = {
    name: power.anova("2b*2b", mu=means, power=wanted, effect=effect, factors=("timing", "specificity"))
    for name, (means, effect) in designs.items()
}
people = pd.DataFrame({"people in all": {name: 4 * math.ceil(answer.value) for name, answer in solved.items()}})
people["times the main effect"] = people["people in all"] / people["people in all"].iloc[0]
people.style.format(precision=1)

# %%
Markdown(
    f"An interaction as large as the main effect needs **{people.iloc[1, 1]:.1f}** times as many people, "
    f"and one half as large **{people.iloc[2, 1]:.1f}** times. The reason is plain: the interaction compares "
    "quarters instead of halves, which doubles its standard error; half the effect halves the signal besides. "
    "The number of people grows with the square of both."
)

# %% [markdown]
# ## An indirect effect
#
# Specific feedback is read as a challenge, which keeps self-efficacy up, which brings people back: a product of paths, small even where
# each path is not. There is no formula, so studies are simulated from their cross-products. Each leg is taken as the root of the declared product.

# %%
product = study.hypotheses[indirect].sesoi.value
leg = product ** (1 / 3)
names = ("specificity", "challenge", "self-efficacy", "reapply")
route = " > ".join(names)
serial = power.Paths(((leg,), (0, leg), (0, 0, leg)))
paths = {n: power.mediation(serial, n, names=names, reps=per_path, seed=seed)[route] for n in range(60, 321, 20)}
found = pd.DataFrame(
    [
        {
            "people": n,
            "power, every leg": row.power_joint,
            "power, interval": row.power_interval,
            "MC error": row.mcse_joint,
        }
        for n, row in paths.items()
    ]
).set_index("people")
enough = found.index[found["power, every leg"] >= wanted].min()
display(
    Markdown(
        f"Each leg is **{leg:.2f}**, their product **{product:g}**. Of the numbers tried, **{enough}** people are "
        f"the first to reach a power of {wanted:g}. The first leg is a difference of "
        f"**{2 * leg / math.sqrt(1 - leg**2):.2f}** standard deviations between the groups."
    )
)
found.iloc[::3].style.format(precision=3)

# %% [markdown]
# Do not read this as good news: that difference is larger than the main effect above, nobody is lost, and mediators are not assigned, so a path can only
# be consistent with the numbers. Halve the first leg and see.

# %%
half = power.Paths(((leg / 2,), (0, leg), (0, 0, leg)))
grid = sorted({*found.index, *range(400, 1601, 200)})
curves = pd.DataFrame(
    {
        "indirect effect": {
            n: power.mediation(serial, n, names=names, reps=per_path, seed=seed)[route].power_joint for n in grid
        },
        "indirect, first leg half": {
            n: power.mediation(half, n, names=names, reps=per_path, seed=seed)[route].power_joint for n in grid
        },
        **{
            name: {
                n: power.anova("2b*2b", n / 4, mu=means, factors=("timing", "specificity"))[effect].power for n in grid
            }
            for name, (means, effect) in designs.items()
        },
    }
)
axes = curves.plot(xlabel="people in all", ylabel="power", ylim=(0, 1), figsize=(8, 4.5), grid=True)
line = axes.axhline(wanted, color="0.4", linestyle=":")
legend = axes.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## What a small study costs
#
# A study without power does not only miss effects. What it does find is too large (type M: the factor of exaggeration) and sometimes has the wrong
# sign (type S).

# %%
small = {share: power.type_s_m(d, power=share) for share in (0.08, 0.2, 0.4, wanted, 0.95)}
pd.DataFrame(
    {
        "type S": {share: each["type S"] for share, each in small.items()},
        "type M": {share: each["type M"] for share, each in small.items()},
    }
).rename_axis("power").style.format(precision=3).format_index(precision=2)

# %% [markdown]
# ## One number, several meanings
#
# A paper gives a value of *f* and says that it used G\*Power. With repeated measures, the same number is another effect under each setting of that
# program. Which reading needs the fewest people? State the setting, or better the means.

# %%
power.compare_gpower(
    "within-between", f_in_print, n=sizes[0], groups=2, measurements=len(study.waves), r=correlation_of_waves
)

# %% [markdown]
# ## The study itself
#
# So far everything was clean. Now invent the whole study many times: items and scales, classes, messages that differ, people who stay away, answer
# carelessly or leave questions out. Each is analysed as the plan says, exclusions and imputation included, and every hypothesis is decided by its own
# criterion. `World.assumed` makes each true by its smallest effect; print it, and doubt it.

# %%
world = fs.World.assumed(study)
diagnosis = power.diagnose(study, world, seed=seed, n_simulations=n_simulations)
columns = ["truth_sd", "power", "power_mcse", "decided", "truth", "bias", "coverage", "type_m", "failed", "n_mean"]
confirmatory = [h.name for h in study.hypotheses if h.confirmatory]
table = diagnosis.frame().set_index("hypothesis").loc[confirmatory, columns]
display(
    Markdown(
        f"{diagnosis.engine}. Any confirmatory hypothesis is decided as expected in **{diagnosis.any_decided:.3f}** "
        f"of the invented studies, all of them in **{diagnosis.all_decided:.3f}**. {' '.join(diagnosis.notes)}"
    )
)
axes = fs.report.figure(diagnosis)
table.style.format(precision=3)

# %% [markdown]
# *Decided* counts the plan's own criterion, adjustment for several tests included. The interaction is decided by a Bayes factor, which asks for more than
# a p value does. The hypothesis of no difference is decided by its equivalence test; there *power* is the rate of false alarms. Truth and bias are in
# units of the score.
#
# With how many people would each be settled? (All but the hypothesis of no difference.) The bands are what the number of invented studies leaves open.
#
# Look for a line that stays low whatever the number of people. Feedback compared with an arm without it is feedback *by these messages*: a few invented
# candidates, each a little better or worse written. They are a random factor, and more people do not make more messages.

# %%
swept = power.sweep(study, world, {f"n.{planned}": sizes}, seed=seed, n_simulations=n_simulations // 2)
decided = swept.of(*[name for name in confirmatory if name != equivalent]).showing("decided", target=wanted)
axes = fs.report.figure(decided)
Markdown(
    f"The study has **{len(study_exemplars(study))}** exemplars, and the world assumes that they make **{world.exemplar:.0%}** of the "
    f"variance after the feedback. Comparisons between cells of feedback use the same exemplars on both sides, so most of that cancels."
)

# %% [markdown]
# ## Tasks
#
# 1. Set `wanted = 0.9`. Which row of people grows most, in people and in percent?
# 2. The means of a study showed no difference in one cell and a difference in the other. Is that an interaction? Compare what each claim needs.
# 3. Change an assumption: `world.vary({"attrition.share": 0.3})`, and diagnose again. Which hypotheses suffer, and why not all alike?
# 4. Set `world.vary({"exemplar": 0.0})`. Which line changes, and would you believe that assumption?

# %%
pd.Series(fs.versions(), name="version").to_frame()
