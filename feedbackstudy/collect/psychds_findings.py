"""The two kinds of Psych-DS findings: what makes a folder invalid, and what is recommended otherwise."""

from feedbackstudy.issues import Issue, Severity

__all__ = ["recommend", "refuse"]


def refuse(code: str, where: str, what: str, fix: str) -> Issue:
    """Return an error: the folder is no valid dataset.

    Parameters
    ----------
    code, where, what, fix : str
        As of `Issue`; the code without its room.

    Returns
    -------
    Issue
        An error.
    """
    why = "As it stands the folder is no valid Psych-DS dataset."
    return Issue(f"psychds.{code}", Severity.ERROR, where, what, why, fix)


def recommend(code: str, where: str, what: str, fix: str) -> Issue:
    """Return a warning: valid, but not as recommended.

    Parameters
    ----------
    code, where, what, fix : str
        As of `Issue`; the code without its room.

    Returns
    -------
    Issue
        A warning.
    """
    why = "Psych-DS recommends otherwise: it helps people who find the dataset without you."
    return Issue(f"psychds.{code}", Severity.WARNING, where, what, why, fix)
