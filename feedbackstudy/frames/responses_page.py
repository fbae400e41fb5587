"""What a table of responses shows of itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from feedbackstudy.render import Facts, Page, counted, number, table_of

if TYPE_CHECKING:
    from feedbackstudy.frames.responses import Responses

__all__ = ["responses_page"]


def responses_page(responses: "Responses", cells: Mapping[str, int]) -> Page:
    """Return what the table holds: rows by arm and occasion, cells by reason, the steps so far, what reading found.

    Parameters
    ----------
    responses : Responses
        The table.
    cells : mapping of str to int
        Reason -> number of cells.

    Returns
    -------
    Page
        Ready to render.
    """
    reversed_upstream = responses.already_reversed
    stated = "nobody has said" if reversed_upstream is None else ", ".join(sorted(reversed_upstream))
    facts = Facts(
        (
            ("participants", number(responses.n_participants)),
            ("items", number(len(responses.items))),
            *((f"cells {label.replace('_', ' ')}", number(count)) for label, count in cells.items()),
            ("reversed upstream", stated or "none: all answers as given"),
        )
    )
    by_arm = responses.frame[["arm", "occasion"]].value_counts(sort=False).reset_index(name="rows")
    rows = [{str(k): v for k, v in row.items()} for row in by_arm.to_dict("records")]
    return Page(
        title="Responses",
        subtitle=f"{counted(len(responses), 'row')}, one per participant and occasion",
        blocks=(
            facts,
            table_of(rows, caption="Rows by arm and occasion"),
            *responses.ledger.page().blocks,
            *(responses.issues.page().blocks if responses.issues else ()),
        ),
    )
