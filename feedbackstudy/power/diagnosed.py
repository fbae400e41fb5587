"""What `diagnose` returns: one row for each hypothesis, every figure with its Monte-Carlo error."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pandas as pd

from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.power.assumed import assumed_blocks
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of

__all__ = ["Diagnosis", "HypothesisDiagnosis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisDiagnosis:
    """What the invented studies say about one hypothesis; NaN where a figure has no meaning.

    Attributes
    ----------
    hypothesis, outcome, occasion, contrast, model : str
        What is asked, and how it is answered.
    truth : float
        True value, in units of the score.
    truth_sd : float
        The same in standard deviations of the score within cells.
    power, power_mcse : float
        Share of significant results (unadjusted, two-sided) among fits that did not fail; type I error where the
        truth is 0.
    power_low, power_high : float
        The same with failures counted as missed, and as found.
    power_exact : float
        Exact power for a normal outcome, where nothing goes wrong with the data.
    power_adjusted, power_adjusted_mcse : float
        Adjusted for multiplicity within the plan's family.
    decided, decided_mcse : float
        Share in which the plan's own criterion says what the hypothesis expects.
    criterion : str
        That criterion.
    bias, bias_mcse, rmse, rmse_mcse, coverage, coverage_mcse, width, width_mcse : float
        Of estimate and interval.
    type_s, type_s_mcse, type_m, type_m_mcse : float
        Wrong signs, and exaggeration, among significant results.
    equivalence, equivalence_mcse : float
        Share found equivalent within plus and minus the smallest effect of interest.
    in_rope, in_rope_mcse : float
        Share with the deciding mass inside the region of practical equivalence.
    failed, failed_mcse : float
        Share of fits without an answer.
    n_mean : float
        Rows that entered, on average.
    """

    hypothesis: str
    outcome: str
    occasion: str
    contrast: str
    model: str
    truth: float
    truth_sd: float
    power: float
    power_mcse: float
    power_low: float
    power_high: float
    power_exact: float
    power_adjusted: float
    power_adjusted_mcse: float
    decided: float
    decided_mcse: float
    criterion: str
    bias: float
    bias_mcse: float
    rmse: float
    rmse_mcse: float
    coverage: float
    coverage_mcse: float
    width: float
    width_mcse: float
    type_s: float
    type_s_mcse: float
    type_m: float
    type_m_mcse: float
    equivalence: float
    equivalence_mcse: float
    in_rope: float
    in_rope_mcse: float
    failed: float
    failed_mcse: float
    n_mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis(Rendered):
    """What a study would find in an assumed world.

    Attributes
    ----------
    rows : tuple of HypothesisDiagnosis
        One for each hypothesis.
    alpha : float
        Level of the tests.
    n_simulations : int
        Invented studies.
    any_decided, all_decided : float
        Shares of studies in which at least one, or each, of `jointly` is decided as expected.
    jointly : tuple of str
        The confirmatory hypotheses; all where none is.
    engine : str
        How the answers were made.
    numbers : mapping of str to int
        Units -> how many.
    assumed : tuple of (str, str)
        What was assumed, in words.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        World, seed, conventions.
    """

    rows: tuple[HypothesisDiagnosis, ...]
    alpha: float
    n_simulations: int
    any_decided: float
    all_decided: float
    jointly: tuple[str, ...]
    engine: str
    numbers: Mapping[str, int]
    assumed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...]
    provenance: Provenance

    def __getitem__(self, hypothesis: str) -> HypothesisDiagnosis:
        """Return one hypothesis by its name."""
        for row in self.rows:
            if row.hypothesis == hypothesis:
                return row
        raise NotFoundError(choices("Hypothesis", hypothesis, [row.hypothesis for row in self.rows]))

    def frame(self) -> pd.DataFrame:
        """Return one row for each hypothesis.

        Returns
        -------
        DataFrame
            Columns as the attributes of `HypothesisDiagnosis`.
        """
        names = [field.name for field in fields(HypothesisDiagnosis)]
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.rows], columns=names)

    def page(self) -> Page:
        """Return the figures as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = [
            ("units", ", ".join(f"{n:,} {name}" for name, n in self.numbers.items())),
            ("alpha", f"{number(self.alpha, unit_interval=True)}, two-sided"),
        ]
        if len(self.jointly) > 1:
            facts.append(("decided as expected", f"any {number(self.any_decided)}, all {number(self.all_decided)}"))
            facts.append(("of these", ", ".join(self.jointly)))
        facts.append(("engine", self.engine))
        lost = [row for row in self.rows if row.failed > 0]
        blocks: list[Block] = [Facts(tuple(facts)), *self._tables(), Facts(_LEGEND)]
        blocks += [
            Notice(
                f"{r.hypothesis}: {r.failed:.1%} of fits failed; power from {r.power_low:.3f} to {r.power_high:.3f}."
            )
            for r in lost
        ]
        blocks += [Notice(note) for note in self.notes]
        blocks += assumed_blocks(self.assumed)
        return Page(title="Diagnosis", blocks=(*blocks, self.provenance.facts()))

    def _tables(self) -> list[Block]:
        """Return two tables narrow enough for a terminal: what is found, and how well it is measured."""
        found = [
            {"hypothesis": row.hypothesis, "contrast": row.contrast, "true effect (sd)": number(row.truth_sd, 2)}
            | {_HEADS[name]: _with_error(row, name) for name in ("power", "decided", "equivalence")}
            for row in self.rows
        ]
        measured = [
            {"hypothesis": row.hypothesis}
            | {_HEADS[name]: _with_error(row, name) for name in ("bias", "coverage", "width", "type_s", "type_m")}
            | {"failed": f"{row.failed:.1%}", "rows": number(round(row.n_mean)) if row.n_mean == row.n_mean else ""}
            for row in self.rows
        ]
        return [
            table_of(found, caption="What the study would find (Monte-Carlo standard error)"),
            table_of(measured, caption="How well it would measure (Monte-Carlo standard error)"),
        ]


_HEADS = {
    "power": "power",
    "decided": "decided",
    "equivalence": "equivalent",
    "bias": "bias",
    "coverage": "coverage",
    "width": "width",
    "type_s": "type S",
    "type_m": "type M",
}
_LEGEND = (
    ("power", "share of studies with p < alpha, two-sided, before any correction; type I error where the effect is 0"),
    ("decided", "share in which the plan's own criterion says what the hypothesis expects, after correction"),
    ("equivalent", "share found within plus and minus the smallest effect of interest"),
    ("bias, width", "of estimate and interval, in units of the estimate; coverage: intervals that hold the truth"),
    ("type S, type M", "wrong signs, and how many times too large, among significant results"),
    ("failed, rows", "fits without an answer; rows that enter on average, after losses and exclusions"),
)


def _with_error(row: HypothesisDiagnosis, name: str) -> str:
    value = float(getattr(row, name))
    return f"{number(value)} ({number(float(getattr(row, f'{name}_mcse')), 4)})" if value == value else "\N{EN DASH}"
