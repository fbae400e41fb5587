"""The parts of a validation: items, dimensions, models, reliability, careless answering, relations to other scores."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import Responses
from feedbackstudy.psychometrics.average_partial import minimum_average_partial
from feedbackstudy.psychometrics.careless import Careless, careless
from feedbackstudy.psychometrics.cfa.estimate import cfa
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.efa import efa
from feedbackstudy.psychometrics.evidence_answers import Answers, read_answers
from feedbackstudy.psychometrics.evidence_record import Convergence, Dimensions, Omission
from feedbackstudy.psychometrics.factorability import factorability
from feedbackstudy.psychometrics.htmt import Htmt, htmt
from feedbackstudy.psychometrics.items import ItemAnalysis, item_analysis
from feedbackstudy.psychometrics.parallel import parallel_analysis
from feedbackstudy.psychometrics.reliability.alpha import alpha
from feedbackstudy.psychometrics.reliability.categorical import categorical_omega
from feedbackstudy.psychometrics.reliability.coefficient import Coefficient
from feedbackstudy.psychometrics.reliability.omega import omega
from feedbackstudy.psychometrics.reliability.retest import Retest, retest
from feedbackstudy.scales import Library

__all__ = ["Parts", "total_name"]

# Within one scale attentive people answer alike, so pairs of like items and strings of half its length tell nothing.
_RULES = {"longstring_share": (">", 0.99), "mahalanobis_p": ("<", 0.001)}
_MANY_SUBSCALES = 5  # even-odd consistency is a correlation over subscales


def total_name(answers: Answers) -> str:
    """Return what the score over all items is called; empty where the scale has none.

    Parameters
    ----------
    answers : Answers
        What is validated.

    Returns
    -------
    str
        Name of the total.
    """
    scale = answers.scale
    return scale.total.name if scale and scale.total and len(answers.factors) > 1 else ""


class Parts:
    """Computes each part, and keeps what could not be computed as an omission with its reason.

    Parameters
    ----------
    answers : Answers
        What is validated.
    level : float
        Coverage of intervals.
    missing : str
        Rows used by the continuous model.
    replicates : int
        Random data sets of the parallel analysis.
    seed : int
        Seed.
    """

    def __init__(self, answers: Answers, *, level: float, missing: str, replicates: int, seed: int) -> None:
        self.answers, self.level, self.missing = answers, level, missing
        self.replicates, self.seed = replicates, seed
        self.omissions: list[Omission] = []
        total = total_name(answers)
        self.scores: dict[str, list[str]] = {name: list(items) for name, items in answers.factors.items()}
        self.scores |= {total: answers.items} if total else {}

    def attempt[**P, T](self, part: str, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what a call makes, or None and an omission with the reason it gives.

        Parameters
        ----------
        part : str
            Which part of the evidence it is.
        make : callable
            Makes it, or refuses.
        *args, **kwargs
            What `make` is called with.

        Returns
        -------
        object or None
            What it made.
        """
        try:
            return make(*args, **kwargs)
        except (DataError, InputError) as refusal:
            self.omit(part, str(refusal))
            return None

    def omit(self, part: str, why: str) -> None:
        """Say that a part is not there.

        Parameters
        ----------
        part, why : str
            Which, and for what reason.
        """
        self.omissions.append(Omission(part=part, why=why))

    def items(self) -> dict[str, ItemAnalysis]:
        """Return the item analysis of every subscale, and of the total."""
        found = {}
        for name, items in self.scores.items():
            if len(items) < 2:
                self.omit(f"items of {name}", "a score of one item has no rest to be related to")
                continue
            made = self.attempt(f"items of {name}", self._analysis, items)
            if made is not None:
                found[name] = made
        return found

    def _analysis(self, items: Sequence[str]) -> ItemAnalysis:
        low, high = (self.answers.low, self.answers.high) if self.answers.form else (None, None)
        return item_analysis(self.answers.keyed[items], lowest=low, highest=high)

    def reliability(self) -> dict[str, tuple[Coefficient, ...]]:
        """Return alpha, omega and, for ordinal items, categorical omega of every score."""
        found: dict[str, tuple[Coefficient, ...]] = {}
        for name, items in self.scores.items():
            if len(items) < 2:
                self.omit(f"reliability of {name}", "one item has no internal consistency; a retest would tell")
                continue
            rows = self.answers.keyed[items]
            made = [self.attempt(f"alpha of {name}", alpha, rows, level=self.level)]
            if len(items) > 2:
                made.append(self.attempt(f"omega of {name}", omega, rows, level=self.level))
                if self.answers.ordinal:
                    made.append(self.attempt(f"categorical omega of {name}", categorical_omega, rows, level=self.level))
            found[name] = tuple(c for c in made if c is not None)
        return found

    def dimensions(self) -> Dimensions | None:
        """Return how many factors the answers have, beside how many the scale declares."""
        if len(self.answers.items) < 4:
            self.omit("dimensions", f"{len(self.answers.items)} items are too few to count factors; four would do")
            return None
        return self.attempt("dimensions", self._dimensions)

    def _dimensions(self) -> Dimensions:
        rows, names = self.answers.keyed, list(self.answers.factors)
        key = np.array([[float(item in self.answers.factors[name]) for name in names] for item in self.answers.items])
        found = efa(rows, len(names), rotation="oblimin" if len(names) > 1 else "none", seed=self.seed, align_to=key)
        strongest = np.abs(found.loadings).argmax(axis=1)
        wrong = [item for item, row, at in zip(self.answers.items, key, strongest, strict=True) if not row[at]]
        return Dimensions(
            declared=len(names),
            factorability=factorability(rows),
            parallel=parallel_analysis(rows, replicates=self.replicates, seed=self.seed),
            partial=minimum_average_partial(rows),
            efa=found,
            misplaced=tuple(wrong),
        )

    def model(self) -> dict[str, list[str]] | None:
        """Return the factors that a model can have; None, with the reason, where it would not be identified."""
        factors = {name: list(items) for name, items in self.answers.factors.items() if len(items) > 1}
        single = [name for name in self.answers.factors if name not in factors]
        if single:
            self.omit("factor model", f"subscales of one item are left out of the model: {', '.join(single)}")
        if not factors or (len(factors) == 1 and len(next(iter(factors.values()))) < 4):
            self.omit("factor model", "one factor of fewer than four items leaves nothing to test")
            return None
        return factors

    def models(self, factors: dict[str, list[str]] | None) -> dict[str, CFA]:
        """Return the model of the key, continuous and, where answers are few categories, ordinal.

        Parameters
        ----------
        factors : dict or None
            Subscale -> items; None for no model.

        Returns
        -------
        dict of str to CFA
            By kind.
        """
        if factors is None:
            return {}
        rows = self.answers.keyed
        found = {
            "continuous": self.attempt(
                "continuous factor model", cfa, rows, factors, estimator="MLR", missing=self.missing, level=self.level
            )
        }
        if self.answers.ordinal:
            found["ordinal"] = self.attempt(
                "ordinal factor model", cfa, rows, factors, estimator="WLSMV", level=self.level
            )
        else:
            self.omit("ordinal factor model", "the answers have more than seven categories")
        return {name: model for name, model in found.items() if model is not None}

    def careless(self) -> tuple[Careless | None, dict[str, float]]:
        """Return the screen of answers as given, and alpha without the people whom a rule flags."""
        a = self.answers
        few = len(a.items) < 4
        if few or (a.form is None and not a.ordinal):
            why = f"{len(a.items)} items are too few" if few else "the items have no answer format in common"
            self.omit("careless answering", f"{why}; careless and true answers cannot be told apart")
            return None, {}
        scales = {name: list(items) for name, items in a.factors.items() if len(items) > 1}
        rules = _RULES | ({"even_odd": ("<", 0.0)} if len(scales) >= _MANY_SUBSCALES else {})
        found = self.attempt(
            "careless answering",
            careless,
            a.given,
            scales=scales,
            reverse=a.turned,
            answer_range=(a.low, a.high),
            rules=rules,
        )
        return found, self._without(found)

    def _without(self, screen: Careless | None) -> dict[str, float]:
        """Return alpha without the people whom a rule flags; empty where it flags nobody."""
        if screen is None or not (screen.indices["flags"] > 0).any():
            return {}
        kept = self.answers.keyed[(screen.indices["flags"] == 0).to_numpy()]
        made = {
            name: self.attempt(f"alpha of {name} without flagged people", alpha, kept[items])
            for name, items in self.scores.items()
            if len(items) > 1
        }
        return {name: coefficient.value for name, coefficient in made.items() if coefficient is not None}

    def discriminant(self, draws: int) -> Htmt | None:
        """Return ratios between the subscales.

        Parameters
        ----------
        draws : int
            Bootstrap samples.

        Returns
        -------
        Htmt or None
            None with fewer than two subscales of several items.
        """
        several = {name: items for name, items in self.answers.factors.items() if len(items) > 1}
        if len(several) < 2:
            self.omit("discriminant validity", "the scale has one subscale of several items")
            return None
        return self.attempt(
            "discriminant validity", htmt, self.answers.keyed, several, draws=draws, level=self.level, seed=self.seed
        )

    def retest(self) -> dict[str, Retest]:
        """Return the retest reliability of every score between the first two occasions compared."""
        if len(self.answers.occasions) < 2:
            return {}
        first, second = self.answers.occasions[:2]
        long, found = self.answers.long, {}
        for name, items in self.scores.items():
            scores = long.assign(score=long[items].mean(axis=1, skipna=False))
            wide = scores.pivot(index="participant", columns="occasion", values="score")  # noqa: PD010
            made = self.attempt(f"retest of {name}", retest, wide[first], wide[second], level=self.level)
            if made is not None:
                found[name] = made
        return found

    def convergence(self, related: Sequence[object], home: Library | None) -> tuple[Convergence, ...]:
        """Return correlations of every score with others.

        Parameters
        ----------
        related : sequence
            Columns of the responses, measures, scales.
        home : Library or None
            Where codes are looked up.

        Returns
        -------
        tuple of Convergence
            One a score and other.
        """
        if not related:
            self.omit("convergent evidence", "not asked for; name other measures or columns with related=")
            return ()
        own = pd.DataFrame({name: self.answers.keyed[items].mean(axis=1) for name, items in self.scores.items()})
        alphas = {name: _alpha(self.answers.keyed[items]) for name, items in self.scores.items()}
        found: list[Convergence] = []
        for other in related:
            made = self.attempt(f"relation to {_called(other)}", self._other, other, home)
            for label, (values, reliable) in (made or {}).items():
                found += [
                    self._relation(own[name], values, name, label, alphas[name] * reliable) for name in self.scores
                ]
        return tuple(found)

    def _other(self, other: object, home: Library | None) -> dict[str, tuple[pd.Series, float]]:
        """Return scores with their alpha; NaN for a column."""
        responses: Responses = self.answers.responses
        index = self.answers.keyed.index
        if isinstance(other, str) and other in responses.columns:
            values = pd.to_numeric(responses.column(other), errors="coerce").set_axis(index)
            if values.notna().sum() < 4:
                raise DataError(f"Column {other!r} holds fewer than four numbers.")
            return {other: (values, float("nan"))}
        theirs = read_answers(responses, other, group=None, occasion=None, home=home)  # type: ignore[arg-type]
        several = len(theirs.factors) > 1 or theirs.job is None
        return {
            (f"{theirs.name}: {factor}" if several else theirs.name): (
                theirs.keyed[list(items)].mean(axis=1).reindex(index),
                _alpha(theirs.keyed[list(items)]),
            )
            for factor, items in theirs.factors.items()
        }

    def _relation(self, mine: pd.Series, other: pd.Series, name: str, label: str, product: float) -> Convergence:
        both = pd.concat([mine, other], axis="columns").dropna().to_numpy(dtype=np.float64)
        n = len(both)
        if n < 4 or (np.ptp(both, axis=0) == 0).any():
            nan = float("nan")
            return Convergence(score=name, other=label, r=nan, low=nan, high=nan, disattenuated=nan, n=n)
        r = float(np.corrcoef(both.T)[0, 1])
        half = float(stats.norm.ppf(0.5 + self.level / 2.0)) / np.sqrt(n - 3)
        z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
        return Convergence(
            score=name,
            other=label,
            r=r,
            low=float(np.tanh(z - half)),
            high=float(np.tanh(z + half)),
            disattenuated=r / float(np.sqrt(product)) if product > 0 else float("nan"),
            n=n,
        )


def _called(other: object) -> str:
    return str(getattr(other, "name", other)) if not isinstance(other, str) else other


def _alpha(rows: pd.DataFrame) -> float:
    complete = rows.dropna()
    return alpha(complete).value if rows.shape[1] > 1 and len(complete) > 2 else float("nan")
