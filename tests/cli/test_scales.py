"""`feedbackstudy scales`: the catalogue and the card, as text and as JSON."""

import json

import pytest

from feedbackstudy import scales
from feedbackstudy.cli.main import main


def test_the_catalogue_is_listed_and_filtered(capsys):
    assert main(["scales", "list", "--json"]) == 0
    everything = json.loads(capsys.readouterr().out)
    assert main(["scales", "list", "--json", "--construct", "self-efficacy", "--max-items", "3"]) == 0
    few = json.loads(capsys.readouterr().out)

    assert {row["code"] for row in everything} == set(scales.list().codes)
    assert [row["code"] for row in few] == ["gse3"]
    assert next(row for row in everything if row["code"] == "fips")["items"] is None


def test_a_card_is_shown_as_text_and_as_a_definition(capsys):
    assert main(["scales", "show", "sam"]) == 0
    card = capsys.readouterr().out
    assert main(["scales", "show", "sam", "--json"]) == 0
    definition = json.loads(capsys.readouterr().out)

    assert "Refuses to score until completed from the source" in card
    assert scales.Scale.from_data({k: v for k, v in definition.items() if k != "schema_version"}) == scales.get("sam")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["show", "gsee"], "Did you mean 'gse'"), (["list", "--role", "outcom"], "Did you mean 'outcome'")],
)
def test_a_misspelt_name_is_answered_with_the_nearest(arguments, says, capsys):
    assert main(["scales", *arguments]) == 2

    assert says in capsys.readouterr().err


def test_the_study_folder_completes_the_card(capsys, tmp_path):
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "complete.yaml").write_text(
        "schema_version: 1\ncompletions:\n"
        "  - {scale: ose_sf, field: reversed, value: [], page: p. 1, who: Ada Moreno}\n"
    )

    assert main(["scales", "show", "ose_sf", "--study", str(tmp_path)]) == 0

    assert "completed by Ada Moreno (p. 1)" in capsys.readouterr().out
