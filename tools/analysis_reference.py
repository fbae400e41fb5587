"""Reference values of the analysis room: the table that tests check, and its page.

Run ``python -m tools.analysis_reference``. Each module of ``tools/analysis_cases`` has a function ``cases`` that
returns its reference values; a new module is found by itself.
"""

import importlib
import pkgutil

from feedbackstudy.files import write_atomic
from tools import analysis_cases
from tools.psychometrics_reference import ROOT, Case, row

PAGE = ROOT / "docs" / "analysis-reference.md"


def topics() -> tuple[str, ...]:
    """Return the names of all modules of cases, in order of the alphabet."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(analysis_cases.__path__)))


def cases(topic: str) -> tuple[Case, ...]:
    """Return the reference values of one topic.

    Parameters
    ----------
    topic : str
        Module of ``tools/analysis_cases``.

    Returns
    -------
    tuple of Case
        Reference values with the calls that answer them.
    """
    found: tuple[Case, ...] = importlib.import_module(f"tools.analysis_cases.{topic}").cases()
    return found


def page() -> str:
    """Return the page: one line for each reference value.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "# Reference values of the analysis room",
        "",
        "Written by `python -m tools.analysis_reference` from the tables that tests check; do not edit by hand.",
        "",
        "Where a row holds several values, the largest difference stands for all. *Allowed* is 1e-6 for values and "
        "1e-4 for p values and degrees of freedom, more where the reference itself stops a search or draws at random; "
        "the module of the topic in `tools/analysis_cases` says why. Data and calls: `tests/reference/`.",
    ]
    for topic in topics():
        known = cases(topic)
        for section in dict.fromkeys(case.section for case in known):
            lines += [
                "",
                f"## {section}",
                "",
                "| quantity | reference | feedbackstudy | difference | allowed | made by |",
                "|---|---|---|---|---|---|",
                *(row(case) for case in known if case.section == section),
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_atomic(PAGE, page())
