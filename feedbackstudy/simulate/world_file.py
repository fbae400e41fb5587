"""A world as a file that people can read, doubt and change: every assumption written out, with a line about it."""

import re
import textwrap
from typing import TYPE_CHECKING

from feedbackstudy import yamlfile

if TYPE_CHECKING:
    from feedbackstudy.simulate.world import World
    from feedbackstudy.yamlfile import YamlValue

__all__ = ["world_text"]

_HEAD = """\
# What is assumed true when answers to the study are invented. It was written for planning and is no evidence: doubt
# every number, change it, and give the file back with --world FILE (or fs.World.load). What is left out is at the value
# that feedbackstudy takes by default; `feedbackstudy study check` does not read this file.
"""
_ABOUT = {
    "n": "Unit -> how many, instead of the numbers in study.yaml.",
    "metric": "score: means in sd, correlations and ICCs are those of the scores; latent: of what is behind them.",
    "outcomes": "Each score within a cell, before anything was done to people: mean and sd in points of the score, "
    "reliability (0 to 1).",
    "means": "The effects: how far each cell lies from the score's mean, in standard deviations within cells (with "
    "'unit: raw' in points of the score). 0 is the score's mean; cells that are not named are at 0. A contrast of "
    "these is the true effect. A cell is its levels, joined by colons.",
    "effect_scale": "All effects are multiplied by this; 0 is a world without effects, for the rate of false alarms.",
    "correlation": "Two scores of one person at one wave, within cells; 'correlations' names single pairs.",
    "correlations": "Single pairs of scores.",
    "stability": "A score with itself at another wave, within cells.",
    "stability_shape": "constant: the same for all pairs of waves; autoregressive: to the power of the waves between.",
    "within": "Where people read several stories: a score with itself over two stories of one person.",
    "icc": "Unit -> share of a score's variance that lies between its units.",
    "icc_convention": "Whether effects in sd are in units of the total or of the residual standard deviation.",
    "exemplar": "Share of variance between the exemplars of the messages.",
    "exemplar_by_cell": "Share of variance between an exemplar's texts in different cells.",
    "leads": "Paths between scores: change of the outcome in sd for one sd of 'by'.",
    "interacts": "Effects that depend on a covariate: how much the difference grows, in sd, for one sd of it.",
    "covariates": "What people bring along; r is the correlation with every score.",
    "drift": "Score -> change in sd over 30 days since the interview, whatever people get.",
    "trend": "Score -> change in sd from one period of a stepped wedge to the next.",
    "fade_half_life": "Days after the feedback in which effects halve; absent: they last.",
    "decision_after_days": "Days from the interview to the decision.",
    "attrition": "share: of those still there, the share lost before each wave after the first.",
    "skipped": "Share of single answers left out.",
    "non_compliance": "Who does not get what was assigned.",
    "carelessness": "share: of people who do not read the questions, in all waves.",
    "priors": "Hypothesis -> prior of its effect, for assurance.",
    "effects": "means: the effects above; priors: drawn anew in every invented study.",
    "notes": "What stands behind these numbers.",
}
_ALWAYS = ("effect_scale", "correlation", "stability", "attrition", "skipped", "carelessness")


def world_text(world: "World") -> str:
    """Return a world as commented YAML.

    Parameters
    ----------
    world : World
        The world.

    Returns
    -------
    str
        YAML that `World.load` reads back unchanged.
    """
    stated: dict[str, YamlValue] = world.to_data()
    every: dict[str, YamlValue] = world.model_dump(mode="json")
    data: dict[str, YamlValue] = {"schema_version": world.schema_version}
    data |= {key: value for key, value in every.items() if key in stated or key in _ALWAYS}
    data |= stated
    for key in _ALWAYS:
        whole = every[key]
        if key not in stated and isinstance(whole, dict):
            data[key] = {"share": whole["share"]}
    text = yamlfile.dump(data)
    return _HEAD + re.sub(r"^([a-z_]+):", _commented, text, flags=re.MULTILINE)


def _commented(found: re.Match[str]) -> str:
    about = _ABOUT.get(found.group(1))
    return found.group(0) if about is None else f"\n{_wrapped(about)}\n{found.group(0)}"


def _wrapped(words: str) -> str:
    return textwrap.fill(words, 116, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
