"""The `Study`: everything that is fixed before there are numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import PrivateAttr, model_validator

from feedbackstudy.declaration import Declaration, Many, digest, read_document, to_document
from feedbackstudy.design import claims
from feedbackstudy.design.arms import FEEDBACK, Arm
from feedbackstudy.design.assignment import Assignment
from feedbackstudy.design.conduct import Conduct
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.factors import Covariate, Factor
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.messages import Messages
from feedbackstudy.design.plan import PARADATA, Plan
from feedbackstudy.design.skeletons import Skeleton, skeletons
from feedbackstudy.design.units import Units
from feedbackstudy.design.vignettes import Vignettes
from feedbackstudy.design.waves import Wave
from feedbackstudy.errors import NotFoundError, choices
from feedbackstudy.named import Code, Fixed, Line, Name, Named
from feedbackstudy.render import Page, Rendered
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study.checks import StudyIssues, check_study
from feedbackstudy.study.elsewhere import IN_THE_WORLD
from feedbackstudy.study.folder import carry_files, prove_passages, study_file
from feedbackstudy.study.pages import study_page
from feedbackstudy.study.paths import path_in_words
from feedbackstudy.study.says import Sayings, sayings

__all__ = ["Study"]

RESERVED = frozenset({"participant", "arm", "occasion", "item", "response", "roster", FEEDBACK, "exemplar"}) | PARADATA
"""Columns and words of the tables that a declaration cannot take for itself."""


class Study(Rendered, Declaration):
    """Everything a study fixes before there are numbers.

    Attributes
    ----------
    title : str
        The study's title.
    question : str
        What it wants to know.
    authors : tuple of str
        Who runs it.
    seed : int
        Seed of the assignment.
    factors : Named of Factor
        What varies inside the crossing.
    arms : Named of Arm
        Groups outside the crossing.
    forbidden : tuple of mapping
        Combinations of levels that cannot occur, as factor -> level.
    units : Named of Units
        Participants and what they are nested in.
    covariates : Named of Covariate
        What is known or asked of people besides.
    waves : Named of Wave
        When people are asked, in the order of time.
    measures : Named of Measure
        What is asked, in the order of the questionnaire.
    hypotheses : Named of Hypothesis
        What is claimed.
    plan : Plan
        What will be done with the numbers.
    conduct : Conduct
        How people are treated.
    assignment : Assignment
        How people get their condition.
    messages, vignettes : Messages, Vignettes or None
        The texts of the cells (exemplars are a random factor); the deck of stories where factors vary within people.

    Notes
    -----
    Every list of named things is also looked up by name: ``study.factors["timing"]``. Whether the parts fit together is
    what `check` says; a study with errors can be read and shown, so that they can be mended, but not run.
    """

    schema_version: ClassVar[int] = 1
    elsewhere: ClassVar[Mapping[str, str]] = IN_THE_WORLD

    title: Line
    question: str = ""
    authors: Many[Line] = ()
    seed: int = 1
    factors: Named[Factor] = Named()
    arms: Named[Arm] = Named()
    forbidden: Many[Fixed[Name, Code]] = ()
    units: Named[Units] = Named()
    covariates: Named[Covariate] = Named()
    waves: Named[Wave]
    measures: Named[Measure]
    hypotheses: Named[Hypothesis] = Named()
    plan: Plan = Plan()
    conduct: Conduct
    assignment: Assignment = Assignment()
    messages: Messages | None = None
    vignettes: Vignettes | None = None

    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)
    _file: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> Self:
        columns = [("factor", name) for name in self.factors.names]
        columns += [("covariate", name) for name in self.covariates.names]
        columns += [("units", name) for name in self.units.names]
        columns += [("score", column) for measure in self.measures for column in measure.columns]
        owner: dict[str, str] = {}
        for kind, column in columns:
            if column in RESERVED:
                raise ValueError(f"the {kind} {column!r} would take a column of that name, which tables need.")
            if column in owner:
                taken = f"{owner[column]} {column!r}; rename one of them"
                raise ValueError(f"the {kind} {column!r} would take the column of the {taken}.")
            owner[column] = kind
        return self

    @model_validator(mode="after")
    def _asks_something_sometime(self) -> Self:
        if not self.waves or not self.measures:
            raise ValueError("a study asks something at some time; give at least one wave and one measure.")
        if any(not combination for combination in self.forbidden):
            raise ValueError("a forbidden combination is empty and would forbid every cell; name factor: level.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; give a whole number from 0 to 2**63 - 1.")
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a study.

        Parameters
        ----------
        path : str or Path
            The YAML file, or the folder that holds ``study.yaml``.

        Returns
        -------
        Study
            The study, which remembers its file and lines for the messages of `check`.

        Raises
        ------
        InputError
            With file, line and the nearest valid key; for a text file outside the folder, absent or changed.
        """
        file = study_file(Path(path))
        study, document = read_document(cls, file)
        study._lines.update(document.lines)
        study._file = file
        for measure in study.measures:
            measure.keep_folder(file.parent)
        prove_passages(study.conduct, file.parent, where=study.where)
        return study

    def save(self, path: str | Path) -> Path:
        """Write the study, whole or not at all; its text files and ``scales/complete.yaml`` are carried along.

        Parameters
        ----------
        path : str or Path
            The YAML file, or a folder for ``study.yaml``. Comments of the file it was read from are not kept.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        file = study_file(Path(path))
        carry_files(self, file.parent)
        return to_document(self, file)

    @property
    def design_hash(self) -> str:
        """SHA-256 of the design: blind to comments, key order and omitted defaults."""
        return self.digest()

    def digest(self) -> str:
        """Return the design hash; fields at their default are left out, so new optional fields keep old hashes.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return digest(self.to_data())

    @property
    def crossing(self) -> Crossing:
        """The factors, the arms outside, and what cannot occur."""
        return Crossing(self.factors, self.arms, self.forbidden)

    @property
    def folder(self) -> Path | None:
        """The folder the study was read from."""
        return self._file.parent if self._file else None

    def check(self) -> StudyIssues:
        """Say what does not fit together, and what the study can and cannot say.

        Returns
        -------
        Issues
            Findings, worst first; printed together with the page of `can_say`.
        """
        return check_study(self)

    def can_say(self) -> Sayings:
        """Say what the study can and cannot say, whatever its numbers will be.

        Returns
        -------
        Sayings
            Two lists of sentences.
        """
        return sayings(self)

    def from_claim(self, claim: str) -> tuple[Skeleton, ...]:
        """Turn a claim of the register into hypotheses for this study, or say what the study still needs.

        Parameters
        ----------
        claim : str
            Id in the register, such as ``"C03"``.

        Returns
        -------
        tuple of Skeleton
            One for each outcome of the claim.
        """
        return skeletons(
            claims.get(claim), self.crossing, measures=tuple(self.measures), covariates=tuple(self.covariates)
        )

    def measure_of(self, score: str) -> Measure:
        """Return the measure that yields a score column.

        Parameters
        ----------
        score : str
            The column.

        Returns
        -------
        Measure
            The measure.

        Raises
        ------
        NotFoundError
            Where no measure does.
        """
        owners = {column: measure for measure in self.measures for column in measure.columns}
        if score not in owners:
            raise NotFoundError(choices("Score", score, owners))
        return owners[score]

    def occasion_of(self, hypothesis: Hypothesis) -> str:
        """Return the wave at which a hypothesis looks at its outcome.

        Parameters
        ----------
        hypothesis : Hypothesis
            One of the study's hypotheses.

        Returns
        -------
        str
            Its occasion, or the only wave that asks the outcome.

        Raises
        ------
        NotFoundError
            Where the outcome does not exist or is asked more than once and the hypothesis names no occasion.
        """
        if hypothesis.occasion:
            return hypothesis.occasion
        waves = self.measure_of(hypothesis.outcome).waves
        if len(waves) > 1:
            raise NotFoundError(
                f"Hypothesis {hypothesis.name!r}: {hypothesis.outcome!r} is asked at {', '.join(waves)}; name one of "
                "them as 'occasion'."
            )
        return waves[0]

    def arms_of(self, score: str) -> tuple[str, ...]:
        """Return the arms that are asked for a score, ``"feedback"`` standing for the crossing.

        Parameters
        ----------
        score : str
            The column.

        Returns
        -------
        tuple of str
            Arm names.
        """
        measure = self.measure_of(score)
        return tuple(arm for arm in (FEEDBACK, *self.arms.names) if measure.asks(arm))

    def where(self, *location: str | int) -> str:
        """Return a place in the study as people look for it: file, line and path.

        Parameters
        ----------
        *location : str or int
            Keys and indices from the top.

        Returns
        -------
        str
            ``"study.yaml:42: hypotheses.h1"``, or the path alone for a study that was not read from a file.
        """
        place = path_in_words(self, location)
        if self._file is None:
            return place
        line = next((self._lines[location[:i]] for i in range(len(location), 0, -1) if location[:i] in self._lines), 1)
        return f"{self._file.name}:{line}: {place}"

    def page(self) -> Page:
        """Return the study as a readable page.

        Returns
        -------
        Page
            Conditions, waves, measures, hypotheses in words, plan, conduct.
        """
        return study_page(self)

    def __str__(self) -> str:
        return Rendered.__str__(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.to_data() == other.to_data()

    def __hash__(self) -> int:
        return hash(self.design_hash)
