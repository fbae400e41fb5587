"""`instrument`: the questionnaires of a study, written for a survey platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feedbackstudy.adapters.pyreadstat import write_sav
from feedbackstudy.collect.platforms.cells import MISSING_CODES
from feedbackstudy.collect.platforms.checklist import checklist
from feedbackstudy.collect.platforms.limesurvey_survey import limesurvey_survey
from feedbackstudy.collect.platforms.qualtrics_survey import qualtrics_survey
from feedbackstudy.collect.platforms.questionnaire import questionnaire
from feedbackstudy.collect.platforms.sav_columns import sav_columns
from feedbackstudy.collect.read_items import ItemSpec, code_text, item_specs
from feedbackstudy.collect.read_people import cluster_names
from feedbackstudy.errors import InputError, choices
from feedbackstudy.files import staged_file, write_atomic
from feedbackstudy.issues import Issue, Issues
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Page, Rendered
from feedbackstudy.scales.wording import Wording
from feedbackstudy.study import Study

__all__ = ["Instrument", "instrument"]

PLATFORMS = ("qualtrics", "limesurvey", "sav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument(Rendered):
    """Questionnaires as files.

    Attributes
    ----------
    platform : str
        For which platform.
    files : tuple of Path
        What was written; the checklist last.
    issues : Issues
        Words that are missing, texts that must be written.
    provenance : Provenance
        What made them.
    """

    platform: str
    files: tuple[Path, ...]
    issues: Issues
    provenance: Provenance

    @property
    def fit_to_field(self) -> bool:
        """Whether nothing is missing that people would see."""
        return not self.issues.errors and not self.issues.warnings

    def page(self) -> Page:
        """Return what was written and what is missing.

        Returns
        -------
        Page
            Ready to render.
        """
        facts = Facts(
            (
                ("platform", self.platform),
                ("files", ", ".join(path.name for path in self.files)),
                ("fit to field", "yes, after the checklist" if self.fit_to_field else "no, see what was found"),
                *self.provenance.facts().pairs,
            )
        )
        return Page(title="Questionnaires", blocks=(facts, *self.issues.page().blocks))


def instrument(
    study: Study,
    *,
    platform: str,
    folder: str | Path,
    wordings: Mapping[str, Wording] | None = None,
    language: str = "en",
) -> Instrument:
    """Write the questionnaires of a study.

    Parameters
    ----------
    study : Study
        The study.
    platform : {"qualtrics", "limesurvey", "sav"}
        Advanced-Format text for Qualtrics, a tab-separated structure for LimeSurvey, or an SPSS file without cases.
    folder : str or Path
        Where the files go; they must be new.
    wordings : mapping of str to Wording, optional
        Measure -> the researcher's words (`scales.load_wording`). Our own items bring theirs; the place of any other is
        marked with its content tag.
    language : str, default "en"
        Language tag, for LimeSurvey.

    Returns
    -------
    Instrument
        The files, and what is missing.

    Raises
    ------
    InputError
        For an unknown platform or measure, a file that exists, or a text that cannot be read.
    """
    if platform not in PLATFORMS:
        raise InputError(choices("Platform", platform, PLATFORMS))
    for name in wordings or {}:
        if name not in study.measures.names:
            raise InputError(choices("Measure", name, study.measures.names))
    where = Path(folder)
    issues: list[Issue] = []
    files = (
        (_template(study, where),)
        if platform == "sav"
        else _surveys(study, platform, where, wordings, language, issues)
    )
    made_by = Provenance(made_by="collect.instrument", design_hash=study.design_hash)
    return Instrument(platform=platform, files=files, issues=Issues(issues), provenance=made_by)


def _surveys(
    study: Study,
    platform: str,
    where: Path,
    wordings: Mapping[str, Wording] | None,
    language: str,
    issues: list[Issue],
) -> tuple[Path, ...]:
    forms, found = questionnaire(study, wordings)
    issues += found
    texts: dict[Path, str] = {}
    for i, form in enumerate(forms):
        path = _new(where / f"{platform}-{form.wave.name}.txt")
        if platform == "qualtrics":
            texts[path] = qualtrics_survey(form)
        else:
            number = 100_000 + (int(study.design_hash[:8], 16) + i) % 900_000
            title = f"{study.title} ({form.wave.name})"
            texts[path] = limesurvey_survey(form, title=title, number=number, language=language)
    texts[_new(where / f"{platform}-checklist.md")] = checklist(study, forms, platform)
    return tuple(write_atomic(path, text) for path, text in texts.items())


def _new(path: Path) -> Path:
    if path.exists():
        raise InputError(f"{path} exists already and is left alone; choose another folder.")
    return path


def _template(study: Study, where: Path) -> Path:
    """Write an SPSS file without cases, whose variables are labelled as the study declares them."""
    path = _new(where / "template.sav")
    specs: list[ItemSpec] = [spec for spec in item_specs(study) if spec.kind != "open"]
    names = ["participant", "arm", "occasion", *study.factors.names, *cluster_names(study), *study.covariates.names]
    names += ["duration_seconds", *(spec.name for spec in specs)]
    told = sav_columns(names, study, specs)
    columns = {n: np.array([], dtype=np.float64 if n in told.numbers else object) for n in names}
    codes = sorted(MISSING_CODES)
    missing = {
        spec.name: [*codes] if spec.name in told.numbers else [code_text(code) for code in codes] for spec in specs
    }
    with staged_file(path) as staged:
        write_sav(
            staged,
            pd.DataFrame(columns),
            labels=told.labels,
            value_labels=told.value_labels,
            missing=missing,
            measures=told.measures,
            note=f"design {study.design_hash[:32]}",
        )
    return path
