"""The level of an interval: checked in one place."""

from numbers import Real

from feedbackstudy.errors import DataError

__all__ = ["check_level"]

_PERCENT = 100


def check_level(level: float) -> None:
    """Refuse what is no level of an interval.

    Parameters
    ----------
    level : float
        Probability, such as .95.

    Raises
    ------
    DataError
        Outside the open interval from 0 to 1, or where it is no number.
    """
    number = isinstance(level, Real) and not isinstance(level, bool)
    if number and 0 < level < 1:
        return
    meant = f" For {level:g} % write {level / _PERCENT:g}." if number and 1 < level < _PERCENT else ""
    raise DataError(f"A level lies between 0 and 1; given {level!r}.{meant}")
