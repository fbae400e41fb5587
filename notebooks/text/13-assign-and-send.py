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
# # Who gets which message, provably?
#
# An effect of feedback can be claimed because chance alone decided who got it. A reader has to take that on trust, unless the draw can be repeated,
# its probabilities are exact, and nobody could look ahead or change a line afterwards. This notebook does all of it, and ends with the lists
# that go to the survey platform.
#
# The people are invented; the study is `second-chance`, with its messages and with classes as strata.

# %% tags=["parameters"]
template = "second-chance"
people = 73
classes = 3
seed = 20260103
n_permutations = 2000
first_interview = "2026-03-02"
decision_days = 7
link = "https://survey.example.org/s?p={token}"

# %%
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy.assign import Ledger, assign, read_contacts
from feedbackstudy.cli.main import main
from feedbackstudy.errors import InputError
from feedbackstudy.study.texts import study_messages

declared = fs.Study.load(fs.template_folder(template)).to_data()
more = {"assignment": {"method": "complete", "by": ["class"]}}
study = fs.Study.from_data({**declared, **more})
names = [f"s{number:03d}" for number in range(1, people + 1)]
roster = pd.DataFrame({"participant": names, "class": [f"class_{i % classes + 1}" for i in range(people)]})
conditions = study.crossing.cells()
Markdown(f"**{people}** people, **{classes}** classes, **{len(conditions)}** conditions.")

# %% [markdown]
# ## The draw
#
# Study, roster and seed fix the result, on any machine and with any version of Python and numpy. Within each class the sizes are as equal as they can be.

# %%
allocation = assign(study, roster, seed=seed)
display(allocation)
allocation.frame.groupby("arm").head(2)

# %% [markdown]
# ## Are the probabilities what was declared?
#
# Where people are left over, many tools favour some conditions a little. Then weights are wrong, and so is every test that rests on the draw.
# The table is computed from the scheme and not counted from one result.

# %%
share = allocation.probabilities
asked = 1 / len(conditions)
largest = float((share - asked).abs().to_numpy().max())
weights = allocation.ipw()
Markdown(
    f"Declared is a probability of **{asked:g}** for each condition. Over **{share.shape[0]}** people "
    f"and **{share.shape[1]}** conditions the largest difference from it is **{largest:.1g}**; the weights "
    f"for inverse-probability weighting run from **{weights.min():g}** to **{weights.max():g}**."
)

# %% [markdown]
# Do not believe the table either. In a study small enough, *every* assignment that could be drawn can be listed with its probability, and added up
# for each person. Here: timing only, beside the arms, with too few people for equal groups.

# %%
small = {"factors": declared["factors"][:1], "hypotheses": [], "plan": {}, "messages": None}
small["measures"] = [each for each in declared["measures"] if each["name"] == "felt_respect"]
few = roster.head(6).assign(**{"class": "class_1"})
tiny = assign(fs.Study.from_data({**declared, **small}), few, seed=seed)
everything = tiny.permutations(None)
added = {
    cell.key: (everything.weights[:, None] * (everything.conditions == k)).sum(axis=0)
    for k, cell in enumerate(tiny.conditions)
}
display(
    Markdown(f"**{len(everything.weights):,}** assignments are possible. Added up, the probability of each person is:")
)
pd.DataFrame(added, index=pd.Index(tiny.participants, name="participant"))

# %% [markdown]
# ## What else could have been drawn?
#
# The same object draws other assignments by the same scheme. That is all a randomisation test needs: how often would chance alone give a difference
# as large as this one? The outcome here is invented and has nothing to do with the conditions.

# %%
others = allocation.permutations(n_permutations, seed=seed)
outcome = np.random.default_rng(seed).normal(size=people)
got = np.array([cell.arm == "feedback" for cell in allocation.conditions])
drawn = np.vstack([np.array(allocation.drawn), others.conditions])
fed = got[drawn]
differences = (fed * outcome).sum(axis=1) / fed.sum(axis=1) - (~fed * outcome).sum(axis=1) / (~fed).sum(axis=1)
as_large = np.abs(differences) >= abs(differences[0]) - 1e-12
Markdown(
    f"Feedback minus the arms without: **{differences[0]:.3f}**. Of **{len(others.conditions):,}** other assignments, "
    f"**{as_large[1:].sum():,}** give a difference at least as large: p = **{as_large.mean():.3f}**."
)

# %% [markdown]
# ## A list that nobody can look into
#
# Whoever knows the seed knows who comes next, and may bring the right person at the right moment. A *ledger* draws its own secret list, and
# prints a commitment for the preregistration: it tells nothing about the list, and no other list fits it. This one is a list for tests; it shares no
# random number with a live one.

# %%
desk = tempfile.TemporaryDirectory()
folder = Path(desk.name) / "ledger"
ledger = Ledger.create(folder, study, roster=roster, mode="test", anchored=Path(desk.name))
Markdown(f"Commitment: `{ledger.commitment}`")

# %%
files = [folder / "ledger.jsonl", folder / "head.json"]
for name in names[:3]:
    ledger.reveal(name)
