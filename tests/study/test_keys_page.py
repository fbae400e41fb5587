"""The page of keys is what the classes say, and says something of every key."""

from feedbackstudy import Study
from tools import study_keys


def test_the_page_is_current():
    assert study_keys.page() == study_keys.PAGE.read_text(encoding="utf-8"), "run python -m tools.study_keys"


def test_every_key_has_a_meaning_and_every_comparison_its_section():
    text = study_keys.page()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows if not row[-1].rstrip("| ")] == []
    for kind in ("main_effect", "interaction", "trend", "feedback_vs_arm", "association"):
        assert f"`hypotheses.contrast` with `kind: {kind}`" in text
    assert len(study_keys.found_in(Study)) > 25
