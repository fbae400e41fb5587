"""`course` copies the notebooks once, and never writes over what a user changed."""

import pytest

from feedbackstudy.cli.course import copy_course
from feedbackstudy.errors import InputError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("01-first.ipynb", "02-second.ipynb"):
        (folder / name).write_text(f'{{"cells": [], "name": "{name}"}}')
    (folder / "README.md").write_text("not copied")
    return folder


def test_the_notebooks_are_copied_and_nothing_else(source, tmp_path):
    copied, present = copy_course(source, tmp_path / "mine")

    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["01-first.ipynb", "02-second.ipynb"]
    assert (len(copied), present) == (2, [])


def test_a_second_time_copies_only_what_is_missing(source, tmp_path):
    copy_course(source, tmp_path / "mine")
    (tmp_path / "mine" / "01-first.ipynb").unlink()

    copied, present = copy_course(source, tmp_path / "mine")

    assert [path.name for path in copied] == ["01-first.ipynb"]
    assert [path.name for path in present] == ["02-second.ipynb"]


def test_a_changed_notebook_is_kept_and_nothing_is_copied(source, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "02-second.ipynb").write_text("my notes")

    with pytest.raises(InputError, match=r"02-second.ipynb: changed since it was copied.*nothing was copied"):
        copy_course(source, mine)

    assert [path.name for path in mine.iterdir()] == ["02-second.ipynb"]
    assert (mine / "02-second.ipynb").read_text() == "my notes"
