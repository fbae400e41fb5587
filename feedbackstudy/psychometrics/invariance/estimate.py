"""`invariance`: whether the scale measures the same in every group, condition or wave.

Levels are fitted in turn; each is compared with the last that held by a stated rule. Where a level fails, a search can
free the parameters that differ most, one at a time (partial invariance).
"""

from collections.abc import Collection, Mapping, Sequence

from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.psychometrics.cfa.estimate import errors_of, is_ordinal, thresholds_of
from feedbackstudy.psychometrics.cfa.estimators import Estimator, estimator_named
from feedbackstudy.psychometrics.cfa.levels import Place, wave_model
from feedbackstudy.psychometrics.cfa.sample import read_sample
from feedbackstudy.psychometrics.cfa.stated import Stated, stated_model
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.psychometrics.invariance.rules import RULES
from feedbackstudy.psychometrics.invariance.task import Task, base_parameters, run
from feedbackstudy.psychometrics.invariance.wide import widened
from feedbackstudy.psychometrics.matrix import Items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread

__all__ = ["invariance"]


_SCALE = "factor variance one in the first place; the rest follows"


def _levels(asked: Sequence[str] | None, order: tuple[str, ...]) -> tuple[str, ...]:
    if asked is None:
        return tuple(name for name in order if name != "means")
    for name in asked:
        if name not in order:
            raise DeclarationError(choices("Level of invariance", name, order))
    if len(asked) < 2:
        raise DeclarationError("Invariance compares levels; name at least two, such as ('configural', 'metric').")
    return tuple(sorted(set(asked), key=order.index))


def _check_partial(partial: Collection[str], task: Task) -> None:
    known = ["".join(key) for key in base_parameters(task)]
    for name in partial:
        if name not in known:
            raise DeclarationError(choices("Parameter in partial", name, known))


def _refuse_options(chosen: Estimator, group: str | None, waves: object, rule: str, missing: str) -> None:
    if (group is None) == (waves is None):
        raise DeclarationError("Give either group=, the column of the groups, or waves=, the occasions; not both.")
    if rule not in RULES:
        raise DeclarationError(choices("Rule", rule, RULES))
    if missing == "fiml" and not chosen.missing:
        raise DeclarationError(f'missing="fiml" needs estimator="ML" or "MLR"; {chosen.name} uses complete rows.')


@one_thread()
def invariance(
    data: Items,
    model: Stated,
    *,
    group: str | None = None,
    waves: str | Mapping[str, Mapping[str, str]] | None = None,
    participant: str = "participant",
    estimator: str = "MLR",
    missing: str = "listwise",
    ordered: Collection[str] | str | None = None,
    levels: Sequence[str] | None = None,
    rule: str = "cfi_rmsea",
    partial: Collection[str] = (),
    search: bool = False,
) -> Invariance:
    """Test whether a scale measures the same in every group or at every wave.

    Parameters
    ----------
    data : DataFrame
        One row a person; for `waves` given as a column, one row a person and occasion.
    model : str, mapping, FactorModel or Scale
        The model of one group or wave.
    group : str, optional
        Column of the groups, such as the experimental condition.
    waves : str or mapping, optional
        Column of the occasions in long data, or ``{wave: {item: column}}`` in wide data. Give this or `group`.
    participant : str, default "participant"
        Column that names the person, for long data.
    estimator : str, default "MLR"
        ML, MLR, MLM ... for continuous items; WLSMV or ULSMV for ordinal ones.
    missing : {"listwise", "fiml"}
        Rows used.
    ordered : collection of str or "all", optional
        Ordinal items; by default all for WLSMV.
    levels : sequence of str, optional
        Which levels; all but equal means by default. Continuous: configural, metric, scalar, strict, means. Ordinal:
        configural, thresholds, metric, scalar, strict, means.
    rule : {"cfi_rmsea", "cfi", "chisq"}
        How a level is decided; see `RULES`.
    partial : collection of str
        Parameters exempt from equality from the start, such as ``"x3~1"``.
    search : bool, default False
        Where a level fails, free the parameter with the largest score statistic, one at a time, until the rule holds;
        two
        indicators of each factor always stay equal.

    Returns
    -------
    Invariance
        One row a level, with tests, changes of fit and a decision.

    Raises
    ------
    DataError
        For data that cannot be fitted, such as a group with one person or without a category.
    DeclarationError
        For a model or option that contradicts itself.

    Notes
    -----
    Continuous items: Meredith (1993). Ordinal items: theta parameterization with the identification of Wu & Estabrook
    (2016).
    Difference tests: plain for ML, Satorra & Bentler (2001) for MLR and MLM, Satorra (2000) for WLSMV. A searched
    model fits
    by construction better than it should; test it again in new data.
    """
    chosen, base = estimator_named(estimator), stated_model(model)
    _refuse_options(chosen, group, waves, rule, missing)
    ordinal = is_ordinal(chosen, ordered, base.items)
    fitted_model, places, table = base, list[Place](), data
    if waves is not None:
        table, names = widened(data, base.items, waves, participant=participant)
        fitted_model, places = wave_model(base, names)
    sample = read_sample(table, fitted_model.items, group=group, missing=missing, ordinal=ordinal)
    if group is not None:
        places = [Place(name=name, group=g, names={}) for g, name in enumerate(sample.names)]
    if len(places) < 2:
        raise DataError(
            f"There is one {'group' if group else 'wave'} only ({places[0].name!r}); invariance compares two or more."
        )
    task = Task(
        base=base,
        fitted=fitted_model,
        places=tuple(places),
        sample=sample,
        estimator=chosen,
        errors=errors_of(chosen, "default", missing),
        missing=missing,
        thresholds=thresholds_of(sample),
        rule=RULES[rule],
    )
    _check_partial(partial, task)
    found = run(task, _levels(levels, task.order), frozenset(partial), search=search)
    said = (RULES[rule].says, f"{chosen.name}: {chosen.says}", _SCALE)
    return Invariance(
        levels=tuple(found),
        places=task.places,
        kind="group" if group else "wave",
        rule=RULES[rule],
        issues=sample.issues,
        provenance=origin("invariance", *said),
        model=base,
    )
