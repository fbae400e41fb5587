"""Preregistration text filled from the study: what it says is written out, what it cannot say is marked as a gap."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from feedbackstudy.collect.plan_history import note_registration
from feedbackstudy.collect.registration import RECORD_VERSION
from feedbackstudy.errors import DataError, choices
from feedbackstudy.files import write_atomic
from feedbackstudy.provenance import Provenance, versions
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, clean, counted
from feedbackstudy.report.preregistration_words import said
from feedbackstudy.study import Study

__all__ = ["FORMS", "Item", "Preregistration", "form_text", "preregistration"]

GAP, _ABOVE = "[TO FILL IN]", "> {} Take this line out before you register."
_COMMITMENT_CHARACTERS, _ASPREDICTED_LIMIT = 64, 3200


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of a registration form.

    Attributes
    ----------
    key : str
        Name, by which `answers` fills it.
    section : str
        The part of the form.
    title : str
        The question.
    text : str
        The answer; empty for a gap.
    hint : str
        What the researcher has to say there.
    """

    key: str
    section: str
    title: str
    text: str
    hint: str = ""

    @property
    def asks(self) -> str:
        """The question with its hint, as two sentences."""
        stop = "" if self.title.endswith(("?", ".")) else "."
        return f"{self.title}{stop} {self.hint}".rstrip()

    @property
    def is_gap(self) -> bool:
        """Whether the study cannot say it, and nobody else has."""
        return not self.text


def form_text(title: str, items: Sequence[Item], committed: Sequence[tuple[str, str]], *, above: str = "") -> str:
    """Return a filled form as Markdown, gaps marked.

    Parameters
    ----------
    title : str
        Title of the study or plan.
    items : sequence of Item
        Its questions.
    committed : sequence of (str, str)
        What is committed to, and its value.
    above : str, default ""
        What has to be read first.

    Returns
    -------
    str
        Ready to be pasted into the registry.
    """
    lines, section = [f"# Preregistration: {clean(title)}", "", *([_ABOVE.format(above), ""] if above else [])], ""
    for item in items:
        if item.section != section:
            section = item.section
            lines += [f"## {section}", ""]
        answer = clean(item.text) if item.text else f"**{GAP}** {item.hint}"
        lines += [f"### {item.title}", "", answer.replace("\n", "\n\n"), ""]
    return "\n".join([*lines, "## What is committed to", "", *(f"- {name}: {value}" for name, value in committed), ""])


@dataclass(frozen=True, slots=True)
class _Ask:
    """A question of a form: what the study says to it."""

    key: str
    section: str
    title: str
    topic: str = ""
    hint: str = ""


_DATA = (
    "One of: registration before data exist; before anybody observed them; before the team accessed them; before the "
    "analysis; after. Explain."
)
_BLIND = "Who does not know the condition: participants, people who interact with them, who analyses; or nobody."

_OSF = (
    _Ask("title", "Study information", "Title", "title"),
    _Ask("description", "Study information", "Description", "description", "What the study is about."),
    _Ask("hypotheses", "Study information", "Hypotheses", "hypotheses", "The confirmatory hypotheses."),
    _Ask("study_type", "Design plan", "Study type", "study type", "Experiment or observational study."),
    _Ask("blinding", "Design plan", "Blinding", "", _BLIND),
    _Ask("study_design", "Design plan", "Study design", "study design"),
    _Ask("randomisation", "Design plan", "Randomization", "assignment", "How units got their condition."),
    _Ask("existing_data", "Sampling plan", "Existing data", "", _DATA),
    _Ask("data_collection", "Sampling plan", "Data collection procedures", "", "Where people come from, pay, time."),
    _Ask("sample_size", "Sampling plan", "Sample size", "sample size", "The planned number of units."),
    _Ask("sample_size_rationale", "Sampling plan", "Sample size rationale", "",
         "Such as the answer of `feedbackstudy power`, with the smallest effect of interest."),
    _Ask("stopping_rule", "Sampling plan", "Stopping rule", "", "When data collection ends."),
    _Ask("manipulated", "Variables", "Manipulated variables", "manipulated", "What varies."),
    _Ask("measured", "Variables", "Measured variables", "measured"),
    _Ask("indices", "Variables", "Indices", "scoring", "How scores are made."),
    _Ask("models", "Analysis plan", "Statistical models", "analyses"),
    _Ask("transformations", "Analysis plan", "Transformations", "transformations"),
    _Ask("inference", "Analysis plan", "Inference criteria", "inference"),
    _Ask("exclusions", "Analysis plan", "Data exclusion", "exclusions"),
    _Ask("missing", "Analysis plan", "Missing data", "missing"),
    _Ask("exploratory", "Analysis plan", "Exploratory analysis", "exploratory"),
    _Ask("assumptions", "Analysis plan", "Assumption checks", "", "What is checked, and what follows where it fails."),
    _Ask("other", "Other", "Other", "ethics"),
)  # fmt: skip

