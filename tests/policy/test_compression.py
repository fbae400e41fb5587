"""Grouped sums give the same coefficients and clustered errors as the rows, on every engine."""

import itertools

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from feedbackstudy.errors import DataError, InputError, NotFoundError
from feedbackstudy.policy.compression import LinearModel, Term, compress_linear
from feedbackstudy.policy.compression.covering import Sums, cover
from feedbackstudy.policy.compression.engine import Effects, merged
from feedbackstudy.policy.compression.margins import coded, refuse_change
from feedbackstudy.policy.compression.model import Need
from feedbackstudy.policy.compression.packing import packing

CLOSE = 1e-9  # relative; sums in another order differ by less


def applications(seed, n=4000):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "site": rng.choice(9, n, p=np.arange(1, 10) / 45),
            "month": rng.integers(0, 6, n),
            "job": rng.choice(["a'b", 'c"d', "e; drop", "z"], n),
            "remote": rng.random(n) < 0.4,
            "country": "one",
            "policy": rng.integers(0, 2, n).astype(float),
            "score": rng.normal(3, 1, n),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )
    frame["month_again"] = frame["month"]
    frame["interviewer"] = frame["site"] * 7 + rng.integers(0, 7, n)
    shift = 0.03 * frame["policy"] + 0.02 * (frame["score"] - 3)
    frame["reapply"] = (rng.random(n) < 0.4 + shift + 0.05 * rng.standard_normal(63)[frame["interviewer"]]).astype(
        float
    )
    frame.loc[rng.choice(n, 50, replace=False), "score"] = np.nan
    frame.loc[rng.choice(n, 30, replace=False), "reapply"] = np.nan
    return frame


def design(frame, columns):
    """The design matrix written out from the labels of the fit."""
    blocks = []
    for column in columns:
        block = np.ones(len(frame))
        for name in column.term.numerics:
            block = block * frame[name].to_numpy()
        for name, level in zip(column.term.factors, column.levels, strict=True):
            block = block * (frame[name] == level).to_numpy()
        blocks.append(block)
    return np.column_stack(blocks)


def by_rows(frame, model, fit, cluster):
    """Least squares and CR1S on rows, by QR."""
    whole = frame.dropna(subset=list(model.columns))
    x, y = design(whole, fit.columns), whole[model.outcome].to_numpy()
    kept = ~np.isnan(fit.beta)
    x, w = x[:, kept], np.ones(len(whole)) if model.weight is None else whole[model.weight].to_numpy()
    root = np.sqrt(w)[:, None]
    q, r = np.linalg.qr(x * root)
    beta, inverse = np.linalg.solve(r, q.T @ (y * root[:, 0])), np.linalg.inv(r)
    bread = inverse @ inverse.T
    scores = pd.DataFrame(x * (w * (y - x @ beta))[:, None]).groupby(whole[cluster].to_numpy()).sum().to_numpy()
    g, n, k = len(scores), len(whole), x.shape[1]
    half = scores @ bread
    return beta, g / (g - 1) * (n - 1) / (n - k) * half.T @ half, kept


MODELS = {
    "additive": (Term((), ("policy",)), Term((), ("score",)), Term(("site",)), Term(("month",)), Term(("job",))),
    "interactions": (
        Term((), ("policy",)),
        Term((), ("score",)),
        Term(("job",)),
        Term(("job",), ("policy",)),
        Term((), ("policy", "score")),
        Term(("site",)),
        Term(("month",)),
        Term(("site", "month")),
    ),
    "collinear": (Term(("month",)), Term(("month_again",)), Term((), ("policy",)), Term(("country",))),
    "slopes without a mean of their own": (Term(("job",), ("score",)), Term(("remote",))),
    "squares": (Term((), ("score",)), Term((), ("score", "score")), Term(("remote",))),
    "no terms": (),
}


def engines(frame):
    yield "pandas", frame
    yield "polars", pl.from_pandas(frame)
    yield "polars lazy", pl.from_pandas(frame).lazy()
    yield "duckdb", duckdb.connect().from_df(frame)


