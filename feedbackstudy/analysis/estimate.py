"""What every engine returns: one row for each hypothesis, contrast and engine, in one column grammar."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal

import pandas as pd

from feedbackstudy.analysis.both_ways import answers, own_note, shared_notes
from feedbackstudy.analysis.r_parts import joined
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.frames.ledger import Ledger
from feedbackstudy.issues import Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Notice, Page, Rendered, table_of

if TYPE_CHECKING:
    from feedbackstudy.analysis.answer import Answer
    from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["COLUMNS", "NOT_AS_DECLARED", "Engine", "Estimate", "Estimates", "IntervalKind", "Status"]

type Engine = Literal["frequentist", "bayesian"]
type Status = Literal[
    "",
    "confirmatory",
    "exploratory",
    "amended",
    "amended, when unknown",
    "registered after data",
    "not as declared",
]
NOT_AS_DECLARED: Mapping[str, str] = {
    "amended": "The study was changed after there were data, so this decision is amended and not the one declared.",
    "amended, when unknown": "The study was changed after it was registered, whether before or after there were data "
    "cannot be told, so this decision is amended and not shown to be the one declared.",
    "registered after data": "The study was registered after there were data, so this decision confirms nothing.",
}
"""What a sentence says behind a decision that is not shown to have been fixed before there were data."""
type IntervalKind = Literal["CI", "HDI", "equal-tailed", "none"]

_PROBABILITIES = ("p", "p_adjusted", "p_equivalence", "p_noninferiority", "prob_direction", "prob_sesoi", "prob_rope")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One answer of one engine to one contrast.

    Every column is present whatever the engine; a column that an engine does not have is None.

    Attributes
    ----------
    hypothesis : str
        Name of the hypothesis that the study declares.
    outcome : str
        What was measured.
    term : str
        The factor, arm or path that the contrast is about.
    contrast : str
        What is compared with what, as a reader would say it, with the scale of the estimate.
    engine : {"frequentist", "bayesian"}
        Which of the two answers this is.
    model : str
        The model in words, with its method.
    estimate : float
        The estimate (frequentist) or the posterior median (Bayesian), unless `note` says otherwise.
    se : float or None
        Standard error, or posterior standard deviation.
    low, high : float or None
        Limits of the interval.
    level : float or None
        Probability level of the interval.
    interval : {"CI", "HDI", "equal-tailed", "none"}
        Kind of the interval.
    df, df2 : float or None
        Degrees of freedom; `df2` those of the denominator of F.
    statistic : float or None
        Test statistic.
    statistic_name : str
        Its name: ``"t"``, ``"F"``, ``"z"``, ``"chi square"``; empty where `note` names it or there is none.
    p, p_adjusted : float or None
        Two-sided p value unless `note` says otherwise; adjusted within `family`.
    family : str
        Family of the adjustment for multiplicity; empty where there is none.
    std_estimate, std_low, std_high : float or None
        Standardised effect size with its interval.
    std_kind : str
        Kind of the standardised effect: ``"d"``, ``"g"``, ``"epsilon squared"``; empty where there is none.
    null : float or None
        The estimate that means "no effect": 0 for a difference, 1 for a ratio; None where there is no such value.
    sesoi : float or None
        Smallest effect size of interest, on the scale of `estimate`.
    p_equivalence : float or None
        Larger p of the two one-sided tests against plus and minus `sesoi`.
    p_noninferiority : float or None
        p of the one-sided test that the effect is not worse than `sesoi` against the expected direction.
    prob_direction : float or None
        Posterior probability of the sign of the median.
    prob_sesoi : float or None
        Posterior probability that the effect exceeds `sesoi` in the expected direction; where none is expected, in that
        of the median.
    prob_rope : float or None
        Posterior probability that the effect lies in the region of practical equivalence: the declared one, else
        within plus and minus `sesoi`.
    bayes_factor : float or None
        Bayes factor in favour of the alternative; `note` names the prior.
    rhat, ess : float or None
        Largest R-hat and smallest effective sample size, where draws were made.
    n : int or None
        Units that entered: people, applications, or classes, as `note` or `model` says.
    n_excluded, n_missing : int or None
        People whom a declared rule took out, and people left out because a value is missing; the ledger names them.
    decides : str
        The declared criterion that decides, where this row holds it; empty where the row is robustness.
    decision : str
        What the criterion says: ``"supported"``, ``"not supported"``, ``"equivalent"``, ``"undecided"``; empty if none.
    status : str
        A `Status`: the declared role; ``"amended"`` where the study was changed after there were data, or that cannot
        be excluded; ``"not as declared"`` where a confirmatory hypothesis was answered otherwise than the plan says
        (`Answer.undeclared` says how), and is therefore not decided; empty where unknown.
    population, realism : str
        Whom the result speaks about and how real the situation was, as `Conduct` declares them; empty where unknown.
    fit_to_report : bool
        False where a gate failed.
    unfit : str
        Which, and why; empty where the row is fit to report.
    agreement : str
        Whether the two engines agree on this contrast (``"agree"``, ``"magnitude"``, ``"conflict"``), and the reason;
        empty where one of them did not answer.
    note : str
        Whatever a reader must know beside the number.
    """

    hypothesis: str
    outcome: str
    term: str
    contrast: str
    engine: Engine
    model: str
    estimate: float
    se: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    interval: IntervalKind = "none"
    df: float | None = None
    df2: float | None = None
    statistic: float | None = None
    statistic_name: str = ""
    p: float | None = None
    p_adjusted: float | None = None
    family: str = ""
    std_estimate: float | None = None
    std_low: float | None = None
    std_high: float | None = None
    std_kind: str = ""
    null: float | None = None
    sesoi: float | None = None
    p_equivalence: float | None = None
    p_noninferiority: float | None = None
    prob_direction: float | None = None
    prob_sesoi: float | None = None
    prob_rope: float | None = None
    bayes_factor: float | None = None
    rhat: float | None = None
    ess: float | None = None
    n: int | None = None
    n_excluded: int | None = None
    n_missing: int | None = None
    decides: str = ""
    decision: str = ""
    status: Status = ""
    population: str = ""
    realism: str = ""
    fit_to_report: bool = True
    unfit: str = ""
    agreement: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Estimate {self.hypothesis!r}, {self.contrast!r} ({self.engine})"
        for name in _PROBABILITIES:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise DataError(f"{where}: {name} is {value!r}, and a probability lies between 0 and 1.")
        if (self.low is None) != (self.high is None) or (self.interval == "none") != (self.low is None):
            raise DataError(f"{where}: give low, high and the kind of interval together (kind {self.interval!r}).")
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise DataError(f"{where}: the interval [{self.low}, {self.high}] is upside down.")
        if self.low is not None and (self.level is None or not 0 < self.level < 1):
            raise DataError(f"{where}: an interval needs a level between 0 and 1, given {self.level!r}.")


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Estimate))
"""The columns of every table of estimates, in order; a new column means editing `Estimate`."""