_ASPREDICTED = (
    _Ask("existing_data", "AsPredicted", "1) Have any data been collected for this study already?", "",
         "No, none yet; or: it's complicated (explain). Yes is not accepted by AsPredicted."),
    _Ask("hypotheses", "AsPredicted", "2) What's the main question being asked or hypothesis being tested?",
         "question and hypotheses"),
    _Ask("measured", "AsPredicted", "3) Describe the key dependent variable(s) specifying how they will be measured.",
         "outcomes"),
    _Ask("conditions", "AsPredicted", "4) How many and which conditions will participants be assigned to?",
         "conditions"),
    _Ask("models", "AsPredicted", "5) Specify exactly which analyses you will conduct.",
         "analyses and inference"),
    _Ask("exclusions", "AsPredicted", "6) Describe how outliers and exclusions will be handled.",
         "exclusions and missing"),
    _Ask("sample_size", "AsPredicted", "7) How many observations will be collected or what will determine sample size?",
         "sample size", "The number of observations or the rule that ends collection."),
    _Ask("other", "AsPredicted", "8) Anything else you would like to pre-register?",
         "anything else"),
    _Ask("study_type", "AsPredicted", "9) Type of study", "study type",
         "Class project, experiment, survey, observational study, other."),
)  # fmt: skip

