"""Does the scale measure the same in every group, condition or wave?

Levels are fitted in turn; each is compared with the last that held by a stated rule. Where a level fails, a search can free
the parameters that differ most, one at a time (partial invariance).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from feedbackstudy.errors import DataError, DeclarationError, choices
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.cfa.compare import index_kind
from feedbackstudy.psychometrics.cfa.difference import Difference, difference
from feedbackstudy.psychometrics.cfa.estimate import errors_of, is_ordinal, record, thresholds_of
from feedbackstudy.psychometrics.cfa.estimators import Estimator, estimator_named
from feedbackstudy.psychometrics.cfa.levels import CONTINUOUS, ORDINAL, Place, restrictions, wave_model
from feedbackstudy.psychometrics.cfa.model import FactorModel
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.cfa.sample import Sample, read_sample
from feedbackstudy.psychometrics.cfa.solve import solve
from feedbackstudy.psychometrics.cfa.stated import Stated, stated_model
from feedbackstudy.psychometrics.cfa.table import Options, build
from feedbackstudy.psychometrics.matrix import Items
from feedbackstudy.psychometrics.origin import origin
from feedbackstudy.psychometrics.threads import one_thread
from feedbackstudy.psychometrics.wide import widened
from feedbackstudy.render import Notice, Page, Rendered, Table, table_of

__all__ = ["RULES", "Invariance", "Level", "Rule", "invariance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a level holds against the one before it.

    Attributes
    ----------
    name : str
        Its name.
    cfi, rmsea : float
        Largest fall of CFI and rise of RMSEA that are still accepted.
    alpha : float
        The difference test must not be significant at this level; zero leaves the test out.
    says : str
        The rule in words.
    """

    name: str
    cfi: float = float("inf")
    rmsea: float = float("inf")
    alpha: float = 0.0
    says: str


_RULES = (
    Rule(
        name="cfi_rmsea",
        cfi=0.010,
        rmsea=0.015,
        says="a level holds where CFI falls by at most .010 and RMSEA rises by at most .015 (Chen, 2007)",
    ),
    Rule(name="cfi", cfi=0.010, says="a level holds where CFI falls by at most .010 (Cheung & Rensvold, 2002)"),
    Rule(name="chisq", alpha=0.05, says="a level holds where the chi-square difference test has p of .05 or more"),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}
