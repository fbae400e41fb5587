"""A study's data as a Psych-DS folder: metadata for people and machines, validated before it takes its name."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feedbackstudy.collect.psychds import validate
from feedbackstudy.collect.sharing import Shared
from feedbackstudy.errors import DataError, FileFormatError
from feedbackstudy.files import write_atomic
from feedbackstudy.issues import Issues
from feedbackstudy.render import counted
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.study import Study

__all__ = ["PsychDS", "export_psychds", "variables"]

_OWN = {
    "participant": "Pseudonym of the person; the same in every row of theirs.",
    "arm": "feedback for the crossed conditions, else the arm outside the crossing.",
    "occasion": "Wave at which the row was answered.",
    "duration_seconds": "Seconds the questionnaire took.",
    "period": "Period of the stepped wedge.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PsychDS:
    """A Psych-DS folder that was written.

    Attributes
    ----------
    folder : Path
        Its root.
    data : Path
        The table.
    issues : Issues
        Recommendations of the validator; there are no errors.
    """

    folder: Path
    data: Path
    issues: Issues


def variables(frame: pd.DataFrame, study: Study) -> list[dict[str, object]]:
    """Describe every column as a schema.org PropertyValue.

    Parameters
    ----------
    frame : DataFrame
        The table.
    study : Study
        The study, which knows what the columns are.

    Returns
    -------
    list of dict
        ``@type, name, description`` and, where known, ``minValue, maxValue, unitText, value``.
    """
    known = {**_own(), **_declared(study), **_items(study)}
    found = []
    for name in map(str, frame.columns):
        about = dict(known.get(name, {"description": f"{name.replace('_', ' ')}."}))
        found.append({"@type": "PropertyValue", "name": name, **about})
    return found


def _own() -> dict[str, dict[str, object]]:
    return {name: {"description": text} for name, text in _OWN.items()}


def _declared(study: Study) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for factor in study.factors:
        levels = "; ".join(f"{code}: {label}" for code, label in factor.levels.items())
        found[factor.name] = {"description": f"{factor.title}. {factor.definition}".strip(), "value": levels}
    for unit in study.units:
        found[unit.name] = {"description": f"Which {unit.label or unit.name} (coded)."}
    for covariate in study.covariates:
        found[covariate.name] = _column(covariate.label or covariate.name, covariate.levels, covariate.unit)
    for measure in study.measures:
        if measure.kind != "scale":
            about = _column(measure.title, measure.levels, measure.unit)
            if measure.range is not None:
                about |= {"minValue": measure.range[0], "maxValue": measure.range[1]}
            found[measure.name] = about
    return found


def _column(title: str, levels: Mapping[str, str], unit: str | None) -> dict[str, object]:
    about: dict[str, object] = {"description": f"{title}."}
    if levels:
        about["value"] = "; ".join(f"{code}: {label}" for code, label in levels.items())
    if unit:
        about["unitText"] = unit
    return about


def _items(study: Study) -> dict[str, dict[str, object]]:
    """Describe items by scale and position: wordings are not ours to publish."""
    found: dict[str, dict[str, object]] = {}
    for job in jobs_of(study.measures)[0]:
        form = job.scale.form(job.form)
        answers = form.likert_options
        for position, column in job.asked(form).items():
            turned = ", runs against the score" if position in (form.reversed or ()) else ""
            about: dict[str, object] = {"description": f"{job.scale.name}, item {position}{turned}, as answered."}
            if answers is not None:
                about |= {"minValue": answers.min, "maxValue": answers.max}
            found[column] = about
    return found


def export_psychds(shared: Shared, study: Study, folder: str | Path, *, licence: str = "") -> PsychDS:
    """Write a Psych-DS 1.5 folder, whole and valid or not at all.

    Parameters
    ----------
    shared : Shared
        What may be shared (`shareable`).
    study : Study
        The study.
    folder : str or Path
        A folder that does not exist yet.
    licence : str, optional
        Under which terms, such as a Creative Commons address.

    Returns
    -------
    PsychDS
        The folder and the validator's recommendations.

    Raises
    ------
    DataError
        Where the folder is there already, or the table has no rows.
    FileFormatError
        Where it cannot be written.
    """
    root = Path(folder)
    if root.exists():
        raise DataError(f"{root} is there already; choose a new folder, nothing is overwritten.")
    if not len(shared.frame):
        raise DataError("The table has no rows; there is nothing to share.")
    name = f"study-{re.sub(r'[^A-Za-z0-9]+', '', study.title)[:40] or 'one'}_data.csv"
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    except OSError as fault:
        raise FileFormatError(f"{root} cannot be written: {fault.strerror or fault}.") from fault
    try:
        _fill(staged, name, shared, study, licence)
        issues = validate(staged)
        if issues.errors:
            raise FileFormatError("The folder would be no valid Psych-DS:\n" + "\n".join(map(str, issues.errors)))
        staged.chmod(0o755)
        staged.rename(root)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return PsychDS(folder=root, data=root / "data" / name, issues=issues)


def _fill(root: Path, name: str, shared: Shared, study: Study, licence: str) -> None:
    (root / "data").mkdir()
    write_atomic(root / "data" / name, shared.frame.to_csv(index=False), private=True)
    described: dict[str, object] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": study.title,
        "description": " ".join(filter(None, (shared.provenance.mark, study.question or study.title))),
        "author": [{"@type": "Person", "name": author} for author in study.authors],
        "license": licence,
        "keywords": ["feedback", *(f.concept for f in study.factors if f.concept)],
        "identifier": f"design {study.design_hash}",
        "variableMeasured": variables(shared.frame, study),
    }
    kept = {key: value for key, value in described.items() if value}
    text = json.dumps(kept, indent=2, ensure_ascii=False)
    write_atomic(root / "dataset_description.json", text + "\n")
    write_atomic(root / "README.md", _readme(shared, study))
    write_atomic(root / "CHANGES.md", f"# Changes\n\n- Exported as a whole; design hash {study.design_hash}.\n")


def _readme(shared: Shared, study: Study) -> str:
    gone = "".join(f"- {name}: {why}\n" for name, why in shared.dropped.items()) or "- nothing\n"
    purposes = "".join(f"- {name}: {purpose}\n" for name, purpose in shared.purposes.items())
    special = f"\nSpecial categories of personal data, with the purpose of sharing:\n\n{purposes}" if purposes else ""
    mark = f"{shared.provenance.mark}\n\n" if shared.provenance.simulated else ""
    return (
        f"# {study.title}\n\n{mark}{study.question}\n\nDesign hash: {study.design_hash}\n\n"
        f"{counted(len(shared.frame), 'row')} of {counted(len(shared.participants), 'person', 'people')} under "
        "pseudonyms. Pseudonymised data are "
        f"personal data.\n\nNot shared:\n\n{gone}{special}"
    )
