"""The record of a validation: what holds here, line by line, beside what was published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from feedbackstudy.issues import Issue
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics import conditions
from feedbackstudy.psychometrics.average_partial import AveragePartial
from feedbackstudy.psychometrics.careless import Careless
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.efa import FactorAnalysis
from feedbackstudy.psychometrics.factorability import Factorability
from feedbackstudy.psychometrics.htmt import Htmt
from feedbackstudy.psychometrics.invariance.effect_record import NonInvariance
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.psychometrics.items import ItemAnalysis
from feedbackstudy.psychometrics.parallel import ParallelAnalysis
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.retest import Retest
from feedbackstudy.render import Notice, Page, Rendered, Table
from feedbackstudy.scales.audit import KeyAudit

__all__ = ["Convergence", "Dimensions", "EvidenceLine", "Omission", "ScaleEvidence", "Verdict"]

type Verdict = Literal["agrees", "lower", "higher", "cannot tell", "equal", "fair", "different", "not tested", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One quantity here, beside one published value.

    Attributes
    ----------
    part : str
        ``reliability``, ``score``, ``structure`` or ``items``.
    what : str
        The quantity, with the subscale it belongs to.
    here, low, high : float
        Value in these data and its interval; NaN where there is none.
    n : int
        People behind it.
    published : float
        Published value; NaN where a range was printed, or none was seen.
    published_low, published_high : float
        Printed range, or our interval for the published value.
    published_n : int or None
        People behind it, where printed.
    sample, source : str
        Whose value it is, and where it was seen; empty where none was.
    difference : float
        Here less published, or a congruence; NaN where not computed.
    difference_low, difference_high : float
        Interval of the difference.
    p : float
        p value of the difference; NaN without a test.
    verdict : str
        ``agrees``, ``lower``, ``higher``, ``cannot tell``; ``equal``, ``fair``, ``different`` for congruence;
        ``not tested``; empty where nothing was published.
    why : str
        The verdict in words.
    """

    part: str
    what: str
    here: float
    low: float = float("nan")
    high: float = float("nan")
    n: int
    published: float = float("nan")
    published_low: float = float("nan")
    published_high: float = float("nan")
    published_n: int | None = None
    sample: str = ""
    source: str = ""
    difference: float = float("nan")
    difference_low: float = float("nan")
    difference_high: float = float("nan")
    p: float = float("nan")
    verdict: Verdict = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A part of the evidence that is not there.

    Attributes
    ----------
    part : str
        Which part.
    why : str
        Why: not asked for, or not possible.
    """

    part: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """How many factors the answers have.

    Attributes
    ----------
    declared : int
        Subscales of the scale.
    factorability : Factorability
        Sampling adequacy.
    parallel : ParallelAnalysis
        Parallel analysis.
    partial : AveragePartial
        Minimum average partial.
    efa : FactorAnalysis
        As many factors as declared, turned towards the key.
    misplaced : tuple of str
        Items whose largest loading lies on another factor than the key says.
    """

    declared: int
    factorability: Factorability
    parallel: ParallelAnalysis
    partial: AveragePartial
    efa: FactorAnalysis
    misplaced: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """Correlation of a score with another.

    Attributes
    ----------
    score, other : str
        The two.
    r, low, high : float
        Correlation with its interval (Fisher z).
    disattenuated : float
        Divided by the root of both reliabilities (alpha); NaN where one is unknown.
    n : int
        People with both.
    """

    score: str
    other: str
    r: float
    low: float
    high: float
    disattenuated: float
    n: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaleEvidence(Rendered):
    """Whether a scale holds in these data.

    Attributes
    ----------
    name, title, form : str
        What was validated.
    occasion : str
        The occasion described.
    n : int
        People asked.
    factors : mapping of str to tuple of str
        Subscale -> item columns.
    lines : tuple of EvidenceLine
        Values here beside published ones.
    audit : KeyAudit or None
        Whether the answers contradict the key.
    items : mapping of str to ItemAnalysis
        By subscale.
    dimensions : Dimensions or None
        Number of factors.
    models : mapping of str to CFA
        ``continuous`` and ``ordinal``.
    reliability : mapping of str to tuple of Coefficient
        By subscale, and the total where the scale has one.
    retest : mapping of str to Retest
        By subscale, between the first two occasions compared.
    invariance : mapping of str to Invariance
        ``group`` and ``occasion``.
    noninvariance : mapping of str to NonInvariance
        What non-invariance does to differences of scores, where some was found.
    careless : Careless or None
        Careless answering.
    without_careless : mapping of str to float
        Subscale -> alpha without the people whom a rule flags.
    discriminant : Htmt or None
        Ratios between the subscales.
    convergence : tuple of Convergence
        Correlations with other scores.
    omissions : tuple of Omission
        What is not here, and why.
    issues : tuple of Issue
        What was found about rows and answers.
    provenance : Provenance
        How the evidence was made.
    """

    name: str
    title: str
    form: str
    occasion: str
    n: int
    factors: Mapping[str, tuple[str, ...]]
    lines: tuple[EvidenceLine, ...]
    audit: KeyAudit | None = None
    items: Mapping[str, ItemAnalysis] = field(default_factory=dict)
    dimensions: Dimensions | None = None
    models: Mapping[str, CFA] = field(default_factory=dict)
    reliability: Mapping[str, tuple[Coefficient, ...]] = field(default_factory=dict)
    retest: Mapping[str, Retest] = field(default_factory=dict)
    invariance: Mapping[str, Invariance] = field(default_factory=dict)
    noninvariance: Mapping[str, NonInvariance] = field(default_factory=dict)
    careless: Careless | None = None
    without_careless: Mapping[str, float] = field(default_factory=dict)
    discriminant: Htmt | None = None
    convergence: tuple[Convergence, ...] = ()
    omissions: tuple[Omission, ...] = ()
    issues: tuple[Issue, ...] = ()
    provenance: Provenance

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing forbids reporting the score: the key agrees and no answer leaves its format."""
        return conditions.fit_to_report(self.issues) and (self.audit is None or self.audit.agrees)

    @property
    def verdicts(self) -> tuple[Notice, ...]:
        """The evidence in sentences, one a part."""
        from feedbackstudy.psychometrics.evidence_verdicts import verdicts

        return verdicts(self)

    def frame(self) -> pd.DataFrame:
        """Return one row a quantity and published value.

        Returns
        -------
        DataFrame
            The fields of `EvidenceLine`.
        """
        names = list(EvidenceLine.__dataclass_fields__)
        return pd.DataFrame([{name: getattr(line, name) for name in names} for line in self.lines], columns=names)

    def table(self) -> Table:
        """Return the lines beside the published values.

        Returns
        -------
        Table
            What, here, published, N, verdict.
        """
        from feedbackstudy.psychometrics.evidence_page import lines_table

        return lines_table(self)

    def page(self) -> Page:
        """Return the evidence as one page.

        Returns
        -------
        Page
            Verdicts, published values, then each part; what is not there stands last.
        """
        from feedbackstudy.psychometrics.evidence_page import evidence_page

        return evidence_page(self)
