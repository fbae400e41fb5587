"""One comparison: what stays the same from level to level, how a level is fitted, decided and searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from feedbackstudy.psychometrics.cfa.difference import difference
from feedbackstudy.psychometrics.cfa.estimate import record
from feedbackstudy.psychometrics.cfa.estimators import Estimator
from feedbackstudy.psychometrics.cfa.levels import CONTINUOUS, ORDINAL, Place, restrictions
from feedbackstudy.psychometrics.cfa.model import FactorModel
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.sample import Sample
from feedbackstudy.psychometrics.cfa.solve import solve
from feedbackstudy.psychometrics.cfa.table import Options, build
from feedbackstudy.psychometrics.invariance.record import Level, common_index
from feedbackstudy.psychometrics.invariance.rules import Rule, verdict

__all__ = ["Task", "base_parameters", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """All that stays the same from level to level."""

    base: FactorModel
    fitted: FactorModel
    places: tuple[Place, ...]
    sample: Sample
    estimator: Estimator
    errors: str
    missing: str
    thresholds: Mapping[str, int]
    rule: Rule

    @property
    def order(self) -> tuple[str, ...]:
        """Levels in their order, for the kind of items."""
        return ORDINAL if self.thresholds else CONTINUOUS

    def fit(self, level: str, freed: frozenset[str]) -> CFA:
        """Fit a level.

        Parameters
        ----------
        level : str
            Member of `order`.
        freed : frozenset of str
            Parameters exempt from equality, such as ``"x3~1"``.

        Returns
        -------
        CFA
            The fit.
        """
        first = {self.places[0].names.get(item, item): item for item in self.base.items}
        base_thresholds = {first[name]: count for name, count in self.thresholds.items() if name in first}
        options = Options(
            n_groups=len(self.sample.names),
            mean_structure=True,
            standardised_factors=True,
            thresholds=self.thresholds,
            parameterization="theta",
            overrides=restrictions(level, self.base, self.places, base_thresholds, freed),
        )
        table = build(self.fitted, options)
        solved = solve(table, self.sample, self.estimator, means=True, errors=self.errors)
        return record(solved, missing=self.missing, made_by="invariance")

    def decide(self, name: str, fit: CFA, against: Level, freed: frozenset[str]) -> Level:
        """Compare a fit with the level before it.

        Parameters
        ----------
        name : str
            The level that was fitted.
        fit : CFA
            Its fit.
        against : Level
            The freer level to compare with.
        freed : frozenset of str
            Parameters exempt from equality in `fit`.

        Returns
        -------
        Level
            With the changes, the decision and its reason; it does not hold where a model has no solution.
        """
        level = Level(name=name, fit=fit, freed=tuple(sorted(freed)), against=against.title)
        if not (_usable(fit) and _usable(against.fit)):
            return replace(
                level, holds=False, why="It cannot be decided: a model did not converge or is not identified."
            )
        if fit.fit["df"] <= against.fit.fit["df"]:
            return replace(
                level, holds=against.holds, why="It restricts nothing that could be tested with these items."
            )
        test = difference(fit.fitted, against.fit.fitted)
        suffix = common_index([fit, against.fit])
        cfi, rmsea = (fit.fit[f"{x}{suffix}"] - against.fit.fit[f"{x}{suffix}"] for x in ("cfi", "rmsea"))
        holds, why = verdict(self.rule, cfi, rmsea, test)
        return replace(
            level,
            test=test,
            delta_cfi=cfi,
            delta_rmsea=rmsea,
            delta_srmr=fit.fit["srmr"] - against.fit.fit["srmr"],
            holds=holds,
            why=f"{why} {test.note}".strip(),
        )


def _usable(fit: CFA) -> bool:
    return fit.converged and fit.identified


_RELEASED = {
    "thresholds": ("|",),
    "metric": ("=~",),
    "scalar": ("~1",),
    "strict": ("~~",),
}


def _most_different(task: Task, level: str, fit: CFA, freed: frozenset[str]) -> str | None:
    """Return the base name of the parameter whose release would help most; two per factor always stay equal."""
    frame = _score_frame(task, level, fit)
    back = {place.at(*key)[0]: "".join(key) for place in task.places for key in base_parameters(task)}
    for row in frame.itertuples():
        name = back.get(str(row.parameter))
        if name is None or name in freed:
            continue
        if _enough_left(task, level, name, freed):
            return name
    return None


def _score_frame(task: Task, level: str, fit: CFA) -> pd.DataFrame:
    """Return equalities of this level by their score statistic; fixed ones of ordinal items as modification indices."""
    if task.thresholds and level in {"scalar", "strict"}:
        frame = fit.modification_indices()
        wanted = (frame["op"] == "~1") if level == "scalar" else (frame["op"] == "~~") & (frame["lhs"] == frame["rhs"])
        found = frame[wanted & frame["lhs"].isin(fit.items)].rename(columns={"mi": "x2"})
        return found.assign(parameter=found["lhs"] + found["op"] + found["rhs"])
    frame = fit.equality_scores()
    return frame[frame["op"].isin(_RELEASED[level])]


def base_parameters(task: Task) -> list[tuple[str, str, str]]:
    """Return what can be equal between places: loadings, intercepts, residual variances, thresholds.

    Parameters
    ----------
    task : Task
        The comparison.

    Returns
    -------
    list of (str, str, str)
        Left-hand variable, operator and right-hand variable, in the names of the base model.
    """
    keys = [(f, "=~", name) for f, names in task.base.loadings().items() for name in names]
    for item in task.base.items:
        keys += [(item, "~1", ""), (item, "~~", item)]
        keys += [(item, "|", f"t{t + 1}") for t in range(max(task.thresholds.values(), default=0))]
    return keys


def _enough_left(task: Task, level: str, name: str, freed: frozenset[str]) -> bool:
    """Keep two indicators of every factor equal: fewer would not tie its scale between the places."""
    for factor, items in task.base.loadings().items():
        kinds = {"metric": [f"{factor}=~{item}" for item in items], "scalar": [f"{item}~1" for item in items]}
        names = kinds.get(level, [])
        if name in names and sum(n not in freed for n in names) <= 2:
            return False
    return True


def run(task: Task, levels: Sequence[str], partial: frozenset[str], *, search: bool) -> list[Level]:
    """Fit and decide the levels in turn, searching where one fails and that is asked for.

    Parameters
    ----------
    task : Task
        The comparison.
    levels : sequence of str
        Members of ``task.order``, freest first.
    partial : frozenset of str
        Parameters exempt from equality from the start.
    search : bool
        Whether to free parameters one by one where a level fails.

    Returns
    -------
    list of Level
        A failed level stands before its partial form; none follows a restricted level without a solution.
    """
    first = task.fit(levels[0], partial)
    usable = first.converged and first.identified
    why = "The same model in every place; judge it by its own fit." if usable else "The model has no solution."
    found = [Level(name=levels[0], fit=first, holds=usable, why=why)]
    freed = partial
    for name in levels[1:]:
        fit = task.fit(name, freed)
        against = _freer(found, fit)
        full = task.decide(name, fit, against, freed)
        found.append(full)
        if not full.holds and search and name in _RELEASED and _usable(full.fit):
            better, freed = _search(task, full, against, freed)
            found += [better] if better is not None else []
        if not found[-1].holds and name != levels[-1]:
            found[-1] = _told(found[-1], stop=not search)
        if not _usable(found[-1].fit):
            break
    return found


def _freer(found: Sequence[Level], fit: CFA) -> Level:
    """Return the last level a fit restricts: items of two categories regain residual variances when scalar."""
    last = found[-1]
    if fit.fit["df"] >= last.fit.fit["df"]:
        return last
    return next((level for level in reversed(found) if level.fit.fit["df"] < fit.fit["df"]), last)


def _told(level: Level, *, stop: bool) -> Level:
    """Add what a failed level means for the next ones."""
    more = " Later levels rest on one that failed; read them as description." + (" Try search=True." if stop else "")
    return replace(level, why=level.why + more)


def _search(task: Task, failed: Level, against: Level, freed: frozenset[str]) -> tuple[Level | None, frozenset[str]]:
    """Free the worst parameter, refit, compare; until the rule holds or nothing may be freed."""
    current, chosen = failed, freed
    while not current.holds:
        name = _most_different(task, current.name, current.fit, chosen)
        if name is None:
            break
        trial = task.fit(current.name, chosen | {name})
        if not _usable(trial):
            break
        chosen = chosen | {name}
        current = task.decide(current.name, trial, against, chosen)
    return (current if current is not failed else None), chosen
