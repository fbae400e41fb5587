"""Reference values of cumulative models: clm, clmm, nominal and scale tests, expected ratings.

Values: ``tests/reference/mixed_oracle.json`` (the founders' oracle) and ``mixed_effects.json``, made by
``mixed_effects.R`` beside it; both name packages and versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from feedbackstudy.analysis.ordinal import OrdinalModel, ordinal
from tools.analysis_cases.linear import VALUE, P, Relative, feedback
from tools.analysis_cases.lmer import FULL, answers, effect_values, reference
from tools.psychometrics_reference import Case

CLMM = 2e-4  # clmm stops its search early; our likelihood is at least as high
TERMS = ["timing", "specificity", "framing", "timing:specificity"]
MIXED: dict[str, tuple[str, list[str], int]] = {
    "laplace": ("logit", ["participant"], 1),
    "laplace_probit": ("probit", ["participant"], 1),
    "agq10": ("logit", ["participant"], 10),
    "crossed": ("logit", ["participant", "story"], 1),
}


@cache
def rated(link: str, *, mixed: bool = False) -> OrdinalModel:
    """Return our model of the ratings of 400 people."""
    random = {"interviewer": ["1"]} if mixed else None
    return ordinal(feedback("fb"), "likert", TERMS, link=link, random=random)  # type: ignore[arg-type]


@cache
def story_ratings(name: str) -> OrdinalModel:
    """Return our model of the ratings of stories."""
    link, names, nodes = MIXED.get(name, (name, [], 1))
    random = {group: ["1"] for group in names} or None
    return ordinal(answers(), "rating", FULL, link=link, random=random, nodes=nodes)  # type: ignore[arg-type]


def cases() -> tuple[Case, ...]:
    """Return every reference value of cumulative models with the call that answers it."""
    return tuple(case for part in (_founders, _means, _stories, _checks) for case in part())


def _case(section: str, what: str, reference: Any, source: str, ours: Any, tolerance: float) -> Case:  # noqa: ANN401
    return Relative(section=section, what=what, reference=reference, source=source, ours=ours, tolerance=tolerance)


def _column(fit: Any, known: Sequence[Mapping[str, Any]], column: str) -> list[float]:  # noqa: ANN401
    """Return thresholds, then effects in R's order."""
    made: OrdinalModel = fit()
    cuts = made.thresholds_frame()
    k = len(cuts)
    if column in ("estimate", "se"):
        return [*cuts[column], *effect_values(made.effects, known[k:], column)]
    return effect_values(made.effects, known[k:], column)


def _coefficients(section: str, fit: Any, known: Mapping[str, Any], call: str, tolerance: float) -> Iterator[Case]:  # noqa: ANN401
    rows = known["coef"]
    k = sum("|" in row["term"] for row in rows)
    for column, name in (("estimate", "Estimate"), ("se", "Std. Error")):
        values = [row[name] for row in rows]
        yield _case(
            section, f"thresholds and effects, {column}", values, call, partial(_column, fit, rows, column), tolerance
        )
    p = [row["Pr(>|z|)"] for row in rows[k:]]
    yield _case(section, "p of effects", p, call, partial(_column, fit, rows, "p"), max(tolerance * 10, P))
    yield _case(section, "log likelihood", known["loglik"], call, partial(_likelihood, fit), VALUE)


def _likelihood(fit: Any) -> float:  # noqa: ANN401
    found: OrdinalModel = fit()
    return found.fit.log_likelihood


def _founders() -> Iterator[Case]:
    known = reference("mixed_oracle")["ordinal"]
    for link in ("probit", "logit"):
        call = f'clm(likert ~ timing * specificity + framing, link = "{link}")'
        yield from _coefficients(
            f"Cumulative {link} of 400 ratings", partial(rated, link), known[f"fb_clm_{link}"], call, VALUE
        )
    call, fit = "clmm(... + (1 | interviewer), probit, Laplace)", partial(rated, "probit", mixed=True)
    mixed = known["fb_clmm_probit_laplace"]
    section = "Cumulative probit of 400 ratings, random interviewer"
    yield from _coefficients(section, fit, mixed, call, CLMM)
    yield _case(section, "SD of interviewers", mixed["sd"], call, lambda: float(fit().fit.sd[0]), CLMM)  # type: ignore[union-attr]


def _means() -> Iterator[Case]:
    section = "Cumulative probit of 400 ratings: marginal means of timing x specificity"
    for key, column, scale in (("fb_emm_mean_class", "mean.class", "response"), ("fb_emm_latent", "emmean", "latent")):
        known = reference("mixed_oracle")["ordinal"][key]
        for ours, name in (("mean", column), ("se", "SE"), ("low", "asymp.LCL"), ("high", "asymp.UCL")):
            values = [row[name] for row in known]
            yield _case(
                section, f"{scale}, {ours}, 4 cells", values, "emmeans(clm)", partial(_cells, known, scale, ours), VALUE
            )


def _cells(known: Sequence[Mapping[str, Any]], scale: str, column: str) -> list[float]:
    means = rated("probit").means("timing", "specificity", scale=scale).set_index("cell")[column]
    return [float(means[f"{row['timing']}:{row['specificity']}"]) for row in known]


def _stories() -> Iterator[Case]:
    known = reference("mixed_effects")["ordinal"]
    for name in ("logit", "probit", *MIXED):
        mixed = name in MIXED
        call = f"{'clmm' if mixed else 'clm'}(rating ~ timing * framing), {name}"
        section = f"Ratings of stories: {name}"
        fit = partial(story_ratings, name)
        yield from _coefficients(section, fit, known[name], call, CLMM if mixed else VALUE)
        if mixed:
            yield _case(section, "SDs", known[name]["sd"], call, partial(_sds, name), CLMM)


def _sds(name: str) -> list[float]:
    fit = story_ratings(name).fit
    return [float(sd) for sd in fit.sd]  # type: ignore[union-attr]


def _checks() -> Iterator[Case]:
    section = "Ratings of stories: proportional odds and equal spread"
    for key in ("nominal", "scale"):
        known = [row for row in reference("mixed_effects")["ordinal"]["tests"][key] if row["LRT"] is not None]
        for column, name in (("statistic", "LRT"), ("df", "Df"), ("p", "Pr(>Chi)")):
            values = [row[name] for row in known]
            ours = partial(_check, key, [row["term"] for row in known], column)
            yield _case(section, f"{key}_test, {name}", values, f"{key}_test(clm)", ours, P if column == "p" else VALUE)


def _check(key: str, terms: Sequence[str], column: str) -> list[float]:
    fit = ordinal(answers(), "rating", ["timing", "framing"])
    found = fit.proportional_odds() if key == "nominal" else fit.scale_tests()
    by_term = {one.term: float(getattr(one, column)) for one in found}
    return [by_term[term] for term in terms]
