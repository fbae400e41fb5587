"""The sealed list: what each place will get, fixed and committed to before anybody arrives."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Literal

import pandas as pd

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.assign.arrivals import Arrivals
from feedbackstudy.assign.assigning import allocate
from feedbackstudy.declaration import digest
from feedbackstudy.design.chance import ALGORITHM
from feedbackstudy.errors import DeclarationError, FileFormatError
from feedbackstudy.files import read_bounded, write_atomic
from feedbackstudy.study import Study

__all__ = ["Kind", "Mode", "Sealed", "Slot", "read_sealed", "seal", "slot_commitment", "slots_of", "write_sealed"]

type Mode = Literal["live", "test"]
type Kind = Literal["roster", "places", "minimisation"]

MOST_BYTES = 200_000_000
SEED_BITS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place of a sealed list.

    Attributes
    ----------
    slot : int
        Its number, counted from 1.
    participant : str
        Whose it is; empty where the next to arrive takes it.
    stratum : mapping of str to str
        The stratum it is for.
    assigned : mapping of str to str
        ``arm``, factor levels, ``exemplar``, deck.
    """

    slot: int
    participant: str
    stratum: Mapping[str, str]
    assigned: Mapping[str, str]

    def data(self) -> dict[str, object]:
        """Return the slot as plain data."""
        return {
            "slot": self.slot,
            "participant": self.participant,
            "stratum": dict(self.stratum),
            "assigned": dict(self.assigned),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed list with its secrets; never show it before the last reveal.

    Attributes
    ----------
    id : str
        Name of the ledger.
    mode : {"live", "test"}
        What it is for.
    kind : {"roster", "places", "minimisation"}
        Named places, places for who comes next, or a draw at each arrival.
    design_hash : str
        The study.
    algorithm : int
        Version.
    seed : int
        Secret until the end.
    salt : str
        Secret until the end.
    slots : tuple of Slot
        The list; empty for minimisation.
    arrivals : Arrivals or None
        For minimisation: how each arrival is drawn.
    """

    id: str
    mode: Mode
    kind: Kind
    design_hash: str
    algorithm: int
    seed: int
    salt: str
    slots: tuple[Slot, ...]
    arrivals: Arrivals | None = None

    def slot_salt(self, slot: int) -> str:
        """Return the salt of one slot, which is disclosed with it and says nothing about others.

        Parameters
        ----------
        slot : int
            Its number.

        Returns
        -------
        str
            HMAC-SHA256 of the number under the secret salt.
        """
        return hmac.new(bytes.fromhex(self.salt), str(slot).encode(), sha256).hexdigest()

    def commitments(self) -> tuple[str, ...]:
        """Return the commitment to each slot.

        Returns
        -------
        tuple of str
            SHA-256 of salt and slot.
        """
        return tuple(slot_commitment(slot.data(), self.slot_salt(slot.slot)) for slot in self.slots)

    @property
    def commitment(self) -> str:
        """One commitment to everything: print it in the preregistration."""
        head = {"id": self.id, "mode": self.mode, "kind": self.kind, "design_hash": self.design_hash}
        secret = sha256(f"{self.salt}:{self.seed}".encode()).hexdigest()
        drawn = self.arrivals.data() if self.arrivals else list(self.commitments())
        return digest({**head, "algorithm": self.algorithm, "seed": secret, "slots": drawn})


def slot_commitment(slot: Mapping[str, object], salt: str) -> str:
    """Return the commitment to a slot.

    Parameters
    ----------
    slot : mapping
        The slot as plain data.
    salt : str
        Its salt.

    Returns
    -------
    str
        SHA-256.
    """
    return digest({"salt": salt, **slot})


def seal(
    study: Study,
    *,
    roster: pd.DataFrame | None = None,
    places: int | None = None,
    mode: Mode = "live",
    seed: int | None = None,
) -> Sealed:
    """Draw a list and seal it.

    Parameters
    ----------
    study : Study
        The study.
    roster : DataFrame, optional
        Known people, each of whom gets a place of their own.
    places : int, optional
        Without a roster: places in each stratum; the planned number of participants by default.
    mode : {"live", "test"}
        Lists for tests share no random number with live ones, whatever the seed.
    seed : int, optional
        Drawn from the operating system by default, so that nobody knows it.

    Returns
    -------
    Sealed
        The list.

    Raises
    ------
    InputError
        As for `assign`.
    """
    secret = secrets.randbits(SEED_BITS) if seed is None else seed
    arrivals = roster is None and study.assignment.method == "minimisation"
    kind: Kind = "minimisation" if arrivals else ("places" if roster is None else "roster")
    slots: tuple[Slot, ...] = ()
    if not arrivals:
        slots = slots_of(study, roster, places, (secret, mode, ALGORITHM))
    return Sealed(
        id=secrets.token_hex(8),
        mode=mode,
        kind=kind,
        design_hash=study.design_hash,
        algorithm=ALGORITHM,
        seed=secret,
        salt=secrets.token_hex(32),
        slots=slots,
        arrivals=Arrivals.of(study) if arrivals else None,
    )


def slots_of(
    study: Study, roster: pd.DataFrame | None, places: int | None, drawn: tuple[int, Mode, int]
) -> tuple[Slot, ...]:
    """Draw the slots of a list.

    Parameters
    ----------
    study : Study
        The study.
    roster : DataFrame or None
        Known people.
    places : int or None
        Places in each stratum.
    drawn : tuple of (int, str, int)
        Seed, mode, version of the algorithm.

    Returns
    -------
    tuple of Slot
        The list.
    """
    seed, mode, algorithm = drawn
    people = _places(study, places) if roster is None else roster
    made = allocate(study, people, seed=seed, purpose=mode, algorithm=algorithm)
    frame = made.frame
    by = list(study.assignment.by)
    return tuple(
        Slot(
            slot=i,
            participant="" if roster is None else str(row["participant"]),
            stratum={name: str(row[name]) for name in by},
            assigned=_assigned(made, row),
        )
        for i, row in enumerate(frame.to_dict("records"), start=1)
    )


def _assigned(made: Allocation, row: Mapping[object, object]) -> dict[str, str]:
    names = [name for cell in made.conditions for name, _ in cell.levels]
    names = ["arm", *dict.fromkeys(names), "exemplar", "deck_block", "deck_order"]
    return {name: str(row[name]) for name in names if name in row and not pd.isna(row[name])}  # type: ignore[call-overload]


def _places(study: Study, places: int | None) -> pd.DataFrame:
    lowest = study.units[-1] if study.units else None
    n = places if places is not None else (lowest.n if lowest is not None else None)
    if n is None or n < 1:
        raise DeclarationError(f"places is {n}; plan 'n' for the lowest of 'units', or say how many places to seal.")
    unknown = [name for name in study.assignment.by if not (c := study.covariates.get(name)) or not c.levels]
    if unknown:
        raise DeclarationError(
            f"Places need to know the levels of the stratum {unknown[0]!r}; declare them, or give a roster."
        )
    levels = [list(study.covariates[name].levels) for name in study.assignment.by]
    rows = [dict(zip(study.assignment.by, at, strict=True)) for at in product(*levels) for _ in range(n)]
    frame = pd.DataFrame(rows, index=range(len(rows)))
    return frame.assign(participant=[f"place_{i + 1:06d}" for i in range(len(rows))])


def write_sealed(sealed: Sealed, path: Path) -> None:
    """Write the secrets of a list, readable by their owner alone.

    Parameters
    ----------
    sealed : Sealed
        The list.
    path : Path
        The file.
    """
    data = {name: getattr(sealed, name) for name in Sealed.__dataclass_fields__ if name not in {"slots", "arrivals"}}
    data["arrivals"] = sealed.arrivals.data() if sealed.arrivals else None
    data |= {"schema_version": 1, "seed": str(sealed.seed), "slots": [slot.data() for slot in sealed.slots]}
    write_atomic(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")), private=True)


def read_sealed(path: Path) -> Sealed:
    """Read the secrets of a list.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Sealed
        The list.

    Raises
    ------
    FileFormatError
        Where the file is absent or is no sealed list of ours.
    """
    content = read_bounded(path, MOST_BYTES)
    try:
        data = json.loads(content)
        if data.pop("schema_version") != 1:
            raise FileFormatError(f"{path} was written by a newer feedbackstudy; install it to go on.")
        slots = tuple(Slot(**slot) for slot in data.pop("slots"))
        drawn = data.pop("arrivals")
        arrivals = Arrivals.from_data(drawn) if drawn else None
        return _whole(Sealed(**{**data, "seed": int(data["seed"])}, slots=slots, arrivals=arrivals))
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        if isinstance(fault, FileFormatError):
            raise
        raise FileFormatError(f"{path} is no sealed list: it was edited or cut ({fault}). Restore it.") from fault


def _whole(sealed: Sealed) -> Sealed:
    """Return the list, or say what of it no list of ours holds."""
    texts = (sealed.id, sealed.mode, sealed.kind, sealed.design_hash, sealed.salt)
    if not all(isinstance(text, str) for text in texts) or not isinstance(sealed.algorithm, int):
        raise ValueError("it holds a value that no sealed list of ours holds")
    bytes.fromhex(sealed.salt)
    for slot in sealed.slots:
        said = [*slot.stratum.values(), *slot.assigned.values(), slot.participant]
        if not isinstance(slot.slot, int) or not all(isinstance(text, str) for text in said):
            raise ValueError("it holds a place that no sealed list of ours holds")
    return sealed
