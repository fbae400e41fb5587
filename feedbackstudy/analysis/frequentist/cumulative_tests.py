"""Likelihood ratio tests of a cumulative model: proportional odds, equal spread, and whether a term is needed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit, Floats, Integers, fit_cumulative
from feedbackstudy.errors import DataError

__all__ = ["LikelihoodRatio", "likelihood_ratio", "nominal_test", "proportional_cells", "scale_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodRatio:
    """Two nested models compared.

    Attributes
    ----------
    term : str
        What the larger one has besides.
    statistic : float
        Twice the difference of log likelihoods; NaN where the larger model has no maximum.
    df : int
        Difference of parameters.
    p : float
        From chi square.
    log_likelihood, aic : float
        Of the larger model.
    note : str
        Why there is no statistic; empty where there is one.
    """

    term: str
    statistic: float
    df: int
    p: float
    log_likelihood: float
    aic: float
    note: str = ""


def likelihood_ratio(term: str, small: float, large: float, df: int, *, aic: float = float("nan")) -> LikelihoodRatio:
    """Compare two nested models by their log likelihoods.

    Parameters
    ----------
    term : str
        What the larger one has besides.
    small, large : float
        Log likelihoods.
    df : int
        Difference of parameters.
    aic : float
        Of the larger model.

    Returns
    -------
    LikelihoodRatio
        With p from chi square.
    """
    statistic = max(2 * (large - small), 0.0)
    p = float(special.chdtrc(df, statistic))
    return LikelihoodRatio(term=term, statistic=statistic, df=df, p=p, log_likelihood=large, aic=aic)


def nominal_test(
    y: Integers, X: Floats, categories: int, own: slice, *, term: str, link: str = "logit"
) -> LikelihoodRatio:
    """Test whether a term's effect differs between thresholds (proportional odds, for the logit).

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Categories, from 0.
    X : ndarray, shape (n, p)
        Columns of the cumulative model.
    categories : int
        How many categories.
    own : slice
        The term's columns.
    term : str
        Its name.
    link : str, default "logit"
        Latent distribution.

    Returns
    -------
    LikelihoodRatio
        Against the model in which the term has an effect of its own at each threshold, as ``ordinal::nominal_test``.
    """
    if categories < 3:
        return _untested(term, "Not testable, as two categories have one threshold.")
    plain = fit_cumulative(y, X, categories, link=link)
    others = np.delete(X, np.arange(X.shape[1])[own], axis=1)
    return _against(plain, term, lambda: fit_cumulative(y, others, categories, link=link, nominal=X[:, own]))


def scale_test(
    y: Integers, X: Floats, categories: int, own: slice, *, term: str, link: str = "logit"
) -> LikelihoodRatio:
    """Test whether the spread of the latent answer differs with a term.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Categories, from 0.
    X : ndarray, shape (n, p)
        Columns of the cumulative model.
    categories : int
        How many categories.
    own : slice
        The term's columns.
    term : str
        Its name.
    link : str, default "logit"
        Latent distribution.

    Returns
    -------
    LikelihoodRatio
        Against the model whose log standard deviation has these columns, as ``ordinal::scale_test``.
    """
    plain = fit_cumulative(y, X, categories, link=link)
    return _against(plain, term, lambda: fit_cumulative(y, X, categories, link=link, scale=X[:, own]))


def proportional_cells(
    y: Floats, cell: Integers, covariates: Floats | None = None, *, link: str = "logit"
) -> LikelihoodRatio:
    """Test whether the cells differ in one latent shift: the proportional-odds check of a factorial design.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Ratings.
    cell : ndarray of int, shape (n,)
        Cell of each row.
    covariates : ndarray, shape (n, q), optional
        Columns that keep one effect.
    link : str, default "logit"
        Latent distribution.

    Returns
    -------
    LikelihoodRatio
        Against cells that have thresholds of their own.
    """
    codes = np.unique(y, return_inverse=True)[1]
    used = np.unique(cell)
    indicators = (np.asarray(cell)[:, None] == used[1:]).astype(np.float64)
    X = indicators if covariates is None else np.column_stack([indicators, covariates])
    return nominal_test(codes, X, int(codes.max()) + 1, slice(0, used.size - 1), term="cells", link=link)


def _against(plain: CumulativeFit, term: str, larger: Callable[[], CumulativeFit]) -> LikelihoodRatio:
    try:
        fit = larger()
    except DataError as reason:
        return _untested(term, f"Not testable, as the larger model has no maximum: {reason}")
    more = fit.parameters - plain.parameters
    return likelihood_ratio(term, plain.log_likelihood, fit.log_likelihood, more, aic=fit.aic)


def _untested(term: str, why: str) -> LikelihoodRatio:
    none = float("nan")
    return LikelihoodRatio(term=term, statistic=none, df=0, p=none, log_likelihood=none, aic=none, note=why)
