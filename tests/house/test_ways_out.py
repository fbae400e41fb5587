"""Every result of the analysis room leads out to R, and to PyMC where it is Bayesian or says why not."""

import importlib
import inspect
import pkgutil

import feedbackstudy.analysis
from feedbackstudy.render import Rendered

OF_AN_ANSWER = "a picture or a summary of an answer, whose own pymc_model builds the model behind it"
BAYESIAN = {
    "answer.Answer",
    "bayes_effect.EffectBayesFactor",
    "bayes_models.BayesFactors",
    "bayesian.latent_mediation.LatentMediation",
    "bayesian.sampled_cells.SampledCells",
    "longitudinal_result.Longitudinal",
    "manipulating.ManipulationChecks",
    "mediation_result.Mediation",
}
WITHOUT_PYMC = {
    "confounding.Confounding": "a curve over the posterior of a mediation, which has the model",
    "estimate.Estimates": "a table of answers, each of which has its model",
    "mediation_views.ConditionalEffects": OF_AN_ANSWER,
    "mediation_views.EffectDraws": OF_AN_ANSWER,
    "posterior.Posterior": OF_AN_ANSWER,
    "prior_posterior.PriorPosterior": OF_AN_ANSWER,
    "multiverse_result.Multiverse": "thousands of models; that of one specification is analyse's on its rows",
}


def results() -> dict[str, type]:
    found = {}
    root = "feedbackstudy.analysis."
    for module in pkgutil.walk_packages(feedbackstudy.analysis.__path__, root):
        for name, what in vars(importlib.import_module(module.name)).items():
            public = not name.startswith("_") and inspect.isclass(what) and what.__module__ == module.name
            # What is abstract is what results share, and no result.
            if public and issubclass(what, Rendered) and not inspect.isabstract(what):
                found[f"{module.name.removeprefix(root)}.{name}"] = what
    return found


def test_every_result_has_an_r_script():
    assert [name for name, what in results().items() if not callable(getattr(what, "r_script", None))] == []


def test_every_bayesian_result_gives_its_model_or_a_reason():
    having = {name for name, what in results().items() if callable(getattr(what, "pymc_model", None))}

    assert having == BAYESIAN
    assert not having & set(WITHOUT_PYMC)
    # What holds a posterior or a Bayes factor, by the names of its fields, has a model or is named with a reason.
    marks = {"posterior", "posteriors", "bayesian", "log_bayes_factor", "median", "hdi_low"}
    bayesian = {name for name, what in results().items() if marks & set(getattr(what, "__dataclass_fields__", ()))}
    assert bayesian - having <= set(WITHOUT_PYMC), bayesian - having
    assert set(WITHOUT_PYMC) <= set(results())


def test_every_public_function_of_the_room_returns_a_result_that_leads_out():
    """What a public function returns, by its annotation, is among the results, all of which have a script."""
    names = {name.rpartition(".")[2] for name in results()}
    for name in feedbackstudy.analysis.__all__:
        function = getattr(feedbackstudy.analysis, name)
        if not inspect.isfunction(inspect.unwrap(function)):
            continue
        made = str(inspect.signature(inspect.unwrap(function)).return_annotation).rpartition(".")[2].strip("'>\" ")
        if made == "Estimate":
            continue  # `custom`: one row of a user's own, marked as such
        assert made in names, (name, made)
