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
# # What do I fix before there are numbers?
#
# Whatever is decided after the numbers are seen can be decided to suit them. So a study is *declared*: what varies, who is asked what and when,
# what is claimed, which criterion decides, and how people are treated. One file holds all of it, and everything else is derived from that file.
#
# The study here is invented: `second-chance`, the running study of this course. Students go through an acted selection. Nobody is chosen in the
# first round, the feedback in between varies, and everyone may try again.

# %% tags=["parameters"]
template = "second-chance"
closely = "h3"
spoiled_hypothesis = "h6"
wrong_outcome = "usefulness"
without_criterion = "h4"
other_family = "data_analyst"

# %%
import pandas as pd
from IPython.display import Markdown, display

import feedbackstudy as fs
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.message_balance import balance_messages
from feedbackstudy.design.wording import criterion_in_words, question_in_words, smallest_in_words
from feedbackstudy.study.texts import study_messages

pd.options.styler.format.precision = 1
left = [{"selector": "th, td", "props": "text-align: left; vertical-align: top; white-space: pre-line"}]
study = fs.Study.load(fs.template_folder(template))
Markdown(f"**{study.title}**. {study.question}")

# %% [markdown]
# ## What varies
#
# A factor has levels, a reference, and for each level a sentence on what happens to people. Without that sentence nobody can repeat the study.
# Some groups lie outside the crossing, for silence has no framing. They are *arms*, and no level is invented for them.

# %%
levels = [
    {
        "factor": factor.title,
        "level": label + (" (reference)" if code == factor.reference else ""),
        "what happens": factor.definitions[code],
    }
    for factor in study.factors
    for code, label in factor.levels.items()
]
outside = [{"factor": "-", "level": arm.title, "what happens": arm.definition} for arm in study.arms]
display(pd.DataFrame(levels + outside).set_index(["factor", "level"]).style.set_table_styles(left))
Markdown(
    f"**{len(study.crossing.cells()) - len(study.arms)}** cells of feedback, **{len(study.arms)}** arms outside them; "
    "planned are " + " and ".join(f"**{unit.n}** {unit.label}" for unit in study.units) + "."
)

# %% [markdown]
# ## Who is asked what, and when
#
# Every wave hangs on an *anchor*: the interview, the decision or the feedback. Where timing varies, this is a choice of what is estimated.
# A last wave anchored to the decision reaches everybody on the same day, so those who heard late have had their feedback for a shorter time.
# People of arms without feedback take over the date of somebody who got it.
#
# Who got no message cannot say how useful it was. Not asked is different from missing, and no method may fill it in.

# %%
waves = [
    {
        "wave": f"{wave.name}: {wave.label}",
        "anchor": wave.anchor,
        "days after it": wave.offset_days,
        "still open, days": wave.window_days[1],
        "date where there is none": (wave.pseudo_date or "-").replace("_", " "),
    }
    for wave in study.waves
]
asked = [
    {
        "measure": measure.title,
        "role": measure.role.replace("_", " "),
        "waves": ", ".join(measure.waves),
        **{arm: "asked" if measure.asks(arm) else "not asked" for arm in ["feedback", *study.arms.names]},
    }
    for measure in study.measures
]
display(pd.DataFrame(waves).set_index("wave").style.set_table_styles(left))
pd.DataFrame(asked).set_index("measure").style.set_table_styles(left)

# %% [markdown]
# ## What is claimed, and what decides
#
# A hypothesis names an outcome, a comparison, a direction and the smallest effect that matters to somebody. A confirmatory hypothesis has exactly
# *one* criterion that decides. Both engines are run later; the other one is shown and decides nothing.

# %%
pd.DataFrame(
    [
        {
            "hypothesis": h.name,
            "outcome": f"{h.outcome} at {study.occasion_of(h)}",
            "comparison": question_in_words(h, study.crossing),
            "expected": h.direction,
            "smallest effect": smallest_in_words(h.sesoi),
            "decided by": criterion_in_words(study.plan.decides[h.name]),
        }
        for h in study.hypotheses
        if h.confirmatory
    ]
).set_index("hypothesis").style.set_table_styles(left)

# %% [markdown]
# A comparison is never a formula. It is compiled once to weights over the cells' means, and every engine applies the same weights. Look at one
# closely: do the signs say what the sentence says?

