"""What a diagnosis says of itself: how the plan is applied to batched rows, and what these pass over."""

from feedbackstudy.analysis.frequentist.assigned_clusters import NO_UNITS
from feedbackstudy.design.comparisons import CellsVsArm
from feedbackstudy.power.answering import Setting
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.imputing import IMPUTATIONS
from feedbackstudy.power.summarising import undecided
from feedbackstudy.simulate.draw import BLOCK
from feedbackstudy.study import Study

__all__ = ["applied", "notes_of", "strata_of"]


def applied(setting: Setting) -> list[str]:
    """Say how the plan's exclusions, missing rule, random factors and weights are applied.

    Parameters
    ----------
    setting : Setting
        How the study answers.

    Returns
    -------
    list of str
        Conventions, one line each.
    """
    study, said = setting.model.study, []
    plan = study.plan
    if setting.screen.rules:
        names = ", ".join(rule.name for rule in setting.screen.rules)
        said.append(f"exclusions applied: {names}; an attention check counts at every wave unless the rule names one")
    if plan.missing == "listwise":
        said.append("missing: listwise, each hypothesis by its complete cases")
    else:
        same = "" if plan.missing == "multiple_imputation" else ", which FIML equals in large samples"
        among = f" and effects of {', '.join(setting.random)}" if setting.random else ""
        said.append(
            f"missing: {IMPUTATIONS} multiple imputations{same}, by cells, covariates, the outcome at other "
            f"waves{among}; ratios of variances from complete cases"
        )
    if study.assignment.method == "stepped_wedge":
        said.append("stepped wedge: periods are fixed effects")
    given = setting.model.given
    if given is not None:
        said.append("people, units and strata are those of the allocation; its scheme is drawn anew for each block")
    if given is not None and given.weighted:
        said.append(
            "rows weighted by the inverse of their probability of assignment, with HC3 and rows minus coefficients "
            "degrees of freedom, as analyse does"
        )
    strata = strata_of(study) if given is None else []
    if strata:
        said.append(
            f"strata by {', '.join(strata)} are assigned as declared; the {BLOCK} replicates of a block share one "
            "allocation, and with it who is in which stratum"
        )
    said += _on_units(setting)
    said.append(
        "n counts stories; people are a random factor by their intercept, as in analyse (a World has one effect for "
        "all people; power.random_slope takes effects that differ between them)"
        if setting.told
        else "n counts participants"
    )
    if setting.model.world.effects == "priors":
        said.append("effects drawn from the priors in every replicate: power is assurance, truth the prior's mean")
    return said


def strata_of(study: Study) -> list[str]:
    """Return the covariates within whose categories a study assigns.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    list of str
        Their names; units that make strata are not among them.
    """
    return [name for name in study.assignment.by if name in study.covariates.names]


def _on_units(setting: Setting) -> list[str]:
    """Say how units that contain people, and other random factors, enter."""
    said, study = [], setting.model.study
    if setting.random:
        said.append(f"random intercepts by REML, bounded at 0, Satterthwaite: {', '.join(setting.random)}")
    outer = setting.random[-1] if setting.random and not set(setting.random) & set(NO_UNITS) else ""
    if outer and any(factor.assigned_to == outer for factor in study.factors):
        said.append(
            f"whole {outer} clusters compared, their variance estimated as 0: mean square between clusters "
            "as error, as analyse does (t test of clusters' means where they have one size)"
        )
    alone = [name for name, n in list(setting.model.numbers.items())[1:] if n == setting.model.n]
    if alone:
        said.append(f"every {' and '.join(alone)} has one person: no random factor, as in analyse")
    return said