"""The rules by name; conventions, none of which has a known error rate, except the test's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of invariance.

    Attributes
    ----------
    name : str
        ``configural``, ``thresholds``, ``metric``, ``scalar``, ``strict`` or ``means``.
    fit : CFA
        The model.
    freed : tuple of str
        Parameters exempt from equality.
    against : str
        The level it was compared with; empty for the first.
    test : Difference or None
        The difference test; None for the first level, or where the level restricts nothing.
    delta_cfi, delta_rmsea, delta_srmr : float
        Change against that level.
    holds : bool or None
        Decision; None where there is nothing to decide.
    why : str
        The decision in words.
    """

    name: str
    fit: CFA
    freed: tuple[str, ...] = ()
    against: str = ""
    test: Difference | None = None
    delta_cfi: float = float("nan")
    delta_rmsea: float = float("nan")
    delta_srmr: float = float("nan")
    holds: bool | None = None
    why: str = ""

    @property
    def title(self) -> str:
        """The level, said to be partial where parameters are exempt."""
        return f"{self.name} (partial)" if self.freed else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance(Rendered):
    """Levels of invariance with a decision for each.

    Attributes
    ----------
    levels : tuple of Level
        In the order they were fitted; a failed full level stands before its partial form.
    places : tuple of Place
        Groups or waves.
    kind : {"group", "wave"}
        What is compared.
    rule : Rule
        How decisions are made.
    issues : tuple of Issue
        What was found in the data.
    provenance : Provenance
        How the numbers were made.
    """

    levels: tuple[Level, ...]
    places: tuple[Place, ...]
    kind: str
    rule: Rule
    issues: tuple[Issue, ...]
    provenance: Provenance
    model: FactorModel = field(repr=False)

    def __getitem__(self, name: str) -> Level:
        """Return a level; its last, partial form where there are two."""
        found = [level for level in self.levels if level.name == name]
        if not found:
            raise DataError(choices("Level", name, [level.name for level in self.levels]))
        return found[-1]

    @property
    def reached(self) -> str:
        """The highest level that holds, every level below it holding too; empty where not even the first does."""
        held = ""
        for name in dict.fromkeys(level.name for level in self.levels):
            if name == "means":
                break
            if self[name].holds is False:
                break
            held = self[name].title
        return held

    @property
    def freed(self) -> tuple[str, ...]:
        """Parameters that the search, or the user, exempted in the end."""
        return tuple(dict.fromkeys(name for level in self.levels for name in level.freed))

    @property
    def conditions(self) -> Issues:
        """Everything found in the data and the fits, worst first."""
        found = [issue for level in self.levels for issue in level.fit.issues]
        return Issues(dict.fromkeys((*self.issues, *found)))

    def frame(self) -> pd.DataFrame:
        """Return one row a level.

        Returns
        -------
        DataFrame
            level, against, df, chisq (scaled where it is), cfi, rmsea, srmr, delta_chisq, delta_df, p, delta_cfi,
            delta_rmsea, delta_srmr, holds, freed.
        """
        suffix = _common_index([level.fit for level in self.levels])
        rows = []
        for level in self.levels:
            f, test = level.fit.fit, level.test
            nan = float("nan")
            row: dict[str, object] = {"level": level.title, "against": level.against, "df": f["df"]}
            row |= {"chisq": f.get("chisq.scaled", f["chisq"]), "cfi": f[f"cfi{suffix}"], "rmsea": f[f"rmsea{suffix}"]}
            row |= {"srmr": f["srmr"], "delta_chisq": test.chisq if test else nan, "delta_df": test.df if test else nan}
            row |= {"p": test.p if test else nan, "delta_cfi": level.delta_cfi, "delta_rmsea": level.delta_rmsea}
            row |= {"delta_srmr": level.delta_srmr, "holds": level.holds, "freed": ", ".join(level.freed)}
            rows.append(row)
        return pd.DataFrame(rows)

    def table(self) -> Table:
        """Return the levels as a table.

        Returns
        -------
        Table
            One row a level, with the decision in words.
        """
        word = {True: "holds", False: "does not hold", None: "-"}
        records = [
            {str(name): value for name, value in row.items()} | {"holds": word[level.holds]}
            for row, level in zip(self.frame().to_dict("records"), self.levels, strict=True)
        ]
        return table_of(records)

    def page(self) -> Page:
        """Return the levels as a page.

        Returns
        -------
        Page
            Conditions, decision, table, reasons, origin.
        """
        names = ", ".join(place.name for place in self.places)
        reasons = tuple(Notice(f"{x.title}: {x.why}", "good" if x.holds else "warning") for x in self.levels if x.why)
        verdict = f"Invariance reached: {self.reached or 'none'}. {_MEANING.get(self.reached.split(' ')[0], '')}".strip()
        notice = Notice(verdict, "good" if self.reached.split(" ")[0] in {"scalar", "strict"} else "warning")
        blocks = (*conditions.notices(self.conditions), notice, self.table(), *reasons, self.provenance.facts())
        return Page("Measurement invariance", f"between {self.kind}s {names}; {self.rule.says}", blocks)


_MEANING = {
    "": "The same items do not form the same factors; scores cannot be compared.",
    "configural": "The same items form the same factors, but units differ: neither means nor relations can be compared.",
    "thresholds": "Answers use the same thresholds, but units differ: compare neither means nor relations.",
    "metric": "Units agree: relations with other variables can be compared, means cannot.",
    "scalar": "Origins agree too: means of the factor can be compared.",
    "strict": "Error agrees too: means and variances of the observed score can be compared.",
}


