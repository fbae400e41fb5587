"""Wording packs: the researcher's own file of item texts, and the lock that proves which words were used.

The pack stays out of version control; the lock holds hashes only and can be committed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import model_validator

from feedbackstudy.declaration import Declaration, from_document
from feedbackstudy.errors import DeclarationError, FileFormatError
from feedbackstudy.frames import Fielded
from feedbackstudy.named import Code, Fixed, Line
from feedbackstudy.render import Facts, Page, Rendered, Text, counted
from feedbackstudy.scales.form import Form
from feedbackstudy.scales.scale import Scale
from feedbackstudy.scales.wording_lock import WordingLock, check_lock, fingerprint_of, plain_text

__all__ = ["WORDINGS_FOLDER", "Permission", "Wording", "WordingPack", "load_wording", "own_wording"]

WORDINGS_FOLDER = "wordings"
"""Where packs lie in a study folder; a new study keeps it out of version control."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_LONGEST = 1000


class Permission(Declaration):
    """Who may use the words.

    Attributes
    ----------
    who : str
        Who obtained the permission.
    when : str
        Date, as text.
    terms : str
        What was permitted, and by whom.
    """

    who: Line
    when: Line
    terms: Line


class WordingPack(Declaration):
    """The words of one form, supplied by the researcher.

    Attributes
    ----------
    scale, form : str
        What they are the words of.
    language : str
        Language tag.
    edition : str
        The printed source.
    permission : Permission
        Who may use them.
    modifications : str
        What was changed against the source, such as another referent; empty for nothing.
    instruction : str
        What stands above the items.
    wording : mapping of str to str
        Item column -> text, as a translation file of Open Scale Definition has it.
    """

    scale: Code
    form: Code
    language: str
    edition: Line
    permission: Permission
    modifications: str = ""
    instruction: str = ""
    wording: Fixed[str, str]

    @model_validator(mode="after")
    def _words_are_there(self) -> Self:
        if not _LANGUAGE.match(self.language):
            raise ValueError(f"language {self.language!r} is no language tag; write 'en' or 'pt-BR'.")
        for key, text in self.wording.items():
            if not text.strip() or len(text) > _LONGEST:
                raise ValueError(f"the wording of {key!r} is empty or longer than {_LONGEST} characters.")
        seen: dict[str, str] = {}
        for key, text in self.wording.items():
            same = seen.setdefault(plain_text(text), key)
            if same != key:
                raise ValueError(f"{same!r} and {key!r} have the same wording; one of them was copied.")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording(Rendered):
    """Checked words of a form, ready for export.

    Attributes
    ----------
    scale : Scale
        The scale; its form is marked as modified where the words were.
    form : Form
        The form.
    language : str
        Language tag.
    texts : mapping of str to str
        Item column -> text, in the order of the form.
    instruction : str
        What stands above the items.
    lock : WordingLock
        Hashes of the words.
    method_sentence : str
        What the method section needs to say.
    """

    scale: Scale
    form: Form
    language: str
    texts: Mapping[str, str]
    instruction: str
    lock: WordingLock
    method_sentence: str

    def fielded(self, measure: str, occasion: str = "*") -> Fielded:
        """Return the record that responses carry of these words.

        Parameters
        ----------
        measure : str
            Name of the measure, or the scale's code.
        occasion : str
            The occasion; ``"*"`` for all.

        Returns
        -------
        Fielded
            Form, fingerprint, and whether the words were modified.
        """
        return Fielded(
            measure=measure,
            occasion=occasion,
            form=self.form.id,
            wording=self.lock.fingerprint,
            modified=self.lock.modified,
        )

    def page(self) -> Page:
        """Return what is known about the words, without the words.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = (("scale", self.scale.name), ("form", self.form.id), ("language", self.language))
        return Page(
            title=f"Wording of {self.scale.code}",
            blocks=(Facts((*facts, ("fingerprint", self.lock.fingerprint[:16]))), Text(self.method_sentence)),
        )


def load_wording(path: Path, scale: Scale, *, lock: Path | None = None) -> Wording:
    """Read a wording pack and hold it against the form it belongs to.

    Parameters
    ----------
    path : Path
        The researcher's YAML file, in the study's ``wordings`` folder, which version control leaves alone.
    scale : Scale
        The scale.
    lock : Path, optional
        The ``wording.lock`` of the words first used; words that differ from it make the form a modified one.

    Returns
    -------
    Wording
        The words, checked.

    Raises
    ------
    FileFormatError
        Where items are absent or unknown, the pack is for another scale, or its language is another than the form's.
    """
    pack = from_document(WordingPack, path)
    if pack.scale != scale.code:
        raise FileFormatError(f"{path}: the pack is for scale {pack.scale!r}, not {scale.code!r}.")
    form = scale.form(pack.form)
    if form.language and pack.language.split("-")[0] != form.language.split("-")[0]:
        raise FileFormatError(
            f"{path}: the pack is in {pack.language!r}, but form {form.id!r} is in {form.language!r} and has its "
            "own key. Take the form of your language, or declare one."
        )
    columns = form.columns(scale.code)
    absent = [c for c in columns if c not in pack.wording]
    extra = [c for c in pack.wording if c not in columns]
    if absent or extra or not columns:
        raise FileFormatError(
            f"{path}: the pack has {len(pack.wording)} texts for {len(columns)} items; absent: "
            f"{', '.join(absent) or 'none'}; not in the form: {', '.join(extra) or 'none'}."
        )
    texts = {column: pack.wording[column] for column in columns}
    made = _wording(scale, form, texts, pack)
    if lock is None or pack.modifications.strip():
        return made
    changed = [issue.where.rsplit(" ", 1)[1] for issue in check_lock(made.lock, lock)]
    if not changed:
        return made
    said = f"the words of {', '.join(changed)} differ from those first used"
    return _wording(scale, form, texts, pack.model_copy(update={"modifications": said}))


def _wording(scale: Scale, form: Form, texts: Mapping[str, str], pack: WordingPack) -> Wording:
    changed = pack.modifications.strip()
    if changed:
        form = form.model_copy(update={"modified": changed})
        forms = tuple(form if f.id == form.id else f for f in scale.forms)
        scale = scale.model_copy(update={"forms": forms})
    hashes = Fixed({column: fingerprint_of(text) for column, text in texts.items()})
    lock = WordingLock(scale=scale.code, form=form.id, language=pack.language, modified=bool(changed), hashes=hashes)
    return Wording(
        scale=scale,
        form=form,
        language=pack.language,
        texts=texts,
        instruction=pack.instruction,
        lock=lock,
        method_sentence=_sentence(scale, form, pack, changed),
    )


def _sentence(scale: Scale, form: Form, pack: WordingPack, changed: str) -> str:
    name = f"the {scale.name}" + (f" ({scale.abbreviation})" if scale.abbreviation else "")
    base = f"We used {name}, form {form.id}, language {pack.language}, after {pack.edition}."
    if not changed:
        return f"{base} Items were used as published ({pack.permission.terms})."
    return (
        f"{base} The items were modified: {changed.rstrip('.')}. Published norms and validity evidence therefore do "
        "not carry over, and we report reliability and structure from our own data."
    )


def own_wording(scale: Scale, form_id: str | None = None) -> Wording:
    """Return the words of a study-built scale, which are our own and free.

    Parameters
    ----------
    scale : Scale
        A study-built scale.
    form_id : str, optional
        Its form.

    Returns
    -------
    Wording
        The words.

    Raises
    ------
    DeclarationError
        For a published scale, whose words the researcher supplies.
    """
    form = scale.form(form_id)
    if not scale.study_built:
        raise DeclarationError(
            f"Scale {scale.code!r} is published; its wording is not shipped. Write a wording pack from your own "
            "licensed copy and load it with scales.load_wording(path, scale)."
        )
    columns = form.columns(scale.code)
    by_place = {item.position: item.text for item in form.items}
    texts = {column: by_place[place] for place, column in enumerate(columns, 1)}
    pack = WordingPack(
        scale=scale.code,
        form=form.id,
        language=form.language,
        edition="feedbackstudy, study-built items",
        permission=Permission(who="nobody needs to", when="-", terms="CC0"),
        instruction=form.instruction,
        wording=Fixed(texts),
    )
    made = _wording(scale, form, texts, pack)
    sentence = f"We used {scale.name}, {counted(len(texts), 'item')} built for this study (CC0, unvalidated)."
    return Wording(
        scale=made.scale,
        form=made.form,
        language=made.language,
        texts=texts,
        instruction=form.instruction,
        lock=made.lock,
        method_sentence=sentence,
    )
