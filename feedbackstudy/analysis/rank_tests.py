"""Rank tests of a data frame: two groups, several groups, pairs, several occasions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from feedbackstudy.analysis.columns import read_columns
from feedbackstudy.analysis.frequentist.ranks import brunner_munzel, dunn, kruskal_wallis, signed_rank
from feedbackstudy.analysis.occasions import repeated
from feedbackstudy.analysis.reported import Reported, without_numbers
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Page, Text, interval, number, p_value, table_of
from feedbackstudy.threads import one_thread

__all__ = ["RankTest", "rank_test"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankTest(Reported):
    """A comparison by ranks. Make it with `rank_test`.

    Attributes
    ----------
    test : str
        Which test.
    statistic, df, p : float
        Test; infinite df where the normal distribution is the reference.
    effect, effect_kind : float, str
        Effect size and what it is.
    low, high : float
        Its 95 % interval; NaN where none is known.
    pairs : DataFrame
        Pairs of groups by Dunn's z with Holm's adjustment; empty for two.
    n : int
        People.
    notes : tuple of str
        What a reader must know.
    provenance : Provenance
        Conventions and versions.
    script : RScript
        The same in R.
    """

    test: str
    statistic: float
    df: float
    p: float
    effect: float
    effect_kind: str
    low: float
    high: float
    pairs: pd.DataFrame
    n: int
    notes: tuple[str, ...]
    provenance: Provenance
    script: RScript

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""
        return without_numbers({"statistic": self.statistic, "p value": self.p, "effect size": self.effect})

    def frame(self) -> pd.DataFrame:
        """Return one row, unrounded.

        Returns
        -------
        DataFrame
            Test and effect size.
        """
        names = ("test", "statistic", "df", "p", "effect", "effect_kind", "low", "high", "n")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def r_script(self) -> RScript:
        """Return base R code that recomputes statistic and p.

        Returns
        -------
        RScript
            With the rows used as its data.
        """
        return self.script

    def page(self) -> Page:
        """Return test, effect size, pairs and conventions.

        Returns
        -------
        Page
            Ready to render.
        """
        shown = {
            "statistic": number(self.statistic),
            "df": self.df,
            "p": p_value(self.p),
            self.effect_kind: number(self.effect),
            "95% CI": interval(self.low, self.high),
        }
        records = [{str(name): value for name, value in row.items()} for row in self.pairs.to_dict("records")]
        pairs = (table_of(records, caption="Pairs"),) if records else ()
        open_ended = np.isnan(self.low) or np.isnan(self.high)
        unknown = (f"No interval is given, as none is known for {self.effect_kind}.",) if open_ended else ()
        notes = tuple(Text(text) for text in (*self.notes, *unknown))
        return Page(
            self.test, f"n = {self.n}", (*self.stops(), table_of([shown]), *pairs, *notes, self.provenance.facts())
        )


@one_thread()
def rank_test(data: pd.DataFrame, outcome: str, group: str, *, participant: str | None = None) -> RankTest:
    """Compare groups, or occasions of the same people, by ranks.

    Parameters
    ----------
    data : DataFrame
        One row for each person (and occasion). It is not changed.
    outcome, group : str
        Columns of the outcome and of the groups or occasions.
    participant : str, optional
        Column that names people who were measured at each occasion.

    Returns
    -------
    RankTest
        Brunner-Munzel for two groups, Kruskal-Wallis with Dunn's pairs for more; Wilcoxon's signed ranks for two
        occasions, Friedman for more.

    Raises
    ------
    DataError
        For a table that cannot be used, or where no rank test exists.
    NotFoundError
        For an unknown column.
    """
    named = [participant] if participant is not None else []
    read = read_columns(data, outcome, factors=[group], groups=named)
    factor = read.factors[group]
    if participant is not None:
        wide = repeated(read, participant, (), [group])
        return _paired(wide.Y, factor.levels, (*read.notes, *wide.notes))
    values, place = np.unique(read.y, return_inverse=True)
    counts = np.zeros((len(factor.levels), values.size), dtype=np.int64)
    np.add.at(counts, (factor.codes, place), 1)
    frame = pd.DataFrame({".y": read.y, ".group": factor.codes + 1})
    if len(factor.levels) == 2:
        return _two(counts, factor.levels, frame, read.notes)
    return _several(counts, factor.levels, frame, read.notes)


def _made(convention: str) -> Provenance:
    return Provenance(made_by="analysis.rank_test", conventions=(convention, "ties by midranks"))


def _two(counts: NDArray[np.int64], levels: tuple[str, ...], frame: pd.DataFrame, notes: tuple[str, ...]) -> RankTest:
    found = brunner_munzel(counts[0], counts[1])
    body = (
        "a <- responses$.y[responses$.group == 1]; b <- responses$.y[responses$.group == 2]\n"
        "n <- length(a); m <- length(b); r <- rank(c(a, b))\n"
        "ra <- r[seq_len(n)] - rank(a); rb <- r[-seq_len(n)] - rank(b)\n"
        "va <- var(ra) / m^2 / n; vb <- var(rb) / n^2 / m; e <- mean(ra) / m\n"
        "df <- (n * var(ra) + m * var(rb))^2 / ((n * var(ra))^2 / (n - 1) + (m * var(rb))^2 / (m - 1))\n"
        't <- (e - 0.5) / sqrt(va + vb)\nshow(c("statistic", "df", "p", "effect"), c(t, df, 2 * pt(-abs(t), df), e))\n'
    )
    return RankTest(
        test=f"Brunner-Munzel test, {levels[0]} against {levels[1]}",
        statistic=found.statistic,
        df=found.df,
        p=found.p,
        effect=found.estimate,
        effect_kind=f"P({levels[0]} > {levels[1]}), ties half",
        low=found.low,
        high=found.high,
        pairs=pd.DataFrame(),
        n=found.n,
        notes=notes,
        provenance=_made("Brunner-Munzel: variances may differ, t with Satterthwaite's degrees of freedom"),
        script=RScript(made_by="analysis.rank_test", body=body, data=frame, name="ranks"),
    )


def _several(
    counts: NDArray[np.int64], levels: tuple[str, ...], frame: pd.DataFrame, notes: tuple[str, ...]
) -> RankTest:
    found, pairs = kruskal_wallis(counts), dunn(counts)
    compared = pd.DataFrame(
        {
            "pair": [f"{levels[i]} - {levels[j]}" for i, j in pairs.pairs],
            "difference of mean ranks": pairs.difference,
            "z": pairs.z,
            "p": pairs.p,
            "p (Holm)": pairs.p_holm,
        }
    )
    body = "found <- kruskal.test(.y ~ .group, data = responses)\n"
    body += 'show(c("statistic", "df", "p"), c(found$statistic, found$parameter, found$p.value))\n'
    return RankTest(
        test="Kruskal-Wallis test",
        statistic=found.statistic,
        df=float(found.df),
        p=found.p,
        effect=found.epsilon_squared,
        effect_kind="epsilon squared",
        low=np.nan,
        high=np.nan,
        pairs=compared,
        n=found.n,
        notes=notes,
        provenance=_made("chi square approximation; pairs by Dunn's z from the ranks of all groups, Holm"),
        script=RScript(made_by="analysis.rank_test", body=body, data=frame, name="ranks"),
    )


def _paired(Y: Floats, levels: tuple[str, ...], notes: tuple[str, ...]) -> RankTest:
    frame = pd.DataFrame({f".y{j}": Y[:, j] for j in range(Y.shape[1])})
    if Y.shape[1] == 2:
        values, counts = np.unique(Y[:, 0] - Y[:, 1], return_counts=True)
        found = signed_rank(values, counts)
        zero = (f"{found.n_zero} differences of zero are left out.",) if found.n_zero else ()
        body = (
            "d <- responses$.y0 - responses$.y1; d <- d[d != 0]\n"
            "found <- suppressWarnings(wilcox.test(d, exact = FALSE, correct = FALSE))\n"
            'show(c("p", "positive"), c(found$p.value, found$statistic))\n'
        )
        return RankTest(
            test=f"Wilcoxon signed-rank test, {levels[0]} minus {levels[1]}",
            statistic=found.z,
            df=np.inf,
            p=found.p,
            effect=found.rank_biserial,
            effect_kind="matched rank-biserial correlation",
            low=np.nan,
            high=np.nan,
            pairs=pd.DataFrame(),
            n=len(Y),
            notes=(*notes, *zero),
            provenance=_made("normal approximation with tie correction, without continuity correction"),
            script=RScript(made_by="analysis.rank_test", body=body, data=frame, name="ranks"),
        )
    return _friedman(Y, levels, notes, frame)


def _friedman(Y: Floats, levels: tuple[str, ...], notes: tuple[str, ...], frame: pd.DataFrame) -> RankTest:
    if np.ptp(Y, axis=1).max() == 0:
        raise DataError("Every person has the same value at all occasions: there is nothing to rank.")
    statistic, p = stats.friedmanchisquare(*Y.T)
    n, k = Y.shape
    body = "found <- friedman.test(as.matrix(responses))\n"
    body += 'show(c("statistic", "df", "p"), c(found$statistic, found$parameter, found$p.value))\n'
    return RankTest(
        test=f"Friedman test over {', '.join(levels)}",
        statistic=float(statistic),
        df=float(k - 1),
        p=float(p),
        effect=float(statistic) / (n * (k - 1)),
        effect_kind="Kendall's W",
        low=np.nan,
        high=np.nan,
        pairs=pd.DataFrame(),
        n=n,
        notes=notes,
        provenance=_made("chi square approximation with tie correction (scipy)"),
        script=RScript(made_by="analysis.rank_test", body=body, data=frame, name="ranks"),
    )