def _common_index(fits: Sequence[CFA]) -> str:
    """Return the kind of CFI and RMSEA that every fit has."""
    kinds = [index_kind(fit) for fit in fits if fit.converged and fit.identified]
    for suffix in (".robust", ".scaled"):
        if kinds and all(not np.isnan(f.fit.get(f"cfi{suffix}", np.nan)) for f in fits if f.converged and f.identified):
            return suffix
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
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
        return ORDINAL if self.thresholds else CONTINUOUS

    def fit(self, level: str, freed: frozenset[str]) -> CFA:
        """Fit a level."""
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
        """Compare a fit with the level before it."""
        made = {"name": name, "fit": fit, "freed": tuple(sorted(freed)), "against": against.title}
        if not (fit.converged and fit.identified and against.fit.converged and against.fit.identified):
            return Level(**made, holds=False, why="It cannot be decided: a model did not converge or is not identified.")  # type: ignore[arg-type]
        if fit.fit["df"] == against.fit.fit["df"]:
            return Level(**made, holds=against.holds, why="It restricts nothing that could be tested with these items.")  # type: ignore[arg-type]
        test = difference(fit.fitted, against.fit.fitted)
        suffix = _common_index([fit, against.fit])
        change = {x: fit.fit[f"{x}{suffix}"] - against.fit.fit[f"{x}{suffix}"] for x in ("cfi", "rmsea")}
        holds, why = _verdict(self.rule, change["cfi"], change["rmsea"], test)
        srmr = fit.fit["srmr"] - against.fit.fit["srmr"]
        return Level(
            **made,  # type: ignore[arg-type]
            test=test,
            delta_cfi=change["cfi"],
            delta_rmsea=change["rmsea"],
            delta_srmr=srmr,
            holds=holds,
            why=why + (f" {test.note}" if test.note else ""),
        )


_ROUNDING = 1e-9  # a change equal to the limit still holds


def _verdict(rule: Rule, cfi: float, rmsea: float, test: Difference) -> tuple[bool, str]:
    said = []
    holds = True
    if np.isfinite(rule.cfi):
        holds &= bool(-cfi <= rule.cfi + _ROUNDING)
        said.append(f"CFI changes by {cfi:+.4f} (limit {-rule.cfi:+.3f})")
    if np.isfinite(rule.rmsea):
        holds &= bool(rmsea <= rule.rmsea + _ROUNDING)
        said.append(f"RMSEA by {rmsea:+.4f} (limit {rule.rmsea:+.3f})")
    if rule.alpha:
        holds &= bool(test.p >= rule.alpha)
        said.append(f"difference test p = {test.p:.4f} (limit {rule.alpha:g})")
    return holds, ", ".join(said) + "."


_RELEASED = {
    "thresholds": ("|",),
    "metric": ("=~",),
    "scalar": ("~1",),
    "strict": ("~~",),
}


def _most_different(task: _Task, level: str, fit: CFA, freed: frozenset[str]) -> str | None:
    """Return the base name of the parameter whose release would help most; two per factor always stay equal."""
    frame = _score_frame(task, level, fit)
    back = {place.at(*key)[0]: "".join(key) for place in task.places for key in _base_keys(task)}
    for row in frame.itertuples():
        name = back.get(str(row.parameter))
        if name is None or name in freed:
            continue
        if _enough_left(task, level, name, freed):
            return name
    return None


def _score_frame(task: _Task, level: str, fit: CFA) -> pd.DataFrame:
    """Return equalities of this level by their score statistic; fixed ones of ordinal items as modification indices."""
    if task.thresholds and level in {"scalar", "strict"}:
        frame = fit.modification_indices()
        wanted = (frame["op"] == "~1") if level == "scalar" else (frame["op"] == "~~") & (frame["lhs"] == frame["rhs"])
        found = frame[wanted & frame["lhs"].isin(fit.items)].rename(columns={"mi": "x2"})
        return found.assign(parameter=found["lhs"] + found["op"] + found["rhs"])
    frame = fit.equality_scores()
    return frame[frame["op"].isin(_RELEASED[level])]


def _base_keys(task: _Task) -> list[tuple[str, str, str]]:
    keys = [(f, "=~", name) for f, names in task.base.loadings().items() for name in names]
    for item in task.base.items:
        keys += [(item, "~1", ""), (item, "~~", item)]
        keys += [(item, "|", f"t{t + 1}") for t in range(max(task.thresholds.values(), default=0))]
    return keys


def _enough_left(task: _Task, level: str, name: str, freed: frozenset[str]) -> bool:
    """Keep two indicators of every factor equal: fewer would not tie its scale between the places."""
    for factor, items in task.base.loadings().items():
        kinds = {"metric": [f"{factor}=~{item}" for item in items], "scalar": [f"{item}~1" for item in items]}
        names = kinds.get(level, [])
        if name in names and sum(n not in freed for n in names) <= 2:
            return False
    return True