# %%
claim = study.hypotheses[closely]
compiled = weights(claim.contrast, study.crossing)
cells = pd.Index([cell.key for cell in compiled.cells], name="cell")
table = pd.DataFrame(compiled.matrix.T, columns=compiled.labels, index=cells)
table.style.set_caption(f"{claim.name}: {claim.text}").set_table_styles(left)

# %% [markdown]
# ## Does it fit together?
#
# `check` says what contradicts itself, and also what the study can and cannot say, whatever its numbers will be. Its notes belong in
# the paper.

# %%
study.check()

# %% [markdown]
# Now plant mistakes that are easily made: a hypothesis compares feedback with an arm on something that arm is not asked, and a
# confirmatory hypothesis has lost its criterion.

# %%
document = study.to_data()
next(each for each in document["hypotheses"] if each["name"] == spoiled_hypothesis)["outcome"] = wrong_outcome
del document["plan"]["decides"][without_criterion]
spoiled = fs.Study.from_data(document)
spoiled.check().errors

# %% [markdown]
# ## The messages are the experiment
#
# What people read is the manipulation. Free texts of our own (licence CC0) are put together for each cell; your own can stand beside them. Order and
# emphasis change with framing, while praise and criticism stay the same. Each cell has several *exemplars*, so that a result is about this kind of
# message and not about one lucky text.

# %%
texts = study_messages(study)
first = texts.frame[texts.frame["exemplar"] == texts.exemplars[0]]
first.set_index(list(texts.factors))[["words", "text"]].style.set_table_styles(left)

# %% [markdown]
# Did anything else change along with a factor? The balance table looks, and says so. To name behaviour takes words; the finding cannot be
# argued away, so it is declared in advance.

# %%
balance_messages(texts)

# %% [markdown]
# ## How people are treated
#
# Consent, what is held back, who tells them afterwards, and what becomes of feedback that was withheld are part of the same declaration, because
# they decide whom the study can speak about. The texts lie beside the study; this is what people are told at the end.

# %%
conduct = study.conduct
table = pd.Series(
    {
        "population, realism": f"{conduct.population}, {conduct.realism}",
        "deception": f"{conduct.deception}: {conduct.deception_detail}",
        "texts beside the study": ", ".join(name for name, _ in conduct.passages()),
        "withheld feedback comes within, days": f"{conduct.withheld_feedback.after_days:g}",
        "data are kept, months": f"{conduct.retention_months:g}",
        "taken out of the analysis": "\n".join(
            f"{rule.name.replace('_', ' ')}: {rule.because}" for rule in study.plan.exclusions
        ),
    },
    name="conduct",
).to_frame()
display(table.style.set_table_styles(left))
Markdown((study.folder / conduct.debriefing.file).read_text().lstrip("# "))

# %% [markdown]
# ## One number for all of it
#
# The design hash goes into the preregistration. It is blind to comments, to the order of keys and to defaults that are written out; another smallest
# effect is another design. A text kept in a file counts once its own hash is declared, as the check above said of consent.

# %%
messages = {**study.to_data()["messages"], "fingerprint": texts.fingerprint}
designs = {
    "as declared": study,
    "keys in another order": fs.Study.from_data(dict(reversed(study.to_data().items()))),
    "with the messages locked": fs.Study.from_data({**study.to_data(), "messages": messages}),
    "with texts for another job": fs.Study.from_data({**study.to_data(), "messages": {"family": other_family}}),
    "with the planted mistakes": spoiled,
}
hashes = pd.Series({name: design.design_hash for name, design in designs.items()}, name="design hash").to_frame()
hashes["the same"] = hashes["design hash"] == study.design_hash
hashes.style.set_table_styles(left)

# %% [markdown]
# ## Tasks
#
# 1. Set `closely = "h7"`. Why does a hypothesis of *no* difference need the smallest effect more than any other?
# 2. Make a copy of the study with `family: data_analyst` under `messages`. Which pairs are confounded now, and how would you even them out?
# 3. Anchor the last wave to the feedback instead of the decision (in `study.yaml` of a copy: `feedbackstudy new my-study --template second-chance`).
#    Which note of the check goes away, and what is estimated then?

# %%
pd.Series(fs.versions(), name="version").to_frame()
