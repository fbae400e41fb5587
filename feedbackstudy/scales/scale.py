"""A scale: what it measures, its forms and keys, its rule, its evidence and what it may be used for."""

from typing import Literal, Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, Many
from feedbackstudy.errors import DeclarationError, InputError, choices
from feedbackstudy.named import Code, Fixed, Line, Named
from feedbackstudy.render import Page, Rendered
from feedbackstudy.scales.evidence import Evidence
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.origin import Origin, missing_origin
from feedbackstudy.scales.rule import Composite, Method, Scoring, Total
from feedbackstudy.scales.use import UseTerms
from feedbackstudy.yamlfile import YamlValue

__all__ = ["REQUIRED", "IncompleteScaleError", "Role", "Scale"]

type Role = Literal["predictor", "covariate", "moderator", "mediator", "outcome", "manipulation_check"]

REQUIRED = ("likert_options", "subscales", "reversed")
"""What a form must know, seen at a source, before anybody is scored with it."""


class IncompleteScaleError(InputError):
    """A scale is known by name only: positions, reversal or range are unknown or from memory."""


class Scale(Rendered, Declaration):
    """One instrument. Field names follow Open Scale Definition where it has one.

    Attributes
    ----------
    code : str
        Its key in the library.
    name, abbreviation, construct_measured : str
        What it is called and what it measures.
    roles : tuple of str
        What it serves as in a study.
    state_or_trait : str
        Whether it asks about a state or a trait.
    sensitive : tuple of str
        Why an employer must not put it to candidates.
    tier : {"A", "B", "C", "own"}
        A: strong evidence and fit. B: usable, mind the gaps. C: thin evidence. own: study-built, unvalidated.
    citation, doi, year : str, str or None, int or None
        The source.
    license, license_explanation : str
        The licence as Open Scale Definition names it, and in words.
    use_terms : UseTerms
        The permissions.
    forms : tuple of Form
        Printed orders with their keys.
    scoring : Scoring
        How items become scores.
    total : Total or None
        A score over all items.
    composites : Named of Composite
        Weighted sums of subscales.
    refused_scores : mapping of str to str
        Scores that must not be computed, and why.
    evidence : Evidence
        What is known.
    translations, typical_use, confidence : str
        Notes.
    pitfalls, sources : tuple of str
        Known traps, and where the facts were seen.
    origins : mapping of str to Origin
        Status and source of ``doi``, ``scoring``, ``missing`` and ``use_terms``.
    """

    code: Code
    name: Line
    abbreviation: str = ""
    construct_measured: Line
    roles: Many[Role]
    state_or_trait: Line
    sensitive: Many[Literal["self_esteem", "health_like"]] = ()
    tier: Literal["A", "B", "C", "own"]
    citation: Line
    doi: str | None = None
    year: int | None = None
    license: Line
    license_explanation: str = ""
    use_terms: UseTerms
    forms: Many[Form]
    scoring: Scoring
    total: Total | None = None
    composites: Named[Composite] = Named()
    refused_scores: Fixed[str, Line] = Fixed()
    evidence: Evidence = Evidence()
    translations: str = ""
    typical_use: str = ""
    confidence: str = ""
    pitfalls: Many[str] = ()
    sources: Many[str] = ()
    origins: Fixed[str, Origin] = Fixed()

    @model_validator(mode="after")
    def _forms_are_named_once(self) -> Self:
        ids = [form.id for form in self.forms]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(f"scale {self.code!r}: forms {ids}; declare at least one, each with an id of its own.")
        return self

    @model_validator(mode="after")
    def _scores_are_named_once(self) -> Self:
        for form in self.forms:
            known = list(form.subscales.names)
            for composite in self.composites:
                absent = [name for name in composite.weights if name not in known]
                if absent:
                    raise ValueError(f"composite {composite.name!r}: {choices('Score', absent[0], known)}")
                known.append(composite.name)
            known += [self.total.name] if self.total and len(form.subscales) > 1 else []
            twice = [name for name in known if known.count(name) > 1]
            if twice:
                raise ValueError(f"scale {self.code!r}: two scores are called {twice[0]!r}.")
            refused = [name for name in known if name in self.refused_scores]
            if refused:
                raise ValueError(f"score {refused[0]!r} must not be computed: {self.refused_scores[refused[0]]}")
        return self

    @model_validator(mode="after")
    def _bands_lie_in_the_range(self) -> Self:
        spans = [(f.likert_options.min, f.likert_options.max, f.size) for f in self.forms if f.likert_options]
        for band in self.evidence.bands:
            for low, high, size in spans:
                times = (size or 0) if band.metric == "sum" else 1
                if size and not times * low <= band.low <= band.high <= times * high:
                    raise ValueError(
                        f"band {band.label!r} ({band.low} to {band.high}) leaves the range {times * low:g} to "
                        f"{times * high:g} of the {band.metric}; check the print."
                    )
        return self

    @model_validator(mode="after")
    def _wordings_are_our_own(self) -> Self:
        worded = any(form.instruction or item.text for form in self.forms for item in form.items)
        if worded and not (self.study_built and self.license == "CC0"):
            raise ValueError(
                f"scale {self.code!r} holds item wordings; only study-built CC0 items may. Keep the wording of a "
                "published scale in a wording pack of your own."
            )
        return self

    @property
    def study_built(self) -> bool:
        """Whether the items are our own."""
        return self.tier == "own"

    @property
    def is_trait(self) -> bool:
        """Whether it asks for a trait."""
        return "trait" in self.state_or_trait

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the forms."""
        return tuple(dict.fromkeys(form.language for form in self.forms if form.language))

    def origin(self, field: str) -> Origin:
        """Return the status and source of a field of the scale.

        Parameters
        ----------
        field : str
            Field name.

        Returns
        -------
        Origin
            Unknown where nothing is recorded.
        """
        return self.origins.get(field, missing_origin())

    def form(self, form_id: str | None = None) -> Form:
        """Return a form; with several, it must be named, because each has its own key.

        Parameters
        ----------
        form_id : str, optional
            The form's id.

        Returns
        -------
        Form
            The form.

        Raises
        ------
        DeclarationError
            For an unknown form, or several and none named.
        """
        ids = [form.id for form in self.forms]
        if form_id is None and len(ids) == 1:
            return self.forms[0]
        if form_id is None:
            raise DeclarationError(
                f"Scale {self.code!r} has {len(ids)} forms with different keys; name the one that was used: "
                f"{', '.join(ids)}. In a measure: form: {ids[0]}; without a study: "
                f"scales.get({self.code!r}).in_form({ids[0]!r})."
            )
        if form_id not in ids:
            raise DeclarationError(choices(f"Form of scale {self.code!r}", form_id, ids))
        return self.forms[ids.index(form_id)]

    def in_form(self, form_id: str) -> "Scale":
        """Return the scale with one of its forms alone.

        Parameters
        ----------
        form_id : str
            The form that was used.

        Returns
        -------
        Scale
            Ready to score without naming the form again.
        """
        return self.model_copy(update={"forms": (self.form(form_id),)})

    def gaps(self, form_id: str | None = None) -> tuple[str, ...]:
        """Return what is not established and must be, before a form can score.

        Parameters
        ----------
        form_id : str, optional
            The form.

        Returns
        -------
        tuple of str
            ``field: why``; empty where the form can score.
        """
        form = self.form(form_id)
        found = []
        for field in REQUIRED:
            origin = form.origin(field)
            if not self._known(form, field):
                found.append(f"{field}: unknown")
            elif not origin.established:
                found.append(f"{field}: {origin.status.replace('_', ' ')}")
        if not self.origin("scoring").established:
            found.append(f"scoring: {self.origin('scoring').status.replace('_', ' ')}")
        silent = [s.name for s in form.subscales if not s.high_score_means]
        if silent:
            found.append(f"high_score_means of {', '.join(silent)}: not stated")
        return tuple(found)

    @staticmethod
    def _known(form: Form, field: str) -> bool:
        if field == "subscales":
            return bool(form.subscales) and all(s.items is not None for s in form.subscales)
        return getattr(form, field) is not None

    def require_scorable(self, form_id: str | None = None) -> Form:
        """Return the form, or refuse and name the source to consult.

        Parameters
        ----------
        form_id : str, optional
            The form.

        Returns
        -------
        Form
            A form that can score.

        Raises
        ------
        IncompleteScaleError
            Naming each gap, the source and how to complete it.
        """
        form = self.form(form_id)
        gaps = self.gaps(form.id)
        if not gaps:
            return form
        doi = f" doi:{self.doi}" if self.doi and self.origin("doi").established else ""
        raise IncompleteScaleError(
            f"Scale {self.code!r} (form {form.id!r}) cannot be scored: {'; '.join(gaps)}. "
            f"Consult: {self.citation}{doi} Then enter each field in scales/complete.yaml of the study folder with its "
            "value, page and your name."
        )

    def scored_as(self, method: Method) -> "Scale":
        """Return the scale with another of the methods its source allows.

        Parameters
        ----------
        method : {"mean", "sum", "pomp"}
            The method; POMP is a linear change of unit and always allowed.

        Returns
        -------
        Scale
            The same scale, scored so.

        Raises
        ------
        DeclarationError
            For a method that the source does not know.
        """
        allowed = {self.scoring.method, *self.scoring.also, "pomp"}
        if method not in allowed:
            raise DeclarationError(choices(f"Scoring method of {self.code!r}", method, allowed))
        return self.model_copy(update={"scoring": self.scoring.model_copy(update={"method": method})})

    def with_evidence(self, evidence: dict[str, YamlValue]) -> "Scale":
        """Return the scale with evidence from one's own data, as a study-built measure needs it.

        Parameters
        ----------
        evidence : dict
            As in a definition file: ``reliability``, ``norms``, ``structure``, with ``status: own_data``.

        Returns
        -------
        Scale
            The scale with these entries beside those it has.
        """
        new = Evidence.from_data(evidence)
        old = self.evidence
        merged = old.model_copy(
            update={
                "reliability": (*old.reliability, *new.reliability),
                "norms": (*old.norms, *new.norms),
                "structure": new.structure or old.structure,
                "notes": (*old.notes, *new.notes),
            }
        )
        return self.model_copy(update={"evidence": merged})

    def page(self) -> Page:
        """Return the scale's card.

        Returns
        -------
        Page
            Structure, key, evidence and use terms.
        """
        from feedbackstudy.scales.card import card

        return card(self)
