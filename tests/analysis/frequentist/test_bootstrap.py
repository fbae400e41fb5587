"""Bootstrap by cross-products is the bootstrap by refitting."""

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.bootstrap import bootstrap_paths
from feedbackstudy.analysis.frequentist.path_fit import fit_paths
from feedbackstudy.analysis.mediation_cells import CellPath, from_cells
from feedbackstudy.errors import DataError


def rows(n=120, seed=1, cells=4):
    rng = np.random.default_rng(seed)
    cell = rng.permutation(np.arange(n) % cells)
    m = 3 + 0.5 * (cell > 1) + rng.normal(size=n)
    k = 2 + 0.4 * m + rng.normal(size=n)
    y = 1 + 0.3 * m + 0.5 * k + rng.normal(size=n) * 2
    weights = np.where(np.arange(cells) < cells // 2, -1.0, 1.0) / (cells // 2)
    return CellPath(
        y=y,
        outcome="y",
        mediators=np.column_stack([m, k]),
        mediator_names=["m", "k"],
        cell=cell,
        weights=weights,
        contrast="late - early",
        structure="serial",
        covariates=rng.normal(size=(n, 1)),
        covariate_names=["base"],
    )


def by_refitting(system, counts):
    """Fit every equation to repeated rows."""
    kept = np.repeat(np.arange(system.n), counts)
    found = []
    for equation in system.equations:
        x, y = system.matrix[kept][:, list(equation.predictors)], system.matrix[kept, equation.response]
        found.append(np.linalg.lstsq(x, y, rcond=None)[0])
    return np.concatenate(found)


def test_every_jackknife_sample_is_a_refit_without_the_row():
    system = from_cells(rows()).system
    found = bootstrap_paths(system, draws=400, seed=1)
    for i in (0, 57, 119):
        counts = np.ones(system.n, dtype=int)
        counts[i] = 0
        assert np.allclose(found.jackknife[i], by_refitting(system, counts), rtol=1e-8, atol=1e-9)


def test_draws_have_the_spread_of_drawing_rows_and_refitting():
    system = from_cells(rows()).system
    found = bootstrap_paths(system, draws=4000, seed=2, jackknife=False)
    rng = np.random.default_rng(3)
    slow = np.array(
        [by_refitting(system, np.bincount(rng.integers(0, system.n, system.n), minlength=system.n)) for _ in range(800)]
    )
    slopes = [i for i in range(system.size) if "cell" not in system.label(i)]
    assert np.allclose(found.theta[:, slopes].std(axis=0), slow[:, slopes].std(axis=0), rtol=0.12)
    assert found.lost == 0
    assert found.units == "rows"


def test_large_numbers_in_the_columns_do_not_cost_digits():
    given = rows()
    moved = CellPath(
        **{
            **{name: getattr(given, name) for name in given.__slots__},
            "y": given.y + 1e6,
            "mediators": given.mediators * 1e3 + 1e7,
        }
    )
    one = bootstrap_paths(from_cells(given).system, draws=400, seed=1, jackknife=False)
    other = bootstrap_paths(from_cells(moved).system, draws=400, seed=1, jackknife=False)
    system = from_cells(given).system
    at = next(i for i in range(system.size) if system.label(i) == "y ~ m")
    assert np.allclose(one.theta[:, at], other.theta[:, at] * 1e3, rtol=1e-6)


def test_whole_clusters_are_drawn():
    system = from_cells(rows()).system
    cluster = np.arange(system.n) // 6
    found = bootstrap_paths(system, draws=2000, seed=1, cluster=cluster)
    assert found.units == "clusters"
    assert len(found.jackknife) == 20
    counts = (cluster != 7).astype(int)
    assert np.allclose(found.jackknife[7], by_refitting(system, counts), rtol=1e-8, atol=1e-9)


def test_the_spread_is_that_within_cells():
    system = from_cells(rows()).system
    found = bootstrap_paths(system, draws=400, seed=1)
    cell = system.matrix[:, :4].argmax(axis=1)
    y = system.matrix[1:, -1]
    left = y - np.array([y[cell[1:] == c].mean() for c in range(4)])[cell[1:]]
    assert found.jackknife_spread[0, -1] == pytest.approx(np.sqrt((left**2).sum() / (119 - 4)), rel=1e-9)


def test_a_cell_that_is_often_drawn_empty_is_refused():
    given = rows(n=24, cells=8)
    rare = CellPath(
        **{
            **{name: getattr(given, name) for name in given.__slots__},
            "cell": np.where(np.arange(24) == 0, 7, np.arange(24) % 7),
        }
    )
    with pytest.raises(DataError, match="too few rows"):
        bootstrap_paths(from_cells(rare).system, draws=1000, seed=1)


def test_one_cluster_cannot_be_drawn():
    system = from_cells(rows()).system
    with pytest.raises(DataError, match="at least two units"):
        bootstrap_paths(system, draws=400, seed=1, cluster=np.zeros(system.n, dtype=int))


def test_collinear_columns_are_named():
    given = rows()
    twice = CellPath(
        **{
            **{name: getattr(given, name) for name in given.__slots__},
            "mediators": np.column_stack([given.mediators[:, 0], 2 * given.mediators[:, 0] - 1]),
        }
    )
    with pytest.raises(DataError, match=r"explained without any residual|sum of multiples"):
        fit_paths(from_cells(twice).system)
