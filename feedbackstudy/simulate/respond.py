"""`simulate`: the table that a survey export of the study would give, had the world been as assumed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.frames import Ledger, LedgerEntry, MissingReason, Responses
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import counted
from feedbackstudy.simulate.capacity import refuse_too_many
from feedbackstudy.simulate.compiling import compiled
from feedbackstudy.simulate.covariates import covariate_numbers
from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.latents import People, Sampler, staying
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.pace import seconds_taken
from feedbackstudy.simulate.people import participants_of
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.traits import Trait
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["invented", "simulate"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int8]


def simulate(study: Study, world: World, *, seed: int) -> Responses:
    """Invent the answers to a study.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed true; `World.assumed` gives one to start from.
    seed : int
        Seed; the same seed gives the same data.

    Returns
    -------
    Responses
        One row for each participant and wave, with the columns of a survey export and a reason beside every missing
        answer. Who stayed away at a wave has no row there, as the ledger says.

    Raises
    ------
    InputError
        For a world that does not fit the study or itself, a path in its place, or more people than memory holds.

    Notes
    -----
    Every purpose (people, clusters, allocation, each score's answers ...) draws from a stream of its own with a stable
    key, so that a changed assumption changes no draw that it does not concern.
    """
    return invented(compiled(study, world), seed=seed)


def invented(model: Model, *, seed: int, replicate: int = 0) -> Responses:
    """Invent the answers of one replicate of a compiled study.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    seed : int
        Seed.
    replicate : int, default 0
        Number of the replicate.

    Returns
    -------
    Responses
        The table; see `simulate`.
    """
    refuse_too_many(model)
    declared, model = model.world, model.drawn(seed, replicate)
    told = any(factor.varies == "within" for factor in model.study.factors)
    sampler = Sampler(model, seed)
    stories = sampler.stories(replicate) if told else [sampler.people(replicate)]
    people = stories[0]
    answers = _Answers(model, people, seed, replicate)
    present = staying(model, people.cell, answers.standardised, stream(seed, replicate, "attrition"))
    after = [wave.name for wave in model.study.waves if wave.phase == "after"] if told else []
    tables = [answers.table(present, label=".1" if told else "", labelled=after)]
    for j, each in enumerate(stories[1:], start=2):
        more = _Answers(model, each, seed, replicate, story=f"#{j}")
        tables.append(more.table(present & (each.cell >= 0)[:, None], label=f".{j}", labelled=after, only=after))
    frame, reasons = _together(tables)
    study = model.study
    return Responses.from_frame(
        frame,
        items=answers.items,
        factors=study.factors.names,
        clusters=answers.clusters,
        covariates=(*study.covariates.names, *(() if people.period is None else ("period",)), "duration_seconds"),
        reasons=reasons,
        already_reversed=(),
        ledger=_stayed_away(model, np.argwhere(~present & answers.asked_rows), answered=len(frame)),
        design_hash=study.design_hash,
        provenance=_made(model, declared, seed),
    )


def _stayed_away(model: Model, gone: NDArray[np.intp], *, answered: int) -> Ledger:
    """Name the questionnaires that nobody answered."""
    if not len(gone):
        return Ledger()
    ids, waves = participants_of(model.numbers), model.study.waves.names
    n_before = answered + len(gone)
    entry = LedgerEntry(
        step="simulate.attrition",
        what=f"{len(gone)} of {counted(n_before, 'questionnaire')} {'was' if len(gone) == 1 else 'were'} not "
        f"answered: the person stayed away from then on.",
        n_before=n_before,
        n_after=answered,
        rows=tuple((ids[i], waves[w]) for i, w in gone),
    )
    return Ledger().add(entry)


def _made(model: Model, declared: World, seed: int) -> Provenance:
    return Provenance(
        made_by="simulate",
        conventions=(
            "invented data: nobody answered",
            f"the world's means, correlations and ICCs are those of the {model.world.metric}s",
            "ICC = between / total variance within a cell",
        ),
        design_hash=model.study.design_hash,
        data_sha256=(("world", declared.digest()),),
        seed=seed,
        simulated=True,
    )


class _Answers:
    """The answers of one sample, slot by slot."""

    def __init__(self, model: Model, people: People, seed: int, replicate: int, *, story: str = "") -> None:
        self.model, self.people, self.seed, self.replicate, self.story = model, people, seed, replicate, story
        self.clusters = (*list(model.numbers)[1:], *(("exemplar",) if model.exemplars else ()))
        self.items = tuple(dict.fromkeys(column for trait in model.traits for column in trait.columns))
        arms = [cell.arm for cell in model.cells]
        self.asked = {
            t.name: np.array([t.measure.asks(arm) for arm in arms])[people.cell] & self._sampled(t)
            for t in model.traits
        }
        self.values = [self._slot(i) for i in range(len(model.slots))]
        self.standardised = np.column_stack([self._standard(i) for i in range(len(model.slots))])
        waves = model.study.waves.names
        self.asked_rows = np.column_stack([self._asked_at(wave) for wave in waves])

    def _asked_at(self, wave: str) -> NDArray[np.bool_]:
        """Who is asked anything at a wave."""
        found = np.zeros(self.model.n, dtype=bool)
        for trait in self.model.traits:
            if wave in trait.measure.waves:
                found |= self.asked[trait.name]
        return found

    def _sampled(self, trait: Trait) -> NDArray[np.bool_]:
        """Who is asked where only half of the sample, or only a pilot, is."""
        if trait.measure.placement == "pilot":
            return np.zeros(self.model.n, dtype=bool)
        if trait.measure.placement == "half_sample":
            order = stream(self.seed, self.replicate, f"half:{trait.measure.name}").permutation(self.model.n)
            return np.asarray(order < (self.model.n + 1) // 2)
        return np.ones(self.model.n, dtype=bool)

    def _stream(self, purpose: str, i: int) -> np.random.Generator:
        slot = self.model.slots[i]
        return stream(self.seed, self.replicate, f"{purpose}:{slot.name}@{slot.occasion}{self.story}")

    def _slot(self, i: int) -> Floats:
        """Return the answers of everybody at one slot, as values of categories."""
        slot, people = self.model.slots[i], self.people
        answers = slot.measurement.answers(people.latent[:, i], self._stream("answers", i))
        if slot.trait is None:
            return answers
        if slot.trait.measure.role == "attention_check" and slot.trait.measure.passes is not None:
            answers = self._attention(i, answers)
        who = people.careless > 0
        if who.any() and isinstance(slot.measurement, Graded) and len(slot.measurement.values) > 1:
            answers = np.where(who[:, None], self._careless(i, answers.shape[1]), answers)
        return answers

    def _attention(self, i: int, answers: Floats) -> Floats:
        slot = self.model.slots[i]
        trait = slot.trait
        if trait is None or not isinstance(slot.measurement, Graded):
            return answers
        right = next((v for v, code in trait.codes.items() if str(code) == trait.measure.passes), None)
        right = float(trait.measure.passes or "nan") if right is None else right
        known = slot.measurement.values  # noqa: PD011
        wrong = known[known != right]
        chance = self._stream("attention", i)
        passed = chance.random(len(answers)) < self.model.world.carelessness.passes
        return np.where(passed, right, chance.choice(wrong, len(answers)))[:, None]

    def _careless(self, i: int, k: int) -> Floats:
        """Answers without reading: at random, or the same code everywhere (which turned items turn round)."""
        trait, items = self.model.slots[i].trait, self.model.slots[i].measurement
        chance = self._stream("careless", i)
        values = items.values if isinstance(items, Graded) else np.zeros(1)  # noqa: PD011
        random = chance.choice(values, (self.model.n, k))
        place = chance.integers(len(values), size=self.model.n)
        turned = np.array(trait.turned if trait is not None else (False,) * k)
        same = values[np.where(turned, len(values) - 1 - place[:, None], place[:, None])]
        return np.where((self.people.careless == 2)[:, None], same, random)

    def _standard(self, i: int) -> Floats:
        slot = self.model.slots[i]
        items = slot.measurement
        score = self.values[i].mean(axis=1)
        if isinstance(items, Graded):
            score = items.origin + items.unit * score
        return (score - items.mean(0.0)) / slot.sd

    def table(
        self,
        present: NDArray[np.bool_],
        *,
        label: str = "",
        labelled: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> tuple[pd.DataFrame, dict[str, Codes]]:
        """Return the table with the reasons beside missing answers.

        Parameters
        ----------
        present : ndarray of bool, shape (n, waves)
            Who answers at each wave.
        label : str
            Added to the names of some waves: the position of a story.
        labelled : sequence of str
            Those waves.
        only : sequence of str
            Waves to make; all where empty.

        Returns
        -------
        DataFrame, dict
            Columns of the grammar, and the place of each person; item -> codes.
        """
        waves = self.model.study.waves
        parts, codes = [], []
        for w, wave in enumerate(waves):
            rows = np.flatnonzero(present[:, w] & self.asked_rows[:, w])
            if only and wave.name not in only:
                continue
            part, why = self._wave(wave.name, rows)
            part["occasion"] += label if wave.name in labelled else ""
            parts.append(part)
            codes.append(why)
        return pd.concat(parts, ignore_index=True), {
            item: np.concatenate([c[item] for c in codes]) for item in self.items
        }

    def _wave(self, wave: str, rows: NDArray[np.intp]) -> tuple[pd.DataFrame, dict[str, Codes]]:
        columns: dict[str, object] = {
            "_row": rows,
            **self._identity(rows),
            "occasion": np.full(len(rows), wave, dtype=object),
        }
        columns |= self._covariates(rows)
        reasons: dict[str, Codes] = {}
        answered = np.zeros(len(rows))
        for item in self.items:
            columns[item] = pd.array([pd.NA] * len(rows), dtype="Float64")
            reasons[item] = np.full(len(rows), MissingReason.NOT_ASKED, dtype=np.int8)
        for i, slot in enumerate(self.model.slots):
            if slot.trait is None or slot.occasion != wave:
                continue
            asked = self.asked[slot.name][rows]
            chance = self._stream("skipped", i)
            left_out = (chance.random((self.model.n, len(slot.trait.columns))) < self.model.world.skipped)[rows]
            for j, item in enumerate(slot.trait.columns):
                here = asked & ~left_out[:, j]
                columns[item] = self._coded(slot.trait, j, self.values[i][rows, j], here)
                reasons[item] = np.where(
                    here, MissingReason.ANSWERED, np.where(asked, MissingReason.SKIPPED, MissingReason.NOT_ASKED)
                ).astype(np.int8)
            answered += asked * len(slot.trait.columns)
        answered += sum(covariate.known_from == wave for covariate in self.model.study.covariates)
        columns["duration_seconds"] = self._duration(wave, rows, answered)
        return pd.DataFrame(columns), reasons

    def _identity(self, rows: NDArray[np.intp]) -> dict[str, object]:
        model, people = self.model, self.people
        names = np.array(participants_of(model.numbers), dtype=object)
        cells = [model.cells[c] for c in people.cell[rows]]
        found: dict[str, object] = {"participant": names[rows], "arm": np.array([c.arm for c in cells], dtype=object)}
        for factor in model.study.factors:
            found[factor.name] = np.array([dict(c.levels).get(factor.name) for c in cells], dtype=object)
        for unit, codes in people.clusters.items():
            width = len(str(model.numbers[unit]))
            found[unit] = np.array([f"{unit}_{c + 1:0{width}d}" for c in codes[rows]], dtype=object)
        if model.exemplars:
            labels = np.array([*model.exemplars, None], dtype=object)
            found["exemplar"] = labels[people.exemplar[rows]]
        return found

    def _covariates(self, rows: NDArray[np.intp]) -> dict[str, object]:
        found: dict[str, object] = {}
        if self.people.period is not None:
            found["period"] = self.people.period[rows] + 1
        for covariate in self.model.study.covariates:
            values = self.values[self.model.slot(covariate.name)][rows, 0]
            numbers = covariate_numbers(covariate)
            place = np.searchsorted(list(numbers.values()), values)
            found[covariate.name] = np.array(list(numbers), dtype=object)[place] if numbers else values
        return found

    def _coded(self, trait: Trait, j: int, values: Floats, here: NDArray[np.bool_]) -> object:
        """Return what stands in the data: codes, turned where the item runs against the score."""
        turned = trait.low + trait.high - values if trait.turned[j] else values
        if trait.codes and all(
            isinstance(code, str) and not code.lstrip("-").isdigit() for code in trait.codes.values()
        ):
            words = [trait.codes.get(float(v)) if asked else None for v, asked in zip(turned, here, strict=True)]
            return np.array(words, dtype=object)
        numbers = self._numbers(trait, turned)
        return pd.array(np.where(here, numbers, np.nan), dtype="Float64")

    @staticmethod
    def _numbers(trait: Trait, values: Floats) -> Floats:
        if not trait.codes:
            return values
        table: Mapping[float, float] = {value: float(str(code)) for value, code in trait.codes.items()}
        return np.array([table[float(v)] for v in values])

    def _duration(self, wave: str, rows: NDArray[np.intp], items: Floats) -> Floats:
        noise = stream(self.seed, self.replicate, f"duration:{wave}{self.story}").standard_normal(self.model.n)[rows]
        return seconds_taken(items, self.people.careless[rows], noise)


def _together(tables: Sequence[tuple[pd.DataFrame, dict[str, Codes]]]) -> tuple[pd.DataFrame, dict[str, Codes]]:
    """Join tables, the rows of each person together."""
    frame = pd.concat([table for table, _ in tables], ignore_index=True)
    order = np.argsort(frame["_row"].to_numpy(), kind="stable")
    reasons = {item: np.concatenate([why[item] for _, why in tables])[order] for item in tables[0][1]}
    return frame.iloc[order].drop(columns="_row").reset_index(drop=True), reasons