@pytest.mark.parametrize("terms", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("weight", [None, "w"], ids=["unweighted", "weighted"])
def test_margins_equal_rows_on_every_engine(terms, weight):
    frame = applications(3)
    model = LinearModel(outcome="reapply", terms=terms, clusters=("interviewer", "site"), weight=weight)
    for name, table in engines(frame):
        fit = compress_linear(table, model)
        for cluster in model.clusters:
            beta, covariance, kept = by_rows(frame, model, fit, cluster)
            se = np.sqrt(np.diag(covariance))
            ours = np.sqrt(np.diag(fit.clustered(cluster))[kept])
            np.testing.assert_allclose((fit.beta[kept] - beta) / se, 0, atol=CLOSE, err_msg=name)
            np.testing.assert_allclose(ours, se, rtol=CLOSE, err_msg=name)
        assert fit.rank == kept.sum()
        assert fit.rows_left_out == frame[list(model.columns)].isna().any(axis=1).sum()


def test_a_far_away_number_costs_no_digits():
    frame = applications(4)
    near = LinearModel(outcome="reapply", terms=(Term((), ("score",)), Term(("site",))), clusters=("site",))
    far = frame.assign(score=frame["score"] + 1e6)
    fits = [compress_linear(table, near) for table in (frame, far)]
    i = fits[0].position("score")
    assert fits[1].beta[i] == pytest.approx(fits[0].beta[i], rel=1e-8)
    assert fits[1].clustered("site")[i, i] == pytest.approx(fits[0].clustered("site")[i, i], rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_random_designs_equal_statsmodels(seed):
    from statsmodels.formula.api import ols

    rng = np.random.default_rng(seed)
    frame = applications(seed, n=int(rng.integers(300, 3000)))
    model = LinearModel(
        outcome="reapply",
        terms=(Term((), ("policy",)), Term(("site",)), Term(("job",)), Term(("job",), ("policy",))),
        clusters=("interviewer",),
        references={"job": "z"},
    )
    whole = frame.dropna(subset=["reapply"])
    found = ols("reapply ~ policy * C(job, Treatment('z')) + C(site)", whole).fit(
        cov_type="cluster", cov_kwds={"groups": whole["interviewer"].to_numpy()}
    )
    fit = compress_linear(frame, model)
    i = fit.position("policy")
    assert fit.beta[i] == pytest.approx(found.params["policy"], rel=CLOSE)
    assert np.sqrt(fit.clustered("interviewer")[i, i]) == pytest.approx(found.bse["policy"], rel=CLOSE)
    assert np.sqrt(fit.classical()[i, i]) == pytest.approx(
        ols("reapply ~ policy * C(job, Treatment('z')) + C(site)", whole).fit().bse["policy"], rel=1e-7
    )


def test_files_are_read_where_they_lie_and_text_is_not_guessed_into_numbers(tmp_path):
    frame = applications(1).drop(columns="remote")
    model = LinearModel(outcome="reapply", terms=(Term((), ("policy",)), Term(("job",))), clusters=("interviewer",))
    duckdb.connect().from_df(frame).write_parquet(str(tmp_path / "rows.parquet"))
    frame.to_csv(tmp_path / "rows.csv", index=False)
    fits = [compress_linear(tmp_path / f"rows.{kind}", model, threads=1) for kind in ("parquet", "csv")]
    assert fits[0].beta == pytest.approx(fits[1].beta, rel=1e-12)
    text = frame.astype({"policy": object})
    text.loc[3, "policy"] = "yes"
    text.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(DataError, match="'policy' holds 1 values that are no finite number"):
        compress_linear(tmp_path / "bad.csv", model)
    with pytest.raises(InputError, match="no file or folder"):
        compress_linear(tmp_path / "none.parquet", model)
    (tmp_path / "x.sav").write_bytes(b"")
    with pytest.raises(InputError, match="File kind"):
        compress_linear(tmp_path / "x.sav", model)


def test_bad_tables_are_refused_in_words():
    frame = applications(2)
    model = LinearModel(outcome="reapply", terms=(Term((), ("policy",)),), clusters=("site",))
    with pytest.raises(DataError, match="Column 'reapply'"):
        compress_linear(frame.drop(columns="reapply"), model)
    with pytest.raises(DataError, match="holds text"):
        compress_linear(frame.assign(policy="a"), model)
    with pytest.raises(DataError, match="no finite number"):
        compress_linear(frame.assign(policy=np.inf), model)
    with pytest.raises(DataError, match="is constant"):
        compress_linear(frame.assign(reapply=1.0), model)
    with pytest.raises(DataError, match="None of the"):
        compress_linear(frame.assign(reapply=np.nan), model)
    with pytest.raises(DataError, match="one cluster"):
        compress_linear(frame.assign(site=1), model).clustered("site")
    with pytest.raises(DataError, match="reference level 'q' does not occur"):
        compress_linear(frame, LinearModel(outcome="reapply", terms=(Term(("job",)),), references={"job": "q"}))
    with pytest.raises(NotFoundError, match="'policy'"):
        compress_linear(frame, model).position("polcy")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"terms": (Term(("site",)), Term(("site",)))}, "each term once"),
        ({"terms": (Term(),)}, "not the intercept"),
        ({"terms": (Term(("site",)), Term((), ("site",)))}, "as a factor and as a number"),
        ({"terms": (Term((), ("reapply",)),)}, "cannot explain itself"),
        ({"references": {"job": "a"}}, "which is no factor"),
    ],
)
def test_impossible_models_are_refused(change, says):
    with pytest.raises(InputError, match=says):
        LinearModel(**({"outcome": "reapply", "terms": (Term(("site",)),)} | change))


