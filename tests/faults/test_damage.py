"""Files damaged at random places end in an answer or in an error of ours, never in somebody else's exception."""

import random
from pathlib import Path

import pytest

import feedbackstudy as fs
from feedbackstudy.collect.reading import inspect
from feedbackstudy.errors import FeedbackstudyError

HERE = Path(__file__).parent
WHOLE = (
    "019_three_headers/input.csv",
    "030_brackets/input.csv",
    "006_decimal_comma/input.csv",
    "033_user_missing/input.sav",
    "110_formula/input.xlsx",
    "017_zip/input.zip",
    "016_gz/input.csv.gz",
)
TYPED = b'",;\n\r\x00\xff{}[]0-9'


def damaged(data, chance):
    """Return the bytes after a few flips, cuts and insertions."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(made)) if made else 0
        kind = chance.choice(("flip", "cut", "insert", "end"))
        if kind == "flip" and made:
            made[at] = chance.randrange(256)
        elif kind == "cut":
            del made[at : at + chance.randint(1, 30)]
        elif kind == "insert":
            made[at:at] = bytes(chance.choices(TYPED, k=3))
        elif kind == "end":
            del made[at:]
    return bytes(made)


@pytest.mark.parametrize("whole", WHOLE)
def test_damage_never_ends_in_somebody_elses_exception(whole, tmp_path):
    study = fs.Study.load(HERE / "study.yaml")
    chance = random.Random(whole)
    path = tmp_path / Path(whole).name
    data = (HERE / whole).read_bytes()
    outcomes = set()
    for _ in range(60):
        path.write_bytes(damaged(data, chance))
        try:
            str(inspect(path, study))
            outcomes.add("read")
        except FeedbackstudyError as fault:
            outcomes.add("refused" if str(fault) else "refused without a word")
    assert "refused" in outcomes
    assert "refused without a word" not in outcomes
