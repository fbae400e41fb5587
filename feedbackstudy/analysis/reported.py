"""What single results share: whether they are fit to report, and why not."""

import math
from abc import abstractmethod
from collections.abc import Mapping

from feedbackstudy.render import Notice, Rendered

__all__ = ["Reported", "without_numbers"]


class Reported(Rendered):
    """Mix-in of results that may be unfit to report: define `failures`."""

    __slots__ = ()

    @property
    @abstractmethod
    def failures(self) -> tuple[str, ...]:
        """Why it is not fit to report; empty where it is."""

    @property
    def fit_to_report(self) -> bool:
        """Whether nothing stands against reporting it."""
        return not self.failures

    def stops(self) -> tuple[Notice, ...]:
        """Return the notices that head the page.

        Returns
        -------
        tuple of Notice
            One for each failure.
        """
        return tuple(Notice(f"Not fit to report: {text}", "error") for text in self.failures)


def without_numbers(values: Mapping[str, float]) -> tuple[str, ...]:
    """Name the numbers of a result that do not exist.

    Parameters
    ----------
    values : mapping of str to float
        What each is called, and its value.

    Returns
    -------
    tuple of str
        Empty where all are finite.
    """
    missing = [name for name, value in values.items() if not math.isfinite(value)]
    return (f"the data give no finite {', '.join(missing)}",) if missing else ()
