"""One typed door per untyped library, and the one list of third-party warnings that are silenced.

A wrapper calls its library inside ``with quiet("statsmodels"):``. The test suite, where warnings are errors, accepts
exactly the same list, so a user and a test see the same.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from feedbackstudy.errors import NotFoundError, choices

__all__ = ["KNOWN_WARNINGS", "KnownWarning", "noted", "quiet"]

_LIBRARIES = (
    "arviz",
    "diff_diff",
    "matplotlib",
    "nutpie",
    "pingouin",
    "pyfixest",
    "pymc",
    "pyreadstat",
    "seaborn",
    "statsmodels",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWarning:
    """A warning of somebody else's code that a user can do nothing about.

    Attributes
    ----------
    library : str
        The library whose wrapper silences it.
    category : type of Warning
        A built-in category; never `Warning` itself.
    module : str
        Regular expression that the name of the warning module must match from its start to its end.
    message : str
        Regular expression that the message must start with.
    link : str
        Where the cause is explained or being mended.
    """

    library: str
    category: type[Warning]
    module: str
    message: str
    link: str

    def filter_line(self) -> str:
        """Return the entry as a line of pytest's ``filterwarnings``.

        Returns
        -------
        str
            ``ignore:message:category:module``.
        """
        return f"ignore:{self.message}:{self.category.__name__}:{self.module}"


KNOWN_WARNINGS: tuple[KnownWarning, ...] = (
    # A name in another script: pictures keep text as text; the browser has the glyph that the measuring font lacks.
    KnownWarning(
        library="matplotlib",
        category=UserWarning,
        module=r"feedbackstudy\.report\.\w+",
        message=r"Glyph \d+ .*missing from",
        link="https://matplotlib.org/stable/users/explain/text/fonts.html#font-fallback",
    ),
    # The gates say the same of the same rows, and close.
    KnownWarning(
        library="arviz",
        category=UserWarning,
        module=r"arviz_stats\..*",
        message="Estimated shape parameter of Pareto distribution is greater than",
        link="https://mc-stan.org/loo/reference/loo-glossary.html",
    ),
    # pandas names its own class, Pandas4Warning, which derives from this one.
    KnownWarning(
        library="pingouin",
        category=DeprecationWarning,
        module=r"pingouin\..*",
        message="The inplace keyword in DataFrame",
        link="https://pandas.pydata.org/docs/dev/whatsnew/v3.1.0.html#deprecation-inplace",
    ),
    KnownWarning(
        library="pyfixest",
        category=DeprecationWarning,
        module=r"pyfixest\..*",
        message="The inplace keyword in",
        link="https://pandas.pydata.org/docs/dev/whatsnew/v3.1.0.html#deprecation-inplace",
    ),
)
"""Every silenced warning; a new one needs category, module, message and a link."""


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Silence the known warnings of one library, and no others, while the block runs.

    Parameters
    ----------
    library : str
        Name of the library, as in `KNOWN_WARNINGS`.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    NotFoundError
        For a library that has no wrapper.
    """
    if library not in _LIBRARIES:
        raise NotFoundError(choices("Library", library, _LIBRARIES))
    with warnings.catch_warnings():
        for known in KNOWN_WARNINGS:
            if known.library == library:
                warnings.filterwarnings("ignore", known.message, known.category, known.module)
        yield


@contextmanager
def noted(library: str) -> Iterator[list[str]]:
    """Collect what a library warns its user of as notes, so that a result can carry them; all else passes on.

    Parameters
    ----------
    library : str
        Name of the library, as for `quiet`.

    Yields
    ------
    list of str
        Filled when the block ends: each warning once, behind the library's name.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet(library):
            yield notes
    told: dict[str, None] = {}
    for warning in caught:
        if issubclass(warning.category, UserWarning | RuntimeWarning):
            told[" ".join(str(warning.message).split())] = None
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    notes += [f"{library.replace('_', '-')}: {text}" for text in told]