def _run(task: _Task, levels: Sequence[str], partial: frozenset[str], *, search: bool) -> list[Level]:
    first = task.fit(levels[0], partial)
    usable = first.converged and first.identified
    why = "The same model in every place; judge it by its own fit." if usable else "The model has no solution."
    found = [Level(name=levels[0], fit=first, holds=usable, why=why)]
    freed, against = partial, found[0]
    for name in levels[1:]:
        full = task.decide(name, task.fit(name, freed), against, freed)
        found.append(full)
        if not full.holds and search and name in _RELEASED and full.fit.converged and full.fit.identified:
            better, freed = _search(task, full, against, freed)
            found += [better] if better is not None else []
        if not found[-1].holds and name != levels[-1]:
            found[-1] = _told(found[-1], stop=not search)
        against = found[-1]
        if not against.fit.converged or not against.fit.identified:
            break
    return found


def _told(level: Level, *, stop: bool) -> Level:
    """Add what a failed level means for the next ones."""
    more = " Later levels rest on one that failed; read them as description." + (" Try search=True." if stop else "")
    return Level(
        name=level.name,
        fit=level.fit,
        freed=level.freed,
        against=level.against,
        test=level.test,
        delta_cfi=level.delta_cfi,
        delta_rmsea=level.delta_rmsea,
        delta_srmr=level.delta_srmr,
        holds=level.holds,
        why=level.why + more,
    )


def _search(task: _Task, failed: Level, against: Level, freed: frozenset[str]) -> tuple[Level | None, frozenset[str]]:
    """Free the worst parameter, refit, compare; until the rule holds or nothing may be freed."""
    current, chosen = failed, freed
    while not current.holds:
        name = _most_different(task, current.name, current.fit, chosen)
        if name is None:
            break
        trial = task.fit(current.name, chosen | {name})
        if not (trial.converged and trial.identified):
            break
        chosen = chosen | {name}
        current = task.decide(current.name, trial, against, chosen)
    return (current if current is not failed else None), chosen


def _levels(asked: Sequence[str] | None, order: tuple[str, ...]) -> tuple[str, ...]:
    if asked is None:
        return tuple(name for name in order if name != "means")
    for name in asked:
        if name not in order:
            raise DeclarationError(choices("Level of invariance", name, order))
    if len(asked) < 2:
        raise DeclarationError("Invariance compares levels; name at least two, such as ('configural', 'metric').")
    return tuple(sorted(set(asked), key=order.index))


def _check_partial(partial: Collection[str], task: _Task) -> None:
    known = ["".join(key) for key in _base_keys(task)]
    for name in partial:
        if name not in known:
            raise DeclarationError(choices("Parameter in partial", name, known))


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
        Where a level fails, free the parameter with the largest score statistic, one at a time, until the rule holds; two
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
    Continuous items: Meredith (1993). Ordinal items: theta parameterization with the identification of Wu & Estabrook (2016).
    Difference tests: plain for ML, Satorra & Bentler (2001) for MLR and MLM, Satorra (2000) for WLSMV. A searched model fits
    by construction better than it should; test it again in new data.
    """
    if (group is None) == (waves is None):
        raise DeclarationError("Give either group=, the column of the groups, or waves=, the occasions; not both.")
    if rule not in RULES:
        raise DeclarationError(choices("Rule", rule, RULES))
    chosen, base = estimator_named(estimator), stated_model(model)
    ordinal = is_ordinal(chosen, ordered, base.items)
    if missing == "fiml" and not chosen.missing:
        raise DeclarationError(f'missing="fiml" needs estimator="ML" or "MLR"; {estimator} uses complete rows.')
    fitted_model, places, table = base, list[Place](), data
    if waves is not None:
        table, names = widened(data, base.items, waves, participant=participant)
        fitted_model, places = wave_model(base, names)
    sample = read_sample(table, fitted_model.items, group=group, missing=missing, ordinal=ordinal)
    if group is not None:
        places = [Place(name=name, group=g, names={}) for g, name in enumerate(sample.names)]
    if len(places) < 2:
        raise DataError(f"There is one {'group' if group else 'wave'} only ({places[0].name!r}); invariance compares two or more.")
    task = _Task(
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
    found = _run(task, _levels(levels, task.order), frozenset(partial), search=search)
    said = (RULES[rule].says, f"{chosen.name}: {chosen.says}", "factor variance one in the first place; the rest follows")
    return Invariance(
        levels=tuple(found),
        places=task.places,
        kind="group" if group else "wave",
        rule=RULES[rule],
        issues=sample.issues,
        provenance=origin("invariance", *said),
        model=base,
    )
