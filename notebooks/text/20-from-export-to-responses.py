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
# # What is in the export, and who is left?
#
# Between what people answered and what is analysed lies a file of the survey platform: with the team's previews, people who answered twice, a 77 that
# means "no answer", names and addresses, and people who never agreed to take part. Each of these changes results or breaks a promise, and none makes
# a program stop. So the rule is: nothing is mended silently, nothing is guessed, and everybody has a known fate.
#
# To see whether a reader of exports deserves trust, one needs a file whose faults are known. Here the answers to `second-chance` are invented, written
# as exports of Qualtrics, and made messy on purpose. Nobody answered anything; every name and address is invented.

# %% tags=["parameters"]
template = "second-chance"
people = 300
seed = 20260103
code = 77
hypothesis = "h6"
which_counts = "first"

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy import collect
from feedbackstudy.errors import DataError
from feedbackstudy.study.placed import condition_of_people

study = fs.Study.load(fs.template_folder(template))
world = fs.World.assumed(study).vary({f"n.{study.units.names[-1]}": people})
truth = fs.simulate(study, world, seed=seed)
assigned = truth.frame.drop_duplicates("participant")[["participant", "arm", *study.factors.names]]
folder = Path(tempfile.mkdtemp())
planted = collect.messy_export(study, truth, folder, seed=seed, code=code)
files = {wave.name: folder / f"{wave.name}.csv" for wave in study.waves}
left = [{"selector": "th, td", "props": "text-align: left; vertical-align: top"}]
Markdown(
    f"**{truth.n_participants}** invented people, **{len(truth)}** questionnaires in **{len(files)}** files, "
    f"and **{len(planted)}** faults of which we know where they are."
)

# %% [markdown]
# ## What the file looks like
#
# Three header rows (tag, question, ImportId), then people; the first are no people at all. Here are some columns of the first wave, as any program
# for tables would show them. Nothing looks wrong.

# %%
raw = pd.read_csv(files[study.waves.names[0]], dtype=str, keep_default_na=False)
tags = [
    "Status",
    "Duration (in seconds)",
    "fs_pid",
    "fs_cond",
    "consent",
    "RecipientEmail",
    "interview_self_efficacy_1",
]
raw.loc[:6, tags].style.set_table_styles(left).hide(axis="index")

# %% [markdown]
# ## Ask first: `inspect`
#
# `read` refuses what is not certain; `inspect` shows all of it at once. The allocation says who was assigned to what: without it nobody can see that
# somebody was shown the wrong message. Each finding says what it is, why it matters and how to mend it.

# %%
first_look = collect.inspect(files, study, allocation=assigned)
try:
    collect.read(files, study, allocation=assigned)
except DataError as refusal:
    display(Markdown(f"`read` refuses: *{str(refusal).splitlines()[0].rstrip(':')}*"))
first_look.issues

# %% [markdown]
# ## Declare, then read
#
# Each error asks for a decision that only you can make, and that belongs into the report. Of two answers of a person to the same wave the first
# counts, for they were not yet told anything when they gave it. 77 and `NA` are no answers. Ids that differ only in capitals are one person.

# %%
rules = {
    "allocation": assigned,
    "duplicates": which_counts,
    "same_case": True,
    "missing": {code: "skipped", -99: "user_missing"},
    "labels": {name: {"NA": -99} for name in study.measures.names},
}
answers = collect.read(files, study, **rules)
screened = collect.screening(answers, study)
screened.responses.ledger

# %% [markdown]
# The ledger counts from the file to here. People who did not consent or took it back are erased: their number stays, their names do not, not even in
# earlier steps. The plan's own rules follow, each held against the answers as they came.
#
# ## Was everything found?
#
# The list of what was planted, each with what must find it: a finding of `inspect` with the right number in the right file, or a step of the ledger
# after which nobody concerned is left.

# %%
remaining = set(screened.responses.column("participant"))
lines = []
for fault in planted:
    hits = [
        issue
        for issue in first_look.issues
        if issue.code == fault.issue
        and issue.what.startswith(f"{fault.n} ")
        and (".csv" not in issue.where or issue.where.startswith(fault.wave))
    ]
    left_at = [entry for entry in screened.responses.ledger if entry.step == fault.step]
    stayed = remaining & set(fault.participants) if fault.step.startswith("screen.") else set()
    lines.append(
        {
            "planted": fault.fault,
            "wave": fault.wave,
            "n": fault.n,
            "finding": fault.issue,
            "severity": hits[0].severity.value if hits else "",
            "step of the ledger": fault.step,
            "found": bool(hits or not fault.issue) and bool(left_at or not fault.step) and not stayed,
        }
    )
