"""The Psych-DS rules for metadata: JSON-LD after schema.org, with inheritance from folder to file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from feedbackstudy.collect.psychds_findings import recommend, refuse
from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import read_bounded
from feedbackstudy.issues import Issue

__all__ = ["Metadata", "metadata_issues", "read_metadata"]

_MAX_BYTES = 5_000_000
_REQUIRED = ("name", "description", "variableMeasured")
_RECOMMENDED = ("author", "citation", "license", "funder", "url", "identifier", "privacyPolicy", "keywords")
_PREFIXES = ("https://schema.org/", "http://schema.org/", "schema:")
_CONTEXTS = ("https://schema.org", "http://schema.org", "https://www.schema.org", "http://www.schema.org")

_THING = """additionalType alternateName description disambiguatingDescription identifier image mainEntityOfPage name
owner potentialAction sameAs subjectOf url"""
_CREATIVE_WORK = """about abstract accessMode accessModeSufficient accessibilityAPI accessibilityControl
accessibilityFeature accessibilityHazard accessibilitySummary accountablePerson acquireLicensePage aggregateRating
alternativeHeadline archivedAt assesses associatedMedia audience audio author award character citation comment
commentCount conditionsOfAccess contentLocation contentRating contentReferenceTime contributor copyrightHolder
copyrightNotice copyrightYear correction countryOfOrigin creativeWorkStatus creator creditText dateCreated dateModified
datePublished digitalSourceType discussionUrl editEIDR editor educationalAlignment educationalLevel educationalUse
encoding encodingFormat exampleOfWork expires funder funding genre hasPart headline inLanguage interactionStatistic
interactivityType interpretedAsClaim isAccessibleForFree isBasedOn isFamilyFriendly isPartOf keywords
learningResourceType license locationCreated mainEntity maintainer material materialExtent mentions offers pattern
position producer provider publication publisher publisherImprint publishingPrinciples recordedAt releasedEvent review
schemaVersion sdDatePublished sdLicense sdPublisher size sourceOrganization spatial spatialCoverage sponsor teaches
temporal temporalCoverage text thumbnail thumbnailUrl timeRequired translationOfWork translator typicalAgeRange
usageInfo version video workExample workTranslation"""
_DATASET = "distribution includedInDataCatalog issn measurementMethod measurementTechnique variableMeasured"
_PROPERTIES = frozenset(" ".join((_THING, _CREATIVE_WORK, _DATASET, "privacyPolicy")).split())


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata of a dataset or of a data file, keys without their schema.org prefix.

    Attributes
    ----------
    content : mapping
        Key -> value.
    """

    content: Mapping[str, object] = field(default_factory=dict)

    def over(self, layer: Self) -> "Metadata":
        """Return these metadata with the keys of `layer` laid over them.

        Parameters
        ----------
        layer : Metadata
            The metadata nearer to the data file.

        Returns
        -------
        Metadata
            The compiled metadata.
        """
        return Metadata({**self.content, **layer.content})

    @property
    def variables(self) -> tuple[str, ...]:
        """The names listed in ``variableMeasured``, given as text or as ``PropertyValue``."""
        listed = self.content.get("variableMeasured")
        entries = listed if isinstance(listed, list) else [listed] if listed else []
        names = (_plain(entry).get("name") if isinstance(entry, Mapping) else entry for entry in entries)
        return tuple(str(name) for name in names if name)


def _plain(data: Mapping[str, object]) -> dict[str, object]:
    """Drop schema.org prefixes from keys."""
    result: dict[str, object] = {}
    for key, value in data.items():
        short = next((key.removeprefix(prefix) for prefix in _PREFIXES if key.startswith(prefix)), key)
        result[short] = value
    return result


