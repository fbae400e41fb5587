"""`messy_export`: answers as a survey platform really hands them over, with faults whose number and place are known."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from feedbackstudy.collect.messy_tables import MessyTables, Planted
from feedbackstudy.collect.platforms.writing import write_responses
from feedbackstudy.collect.read_items import ItemSpec, item_specs
from feedbackstudy.collect.screening import screen
from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.frames import Responses
from feedbackstudy.study import Study

__all__ = ["Planted", "messy_export"]

_DURATION = "Duration (in seconds)"
_NAMES = (("Ada", "Adler"), ("Bo", "Berg"), ("Cem", "Can"), ("Dora", "Dahl"), ("Eli", "Egger"), ("Fina", "Falk"))


def messy_export(
    study: Study, responses: Responses, folder: str | Path, *, seed: int = 20260103, code: int = 77
) -> list[Planted]:
    """Write simulated answers as an export of Qualtrics with the faults of a real one.

    Parameters
    ----------
    study : Study
        The study.
    responses : Responses
        Simulated answers to it.
    folder : str or Path
        Where the files go, one for each wave: ``t0.csv`` and so on; they must be new.
    seed : int, default 20260103
        Draws whom a fault concerns.
    code : int, default 77
        The number that stands for "no answer" without anybody having said so.

    Returns
    -------
    list of Planted
        What was planted where, in the order of planting; the key to what `inspect`, `read` and `screen` must find.

    Raises
    ------
    InputError
        Where the answers are not simulated, too few people answer every wave, or a file exists.

    Notes
    -----
    Each person has one fault at most, and would pass the plan's rules without it. Real answers are refused: a fault
    must never get into data that somebody may analyse.
    """
    if not responses.provenance.simulated:
        raise InputError("Faults are planted in simulated answers only; these are real. Use fs.simulate(study, world).")
    rng = np.random.default_rng(seed)
    written = write_responses(responses, study, folder, platform="qualtrics")
    paths = written if isinstance(written, dict) else {study.waves.names[0]: written}
    export = _taken_in(study, responses, paths, rng)
    planted = [fault for plant in _PLANTS for fault in plant(export)]
    planted += [*_codes(export, code), *_no_people(export)]
    for wave, path in paths.items():
        write_atomic(path, export.text(wave))
    return planted


def _taken_in(study: Study, responses: Responses, paths: Mapping[str, Path], rng: np.random.Generator) -> MessyTables:
    files, heads = {}, {}
    for wave, path in paths.items():
        names, questions, told, *body = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
        files[wave] = pd.DataFrame(body, columns=names, dtype=object)
        heads[wave] = {name: (q, i) for name, q, i in zip(names, questions, told, strict=True)}
    passing = set(screen(responses, study).column("participant").astype(str))
    everywhere = sorted(passing.intersection(*(set(table["fs_pid"]) for table in files.values())))
    return MessyTables(study=study, files=files, heads=heads, free=[str(who) for who in rng.permutation(everywhere)])


def _identities(export: MessyTables) -> Iterator[Planted]:
    """Add what the platform stores about everybody, and a box into which people type their address."""
    for wave, table in export.files.items():
        at = pd.factorize(table["fs_pid"])[0]
        people = [_NAMES[i % len(_NAMES)] for i in at]
        export.add_column(wave, "IPAddress", [f"192.0.2.{i % 250 + 1}" for i in at])
        export.add_column(wave, "RecipientFirstName", [first for first, _ in people])
        export.add_column(wave, "RecipientLastName", [last for _, last in people])
        mails = [f"{first}.{last}{i}@example.org".lower() for (first, last), i in zip(people, at, strict=True)]
        export.add_column(wave, "RecipientEmail", mails)
        yield Planted(fault="name, e-mail and IP address", wave=wave, n=4, issue="collect.identifiers_dropped")
    export.add_column(wave, "anything_else", ["" if i % 9 else f"write to {mails[i]}" for i in range(len(mails))])
    yield Planted(fault="an undeclared open question", wave=wave, n=1, issue="collect.columns_left_out")


def _consent(export: MessyTables) -> Iterator[Planted]:
    first, last = next(iter(export.files)), list(export.files)[-1]
    for name, wave, n, words in (
        ("consent", first, 2, "did not consent, and answered all the same"),
        ("re_consent", last, 1, "said after the debriefing that the answers may not be used"),
    ):
        who = export.draw(n)
        export.add_column(wave, name, "1")
        export.put(wave, who, name, "0")
        yield Planted(fault=words, wave=wave, n=n, step=f"screen.{name}", participants=who)


def _crossover(export: MessyTables) -> Iterator[Planted]:
    """Show people of an arm another cell of it than they were assigned to, at every wave."""
    first = next(iter(export.files))
    cells = [cell for cell in export.study.crossing.cells() if dict(cell.levels)]
    table = export.files[first].set_index("fs_pid")["fs_cond"]
    keys = [cell.key for cell in cells]
    export.free.sort(key=lambda who: table[who] not in keys)
    who = export.draw(2) if len(keys) > 1 and table[export.free[1]] in keys else ()
    for person in who:
        other = keys[(keys.index(table[person]) + 1) % len(keys)]
        for wave in export.files:
            export.put(wave, [person], "fs_cond", other)
    if who:
        words = "shown another condition than assigned"
        yield Planted(fault=words, wave=first, n=len(who), issue="collect.crossover", participants=who)


def _times(export: MessyTables) -> Iterator[Planted]:
    first = next(iter(export.files))
    rules = export.study.plan.exclusions
    rule = next((r for r in rules if r.variable == "duration_seconds" and r.exclude_if == "below"), None)
    if _DURATION not in export.files[first]:
        return
    if rule is not None:
        wave, who = rule.occasion or first, export.draw(2)
        export.put(wave, who, _DURATION, f"{float(str(rule.value)) / 4:g}")
        yield Planted(fault="clicked through", wave=wave, n=2, step=f"screen.{rule.name}", participants=who)
    who = export.draw(1)
    export.put(first, who, _DURATION, "193500")
    words = "left the questionnaire open for two days"
    yield Planted(fault=words, wave=first, n=1, issue="collect.odd_duration", participants=who)


def _mistyped(export: MessyTables) -> Iterator[Planted]:
    later = list(export.files)[1:]
    who = export.draw(1)
    if later and who[0].upper() != who[0]:
        export.put(later[0], who, "fs_pid", who[0].upper())
        words = "typed the own id in capitals"
        yield Planted(fault=words, wave=later[0], n=1, issue="collect.wave_unmatched", participants=who)


def _codes(export: MessyTables, code: int) -> Iterator[Planted]:
    """Write a number and a text for "no answer" into closed questions of two measures."""
    first, last = next(iter(export.files)), list(export.files)[-1]
    closed = [s for s in item_specs(export.study) if s.kind == "numbers" and s.codes and float(code) not in s.codes]
    number = _one(closed, first)
    text = _one([spec for spec in closed if number is None or spec.measure != number.measure], last)
    for spec, wave, n, cell, issue in (
        (number, first, 4, str(code), "collect.out_of_range"),
        (text, last, 2, "NA", "collect.unknown_answer"),
    ):
        if spec is not None:
            who = export.draw(n, wave, spec.name)
            export.put(wave, who, spec.name, cell)
            yield Planted(fault=f"{cell} in {spec.name}", wave=wave, n=n, issue=issue, participants=who)


def _one(specs: Sequence[ItemSpec], wave: str) -> ItemSpec | None:
    return next((spec for spec in specs if wave in spec.waves), None)


def _no_people(export: MessyTables) -> Iterator[Planted]:
    """Add rows that are no participants' answers, and answers that stand twice; last, so that no fault is copied."""
    first = next(iter(export.files))
    who = export.draw(1)
    own = [spec.name for spec in item_specs(export.study) if spec.name in export.files[first]]
    half = dict.fromkeys(own[len(own) // 2 :], "")
    export.add_rows(first, who, {**half, "ResponseId": "R_again", "EndDate": "2026-05-04 18:20:00"})
    words, issue, step = "answered again and broke off", "collect.duplicate_person", "collect.duplicates"
    yield Planted(fault=words, wave=first, n=1, issue=issue, step=step, participants=who)
    who = export.draw(3)
    export.add_rows(first, who, {})
    words, step = "rows pasted in twice", "collect.duplicate_rows"
    yield Planted(fault=words, wave=first, n=3, issue=step, step=step, participants=who)
    for status, n, words, step in (
        ("1", 2, "the team's own previews", "collect.status_survey_preview"),
        ("8", 1, "spam", "collect.status_spam"),
    ):
        who = export.draw(n)
        names = [f"{'test' if status == '1' else 'bot'}_{i + 1}" for i in range(n)]
        changes = {"Status": status, "ResponseId": [f"R_{name}" for name in names], "fs_pid": names}
        export.add_rows(first, who, changes, first=True)
        yield Planted(fault=words, wave=first, n=n, issue="collect.status_excluded", step=step)


_PLANTS: tuple[Callable[[MessyTables], Iterator[Planted]], ...] = (_identities, _consent, _crossover, _times, _mistyped)
