"""Saved draws come back to the last bit, are never overwritten, stay inside the folder, and hold numbers only."""

import json
from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import Binary, BinaryPrior
from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.saved_draws import load_draws, refitted, save_draws
from feedbackstudy.errors import DataError, FileFormatError, UnsafePathError
from feedbackstudy.provenance import Provenance


def test_draws_come_back_to_the_last_bit(binary_fit, tmp_path):
    made = Provenance(made_by="a test", seed=11, data_sha256=(("scores", "ab"),))

    path = save_draws(binary_fit, tmp_path, "draws/h1.zarr", provenance=made)
    back = load_draws(tmp_path, "draws/h1.zarr")

    assert path == tmp_path / "draws" / "h1.zarr"
    assert set(back.draws.variables) == set(binary_fit.draws.variables)
    for name, block in binary_fit.draws.variables.items():
        assert np.array_equal(back.draws.variables[name], block)
    assert back.draws.gates == binary_fit.draws.gates
    assert back.provenance["made_by"] == "a test"
    assert back.provenance["versions"]["numpy"] == np.__version__
    again = refitted(binary_fit.model, back).cells().contrast([1.0, -1.0])
    assert again.posterior.median == binary_fit.cells().contrast([1.0, -1.0]).posterior.median


def test_gates_that_are_not_a_number_survive(binary_fit, tmp_path):
    unjudged = replace(binary_fit.draws.gates, rhat=float("nan"), pareto_k=0.3)
    fit = replace(binary_fit, draws=replace(binary_fit.draws, gates=unjudged))

    save_draws(fit, tmp_path, "a.zarr")

    found = load_draws(tmp_path, "a.zarr").draws.gates
    assert np.isnan(found.rhat)
    assert found.pareto_k == 0.3
    assert not found.hold


def test_nothing_is_overwritten_and_nothing_left_half_done(binary_fit, tmp_path):
    save_draws(binary_fit, tmp_path, "a.zarr")
    with pytest.raises(FileFormatError, match="exists already"):
        save_draws(binary_fit, tmp_path, "a.zarr")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("name", ["../a.zarr", "/tmp/a.zarr", "x/../../a.zarr"])
def test_a_path_out_of_the_folder_is_refused(binary_fit, tmp_path, name):
    with pytest.raises(UnsafePathError):
        save_draws(binary_fit, tmp_path, name)
    with pytest.raises(UnsafePathError):
        load_draws(tmp_path, name)


@pytest.mark.parametrize(
    "change",
    [
        {"data_type": "variable_length_bytes"},
        {"codecs": [{"name": "numcodecs.pickle"}]},
        {"codecs": []},
        {"shape": [4, 10**12]},
        {"shape": [4]},
        {"node_type": "group"},
    ],
)
def test_a_store_that_holds_anything_else_is_refused_before_it_is_opened(binary_fit, tmp_path, change):
    path = save_draws(binary_fit, tmp_path, "a.zarr") / "cells" / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")

    with pytest.raises(FileFormatError, match="not a plain array of doubles"):
        load_draws(tmp_path, "a.zarr")


@pytest.mark.parametrize("text", ["{", "[1]", '{"attributes": {"schema": 2}}', '{"attributes": 3}', "{}"])
def test_other_metadata_are_refused(tmp_path, text):
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "zarr.json").write_text(text, encoding="utf-8")

    with pytest.raises(FileFormatError):
        load_draws(tmp_path, "a.zarr")


def test_a_store_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"a\.zarr"):
        load_draws(tmp_path, "a.zarr")


def test_draws_of_another_prior_or_other_shapes_are_not_joined(binary_fit, tmp_path):
    save_draws(binary_fit, tmp_path, "a.zarr")
    saved = load_draws(tmp_path, "a.zarr")
    model = binary_fit.model

    with pytest.raises(DataError, match="another model or prior"):
        refitted(CellModel(Binary(prior=BinaryPrior(cell_sd=9.0)), model.rows, model.counts), saved)
    short = {name: block for name, block in saved.draws.variables.items() if name != "deviation"}
    with pytest.raises(DataError, match="deviation"):
        refitted(model, replace(saved, draws=replace(saved.draws, variables=short)))