def read_metadata(path: Path, root: Path, *, required: bool) -> tuple[Metadata, list[Issue]]:
    """Read one metadata file.

    Parameters
    ----------
    path : Path
        The JSON file.
    root : Path
        The dataset's root.
    required : bool
        Whether its absence is an error.

    Returns
    -------
    tuple
        The metadata (empty where the file is absent or unreadable) and the findings.
    """
    name = path.relative_to(root).as_posix()
    if not path.is_file():
        if not required:
            return Metadata(), []
        if elsewhere := sorted(p.relative_to(root).as_posix() for p in root.rglob(path.name)):
            what = f"is missing from the root; found {elsewhere[0]} instead."
            return Metadata(), [refuse("metadata_elsewhere", name, what, "Move it to the dataset's root.")]
        fix = "Write it with name, description and variableMeasured."
        return Metadata(), [refuse("no_description", name, "is missing.", fix)]
    try:
        data = json.loads(read_bounded(path, _MAX_BYTES).decode("utf-8"))
    except UnicodeDecodeError:
        return Metadata(), [refuse("not_utf8", name, "is not UTF-8 text.", "Save it with the encoding UTF-8.")]
    except (json.JSONDecodeError, FileFormatError, RecursionError) as fault:
        return Metadata(), [refuse("not_json", name, f"is not valid JSON: {fault}.", "Mend the JSON.")]
    if not isinstance(data, dict):
        return Metadata(), [refuse("not_an_object", name, "holds no JSON object.", "Begin it with '{'.")]
    return Metadata(_plain(data)), []


def metadata_issues(described: Metadata, compiled: list[Metadata], root: Path) -> list[Issue]:
    """Check the dataset's metadata and what each data file inherits.

    Parameters
    ----------
    described : Metadata
        ``dataset_description.json``.
    compiled : list of Metadata
        The compiled metadata of each data file.
    root : Path
        The dataset's root.

    Returns
    -------
    list of Issue
        The findings.
    """
    where = "dataset_description.json"
    if not (root / where).is_file() or not described.content:
        return []
    issues = _required_issues(compiled or [described], where)
    issues += _json_ld_issues(described.content, where)
    unknown = [key for key in described.content if not key.startswith("@") and key not in _PROPERTIES]
    if unknown:
        what = f"uses {', '.join(unknown)}, which schema.org does not define for a Dataset."
        issues.append(recommend("unknown_property", where, what, "Use a schema.org property."))
    untyped = sorted(k for k, value in described.content.items() if not k.startswith("@") and _is_untyped(value))
    if untyped:
        what = f"holds objects without @type in {', '.join(untyped)}."
        issues.append(recommend("object_without_type", where, what, 'Say what they are, such as "@type": "Person".'))
    absent = [key for key in _RECOMMENDED if not described.content.get(key)]
    if absent:
        what = f"lacks the recommended {', '.join(absent)}."
        issues.append(recommend("recommended_key_absent", where, what, "Add those that apply."))
    return issues


def _is_untyped(value: object) -> bool:
    """Say whether a value holds an object that does not say what it is."""
    if isinstance(value, list):
        return any(_is_untyped(item) for item in value)
    return isinstance(value, Mapping) and not {"@type", "@id", "@value"} & value.keys()


def _required_issues(compiled: list[Metadata], where: str) -> list[Issue]:
    absent = [key for key in _REQUIRED if any(not metadata.content.get(key) for metadata in compiled)]
    fix = "Add it to dataset_description.json (or to the data file's own metadata)."
    return [refuse("required_key_absent", where, f"lacks {key}.", fix) for key in absent]


def _json_ld_issues(content: Mapping[str, object], where: str) -> list[Issue]:
    issues = []
    types = content.get("@type")
    given = [str(item) for item in types] if isinstance(types, list) else [str(types)] if types else []
    if "Dataset" not in [next(iter(_plain({name: None}))) for name in given]:
        what = f"has the @type {', '.join(given) or '(none)'}."
        issues.append(refuse("type_not_dataset", where, what, 'Write "@type": "Dataset".'))
    if not _is_schema_org(content.get("@context")):
        what = f"has the @context {content.get('@context')!r}."
        issues.append(refuse("context_not_schema_org", where, what, 'Write "@context": "https://schema.org/".'))
    return issues


def _is_schema_org(context: object) -> bool:
    if isinstance(context, str):
        return context.rstrip("/") in _CONTEXTS
    if isinstance(context, list):
        return any(_is_schema_org(item) for item in context)
    if isinstance(context, Mapping):
        return any(_is_schema_org(item) for key, item in context.items() if key in {"@vocab", "schema"})
    return False