_INTEGERS = ("n", "n_excluded", "n_missing")
_FLAGS = ("fit_to_report",)
_WORDS = (
    "hypothesis",
    "outcome",
    "term",
    "contrast",
    "engine",
    "model",
    "interval",
    "statistic_name",
    "family",
    "std_kind",
    "decides",
    "decision",
    "status",
    "population",
    "realism",
    "unfit",
    "agreement",
    "note",
)
_DTYPES: Mapping[str, str] = {
    name: "Int64" if name in _INTEGERS else "bool" if name in _FLAGS else "str" if name in _WORDS else "float64"
    for name in COLUMNS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates(Rendered):
    """A table of estimates that renders itself.

    Attributes
    ----------
    rows : tuple of Estimate
        In reading order: the two engines' answers to one contrast stand together.
    title : str
        What the table is about.
    provenance : Provenance or None
        What made the rows.
    answers : mapping of str to Answer
        Hypothesis -> people, models and posteriors behind its rows; empty where `analyse` did not make them.
    issues : Issues
        Hypotheses without an answer, rules that were not applied, whatever else was not done as declared, and what
        reading, screening and scoring had found before.
    ledger : Ledger
        Who was taken out before any hypothesis was looked at, rule by rule.
    """

    rows: tuple[Estimate, ...]
    title: str = "Estimates"
    provenance: Provenance | None = None
    answers: "Mapping[str, Answer]" = field(default_factory=dict)
    issues: Issues = field(default_factory=Issues)
    ledger: Ledger = field(default_factory=Ledger)

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, hypothesis: str) -> "Estimates":
        """Return the rows of one hypothesis, in the same table type."""
        rows = tuple(row for row in self.rows if row.hypothesis == hypothesis)
        if not rows:
            known = ", ".join(sorted({row.hypothesis for row in self.rows})) or "(none)"
            raise DataError(f"No estimate of hypothesis {hypothesis!r} here; the table holds: {known}.")
        return replace(
            self,
            rows=rows,
            title=f"{self.title}: {hypothesis}",
            answers={name: answer for name, answer in self.answers.items() if name == hypothesis},
        )

    def answer(self, hypothesis: str) -> "Answer":
        """Return what stands behind the rows of one hypothesis: models, posteriors, robustness, scripts.

        Parameters
        ----------
        hypothesis : str
            Its name.

        Returns
        -------
        Answer
            The answer.

        Raises
        ------
        NotFoundError
            Where the hypothesis was not answered here; the message lists those that were.
        """
        if hypothesis not in self.answers:
            raise NotFoundError(choices("Answered hypothesis", hypothesis, self.answers))
        return self.answers[hypothesis]

    def r_script(self) -> "RScript":
        """Return one R script that answers every hypothesis anew, both ways where R can.

        Returns
        -------
        RScript
            Shows ``hypothesis: name``; each as `Answer.r_script`.

        Raises
        ------
        DataError
            Where `analyse` did not make these rows, or an answer has no script.
        """
        parts = [(name, answer.r_script()) for name, answer in self.answers.items()]
        return joined(parts, made_by="analyse", name="answers")

    def frame(self) -> pd.DataFrame:
        """Return all columns of the grammar, in order, whatever the rows hold.

        Returns
        -------
        DataFrame
            One row for each estimate; absent numbers are NaN, absent counts are NA.
        """
        data = {name: [getattr(row, name) for row in self.rows] for name in COLUMNS}
        return pd.DataFrame(data, columns=list(COLUMNS)).astype(_DTYPES)

    def page(self) -> Page:
        """Return the rows as a page: one line for each contrast, the two engines beside each other.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        blocks: list[Block] = []
        unfit = [row for row in self.rows if not row.fit_to_report]
        shared = shared_notes(self.rows)
        blocks += [
            Notice(
                f"Not fit to report: {row.contrast} ({row.engine}). {row.unfit or own_note(row, shared) or row.note}",
                tone="error",
            )
            for row in unfit
        ]
        own = Issues(issue for issue in self.issues if issue.code.startswith("analysis."))
        earlier = [issue for issue in self.issues if issue not in own]
        blocks += [Notice(f"{i.what} {i.fix}", tone="error" if i in own.errors else "warning") for i in own]
        blocks += answers(self.rows, mark=self.provenance.mark if self.provenance is not None else "")
        if earlier:
            found = [{"severity": str(i.severity), "where": i.where, "what": i.what, "fix": i.fix} for i in earlier]
            blocks.append(table_of(found, caption="Found by reading, screening and scoring"))
        blocks += [self.provenance.facts()] if self.provenance is not None else []
        return Page(title=self.title, blocks=tuple(blocks))
