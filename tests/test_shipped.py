"""The shipped folders: the checkout first, then the installed copy, and never somebody else's folder."""

from pathlib import Path

import pytest

from feedbackstudy import shipped
from feedbackstudy.errors import NotFoundError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A package in a folder of its own, with neither checkout nor installed copy."""
    home = tmp_path / "site" / "feedbackstudy"
    home.mkdir(parents=True)
    monkeypatch.setattr(shipped, "_PACKAGE", home)
    monkeypatch.setattr(shipped, "_INSTALLED", home / "_shipped")
    return home


@pytest.mark.parametrize("name", ["analyses", "datasets"])
def test_in_a_checkout_the_folders_of_the_checkout_are_found(name):
    assert shipped.folder(name) == ROOT / name


def test_an_unknown_folder_is_named_with_the_choices():
    with pytest.raises(NotFoundError, match=r"'dataset' is unknown\. Did you mean 'datasets'"):
        shipped.folder("dataset")


@pytest.mark.parametrize("name", ["../secret", "/etc", "", "datasets/.."])
def test_no_other_folder_can_be_reached(name):
    with pytest.raises(NotFoundError):
        shipped.folder(name)


def test_the_checkout_comes_before_the_installed_copy(package):
    (package / "_shipped" / "datasets").mkdir(parents=True)
    (package.parent / "datasets").mkdir()
    (package.parent / "pyproject.toml").touch()

    assert shipped.folder("datasets") == package.parent / "datasets"


def test_a_foreign_package_called_datasets_is_not_ours(package):
    (package.parent / "datasets").mkdir()
    (package / "_shipped" / "datasets").mkdir(parents=True)

    assert shipped.folder("datasets") == package / "_shipped" / "datasets"


def test_a_folder_missing_from_the_checkout_is_taken_from_the_copy(package):
    (package / "_shipped" / "notebooks").mkdir(parents=True)
    (package.parent / "pyproject.toml").touch()

    assert shipped.folder("notebooks") == package / "_shipped" / "notebooks"


def test_an_installation_without_the_folder_says_where_it_looked(package):
    with pytest.raises(NotFoundError, match="'notebooks' is not part of this installation") as refusal:
        shipped.folder("notebooks")

    assert str(package / "_shipped" / "notebooks") in str(refusal.value)