earlier = {file: file.read_text() for file in files}
for name in names[3:5]:
    ledger.reveal(name)
receipt = ledger.reveal(names[0]).receipt
display(Markdown(f"Asking for {names[0]} again gave the same place. Its receipt can be kept elsewhere: `{receipt}`"))
ledger.frame

# %% [markdown]
# ## Somebody changes a line
#
# Each line holds the hash of the one before, and how far the ledger was is also noted outside. So an edited line, lines cut off, lines that changed
# places and an old copy of the folder put back are all found, and nothing more is revealed from a ledger that does not hold. The old copy is found by
# the note outside alone, or by a receipt: where a check has neither, it says so.

# %%
path = folder / "ledger.jsonl"
intact = {file: file.read_text() for file in files}
honest = intact[path]
lines = honest.splitlines(keepends=True)
attacks = {
    "one word edited": {path: honest.replace('"arm":"', '"arm":"no ', 1)},
    "last line cut off": {path: "".join(lines[:-1])},
    "neighbours exchanged": {path: "".join([*lines[:2], lines[3], lines[2], *lines[4:]])},
    "old copy put back": earlier,
}
found = []
for attack, changed in attacks.items():
    for file, text in {**intact, **changed}.items():
        file.write_text(text)
    check = Ledger.open(folder, anchored=Path(desk.name)).verify(receipt)
    found.append({"attack": attack, "holds": check.holds, "first bad line": check.first_bad, "what": check.what})
table = pd.DataFrame(found).set_index("attack")
display(table.style.set_table_styles([{"selector": "th, td", "props": "text-align: left"}]))
try:
    Ledger.open(folder, anchored=Path(desk.name)).reveal(names[5])
except InputError as refusal:
    print(str(refusal).replace(str(folder), "ledger"))
for file, text in intact.items():
    file.write_text(text)
Ledger.open(folder, anchored=Path(desk.name)).verify(receipt, study=study, roster=roster)

# %% [markdown]
# With the honest lines back, everything holds. At the end of a study the secrets are published, and anyone can draw the whole list again, as was just done.
#
# ## The same at a desk without Python
#
# Whoever assigns people need not know this language. In a terminal each line below begins with `feedbackstudy`; a code of 1 says that something was
# found, 2 that the request cannot be met.

# %%
home = Path(desk.name)
file = fs.new_study(home / "study", template) / "study.yaml"
file.write_text(file.read_text() + "\nassignment: {method: complete, by: [class]}\n")
roster.to_csv(home / "roster.csv", index=False)
lines = [
    "assign seal {home}/study {home}/desk --roster {home}/roster.csv --test --anchor {home} --json",
    "assign reveal {home}/desk s007 --anchor {home} --json",
    "assign reveal {home}/desk somebody --anchor {home} --json",
    "assign verify {home}/desk --anchor {home} --study {home}/study --roster {home}/roster.csv --json",
]
errors = io.StringIO()
for line in lines:
    print("$ feedbackstudy", line.format(home="."))
    with contextlib.redirect_stderr(errors):
        code = main([word.format(home=home) for word in line.split()])
    print(f"exit code {code}\n")

# %% [markdown]
# ## The message reaches the person
#
# For a known roster, the platform gets a contact list: what to show, and a personal link. A token is made with a secret, so it tells
# neither who somebody is nor what they got. This file names conditions and belongs to the platform alone.

# %%
contacts = allocation.export(Path(desk.name) / "contacts.csv", link=link, secret="only for this course")
read_contacts(contacts)[["participant", "arm", "timing", "framing", "exemplar", "link"]].head()

# %% [markdown]
# When is what due? The schedule derives it from interview and decision, the timing factor and the anchors of the waves. People without feedback
# take over the delay of somebody who gets it, so that their wave does not come earlier; what was withheld is given at the end.
# And what does such a line send? Cell and exemplar name one text, whose hash is part of the design.

# %%
interviews = dict.fromkeys(names, first_interview)
plan = allocation.schedule(interview_dates=interviews, decision_days=decision_days)
plan

# %%
messages = plan.frame[plan.frame["event"] == "message"]
display(plan.on(messages["due"].min())[["participant", "event", "what", "opens", "closes", "pseudo_date"]].head(6))
first = allocation.frame[allocation.frame["arm"] == "feedback"].iloc[0]
sent = study_messages(study).of(allocation.cell_of(first["participant"]), first["exemplar"])
quoted = "\n".join(f"> {line}" for line in sent.text.splitlines())
Markdown(f"**{first['participant']}** gets `{sent.name}`, {sent.counts.words} words:\n\n{quoted}")

# %% [markdown]
# ## Tasks
#
# 1. Set `people = 80`. What changes in the table of the draw, and what does not?
# 2. Run all again with the same seed. Which numbers above are the same, which are not, and why must the commitment be among those that differ?
# 3. Write a more careful attack: edit a line *and* make its hash anew (the fields are in the file). Who still finds it?

# %%
pd.Series(fs.versions(), name="version").to_frame()