def _in_place(asked: tuple[Asked, ...]) -> list[str]:
    """Say where something else than the model of analyse answers, or nothing is decided."""
    said = []
    paths = [each.hypothesis.name for each in asked if each.approximated and each.hypothesis.path is not None]
    if paths:
        said.append(
            f"{', '.join(paths)}: analyse answers no path to an outcome that is no score, and leaves these unanswered; "
            "the power here is that of linear legs."
        )
    stands = [each.hypothesis.name for each in asked if each.approximated and each.hypothesis.path is None]
    if stands:
        said.append(
            f"{', '.join(stands)}: analyse takes a logistic, negative binomial or cumulative probit model here, with "
            "random intercepts by Laplace's approximation. Beside covariates or random intercepts it is not fitted in "
            "batches; a linear model stands in: effects are in the outcome's points, tests are t tests. In Python, "
            "power.diagnose(study, world, seed=..., analysis=power.by_analyse) takes the model itself, row by row; the "
            "command line has no such option."
        )
    several = [each for each in asked if each.kind == "omnibus"]
    names = [each.hypothesis.name for each in several if undecided(each, each.question.criterion)]
    if names:
        said.append(
            f"{', '.join(names)}: several contrasts at once, for which batched rows have an F test and no region, "
            "smallest effect or Bayes factor; how often the criterion decides is left open. Name 'level' and 'against' "
            "for one contrast, or decide by p."
        )
    each_alone = [e.hypothesis.name for e in several if isinstance(e.hypothesis.contrast, CellsVsArm)]
    if each_alone:
        said.append(
            f"{', '.join(each_alone)}: analyse decides on each cell against the arm, adjusted within the hypothesis; "
            "the power here is that of the F test of all of them at once."
        )
    return said


def _without_weights(setting: Setting, asked: tuple[Asked, ...]) -> list[str]:
    """Say where analyse has no weights for an answer."""
    said: list[str] = []
    given = setting.model.given
    if given is None or not given.weighted:
        return said
    names = [each.hypothesis.name for each in asked if each.unweighted]
    if names:
        said.append(
            f"{', '.join(names)}: analyse does not weight paths and Bayesian answers by the probabilities of "
            "assignment, which differ between people, and decides nothing by them."
        )
    other = [each.hypothesis.name for each in asked if each.question.family != "gaussian" and each.kind != "path"]
    if other:
        said.append(
            f"{', '.join(other)}: analyse combines no weights by the probability of assignment with a model of such an "
            "outcome, and leaves these unanswered: all fits count as failed. Adjust for the strata instead."
        )
    return said


def notes_of(setting: Setting, asked: tuple[Asked, ...]) -> list[str]:
    """Say what of the plan the batched rows pass over, for which hypotheses.

    Parameters
    ----------
    setting : Setting
        How the study answers.
    asked : tuple of Asked
        The hypotheses.

    Returns
    -------
    list of str
        Notes, one line each.
    """
    notes, plan = [], setting.model.study.plan
    if setting.screen.unapplied:
        names = ", ".join(rule.name for rule in setting.screen.unapplied)
        notes.append(f"The exclusions {names} need single items and are not applied; an 'analysis' of your own can.")
    alone = [each.hypothesis.name for each in asked if each.kind not in {"cells", "welch"}]
    if plan.missing != "listwise" and alone:
        notes.append(f"{', '.join(alone)}: complete cases, since only contrasts of cells are imputed.")
    notes += _in_place(asked) + _without_weights(setting, asked)
    if setting.model.world.exemplar_by_cell and setting.model.exemplars:
        notes.append(
            "Effects differ between exemplars (exemplar_by_cell), which an intercept of the exemplar does not hold, "
            "here and in analyse: intervals are too narrow for messages at large; see power.exemplars."
        )
    second = [e.hypothesis.name for e in asked if e.compared is not None and "second" in e.compared.on]
    if second:
        notes.append(
            f"{', '.join(second)}: slopes between scores are the same in all cells of a World, so a moderated second "
            "part is estimated and truly 0; power.mediation takes a path for each group."
        )
    paths = [each.hypothesis.name for each in asked if each.kind == "path"]
    if setting.resampled is not None and paths:
        notes.append(
            f"{', '.join(paths)}: least squares with standard errors robust to clusters ({setting.resampled}), on "
            "clusters - 1 degrees of freedom, where analyse resamples whole clusters."
        )
    return notes