FORMS: Mapping[str, tuple[_Ask, ...]] = {"osf": _OSF, "aspredicted": _ASPREDICTED}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preregistration(Rendered):
    """A filled registration form. Make it with `preregistration`.

    Attributes
    ----------
    form : str
        ``"osf"`` or ``"aspredicted"``.
    items : tuple of Item
        The questions with their answers.
    design_hash : str
        SHA-256 of the design that is registered.
    commitment : str
        Commitment to the sealed allocation; empty where none was given.
    study : Study
        What is registered.
    provenance : Provenance
        What made the text.
    """

    form: str
    items: tuple[Item, ...]
    design_hash: str
    commitment: str
    study: Study
    provenance: Provenance

    @property
    def gaps(self) -> tuple[Item, ...]:
        """The questions that nobody has answered yet."""
        return tuple(item for item in self.items if item.is_gap)

    def text(self) -> str:
        """Return the form as Markdown, gaps marked.

        Returns
        -------
        str
            Ready to be pasted into the registry.
        """
        return form_text(self.study.title, self.items, self._committed(), above=self.too_long)

    def _committed(self) -> tuple[tuple[str, str], ...]:
        made = versions()
        return (
            ("design hash (SHA-256 of the study)", self.design_hash),
            ("allocation commitment", self.commitment or f"{GAP} print it with feedbackstudy assign seal"),
            ("seed", str(self.study.seed)),
            ("software", f"feedbackstudy {made.get('feedbackstudy', '')}"),
        )

    def record(self) -> dict[str, object]:
        """Return what is registered as plain data, against which a later study is compared.

        Returns
        -------
        dict
            Schema version, form, design hash, commitment, and the study.
        """
        return {
            "schema_version": RECORD_VERSION,
            "form": self.form,
            "design_hash": self.design_hash,
            "commitment": self.commitment,
            "study": self.study.to_data(),
        }

    def write(self, path: str | Path) -> tuple[Path, Path]:
        """Write the text, and beside it the record that `amendments` reads, with this moment.

        A study that was read from a folder of its own gets a history there (``.feedbackstudy/history.jsonl``): the
        registration is its first line, and from then on every reading of data is noted. Keep it with the study.

        Parameters
        ----------
        path : str or Path
            A Markdown file; must be new: what is registered is not overwritten.

        Returns
        -------
        tuple of Path
            The text, and ``<name>.registered.json``.

        Raises
        ------
        DataError
            Where one of the files is there already.
        """
        text = Path(path)
        record = text.with_suffix(".registered.json")
        for file in (text, record):
            if file.exists():
                raise DataError(f"{file} is there already; a registration is never overwritten. Choose another name.")
        now = datetime.now(UTC)
        told = {
            **self.record(),
            "registered_at": now.isoformat(timespec="microseconds"),
            "history": note_registration(self.study, now),
        }
        write_atomic(record, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return write_atomic(text, self.text()), record

    @property
    def too_long(self) -> str:
        """What to say where the answers are longer than the registry advises; empty where they are not."""
        count = sum(len(item.text) for item in self.items)
        if self.form != "aspredicted" or count <= _ASPREDICTED_LIMIT:
            return ""
        return (
            f"The answers have {count:,} characters; AsPredicted advises at most about {_ASPREDICTED_LIMIT:,}. "
            "Register the hypotheses that decide, or use the OSF form."
        )

    def page(self) -> Page:
        """Return the form, gaps as notices.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = []
        for item in self.items:
            if item.is_gap:
                blocks.append(Notice(f"To fill in: {item.asks}"))
            else:
                blocks += [Text(f"{item.title}"), *(Text(line) for line in item.text.split("\n") if line)]
        return Page(
            title=f"Preregistration ({'OSF' if self.form == 'osf' else 'AsPredicted'})",
            subtitle=f"{self.study.title}; {len(self.gaps)} of {counted(len(self.items), 'question')} to fill in",
            blocks=(*([Notice(self.too_long)] if self.too_long else []), *blocks, Facts(self._committed())),
        )


def preregistration(
    study: Study,
    form: Literal["osf", "aspredicted"] = "osf",
    *,
    commitment: str = "",
    answers: Mapping[str, str] | None = None,
) -> Preregistration:
    """Fill a registration form from the study.

    Parameters
    ----------
    study : Study
        The study.
    form : {"osf", "aspredicted"}
        OSF Preregistration, or AsPredicted.
    commitment : str, optional
        Commitment to the sealed allocation, 64 hexadecimal digits, as `feedbackstudy assign seal` prints it.
    answers : mapping of str to str, optional
        Key of a gap -> its text. What the study itself says cannot be said otherwise here.

    Returns
    -------
    Preregistration
        The form; `gaps` are the questions that are still open.

    Raises
    ------
    DataError
        For an unknown form or key, an answer to something that the study says already, or a commitment that is none.
    """
    if form not in FORMS:
        raise DataError(choices("Form", form, FORMS))
    if commitment and (len(commitment) != _COMMITMENT_CHARACTERS or set(commitment) - set("0123456789abcdef")):
        raise DataError(
            "The commitment is no SHA-256 in 64 hexadecimal digits; copy it from `feedbackstudy assign seal`."
        )
    given = dict(answers or {})
    items = tuple(_item(ask, study, given) for ask in FORMS[form])
    if given:
        raise DataError(choices("Answer to", next(iter(given)), [ask.key for ask in FORMS[form]]))
    return Preregistration(
        form=form,
        items=items,
        design_hash=study.design_hash,
        commitment=commitment,
        study=study,
        provenance=Provenance(made_by="preregistration", design_hash=study.design_hash, seed=study.seed),
    )


def _item(ask: _Ask, study: Study, given: dict[str, str]) -> Item:
    from_study = said(study, ask.topic) if ask.topic else ""
    told = given.pop(ask.key, "").strip()
    if from_study and told:
        raise DataError(
            f"{ask.title!r} follows from the study and cannot be told differently here; change the study, so that what "
            "is registered is what will be done."
        )
    return Item(key=ask.key, section=ask.section, title=ask.title, text=from_study or told, hint=ask.hint)
