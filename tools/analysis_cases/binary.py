"""Reference values of logistic and count models: glm, glmer, glm.nb, emmeans, sandwich.

Values: ``tests/reference/mixed_oracle.json`` (the founders' oracle) and ``mixed_effects.json``, made by
``mixed_effects.R`` beside it; both name packages and versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from scipy import special

from feedbackstudy.analysis.count import count
from feedbackstudy.analysis.logistic import logistic
from tools.analysis_cases.linear import VALUE, P, Relative, feedback
from tools.analysis_cases.lmer import FULL, answers, effect_values, reference
from tools.psychometrics_reference import Case

GLMER = 1e-4  # glmer's two searches stop before ours
GLM = 5e-6  # glm's errors are those of the last step but one, by its own stopping rule
TERMS = ["timing", "specificity", "framing", "timing:specificity"]
_COLUMNS = {"estimate": ("Estimate", VALUE), "se": ("Std. Error", VALUE), "p": ("Pr(>|z|)", P)}


@cache
def model(name: str) -> Any:  # noqa: ANN401
    """Return one of our models."""
    people, both = {"participant": ["1"]}, {"participant": ["1"], "story": ["1"]}
    day = [*FULL, "day"]
    made = {
        "fb_logit": lambda: logistic(feedback("fb"), "reapply", TERMS),
        "glm": lambda: logistic(answers(), "reply", day),
        "glmer_laplace": lambda: logistic(answers(), "reply", day, random=people),
        "glmer_agq10": lambda: logistic(answers(), "reply", day, random=people, nodes=10),
        "glmer_crossed": lambda: logistic(answers(), "reply", FULL, random=both),
        "clustered": lambda: logistic(answers(), "reply", day, cluster="participant", vcov="CR1S"),
        "poisson": lambda: count(answers(), "hints", day, family="poisson"),
        "nb": lambda: count(answers(), "hints", day),
        "glmer_poisson": lambda: count(answers(), "hints", FULL, family="poisson", random=people),
    }
    return made[name]()


def cases() -> tuple[Case, ...]:
    """Return every reference value of logistic and count models with the call that answers it."""
    return tuple(case for part in (_founders, _replies, _hints) for case in part())


def _case(section: str, what: str, reference: Any, source: str, ours: Any, tolerance: float) -> Case:  # noqa: ANN401
    return Relative(section=section, what=what, reference=reference, source=source, ours=ours, tolerance=tolerance)


def _effects(
    section: str, name: str, known: Sequence[Mapping[str, Any]], call: str, least: float = 0.0
) -> Iterator[Case]:
    for column, (r, tolerance) in _COLUMNS.items():
        values = [row[r] for row in known]
        ours = partial(_column, name, known, column)
        yield _case(section, f"{name}: {column}", values, call, ours, max(tolerance, least * (5 if r[0] == "P" else 1)))


def _column(name: str, known: Sequence[Mapping[str, Any]], column: str) -> list[float]:
    return effect_values(model(name).effects, known, column)


def _founders() -> Iterator[Case]:
    section = "Logistic regression of 400 people"
    known = reference("mixed_oracle")["binary"]
    call = "glm(reapply ~ timing * specificity + framing, binomial)"
    yield from _effects(section, "fb_logit", known["fb_logit"], call)
    for ours, name in (("prob", "prob"), ("SE", "SE"), ("low", "asymp.LCL"), ("high", "asymp.UCL")):
        values = [row[name] for row in known["fb_emm_prob"]]
        yield _case(
            section,
            f"probability at the mean log odds, {name}",
            values,
            'emmeans(type = "response")',
            partial(_back, ours),
            GLM if ours == "SE" else VALUE,
        )


def _back(column: str) -> list[float]:
    """Return log odds turned back to probabilities, as emmeans does: not the mean of probabilities."""
    means = model("fb_logit").means("timing").set_index("cell").loc[["immediate", "delayed"]]
    p = special.expit(means["mean"].to_numpy())
    found = {
        "prob": p,
        "SE": means["se"].to_numpy() * p * (1 - p),
        "low": special.expit(means["low"].to_numpy()),
        "high": special.expit(means["high"].to_numpy()),
    }
    return [float(value) for value in found[column]]


def _replies() -> Iterator[Case]:
    section = "Replies to stories"
    known = reference("mixed_effects")["binary"]
    yield from _effects(section, "glm", known["glm"], "glm(reply ~ timing * framing + day, binomial)")
    yield _case(
        section, "glm: log likelihood", known["loglik"], "logLik(glm)", lambda: model("glm").fit.log_likelihood, VALUE
    )
    for ours, name in (("mean", "emmean"), ("se", "SE")):
        values = [row[name] for row in known["odds"]]
        yield _case(
            section,
            f"glm: log odds of cells, {ours}",
            values,
            "emmeans(glm)",
            partial(_cells, "glm", known["odds"], ours),
            VALUE,
        )
    clustered = known["cl_hc1"]
    values = list(clustered.values()) if isinstance(clustered, dict) else clustered
    yield _case(
        section,
        "standard errors over clusters",
        values,
        "vcovCL(HC1)",
        partial(_column, "clustered", known["glm"], "se"),
        VALUE,
    )
    for name in ("glmer_laplace", "glmer_agq10", "glmer_crossed"):
        yield from _mixed(section, name, known[name], f"glmer(reply ~ ...), {name}")


def _hints() -> Iterator[Case]:
    section = "Counts of hints"
    known = reference("mixed_effects")["count"]
    yield from _effects(section, "poisson", known["poisson"], "glm(hints ~ timing * framing + day, poisson)")
    yield from _effects(section, "nb", known["nb"], "MASS::glm.nb(hints ~ timing * framing + day)")
    values = [known["theta"], known["nb_loglik"]]
    yield _case(section, "nb: theta, log likelihood", values, "MASS::glm.nb", _theta, VALUE)
    for ours, name in (("mean", "emmean"), ("se", "SE")):
        values = [row[name] for row in known["nb_log"]]
        yield _case(
            section,
            f"nb: log rates of cells, {ours}",
            values,
            "emmeans(glm.nb)",
            partial(_cells, "nb", known["nb_log"], ours),
            VALUE,
        )
    yield from _mixed(section, "glmer_poisson", known["glmer"], "glmer(hints ~ ..., poisson)")


def _mixed(section: str, name: str, known: Mapping[str, Any], call: str) -> Iterator[Case]:
    yield from _effects(section, name, known["coef"], call, GLMER)
    yield _case(section, f"{name}: SDs", known["sd"], call, partial(_sds, name), GLMER)
    yield _case(section, f"{name}: log likelihood", known["loglik"], call, partial(_value, name), VALUE)


def _sds(name: str) -> list[float]:
    return [float(sd) for sd in model(name).fit.sd]


def _value(name: str) -> float:
    return float(model(name).fit.log_likelihood)


def _theta() -> list[float]:
    fit = model("nb").fit
    return [float(fit.theta), float(fit.log_likelihood)]


def _cells(name: str, known: Sequence[Mapping[str, Any]], column: str) -> list[float]:
    means = model(name).means("timing", "framing").set_index("cell")[column]
    return [float(means[f"{row['timing']}:{row['framing']}"]) for row in known]
