"""Provenance of psychometric results; package versions are looked up once a session."""

from functools import cache

from feedbackstudy.provenance import Provenance, versions

__all__ = ["origin"]


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple(versions("feedbackstudy", "numpy", "scipy", "pandas").items())


def origin(made_by: str, *conventions: str, seed: int | None = None) -> Provenance:
    """Return the provenance of a result.

    Parameters
    ----------
    made_by : str
        Public function.
    *conventions : str
        Which formula and rows were used.
    seed : int, optional
        Seed of what was drawn at random.

    Returns
    -------
    Provenance
        With the versions of the packages that made the number.
    """
    return Provenance(
        made_by=f"psychometrics.{made_by}", conventions=conventions, seed=seed, versions=dict(_versions())
    )