checked = pd.DataFrame(lines)
display(Markdown(f"**{checked['found'].sum()}** of **{len(checked)}** planted faults were found."))
checked.style.set_table_styles(left).hide(axis="index")

# %% [markdown]
# Finding is half of it. The other half: is what remains what people answered? We can say so here because the truth is known.

# %%
key = ["participant", "occasion"]
before, after = (table.frame.set_index(key)[list(truth.items)].astype(object) for table in (truth, answers))
same_rows = before.index.equals(after.index)
changed = (before.where(before.notna(), "") != after.where(after.notna(), "")).to_numpy()
written = sum(fault.n for fault in planted if fault.issue in {"collect.out_of_range", "collect.unknown_answer"})
named = [who for fault in planted if fault.step.startswith("screen.") for who in fault.participants]
expected = set(collect.screen(truth, study).column("participant")) - set(named)
Markdown(
    f"The rows are those that were simulated: **{same_rows}**. Of **{changed.size:,}** cells **{changed.sum()}** differ, "
    f"and **{written}** were overwritten by {code} or NA; they are missing now, with the reason beside them. "
    f"Left after screening are **{screened.responses.n_participants}** people, and exactly those who should be: "
    f"**{set(screened.responses.column('participant')) == expected}**."
)

# %% [markdown]
# ## What would have happened otherwise
#
# The same item with everything left in, as a program for tables reads it, and after reading by declared rules.

# %%
item = next(fault.fault.split(" in ")[1] for fault in planted if fault.issue == "collect.out_of_range")
wave = study.waves.names[0]
careless = pd.to_numeric(raw[item].iloc[2:], errors="coerce")
careful = answers.frame.loc[answers.column("occasion") == wave, item].astype(float)
display(Markdown(f"`{item}` at {wave}:"))
pd.DataFrame(
    {
        "as it stands in the file": careless.agg(["count", "mean", "std", "max"]),
        "read": careful.agg(["count", "mean", "std", "max"]),
    }
).T.style.format(precision=2).format("{:.0f}", subset=["count", "max"])

# %% [markdown]
# ## Whom we know nothing of any more
#
# Names, addresses and open texts were left out unread, and the list of columns says so. Findings name people by their id and quote of cells only numbers,
# codes and words of questionnaires; of anything else they say how long it is and in which line it stands. Tables of people, the key of pseudonyms and the
# ledger of exports can be read by their owner alone (mode 0600), and are written whole or not at all. Windows knows no such modes: there the permissions
# of the folder decide who reads. Nor can a folder be flushed to disk there: after a power cut a file may be the one before, but is never half of one.

# %%
gone = first_look.mapping[first_look.mapping["left_out"] != ""].groupby(["left_out", "column"])["file"].agg(", ".join)
shown = gone.reset_index().query("left_out == 'identifies people' or column == 'anything_else'")
shown.style.set_table_styles(left).hide(axis="index")

# %% [markdown]
# ## Score, answer, and follow everybody to the model
#
# The flow of participants (CONSORT 2010) is not drawn by hand: every number in it is counted from one list, in which each person has one fate. People
# who were erased count as people without answers, because nothing else may be known of them.

# %%
scores = fs.score(screened.responses, study.measures)
one = fs.analyse(scores, study, engine="frequentist")
flow = fs.report.consort(
    scores, study, one.answers[hypothesis], came=answers, allocation=condition_of_people(truth, study)
)
axes = fs.report.figure(flow)
Markdown(f"The flow to the model of **{hypothesis}**: {study.hypotheses[hypothesis].text}")

# %%
Markdown(
    f"Of **{truth.n_participants}** people assigned, **{flow.erased}** were erased and **{flow.count('excluded')}** "
    f"excluded by rules of the plan; **{flow.count('left_out')}** are not in this model, and "
    f"**{flow.count('analysed')}** are analysed. Together: **{flow.count()}**; the team's previews and spam are nobody."
)

# %% [markdown]
# ## Tasks
#
# 1. Read without `allocation`. Which finding is gone, and what would the analysis then compare?
# 2. Set `which_counts = "last"`. The person who answered again broke off: what is lost? When would "most_complete" be a dangerous rule?
# 3. Set `code = 5`. Is it found? Which faults can no check of a file ever find?
# 4. Add a rule of exclusion on `usefulness` to the plan, and screen. What does the ledger say, and why?

# %%
pd.Series(fs.versions(), name="version").to_frame()
