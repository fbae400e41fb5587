"""`PolicyPlan`: everything about the judgement of a policy that is fixed before anybody looks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many, from_document, to_document
from feedbackstudy.named import Line, Name, Named, Real
from feedbackstudy.policy.declared.applications import ApplicationColumns, Window
from feedbackstudy.policy.declared.deciding import DecisionRule, DisclosureRule, Looks
from feedbackstudy.policy.declared.metrics import Metric
from feedbackstudy.policy.declared.treatment import Experiment, Rollout, Treatment
from feedbackstudy.yamlfile import YamlValue

__all__ = ["PolicyPlan"]


def _one_error_rate(data: dict[str, YamlValue]) -> dict[str, YamlValue]:
    """Version 1 stated the error rate twice; the level of intervals, by which everything was done, says it now."""
    return {key: value for key, value in data.items() if key != "alpha"}


class PolicyPlan(Declaration):
    """The plan of a policy test.

    Attributes
    ----------
    title, question : str
        What it is called, and what it wants to know.
    columns : ApplicationColumns
        The table.
    window : Window
        The time.
    treatment : Experiment or Rollout
        Who got the policy, and how that was decided.
    metrics : Named of Metric
        What it is judged by; exactly one is primary.
    clusters : tuple of str
        Columns whose groups are independent of each other, the one that decides first; with a treatment of units
        these come first.
    adjust : tuple of str
        Factor columns that the adjusted model holds constant.
    subgroups : tuple of str
        Columns within whose levels effects are shown, named before anybody looks.
    equity_groups : tuple of str
        Columns for adverse impact; they enter no model.
    estimand : {"ITT", "CACE"}
        Effect of being assigned, or of being delivered to those who are when assigned.
    multiplicity : {"holm", "bonferroni", "fdr_bh", "none"}
        Correction over the secondary metrics.
    interval_level : float
        Level of intervals; whatever is decided by them or by p values has the error rate 1 - level.
    looks : Looks
        When results may be looked at.
    decision : DecisionRule or None
        What will be done with the answer.
    disclosure : DisclosureRule
        What may leave the house.
    seed : int
        Seed of permutations and draws.
    """

    schema_version: ClassVar[int] = 2
    migrations: ClassVar[Mapping[int, Callable[[dict[str, YamlValue]], dict[str, YamlValue]]]] = {1: _one_error_rate}

    title: Line
    question: str = ""
    columns: ApplicationColumns
    window: Window
    treatment: Treatment
    metrics: Named[Metric]
    clusters: Many[Line] = ()
    adjust: Many[Line] = ()
    subgroups: Many[Line] = ()
    equity_groups: Many[Line] = ()
    estimand: Literal["ITT", "CACE"] = "ITT"
    multiplicity: Literal["holm", "bonferroni", "fdr_bh", "none"] = "holm"
    interval_level: Real = 0.95
    looks: Looks = Looks()
    decision: DecisionRule | None = None
    disclosure: DisclosureRule = DisclosureRule()
    seed: int = 1

    @model_validator(mode="after")
    def _has_one_primary_metric(self) -> Self:
        primary = [metric.name for metric in self.metrics if metric.role == "primary"]
        if len(primary) != 1:
            raise ValueError(f"exactly one metric is primary; given {primary or 'none'} of {list(self.metrics.names)}.")
        if self.decision is not None and self.metrics.get(self.decision.metric) is None:
            raise ValueError(
                f"the decision is about {self.decision.metric!r}, which is no metric: {list(self.metrics.names)}."
            )
        strange = sorted(set(self.looks.tuned_se) - set(self.metrics.names))
        if strange:
            raise ValueError(f"looks.tuned_se names {strange[0]!r}, which is no metric: {list(self.metrics.names)}.")
        return self

    @model_validator(mode="after")
    def _has_the_posterior_of_cells(self) -> Self:
        rule = self.decision
        if rule is None or rule.posterior != "cells":
            return self
        kind = self.metrics[rule.metric].kind
        if not isinstance(self.treatment, Rollout) or kind not in {"proportion", "ordinal"}:
            raise ValueError(
                f"the posterior of cells is that of a share or an ordered rating in a roll-out; {rule.metric!r} is a "
                f"{kind} in a {self.treatment.kind}. Choose posterior: estimate."
            )
        return self

    @model_validator(mode="after")
    def _adjusts_for_nothing_twice(self) -> Self:
        if not 0 < self.interval_level < 1:
            raise ValueError(f"interval_level is {self.interval_level:g}; give a probability between 0 and 1.")
        taken = set(self.adjust) & {column for metric in self.metrics for column in metric.columns}
        if taken:
            raise ValueError(f"{min(taken)!r} is a metric's column and adjusted for at once.")
        if set(self.equity_groups) & set(self.adjust):
            raise ValueError("a column of equity_groups enters no model; take it out of 'adjust'.")
        return self

    @property
    def design_hash(self) -> str:
        """SHA-256 of everything that the plan fixes; registrations, ledgers and results carry it."""
        return self.digest()

    @property
    def primary(self) -> Metric:
        """The primary metric."""
        return next(metric for metric in self.metrics if metric.role == "primary")

    @property
    def in_order_of_role(self) -> tuple[Metric, ...]:
        """The metrics as results show them: what decides first."""
        order = ("primary", "co_primary", "guardrail", "secondary", "fidelity")
        return tuple(sorted(self.metrics, key=lambda metric: order.index(metric.role)))

    @property
    def unit(self) -> str | None:
        """Column of the units that were assigned; None where applications were."""
        return self.treatment.unit

    @property
    def clusterings(self) -> tuple[str, ...]:
        """Columns of the clusters, the unit of assignment first: it decides."""
        own = (self.unit,) if self.unit is not None else ()
        return tuple(dict.fromkeys((*own, *self.clusters)))

    @property
    def rollout(self) -> Rollout | None:
        """The roll-out, where the treatment is one."""
        return self.treatment if isinstance(self.treatment, Rollout) else None

    @property
    def experiment(self) -> Experiment | None:
        """The experiment, where the treatment is one."""
        return self.treatment if isinstance(self.treatment, Experiment) else None

    def metric(self, name: Name) -> Metric:
        """Return a metric by its name.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        Metric
            The metric.
        """
        return self.metrics[name]

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a plan from YAML.

        Parameters
        ----------
        path : Path or str
            The file.

        Returns
        -------
        PolicyPlan
            The plan.

        Raises
        ------
        DeclarationError
            With file, line, the nearest valid key and what is allowed.
        """
        return from_document(cls, Path(path))

    def save(self, path: Path | str) -> Path:
        """Write the plan as YAML, whole or not at all.

        Parameters
        ----------
        path : Path or str
            The file.

        Returns
        -------
        Path
            The file written.
        """
        return to_document(self, Path(path))