def test_headers_and_cells_are_never_part_of_a_query():
    frame = applications(5).rename(columns={"site": 'x"; drop table t; --', "policy": "a b'c"})
    model = LinearModel(
        outcome="reapply", terms=(Term((), ("a b'c",)), Term(('x"; drop table t; --',))), clusters=("interviewer",)
    )
    fits = [compress_linear(table, model) for _, table in engines(frame)]
    for fit in fits[1:]:
        assert fit.beta == pytest.approx(fits[0].beta, rel=CLOSE)


def test_a_covering_serves_every_need_with_few_groupings():
    names = {"a": 40, "b": 24, "c": 8, "d": 5, "e": 2}
    pairs = [Need(frozenset({x, y}), frozenset({()})) for x in names for y in names if x < y]
    chosen = cover(pairs, names, most=2000)
    for need in pairs:
        assert any(need.keys <= set(c.keys) for c in chosen)
    assert len(chosen) < len(pairs) / 2


def test_merged_effects_add_up_to_the_same_for_every_row():
    rng = np.random.default_rng(3)
    levels = {"f": 40, "g": 24, "h": 8, "k": 30}
    rows = pd.DataFrame({name: rng.integers(0, n, 500) for name, n in levels.items()})
    terms = [Term(), Term(("f",)), Term(("g",)), Term(("h",)), Term(("f", "k")), Term((), ("z",)), Term(("g",), ("z",))]
    rows["z"] = rng.normal(size=500)

    def fitted(effects):
        total = np.zeros(len(rows))
        for effect in effects:
            keys = list(effect.term.factors)
            b = rows.merge(effect.frame, on=keys, how="left")["b"] if keys else effect.frame["b"].iloc[0]
            total += np.asarray(b) * rows[list(effect.term.numerics)].prod(axis=1).to_numpy()
        return total

    effects = []
    for term in terms:
        frame = pd.DataFrame(index=[0])
        for name in term.factors:
            frame = frame.merge(pd.DataFrame({name: range(levels[name])}), how="cross")
        effects.append(Effects(term, frame.assign(b=rng.normal(size=len(frame)))))
    fewer = merged(effects, most=2000)
    assert len(fewer) < len(effects)
    assert max(len(effect.frame) for effect in fewer) <= 2000
    np.testing.assert_allclose(fitted(fewer), fitted(effects), rtol=0, atol=1e-12)


def test_whole_number_keys_are_packed_and_unpacked_without_loss():
    ranges = {"a": (-3, 4), "b": (10**12, 10**12 + 5), "c": (0, 0)}
    pack = packing(("a", "text", "b", "c"), ranges)
    assert pack is not None
    assert (pack.keys, pack.sizes) == (("a", "b", "c"), (8, 6, 1))
    cells = list(itertools.product(range(-3, 5), range(10**12, 10**12 + 6), (0,)))
    frame = nw.from_native(pl.DataFrame(cells, schema=["a", "b", "c"], orient="row"))
    numbers = frame.select(pack.expression(nw).alias("p"))["p"].to_numpy()
    assert len(set(numbers.tolist())) == len(cells)
    back = pack.unpacked(numbers)
    assert list(zip(back["a"], back["b"], back["c"], strict=True)) == cells


def test_keys_too_wide_for_one_number_are_left_as_they_are():
    assert packing(("a", "b"), {"a": (-(2**62), 2**62), "b": (0, 9)}) is None
    assert packing(("a", "b"), {"a": (0, 9)}) is None
    wide = pd.DataFrame({"y": [1.0, 0, 1, 1], "a": [0, 2**62, -(2**62), 0], "b": [1, 1, 2, 2]})
    model = LinearModel(outcome="y", terms=(Term(("b",)),), clusters=("a",))
    assert compress_linear(pl.from_pandas(wide), model).beta == pytest.approx(compress_linear(wide, model).beta)


def test_levels_that_appear_while_the_table_is_read_are_refused():
    sums = (Sums(("a",), pd.DataFrame({"a": ["x", "new"], "n": [1.0, 2.0]})),)
    with pytest.raises(DataError, match="changed while it was read"):
        coded(sums, {"a": ("x", "y")})


def test_rows_that_come_or_go_while_the_table_is_read_are_refused():
    refuse_change(10.0, 10)
    with pytest.raises(DataError, match="10 complete rows, then 9"):
        refuse_change(9.0, 10)
